"""Builds the mail that other people send: answers, automatic replies and non-delivery reports. Pure: bytes in, bytes out."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage, Message
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime, getaddresses, parseaddr

TRACE = ("return-path:", "delivered-to:", "x-original-to:", "envelope-to:", "received:")

_WIRE = email.policy.SMTP.clone(max_line_length=998)


@dataclass(frozen=True, slots=True)
class Letter:
    """A received mail as a mail client shows it. `raw` is what was sent, without the trace lines of the servers."""

    raw: bytes
    message_id: str
    sender: str
    reply_to: str
    subject: str
    references: tuple[str, ...]
    text: str


def without_trace(stored: bytes) -> bytes:
    """The message as its sender sent it: the header lines that delivering servers put in front are taken off.

    RFC 5321 section 4.4: trace lines are prepended, so only the leading block is looked at.
    """
    rest = stored
    while True:
        line, _, _ = rest.partition(b"\n")
        name = line.split(b":", 1)[0].decode("ascii", "replace").strip().lower() + ":"
        if name not in TRACE:
            return rest
        _, _, rest = rest.partition(b"\n")
        while rest[:1] in (b" ", b"\t"):
            _, _, rest = rest.partition(b"\n")


def read(stored: bytes) -> Letter:
    """Parse a stored message."""
    raw = without_trace(stored)
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    sender = parseaddr(str(parsed.get("From", "")))[1]
    reply_to = [address for _, address in getaddresses([str(value) for value in parsed.get_all("Reply-To", [])])]
    body = parsed.get_body(("plain",))
    return Letter(
        raw=raw,
        message_id=str(parsed.get("Message-ID", "")).strip(),
        sender=sender,
        reply_to=reply_to[0] if reply_to else sender,
        subject=str(parsed.get("Subject", "")),
        references=tuple(str(parsed.get("References", "")).split()),
        text=body.get_content() if body is not None else "",
    )


def _quoted(letter: Letter, lead: str) -> str:
    return lead + "\n" + "\n".join("> " + line if line else ">" for line in letter.text.splitlines())


def answer(
    letter: Letter,
    *,
    name: str,
    address: str,
    text: str,
    at: datetime,
    message_id: str,
    prefix: str = "Re:",
    lead: str = "",
) -> bytes:
    """A person's answer as a mail client writes it: same thread, the mail quoted below the text.

    `lead` is the client's line above the quote; empty means that this person does not quote.
    """
    message = EmailMessage()
    message["From"] = f"{name} <{address}>"
    message["To"] = letter.reply_to
    subject = letter.subject
    message["Subject"] = subject if subject.lower().startswith(prefix.lower()) else f"{prefix} {subject}"
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    message["In-Reply-To"] = letter.message_id
    message["References"] = " ".join((*letter.references, letter.message_id))
    body = text + ("\n\n" + _quoted(letter, lead) if lead else "") + "\n"
    message.set_content(body, cte="quoted-printable")
    return message.as_bytes(policy=_WIRE)


def auto_reply(
    letter: Letter, *, name: str, address: str, subject: str, text: str, at: datetime, message_id: str
) -> bytes:
    """A vacation notice with the headers of RFC 3834 section 3: Auto-Submitted, In-Reply-To, References."""
    message = EmailMessage()
    message["From"] = f"{name} <{address}>"
    message["To"] = letter.reply_to
    message["Subject"] = f"{subject}: {letter.subject}"
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    message["In-Reply-To"] = letter.message_id
    message["References"] = " ".join((*letter.references, letter.message_id))
    message["Auto-Submitted"] = "auto-replied"
    message["Precedence"] = "bulk"
    message.set_content(text + "\n", cte="quoted-printable")
    return message.as_bytes(policy=_WIRE)


def non_delivery(
    raw: bytes,
    *,
    host: str,
    sender: str,
    recipient: str,
    status: str,
    diagnostic: str,
    at: datetime,
    message_id: str,
    final: bool = True,
) -> bytes:
    """A delivery status notification (RFC 3464) in a multipart/report (RFC 6522) with the whole message returned.

    `status` is an enhanced status code (RFC 3463), `diagnostic` the other server's answer. `final` False means "delayed".
    """
    report = MIMEMultipart("report", report_type="delivery-status")
    report["From"] = f"Mail Delivery System <MAILER-DAEMON@{host}>"
    report["To"] = sender
    report["Subject"] = "Undelivered Mail Returned to Sender" if final else "Delayed Mail (still being retried)"
    report["Date"] = format_datetime(at)
    report["Message-ID"] = message_id
    report["Auto-Submitted"] = "auto-replied"
    report.attach(
        MIMEText(
            f"This is the mail system at host {host}.\n\n"
            f"Your message could not be delivered to the recipient below.\n\n<{recipient}>: {diagnostic}\n",
            "plain",
            "us-ascii",
        )
    )
    fields = MIMENonMultipart("message", "delivery-status")
    about_all, about_one = Message(), Message()
    about_all["Reporting-MTA"] = f"dns; {host}"
    about_all["Arrival-Date"] = format_datetime(at)
    about_one["Final-Recipient"] = f"rfc822; {recipient}"
    about_one["Original-Recipient"] = f"rfc822;{recipient}"
    about_one["Action"] = "failed" if final else "delayed"
    about_one["Status"] = status
    about_one["Diagnostic-Code"] = f"smtp; {diagnostic}"
    # message/delivery-status is a list of header blocks, each an own (empty) message to the email package.
    fields.set_payload([about_all, about_one])
    report.attach(fields)
    report.attach(MIMEMessage(email.message_from_bytes(raw)))
    return report.as_bytes(policy=email.policy.SMTP)
