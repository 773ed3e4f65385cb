"""The outline of a page: which headings are seen, which words stand anywhere in its source, and which dates it shows."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from app.domain.angle_evidence import Compared, Look, Outline, State, compare
from app.domain.angles import LinkedFault
from app.fetch.outline import parse_outline
from app.fetch.parsing import ParserPool
from app.topics import subject_words

NOW = datetime(2026, 12, 1, tzinfo=UTC)
URL = "https://rival.test/guide"
LONG = "Sales teams need a plan for onboarding new people. " * 60
OURS = (
    '<html lang="en"><title>Sales onboarding guide</title><meta property="article:modified_time" content="2026-10-10">'
    f"<h1>Sales onboarding</h1><h2>GDPR compliance for recruits</h2><p>{LONG}</p>"
)
THEIRS = (
    '<html lang="en"><head><title>Sales onboarding for new teams</title>{head}</head><body>'
    f"<h1>Sales onboarding</h1><h2>Plan</h2><h2>People</h2><p>{LONG}</p>{{body}}</body></html>"
)
PUBLISHED = '<meta property="article:published_time" content="2021-05-03">'
TIMED = "<time datetime=2021-05-03>May 3, 2021</time>"
SECTION = "<p>GDPR compliance for recruits</p>"


def beside(body: str, head: str = "") -> Compared:
    html = THEIRS.replace("{head}", head).replace("{body}", body)
    mine = Look("https://acme.test/g", 200, final_url="https://acme.test/g", outline=parse_outline(OURS, URL))
    about = ("Sales onboarding guide", "sales onboarding, GDPR compliance")
    theirs = Look(URL, 200, final_url=URL, outline=parse_outline(html, URL))
    return compare(theirs, mine, *about, subject_words, now=NOW)


@pytest.mark.parametrize(
    ("body", "head"),
    [
        ("", PUBLISHED),
        (TIMED, ""),
        ("<footer>© 2019–2026 Rival</footer>", PUBLISHED),
        ("<p>Published 05/03/2021. Over 1900 people read it in May 2021.</p>", PUBLISHED),
        ("<p>By 2030 nobody will call. <time datetime=PT5M>5 min</time> <time>10:30</time></p>", PUBLISHED),
        ("<p><time datetime=2019>2019</time> <time datetime=2021-04>April</time></p>", PUBLISHED),
        ("", '<script type="application/ld+json">{"@type":"Article","dateModified":"2021-05-03"}</script>'),
    ],
)
def test_an_old_page_with_nothing_newer_is_old(body: str, head: str) -> None:
    found = beside(SECTION + body, head)
    assert found.fact is not None, found.sentence
    assert (found.fact.fault, found.fact.on) == (LinkedFault.OLDER, date(2021, 5, 3))


def ld(text: str, kind: str = "application/ld+json") -> str:
    return f"{PUBLISHED}<script type='{kind}'>{text}</script>"


@pytest.mark.parametrize(
    ("body", "head"),
    [
        ("<p>Last updated: October 12, 2026</p>", PUBLISHED),
        (f"<p>{TIMED} Updated October 12, 2026</p>", ""),
        ("<p>Updated 12 May 2021</p>", PUBLISHED),
        ("<p>Stand: 12.10.2021</p>", PUBLISHED),
        ("<p>Stand: 12.10.26</p>", PUBLISHED),
        ("<p>Mis à jour le 4 août 2021</p>", PUBLISHED),
        ("<p>2021-10-12</p>", PUBLISHED),
        ("<h2>Sales onboarding in 2026</h2>", PUBLISHED),
        ("<footer>© Jane. Updated October 2026</footer>", PUBLISHED),
        (f"{TIMED}<footer>© 2026 Rival</footer>", ""),
        (f"{TIMED} (updated <time>12 Oct 2026</time>)", ""),
        (f"{TIMED} (updated <time datetime=2026-10>October</time>)", ""),
        (f"{TIMED} (updated <time>2 days ago</time>)", ""),
        ("<time itemprop=dateModified datetime='October 2026'>x</time>", PUBLISHED),
        ("<span itemprop='datePublished dateModified'>last week</span>", PUBLISHED),
        ("", ld('{"@type":"Article","dateModified":"2026-10-01"}', "application/ld+json; charset=utf-8")),
        ("", ld('{"@type":"Article","name":"a\nb","dateModified":"2026-10-01"}')),
        ("", ld('{"@type":"Article","dateModified":"2026-10-01"')),
        ("", ld('{"@type":"Article","dateModified":"2026/10/01"}')),
        ("", ld('{"@type":"Article","dateModified":"October 1, 2026"}')),
        ("", ld('{"@type":"Article","dateModified":"20261001T000000Z"}')),
        ("", ld('{"@type":"https://schema.org/Article","dateModified":"2026-10-01"}')),
        ("", ld('[{"@type":["OpinionNewsArticle"],"dateModified":"2026-10-01"}]')),
        ("", ld('{"@type":"Dataset","dateModified":"2026-10-01"}')),
    ],
)
def test_a_page_that_may_be_newer_is_not_old(body: str, head: str) -> None:
    found = beside(SECTION + body, head)
    assert found.fact is None
    assert found.sentence


def test_a_date_that_cannot_be_read_is_unknown() -> None:
    found = beside(SECTION, ld('{"@type":"Article","dateModified":"October 1, 2026"}'))
    assert (found.state, "could not be read" in found.sentence) == (State.UNKNOWN, True)


@pytest.mark.parametrize(
    "body",
    [
        "<div class=acc><h3>Legal</h3><div hidden>GDPR compliance for recruits</div></div>",
        "<div style='display:none'>GDPR compliance</div>",
        "<template><p>GDPR compliance</p></template>",
        "<noscript>GDPR compliance</noscript>",
        "<img src=x alt='GDPR compliance'>",
        "<a href=/x title='GDPR compliance'>x</a>",
        "<iframe srcdoc='<p>GDPR compliance</p>'></iframe>",
        "<select><option>GDPR compliance</select>",
        "<p>The General Data Protection Regulation</p>",
        "<p>G.D.P.R.</p>",
        "<p>com-pliance</p>",
        r"""<script type="application/json">{"a":"\nGDPR and \u0063ompliance"}</script>""",
    ],
)
def test_what_stands_anywhere_in_the_source_is_not_absent(body: str) -> None:
    found = beside(body)
    assert found.fact is None


def test_what_stands_nowhere_is_absent() -> None:
    scripts = "<script>var container = document.body; track('page')</script><style>.gdpr{}</style>"
    fact = beside(scripts).fact
    assert fact is not None
    assert (fact.fault, fact.word) == (LinkedFault.LACKS, "gdpr")


def test_a_text_that_is_cut_proves_nothing() -> None:
    found = beside("<p>" + "filler text about selling things to people " * 5000 + "</p>" + SECTION)
    assert (found.state, found.fact) == (State.UNKNOWN, None)


def test_more_words_of_scripts_than_are_kept_prove_no_absence() -> None:
    letters = [chr(97 + n) for n in range(26)]
    words = " ".join(f"zz{a}{b}{c}{d}q" for a in letters for b in letters for c in letters for d in letters[:8])
    page = parse_outline(f"<script>{words}</script><p>{LONG}</p>", URL)
    assert page.data is None
    assert page.whole


@pytest.mark.parametrize(
    "hiding", ["<div hidden>{}</div>", "<div style='display:none'><p>{}</p></div>", "<template>{}</template>"]
)
def test_only_headings_that_are_seen_count(hiding: str) -> None:
    html = f"<html lang=en><title>Plan</title>{hiding.format('<h1>Page not found</h1>')}<h1>A plan</h1><p>For you.</p>"
    assert parse_outline(html, URL).headings == ("A plan",)


def test_the_child_gives_the_same_outline() -> None:
    html = THEIRS.replace("{head}", PUBLISHED).replace("{body}", "<time>soon</time><script>var gdpr</script>")
    pool = ParserPool()
    try:
        found = pool.outline(html, URL)
    finally:
        pool.close()
    assert found == parse_outline(html, URL)
    assert isinstance(found, Outline)
    assert found.undated
    assert "gdpr" in (found.data or "")
