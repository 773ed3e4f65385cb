"""One key that calls too often waits, and takes nothing from the others."""

from __future__ import annotations

import pytest

from app.api.rate import Rate
from app.errors import TooMany
from tests.support.http import House


def test_a_key_waits_for_the_next_minute() -> None:
    now = [0.0]
    rate = Rate(2, lambda: now[0])
    rate.count("key:1")
    now[0] = 20.0
    rate.count("key:1")
    with pytest.raises(TooMany, match="wait 40 seconds") as told:
        rate.count("key:1")
    assert told.value.retry_after == 40
    rate.count("key:2")
    now[0] = 60.0
    rate.count("key:1")
    unlimited = Rate(0, lambda: now[0])
    for _ in range(5_000):
        unlimited.count("key:1")


def test_one_call_too_many_is_told_when_to_come_back(house: House) -> None:
    program, other = house.api(["sites:read"]), house.api(["sites:read"])
    house.app.state.rate = Rate(3)
    assert [program.get("/api/v1/sites").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = program.get("/api/v1/sites")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.json()["code"] == "too-many"
    assert other.get("/api/v1/sites").status_code == 200
