"""`gapbridge mailbox`, `send-due`, `poll`: what an operator does by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.errors import GapbridgeError
from app.health import check_database
from app.jobs import Job
from app.log import configure
from app.models import Mailbox, Security
from app.settings import load_settings

if TYPE_CHECKING:
    from app.container import Container
    from app.mail.accounts import Trial

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def attach(cli: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Connect mailboxes and look after them.")
    group.command("add")(add)
    group.command("test")(try_mailboxes)
    group.command("list")(list_mailboxes)
    group.command("resume")(resume)
    cli.add_typer(group, name="mailbox")
    cli.command("send-due")(send_due)
    cli.command("poll")(poll)


@contextmanager
def installation() -> Iterator[Container]:
    """The wired parts of this installation, for one command."""
    from workers.runtime import assemble, disassemble

    settings = load_settings()
    configure("WARNING", json=settings.log_json)
    container, broker = assemble(settings)
    try:
        check_database(container)
        yield container
    finally:
        disassemble(container, broker)


def add(
    email: Annotated[str, typer.Argument(help="The address that mail is sent from.")],
    from_name: Annotated[str, typer.Option(help="The name that editors see as the sender.")],
    smtp_host: Annotated[str, typer.Option(help="Server that takes outgoing mail.")],
    imap_host: Annotated[str, typer.Option(help="Server that holds incoming mail.")],
    username: Annotated[str | None, typer.Option(help="Sign-in name; default: the address.")] = None,
    password: Annotated[
        str,
        typer.Option(
            prompt=True,
            hide_input=True,
            envvar="GAPBRIDGE_MAILBOX_PASSWORD",
            help="Asked for when left out; other users of this machine can read the command line.",
        ),
    ] = "",
    smtp_port: Annotated[int | None, typer.Option(help="Default: 465 with tls, else 587.")] = None,
    smtp_security: Annotated[Security, typer.Option(help="How the server is spoken to.")] = Security.TLS,
    imap_port: Annotated[int | None, typer.Option(help="Default: 993 with tls, else 143.")] = None,
    imap_security: Annotated[Security, typer.Option(help="How the server is spoken to.")] = Security.TLS,
    signature: Annotated[str | None, typer.Option(help="Lines under each message; \\n starts a new one.")] = None,
    time_zone: Annotated[str, typer.Option(help="Where this mailbox works, such as Europe/Berlin.")] = "UTC",
    daily_cap: Annotated[int, typer.Option(help="Messages a day at most.")] = 50,
    gap_min_seconds: Annotated[int, typer.Option(help="Least time between two messages.")] = 60,
    gap_max_seconds: Annotated[int, typer.Option(help="Most time between two messages that wait.")] = 240,
    test_first: Annotated[
        bool, typer.Option("--test/--no-test", help="Sign in to both servers first, and add nothing when that fails.")
    ] = True,
) -> None:
    """Connect a mailbox. Its password is stored encrypted."""
    from app.mail import accounts

    with installation() as container:
        wanted = accounts.draft(
            container.settings,
            email=email,
            from_name=from_name,
            username=username,
            password=password,
            smtp=accounts.Server(smtp_host, smtp_port or _port(smtp_security, 465, 587), smtp_security),
            imap=accounts.Server(imap_host, imap_port or _port(imap_security, 993, 143), imap_security),
            signature=signature.replace("\\n", "\n") if signature else None,
            time_zone=time_zone,
            daily_cap=daily_cap,
            gap_min_seconds=gap_min_seconds,
            gap_max_seconds=gap_max_seconds,
        )
        if test_first and not _tried(wanted.email, accounts.try_out(wanted, container.settings)):
            typer.echo("nothing was added; correct the options, or add it unseen with --no-test", err=True)
            raise typer.Exit(1)
        with container.db.work() as uow:
            made = accounts.add(uow, container.vault, wanted)
        typer.echo(f"mailbox {made.id}: {made.email}, at most {made.daily_cap} a day")
        if test_first:
            _look_at_domain(container, made.email)


def _port(security: Security, tls: int, otherwise: int) -> int:
    return tls if security is Security.TLS else otherwise


def _tried(email: str, trials: list[Trial]) -> bool:
    for trial in trials:
        typer.echo(f"{'ok   ' if trial.ok else 'FAULT'} {email} {trial.side}: {trial.detail}", err=not trial.ok)
    return all(trial.ok for trial in trials)


def _look_at_domain(container: Container, email: str) -> bool:
    from app.commands.domain import tell
    from app.deliverability import repository, service

    with container.db.read() as look:
        row = repository.find(look.session, email.rpartition("@")[2].lower())
    if row is None:
        return True
    lines = service.check(container, row.id)
    with container.db.read() as look:
        return tell(row.domain, lines, service.get(look.session, row.domain).hold_reason)


def try_mailboxes(
    email: Annotated[str | None, typer.Argument(help="One mailbox; default: all.")] = None,
) -> None:
    """Sign in to the servers of a mailbox and out again, and look at the DNS of its domain. Exit code 1 when a side fails."""
    from app.mail import accounts

    with installation() as container:
        with container.db.read() as look:
            found = [accounts.find(look.session, email)] if email else accounts.every(look.session)
        fine = [
            _tried(mailbox.email, accounts.try_out(accounts.stored(mailbox, container.vault), container.settings))
            for mailbox in found
        ]
        fine += [
            _look_at_domain(container, one) for one in {m.email.rpartition("@")[2]: m.email for m in found}.values()
        ]
        if not found:
            typer.echo("there is no mailbox yet; add one with `gapbridge mailbox add`", err=True)
    if not all(fine):
        raise typer.Exit(1)


def resume(
    email: Annotated[str, typer.Argument(help="The mailbox.")],
    new_password: Annotated[
        bool, typer.Option("--new-password", help="Ask for a new password, after a refused sign-in.")
    ] = False,
    test: Annotated[
        bool,
        typer.Option("--test/--no-test", help="Sign in to both servers first, and change nothing when that fails."),
    ] = True,
) -> None:
    """Wake a mailbox that rests (a refused sign-in, a refused sender): what waits in it leaves."""
    from dataclasses import replace

    from app.mail import accounts

    password = typer.prompt("Password", hide_input=True) if new_password else None
    with installation() as container:
        if test:
            with container.db.read() as look:
                account = accounts.stored(accounts.find(look.session, email), container.vault)
            tried = replace(account, password=password) if password else account
            if not _tried(email, accounts.try_out(tried, container.settings)):
                typer.echo("nothing was changed", err=True)
                raise typer.Exit(1)
        with container.db.work() as uow:
            accounts.resume(uow, container.vault, email, password=password)
    typer.echo(f"{email} is awake")


def list_mailboxes(as_json: JsonOption = False) -> None:
    """List the mailboxes with their state."""
    from app.mail import accounts

    with installation() as container, container.db.read() as look:
        rows = [_row(mailbox) for mailbox in accounts.every(look.session)]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        state = row["paused_reason"] or row["poll_error"] or ("active" if row["active"] else "switched off")
        typer.echo(f"{row['id']}  {row['email']}  {row['smtp']}  {row['imap']}  {row['daily_cap']} a day  {state}")
    if not rows:
        typer.echo("there is no mailbox yet; add one with `gapbridge mailbox add`", err=True)


def _row(mailbox: Mailbox) -> dict[str, object]:
    return {
        "id": mailbox.id,
        "email": mailbox.email,
        "from_name": mailbox.from_name,
        "smtp": f"{mailbox.smtp_host}:{mailbox.smtp_port}/{mailbox.smtp_security.value}",
        "imap": f"{mailbox.imap_host}:{mailbox.imap_port}/{mailbox.imap_security.value}",
        "daily_cap": mailbox.daily_cap,
        "active": mailbox.active,
        "paused_reason": mailbox.paused_reason,
        "paused_until": mailbox.paused_until.isoformat() if mailbox.paused_until else None,
        "polled_at": mailbox.polled_at.isoformat() if mailbox.polled_at else None,
        "poll_error": mailbox.poll_error,
    }


def send_due() -> None:
    """Send what is due now, in this process; safe while workers run (a mailbox has one sender at a time)."""
    _run_now(
        Job.OUTBOX_DELIVER, "nothing is due", lambda turn: f"{turn.sent} sent of {turn.tried} tried; {turn.stopped}"
    )


def poll(
    everything: Annotated[bool, typer.Option("--all", help="Every active mailbox, whether it is due or not.")] = False,
) -> None:
    """Look into the mailboxes that are due, in this process."""
    _run_now(
        Job.INBOX_POLL,
        "no mailbox is due; --all looks into every one",
        lambda look: f"{look.stored} new message(s)",
        every_mailbox=everything,
    )


def _run_now(job: Job, nothing: str, tell: Callable[[Any], str], *, every_mailbox: bool = False) -> None:
    from app.mail import accounts
    from workers.table import TABLE

    (work,) = (work for work in TABLE if work.job is job)
    with installation() as container:
        with container.db.read() as look:
            due = list(work.due(look.session, look.now()))
            names = {mailbox.id: mailbox.email for mailbox in accounts.every(look.session) if mailbox.active}
        faults = 0
        for mailbox_id in list(names) if every_mailbox else due:
            try:
                typer.echo(f"{names.get(mailbox_id, mailbox_id)}: {tell(work.run(container, mailbox_id))}")
            except GapbridgeError as error:
                faults += 1
                typer.echo(f"{names.get(mailbox_id, mailbox_id)}: {error.detail}", err=True)
        if not due and not every_mailbox:
            typer.echo(nothing)
    if faults:
        raise typer.Exit(1)
