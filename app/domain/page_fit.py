"""Which of our pages fits a page of theirs: words in common, weighed by where they stand, with the sentence that says so. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import unquote, urlsplit

_WORD = re.compile(r"[^\W\d_][\w'-]+")
_STOP = frozenset(
    [
        "a",
        "about",
        "all",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "best",
        "blog",
        "by",
        "can",
        "com",
        "do",
        "for",
        "from",
        "guide",
        "guides",
        "have",
        "how",
        "html",
        "http",
        "https",
        "in",
        "index",
        "into",
        "is",
        "it",
        "its",
        "more",
        "most",
        "new",
        "not",
        "of",
        "on",
        "or",
        "our",
        "page",
        "pages",
        "php",
        "post",
        "posts",
        "resource",
        "resources",
        "that",
        "the",
        "their",
        "this",
        "to",
        "top",
        "use",
        "what",
        "when",
        "which",
        "who",
        "why",
        "will",
        "with",
        "www",
        "you",
        "your",
    ]
)
_MIN_LETTERS = 3


@dataclass(frozen=True, slots=True)
class OurPage:
    """One of our pages, as staff described it."""

    id: int
    url: str
    title: str
    topic: str | None = None
    summary: str | None = None
    published_on: date | None = None


@dataclass(frozen=True, slots=True)
class Fit:
    """The page that fits best, its score (0: nothing in common) and why."""

    page: OurPage
    score: int
    why: str


def best_fit(pages: Sequence[OurPage], theirs: Iterable[str | None]) -> Fit | None:
    """The page with most in common with `theirs` (titles, anchors, quotes, URLs); None when there are no pages.

    A shared word counts 3 in our topic, 2 in our title, 1 in our summary or address. Of equals, the newest page wins, then
    the one added first.
    """
    wanted = frozenset().union(*(stems(text) for text in theirs if text))
    ranked = sorted((_score(page, wanted) for page in pages), key=_order)
    if not ranked:
        return None
    score, shared, page = ranked[0]
    if not shared:
        return Fit(page, 0, "No page of ours shares a word with theirs; the newest was taken. Choose the page yourself")
    return Fit(page, score, f"Our page fits because both speak of {', '.join(shared)}")


def stems(text: str) -> frozenset[str]:
    """The words of a text or of a URL's path, without accents, plural s and words that say nothing."""
    if "://" in text:
        text = unquote(urlsplit(text).path).replace("_", " ").replace("-", " ").replace("/", " ")
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    found = (part for word in _WORD.findall(plain) for part in word.removesuffix("'s").split("-"))
    return frozenset(_stem(word) for word in found if len(word) >= _MIN_LETTERS and word not in _STOP)


def _stem(word: str) -> str:
    if word.endswith("ies") and len(word) > 5:
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


def _score(page: OurPage, wanted: frozenset[str]) -> tuple[int, list[str], OurPage]:
    weights: dict[str, int] = {}
    for weight, text in ((1, page.url), (1, page.summary), (2, page.title), (3, page.topic)):
        weights.update(dict.fromkeys(stems(text or ""), weight))
    shared = sorted(wanted & weights.keys(), key=lambda word: (-weights[word], word))
    return sum(weights[word] for word in shared), shared[:3], page


def _order(ranked: tuple[int, list[str], OurPage]) -> tuple[int, int, int]:
    score, _, page = ranked
    return (-score, -(page.published_on.toordinal() if page.published_on else 0), page.id)
