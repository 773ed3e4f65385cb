"""Pages that may name us, out of lists and searches: kept with their source, and read by the mention check like any other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from app.audit import service as audit
from app.db.work import UnitOfWork
from app.domain.mention_lists import is_post, leads_to
from app.domain.pipeline import Stage
from app.errors import BadInput
from app.fetch.urls import parse_url
from app.keys import site_key
from app.mentions import repository, service
from app.mentions.listfile import Line
from app.models import Prospect
from app.prospects import intake

_MAX_URL = 2_000
_KEPT_REASONS = 1_000
_KEPT_TEXT = 200


class Rejected(NamedTuple):
    """A line that was not taken, why, and how it begins."""

    line: int
    reason: str
    text: str


@dataclass(slots=True)
class Taken:
    """What became of a list: new candidates, those known already, prospects made, and the lines that were not taken."""

    taken: int = 0
    known: int = 0
    prospects: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    rejected_count: int = 0

    def reject(self, line: int, reason: str, text: str) -> None:
        """Count a line that was not taken; the first ones are kept with their reason."""
        self.rejected_count += 1
        if len(self.rejected) < _KEPT_REASONS:
            self.rejected.append(Rejected(line, str(reason), text[:_KEPT_TEXT]))

    def add(self, other: Taken) -> None:
        """Count another list with this one."""
        self.taken, self.known, self.prospects = (
            self.taken + other.taken,
            self.known + other.known,
            self.prospects + other.prospects,
        )
        self.rejected_count += other.rejected_count
        self.rejected = [*self.rejected, *other.rejected][:_KEPT_REASONS]


def take(uow: UnitOfWork, site_id: int, urls: Iterable[str], *, source: str, actor: str) -> Taken:
    """Keep pages as candidates; see `take_lines`. The first address is line 1."""
    lines = (Line(number, url) for number, url in enumerate(urls, 1))
    made = take_lines(uow, site_id, lines, source=source, actor=actor)
    told(uow, site_id, source, made, actor=actor)
    return made


def told(uow: UnitOfWork, site_id: int, source: str, taken: Taken, *, actor: str) -> None:
    """Write into the audit that a list of pages was taken for a site, with what became of it."""
    after = {
        "taken": taken.taken,
        "known": taken.known,
        "prospects": taken.prospects,
        "rejected": taken.rejected_count,
    }
    audit.record(uow, "mentions.listed", "site", site_id, name=source, after=after, actor=actor)


def take_lines(uow: UnitOfWork, site_id: int, lines: Iterable[Line], *, source: str, actor: str) -> Taken:
    """Keep the pages of a list as candidates. A domain that is no prospect becomes one; pages of prospects are looked at again.

    Refused are our own pages and those of competitors, posts in networks, what is no address, and what the list itself
    refuses. The same list twice adds nothing.
    """
    made = Taken()
    wake: dict[int, None] = {}
    for line in lines:
        url = leads_to(line.url).strip().partition("#")[0]
        if line.refused:
            made.reject(line.number, line.refused, line.url)
            continue
        try:
            parsed = parse_url(url)
        except ValueError as error:
            made.reject(line.number, str(error), line.url)
            continue
        key = site_key(url)
        if len(url) > _MAX_URL or key is None:
            made.reject(line.number, f"'{url[:80]}' is no page on a public domain", line.url)
            continue
        if is_post(key):
            made.reject(line.number, f"{key} shows posts, into which no editor can put a link", line.url)
            continue
        try:
            found = intake.take(uow, site_id, url, page=str(parsed), actor=actor)
        except BadInput as error:
            made.reject(line.number, error.detail, line.url)
            continue
        made.prospects += found.created
        if repository.add_candidate(uow.session, found.prospect.id, url, source, uow.now()):
            made.taken += 1
            wake[found.prospect.id] = None
        else:
            made.known += 1
    for prospect_id in wake:
        prospect = uow.session.get_one(Prospect, prospect_id)
        if prospect.stage in (Stage.PROSPECT, Stage.CHECKED_MENTION):
            service.request(uow, prospect_id)
    return made
