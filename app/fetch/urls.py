"""URLs as the guarded client uses them: read once, strictly, and rebuilt from their parts, so that no two readers differ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, urljoin, urlsplit

from app.fetch.address import Host, parse_host

_PORTS = {"http": 80, "https": 443}
_MAX_URL = 8_000
_EDGES = "".join(map(chr, range(0x21)))  # C0 controls and the space, which browsers cut from both ends
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
# What most links look like, in full: nothing in it can be read in two ways, so it is taken as it stands.
_PLAIN = re.compile(
    r"(?P<kept>https?://(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,10}[a-z]{2,20}"
    r"(?:/[A-Za-z0-9/%:@!$&'()*+,;=~_-]*(?:\.[A-Za-z0-9]{1,9})?(?:\?[A-Za-z0-9/%:@!$&'()*+,;=~._?-]+)?))(?:#[!-~]*)?\Z"
)
# The same for a reference that begins at the root of the site.
_PLAIN_PATH = re.compile(
    r"(?P<kept>/(?!/)[A-Za-z0-9/%:@!$&'()*+,;=~_-]*(?:\.[A-Za-z0-9]{1,9})?(?:\?[A-Za-z0-9/%:@!$&'()*+,;=~._?-]+)?)(?:#[!-~]*)?\Z"
)
# Browsers go to the host that follows, however many slashes stand before it.
_SLASHES = re.compile(r"((?:https?:)?//)/*", re.IGNORECASE)
_USER = re.compile(r"((?:https?:)?//)/*[^/?#]{0,500}@", re.IGNORECASE)
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")


@dataclass(frozen=True, slots=True)
class Url:
    """One http or https URL in parts. `path` and `query` are percent-encoded; `port` is always set."""

    scheme: str
    host: Host
    port: int
    path: str
    query: str

    @property
    def origin(self) -> str:
        """Scheme, host and, where it is not the usual one, port."""
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host.name}{port}"

    def __str__(self) -> str:
        return f"{self.origin}{self.path}{'?' + self.query if self.query else ''}"


def parse_url(text: str) -> Url:
    """Read an absolute URL. Raises ValueError with a sentence for everything that could be read in two ways."""
    if len(text) > _MAX_URL:
        raise ValueError(f"the URL is longer than {_MAX_URL} characters")
    if _UNSAFE.search(text):
        raise ValueError("the URL holds a space, a control character or a backslash; write it percent-encoded")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"'{text[:120]}' is not a valid URL ({error})") from error
    scheme = parts.scheme.lower()
    if scheme not in _PORTS:
        raise ValueError(f"only http and https pages are fetched, not '{scheme or text[:40]}'")
    if "@" in parts.netloc:
        raise ValueError("a URL with a user name or a password in it is not fetched")
    raw_host = parts.netloc.rpartition("]")
    host_text = raw_host[0] + "]" if raw_host[1] else parts.netloc.partition(":")[0]
    if not host_text:
        raise ValueError(f"'{text[:120]}' names no host")
    return Url(
        scheme,
        parse_host(host_text),
        _PORTS[scheme] if port is None else port,
        quote(_without_dots(parts.path) or "/", safe="/%:@!$&'()*+,;=~-._"),
        quote(parts.query, safe="/%:@!$&'()*+,;=~-._?"),
    )


@lru_cache(maxsize=256)
def _origin(base: str) -> str | None:
    try:
        return parse_url(base).origin
    except ValueError:
        return None


def _without_dots(path: str) -> str:
    # "/a/../b" is "/b" to browsers and to most servers; one spelling keeps robots.txt and the page keys honest.
    return urlsplit(urljoin("http://host/", "/" + path.lstrip("/"))).path if "/." in path else path


def resolve(base: str, reference: str) -> str | None:
    """The absolute URL that a reference in a page or a Location header means, as browsers read it; None if not http(s)."""
    if len(reference) < 2_000:
        plain = _PLAIN.match(reference)
        if plain is not None:
            return plain["kept"]
        rooted = _PLAIN_PATH.match(reference)
        origin = _origin(base) if rooted is not None else None
        if rooted is not None and origin is not None:
            return origin + rooted["kept"]
    cleaned = reference.strip(_EDGES).replace("\t", "").replace("\n", "").replace("\r", "")
    if len(cleaned) > _MAX_URL:
        return None
    head, mark, tail = cleaned.partition("?")
    if not _SCHEME.match(head) or head[:5].lower() in {"http:", "https"}:
        head = head.replace("\\", "/")
        slashes = _SLASHES.match(head)
        head = slashes[1] + head[slashes.end() :] if slashes else head
    # A space, and all that is not ASCII, is percent-encoded by browsers rather than refused.
    target = (head + mark + tail).replace(" ", "%20").replace("\\", "%5C")
    try:
        return str(parse_url(urljoin(base, target)))
    except ValueError:
        return None


def with_user(base: str, reference: str) -> str | None:
    """What `resolve` makes of a reference that has a user name before its host, with `user` in its place; None for any other.

    Nobody fetches such an address, but browsers go to it: it is a link, and nobody knows where it leads.
    """
    cleaned = reference.strip(_EDGES)[:_MAX_URL].replace("\\", "/")
    named = _USER.match(cleaned)
    found = resolve(base, named[1] + cleaned[named.end() :]) if named else None
    return found.replace("://", "://user@", 1) if found else None
