"""What two pages, or a whole site, prove about an angle: one fact with its evidence, none, or "could not check". Pure.

A fact is what anybody can see again: a status, a place where a redirect leads, a date with the place where it stands, a
heading, a count with titles. Whatever keeps a page from being read in full is "could not check" and proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from app.domain.angles import CoverageFact, CoveredArticle, LinkedFact, LinkedFault
from app.domain.stems import stems

OLD_AFTER = timedelta(days=730)
"""A page that shows no newer date than this is old."""
NEWER_BY = timedelta(days=365)
"""Ours has to be newer by this, or "old" is no reason to change anything."""
GONE_AFTER = timedelta(hours=24)
"""A name that the DNS does not know has to be unknown for this long: one failure may be our own network's."""
REGULAR = 3
"""Articles on a topic that make "regularly"."""
MONTHS = 12
LEAST_LOOKED = 20
"""Titles or addresses of a site below which nothing is said about what it lacks."""
_DISTINCT = 2
_LEAST_WORDS = 200
_LEAST_HEADINGS = 3
_ERROR_WORDS = 150
_GONE = (404, 410)
_MISSING = re.compile(
    r"\b(?:404|page not found|not found|page (?:does not|doesn['’]t) exist|no longer (?:available|exists)"
    r"|seite (?:wurde )?nicht gefunden|nicht mehr verfügbar|page (?:introuvable|non trouvée)|página no encontrada"
    r"|página não encontrada|pagina non trovata)\b",
    re.IGNORECASE,
)


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
_WEAK = frozenset({DateSource.HEADER, DateSource.SITEMAP})


@dataclass(frozen=True, slots=True)
class SeenDate:
    """A date that a page shows, and where."""

    day: date
    source: DateSource


