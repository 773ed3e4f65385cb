"""No message in a mailbox is missed or acted on twice, whatever dies and whatever the server does to its numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import ingest_rig
from tests.support.soak import part


def test_a_killed_poller_misses_nothing_and_doubles_nothing(database_url: str, tmp_path: Path) -> None:
    plan = ingest_rig.Plan(
        messages=1_000, kills=30, renumberings=2, rewinds=2, expunges=50, moves=20, pause=0.2, notice=5.0
    )
    ledger = ingest_rig.run(database_url, plan, tmp_path)
    assert ledger.clean, ledger
    assert ledger.generations >= 1
    assert ledger.stored >= 900


@pytest.mark.soak
def test_a_killed_poller_for_long(database_url: str, tmp_path: Path) -> None:
    plan = ingest_rig.Plan(
        messages=part(10_000, 200),
        kills=part(300, 6),
        renumberings=part(20),
        rewinds=part(20),
        expunges=part(500, 5),
        moves=part(200, 4),
    )
    ledger = ingest_rig.run(database_url, plan, tmp_path)
    print(f"\n{database_url.partition(':')[0]}: {ledger}")  # noqa: T201 - the ledger is what this run is for
    assert ledger.clean, (ledger.missed[:20], ledger.doubled[:20], ledger.events_missed[:20], ledger.unfinished)
