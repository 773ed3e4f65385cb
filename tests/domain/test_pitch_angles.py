"""Which angle is proposed, and the sentence that says why."""

from dataclasses import replace
from datetime import date

import pytest

from app.domain.angles import (
    Angle,
    AngleFacts,
    CoverageFact,
    CoveredArticle,
    LinkedFact,
    LinkedFault,
    choice_for,
    coverage_clause,
    fault_clause,
    loss_clause,
    plain_date,
    propose,
    why_not,
)
from app.domain.link_watch import Trouble

BARE = AngleFacts(brand="Acme", their_page="https://them.example/blog/x", our_page_summary="twelve steps of an audit.")
MENTION = replace(
    BARE, mention_checked=True, mention_page="https://them.example/blog/x", mention_quote="tools such as Acme"
)
LOST = replace(BARE, lost_page="https://them.example/blog/x", lost_on=date(2026, 5, 3))
GONE = LinkedFact("https://old.example/a", LinkedFault.DEAD, status=404)
DEAD = replace(BARE, linked=GONE)
AUDIT = CoveredArticle("How we audit links", "https://them.example/a", date(2026, 5, 3), "the feed")
COVERS = replace(
    BARE, coverage=CoverageFact("audit", 5, date(2025, 6, 1), (AUDIT,), looked=148, missing="disavow files")
)


def test_an_unlinked_mention():
    proposal = propose(MENTION)
    assert proposal.angle is Angle.UNLINKED_MENTION
    assert proposal.why == "Chosen because: mentioned you in /blog/x, no link."
    assert proposal.reason == "the page names Acme without a link"
    assert proposal.alternatives == ()


def test_a_lost_link_comes_first():
    proposal = propose(replace(MENTION, lost_page=LOST.lost_page, lost_on=LOST.lost_on))
    assert proposal.angle is Angle.LINK_RECLAMATION
    assert proposal.why == "Chosen because: linked to you in /blog/x until 3 May 2026, link gone."
    assert [choice.angle for choice in proposal.alternatives] == [Angle.UNLINKED_MENTION]


@pytest.mark.parametrize(
    ("detail", "place"),
    [
        ("https://newsite.test/blog/x", "newsite.test/blog/x"),
        ("https://newsite.test/", "newsite.test"),
        ("https://www.{host}/news", "/news"),
    ],
)
def test_a_link_lost_by_a_redirect_names_the_host_that_is_another(detail, place):
    host = LOST.lost_page.split("/")[2]
    moved = replace(LOST, lost_why=Trouble.REDIRECTED, lost_detail=detail.replace("{host}", host))
    assert loss_clause(moved) == f"its address led to {place}, which does not have the link"


def test_a_replacement_needs_a_stated_fact():
    assert propose(DEAD).angle is Angle.RESOURCE_REPLACEMENT
    assert "/blog/x links to https://old.example/a, which answers 404 (not found)" in propose(DEAD).why
    assert propose(replace(DEAD, linked=None)) is None
    assert choice_for(Angle.RESOURCE_REPLACEMENT, BARE) is None


