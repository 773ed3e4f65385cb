"""What two pages prove about an angle: one fact with its evidence, none, or "could not check". Pure.

A fact is what anybody can see again: a status, a place where a redirect leads, a date with the place where it stands, a
word that is not there. Whatever keeps a page from being read in full is "could not check" and proves nothing. Words come
from a function that knows the languages (`app.topics.subject_words`), so that this file knows none. What a whole site covers
is in `angle_coverage`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from app.domain.angles import LinkedFact, LinkedFault
from app.domain.keys import host_of
from app.domain.language import first_code
from app.domain.link_target import bare_host
from app.domain.missing_page import says_missing
from app.domain.said import say
from app.domain.shown_dates import shows_newer

Words = Callable[[str, str], Mapping[str, str]]
"""A text and the code of its language -> the words that name a subject: stem -> the word as it was first written."""

OLD_AFTER = timedelta(days=730)
"""A page that shows no newer date than this is old."""
NEWER_BY = timedelta(days=365)
"""Ours has to be newer by this, or "old" is no reason to change anything."""
GONE_AFTER = timedelta(hours=24)
"""A name that the DNS does not know has to be unknown for this long: one failure may be our own network's."""
_PART, _ALIKE = 4, 5
_DISTINCT = 2
_LEAST_WORDS = 200
_LEAST_HEADINGS = 3
_ERROR_WORDS = 150
_GONE = (404, 410)
_INITIAL = re.compile(r"(?<![^\W\d_])[^\W\d_]")


class State(StrEnum):
    """What a look ended with. `could-not-check` is never shown as `no-fact`."""

    FACT = "fact"
    NO_FACT = "no-fact"
    UNKNOWN = "could-not-check"


class DateSource(StrEnum):
    """Where a date stands."""

    SCHEMA_MODIFIED = "schema.org dateModified"
    SCHEMA_PUBLISHED = "schema.org datePublished"
    META_MODIFIED = "the meta tag of its last change"
    META_PUBLISHED = "the meta tag of its publication"
    TIME = "a <time> element"
    HEADER = "the Last-Modified header"
    SITEMAP = "lastmod in the sitemap"
    FEED = "the feed"


_CHANGES = frozenset({DateSource.SCHEMA_MODIFIED, DateSource.META_MODIFIED, DateSource.HEADER, DateSource.SITEMAP})
# A server, or a sitemap's maker, dates everything anew with each deployment: such a date can show that a page is new enough,
# and never that a page is old or ours the newer one.
WEAK = frozenset({DateSource.HEADER, DateSource.SITEMAP})


@dataclass(frozen=True, slots=True)
class SeenDate:
    """A date that a page shows, and where."""

    day: date
    source: DateSource


