"""What a strict server receives when hostile text stands in every field that can reach the wire, from every source."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.mail_tokens import message_ids
from app.errors import BadInput
from app.inbox.parse import parse
from app.mail import mime
from app.mail.ids import new_ids
from app.mail.render.templates import compose
from app.mail.smtp import Account, SmtpSession, StepFailed
from app.models import Security
from tests.support.strict_sink import StrictSink, strict_sink
from tests.support.world import VAULT

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
EARLIER = new_ids(VAULT, NOW, "acme.test")[0]
DRAFT = mime.Draft(
    from_name="Ana Silva",
    from_address="ana@acme.test",
    to_name="Dana Ruiz",
    to_address="dana@editor.test",
    subject="Your checklist",
    body_text="Hello Dana,\n\nyour page names us.\n",
    body_html=None,
    message_id=new_ids(VAULT, NOW, "acme.test")[0],
    date=NOW,
    in_reply_to=EARLIER,
    references=(EARLIER,),
    reply_to="ana+tag@acme.test",
    unsubscribe_url="https://acme.test/u/token",
    unsubscribe_mailto="ana@acme.test",
)
PAYLOADS = {
    "crlf": "x\r\nBcc: evil@x.test",
    "lf": "x\nBcc: evil@x.test",
    "cr": "x\rBcc: evil@x.test",
    "vertical tab": "x\x0bBcc: evil@x.test",
    "form feed": "x\x0cBcc: evil@x.test",
    "next line": "x\x85Bcc: evil@x.test",
    "line separator": "x\u2028Bcc: evil@x.test",
    "nul": "x\0Bcc: evil@x.test",
    "folded": "x\r\n Bcc: evil@x.test\r\n\r\n<script>",
    "long": "word " * 240,
    "encoded words": "=?utf-8?q?hi=0D=0ABcc:_evil=40x.test?= =?utf-8?b?aGkNCkJjYzogZXZpbEB4LnRlc3Q=?=",
}
FIELDS = (
    "from_name",
    "to_name",
    "subject",
    "reply_to",
    "references",
    "in_reply_to",
    "unsubscribe_url",
    "unsubscribe_mailto",
    "message_id",
)
TEXT_FIELDS = frozenset(("from_name", "to_name", "subject"))


def from_template(payload: str, name: str) -> str:
    return compose(payload, "Hello.", {}).subject


def from_contact(payload: str, name: str) -> str:
    return payload


def from_inbound(payload: str, name: str) -> str:
    """As an answer is quoted: its subject, or the ids it names, as our reader gives them."""
    raw = b"From: d@editor.test\r\nSubject: %s\r\nMessage-ID: <%s>\r\n\r\nhi\r\n"
    mail = parse(raw % ((payload.encode("utf-8", "replace"),) * 2))
    if name in ("references", "in_reply_to", "message_id"):
        found = message_ids(mail.header("message-id"))
        return f"<{found[0]}>" if found else mail.header("message-id")
    return mail.header("subject")


SOURCES = {"template": from_template, "contact field": from_contact, "inbound copy": from_inbound}
CASES = [(field, source, payload) for field in FIELDS for source in SOURCES for payload in PAYLOADS]


def account(port: int) -> Account:
    return Account(
        host="127.0.0.1",
        port=port,
        security=Security.NONE,
        username="",
        password="",
        helo="acme.test",
        timeout=timedelta(seconds=5),
        dot_timeout=timedelta(seconds=5),
    )


@pytest.fixture(scope="module")
def server() -> Iterator[StrictSink]:
    with strict_sink() as running:
        yield running


def send(server: StrictSink, raws: list[tuple[str, bytes]]) -> None:
    async def all_of_them() -> None:
        session = SmtpSession(account(server.port))
        for recipient, raw in raws:
            await session.open()
            await session.envelope("ana@acme.test", recipient)
            await session.data()
            answer = await session.finish(raw)
            assert answer is not None
            assert answer.code == 250
        await session.quit()

    asyncio.run(all_of_them())


def frozen(draft: mime.Draft) -> bytes:
    raw = mime.freeze(draft)
    urls = mime.urls_in(draft.body_text)
    mime.check_bytes(raw, from_address=draft.from_address, to_address=draft.to_address, urls=urls, https_only=True)
    return raw


def test_no_field_from_any_source_adds_anything(server: StrictSink) -> None:
    assert len(CASES) == 297
    sent: list[tuple[str, str, str]] = []
    raws: list[tuple[str, bytes]] = []
    for field, source, shape in CASES:
        try:
            text = SOURCES[source](PAYLOADS[shape], field)
            value: Any = (text,) if field == "references" else text
            raw = frozen(replace(DRAFT, **{field: value}))
        except BadInput as refused:
            assert refused.detail
            continue
        sent.append((field, source, shape))
        raws.append((DRAFT.to_address, raw))
    before = len(server.messages)
    send(server, raws)
    came = server.messages[before:]
    assert len(came) == len(sent)
    assert server.broken == []
    for case, (recipients, body) in zip(sent, came, strict=True):
        head = body.partition(b"\r\n\r\n")[0].decode("ascii")
        names = [line.partition(":")[0].lower() for line in head.split("\r\n") if line[0] not in " \t"]
        # An answer in which no Message-ID can be found is answered without naming one.
        missing = {case[0].replace("_", "-")} if case[0] in ("in_reply_to", "references") else set()
        assert len(names) == len(set(names)), case
        assert set(names) | missing == mime.ALLOWED, case
        assert recipients == [b"RCPT TO:<dana@editor.test>"], case
    # Text is carried where it can be carried safely: a long or encoded subject is no reason to refuse a mail.
    for field in TEXT_FIELDS:
        assert {(field, source, "encoded words") for source in ("contact field", "inbound copy")} <= set(sent)
    assert {shape for field, source, shape in sent if source == "contact field"} == {"long", "encoded words"}


BODIES = [
    head + end + tail
    for head in ("", "text")
    for end in ("\n.\n", "\n.\r\n", "\r.\r", "\r\n.\n", "\r\n.\r\n", ".\r\n", "\r\n.\r", "\r")
    for tail in ("MAIL FROM:<x@y.test>\r\nRCPT TO:<z@y.test>\r\nDATA\r\nSubject: second\r\n\r\nsmuggled\r\n.\r\n",)
]


def test_no_body_smuggles_a_second_message(server: StrictSink) -> None:
    before, commands = len(server.messages), len(server.commands)
    send(server, [(DRAFT.to_address, frozen(replace(DRAFT, body_text=body))) for body in BODIES])
    came = server.messages[before:]
    assert len(came) == len(BODIES)
    assert server.broken == []
    assert [line[:4] for line in server.commands[commands:]].count(b"MAIL") == len(BODIES)
    for body, (recipients, raw) in zip(BODIES, came, strict=True):
        assert recipients == [b"RCPT TO:<dana@editor.test>"]
        # What a reader sees is what was written, dots and all.
        text = parse(raw).text.strip("\n")
        assert text == body.replace("\r\n", "\n").replace("\r", "\n").strip("\n")


ADDRESSES = [
    "a@b>\r\nRCPT TO:<x@y.test",
    '"a\r\nDATA"@b.test',
    "a\0@b.test",
    "a" * 310 + "@b.test",
    "a@[127.0.0.1]",
    "-oQ/tmp",
    "a@b.test, c@d.test",
    "a@b.test c@d.test",
    "<a@b.test>",
    "a@b.test\n",
]


@pytest.mark.parametrize("address", ADDRESSES, ids=range(len(ADDRESSES)))
@pytest.mark.parametrize("field", ["from_address", "to_address", "reply_to", "unsubscribe_mailto"])
def test_no_address_carries_a_command(field: str, address: str) -> None:
    with pytest.raises(BadInput, match="cannot be written into a mail header"):
        mime.freeze(replace(DRAFT, **{field: address}))


@pytest.mark.parametrize("address", [entry for entry in ADDRESSES if "\n" in entry or "\0" in entry])
def test_the_session_writes_no_command_with_a_line_break(server: StrictSink, address: str) -> None:
    """The second gate, below the freezing: the row may have been changed by hand."""

    async def envelope() -> None:
        session = SmtpSession(account(server.port))
        await session.open()
        try:
            with pytest.raises(StepFailed, match="bad address"):
                await session.envelope("ana@acme.test", address)
        finally:
            session.drop()

    before = len(server.messages)
    asyncio.run(envelope())
    assert len(server.messages) == before
    assert server.broken == []
