"""Pages are parsed in processes of their own, because no HTML parser is safe from a page that is made to hurt it.

A hundred thousand nested elements, or one element with a million attributes, keep the parser busy for minutes without
a way to stop it; and a fault in its C code would end the process that sends mail. A child has no database, no secret and
no network to lose; it has a limit of memory, and when it does not answer in time it is ended and the page counts as not
checkable.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import app
from app.domain.angle_coverage import Article
from app.domain.angle_evidence import DateSource, Outline, SeenDate
from app.domain.contact_rules import ContactFacts, How, SeenAddress
from app.domain.link_target import Target
from app.domain.link_verdict import LinkFact, PageFacts
from app.fetch import frames
from app.fetch.listing import Entry, Listing

PARSE_SECONDS = 10.0
_MAX_ANSWER = 128 << 20
_CHILDREN = max(1, min(4, os.cpu_count() or 1))
_ROOT = str(Path(app.__file__).resolve().parent.parent)
_START = "import sys; sys.path.insert(0, sys.argv[1]); from app.fetch.parse_child import main; main()"
_SHOWN = frozenset({"PATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH"})


class PageTooComplex(Exception):
    """The page could not be parsed within the limits of time and memory."""


class _Child:
    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own code
            [sys.executable, "-I", "-c", _START, _ROOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={name: value for name, value in os.environ.items() if name in _SHOWN},
            cwd=_ROOT,
            close_fds=True,
            start_new_session=True,  # a Ctrl-C for us is not for it: it ends with its input
        )

    def ask(self, task: bytes, seconds: float) -> bytes:
        """One page; raises PageTooComplex when the child is too slow or dies over it."""
        try:
            frames.send(self._process.stdin, task)
            return frames.receive(self._process.stdout, time.monotonic() + seconds, _MAX_ANSWER)
        except (OSError, frames.NoAnswer) as error:
            raise PageTooComplex(str(error)) from error

    def end(self) -> None:
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._process.wait()


class ParserPool:
    """A few children, started when they are first needed, shared by all threads of this process."""

    def __init__(self, size: int = _CHILDREN) -> None:
        self._slots = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._pid = os.getpid()

    def parse(
        self,
        html: str,
        url: str,
        *,
        robots_headers: Sequence[str] = (),
        wanted_hosts: Sequence[str] = (),
        cut: bool = False,
        about: tuple[Target, Sequence[str]] | None = None,
        seconds: float = PARSE_SECONDS,
    ) -> PageFacts:
        """The facts of a page (see `app.fetch.page.parse_page`). Raises PageTooComplex.

        `about`, a target and its brands: only the links on which a verdict about them rests are brought back.
        """
        task = {
            "html": html,
            "url": url,
            "robots_headers": list(robots_headers),
            "wanted_hosts": list(wanted_hosts),
            "cut": cut,
        }
        if about is not None:
            task["about"] = (about[0].domains, about[0].pages, list(about[1]))
        return from_rows(self._ask(task, seconds))

    def contacts(self, html: str, url: str, *, feed: bool = False, seconds: float = PARSE_SECONDS) -> ContactFacts:
        """The people and addresses of a page or feed (see `app.fetch.contact_page.parse_contacts`). Raises PageTooComplex."""
        return contacts_from_rows(self._ask({"contacts": True, "html": html, "url": url, "feed": feed}, seconds))

    def outline(
        self,
        html: str,
        url: str,
        *,
        headers: Sequence[Sequence[str]] = (),
        cut: bool = False,
        seconds: float = PARSE_SECONDS,
    ) -> Outline:
        """The headings, dates and links of a page (see `app.fetch.outline.parse_outline`). Raises PageTooComplex."""
        told = [[name, value] for name, value in headers if name == "last-modified"]
        task = {"outline": True, "html": html, "url": url, "headers": told, "cut": cut}
        return outline_from_rows(self._ask(task, seconds))

    def listing(self, text: str, url: str, *, cut: bool = False, seconds: float = PARSE_SECONDS) -> Listing:
        """The pages in a feed or sitemap (see `app.fetch.listing.parse_listing`). Raises PageTooComplex."""
        return listing_from_rows(self._ask({"listing": True, "text": text, "url": url, "cut": cut}, seconds))

    def _ask(self, task: dict[str, Any], seconds: float) -> Any:
        body = json.dumps(task).encode("ascii")
        with self._slots:
            child = self._take()
            try:
                answer = json.loads(child.ask(body, seconds))
            except BaseException:
                child.end()
                raise
            with self._lock:
                self._idle.append(child)
        if "facts" not in answer:
            raise PageTooComplex(answer.get("problem", ""))
        return answer["facts"]

    def _take(self) -> _Child:
        with self._lock:
            if self._pid != os.getpid():
                # After a fork the pipes are shared with the parent: two readers on one pipe would mix their pages.
                self._idle, self._pid = [], os.getpid()
            if self._idle:
                return self._idle.pop()
        return _Child()

    def close(self) -> None:
        """End the children that are idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.end()


