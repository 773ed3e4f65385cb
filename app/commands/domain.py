"""`gapbridge domain`: the DNS of the domains that mail is sent from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands import ACTOR
from app.commands.operate import JsonOption, installation

if TYPE_CHECKING:
    from app.models import SendingDomain, SendingDomainCheck

Domain = Annotated[str, typer.Argument(help="The domain after the @ of the mailboxes.")]
_MARKS = {"ok": "ok   ", "warn": "warn ", "fail": "FAULT", "unknown": "?    "}


def attach(cli: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Look after the DNS of the domains that mail is sent from.")
    group.command("check")(check)
    group.command("list")(list_domains)
    group.command("selectors")(selectors)
    group.command("override")(override)
    group.command("lift")(lift)
    cli.add_typer(group, name="domain")


def tell(domain: str, lines: Sequence[SendingDomainCheck], held: str | None) -> bool:
    """Print the lines of a domain, faults on standard error with their fix; False when new pitches are held."""
    for line in lines:
        fault = line.state.value == "fail"
        typer.echo(f"{_MARKS[line.state.value]} {domain} {line.name}: {line.found}", err=fault)
        if line.trouble:
            typer.echo(
                f"      (found {line.checked_at:%d %b %Y %H:%M}; the last look failed: {line.trouble})", err=fault
            )
        if line.fix:
            typer.echo(f"      {line.fix}", err=fault)
    if held:
        typer.echo(f"FAULT {domain}: new pitches are held; `gapbridge domain override` lets them leave", err=True)
    return not held


def check(domain: Annotated[str | None, typer.Argument(help="One domain; default: all.")] = None) -> None:
    """Ask the DNS now and print each line with its fix. Exit code 1 while new pitches are held."""
    from app.deliverability import repository, service

    with installation() as container:
        with container.db.read() as look:
            rows = [service.get(look.session, domain)] if domain else repository.every(look.session)
        fine = True
        for row in rows:
            lines = service.check(container, row.id)
            with container.db.read() as look:
                fine &= tell(row.domain, lines, service.get(look.session, row.domain).hold_reason)
        if not rows:
            typer.echo("there is no mailbox yet; add one with `gapbridge mailbox add`", err=True)
    if not fine:
        raise typer.Exit(1)


def list_domains(as_json: JsonOption = False) -> None:
    """Show what was found at the last look, and which domains are held."""
    from app.deliverability import repository

    with installation() as container, container.db.read() as look:
        rows = [(row, repository.lines_of(look.session, row.id)) for row in repository.every(look.session)]
    if as_json:
        typer.echo(json.dumps([_plain(row, lines) for row, lines in rows], indent=2))
        return
    for row, lines in rows:
        seen = f"looked at {row.checked_at:%d %b %Y %H:%M} UTC" if row.checked_at else "not looked at yet"
        typer.echo(f"{row.domain}: {seen}")
        tell(row.domain, lines, row.hold_reason)
        if row.override_checks:
            said = f"{', '.join(row.override_checks)} may fail: {row.override_reason} ({row.override_by})"
            typer.echo(f"      {said}")


def _plain(row: SendingDomain, lines: Sequence[SendingDomainCheck]) -> dict[str, object]:
    found = row.model_dump(mode="json", exclude={"id", "created_at"})
    return {
        **found,
        "checks": [line.model_dump(mode="json", exclude={"sending_domain_id", "position"}) for line in lines],
    }


def selectors(domain: Domain, names: Annotated[list[str], typer.Argument(help="DKIM selectors.")]) -> None:
    """Name the DKIM selectors that the domain's mail is signed under."""
    from app.deliverability import service

    with installation() as container:
        with container.db.work() as uow:
            row = service.name_selectors(uow, domain, names)
        tell(row.domain, [line for line in service.check(container, row.id) if line.name == "dkim"], None)


def override(
    domain: Domain,
    reason: Annotated[str, typer.Option(help="Why; it stays with the domain.")],
    checks: Annotated[list[str] | None, typer.Option("--check", help="A check; default: those that fail now.")] = None,
) -> None:
    """Let new pitches leave although checks fail; another check that fails later holds them again."""
    from app.deliverability import service

    with installation() as container, container.db.work() as uow:
        row = service.override(uow, domain, reason=reason, actor=ACTOR, checks=checks or ())
        held = row.hold_reason
        typer.echo(f"{row.domain}: {', '.join(row.override_checks)} may fail now")
        if held:
            typer.echo(f"still held: {held}", err=True)


def lift(domain: Domain) -> None:
    """Take an override back; what fails holds again at once."""
    from app.deliverability import service

    with installation() as container, container.db.work() as uow:
        row = service.lift(uow, domain, actor=ACTOR)
        typer.echo(f"{row.domain}: {'held' if row.hold_reason else 'nothing is held'}")
