"""Domains of which only a graph says that they link to a competitor: what a look at their pages made of it. Pure.

The graph counts scripts, pictures and redirects as links and knows no page, so each of its domains is a claim until a real link was
seen, or a person takes it on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from urllib.parse import urlsplit

from app.domain.link_target import on_site
from app.domain.link_verdict import LinkFact


class Verification(StrEnum):
    """Null where there is nothing to verify. `accepted`: a person takes it on without a link that was seen."""

    TO_VERIFY = "to-verify"
    VERIFIED = "verified"
    NOT_FOUND = "not-found"
    COULD_NOT_CHECK = "could-not-check"
    ACCEPTED = "accepted"


OPEN = (Verification.TO_VERIFY, Verification.NOT_FOUND, Verification.COULD_NOT_CHECK)
"""Not ready for a pitch: nobody has seen the link, and nobody takes it on."""

_LIKELY = re.compile(
    r"alternativ|vergleich|\bvs\b|versus|compar|review|best|tools?\b|resource|links?\b|partner|roundup|guide|blog",
    re.IGNORECASE,
)
_NO_PAGES = re.compile(
    r"\.(?:jpe?g|png|gif|svg|webp|pdf|zip|css|js|xml|mp[34]|ico)\Z|/(?:login|cart|wp-json|tag)/", re.IGNORECASE
)


def labels(competitors: Iterable[str]) -> tuple[str, ...]:
    """The first parts of the competitors' domains: how pages call them in addresses and titles."""
    return tuple(
        dict.fromkeys(name.partition(".")[0].lower() for name in competitors if len(name.partition(".")[0]) > 2)
    )


def ranked(links: Sequence[LinkFact], site: str, names: Sequence[str]) -> list[str]:
    """The pages of `site` that its links name, those first that are most likely to link to one of `names`."""
    scores: dict[str, int] = {}
    for link in links:
        url = link.url.partition("#")[0]
        if not on_site(url, site) or _NO_PAGES.search(urlsplit(url).path):
            continue
        words = f"{urlsplit(url).path} {link.anchor}".lower()
        score = 4 * any(name in words for name in names) + 2 * bool(_LIKELY.search(words))
        # An article's address is longer than a section's.
        score += url.rstrip("/").rpartition("/")[2].count("-") >= 2
        scores[url] = max(score, scores.get(url, 0))
    return sorted(scores, key=lambda url: -scores[url])