@pytest.mark.parametrize(
    ("changes", "clause"),
    [
        ({"status": 410}, "answers 410 (gone)"),
        ({"status": 500}, None),
        ({"fault": LinkedFault.NO_HOST}, "cannot be reached: its domain does not exist any more"),
        (
            {"fault": LinkedFault.NO_HOST, "page": "https://blog.old.example/a"},
            "cannot be reached: the address blog.old.example does not exist any more",
        ),
        ({"fault": LinkedFault.SAYS_GONE, "heading": "Page not found"}, 'shows only "Page not found"'),
        ({"fault": LinkedFault.REDIRECTED, "redirect": "https://old.example/"}, "now redirects to old.example"),
        (
            {"fault": LinkedFault.REDIRECTED, "redirect": "https://new.example/index.php"},
            "now redirects to new.example/index.php",
        ),
        (
            {"fault": LinkedFault.REDIRECTED, "redirect": "https://www.old.example/index.php"},
            "now redirects to /index.php",
        ),
        ({"fault": LinkedFault.REDIRECTED}, None),
        (
            {"fault": LinkedFault.OFF_TOPIC, "redirect": "https://old.example/b", "heading": "Our offers"},
            'now redirects to "Our offers"',
        ),
        (
            {"fault": LinkedFault.OLDER, "on": date(2019, 3, 4), "says": "updated"},
            "was last updated on 4 March 2019",
        ),
        ({"fault": LinkedFault.OLDER, "on": date(2019, 3, 4), "says": "dated"}, "is dated 4 March 2019"),
        ({"fault": LinkedFault.OLDER, "on": date(2019, 3, 4), "says": "newest"}, "shows no date after 4 March 2019"),
        ({"fault": LinkedFault.OLDER}, None),
        (
            {"fault": LinkedFault.LACKS, "heading": "Disavow files", "word": "disavow"},
            'does not mention "disavow", on which ours has a section ("Disavow files")',
        ),
        ({"fault": LinkedFault.LACKS, "heading": "Disavow files"}, None),
        ({"fault": LinkedFault.LACKS}, None),
    ],
)
def test_what_is_wrong_with_the_linked_page(changes, clause):
    fact = replace(GONE, **changes)
    assert fault_clause(fact) == clause
    assert (choice_for(Angle.RESOURCE_REPLACEMENT, replace(BARE, linked=fact)) is None) is (clause is None)


def test_where_a_date_stands_is_said_to_staff():
    fact = replace(GONE, fault=LinkedFault.OLDER, on=date(2019, 3, 4), says="updated", source="schema.org dateModified")
    assert "4 March 2019 (seen in schema.org dateModified)" in propose(replace(BARE, linked=fact)).why


def test_a_gap_states_counts_and_titles():
    proposal = propose(COVERS)
    assert proposal.angle is Angle.COVERAGE_GAP
    assert proposal.why == (
        'Chosen because: 5 of their articles since 1 June 2025 have "audit" in the title ("How we audit links", 3 May 2026), '
        "and none of the 148 pages whose titles or addresses were looked at is on disavow files."
    )
    assert coverage_clause(COVERS.coverage) == (
        'Since 1 June 2025 you have published 5 articles with "audit" in the title, the latest "How we audit links" '
        "(3 May 2026). Going by the titles and addresses of 148 of your pages, I found none that names disavow files"
    )


def test_a_gap_without_a_fact_is_only_taken_by_hand():
    assert propose(BARE) is None
    assert propose(BARE, by_hand=True).angle is Angle.COVERAGE_GAP
    assert "nobody has read their pages" in propose(BARE, by_hand=True).why
    assert choice_for(Angle.COVERAGE_GAP, BARE).reason == "our page covers twelve steps of an audit"
    noted = replace(BARE, coverage_note="only 7 of their pages could be found, at least 20 are needed")
    assert "only 7 of their pages" in propose(noted, by_hand=True).why


def test_why_an_angle_is_not_offered():
    assert [why_not(angle, BARE) for angle in Angle] == [
        "mentions of you were not checked",
        "nobody has looked at the page that they link to",
        "nobody has read their pages for what they cover",
        "no link of theirs to you was lost",
    ]
    assert why_not(Angle.UNLINKED_MENTION, replace(BARE, mention_checked=True)) == "no mention of you was found"
    assert why_not(Angle.RESOURCE_REPLACEMENT, replace(BARE, linked_note="it answers")) == "it answers"
    for facts, angle in (
        (DEAD, Angle.RESOURCE_REPLACEMENT),
        (COVERS, Angle.COVERAGE_GAP),
        (LOST, Angle.LINK_RECLAMATION),
    ):
        assert why_not(angle, facts) is None


def test_a_gap_never_says_no_mention_when_nobody_looked():
    def why(**known):
        return propose(replace(BARE, **known), by_hand=True).why

    assert "were not checked" in why()
    assert "no mention of you was found" in why(mention_checked=True)
    assert "links to 1 competitor and" in why(competitors_linked=1)
    assert "links to 3 competitors and" in why(competitors_linked=3)


def test_a_gap_without_a_summary_has_no_reason():
    assert propose(BARE, by_hand=True).reason == "our page covers twelve steps of an audit"
    assert propose(replace(BARE, our_page_summary=None), by_hand=True).reason is None


def test_dates_are_english():
    assert plain_date(date(2026, 12, 1)) == "1 December 2026"
