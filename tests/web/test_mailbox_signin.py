"""A person signs a mailbox in by the browser, a program by the API, and an operator by the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import select

from app.clock import FixedClock
from app.jobs import RecordingDispatcher
from app.models import Mailbox, MailboxOAuth, Role
from app.settings import Settings
from tests.support.commands import Shell
from tests.support.dovecot import dovecot
from tests.support.http import House
from tests.support.oauth_server import REDIRECT, OAuthServer, oauth_server
from tests.support.signin_smtp import guarded_smtp

ANA = "ana@acme.test"


@pytest.fixture
def server() -> Iterator[OAuthServer]:
    with oauth_server() as running:
        yield running


@pytest.fixture
def house(
    settings: Settings, clock: FixedClock, dispatcher: RecordingDispatcher, server: OAuthServer
) -> Iterator[House]:
    values = {
        name: type(getattr(settings, name))(value) if "secret" in name else value
        for name, value in server.settings().items()
    }
    made = House(settings.model_copy(update=values), clock=clock, dispatcher=dispatcher)
    yield made
    made.close()


def added(house: House) -> int:
    answer = house.api().post("/api/v1/mailboxes", json={"email": ANA, "from_name": "Ana Silva", "provider": "google"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["smtp_host"] == "smtp.gmail.com"
    assert "nobody has signed in yet" in answer.json()["paused_reason"]
    return int(answer.json()["id"])


def the_row(house: House) -> MailboxOAuth:
    with house.db.read() as look:
        return look.session.exec(select(MailboxOAuth)).one()


def begun(browser: Any, mailbox_id: int) -> str:
    page = browser.get(f"/mailboxes/{mailbox_id}/sign-in")
    assert page.status_code == 200
    assert REDIRECT in page.text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf
    page = browser.post(f"/mailboxes/{mailbox_id}/sign-in", data={"csrf": csrf[1]})
    assert page.status_code == 200, page.text
    link = re.search(r'href="([^"]+/authorize\?[^"]+)"', page.text)
    assert link
    return unescape(link[1])


def inside(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


def test_a_person_signs_in_by_the_browser(house: House, server: OAuthServer) -> None:
    mailbox_id = added(house)
    browser = house.browser(Role.OPERATOR)
    assert f"/mailboxes/{mailbox_id}/sign-in" in browser.get("/settings").text
    back = inside(server.agree(begun(browser, mailbox_id)))
    done = browser.get(back)
    assert (done.status_code, done.headers["location"]) == (303, f"/mailboxes/{mailbox_id}/checks?did=signed-in")
    assert the_row(house).refresh_token is not None
    assert browser.get(back).status_code == 409
    with house.db.read() as look:
        assert look.session.exec(select(Mailbox)).one().paused_reason is None


def test_a_return_that_another_session_brings_is_not_taken(house: House, server: OAuthServer) -> None:
    """Somebody lures an operator to the attacker's own return: their mailbox must not be bound to that account."""
    mailbox_id = added(house)
    attacker, operator = house.browser(Role.OPERATOR), house.browser(Role.OPERATOR)
    back = inside(server.agree(begun(attacker, mailbox_id)))
    refused = operator.get(back)
    assert refused.status_code == 409
    assert "begun" in refused.text
    assert the_row(house).refresh_token is None
    assert house.stranger().get(back).status_code == 303
    assert house.browser(Role.LEAD).get(back).status_code == 403
    assert the_row(house).refresh_token is None
    assert attacker.get(back).status_code == 303


def test_what_the_provider_says_no_to_is_told_with_its_fix(house: House, server: OAuthServer) -> None:
    mailbox_id = added(house)
    browser = house.browser(Role.OPERATOR)
    server.agrees = False
    page = browser.get(inside(server.agree(begun(browser, mailbox_id))))
    assert page.status_code == 409
    assert "The user said no" in page.text
    assert REDIRECT in page.text


