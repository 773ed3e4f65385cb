"""Verdicts over parsed facts: a link is a link, a doubt is never a no."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.link_target import Target, on_site, page_key, unmarked_key
from app.domain.link_verdict import (
    Followed,
    LinkFact,
    PageFacts,
    about_us,
    collapsed,
    judge,
    judge_status,
    redirect_candidates,
    robots_directives,
)
from app.domain.mention_verdict import MentionVerdict

ACME = Target(domains=("acme.test",), pages=("https://acme.test/guides/onboarding",))
PAGE = PageFacts(
    url="https://editor.test/blog/post",
    title="Post",
    lang="en",
    canonical=None,
    robots=(),
    text="We read the onboarding guide by Acme last year. It was good.",
    links=(),
)


def link(url: str, anchor: str = "onboarding guide", **values: object) -> LinkFact:
    return replace(LinkFact(url, anchor, (), 12, 28), **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("https://acme.test/guides/onboarding", "page"),
        ("http://www.acme.test/guides/onboarding/", "page"),
        ("https://acme.test/guides/onboarding?utm_source=x#top", "page"),
        ("https://acme.test/guides/onboarding?id=2", "site"),
        ("https://acme.test/", "site"),
        ("https://blog.acme.test/x", "site"),
        ("https://notacme.test/guides/onboarding", None),
        ("https://acme.test.evil.example/guides/onboarding", None),
        ("https://evil.example/acme.test", None),
        ("mailto:jo@acme.test", None),
        ("not a url", None),
    ],
)
def test_what_is_ours(url: str, match: str | None) -> None:
    assert ACME.match(url) == match


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.test/x?b=1&a=2", "http://www.a.test/x/?a=2&b=1"),
        ("https://a.test", "https://a.test/"),
        ("https://a.test:443/x", "https://a.test/x"),
        ("https://a.test/caf%C3%A9", "https://a.test/café"),
        ("https://a.test/x?gclid=1", "https://a.test/x"),
        ("https://a.test/x?srsltid=1&_ga=2&mtm_source=b&trk=c&hsCtaTracking=d", "https://a.test/x"),
        ("www.a.test/x", "https://a.test/x"),
        ("https://bücher.test/x", "https://xn--bcher-kva.test/x"),
    ],
)
def test_the_same_page_has_one_key(one: str, other: str) -> None:
    assert page_key(one) == page_key(other)
    assert page_key(one) != page_key("https://a.test/y")
    assert unmarked_key(one) == unmarked_key(other)


@pytest.mark.parametrize("mark", ["ref=editor.test", "via=x", "source=a&src=b", "Tag=a", "partner=b&utm_medium=c"])
def test_a_mark_of_the_way_makes_no_other_page_of_ours(mark: str) -> None:
    page = Target(("a.test",), ("https://a.test/x", "https://a.test/list?p=1"))
    assert page.match(f"https://www.a.test/x/?{mark}") == "page"
    assert page.match(f"https://a.test/list?{mark}&p=1") == "page"
    assert page.match(f"https://a.test/list?{mark}&p=2") == "site"
    # What may name a page of others keeps their pages apart.
    assert page_key(f"https://b.test/?{mark}") != page_key("https://b.test/")


def test_an_address_with_a_user_name_is_never_ours() -> None:
    ours = Target(("a.test",), ("https://a.test/x",))
    for url in (
        "https://user@a.test/x",
        "https://user@a.test/",
        "https://a.test@evil.test/",
        "https://u:p@a.test:443/x",
    ):
        assert ours.match(url) is None
    assert ours.match("https://a.test/@user") == "site"


def test_a_link_to_our_page_is_seen_with_its_evidence() -> None:
    facts = replace(PAGE, links=(link("https://acme.test/guides/onboarding", rel=("ugc", "noopener")),))
    finding = judge(facts, ACME, brands=["Acme"])
    assert finding.verdict is MentionVerdict.LINKED
    assert finding.link is not None
    assert finding.link.match == "page"
    assert not finding.link.follow
    assert finding.link.kinds == ("ugc",)
    assert finding.link.surrounding == "We read the onboarding guide by Acme last year."
    assert finding.good_fetch


def test_a_page_that_follows_nothing_makes_every_link_nofollow() -> None:
    facts = replace(PAGE, robots=("noindex", "nofollow"), links=(link("https://acme.test/"),))
    seen = judge(facts, ACME).link
    assert seen is not None
    assert not seen.follow
    assert seen.kinds == ("nofollow",)


def test_the_best_link_stands_for_the_page() -> None:
    facts = replace(
        PAGE,
        links=(
            link("https://acme.test/", anchor="home"),
            link("https://acme.test/guides/onboarding", anchor="hidden one", hidden=True),
            link("https://acme.test/guides/onboarding", anchor="nofollowed", rel=("nofollow",)),
            link("https://acme.test/guides/onboarding", anchor="best"),
        ),
    )
    finding = judge(facts, ACME)
    assert [seen.anchor for seen in finding.links] == ["best", "nofollowed", "hidden one", "home"]


def test_a_redirect_to_us_is_a_link() -> None:
    facts = replace(PAGE, links=(link("https://short.example/x"),))
    via = {"https://short.example/x": Followed("https://acme.test/guides/onboarding", ("https://short.example/x",))}
    seen = judge(facts, ACME, followed=via).link
    assert seen is not None
    assert (seen.url, seen.final_url, seen.match) == (
        "https://short.example/x",
        "https://acme.test/guides/onboarding",
        "page",
    )
    assert seen.via == ("https://short.example/x",)


def test_a_redirect_to_others_is_none() -> None:
    facts = replace(PAGE, links=(link("https://short.example/x"),))
    finding = judge(facts, ACME, followed={"https://short.example/x": Followed("https://other.example/")})
    assert finding.verdict is MentionVerdict.UNLINKED_MENTION if finding.mention else MentionVerdict.NO_MENTION


def test_an_unlinked_mention_has_a_quote() -> None:
    finding = judge(PAGE, ACME, brands=["Acme"])
    assert finding.verdict is MentionVerdict.UNLINKED_MENTION
    assert finding.mention is not None
    assert finding.mention.quote == "We read the onboarding guide by Acme last year."


def test_our_domain_in_the_text_is_a_mention() -> None:
    finding = judge(replace(PAGE, text="Look at acme.test for it."), ACME)
    assert finding.verdict is MentionVerdict.UNLINKED_MENTION


def test_nothing_is_nothing() -> None:
    finding = judge(replace(PAGE, text="Nothing of note."), ACME, brands=["Acme"])
    assert finding.verdict is MentionVerdict.NO_MENTION
    assert finding.good_fetch


@pytest.mark.parametrize("text", ["Nothing of note.", PAGE.text])
def test_a_cut_page_says_nothing_about_what_was_not_seen(text: str) -> None:
    finding = judge(replace(PAGE, text=text, cut=True), ACME, brands=["Acme"])
    assert finding.verdict is MentionVerdict.COULD_NOT_CHECK
    assert finding.reason == "cut"
    assert not finding.good_fetch


def test_a_cut_page_with_a_link_is_linked() -> None:
    facts = replace(PAGE, cut=True, links=(link("https://acme.test/"),))
    assert judge(facts, ACME).verdict is MentionVerdict.LINKED


def test_a_page_of_scripts_could_not_be_checked() -> None:
    finding = judge(replace(PAGE, text="Loading", needs_scripts=True), ACME, brands=["Acme"])
    assert (finding.verdict, finding.reason) == (MentionVerdict.COULD_NOT_CHECK, "needs-rendering")


def test_a_link_that_may_be_ours_and_cannot_be_followed_is_a_doubt() -> None:
    go = "https://editor.test/go/acme"
    facts = replace(PAGE, links=(link(go, anchor="Acme"),))
    finding = judge(facts, ACME, brands=["Acme"], followed={go: Followed(problem="robots.txt")})
    assert (finding.verdict, finding.reason) == (MentionVerdict.COULD_NOT_CHECK, "unfollowed-link")
    # The same failure of a link that has nothing to do with us is no doubt.
    facts = replace(PAGE, links=(link(go, anchor="weather"),))
    finding = judge(facts, ACME, brands=["Acme"], followed={go: Followed(problem="robots.txt")})
    assert finding.verdict is MentionVerdict.UNLINKED_MENTION


def test_more_links_than_are_followed_prove_nothing() -> None:
    urls = [f"https://editor.test/go/{number}" for number in range(30)]
    facts = about_us(replace(PAGE, links=tuple(link(url, anchor="Visit") for url in urls)), ACME, ["Acme"])
    asked = redirect_candidates(facts, ACME, ["Acme"])
    followed = {url: Followed("https://tool.example/") for url in asked}
    finding = judge(facts, ACME, brands=["Acme"], followed=followed)
    assert (finding.verdict, finding.reason) == (MentionVerdict.COULD_NOT_CHECK, "unfollowed-link")
    # A page that does not name us may be written to, and no link of ours is lost by it.
    nameless = judge(replace(facts, text="Thirty tools."), ACME, brands=["Acme"], followed=followed)
    assert (nameless.verdict, nameless.good_fetch) == (MentionVerdict.NO_MENTION, False)
    few = about_us(replace(facts, links=facts.links[:20]), ACME, ["Acme"])
    assert judge(few, ACME, brands=["Acme"], followed=followed).verdict is MentionVerdict.UNLINKED_MENTION
    # The one that is called like us is asked for first.
    last = replace(PAGE, links=(*facts.links, link("https://editor.test/out/acme-suite", anchor="Visit")))
    assert redirect_candidates(last, ACME, ["Acme Suite"])[0].endswith("acme-suite")


def test_a_page_in_between_proves_nothing() -> None:
    away = "https://editor.test/away?to=https%3A%2F%2Facme.test%2Fguides"
    facts = replace(PAGE, links=(link(away, anchor="a guide"),))
    finding = judge(facts, ACME, brands=["Acme"], followed={away: Followed(away)})
    assert (finding.verdict, finding.reason) == (MentionVerdict.COULD_NOT_CHECK, "unfollowed-link")
    assert not finding.good_fetch
    # What shows our figures is no way to us.
    about = "https://figures.example/website/acme.test"
    facts = replace(PAGE, links=(link(about, anchor="figures"),))
    finding = judge(facts, ACME, brands=["Acme"], followed={about: Followed(about)})
    assert finding.verdict is MentionVerdict.UNLINKED_MENTION


@pytest.mark.parametrize(
    ("status", "reason", "good"),
    [
        (404, "page-gone", True),
        (410, "page-gone", True),
        (401, "refused", False),
        (403, "refused", False),
        (429, "refused", False),
        (500, "server-error", False),
        (503, "server-error", False),
        (304, "bad-status", False),
        (418, "bad-status", False),
    ],
)
def test_a_bad_status_could_not_be_checked(status: int, reason: str, good: bool) -> None:
    finding = judge_status("https://e.test/", "https://e.test/", status)
    assert finding is not None
    assert (finding.verdict, finding.reason) == (MentionVerdict.COULD_NOT_CHECK, reason)
    assert finding.good_fetch is good


def test_a_good_status_is_to_be_parsed() -> None:
    assert judge_status("https://e.test/", "https://e.test/", 200) is None


def test_which_links_are_worth_following() -> None:
    urls = [
        "https://acme.test/guides/onboarding",  # ours already
        "https://editor.test/about",  # theirs
        "https://www.facebook.com/share",  # never redirects to us
        "https://other.example/page",  # may be anything
        "https://editor.test/go/tool",  # a redirect by its name
        "https://track.example/c?to=https%3A%2F%2Facme.test%2Fx",  # names us
    ]
    facts = replace(PAGE, links=tuple(link(url, anchor="read") for url in urls))
    assert redirect_candidates(facts, ACME, ["Acme"]) == [urls[5], urls[4], urls[3]]
    many = replace(PAGE, links=tuple(link(f"https://o{n}.example/", anchor="read") for n in range(500)))
    assert len(redirect_candidates(many, ACME, ["Acme"])) == 5


@pytest.mark.parametrize(
    ("values", "directives"),
    [
        (["noindex, NoFollow"], ("noindex", "nofollow")),
        (["none"], ("noindex", "nofollow")),
        (["otherbot: nofollow, noindex"], ()),
        (["otherbot: noindex", "nofollow"], ("nofollow",)),
        (["googlebot: nofollow"], ("nofollow",)),
        (["unavailable_after: 25 Jun 2030 15:00:00 PST, nofollow"], ("unavailable_after", "nofollow")),
        (["max-snippet:-1, index"], ("max-snippet", "index")),
        ([""], ()),
    ],
)
def test_robots_directives(values: list[str], directives: tuple[str, ...]) -> None:
    found = robots_directives(values)
    assert {word for word in found if word in {"noindex", "nofollow", "index"}} == {
        word for word in directives if word in {"noindex", "nofollow", "index"}
    }


def test_a_canonical_elsewhere_is_noted() -> None:
    assert judge(replace(PAGE, canonical="https://origin.example/post"), ACME).canonical_elsewhere
    assert not judge(replace(PAGE, canonical="http://www.editor.test/blog/post/"), ACME).canonical_elsewhere
    asked = replace(PAGE, url=f"{PAGE.url}?ref=x", canonical=PAGE.url)
    assert not judge(asked, ACME).canonical_elsewhere


@pytest.mark.parametrize(
    ("url", "site", "on"),
    [
        ("https://www.editor.test/x", "editor.test", True),
        ("https://blog.editor.test/x", "editor.test", True),
        ("https://notmyeditor.test/x", "editor.test", False),
        ("https://medium.test/@dana/post", "medium.test/@dana", True),
        ("https://medium.test/@dana", "medium.test/@dana", True),
        ("https://medium.test/@danaher/post", "medium.test/@dana", False),
        ("nonsense", "editor.test", False),
    ],
)
def test_a_page_lies_on_a_site(url: str, site: str, on: bool) -> None:
    assert on_site(url, site) is on


@pytest.mark.parametrize(
    ("words", "before", "final", "doubt"),
    [
        (20, None, "", True),
        (70, None, "", False),
        (20, 900, "", True),
        (100, 650, "", True),
        (100, 310, "", True),
        (250, 650, "", False),
        (15, 40, "", False),
        # Another page has words of its own.
        (100, 650, "https://editor.example/other", False),
        (30, 650, "https://editor.example/other", True),
    ],
)
def test_a_page_of_which_little_is_left_is_in_doubt(words, before, final, doubt):
    finding = judge(replace(PAGE, text="Other words.", links=(), words=words), ACME)
    finding = replace(finding, final_url=final or finding.url)
    assert (collapsed(finding, before).reason == "page-collapsed") is doubt


@pytest.mark.parametrize(
    ("own", "before", "barred", "final", "doubt"),
    [
        (100, 400, False, "", True),
        (140, 400, False, "", False),
        (140, 400, True, "", True),
        (300, 400, True, "", False),
        (100, None, True, "", False),
        (10, 50, True, "", False),
        # Another page has words of its own, unless they are those of a wall.
        (100, 400, False, "https://editor.example/other", False),
        (100, 400, True, "https://editor.example/other", True),
    ],
)
def test_a_page_of_whose_own_words_little_is_left_is_in_doubt(own, before, barred, final, doubt):
    facts = replace(PAGE, text="Other words.", links=(), words=600, own_words=own, barred=barred)
    finding = judge(facts, ACME)
    finding = replace(finding, final_url=final or finding.url)
    assert (collapsed(finding, 600, before).reason == "page-collapsed") is doubt
