"""Small golden rows for the newer judgements: each says what is given, the verdict, and the rule of the documentation that it is by.

Written from docs/explanation (gap.md, links.md, pitches.md) and not from the code; where the two differ, one of them is wrong.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.domain import link_watch
from app.domain.angle_coverage import Article, cover, topic_of
from app.domain.angle_evidence import DateSource, Look, Outline, SeenDate, State, compare
from app.domain.angles import LinkedFault
from app.domain.link_target import Target
from app.domain.link_watch import Trouble
from app.domain.mention_verdict import MentionVerdict
from app.domain.ranking import rank_key
from app.domain.verification import Verification
from app.domain.winnability import Evidence, judge
from app.fetch.memory import MemoryFetcher, page, redirect
from app.fetch.ports import Fetched, NotFetched, Reason
from app.fetch.visit import visit
from app.gaps import verify
from app.gaps.analyze import analyze
from app.gaps.words import seller, winnability_rules
from app.topics import subject_words
from tests.support import exports

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


# --- the spam gate: whoever sells links links to everybody ------------------------------------------------------------

GATES: list[tuple[dict[str, Any], str | None, str]] = [
    ({"sponsored": True}, "paid", "the tool's flag"),
    ({"sponsored": False}, None, "the flag says no"),
    ({}, None, "an unknown flag is neither yes nor no"),
    ({"page": "https://site.test/sponsored/best-tools"}, "paid", "a folder of paid content"),
    ({"page": "https://site.test/partner-content/a"}, "paid", "a folder of paid content by another name"),
    ({"page": "https://site.test/blog/how-to-label-sponsored-links"}, None, "a folder has to match whole"),
    ({"page": "https://site.test/write-for-us"}, "paid", "a page that sells posts"),
    ({"title": "Guest post price list"}, "paid", "words of a page that sells posts"),
    ({"title": "Sponsored: ten tools for spring"}, "paid", "a label heads the title"),
    ({"title": "Zehn Werkzeuge für den Frühling [Anzeige]"}, "paid", "a label ends the title"),
    ({"title": "How to label a sponsored post"}, None, "a title that speaks of such posts"),
    ({"left": "Sponsored post"}, "paid", "a label is all that stands beside the link"),
    ({"right": "(Anzeige)"}, "paid", "a label in brackets"),
    ({"left": "This is a sponsored post by"}, None, "words beside the link only weigh"),
    ({"left": "Advertisement"}, None, "an ad that stood before the link is another one"),
    ({"left": "Jane was promoted to head of marketing at"}, None, "somebody was promoted"),
    ({"left": "The conference was sponsored by the city and"}, None, "a conference was sponsored"),
    ({"domain": "seo-kueche.test"}, None, "one name proves nothing"),
    ({"domain": "rankvance-3.test"}, None, "not even such a one; a family of them is removed"),
    ({"domain": "backlink-agency.test", "sponsored": True}, "paid", "a seller whose link is marked"),
    ({"domain": "anomaly-review.test"}, None, "a word of it alone is no family"),
    ({"title": "Ten tools for spring [Ad]"}, "paid", "a mark in brackets"),
    ({"title": "Der große Vergleich (Werbung)"}, "paid", "a mark in brackets in another language"),
    ({"right": "[publicité] and more words of the page"}, "paid", "a mark in brackets beside the link"),
    ({"title": "How to write an ad (for beginners)"}, None, "a word that is in no brackets"),
    ({"page": "https://site.test/guest-post/ten-tools"}, "paid", "a folder of guests' posts"),
    ({"page": "https://site.test/how-to-pitch-a-guest-post"}, None, "a page on such posts"),
    ({"page": "https://site.test/sponsors"}, "paid", "who gave money"),
    ({"page": "https://site.test/sponsors/how-to-find"}, None, "how to find who gives money"),
    ({"page": "https://site.test/anzeige/zehn-tipps"}, "paid", "a folder of ads"),
    ({"page": "https://site.test/anzeige/was-kostet-eine-anzeige"}, None, "what an ad costs"),
    ({"page": "https://site.test/sponsored/how-to-choose"}, "paid", "what is paid for explains, too"),
    ({"title": "Presented by Rival: how teams work"}, None, "words of a title only weigh"),
    ({"ugc": True, "page_type": "User content > Forum"}, None, "worth little, but nobody sells it"),
    ({"sitewide": True}, None, "a badge is no sale"),
]


@pytest.mark.parametrize(("given", "gate", "rule"), GATES, ids=[row[2] for row in GATES])
def test_the_gate(given: dict[str, Any], gate: str | None, rule: str) -> None:
    evidence = Evidence(**{"domain": "site.test", "page": "https://site.test/x", **given})
    assert judge(evidence, winnability_rules(), seller()).gate == gate


def test_a_gate_stands_behind_every_tier() -> None:
    def key(tier: int, gate: str | None) -> str:
        return rank_key(
            tier=tier, mention=None, overlap=3, competitors=3, dofollow=True, percentile=90.0, first_seen=None,
            winnability=80, gate=gate,
        )  # fmt: skip

    assert key(1, None) < key(2, None) < key(3, None) < key(1, "paid")


# --- winnability: the parts with their weights ------------------------------------------------------------------------

PARTS: list[tuple[dict[str, Any], dict[str, int], int]] = [
    ({}, {}, 50),
    ({"page_type": "Article > How-to"}, {"editorial": 20}, 70),
    ({"page_type": "Article > Roundup"}, {"editorial": 20}, 70),
    ({"page_type": "Article > Review", "in_content": True}, {"editorial": 20, "in-content": 15}, 85),
    ({"in_content": False}, {"not-in-content": -10}, 40),
    ({"page_type": "Article > News"}, {"news-event": -25}, 25),
    ({"title": "Rival raises 12 million"}, {"news-event": -25}, 25),
    ({"page": "https://site.test/integrations/rival"}, {"partner": -35}, 15),
    ({"page": "https://site.test/partners"}, {"partner": -35}, 15),
    ({"page": "https://site.test/customers/rival"}, {"partner": -35}, 15),
    ({"right": "is our partner for payroll"}, {"partner": -35}, 15),
    ({"sponsored": True}, {"paid": -45}, 5),
    ({"left": "The conference was sponsored by the city and"}, {"paid": -20}, 30),
    ({"left": "Jane was promoted to head of marketing at"}, {}, 50),
    ({"anchor": "leave a comment", "languages": ("en",)}, {}, 50),
    ({"anchor": "leave a comment"}, {}, 50),
    ({"anchor": "comment choisir un outil", "languages": ("fr",)}, {"editorial": 20}, 70),
    ({"anchor": "come by for lunch", "languages": ("en",)}, {}, 50),
    ({"anchor": "come scegliere", "languages": ("it",)}, {"editorial": 20}, 70),
    ({"anchor": "how to choose", "languages": ("nl",)}, {"editorial": 20}, 70),
    ({"anchor": "how to choose, cómo elegir", "languages": ("es", "en")}, {"editorial": 20}, 70),
    ({"page": "https://site.test/alumni/jane"}, {"founder": -35}, 15),
    ({"left": "Jane Doe, co-founder of"}, {"founder": -35}, 15),
    ({"ugc": True}, {"user-generated": -40}, 10),
    ({"page": "https://site.test/forum/thread-1"}, {"user-generated": -40}, 10),
    ({"sitewide": True}, {"badge": -35}, 15),
    ({"left": "Powered by"}, {"badge": -35}, 15),
    ({"domain": "rankvance-1.test"}, {"seller-name": -15}, 35),
    ({"link_type": "image", "anchor": ""}, {"logo": -15}, 35),
    ({"link_type": "image", "anchor": "Rival's guide"}, {}, 50),
    ({"ugc": True, "page_type": "User content > Forum"}, {"user-generated": -40}, 10),  # once, however often it is seen
    ({"sponsored": True, "sitewide": True, "link_type": "image"}, {"paid": -45, "badge": -35, "logo": -15}, 0),
    *(
        ({"title": title}, {}, 50)
        for title in (
            "10 customer acquisition strategies",
            "15 apps built with Flutter",
            "Growing herbs in raised beds",
            "Wie wir am besten arbeiten",
            "A short history of the customer acquisition of banks",
        )
    ),
    *(
        ({"title": title}, {"editorial": 20}, 70)
        for title in (
            "How to prepare for an IPO",
            "Best talent acquisition software",
            "Die 10 besten Apps",
            "Las mejores apps",
            "As melhores apps",
            "Le migliori app",
            "Les meilleures applis",
        )
    ),
    *(
        ({"title": title}, {"news-event": -25}, 25)
        for title in (
            "Rival announces acquisition of Widgets",
            "The acquisition of Widgets by Rival",
            "Rival files for IPO",
        )
    ),
    *(
        ({"page": f"https://site.test{path}"}, parts, score)
        for path, parts, score in (
            ("/topics/project-management", {}, 50),
            ("/community/gardens", {}, 50),
            ("/topics/2026-trends", {}, 50),
            ("/topic/1234-what-do-you-use", {"user-generated": -40}, 10),
            ("/community/t5/x/m-p/77", {"user-generated": -40}, 10),
            ("/technology-partners/rival", {"partner": -35}, 15),
            ("/customer-stories/rival", {"partner": -35}, 15),
            ("/blog/rival-case-study", {"partner": -35}, 15),
            ("/blog/erfolgsgeschichte-rival", {"partner": -35}, 15),
            ("/blog/caso-de-exito-rival", {"partner": -35}, 15),
            ("/blog/how-to-write-a-case-study", {"editorial": 20}, 70),
            ("/blog/partners-in-crime", {}, 50),
        )
    ),
    *(({"link_type": kind}, {"no-link-in-text": -40}, 10) for kind in ("redirect", "canonical", "RSS", "frame")),
    ({"link_type": "text"}, {}, 50),
    ({"anchor": "Built with Rival"}, {"badge": -35}, 15),
    ({"left": "the imprint and the terms of this house, and it is powered by"}, {"badge": -35}, 15),
    ({"left": "some of the apps that were built with care and later moved to another tool like"}, {}, 50),
    (
        {"left": "all of what you see here was built with love and with tools such as", "in_content": False},
        {"badge": -35, "not-in-content": -10},
        5,
    ),
    *(
        ({"domain": domain, "page": page}, {"user-generated": -40}, 10)
        for domain, page in (
            ("facebook.com", ""),
            ("linkedin.com/in/jane", "https://de.linkedin.com/in/jane"),
            ("dev.to/jane", "https://dev.to/jane/x"),
            ("wikipedia.org", "https://en.wikipedia.org/wiki/X"),
            ("t.co", "t.co/abc"),
            ("google.com", "https://docs.google.com/d/1"),
            ("crunchbase.com", "https://www.crunchbase.com/organization/rival"),
            ("youtube.com", "https://www.youtube.com/watch?v=1"),
        )
    ),
    ({"domain": "google.com", "page": "https://blog.google.com/x"}, {}, 50),
    ({"domain": "jane.substack.com", "page": "https://jane.substack.com/p/x"}, {}, 50),
    (
        {"domain": "quora.com", "page": "https://www.quora.com/What-is-the-best-tool"},
        {"user-generated": -40, "editorial": 20},
        30,
    ),
]


@pytest.mark.parametrize(
    ("page", "kind", "house"),
    [
        ("https://old-rival.test", "redirect", True),
        ("http://www.old-rival.test/?ref=1", "Redirect", True),
        ("https://site.test/go/rival", "redirect", False),
        ("https://site.test/", "canonical", False),
        ("", "redirect", False),
    ],
)
def test_a_front_page_that_is_sent_on_is_said_to_look_like_the_competitors(page: str, kind: str, house: bool) -> None:
    [part] = [
        one for one in judge(Evidence(domain="site.test", page=page, link_type=kind), ()).parts if one.points == -40
    ]
    assert part.rule == "no-link-in-text"
    assert ("may be another domain of the competitor's house" in part.seen) is house


@pytest.mark.parametrize(("given", "parts", "score"), PARTS)
def test_the_parts_of_winnability(given: dict[str, Any], parts: dict[str, int], score: int) -> None:
    evidence = Evidence(**{"domain": "site.test", "page": "https://site.test/x", **given})
    found = judge(evidence, winnability_rules(), seller())
    assert ({part.rule: part.points for part in found.parts}, found.score) == (parts, score)
    assert all(part.seen and part.why for part in found.parts)
    assert found.bucket == ("likely" if score >= 60 else "possible" if score >= 35 else "unlikely")


# --- removals ---------------------------------------------------------------------------------------------------------

_WIRES = (
    "prnewswire.com prnewswire.co.uk businesswire.com globenewswire.com einpresswire.com accesswire.com openpr.com prweb.com "
    "newswire.com presswire.com send2press.com newsfilecorp.com pr-inside.com newsvoir.com"
)
REMOVALS: list[tuple[str, dict[str, str], str]] = [
    *((f"https://www.{wire}/rival-launches", {}, "press-release") for wire in _WIRES.split()),
    ("https://daily.test/press-releases/rival", {}, "press-release"),
    ("https://howto.test/how-to-write-a-press-release", {}, ""),
    ("https://lists.test/a", {"Page type": "Listing collection > Business/Service"}, "directory"),
    ("https://guide.test/a", {"Page type": "Article > Listicle"}, ""),
    ("https://marked.test/a", {"Is spam": "true"}, "spam"),
    ("https://unmarked.test/a", {"Is spam": "false"}, ""),
    ("https://fremd.test/a", {"Language": "de"}, "foreign-language"),
    ("https://both.test/a", {"Language": "es, en"}, ""),
    ("https://nolang.test/a", {"Language": ""}, ""),
    ("https://gone.test/a", {"Lost": "2026-05-01 00:00:00"}, "lost"),
    ("https://gone2.test/a", {"Lost status": "removedfromhtml"}, "lost"),
    ("https://gone3.test/a", {"Drop reason": "nxdomain"}, "lost"),
    ("https://roll.test/blogroll/", {}, "blogroll"),
    ("https://casino-land.test/a", {}, ""),
    ("https://casino-24.test/a", {}, "vertical-gambling"),
    ("https://town.test/casino-hotel", {}, ""),
    ("https://cheap-viagra.test/a", {}, "vertical-pharma"),
    *(
        (f"https://{name}/a", {}, "vertical-gambling")
        for name in (
            "bestcasinosites.test",
            "casinoguru.test",
            "onlinecasinos24.test",
            "vegasslots.test",
            "mejorescasinos.test",
            "scommesse365.test",
        )
    ),
    *(
        (f"https://{name}/a", {}, "vertical-pharma")
        for name in ("buyviagra.test", "cialis4.test", "cheaptramadolonline.test")
    ),
    *((f"https://{name}/a", {}, "vertical-payday") for name in ("paydayloansuk.test", "fastpayday24.test")),
    *(
        (f"https://{name}/a", {}, "directory")
        for name in (
            "seodirectory.test",
            "freebusinessdirectory.test",
            "hotfrog.test",
            "yelp.test",
            "manta.com",
            "firmenverzeichnis24.test",
        )
    ),
    ("https://sex.test/a", {}, ""),
    ("https://bestescorts.test/a", {}, "vertical-adult"),
    *(
        (f"https://{name}/a", {}, "")
        for name in (
            "specialist.test",
            "seedirectory.test",
            "casinohotel.test",
            "weddingescort.test",
            "slothsanctuary.test",
            "paydayreport.test",
            "timeslots.test",
            "socialistreview.test",
        )
    ),
    *(
        (f"https://town{n}.test{path}", {}, rule)
        for n, (path, rule) in enumerate(
            (
                ("/directory/rival", "directory"),
                ("/branchenbuch/rival", "directory"),
                ("/firmenverzeichnis/", "directory"),
                ("/a-directory-of-birds", ""),
                ("/pressemeldungen/rival", "press-release"),
                ("/persberichten/rival", "press-release"),
                ("/games/slots-review", ""),
            )
        )
    ),
    *(
        (f"https://www.{wire}/rival", {}, "press-release")
        for wire in ("pressebox.de", "ots.at", "24-7pressrelease.com", "issuewire.com")
    ),
    *((f"https://buy-links-{n}.test/a", {}, "link-network") for n in range(5)),
    ("https://rival.example/blog", {}, "competitor"),
    ("https://us.example/blog", {}, "own-domain"),
]


def test_the_removals(tmp_path: Any) -> None:
    rows = [exports.link(url, "https://rival.example/", **cells) for url, cells, _ in REMOVALS]
    ours = [exports.search_console_sites(tmp_path / "ours.csv", [("friend.test", 1, 1)])]
    rivals = [("rival.example", exports.ahrefs_backlinks(tmp_path / "rival.csv", rows))]
    with analyze(ours, rivals, own_domains=["us.example"], languages=["en"]) as analysis:  # type: ignore[arg-type]
        got = {row["domain"]: row["removed_by"] or "" for row in analysis.rows()}
    wrong = []
    for url, _cells, rule in REMOVALS:
        domain = url.split("/")[2].removeprefix("www.")
        if got.get(domain) != rule:
            wrong.append((domain, got.get(domain), rule))
    assert wrong == []


# --- why a link is lost, and what is no loss ----------------------------------------------------------------------------

HERE = "https://editor.test/a"
TARGET = Target(("acme.test",), ("https://acme.test/guide",))
LINKED = '<p>A <a href="https://acme.test/guide">guide</a> that we like, and more words of the page.</p>'
PLAIN = "<p>There is nothing here but the words of the page that people read.</p>"


def refused(reason: Reason) -> NotFetched:
    return NotFetched(HERE, reason, "no", NOW)


LOSSES: list[tuple[dict[str, str | Fetched | NotFetched], Trouble | None, bool, str]] = [
    ({HERE: LINKED}, None, False, "it is there"),
    ({HERE: PLAIN}, Trouble.REMOVED, True, "read in full, and not there"),
    ({HERE: page(HERE, PLAIN, status=404)}, Trouble.PAGE_GONE, True, "404 is a good fetch: the page is gone"),
    ({HERE: page(HERE, PLAIN, status=410)}, Trouble.PAGE_GONE, True, "so is 410"),
    ({HERE: redirect(HERE, "https://editor.test/b"), "https://editor.test/b": PLAIN}, Trouble.REDIRECTED, True, "it leads elsewhere"),
    ({HERE: redirect(HERE, "https://editor.test/b"), "https://editor.test/b": LINKED}, None, False, "it leads to where the link is"),
    *(
        ({HERE: page(HERE, PLAIN, status=status)}, Trouble.BLOCKED, False, f"{status} is about us, not about the page")
        for status in (401, 403, 429)
    ),
    ({HERE: page(HERE, PLAIN, status=500)}, Trouble.UNREADABLE, False, "a fault of the server says nothing"),
    ({HERE: page(HERE, PLAIN, status=503)}, Trouble.UNREADABLE, False, "nor does a busy one"),
    ({HERE: refused(Reason.TIMEOUT)}, Trouble.UNREADABLE, False, "no answer is no loss"),
    ({HERE: refused(Reason.DNS)}, Trouble.UNREADABLE, False, "a name that is not found may be our own network"),
    ({HERE: refused(Reason.ROBOTS)}, Trouble.BLOCKED, False, "robots.txt keeps us out"),
    ({HERE: '<div id="root"></div><script src="/app.js"></script>'}, Trouble.NOT_RENDERED, False, "scripts would fill the page"),
    ({HERE: "<h1>Down for maintenance</h1>"}, Trouble.UNREADABLE, False, "a notice of maintenance, whatever its status"),
    ({HERE: '<p>One moment.</p><div class="h-captcha"></div>'}, Trouble.UNREADABLE, False, "a check for humans"),
    ({HERE: "<p>We use cookies.</p><button>Accept all</button>"}, Trouble.UNREADABLE, False, "a question about cookies"),
    ({HERE: "<p>" + "Our offer of garden maintenance. " * 20 + "</p>"}, Trouble.REMOVED, True, "a page about maintenance"),
    ({HERE: page(HERE, PLAIN, truncated=True)}, Trouble.UNREADABLE, False, "cut, and no link in what was read"),
]  # fmt: skip


@pytest.mark.parametrize(("pages", "trouble", "lost", "rule"), LOSSES, ids=[row[3] for row in LOSSES])
def test_the_reason_of_a_loss(pages: dict[str, Any], trouble: Trouble | None, lost: bool, rule: str) -> None:
    finding = visit(MemoryFetcher(pages), HERE, TARGET).finding
    if trouble is None:
        assert finding.verdict is MentionVerdict.LINKED
        return
    if finding.verdict is MentionVerdict.COULD_NOT_CHECK and finding.reason != "page-gone":
        seen = link_watch.doubt_of(finding.reason)
    else:
        moved = bool(finding.final_url) and finding.final_url.rstrip("/") != HERE
        seen = link_watch.loss_of(finding.reason, moved=moved)
    assert (seen, seen in link_watch.LOSSES) == (trouble, lost)


GOOD = {"dofollow": True, "robots": [], "canonical_elsewhere": False, "match": "page", "hidden": False}
WORSE: list[tuple[dict[str, Any], dict[str, Any], list[Trouble]]] = [
    (GOOD, {}, []),
    (GOOD, {"dofollow": False}, [Trouble.NOFOLLOW]),
    (GOOD, {"robots": ["noindex"]}, [Trouble.NOINDEX]),
    (GOOD, {"canonical_elsewhere": True}, [Trouble.CANONICAL]),
    (GOOD, {"match": "domain"}, [Trouble.TARGET]),
    (GOOD, {"hidden": True}, [Trouble.HIDDEN]),
    (GOOD, {"dofollow": False, "robots": ["noindex"]}, [Trouble.NOFOLLOW, Trouble.NOINDEX]),
    ({**GOOD, "dofollow": False}, {"dofollow": False}, []),
    ({**GOOD, "dofollow": False}, {"dofollow": True}, []),
    ({**GOOD, "robots": ["noindex"]}, {"robots": ["noindex"]}, []),
    ({}, {"dofollow": False}, []),
]


@pytest.mark.parametrize(("before", "now", "worse"), WORSE)
def test_what_is_worth_less_than_when_it_was_won(
    before: dict[str, Any], now: dict[str, Any], worse: list[Trouble]
) -> None:
    assert link_watch.changes(before, {**GOOD, **now}) == worse


# --- the page that theirs links to, against ours ------------------------------------------------------------------------

OLD = "https://rival.test/guides/link-audit"
WORDS = "Somebody on the team opens the list and reads it from the top to the bottom each quarter. " * 15


def dated(day: str, source: DateSource = DateSource.SCHEMA_MODIFIED) -> tuple[SeenDate, ...]:
    return (SeenDate(date.fromisoformat(day), source),)


THEIRS = Outline(
    "A link audit", "en", ("A link audit", "What you need", "Reading the list", "The end"), WORDS, dated("2025-11-01")
)
OURS = Outline("How to audit links", "en", ("How to audit links", "Reading the list"), WORDS, dated("2026-05-01"))
AT = Look(OLD, 200, final_url=OLD, outline=THEIRS)
HOME = "https://rival.test/"
REPLACED: list[tuple[Look, Outline | None, State, LinkedFault | None, str]] = [
    (replace(AT, status=404, outline=None), OURS, State.FACT, LinkedFault.DEAD, "it answers 404"),
    (replace(AT, status=410, outline=None), None, State.FACT, LinkedFault.DEAD, "it answers 410; ours is not needed for that"),
    (replace(AT, status=403, outline=None), OURS, State.UNKNOWN, None, "403 may be about us"),
    (replace(AT, status=429, outline=None), OURS, State.UNKNOWN, None, "429 may be about us"),
    (replace(AT, status=500, outline=None), OURS, State.UNKNOWN, None, "a fault of the server may pass"),
    (Look(OLD, problem="timeout"), OURS, State.UNKNOWN, None, "nobody answered"),
    (Look(OLD, problem="dns"), OURS, State.UNKNOWN, None, "a name has to be unknown for a day"),
    (replace(AT, final_url=HOME, moved=True), OURS, State.FACT, LinkedFault.REDIRECTED, "it leads to a homepage"),
    (replace(AT, url=HOME, final_url=HOME, moved=True), OURS, State.NO_FACT, None, "the homepage itself was meant"),
    (replace(AT, outline=replace(THEIRS, title="404 - Page not found", headings=("Page not found",), text="Sorry.")), OURS,
     State.FACT, LinkedFault.SAYS_GONE, "200, and its words say that there is no page"),
    (replace(AT, outline=replace(THEIRS, whole=False)), OURS, State.UNKNOWN, None, "not read in full"),
    (AT, OURS, State.NO_FACT, None, "not old, and it has every section"),
    (replace(AT, outline=replace(THEIRS, dates=dated("2023-05-01"))), OURS, State.FACT, LinkedFault.OLDER, "older than two years, ours newer by more than one"),
    (replace(AT, outline=replace(THEIRS, dates=dated("2024-07-01"))), OURS, State.NO_FACT, None, "not yet two years old"),
    (replace(AT, outline=replace(THEIRS, dates=dated("2023-05-01"))), replace(OURS, dates=dated("2024-01-01")), State.NO_FACT, None, "ours is hardly newer"),
    (replace(AT, outline=replace(THEIRS, dates=dated("2023-05-01"))), replace(OURS, dates=()), State.NO_FACT, None, "ours shows no date"),
    (replace(AT, outline=replace(THEIRS, dates=dated("2023-05-01", DateSource.HEADER))), OURS, State.NO_FACT, None, "a header's date proves no age"),
    (replace(AT, outline=replace(THEIRS, dates=dated("2023-05-01", DateSource.SITEMAP))), OURS, State.NO_FACT, None, "nor does a sitemap's"),
    (replace(AT, outline=replace(THEIRS, dates=(*dated("2023-05-01"), *dated("2026-01-01", DateSource.HEADER)))), OURS, State.NO_FACT, None, "a newer date of any kind shows that it is new enough"),
    (AT, replace(OURS, headings=(*OURS.headings, "Writing a disavow file")), State.FACT, LinkedFault.LACKS, "a section on our topic of which no word stands there"),
    (AT, replace(OURS, headings=(*OURS.headings, "Opening the quarter")), State.NO_FACT, None, "its words stand there"),
    (AT, replace(OURS, headings=(*OURS.headings, "Troubleshooting bad smells")), State.NO_FACT, None, "a section beside our topic: other words may say the same"),
    (AT, replace(OURS, lang="de", headings=(*OURS.headings, "Writing a disavow file")), State.UNKNOWN, None, "two languages are not compared"),
    (replace(AT, outline=replace(THEIRS, lang="")), OURS, State.UNKNOWN, None, "nor is an unknown one"),
]  # fmt: skip


@pytest.mark.parametrize(("theirs", "ours", "state", "fault", "rule"), REPLACED, ids=[row[4] for row in REPLACED])
def test_a_page_that_ours_could_replace(
    theirs: Look, ours: Outline | None, state: State, fault: LinkedFault | None, rule: str
) -> None:
    mine = Look("https://acme.test/audit", 200, final_url="https://acme.test/audit", outline=ours) if ours else None
    found = compare(theirs, mine, "How to audit links", "disavow files", subject_words, now=NOW)
    assert (found.state, found.fact.fault if found.fact else None) == (state, fault), found.sentence


def test_a_name_is_gone_after_a_day() -> None:
    for hours, state in ((0, State.UNKNOWN), (23, State.UNKNOWN), (24, State.FACT), (300, State.FACT)):
        found = compare(
            Look(OLD, problem="dns"),
            None,
            "",
            None,
            subject_words,
            now=NOW,
            dns_unknown_since=NOW - timedelta(hours=hours),
        )
        assert found.state is state, hours


# --- what a site covers -------------------------------------------------------------------------------------------------

TOPIC = topic_of("How to audit links", "disavow files", ["Link audits for beginners"], "en", subject_words)


def wrote(
    count: int, newest: str = "2026-05-20", source: DateSource = DateSource.FEED, word: str = "Audit"
) -> list[Article]:
    last = date.fromisoformat(newest)
    return [
        Article(f"https://them.test/a{n}", f"{word} number {n}", last - timedelta(days=20 * n), source)
        for n in range(count)
    ]


OTHERS = [Article(f"https://them.test/garden/{n}", f"Garden note {n}") for n in range(30)]
COVERED: list[tuple[list[Article], Any, bool | None, State, str]] = [
    ([*wrote(3), *OTHERS], TOPIC, True, State.FACT, "three articles in twelve months make it regular"),
    ([*wrote(2), *OTHERS], TOPIC, True, State.NO_FACT, "two do not"),
    ([*wrote(5, "2025-04-01"), *OTHERS], TOPIC, True, State.NO_FACT, "older than twelve months"),
    ([*wrote(5, "2027-05-01"), *OTHERS], TOPIC, True, State.NO_FACT, "dates to come are none"),
    ([*wrote(5, source=DateSource.SITEMAP), *OTHERS], TOPIC, True, State.NO_FACT, "lastmod is no date of publication"),
    ([*wrote(5, source=DateSource.HEADER), *OTHERS], TOPIC, True, State.NO_FACT, "nor is a header's"),
    ([*wrote(5), *OTHERS, Article("https://them.test/x", "On disavow files")], TOPIC, True, State.NO_FACT, "they have it already"),
    ([*wrote(5), *OTHERS, Article("https://them.test/disavow-file")], TOPIC, True, State.NO_FACT, "an address that says it is enough"),
    ([*wrote(5), *OTHERS[:14]], TOPIC, True, State.UNKNOWN, "fewer than twenty pages say nothing about what lacks"),
    ([*wrote(5), *OTHERS[:15]], TOPIC, True, State.FACT, "twenty do"),
    ([*wrote(5), *OTHERS], TOPIC, None, State.UNKNOWN, "an unknown language"),
    ([*wrote(5), *OTHERS], TOPIC, False, State.UNKNOWN, "another language"),
    ([*wrote(5, word="Garden"), *OTHERS], TOPIC, True, State.NO_FACT, "regular, on something else"),
    ([*wrote(5), *OTHERS], None, True, State.NO_FACT, "no shared topic"),
]  # fmt: skip


@pytest.mark.parametrize(("found", "topic", "same", "state", "rule"), COVERED, ids=[row[4] for row in COVERED])
def test_a_gap_in_what_a_site_covers(
    found: list[Article], topic: Any, same: bool | None, state: State, rule: str
) -> None:
    seen = cover(found, topic, subject_words, one_language=same, today=NOW.date())
    assert seen.state is state, seen.sentence
    assert (seen.fact is not None) == (state is State.FACT)


# --- domains of the web graph -------------------------------------------------------------------------------------------

V, N, C = Verification.VERIFIED, Verification.NOT_FOUND, Verification.COULD_NOT_CHECK
RIVAL = '<p>We use <a href="https://rival.test/x">Rival</a> each day for many things.</p>'
FRONT = "https://graph.test/"
NAMED: list[tuple[str | Fetched | NotFetched, Verification, bool | None, str]] = [
    (RIVAL, V, True, "a visible link"),
    (RIVAL.replace("rival.test", "www.rival.test"), V, True, "to www"),
    (RIVAL.replace("rival.test", "help.rival.test"), V, True, "to a host below"),
    (RIVAL.replace("rival.test", "rival.test.evil.test"), N, None, "a name that only begins like theirs"),
    (RIVAL.replace("<a ", '<a rel="nofollow" '), V, False, "not followed, and a link all the same"),
    (RIVAL.replace("<a ", '<a rel="sponsored" '), V, False, "sponsored is not followed"),
    ('<meta name="robots" content="nofollow">' + RIVAL, V, False, "the page makes every link nofollow"),
    (page(FRONT, RIVAL, headers={"x-robots-tag": "nofollow"}), V, False, "so does its header"),
    ('<script src="https://rival.test/w.js"></script><p>Words of the page that people read.</p>', N, None, "a script is no link"),
    ('<img src="https://rival.test/p.png"><p>Words of the page that people read.</p>', N, None, "a picture is no link"),
    ('<link rel="canonical" href="https://rival.test/"><p>Words of the page that people read.</p>', N, None, "a proper address is no link"),
    ('<meta property="og:url" content="https://rival.test/"><p>Words of the page that people read.</p>', N, None, "a card's address is no link"),
    ("<p>We use Rival, see rival.test for more words of theirs.</p>", N, None, "a name without a link"),
    ("<!-- " + RIVAL + " --><p>Words of the page that people read.</p>", N, None, "a link in a comment of the source"),
    (RIVAL.replace("<p>", '<p style="display:none">') + "<p>Words of the page.</p>", N, None, "a link that nobody sees"),
    (RIVAL.replace("<p>", "<p hidden>") + "<p>Words of the page.</p>", N, None, "a link that is marked as hidden"),
    ('<a href="mailto:jane@rival.test">Jane</a><p>Words of the page that people read.</p>', N, None, "an address of mail is no link"),
    (page(FRONT, RIVAL, status=403), C, None, "the server refuses us"),
    (page(FRONT, RIVAL, status=503), C, None, "the server is busy"),
    (page(FRONT, RIVAL, status=404), C, None, "no front page: nothing was read"),
    (NotFetched(FRONT, Reason.ROBOTS, "no", NOW), C, None, "robots.txt keeps us out"),
    (NotFetched(FRONT, Reason.DNS, "no", NOW), C, None, "no such name now"),
    (redirect(FRONT, "https://elsewhere.test/"), C, None, "it leads to another site"),
    ('<div id="root"></div><script src="/app.js"></script>', C, None, "scripts would fill the page"),
]  # fmt: skip


@pytest.mark.parametrize(("front", "verdict", "follow", "rule"), NAMED, ids=[row[3] for row in NAMED])
def test_what_a_look_makes_of_a_claim(
    front: str | Fetched | NotFetched, verdict: Verification, follow: bool | None, rule: str
) -> None:
    pages: dict[str, str | Fetched | NotFetched] = {FRONT: front, "https://elsewhere.test/": RIVAL}
    found = verify.look(MemoryFetcher(pages), "graph.test", ["rival.test"], 6)
    assert (found.verdict, found.link.follow if found.link else None) == (verdict, follow)
