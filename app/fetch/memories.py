"""What pages with a link to us looked like when they were last read in full, so that their servers may say "unchanged" (304).

Only a link that was seen is kept, as it was seen, and for a limited time: "not there", a change and a doubt always rest on
a page that was read.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import timedelta

from sqlalchemy import delete
from sqlmodel import col

from app.db.work import Database
from app.domain.link_verdict import Finding, SeenLink
from app.domain.mention_verdict import MentionVerdict
from app.fetch.ports import Fetched, Validators
from app.fetch.visit import Remembered, robots_header
from app.models import PageMemory

_MAX_LINKS = 20
_PRUNE_EVERY = 500


class PageMemories:
    """The `Memory` of an installation, in its database. `full_after`: older memories are not used, and are dropped in time."""

    def __init__(self, db: Database, full_after: timedelta) -> None:
        self._db = db
        self._full_after = full_after
        self._kept = 0

    def recall(self, url: str) -> Remembered | None:
        """See `app.fetch.visit.Memory.recall`."""
        with self._db.read() as look:
            row = look.session.get(PageMemory, _key(url))
            if row is None or look.now() - row.read_at >= self._full_after:
                return None
        seen = row.seen
        try:
            links = tuple(
                SeenLink(**{**link, "rel": tuple(link["rel"]), "kinds": tuple(link["kinds"]), "via": ()})
                for link in seen["links"]
            )
            robots, canonical = tuple(seen["robots"]), seen["canonical"]
            title, lang, words, own_words = seen["title"], seen["lang"], seen["words"], seen["own_words"]
        except (KeyError, TypeError):  # written by another version
            return None
        finding = Finding(
            MentionVerdict.LINKED,
            url,
            final_url=row.final_url,
            links=links,
            title=title,
            lang=lang,
            canonical=canonical,
            robots=robots,
            good_fetch=True,
            unchanged_since=row.read_at,
            words=words,
            own_words=own_words,
        )
        return Remembered(Validators(row.final_url, row.etag, row.last_modified), row.robots, finding)

    def learn(self, url: str, answer: Fetched, finding: Finding) -> None:
        """See `app.fetch.visit.Memory.learn`."""
        etag, modified = (_one(answer, name) for name in ("etag", "last-modified"))
        # A link behind redirects may end elsewhere tomorrow although its page is the same.
        # And a page that draws itself may draw another link from the same source.
        seen = finding.verdict is MentionVerdict.LINKED and not finding.rendered
        lasting = seen and not any(link.via for link in finding.links)
        keep = lasting and answer.status == 200 and not answer.truncated and bool(etag or modified)
        if not keep:
            self._forget(_key(url))
            return
        with self._db.work(durable=False) as uow:
            links = [{name: value for name, value in asdict(link).items() if name != "via"} for link in finding.links]
            row = PageMemory(
                key=_key(url),
                final_url=answer.final_url,
                etag=etag,
                last_modified=modified,
                robots=robots_header(answer),
                seen={
                    "links": links[:_MAX_LINKS],
                    "title": finding.title,
                    "lang": finding.lang,
                    "canonical": finding.canonical,
                    "robots": list(finding.robots),
                    "words": finding.words,
                    "own_words": finding.own_words,
                },
                read_at=uow.now(),
            )
            uow.session.merge(row)
            self._kept += 1
            if self._kept % _PRUNE_EVERY == 0:
                old = col(PageMemory.read_at) < uow.now() - 2 * self._full_after
                uow.session.execute(delete(PageMemory).where(old).execution_options(synchronize_session=False))

    def _forget(self, key: str) -> None:
        with self._db.read() as look:
            if look.session.get(PageMemory, key) is None:
                return  # most pages: no write for those
        with self._db.work(durable=False) as uow:
            gone = delete(PageMemory).where(col(PageMemory.key) == key)
            uow.session.execute(gone.execution_options(synchronize_session=False))


def _one(answer: Fetched, name: str) -> str | None:
    values = answer.header(name)
    # It is sent back as it came: what is long, or no plain header, is none.
    good = len(values) == 1 and len(values[0]) <= 100 and values[0].isascii() and values[0].isprintable()
    return values[0] if good else None


def _key(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()
