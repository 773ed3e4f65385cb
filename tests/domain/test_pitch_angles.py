"""Which angle is proposed, and the sentence that says why."""

from dataclasses import replace
from datetime import date

import pytest

from app.domain.angles import Angle, AngleFacts, LinkedFault, choice_for, fault_clause, plain_date, propose

BARE = AngleFacts(brand="Acme", their_page="https://them.example/blog/x", our_page_summary="twelve steps of an audit.")
MENTION = replace(
    BARE, mention_checked=True, mention_page="https://them.example/blog/x", mention_quote="tools such as Acme"
)
LOST = replace(BARE, lost_page="https://them.example/blog/x", lost_on=date(2026, 5, 3))
DEAD = replace(BARE, linked_page="https://old.example/a", linked_fault=LinkedFault.DEAD, linked_status=404)


def test_an_unlinked_mention():
    proposal = propose(MENTION)
    assert proposal.angle is Angle.UNLINKED_MENTION
    assert proposal.why == "Chosen because: mentioned you in /blog/x, no link."
    assert proposal.reason == "the page names Acme without a link"
    assert [choice.angle for choice in proposal.alternatives] == [Angle.COVERAGE_GAP]


def test_a_lost_link_comes_first():
    proposal = propose(replace(MENTION, lost_page=LOST.lost_page, lost_on=LOST.lost_on))
    assert proposal.angle is Angle.LINK_RECLAMATION
    assert proposal.why == "Chosen because: linked to you in /blog/x until 3 May 2026, link gone."
    assert [choice.angle for choice in proposal.alternatives] == [Angle.UNLINKED_MENTION, Angle.COVERAGE_GAP]


def test_a_replacement_needs_a_stated_fact():
    assert propose(DEAD).angle is Angle.RESOURCE_REPLACEMENT
    assert "/blog/x links to https://old.example/a, which answers 404 (not found)" in propose(DEAD).why
    assert propose(replace(DEAD, linked_fault=None)).angle is Angle.COVERAGE_GAP
    assert choice_for(Angle.RESOURCE_REPLACEMENT, BARE) is None


@pytest.mark.parametrize(
    ("changes", "clause"),
    [
        ({"linked_status": 410}, "answers 410 (gone)"),
        ({"linked_status": 500}, "answers with the error 500"),
        ({"linked_status": None}, "does not answer any more"),
        (
            {"linked_fault": LinkedFault.REDIRECTED, "linked_redirect": "https://old.example/"},
            "now redirects to old.example",
        ),
        ({"linked_fault": LinkedFault.REDIRECTED}, None),
        ({"linked_fault": LinkedFault.OLDER, "linked_year": 2019}, "was last updated in 2019"),
        ({"linked_fault": LinkedFault.OLDER}, None),
    ],
)
def test_what_is_wrong_with_the_linked_page(changes, clause):
    assert fault_clause(replace(DEAD, **changes)) == clause


def test_a_gap_never_says_no_mention_when_nobody_looked():
    assert "were not checked" in propose(BARE).why
    assert "no mention of you was found" in propose(replace(BARE, mention_checked=True)).why
    assert "links to 1 competitor and" in propose(replace(BARE, competitors_linked=1)).why
    assert "links to 3 competitors and" in propose(replace(BARE, competitors_linked=3)).why


def test_a_gap_without_a_summary_has_no_reason():
    assert propose(BARE).reason == "our page covers twelve steps of an audit"
    assert propose(replace(BARE, our_page_summary=None)).reason is None


def test_dates_are_english():
    assert plain_date(date(2026, 12, 1)) == "1 December 2026"
