"""The pages of suppression: add, find, test, take in and out, and take away on record."""

from __future__ import annotations

from typing import Any

from sqlmodel import select

from app.models import Role, Suppression, SuppressionKind, SuppressionRemoval
from app.prospects import suppression
from tests.support.desk import furnish
from tests.support.http import House
from tests.web.test_access import csrf_of
from tests.web.test_pages import Counter


def post(browser: Any, path: str, **data: Any) -> Any:
    return browser.post(path, data={"csrf": csrf_of(browser.get("/")), **data})


def suppress(house: House, value: str, reason: str = "by hand", kind: str = "address") -> int:
    with house.db.work() as uow:
        return suppression.suppress(
            uow, house.container.vault, value, kind=SuppressionKind(kind), reason=reason, source="test", actor="ana"
        ).id


def test_rules_are_added_found_tested_and_listed_in_pages(house: House) -> None:
    furnish(house)
    lead, outreach = house.browser(Role.LEAD), house.browser(Role.OUTREACH)
    assert "No suppressed addresses." in lead.get("/suppression").text
    wrong = post(lead, "/suppression", kind="domain", value="not a domain")
    assert (wrong.status_code, 'href="#f-value"' in wrong.text, 'value="not a domain"' in wrong.text) == (
        422,
        True,
        True,
    )
    assert post(lead, "/suppression", kind="pattern", value="*@*.gov", site_id="1").status_code == 303
    assert post(lead, "/suppression", kind="domain", value="100%.test").status_code == 422
    for number in range(60):
        suppress(house, f"person{number}@many.test")
    stopped = post(outreach, "/suppression/test", address="Person7@many.test").text
    assert "is not written to" in stopped
    assert "this address must not be written to: by hand" in stopped
    assert "No rule stops" in post(outreach, "/suppression/test", address="x@fine.test").text
    assert post(outreach, "/suppression/test", address="x").status_code == 422
    first = outreach.get("/suppression").text
    assert ("person59@" in first, "person9@" in first) == (True, False)
    assert "before=" in first
    found = outreach.get("/suppression?q=PERSON9@").text
    assert ("person9@many.test" in found, "person59@" in found) == (True, False)
    assert "No rule holds this." in outreach.get("/suppression?q=%25").text, "a sign of LIKE is only a sign"
    assert "*@*.gov" in outreach.get("/suppression?site=1").text
    assert "Never write to" not in first
    counter = Counter(house)
    assert len(counter.during(outreach, "/suppression")) <= 8


def test_a_list_comes_in_with_a_report_and_goes_out(house: House) -> None:
    lead = house.browser(Role.LEAD)
    report = post(lead, "/suppression/import", text="a@one.test\nnot an entry at all @@\ntwo.test\n", name="old tool")
    assert "2 new, 0 known already, 1 not taken" in report.text
    assert "Line 2:" in report.text
    assert "0 new, 2 known already" in post(lead, "/suppression/import", text="a@one.test\ntwo.test\n").text
    assert post(lead, "/suppression/import", text=" ").status_code == 422
    out = post(house.browser(Role.OUTREACH), "/suppression/export")
    assert out.headers["content-type"].startswith("text/csv")
    assert "attachment" in out.headers["content-disposition"]
    assert "a@one.test" in out.text
    with house.db.read() as look:
        assert {row.source for row in look.session.exec(select(Suppression))} == {"old tool"}


def test_a_rule_goes_with_a_reason_on_record(house: House) -> None:
    number = suppress(house, "dana@sent.test", "unsubscribed")
    lead = house.browser(Role.LEAD)
    assert "The person has said no" in lead.get(f"/suppression/{number}").text
    assert "Take it away" not in house.browser(Role.OUTREACH).get(f"/suppression/{number}").text
    empty = post(lead, f"/suppression/{number}/remove", reason="")
    assert (empty.status_code, 'href="#f-reason"' in empty.text) == (422, True)
    done = post(lead, f"/suppression/{number}/remove", reason="They asked us to write again")
    assert done.headers["location"] == "/suppression?did=removed"
    with house.db.read() as look:
        kept = look.session.exec(select(SuppressionRemoval)).one()
        assert (kept.removed_by, kept.reason, kept.reason_was) == (
            "lead@acme.test", "They asked us to write again", "unsubscribed"
        )  # fmt: skip
        assert look.session.exec(select(Suppression)).all() == []


def test_a_search_is_no_notice_that_sending_is_held(house: House) -> None:
    page = house.browser(Role.OUTREACH).get("/suppression", params={"q": "nothing-like-it"}).text
    assert 'value="nothing-like-it"' in page
    assert "Nothing is sent." not in page
