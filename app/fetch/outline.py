"""Reads the outline of a page: headings, dates, links. Runs in the parser's own process, like `app.fetch.page`.

A date is taken with the place where it stands; one that is no date, or that lies in an element which is not shown, is none.
"""

from __future__ import annotations

import html as entities
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.domain.angle_evidence import DateSource, Outline, SeenDate
from app.fetch.page import BLOCK_SILENT, hides, parse_page
from app.fetch.urls import resolve

_MAX_TEXT = 200_000
_MAX_HEADINGS = 120
_MAX_LINKS = 2_000
_MAX_TIMES = 1_000
_MAX_SCRIPTS = 100
_MAX_WORDS = 400_000
_MAX_NODES = 5_000
_MAX_JSON = 500_000
_META = {
    "article:modified_time": DateSource.META_MODIFIED,
    "og:updated_time": DateSource.META_MODIFIED,
    "last-modified": DateSource.META_MODIFIED,
    "dcterms.modified": DateSource.META_MODIFIED,
    "article:published_time": DateSource.META_PUBLISHED,
    "dcterms.created": DateSource.META_PUBLISHED,
    "date": DateSource.META_PUBLISHED,
}
_SCHEMA = {"dateModified": DateSource.SCHEMA_MODIFIED, "datePublished": DateSource.SCHEMA_PUBLISHED}
# A page describes other things than itself as well: its comments, its products, the pages that it lists.
_PAGE_TYPES = frozenset(
    {"Article", "NewsArticle", "BlogPosting", "TechArticle", "Report", "ScholarlyArticle", "WebPage", "HowTo", "Guide"}
    | {"CreativeWork", "FAQPage", "AboutPage", "ItemPage", "MedicalWebPage", "LearningResource", "Recipe", "Course"}
)
_NESTED = frozenset({"@graph", "mainEntity", "mainEntityOfPage"})
_FEEDS = frozenset({"application/rss+xml", "application/atom+xml"})
_DAY = re.compile(r"\s*(\d{4})([-/]?)(\d{2})\2(\d{2})(?:[T ].*)?\s*\Z", re.DOTALL)
_PERIOD = re.compile(r"\s*(\d{4})(?:-(\d{2}))?\s*\Z")
_NO_DAY = re.compile(r"P[\dT]|T?\d{1,2}:\d{2}")
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_DECEMBER = 12
_APART = re.compile(r"<(/?)(?:template|noscript)\b", re.IGNORECASE)
_TOLD = ("alt", "title", "aria-label", "placeholder", "label", "value", "content", "srcdoc")
_TELLING = ", ".join(f"[{name}]" for name in _TOLD)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|[nrtbf])?")
_WORDS = re.compile(r"[^\W\d_](?:[^\W\d_]|-(?=[^\W\d_])){2,60}")


def parse_outline(html: str, url: str, *, headers: Sequence[Sequence[str]] = (), cut: bool = False) -> Outline:
    """The outline of the page at `url`; `headers` are those of the answer, for Last-Modified."""
    page = parse_page(html, url, cut=cut)
    # What stands in these is in the source, and nobody sees it.
    parser = LexborHTMLParser(_APART.sub(lambda found: "</div" if found[1] else "<div hidden", html))
    feeds: list[str] = []
    for node in parser.css('link[rel~="alternate"]')[:50]:
        address = resolve(url, node.attributes.get("href") or "")
        if address and (node.attributes.get("type") or "").strip().lower() in _FEEDS:
            feeds.append(address)
    dates = _Dates()
    _schema(parser, dates)
    _microdata(parser, dates)
    _meta(parser, dates)
    _times(parser, dates)
    for name, value in headers:
        if name == "last-modified" and (day := day_of(value)) is not None:
            dates.seen.append(SeenDate(day, DateSource.HEADER))
    headings = _headings(parser)
    data, unseen = _behind(parser)
    return Outline(
        title=page.title,
        lang=page.lang,
        headings=headings,
        text=page.text[:_MAX_TEXT],
        dates=tuple(dict.fromkeys(dates.seen)),
        links=tuple((link.url, link.anchor) for link in page.links[:_MAX_LINKS] if not link.hidden),
        feeds=tuple(feeds[:5]),
        whole=not page.cut and not page.needs_scripts and not page.wall and len(page.text) <= _MAX_TEXT,
        unseen=unseen,
        data=data,
        undated=dates.unclear(),
    )


def day_of(text: Any) -> date | None:
    """The day in an ISO 8601 date or time, or in a date of a mail header (RSS, Last-Modified); None for anything else."""
    if not isinstance(text, str):
        return None
    found = _DAY.match(text[:60])
    try:
        if found:
            return date(int(found[1]), int(found[3]), int(found[4]))
        return parsedate_to_datetime(text[:60].strip()).date() if ":" in text[:60] else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


class _Dates:
    """The dates of a page as they are found, and whether one that may be the newest could not be read."""

    def __init__(self) -> None:
        self.seen: list[SeenDate] = []
        self._unread = False
        self._latest: date | None = None

    def take(self, value: Any, source: DateSource | None) -> None:
        """A date that the page gives itself; without a `source` it is not known whether it is the page's."""
        day = day_of(value)
        if day is not None and source is not None:
            self.seen.append(SeenDate(day, source))
            return
        last = _last_day_of(value) if value else None
        if last is not None:
            self._latest = max(last, self._latest or last)
        elif value:
            self._unread = True

    def unclear(self) -> bool:
        """Whether the page may be newer than the newest of its dates that were read."""
        newest = max((one.day for one in self.seen), default=None)
        return self._unread or (self._latest is not None and newest is not None and self._latest > newest)


