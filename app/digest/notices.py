"""What staff are told by mail besides the digest: replies that wait, messages that wait too long, mailboxes that need somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlmodel import Session, col

from app.domain.digest import Kind
from app.i18n import _, ngettext, when
from app.models import Mailbox, Role, Triage
from app.reports.inbox import who_waits
from app.reports.sql import columns

SHOWN = 10
#: Told as soon as there is something, once in a period; the others at their hour.
AT_ANY_HOUR = (Kind.LATE, Kind.MAILBOXES)
_READERS = frozenset({Role.OUTREACH, Role.LEAD, Role.OPERATOR})
#: Whose role sees what a mail tells (messages:read; mailboxes:write).
TOLD_TO = {Kind.REPLIES: _READERS, Kind.LATE: _READERS, Kind.MAILBOXES: frozenset({Role.OPERATOR})}
# One look that failed may be a server that starts anew.
_FAILED_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Notice:
    """What one mail tells: how many, and the first of them as (id, who, domain or why, moment)."""

    kind: Kind
    count: int
    first: tuple[tuple[int, str, str, datetime | None], ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not self.count

    def counts(self) -> dict[str, Any]:
        """As JSON, for the row: numbers only, so that it names nobody."""
        return {"count": self.count}

    def subject(self) -> str:
        """The subject line, in the reader's language."""
        if self.kind is Kind.REPLIES:
            return ngettext("Gapbridge: one reply waits", "Gapbridge: {number} replies wait", self.count)
        if self.kind is Kind.LATE:
            return ngettext(
                "Gapbridge: one message waits too long", "Gapbridge: {number} messages wait too long", self.count
            )
        return ngettext("Gapbridge: a mailbox needs you", "Gapbridge: {number} mailboxes need you", self.count)

    def text(self, public_url: str) -> str:
        """The mail as plain text, in the reader's language."""
        base = public_url.rstrip("/")
        lines = [self._heading(), ""]
        for row_id, who, about, at in self.first:
            place = "mailboxes" if self.kind is Kind.MAILBOXES else "inbox"
            due = f" ({_('due')} {when(at)})" if at else ""
            lines += [f"- {who}: {about}{due}", f"  {base}/{place}/{row_id}"]
        more = self.count - len(self.first)
        if more > 0:
            lines.append("- " + ngettext("and one more", "and {number} more", more))
        lines += ["", _("You get this mail because you asked for it. Change that at {url}", url=f"{base}/me")]
        return "\n".join(lines) + "\n"

    def _heading(self) -> str:
        if self.kind is Kind.REPLIES:
            return _("These replies wait for an answer, the first due first.")
        if self.kind is Kind.LATE:
            return _("These messages should have been answered or classified by now.")
        return _("These mailboxes send nothing or cannot be read until somebody looks at them.")


def any_news(session: Session, kind: Kind, now: datetime) -> bool:
    """Whether there is anything at all that a mail told at any hour could tell: one statement for everybody."""
    found = _broken() if kind is Kind.MAILBOXES else who_waits(now).where(col(Triage.due_at) <= now)
    return session.execute(found.limit(1)).first() is not None


def collect(session: Session, kind: Kind, since: datetime, until: datetime) -> Notice:
    """What there is to tell at `until`; of messages that wait too long those whose time ended after `since`."""
    if kind is Kind.MAILBOXES:
        rows = session.execute(_broken()).all()
        return Notice(kind, len(rows), tuple((row.id, row.email, row.why, None) for row in rows[:SHOWN]))
    waits = who_waits(until)
    if kind is Kind.LATE:
        waits = waits.where(col(Triage.due_at) > since, col(Triage.due_at) <= until)
    count = session.execute(select(func.count()).select_from(waits.subquery())).scalar_one()
    first = session.execute(waits.order_by(col(Triage.due_at), col(Triage.inbound_id)).limit(SHOWN)) if count else ()
    return Notice(kind, int(count), tuple((row.id, row.who or row.domain, row.domain, row.due_at) for row in first))


def _broken() -> Any:
    """Mailboxes in use that go on only when somebody acts; one that rests for an hour does so by itself."""
    rests = and_(col(Mailbox.paused_reason).is_not(None), col(Mailbox.paused_until).is_(None))
    unread = and_(col(Mailbox.poll_error).is_not(None), col(Mailbox.poll_failures) >= _FAILED_LOOKS)
    return (
        columns(
            Mailbox.id, Mailbox.email, func.coalesce(col(Mailbox.paused_reason), col(Mailbox.poll_error)).label("why")
        )
        .where(col(Mailbox.active).is_(True), or_(rests, unread))
        .order_by(col(Mailbox.id))
    )
