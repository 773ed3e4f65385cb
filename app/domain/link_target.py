"""The addresses that count as ours, and which two addresses name one page, one site or one domain. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from app.domain.keys import host_of

_TRACKING = re.compile(
    r"utm_|mtm_|(?:gclid|gclsrc|dclid|gbraid|wbraid|gad_source|fbclid|msclkid|yclid|ttclid|twclid|mc_cid|mc_eid|igshid|ref_src|srsltid|_ga|_gl"
    r"|_hsenc|_hsmi|hsctatracking|mkt_tok|trk)\Z",
    re.IGNORECASE,
)
# These may name a page too, so two addresses with different ones are not taken for one.
_OF_THE_WAY = re.compile(
    r"(?:ref|referrer|referer|via|source|src|aff|affiliate|aff_id|partner|campaign|cid|fpr|tag|origin|medium)\Z",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Target:
    """What counts as ours: whole `domains` (A-labels, subdomains included) and single `pages` (URLs)."""

    domains: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()

    def match(self, url: str) -> str | None:
        """`page` when `url` is one of our pages, `site` when it lies on one of our domains, else None."""
        return matcher_of(self).match(url)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The domains, and the hosts of the pages."""
        return matcher_of(self).hosts


class Matcher:
    """A target made ready for many URLs: most of them do not even contain one of our hosts."""

    def __init__(self, target: Target) -> None:
        self.domains = tuple(map(bare_host, target.domains))
        self.pages = frozenset(map(page_key, target.pages))
        self.hosts = tuple(dict.fromkeys([*self.domains, *(bare_host(host_of(page)) for page in target.pages)]))
        self._named = [re.compile(rf"(?<![a-z0-9-]){re.escape(host)}(?![a-z0-9-])") for host in self.hosts]

    def match(self, url: str) -> str | None:
        """See `Target.match`."""
        lowered = url.lower()
        if not any(host in lowered for host in self.hosts):
            return None
        if "@" in url.partition("://")[2].partition("/")[0]:
            return None  # who reads a user name there is led astray easily: never a win, and never followed
        if self.pages and (page_key(url) in self.pages or unmarked_key(url) in self.pages):
            return "page"
        host = host_of(url)
        return "site" if host and any(on_domain(host, domain) for domain in self.domains) else None

    def named_in(self, url: str) -> bool:
        """Whether a URL carries one of our hosts anywhere, percent-encoded too."""
        address = (unquote(unquote(url)) if "%" in url else url).lower()
        return any(
            host in address and named.search(address) is not None
            for host, named in zip(self.hosts, self._named, strict=True)
        )


@lru_cache(maxsize=64)
def matcher_of(target: Target) -> Matcher:
    """Made once for each target."""
    return Matcher(target)


def page_key(url: str) -> str:
    """A URL, with its scheme or without, as a key of the page: without scheme, www, default port, final slash, fragment and tracking parameters."""
    return _key(url, _TRACKING.match)


def unmarked_key(url: str) -> str:
    """The same without what is only told of the way there besides (`ref=editor.test`, `via`).

    For a known page whose address came back with such a mark: any other parameter may name a page (`?p=4711`).
    """
    return _key(url, lambda name: _TRACKING.match(name) or _OF_THE_WAY.match(name))


def _key(url: str, dropped: Callable[[str], object]) -> str:
    url = url.strip()
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        port = parts.port
    except ValueError:
        return url
    host = bare_host(host_of(url))
    where = host if port in {None, 80, 443} else f"{host}:{port}"
    query = sorted((k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if not dropped(k))
    path = unquote(parts.path).rstrip("/")
    return f"{where}{path}{'?' + urlencode(query) if query else ''}"


def on_domain(host: str, domain: str) -> bool:
    """Whether `host` is `domain` or lies below it; a leading www of the domain does not matter."""
    bare = bare_host(domain)
    return bool(bare) and (host == bare or host.endswith("." + bare))


def on_site(url: str, site: str) -> bool:
    """Whether `url` lies on a site that is named by its domain, or by domain and path (`medium.test/@dana`)."""
    domain, _, path = site.partition("/")
    inside = urlsplit(url).path.strip("/") if on_domain(host_of(url), domain) else None
    return inside is not None and (not path or f"{inside}/".startswith(f"{path.strip('/')}/"))


def bare_host(host: str) -> str:
    """A host as it is compared: lower case, without a final dot and a leading www."""
    return host.lower().removesuffix(".").removeprefix("www.")
