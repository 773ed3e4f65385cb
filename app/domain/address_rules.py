"""What an address says by itself: whose it is, and whether it was mistyped. Pure rules; nothing is asked and nobody is probed."""

from __future__ import annotations

import re
from enum import StrEnum


class MailHost(StrEnum):
    """Whether a domain takes mail, by its DNS. `unknown`: it could not be asked."""

    OK = "ok"
    NONE = "none"
    NULL_MX = "null-mx"
    UNKNOWN = "unknown"


# Nobody reads these for what we write, or reading us there does harm (RFC 2142 names abuse, postmaster and hostmaster).
# Without the signs between their words, so that "do.not_reply" is one of them.
MACHINES = frozenset(
    [
        "abuse",
        "autoreply",
        "autoresponder",
        "bounce",
        "bouncehandler",
        "bounces",
        "devnull",
        "hostmaster",
        "listserv",
        "maildaemon",
        "mailerdaemon",
        "majordomo",
        "nobody",
        "postmaster",
        "root",
        "spam",
        "unsubscribe",
    ]
)
# What an address says that wants no answer, in whatever language, alone or beside what it belongs to ("noreply-news").
_NO_ANSWER = (
    "noreply", "noreplies", "notreply", "dontreply", "nichtantworten", "keineantwort", "nepasrepondre", "norespond", "naorespond",
    "nonrispondere", "nietbeantwoorden", "nietantwoorden", "nieodpowiadaj", "ejsvar", "svarej", "svarikke", "ikkesvar", "neodpovid",
)  # fmt: skip
_SIGNS = re.compile(r"[._-]+")
# Read by several people: fine to write to, but nobody to greet by name.
ROLES = frozenset(
    [
        "admin",
        "contact",
        "desk",
        "editor",
        "editorial",
        "editors",
        "hello",
        "help",
        "hi",
        "info",
        "kontakt",
        "mail",
        "marketing",
        "news",
        "newsroom",
        "office",
        "post",
        "presse",
        "press",
        "redaktion",
        "support",
        "team",
        "tips",
        "webmaster",
    ]
)
# Large providers, to tell a slip of the keyboard from a name of its own.
_PROVIDERS = [
    "aol.com",
    "comcast.net",
    "fastmail.com",
    "free.fr",
    "gmail.com",
    "gmx.at",
    "gmx.ch",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.co.uk",
    "hotmail.com",
    "hotmail.fr",
    "icloud.com",
    "laposte.net",
    "libero.it",
    "live.com",
    "mail.com",
    "mail.de",
    "mail.ru",
    "me.com",
    "msn.com",
    "orange.fr",
    "outlook.com",
    "outlook.de",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "t-online.de",
    "web.de",
    "wp.pl",
    "yahoo.co.uk",
    "yahoo.com",
    "yahoo.de",
    "yahoo.fr",
    "yandex.com",
    "yandex.ru",
    "ymail.com",
    "zoho.com",
]
_ENDINGS = {
    "con": "com",
    "cmo": "com",
    "ocm": "com",
    "comm": "com",
    "cpm": "com",
    "vom": "com",
    "xom": "com",
    "nte": "net",
    "ent": "net",
    "ogr": "org",
    "rog": "org",
}
_SHORTEST = 7  # "gmx.de" is one letter away from half of the country's short names


def is_machine(local: str) -> bool:
    """Whether nobody should be written to under this local part."""
    name = _SIGNS.sub("", local.partition("+")[0].lower())
    return name in MACHINES or any(said in name for said in _NO_ANSWER)


def meant(domain: str) -> str | None:
    """The domain that was probably meant, when this one looks mistyped; None when nothing looks wrong."""
    name = domain.lower()
    if name in _PROVIDERS:
        return None
    stem, _, ending = name.rpartition(".")
    mended = f"{stem}.{_ENDINGS[ending]}" if stem and ending in _ENDINGS else None
    for candidate in (name, mended):
        if candidate is None:
            continue
        found = next((known for known in _PROVIDERS if len(known) >= _SHORTEST and _one_slip(candidate, known)), None)
        if found is not None:
            return found
    return mended


def _one_slip(typed: str, known: str) -> bool:
    """Whether one letter was left out, added, changed, or swapped with its neighbour (or none)."""
    if abs(len(typed) - len(known)) > 1:
        return False
    start = 0
    while start < min(len(typed), len(known)) and typed[start] == known[start]:
        start += 1
    a, b = typed[start:], known[start:]
    return a == b or a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
