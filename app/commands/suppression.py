"""`gapbridge suppression`: who must not be written to, by hand and by file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.commands import ACTOR
from app.commands.operate import JsonOption, installation
from app.errors import BadInput, FieldProblem, NotAllowed, NotFound
from app.models import SuppressionKind

if TYPE_CHECKING:
    from app.models import Suppression

SiteOption = Annotated[int | None, typer.Option(help="Only for this site (its id); default: for every site.")]
KindOption = Annotated[
    SuppressionKind | None, typer.Option(help="What VALUE is; default: read off its form (a `*` makes a pattern).")
]


def attach(cli: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Who must not be written to.")
    group.command("add")(add)
    group.command("remove")(remove)
    group.command("list")(list_rules)
    group.command("import")(import_list)
    group.command("export")(export_list)
    group.command("test")(try_address)
    cli.add_typer(group, name="suppression")


def _kind(value: str, kind: SuppressionKind | None) -> SuppressionKind:
    if kind is not None:
        return kind
    if "*" in value or "?" in value:
        return SuppressionKind.PATTERN
    return SuppressionKind.ADDRESS if "@" in value[1:] else SuppressionKind.DOMAIN


def add(
    value: Annotated[str, typer.Argument(help="An address, a domain, or a pattern such as '*@press.example.com'.")],
    reason: Annotated[str, typer.Option(help="Why; shown wherever the rule stops a mail.")] = "asked",
    kind: KindOption = None,
    site: SiteOption = None,
) -> None:
    """Never write to them again. Doing it twice keeps the first."""
    from app.prospects import suppression

    with installation() as container, container.db.work() as uow:
        made = suppression.suppress(
            uow,
            container.vault,
            value,
            kind=_kind(value, kind),
            reason=reason[:64],
            source=ACTOR,
            actor=ACTOR,
            site_id=site,
        )
        typer.echo(f"suppression {made.id}: {made.kind.value} {made.value}, {made.reason}")


def remove(
    which: Annotated[str, typer.Argument(help="The id of a rule, or its value.")],
    reason: Annotated[str, typer.Option(help="Why it may be removed; it is kept.")],
    by: Annotated[
        str | None,
        typer.Option(help="The lead who answers for it (an address of the team): needed to lift an unsubscribe."),
    ] = None,
    kind: KindOption = None,
    site: SiteOption = None,
) -> None:
    """Take a rule away, on record. An unsubscribe, a complaint or an erasure is lifted by a lead only."""
    from app.prospects import suppression

    with installation() as container, container.db.work() as uow:
        if which.isdigit():
            rule_id = int(which)
        else:
            found = suppression.find(uow.session, container.vault, _kind(which, kind), which, site)
            if found is None:
                raise NotFound("there is no such rule; `gapbridge suppression test` says which rule stops an address")
            rule_id = found.id
        suppression.remove(uow, rule_id, reason=reason, actor=by or ACTOR, is_lead=_is_lead(uow, by))
    typer.echo("removed; the removal and its reason are kept")


def _is_lead(uow: Any, by: str | None) -> bool:
    from app.models import Role
    from app.team import users

    if by is None:
        return False
    person = users.by_email(uow, by)
    if person is None or not person.active or person.role not in (Role.LEAD, Role.OPERATOR):
        raise NotAllowed(f"{by} is no lead or operator of this installation")
    return True


def list_rules(
    site: SiteOption = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List the rules, newest first."""
    from app.prospects import suppression

    with installation() as container, container.db.read() as look:
        _print(suppression.newest(look.session, site_id=site, limit=limit), as_json)


def _print(rules: list[Suppression], as_json: bool) -> None:
    told = [
        {
            "id": rule.id,
            "kind": rule.kind.value,
            "value": rule.value,
            "site_id": rule.site_id,
            "reason": rule.reason,
            "source": rule.source,
            "created_by": rule.created_by,
            "created_at": rule.created_at.isoformat(),
        }
        for rule in rules
    ]
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    for rule in told:
        where = "every site" if rule["site_id"] is None else f"site {rule['site_id']}"
        typer.echo(
            f"{rule['id']}  {rule['kind']}  {rule['value'] or '(erased)'}  {where}  {rule['reason']}  {rule['source']}"
        )


