"""Freezes a message into the bytes that will be on the wire, and checks bytes before they may leave.

The headers are written here and not by `email.message`: on some Python releases that class turns an encoded word with
a line break inside (`=?utf-8?q?x=0D=0ABcc:...?=`) into a real header line, and it folds long Message-IDs and URLs into
encoded words that no mail program understands.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import quoprimime
from email.header import Header
from email.parser import BytesParser
from email.policy import compat32
from email.utils import format_datetime

from app.domain.pitch_contract import check_parts
from app.domain.said import say
from app.errors import BadInput

ALLOWED = frozenset(
    [
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "in-reply-to",
        "references",
        "reply-to",
        "list-unsubscribe",
        "list-unsubscribe-post",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
    ]
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Others' ids hold more than RFC 5322 3.6.4 gives to theirs: `@[10.0.0.1]`, colons, commas. Nothing of it ends a line or an id.
_MESSAGE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{3,248}>")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
URL = re.compile(r"https?://[^\s<>\"')\]]+")


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything that goes into one message to one recipient. Addresses are bare; names may be empty."""

    from_name: str
    from_address: str
    to_name: str
    to_address: str
    subject: str
    body_text: str
    body_html: str | None
    message_id: str
    date: datetime
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    reply_to: str | None = None
    unsubscribe_url: str | None = None
    unsubscribe_mailto: str | None = None
    unsubscribe_subject: str = "unsubscribe"
    urls: frozenset[str] = field(default_factory=frozenset)


def freeze(draft: Draft) -> bytes:
    """The bytes of `draft`: pure ASCII, CRLF, lines of at most 998 characters. Raises BadInput naming what is wrong."""
    boundary = "gb-" + hashlib.sha256(draft.message_id.encode()).hexdigest()[:32]
    lines = [
        f"From: {_mailbox('from', draft.from_name, draft.from_address)}",
        f"To: {_mailbox('to', draft.to_name, draft.to_address)}",
        f"Subject: {_text('subject', draft.subject)}",
        f"Date: {format_datetime(draft.date)}",
        f"Message-ID: {_id(draft.message_id)}",
    ]
    if draft.reply_to:
        lines.append(f"Reply-To: {_address('reply_to', draft.reply_to)}")
    if draft.in_reply_to:
        lines.append(f"In-Reply-To: {_id(draft.in_reply_to)}")
    if draft.references:
        lines.append("References: " + "\r\n ".join(_id(one) for one in draft.references))
    if draft.unsubscribe_url:
        ways = [f"<{_url(draft.unsubscribe_url)}>"]
        if draft.unsubscribe_mailto:
            ways.append(
                f"<mailto:{_address('unsubscribe', draft.unsubscribe_mailto)}?subject={_subject_word(draft.unsubscribe_subject)}>"
            )
        lines += ["List-Unsubscribe: " + ",\r\n ".join(ways), "List-Unsubscribe-Post: List-Unsubscribe=One-Click"]
    lines.append("MIME-Version: 1.0")
    if draft.body_html is None:
        lines += _part("text/plain", draft.body_text)
    else:
        lines += [f'Content-Type: multipart/alternative; boundary="{boundary}"', ""]
        for kind, body in (("text/plain", draft.body_text), ("text/html", draft.body_html)):
            lines += [f"--{boundary}", *_part(kind, body)]
        lines.append(f"--{boundary}--")
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


# In the header that `freeze` writes it stands once, unfolded, and is never the first line.
_DATE = re.compile(rb"\r\nDate: [^\r\n]{20,40}(?=\r\n)")


def dated(raw: bytes, at: datetime) -> bytes:
    """Frozen bytes with `at` in their Date field, and not one other byte changed. Raises BadInput without exactly one field.

    So `dated(dated(raw, x), y) == dated(raw, y)`: what arrived can be held against what was approved.
    """
    head, gap, body = raw.partition(b"\r\n\r\n")
    if len(_DATE.findall(head + b"\r\n")) != 1:
        raise BadInput(say("the frozen message has not exactly one Date"))
    date = f"\r\nDate: {format_datetime(at.astimezone(UTC))}".encode("ascii")
    return _DATE.sub(date, head + b"\r\n")[:-2] + gap + body


def _part(kind: str, body: str) -> list[str]:
    text = body.replace("\r\n", "\n").replace("\r", "\n").strip("\n") + "\n"
    # latin-1 carries each UTF-8 byte as one character, which is what quoprimime encodes.
    encoded = quoprimime.body_encode(text.encode("utf-8").decode("latin-1"), maxlinelen=76, eol="\r\n")
    return [
        f"Content-Type: {kind}; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        encoded.rstrip("\r\n"),
    ]


def _text(name: str, value: str) -> str:
    if _CONTROL.search(value):
        raise BadInput(say("the {name} holds a line break or another control character; remove it", name=name))
    if value.isascii() and "=?" not in value and len(value) <= 200:
        return value
    return Header(value, "utf-8", maxlinelen=72, header_name=name).encode(linesep="\r\n")


def _mailbox(name: str, display: str, address: str) -> str:
    checked = _address(name, address)
    if not display:
        return checked
    encoded = _text(f"{name} name", display)
    if encoded is display or encoded == display:
        escaped = display.replace("\\", "\\\\").replace('"', '\\"')
        encoded = f'"{escaped}"'
    return f"{encoded} <{checked}>"


def _address(name: str, value: str) -> str:
    if len(value) > 254 or not _ADDRESS.fullmatch(value):
        raise BadInput(
            say("the {name} address '{value!r}' cannot be written into a mail header", name=name, value=value[:80])
        )
    return value