@dataclass(frozen=True, slots=True)
class Outline:
    """What a page says about itself: its title, its headings in order, its visible text, its dates.

    `whole` is False when not all of it could be read (cut, or made by scripts). `lang` is empty where it names none.
    `links` are (address, words) in order; `feeds` the addresses of its feeds.
    """

    title: str
    lang: str
    headings: tuple[str, ...]
    text: str
    dates: tuple[SeenDate, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    feeds: tuple[str, ...] = ()
    whole: bool = True


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


@dataclass(frozen=True, slots=True)
class Covered:
    """What came out about a site's coverage, with the sentence that says so."""

    state: State
    sentence: str
    fact: CoverageFact | None = None


def compare(
    theirs: Look,
    ours: Look | None,
    our_topic: Iterable[str | None],
    *,
    now: datetime,
    dns_unknown_since: datetime | None = None,
) -> Compared:
    """What is wrong with the page `theirs` (the one that is linked today), held against `ours`.

    `our_topic` are the title and topic of our page; `dns_unknown_since` the first look at which the name was
    unknown, if the looks since then agree. The first fact in this order counts: gone, sent elsewhere, old, a section less.
    """
    page, today = theirs.url, now.date()
    if theirs.status is None:
        if theirs.problem == "dns":
            if dns_unknown_since is not None and now - dns_unknown_since >= GONE_AFTER:
                fact = LinkedFact(page, LinkedFault.NO_HOST, on=dns_unknown_since.date())
                return Compared(State.FACT, "its domain does not exist any more", fact, dns_gone=True)
            again = "its domain was not found; that counts when a second look a day later says the same"
            return Compared(State.UNKNOWN, again, dns_gone=True)
        return Compared(State.UNKNOWN, f"the page that they link to could not be read ({theirs.problem})")
    if theirs.status in _GONE:
        return Compared(
            State.FACT, f"answers {theirs.status}", LinkedFact(page, LinkedFault.DEAD, status=theirs.status)
        )
    if not 200 <= theirs.status < 300:
        return Compared(State.UNKNOWN, f"the page that they link to answers us {theirs.status}, which may be about us")
    if theirs.moved and _is_home(theirs.final_url) and not _is_home(page):
        return Compared(
            State.FACT, "leads to a homepage", LinkedFact(page, LinkedFault.REDIRECTED, redirect=theirs.final_url)
        )
    outline = theirs.outline
    if outline is None or not outline.whole:
        return Compared(State.UNKNOWN, "the page that they link to could not be read in full")
    missing = _says_missing(outline)
    if missing:
        return Compared(State.FACT, f'says "{missing}"', LinkedFact(page, LinkedFault.SAYS_GONE, heading=missing))
    if theirs.moved and _off_topic(page, theirs.final_url, outline):
        fact = LinkedFact(page, LinkedFault.OFF_TOPIC, redirect=theirs.final_url, heading=outline.title)
        return Compared(State.FACT, f'leads to "{outline.title}", which is about something else', fact)
    return _beside_ours(page, outline, ours, our_topic, today)


def _beside_ours(
    page: str, theirs: Outline, ours: Look | None, our_topic: Iterable[str | None], today: date
) -> Compared:
    mine = ours.outline if ours is not None and ours.status == 200 else None
    if mine is None or not mine.whole:
        return Compared(State.UNKNOWN, "it answers, and your own page could not be read to compare the two")
    wanted = frozenset().union(*(stems(text) for text in our_topic if text))
    if not wanted & (stems(theirs.title) | frozenset().union(*map(stems, theirs.headings))):
        return Compared(
            State.NO_FACT, "it answers, and its title and headings share no word with your page: nothing to compare"
        )
    old = _older(page, theirs, mine, today)
    if old is not None:
        return Compared(State.FACT, "is old", old)
    if not mine.lang or not theirs.lang or mine.lang[:2].lower() != theirs.lang[:2].lower():
        return Compared(
            State.UNKNOWN,
            "it answers, and the two pages do not both name one language, so their sections were not compared",
        )
    heading = _lacking(theirs, mine)
    if heading is not None:
        return Compared(
            State.FACT, f'says nothing of "{heading}"', LinkedFact(page, LinkedFault.LACKS, heading=heading)
        )
    if not theirs.dates or not mine.dates:
        who = "the page that they link to" if not theirs.dates else "your page"
        return Compared(
            State.NO_FACT, f"it answers and has every section of yours that can be compared; {who} shows no date"
        )
    return Compared(State.NO_FACT, "it answers, is not old, and has every section of yours that can be compared")


def newest(dates: Iterable[SeenDate]) -> SeenDate | None:
    """The newest date; of one day, a change before a publication."""
    return max(dates, key=lambda one: (one.day, one.source in _CHANGES), default=None)


def _older(page: str, theirs: Outline, mine: Outline, today: date) -> LinkedFact | None:
    last = newest(one for one in theirs.dates if one.day <= today)
    # A <time> on our page may be that of a page it lists; on theirs such a date only makes the page look newer.
    own = newest(one for one in mine.dates if one.day <= today and one.source not in _WEAK | {DateSource.TIME})
    if last is None or own is None or all(one.source in _WEAK for one in theirs.dates):
        return None
    if today - last.day < OLD_AFTER or own.day - last.day < NEWER_BY:
        return None
    says = "newest"
    if last.source in (DateSource.SCHEMA_MODIFIED, DateSource.META_MODIFIED):
        says = "updated"
    elif last.source in (DateSource.SCHEMA_PUBLISHED, DateSource.META_PUBLISHED):
        says = "dated"
    return LinkedFact(page, LinkedFault.OLDER, on=last.day, source=last.source.value, says=says)


def _lacking(theirs: Outline, mine: Outline) -> str | None:
    """A heading of ours none of whose own words stands anywhere on their page."""
    if len(theirs.headings) < _LEAST_HEADINGS or len(theirs.text.split()) < _LEAST_WORDS:
        return None  # A page of another kind (a tool, a video): its sections say nothing.
    said = stems(theirs.title) | stems(theirs.text) | frozenset().union(*map(stems, theirs.headings))
    common = stems(mine.title)
    for heading in mine.headings:
        own = stems(heading) - common
        if len(own) >= _DISTINCT and not own & said and len(heading) <= 80:
            return heading
    return None


def _says_missing(page: Outline) -> str | None:
    """The words by which a page with status 200 says that there is no page (a "soft 404")."""
    if len(page.text.split()) >= _ERROR_WORDS:
        return None
    for said in (*page.headings[:1], page.title):
        if _MISSING.search(said):
            return said[:80]
    return None


def _off_topic(asked: str, reached: str, page: Outline) -> bool:
    """Whether a redirect led to a page that has no word of the old address in its own address, title or headings."""
    before = stems(asked)
    now = stems(reached) | stems(page.title) | frozenset().union(*map(stems, page.headings))
    return len(before) >= _DISTINCT and bool(now) and not before & now


def _is_home(url: str) -> bool:
    parts = urlsplit(url)
    return parts.path.strip("/") in ("", "index.html", "index.php") and not parts.query


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
    """The words that their page shares with ours (`shared`), and those of our topic that it does not (`ours`)."""

    shared: frozenset[str]
    ours: frozenset[str]
    name: str


def topic_of(title: str, topic: str | None, theirs: Iterable[str | None]) -> Topic | None:
    """What our page has in common with theirs, and what it adds; None when nothing is shared, or nothing is added."""
    said = frozenset().union(*(stems(text) for text in theirs if text))
    ours = stems(title) | stems(topic or "")
    shared = ours & said
    for name in (topic, title):
        adds = stems(name or "") - shared
        if name and shared and adds:
            return Topic(shared, adds, name.strip().rstrip("."))
    return None


def cover(articles: Sequence[Article], topic: Topic | None, *, one_language: bool | None, today: date) -> Covered:
    """Whether a site writes on the shared topic regularly and has nothing on ours, by what was looked at.

    `one_language`: their site and our page are in one language; None when it is not known. Nothing is said to lack that was
    not looked at: below LEAST_LOOKED titles and addresses the answer is "could not check".
    """
    known = _merged(articles)
    if topic is None:
        return Covered(State.NO_FACT, "your page shares no topic with theirs, or adds none to it")
    if len(known) < LEAST_LOOKED:
        return Covered(
            State.UNKNOWN, f"only {len(known)} of their pages could be found, at least {LEAST_LOOKED} are needed"
        )
    if one_language is None:
        return Covered(State.UNKNOWN, "the language of their site or of your page is not known")
    if not one_language:
        return Covered(State.UNKNOWN, "their site and your page are in different languages")
    needed = (len(topic.ours) + 1) // 2
    for one in known:
        if len(topic.ours & (stems(one.title) | stems(one.url))) >= needed:
            return Covered(State.NO_FACT, f"they may cover {topic.name} already: {one.title or one.url}")
    since = today - timedelta(days=round(MONTHS * 30.4))
    recent = sorted(
        (one for one in known if one.title and one.on is not None and _published(one) and since <= one.on <= today),
        key=lambda one: one.on or today,
    )
    best: tuple[int, str, list[Article]] = (0, "", [])
    for word in sorted(topic.shared):
        hits = [one for one in recent if word in stems(one.title)]
        best = max(best, (len(hits), word, hits), key=lambda pair: pair[0])
    count, word, hits = best
    if count < REGULAR:
        return Covered(
            State.NO_FACT, f"{count} dated articles on the shared topic in {MONTHS} months; {REGULAR} make it regular"
        )
    shown = tuple(
        CoveredArticle(one.title, one.url, one.on or today, (one.source or DateSource.FEED).value) for one in hits[::-1]
    )
    fact = CoverageFact(word=word, count=count, since=since, articles=shown[:5], looked=len(known), missing=topic.name)
    return Covered(
        State.FACT, f"{count} articles on {word} in {MONTHS} months, none of {len(known)} on {topic.name}", fact
    )


def _merged(articles: Sequence[Article]) -> list[Article]:
    """Each page once, with what all sources know of it."""
    found: dict[str, Article] = {}
    for one in articles:
        key = one.url.partition("#")[0].partition("://")[2].removeprefix("www.").rstrip("/")
        before = found.get(key)
        if before is None:
            found[key] = one
        else:
            dated = before if _published(before) else one
            found[key] = Article(before.url, before.title or one.title, dated.on, dated.source)
    return list(found.values())


def _published(one: Article) -> bool:
    """Whether its date is that of its publication: lastmod in a sitemap tells of any change."""
    return one.on is not None and one.source not in _WEAK
