"""The gap review by the API: the filters of the page, a page at a time and as one file; and follow-ups that stand still."""

from __future__ import annotations

import csv
import io
from typing import Any, get_args

import pytest
from sqlalchemy import select

from app.api.v1.gap import Order, Scale, View
from app.domain.gap import PROVIDER_ORDER
from app.models import RunState, SequenceRun, Site
from app.reports.gap import ORDERS, VIEWS
from tests.support.desk import furnish
from tests.support.http import House
from tests.web.test_gap import gaps


def test_the_document_names_what_there_is() -> None:
    assert get_args(View) == tuple(VIEWS)
    assert get_args(Order) == ORDERS
    assert get_args(Scale) == PROVIDER_ORDER


@pytest.mark.parametrize("order", ORDERS)
def test_the_pages_of_an_order_follow_each_other(house: House, order: str) -> None:
    site, api = gaps(house.db), house.api()
    whole = api.get("/api/v1/gap", params={"site_id": site, "order": order}).json()["items"]
    found: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"site_id": site, "order": order, "limit": 2}
    while True:
        page = api.get("/api/v1/gap", params=asked).json()
        found += page["items"]
        if page["next"] is None:
            break
        asked["cursor"] = page["next"]
    assert found == whole
    assert len(found) == 7


def test_floors_hide_by_the_api_as_on_the_page(house: House) -> None:
    site, api = gaps(house.db), house.api()
    asked = {"site_id": site, "authority": 50, "traffic": 1000, "order": "domain"}
    found = api.get("/api/v1/gap", params=asked).json()["items"]
    assert [one["domain"] for one in found] == ["other-scale.test", "strong.test", "unknown.test"]
    assert found[1]["linking"] == {"alpha.test": True}
    file = api.get("/api/v1/gap/export", params=asked)
    assert file.headers["content-type"].startswith("text/csv")
    assert [row["domain"] for row in csv.DictReader(io.StringIO(file.text))] == [one["domain"] for one in found]
    known = api.get("/api/v1/gap", params={**asked, "known_only": True}).json()["items"]
    assert [one["domain"] for one in known] == ["strong.test"]
    with house.db.work() as uow:
        uow.session.get_one(Site, site).languages = ["de"]
    assert api.get("/api/v1/gap", params={**asked, "language": True, "known_only": True}).json()["items"] == []
    assert api.get("/api/v1/gap/export", params={"site_id": 99}).status_code == 404
    ranked = api.get("/api/v1/gap", params={"site_id": site, "limit": 1}).json()["next"]
    for wrong in ({"site_id": 99},):
        assert api.get("/api/v1/gap", params=wrong).status_code == 404
    for wrong in ({"view": "x"}, {"fit": 101}, {"order": "traffic", "cursor": ranked}, {"cursor": "x"}):
        refused = api.get("/api/v1/gap", params={"site_id": site, **wrong})
        assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json"), wrong


def test_follow_ups_that_stand_still_go_on_or_rest(house: House) -> None:
    furnish(house)
    api = house.api()
    with house.db.work() as uow:
        run: Any = uow.session.execute(select(SequenceRun).order_by(SequenceRun.id.desc())).scalars().first()  # type: ignore[attr-defined]
        run.state, run.end_reason, run.due_at = RunState.PAUSED, "contract", None
        number = int(run.id)
    [stands] = api.get("/api/v1/sequence-runs/paused?rested=false").json()["items"]
    assert (stands["id"], stands["reason"], stands["domain"]) == (number, "contract", "sent.test")
    where = f"/api/v1/sequence-runs/{number}"
    assert api.post(f"{where}/rest").json()["end_reason"] == "staff_stop"
    assert api.get("/api/v1/sequence-runs/paused?rested=false").json()["items"] == []
    assert len(api.get("/api/v1/sequence-runs/paused").json()["items"]) == 1
    assert api.post(f"{where}/resume").json()["state"] == "active"
    for verb in ("rest", "resume"):
        assert api.post(f"{where}/{verb}").status_code == 409
        assert api.post(f"/api/v1/sequence-runs/999/{verb}").status_code == 404
    whole = f"/api/v1/prospects/{stands['prospect_id']}/follow-ups/stop"
    stopped = api.post(whole).json()
    assert (stopped["id"], stopped["state"], stopped["end_reason"]) == (number, "paused", "staff_stop")
    assert api.post(whole).status_code == 409
    assert api.post("/api/v1/prospects/999/follow-ups/stop").status_code == 404
