"""How well a page of ours fits a page of theirs: the words that both share, weighed by where they stand. Pure.

Words come in ready (stemmed, without those that say nothing; `app.topics` makes them), so that this file knows no language.
The score runs from 0 to 100; where it cannot be told, it is None and `unknown` names the reason. The weights were fixed on
two thirds of a set made by hand and measured on the rest (docs/explanation/gap.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

#: From here on two pages are taken to be about the same thing.
FITS = 50

#: What a word counts by its place on our page, and on theirs.
OUR_WEIGHTS = {"topic": 3.0, "title": 2.0, "summary": 1.0, "address": 1.0}
THEIR_WEIGHTS = {"anchor": 1.5, "title": 1.0, "address": 0.7, "context": 0.7, "text": 0.7}
#: A word that begins or ends with another of this many letters shares its meaning, but not all of it: compost, compost heap.
PART_LETTERS, PART = 5, 0.6
#: The share of the topic's own words that is met makes the score; without any of them this much of it is left.
WITHOUT_TOPIC = 0.3
#: So many shared words stand for a topic that is named in other words.
MANY, MANY_COVER = 3, 0.8
#: The sum at which a score has 63 of its 100 points.
SCALE = 4.0
#: With fewer words of theirs, nothing shared means nothing.
LEAST_WORDS = 2


class FitUnknown(StrEnum):
    """Why nobody can say whether a page of ours fits."""

    NO_PAGES = "no-pages"
    NO_TEXT = "no-text"
    OTHER_LANGUAGE = "other-language"
    LANGUAGE_UNKNOWN = "language-unknown"


FIT_UNKNOWN = {
    FitUnknown.NO_PAGES: "there is no page of yours to compare with",
    FitUnknown.NO_TEXT: "there are too few words of theirs to compare",
    FitUnknown.OTHER_LANGUAGE: "no page of yours is in the language of theirs",
    FitUnknown.LANGUAGE_UNKNOWN: "the language of their page is not known, and too few words are shared",
}


@dataclass(frozen=True, slots=True)
class Ours:
    """One page of ours: its words with the weight of their place, those of its topic, and each word as it was written."""

    key: str
    language: str | None
    words: Mapping[str, float]
    topic: frozenset[str]
    written: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Theirs:
    """The words of a page of theirs with the weight of their place; `language` None: not known."""

    language: str | None
    words: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TopicFit:
    """The page of ours that fits best (its key), its score and the shared words, the strongest first; or why it is unknown."""

    page: str | None
    score: int | None
    shared: tuple[str, ...] = ()
    unknown: FitUnknown | None = None

    @property
    def fits(self) -> bool | None:
        """Whether the page fits; None where it cannot be told."""
        return None if self.score is None else self.score >= FITS


class Shelf:
    """Our pages in one language, ready to be compared with many of theirs."""

    def __init__(self, pages: Sequence[Ours]) -> None:
        self.pages = tuple(pages)

    @cached_property
    def _holders(self) -> dict[str, list[int]]:
        holders: dict[str, list[int]] = {}
        for number, page in enumerate(self.pages):
            for word in page.words:
                holders.setdefault(word, []).append(number)
        return holders

    @cached_property
    def _parts(self) -> dict[str, list[str]]:
        """Our words by each beginning and end of theirs that is long enough."""
        parts: dict[str, list[str]] = {}
        for word in self._holders:
            for length in range(PART_LETTERS, len(word)):
                for part in {word[:length], word[-length:]}:
                    parts.setdefault(part, []).append(word)
        return parts

    def rarity(self, word: str) -> float:
        """1 for a word of one page, less the more of our pages have it: what all of them say tells none from the other."""
        return math.log(1 + len(self.pages) / len(self._holders[word])) / math.log(1 + len(self.pages))

    def meets(self, word: str) -> dict[str, float]:
        """Our words that a word of theirs meets, with how much of it: the same one whole, a part of a compound less."""
        found = dict.fromkeys(self._parts.get(word, ()), PART)
        for length in range(PART_LETTERS, len(word)):
            for part in (word[:length], word[-length:]):
                if part in self._holders:
                    found[part] = PART
        if word in self._holders:
            found[word] = 1.0
        return found

    def best(self, theirs: Mapping[str, float]) -> TopicFit:
        """The best page for the words of theirs. Of equals the first wins; with nothing shared the score is 0 and there is no page."""
        met: dict[str, float] = {}
        for word, weight in theirs.items():
            for ours, share in self.meets(word).items():
                met[ours] = max(met.get(ours, 0.0), weight * share)
        touched = sorted({number for word in met for number in self._holders[word]})
        best = TopicFit(None, 0)
        for number in touched:
            page = self.pages[number]
            shared = [word for word in page.words if word in met]
            score = self._score(page, shared, met)
            if best.page is None or score > (best.score or 0):
                ranked = sorted(shared, key=lambda word: (-page.words[word] * met[word] * self.rarity(word), word))
                best = TopicFit(page.key, score, tuple(page.written.get(word, word) for word in ranked))
        return best

    def _score(self, page: Ours, shared: Sequence[str], met: Mapping[str, float]) -> int:
        total = sum(page.words[word] * met[word] * self.rarity(word) for word in shared)
        whole = sum(self.rarity(word) for word in page.topic)
        cover = sum(self.rarity(word) for word in shared if word in page.topic) / whole if whole else 1.0
        if len(shared) >= MANY:
            cover = max(cover, MANY_COVER)
        total *= WITHOUT_TOPIC + (1 - WITHOUT_TOPIC) * cover
        return round(100 * (1 - math.exp(-total / SCALE)))


class Shelves:
    """All pages of ours, a shelf for each language; a page whose language is not known stands on every shelf."""

    def __init__(self, pages: Iterable[Ours]) -> None:
        listed = tuple(pages)
        languages = sorted({page.language for page in listed if page.language})
        self.empty = not listed
        self._any = Shelf([page for page in listed if page.language is None])
        self._of = {
            language: Shelf([page for page in listed if page.language in (language, None)]) for language in languages
        }

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of our pages."""
        return tuple(self._of)

    def compare(self, theirs: Theirs | Mapping[str, Theirs]) -> TopicFit:
        """The best page for theirs; a mapping gives, for a page of unknown language, its words as each language has them."""
        if self.empty:
            return TopicFit(None, None, unknown=FitUnknown.NO_PAGES)
        if isinstance(theirs, Theirs):
            shelf = self._of.get(theirs.language or "", self._any)
            if len(theirs.words) < LEAST_WORDS:
                found = shelf.best(theirs.words) if shelf.pages else TopicFit(None, 0)
                return found if found.fits else TopicFit(None, None, unknown=FitUnknown.NO_TEXT)
            if not shelf.pages:
                return TopicFit(None, None, unknown=FitUnknown.OTHER_LANGUAGE)
            return shelf.best(theirs.words)
        tried = [self._of.get(language, self._any).best(one.words) for language, one in theirs.items()]
        found = max(tried, key=lambda fit: fit.score or 0, default=TopicFit(None, 0))
        if found.fits:
            return found
        few = all(len(one.words) < LEAST_WORDS for one in theirs.values())
        return TopicFit(None, None, unknown=FitUnknown.NO_TEXT if few else FitUnknown.LANGUAGE_UNKNOWN)


def why(fit: TopicFit, most: int = 3) -> str:
    """The fit as a sentence's end: `both speak of late, payment`, or why it cannot be told."""
    if fit.unknown is not None:
        return FIT_UNKNOWN[fit.unknown]
    if not fit.shared:
        return "no page of yours shares a word with theirs"
    return f"both speak of {', '.join(fit.shared[:most])}"
