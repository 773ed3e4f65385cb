"""One key for one site: the registrable domain by the Public Suffix List, refined by our tables of platforms.

The list travels inside an installed package (its version is the date of the snapshot) and is never fetched. Its private
section is on: `user.github.io` is a site of its own.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import idna
from publicsuffixlist import PublicSuffixList

from app.domain.keys import host_name, is_platform, parent_of, path_segments, path_tenant, tenant_below

_suffixes = PublicSuffixList()
_icann = PublicSuffixList(only_icann=True)


def ascii_host(host_or_url: str) -> str | None:
    """The host as an A-label (`xn--...`) in lower case, without port, trailing dot, user and path; None if it is no host name."""
    host = host_name(host_or_url)
    if host is None or host.isascii():
        return host
    try:
        # UTS 46 mapping first: exports hold upper case, full-width and composed forms of one name.
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        return None


def page_url(page: str) -> str:
    """A page as an export or a person names it, as a URL that can be asked for: with a scheme, without a space, and without the
    name and password that somebody wrote into it."""
    text = page.strip().replace(" ", "%20")
    return re.sub(
        r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@", r"\1", text if "://" in text else f"https://{text.lstrip('/')}"
    )


def start_page(domain: str, page: str | None) -> str:
    """Where to begin to read a prospect: its best known page, or without one the front page of its domain (a site key)."""
    return page_url(page) if page and page.strip() else f"https://{domain}/"


def unicode_host(host: str) -> str:
    """The host as people write it (U-label), for display; what cannot be decoded is returned unchanged."""
    try:
        return idna.decode(host) if "xn--" in host else host
    except idna.IDNAError:
        return host


# Scripts that one word is written in together; any other mixture can be made to look like somebody else's name.
_TOGETHER = (frozenset({"CJK", "HIRAGANA", "KATAKANA"}), frozenset({"CJK", "HANGUL"}), frozenset({"CJK", "BOPOMOFO"}))


def readable(name: str) -> str | None:
    """A site key or host with `xn--` in it as its owner writes it; None where it has none, cannot be decoded, or one of its labels
    mixes scripts (an "а" of Cyrillic among Latin letters). Letters of one script may still look like those of another: show the
    name itself beside it.
    """
    host, slash, path = name.partition("/")
    shown = unicode_host(host)
    if shown == host or not all(_of_one_script(label) for label in shown.split(".")):
        return None
    return shown + slash + path


def _of_one_script(label: str) -> bool:
    # The first word of a character's name is its script: LATIN SMALL LETTER A, CJK UNIFIED IDEOGRAPH-6587.
    scripts = {unicodedata.name(one, "?").partition(" ")[0].partition("-")[0] for one in label if one.isalpha()}
    return len(scripts) < 2 or any(scripts <= some for some in _TOGETHER)


# Public suffixes below which anybody registers a name: they have no site of their own, as gov.uk has.
_NOBODYS = frozenset(
    [
        "ac",
        "asn",
        "biz",
        "co",
        "com",
        "ed",
        "edu",
        "firm",
        "gen",
        "gob",
        "id",
        "ind",
        "inf",
        "info",
        "int",
        "k12",
        "lg",
        "ltd",
        "me",
        "ne",
        "net",
        "nom",
        "or",
        "org",
        "plc",
        "pro",
        "sch",
        "web",
    ]
)


def _site_of_a_suffix(bare: str) -> bool:
    """Whether a host without its `www.` is a public suffix that somebody has a site on: an institution (gov.uk, nhs.uk, gov.br),
    or a platform that gives names below its own (github.io).
    """
    if "." not in bare or not _suffixes.is_public(bare):
        return False
    return _icann.is_private(bare) or bare.partition(".")[0] not in _NOBODYS


@lru_cache(maxsize=65536)
def registrable_domain(host_or_url: str) -> str | None:
    """The key of the site that a host or URL belongs to, as an A-label; None for an address, a bare suffix or no host.

    `https://www.News.example.co.uk:8080/x` is `example.co.uk`; `a.github.io` and `a.wordpress.com` are themselves, because
    their platforms give subdomains to different people. `www.gov.uk` is `gov.uk`, as the lists that leave the www. out have it.
    """
    host = ascii_host(host_or_url)
    if host is None:
        return None
    bare = host.removeprefix("www.")
    if _site_of_a_suffix(bare):
        return bare
    registrable = _suffixes.privatesuffix(bare) or _suffixes.privatesuffix(host)
    if registrable is None:
        return None  # `co.uk` is nobody's.
    return tenant_below(bare, registrable)


def site_key(host_or_url: str) -> str | None:
    """The key that a gap is counted by: the registrable domain, or `host/tenant` on a host that gives paths to people."""
    host = ascii_host(host_or_url)
    if host is None:
        return None
    return path_tenant(host, path_segments(host_or_url)) or registrable_domain(host)


def name_of(key: str) -> str | None:
    """A registrable domain without its public suffix (`theglobe` of `theglobe.co.uk`); None for a tenant of a platform."""
    if "/" in key or platform_of(key) is not None or _icann.privatesuffix(key) != key:
        return None
    return key.partition(".")[0]


def platform_of(key: str) -> str | None:
    """The platform one level above a site key (`medium.com` for `medium.com/@x`, `github.io` for `a.github.io`), or None."""
    parent = parent_of(key)
    if parent is None:
        return None
    if "/" in key or is_platform(parent):
        return parent
    # A private suffix is a platform that registered itself with the list; an ICANN suffix (`co.uk`) is not.
    return parent if _suffixes.is_public(parent) and _icann.is_private(parent) else None
