"""`gapbridge gap pull`, `pulls`, `schedule`: linking domains from a paid tool's API, priced before it is asked."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from app.commands.gap import gap

_Site = Annotated[str, typer.Argument(help="The site: its number, its name or one of its domains.")]
_From = Annotated[str, typer.Option("--provider", help="ahrefs, semrush, moz, majestic, dataforseo or se-ranking.")]
_Rows = Annotated[int, typer.Option(help="Referring domains to ask for, for each target.")]


def attach(_cli: typer.Typer) -> None:
    """Add the commands to the group `gap`."""
    gap.command("pull")(pull_command)
    gap.command("pulls")(pulls_command)
    gap.command("schedule")(schedule_command)


def pull_command(
    site: _Site,
    *,
    provider: _From,
    rows: _Rows = 500,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what it would cost at most, and ask nobody.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before spending.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Pull the referring domains of the site and its competitors, and bring the pipeline up to date."""
    from app.container import Container
    from app.gaps import pulls, service
    from app.settings import load_settings

    container = Container(load_settings())
    try:
        with container.db.read() as uow:
            site_id = service.site_by_text(uow, site)
            planned = pulls.plan(uow, container.settings, site_id, provider, rows)
        price = f"at most {planned.cost:,.10g} {planned.unit} for {len(planned.targets)} domains, {rows:,} rows each"
        budget = "no budget is set" if planned.left is None else f"{planned.left:,.10g} of this month's budget are left"
        if estimate:
            shown = {
                "provider": provider,
                "targets": planned.targets,
                "cost": planned.cost,
                "unit": planned.unit,
                "left": planned.left,
            }
            typer.echo(json.dumps(shown) if as_json else f"{provider}: {price}; {budget}.")
            return
        if not yes:
            typer.confirm(f"{provider}: {price}; {budget}. Go on?", abort=True)
        done = pulls.pull(container, site_id, provider, rows, actor="command line")
    finally:
        container.close()
    typer.echo(
        json.dumps(done)
        if as_json
        else f"{done['rows']:,} rows for {done['cost']:,.10g} {done['unit']}; {done['gaps']:,} gaps, {done['added']:,} prospects added"
    )


def pulls_command(site: _Site) -> None:
    """What was pulled for a site, and what it cost."""
    from app.container import Container
    from app.gaps import pulls, service
    from app.settings import load_settings

    container = Container(load_settings())
    try:
        with container.db.read() as uow:
            for one in pulls.pulls_of(uow, service.site_by_text(uow, site)):
                end = f"failed: {one.error}" if one.error else f"{one.rows:,} rows{', capped' if one.capped else ''}"
                typer.echo(
                    f"{one.started_at:%Y-%m-%d %H:%M} {one.provider} {one.target}: {one.state.value}, {one.cost:,.10g}, {end}"
                )
    finally:
        container.close()


def schedule_command(
    site: _Site,
    *,
    provider: _From,
    rows: _Rows = 500,
    every: Annotated[int, typer.Option(help="Days between two pulls; 0 stops them.")] = 30,
) -> None:
    """Let a pull repeat by itself, within the provider's monthly budget."""
    from app.container import Container
    from app.gaps import pulls, service
    from app.settings import load_settings

    container = Container(load_settings())
    try:
        with container.db.work() as uow:
            site_id = service.site_by_text(uow, site)
            if every == 0:
                pulls.unschedule(uow, site_id, provider)
                typer.echo(f"{provider} is not asked by itself any more")
                return
            row = pulls.schedule(
                uow, container.settings, site_id, provider, rows=rows, every_days=every, actor="command line"
            )
            typer.echo(f"{provider} is asked every {row.every_days} days, next at {row.due_at:%Y-%m-%d %H:%M} UTC")
    finally:
        container.close()
