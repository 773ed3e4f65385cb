"""The IMAP session against a real Dovecot and against the sandbox's pymap."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.errors import MailboxFault
from app.mail.imap import ImapSession
from app.mail.imap_signin import ImapAccount, safe_text
from app.models import Security
from tests.support.dovecot import Dovecot, dovecot
from tests.support.mailserver import PASSWORD, mail_server

ANA = "ana@acme.test"
OWN = "<0123456789abcdef.abcdefghijklmnopqrstuvwx@acme.test>"


def message(subject: str, extra: str = "") -> bytes:
    return f"From: dana@editor.test\r\nTo: {ANA}\r\nSubject: {subject}\r\n{extra}\r\nhello\r\n".encode()


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot(ANA) as running:
        yield running


def account(host: str, port: int, password: str = "secret", **values: Any) -> ImapAccount:
    return ImapAccount(
        **{
            "host": host,
            "port": port,
            "security": Security.NONE,
            "username": ANA,
            "password": password,
            "timeout": timedelta(seconds=10),
            "allow_plaintext": True,
            **values,
        }
    )


@pytest.fixture
def session(server: Dovecot) -> Iterator[ImapSession]:
    with ImapSession(account(server.host, server.port)) as made:
        yield made


def test_reads_without_leaving_a_trace(server: Dovecot, session: ImapSession) -> None:
    before = session.examine("INBOX")
    for number in range(3):
        server.put(ANA, message(f"m{number}"))
    after = session.examine("INBOX")
    assert before.uidnext is not None
    assert after.uidnext == before.uidnext + 3
    assert after.highestmodseq is not None
    uids = session.uids_from(before.uidnext)
    assert len(uids) == 3
    fetched = session.fetch(uids)
    assert [b"m0" in fetched[uids[0]].raw, fetched[uids[2]].raw] == [True, message("m2")]
    assert fetched[uids[0]].received_at is not None
    assert fetched[uids[0]].size == len(fetched[uids[0]].raw)
    box = server.session(ANA)
    box.select("INBOX", readonly=True)
    assert b"\\Seen" not in box.uid("FETCH", str(uids[0]), "(FLAGS)")[1][0]
    box.unselect()


def test_nothing_new_is_nothing(session: ImapSession) -> None:
    snapshot = session.examine("INBOX")
    assert session.uids_from((snapshot.uidnext or 0) + 100) == []


def test_what_the_server_does_not_return_is_missing(server: Dovecot, session: ImapSession) -> None:
    server.put(ANA, message("x"))
    uid = session.uids_from(1)[-1] if session.examine("INBOX") else 0
    assert sorted(session.fetch([uid, uid + 50])) == [uid]


def test_a_large_message_comes_whole_and_a_huge_one_by_its_head(
    server: Dovecot, session: ImapSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = message("big") + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 20_000
    server.put(ANA, big)
    session.examine("INBOX")
    uid = session.uids_from(1)[-1]
    assert session.fetch([uid])[uid].raw == big
    monkeypatch.setattr("app.mail.imap.MOST_BYTES", 1_200_000)
    monkeypatch.setattr("app.mail.imap.HEAD_BYTES", 5_000)
    cut = session.fetch([uid])[uid]
    assert cut.raw == big[:5000]
    assert cut.size == len(big)


def test_finds_the_folders_by_their_use(session: ImapSession) -> None:
    assert {(folder.role, folder.name) for folder in session.folders()} == {
        ("inbox", "INBOX"),
        ("junk", "Junk"),
        ("sent", "Sent"),
    }


def test_finds_only_what_we_have_made(server: Dovecot, session: ImapSession) -> None:
    session.append("Sent", message("out", f"Message-ID: {OWN}\r\n"), datetime(2026, 6, 1, tzinfo=UTC))
    session.examine("Sent")
    assert len(session.find(OWN)) == 1
    assert session.find(OWN.replace("0", "1")) == []


@pytest.mark.parametrize(
    "text",
    [
        'x" DELETE victim',
        "<a@b>\r\nx DELETE victim",
        "<0123456789abcdef.abcdefghijklmnopqrstuvwx@acme.test>\r\nx DELETE victim",
        "<0123456789abcdef.abcdefghijklmnopqrstuvwx@acme.test> TEXT x",
        "{5}\r\nabcde",
        "<a.b@c>",
        "\x00",
        "",
    ],
)
def test_foreign_text_is_never_searched_for(server: Dovecot, session: ImapSession, text: str) -> None:
    server.session(ANA).create("victim")
    session.examine("INBOX")
    with pytest.raises(ValueError, match="only Message-IDs"):
        session.find(text)
    with pytest.raises(ValueError, match="tokens"):
        session.find(OWN, text)
    assert server.session(ANA).status("victim", "(MESSAGES)")[0] == "OK"


@pytest.mark.parametrize("name", ["INBOX\r\nx DELETE victim", "a\nb", "a\x00", "x" * 999])
def test_a_folder_name_cannot_carry_a_command(session: ImapSession, name: str) -> None:
    with pytest.raises((ValueError, MailboxFault)):
        session.examine(name)
    assert safe_text("Entwürfe & mehr") == "Entwürfe & mehr"
    assert session.examine("INBOX").uidvalidity > 0


def test_the_sandbox_server_works_without_extensions() -> None:
    with mail_server(ANA) as office:
        office.put(ANA, message("one"))
        with ImapSession(account(office.host, office.imap_port, PASSWORD)) as session:
            assert {folder.role for folder in session.folders()} == {"inbox", "junk", "sent"}
            snapshot = session.examine("INBOX")
            assert snapshot.highestmodseq is None
            assert snapshot.uidnext is not None
            uids = session.uids_from(1)
            assert b"Subject: one" in session.fetch(uids)[uids[0]].raw


def test_every_failure_is_a_fault_of_the_mailbox_with_its_fix(server: Dovecot) -> None:
    with pytest.raises(MailboxFault, match="refuses the sign-in"):
        ImapSession(account(server.host, server.port, "wrong"))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(MailboxFault, match="cannot be reached"):
            ImapSession(account("127.0.0.1", closed.getsockname()[1]))
    with pytest.raises(MailboxFault, match="without TLS"):
        ImapSession(account(server.host, server.port, allow_plaintext=False))
    with pytest.raises(MailboxFault, match="not valid"):
        ImapSession(account(server.host, server.port, security=Security.TLS))
    with pytest.raises(MailboxFault, match="does not offer STARTTLS"):
        ImapSession(account(server.host, server.port, security=Security.STARTTLS))


@contextmanager
def scripted(say: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that says something wrong."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                say(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(20)


def _silent(connection: socket.socket) -> None:
    connection.recv(10)


def _garbage(connection: socket.socket) -> None:
    connection.sendall(b"\xff\xfe nonsense\r\n" * 3)


def _bye(connection: socket.socket) -> None:
    connection.sendall(b"* BYE too many connections\r\n")


def _endless_line(connection: socket.socket) -> None:
    connection.sendall(b"* OK ready\r\n")
    connection.recv(1000)
    connection.sendall(b"* CAPABILITY " + b"X" * 2_000_000)


@pytest.mark.parametrize("say", [_silent, _garbage, _bye, _endless_line])
def test_a_broken_server_is_a_fault_in_time(say: Callable[[socket.socket], None]) -> None:
    with scripted(say) as port, pytest.raises(MailboxFault):
        ImapSession(account("127.0.0.1", port, timeout=timedelta(seconds=0.5)))
