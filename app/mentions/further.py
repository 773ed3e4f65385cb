"""Looks further where the known pages hold no mention: a site's feed and sitemap, and the search provider.

What they name is a candidate and no verdict: the page is fetched and judged. Only a find counts; a page that cannot be read
here takes nothing away from the known pages, which were read.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from app.domain.mention import find_mention
from app.fetch.listing import Listing
from app.fetch.parsing import PageTooComplex, parser_pool
from app.fetch.ports import Fetched, Fetcher
from app.fetch.whereabouts import feed_of, sitemap_of
from app.keys import site_key

_PARTS = 2


def named_pages(
    fetcher: Fetcher,
    domain: str,
    start: str,
    names: Sequence[str],
    others: Sequence[str],
    budget: int,
    known: Fetched | None = None,
) -> tuple[list[tuple[str, str]], int]:
    """Pages whose feed entry or address names us, as (address, source), and the requests that were made (at most `budget`).

    `known` is a page of the site that was read: what it and its robots.txt say of feeds and sitemaps is looked for first.
    """
    parts = urlsplit(start)
    origin = f"{parts.scheme}://{parts.netloc}"
    asked = 0
    found: dict[str, str] = {}

    def take(url: str, source: str) -> Listing | None:
        nonlocal asked
        if asked >= budget:
            return None
        asked += 1
        listed = _listing(fetcher, url)
        for entry in listed.entries if listed is not None else ():
            page = entry.article
            words = unquote(urlsplit(page.url).path).replace("-", " ").replace("_", " ").replace("/", " ")
            if site_key(page.url) == domain and any(
                find_mention(text, names, others) for text in (page.title, entry.text, words) if text
            ):
                found.setdefault(page.url, source)
        return listed

    take(feed_of(_feeds(known), origin), "feed")
    index = take(sitemap_of(known.sitemaps if known is not None else (), origin), "sitemap")
    parts_of_theirs = [one for one in (index.parts if index is not None else ()) if site_key(one) == domain]
    for part in parts_of_theirs[:_PARTS]:
        take(part, "sitemap")
    return list(found.items()), asked


def _feeds(known: Fetched | None) -> Sequence[str]:
    if known is None or not known.text:
        return ()
    try:
        return parser_pool().outline(known.text, known.final_url, cut=known.truncated).feeds
    except PageTooComplex:
        return ()


def _listing(fetcher: Fetcher, url: str) -> Listing | None:
    answer = fetcher.fetch(url, read="any")
    if not isinstance(answer, Fetched) or answer.status != 200:
        return None
    try:
        return parser_pool().listing(answer.text, answer.final_url, cut=answer.truncated)
    except PageTooComplex:
        return None
