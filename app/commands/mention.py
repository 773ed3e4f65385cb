"""`gapbridge mention`: pages that may name us, out of lists and searches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands import ACTOR
from app.commands.operate import JsonOption, installation

SiteArgument = Annotated[int, typer.Argument(help="Id of the site.", min=1)]


def attach(cli: typer.Typer) -> None:
    """Add the group `mention`."""
    group = typer.Typer(help="Pages that may name you without a link.")
    group.callback()(_group)
    group.command("import")(import_list)
    group.command("snapshots")(from_snapshots)
    group.command("search")(search)
    cli.add_typer(group, name="mention")


def _group() -> None:
    """Pages that may name you without a link."""


def import_list(
    site: SiteArgument,
    file: Annotated[
        Path, typer.Argument(help="CSV with a column of page addresses (url, page url, mention url, ...).")
    ],
    page: Annotated[str | None, typer.Option("--page", help="Header of the column with the page's address.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Take the pages of a mention tool's list. Each is read by a worker before anything is said about it."""
    from app.errors import BadInput
    from app.mentions import lists

    if not file.is_file():
        raise BadInput(f"there is no file {file}")
    mapping = {"page": page} if page else None
    with installation() as container:
        _say(lists.take_file(container.db, site, file, actor=ACTOR, mapping=mapping), as_json)


def from_snapshots(site: SiteArgument, as_json: JsonOption = False) -> None:
    """Take the rows that imported exports mark as a mention without a link (Majestic does)."""
    from app.mentions import snapshots

    with installation() as container, container.db.work() as uow:
        _say(snapshots.take(uow, container.settings, site, actor=ACTOR), as_json)


def search(
    site: SiteArgument,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be asked, and what it costs.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Ask the configured search provider for pages that name a site. Their domains become prospects."""
    from app.mentions import asking, searching
    from app.sites import service as sites

    with installation() as container:
        with container.db.read() as look:
            queries = asking.queries_of(sites.get(look, site))
            budget = asking.budget(look, container.settings)
        cost = None if budget.cost is None else round(budget.cost * len(queries), 4)
        if dry_run:
            plan = {"provider": budget.provider, "queries": queries, "cost": cost, "left_today": budget.left}
            if as_json:
                typer.echo(json.dumps(plan, ensure_ascii=False, indent=2))
                return
            typer.echo(f"{budget.provider} would be asked {len(queries)} times, {_price(cost)}:")
            typer.echo("\n".join(f"  {query}" for query in queries))
            typer.echo(f"{budget.left} of the {budget.a_day} requests of this day (UTC) are left.")
            return
        done = searching.search_site(container.db, container.settings, site, actor=ACTOR)
        _say(done.taken, as_json, requests=done.requests, cost=done.cost)


def _price(cost: float | None) -> str:
    return "what that costs is not known (GAPBRIDGE_SEARCH_COST)" if cost is None else f"for {cost:g}"


def _say(taken: Any, as_json: bool, **more: Any) -> None:
    if as_json:
        told = {"taken": taken.taken, "known": taken.known, "prospects": taken.prospects}
        rejected = [{"line": line, "reason": reason} for line, reason, _ in taken.rejected]
        typer.echo(json.dumps({**told, "rejected_count": taken.rejected_count, "rejected": rejected, **more}, indent=2))
        return
    if more:
        typer.echo(f"{more['requests']} requests, {_price(more['cost'])}")
    typer.echo(
        f"{taken.taken} pages to read, {taken.known} known already, {taken.prospects} new prospects, "
        f"{taken.rejected_count} not taken"
    )
    for line, reason, _ in taken.rejected[:20]:
        typer.echo(f"  line {line}: {reason}")
