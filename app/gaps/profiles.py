"""The formats of exports as data: which headers name a format, and which header fills which field of a backlink row.

Headers are compared after `normal_header`, by name and never by position: the tools add, drop and reorder columns between
versions. A new format is one more `Profile` here and a test that writes such a file byte by byte.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

#: Fields of a backlink row and how their cells are read (`app.gaps.rows` has the conversions).
FIELD_TYPES: Mapping[str, str] = {
    "source": "text",  # a URL (kind `pages`) or a host (kinds `domains` and `matrix`)
    "title": "text",
    "target_url": "text",
    "anchor": "text",
    "left_context": "text",
    "right_context": "text",
    "language": "text",
    "link_type": "text",
    "page_type": "text",
    "page_category": "text",
    "platform": "text",
    "author": "text",
    "country": "text",
    "lost_reason": "text",
    "nofollow": "bool",
    "nofollow_flag": "flag",
    "ugc": "bool",
    "sponsored": "bool",
    "follow": "bool",
    "spam": "bool",
    "in_content": "bool",
    "rendered": "bool",
    "raw": "bool",
    "sitewide": "bool",
    "image": "flag",
    "mention": "flag",  # the brand is named there without a link
    "authority": "number",
    "page_authority": "number",
    "traffic": "integer",
    "page_traffic": "integer",
    "http_code": "integer",
    "target_code": "integer",
    "external_links": "integer",
    "links": "integer",
    "dofollow_links": "integer",
    "links_in_group": "integer",
    "first_seen": "date",
    "last_seen": "date",
}


@dataclass(frozen=True, slots=True)
class Profile:
    """One format of one tool.

    `fields` maps a field of FIELD_TYPES to the header that holds it (`a|b`: the first of these that is there); `lost_if_filled` and `lost_if_true` name the headers
    that say a link is gone (filled with anything, or with anything but a word for no); `caps` are the row counts at which the tool cuts an export (empty: not known).
    """

    name: str
    title: str
    provider: str
    kind: str  # pages: one link a row; domains: one source domain a row; matrix: one source domain a row, one column a target
    required: frozenset[str]
    fields: Mapping[str, str]
    lost_if_filled: tuple[str, ...] = ()
    lost_if_true: tuple[str, ...] = ()
    caps: tuple[int, ...] = ()
    own_only: bool = False  # the tool shows only properties that the person owns
    not_targets: frozenset[str] = field(default_factory=frozenset)  # matrix: headers that are no target column
    any_of: frozenset[str] = field(default_factory=frozenset)  # besides `required`, one of these (where there are any)
    lenient: bool = False  # matrix: columns that name no domain are passed over instead of refused
    pages: bool = False  # matrix: the source is a page
    repeats: bool = False  # pages: a link may stand on several rows and counts once

    @property
    def headers(self) -> frozenset[str]:
        """Every header that has a meaning in this format."""
        named = {header for headers in self.fields.values() for header in headers.split("|")}
        return self.required | self.any_of | named | set(self.lost_if_filled) | set(self.lost_if_true)


def normal_header(cell: str) -> str:
    """A header as it is compared: no BOM, no leading `#`, single spaces, case folded."""
    return re.sub(r"\s+", " ", cell.replace("\ufeff", "").strip().strip('"').lstrip("#")).strip().casefold()


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
        "page_category": "page category",
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
    not_targets=frozenset({"domain", "domain ascore", "matches"}),
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

AHREFS_BROKEN = replace(
    AHREFS_BACKLINKS,
    name="ahrefs-broken-backlinks",
    title="Ahrefs, Broken backlinks",
    required=frozenset({"referring page url", "target page http code"}),
    fields={**AHREFS_BACKLINKS.fields, "target_code": "target page http code", "last_seen": "ref. page checked"},
)

AHREFS_INTERSECT_PAGES = Profile(
    name="ahrefs-intersect-pages",
    title="Ahrefs, Link Intersect (pages)",
    provider="ahrefs",
    kind="matrix",
    required=frozenset({"referring page url", "intersect"}),
    fields=_AHREFS_PAGE,
    not_targets=frozenset({*_AHREFS_PAGE.values(), "redirect code", "referring domains", "intersect"}),
    lenient=True,
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
)

INTERSECT = Profile(
    name="intersect",
    title="link intersect of any tool",
    provider="generic",
    kind="matrix",
    required=frozenset({"domain"}),
    fields={"source": "domain", "authority": "domain authority", "traffic": "traffic"},
    lenient=True,
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
    },
    repeats=True,
)

MOZ_DOMAINS = Profile(
    name="moz-domains",
    title="Moz, Linking domains",
    provider="moz",
    kind="domains",
    required=frozenset({"root domain", "domain authority"}),
    fields={"source": "root domain", "authority": "domain authority", "links": "links"},
)

MAJESTIC_BACKLINKS = Profile(
    name="majestic-backlinks",
    title="Majestic, Backlinks",
    provider="majestic",
    kind="pages",
    required=frozenset({"source url", "target url", "flagnofollow"}),
    fields={
        "source": "source url",
        "target_url": "target url",
        "anchor": "anchor text",
        "nofollow_flag": "flagnofollow",
        "image": "flagimagelink",
        "mention": "flagmention",
        "page_authority": "sourcetrustflow",
        "first_seen": "source first found date",
        "last_seen": "source crawl date",
    },
    lost_if_true=("flagdeleted",),
)

MAJESTIC_API = Profile(
    name="majestic-api",
    title="Majestic, GetBackLinkData",
    provider="majestic",
    kind="pages",
    required=frozenset({"sourceurl", "targeturl", "flagnofollow"}),
    fields={
        "source": "sourceurl",
        "target_url": "targeturl",
        "anchor": "anchortext",
        "nofollow_flag": "flagnofollow",
        "image": "flagimages",
        "mention": "flagmention",
        "page_authority": "sourcetrustflow",
        "first_seen": "firstindexeddate",
        "last_seen": "lastseendate",
        "lost_reason": "reasonlost",
    },
    lost_if_filled=("datelost",),
    lost_if_true=("flagdeleted",),
)

SE_RANKING = Profile(
    name="se-ranking",
    title="SE Ranking, backlinks",
    provider="se-ranking",
    kind="pages",
    required=frozenset({"url_from", "url_to", "inlink_rank"}),
    fields={
        "source": "url_from",
        "title": "title",
        "target_url": "url_to",
        "anchor": "anchor",
        "nofollow": "nofollow",
        "image": "image",
        "authority": "domain_inlink_rank",
        "page_authority": "inlink_rank",
        "first_seen": "first_seen",
        "last_seen": "last_visited",
    },
)

SE_RANKING_PROJECT = Profile(
    name="se-ranking-project",
    title="SE Ranking, backlinks of a project",
    provider="se-ranking",
    kind="pages",
    required=frozenset({"from_url", "to_url", "is_nofollow"}),
    fields={
        "source": "from_url",
        "target_url": "to_url",
        "anchor": "anchor",
        "nofollow": "is_nofollow",
        "sponsored": "is_sponsored",
        "ugc": "ugc",
        "image": "is_image",
        "http_code": "http_status",
        "first_seen": "date_added",
    },
    lost_if_filled=("date_lost",),
    lost_if_true=("is_link_not_found",),
)

SEARCH_CONSOLE_SITES = Profile(
    name="search-console-sites",
    title="Search Console, Top linking sites",
    provider="search-console",
    kind="domains",
    required=frozenset({"site", "linking pages", "target pages"}),
    fields={"source": "site", "links": "linking pages"},
    caps=(1_000,),
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
    own_only=True,
)

#: What `gapbridge gap discover` writes. The graph counts every kind of reference and knows no rel, no page and no anchor.
WEB_GRAPH = Profile(
    name="web-graph",
    title="Common Crawl, domain web graph",
    provider="common-crawl",
    kind="domains",
    required=frozenset({"linking domain", "harmonic position", "hosts"}),
    fields={"source": "linking domain", "authority": "authority"},
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

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        AHREFS_BACKLINKS,
        AHREFS_BROKEN,
        AHREFS_REFDOMAINS,
        AHREFS_INTERSECT_PAGES,
        AHREFS_INTERSECT_DOMAINS,
        SEMRUSH_BACKLINKS,
        SEMRUSH_REFDOMAINS,
        SEMRUSH_GAP,
        SEMRUSH_AUDIT,
        MOZ_LINKS,
        MOZ_DOMAINS,
        MAJESTIC_BACKLINKS,
        MAJESTIC_API,
        SE_RANKING,
        SE_RANKING_PROJECT,
        INTERSECT,
        SEARCH_CONSOLE_SITES,
        SEARCH_CONSOLE_LINKS,
        SEARCH_CONSOLE_SAMPLE,
        WEB_GRAPH,
        *PULLED,
    )
}

GENERIC = "generic"

#: What `--format` accepts.
FORMAT_NAMES = (*PROFILES, GENERIC)

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

#: Headers that a generic file may use for a field where no mapping is given; `source` is the only one that it must have.
GENERIC_HEADERS: Mapping[str, tuple[str, ...]] = {
    "source": (
        "source url",
        "source",
        "url from",
        "url_from",
        "from url",
        "referring page",
        "source domain",
        "domain",
        "url",
    ),
    "target_url": ("target url", "target", "url to", "url_to", "to url"),
    "anchor": ("anchor", "anchor text"),
    "title": ("title", "source title"),
    "nofollow": ("nofollow", "no follow", "is_nofollow"),
    "follow": ("dofollow", "follow", "is_dofollow"),
    "authority": ("authority", "domain authority", "domain rating"),
    "traffic": ("traffic", "domain traffic"),
    "links": ("links", "backlinks"),
    "language": ("language",),
    "first_seen": ("first seen", "first_seen"),
    "last_seen": ("last seen", "last_seen"),
    "spam": ("spam", "is spam"),
}


def generic_profile(headers: list[str], mapping: Mapping[str, str], *, pages: bool) -> Profile:
    """A profile for a file of no known tool; `headers` are normal, `mapping` says field to header and wins over the table.

    Raises KeyError with the missing header, or with "source" where nothing names the linking page or domain.
    """
    fields: dict[str, str] = {}
    for name, header in mapping.items():
        if normal_header(header) not in headers:
            raise KeyError(header)
        fields[name] = normal_header(header)
    for name, candidates in GENERIC_HEADERS.items():
        found = next((header for header in candidates if header in headers), None)
        if name not in fields and found is not None and found not in fields.values():
            fields[name] = found
    if "source" not in fields:
        raise KeyError("source")
    lost = tuple(header for header in ("lost", "lost status") if header in headers and header not in fields.values())
    return Profile(
        name=GENERIC,
        title="generic table",
        provider=GENERIC,
        kind="pages" if pages else "domains",
        required=frozenset({fields["source"]}),
        fields=fields,
        lost_if_filled=lost,
    )
