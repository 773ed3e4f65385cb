"""Every regular expression that meets other people's bytes stays linear on 100 kB of its own pieces."""

from __future__ import annotations

import re
from types import ModuleType

import pytest

from app.domain import contact_rules, link_verdict, mention
from app.fetch import address, body, contact_page, outline, page, robots, urls, walls
from tests.support.growth import LINEAR, growth

MODULES: list[ModuleType] = [
    address,
    body,
    contact_page,
    outline,
    page,
    robots,
    urls,
    contact_rules,
    link_verdict,
    mention,
]
PATTERNS = [
    (f"{module.__name__}.{name}", value)
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, re.Pattern)
]
# Those that the code lets search; the others are only matched at the start of a text.
SEARCHED = {
    *{"_META", "_HEADER", "_HIDING_STYLE", "_JAVASCRIPT", "_NOSCRIPT", "_UNSAFE", "_REDIRECT_SEGMENT"},
    *{"_APART", "_ESCAPE", "_WORDS", "_YEAR"},
    *{"_OFF_PAGE", "_RULE", "_HIDING_RULE", "_FEED_AUTHOR", "_TAG"},
    *{"_BRACKET_AT", "_BRACKET_DOT", "_BARE", "_WORD_DOT", "_NOT_FOR_MACHINES"},
}
SIZE = 100_000


def pieces(pattern: re.Pattern[str] | re.Pattern[bytes]) -> list[str]:
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("ascii")
    words = re.findall(r"[a-zA-Z<:/=-]{2,}", source)
    starts = ["http://a.", "https://a-", "<meta ", "<meta charset", "<noscript", "charset=", "0x", "display"]
    return ["a", "0", "-", " ", ".", "a.", "a-", "/", "<", "=", "?", *words, *starts, *(f"{word} " for word in words)]


def test_the_patterns_were_found() -> None:
    assert len(PATTERNS) >= 10


@pytest.mark.parametrize(("name", "pattern"), PATTERNS, ids=[name for name, _ in PATTERNS])
def test_no_pattern_blows_up(name: str, pattern: re.Pattern[str] | re.Pattern[bytes]) -> None:
    def read(text: str) -> None:
        subject = text if isinstance(pattern.pattern, str) else text.encode()
        pattern.match(subject)  # type: ignore[arg-type]
        if name.rpartition(".")[2] in SEARCHED:
            assert all(found is not None for found in pattern.finditer(subject))  # type: ignore[arg-type]

    for piece in pieces(pattern):
        for before, after in (("", "!"), ("http://", "\x00")):
            grows = growth(read, lambda size: f"{before}{piece * (size // len(piece))}{after}", SIZE, most=1.0)
            assert grows < LINEAR, (name, piece)


# Long tables of phrases, dear with each of their words: what repeats in them is tried, and nothing else.
REPEATED = [
    "a ",
    "log in to ",
    "used your a a a ",
    "anmelden ",
    "il vous reste 1",
    '"isAccessibleForFree" :',
    " - ",
    "accept all cookies ",
]


@pytest.mark.parametrize(
    "name", ["_GATE", "_NOTICE", "_COOKIES_FIRST", "_TEASER", "_NOT_FREE", "_LOGIN", "_BESIDE_A_NAME"]
)
def test_no_phrase_of_a_wall_blows_up(name: str) -> None:
    pattern: re.Pattern[str] = getattr(walls, name)
    for piece in REPEATED:
        grows = growth(lambda text: [*pattern.finditer(text)], lambda size: (piece * size)[:size], SIZE, most=2.0)
        assert grows < LINEAR, (name, piece)
