"""Looks at a page of ours as an editor would who is asked to link to it: does it answer, may it be found, is it the right address.

The look goes through the guarded client, outside of any transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlsplit

from app.fetch.parsing import PageTooComplex
from app.fetch.ports import Fetcher, NotFetched
from app.fetch.visit import read

OK = "ok"
UNREACHABLE = "could-not-check"
STATUS = "not-200"
REDIRECTS = "redirects"
NOINDEX = "noindex"
CANONICAL = "canonical"
#: What speaks against promoting a page; "could-not-check" is neither yes nor no.
FAULTS = frozenset({STATUS, REDIRECTS, NOINDEX, CANONICAL})


@dataclass(frozen=True, slots=True)
class Look:
    """What was found at `at` (UTC): a `state`, its sentence (None when all is well), and what the page says of itself."""

    state: str
    sentence: str | None
    at: datetime
    title: str | None = None
    topic: str | None = None
    summary: str | None = None
    published_on: date | None = None


def look(fetcher: Fetcher, url: str) -> Look:
    """Fetch and judge one page; never raises for what the page does."""
    answer = fetcher.fetch(url)
    if isinstance(answer, NotFetched):
        return Look(UNREACHABLE, answer.sentence, answer.at)
    at = answer.fetched_at
    if answer.status != 200:
        return Look(STATUS, f"The page answers {answer.status} instead of 200.", at)
    try:
        facts = read(answer)
    except PageTooComplex:
        return Look(UNREACHABLE, "The page is built in a way that takes too long to read; look at it by hand.", at)
    told = dict(facts.about)
    about = {
        "title": facts.title[:300] or None,
        "topic": told.get("article:section") or told.get("keywords", "").partition(",")[0].strip() or None,
        "summary": told.get("description") or told.get("og:description"),
        "published_on": _day(told.get("article:published_time") or told.get("date")),
    }
    state, sentence = OK, None
    if not _same(answer.final_url, url):
        state, sentence = REDIRECTS, f"The page leads on to {answer.final_url}; promote that address."
    elif {"noindex", "none"} & set(facts.robots):
        state, sentence = (
            NOINDEX,
            "The page tells search engines not to list it (noindex); a link to it is worth little.",
        )
    elif facts.canonical is not None and not _same(facts.canonical, url):
        state, sentence = CANONICAL, f"The page names {facts.canonical} as its proper address; promote that one."
    return Look(state, sentence, at, **about)  # type: ignore[arg-type]


def _same(one: str, other: str) -> bool:
    def plain(url: str) -> tuple[str, str, str]:
        parts = urlsplit(url)
        return parts.netloc.lower(), parts.path.rstrip("/"), parts.query

    return plain(one) == plain(other)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None
