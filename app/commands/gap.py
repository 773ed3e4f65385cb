"""`gapbridge gap`: from exports to a ranked table of links that can be won."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands import ACTOR
from app.errors import BadInput

gap = typer.Typer(no_args_is_help=True, help="Who links to your competitors and not to you.")


def attach(cli: typer.Typer) -> None:
    """Add the group to the command line."""
    cli.add_typer(gap, name="gap")


@gap.callback()
def _group() -> None:
    """Who links to your competitors and not to you."""


@gap.command("analyze")
def analyze_command(
    *,
    out: Annotated[Path, typer.Option(help="Where the gap table goes: .csv, .json or .parquet.")],
    ours: Annotated[list[Path] | None, typer.Option(help="An export of our own links; may be repeated.")] = None,
    competitor: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DOMAIN=FILE", help="An export of a competitor's links; may be repeated, also for one domain."
        ),
    ] = None,
    own_domain: Annotated[
        list[str] | None, typer.Option(help="One of our domains, old ones too; names our column in a Semrush gap file.")
    ] = None,
    format: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[FILE=]FORMAT",
            help="The format of all files, or of one, where it cannot be seen from them; may be repeated.",
        ),
    ] = None,
    map: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=HEADER", help="For tables of no tool: which column holds which field."),
    ] = None,
    language: Annotated[
        list[str] | None,
        typer.Option(
            help="A language of our site (en); pages in none of them are removed. Without it no language is asked for."
        ),
    ] = None,
    sister: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COMPETITOR=DOMAIN",
            help="Another domain of a competitor's house, which is no gap; may be repeated.",
        ),
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="A removal that is not to be applied (directory, ...); may be repeated.")
    ] = None,
    min_authority: Annotated[float, typer.Option(help="Domain rating (of Ahrefs) that the baseline counts with.")] = 50,
    min_traffic: Annotated[int, typer.Option(help="Monthly visits that the baseline counts with.")] = 1_000,
    pages: Annotated[
        Path | None,
        typer.Option(help="Where every page that links to a competitor goes, the best of each site first, as CSV."),
    ] = None,
    winnability: Annotated[
        Path | None,
        typer.Option(help="Where each gap's chance goes, with its parts and what they were seen by, as JSON lines."),
    ] = None,
    pages_of_ours: Annotated[
        Path | None,
        typer.Option(
            help="Our pages, to tell which fits each gap: CSV with url, title, topic, summary, language, or JSON."
        ),
    ] = None,
    fit: Annotated[
        Path | None,
        typer.Option(help="Where the topic fit of each gap goes, with the shared words, as JSON lines."),
    ] = None,
    min_fit: Annotated[
        int | None, typer.Option(min=0, max=100, help="Topic fit that the baseline counts with, 0 to 100.")
    ] = None,
    matrix: Annotated[
        Path | None,
        typer.Option(help="Where the overlap matrix goes: how many gaps link to both of two competitors, as CSV."),
    ] = None,
    rejects: Annotated[
        Path | None,
        typer.Option(help="Where the rejected rows go, as CSV: file, line, reason and the row's beginning."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Rank the domains that link to competitors and not to us, from exports alone; no database is touched."""
    from functools import partial

    from app.clock import SystemClock
    from app.gaps import closeup, judging
    from app.gaps.analyze import analyze
    from app.gaps.careful import KEEP
    from app.gaps.export import check_file, check_out, write_gap
    from app.gaps.report import write_rejects
    from app.gaps.summary import Floors

    check_out(out)
    for place, option in (
        (rejects, "--rejects"),
        (pages, "--pages"),
        (winnability, "--winnability"),
        (matrix, "--matrix"),
        (fit, "--fit"),
    ):
        check_file(place, option)
    if pages_of_ours is None and (fit or min_fit is not None):
        raise BadInput("--fit and --min-fit compare with our pages: give them with --pages-of-ours FILE.")
    files = [_competitor(text) for text in competitor or []]
    mapping = dict(_pair(text) for text in map or [])
    ours_of_site = judging.our_pages(pages_of_ours, language or []) if pages_of_ours else ()
    with analyze(
        ours or [],
        files,
        own_domains=own_domain or [],
        formats=dict(_format(text) for text in format or []),
        mapping=mapping,
        keep=keep or [],
        languages=language or [],
        sisters=[_sister(text) for text in sister or []],
        floors=Floors(min_authority, min_traffic, fit=min_fit, languages=tuple(language or ())),
        our_pages=ours_of_site,
        today=SystemClock().now().date(),
    ) as analysis:
        write_gap(analysis.engine, out)
        look = partial(closeup.pages, analysis.engine, analysis.links, analysis.competitors)
        if pages:
            closeup.write_pages(look(), pages)
        if winnability:
            closeup.write_winnability(look(), winnability)
        if fit:
            judging.write_fits(analysis.engine, fit)
        if matrix:
            closeup.write_matrix(analysis.engine, analysis.competitors, matrix)
        if rejects:
            write_rejects([(one.file, one.as_dict(KEEP)["rejected"]) for one in analysis.files], rejects)
        summary = {**analysis.summary, "out": str(out)}
    if as_json:
        typer.echo(json.dumps(summary, ensure_ascii=False, indent=2))
    else:
        print_summary(summary)


