"""Reads lists of a site's pages: RSS and Atom feeds, sitemaps and their indexes. Runs in the parser's own process.

The XML is read event by event with expat. A document that declares entities is read no further: no list of pages needs one.
What breaks off in the middle keeps what was read until then, and says that it is not whole.
"""

from __future__ import annotations

import html as entities
import re
from dataclasses import dataclass, field
from xml.parsers import expat

from app.domain.angle_coverage import Article
from app.domain.angle_evidence import DateSource
from app.fetch.outline import day_of
from app.fetch.urls import resolve

MAX_ENTRIES = 5_000
_MAX_FIELD = 20_000
_TAG = re.compile(r"<[^<>]{0,300}>")
_ENTRIES = frozenset({"item", "entry", "url", "sitemap"})
_TEXTS = frozenset({"content", "encoded", "description", "summary"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One page of a list. `text` is what a feed says of it, without tags; the others are as in `Article`."""

    article: Article
    text: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list holds. `kind` is feed, sitemap, index or none; `parts` are the sitemaps of an index, newest first.

    `whole` is False where the list broke off, or had more than MAX_ENTRIES.
    """

    kind: str = "none"
    entries: tuple[Entry, ...] = ()
    parts: tuple[str, ...] = ()
    language: str = ""
    whole: bool = True


class _TooMuch(Exception):
    pass


@dataclass(slots=True)
class _Reader:
    url: str
    kind: str = "none"
    language: str = ""
    path: list[str] = field(default_factory=list)
    entry: dict[str, str] | None = None
    text: list[str] = field(default_factory=list)
    size: int = 0
    entries: list[Entry] = field(default_factory=list)
    parts: list[tuple[str, str]] = field(default_factory=list)

    def start(self, name: str, attrs: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if not self.path:
            self.kind = {
                "rss": "feed",
                "RDF": "feed",
                "feed": "feed",
                "urlset": "sitemap",
                "sitemapindex": "index",
            }.get(local, "none")
            self.language = attrs.get("xml:lang", "")
        self.path.append(local)
        if local in _ENTRIES:
            self.entry = {}
        elif (
            local == "link"
            and self.entry is not None
            and attrs.get("href")
            and attrs.get("rel", "alternate") == "alternate"
        ):
            self.entry.setdefault("link", attrs["href"])
        self.text, self.size = [], 0

    def data(self, text: str) -> None:
        if self.size < _MAX_FIELD:
            self.text.append(text)
            self.size += len(text)

    def end(self, name: str) -> None:
        local = name.rpartition(":")[2]
        said = "".join(self.text).strip()
        self.text, self.size = [], 0
        self.path.pop()
        if local == "language" and self.entry is None and said:
            self.language = said[:35]
        if self.entry is None:
            return
        if local in _ENTRIES:
            self._close(self.entry)
            self.entry = None
        elif said and self.path and self.path[-1] in _ENTRIES | {"news"}:
            # Media and image extensions have titles of their own: only the entry's own fields count.
            if name.startswith(("media:", "image:", "video:", "itunes:")):
                return
            if local in _TEXTS:
                self.entry["text"] = f"{self.entry.get('text', '')} {said}"[:_MAX_FIELD]
            else:
                self.entry.setdefault(local, said)

    def _close(self, entry: dict[str, str]) -> None:
        if len(self.entries) + len(self.parts) >= MAX_ENTRIES:
            raise _TooMuch
        where = entry.get("loc") or entry.get("link") or entry.get("guid") or ""
        address = resolve(self.url, where)
        if address is None:
            return
        if self.kind == "index":
            self.parts.append((entry.get("lastmod", ""), address))
            return
        published = entry.get("pubDate") or entry.get("published") or entry.get("date") or entry.get("publication_date")
        day, source = day_of(published), DateSource.FEED
        if day is None and self.kind == "sitemap":
            day, source = day_of(entry.get("lastmod")), DateSource.SITEMAP
        title = _plain(entry.get("title", ""))[:300]
        article = Article(address, title, day, source if day is not None else None)
        self.entries.append(Entry(article, _plain(entry.get("text", ""))))


def parse_listing(text: str, url: str, *, cut: bool = False) -> Listing:
    """The list at `url`, whatever kind it is; `kind` none when it is no list."""
    reader = _Reader(url)
    parser = expat.ParserCreate(encoding="utf-8")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    parser.EntityDeclHandler = _refuse
    whole = not cut
    try:
        # The text is decoded already; what its declaration says about an encoding is over.
        parser.Parse(re.sub(r"\A\s*<\?xml[^>]{0,200}\?>", "", text).encode("utf-8", "replace"), True)
    except (expat.ExpatError, _TooMuch):
        whole = False
    parts = tuple(address for _, address in sorted(reader.parts, reverse=True))
    return Listing(reader.kind, tuple(reader.entries), parts, reader.language, whole)


def _refuse(*_: object) -> None:
    raise _TooMuch


def _plain(text: str) -> str:
    """Words without tags: feeds carry HTML, escaped or in CDATA."""
    return " ".join(entities.unescape(_TAG.sub(" ", entities.unescape(text) if "&lt;" in text else text)).split())
