"""The digest: what it tells, by which server, and that no period is ever told twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from sqlalchemy import insert
from sqlmodel import select

from app.clock import FixedClock
from app.db.vault import Vault
from app.db.work import Database
from app.digest import service
from app.domain.digest import DigestState
from app.domain.pipeline import Stage
from app.mail.credentials import Credentials
from app.mail.smtp import SmtpSession
from app.models import (
    ChangeKind,
    Digest,
    GapChange,
    GapRefresh,
    Link,
    LinkState,
    MailboxDay,
    Outbound,
    Role,
    StageEvent,
    UserSetting,
)
from app.settings import Settings
from app.team import users
from tests.support.smtp_sink import Sink, sink
from tests.support.world import VAULT, a_mailbox, a_prospect, a_site


@dataclass
class Desk:
    db: Database
    settings: Settings
    sink: Sink
    vault: Vault = VAULT

    @property
    def credentials(self) -> Credentials:
        return Credentials(self.db, self.settings, self.vault)

    def rows(self) -> list[Digest]:
        with self.db.read() as look:
            return list(look.session.exec(select(Digest).order_by(Digest.id)))  # type: ignore[arg-type]

    def due(self) -> list[int]:
        with self.db.read() as look:
            return service.due(look.session, look.now())

    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=policy.default) for _, _, raw in self.sink.messages]

    def wish(self, **values: object) -> None:
        with self.db.work() as uow:
            row = uow.session.get(UserSetting, 1) or UserSetting(user_id=1)
            for name, value in values.items():
                setattr(row, name, value)
            uow.session.add(row)

    def change(self, domain: str = "editor.test", kind: ChangeKind = ChangeKind.NEW_GAP) -> None:
        with self.db.work() as uow:
            values = {"refresh_id": 1, "site_id": 1, "kind": kind, "domain": domain, "before": {}, "after": {}}
            uow.session.execute(insert(GapChange), [{**values, "at": uow.now()}])


@pytest.fixture
def desk(db: Database, settings: Settings, clock: FixedClock) -> Iterator[Desk]:
    with sink() as server:
        own = settings.model_copy(
            update={
                "system_smtp_host": "127.0.0.1",
                "system_smtp_port": server.port,
                "system_smtp_security": "none",
                "system_smtp_from": "gapbridge@acme.test",
                "public_url": "https://gapbridge.acme.test",
            }
        )
        with db.work() as uow:
            users.create(uow, email="ana@acme.test", name="Ana Silva", role=Role.LEAD, password="a long password")
            site = a_site(uow)
            uow.session.flush()
            uow.session.add(GapRefresh(site_id=site.id, state="x", snapshots=[], counts={}, actor="t", at=uow.now()))
        made = Desk(db, own, server)
        made.wish(digest="daily")
        yield made


def test_one_mail_for_a_day_and_what_it_tells(desk: Desk, clock: FixedClock) -> None:
    for number in range(7):
        desk.change(f"new{number}.test")
    desk.change("back.test", ChangeKind.CLOSED)
    with desk.db.work() as uow:
        won = a_prospect(uow, type("S", (), {"id": 1})(), "won.test", stage=Stage.WON)
        uow.session.add(
            StageEvent(
                prospect_id=won.id,
                event="link_seen",
                from_stage=Stage.PITCHED,
                to_stage=Stage.WON,
                actor="checker",
                at=uow.now(),
            )
        )
        common = {"site_id": 1, "prospect_id": won.id, "first_seen_at": uow.now(), "verified": True}
        uow.session.add(Link(source_url="https://won.test/a", state=LinkState.LIVE, **common))
        uow.session.add(Link(source_url="https://won.test/b", state=LinkState.LOST, lost_at=uow.now(), **common))
    assert desk.due() == [1]
    assert service.send(desk, 1) is DigestState.SENT
    (mail,) = desk.mails()
    assert (mail["To"], mail["From"]) == ("Ana Silva <ana@acme.test>", "Gapbridge <gapbridge@acme.test>")
    assert mail["Subject"] == "Gapbridge: what changed until 1 Jun 2026 (10 changes)"
    text = mail.get_content()
    assert "- New gaps: 7 (new0.test, new1.test, new2.test, new3.test, new4.test, and 2 more)" in text
    assert "- Closed gaps: 1 (back.test)" in text
    assert "- Won: 1 (won.test)" in text
    assert "- Won links that were lost: 1 (won.test)" in text
    assert "Stronger" not in text
    assert "https://gapbridge.acme.test/gap/changes" in text
    assert desk.due() == []
    assert service.send(desk, 1) is None
    # The next day tells of what came since, and of nothing else.
    clock.advance(timedelta(days=1))
    desk.change("later.test")
    assert service.send(desk, 1) is DigestState.SENT
    assert "New gaps: 1 (later.test)" in desk.mails()[1].get_content()
    assert len(desk.mails()) == 2


def test_nothing_to_tell_sends_nothing(desk: Desk, clock: FixedClock) -> None:
    assert service.send(desk, 1) is None
    assert [row.state for row in desk.rows()] == [DigestState.EMPTY]
    assert desk.due() == []
    assert desk.mails() == []


def test_off_not_yet_inactive_and_without_a_sender(desk: Desk, clock: FixedClock) -> None:
    desk.change()
    desk.wish(digest="off")
    assert desk.due() == []
    desk.wish(digest="daily", time_zone="America/Los_Angeles")  # two o'clock in the night there
    assert (desk.due(), service.send(desk, 1)) == ([], None)
    desk.wish(time_zone="UTC")
    bare = Desk(desk.db, desk.settings.model_copy(update={"system_smtp_host": ""}), desk.sink)
    assert service.send(bare, 1) is None
    with desk.db.work() as uow:
        user = users.by_email(uow, "ana@acme.test")
        assert user is not None
        user.active = False
    assert (desk.due(), service.send(desk, 1)) == ([], None)
    assert desk.rows() == []


def test_in_german_and_weekly(desk: Desk) -> None:
    desk.change()
    desk.wish(digest="weekly", language="de", time_zone="Europe/Berlin")
    assert service.send(desk, 1) is DigestState.SENT
    assert desk.rows()[0].period == "2026-W23"
    assert "Neue Lücken: 1" in desk.mails()[0].get_content()


def test_a_mailbox_sends_it_and_no_cap_counts_it(desk: Desk) -> None:
    desk.change()
    with desk.db.work() as uow:
        a_mailbox(uow, email="out@acme.test", smtp_host="127.0.0.1", smtp_port=desk.sink.port)
    own = desk.settings.model_copy(update={"system_smtp_host": "", "digest_mailbox": "out@acme.test"})
    assert service.send(Desk(desk.db, own, desk.sink), 1) is DigestState.SENT
    assert desk.sink.messages[0][0] == "out@acme.test"
    with desk.db.read() as look:
        assert list(look.session.exec(select(Outbound))) == []
        assert list(look.session.exec(select(MailboxDay))) == []


def test_a_mailbox_that_is_none_is_said_once_with_the_fix(
    desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each sweep comes by; the log has it once, the checks have it always, and the digest waits for the mailbox."""
    desk.change()
    monkeypatch.setattr(service, "_said", set())
    own = desk.settings.model_copy(update={"system_smtp_host": "", "digest_mailbox": "typo@acme.test"})
    wrong = Desk(desk.db, own, desk.sink)
    for _ in range(3):
        assert service.send(wrong, 1) is None
    assert caplog.text.count("typo@acme.test") == 1
    with desk.db.read() as look:
        assert "gapbridge mailbox list" in (service.trouble(look.session, own) or "")
        assert service.trouble(look.session, desk.settings) is None
    assert (desk.rows(), desk.due()) == ([], [1])
    with desk.db.work() as uow:
        a_mailbox(uow, email="typo@acme.test", smtp_host="127.0.0.1", smtp_port=desk.sink.port)
    assert service.send(wrong, 1) is DigestState.SENT


