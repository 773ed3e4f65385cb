"""Which language a short text is in, offline: byte n-grams of an installed package, with a bar below which nobody is sure.

The bar was set on titles and anchors in forty languages; `docs/explanation/gap.md` has the figures. The tables (about 45 MB
in memory) are loaded at the first question and not before.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

from app.domain.language import first_code

#: Below this many bytes of letters (UTF-8) a text says too little: a name is not a language.
LEAST_LETTERS = 20
#: How far the best language has to stand before the second, as a share of its own score.
LEAST_LEAD = 0.2
#: Malay and Indonesian share too many words: neither is told from the other.
_UNSURE = frozenset({"ms", "id"})
#: More of a text adds time and no certainty.
_MOST = 1_000

_LETTERS = re.compile(r"[^\W\d_]+")
# Addresses, hosts and codes are in no language.
_NOISE = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|\b[\w-]+(?:\.[\w-]+)+\b|\b\w*\d\w*\b")


def detect(*texts: str | None) -> str | None:
    """The language of all texts together as an ISO 639-1 code, or None where it is not certain enough."""
    text = " ".join(part.strip() for part in texts if part and part.strip())
    return _detect(_NOISE.sub(" ", text[: 2 * _MOST])[:_MOST])


@lru_cache(maxsize=10_000)
def _detect(text: str) -> str | None:
    if sum(len(word.encode()) for word in _LETTERS.findall(text)) < LEAST_LETTERS:
        return None
    scores = sorted((_detector().detect(text).scores() or {}).items(), key=lambda one: (-one[1], one[0]))
    if not scores:
        return None
    best = scores[0][1]
    second = scores[1][1] if len(scores) > 1 else 0.0
    if scores[0][0] in _UNSURE or best - second < LEAST_LEAD * best:
        return None
    return first_code(scores[0][0])


@cache
def _detector() -> Any:
    from eld import LanguageDetector

    return LanguageDetector()
