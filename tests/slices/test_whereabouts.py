"""Whoever looks for a site's feed and sitemap asks where the site says that they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from app.evidence.reading import Reader, read_site, with_sitemap_date
from app.fetch.memory import MemoryFetcher, page
from app.fetch.ports import Fetched
from app.fetch.whereabouts import feed_of, sitemap_of
from app.gaps import verify
from app.mentions import further

FRONT = "https://site.test/"
MAP, FEED = "https://site.test/maps/posts.xml.gz", "https://site.test/blog/atom.xml"
HTML = f"""<link rel="alternate" type="application/atom+xml" href="https://other.test/feed">
    <link rel="alternate" type="application/rss+xml" href="/comments/feed/">
    <link rel="alternate" type="application/atom+xml" href="{FEED}"><p>Words of the front page.</p>"""
ELSEWHERE = "https://other.test/sitemap.xml"


def _mentions(fetcher: MemoryFetcher) -> object:
    known = fetcher.fetch(FRONT)
    assert isinstance(known, Fetched)
    return further.named_pages(fetcher, "site.test", FRONT, ["Acme"], [], 6, known)


READERS: dict[str, Callable[[MemoryFetcher], object]] = {
    "mentions": _mentions,
    "reasons": lambda fetcher: read_site(Reader(fetcher, 6), "site.test", FRONT, []),
    "verification": lambda fetcher: verify.look(fetcher, "site.test", ["rival.example"], 6),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("said", [True, False], ids=["the site says where", "the site says nothing"])
def test_lists_are_looked_for_where_the_site_says(reader: str, said: bool) -> None:
    front = replace(page(FRONT, HTML), sitemaps=(ELSEWHERE, MAP)) if said else page(FRONT, "<p>Words.</p>")
    fetcher = MemoryFetcher({FRONT: front})
    READERS[reader](fetcher)
    assert [url for url in fetcher.asked if url != FRONT and "?s=" not in url] == (
        [FEED, MAP] if said else [f"{FRONT}feed", f"{FRONT}sitemap.xml"]
    )


def test_the_date_of_a_page_comes_from_the_sitemap_that_is_named() -> None:
    url = "https://site.test/guide"
    listed = f"<urlset><url><loc>{url}</loc><lastmod>2024-02-03</lastmod></url></urlset>"
    fetcher = MemoryFetcher({url: replace(page(url, "<p>Words.</p>"), sitemaps=(MAP,)), MAP: page(MAP, listed)})
    reader = Reader(fetcher, 3)
    outline = with_sitemap_date(reader, reader.page(url, "linked")).outline
    assert outline is not None
    assert [str(one.day) for one in outline.dates] == ["2024-02-03"]


def test_where_lists_are_by_custom() -> None:
    assert sitemap_of((), "https://site.test") == "https://site.test/sitemap.xml"
    assert sitemap_of((ELSEWHERE,), "https://site.test") == "https://site.test/sitemap.xml"
    assert sitemap_of(("https://www.site.test/m.xml",), "https://site.test") == "https://www.site.test/m.xml"
    assert feed_of(("https://site.test/comments/feed",), "https://site.test") == "https://site.test/feed"