@pytest.mark.parametrize(
    ("verb", "answer", "states"),
    [
        ("MAIL", "451 4.7.1 later", [DigestState.READY, DigestState.SENT]),
        ("RCPT", "450 4.2.1 busy", [DigestState.READY, DigestState.SENT]),
        ("DOT", "451 4.3.0 full", [DigestState.READY, DigestState.SENT]),
        ("RCPT", "550 5.1.1 nobody", [DigestState.FAILED, None]),
        ("DOT", "554 5.7.1 no", [DigestState.FAILED, None]),
    ],
)
def test_what_was_surely_not_taken_is_tried_again(
    desk: Desk, clock: FixedClock, verb: str, answer: str, states: list[DigestState | None]
) -> None:
    desk.change()
    desk.sink.answers[verb] = answer
    assert service.send(desk, 1) is states[0]
    desk.sink.answers.clear()
    assert service.send(desk, 1) is None  # not at once
    clock.advance(timedelta(minutes=10))
    assert service.send(desk, 1) is states[1]
    assert len(desk.mails()) == (1 if states[1] else 0)


def test_an_unknown_outcome_is_never_repeated(desk: Desk, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.change()
    real = SmtpSession.finish

    async def silent(self: SmtpSession, raw: bytes) -> None:
        await real(self, raw)

    monkeypatch.setattr(SmtpSession, "finish", silent)
    assert service.send(desk, 1) is DigestState.UNKNOWN
    monkeypatch.undo()
    for _ in range(3):
        clock.advance(timedelta(hours=4))
        assert service.send(desk, 1) is None
    assert len(desk.mails()) == 1
    clock.advance(timedelta(days=1))
    desk.change("later.test")
    assert service.send(desk, 1) is DigestState.SENT
    assert "editor.test" not in desk.mails()[1].get_content()


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", ["open", "envelope", "data", "finish-before", "finish-after"])
def test_a_worker_that_dies_at_any_step_sends_at_most_once(
    desk: Desk, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    desk.change()
    name, _, when = step.partition("-")
    real = getattr(SmtpSession, name)

    async def dies(self: SmtpSession, *args: object) -> None:
        if when == "after":
            await real(self, *args)
        self.drop()
        raise Killed

    monkeypatch.setattr(SmtpSession, name, dies)
    with pytest.raises(Killed):
        service.send(desk, 1)
    monkeypatch.undo()
    for _ in range(4):
        clock.advance(timedelta(hours=1))
        for user_id in desk.due():
            service.send(desk, user_id)
    assert len(desk.mails()) == (0 if step == "finish-before" else 1)
    expected = DigestState.UNKNOWN if name == "finish" else DigestState.SENT
    assert [row.state for row in desk.rows()] == [expected]


def test_eight_workers_at_once_send_one(desk: Desk) -> None:
    desk.change()
    gate = threading.Barrier(8)

    def run() -> None:
        gate.wait()
        service.send(desk, 1)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(desk.mails()) == 1
    assert [row.state for row in desk.rows()] == [DigestState.SENT]
