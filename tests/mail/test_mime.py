"""Frozen bytes: no payload in any field adds a header, a recipient or a second message."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadInput
from app.mail import mime
from app.mail.ids import is_own, new_ids
from tests.support.world import VAULT

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
MESSAGE_ID, TOKEN = new_ids(VAULT, NOW, "acme.test")
DRAFT = mime.Draft(
    from_name="Ana Silva",
    from_address="ana@acme.test",
    to_name="Dana Ruiz",
    to_address="dana@editor.test",
    subject="Your checklist",
    body_text="Hello Dana,\n\nyour page https://editor.test/a names us.\n",
    body_html='<p>Hello Dana,</p><p>your page <a href="https://editor.test/a">https://editor.test/a</a> names us.</p>',
    message_id=MESSAGE_ID,
    date=NOW,
    unsubscribe_url="https://acme.test/u/token",
)


def checked(draft: mime.Draft) -> bytes:
    raw = mime.freeze(draft)
    mime.check_bytes(
        raw,
        from_address=draft.from_address,
        to_address=draft.to_address,
        urls=mime.urls_in(draft.body_text, draft.body_html),
        https_only=True,
    )
    return raw


def test_a_message_reads_back_as_it_was_written() -> None:
    earlier = tuple(new_ids(VAULT, NOW, "acme.test")[0] for _ in range(10))
    draft = replace(
        DRAFT, subject="Größe – 大小 🎉", to_name='Dana "D." Ruíz', in_reply_to=earlier[-1], references=earlier
    )
    raw = checked(draft)
    message = message_from_bytes(raw, policy=default)
    assert message["Subject"] == draft.subject
    assert message["To"].addresses[0].display_name == draft.to_name
    assert message["References"].split() == list(earlier)
    assert message["List-Unsubscribe"] == "<https://acme.test/u/token>"
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == draft.body_text.rstrip("\n")
    html = message.get_body(("html",))
    assert html is not None
    assert "names us" in html.get_content()
    assert raw.isascii()


PAYLOADS = [
    "x\r\nBcc: evil@x.test",
    "x\nBcc: evil@x.test",
    "x\rBcc: evil@x.test",
    "x\x0bBcc: evil@x.test",
    "x\x0cBcc: evil@x.test",
    "x\x85Bcc: evil@x.test",
    "x\u2028Bcc: evil@x.test",
    "x\0Bcc: evil@x.test",
    "x\r\n Bcc: evil@x.test",
    "=?utf-8?q?hi=0D=0ABcc:_evil=40x.test?=",
    "=?utf-8?b?aGkNCkJjYzogZXZpbEB4LnRlc3Q=?=",
    "long " * 300,
]
FIELDS = [
    "subject",
    "from_name",
    "to_name",
    "to_address",
    "from_address",
    "reply_to",
    "in_reply_to",
    "message_id",
    "unsubscribe_url",
]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_no_payload_injects_a_header(field: str, payload: str) -> None:
    draft = replace(DRAFT, **{field: payload})
    try:
        raw = checked(draft)
    except BadInput as refused:
        assert refused.detail
        return
    head = raw.partition(b"\r\n\r\n")[0].decode()
    names = [line.partition(":")[0].lower() for line in head.split("\r\n") if line[0] not in " \t"]
    assert set(names) <= mime.ALLOWED
    assert "bcc" not in names
    message = message_from_bytes(raw)
    assert "bcc" not in {key.lower() for key in message}
    # What a reader decodes is the text as it was given: the encoded word stays a text and is not obeyed.
    from email.header import decode_header, make_header

    if field == "subject":
        assert str(make_header(decode_header(message["Subject"]))) == payload


def test_references_refuse_what_is_no_message_id() -> None:
    with pytest.raises(BadInput, match="Message-ID"):
        mime.freeze(replace(DRAFT, references=("<a@b>\r\nBcc: x@y.test",)))


@pytest.mark.parametrize(
    "body",
    [
        "a\n.\nb",
        "a\r\n.\r\nb",
        "a\r.\rb",
        "a\r\n.\nb",
        ".\r\nfirst",
        "..\n",
        "a\n.\r\nMAIL FROM:<x@y.test>\r\n",
        "lone\rcr",
    ],
)
def test_no_body_ends_the_message_early(body: str) -> None:
    raw = checked(replace(DRAFT, body_text=body, body_html=None))
    wired = mime.wire(raw)
    assert wired.endswith(b"\r\n.\r\n")
    assert wired.count(b"\r\n.\r\n") == 1
    assert b"\n.\n" not in wired
    assert b"\r.\r" not in wired
    unstuffed = wired[:-3].replace(b"\r\n..", b"\r\n.")
    assert unstuffed == raw


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda raw: raw.replace(b"Subject:", b"X-Spy: 1\r\nSubject:"), "must not have: x-spy"),
        (lambda raw: raw.replace(b"Subject:", b"Subject: a\r\nSubject:"), "repeats a header"),
        (lambda raw: raw.replace(b"\r\n\r\n", b"\n\n", 1), "bare CR or LF"),
        (lambda raw: raw.replace(b"dana@editor.test", b"tom@editor.test"), "To is not"),
        (lambda raw: raw.replace(b"<ana@acme.test>", b"<eve@acme.test>"), "From is not"),
        (lambda raw: raw.replace(b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b""), "stand together"),
        (lambda raw: raw.replace(b"<https://acme.test/u/", b"<http://acme.test/u/"), "must be https"),
        (lambda raw: raw.replace(b"Hello Dana", b"{{ first_name }}", 1), "unresolved variable"),
        (lambda raw: raw.replace(b"editor.test/a names", b"evil.test/a names"), "not in the preview"),
        (lambda raw: raw.replace(b"Hello", b"Hell\xf3", 1), "plain ASCII"),
        (lambda raw: raw.replace(b"Hello", b"H" * 999, 1), "998"),
        (lambda raw: raw.replace(b"<p>Hello", b'<p><img src=3D"cid:x">Hello'), "HTML part has <img>"),
        (lambda raw: raw.replace(b"<p>Hello", b"<p>Hello you"), "differ near"),
        (lambda raw: raw.replace(b'href=3D"https://editor.test/a"', b'href=3D"cid:r"'), "different links"),
        (lambda raw: raw.replace(b"text/plain", b"text/html"), "text and then HTML"),
        (lambda raw: raw.replace(b"multipart/alternative", b"multipart/related"), "text and then HTML"),
    ],
)
def test_the_byte_check_sees_each_planted_fault(change: object, sentence: str) -> None:
    raw = checked(DRAFT)
    tampered = change(raw)  # type: ignore[operator]
    assert tampered != raw
    with pytest.raises(BadInput, match=sentence):
        mime.check_bytes(
            tampered,
            from_address="ana@acme.test",
            to_address="dana@editor.test",
            urls=mime.urls_in(DRAFT.body_text, DRAFT.body_html),
            https_only=True,
        )


@given(st.text(max_size=300), st.text(max_size=80))
def test_any_text_either_freezes_well_or_is_refused(body: str, subject: str) -> None:
    try:
        raw = mime.freeze(replace(DRAFT, subject=subject, body_text=body, body_html=None))
    except BadInput:
        return
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_a_message_id_proves_that_it_is_ours() -> None:
    assert is_own(VAULT, MESSAGE_ID)
    assert TOKEN in MESSAGE_ID
    forged = MESSAGE_ID.replace(TOKEN, "a" * len(TOKEN))
    assert not is_own(VAULT, forged)
    assert not is_own(VAULT, "<CAF+x@mail.test>")
    assert not is_own(VAULT, "")


@given(
    st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.sampled_from(
        ["Date: Mon, 01 Jun 2020 00:00:00 +0000", "x\r\nDate: Mon, 01 Jun 2020 00:00:00 +0000\r\ny", "plain"]
    ),
)
def test_a_mail_is_dated_anew_and_nothing_else_changes(one: datetime, other: datetime, body: str) -> None:
    raw = checked(replace(DRAFT, body_text=f"{DRAFT.body_text}\n{body}\n", body_html=None))
    made = mime.dated(raw, one)
    assert message_from_bytes(made, policy=default)["Date"].datetime == one.replace(microsecond=0)
    assert mime.dated(made, NOW) == raw
    assert mime.dated(made, other) == mime.dated(raw, other)
    changed = [line for line in zip(raw.split(b"\r\n"), made.split(b"\r\n"), strict=True) if line[0] != line[1]]
    assert all(before.startswith(b"Date: ") for before, _ in changed)
    assert len(changed) <= 1


@pytest.mark.parametrize(
    "change", [(b"\r\nDate: ", b"\r\nX-Date: "), (b"\r\nTo: ", b"\r\nDate: Mon, 01 Jun 2020 00:00:00 +0000\r\nTo: ")]
)
def test_without_exactly_one_date_it_is_refused(change: tuple[bytes, bytes]) -> None:
    with pytest.raises(BadInput, match="exactly one Date"):
        mime.dated(mime.freeze(DRAFT).replace(*change, 1), NOW)
