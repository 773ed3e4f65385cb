"""The words of a text without what says nothing, for asking whether two texts share one: plain English endings, no other language.

How well two pages fit is weighed by `app.topics`, which knows more languages and needs installed tables for it. Pure.
"""

from __future__ import annotations

import re
import unicodedata
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
