"""Mail that people and servers send to us, as bytes, for tests of the inbox."""

from __future__ import annotations

import itertools

_COUNT = itertools.count(1)


def letter(
    text: str = "Sure, happy to add it.",
    *,
    sender: str = "Dana Ruiz <dana@editor.test>",
    to: str = "ana@acme.test",
    subject: str = "Re: Your checklist",
    date: str = "Mon, 01 Jun 2026 10:00:00 +0000",
    message_id: str | None = None,
    **headers: str,
) -> bytes:
    """A plain message; `in_reply_to="<id>"` and other headers are given by name with underscores."""
    number = next(_COUNT)
    fields = {
        "From": sender,
        "To": to,
        "Subject": subject,
        "Date": date,
        "Message-ID": message_id or f"<{number}.x@editor.test>",
        **{name.replace("_", "-"): value for name, value in headers.items()},
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return (head + "\r\n" + text.replace("\n", "\r\n") + "\r\n").encode()


def report(
    recipient: str,
    *,
    status: str = "5.1.1",
    diagnostic: str = "550 5.1.1 user unknown",
    returned: str = "",
    action: str = "failed",
    to: str = "ana@acme.test",
) -> bytes:
    """A delivery report (RFC 3464); `returned` are headers of the message that it returns."""
    number = next(_COUNT)
    third = f"\r\n--b1\r\nContent-Type: message/rfc822\r\n\r\n{returned}\r\n\r\nhello\r\n" if returned else ""
    return (
        f"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.test\r\nTo: {to}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        f"Date: Mon, 01 Jun 2026 10:00:00 +0000\r\nMessage-ID: <report.{number}@mx.test>\r\nAuto-Submitted: auto-replied\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b1"\r\n\r\n'
        "--b1\r\nContent-Type: text/plain\r\n\r\nThe message could not be delivered.\r\n\r\n"
        "--b1\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\nDiagnostic-Code: smtp; {diagnostic}\r\n"
        f"{third}\r\n--b1--\r\n"
    ).encode()


def complaint(recipient: str, returned: str) -> bytes:
    """A feedback report (RFC 5965)."""
    return (
        "From: feedback@provider.test\r\nTo: ana@acme.test\r\nSubject: FW: Your checklist\r\nDate: Mon, 01 Jun 2026 10:00:00 +0000\r\n"
        f"Message-ID: <fbl.{next(_COUNT)}@provider.test>\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=feedback-report; boundary="b1"\r\n\r\n'
        "--b1\r\nContent-Type: text/plain\r\n\r\nAn abuse report.\r\n\r\n--b1\r\nContent-Type: message/feedback-report\r\n\r\n"
        f"Feedback-Type: abuse\r\nVersion: 1\r\nOriginal-Rcpt-To: <{recipient}>\r\n\r\n"
        f"--b1\r\nContent-Type: message/rfc822\r\n\r\n{returned}\r\n\r\nhello\r\n--b1--\r\n"
    ).encode()
