"""The parser's own process: reads pages from its standard input, writes their facts to its standard output, knows nothing else.

Each message is JSON in a frame of `app.fetch.frames`. The process ends with its input.
"""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any

from selectolax.lexbor import SelectolaxError

from app.domain.angle_coverage import Article
from app.domain.angle_evidence import Outline
from app.domain.contact_rules import ContactFacts
from app.domain.link_target import Target
from app.domain.link_verdict import PageFacts, about_us
from app.fetch import frames
from app.fetch.contact_page import parse_contacts
from app.fetch.listing import Listing, parse_listing
from app.fetch.outline import parse_outline
from app.fetch.page import parse_page

MEMORY_BYTES = 1 << 30


def main() -> None:
    """Answer pages until the input ends."""
    _limit_memory()
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while message := frames.await_next(source):
        task: dict[str, Any] = json.loads(message)
        try:
            if task.pop("contacts", False):
                answer: dict[str, Any] = {"facts": contact_rows(parse_contacts(**task))}
            elif task.pop("outline", False):
                answer = {"facts": outline_rows(parse_outline(**task))}
            elif task.pop("listing", False):
                answer = {"facts": listing_rows(parse_listing(**task))}
            else:
                about = task.pop("about", None)
                facts = parse_page(**task)
                if about is not None:
                    # A page has hundreds of links, and few of them tell anything about us: the others stay here.
                    facts = about_us(facts, Target(tuple(about[0]), tuple(about[1])), about[2])
                answer = {"facts": as_rows(facts)}
        except (MemoryError, RuntimeError, ValueError, SelectolaxError) as error:
            answer = {"problem": type(error).__name__}
        frames.send(sink, json.dumps(answer).encode("ascii"))


def as_rows(facts: PageFacts) -> list[Any]:
    """The facts as plain lists, in the order of their fields; `app.fetch.parsing.from_rows` is the way back."""
    links = [(link.url, link.anchor, link.rel, link.start, link.end, link.image, link.hidden) for link in facts.links]
    counts = (facts.words, facts.own_words, facts.barred)
    head = (facts.url, facts.title, facts.lang, facts.canonical, facts.robots, facts.text)
    return [*head, links, facts.cut, facts.needs_scripts, facts.about, facts.wall, *counts]


def contact_rows(facts: ContactFacts) -> list[Any]:
    """The same for people and addresses; `app.fetch.parsing.contacts_from_rows` is the way back."""
    addresses = [(seen.email, seen.how.value, seen.name) for seen in facts.addresses]
    return [addresses, facts.authors, facts.links, facts.feeds]


def outline_rows(facts: Outline) -> list[Any]:
    """The same for the outline of a page; `app.fetch.parsing.outline_from_rows` is the way back."""
    dates = [(seen.day.isoformat(), seen.source.value) for seen in facts.dates]
    behind = (facts.whole, facts.unseen, facts.data, facts.undated)
    return [facts.title, facts.lang, facts.headings, facts.text, dates, facts.links, facts.feeds, *behind]


def listing_rows(facts: Listing) -> list[Any]:
    """The same for a list of pages; `app.fetch.parsing.listing_from_rows` is the way back."""
    entries = [(*_article_row(entry.article), entry.text) for entry in facts.entries]
    return [facts.kind, entries, facts.parts, facts.language, facts.whole]


def _article_row(article: Article) -> tuple[Any, ...]:
    day = article.on.isoformat() if article.on is not None else None
    return article.url, article.title, day, article.source.value if article.source is not None else None


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # not every system has the limit
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
