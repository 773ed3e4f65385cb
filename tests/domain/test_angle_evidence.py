"""What two pages, or a whole site, prove: one fact, none, or "could not check", and never a guess."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from app.domain.angle_evidence import (
    LEAST_LOOKED,
    Article,
    DateSource,
    Look,
    Outline,
    SeenDate,
    State,
    compare,
    cover,
    topic_of,
)
from app.domain.angles import LinkedFault

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
URL = "https://rival.example/guides/link-audit"
ABOUT = ("How to audit your links", "link audits")
LONG = "Every quarter somebody on the team opens the list of links and reads it from the top to the bottom. " * 15


def seen(day: str, source: DateSource = DateSource.SCHEMA_MODIFIED) -> SeenDate:
    return SeenDate(date.fromisoformat(day), source)


THEIRS = Outline(
    "A guide to the link audit",
    "en",
    ("A guide to the link audit", "What you need", "Reading the list", "What to do next"),
    LONG,
    (seen("2025-11-01"),),
)
OURS = Outline(
    "How to audit your links",
    "en",
    ("How to audit your links", "Reading the list", "Writing a disavow file"),
    LONG + "A disavow file is written like this.",
    (seen("2026-05-01"),),
)


def page(outline: Outline | None = THEIRS, **changes) -> Look:
    return replace(Look(URL, 200, final_url=URL, outline=outline), **changes)


def against(theirs: Look, ours: Outline | None = OURS, **more):
    mine = Look("https://acme.example/audit", 200, final_url="https://acme.example/audit", outline=ours)
    return compare(theirs, mine if ours else None, ABOUT, now=NOW, **more)


@pytest.mark.parametrize(
    ("theirs", "fault"),
    [
        (page(None, status=404), LinkedFault.DEAD),
        (page(None, status=410), LinkedFault.DEAD),
        (page(None, moved=True, final_url="https://rival.example/"), LinkedFault.REDIRECTED),
        (page(None, moved=True, final_url="https://other.example/index.html"), LinkedFault.REDIRECTED),
        (page(Outline("Oops", "en", ("Page not found",), "Page not found. Go home.")), LinkedFault.SAYS_GONE),
        (page(Outline("404 - Rival", "de", (), "Leider nichts.")), LinkedFault.SAYS_GONE),
        (
            page(
                Outline("Our summer offers", "en", ("Shoes",), LONG), moved=True, final_url="https://rival.example/sale"
            ),
            LinkedFault.OFF_TOPIC,
        ),
        (page(replace(THEIRS, dates=(seen("2023-01-05"),))), LinkedFault.OLDER),
        (page(), LinkedFault.LACKS),
    ],
)
def test_a_fact(theirs, fault):
    found = against(theirs)
    assert (found.state, found.fact.fault) == (State.FACT, fault)
    assert found.fact.page == URL


@pytest.mark.parametrize(
    "theirs",
    [
        page(None, status=403),
        page(None, status=503),
        page(None, status=None, problem="timeout"),
        page(None, status=None, problem="robots"),
        page(None),
        page(replace(THEIRS, whole=False)),
        page(replace(THEIRS, whole=False, dates=(seen("2013-01-05"),))),
    ],
)
def test_what_could_not_be_read_proves_nothing(theirs):
    found = against(theirs)
    assert (found.state, found.fact) == (State.UNKNOWN, None)
    assert found.sentence


def test_a_name_is_gone_only_when_two_looks_a_day_apart_say_so():
    lost = page(None, status=None, problem="dns")
    first = against(lost)
    assert (first.state, first.dns_gone) == (State.UNKNOWN, True)
    assert against(lost, dns_unknown_since=NOW - timedelta(hours=23)).state is State.UNKNOWN
    second = against(lost, dns_unknown_since=NOW - timedelta(hours=25))
    assert (second.state, second.fact.fault, second.fact.on) == (State.FACT, LinkedFault.NO_HOST, date(2026, 5, 31))


def test_a_redirect_to_the_same_subject_is_no_fault():
    moved = page(replace(THEIRS, dates=()), moved=True, final_url="https://rival.example/new/link-audit-2026")
    assert against(moved, replace(OURS, headings=())).state is State.NO_FACT


def test_an_error_heading_on_a_long_page_is_a_subject():
    about_errors = Outline("How to mend a 404 in a link audit", "en", ("404 and other errors",), LONG)
    assert against(page(about_errors), replace(OURS, headings=())).state is State.NO_FACT


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ((), (seen("2026-05-01"),)),
        ((seen("2023-01-05"),), ()),
        # One newer date anywhere, and it is not old.
        ((seen("2023-01-05"), seen("2025-12-01", DateSource.HEADER)), (seen("2026-05-01"),)),
        ((seen("2023-01-05"), seen("2025-12-01", DateSource.TIME)), (seen("2026-05-01"),)),
        # A deployment dates everything anew, and some servers date nothing: alone it proves no age.
        ((seen("2019-01-05", DateSource.HEADER),), (seen("2026-05-01"),)),
        ((seen("2019-01-05", DateSource.SITEMAP),), (seen("2026-05-01"),)),
        # Ours is not newer, or only a list beside it is.
        ((seen("2023-01-05"),), (seen("2023-06-01"),)),
        ((seen("2023-01-05"),), (seen("2026-05-01", DateSource.TIME),)),
        # Not two years old; in the future.
        ((seen("2024-06-15"),), (seen("2026-05-01"),)),
        ((seen("2031-01-05"),), (seen("2026-05-01"),)),
    ],
)
def test_what_is_not_old(theirs, ours):
    found = against(page(replace(THEIRS, dates=theirs)), replace(OURS, headings=(), dates=ours))
    assert found.state is State.NO_FACT


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (DateSource.SCHEMA_MODIFIED, "updated"),
        (DateSource.META_PUBLISHED, "dated"),
        (DateSource.TIME, "newest"),
    ],
)
def test_an_old_page_says_what_its_date_is(source, says):
    fact = against(page(replace(THEIRS, dates=(seen("2023-01-05", source),)))).fact
    assert (fact.on, fact.source, fact.says, fact.needs_our_page) == (date(2023, 1, 5), source.value, says, True)


def test_a_section_is_lacking_only_when_none_of_its_words_stands_there():
    assert against(page()).fact.heading == "Writing a disavow file"
    spoken = replace(THEIRS, text=THEIRS.text + " Some also upload a file to disavow links.")
    assert against(page(spoken)).state is State.NO_FACT


@pytest.mark.parametrize(
    ("theirs", "ours", "state"),
    [
        ({"lang": ""}, {}, State.UNKNOWN),
        ({"lang": "de"}, {}, State.UNKNOWN),
        ({"lang": "en-GB"}, {"lang": "en-US"}, State.FACT),
        ({"headings": ("A guide to the link audit",)}, {}, State.NO_FACT),
        ({"text": "Short."}, {}, State.NO_FACT),
        ({}, {"whole": False}, State.UNKNOWN),
        ({"title": "Garden chairs", "headings": ("Oak", "Teak", "Pine")}, {}, State.NO_FACT),
    ],
)
def test_when_sections_are_compared(theirs, ours, state):
    assert against(page(replace(THEIRS, **theirs)), replace(OURS, **ours)).state is state


def test_without_our_page_there_is_no_comparison():
    assert against(page(), None).state is State.UNKNOWN
    assert against(page(None, status=404), None).state is State.FACT


TOPIC = topic_of("How to audit your links", "disavow files", ["Link audits for beginners"])


def articles(count: int = 5, others: int = 30, newest: str = "2026-05-20") -> list[Article]:
    last = date.fromisoformat(newest)
    on = [
        Article(f"https://them.example/a{n}", f"Audit number {n}", last - timedelta(days=20 * n), DateSource.FEED)
        for n in range(count)
    ]
    return [*on, *(Article(f"https://them.example/garden/{n}", f"Garden note {n}") for n in range(others))]


def covered(found: list[Article], topic=TOPIC, same: bool | None = True):
    return cover(found, topic, one_language=same, today=NOW.date())


def test_a_topic_is_what_is_shared_and_what_we_add():
    assert TOPIC.shared == {"link", "audit"}
    assert TOPIC.ours == {"disavow", "file"}
    assert topic_of("How to audit your links", "disavow files", ["Garden chairs"]) is None
    assert topic_of("Link audits", None, ["Link audits for beginners"]) is None


def test_a_site_that_covers_the_topic_and_lacks_ours():
    found = covered(articles())
    assert found.state is State.FACT
    fact = found.fact
    assert (fact.word, fact.count, fact.looked, fact.missing) == ("audit", 5, 35, "disavow files")
    assert [one.title for one in fact.articles][:2] == ["Audit number 0", "Audit number 1"]
    assert fact.since == date(2025, 6, 1)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (articles(2), State.NO_FACT),
        (articles(newest="2024-05-20"), State.NO_FACT),
        ([*articles(), Article("https://them.example/disavow-file-how-to")], State.NO_FACT),
        ([*articles(), Article("https://them.example/x", "Why I never disavow")], State.NO_FACT),
        (articles(others=LEAST_LOOKED - 6), State.UNKNOWN),
        # Dates of changes are no dates of publication.
        ([replace(one, source=DateSource.SITEMAP if one.on else None) for one in articles()], State.NO_FACT),
        # One page, told of five times, is one page.
        ([replace(articles()[0], url="http://www.them.example/a0/") for _ in range(5)] + articles(0), State.NO_FACT),
    ],
)
def test_what_is_no_proof_of_a_gap(found, state):
    result = covered(found)
    assert (result.state, result.fact) == (state, None)
    assert result.sentence


def test_another_language_lacks_nothing():
    assert covered(articles(), same=None).state is State.UNKNOWN
    assert covered(articles(), same=False).state is State.UNKNOWN
    assert covered(articles(), None).state is State.NO_FACT
