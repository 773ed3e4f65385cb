"""Reads the outline of a page: headings, dates, links. Runs in the parser's own process, like `app.fetch.page`.

A date is taken with the place where it stands; one that is no date, or that lies in an element which is not shown, is none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import date
from email.utils import parsedate_to_datetime
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from app.domain.angle_evidence import DateSource, Outline, SeenDate
from app.fetch.page import parse_page
from app.fetch.urls import resolve

_MAX_TEXT = 200_000
_MAX_HEADINGS = 120
_MAX_LINKS = 2_000
_MAX_TIMES = 50
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
_DAY = re.compile(r"\s*(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?\s*\Z", re.DOTALL)


def parse_outline(html: str, url: str, *, headers: Sequence[Sequence[str]] = (), cut: bool = False) -> Outline:
    """The outline of the page at `url`; `headers` are those of the answer, for Last-Modified."""
    page = parse_page(html, url, cut=cut)
    parser = LexborHTMLParser(html)
    headings: list[str] = []
    for node in parser.css("h1, h2, h3"):
        words = " ".join((node.text(deep=True) or "")[:400].split())
        if words and len(headings) < _MAX_HEADINGS:
            headings.append(words[:200])
    feeds: list[str] = []
    for node in parser.css('link[rel~="alternate"]')[:50]:
        address = resolve(url, node.attributes.get("href") or "")
        if address and (node.attributes.get("type") or "").strip().lower() in _FEEDS:
            feeds.append(address)
    dates = dict.fromkeys([*_schema(parser), *_meta(parser), *_times(parser), *_header(headers)])
    links = tuple((link.url, link.anchor) for link in page.links[:_MAX_LINKS] if not link.hidden)
    whole = not page.cut and not page.needs_scripts and not page.wall
    return Outline(
        page.title, page.lang, tuple(headings), page.text[:_MAX_TEXT], tuple(dates), links, tuple(feeds[:5]), whole
    )


def day_of(text: Any) -> date | None:
    """The day in an ISO 8601 date or time, or in a date of a mail header (RSS, Last-Modified); None for anything else."""
    if not isinstance(text, str):
        return None
    found = _DAY.match(text[:60])
    try:
        if found:
            return date(int(found[1]), int(found[2]), int(found[3]))
        return parsedate_to_datetime(text[:60].strip()).date() if ":" in text[:60] else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _schema(parser: LexborHTMLParser) -> Iterator[SeenDate]:
    for node in parser.css('script[type="application/ld+json"]')[:20]:
        try:
            waiting: list[Any] = [json.loads((node.text() or "")[:_MAX_JSON])]
        except (ValueError, RecursionError):
            continue
        for _ in range(_MAX_NODES):
            if not waiting:
                break
            item = waiting.pop()
            if isinstance(item, list):
                waiting += item[:500]
            elif isinstance(item, dict):
                kinds = item.get("@type")
                if _PAGE_TYPES & {
                    kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(kind, str)
                }:
                    yield from (
                        SeenDate(day, source)
                        for key, source in _SCHEMA.items()
                        if (day := day_of(item.get(key))) is not None
                    )
                waiting += [value for key, value in item.items() if key in _NESTED]
    for node in parser.css('[itemprop="dateModified"], [itemprop="datePublished"]')[:20]:
        attrs = node.attributes
        day = day_of(attrs.get("content") or attrs.get("datetime") or "")
        if day is not None:
            yield SeenDate(day, _SCHEMA[attrs.get("itemprop") or ""])


def _meta(parser: LexborHTMLParser) -> Iterator[SeenDate]:
    for node in parser.css("meta[content]")[:200]:
        attrs = node.attributes
        name = (attrs.get("property") or attrs.get("name") or attrs.get("http-equiv") or "").strip().lower()
        day = day_of(attrs.get("content")) if name in _META else None
        if day is not None:
            yield SeenDate(day, _META[name])


def _times(parser: LexborHTMLParser) -> Iterator[SeenDate]:
    for node in parser.css("time[datetime]")[:_MAX_TIMES]:
        day = day_of(node.attributes.get("datetime"))
        if day is not None:
            yield SeenDate(day, DateSource.TIME)


def _header(headers: Sequence[Sequence[str]]) -> Iterator[SeenDate]:
    for name, value in headers:
        day = day_of(value) if name == "last-modified" else None
        if day is not None:
            yield SeenDate(day, DateSource.HEADER)
