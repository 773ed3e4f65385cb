"""What counts as one site: rules over host names and paths, without the public suffix list (that one lives in `app.keys`).

A gap is counted by "who can say yes": `user.github.io` and `other.github.io` are two people, `news.example.com` and
`blog.example.com` are one. The Public Suffix List knows the first kind where a platform registered itself; the tables here
name the platforms that did not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: Platforms whose subdomains belong to different people and that are missing from the private section of the Public Suffix
#: List (checked against its edition of autumn 2026). Facts collected for this project, not a copy of a list.
TENANT_HOSTS: frozenset[str] = frozenset(
    {
        "blog.hu",
        "blogs.com",
        "bravesites.com",
        "business.site",
        "canalblog.com",
        "e-monsite.com",
        "eklablog.com",
        "ghost.io",
        "hashnode.dev",
        "hatenadiary.org",
        "jimdo.com",
        "jimdofree.com",
        "jimdosite.com",
        "livejournal.com",
        "medium.com",
        "mystrikingly.com",
        "over-blog.com",
        "podbean.com",
        "simdif.com",
        "strikingly.com",
        "substack.com",
        "tumblr.com",
        "typepad.com",
        "webs.com",
        "weebly.com",
        "wordpress.com",
        "yolasite.com",
    }
)

#: A registrable domain with this first label is a platform in every country (`blogspot.co.uk`, `blogspot.de`, ...).
TENANT_LABELS: frozenset[str] = frozenset({"blogspot"})


@dataclass(frozen=True, slots=True)
class PathRule:
    """How a host gives paths to people: `leading` segments are part of the name, `reserved` first segments are the host's own."""

    leading: frozenset[str] = frozenset()
    reserved: frozenset[str] = frozenset()
    marker: str = ""  # the tenant's segment starts with this, or the page is the host's own


#: Hosts that give paths, not subdomains, to different people.
PATH_TENANTS: Mapping[str, PathRule] = {
    "about.me": PathRule(),
    "blog.naver.com": PathRule(),
    "github.com": PathRule(
        reserved=frozenset(
            {"about", "blog", "collections", "features", "marketplace", "orgs", "search", "topics", "trending"}
        )
    ),
    "gitlab.com": PathRule(reserved=frozenset({"explore", "help", "users"})),
    "issuu.com": PathRule(),
    "linktr.ee": PathRule(),
    "medium.com": PathRule(reserved=frozenset({"about", "feed", "m", "p", "s", "search", "tag", "topic", "topics"})),
    "note.com": PathRule(reserved=frozenset({"hashtag", "search", "topic"})),
    "notion.so": PathRule(),
    "sites.google.com": PathRule(leading=frozenset({"view", "site", "a"})),
    "tumblr.com": PathRule(reserved=frozenset({"about", "explore", "search", "tagged"})),
    "youtube.com": PathRule(leading=frozenset({"channel", "c", "user"}), marker="@"),
}

_SCHEME = re.compile(r"^[a-z][a-z0-9+.\-]*:(?=//)|^(?:https?|ftp):", re.IGNORECASE)
_IPV4 = re.compile(r"^(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+)){0,3}$")
# A label as it may stand in a URL: letters of any script, digits, hyphen, and the underscore that some hosts use.
_HOST = re.compile(r"^(?!-)[\w\-]+(?:\.[\w\-]+)+$")
_MAX_HOST = 253


def authority_of(text: str) -> str:
    """The part of a URL or bare host that names the machine, as written: no scheme, path, query, fragment, user or port."""
    rest = _SCHEME.sub("", text.strip(), count=1).lstrip("/\\")
    for stop in "/\\?#":
        rest = rest.partition(stop)[0]
    rest = rest.rpartition("@")[2]
    return rest if rest.startswith("[") else rest.partition(":")[0]


def host_of(text: str) -> str | None:
    """The host of a URL or bare host in lower case, without port, trailing dot and `*.`; None where there is no host name.

    An IP address has no owner that a name could tell us, so it is None as well. Scripts other than ASCII stay as they are.
    """
    host = authority_of(text).casefold().replace("。", ".").rstrip(".").removeprefix("*.")
    if len(host) > _MAX_HOST or not _HOST.match(host) or _IPV4.match(host):
        return None
    return host


def path_segments(text: str) -> list[str]:
    """The non-empty segments of a URL's path; `[]` for a bare host."""
    rest = _SCHEME.sub("", text.strip(), count=1).lstrip("/\\")
    path = re.split(r"[?#]", rest.partition("/")[2], maxsplit=1)[0]
    return [segment for segment in path.split("/") if segment]


def tenant_below(host: str, registrable: str) -> str:
    """The tenant's own host where `registrable` is a platform: `a.b.wordpress.com` is `b.wordpress.com`; else `registrable`."""
    if not is_platform(registrable) or host == registrable:
        return registrable
    label = host.removesuffix("." + registrable).rpartition(".")[2]
    return registrable if label in {"www", "m"} else f"{label}.{registrable}"


def is_platform(registrable: str) -> bool:
    """Whether the subdomains of this registrable domain belong to different people by our own tables."""
    return registrable in TENANT_HOSTS or registrable.partition(".")[0] in TENANT_LABELS


def path_tenant(host: str, segments: list[str]) -> str | None:
    """The key of one person on a host that gives out paths (`medium.com/@x`), or None: not such a host, or its own page."""
    bare = host.removeprefix("www.").removeprefix("m.")
    rule = PATH_TENANTS.get(bare)
    if rule is None or not segments:
        return None
    first = segments[0].casefold()
    if first in rule.leading:
        return f"{bare}/{first}/{segments[1].casefold()}" if len(segments) > 1 else None
    if first in rule.reserved or not first.startswith(rule.marker):
        return None
    return f"{bare}/{first}"


def parent_of(key: str) -> str | None:
    """One level up from a key that names a tenant: the path's host, or the host without its first label; None for a top one."""
    host, slash, _path = key.partition("/")
    if slash:
        return host
    parent = host.partition(".")[2]
    return parent if "." in parent else None
