"""`gapbridge domain`, and what `mailbox test` and `doctor` say of the DNS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.clock import SystemClock
from app.db.work import Database
from app.jobs import RecordingDispatcher
from app.models import SendingDomain
from tests.support.commands import Shell
from tests.support.dns import Zones, dns_server
from tests.support.world import a_mailbox


@pytest.fixture
def zones() -> Iterator[Zones]:
    with dns_server() as running:
        yield running


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, zones: Zones) -> Shell:
    made = Shell(monkeypatch, capsys, tmp_path)
    url = f"sqlite:///{tmp_path / 'shell.sqlite'}"
    made.set(
        database_url=url, data_dir=tmp_path, dns_resolvers=zones.server, dns_timeout=0.5, mail_allow_plaintext=True,
        secret_key="a-key-of-these-tests",
    )  # fmt: skip
    assert made("migrate").code == 0
    database = Database(url, SystemClock(), RecordingDispatcher())
    with database.work() as uow:
        a_mailbox(uow, "ana@acme-mail.com", smtp_port=1, imap_port=1)
        uow.session.add(SendingDomain(domain="acme-mail.com", due_at=uow.now(), created_at=uow.now()))
    database.dispose()
    zones.txt("acme-mail.com", "v=spf1 mx -all")
    zones.put("acme-mail.com", "MX", "1 mx.acme-mail.com.")
    zones.put("mx.acme-mail.com", "A", "192.0.2.1")
    return made


def test_an_operator_sees_mends_and_overrides(shell: Shell, zones: Zones) -> None:
    ran = shell("domain", "check")
    assert ran.code == 1
    assert "FAULT acme-mail.com dmarc: there is no DMARC record" in ran.err
    assert '"v=DMARC1; p=none; rua=mailto:postmaster@acme-mail.com"' in ran.err
    assert "ok    acme-mail.com mx: 1 mx.acme-mail.com" in ran.out
    assert "new pitches are held" in ran.err
    (row,) = json.loads(shell("domain", "list", "--json").out)
    assert {line["name"]: line["state"] for line in row["checks"]}["dmarc"] == "fail"
    assert shell("domain", "override", "acme-mail.com", "--reason", "on its way").code == 0
    assert shell("domain", "check", "acme-mail.com").code == 0
    assert "dmarc may fail: on its way (command line)" in shell("domain", "list").out
    assert "held" in shell("domain", "lift", "acme-mail.com").out
    zones.txt("_dmarc.acme-mail.com", "v=DMARC1; p=none")
    assert shell("domain", "check").code == 0
    ran = shell("domain", "selectors", "acme-mail.com", "s2026")
    assert "there is no key at s2026._domainkey.acme-mail.com" in ran.err
    assert shell("domain", "check", "nobody.com").code == 1


def test_doctor_and_mailbox_test_ask_the_dns(shell: Shell) -> None:
    rows = {row["check"]: row for row in map(json.loads, shell("doctor", "--json").out.splitlines())}
    assert rows["domain acme-mail.com mx"]["ok"] is True
    dmarc = rows["domain acme-mail.com dmarc"]
    assert (dmarc["ok"], "v=DMARC1; p=none" in dmarc["detail"]) == (False, True)
    # What nobody can know is said and is no fault.
    assert rows["domain acme-mail.com dkim"]["ok"] is True
    ran = shell("mailbox", "test", "ana@acme-mail.com")
    assert (ran.code, "acme-mail.com domain-dmarc" in ran.err) == (1, True)
