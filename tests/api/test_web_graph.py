"""The web graph by the API: whether it can be read, a run of it, and the verification of a site."""

from __future__ import annotations

from starlette.testclient import TestClient

from app.models import Competitor
from tests.api.test_frame import problem_of
from tests.support.http import House
from tests.support.world import a_prospect, a_site


def test_state_runs_and_verification(house: House, api: TestClient) -> None:
    with house.db.work() as uow:
        site = a_site(uow)
        uow.session.add(Competitor(site_id=site.id, domain="alpha.test", created_at=uow.now()))
        a_prospect(uow, site, "claim.test", verification="to-verify")
    here = api.get("/api/v1/web-graph").json()
    assert (here["release"], here["reason"]) == (None, "no-graph")
    assert "gapbridge gap discover" in here["refusal"]
    refused = problem_of(api.post("/api/v1/web-graph/runs", json={"site_id": 1}), 409, "refused")
    assert [one["reason"] for one in refused["reasons"]] == ["no-graph"]
    object.__setattr__(house.container.settings, "web_graph", "/srv/graphs/cc-main-domain")
    assert api.get("/api/v1/web-graph").json()["refusal"] is None
    started = api.post("/api/v1/web-graph/runs", json={"site_id": 1})
    assert (started.status_code, started.json()["kind"]) == (202, "discover")
    problem_of(api.post("/api/v1/web-graph/runs", json={"site_id": 1}), 409, "conflict")
    place = "/api/v1/sites/1/verification"
    assert api.get(place).json()["unasked"] == 1
    asked = api.post(place, json={"limit": 5})
    assert (asked.status_code, asked.json()["waiting"]) == (202, 1)
    assert api.delete(place).json()["waiting"] == 0
    problem_of(api.get("/api/v1/sites/9/verification"), 404, "not-found")
    problem_of(api.post("/api/v1/sites/9/verification", json={}), 404, "not-found")
