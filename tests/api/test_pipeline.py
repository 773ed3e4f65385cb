"""Prospects, pitches, the outbox, links, mailboxes and suppressions by the API."""

from __future__ import annotations

from typing import Any

import pytest

from app.api.door import encode_cursor
from app.domain.delivery import OutboundState
from app.domain.link_watch import DayState, Trouble
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
from app.jobs import Job, RecordingDispatcher
from app.models import Link, LinkCheck, LinkState, Outbound
from tests.support.http import House
from tests.support.world import a_contact, a_mailbox, a_page, a_prospect, a_site

P = "/api/v1/prospects"


def ready(house: House) -> int:
    """A prospect whose pitch may be approved."""
    with house.db.work() as uow:
        site = a_site(uow)
        a_page(uow, site)
        prospect = a_prospect(uow, site, stage=Stage.CHECKED_MENTION, mention=MentionVerdict.NO_MENTION, tier=1)
        prospect.best_page_title, prospect.competitors = "The checklist", ["rival.test"]
        prospect.target = "https://rival.test/onboarding-guide"
        a_contact(uow, prospect)
        mailbox = a_mailbox(uow)
        mailbox.secret = house.container.vault.seal("secret", f"mailbox:{mailbox.id}:secret")
        return prospect.id


def test_a_prospect_is_taken_once_by_domain_and_by_external_id(house: House, dispatcher: RecordingDispatcher) -> None:
    api = house.api()
    with house.db.work() as uow:
        site = a_site(uow).id
    first = api.post(P, json={"site_id": site, "domain": "https://www.editor.test/x", "external_id": "crm-1"})
    assert (first.status_code, first.json()["created"], first.json()["domain"]) == (200, True, "editor.test")
    assert (Job.MENTIONS_CHECK, first.json()["id"]) in dispatcher.rung
    path = f"/api/v1/sites/{site}/prospects/by-external-id/crm-1"
    again = api.put(path, json={"domain": "editor.test"})
    assert (again.json()["id"], again.json()["created"]) == (first.json()["id"], False)
    assert api.put(path, json={"domain": "other.test"}).status_code == 409
    assert api.post(P, json={"site_id": site, "domain": "editor.test", "external_id": "crm-2"}).status_code == 409
    assert api.post(P, json={"site_id": site, "domain": "blog.acme.test"}).status_code == 422
    assert api.post(P, json={"site_id": 99, "domain": "editor.test"}).status_code == 404


def test_pages_of_prospects_hold_each_once_in_the_order_of_the_queue(house: House) -> None:
    with house.db.work() as uow:
        site = a_site(uow)
        for n in range(23):
            a_prospect(uow, site, f"p{n:02}.test", tier=1 + n % 3, rank_key=f"{1 + n % 3}{n:02}")
    api = house.api()
    seen: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = api.get(f"{P}?limit=5{cursor}").json()
        seen += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len({row["id"] for row in seen}) == 23
    assert [row["tier"] for row in seen] == sorted(row["tier"] for row in seen)
    assert {row["tier"] for row in api.get(f"{P}?tier=2&stage=prospect").json()["items"]} == {2}
    assert seen[0]["authority"] is None
    for wrong in ("x", "bnVsbA", "WzFd", "WyJcdTAwMDAiLDFd", "WyJhIiwgMTAwMDAwMDAwMDAwMF0"):
        assert api.get(f"{P}?cursor={wrong}").status_code == 422, wrong


def test_transitions_are_refused_with_409_where_the_table_or_a_guard_says_so(house: House) -> None:
    api = house.api()
    number = ready(house)
    path = f"{P}/{number}/transitions"
    for event in ("pitch_sent", "follow_up_sent", "link_lost", "link_seen", "reopen", "mention_checked"):
        answer = api.post(path, json={"event": event})
        assert (answer.status_code, answer.json()["code"] in ("illegal-transition", "conflict")) == (409, True), event
    assert api.post(path, json={"event": "sold"}).status_code == 422
    assert api.post(path, json={"event": "give_up", "reason": "bored"}).status_code == 422
    assert api.post(path, json={"event": "give_up", "reason": "declined"}).json()["to_stage"] == "lost"
    assert api.post(path, json={"event": "give_up", "reason": "declined"}).status_code == 409
    assert api.post(path, json={"event": "reopen", "reason": "new editor"}).json()["to_stage"] == "prospect"
    won = api.post(path, json={"event": "link_seen", "reason": "seen in print", "url": "https://editor.test/a"})
    assert won.json()["to_stage"] == "won"
    link = api.get("/api/v1/links").json()["items"][0]
    assert (link["verified"], link["override_reason"]) == (False, "seen in print")
    events = api.get("/api/v1/events?limit=2").json()
    rest = api.get(f"/api/v1/events?cursor={events['next']}").json()
    assert [line["event"] for line in events["items"] + rest["items"]][:2] == ["give_up", "reopen"]
    assert api.get(f"/api/v1/events?cursor={rest['next']}").json()["items"] == []


