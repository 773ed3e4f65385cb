"""The point of no return: one transaction in which nothing at all may speak against a mail, right before its dot.

What it refuses waits or is cancelled with its reason, and the connection is dropped without a dot.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from app.db.vault import Vault
from app.db.work import Database, UnitOfWork
from app.domain.delivery import OutboundState, Stage
from app.domain.pacing import gap_seconds, period_start
from app.domain.said import cut
from app.errors import Skip
from app.inbox import unanswered
from app.installation import hold
from app.log import get_logger
from app.models import Mailbox, Outbound, OutboundKind
from app.outbox import record, repository, statements
from app.prospects import address_check, suppression
from app.prospects import repository as prospects_repository
from app.settings import Settings

log = get_logger("outbox")

_LOOK_AT_ADDRESS_AGAIN = timedelta(hours=6)


def day_of(mailbox: Mailbox, now: datetime) -> date:
    """The day that a mailbox's counter counts by: that of its own zone."""
    return now.astimezone(ZoneInfo(mailbox.time_zone)).date()


def counted(settings: Settings, now: datetime) -> tuple[date, date]:
    """The day of the sites' counters and the first day of the recipients' period."""
    day = now.astimezone(UTC).date()
    return day, period_start(day, settings.recipient_cap_days)


@dataclass(frozen=True, slots=True)
class Committed:
    """A mail that may be written now: the monotonic time right before its commit, and the line in the log of attempts."""

    at: float
    attempt_id: int


@dataclass(frozen=True, slots=True)
class CommitPoint:
    """What one holder of a mailbox commits with: its fence, and the installation as it found it."""

    db: Database
    settings: Settings
    vault: Vault
    mailbox_id: int
    fence: int
    lease: timedelta
    standing: hold.Standing
    jitter: Callable[[], float]

    def commit(self, row: Outbound, mailbox: Mailbox, gate_seen: int | None) -> Committed | None:
        """CLAIMED -> COMMITTED, with everything that is counted and asked; None when it was refused."""
        with self.db.work() as uow:
            now = uow.now()
            day = day_of(mailbox, now)
            if statements.hold_on(uow.session, self.mailbox_id, self.fence, now + self.lease) is None:
                statements.lock_mailbox(uow.session, self.mailbox_id)
                self._refused(uow, row)
                return None
            prospects_repository.lock(uow.session, row.prospect_id)
            statements.among_senders(uow.session, suppression.LOCK)
            said = suppression.spell(row.to_address)
            allowed = _unfit(uow, row) is None and statements.commit_point(
                uow.session,
                row,
                self.fence,
                now,
                day=day,
                keys=suppression.Keys(uow.session, self.vault).against(row.to_address, row.site_id),
                spellings=(said.written, said.normal),
                installation=(self.standing.identity or "", self.standing.ticks),
                gate=gate_seen,
            )
            if allowed and not statements.spend(uow.session, self.mailbox_id, day):
                # No counter yet (the day's first mail), or no mail left in it.
                repository.ensure_day(uow.session, mailbox, day, now)
                allowed = statements.spend(uow.session, self.mailbox_id, day)
            # Always in this order (mailbox, site, recipient), so that two workers never wait for each other.
            allowed = allowed and (row.kind is OutboundKind.REPLY or self._spend_others(uow, row, now))
            if not allowed:
                uow.session.rollback()
                self._refused(uow, row)
                return None
            gap = gap_seconds(mailbox.gap_min_seconds, mailbox.gap_max_seconds, self.jitter())
            if gap > 0:
                # Advanced here and not after the send, so that the spacing survives a crash.
                repository.set_next_send(uow.session, self.mailbox_id, now + timedelta(seconds=gap))
            attempt_id = record.log_attempt(uow, row, self.fence, Stage.DOT.value, "committed")
            row.cap_day, row.committed_at = day, now
            return Committed(time.monotonic(), attempt_id)

    def _spend_others(self, uow: UnitOfWork, row: Outbound, now: datetime) -> bool:
        """Take one mail from the site's and from the recipient's counter; False when either cap is reached."""
        session, (day, period) = uow.session, counted(self.settings, now)
        if not statements.spend_site(session, row.site_id, day):
            repository.ensure_site_day(session, row.site_id, day, self.settings.site_daily_cap)
            if not statements.spend_site(session, row.site_id, day):
                return False
        if row.recipient is None or statements.spend_recipient(session, row.recipient, period):
            return True
        repository.ensure_recipient_day(session, row.recipient, period, self.settings.recipient_cap)
        return statements.spend_recipient(session, row.recipient, period)

    def _refused(self, uow: UnitOfWork, row: Outbound) -> None:
        """Put the row where its refusal wants it: cancelled when suppressed, else back to the queue."""
        held = hold.refusal(uow.session)
        skip = None if held else suppression.refusal(uow.session, self.vault, row.to_address, row.site_id)
        values: dict[str, object] = (
            {"state": OutboundState.CANCELLED, "hold_reason": skip.sentence}
            if skip is not None
            else {"state": OutboundState.QUEUED}
        )
        unfit = _unfit(uow, row)
        if skip is None and unfit is not None:
            # Their DNS may be mended tomorrow; `hold_reason` says until then what is wrong.
            values |= {"hold_reason": cut(unfit.sentence, 500), "not_before": uow.now() + _LOOK_AT_ADDRESS_AGAIN}
        repository.settle(uow.session, row.id, self.fence, OutboundState.CLAIMED, **values)
        if skip is not None:
            unanswered.comes_back(uow, row, skip.sentence)
        log.info(
            "outbox.refused_at_commit",
            outbound_id=row.id,
            reason=held.reason if held else skip.reason if skip else "changed meanwhile",
        )


def _unfit(uow: UnitOfWork, row: Outbound) -> Skip | None:
    """What speaks against the address itself; a person's answer goes to whoever wrote."""
    return None if row.kind is OutboundKind.REPLY else address_check.refusal(uow.session, uow.now(), row.to_address)
