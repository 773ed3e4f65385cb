"""The page of the audit: what people do on the pages stands in it under their names, with filters and files."""

from __future__ import annotations

import json
from typing import Any

from app.audit import service as audit
from app.models import Role
from tests.support.http import House
from tests.web.test_team_pages import post


def test_an_act_on_a_page_stands_in_the_audit_under_its_person(house: House) -> None:
    boss = house.browser(Role.OPERATOR)
    given = {"name": "Ben", "email": "ben@acme.test", "role": "lead", "password": "correct horse battery"}
    assert post(boss, "/settings/users", **given).status_code == 303
    with house.db.read() as look:
        from app.team import users

        ben = users.by_email(look, "ben@acme.test")
    assert ben is not None
    assert post(boss, f"/settings/users/{ben.id}", role="viewer", active="on").status_code == 303
    page = house.browser(Role.LEAD).get("/audit?actor=operator@acme.test").text
    assert page.count("operator@acme.test</strong>") == 2
    assert "<del>" in page
    assert "lead" in page
    assert "viewer" in page
    program = house.api(["suppressions:write"])
    assert (
        program.post(
            "/api/v1/suppressions", json={"value": "no@x.test", "kind": "address", "reason": "asked"}
        ).status_code
        < 300
    )
    assert "key:crm" in boss.get("/audit?kind=suppression").text


def test_filters_stand_in_the_address_and_pages_follow_each_other(house: House) -> None:
    boss = house.browser(Role.OPERATOR)
    with house.db.work() as uow:
        for number in range(120):
            audit.record(uow, "template.saved", "template", f"t{number}", actor="ana" if number % 2 else "ben")
    seen: list[str] = []
    path: str | None = "/audit?actor=ana"
    while path:
        text = boss.get(path).text
        seen += [f"t{number}" for number in range(120) if f">t{number}</a>" in text]
        found = text.partition('<p class="more" id="more"><a class="button" href="')[2]
        path = found.partition('"')[0].replace("&amp;", "&") if found else None
    assert sorted(seen) == sorted({f"t{number}" for number in range(1, 120, 2)})
    assert "Nothing fits these filters." in boss.get("/audit?actor=nobody").text
    wrong = boss.get("/audit?since=yesterday")
    assert (wrong.status_code, 'href="#f-since"' in wrong.text, 'value="yesterday"' in wrong.text) == (422, True, False)
    # A browser complains of a date field that holds no date; what was given is in the sentence.
    assert "“yesterday” is no day and was left out" in wrong.text
    assert boss.get("/audit?before=x_y_z").status_code == 200
    assert boss.get("/audit?since=2026-06-01&until=2026-06-01").text.count('<p class="line"><span>') == 50


def test_the_files_are_what_is_shown(house: House) -> None:
    boss = house.browser(Role.OPERATOR)
    with house.db.work() as uow:
        audit.record(uow, "site.created", "site", 1, name="=cmd()", actor="ana")
        audit.record(uow, "key.created", "key", 1, actor="ben")
    made: Any = boss.get("/audit/export.csv?actor=ana")
    assert made.headers["content-type"].startswith("text/csv")
    assert (len(made.text.splitlines()), "'=cmd()" in made.text) == (2, True)
    told = boss.get("/audit/export.json?actor=ana").text.splitlines()
    assert [json.loads(line)["name"] for line in told] == ["=cmd()"]
    assert boss.get("/audit/export.csv?since=x").status_code == 422


def test_what_an_erasure_blanked_says_so(house: House) -> None:
    with house.db.work() as uow:
        audit.record(uow, "suppression.added", "suppression", 1, name="[erased]")
    assert "redacted: a person was erased" in house.browser(Role.OPERATOR).get("/audit").text
