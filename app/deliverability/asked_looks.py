"""Looks at a mailbox that a person has asked for: a worker takes them, notes each line as it finds it, and can be called off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, select, update
from sqlmodel import Session, col

from app.container import Container
from app.db.work import UnitOfWork
from app.deliverability import mailbox_check
from app.domain.ahead import SKEW, over_in
from app.domain.checks import Check, CheckState
from app.jobs import Job
from app.log import get_logger
from app.mail import accounts, reputation
from app.models import LookState, MailboxLook

log = get_logger("deliverability")

#: A look takes no longer: its worker ends it.
LONGEST = timedelta(minutes=10)
# A slow server may keep a look without a line for minutes, so only when it has been ended for sure is it taken up again.
CLAIM = LONGEST + timedelta(minutes=1)
_LIVE = (LookState.ASKED, LookState.RUNNING)


class CalledOff(Exception):
    """A person has called it off between two lines."""


def of(session: Session, mailbox_id: int) -> MailboxLook | None:
    """The newest look at a mailbox that somebody has asked for."""
    found: MailboxLook | None = session.get(MailboxLook, mailbox_id)
    return found


def is_live(look: MailboxLook | None) -> bool:
    """Whether it waits for a worker or runs."""
    return look is not None and look.state in _LIVE


def lines_of(look: MailboxLook) -> list[Check]:
    """What it has found so far."""
    return [Check(one["name"], CheckState(one["state"]), one["found"], one["fix"]) for one in look.lines]


def ask(uow: UnitOfWork, mailbox_id: int, *, sends: bool, actor: str) -> MailboxLook:
    """Let a worker look; what the last one found gives way. One that is under way goes on and is returned. Raises NotFound."""
    # Two that ask at once: the second sees the row of the first.
    reputation.lock(uow.session, accounts.get(uow.session, mailbox_id).id)
    look: MailboxLook | None = uow.session.get(MailboxLook, mailbox_id, populate_existing=True)
    if look is not None and look.state in _LIVE and look.sends == sends:
        return look
    if look is None:
        look = MailboxLook(
            mailbox_id=mailbox_id, sends=sends, state=LookState.ASKED, asked_by=actor, asked_at=uow.now()
        )
        uow.session.add(look)
    look.sends, look.state, look.lines, look.cancel_asked, look.error = sends, LookState.ASKED, [], False, None
    look.asked_by, look.asked_at, look.due_at, look.finished_at = actor, uow.now(), uow.now(), None
    uow.session.flush()
    uow.ring(Job.MAILBOX_LOOK, mailbox_id)
    return look


def call_off(uow: UnitOfWork, mailbox_id: int) -> None:
    """Stop it before its next line; nothing where none is under way."""
    uow.session.execute(
        update(MailboxLook)
        .where(col(MailboxLook.mailbox_id) == mailbox_id, col(MailboxLook.state).in_(_LIVE))
        .values(cancel_asked=True)
    )


def due(session: Session, now: datetime) -> list[int]:
    """Mailboxes whose look waits, or was left by its worker."""
    statement = select(col(MailboxLook.mailbox_id)).where(over_in(col(MailboxLook.due_at), now, now + CLAIM + SKEW))
    return list(session.execute(statement.order_by(col(MailboxLook.due_at))).scalars())


def run(container: Container, mailbox_id: int) -> None:
    """Look, note each line, and end; where another worker has it, nothing."""
    with container.db.work() as uow:
        asked_at = _claim(uow, mailbox_id)
        if asked_at is None:
            return
        sends = uow.session.get_one(MailboxLook, mailbox_id).sends

    def told(lines: Sequence[Check]) -> None:
        with container.db.work() as uow:
            look = _mine(uow, mailbox_id, asked_at)
            look.lines, look.due_at = [_kept(line) for line in lines], uow.now() + CLAIM
            stops = look.cancel_asked
        if stops or container.stopping.is_set():
            raise CalledOff

    state, error = LookState.FAILED, None
    try:
        told(())
        told(mailbox_check.look(container, mailbox_id, send=sends, told=told).checks)
        state = LookState.DONE
    except CalledOff:
        state = LookState.ASKED if container.stopping.is_set() else LookState.CANCELLED
    except Exception as wrong:
        error = f"{type(wrong).__name__}: {wrong}"
        raise
    finally:
        _end(container, mailbox_id, asked_at, state, error)


def _claim(uow: UnitOfWork, mailbox_id: int) -> datetime | None:
    now = uow.now()
    taken = uow.session.execute(
        update(MailboxLook)
        .where(col(MailboxLook.mailbox_id) == mailbox_id, over_in(col(MailboxLook.due_at), now, now + CLAIM + SKEW))
        .values(state=LookState.RUNNING, due_at=now + CLAIM)
    )
    if not isinstance(taken, CursorResult) or taken.rowcount != 1:
        return None
    return uow.session.get_one(MailboxLook, mailbox_id).asked_at


def _mine(uow: UnitOfWork, mailbox_id: int, asked_at: datetime) -> MailboxLook:
    """The row, while this run is what was asked for. Raises CalledOff when somebody has asked anew."""
    look: MailboxLook | None = uow.session.get(MailboxLook, mailbox_id, with_for_update=True, populate_existing=True)
    if look is None or look.asked_at != asked_at or look.state is not LookState.RUNNING:
        raise CalledOff
    return look


def _end(container: Container, mailbox_id: int, asked_at: datetime, state: LookState, error: str | None) -> None:
    with container.db.work() as uow:
        try:
            look = _mine(uow, mailbox_id, asked_at)
        except CalledOff:
            return
        look.state, look.error = state, error
        # One that a stopping worker has put down is taken up by the next.
        look.due_at, look.finished_at = (uow.now(), None) if state is LookState.ASKED else (None, uow.now())
    log.info("mailbox.looked", mailbox_id=mailbox_id, state=state.value)


def _kept(line: Check) -> dict[str, str]:
    return {"name": line.name, "state": line.state.value, "found": line.found, "fix": line.fix}
