"""The restore hold by the API and on the pages: who sees it, who ends it, and with which words."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from app.domain.delivery import OutboundState
from app.installation import hold
from app.models import Installation, OutboundKind, Role
from app.outbox import service
from app.team.principal import SCOPES
from tests.support.http import House
from tests.support.mailserver import PASSWORD, mail_server
from tests.support.world import a_contact, a_conversation, a_mailbox, a_prospect, a_site

HOLD = "/api/v1/installation/hold"
WHY = "The copy of Monday is the newest that there is."


@pytest.fixture
def held(house: House) -> House:
    hold.begin(house.db, house.container.settings)
    with house.db.work() as uow:
        hold.hold(uow, "its data is older than what this installation has already done")
    return house


def waits(house: House, imap_port: int) -> int:
    with house.db.work() as uow:
        mailbox = a_mailbox(uow, imap_port=imap_port)
        mailbox.secret = house.container.vault.seal(PASSWORD, f"mailbox:{mailbox.id}:secret")
        prospect = a_prospect(uow, a_site(uow), "zeitung.de")
        return service.enqueue(
            uow, house.container.vault, house.container.settings,
            conversation=a_conversation(uow, prospect, a_contact(uow, prospect), mailbox), kind=OutboundKind.PITCH,
            subject="Your checklist", body_text="Hello,\n\nyour page names us.\n", body_html=None, approved_by="ana",
            not_before=uow.now(),
        ).id  # fmt: skip


def release(api: TestClient, **body: Any) -> Any:
    return api.post(f"{HOLD}/release", json=body)


def test_a_person_reads_the_hold_and_ends_it_with_a_reason(house: House, api: TestClient) -> None:
    hold.begin(house.db, house.container.settings)
    free = api.get(HOLD).json()
    assert (free["held"], free["sentence"], free["waiting"]) == (False, None, 0)
    assert release(api, reason=WHY).status_code == 409
    with mail_server("ana@acme.test") as office:
        row_id = waits(house, office.imap_port)
        with house.db.work() as uow:
            hold.hold(uow, "its database was copied")
        shown = api.get(HOLD).json()
        assert (shown["held"], shown["reason"], shown["waiting"], shown["unsure"]) == (True, "restore-hold", 1, 1)
        assert "its database was copied" in shown["sentence"]
        for body in ({}, {"reason": ""}, {"reason": "   "}, {"reason": "x" * 501}):
            refused = release(api, **body)
            assert refused.status_code == 422
            assert [problem["field"] for problem in refused.json()["errors"]] == ["reason"]
        assert api.get(HOLD).json()["held"]
        done = release(api, reason=WHY)
        assert done.json() == {"found_sent": 0, "to_decide": 1, "waiting": 0, "unread": [], "opt_outs": 0, "paused": 0}
    after = api.get(HOLD).json()
    assert (after["held"], after["released_by"], after["released_reason"]) == (False, "key:crm", WHY)
    # What was due meanwhile waits for a person, and nothing else ends that.
    with house.db.read() as uow:
        assert service.get(uow, row_id).state is OutboundState.AMBIGUOUS
    assert release(api, reason=WHY).status_code == 409


def test_a_mailbox_that_cannot_be_read_keeps_the_hold_unless_a_person_says_otherwise(
    house: House, api: TestClient
) -> None:
    hold.begin(house.db, house.container.settings)
    waits(house, 1)
    with house.db.work() as uow:
        hold.hold(uow, "its database was copied")
    refused = release(api, reason=WHY)
    assert refused.status_code == 409
    assert refused.json()["reasons"][0]["reason"] == "mailbox-unread"
    assert api.get(HOLD).json()["held"]
    done = release(api, reason=WHY, despite_unread=True).json()
    assert (done["to_decide"], len(done["unread"])) == (1, 1)


def test_it_is_for_operators_only(held: House) -> None:
    with_rest = held.api(SCOPES - {"installation:write"})
    assert with_rest.get(HOLD).status_code == 200
    assert release(with_rest, reason=WHY).status_code == 403
    assert held.api(SCOPES - {"installation:read"}).get(HOLD).status_code == 403
    assert held.stranger().get(HOLD).status_code == 401
    for role, may in ((Role.VIEWER, False), (Role.OUTREACH, False), (Role.LEAD, False), (Role.OPERATOR, True)):
        from app.team.principal import ROLE_SCOPES

        assert ("installation:write" in ROLE_SCOPES[role]) is may


def test_every_page_says_it_as_long_as_it_holds(held: House) -> None:
    with held.db.work() as uow:
        a_site(uow)
    person = held.browser(Role.VIEWER)
    for path in ("/", "/pipeline"):
        page = person.get(path).text
        assert page.count("Nothing is sent.") == 1
        assert "older than what this installation has already done" in page
    german = person.get("/", headers={"Accept-Language": "de"}).text
    assert "Nichts wird gesendet." in german
    with held.db.work() as uow:
        hold.release(held.db, held.container.settings, uow, actor="ana", reason=WHY)
    assert "Nothing is sent." not in person.get("/").text
    with held.db.read() as uow:
        assert uow.session.get_one(Installation, 1).released_reason == WHY
