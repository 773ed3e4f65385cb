"""The editors work on a real Postfix and Dovecot as they do on the sandbox's own servers."""

from __future__ import annotations

import email
import email.policy
import smtplib
import time
from collections.abc import Callable

from app.clock import SteppedClock
from app.sandbox import cast
from app.sandbox.editors import Desk, Server
from app.sandbox.ledger import digest, held_in, returned_in
from app.sandbox.sites import Sites
from tests.support.mailhost import mailhost

PEOPLE = [cast.editor_at(domain) for domain in ("quaysidenotes.test", "estuaryeye.test", "mooringsweekly.test")]


def until(look: Callable[[], list], count: int) -> list:
    end = time.monotonic() + 20
    while len(found := look()) < count:
        assert time.monotonic() < end, f"only {found}"
        time.sleep(0.1)
    return found


def test_pitch_answer_notice_and_report() -> None:
    addresses = [cast.OUR_MAILBOX, *(editor.address for editor in PEOPLE)]
    full = cast.editor_at("mooringsweekly.test").address
    with mailhost(addresses, full=(full,)) as host, Sites() as sites:
        server = Server(host.host, host.smtp_port, host.imap_port, dict.fromkeys(addresses, host.password))
        desk = Desk(server, sites, SteppedClock(), tuple(PEOPLE))
        sent = {}
        with smtplib.SMTP(host.host, host.smtp_port, "client.test", timeout=10) as client:
            client.login(cast.OUR_MAILBOX, host.password)
            for editor in PEOPLE:
                raw = (
                    f"From: {cast.OUR_MAILBOX}\r\nReply-To: mara+token@{cast.OUR_DOMAIN}\r\nTo: {editor.address}\r\n"
                    f"Date: Mon, 1 Jun 2026 09:00:00 +0000\r\nSubject: A link\r\n"
                    f"Message-ID: <{editor.mailbox}@{cast.OUR_DOMAIN}>\r\n\r\nWould {cast.TABLES.url} help?\r\n"
                ).encode()
                client.sendmail(cast.OUR_MAILBOX, [editor.address], raw)
                sent[editor.address] = raw
        for editor in PEOPLE[:2]:
            (mail,) = until(lambda editor=editor: desk.mailbox(editor.address), 1)
            assert [held.digest for held in held_in(editor.address, [mail])] == [digest(sent[editor.address])]
        deeds = {(deed.editor.domain, deed.what) for deed in desk.round()}
        assert ("quaysidenotes.test", "answers") in deeds
        ours = until(lambda: desk.mailbox(cast.OUR_MAILBOX), 3)
        messages = [email.message_from_bytes(raw, policy=email.policy.default) for raw in ours]
        assert {message.get_content_type() for message in messages} == {"text/plain", "multipart/report"}
        assert sum(message["Auto-Submitted"] == "auto-replied" for message in messages) == 2  # notice and report
        assert returned_in(ours) == [f"<ada@{cast.OUR_DOMAIN}>"]
        assert desk.mailbox(full) == []
