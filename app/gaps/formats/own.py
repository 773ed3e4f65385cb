"""What Gapbridge itself writes: pulls from the APIs of tools, and the domains of the web graph."""

from __future__ import annotations

from app.gaps.profiles import Profile

#: What `gapbridge gap discover` writes. The graph counts every kind of reference and knows no rel, no page and no anchor.
WEB_GRAPH = Profile(
    name="web-graph",
    title="Common Crawl, domain web graph",
    provider="common-crawl",
    kind="domains",
    required=frozenset({"linking domain", "harmonic position", "hosts"}),
    fields={"source": "linking domain", "authority": "authority"},
    sample=True,  # of what one crawl has met
    whole=True,
)

#: What `gapbridge gap pull` writes: one shape for all providers, told apart by the first header.
PULLED = tuple(
    Profile(
        name=f"{provider}-pull",
        title=f"{title}, pulled from its API",
        provider=provider,
        kind="domains",
        required=frozenset({f"{provider} domain", "dofollow links", "pulled"}),
        fields={
            "source": f"{provider} domain",
            "authority": "authority",
            "traffic": "traffic",
            "links": "links",
            "dofollow_links": "dofollow links",
            "spam": "spam",
            "first_seen": "first seen",
            "last_seen": "last seen",
        },
        whole=True,
    )
    for provider, title in (
        ("ahrefs", "Ahrefs"),
        ("semrush", "Semrush"),
        ("moz", "Moz"),
        ("majestic", "Majestic"),
        ("dataforseo", "DataForSEO"),
        ("se-ranking", "SE Ranking"),
    )
)
