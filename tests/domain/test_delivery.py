"""Every SMTP answer at every step has a verdict, and the moves of the outbox keep the invariants."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.delivery import (
    MOVES,
    Answer,
    Cause,
    OutboundState,
    Stage,
    Verdict,
    cause_of,
    deferral,
    judge,
    mailbox_pause,
)


@pytest.mark.parametrize(
    ("stage", "answer", "verdict"),
    [
        (Stage.CONNECT, None, "mailbox-deferred"),
        (Stage.CONNECT, Answer(554, "5.7.1 go away"), "mailbox-deferred"),
        (Stage.AUTH, Answer(535, "5.7.8 bad credentials"), "mailbox-paused"),
        (Stage.AUTH, Answer(454, "4.7.0 temporary"), "mailbox-deferred"),
        (Stage.MAIL, Answer(550, "5.7.1 not allowed to send as"), "mailbox-paused"),
        (Stage.MAIL, Answer(451, "4.3.0 later"), "deferred"),
        (Stage.MAIL, Answer(451, "4.7.1 not now"), "mailbox-deferred"),
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


REFUSALS = [
    # How much we may send, who we are, or that we have not signed in: about the mailbox, at whatever step it is said.
    (Answer(550, "5.4.5 Daily user sending limit exceeded"), "mailbox-deferred"),
    (Answer(550, "5.1.8 Access denied, bad outbound sender"), "mailbox-deferred"),
    (Answer(554, "5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException"), "mailbox-deferred"),
    (Answer(550, "Domain acme.test has exceeded the max emails per hour (101/100) allowed."), "mailbox-deferred"),
    (Answer(550, "5.1.8 Sender address rejected: Domain not found"), "mailbox-deferred"),
    (Answer(550, "5.7.705 Access denied, tenant has exceeded threshold"), "mailbox-deferred"),
    (Answer(554, "Transaction failed: Daily message quota exceeded"), "mailbox-deferred"),
    (Answer(530, "5.7.0 Authentication required"), "mailbox-paused"),
    (Answer(553, "5.7.1 Sender address rejected: not owned by user ana"), "mailbox-paused"),
    # About us as this recipient's server sees us: nobody else's need see it so.
    (Answer(550, "Sender verify failed"), "sender-refused"),
    (Answer(550, "relay not permitted"), "sender-refused"),
    (Answer(554, "5.7.1 <dana@editor.test>: Relay access denied"), "sender-refused"),
    (Answer(450, "4.7.1 Client host rejected: cannot find your reverse hostname"), "sender-refused"),
    # It asks everybody to come back.
    (Answer(450, "4.7.1 <dana@editor.test>: Recipient address rejected: Greylisted"), "deferred"),
    (Answer(451, "4.7.1 Greylisting in action, please come back later"), "deferred"),
    # About their mailbox, and it may pass.
    (Answer(552, "5.2.2 mailbox full"), "deferred"),
    (Answer(552, "5.2.2 The email account that you tried to reach is over quota"), "deferred"),
    (Answer(550, "5.3.0 mailer error"), "deferred"),
    # About their address, or about this message.
    (Answer(550, "5.1.1 unknown user"), "rejected"),
    (Answer(550, "5.1.1 unknown user; too many of your recipients are"), "rejected"),
    (Answer(550, "No such user here"), "rejected"),
    (Answer(550, "5.2.1 mailbox disabled"), "deferred"),
    (Answer(550, "5.7.1 message rejected under suspicion of SPAM"), "rejected"),
    (Answer(554, "5.7.1 Service unavailable; client host blocked"), "rejected"),
]


@pytest.mark.parametrize("stage", [Stage.RCPT, Stage.DATA, Stage.DOT])
@pytest.mark.parametrize(("answer", "verdict"), REFUSALS, ids=[f"{a.code} {a.text[:30]}" for a, _ in REFUSALS])
def test_a_refusal_is_about_us_or_about_them(stage: Stage, answer: Answer, verdict: str) -> None:
    assert judge(stage, answer) == verdict


def test_a_limit_at_the_senders_address_ends_by_itself() -> None:
    assert judge(Stage.MAIL, Answer(550, "5.4.5 Daily user sending limit exceeded")) is Verdict.MAILBOX_DEFERRED
    assert judge(Stage.RCPT, Answer(450, "4.2.1 The user is receiving mail at a rate that")) is Verdict.DEFERRED


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


@pytest.mark.parametrize(
    ("stage", "answer", "cause"),
    [
        (Stage.RCPT, Answer(550, "5.1.1 unknown user"), Cause.ADDRESS),
        (Stage.RCPT, Answer(550, "no such user here"), Cause.ADDRESS),
        (Stage.RCPT, Answer(554, "go away"), Cause.POLICY),
        (Stage.RCPT, Answer(550, "5.7.1 you are listed"), Cause.POLICY),
        (Stage.DOT, Answer(550, "5.7.26 not signed"), Cause.POLICY),
        (Stage.DOT, Answer(550, "looks like spam"), Cause.POLICY),
        (Stage.DOT, Answer(550, "5.1.1 says it late"), Cause.OTHER),
        (None, None, Cause.OTHER),
    ],
)
def test_a_refusal_speaks_of_the_address_of_policy_or_of_something_else(
    stage: Stage | None, answer: Answer | None, cause: Cause
) -> None:
    assert cause_of(stage, answer) is cause
