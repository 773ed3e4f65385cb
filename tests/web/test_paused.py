"""Follow-ups that stand still: nobody loses sight of them, and a person lets them go on or rest."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.db.work import UnitOfWork
from app.domain.blocking import Blocking
from app.models import BlockingEvent, Inbound, Role, RunState, SequenceRun, Site, Triage
from app.outbox.overtaken import RESTORED
from app.prospects import service as prospects
from tests.support.desk import furnish
from tests.support.http import House
from tests.web.test_team_pages import post


def _pause(uow: UnitOfWork, reason: str) -> SequenceRun:
    run = uow.session.execute(select(SequenceRun).order_by(SequenceRun.id.desc())).scalars().first()  # type: ignore[attr-defined]
    assert run is not None
    run.state, run.end_reason, run.due_at = RunState.PAUSED, reason, None
    return run


@pytest.fixture
def run_id(house: House) -> int:
    """A run that the machine has paused, on a desk where no reply waits."""
    furnish(house)
    with house.db.work() as uow:
        uow.session.execute(update(Triage).values(waits=False))
        return int(_pause(uow, "contract").id)


def _state(house: House, run_id: int) -> tuple[RunState, str | None]:
    with house.db.read() as uow:
        run = uow.session.get_one(SequenceRun, run_id)
        return run.state, run.end_reason


def test_start_leads_once_to_what_stands_still(house: House, run_id: int) -> None:
    ana, ben = house.browser(Role.OUTREACH), house.browser(Role.LEAD)

    def begun(browser: Any) -> str:
        return str(post(browser, "/queue/start").headers["location"])

    assert begun(ana) == "/sequences/paused"
    assert begun(ana).startswith("/queue/"), "what nobody decides keeps no one from the new ones"
    assert begun(ben) == "/sequences/paused"
    with house.db.work() as uow:
        prospects.note(
            uow,
            _prospect(house, run_id),
            "sequence_paused",
            actor="system",
            reason="contract",
            detail="links: too many",
        )
    assert begun(ana) == "/sequences/paused", "what came since is offered too"
    page = ana.get("/sequences/paused").text
    assert "links: too many" in page
    assert "looked at anew before the next mail" in page
    with house.db.work() as uow:
        uow.session.execute(update(Site).values(archived_at=uow.now()))
    assert "No follow-ups stand still." in ana.get("/sequences/paused").text


def test_what_stands_still_waits_until_somebody_decides(house: House, run_id: int) -> None:
    ana = house.browser(Role.OUTREACH)

    def begun() -> Any:
        return post(ana, "/queue/start").headers["location"]

    assert "The next mail would break a rule" in ana.get("/").text
    assert begun() == "/sequences/paused"
    page = ana.get("/sequences/paused").text
    assert "sent.test" in page
    assert post(ana, f"/sequences/runs/{run_id}", do="rest").headers["location"] == "/sequences/paused?did=rest"
    assert _state(house, run_id) == (RunState.PAUSED, "staff_stop")
    assert "would break a rule" not in ana.get("/").text
    assert begun().startswith("/queue/"), "what rests does not stand in the way"
    assert "Stopped by a person" in ana.get("/sequences/paused").text, "and is not lost"
    post(ana, f"/sequences/runs/{run_id}", do="resume")
    assert _state(house, run_id) == (RunState.ACTIVE, None)
    assert "No follow-ups stand still." in ana.get("/sequences/paused").text
    assert post(ana, f"/sequences/runs/{run_id}", do="resume").status_code == 409
    assert "Sequence resumed" in ana.get("/prospects/" + str(_prospect(house, run_id))).text


def test_what_may_be_a_reply_is_decided_in_the_inbox(house: House, run_id: int) -> None:
    with house.db.work() as uow:
        _pause(uow, "possible_reply")
    ana = house.browser(Role.OUTREACH)
    assert post(ana, "/queue/start").headers["location"].startswith("/queue/")
    page = ana.get("/sequences/paused").text
    assert 'href="/inbox">Decide in the inbox' in page
    assert f"/sequences/runs/{run_id}" not in page
    with house.db.work() as uow:
        inbound_id = uow.session.execute(select(func.max(Inbound.id))).scalar_one()
        uow.session.add(
            BlockingEvent(
                prospect_id=_prospect(house, run_id), kind=Blocking.POSSIBLE_REPLY, inbound_id=inbound_id, at=uow.now()
            )
        )
    assert f'href="/inbox/{inbound_id}">Decide in the inbox' in ana.get("/sequences/paused").text


@pytest.mark.parametrize(("do", "after"), [("resume", RunState.ACTIVE), ("rest", RunState.PAUSED)])
def test_what_a_restore_may_have_sent_is_let_go_on_by_a_person(
    house: House, run_id: int, do: str, after: RunState
) -> None:
    with house.db.work() as uow:
        _pause(uow, RESTORED)
    ana = house.browser(Role.OUTREACH)
    assert post(ana, "/queue/start").headers["location"] == "/sequences/paused"
    for path in ("/sequences/paused", "/"):
        assert "The data was restored: the next mail may have left already" in ana.get(path).text, path
    assert post(ana, f"/sequences/runs/{run_id}", do=do).headers["location"] == f"/sequences/paused?did={do}"
    assert _state(house, run_id)[0] is after
    assert "The data was restored" not in ana.get("/sequences/paused").text


def test_only_what_stands_still_is_decided_there(house: House, run_id: int) -> None:
    """The rules are those of the server, whatever a form or a program sends."""
    ana = house.browser(Role.OUTREACH)
    for wrong in ({}, {"do": ""}, {"do": "stop"}):
        assert post(ana, f"/sequences/runs/{run_id}", **wrong).status_code == 422
    assert _state(house, run_id) == (RunState.PAUSED, "contract")
    with house.db.work() as uow:
        _pause(uow, "possible_reply")
    for do in ("rest", "resume"):
        assert post(ana, f"/sequences/runs/{run_id}", do=do).status_code == 409
    assert _state(house, run_id) == (RunState.PAUSED, "possible_reply")
    with house.db.work() as uow:
        run = uow.session.get_one(SequenceRun, run_id)
        run.state, run.end_reason = RunState.ACTIVE, None
    assert post(ana, f"/sequences/runs/{run_id}", do="rest").status_code == 409
    assert _state(house, run_id) == (RunState.ACTIVE, None)


def test_whom_start_has_led_is_known_of_the_person_and_not_of_the_browser(house: House, run_id: int) -> None:
    ana = house.browser(Role.OUTREACH)
    assert post(ana, "/queue/start").headers["location"] == "/sequences/paused"
    elsewhere, ben = house.browser(Role.OUTREACH), house.browser(Role.LEAD)
    assert post(elsewhere, "/queue/start").headers["location"].startswith("/queue/")
    mine = ben.cookies["gapbridge"]
    ben.cookies.update(ana.cookies)
    ben.cookies.set("gapbridge", mine)
    assert post(ben, "/queue/start").headers["location"] == "/sequences/paused", "the next one in the same browser"


def _prospect(house: House, run_id: int) -> int:
    with house.db.read() as uow:
        return int(uow.session.get_one(SequenceRun, run_id).prospect_id)
