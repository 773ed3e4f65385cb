"""What a whole site proves about the coverage gap: that it writes on a subject regularly and has nothing on ours. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.domain.angle_evidence import WEAK, DateSource, State, Words, meets
from app.domain.angles import CoverageFact, CoveredArticle
from app.domain.link_target import page_key
from app.domain.said import say

REGULAR = 3
"""Articles on a topic that make "regularly"."""
MONTHS = 12
LEAST_LOOKED = 20
"""Titles or addresses of a site below which nothing is said about what it lacks."""

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Covered:
    """What came out about a site's coverage, with the sentence that says so."""

    state: State
    sentence: str
    fact: CoverageFact | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """One page of a site, as a feed, a sitemap, a list of links or the page itself names it.

    `title` is empty where only the address is known; `on` is the day of its publication, with the place where it stands.
    """

    url: str
    title: str = ""
    on: date | None = None
    source: DateSource | None = None


@dataclass(frozen=True, slots=True)
class Topic:
    """The stems that their page shares with ours (`shared`), and those of our topic that it does not (`ours`)."""

    shared: frozenset[str]
    ours: frozenset[str]
    name: str
    language: str


def topic_of(
    title: str, topic: str | None, theirs: Iterable[str | None], language: str | None, words: Words
) -> Topic | None:
    """What our page has in common with theirs, and what it adds; None when nothing is shared, or nothing is added.

    `language` is that of both; without one nothing is known to be a word of a subject.
    """
    if not language:
        return None
    said = frozenset(stem for text in theirs if text for stem in words(text, language))
    shared = said & {*words(title, language), *words(topic or "", language)}
    for name in (topic, title):
        adds = frozenset(words(name or "", language)) - shared
        if name and shared and adds:
            return Topic(shared, adds, name.strip().rstrip("."), language)
    return None


def cover(
    articles: Sequence[Article], topic: Topic | None, words: Words, *, one_language: bool | None, today: date
) -> Covered:
    """Whether a site writes on the shared topic regularly and has nothing on ours, by what was looked at.

    `one_language`: their site and our page are in one language; None when it is not known. Nothing is said to lack that was
    not looked at: below LEAST_LOOKED titles and addresses the answer is "could not check".
    """
    known = _merged(articles)
    if one_language is None:
        return Covered(State.UNKNOWN, say("the language of their site or of your page is not known"))
    if not one_language:
        return Covered(State.UNKNOWN, say("their site and your page are in different languages"))
    if topic is None:
        return Covered(State.NO_FACT, say("by the titles, your page adds no topic to theirs"))
    if len(known) < LEAST_LOOKED:
        return Covered(
            State.UNKNOWN,
            say(
                "only {found} of their pages could be found, at least {least} are needed",
                found=len(known),
                least=LEAST_LOOKED,
            ),
        )
    needed = (len(topic.ours) + 1) // 2
    for one in known:
        said = {*words(one.title, topic.language), *words(one.url, topic.language)}
        if sum(meets(stem, said) for stem in topic.ours) >= needed:
            return Covered(
                State.NO_FACT,
                say("they may cover {topic} already: {page}", topic=topic.name, page=one.title or one.url),
            )
    since = today - timedelta(days=round(MONTHS * 30.4))
    recent = sorted(
        (one for one in known if one.title and one.on is not None and _published(one) and since <= one.on <= today),
        key=lambda one: one.on or today,
    )
    hits: list[Article] = []
    word = ""
    titles = [(_spoken(one.title), one) for one in recent]
    for form in sorted(_forms(recent, topic, words)):
        found = [one for said, one in titles if form in said]
        if len(found) > len(hits):
            word, hits = form, found
    count = len(hits)
    if count < REGULAR:
        return Covered(
            State.NO_FACT,
            say(
                "{count} dated articles on the shared topic in {months} months; {regular} make it regular",
                count=count,
                months=MONTHS,
                regular=REGULAR,
            ),
        )
    shown = tuple(
        CoveredArticle(one.title, one.url, one.on or today, (one.source or DateSource.FEED).value) for one in hits[::-1]
    )
    fact = CoverageFact(word=word, count=count, since=since, articles=shown[:5], looked=len(known), missing=topic.name)
    return Covered(
        State.FACT,
        say(
            "{count} articles on {word} in {months} months, none of {looked} on {missing}",
            count=count,
            word=word,
            months=MONTHS,
            looked=len(known),
            missing=topic.name,
        ),
        fact,
    )


def _forms(articles: Iterable[Article], topic: Topic, words: Words) -> frozenset[str]:
    """The shared words as the titles write them: the mail says that one of them stands there, so it is counted as it is said."""
    said = [words(one.title, topic.language) for one in articles]
    return frozenset(title[stem] for title in said for stem in topic.shared if stem in title)


def _spoken(title: str) -> frozenset[str]:
    """The words of a title as they stand there, whole: their reader looks for the quoted word, and "art" is not in "start"."""
    return frozenset(_WORD.findall(unicodedata.normalize("NFC", title).lower()))


def _merged(articles: Sequence[Article]) -> list[Article]:
    """Each page once, with what all sources know of it."""
    found: dict[str, Article] = {}
    for one in articles:
        # A feed names its pages with the way on which its readers come.
        key = page_key(one.url)
        before = found.get(key)
        if before is None:
            found[key] = one
        else:
            dated = before if _published(before) else one
            found[key] = Article(before.url, before.title or one.title, dated.on, dated.source)
    return list(found.values())


def _published(one: Article) -> bool:
    """Whether its date is that of its publication: lastmod in a sitemap tells of any change."""
    return one.on is not None and one.source not in WEAK