@gap.command("import")
def import_command(
    site: Annotated[str, typer.Argument(help="The site: its number, its name or one of its domains.")],
    files: Annotated[list[Path], typer.Argument(help="Exports of our own links and of competitors' links.")],
    *,
    target: Annotated[
        str | None, typer.Option(help="Whose links the files hold, where they do not say it themselves.")
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="The format of all files, where it cannot be seen from them.")
    ] = None,
    map: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=HEADER", help="For --format generic: which column holds which field."),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="YYYY-MM-DD", help="The day on which the tool made the files, where their names do not say it."
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            help="A removal (directory, ...) or gate (paid) that this site takes back from now on; may be repeated."
        ),
    ] = None,
    rejects: Annotated[
        Path | None,
        typer.Option(help="Where the rejected rows go, as CSV: file, line, reason and the row's beginning."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the reports and the summary as JSON.")] = False,
) -> None:
    """Import exports into a site, compute its gap anew and bring the pipeline up to date."""
    from app.container import Container
    from app.gaps import service
    from app.gaps.export import check_file
    from app.gaps.report import write_rejects
    from app.settings import load_settings

    check_file(rejects, "--rejects")
    mapping = dict(_pair(text) for text in map or [])
    day = _day(as_of)
    container = Container(load_settings())
    try:
        with container.db.read() as uow:
            site_id = service.site_by_text(uow, site)
        imported, counts, summary = service.import_and_refresh(
            container.db,
            site_id,
            files,
            folder=service.snapshot_folder(container.settings),
            target=target,
            format=format,
            mapping=mapping,
            as_of=day,
            actor=ACTOR,
            keep=keep or [],
        )
    finally:
        container.close()
    if rejects:
        write_rejects([(one.snapshots[0].filename, one.snapshots[0].report["rejected"]) for one in imported], rejects)
    if as_json:
        reports = [{**one.snapshots[0].report, "again": one.again} for one in imported]
        typer.echo(json.dumps({"imported": reports, "prospects": counts, "gap": summary}, ensure_ascii=False, indent=2))
        return
    print_summary(summary)
    for one in imported:
        first = one.snapshots[0]
        state = (
            "known already, not imported again" if one.again else f"{first.rows_taken:,} of {first.rows_read:,} rows"
        )
        typer.echo(f"{first.filename}: {state}")
    typer.echo(
        "Prospects: " + ", ".join(f"{counts[name]:,} {name}" for name in ("added", "updated", "closed", "removed"))
    )


def _competitor(text: str) -> tuple[str | None, Path]:
    name, equals, file = text.partition("=")
    if not equals or Path(text).exists() or "/" in name:
        return None, Path(text)
    return name, Path(file)


def _format(text: str) -> tuple[Path | None, str]:
    file, equals, name = text.rpartition("=")
    return (Path(file) if equals else None), name


def _pair(text: str) -> tuple[str, str]:
    from app.gaps.profiles import FIELD_TYPES

    field, equals, header = text.partition("=")
    if not equals or field not in FIELD_TYPES:
        raise BadInput(f"--map {text}: write FIELD=HEADER, with one of the fields {', '.join(FIELD_TYPES)}.")
    return field, header


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadInput(f"--as-of {text}: write the day as 2026-05-31.") from None


def _sister(text: str) -> tuple[str, str]:
    competitor, equals, domain = text.partition("=")
    if not equals or not domain:
        raise BadInput(
            f"--sister {text}: write COMPETITOR=DOMAIN, with one of the competitors and another domain of its house."
        )
    return competitor, domain


def _print_judgements(console: Any, summary: dict[str, Any]) -> None:
    for title, name in (
        ("Chances", "winnability"),
        ("Gates", "gates"),
        ("Topics", "fits"),
        ("Languages by", "language_sources"),
    ):
        if name in summary:
            counted = ", ".join(f"{key} {count:,}" for key, count in summary[name].items()) or "none"
            console.print(f"{title}: {counted}", markup=False)


def print_summary(summary: dict[str, Any]) -> None:
    """The account for people: each file, each competitor, tiers, classes, removals, filters, notes."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    for one in summary["files"]:
        by_hand = " (by hand)" if one["format_by"] == "hand" else ""
        counts = ", ".join(f"{one[f'rows_{name}']:,} {name}" for name in ("read", "taken", "lost", "rejected"))
        told = [one["format"] + by_hand, (one["target"] or "no target").replace("|", " "), one["as_of"] or "no date"]
        console.print(f"{Path(one['file']).name}: {', '.join(told)}; rows: {counts}", markup=False)
    for one in summary["files"]:
        for reject in one["rejected"][:5]:
            console.print(f"  {Path(one['file']).name}, line {reject['line']}: {reject['why']}", markup=False)
        if one["rows_rejected"] > 5:
            console.print(
                f"  {Path(one['file']).name}: {one['rows_rejected']:,} rejected rows in all; --rejects FILE lists them",
                markup=False,
            )
    for one in summary["competitors"]:
        console.print(
            f"{one['domain']}: {one['source_domains']:,} linking domains ({one['share']:.0%} of all seen)", markup=False
        )
    tiers = ", ".join(f"tier {tier}: {count:,}" for tier, count in summary["tiers"].items()) or "none"
    console.print(f"Gaps: {summary['gaps']:,} ({tiers})", style="bold", markup=False)
    for title, name in (("Classes", "classes"), ("Removed", "removed")):
        console.print(
            f"{title}: " + (", ".join(f"{key} {count:,}" for key, count in summary[name].items()) or "none"),
            markup=False,
        )
    _print_judgements(console, summary)
    for rule, rows in summary["removed_examples"].items():
        console.print(f"  {rule}: {rows[0]['domain']} ({rows[0]['seen']})", markup=False)
    for name, counted in summary["filters"].items():
        console.print(
            f"{name}: {counted['passes']:,} pass, {counted['fails']:,} fail, {counted['unknown']:,} not known; "
            f"{summary['fails_only'][name]:,} fail only here",
            markup=False,
        )
    if summary["linked_one_level_up"]["count"]:
        console.print(
            f"{summary['linked_one_level_up']['count']:,} gaps sit on a platform where somebody else links to us"
        )
    for one in summary["look_alikes"]["examples"]:
        console.print(f"look-alike: {one['domain']} is {one['why']}", markup=False)
    for note in summary["notes"]:
        console.print(f"note: {note}", style="yellow", markup=False)
    if "out" in summary:
        console.print(f"Written: {summary['out']} ({summary['rows']:,} rows)", markup=False)
