"""The exports of Semrush: backlinks, referring domains, Backlink Gap and Backlink Audit."""

from __future__ import annotations

from app.gaps.profiles import Profile

SEMRUSH_BACKLINKS = Profile(
    name="semrush-backlinks",
    title="Semrush, Backlinks",
    provider="semrush",
    kind="pages",
    required=frozenset({"source url", "target url", "external links", "nofollow"}),
    fields={
        "source": "source url",
        "title": "source title",
        "target_url": "target url",
        "anchor": "anchor",
        "nofollow": "nofollow",
        "ugc": "ugc",
        "sponsored": "sponsored",
        "sitewide": "sitewide",
        "page_authority": "page ascore|page score",
        "external_links": "external links",
        "first_seen": "first seen",
        "last_seen": "last seen",
    },
    lost_if_true=("lost link",),
    caps=(10_000, 30_000, 50_000),
)

SEMRUSH_REFDOMAINS = Profile(
    name="semrush-refdomains",
    title="Semrush, Referring domains",
    provider="semrush",
    kind="domains",
    required=frozenset({"domain ascore", "domain", "backlinks"}),
    fields={
        "source": "domain",
        "authority": "domain ascore",
        "links": "backlinks",
        "country": "country",
        "first_seen": "first seen",
        "last_seen": "last seen",
    },
    caps=(10_000, 30_000, 50_000),
)

SEMRUSH_GAP = Profile(
    name="semrush-gap",
    title="Semrush, Backlink Gap",
    provider="semrush",
    kind="matrix",
    required=frozenset({"domain", "domain ascore", "matches"}),
    fields={"source": "domain", "authority": "domain ascore"},
    caps=(10_000, 30_000, 50_000),
    filtered=True,  # no tab (Best, Weak ...) stands in it
    not_targets=frozenset({"domain", "domain ascore", "matches"}),
)

SEMRUSH_AUDIT = Profile(
    name="semrush-audit",
    title="Semrush, Backlink Audit",
    provider="semrush",
    kind="pages",
    required=frozenset({"source url", "target url", "toxic score"}),
    fields={
        "source": "source url",
        "title": "source page title",
        "target_url": "target url",
        "anchor": "anchor",
        "link_type": "link type",
        "nofollow": "no follow",
        "authority": "domain authority score",
        "page_authority": "page authority score",
        "first_seen": "first seen",
        "last_seen": "last seen",
    },
    own_only=True,
)
