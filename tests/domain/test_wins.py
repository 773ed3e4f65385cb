"""Which seen links win by themselves, and which a person has to look at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.link_verdict import LinkFact, PageFacts, Target, judge
from app.domain.mention_verdict import MentionVerdict
from app.domain.wins import as_a_win

ACME = Target(domains=("acme.test",), pages=("https://acme.test/guides/onboarding",))
PAGE = PageFacts("https://editor.test/a", "A", "en", None, (), "Words of the page that readers see.", ())
SITE, OURS = "https://acme.test/", "https://acme.test/guides/onboarding"


def fact(url: str, *rel: str, hidden: bool = False) -> LinkFact:
    return LinkFact(url, "Acme", rel, 0, 5, hidden=hidden)


@pytest.mark.parametrize(
    ("links", "won_by"),
    [
        ([fact(OURS)], OURS),
        ([fact(SITE)], SITE),
        ([fact(SITE, "nofollow")], SITE),
        ([fact(SITE, "sponsored")], SITE),
        ([fact(OURS, "ugc", "nofollow")], OURS),
        ([fact(SITE, "ugc")], None),
        ([fact(SITE, "nofollow", "ugc")], None),
        ([fact(OURS, hidden=True)], None),
        ([fact(SITE, hidden=True)], None),
        ([fact(SITE, "ugc", hidden=True), fact(SITE, "ugc")], None),
        # One that is a win stands for the page, whatever stands beside it.
        ([fact(OURS, hidden=True), fact(SITE)], SITE),
        ([fact(SITE, "ugc"), fact(SITE)], SITE),
    ],
)
def test_what_wins(links: list[LinkFact], won_by: str | None) -> None:
    seen = judge(replace(PAGE, links=tuple(links)), ACME)
    assert seen.verdict is MentionVerdict.LINKED
    found = as_a_win(seen)
    assert found.link is not None
    if won_by is None:
        assert (found.verdict, found.reason, found.good_fetch) == (
            MentionVerdict.COULD_NOT_CHECK,
            "possible-link",
            False,
        )
        assert found.sentence
    else:
        assert (found.verdict, found.link.url) == (MentionVerdict.LINKED, won_by)
    assert len(found.links) == len(links)


def test_what_is_no_link_stays_what_it_is() -> None:
    for facts in (PAGE, replace(PAGE, cut=True)):
        seen = judge(facts, ACME, brands=["Acme"])
        assert as_a_win(seen) == seen