def test_a_program_signs_in_by_the_api(house: House, server: OAuthServer) -> None:
    mailbox_id = added(house)
    api = house.api()
    start = api.post(f"/api/v1/mailboxes/{mailbox_id}/sign-in", json={}).json()
    assert start["redirect_uri"] == REDIRECT
    code = parse_qs(urlsplit(server.agree(start["authorize_url"])).query)["code"][0]
    path, body = f"/api/v1/mailboxes/{mailbox_id}/sign-in/finish", {"state": start["state"], "code": code}
    assert house.api().post(path.replace("/1/", "/2/"), json=body).status_code == 409
    done = api.post(path, json=body)
    assert done.status_code == 200, done.text
    assert done.json()["paused_reason"] is None
    assert api.post(path, json=body).status_code == 409
    assert the_row(house).provider == "google"


def test_an_operator_signs_in_on_a_machine_without_a_browser(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, database_url: str,
    server: OAuthServer,
) -> None:  # fmt: skip
    shell = Shell(monkeypatch, capsys, tmp_path)
    shell.set(database_url=database_url, data_dir=tmp_path / "data", mail_allow_plaintext=True, **server.settings())
    printed: list[str] = []
    monkeypatch.setattr("typer.echo", lambda text="", **_: printed.append(str(text)))

    def paste(*_: Any, **__: Any) -> str:
        address = next(line.strip() for line in reversed(printed) if "/authorize?" in line)
        return server.agree(address)

    monkeypatch.setattr("typer.prompt", paste)
    with guarded_smtp(server.owner) as smtp, dovecot(ANA, introspection_url=server.introspection_url) as imap:
        servers = (
            "--smtp-host", "127.0.0.1", "--smtp-port", str(smtp.port), "--smtp-security", "none",
            "--imap-host", "127.0.0.1", "--imap-port", str(imap.port), "--imap-security", "none",
        )  # fmt: skip
        assert shell("mailbox", "add", ANA, "--from-name", "Ana", "--provider", "google", *servers).code == 0
        assert any(REDIRECT in line for line in printed)
        assert f"{ANA} is signed in as {ANA}, and awake" in printed
        server.revoke()
        assert shell("mailbox", "test").code == 1
        assert shell("mailbox", "sign-in", ANA).code == 0
        assert shell("mailbox", "test").code == 0
    assert smtp.signed_in[-1] == ("XOAUTH2", ANA)


def test_a_program_looks_at_a_mailbox_before_and_after_it_is_connected(house: House, server: OAuthServer) -> None:
    api = house.api()
    with guarded_smtp() as smtp, dovecot(ANA) as imap:
        body = {
            "email": ANA, "from_name": "Ana", "password": "secret", "smtp_host": "127.0.0.1", "smtp_port": smtp.port,
            "smtp_security": "none", "imap_host": "127.0.0.1", "imap_port": imap.port, "imap_security": "none",
        }  # fmt: skip
        looked = api.post("/api/v1/mailboxes/test", json={**body, "password": "a-canary"})
        assert looked.status_code == 200, looked.text
        states = {line["name"]: line["state"] for line in looked.json()["checks"]}
        assert (looked.json()["fine"], states["smtp-sign-in"], states["imap-reached"]) == (False, "fail", "ok")
        assert "canary" not in looked.text
        assert api.post("/api/v1/mailboxes", json=body).status_code == 201
        assert "connected already" in api.post("/api/v1/mailboxes/test", json=body).text
        smtp.deliver = lambda raw: imap.put(ANA, raw)
        looked = api.post("/api/v1/mailboxes/1/test", json={"send": True})
    lines = {line["name"]: line for line in looked.json()["checks"]}
    assert lines["self-message"]["state"] == "ok"
    assert any(name.startswith("domain-") for name in lines)
    with house.db.read() as look:
        assert look.session.exec(select(Mailbox)).one().plus_addressing is True