def import_list(
    file: Annotated[Path, typer.Argument(help="A CSV file of any layout, or a list with one entry on each line.")],
    reason: Annotated[str, typer.Option(help="For rows that do not say theirs.")] = "imported",
    site: SiteOption = None,
    mapping: Annotated[
        str | None, typer.Option("--map", help="Columns by header or number, such as value=Adresse,reason=3.")
    ] = None,
    rejects: Annotated[Path | None, typer.Option(help="Write every rejected row to this CSV file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Take a list in. Importing the same file twice changes nothing. Exit code 1 when rows were rejected."""
    import csv
    from contextlib import ExitStack

    from app.cells import neutral
    from app.prospects import suppression_files as files

    named = _mapping(mapping)
    with installation() as container, ExitStack() as stack:
        on_rejected = None
        if rejects is not None:
            writer = csv.writer(stack.enter_context(rejects.open("w", encoding="utf-8", newline="")))
            writer.writerow(["line", "value", "problem"])

            def on_rejected(row: files.Rejected) -> None:
                writer.writerow([row.line, neutral(row.value), row.problem])

        report = files.import_file(
            container.db,
            container.vault,
            file,
            files.Defaults(reason=reason[:64], source=file.name[:200], actor=ACTOR, site_id=site),
            mapping=named,
            on_rejected=on_rejected,
        )
    if as_json:
        typer.echo(json.dumps(report.as_dict(), indent=2))
    else:
        columns = ", ".join(f"{known} from '{head}'" for known, head in report.columns.items())
        typer.echo(f"{file}: {report.rows} rows ({columns})")
        typer.echo(f"{report.added} added, {report.known} known already, {report.rejected_count} rejected")
        for row in report.rejected[:20]:
            typer.echo(f"  line {row.line}: {row.value}: {row.problem}", err=True)
        if report.rejected_count > 20:
            typer.echo(f"  and {report.rejected_count - 20} more; --rejects FILE writes them all", err=True)
    if report.rejected_count:
        raise typer.Exit(1)


def _mapping(text: str | None) -> dict[str, str] | None:
    if not text:
        return None
    pairs = [pair.partition("=") for pair in text.split(",")]
    if any(not equals or not name.strip() or not head.strip() for name, equals, head in pairs):
        raise BadInput("--map cannot be read", FieldProblem("map", "Write FIELD=HEADER, separated by commas"))
    return {name.strip(): head.strip() for name, _, head in pairs}


def export_list(
    out: Annotated[Path, typer.Argument(help="Where to write: .csv, or .jsonl for one JSON object a line.")],
    site: SiteOption = None,
) -> None:
    """Write the whole list to a file. In CSV no cell can act as a formula; erased rules have their key and no value."""
    from app.prospects import suppression_files as files

    writers = {".csv": files.write_csv, ".jsonl": files.write_json, ".ndjson": files.write_json}
    write = writers.get(out.suffix.lower())
    if write is None:
        raise BadInput(f"{out}: the suffix says the format; use .csv or .jsonl")
    with installation() as container, out.open("w", encoding="utf-8", newline="") as stream:
        count = write(files.export_rows(container.db, site_id=site), stream)
    typer.echo(f"{count} rules in {out}")


def try_address(
    address: Annotated[str, typer.Argument(help="An address.")],
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which rules stop an address. Exit code 0: it may be written to; 1: it may not."""
    from app.prospects import suppression

    with installation() as container, container.db.read() as look:
        found = suppression.rules_against(look.session, container.vault, address, site)
        if as_json:
            _print(found, True)
        elif not found:
            typer.echo("no rule matches: this address may be written to")
        else:
            for rule in found:
                typer.echo(f"rule {rule.id}: {suppression.sentence(rule)}")
    if found:
        raise typer.Exit(1)
