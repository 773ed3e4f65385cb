"""Floors, removals and what was taken back of them, by the API."""

from __future__ import annotations

from app.models import RemovedGap
from tests.support.http import House
from tests.support.world import a_prospect, a_site


def _furnish(house: House) -> int:
    with house.db.work() as uow:
        site = a_site(uow)
        for number, rule in enumerate(("directory", "directory", "competitor")):
            uow.session.add(
                RemovedGap(
                    site_id=site.id, domain=f"row-{number}.test", removed_by=[rule], seen="domain: x", tier=1,
                    rank_key=f"1{number}", best_page=f"https://row-{number}.test/",
                )
            )  # fmt: skip
        paid = a_prospect(uow, site, "paid.test", tier=2, gate="paid", rank_key="8100", winnability=5)
        paid.winnability_parts = [{"rule": "paid", "points": -45, "why": "sponsored", "seen": "flag: sponsored"}]
        paid.fit_unknown = "no-pages"
        return int(site.id)


def test_what_was_removed_is_listed_and_taken_back(house: House) -> None:
    site, api = _furnish(house), house.api()
    where = f"/api/v1/sites/{site}"
    first = api.get(f"{where}/removed-gaps?limit=2").json()
    rest = api.get(f"{where}/removed-gaps", params={"cursor": first["next"]}).json()
    assert [one["domain"] for one in first["items"] + rest["items"]] == ["row-0.test", "row-1.test", "row-2.test"]
    assert (first["items"][0]["removed_by"], first["items"][0]["seen"]) == (["directory"], "domain: x")
    row = api.post(f"{where}/kept-removals", json={"domain": "row-1.test"})
    assert (row.status_code, row.json()["rule"], row.json()["ended_at"]) == (201, "*", None)
    rule = api.post(f"{where}/kept-removals", json={"rule": "paid"})
    assert (rule.status_code, rule.json()["domain"]) == (201, None)
    assert [one["domain"] for one in api.get(f"{where}/removed-gaps").json()["items"]] == ["row-0.test", "row-2.test"]
    found = {one["domain"]: one for one in api.get("/api/v1/prospects", params={"site_id": site}).json()["items"]}
    assert set(found) == {"row-1.test", "paid.test"}
    paid = found["paid.test"]
    assert (paid["gate"], paid["winnability"], paid["winnability_parts"][0]["rule"]) == (None, 5, "paid")
    assert (paid["fit"], paid["fit_unknown"], paid["fit_words"]) == (None, "no-pages", [])
    for wrong in ({"domain": "row-2.test"}, {"rule": "nothing"}, {}):
        assert api.post(f"{where}/kept-removals", json=wrong).status_code == 422
    assert api.post(f"{where}/kept-removals", json={"domain": "none.test"}).status_code == 404
    ended = api.delete(f"{where}/kept-removals/{rule.json()['id']}")
    assert ended.json()["ended_by"] is not None
    assert [one["id"] for one in api.get(f"{where}/kept-removals").json()] == [row.json()["id"]]
    assert len(api.get(f"{where}/kept-removals?ended=true").json()) == 2


def test_floors_of_a_site(house: House) -> None:
    site, api = _furnish(house), house.api()
    floors = {"min_authority": 30, "min_traffic": None, "min_fit": 60, "languages": ["en-GB", "de"]}
    done = api.put(f"/api/v1/sites/{site}/floors", json=floors).json()
    assert (done["min_authority"], done["min_traffic"], done["min_fit"], done["languages"]) == (
        30,
        None,
        60,
        ["en", "de"],
    )
    assert api.put(f"/api/v1/sites/{site}/floors", json={"min_fit": 101}).status_code == 422
    assert api.put(f"/api/v1/sites/{site}/floors", json={"languages": ["!"]}).status_code == 422
    new = {"name": "Other", "domains": ["other.test"], "brand_names": ["Other"], "min_fit": 40, "languages": ["de-AT"]}
    made = api.post("/api/v1/sites", json=new).json()
    assert (made["min_fit"], made["languages"]) == (40, ["de"])
    changed = api.put(f"/api/v1/sites/{made['id']}", json={**new, "min_fit": None, "version": 1}).json()
    assert (changed["min_fit"], changed["languages"]) == (None, ["de"])
    for wrong in ({"min_fit": 101}, {"languages": ["!"]}):
        assert (
            api.post("/api/v1/sites", json={**new, "domains": ["third.test"], "name": "Third", **wrong}).status_code
            == 422
        )
