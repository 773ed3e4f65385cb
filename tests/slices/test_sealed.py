"""Credentials at rest: sealed under a key with an id, bound to their row, and moved to a new key while others use them."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import select

from app.container import Container
from app.db.vault import Vault, key_id
from app.db.work import Database
from app.domain.delivery import OutboundState
from app.errors import Unavailable
from app.health import check_secrets
from app.jobs import RecordingDispatcher
from app.mail import sealed
from app.models import Mailbox, Outbound, OutboundKind
from app.outbox import repository, service
from app.outbox.delivery import drain
from app.settings import Settings
from tests.support.commands import Shell
from tests.support.signin_smtp import guarded_smtp
from tests.support.world import a_contact, a_conversation, a_mailbox, a_prospect, a_site

OLD, NEW = "the-former-key-of-this-house", "the-present-key-of-this-house"


def stored(db: Database, vault: Vault, email: str, password: str) -> int:
    with db.work() as uow:
        mailbox = a_mailbox(uow, email)
        mailbox.secret = vault.seal(password, sealed.bound_to(mailbox.id))
        return mailbox.id


def test_a_text_names_its_key_and_opens_only_where_it_belongs() -> None:
    old, both = Vault([OLD]), Vault([NEW, OLD])
    text = old.seal("hunter2", "mailbox:1:secret")
    assert key_id(text) == old.key_ids[0] == both.key_ids[1]
    assert both.open(text, "mailbox:1:secret") == "hunter2"
    for elsewhere in ("mailbox:2:secret", "mailbox:1:refresh", "mailbox:1:secret "):
        with pytest.raises(Unavailable, match="another row"):
            both.open(text, elsewhere)
    with pytest.raises(Unavailable, match=f"under key {old.key_ids[0]}.*new,former"):
        Vault([NEW]).open(text, "mailbox:1:secret")
    # The id of the key is part of what is authenticated: another key's id on the same text opens nothing.
    with pytest.raises(Unavailable, match="was changed"):
        both.open(text.replace(old.key_ids[0], both.key_ids[0]), "mailbox:1:secret")


def test_the_first_form_still_opens_and_is_rewritten(db: Database) -> None:
    import base64
    import hashlib
    import hmac

    from cryptography.fernet import Fernet

    seal = hmac.digest(hashlib.sha256(OLD.encode()).digest(), b"seal", "sha256")
    mailbox_id = stored(db, Vault([OLD]), "ana@acme.test", "x")
    first = Fernet(base64.urlsafe_b64encode(seal)).encrypt(json.dumps([f"mailbox:{mailbox_id}:secret", "old"]).encode())
    with db.work() as uow:
        uow.session.execute(update(Mailbox).values(secret=first.decode()))
    vault = Vault([NEW, OLD])
    with db.read() as look:
        assert sealed.count_by_key(look.session) == {sealed.UNTOLD: 1}
    assert sealed.rotate(db, vault).moved == 1
    with db.read() as look:
        row = look.session.exec(select(Mailbox)).one()
    assert Vault([NEW]).open(row.secret, sealed.bound_to(row.id)) == "old"


def test_a_row_that_was_moved_is_found_at_the_start(db: Database, settings: Settings) -> None:
    container = Container(settings.model_copy(update={"secret_key": type(settings.secret_key)(NEW)}))
    one = stored(db, container.vault, "ana@acme.test", "a")
    stored(db, container.vault, "bo@acme.test", "b")
    try:
        assert check_secrets(container) == "2 stored credential(s) can be opened"
        with db.work() as uow:
            uow.session.execute(
                update(Mailbox)
                .where(Mailbox.id != one)
                .values(secret=select(Mailbox.secret).where(Mailbox.id == one).scalar_subquery())
            )
        with pytest.raises(Unavailable, match="belongs to another row"):
            check_secrets(container)
    finally:
        container.close()


@pytest.mark.parametrize("key", ["changeme", "change-me-please-now", "secret", "aaaaaaaaaaaaaaaaaaaaaaaa", "short"])
def test_a_start_with_a_guessable_key_is_refused(settings: Settings, key: str) -> None:
    container = Container(settings.model_copy(update={"secret_key": type(settings.secret_key)(key)}))
    try:
        with pytest.raises(Unavailable, match="gapbridge keys new"):
            check_secrets(container)
    finally:
        container.close()


def test_what_changes_during_a_rotation_is_kept(db: Database) -> None:
    """The race that a rotation must lose: somebody stores a new password between its look and its write."""
    vault = Vault([NEW, OLD])
    mailbox_id = stored(db, Vault([OLD]), "ana@acme.test", "before")

    class Meddled(Vault):
        def open(self, text: str, bound: str) -> str:
            opened = super().open(text, bound)
            if opened == "before":
                with db.work() as uow:
                    uow.session.execute(update(Mailbox).values(secret=Vault([OLD]).seal("after", bound)))
            return opened

    assert sealed.rotate(db, Meddled([NEW, OLD])) == sealed.Rotation(1, 0, ())
    with db.read() as look:
        row = look.session.get_one(Mailbox, mailbox_id)
    assert vault.open(row.secret, sealed.bound_to(mailbox_id)) == "after"
    assert key_id(row.secret) == vault.key_ids[0]
    assert sealed.rotate(db, vault) == sealed.Rotation(0, 1, ())


def test_a_rotation_disturbs_nobody_who_holds_both_keys(db: Database) -> None:
    """Readers on `old,new` and `new,old`, and one who stores new passwords under the old key, all along."""
    earlier, later = Vault([OLD, NEW]), Vault([NEW, OLD])
    ids = [stored(db, earlier, f"m{number}@acme.test", f"p{number}") for number in range(12)]
    stop, faults, reads = threading.Event(), [], [0]

    def use(vault: Vault) -> None:
        while not stop.is_set():
            with db.read() as look:
                rows = list(look.session.exec(select(Mailbox)))
            for row in rows:
                try:
                    assert vault.open(row.secret, sealed.bound_to(row.id)).startswith("p")
                    reads[0] += 1
                except Exception as error:
                    faults.append(error)

    users = [threading.Thread(target=use, args=(vault,)) for vault in (earlier, later)]
    for user in users:
        user.start()
    done = sealed.rotate(db, later)
    stop.set()
    for user in users:
        user.join(20)
    assert (done.moved, done.stuck, faults) == (12, (), [])
    assert reads[0] > 0
    with db.read() as look:
        assert sealed.check(look.session, Vault([NEW])) == len(ids)


def test_mail_goes_on_leaving_while_the_keys_are_rotated(db: Database, settings: Settings) -> None:
    """Two senders of their own databases and key orders, six mailboxes, and a rotation through all of it."""
    orders = ([OLD, NEW], [NEW, OLD])
    with guarded_smtp() as smtp:
        with db.work() as uow:
            site = a_site(uow)
            for number in range(6):
                mailbox = a_mailbox(uow, f"m{number}@acme.test", smtp_port=smtp.port, polled_at=uow.now())
                mailbox.secret = Vault([OLD]).seal("secret", sealed.bound_to(mailbox.id))
                for step in range(4):
                    prospect = a_prospect(uow, site, f"editor{number}-{step}.test")
                    conversation = a_conversation(uow, prospect, a_contact(uow, prospect), mailbox)
                    service.enqueue(
                        uow, Vault([OLD]), settings, conversation=conversation, kind=OutboundKind.PITCH,
                        subject="Your checklist", body_text="Hello", body_html=None, approved_by="ana",
                        not_before=uow.now(),
                    )  # fmt: skip
        stop = threading.Event()

        def send(keys: list[str]) -> None:
            mine = Database(db.url, db.clock, RecordingDispatcher())
            while not stop.is_set():
                with mine.read() as look:
                    due = repository.due_mailboxes(look.session, look.now())
                for mailbox_id in due:
                    drain(mine, settings, Vault(keys), never, mailbox_id)
                    # A turn of one process ends; the next one signs in again, under whatever key lies there now.
            mine.dispose()

        senders = [threading.Thread(target=send, args=(keys,)) for keys in orders]
        for sender in senders:
            sender.start()
        done = sealed.rotate(db, Vault(orders[1]))
        deadline = time.monotonic() + 60
        while len(smtp.messages) < 24 and time.monotonic() < deadline:
            time.sleep(0.05)
        stop.set()
        for sender in senders:
            sender.join(30)
    assert (done.moved, done.stuck) == (6, ())
    assert (len(smtp.messages), set(smtp.ids().values()), smtp.refused) == (24, {1}, [])
    with db.read() as look:
        assert {row.state for row in look.session.exec(select(Outbound))} == {OutboundState.SENT}
        assert {row.failures for row in look.session.exec(select(Mailbox))} == {0}
        assert sealed.check(look.session, Vault([NEW])) == 6


def never(_: int) -> Any:
    raise AssertionError("a pitch after a fresh look needs no gate")


def test_the_commands_list_and_rotate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, db: Database, database_url: str
) -> None:
    shell = Shell(monkeypatch, capsys, tmp_path)
    old, new = Vault([OLD]), Vault([NEW])
    stored(db, old, "ana@acme.test", "x")
    shell.set(database_url=database_url, data_dir=tmp_path / "data", secret_key=NEW)
    listed = json.loads(shell("keys", "list", "--json").out)
    assert [(row["id"], row["credentials"]) for row in listed] == [(new.key_ids[0], 0), (old.key_ids[0], 1)]
    assert "MISSING" in listed[1]["use"]
    ran = shell("keys", "rotate")
    assert ran.code == 1
    assert old.key_ids[0] in ran.err
    shell.set(secret_key=f"{NEW},{OLD}")
    assert shell("keys", "rotate").out == f"1 credential(s) moved to key {new.key_ids[0]}, 0 had it already\n"
    assert OLD not in shell("keys", "list").out
    made = shell("keys", "new").out.strip()
    assert len(made) >= 40
    assert made != shell("keys", "new").out.strip()
