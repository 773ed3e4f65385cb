"""The operator's verbs, against real servers."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from app.clock import SystemClock
from app.db.vault import Vault
from app.db.work import Database
from app.jobs import SilentDispatcher
from app.mail import accounts
from app.mail.credentials import Credentials
from app.models import Inbound, Installation, InstallationRule, Mailbox
from app.settings import Settings
from tests.support.commands import Shell
from tests.support.mailserver import PASSWORD, PostOffice, mail_server

OURS = "outreach@ours.test"


@pytest.fixture
def shell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, database_url: str
) -> Shell:
    made = Shell(monkeypatch, capsys, tmp_path)
    made.set(database_url=database_url, data_dir=tmp_path / "data", mail_allow_plaintext=True)
    return made


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with mail_server(OURS, "editor@theirs.test") as server:
        yield server


def options(office: PostOffice, **changed: str) -> list[str]:
    values = {
        "from-name": "Dana of Acme",
        "smtp-host": "127.0.0.1",
        "smtp-port": str(office.smtp_port),
        "smtp-security": "none",
        "imap-host": "127.0.0.1",
        "imap-port": str(office.imap_port),
        "imap-security": "none",
        "password": PASSWORD,
        **{name.replace("_", "-"): value for name, value in changed.items()},
    }
    return [part for name, value in values.items() for part in (f"--{name}", value)]


def test_a_mailbox_is_tried_and_added_with_a_sealed_password(
    shell: Shell, office: PostOffice, database_url: str, tmp_path: Path
) -> None:
    ran = shell("mailbox", "add", OURS, *options(office))
    assert (ran.code, ran.err) == (0, "")
    assert "smtp" in ran.out
    assert "INBOX holds 0" in ran.out
    (listed,) = json.loads(shell("mailbox", "list", "--json").out)
    assert listed["email"] == OURS
    assert listed["active"] is True
    assert shell("mailbox", "test").code == 0

    database = Database(database_url, SystemClock(), SilentDispatcher())
    with database.read() as look:
        row = look.session.exec(select(Mailbox)).one()
    assert PASSWORD not in row.secret
    settings = Settings(_env_file=None, data_dir=tmp_path / "data")
    assert stat.S_IMODE((tmp_path / "data" / "secret.key").stat().st_mode) == 0o600
    credentials = Credentials(database, settings, Vault(settings.secret_keys()))
    assert accounts.stored(row, credentials).password == PASSWORD
    assert PASSWORD not in repr(accounts.stored(row, credentials))
    database.dispose()

    again = shell("mailbox", "add", OURS, *options(office))
    assert again.code == 1
    assert "is there already" in again.err


def test_a_mailbox_that_does_not_work_is_not_added(shell: Shell, office: PostOffice) -> None:
    ran = shell("mailbox", "add", OURS, *options(office, password="wrong"))
    assert ran.code == 1
    assert "smtp" in ran.err
    assert "imap" in ran.err
    assert "password" in ran.err
    assert shell("mailbox", "list").out == ""


def test_every_wrong_field_is_named(shell: Shell, office: PostOffice) -> None:
    ran = shell(
        "mailbox", "add", "nobody", *options(office, from_name=" ", time_zone="Mars/Olympus", daily_cap="0", smtp_port="0x")
    )  # fmt: skip
    assert ran.code == 2
    ran = shell("mailbox", "add", "nobody", *options(office, from_name=" ", time_zone="Mars/Olympus", daily_cap="0"))
    assert ran.code == 2
    for name in ("email", "from_name", "time_zone", "daily_cap"):
        assert f"  {name}: " in ran.err


def test_plaintext_is_refused_unless_allowed(shell: Shell, office: PostOffice) -> None:
    shell.set(mail_allow_plaintext=False)
    ran = shell("mailbox", "add", OURS, *options(office))
    assert ran.code == 2
    assert "smtp_security" in ran.err
    assert "GAPBRIDGE_MAIL_ALLOW_PLAINTEXT" in ran.err


def test_an_unknown_mailbox_is_named(shell: Shell) -> None:
    ran = shell("mailbox", "test", "who@ours.test")
    assert ran.code == 1
    assert "who@ours.test" in ran.err


def test_a_database_without_tables_is_named_with_its_fix(shell: Shell, tmp_path: Path) -> None:
    shell.set(database_url=f"sqlite:///{tmp_path / 'empty.sqlite'}")
    for command in (("mailbox", "list"), ("apikey", "create", "crm", "--scope", "prospects:read")):
        ran = shell(*command)
        assert ran.code == 1, ran
        assert "gapbridge migrate" in ran.err


def test_the_doctor_names_each_fault_and_its_fix(shell: Shell, office: PostOffice, tmp_path: Path) -> None:
    assert shell("mailbox", "add", OURS, *options(office)).code == 0
    rows = {row["check"]: row for row in map(json.loads, shell("doctor", "--json").out.splitlines())}
    assert rows["database"]["ok"]
    assert rows["broker"]["ok"]
    assert rows[f"mailbox {OURS} smtp-sign-in"]["ok"]
    assert rows[f"mailbox {OURS} imap-sign-in"]["ok"]
    assert not rows["clock"]["ok"]
    assert "gapbridge serve" in rows["clock"]["detail"]

    shell.set(secret_key="another key", broker_url="redis://127.0.0.1:1/0")
    ran = shell("doctor")
    assert ran.code == 1
    assert "FAULT broker" in ran.out
    assert "FAULT secrets" in ran.out
    assert "GAPBRIDGE_SECRET_KEY" in ran.out
    shell.set(database_url=f"sqlite:///{tmp_path / 'empty.sqlite'}")
    assert "gapbridge migrate" in shell("doctor").out


def test_a_rest_that_ran_out_is_no_fault(shell: Shell, office: PostOffice, database_url: str) -> None:
    assert shell("mailbox", "add", OURS, *options(office)).code == 0
    assert shell("mailbox", "pause", OURS, "--reason", "we move").code == 0
    assert "we move (command line)" in shell("mailbox", "list").out
    assert "sending is paused: we move" in shell("doctor").out
    database = Database(database_url, SystemClock(), SilentDispatcher())
    with database.work() as uow:
        uow.session.exec(select(Mailbox)).one().paused_until = uow.now()
    database.dispose()
    assert shell("mailbox", "list").out.endswith("  active\n")
    assert "sending is paused" not in shell("doctor").out


def test_the_settings_are_those_that_hold_also_when_they_are_saved_on_the_page(
    shell: Shell, database_url: str, tmp_path: Path
) -> None:
    database = Database(database_url, SystemClock(), SilentDispatcher())
    with database.work() as uow:
        for name, value in (("agreed_days", "9"), ("not_now_days", "45")):
            uow.session.add(InstallationRule(name=name, value=value, saved_by="ana", saved_at=uow.now()))
    database.dispose()
    shell.set(not_now_days="60")
    listed = shell("settings").out
    assert "GAPBRIDGE_AGREED_DAYS=9  (saved on the page)\n" in listed
    assert "GAPBRIDGE_NOT_NOW_DAYS=60\n" in listed
    assert "GAPBRIDGE_REPLY_HOURS=09:00-17:00  (default)\n" in listed
    rows = {row["name"]: row for row in json.loads(shell("settings", "--json").out)}
    assert [row["saved"] for row in rows.values()].count(True) == 1
    # Without a database it says what a start would use, and makes none.
    shell.set(database_url=f"sqlite:///{tmp_path / 'none.sqlite'}")
    assert "GAPBRIDGE_AGREED_DAYS=7  (default)\n" in shell("settings").out
    assert not (tmp_path / "none.sqlite").exists()


def test_poll_and_send_by_hand(shell: Shell, office: PostOffice, database_url: str) -> None:
    assert shell("send-due").out == "nothing is due\n"
    assert shell("mailbox", "add", OURS, *options(office)).code == 0
    office.put(OURS, b"From: editor@theirs.test\r\nTo: outreach@ours.test\r\nSubject: Hello\r\n\r\nHello.\r\n")
    ran = shell("poll")  # A new mailbox is due at once.
    assert (ran.code, ran.out) == (0, f"{OURS}: 1 new message(s)\n")
    database = Database(database_url, SystemClock(), SilentDispatcher())
    with database.read() as look:
        assert len(look.session.exec(select(Inbound)).all()) == 1
        # Each of the two noted that the time goes on, as the clock does: what waits is moved and expires without it, too.
        assert look.session.get_one(Installation, 1).ticks == 2
    database.dispose()
    assert shell("poll").out == "no mailbox is due; --all looks into every one\n"
    assert shell("poll", "--all").out == f"{OURS}: 0 new message(s)\n"


def test_poll_names_the_mailbox_that_fails(shell: Shell, office: PostOffice) -> None:
    assert shell("mailbox", "add", OURS, *options(office, imap_port="1"), "--no-test").code == 0
    ran = shell("poll")
    assert ran.code == 1
    assert ran.err.startswith(f"{OURS}: 127.0.0.1 cannot be reached")
    (listed,) = json.loads(shell("mailbox", "list", "--json").out)
    assert listed["poll_error"]


def test_a_mailbox_that_rests_is_woken_only_when_it_works(
    shell: Shell, office: PostOffice, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("mailbox", "add", OURS, *options(office))
    database = Database(database_url, SystemClock(), SilentDispatcher())
    with database.work() as uow:
        mailbox = uow.session.exec(select(Mailbox)).one()
        mailbox.paused_reason, mailbox.failures = "auth: 535 5.7.8 refused", 3
    typed = iter(["wrong", PASSWORD])
    monkeypatch.setattr("typer.prompt", lambda *_, **__: next(typed))

    ran = shell("mailbox", "resume", OURS, "--new-password")
    assert ran.code == 1
    assert "nothing was changed" in ran.err
    with database.read() as look:
        assert look.session.exec(select(Mailbox)).one().paused_reason is not None

    ran = shell("mailbox", "resume", OURS, "--new-password")
    assert (ran.code, ran.err) == (0, "")
    with database.read() as look:
        mailbox = look.session.exec(select(Mailbox)).one()
        assert (mailbox.paused_reason, mailbox.failures, mailbox.active) == (None, 0, True)
    assert shell("mailbox", "test").code == 0
    database.dispose()