def from_rows(rows: list[Any]) -> PageFacts:
    """What `app.fetch.parse_child.as_rows` made of the facts. Raises PageTooComplex for anything else."""
    try:
        url, title, lang, canonical, robots, text, links, cut, needs_scripts, about, wall, *counts = rows
        facts = tuple(
            LinkFact(address, anchor, tuple(rel), start, end, image, hidden)
            for address, anchor, rel, start, end, image, hidden in links
        )
        told = tuple((str(name), str(content)) for name, content in about)
    except (TypeError, ValueError) as error:
        raise PageTooComplex("the parser answered in a shape that is not known") from error
    head = (url, title, lang, canonical, tuple(robots), text, facts, cut, needs_scripts, told, wall)
    return PageFacts(*head, *counts)


def contacts_from_rows(rows: Any) -> ContactFacts:
    """What `app.fetch.parse_child.contact_rows` made of the facts. Raises PageTooComplex for anything else."""
    try:
        addresses, authors, links, feeds = rows
        return ContactFacts(
            tuple(SeenAddress(email, How(how), name) for email, how, name in addresses),
            tuple((name, url) for name, url in authors),
            tuple((url, words, tuple(rel)) for url, words, rel in links),
            tuple(feeds),
        )
    except (TypeError, ValueError) as error:
        raise PageTooComplex("the parser answered in a shape that is not known") from error


def outline_from_rows(rows: Any) -> Outline:
    """What `app.fetch.parse_child.outline_rows` made of the facts. Raises PageTooComplex for anything else."""
    try:
        title, lang, headings, text, dates, links, feeds, whole, unseen, data, undated = rows
        return Outline(
            title,
            lang,
            tuple(headings),
            text,
            tuple(SeenDate(date.fromisoformat(day), DateSource(source)) for day, source in dates),
            tuple((url, words) for url, words in links),
            tuple(feeds),
            whole,
            unseen,
            data,
            undated,
        )
    except (TypeError, ValueError) as error:
        raise PageTooComplex("the parser answered in a shape that is not known") from error


def listing_from_rows(rows: Any) -> Listing:
    """What `app.fetch.parse_child.listing_rows` made of the facts. Raises PageTooComplex for anything else."""
    try:
        kind, entries, parts, language, whole = rows
        return Listing(
            kind,
            tuple(
                Entry(
                    Article(
                        url, title, date.fromisoformat(day) if day else None, DateSource(source) if source else None
                    ),
                    text,
                )
                for url, title, day, source, text in entries
            ),
            tuple(parts),
            language,
            whole,
        )
    except (TypeError, ValueError) as error:
        raise PageTooComplex("the parser answered in a shape that is not known") from error


_shared = ParserPool()
atexit.register(_shared.close)


def parser_pool() -> ParserPool:
    """The children of this process."""
    return _shared
