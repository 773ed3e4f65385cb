"""Every SMTP answer at every step has a verdict, and the moves of the outbox keep the invariants."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.delivery import MOVES, Answer, OutboundState, Stage, Verdict, deferral, judge, mailbox_pause


@pytest.mark.parametrize(
    ("stage", "answer", "verdict"),
    [
        (Stage.CONNECT, None, "mailbox-deferred"),
        (Stage.CONNECT, Answer(554, "5.7.1 go away"), "mailbox-deferred"),
        (Stage.AUTH, Answer(535, "5.7.8 bad credentials"), "mailbox-paused"),
        (Stage.AUTH, Answer(454, "4.7.0 temporary"), "mailbox-deferred"),
        (Stage.MAIL, Answer(550, "5.7.1 not allowed to send as"), "mailbox-paused"),
        (Stage.MAIL, Answer(451, "4.3.0 later"), "deferred"),
        (Stage.RCPT, Answer(550, "5.1.1 unknown user"), "rejected"),
        (Stage.RCPT, Answer(450, "4.2.0 greylisted"), "deferred"),
        (Stage.RCPT, Answer(450, "4.7.1 too many messages"), "mailbox-deferred"),
        (Stage.RCPT, None, "mailbox-deferred"),
        (Stage.DATA, Answer(554, "5.6.0 no"), "rejected"),
        (Stage.DATA, Answer(421, "4.3.2 shutting down"), "mailbox-deferred"),
        (Stage.DOT, Answer(250, "2.0.0 queued"), "accepted"),
        (Stage.DOT, Answer(252, "taken"), "accepted"),
        (Stage.DOT, Answer(451, "4.3.0 later"), "deferred"),
        (Stage.DOT, Answer(554, "5.7.1 spam"), "rejected"),
        (Stage.DOT, Answer(354, "what"), "ambiguous"),
        (Stage.DOT, None, "ambiguous"),
    ],
)
def test_verdicts(stage: Stage, answer: Answer | None, verdict: str) -> None:
    assert judge(stage, answer) == verdict


@given(st.sampled_from(Stage), st.one_of(st.none(), st.builds(Answer, st.integers(200, 599), st.text(max_size=60))))
def test_only_a_complete_answer_after_the_dot_is_certain(stage: Stage, answer: Answer | None) -> None:
    verdict = judge(stage, answer)
    assert (verdict is Verdict.AMBIGUOUS) == (
        stage is Stage.DOT and (answer is None or not (answer.code < 300 or answer.code >= 400))
    )
    assert verdict is not Verdict.ACCEPTED or (stage is Stage.DOT and answer is not None and answer.code < 300)


def test_the_machine_leaves_ambiguous_only_for_sent_and_a_person_for_not_sent() -> None:
    assert MOVES[OutboundState.AMBIGUOUS] == {OutboundState.SENT, OutboundState.NOT_SENT}
    assert set(MOVES) == set(OutboundState)
    assert OutboundState.SENT not in MOVES[OutboundState.QUEUED] | MOVES[OutboundState.CLAIMED]


@given(st.integers(1, 50), st.floats(-1, 1))
def test_deferrals_grow_and_stay_within_a_fifth(attempt: int, jitter: float) -> None:
    waits = [5, 15, 30, 60, 120, 240, 480]
    base = timedelta(minutes=waits[min(attempt, 7) - 1])
    assert base * 0.799 <= deferral(attempt, jitter) <= base * 1.201


def test_a_failing_mailbox_rests_longer_each_time_up_to_a_day() -> None:
    rests = [mailbox_pause(n) for n in range(1, 12)]
    assert rests[0] == timedelta(minutes=15)
    assert rests[1] == timedelta(minutes=30)
    assert rests == sorted(rests)
    assert rests[-1] == timedelta(hours=24)
