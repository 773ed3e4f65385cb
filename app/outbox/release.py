"""Lets restored data send again: what would leave, what may have left already, and then a person's word.

Data that was restored knows nothing of what happened after it was saved. So before anything leaves, the mailboxes are read
again from the start of their recent past (opt-outs, bounces and answers that came meanwhile take effect), the folders of sent
mail are searched for what waits, and what was due meanwhile is put before a person instead of being sent. Follow-ups that were not
written yet (app.outbox.overtaken) are not written either before a person says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import col

from app.container import Container
from app.db.work import UnitOfWork
from app.domain.delivery import NOT_LEFT, OutboundState
from app.domain.said import say
from app.errors import Refused, Skip, Unavailable
from app.inbox import service as inbox
from app.inbox.deps import InboxDeps, deps_of
from app.installation import forgotten, hold, identity, journal
from app.log import get_logger
from app.models import Folder, Mailbox, Outbound
from app.outbox import overtaken, reconcile, record, repository

log = get_logger("outbox")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that would leave after the release. `unsure`: it was due while the lost data was at work."""

    id: int
    mailbox: str
    to_address: str
    subject: str
    not_before: datetime
    unsure: bool


@dataclass(frozen=True, slots=True)
class Released:
    """What the release did: found in sent mail, put before a person, left to be sent, rules out of the journal, and runs that
    were paused because their next follow-up may have left.
    """

    found_sent: int
    to_decide: int
    waiting: int
    unread: tuple[str, ...]
    opt_outs: int = 0
    paused: int = 0


def preview(uow: UnitOfWork) -> list[Waiting]:
    """What would leave, in the order in which it is due."""
    row = identity.stored(uow.session)
    held_at = row.held_at if row is not None else None
    found = uow.session.execute(
        select(
            col(Outbound.id),
            col(Mailbox.email),
            col(Outbound.to_address),
            col(Outbound.subject),
            col(Outbound.not_before),
        )
        .join(Mailbox, col(Mailbox.id) == col(Outbound.mailbox_id))
        .where(col(Outbound.state).in_(NOT_LEFT))
        .order_by(col(Outbound.not_before), col(Outbound.id))
    )
    return [
        Waiting(one[0], one[1], one[2], one[3], one[4], held_at is not None and one[4] <= held_at)
        for one in found.all()
    ]


def release(container: Container, *, actor: str, reason: str = "", despite_unread: bool = False) -> Released:
    """Look after what may have left, and end the hold. Raises Refused while a mailbox with waiting mail cannot be read.

    `reason` is a person's word, kept with their name. `despite_unread` lets the mail of unreadable mailboxes be put before a person instead. Safe to repeat.
    """
    deps = deps_of(container)
    with container.db.read() as look:
        row = identity.stored(look.session)
        held_at = row.held_at if row is not None else None
        mailboxes = list(look.session.execute(select(Mailbox).order_by(col(Mailbox.id))).scalars())
    unread: list[str] = []
    filed: list[tuple[int, str]] = []
    runs: list[overtaken.Overtaken] = []
    if held_at is not None:
        for mailbox in mailboxes:
            fault = _read_again(deps, mailbox)
            if fault is not None:
                unread.append(f"{mailbox.email}: {fault}")
        if unread and not despite_unread:
            skips = [Skip("mailbox-unread", line) for line in unread]
            raise Refused(
                say(
                    "opt-outs that came after the data was saved may lie in mailboxes that cannot be read; "
                    "mend them, or release despite them (--despite-unread)"
                ),
                *skips,
            )
        filed = _look_for_copies(deps)
        # By the rows as they were restored: what is found is marked as sent now.
        with container.db.read() as look:
            runs = overtaken.find(look.session, dict(filed))
    with container.db.work() as uow:
        kept = journal.read(container.settings) if held_at is not None else None
        opt_outs = len(forgotten.take_in(uow, container.vault, kept, actor=actor).rules) if kept is not None else 0
        done = _settle(uow, held_at, dict(filed), unread)
        done = replace(done, opt_outs=opt_outs, paused=overtaken.pause(uow, runs, actor=actor))
        hold.release(container.db, container.settings, uow, actor=actor, reason=reason)
    log.warning(
        "outbox.released", actor=actor, found_sent=done.found_sent, to_decide=done.to_decide, paused=done.paused
    )
    return done


def _read_again(deps: InboxDeps, mailbox: Mailbox) -> str | None:
    """Walk the watched folders again from their recent past; what is known by its content only gets its new place."""
    if not mailbox.active:
        return None
    with deps.db.work() as uow:
        uow.session.execute(
            update(Folder)
            .where(col(Folder.mailbox_id) == mailbox.id)
            .values(generation=col(Folder.generation) + 1, next_uid=0)
            .execution_options(synchronize_session=False)
        )
    try:
        inbox.look(deps, mailbox.id)
    except Unavailable as fault:
        return fault.detail
    return None


def _look_for_copies(deps: InboxDeps) -> list[tuple[int, str]]:
    """(id, evidence) of every waiting message that left, by its copy in sent mail or by an answer that names it.

    Also of those that wait for later: in the lost data somebody may have let them go earlier.
    """
    with deps.db.read() as look:
        rows = look.session.execute(
            select(Outbound, Mailbox)
            .join(Mailbox, col(Mailbox.id) == col(Outbound.mailbox_id))
            .where(col(Outbound.state).in_(NOT_LEFT))
            .order_by(col(Outbound.id))
        ).all()
        found = [(row.id, evidence) for row, _ in rows if (evidence := reconcile.answered(look, row)) is not None]
    known = {row_id for row_id, _ in found}
    unreadable: set[int] = set()
    for row, mailbox in rows:
        if row.id in known or mailbox.id in unreadable or not mailbox.active:
            continue
        try:
            at = inbox.sent_copy(deps, row, mailbox)
        except Unavailable:
            unreadable.add(mailbox.id)
            continue
        if at is not None:
            found.append((row.id, f"its copy lies in the folder of sent mail ({at:%d %b %Y %H:%M} UTC)"))
    return found


def _settle(uow: UnitOfWork, held_at: datetime | None, filed: dict[int, str], unread: Sequence[str]) -> Released:
    if held_at is None:
        return Released(0, 0, len(preview(uow)), tuple(unread))
    busy = set(
        uow.session.execute(
            select(col(Outbound.prospect_id)).where(
                col(Outbound.state).in_((OutboundState.COMMITTED, OutboundState.AMBIGUOUS))
            )
        ).scalars()
    )
    waiting = uow.session.execute(
        select(Outbound).where(col(Outbound.state).in_(NOT_LEFT)).order_by(col(Outbound.not_before), col(Outbound.id))
    ).scalars()
    rows = [row for row in waiting if row.id in filed or row.not_before <= held_at]
    sent = decide = 0
    # Found copies first: they free the one place in flight that a prospect has.
    for row in sorted(rows, key=lambda row: row.id not in filed):
        if row.prospect_id in busy:
            # The one before it is unsure: this one waits behind it, and is looked at in its turn (`reconcile`), not sent.
            repository.resolve(uow.session, row.id, row.state, evidence=filed.get(row.id, ""))
            continue
        found = record.unsure(uow, row, filed.get(row.id))
        if found is None:
            continue
        if found:
            sent += 1
        else:
            decide += 1
            busy.add(row.prospect_id)
    uow.session.flush()
    return Released(sent, decide, len(preview(uow)), tuple(unread))
