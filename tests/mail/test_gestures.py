"""Answers that are no text, and wrappings of text that must not hide it: calendars, reactions, signatures, feedback ids."""

from __future__ import annotations

import pytest

from app.domain.inbound import Intent, Kind, classify
from app.inbox.parse import parse
from app.inbox.wire import Parsed, dump, load

THREAD = "In-Reply-To: <0190.tok@ours.example>\r\n"
GOOGLE = "Sender: Google Calendar <calendar-notification@google.com>\r\nAuto-Submitted: auto-generated\r\n"


def event(method: str, *, parameter: bool = True) -> tuple[str, str]:
    named = f"; method={method}" if parameter else ""
    return (
        f'text/calendar; charset="UTF-8"{named}',
        f"BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nDTSTART:20261214T100000Z\r\nSUMMARY:Call\r\nEND:VEVENT\r\nEND:VCALENDAR",
    )


def mail(
    *parts: tuple[str, str], headers: str = "", subject: str = "Re: A page on tides", kind: str = "alternative"
) -> bytes:
    body = "".join(f"--b\r\nContent-Type: {kind_}\r\n\r\n{text}\r\n" for kind_, text in parts)
    return (
        f"From: Dana <dana@editor.test>\r\nTo: ana@acme.test\r\nSubject: {subject}\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n{headers}"
        f'MIME-Version: 1.0\r\nContent-Type: multipart/{kind}; boundary="b"\r\n\r\n{body}--b--\r\n'
    ).encode()


PLAIN = "text/plain; charset=utf-8"
INVITED = (PLAIN, "You have been invited to: Call, 14 December 2026 10:00. Going? Yes / Maybe / No")


@pytest.mark.parametrize("headers", [GOOGLE, THREAD, ""])
@pytest.mark.parametrize("parameter", [True, False])
@pytest.mark.parametrize("method", ["REQUEST", "COUNTER"])
def test_an_invitation_is_an_answer(method: str, parameter: bool, headers: str) -> None:
    found = classify(
        parse(mail(INVITED, event(method, parameter=parameter), headers=headers, subject="Invitation: Call"))
    )
    assert (found.kind, found.rule, found.returns_on, found.intent) == (Kind.REPLY, "reply:invitation", None, None)


def test_what_somebody_answers_to_an_invitation_is_an_answer() -> None:
    found = classify(
        parse(mail((PLAIN, "Dana has accepted."), event("REPLY"), headers=GOOGLE, subject="Accepted: Call"))
    )
    assert (found.kind, found.rule) == (Kind.REPLY, "reply:calendar")


def test_a_calendar_that_is_sent_round_is_no_answer() -> None:
    listed = "List-Id: <events.editor.test>\r\nList-Unsubscribe: <https://editor.test/u>\r\n"
    assert classify(parse(mail(INVITED, event("REQUEST"), headers=listed, subject="Webinar"))).rule == "list-mail"
    away = "Auto-Submitted: auto-replied\r\n"
    found = classify(parse(mail((PLAIN, "I am out of the office."), event("PUBLISH"), headers=away)))
    assert found.kind is Kind.AUTO_REPLY


@pytest.mark.parametrize("emoji", ['"👍"', r'"\ud83d\udc4d"'])
def test_an_emoji_is_an_answer_and_its_json_is_not_shown(emoji: str) -> None:
    reaction = ("text/vnd.google.email-reaction+json; charset=utf-8", f'{{"emoji": {emoji}, "version": 1}}')
    bare = parse(
        mail((PLAIN, "Dana reacted via Gmail"), reaction, headers=THREAD + "Auto-Submitted: auto-generated\r\n")
    )
    assert bare.new_text == "👍\nDana reacted via Gmail"
    assert "version" not in bare.text
    found = classify(bare)
    assert (found.kind, found.rule) == (Kind.REPLY, "reply:reaction")
    assert load(dump(Parsed(bare, found))) == Parsed(bare, found)
    broken = parse(mail((PLAIN, "Yes, added."), (reaction[0], '{"emoji": "<script>"}'), headers=THREAD))
    assert (broken.new_text, broken.reaction) == ("Yes, added.", None)


def test_a_signed_letter_is_read_through_its_signature() -> None:
    inner = f"Content-Type: {PLAIN}\r\n\r\nHappy to add it.\r\n"
    signed = mail(
        ('multipart/mixed; boundary="c"', f"--c\r\n{inner}--c--"),
        ('application/pkcs7-signature; name="smime.p7s"', "MIIG"),
        kind='signed; protocol="application/pkcs7-signature"; micalg=sha-256',
        headers=THREAD,
    )
    found = parse(signed)
    assert (found.new_text, classify(found).intent) == ("Happy to add it.", Intent.INTERESTED)


def test_what_is_enclosed_in_a_signature_is_a_reply_that_a_person_opens() -> None:
    sealed = (
        "From: dana@editor.test\r\nSubject: Re: A page on tides\r\n" + THREAD + "MIME-Version: 1.0\r\n"
        'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\nMIIGvwYJKoZIhvcNAQcDoIIGsDCCBqwCAQAx\r\n"
    )
    found = classify(parse(sealed.encode()))
    assert (found.kind, found.intent) == (Kind.REPLY, None)


def test_a_feedback_id_alone_is_a_person() -> None:
    headers = THREAD + "Feedback-ID: 123:crm:editor\r\n"
    assert classify(parse(mail((PLAIN, "I was on holiday. Added!"), headers=headers))).kind is Kind.REPLY
    assert classify(parse(mail((PLAIN, "Sure, added it."), headers=headers, subject="Your mail"))).kind is Kind.REPLY
