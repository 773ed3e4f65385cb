"""How well a message that nobody could place fits what we sent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.suggestion import LEAST, Received, Sent, fit

SENT = Sent(
    "dana@editor.test",
    "Dana Ruiz",
    "editor.test",
    "A broken link on your page about tides",
    datetime(2026, 6, 1, tzinfo=UTC),
    ("Acme",),
)
STRANGER = Received("x@far.test", None, "far.test", "hello", "Hi", datetime(2026, 6, 3, tzinfo=UTC))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"sender": "dana@editor.test", "domain": "editor.test"}, "whom we wrote to"),
        ({"sender": "carl@editor.test", "domain": "editor.test"}, "from editor.test, too"),
        ({"sender": "dana@mail.test", "domain": "mail.test"}, "the name in the address"),
        ({"name": "dana ruiz"}, "signed by Dana Ruiz"),
        ({"subject": "Re: A broken link on your page about tides"}, "subject of our mail"),
        ({"text": "I write because of your mail to editor.test"}, "speaks of editor.test"),
        ({"text": "about your brand Acme"}, "speaks of Acme"),
        ({"subject": "broken link, page tides"}, "similar"),
    ],
)
def test_each_reason_is_said_and_enough(change: dict[str, str], word: str) -> None:
    score, reasons = fit(replace(STRANGER, **change), SENT)
    assert score >= LEAST
    assert any(word in reason for reason in reasons), reasons


def test_a_stranger_fits_nothing() -> None:
    assert fit(STRANGER, SENT) == (0, ())
    assert fit(replace(STRANGER, sender="info@far.test"), replace(SENT, to_address="dana@editor.test"))[0] < LEAST


def test_what_came_before_our_mail_is_no_answer() -> None:
    early = replace(STRANGER, sender="dana@editor.test", domain="editor.test", at=SENT.at - timedelta(days=1))
    assert fit(early, SENT) == (0, ())
    assert fit(replace(early, at=SENT.at - timedelta(seconds=61)), SENT) == (0, ())
    # Two clocks, and theirs in whole seconds.
    skewed, reasons = fit(replace(early, at=SENT.at - timedelta(seconds=59)), SENT)
    assert skewed == fit(replace(early, at=SENT.at), SENT)[0]
    assert reasons[-1] == "it came 0 days after our mail"


def test_more_reasons_mean_more_points() -> None:
    one = fit(replace(STRANGER, name="Dana Ruiz"), SENT)[0]
    two = fit(replace(STRANGER, name="Dana Ruiz", subject="AW: " + SENT.subject), SENT)[0]
    late = fit(replace(STRANGER, name="Dana Ruiz", at=SENT.at + timedelta(days=60)), SENT)[0]
    assert late < one < two <= 100
