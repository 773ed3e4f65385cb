"""Bytes of strangers that no text can hold, in headers and in a server's answers: they hold up neither inbox nor outbox."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from app.clock import FixedClock
from app.db.work import Database
from app.domain.blocking import Blocking
from app.domain.delivery import OutboundState
from app.domain.texts import storable, told
from app.inbox import wire
from app.inbox.deps import InboxDeps
from app.inbox.parser import MailParser
from app.inbox.processing import MOST_FAILURES
from app.jobs import RecordingDispatcher
from app.models import InboundState
from app.settings import Settings
from tests.slices.test_inbox_acting import World as Inbox
from tests.slices.test_outbox import World as Outbox
from tests.support.letters import letter
from tests.support.world import VAULT, a_mailbox, a_site

# RFC 2047 lets a charset be UTF-7, and in that half of a pair can be written.
HALF = "=?utf-7?Q?+2AA-?="
HOSTILE = {
    "in-reply-to": {"in_reply_to": f"<{HALF}@x.test>"},
    "references": {"references": f"<{HALF}@x.test>"},
    "from": {"sender": f"Mallory <m{HALF}@evil.test>"},
    "reply-to": {"reply_to": f"m{HALF}@evil.test"},
    "subject": {"subject": f"Re: {HALF}"},
}


def no_network(*_: object) -> Any:
    raise AssertionError("nothing here may reach a mailbox")


@pytest.fixture
def inbox(db: Database, settings: Settings, clock: FixedClock, dispatcher: RecordingDispatcher) -> Iterator[Inbox]:
    with db.work() as uow:
        a_site(uow)
        a_mailbox(uow)
    with MailParser() as parser:
        yield Inbox(db, InboxDeps(db, VAULT, settings, parser, no_network), clock, dispatcher)


def test_what_is_no_text_becomes_one() -> None:
    assert (storable("a\ud800b\0c"), told("d\udce9sactiv\udce9e"), told("d\u00e9j\u00e0"), told("\0ok")) == (
        "a?bc",
        "d\u00e9sactiv\u00e9e",
        "d\u00e9j\u00e0",
        "ok",
    )


@pytest.mark.parametrize("where", HOSTILE)
def test_half_a_pair_in_a_header_holds_up_no_answer(inbox: Inbox, where: str) -> None:
    out = inbox.send()
    hostile = letter("x", **({"sender": "m@evil.test"} | HOSTILE[where]))
    rows = inbox.receive(hostile, letter("Which paragraph?", in_reply_to=out.message_id))
    assert [row.state for row in rows] == [InboundState.DONE] * 2
    assert Blocking.REPLY in inbox.blocks(out.prospect_id)


def test_what_cannot_be_stored_is_put_aside_and_the_others_are_acted_on(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "storable", lambda text: text)
    out = inbox.send()
    bad = letter("x", sender="m@evil.test", **HOSTILE["in-reply-to"])
    good = letter("Which paragraph?", in_reply_to=out.message_id)
    rows = inbox.receive(bad, good)
    assert [row.state for row in rows] == [InboundState.QUARANTINED, InboundState.DONE]
    assert (rows[0].failures, rows[0].raw_path is not None) == (MOST_FAILURES, True)
    assert Blocking.REPLY in inbox.blocks(out.prospect_id)


@contextmanager
def latin_server(verb: str) -> Iterator[int]:
    """An SMTP server that writes Latin-1: to the first recipient's RCPT, or after each dot."""

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 mx\r\n")
            in_data = False
            for line in self.rfile:
                if in_data and line != b".\r\n":
                    continue
                answer = b"250 ok"
                if in_data:
                    answer = b"250 Message accept\xe9" if verb == "DOT" else answer
                elif line.startswith(b"DATA"):
                    answer = b"354 go"
                elif line.startswith(b"RCPT") and verb == "RCPT" and b"first." in line:
                    answer = b"550 5.1.1 Destinataire inconnu, bo\xeete d\xe9sactiv\xe9e"
                in_data = line.startswith(b"DATA")
                self.wfile.write(answer + b"\r\n")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Talk) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()


@pytest.mark.parametrize("verb", ["RCPT", "DOT"])
def test_an_answer_in_latin_is_recorded_and_holds_up_nothing(
    db: Database, settings: Settings, clock: FixedClock, verb: str
) -> None:
    with latin_server(verb) as port:
        with db.work() as uow:
            a_site(uow)
            a_mailbox(uow, smtp_port=port, polled_at=clock.now())
        world: Any = Outbox(db, settings, clock)
        rows = [world.enqueue("first.test"), world.enqueue("second.test")]
        for _ in range(3):
            world.run()
            clock.advance(timedelta(minutes=2))
        found = [world.row(row) for row in rows]
    first = OutboundState.REJECTED if verb == "RCPT" else OutboundState.SENT
    assert [row.state for row in found] == [first, OutboundState.SENT]
    said = "5.1.1 Destinataire inconnu, boîte désactivée" if verb == "RCPT" else "Message accepté"
    assert said in (found[0].reply_text or "")