@dataclass(frozen=True, slots=True)
class Outline:
    """What a page says about itself: its title, its visible headings in order, its visible text, its dates.

    `whole` is False when not all of it could be read (cut, or made by scripts). `lang` is empty where it names none.
    `links` are (address, words) in order; `feeds` the addresses of its feeds. `unseen` are the words
    of its source outside of scripts, also those that are hidden or in attributes, each once; `data` those of its scripts, None when
    they are too many to keep. `undated`: one of its dates could not be read and may be the newest.
    """

    title: str
    lang: str
    headings: tuple[str, ...]
    text: str
    dates: tuple[SeenDate, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    feeds: tuple[str, ...] = ()
    whole: bool = True
    unseen: str = ""
    data: str | None = ""
    undated: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """One page that was asked for. `status` is None when nobody answered, then `problem` is the reason (`dns`, `timeout`, ...).

    `moved`: there were redirects on the way to `final_url`. `outline` is None for a page that could not be read.
    """

    url: str
    status: int | None = None
    problem: str | None = None
    final_url: str = ""
    moved: bool = False
    outline: Outline | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """What came out, with the sentence that says so. `dns_gone`: the name was unknown at this look."""

    state: State
    sentence: str
    fact: LinkedFact | None = None
    dns_gone: bool = False


def compare(
    theirs: Look,
    ours: Look | None,
    title: str,
    topic: str | None,
    words: Words,
    *,
    now: datetime,
    dns_unknown_since: datetime | None = None,
) -> Compared:
    """What is wrong with the page `theirs` (the one that is linked today), held against `ours`.

    `title` and `topic` are those of our page as staff described it (empty without one); `dns_unknown_since` the first look at which the name was
    unknown, if the looks since then agree. The first fact in this order counts: gone, sent elsewhere, old, a section less.
    """
    page, today = theirs.url, now.date()
    if theirs.status is None:
        # On the way of a redirect it is another name that is unknown.
        if theirs.problem == "dns" and not theirs.moved:
            if dns_unknown_since is not None and now - dns_unknown_since >= GONE_AFTER:
                fact = LinkedFact(page, LinkedFault.NO_HOST, on=dns_unknown_since.date())
                return Compared(State.FACT, say("its address does not exist any more"), fact, dns_gone=True)
            again = say("its address was not found; that counts when a second look a day later says the same")
            return Compared(State.UNKNOWN, again, dns_gone=True)
        return Compared(
            State.UNKNOWN, say("the page that they link to could not be read ({problem})", problem=theirs.problem)
        )
    if theirs.status in _GONE:
        return Compared(
            State.FACT,
            say("answers {status}", status=theirs.status),
            LinkedFact(page, LinkedFault.DEAD, status=theirs.status),
        )
    if not 200 <= theirs.status < 300:
        return Compared(
            State.UNKNOWN,
            say("the page that they link to answers us {status}, which may be about us", status=theirs.status),
        )
    outline = theirs.outline
    if outline is None or not outline.whole:
        return Compared(State.UNKNOWN, say("the page that they link to could not be read in full"))
    if theirs.moved and _is_home(theirs.final_url) and not _may_be_home(page):
        if _is_new_place(page, theirs.final_url, outline, (title, topic), words):
            return Compared(State.NO_FACT, say("leads to a homepage, which may be its new place"))
        fact = LinkedFact(page, LinkedFault.REDIRECTED, redirect=theirs.final_url)
        return Compared(State.FACT, say("leads to a homepage"), fact)
    short = len(outline.text.split()) < _ERROR_WORDS
    missing = says_missing(page, outline.title, outline.headings, (title, topic)) if short else None
    if missing:
        return Compared(
            State.FACT,
            say('says "{heading}"', heading=missing),
            LinkedFact(page, LinkedFault.SAYS_GONE, heading=missing),
        )
    if theirs.moved and _off_topic(page, theirs.final_url, outline, (title, topic), words):
        fact = LinkedFact(page, LinkedFault.OFF_TOPIC, redirect=theirs.final_url, heading=outline.title)
        return Compared(State.FACT, say('leads to "{title}", which is about something else', title=outline.title), fact)
    return _beside_ours(page, outline, ours, title, topic, words, today)


def _beside_ours(
    page: str, theirs: Outline, ours: Look | None, title: str, topic: str | None, words: Words, today: date
) -> Compared:
    mine = ours.outline if ours is not None and ours.status == 200 else None
    if mine is None or not mine.whole:
        return Compared(State.UNKNOWN, say("it answers, and your own page could not be read to compare the two"))
    language = first_code(theirs.lang)
    if language is None or language != first_code(mine.lang):
        return Compared(
            State.UNKNOWN,
            say("it answers, and the two pages do not both name one language, so they were not compared"),
        )
    if not _same_subject(theirs, (title, topic), language, words):
        return Compared(
            State.NO_FACT,
            say("it answers, and its title and headings say too little of your topic: nothing to compare"),
        )
    old = _older(page, theirs, mine, today)
    if old is not None and not theirs.undated:
        return Compared(State.FACT, say("is old"), old)
    found = _lacking(theirs, mine, topic or "", language, words)
    if found is not None and found[1]:
        heading, word = found
        return Compared(
            State.FACT,
            say('does not mention "{word}"', word=word),
            LinkedFact(page, LinkedFault.LACKS, heading=heading, word=word),
        )
    if found is not None:
        hint = say(
            'it answers and is not old; no word of your section "{heading}" stands there, and whether it says the same in '
            "other words is for a reader to tell",
            heading=found[0],
        )
        return Compared(State.NO_FACT, hint)
    if old is not None:
        return Compared(
            State.UNKNOWN,
            say("it answers, and one of its dates could not be read, so that it may be newer than it seems"),
        )
    if not theirs.dates or not mine.dates:
        who = say("the page that they link to") if not theirs.dates else say("your page")
        return Compared(
            State.NO_FACT,
            say("it answers and has every section of yours that can be compared; {who} shows no date", who=who),
        )
    return Compared(State.NO_FACT, say("it answers, is not old, and has every section of yours that can be compared"))


def meets(word: str, said: Iterable[str]) -> bool:
    """Whether a stem stands among others, also as a part of a compound or with another ending: for what is *not* said, so it is generous."""
    return any(
        word == one
        or (min(len(word), len(one)) >= _PART and (word in one or one in word))
        or (len(word) >= _ALIKE and word[:_ALIKE] == one[:_ALIKE])
        for one in said
    )


def initials_of(text: str) -> str:
    """The first letters of all words, in order: "gdpr" stands in them where its long form stands in the text."""
    return "".join(_INITIAL.findall(unicodedata.normalize("NFC", text).lower()))


def _same_subject(theirs: Outline, texts: Iterable[str | None], language: str, words: Words) -> bool:
    """Whether title and headings of theirs have half of the words by which we name our page, in its topic or in its title."""
    said = _all_words((theirs.title, *theirs.headings), language, words)
    for text in texts:
        own = words(text or "", language)
        met = sum(any(word == one or _part(word, one) or _part(one, word) for one in said) for word in own)
        if met and met * 2 >= len(own):
            return True
    return False


def _part(short: str, long: str) -> bool:
    """Whether a stem begins or ends another one, as the parts of a compound do."""
    return len(short) >= _ALIKE and (long.startswith(short) or long.endswith(short))


def _all_words(texts: Iterable[str], language: str, words: Words) -> frozenset[str]:
    return frozenset(stem for text in texts for stem in words(text, language))


def newest(dates: Iterable[SeenDate]) -> SeenDate | None:
    """The newest date; of one day, a change before a publication."""
    return max(dates, key=lambda one: (one.day, one.source in _CHANGES), default=None)


def _older(page: str, theirs: Outline, mine: Outline, today: date) -> LinkedFact | None:
    last = newest(one for one in theirs.dates if one.day <= today)
    # A <time> on our page may be that of a page it lists; on theirs such a date only makes the page look newer.
    own = newest(one for one in mine.dates if one.day <= today and one.source not in WEAK | {DateSource.TIME})
    if last is None or own is None or all(one.source in WEAK for one in theirs.dates):
        return None
    if today - last.day < OLD_AFTER or own.day - last.day < NEWER_BY:
        return None
    says = "newest"
    if last.source in (DateSource.SCHEMA_MODIFIED, DateSource.META_MODIFIED):
        says = "updated"
    elif last.source in (DateSource.SCHEMA_PUBLISHED, DateSource.META_PUBLISHED):
        says = "dated"
    shown = "\n".join((theirs.title, *theirs.headings, theirs.text))
    # Who reads that a page shows no date looks at its foot as well.
    if shows_newer(shown, last.day, today, rights=says == "newest"):
        return None
    return LinkedFact(page, LinkedFault.OLDER, on=last.day, source=last.source.value, says=says)


def _lacking(theirs: Outline, mine: Outline, topic: str, language: str, words: Words) -> tuple[str, str] | None:
    """A heading of ours none of whose own words stands anywhere on their page, with its word out of our described topic.

    Without such a word ("") it proves nothing: other words may say the same.
    """
    if theirs.data is None or len(theirs.headings) < _LEAST_HEADINGS or len(theirs.text.split()) < _LEAST_WORDS:
        return None  # A page of another kind (a tool, a video): its sections say nothing.
    texts = (theirs.title, theirs.text, theirs.text.replace("-", ""), *theirs.headings, theirs.unseen)
    said = _all_words(texts, language, words)
    # What a script holds may be shown by it. Its own words are many: only the one that is named has to be absent there.
    data = words(theirs.data, language)
    initials = initials_of(theirs.text)
    common, named = words(mine.title, language), words(topic, language)
    hint: tuple[str, str] | None = None
    for heading in mine.headings:
        own = {stem: word for stem, word in words(heading, language).items() if stem not in common}
        if len(own) < _DISTINCT or len(heading) > 80:
            continue
        if any(meets(stem, said) or word in initials for stem, word in own.items()):
            continue
        word = next((word for stem, word in own.items() if stem in named and stem not in data), "")
        if word:
            return heading, word
        hint = hint or (heading, "")
    return hint


def _off_topic(asked: str, reached: str, page: Outline, ours: Iterable[str | None], words: Words) -> bool:
    """Whether a redirect led to a page that has no word of the old address in its address, title or headings, and few in its text."""
    language = first_code(page.lang)
    if language is None or _on_our_subject(asked, reached, page, ours, words):
        return False
    before = words(asked, language)
    now = _all_words((reached, page.title, *page.headings), language, words)
    if len(before) < _DISTINCT or not now or any(meets(stem, now) for stem in before):
        return False
    text = words(page.text, language)
    return sum(meets(stem, text) for stem in before) * 3 < len(before) * 2


def _is_new_place(asked: str, reached: str, page: Outline, ours: Iterable[str | None], words: Words) -> bool:
    """Whether a homepage may be where the linked page lives now: by its host, by its words, or as the front page of a new name."""
    host, path = bare_host(host_of(reached)), unquote(urlsplit(asked).path).casefold()
    if host != bare_host(host_of(asked)) and set(host.split(".")[:-1]) & (_DOORS | set(_NAME.findall(path))):
        return True
    language = first_code(page.lang) or ""
    before = words(asked, language)
    # In a language whose small words are not known, the address is taken as it stands.
    text = words(page.text, language) if before else _NAME.findall(page.text.casefold())
    before = before or dict.fromkeys(_NAME.findall(path.rstrip("/").rpartition("/")[2]), "")
    said = bool(before) and all(meets(stem, text) for stem in before)
    return said or _on_our_subject(asked, reached, page, ours, words)


def _on_our_subject(asked: str, reached: str, page: Outline, ours: Iterable[str | None], words: Words) -> bool:
    """Whether a page on another host, where the old one may have moved as a whole, is about the subject of our page."""
    language = first_code(page.lang)
    other = bare_host(host_of(reached)) != bare_host(host_of(asked))
    return other and language is not None and _same_subject(page, ours, language, words)


_NAME = re.compile(r"[^\W\d_]{3,}")
# Hosts on which one signs in, agrees or is asked to wait: what lies behind them is not seen.
_DOORS = frozenset(
    {"account", "accounts", "app", "apps", "auth", "consent", "dashboard", "id", "login", "members", "my", "oauth", "portal", "secure", "signin", "sso"}
)  # fmt: skip
_A_HOME = re.compile(r"(?:[a-z]{2}(?:-[a-z]{2})?(?:/|\Z))?(?:(?:index|default|home)(?:\.[a-z]{3,5})?)?")


def _is_home(url: str) -> bool:
    parts = urlsplit(url)
    return parts.path.strip("/") in ("", "index.html", "index.php") and not parts.query


def _may_be_home(url: str) -> bool:
    """Whether a link led to a homepage before as well, whatever it told it of its way (`?ref=blog`), or in one language of many."""
    return _A_HOME.fullmatch(urlsplit(url).path.strip("/").casefold()) is not None
