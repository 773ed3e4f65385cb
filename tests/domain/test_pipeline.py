"""The pipeline table is total, and a move that it does not list raises and changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app.domain.pipeline import TRANSITIONS, Event, Facts, Impossible, LostReason, Stage, diagram, next_stage

GOOD = Facts(
    verdict="no-mention", accepted=True, link_parsed=True, reason="declined", good_failed_checks=2, confirmed=True
)
# The whole table once more, written from the specification and not from the code.
EXPECTED = {
    ("prospect", "mention_checked"): "checked-mention",
    ("checked-mention", "pitch_sent"): "pitched",
    ("pitched", "follow_up_sent"): "followed-up",
    ("followed-up", "follow_up_sent"): "followed-up",
    ("prospect", "link_seen"): "won",
    ("checked-mention", "link_seen"): "won",
    ("pitched", "link_seen"): "won",
    ("followed-up", "link_seen"): "won",
    ("lost", "link_seen"): "won",
    ("prospect", "give_up"): "lost",
    ("checked-mention", "give_up"): "lost",
    ("pitched", "give_up"): "lost",
    ("followed-up", "give_up"): "lost",
    ("lost", "reopen"): "prospect",
    ("won", "link_lost"): "checked-mention",
}


def test_the_table_is_total() -> None:
    assert set(TRANSITIONS) == set(Stage)


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("event", list(Event))
def test_every_pair_moves_or_is_refused(stage: Stage, event: Event) -> None:
    expected = EXPECTED.get((stage.value, event.value))
    if expected is None:
        with pytest.raises(Impossible, match=f"it stands at “{stage}” now, where .* is not possible"):
            next_stage(stage, event, GOOD)
    else:
        assert next_stage(stage, event, GOOD) == expected


@pytest.mark.parametrize(
    ("stage", "event", "facts", "sentence"),
    [
        ("prospect", "mention_checked", Facts(), "no verdict"),
        ("prospect", "mention_checked", Facts(verdict="could-not-check"), "a person has to confirm"),
        ("checked-mention", "pitch_sent", Facts(), "has not accepted"),
        ("pitched", "follow_up_sent", Facts(), "has not accepted"),
        ("pitched", "link_seen", Facts(), "no link was seen"),
        ("pitched", "give_up", Facts(reason="bored"), "one of the reasons"),
        ("lost", "reopen", Facts(), "give a reason"),
        ("lost", "reopen", Facts(reason="new editor", last_lost_reason="unsubscribed"), "final"),
        ("won", "link_lost", Facts(good_failed_checks=1), "two good fetches"),
    ],
)
def test_each_guard_refuses_with_a_sentence(stage: str, event: str, facts: Facts, sentence: str) -> None:
    with pytest.raises(Impossible, match=sentence):
        next_stage(Stage(stage), Event(event), facts)


facts = st.builds(
    Facts,
    verdict=st.sampled_from([None, "linked", "unlinked-mention", "no-mention", "could-not-check"]),
    confirmed=st.booleans(),
    accepted=st.booleans(),
    link_parsed=st.booleans(),
    reason=st.sampled_from([None, "declined", "no-reply", "unsubscribed", "because"]),
    good_failed_checks=st.integers(0, 3),
    last_lost_reason=st.sampled_from([None, *LostReason]),
)


@given(st.sampled_from(Stage), st.sampled_from(Event), facts)
def test_a_move_needs_the_table_and_its_facts(stage: Stage, event: Event, given_facts: Facts) -> None:
    try:
        target = next_stage(stage, event, given_facts)
    except Impossible as refusal:
        assert str(refusal)
        return
    assert EXPECTED[stage.value, event.value] == target
    if target is Stage.WON:
        assert given_facts.link_parsed or given_facts.reason
    if event in (Event.PITCH_SENT, Event.FOLLOW_UP_SENT):
        assert given_facts.accepted


class Life(RuleBasedStateMachine):
    """Any life of a prospect: won only by a link, never out of an opt-out but by a link that was seen."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage.PROSPECT
        self.last_lost: str | None = None
        self.pitched = False

    @rule(event=st.sampled_from(Event), known=facts)
    def happens(self, event: Event, known: Facts) -> None:
        from dataclasses import replace

        known = replace(known, last_lost_reason=self.last_lost)
        before = self.stage
        try:
            self.stage = next_stage(self.stage, event, known)
        except Impossible:
            assert self.stage is before
            return
        if event is Event.GIVE_UP:
            self.last_lost = known.reason
        if event is Event.PITCH_SENT:
            self.pitched = True
        if before is Stage.LOST and self.last_lost == LostReason.UNSUBSCRIBED:
            assert event is Event.LINK_SEEN

    @invariant()
    def a_follow_up_comes_after_a_pitch(self) -> None:
        assert self.stage is not Stage.FOLLOWED_UP or self.pitched


TestLife = Life.TestCase


def test_the_diagram_draws_every_move() -> None:
    drawn = diagram()
    assert drawn.count("-->") == len(EXPECTED) + 1
    for (stage, event), target in EXPECTED.items():
        assert f"{stage.replace('-', '_')} --> {target.replace('-', '_')}: {event}" in drawn
