"""The exports of Search Console, whose headers are translated."""

from __future__ import annotations

from collections.abc import Mapping

from app.gaps.profiles import Profile

SEARCH_CONSOLE_SITES = Profile(
    name="search-console-sites",
    title="Search Console, Top linking sites",
    provider="search-console",
    kind="domains",
    required=frozenset({"site", "linking pages", "target pages"}),
    fields={"source": "site", "links": "linking pages"},
    caps=(1_000,),
    sample=True,
    own_only=True,
)

SEARCH_CONSOLE_LINKS = Profile(
    name="search-console-links",
    title="Search Console, Latest links",
    provider="search-console",
    kind="pages",
    required=frozenset({"linking page", "last crawled"}),
    fields={"source": "linking page", "last_seen": "last crawled"},
    caps=(100_000,),
    sample=True,
    own_only=True,
)

SEARCH_CONSOLE_SAMPLE = Profile(
    name="search-console-sample",
    title="Search Console, More sample links",
    provider="search-console",
    kind="pages",
    required=frozenset({"linking page"}),
    fields={"source": "linking page"},
    caps=(100_000,),
    sample=True,
    own_only=True,
)

#: Search Console translates its headers. These are known; other languages are recognised by what stands in the columns.
TRANSLATIONS: Mapping[str, str] = {
    "página de enlace": "linking page",
    "último rastreo": "last crawled",
    "אתר": "site",
    "דפים מקשרים": "linking pages",
    "דפי יעד": "target pages",
    "דף מקשר": "linking page",
    "נסרק לאחרונה": "last crawled",
}
