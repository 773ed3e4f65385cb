"""`gapbridge gap accounts`, `pull`, `pulls`, `schedule`: linking domains from a paid tool's API, priced before it is asked."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from app.commands import ACTOR
from app.commands.gap import gap

_Site = Annotated[str, typer.Argument(help="The site: its number, its name or one of its domains.")]
_From = Annotated[str, typer.Option("--provider", help="ahrefs, semrush, moz, majestic, dataforseo or se-ranking.")]
_Rows = Annotated[int, typer.Option(help="Referring domains to ask for, for each target.")]


def attach(_cli: typer.Typer) -> None:
    """Add the commands to the group `gap`."""
    gap.command("accounts")(accounts_command)
    gap.command("pull")(pull_command)
    gap.command("pulls")(pulls_command)
    gap.command("schedule")(schedule_command)


def accounts_command(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Which providers are set up, their budget of this month and what is left of it."""
    from app.container import Container
    from app.gaps import prices
    from app.settings import load_settings

    container = Container(load_settings())
    try:
        with container.db.read() as uow:
            found = prices.accounts(uow, container.settings)
    finally:
        container.close()
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found]))
        return
    for one in found:
        money = f"{one.spent:,.10g} {one.unit} this month"
        if one.budget is not None:
            money += f", {one.left:,.10g} of {one.budget:,.10g} are left"
        typer.echo(f"{one.provider}: " + (f"not set up ({', '.join(one.missing)})" if one.missing else money))


def pull_command(
    site: _Site,
    *,
    provider: _From,
    rows: _Rows = 500,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what it would cost at most, and ask nobody.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before spending.")] = False,
    later: Annotated[bool, typer.Option("--later", help="Leave the work to the workers.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Pull the referring domains of the site and its competitors, and bring the pipeline up to date."""
    from app.container import Container
    from app.gaps import asked_pulls, prices, pulls, service
    from app.settings import load_settings

    container = Container(load_settings())
    try:
        with container.db.read() as uow:
            site_id = service.site_by_text(uow, site)
            planned = prices.plan(uow, container.settings, site_id, provider, rows)
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
        planned.affordable()
        if later:
            with container.db.work() as uow:
                job = asked_pulls.ask(uow, container.settings, site_id, provider, rows, most=planned.cost, actor=ACTOR)
                told = {"job": job.id}
            typer.echo(json.dumps(told) if as_json else f"A worker pulls; follow it at /imports/jobs/{told['job']}")
            return
        done = pulls.pull(container, site_id, provider, rows, actor=ACTOR, most=planned.cost)
    finally:
        container.close()
    typer.echo(
        json.dumps(done)
        if as_json
        else f"{done['rows']:,} rows for {done['cost']:,.10g} {done['unit']}; {done['gaps']:,} gaps, {done['added']:,} prospects added"
    )


def pulls_command(site: _Site) -> None:
    """What is pulled for a site by itself, what was pulled, and what it cost."""
    from app.container import Container
    from app.gaps import pulls, schedules, service
    from app.settings import load_settings

    container = Container(load_settings())
    try:
        with container.db.read() as uow:
            site_id = service.site_by_text(uow, site)
            for row in schedules.schedules_of(uow, site_id):
                state = "; paused" if row.paused_at else ""
                state += f"; the last one failed: {row.last_error}" if row.last_error else ""
                typer.echo(
                    f"{row.provider} is asked every {row.every_days} days for {row.rows:,} rows a domain, "
                    f"next at {row.due_at:%Y-%m-%d %H:%M} UTC{state}"
                )
            for one in pulls.pulls_of(uow, site_id):
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
    pause: Annotated[bool, typer.Option("--pause", help="Let the pulls rest.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="End the rest.")] = False,
) -> None:
    """Let a pull repeat by itself, within the provider's monthly budget."""
    from app.container import Container
    from app.gaps import schedules, service
    from app.settings import load_settings

    container = Container(load_settings())
    try:
        with container.db.work() as uow:
            site_id = service.site_by_text(uow, site)
            if pause or resume:
                verb = schedules.pause if pause else schedules.resume
                row = verb(uow, schedules.find(uow, site_id, provider).id, actor=ACTOR)
                typer.echo(
                    f"{provider} rests"
                    if row.paused_at
                    else f"{provider} is asked again, next at {row.due_at:%Y-%m-%d %H:%M} UTC"
                )
                return
            if every == 0:
                schedules.unschedule(uow, schedules.find(uow, site_id, provider).id, actor=ACTOR)
                typer.echo(f"{provider} is not asked by itself any more")
                return
            row = schedules.schedule(
                uow, container.settings, site_id, provider, rows=rows, every_days=every, actor=ACTOR
            )
            typer.echo(f"{provider} is asked every {row.every_days} days, next at {row.due_at:%Y-%m-%d %H:%M} UTC")
    finally:
        container.close()
