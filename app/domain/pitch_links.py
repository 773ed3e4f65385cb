"""The addresses in a message: where they are, what they lead to, and which two name one page. Pure."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, urlsplit

from app.domain.keys import host_of

# Filters distrust these because spam hides behind them, and readers cannot see where they lead.
_SHORTENERS = frozenset(
    [
        "bit.ly",
        "bl.ink",
        "buff.ly",
        "cutt.ly",
        "goo.gl",
        "is.gd",
        "lnkd.in",
        "ow.ly",
        "rb.gy",
        "rebrand.ly",
        "s.id",
        "shorturl.at",
        "t.co",
        "t.ly",
        "tiny.cc",
        "tinyurl.com",
        "v.gd",
    ]
)
URL = re.compile(r"(?:https?://|(?<![\w@./-])www\.)[^\s<>\"{}|\\^`\[\]]+", re.IGNORECASE)
_TRACKING_PARAMETER = re.compile(r"^(utm_.*|gclid|fbclid|msclkid|mc_[ce]id|_hs(enc|mi)|vero_id|oly_\w+_id|trk|sc_cid)$")
_HOMEPAGE_PATH = re.compile(r"^/*((index|default|home)(\.[a-z0-9]{1,5})?/*)?$", re.IGNORECASE)
_PAGE_PARAMETERS = frozenset({"p", "page_id", "page", "id", "q"})


def find_urls(text: str) -> list[str]:
    """The addresses in a text, in order, without the punctuation that follows them in a sentence."""
    return [_trimmed(found) for found in URL.findall(text)]


def belongs_to(url: str, domain: str) -> bool:
    """Whether the URL's host is the domain or below it."""
    host, wanted = host_of(url), host_of(domain)
    return bool(wanted) and (host == wanted or host.endswith(f".{wanted}"))


def is_homepage(url: str) -> bool:
    """Whether a URL is the front page of its host: no path, or an index file; `/?p=12` names a page."""
    parts = _split(url)
    named = any(key in _PAGE_PARAMETERS for key, _ in parse_qsl(parts.query))
    return bool(_HOMEPAGE_PATH.match(parts.path)) and not named


def link_key(url: str) -> str:
    """What makes two links of a message the same, tracking parameters and all: host without `www.`, path without a last slash, query; not scheme or fragment."""
    parts = _split(url)
    return (
        f"{host_of(url).removeprefix('www.')}{parts.path.rstrip('/') or '/'}{'?' + parts.query if parts.query else ''}"
    )


def is_tracked(url: str) -> bool:
    """Whether a URL carries parameters that tell whom it was sent to, or by what campaign."""
    return any(_TRACKING_PARAMETER.match(name.lower()) for name, _ in parse_qsl(_split(url).query))


def is_short(url: str) -> bool:
    """Whether a service that shortens addresses stands before where the URL leads."""
    return host_of(url).removeprefix("www.") in _SHORTENERS


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url if "://" in url else f"http://{url}")
    except ValueError:  # such as an unfinished IPv6 address; the whole of it counts as a path
        return SplitResult("http", "", url, "", "")


def _trimmed(url: str) -> str:
    while url and (url[-1] in ".,;:!?'\"*_\u2019\u201d\u2026" or (url[-1] == ")" and url.count(")") > url.count("("))):
        url = url[:-1]
    return url
