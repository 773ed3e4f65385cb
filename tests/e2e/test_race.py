"""No follow-up leaves once an answer lies in the mailbox, and none at all while the mailbox cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import race_rig
from tests.support.soak import part


def test_no_follow_up_after_an_answer(database_url: str, tmp_path: Path) -> None:
    ledger = race_rig.race(database_url, tmp_path, 252)
    assert ledger.late == [], ledger
    assert ledger.schedules == 252
    # The race was one: some answers were there before the gate began, and some follow-ups left before theirs came.
    assert ledger.answered_first > 5, ledger
    assert ledger.sent > 20, ledger


def test_no_follow_up_while_the_mailbox_cannot_be_read(database_url: str, tmp_path: Path) -> None:
    done, left = race_rig.unreadable(database_url, tmp_path, 60)
    assert left == 0
    assert sum(done.values()) == 60
    assert set(done) == {"down", "refusing", "hanging", "leaving", "overloaded"}


@pytest.mark.soak
def test_no_follow_up_after_an_answer_for_long(database_url: str, tmp_path: Path) -> None:
    ledger = race_rig.race(database_url, tmp_path, part(10_000, 40))
    print(f"\n{database_url.partition(':')[0]}: {ledger}")  # noqa: T201 - the ledger is what this run is for
    assert ledger.late == []


@pytest.mark.soak
def test_no_follow_up_while_the_mailbox_cannot_be_read_for_long(database_url: str, tmp_path: Path) -> None:
    done, left = race_rig.unreadable(database_url, tmp_path, part(500, 20))
    print(f"\n{database_url.partition(':')[0]}: {dict(done)}, follow-ups that left {left}")  # noqa: T201 - see above
    assert left == 0
