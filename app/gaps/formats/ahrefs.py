"""The exports of Ahrefs: backlinks, broken backlinks, referring domains and Link Intersect."""

from __future__ import annotations

from dataclasses import replace

from app.gaps.profiles import Profile

AHREFS_BACKLINKS = Profile(
    name="ahrefs-backlinks",
    title="Ahrefs, Backlinks",
    provider="ahrefs",
    kind="pages",
    required=frozenset({"referring page url"}),
    fields={
        "source": "referring page url",
        "title": "referring page title",
        "target_url": "target url",
        "anchor": "anchor",
        "left_context": "left context",
        "right_context": "right context",
        "language": "language",
        "link_type": "type",
        "page_type": "page type",
        "platform": "platform",
        "author": "author",
        "lost_reason": "lost status",
        "nofollow": "nofollow",
        "ugc": "ugc",
        "sponsored": "sponsored",
        "spam": "is spam",
        "in_content": "content",
        "rendered": "rendered",
        "raw": "raw",
        "authority": "domain rating",
        "page_authority": "ur",
        "traffic": "domain traffic",
        "page_traffic": "page traffic",
        "http_code": "referring page http code",
        "external_links": "external links",
        "links_in_group": "links in group",
        "first_seen": "first seen",
        "last_seen": "last seen",
    },
    # A dropped link may carry no lost status at all, so each of the three is asked.
    lost_if_filled=("lost", "lost status", "drop reason"),
)

AHREFS_BROKEN = replace(
    AHREFS_BACKLINKS,
    name="ahrefs-broken-backlinks",
    title="Ahrefs, Broken backlinks",
    required=frozenset({"referring page url", "target page http code"}),
    fields={**AHREFS_BACKLINKS.fields, "target_code": "target page http code", "last_seen": "ref. page checked"},
)

AHREFS_REFDOMAINS = Profile(
    name="ahrefs-refdomains",
    title="Ahrefs, Referring domains",
    provider="ahrefs",
    kind="domains",
    required=frozenset({"domain", "dr", "links to target"}),
    fields={
        "source": "domain",
        "spam": "is spam",
        "authority": "dr",
        "traffic": "traffic",
        "links": "links to target",
        "dofollow_links": "dofollow links",
        "first_seen": "first seen",
    },
    lost_if_filled=("lost",),
)

_AHREFS_PAGE = {
    "source": "referring page url",
    "title": "referring page title",
    "language": "language",
    "platform": "platform",
    "author": "author",
    "link_type": "type",
    "authority": "domain rating",
    "page_authority": "ur",
    "traffic": "domain traffic",
    "page_traffic": "page traffic",
}

AHREFS_INTERSECT_PAGES = Profile(
    name="ahrefs-intersect-pages",
    title="Ahrefs, Link Intersect (pages)",
    provider="ahrefs",
    kind="matrix",
    required=frozenset({"referring page url", "intersect"}),
    fields=_AHREFS_PAGE,
    not_targets=frozenset({*_AHREFS_PAGE.values(), "redirect code", "referring domains", "intersect"}),
    lenient=True,
    filtered=True,  # which targets had to be linked to is asked before the export, and stands nowhere in it
    pages=True,
)

AHREFS_INTERSECT_DOMAINS = Profile(
    name="ahrefs-intersect-domains",
    title="Ahrefs, Link Intersect (domains)",
    provider="ahrefs",
    kind="matrix",
    required=frozenset({"domain"}),
    any_of=frozenset({"domain rating", "dr"}),
    fields={
        "source": "domain",
        "authority": "domain rating|dr",
        "traffic": "domain traffic|traffic",
        "spam": "is spam",
    },
    lenient=True,
    filtered=True,
)