def test_a_pitch_is_proposed_edited_approved_undone_and_seen_in_the_outbox(house: House) -> None:
    api = house.api()
    number = ready(house)
    pitch = api.post(f"{P}/{number}/pitches").json()
    path = f"/api/v1/pitches/{pitch['id']}"
    assert pitch["refusals"] == [], pitch
    assert 0 < pitch["words"] < 150
    stale = {"version": pitch["version"] + 1, "subject": "S", "body_text": "B"}
    assert api.patch(path, json=stale).status_code == 409
    long = {"version": pitch["version"], "subject": pitch["subject"], "body_text": "word " * 150 + pitch["body_text"]}
    edited = api.patch(path, json=long).json()
    assert edited["edited"]
    refused = api.post(f"{path}/approve", json={"version": edited["version"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "refused")
    assert refused.json()["reasons"]
    fixed = api.patch(path, json={**long, "version": edited["version"], "body_text": pitch["body_text"]}).json()
    approved = api.post(f"{path}/approve", json={"version": fixed["version"]}, headers={"Idempotency-Key": "a"})
    assert approved.status_code == 200, approved.text
    row = api.get(f"/api/v1/outbox/{approved.json()['outbound_id']}").json()
    assert (row["state"], row["waiting"]["reason"], row["attempts"]) == ("QUEUED", "undo-window", [])
    assert "raw" not in row
    assert [line["id"] for line in api.get("/api/v1/outbox?state=QUEUED").json()["items"]] == [row["id"]]
    decided = api.post(f"/api/v1/outbox/{row['id']}/decision", json={"decision": "treat-as-sent"})
    assert decided.status_code == 409
    titles = [line["title"] for line in api.get(f"{P}/{number}/timeline").json()]
    assert "pitch_approved" in titles
    assert row["subject"] in titles
    assert api.post(f"{path}/undo").json()["state"] == "draft"
    assert api.get(f"/api/v1/outbox/{row['id']}").json()["state"] == "CANCELLED"


@pytest.mark.parametrize(("decision", "state"), [("treat-as-sent", "SENT"), ("send-again", "QUEUED")])
def test_an_ambiguous_mail_is_decided_by_a_person(house: House, decision: str, state: str) -> None:
    api = house.api()
    number = ready(house)
    pitch = api.post(f"{P}/{number}/pitches").json()
    made = api.post(f"/api/v1/pitches/{pitch['id']}/approve", json={"version": pitch["version"]}).json()
    with house.db.work() as uow:
        uow.session.get(Outbound, made["outbound_id"]).state = OutboundState.AMBIGUOUS
    path = f"/api/v1/outbox/{made['outbound_id']}"
    assert api.get(path).json()["waiting"]["reason"] == "ambiguous"
    assert api.post(f"{path}/decision", json={"decision": decision}).json()["state"] == state
    assert api.post(f"{path}/decision", json={"decision": decision}).status_code == 409


def test_a_link_is_checked_on_demand(house: House, dispatcher: RecordingDispatcher) -> None:
    with house.db.work() as uow:
        prospect = a_prospect(uow, a_site(uow))
        link = Link(
            site_id=prospect.site_id,
            prospect_id=prospect.id,
            source_url="https://editor.test/a",
            state=LinkState.LIVE,
            verified=True,
            first_seen_at=uow.now(),
        )
        uow.session.add(link)
    answer = house.api().post("/api/v1/links/1/check")
    assert (answer.status_code, answer.json()["state"]) == (202, "live")
    assert (Job.LINKS_CHECK, 1) in dispatcher.rung
    assert house.api().post("/api/v1/links/2/check").status_code == 404


def test_lost_links_and_the_strip_of_their_days(house: House) -> None:
    with house.db.work() as uow:
        prospect = a_prospect(uow, a_site(uow), stage=Stage.CHECKED_MENTION)
        for number, trouble in enumerate((Trouble.REMOVED, Trouble.PAGE_GONE)):
            lost = Link(
                site_id=prospect.site_id,
                prospect_id=prospect.id,
                source_url=f"https://editor.test/{number}",
                state=LinkState.LOST,
                verified=True,
                first_seen_at=uow.now(),
                first_missing_at=uow.now(),
                lost_at=uow.now(),
                trouble=trouble,
            )
            uow.session.add(lost)
            uow.session.flush()
            check = LinkCheck(
                link_id=lost.id,
                verdict="no-mention",
                good_fetch=True,
                state=DayState.LOST,
                trouble=trouble,
                at=uow.now(),
            )
            uow.session.add(check)
    api = house.api()
    first = api.get("/api/v1/links/recovery?limit=1").json()
    assert (first["items"][0]["link_id"], first["items"][0]["trouble"]) == (2, "page-gone")
    rest = api.get(f"/api/v1/links/recovery?cursor={first['next']}").json()
    assert ([row["link_id"] for row in rest["items"]], rest["next"]) == ([1], None)
    assert api.get("/api/v1/links/recovery?kind=changed").json()["items"] == []
    assert api.get(f"/api/v1/links/recovery?cursor={encode_cursor('yesterday', 1)}").status_code == 422
    days = api.get("/api/v1/links/2/history?days=7").json()["days"]
    assert (len(days), days[-1]["state"], days[-1]["trouble"], days[0]["state"]) == (7, "lost", "page-gone", "none")
    assert api.get("/api/v1/links/3/history").status_code == 404


def test_a_mailboxs_password_never_comes_back(house: House) -> None:
    api = house.api()
    body = {
        "email": "ana@acme.test",
        "from_name": "Ana",
        "password": "canary-secret",
        "smtp_host": "mail.acme.test",
        "smtp_port": 465,
        "imap_host": "mail.acme.test",
        "imap_port": 993,
    }
    made = api.post("/api/v1/mailboxes", json=body, headers={"Idempotency-Key": "m"})
    assert made.status_code == 201, made.text
    wrong = api.post("/api/v1/mailboxes", json={**body, "time_zone": "Nowhere", "email": "x@acme.test"})
    assert [line["field"] for line in wrong.json()["errors"]] == ["time_zone"]
    for answer in (made, wrong, api.get("/api/v1/mailboxes"), api.post("/api/v1/mailboxes", json=body)):
        assert "canary-secret" not in answer.text
        assert "secret" not in answer.json() or answer is made
    from sqlalchemy import text

    with house.db.read() as uow:
        for table in ("mailbox", "idempotency_key"):
            rows = uow.session.execute(text(f"SELECT * FROM {table}")).all()
            assert rows
            assert "canary-secret" not in repr(rows)


def test_suppressions_are_kept_once(house: House) -> None:
    api = house.api()
    body = {"kind": "address", "value": "Dana@editor.test", "reason": "asked"}
    assert api.post("/api/v1/suppressions", json=body).json()["value"] == "dana@editor.test"
    assert api.post("/api/v1/suppressions", json={**body, "reason": "again"}).json()["reason"] == "asked"
    assert len(api.get("/api/v1/suppressions").json()["items"]) == 1


def test_a_suppression_can_be_tried_imported_and_removed_by_a_lead_only(house: House) -> None:
    api = house.api()
    taken = api.post("/api/v1/suppressions/import", json={"text": "dana@editor.test\nbroken row\n*@press.*\n"}).json()
    assert (taken["added"], taken["rejected"], taken["rejected_rows"][0]["line"]) == (2, 1, 2)
    tried = api.post("/api/v1/suppressions/test", json={"address": "x@press.test"}).json()
    assert tried["allowed"] is False
    assert tried["rules"][0]["value"] == "*@press.*"
    assert api.post("/api/v1/suppressions/test", json={"address": "x@free.test"}).json() == {
        "allowed": True,
        "rules": [],
    }
    gone = api.post(f"/api/v1/suppressions/{tried['rules'][0]['id']}/remove", json={"reason": "a mistake"})
    assert gone.json()["reason_was"] == "imported"
    wish = api.post(
        "/api/v1/suppressions", json={"kind": "address", "value": "tom@editor.test", "reason": "unsubscribed"}
    ).json()
    refused = api.post(f"/api/v1/suppressions/{wish['id']}/remove", json={"reason": "we want to write"})
    assert refused.status_code == 403
    assert api.post("/api/v1/suppressions/test", json={"address": "tom@editor.test"}).json()["allowed"] is False
    wrong = api.post("/api/v1/suppressions", json={"kind": "pattern", "value": "*@*", "reason": "x"})
    assert wrong.status_code == 422


def test_mail_and_people_are_for_those_who_may_read_mail(house: House) -> None:
    """A key that reads prospects sees that something happened with them, and neither whom one writes to nor a word of it."""
    api, number = house.api(), ready(house)
    pitch = api.post(f"{P}/{number}/pitches").json()
    approved = api.post(f"/api/v1/pitches/{pitch['id']}/approve", json={"version": pitch["version"]})
    assert approved.status_code == 200, approved.text
    reader = house.api(["prospects:read"])
    seen = reader.get(f"{P}/{number}/timeline")
    assert {line["kind"] for line in api.get(f"{P}/{number}/timeline").json()} - {
        line["kind"] for line in seen.json()
    } == {"mail-out"}
    assert "dana@" not in seen.text
    assert reader.get(f"{P}/{number}/contacts").status_code == 403
    assert api.get(f"{P}/{number}/contacts").status_code == 200
