"""Imports and received mail by the API."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.domain.blocking import Blocking
from app.gaps import imports, takebacks
from app.models import AuditEvent, Competitor, Inbound
from app.prospects import service as prospects
from tests.support.desk import furnish
from tests.support.http import House
from tests.support.world import a_site

EXPORT = "source,target,rel,authority\nhttps://editor.test/a,https://alpha.test/x,dofollow,60\nhttps://other.test/b,https://alpha.test/x,nofollow,20\nhttps://acme.test/own,https://alpha.test/x,dofollow,50\n"


def test_an_export_becomes_prospects_once(house: House) -> None:
    api = house.api()
    with house.db.work() as uow:
        site = a_site(uow)
        uow.session.add(Competitor(site_id=site.id, domain="alpha.test", created_at=uow.now()))
        number = site.id

    def send(**headers: str) -> Any:
        return api.post(
            "/api/v1/imports",
            data={"site_id": str(number), "target": "alpha.test", "format": "generic"},
            files={"file": ("../../etc/ex\u0000port.csv", EXPORT.encode(), "text/csv")},
            headers=headers,
        )

    alone = send(**{"Idempotency-Key": "early"})
    assert alone.json()["prospects"] is None
    why = "There is no export of our own links (acme.test) yet; import one, from Search Console for example."
    assert alone.json()["not_yet"] == why
    ours = b"source,target\nhttps://friend.test/x,https://acme.test/a\n"
    form = {"site_id": str(number), "role": "ours", "format": "generic"}
    no_day = api.post("/api/v1/imports", data=form | {"as_of": "86400"}, files={"file": ("ours.csv", ours)})
    assert (no_day.status_code, no_day.json()["errors"][0]["field"]) == (422, "as_of")
    dated = api.post("/api/v1/imports", data=form | {"as_of": "2026-05-30"}, files={"file": ("ours.csv", ours)})
    assert (dated.status_code, dated.json()["snapshots"][0]["as_of"]) == (200, "2026-05-30")
    first = send(**{"Idempotency-Key": "i"})
    assert first.status_code == 200, first.text
    assert first.json()["again"] is True
    assert "/" not in first.json()["snapshots"][0]["filename"]
    replayed = send(**{"Idempotency-Key": "i"})
    assert replayed.headers["idempotency-replayed"] == "true"
    assert replayed.content == first.content
    domains = {row["domain"] for row in api.get("/api/v1/prospects").json()["items"]}
    assert domains == {"editor.test", "other.test"}
    listed = api.get("/api/v1/imports").json()["items"]
    assert len(listed) == 2
    assert api.get(f"/api/v1/imports/{listed[0]['id']}").json() == listed[0]
    assert "rejected" in listed[0]["report"]
    assert api.get("/api/v1/imports/999").status_code == 404
    gone = api.delete(f"/api/v1/imports/{listed[0]['id']}")
    assert gone.status_code == 202, gone.text
    assert (gone.json()["id"], gone.json()["state"]) == (listed[0]["id"], "queued")
    # Until a worker has done it nothing has changed, and asked again it is the same run.
    assert len(api.get("/api/v1/imports").json()["items"]) == 2
    assert api.delete(f"/api/v1/imports/{listed[0]['id']}").json() == gone.json()
    with house.db.read() as uow:
        asked = [one.actor for one in uow.session.execute(select(AuditEvent)).scalars() if one.verb == "takeback.asked"]
        assert list(imports.being_taken_back(uow)) == [listed[0]["id"]]
    assert len(asked) == 1
    takebacks.run(house.container, gone.json()["job"])
    assert [one["id"] for one in api.get("/api/v1/imports").json()["items"]] == [listed[1]["id"]]
    assert api.delete(f"/api/v1/imports/{listed[0]['id']}").status_code == 404
    broken = api.post("/api/v1/imports", data={"site_id": "1"}, files={"file": ("x.csv", b"\x00\xff", "text/csv")})
    assert (broken.status_code, broken.headers["content-type"]) == (422, "application/problem+json")
    assert "/tmp" not in broken.json()["detail"]
    assert "x.csv" in broken.json()["detail"]
    missing = api.post("/api/v1/imports", data={"site_id": "99"}, files={"file": ("x.csv", EXPORT.encode())})
    assert missing.status_code == 404


def test_messages_are_read_and_decided(house: House) -> None:
    api = house.api()
    ids = furnish(house)
    listed = api.get("/api/v1/messages?matched=true&limit=1").json()
    rest = api.get(f"/api/v1/messages?matched=true&cursor={listed['next']}").json()
    assert [row["id"] for row in listed["items"] + rest["items"]] == [2, 1]
    assert "text" not in listed["items"][0]
    assert "short blurb" in api.get("/api/v1/messages/1").json()["text"]
    assert api.post("/api/v1/messages/1/dismiss").status_code == 409
    with house.db.work() as uow:
        prospects.block(uow, ids["sent.test"], Blocking.POSSIBLE_REPLY, inbound_id=2)
    assert api.get("/api/v1/messages/2").json()["possible_reply"] is True
    assert api.post("/api/v1/messages/2/dismiss").json()["possible_reply"] is False
    handled = api.post("/api/v1/messages/1/handled", json={"intent": "question"}).json()
    assert (handled["intent"], handled["handled_by"]) == ("question", "key:crm")
    assert {row["id"] for row in api.get("/api/v1/messages?handled=false").json()["items"]} == {3, 4}
    with house.db.work() as uow:
        row = uow.session.get(Inbound, 2)
        row.prospect_id = None
    assert api.post("/api/v1/messages/2/reply", json={}).status_code == 409
    assert api.post("/api/v1/messages/2/reply", json={"prospect_id": 999}).status_code == 422
    confirmed = api.post("/api/v1/messages/2/reply", json={"prospect_id": ids["sent.test"]}).json()
    assert (confirmed["kind"], confirmed["match_kind"]) == ("reply", "by-hand")
    assert api.post("/api/v1/messages/2/suppress").status_code == 409
    with house.db.work() as uow:
        uow.session.get(Inbound, 2).prospect_id = None
    assert api.post("/api/v1/messages/2/suppress").json()["handled_by"] == "key:crm"
    with house.db.read() as uow:
        address = uow.session.get(Inbound, 2).from_address
    assert api.post("/api/v1/suppressions/test", json={"address": address}).json()["allowed"] is False
    open_ones = api.get("/api/v1/conversations?state=open").json()["items"]
    assert {line["domain"] for line in open_ones} == {"unsure.test", "sent.test"}
    thread = api.get(f"/api/v1/conversations/{open_ones[0]['id']}/messages").json()
    assert {line["direction"] for line in thread} <= {"in", "out"}
    assert api.get("/api/v1/conversations/999/messages").status_code == 404
