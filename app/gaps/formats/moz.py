"""The exports of Moz: inbound links and linking domains."""

from __future__ import annotations

from app.gaps.profiles import Profile

MOZ_LINKS = Profile(
    name="moz-links",
    title="Moz, Inbound links",
    provider="moz",
    kind="pages",
    required=frozenset({"url", "target url", "domain authority"}),
    fields={
        "source": "url",
        "title": "title",
        "target_url": "target url",
        "anchor": "anchor text",
        "follow": "link equity",
        "authority": "domain authority",
        "page_authority": "page authority",
        "spam_score": "spam score",
    },
    repeats=True,
)

MOZ_DOMAINS = Profile(
    name="moz-domains",
    title="Moz, Linking domains",
    provider="moz",
    kind="domains",
    required=frozenset({"root domain", "domain authority"}),
    fields={"source": "root domain", "authority": "domain authority", "links": "links", "spam_score": "spam score"},
)
