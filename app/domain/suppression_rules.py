"""How an address is compared with what must not be written to: one normal form, the hosts it falls under, and globs.

A do-not-contact fact is read as widely as is safe: case, tags and the dots of Gmail do not make another person. Domains come
as A-labels (`app.keys.ascii_host` makes them); nothing here guesses that two different mailboxes are one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Google ignores dots in the local part, and both names are one mailbox (support.google.com/mail/answer/7436150).
_DOTLESS = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}

# Taken back only by a lead, with a reason: the person has said no.
WISHES = frozenset({"unsubscribed", "complained", "erased"})
MOST_WILDCARDS = 8
MOST_PATTERNS = 1000
LONGEST_PATTERN = 254


def split_address(text: str) -> tuple[str, str]:
    """Local part and host in lower case; ("", host) for a text without `@`."""
    local, _, host = text.strip().lower().rpartition("@")
    return local, host.rstrip(".")


def normal_address(local: str, host: str) -> str:
    """The form in which two spellings of one mailbox are equal: no tag after `+`, and no dots where the provider ignores them."""
    # A local part that starts with the plus has no other name.
    bare = local.split("+", maxsplit=1)[0] or local
    if host in _DOTLESS:
        bare, host = bare.replace(".", "") or bare, _DOTLESS[host]
    return f"{bare}@{host}"


def hosts_above(host: str) -> Iterator[str]:
    """`host` and every host above it that still has a dot: a.b.example.com, b.example.com, example.com."""
    labels = host.split(".")
    for start in range(max(1, len(labels) - 1)):
        yield ".".join(labels[start:])


def pattern_problem(pattern: str) -> str | None:
    """Why `pattern` cannot be used, as a sentence with its fix; None for a good one.

    A pattern is a glob over the whole address: `*` any run of characters, `?` one character, everything else itself.
    """
    if len(pattern) > LONGEST_PATTERN:
        return f"a pattern has at most {LONGEST_PATTERN} characters"
    if pattern.count("@") != 1 or any(character.isspace() or ord(character) < 32 for character in pattern):
        return (
            "a pattern is compared with the whole address, so it has one @, such as *@press.example.com or noreply*@*"
        )
    if pattern.count("*") + pattern.count("?") > MOST_WILDCARDS:
        return f"a pattern has at most {MOST_WILDCARDS} wildcards; make several of it"
    if not any(character.isalnum() for character in pattern):
        return "this pattern would match everybody; switch the mailboxes off instead, or name what it should match"
    return None


def to_like(pattern: str) -> str:
    """The glob as an SQL LIKE pattern whose escape character is `!`."""
    for character in "!%_":
        pattern = pattern.replace(character, f"!{character}")
    return re.sub(r"\*+", "%", pattern).replace("?", "_")
