"""What counts as one site: rules over host names and paths, without the public suffix list (that one lives in `app.keys`).

A gap is counted by "who can say yes": `user.github.io` and `other.github.io` are two people, `news.example.com` and
`blog.example.com` are one. The Public Suffix List knows the first kind where a platform registered itself; the tables here
name the platforms that did not; they are data (`platforms.toml`).
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class PathRule:
    """How a host gives paths to people: `leading` segments are part of the name, `reserved` first segments are the host's own."""

    leading: frozenset[str] = frozenset()
    reserved: frozenset[str] = frozenset()
    marker: str = ""  # the tenant's segment starts with this, or the page is the host's own
    only_leading: bool = False  # without a leading segment the page is the host's own


_FACTS: Mapping[str, Any] = tomllib.loads(
    resources.files("app.domain").joinpath("platforms.toml").read_text(encoding="utf-8")
)

#: Platforms whose subdomains belong to different people and that are missing from the private section of the Public Suffix List.
TENANT_HOSTS: frozenset[str] = frozenset(_FACTS["tenants"]["hosts"])

#: A registrable domain with this first label is a platform in every country (`blogspot.co.uk`, `blogspot.de`, ...).
TENANT_LABELS: frozenset[str] = frozenset(_FACTS["tenants"]["labels"])

#: Hosts that give paths, not subdomains, to different people.
PATH_TENANTS: Mapping[str, PathRule] = {
    host: PathRule(
        frozenset(rule.get("leading", ())),
        frozenset(rule.get("reserved", ())),
        rule.get("marker", ""),
        bool(rule.get("only_leading")),
    )
    for host, rule in _FACTS["paths"].items()
}

#: Hosts on which anybody publishes, or has a profile, without an editor who chooses.
VISITOR_HOSTS: frozenset[str] = frozenset(_FACTS["visitors"]["hosts"])

_SCHEME = re.compile(r"^[a-z][a-z0-9+.\-]*:(?=//)|^(?:https?|ftp):", re.IGNORECASE)
_IPV4 = re.compile(r"^(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+)){0,3}$")
_PATH = re.compile(r"[/?#]")
# A label as it may stand in a URL: letters of any script, digits, hyphen, and the underscore that some hosts use.
_HOST = re.compile(r"^(?!-)[\w\-]+(?:\.[\w\-]+)+$")
_MAX_HOST = 253
# Letters of their own since IDNA 2008, and what the codec of IDNA 2003 takes them for.
_NEW = frozenset("ßς")
_FORMER = str.maketrans({"ß": "ss", "ς": "σ"})
_JOINERS = frozenset("\u200c\u200d")


def authority_of(text: str) -> str:
    """The part of a URL or bare host that names the machine, as written: no scheme, path, query, fragment, user or port."""
    rest = _SCHEME.sub("", text.strip(), count=1).lstrip("/\\")
    for stop in "/\\?#":
        rest = rest.partition(stop)[0]
    rest = rest.rpartition("@")[2]
    return rest if rest.startswith("[") else rest.partition(":")[0]


def ascii_labels(host: str) -> str | None:
    """A host name as A-labels in lower case, as browsers and IDNA 2008 read it; None where it is none.

    Python's codec is IDNA 2003, which takes ß for ss and ς for σ: those are letters of their own now. What joins or separates
    letters without a sign is a name by rules of scripts that are not known here: None, so that nobody stands for somebody else.
    """
    if host.isascii():
        return host.lower()
    if len(host) > _MAX_HOST or not _JOINERS.isdisjoint(host):
        return None
    try:
        return ".".join(_ascii_label(label) for label in lowered(unicodedata.normalize("NFKC", host)).split("."))
    except UnicodeError:
        return None


def _ascii_label(label: str) -> str:
    if not label:
        raise UnicodeError("label empty")
    former = label.translate(_FORMER).encode("idna").decode("ascii")
    if _NEW.isdisjoint(label):
        return former
    made = f"xn--{label.encode('punycode').decode('ascii')}"
    if len(made) > 63:
        raise UnicodeError("label too long")
    return made


def lowered(text: str) -> str:
    """`text` composed and in lower case letter by letter, as names of hosts are compared.

    `casefold` would take ß for ss, and `lower` the last Σ for ς.
    """
    return text.lower() if text.isascii() else "".join(one.lower() for one in unicodedata.normalize("NFC", text))


def host_of(url: str) -> str:
    """The host of a URL, or of one that begins with its host, in lower case and A-labels, without user, port and last dot.

    "" where there is none, as in a mail address. What is no name (an IP address) is returned as it stands.
    """
    if "://" not in url and "@" in _PATH.split(url, maxsplit=1)[0]:
        return ""
    try:
        host = (urlsplit(url if "://" in url else f"//{url}").hostname or "").rstrip(".")
    except ValueError:  # such as an unfinished IPv6 address
        return ""
    return ascii_labels(host) or host


def host_name(text: str) -> str | None:
    """The host of a URL or bare host in lower case, without port, trailing dot and `*.`; None where there is no host name.

    An IP address has no owner that a name could tell us, so it is None as well. Scripts other than ASCII stay as they are.
    """
    host = lowered(authority_of(text)).replace("。", ".").rstrip(".").removeprefix("*.")
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


def of_visitors(host: str) -> str | None:
    """The host in our table of those on which anybody publishes that `host` is or lies below, or None."""
    labels = host.split(".")
    return next((one for n in range(len(labels) - 1) if (one := ".".join(labels[n:])) in VISITOR_HOSTS), None)


def path_tenant(host: str, segments: list[str]) -> str | None:
    """The key of one person on a host that gives out paths (`medium.com/@x`), or None: not such a host, or its own page."""
    bare = host.removeprefix("www.").removeprefix("m.")
    rule = PATH_TENANTS.get(bare)
    if rule is None or not segments:
        return None
    first = segments[0].casefold()
    if first in rule.leading:
        return f"{bare}/{first}/{segments[1].casefold()}" if len(segments) > 1 else None
    if rule.only_leading or first in rule.reserved or not first.startswith(rule.marker):
        return None
    return f"{bare}/{first}"


def parent_of(key: str) -> str | None:
    """One level up from a key that names a tenant: the path's host, or the host without its first label; None for a top one."""
    host, slash, _path = key.partition("/")
    if slash:
        return host
    parent = host.partition(".")[2]
    return parent if "." in parent else None