def _last_day_of(value: Any) -> date | None:
    """The last day that an ISO 8601 date can mean: of the year, or of the month, where it says no more."""
    day = day_of(value)
    found = _PERIOD.match(value[:60]) if day is None and isinstance(value, str) else None
    if found is None:
        return day
    year, month = int(found[1]), int(found[2] or 12)
    if not 1 <= year < date.max.year or not 1 <= month <= _DECEMBER:
        return None
    return date(year + month // _DECEMBER, month % _DECEMBER + 1, 1) - timedelta(days=1)


def _headings(parser: LexborHTMLParser) -> tuple[str, ...]:
    """The headings that a reader can see, in order."""
    known: dict[int, bool] = {}
    headings: list[str] = []
    for node in parser.css("h1, h2, h3"):
        if len(headings) >= _MAX_HEADINGS:
            break
        words = " ".join((node.text(deep=True) or "")[:400].split())
        if words and not _is_hidden(node, known):
            headings.append(words[:200])
    return tuple(headings)


def _is_hidden(node: LexborNode, known: dict[int, bool]) -> bool:
    """Whether an element, or one around it, hides it. `known` holds the answers, so that each element is asked once."""
    way: list[LexborNode] = []
    at: LexborNode | None = node
    while at is not None and at.mem_id not in known:
        way.append(at)
        at = at.parent
    hidden = at is not None and known[at.mem_id]
    for one in reversed(way):
        hidden = hidden or (one.tag or "") in BLOCK_SILENT or (one.is_element_node and hides(one.attributes))
        known[one.mem_id] = hidden
    return hidden


def _behind(parser: LexborHTMLParser) -> tuple[str | None, str]:
    """The words of the scripts (None: too many), and those of everything else that is hidden or an attribute, each once."""
    data = _vocabulary(node.text() or "" for node in parser.css("script"))
    told = [value for node in parser.css(_TELLING) for name in _TOLD if (value := node.attributes.get(name))]
    parser.strip_tags(["script", "style"])
    told.append(parser.root.text(deep=True, separator=" ") if parser.root is not None else "")
    unseen = _vocabulary(told)
    fits = len(unseen) <= _MAX_WORDS and len(data) <= _MAX_WORDS
    return data if fits else None, unseen[:_MAX_WORDS]


def _vocabulary(texts: Iterable[str]) -> str:
    words: dict[str, None] = {}
    for text in texts:
        plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else " ", entities.unescape(text))
        # "on-boarding" stands there for "onboarding", too.
        for one in _WORDS.findall(unicodedata.normalize("NFC", plain).lower()):
            words.update(dict.fromkeys([*one.split("-"), one.replace("-", "")]))
    return " ".join(words)


def _schema(parser: LexborHTMLParser, dates: _Dates) -> None:
    for node in parser.css('script[type*="ld+json" i]')[:_MAX_SCRIPTS]:
        text = node.text() or ""
        try:
            # A line break inside of a string is no JSON, and is on many pages all the same.
            items = _items(json.loads(text[:_MAX_JSON], strict=False))
        except (ValueError, RecursionError):
            if any(key in text for key in _SCHEMA):
                dates.take(text, None)
            continue
        for item in items:
            own = any(_is_page(kind) for kind in _listed(item.get("@type")))
            for key, source in _SCHEMA.items():
                for value in _listed(item.get(key)):
                    dates.take(value, source if own else None)


def _items(root: Any) -> Iterator[dict[str, Any]]:
    """What a block of JSON-LD describes, as far as it is the page or what the page is about."""
    waiting = [root]
    for _ in range(_MAX_NODES):
        if not waiting:
            return
        item = waiting.pop()
        if isinstance(item, list):
            waiting += item[:500]
        elif isinstance(item, dict):
            yield item
            waiting += [value for key, value in item.items() if key in _NESTED]


def _microdata(parser: LexborHTMLParser, dates: _Dates) -> None:
    for node in parser.css('[itemprop~="dateModified"], [itemprop~="datePublished"]')[:_MAX_TIMES]:
        attrs = node.attributes
        value = attrs.get("content") or attrs.get("datetime") or (node.text() or "").strip()
        for key in (attrs.get("itemprop") or "").split():
            if key in _SCHEMA:
                dates.take(value, _SCHEMA[key])


def _is_page(kind: Any) -> bool:
    """Whether a type of schema.org, as a name or an address, is that of a page or of an article."""
    name = re.split(r"[/#:]", kind)[-1] if isinstance(kind, str) else ""
    return name in _PAGE_TYPES or name.endswith(("Article", "Posting", "Page"))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _meta(parser: LexborHTMLParser, dates: _Dates) -> None:
    for node in parser.css("meta[content]")[:200]:
        attrs = node.attributes
        name = (attrs.get("property") or attrs.get("name") or attrs.get("http-equiv") or "").strip().lower()
        if name in _META:
            dates.take((attrs.get("content") or "").strip(), _META[name])


def _times(parser: LexborHTMLParser, dates: _Dates) -> None:
    for node in parser.css("time")[:_MAX_TIMES]:
        value = (node.attributes.get("datetime") or "").strip()
        said = value or (node.text() or "").strip()[:200]
        # A duration or an hour is no date; a year in words stands in the text, where it is looked for.
        if not _NO_DAY.match(said) and (value or not _YEAR.search(said)):
            dates.take(said, DateSource.TIME)
