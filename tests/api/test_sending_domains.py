"""Sending domains by the API: what was found, and what an operator lets pass."""

from __future__ import annotations

from app.domain.checks import CheckState
from app.jobs import Job, RecordingDispatcher
from app.models import SendingDomain, SendingDomainCheck
from tests.support.http import House


def test_the_api_shows_overrides_and_lifts(house: House, dispatcher: RecordingDispatcher) -> None:
    with house.db.work() as uow:
        row = SendingDomain(domain="acme-mail.com", due_at=uow.now(), created_at=uow.now(), hold_reason="dmarc")
        uow.session.add(row)
        uow.session.flush()
        uow.session.add(
            SendingDomainCheck(
                sending_domain_id=row.id, position=0, name="dmarc", state=CheckState.FAIL, found="none", fix="publish",
                checked_at=uow.now(),
            )
        )  # fmt: skip
    api = house.api()
    (shown,) = api.get("/api/v1/sending-domains").json()
    assert (shown["hold_reason"], shown["checks"][0]["fix"]) == ("dmarc", "publish")
    at = "/api/v1/sending-domains/acme-mail.com"
    assert api.post(f"{at}/override", json={"reason": "x", "checks": ["spf"]}).status_code == 422
    done = api.post(f"{at}/override", json={"reason": "on its way"}).json()
    assert (done["hold_reason"], done["override_checks"]) == (None, ["dmarc"])
    assert done["override_by"]
    assert api.delete(f"{at}/override").json()["hold_reason"]
    assert api.post(f"{at}/selectors", json={"selectors": ["s1"]}).json()["selectors"] == ["s1"]
    assert api.post(f"{at}/check").status_code == 200
    assert (Job.DOMAINS_CHECK, 1) in dispatcher.rung
    assert api.get("/api/v1/sending-domains").json()[0]["checks"][0]["state"] == "fail"
    assert api.post("/api/v1/sending-domains/nobody.com/check").status_code == 404