def is_message_id(value: str) -> bool:
    """Whether `value` can stand in In-Reply-To and References."""
    return _MESSAGE_ID.fullmatch(value) is not None


def one_line(text: str) -> str:
    """`text` as it can stand in a header: line breaks, control characters and runs of blanks become one blank each."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _id(value: str) -> str:
    if not is_message_id(value):
        raise BadInput(say("'{value!r}' is not a Message-ID that can be put into a header", value=value[:80]))
    return value


def _subject_word(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,80}", value):
        raise BadInput(say("the subject of the opt-out mail must be letters, digits and dashes"))
    return value


def _url(value: str) -> str:
    if not re.fullmatch(r"https?://[\x21-\x3b\x3d\x3f-\x7e]{1,900}", value):
        raise BadInput(say("the opt-out address is no plain http(s) URL; check GAPBRIDGE_PUBLIC_URL"))
    return value


def check_bytes(  # noqa: PLR0912 -- the list of section checks reads best in one place
    raw: bytes, *, from_address: str, to_address: str, urls: frozenset[str], https_only: bool
) -> None:
    """The last gate before the wire; raises BadInput with the first thing that is wrong.

    Looks at the bytes themselves and then at what a second parser (the standard library's) makes of them: header
    names on the allow-list and once each, no bare CR, LF or NUL, lines of at most 998 characters, exactly one From (ours)
    and one To, the one-click pair complete, and no URL that was not in the preview.
    """
    text = raw.decode("ascii", errors="replace")
    if "\ufffd" in text or "\0" in text:
        raise BadInput(say("the frozen message holds bytes that are not plain ASCII"))
    if re.search(r"\r(?!\n)|(?<!\r)\n", text):
        raise BadInput(say("the frozen message holds a bare CR or LF"))
    if any(len(line) > 998 for line in text.split("\r\n")):
        raise BadInput(say("the frozen message holds a line of more than 998 characters"))
    head, _, _ = text.partition("\r\n\r\n")
    names = [line.partition(":")[0].lower() for line in head.split("\r\n") if not line.startswith((" ", "\t"))]
    strange = set(names) - ALLOWED
    if strange:
        raise BadInput(
            say("the frozen message has headers that it must not have: {names}", names=", ".join(sorted(strange)))
        )
    if len(names) != len(set(names)):
        raise BadInput(say("the frozen message repeats a header"))
    message = BytesParser(policy=compat32).parsebytes(raw)
    if sorted(key.lower() for key in message.keys()) != sorted(names):  # noqa: SIM118 -- repeated keys matter
        raise BadInput(say("two readings of the frozen message's headers disagree"))
    for header, expected in (("From", from_address), ("To", to_address)):
        value = message[header] or ""
        if not (value == expected or value.endswith(f"<{expected}>")) or value.count("@") - value.count('"@') < 1:
            raise BadInput(say("the frozen message's {header} is not {expected}", header=header, expected=expected))
    pair = (message["List-Unsubscribe"], message["List-Unsubscribe-Post"])
    if (pair[0] is None) != (pair[1] is None):
        raise BadInput(say("List-Unsubscribe and List-Unsubscribe-Post must stand together (RFC 8058)"))
    if pair[0] is not None and https_only and not pair[0].startswith("<https://"):
        raise BadInput(say("the opt-out link must be https (RFC 8058); set GAPBRIDGE_PUBLIC_URL to the https address"))
    bodies: list[tuple[str, str]] = []
    for part in message.walk():
        if part.is_multipart():
            continue
        payload = part.get_payload(decode=True)
        body = payload.decode("utf-8") if isinstance(payload, bytes) else ""
        if "{{" in body or "}}" in body:
            raise BadInput(say("an unresolved variable stands in the frozen message"))
        extra = {found.rstrip(".,;:") for found in URL.findall(body.replace("&amp;", "&"))} - urls
        if extra:
            raise BadInput(
                say("the frozen message holds a URL that was not in the preview: {extra}", extra=sorted(extra)[0])
            )
        bodies.append((part.get_content_type(), body))
    _check_bodies(message.get_content_type(), bodies)


def _check_bodies(kind: str, bodies: list[tuple[str, str]]) -> None:
    """Plain text alone, or text first and then HTML with the same words and links that loads nothing (RFC 2046 5.1.4)."""
    kinds = [found for found, _ in bodies]
    if (kind, kinds) == ("text/plain", ["text/plain"]):
        return
    if (kind, kinds) != ("multipart/alternative", ["text/plain", "text/html"]):
        raise BadInput(
            say(
                "the frozen message must be text, or text and then HTML; it is {kind} of {names}",
                kind=kind,
                names=", ".join(kinds),
            )
        )
    broken = check_parts(bodies[0][1], bodies[1][1])
    if broken:
        raise BadInput(say("the frozen message's HTML part: {sentence}", sentence=broken[0].sentence))


def urls_in(*bodies: str | None) -> frozenset[str]:
    """The URLs that stand in the bodies, as `check_bytes` compares them."""
    return frozenset(
        found.rstrip(".,;:") for body in bodies if body for found in URL.findall(body.replace("&amp;", "&"))
    )


def wire(raw: bytes) -> bytes:
    """`raw` as it follows the 354 answer: lines that start with a dot are doubled, and the final dot is added."""
    stuffed = raw.replace(b"\r\n.", b"\r\n..")
    return (b"." + stuffed if stuffed.startswith(b".") else stuffed) + b".\r\n"
