"""`gapbridge send-due` and `poll`: the work of the mailboxes, done by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.errors import GapbridgeError
from app.health import check_database
from app.installation import hold
from app.jobs import Job
from app.log import configure
from app.settings import load_settings

if TYPE_CHECKING:
    from app.container import Container
    from app.db.work import UnitOfWork

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def attach(cli: typer.Typer) -> None:
    """Add the commands."""
    cli.command("send-due")(send_due)
    cli.command("poll")(poll)


@contextmanager
def installation() -> Iterator[Container]:
    """The wired installation with its broker, for one command; its database is checked first."""
    from workers.runtime import assemble, disassemble

    settings = load_settings()
    configure("WARNING", json=settings.log_json)
    container, broker = assemble(settings)
    try:
        check_database(container)
        container.rules.refresh(container.db)
        hold.begin(container.db, container.settings)
        yield container
    finally:
        disassemble(container, broker)


def send_due() -> None:
    """Send what is due now, in this process; safe while workers run (a mailbox has one sender at a time)."""
    _run_now(
        Job.OUTBOX_DELIVER, "nothing is due", lambda turn: f"{turn.sent} sent of {turn.tried} tried; {turn.stopped}"
    )


def poll(
    everything: Annotated[bool, typer.Option("--all", help="Every active mailbox, whether it is due or not.")] = False,
) -> None:
    """Look into the mailboxes that are due, in this process."""
    from app.inbox import polling

    _run_now(
        Job.INBOX_POLL,
        "no mailbox is due; --all looks into every one",
        lambda look: f"{look.stored} new message(s)" if look else "a worker looks into it right now",
        every_mailbox=everything,
        before=polling.want_look if everything else None,
    )


def _run_now(
    job: Job,
    nothing: str,
    tell: Callable[[Any], str],
    *,
    every_mailbox: bool = False,
    before: Callable[[UnitOfWork, int], None] | None = None,
) -> None:
    from app.mail import accounts
    from workers.table import TABLE

    (work,) = (work for work in TABLE if work.job is job)
    with installation() as container:
        # Where only these commands run, by hand or by cron, nobody else notes that the time goes on; seldom runs are stops.
        hold.beat(container.db, container.settings)
        with container.db.read() as look:
            due = list(work.due(look.session, look.now()))
            names = {mailbox.id: mailbox.email for mailbox in accounts.every(look.session) if mailbox.active}
        faults = 0
        for mailbox_id in list(names) if every_mailbox else due:
            try:
                if before is not None:
                    with container.db.work() as uow:
                        before(uow, mailbox_id)
                typer.echo(f"{names.get(mailbox_id, mailbox_id)}: {tell(work.run(container, mailbox_id))}")
            except GapbridgeError as error:
                faults += 1
                typer.echo(f"{names.get(mailbox_id, mailbox_id)}: {error.detail}", err=True)
        if not due and not every_mailbox:
            typer.echo(nothing)
    if faults:
        raise typer.Exit(1)
