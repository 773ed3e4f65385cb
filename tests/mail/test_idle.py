"""One waiting connection: every way in which a server tells of mail, falls silent, or ends it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.errors import MailboxFault
from app.mail.idle import IdleLine, NoIdle
from app.mail.imap import ImapSession
from app.mail.imap_signin import ImapAccount
from app.mail.ports import Snapshot
from app.models import Security
from tests.support.dovecot import dovecot
from tests.support.letters import letter
from tests.support.self_signed import for_this_machine

ANA = "ana@acme.test"


class Talk:
    """Both ends: our line, and the server's side of its socket."""

    def __init__(self, *, renew: float = 500.0, timeout: float = 30.0) -> None:
        ours, self.server = socket.socketpair()
        self.server.settimeout(5)
        self.line = IdleLine("mail.test", ours, Snapshot(1, 4, 3, None), renew=renew, timeout=timeout)

    def heard(self) -> bytes:
        return self.server.recv(4096)

    def tell(self, *lines: bytes) -> bool:
        self.server.sendall(b"".join(line + b"\r\n" for line in lines))
        return self.line.read()

    def close(self) -> None:
        self.line.close()
        self.server.close()


@pytest.fixture
def talk() -> Iterator[Talk]:
    made = Talk()
    assert made.heard() == b"W1 IDLE\r\n"
    assert not made.line.idling
    made.tell(b"+ idling")
    assert made.line.idling
    yield made
    made.close()


def test_rings_for_new_mail_only(talk: Talk) -> None:
    assert not talk.tell(b"* OK Still here")
    assert not talk.tell(b"* 3 EXISTS", b"* 0 RECENT")  # as many as before
    assert talk.tell(b"* 4 EXISTS", b"* 1 RECENT")
    assert not talk.tell(b"* 2 EXPUNGE")
    assert not talk.tell(b"* 3 EXISTS")
    assert talk.tell(b"* 2 EXPUNGE", b"* 3 exists")  # one went, one came
    assert not talk.tell(b"* 1 FETCH (FLAGS (\\Seen))")


def test_lines_may_come_in_pieces_and_hide_in_literals(talk: Talk) -> None:
    talk.server.sendall(b"* 4 EX")
    assert not talk.line.read()
    assert talk.tell(b"ISTS")
    assert not talk.tell(b"* 1 FETCH (BODY {12}", b"* 9 EXISTS", b")")
    assert talk.tell(b"* 5 EXISTS")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"* BYE Server shutting down\r\n", "ended the connection: Server shutting down"),
        (b"* BYE \x1b[31mred\r\n", "ended the connection:  [31mred"),
        (b"x" * 70_000, "no IMAP"),
        (b"W1 NO not now\r\n", "refuses to tell of new mail: NO not now"),
        (b"W1 BAD what?\r\n", "refuses"),
    ],
)
def test_says_why_it_is_over(talk: Talk, said: bytes, why: str) -> None:
    talk.server.sendall(said)
    with pytest.raises(MailboxFault) as caught:
        talk.line.read()
    assert why in caught.value.detail


def test_a_server_that_hangs_up_is_noticed_at_once(talk: Talk) -> None:
    # IMAPClient's idle_check answers [] for ever here.
    talk.server.close()
    with pytest.raises(MailboxFault) as caught:
        talk.line.read()
    assert "closed the connection" in caught.value.detail


def test_a_server_that_sends_without_end_does_not_keep_the_others_waiting() -> None:
    class Endless:
        def __getattr__(self, _: str) -> object:
            return lambda *args: None

        def recv(self, size: int) -> bytes:
            return b"* OK more\r\n" * (size // 11)

        def send(self, data: bytes) -> int:
            return len(data)

    line = IdleLine("mail.test", Endless(), Snapshot(1, 1, 0, None), renew=500, timeout=30)  # type: ignore[arg-type]
    with pytest.raises(MailboxFault) as caught:
        line.read()
    assert "without end" in caught.value.detail


def test_is_renewed_in_time_and_loses_no_word_meanwhile() -> None:
    talk = Talk(renew=0.01)
    talk.heard()
    talk.tell(b"+ idling")
    time.sleep(0.02)
    talk.line.tick()
    assert talk.heard() == b"DONE\r\n"
    assert talk.tell(b"* 4 EXISTS", b"W1 OK Idle completed.")
    assert talk.heard() == b"W2 IDLE\r\n"
    assert not talk.tell(b"+ idling")
    assert talk.line.idling
    talk.close()


def test_a_half_open_connection_is_found_by_the_renewal() -> None:
    talk = Talk(renew=0.01, timeout=0.02)
    talk.heard()
    talk.tell(b"+ idling")
    time.sleep(0.02)
    talk.line.tick()
    time.sleep(0.03)
    with pytest.raises(MailboxFault) as caught:
        talk.line.tick()
    assert "did not answer" in caught.value.detail
    talk.close()


def test_an_idle_that_the_server_ends_is_begun_again_but_not_for_ever(talk: Talk) -> None:
    for number in (1, 2):
        talk.tell(b"W%d OK Timeout" % number, b"+ idling")
        assert talk.line.idling
    with pytest.raises(MailboxFault) as caught:
        talk.tell(b"W3 OK Timeout")
    assert "ends each IDLE at once" in caught.value.detail


def test_no_renewal_is_later_than_the_standard_allows() -> None:
    talk = Talk(renew=100_000)
    talk.tell(b"+ idling")
    assert talk.line.due - time.monotonic() <= 29 * 60
    talk.close()


def test_says_goodbye(talk: Talk) -> None:
    talk.line.close()
    assert talk.heard() == b"DONE\r\nW2 LOGOUT\r\n"


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS, Security.NONE])
def test_takes_over_a_real_connection(security: Security, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = for_this_machine(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    with dovecot(ANA, certificate=pair) as server:
        port = server.tls_port if security is Security.TLS else server.port
        account = ImapAccount(
            "127.0.0.1", port, security, ANA, server.password, allow_plaintext=True, timeout=timedelta(seconds=10)
        )
        server.put(ANA, letter())
        session = ImapSession(account)
        line = session.idle("INBOX", timedelta(minutes=9))
        session.close()  # it is given away: this must not end it
        del session
        assert line.opened.exists == 1
        try:
            _until(lambda: line.read() or line.idling)
            for _ in range(3):
                server.put(ANA, letter())
                assert _until(line.read)
            server.expunge(ANA, 1)
            time.sleep(0.1)
            assert not line.read()
        finally:
            line.close()


def _until(true: object, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():  # type: ignore[operator]
            return True
        time.sleep(0.01)
    return False


def test_a_server_without_idle_says_so() -> None:
    with dovecot(ANA, capabilities="IMAP4rev1") as server:
        account = ImapAccount("127.0.0.1", server.port, Security.NONE, ANA, server.password, allow_plaintext=True)
        with ImapSession(account) as session, pytest.raises(NoIdle):
            session.idle("INBOX", timedelta(minutes=9))
