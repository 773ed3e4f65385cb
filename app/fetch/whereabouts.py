"""Where the lists of a site's pages lie: what it says of its feed and sitemap, else where they are by custom."""

from __future__ import annotations

from collections.abc import Sequence

from app.keys import site_key


def sitemap_of(named: Sequence[str], origin: str) -> str:
    """Where the sitemap of a site lies: the first that its robots.txt names on the same site, else where one is by custom."""
    own = site_key(origin)
    return next((url for url in named if site_key(url) == own), f"{origin}/sitemap.xml")


def feed_of(feeds: Sequence[str], origin: str) -> str:
    """Where the feed of a site lies: the first that its page names on the same site (none of comments), else where one is by custom."""
    own = site_key(origin)
    fit = (url for url in feeds if site_key(url) == own and "comment" not in url.lower())
    return next(fit, f"{origin}/feed")
