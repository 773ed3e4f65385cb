"""When a mailbox rests: one rule, for a row that was read and for the statements that look for such rows, and the one way to begin it.

It rests while it has a reason, until its time has come or, without one, until a person acts. The machine lets it rest for 24 hours
at most (`app.domain.delivery.mailbox_pause`): a time that lies further ahead was set by a clock that has been put right since.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, and_, or_

from app.domain.ahead import SKEW, ahead_in, over, over_in
from app.domain.said import cut
from app.models import Mailbox

_LONGEST = timedelta(hours=24)
# The columns of the table serve the statements of the sender as well, which are built once.
_BOX = cast(Table, Mailbox.__table__).c  # type: ignore[attr-defined]


def furthest(now: datetime) -> datetime:
    """Up to when a rest that ends by itself can last."""
    return now + _LONGEST + SKEW


def rests(mailbox: Mailbox, now: datetime) -> bool:
    """Whether the mailbox rests, be it switched on or off."""
    until = mailbox.paused_until
    return mailbox.paused_reason is not None and (until is None or not over(until, now, furthest(now)))


def why(mailbox: Mailbox, now: datetime) -> str | None:
    """The words of its rest while it rests; those of a rest that ran out stand in the row until the next turn."""
    return mailbox.paused_reason if rests(mailbox, now) else None


def needs_somebody(mailbox: Mailbox) -> bool:
    """Whether it rests until a person acts."""
    return mailbox.paused_reason is not None and mailbox.paused_until is None


def begin(mailbox: Mailbox, reason: str, until: datetime | None, now: datetime) -> bool:
    """Let it rest until `until` (None: until a person acts). False, and nothing changed, when it rests until a person acts and
    this rest would end by itself. The caller holds the lock of the row.
    """
    if until is not None and needs_somebody(mailbox):
        return False
    if mailbox.rests_since is not None and mailbox.paused_until is not None and not rests(mailbox, now):
        # No turn has come since the last rest ended: what lies between the two is none, and its length stays.
        mailbox.rests_since += now - min(mailbox.paused_until, now)
    mailbox.paused_reason, mailbox.paused_until = cut(reason, 500), until
    return True


def may_send(now: Any, most: Any) -> ColumnElement[bool]:
    """The mailbox is switched on and does not rest; `most` is `furthest` of `now`."""
    until = _BOX.paused_until
    return and_(_BOX.active.is_(True), or_(_BOX.paused_reason.is_(None), over_in(until, now, most)))


def resting(now: datetime) -> ColumnElement[bool]:
    """`rests` in a statement."""
    until = _BOX.paused_until
    return and_(_BOX.paused_reason.is_not(None), or_(until.is_(None), ahead_in(until, now, furthest(now))))
