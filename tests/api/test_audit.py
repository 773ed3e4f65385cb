"""The audit by the API: read only, in pages, under filters, and only with its scope."""

from __future__ import annotations

import pytest

from app.audit import service as audit
from app.clock import FixedClock
from app.domain.pipeline import LostReason, Stage
from app.prospects import service as prospects
from app.team.principal import READS, ROLE_SCOPES, SCOPES, Role
from tests.support.http import House
from tests.support.world import a_prospect, a_site

WHERE = "/api/v1/audit"


@pytest.fixture
def told(house: House, clock: FixedClock) -> House:
    """Seven acts by two people, and a prospect that was given up in the midst of them, at one moment with one of them."""
    for number in range(7):
        with house.db.work() as uow:
            audit.record(
                uow, "template.saved", "template", f"t{number}", before={"words": 9}, after={"words": number},
                actor="ana" if number % 2 else "ben",
            )  # fmt: skip
            if number == 3:
                one = a_prospect(uow, a_site(uow), "done.test", stage=Stage.CHECKED_MENTION)
                prospects.give_up(uow, one.id, LostReason.UNWINNABLE, actor="ana")
    return house


def test_the_audit_is_read_in_pages_that_neither_lose_nor_double_a_line(told: House) -> None:
    api = told.api({"audit:read"})
    whole = api.get(WHERE, params={"limit": 200}).json()
    assert whole["next"] is None
    walked, cursor = [], None
    while True:
        page = api.get(WHERE, params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        walked += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert walked == whole["items"]
    assert len(walked) >= 8
    (lost,) = [line for line in walked if line["kind"] == "prospect" and line["verb"] == "give_up"]
    assert (lost["name"], lost["before"]["stage"], lost["after"]["stage"]) == ("done.test", "checked-mention", "lost")
    (saved,) = [line for line in walked if line["key"] == "t6"]
    assert (saved["actor"], saved["before"], saved["after"], saved["redacted"]) == (
        "ben",
        {"words": 9},
        {"words": 6},
        False,
    )


def test_filters_and_what_cannot_be_read(told: House, clock: FixedClock) -> None:
    api, now = told.api(), clock.now().isoformat()

    def keys(**asked: str) -> list[str]:
        return [line["key"] for line in api.get(WHERE, params=asked).json()["items"] if line["kind"] == "template"]

    assert keys(actor="ana") == ["t5", "t3", "t1"]
    assert keys(kind="template", key="t2") == ["t2"]
    assert keys(verb="template.saved", actor="ben") == ["t6", "t4", "t2", "t0"]
    assert keys(until=now) == []
    assert len(keys(since=now)) == 7
    for wrong in (
        {"since": "yesterday"},
        {"since": "2026"},
        {"until": "-1.5"},
        {"since": "2026-06-01T00:00:00"},
        {"cursor": "x"},
        {"actor": "a\0b"},
    ):
        assert api.get(WHERE, params=wrong).status_code == 422, wrong


def test_the_audit_wants_its_own_scope_and_cannot_be_written(told: House) -> None:
    assert told.api(SCOPES - {"audit:read"}).get(WHERE).status_code == 403
    assert told.api().post(WHERE, json={}).status_code == 405
    assert "audit:read" in READS
    assert "audit:write" not in SCOPES
    assert {role for role, scopes in ROLE_SCOPES.items() if "audit:read" in scopes} == {Role.LEAD, Role.OPERATOR}
