"""Never twice, never lost: workers die and sleep at random points, answers get lost, and the ledger agrees."""

from __future__ import annotations

import pytest

from tests.support.kill_rig import Ledger, Plan, run
from tests.support.soak import part


def holds(ledger: Ledger) -> None:
    print(ledger)  # noqa: T201
    assert ledger.duplicates == 0
    assert ledger.lost == 0
    assert ledger.unflagged == 0
    assert set(ledger.states) <= {"SENT", "AMBIGUOUS"}
    assert sum(ledger.states.values()) == ledger.sends
    assert ledger.cap_difference == 0


@pytest.mark.timeout(400)
def test_three_hundred_sends_under_thirty_kills(database_url: str) -> None:
    ledger = run(database_url, Plan(sends=300, kills=30, stops=3, lost_replies=0.02))
    holds(ledger)
    assert (ledger.kills, ledger.stops) == (30, 3)
    # If nothing had become ambiguous, the rig would not have hit the place that matters.
    assert ledger.states["AMBIGUOUS"] > 0


@pytest.mark.soak
def test_ten_thousand_sends_under_five_hundred_kills(database_url: str) -> None:
    plan = Plan(
        sends=part(10_000, 200),
        kills=part(500, 10),
        stops=part(32),
        lost_replies=0.02,
        workers=4,
        mailboxes=8,
        delay=0.004,
    )
    ledger = run(database_url, plan)
    holds(ledger)
    assert (ledger.kills, ledger.stops) == (plan.kills, plan.stops)
