"""The pages of users and API keys."""

from __future__ import annotations

import re
from typing import Any

from app.models import Role
from app.team import users
from tests.support.http import House
from tests.web.test_access import csrf_of


def post(browser: Any, path: str, **data: Any) -> Any:
    return browser.post(path, data={"csrf": csrf_of(browser.get("/")), **data})


def test_people_are_added_given_roles_and_shut_out(house: House) -> None:
    boss = house.browser(Role.OPERATOR)
    given = {"name": "Ben", "email": "ben@acme.test", "role": "lead", "password": "short"}
    wrong = post(boss, "/settings/users", **given)
    assert (wrong.status_code, 'href="#f-password"' in wrong.text, 'value="Ben"' in wrong.text) == (422, True, True)
    assert 'value="short"' not in wrong.text
    assert post(boss, "/settings/users", **{**given, "password": "correct horse battery"}).status_code == 303
    with house.db.read() as look:
        ben, me = users.by_email(look, "ben@acme.test"), users.by_email(look, "operator@acme.test")
    assert ben is not None
    assert me is not None
    alone = post(boss, f"/settings/users/{me.id}", role="lead", active="on")
    assert (alone.status_code, "only operator" in alone.text) == (409, True)
    assert post(boss, f"/settings/users/{me.id}", role="operator").status_code == 409, "nor signed out"
    assert post(boss, f"/settings/users/{ben.id}", role="king", active="on").status_code == 422

    lead = house.browser(Role.LEAD)
    with house.db.read() as look:
        other = users.by_email(look, "lead@acme.test")
    assert other is not None
    assert post(boss, f"/settings/users/{other.id}/password", password="short").status_code == 422
    assert lead.get("/").status_code == 200
    assert post(boss, f"/settings/users/{other.id}/password", password="another horse battery").status_code == 303
    assert lead.get("/").status_code == 303, "a new password ends what the former one opened"
    lead = house.browser(Role.LEAD)
    assert post(boss, f"/settings/users/{other.id}", role="lead", active="on").status_code == 303
    assert lead.get("/").status_code == 200, "nothing was changed"
    assert post(boss, f"/settings/users/{other.id}", role="viewer", active="on").status_code == 303
    assert lead.get("/").status_code == 303, "another role needs another session"
    assert post(boss, f"/settings/users/{other.id}", role="lead", active="on").status_code == 303
    lead = house.browser(Role.LEAD)
    assert post(boss, f"/settings/users/{other.id}", role="lead").status_code == 303
    assert lead.get("/").status_code == 303
    assert post(boss, f"/settings/users/{other.id}", role="lead", active="on").status_code == 303
    assert lead.get("/").status_code == 303, "coming back opens no former session"


def test_a_key_is_shown_once_and_ends_when_it_is_revoked(house: House) -> None:
    boss = house.browser(Role.OPERATOR)
    assert "No keys yet." in boss.get("/settings/keys").text
    wrong = post(boss, "/settings/keys", name="CRM")
    assert (wrong.status_code, 'href="#f-scopes"' in wrong.text, 'value="CRM"' in wrong.text) == (422, True, True)
    assert post(boss, "/settings/keys", name="CRM", **{"scope-team:write": "on"}).status_code == 422
    made = post(boss, "/settings/keys", name="CRM", **{"scope-prospects:read": "on"})
    found = re.search(r"gbk_[\w-]{30,}", made.text)
    assert found
    assert made.headers["cache-control"] == "no-store"
    assert found[0] not in boss.get("/settings/keys").text
    caller = house.stranger()
    caller.headers["Authorization"] = f"Bearer {found[0]}"
    assert caller.get("/api/v1/prospects").status_code == 200
    assert post(boss, "/settings/keys/1/revoke").status_code == 303
    assert caller.get("/api/v1/prospects").status_code == 401
    assert "revoked" in boss.get("/settings/keys").text
