"""`gapbridge outbox` and `gapbridge pacing`: what waits and why, and how mail is paced."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated

import typer

from app.commands import ACTOR
from app.commands.operate import JsonOption, installation
from app.domain.delivery import OutboundState

WindowOption = Annotated[
    str | None, typer.Option(help="Such as 09:00-17:00 in the recipient's time, or always; left out: not set here.")
]


def attach(cli: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="See what waits in the outbox, and why.")
    group.command("list")(waiting)
    group.command("why")(why)
    cli.add_typer(group, name="outbox")
    group = typer.Typer(no_args_is_help=True, help="Set caps, hours and ramps.")
    group.command("site")(site)
    group.command("mailbox")(mailbox)
    group.command("prospect")(prospect)
    cli.add_typer(group, name="pacing")


def waiting(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many messages at most.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List what waits, newest first, with the reason and the time when it goes."""
    from app.outbox import service
    from app.reports import mail

    with installation() as container, container.db.read() as look:
        rows = []
        for row, domain in mail.outbox(look, states=(OutboundState.QUEUED,), limit=limit):
            skip = service.why_waiting(look, row, container.settings)
            rows.append(
                {
                    "id": row.id,
                    "domain": domain,
                    "kind": row.kind.value,
                    "reason": skip.reason if skip else None,
                    "why": skip.sentence if skip else None,
                    "goes": skip.until if skip else None,
                }
            )
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for line in rows:
        typer.echo(f"{line['id']}  {line['domain']}  {line['kind']}  {line['goes'] or '-'}  {line['why']}")
    if not rows:
        typer.echo("nothing waits", err=True)


def why(outbound_id: Annotated[int, typer.Argument(help="The message.")], as_json: JsonOption = False) -> None:
    """Say in one sentence why a message waits, and when it goes."""
    from app.outbox import service

    with installation() as container, container.db.read() as look:
        row = service.get(look, outbound_id)
        skip = service.why_waiting(look, row, container.settings)
    if as_json:
        typer.echo(
            json.dumps({"id": outbound_id, "state": row.state.value} | (dataclasses.asdict(skip) if skip else {}))
        )
    elif skip is None:
        typer.echo(f"it does not wait: it is {row.state.value.lower()}")
    else:
        typer.echo(skip.sentence + (f"; it goes at {skip.until}" if skip.until else ""))


def site(
    site_id: Annotated[int, typer.Argument(help="The site.")],
    window: WindowOption = None,
    daily_cap: Annotated[int | None, typer.Option(help="Pitches and follow-ups a day (UTC).")] = None,
    cooldown_days: Annotated[int | None, typer.Option(help="Days before a domain is pitched again.")] = None,
) -> None:
    """Pace a site; what is left out is as the installation's settings have it."""
    from app.outbox import pacing

    with installation() as container, container.db.work() as uow:
        row = pacing.set_site(
            uow, container.settings, site_id, window=window, daily_cap=daily_cap, cooldown_days=cooldown_days
        )
        typer.echo(json.dumps(row.model_dump()))


def mailbox(
    email: Annotated[str, typer.Argument(help="The mailbox.")],
    daily_cap: Annotated[int | None, typer.Option(help="Messages a day at most.")] = None,
    gap_min_seconds: Annotated[int | None, typer.Option(help="Least time between two messages.")] = None,
    gap_max_seconds: Annotated[int | None, typer.Option(help="Most time between two messages that wait.")] = None,
    ramp_start: Annotated[int | None, typer.Option(help="Messages on its first day; 0: no ramp.")] = None,
    ramp_step: Annotated[int | None, typer.Option(help="Messages more after each day of sending.")] = None,
    language: Annotated[str | None, typer.Option(help="What it writes, such as de; any: every language.")] = None,
    sites: Annotated[str | None, typer.Option(help="Sites that it sends for, such as 1,4; all: every site.")] = None,
) -> None:
    """Show how a mailbox is paced, after changing what is given."""
    from app.errors import BadInput, FieldProblem
    from app.mail import accounts
    from app.outbox import pacing

    with installation() as container, container.db.work() as uow:
        mailbox_id = accounts.find(uow.session, email).id
        now = pacing.of_mailbox(uow, mailbox_id)
        try:
            site_ids = (
                now.site_ids if sites is None else () if sites == "all" else [int(one) for one in sites.split(",")]
            )
        except ValueError:
            problem = FieldProblem("--sites", f"'{sites}' is no list of numbers such as 1,4, and not `all`")
            raise BadInput("The sites cannot be read.", problem) from None
        changed = pacing.set_mailbox(
            uow,
            mailbox_id,
            daily_cap=now.daily_cap if daily_cap is None else daily_cap,
            gap_min_seconds=now.gap_min_seconds if gap_min_seconds is None else gap_min_seconds,
            gap_max_seconds=now.gap_max_seconds if gap_max_seconds is None else gap_max_seconds,
            ramp_start=now.ramp_start if ramp_start is None else ramp_start or None,
            ramp_step=now.ramp_step if ramp_step is None else ramp_step,
            language=now.language if language is None else None if language == "any" else language,
            site_ids=site_ids,
        )
        typer.echo(json.dumps(dataclasses.asdict(changed)))


def prospect(
    prospect_id: Annotated[int, typer.Argument(help="The prospect.")],
    country: Annotated[str | None, typer.Option(help="ISO 3166-1 code, such as DE.")] = None,
    zone: Annotated[str | None, typer.Option(help="IANA name, such as Europe/Berlin.")] = None,
    window: WindowOption = None,
    rules: Annotated[bool, typer.Option("--by-rules", help="Forget what was set; the rules say it again.")] = False,
) -> None:
    """Show when mail to a prospect leaves and how that is known, after setting what is given."""
    from app.outbox import pacing

    with installation() as container, container.db.work() as uow:
        if country or zone or window or rules:
            pacing.set_hours_of_prospect(
                uow, container.settings, prospect_id, country=country, zone=zone, window=window, actor=ACTOR
            )
        found = pacing.hours_of_prospect(uow, container.settings, prospect_id)
        typer.echo(json.dumps(dataclasses.asdict(found)))
