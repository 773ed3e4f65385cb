"""Mail in the shapes that servers write, put together from the texts beside this file: each sample knows what it is."""

from __future__ import annotations

import base64
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.header import Header
from pathlib import Path
from string import Template

HERE = Path(__file__).parent
RCPT = "anna.lind@far.test"
SECTION = "--8<-- "
WORDS = {"hard": "User unknown", "soft": "Deferred", "policy": "Service unavailable"}
HEADERS = """Return-Path: <bob@ours.example>
Received: from [192.0.2.7] by out.ours.example; Mon, 23 Nov 2026 09:00:00 +0000
Message-ID: <0190.tok@ours.example>
From: Bob <bob@ours.example>
To: anna.lind@far.test
Subject: A page on tides
Date: Mon, 23 Nov 2026 09:00:00 +0000
MIME-Version: 1.0
"""
ORIGINAL = HEADERS + "\nHello Anna,\n\nyour page on tides links to a page that is gone.\n"


@dataclass(frozen=True, slots=True)
class Sample:
    """One message, and what it must be read as. `expected`: hard, soft, policy, auto, other or none (a person's)."""

    name: str
    raw: bytes
    expected: str
    recipient: str | None


def samples() -> Iterator[Sample]:
    """All samples, in a fixed order."""
    replies = [tuple(part.strip() for part in line.split("|", 2)) for line in _lines("replies.txt")]
    for name, _, _, text in _blocks("relay.txt"):
        for number, (expected, status, words) in enumerate(replies):
            said = Template(words).safe_substitute(rcpt=RCPT)
            fill = {"said": said, "code": said[:3], "status": status, "word": WORDS[expected]}
            encoding = ("7bit", "quoted-printable", "base64")[number % 3]
            yield Sample(f"{name}/{number:02}", _message(text, fill, "utf-8", encoding), expected, RCPT)
    for name, expected, charsets, text in _blocks("alone.txt"):
        for charset in charsets.split() or ["utf-8"]:
            for encoding in ("8bit", "quoted-printable", "base64"):
                recipient = RCPT if expected in WORDS and "$rcpt" in text else None
                yield Sample(
                    f"{name}/{charset}/{encoding}", _message(text, {}, charset, encoding, expected), expected, recipient
                )


def strangers() -> Iterator[Sample]:
    """What the blind rounds were made of: each reply in one dress of another maker, and whole reports; the name begins with the round."""
    dresses = {name: text for name, _, _, text in _blocks("relay.txt")}
    for number, line in enumerate(_lines("strangers.txt")):
        expected, dress, status, words, why = line.split(" | ")
        said = Template(words).safe_substitute(rcpt=RCPT)
        code = re.search(r"\b[45]\d\d\b", said)
        fill = {"said": said, "code": code.group() if code else "550", "status": status, "word": WORDS[expected]}
        encoding = ("7bit", "quoted-printable", "base64")[number % 3]
        name = f"{why.partition(' ')[0]}/{number:03}/{dress}"
        yield Sample(name, _message(dresses[dress], fill, "utf-8", encoding), expected, RCPT)
    for name, expected, charsets, text in _blocks("strangers-alone.txt"):
        for charset in charsets.split():
            recipient = RCPT if expected in WORDS and "$rcpt" in text else None
            raw = _message(text, {}, charset, "quoted-printable", expected)
            yield Sample(f"{name.replace('-', '/', 1)}/{charset}", raw, expected, recipient)


def _lines(file: str) -> list[str]:
    return [line for line in (HERE / file).read_text().splitlines() if line.strip() and not line.startswith("#")]


def _blocks(file: str) -> Iterator[tuple[str, str, str, str]]:
    for block in ("\n" + (HERE / file).read_text()).split("\n=== ")[1:]:
        title, _, text = block.partition("\n")
        name, expected, charsets = [*(part.strip() for part in title.split("|")), ""][:3]
        yield name, expected, charsets, text + "\n"


def _message(text: str, fill: dict[str, str], charset: str, encoding: str, expected: str = "") -> bytes:
    filled = Template(text).safe_substitute(rcpt=RCPT, original=ORIGINAL, headers=HEADERS, **fill)
    head, _, body = filled.partition("\n\n") if SECTION not in filled else filled.partition(SECTION)
    parts = [part for part in body.split("\n" + SECTION) if part] if SECTION in filled else []
    fields = head.strip().split("\n")
    kept = [_field(field, charset) for field in fields if not field.lower().startswith("content-type:")]
    declared = [field for field in fields if field.lower().startswith("content-type:")]
    out = ["To: bob@ours.example", "Date: Mon, 23 Nov 2026 10:00:00 +0000", "MIME-Version: 1.0", *kept]
    if not parts:
        payload, transfer = (body, "7bit") if declared else _encoded(body, charset, encoding)
        kind = declared[0] if declared else f"Content-Type: text/plain; charset={charset}"
        out += [kind, f"Content-Transfer-Encoding: {transfer}", "", payload]
        return "\n".join(out).encode(charset, "replace")
    # A person who attaches a report does not send one.
    report = any("delivery-status" in part.partition("\n")[0] for part in parts) and expected != "none"
    kind = "multipart/report; report-type=delivery-status" if report else "multipart/mixed"
    out += [f'Content-Type: {kind}; boundary="=_b1"', "", "This is a message in several parts."]
    for part in parts:
        title, _, content = part.partition("\n")
        words = title.split()
        if words[0] == "multipart/alternative":
            continue
        chosen = words[1] if len(words) > 1 else encoding if words[0].startswith("text/") else "7bit"
        payload, transfer = _encoded(content, charset, chosen)
        out += ["--=_b1", f"Content-Type: {words[0]}; charset={charset}", f"Content-Transfer-Encoding: {transfer}", ""]
        out += [payload]
    out += ["--=_b1--", ""]
    return "\n".join(out).encode(charset, "replace")


def _field(field: str, charset: str) -> str:
    name, _, value = field.partition(":")
    if field.isascii():
        return field
    if name.lower() == "from" and "<" in value:
        shown, _, address = value.strip().rpartition("<")
        return f"{name}: {Header(shown.strip(), charset).encode()} <{address}"
    return f"{name}: {Header(value.strip(), charset).encode()}"


def _encoded(text: str, charset: str, encoding: str) -> tuple[str, str]:
    raw = text.encode(charset, "replace")
    if encoding == "base64":
        return base64.encodebytes(raw).decode("ascii"), "base64"
    if encoding == "quoted-printable":
        return quopri.encodestring(raw).decode("ascii"), "quoted-printable"
    return raw.decode(charset), "8bit"
