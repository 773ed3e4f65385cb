"""Reports whose header a gateway has damaged: they are read as what they are, and letters keep their own text."""

from app.domain.inbound import BounceClass, Kind, classify
from app.inbox.parse import parse

REPORT = b"""Received: from inner.far.test
(2001:db8::30) by outer.far.test with HTTPS
via gate.far.test; Mon, 23 Nov 2026 10:00:00 +0000
Received: from a.far.test (192.0.2.9) with SMTP (version=TLS1_2,
cipher=TLS_X) id 15.20; Mon, 23
Nov 2026 10:00:00 +0000
From: Far Post <postmaster@far.test>
Content-Type: multipart/report; report-type=delivery-status;
boundary="b1"
Subject: Undeliverable: A page on tides
MIME-Version: 1.0

--b1
Content-Type: multipart/alternative; differences=Content-Type;
boundary="b2"

--b2
Content-Type: text/plain

far.test rejected your message.
--b2--

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; far.test

Final-Recipient: rfc822;anna.lind@far.test
Action: failed
Status: 5.1.351
Diagnostic-Code: smtp;550 5.1.351 remote server returned unknown recipient
--b1--
"""


def test_continuation_lines_that_lost_their_blank_do_not_end_the_header() -> None:
    for raw in (REPORT, REPORT.replace(b"\n", b"\r\n")):
        mail = parse(raw)
        assert mail.text.strip() == "far.test rejected your message."
        verdict = classify(mail)
        assert verdict.rule == "bounce:dsn"
        assert verdict.bounce is not None
        assert verdict.bounce.recipients == ("anna.lind@far.test",)
        assert verdict.bounce.failures[0].bounce_class is BounceClass.HARD


def test_a_letter_that_lacks_the_empty_line_keeps_its_text() -> None:
    raw = (
        b"From: Anna <anna@far.test>\nSubject: Re: A page on tides\nYes, we link to it on Monday.\nAnna\n\nShore Ltd\n"
    )
    mail = parse(raw)
    assert mail.header("subject") == "Re: A page on tides"
    assert "Yes, we link to it on Monday." in mail.text
    assert classify(mail).kind is Kind.REPLY
