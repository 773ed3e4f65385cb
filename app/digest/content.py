"""What changed between two moments, counted and with the first names, and its words in the reader's language."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.domain.pipeline import Stage
from app.i18n import _, mark, ngettext, when
from app.models import ChangeKind, GapChange, Inbound, Link, Prospect, Site, StageEvent, Triage
from app.reports import unsure
from app.reports.inbox import awake

SHOWN = 5
_KINDS: tuple[tuple[ChangeKind, str], ...] = (
    (ChangeKind.NEW_GAP, mark("New gaps")),
    (ChangeKind.STRONGER, mark("Stronger gaps")),
    (ChangeKind.CLOSED, mark("Closed gaps")),
    (ChangeKind.GONE, mark("Gaps that are gone")),
    (ChangeKind.LOST_GROUND, mark("Lost ground")),
    (ChangeKind.LOST_LINK, mark("Links that the exports do not show any more")),
)


@dataclass(slots=True)
class Line:
    """One kind of change: how many, and the first domains."""

    name: str
    count: int
    domains: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Part:
    """What changed at one site."""

    site: str
    lines: list[Line] = field(default_factory=list)


@dataclass(slots=True)
class Digested:
    """All sites with a change, and the replies that wait now."""

    since: datetime
    until: datetime
    parts: list[Part] = field(default_factory=list)
    replies_due: int = 0
    unsure: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not self.parts and not self.replies_due and not self.unsure

    def counts(self) -> dict[str, Any]:
        """As JSON, for the row."""
        return {"parts": [asdict(part) for part in self.parts], "replies_due": self.replies_due, "unsure": self.unsure}

    def subject(self) -> str:
        """The subject line, in the reader's language."""
        total = sum(line.count for part in self.parts for line in part.lines)
        return _("Gapbridge: what changed until {day}", day=when(self.until.date())) + (
            " (" + ngettext("one change", "{number} changes", total) + ")" if total else ""
        )

    def text(self, public_url: str) -> str:
        """The mail as plain text, in the reader's language."""
        base = public_url.rstrip("/")
        lines = [_("What changed from {since} to {until}.", since=when(self.since), until=when(self.until)), ""]
        for part in self.parts:
            lines += [part.site, "=" * min(len(part.site), 60)]
            for line in part.lines:
                names = ", ".join(line.domains)
                more = line.count - len(line.domains)
                tail = ", " + ngettext("and one more", "and {number} more", more) if more > 0 and names else ""
                lines.append(f"- {_(line.name)}: {line.count}" + (f" ({names}{tail})" if names else ""))
            lines.append("")
        if self.replies_due:
            lines += [
                ngettext("One reply waits for an answer.", "{number} replies wait for an answer.", self.replies_due),
                "",
            ]
        if self.unsure:
            lines += [
                ngettext(
                    "Of one mail it is not known whether it has arrived: {url}",
                    "Of {number} mails it is not known whether they have arrived: {url}",
                    self.unsure,
                    url=f"{base}/outbox?tab=ambiguous",
                ),
                "",
            ]
        lines += [
            _("All changes: {url}", url=f"{base}/gap/changes"),
            _("Links: {url}", url=f"{base}/links"),
            _("Inbox: {url}", url=f"{base}/inbox"),
            "",
            _("You get this mail because you asked for it. Change that at {url}", url=f"{base}/me"),
        ]
        return "\n".join(lines) + "\n"


def collect(session: Session, since: datetime, until: datetime) -> Digested:
    """What changed from `since` (not included) to `until`, site by site."""
    found = Digested(since, until)
    for site in session.execute(select(Site).order_by(col(Site.id))).scalars():
        part = Part(site.name, [line for line in _lines(session, site.id, since, until) if line.count])
        if part.lines:
            found.parts.append(part)
    due = select(func.count()).select_from(Inbound).join(Triage, col(Triage.inbound_id) == col(Inbound.id))
    found.replies_due = session.execute(due.where(awake(until), col(Inbound.prospect_id).is_not(None))).scalar_one()
    found.unsure = unsure.count_waiting(session, until)
    return found


def _lines(session: Session, site_id: int, since: datetime, until: datetime) -> list[Line]:
    lines = [_changes(session, site_id, kind, words, since, until) for kind, words in _KINDS]
    lost = _domains(
        session,
        select(col(Prospect.domain))
        .join(Link, col(Link.prospect_id) == col(Prospect.id))
        .where(col(Link.site_id) == site_id, col(Link.lost_at) > since, col(Link.lost_at) <= until)
        .order_by(col(Link.lost_at)),
    )
    # A win is a link that was seen; one that somebody vouches for is not counted.
    seen = select(col(Link.id)).where(col(Link.prospect_id) == col(Prospect.id), col(Link.verified).is_(True))
    won = _domains(
        session,
        select(col(Prospect.domain))
        .join(StageEvent, col(StageEvent.prospect_id) == col(Prospect.id))
        .where(
            col(Prospect.site_id) == site_id,
            col(StageEvent.to_stage) == Stage.WON,
            col(StageEvent.from_stage) != Stage.WON,
            col(StageEvent.at) > since,
            col(StageEvent.at) <= until,
            seen.exists(),
        )
        .order_by(col(StageEvent.id)),
    )
    return [
        *lines,
        Line(mark("Won links that were lost"), len(lost), lost[:SHOWN]),
        Line(mark("Won"), len(won), won[:SHOWN]),
    ]


def _changes(session: Session, site_id: int, kind: ChangeKind, words: str, since: datetime, until: datetime) -> Line:
    of_kind = (
        col(GapChange.site_id) == site_id,
        col(GapChange.kind) == kind,
        col(GapChange.at) > since,
        col(GapChange.at) <= until,
    )
    count = session.execute(select(func.count()).where(*of_kind)).scalar_one()
    first = select(col(GapChange.domain)).where(*of_kind).order_by(col(GapChange.tier), col(GapChange.id)).limit(SHOWN)
    return Line(words, int(count), list(session.execute(first).scalars()) if count else [])


def _domains(session: Session, statement: Any) -> list[str]:
    return list(dict.fromkeys(session.execute(statement).scalars()))
