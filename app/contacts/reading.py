"""Reads a prospect's pages for people: the page that links first, then the author's, contact, imprint and about pages, and a feed."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Any

from app.domain.contact_rules import (
    ContactFacts,
    How,
    PageKind,
    Whose,
    fold,
    is_role,
    named,
    page_kind,
    surely_named,
    unfit,
)
from app.domain.link_target import page_key
from app.fetch.parsing import PageTooComplex, parser_pool
from app.fetch.ports import Fetched, Fetcher
from app.keys import site_key

_ORDER = {kind: number for number, kind in enumerate(PageKind)}
# More would be a list of staff, and writing to all of them is not what this is for.
MAX_FOUND = 30


@dataclass(slots=True)
class Finding:
    """One address: where and how it was seen, whose it is, and why it is not taken (empty: it may be)."""

    email: str
    name: str
    url: str
    how: How
    page: PageKind
    whose: Whose
    author: bool
    role_address: bool
    refused: str = ""


@dataclass(slots=True)
class Reading:
    """What the pages said: every page with its outcome, the addresses in the order of their worth, and the authors' names."""

    pages: list[dict[str, Any]] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)
    authors: dict[str, str] = field(default_factory=dict)


def read_pages(fetcher: Fetcher, domain: str, start: str, budget: int) -> Reading:
    """Read at most `budget` pages of `domain`, beginning with `start`. Never raises for what a page does.

    It ends early when an address of the author of `start` was found: more pages could add nothing better.
    """
    reading = Reading()
    seen: dict[str, tuple[PageKind, str, Any]] = {}
    queue: list[tuple[int, int, str]] = []
    known: set[str] = set()

    def ask(url: str, kind: PageKind) -> None:
        if url not in known and site_key(url) == domain:
            known.add(url)
            heapq.heappush(queue, (_ORDER[kind], len(known), url))

    kinds = list(PageKind)
    ask(start, PageKind.LINKING)
    origin = "/".join(start.split("/")[:3])
    ask(f"{origin}/", PageKind.FRONT)
    while queue and len(reading.pages) < budget:
        order, _, url = heapq.heappop(queue)
        kind = kinds[order]
        facts = _look(fetcher, url, kind, reading)
        if facts is None:
            continue
        if kind is PageKind.FEED and not reading.authors:
            for name in _of_item(facts, start):
                reading.authors.setdefault(name, url)
        for name, their_page in facts.authors:
            # On the page that links they are its authors; elsewhere they may be anybody's.
            if kind in {PageKind.LINKING, PageKind.AUTHOR}:
                reading.authors.setdefault(name, url)
            if their_page and kind is PageKind.LINKING:
                ask(their_page, PageKind.AUTHOR)
        for address in facts.addresses:
            key = address.email.lower()
            if key not in seen or (address.name and not seen[key][2].name):
                seen[key] = (kind, url, address)
        _follow(facts, kind, ask)
        if any(_judge(domain, reading, *entry).author for entry in seen.values() if not unfit(_local(entry[2].email))):
            break
    judged = [_judge(domain, reading, *entry) for entry in seen.values()]
    reading.found = sorted(judged, key=_worth)[:MAX_FOUND]
    return reading


def _of_item(facts: ContactFacts, start: str) -> list[str]:
    """The authors that a feed gives to the page that links: by its item, or because nobody else writes there."""
    names = list(dict.fromkeys(name for name, _ in facts.authors))
    of_page = [name for name, page in facts.authors if page and page_key(page) == page_key(start)]
    return of_page or (names if len(names) == 1 else [])


def _look(fetcher: Fetcher, url: str, kind: PageKind, reading: Reading) -> ContactFacts | None:
    answer = fetcher.fetch(url, read="any" if kind is PageKind.FEED else "html")
    line: dict[str, Any] = {"url": url, "kind": kind.value, "status": None, "problem": None}
    reading.pages.append(line)
    if not isinstance(answer, Fetched):
        line["problem"] = answer.reason.value
        return None
    line["status"] = answer.status
    if answer.status != 200:
        line["problem"] = f"status-{answer.status}"
        return None
    if site_key(answer.final_url) != site_key(url):
        line["problem"] = "left-the-site"  # somebody else's page says nothing about these people
        return None
    try:
        return parser_pool().contacts(answer.text, answer.final_url, feed=kind is PageKind.FEED)
    except PageTooComplex:
        line["problem"] = "page-too-complex"
        return None


def _follow(facts: ContactFacts, kind: PageKind, ask: Any) -> None:
    for url, words, rel in facts.links:
        page = url.partition("#")[0]
        if "author" in rel and kind is PageKind.LINKING:
            ask(page, PageKind.AUTHOR)
        elif (why := page_kind(url, words)) is not None:
            ask(page, why)
    if kind in {PageKind.LINKING, PageKind.FRONT}:
        for feed in facts.feeds[:1]:
            ask(feed, PageKind.FEED)


def _local(email: str) -> str:
    return email.rpartition("@")[0]


def _judge(domain: str, reading: Reading, kind: PageKind, url: str, seen: Any) -> Finding:
    local, _, host = seen.email.rpartition("@")
    folded = {fold(name) for name in reading.authors}
    own = site_key(host) == domain
    match = named if own else surely_named
    author = next((name for name in reading.authors if match(name, local)), "")
    if (
        not author
        and seen.name
        and fold(seen.name) in folded
        and kind in {PageKind.LINKING, PageKind.AUTHOR, PageKind.FEED}
    ):
        author = seen.name
    role = is_role(local)
    whose = Whose.OWN if own else Whose.AUTHOR if author and not role else Whose.OTHER
    refused = unfit(local) or ("not-their-domain" if whose is Whose.OTHER else "")
    name = "" if role else seen.name or author
    return Finding(seen.email, name, url, seen.how, kind, whose, bool(author) and not role, role, refused)


def _worth(finding: Finding) -> tuple[bool, bool, bool, bool, int]:
    """The author, then other people, then roles; of each the named first, and the page that says it best."""
    return (bool(finding.refused), finding.role_address, not finding.author, not finding.name, _ORDER[finding.page])
