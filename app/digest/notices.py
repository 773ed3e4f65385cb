"""What staff are told by mail besides the digest: replies, messages that wait too long, broken mailboxes, tier-1 links lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.domain.digest import Kind
from app.i18n import _, ngettext, when
from app.models import Link, Outbound, Triage
from app.reports import notices as listed
from app.reports import unsure
from app.reports.inbox import who_waits
from app.team.principal import ROLE_SCOPES

SHOWN = 10
#: Told as soon as there is something, once in a period; the others at their hour.
AT_ANY_HOUR = (Kind.LATE, Kind.MAILBOXES, Kind.LINKS)
# Each mail with the notice of the pages that it tells; replies are read by whoever reads the late ones.
_TELLS = {
    Kind.REPLIES: listed.LATE,
    Kind.LATE: listed.LATE,
    Kind.MAILBOXES: listed.MAILBOX,
    Kind.LINKS: listed.LINK,
}
#: The roles that read what a mail tells, or can do something about it.
TOLD_TO = {
    kind: frozenset(role for role, scopes in ROLE_SCOPES.items() if listed.NEEDS[told] in scopes)
    for kind, told in _TELLS.items()
}
_PLACES = {Kind.MAILBOXES: "mailboxes", Kind.LINKS: "prospects"}


@dataclass(frozen=True, slots=True)
class Notice:
    """What one mail tells: how many, and the first of them as (id, who, domain or why, moment); the same of mails that are unsure."""

    kind: Kind
    count: int
    first: tuple[tuple[int, str, str, datetime | None], ...]
    unsure_count: int = 0
    unsure: tuple[tuple[str, str], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not self.count and not self.unsure_count

    def counts(self) -> dict[str, Any]:
        """As JSON, for the row: numbers only, so that it names nobody."""
        return {"count": self.count, "unsure": self.unsure_count}

    def subject(self) -> str:
        """The subject line, in the reader's language."""
        if self.kind is Kind.REPLIES:
            return ngettext("Gapbridge: one reply waits", "Gapbridge: {number} replies wait", self.count)
        if self.kind is Kind.LATE:
            if not self.count:
                return ngettext(
                    "Gapbridge: one mail may not have arrived",
                    "Gapbridge: {number} mails may not have arrived",
                    self.unsure_count,
                )
            return ngettext(
                "Gapbridge: one message waits too long", "Gapbridge: {number} messages wait too long", self.count
            )
        if self.kind is Kind.LINKS:
            return ngettext(
                "Gapbridge: a link of tier 1 was lost", "Gapbridge: {number} links of tier 1 were lost", self.count
            )
        return ngettext("Gapbridge: a mailbox needs you", "Gapbridge: {number} mailboxes need you", self.count)

    def text(self, public_url: str) -> str:
        """The mail as plain text, in the reader's language."""
        base = public_url.rstrip("/")
        lines = [self._heading(), ""] if self.count else []
        for row_id, who, about, at in self.first:
            place = _PLACES.get(self.kind, "inbox")
            due = f" ({_('lost') if self.kind is Kind.LINKS else _('due')} {when(at)})" if at else ""
            lines += [f"- {who}: {about}{due}", f"  {base}/{place}/{row_id}"]
        more = self.count - len(self.first)
        if more > 0:
            lines.append("- " + ngettext("and one more", "and {number} more", more))
        if self.unsure_count:
            asked = _(
                "Nobody knows whether these mails have arrived, and the machine does not look for them any more. Decide:"
            )
            lines += [*([""] if lines else []), asked, f"  {base}/outbox?tab=ambiguous", ""]
            lines += [f"- {domain}: {subject}" for domain, subject in self.unsure]
            more = self.unsure_count - len(self.unsure)
            if more > 0:
                lines.append("- " + ngettext("and one more", "and {number} more", more))
        lines += ["", _("You get this mail because you asked for it. Change that at {url}", url=f"{base}/me")]
        return "\n".join(lines) + "\n"

    def _heading(self) -> str:
        if self.kind is Kind.REPLIES:
            return _("These replies wait for an answer, the first due first.")
        if self.kind is Kind.LATE:
            return _("These messages should have been answered or classified by now.")
        if self.kind is Kind.LINKS:
            return _("Two looks a day apart did not find these links any more. Win them back where you can.")
        return _("These mailboxes send nothing or cannot be read until somebody looks at them.")


def any_news(session: Session, kind: Kind, now: datetime) -> bool:
    """Whether there is anything at all that a mail told at any hour could tell: one statement for everybody."""
    if kind is Kind.MAILBOXES:
        found = listed.broken()
    elif kind is Kind.LINKS:
        found = listed.lost(now - listed.NEWS, now)
    else:
        found = who_waits(now).where(col(Triage.due_at) <= now)
    if kind is Kind.LATE and unsure.count_waiting(session, now):
        return True
    return session.execute(found.limit(1)).first() is not None


def collect(session: Session, kind: Kind, since: datetime, until: datetime) -> Notice:
    """What there is to tell at `until`; of messages that wait too long those whose time ended after `since`."""
    if kind is Kind.MAILBOXES:
        rows = session.execute(listed.broken()).all()
        return Notice(kind, len(rows), tuple((row.id, row.email, row.why, None) for row in rows[:SHOWN]))
    if kind is Kind.LINKS:
        lost = listed.lost(since, until)
        number = session.execute(select(func.count()).select_from(lost.subquery())).scalar_one()
        some_links = session.execute(lost.order_by(col(Link.lost_at), col(Link.id)).limit(SHOWN)) if number else ()
        links = tuple((row.prospect_id, row.domain, row.source_url, row.lost_at) for row in some_links)
        return Notice(kind, int(number), links)
    waits = listed.late(since, until) if kind is Kind.LATE else who_waits(until)
    count = session.execute(select(func.count()).select_from(waits.subquery())).scalar_one()
    first = session.execute(waits.order_by(col(Triage.due_at), col(Triage.inbound_id)).limit(SHOWN)) if count else ()
    told = tuple((row.id, row.who or row.domain, row.domain, row.due_at) for row in first)
    if kind is not Kind.LATE:
        return Notice(kind, int(count), told)
    undecided = unsure.waiting(until, since).order_by(col(Outbound.id)).limit(SHOWN)
    some = tuple((row.domain, " ".join(row.subject.split())) for row in session.execute(undecided))
    return Notice(kind, int(count), told, unsure.count_waiting(session, until, since) if some else 0, some)
