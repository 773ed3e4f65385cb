"""Takes the facts out of one message, tolerant of anything and bounded in everything. Runs in the child process only.

The standard library's `compat32` policy is used because it keeps headers as they are; the newer policies raise on
malformed ones. Nothing here trusts a declared length, charset, encoding or structure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import parsedate_to_datetime
from typing import cast

from app.domain.inbound import InboundMail
from app.domain.reply_text import new_text
from app.domain.returned import report_blocks, returned_headers
from app.inbox.decoding import header_text, to_text, undo_transfer
from app.inbox.html_text import html_to_text
from app.inbox.identity import tokens_in_text
from app.inbox.prescan import Scan, prescan

MOST_TEXT = 64 * 1024
MOST_HTML = 256 * 1024
MOST_VALUE = 4000
MOST_LONG_VALUE = 16 * 1024
MOST_NAMES = 300
MOST_REPEATS = 20
MOST_BLOCKS = 200
MOST_PARTS = 500

_LONG = frozenset(("references", "in-reply-to", "to", "cc"))
# Signatures and traces of filters: large, and no rule reads them.
_DROPPED = ("dkim-signature", "domainkey-signature", "arc-", "x-google-", "x-gm-message-state", "x-ms-exchange-antispam",
            "x-microsoft-antispam", "x-forefront-antispam", "x-ms-exchange-crosstenant", "x-exchange-antispam", "x-received")  # fmt: skip
_REPORTS = frozenset(("message/delivery-status", "text/delivery-status", "message/global-delivery-status"))
_ENCLOSED = frozenset(
    ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "text/rfc822")
)
_NOT_READ = frozenset(
    ("text/calendar", "text/css", "text/csv", "text/vcard", "text/x-vcard", "text/javascript", "text/xml")
)
# What Gmail sends when somebody presses an emoji: `{"emoji": "...", "version": 1}`.
_REACTION = "text/vnd.google.email-reaction+json"
_MOST_REACTION = 4096
_EMOJI = re.compile(r'"emoji"\s{0,9}:\s{0,9}"((?:[^"\\]|\\u[0-9a-fA-F]{4}){1,64})"')
_METHOD = re.compile(r"^METHOD\s{0,9}:\s{0,9}([A-Za-z-]{1,20})", re.MULTILINE | re.IGNORECASE)
_UNNAMED = frozenset(("application/octet-stream", "message/report", "message/x-delivery-status", "application/text"))
# A parameter that stands at the start of a line because a gateway has lost the blank before it.
_LOST_BLANK = re.compile(rb"(;[ \t]{0,8}\r?\n)(?=(?:boundary|report-type)=)", re.IGNORECASE)
_STRUCTURE_LIMITS = frozenset(("size", "nesting", "parts"))


class _Part(Message):
    """A part that gives its payload as it came: `get_payload` decodes with whatever codec the mail names."""

    def bare_payload(self) -> object:
        return self._payload  # type: ignore[attr-defined]  # typeshed keeps it private; there is no public way


def _read(data: bytes, *, header_only: bool = False) -> _Part:
    return cast(_Part, BytesParser(_class=_Part, policy=compat32).parsebytes(data, headersonly=header_only))


def parse(raw: bytes) -> InboundMail:
    """The facts of `raw`. Where a limit is broken, only the header is read and `limits` says which."""
    scan = prescan(raw)
    if _STRUCTURE_LIMITS.intersection(scan.limits):
        return _header_only(raw, scan, scan.limits)
    try:
        message = _read(_LOST_BLANK.sub(rb"\1 ", scan.header + b"\r\n" + raw[scan.body_at :]))
        return _facts(message, scan.limits)
    except RecursionError:
        return _header_only(raw, scan, (*scan.limits, "recursion"))


def _header_only(raw: bytes, scan: Scan, limits: tuple[str, ...]) -> InboundMail:
    message = _read(scan.header + b"\r\n\r\n", header_only=True)
    headers = _headers(message)
    text = ""
    if _type_of(message) == "text/plain":
        cut = raw[scan.body_at : scan.body_at + 4 * MOST_TEXT]
        text = to_text(undo_transfer(cut, _one(headers, "content-transfer-encoding"), MOST_TEXT), _charset(message))
    return InboundMail(
        headers=headers,
        content_type=_type_of(message),
        report_type=_report_type(message),
        text=text[:MOST_TEXT],
        new_text=new_text(text),
        date=_date(headers),
        limits=limits,
        quoted=tokens_in_text(text),
    )


def _facts(message: _Part, limits: tuple[str, ...]) -> InboundMail:
    headers = _headers(message)
    plain: list[str] = []
    rich: list[str] = []
    types: dict[str, None] = {}
    report: list[dict[str, str]] = []
    feedback: dict[str, str] | None = None
    original: dict[str, tuple[str, ...]] | None = None
    calendar: str | None = None
    reaction: str | None = None
    for part in _parts(message):
        kind = _type_of(part)
        types[kind] = None
        if kind in _REPORTS:
            report += _blocks(part) if not report else []
        elif kind == "message/feedback-report":
            feedback = feedback or next(iter(_blocks(part)), {})
        elif kind in _ENCLOSED:
            original = original or _enclosed(part)
        elif kind == _REACTION:
            reaction = reaction or _emoji(_text_of(part, _MOST_REACTION))
        elif kind == "text/calendar":
            calendar = calendar or _method(part)
        elif _is_readable(kind, part):
            target, most = (rich, MOST_HTML) if kind == "text/html" else (plain, MOST_TEXT)
            if sum(map(len, target)) < most:
                target.append(_text_of(part, most))
        elif kind in _UNNAMED and not report:
            report += report_blocks(_text_of(part, MOST_TEXT))
    text, fresh = _readable(plain, rich)
    if reaction is not None and reaction not in fresh:
        fresh = f"{reaction}\n{fresh}".strip()
    # Some servers and gateways print the report into the text, or lose the structure on the way.
    report = report or report_blocks(text)
    return InboundMail(
        headers=headers,
        content_type=_type_of(message),
        report_type=_report_type(message),
        part_types=tuple(types),
        text=text,
        new_text=fresh,
        report=tuple(report[:MOST_BLOCKS]),
        feedback=feedback,
        original=original or returned_headers(text),
        date=_date(headers),
        limits=limits,
        quoted=tokens_in_text("\n".join((*plain, *rich))),
        calendar=calendar,
        reaction=reaction,
    )


def _parts(message: _Part) -> Iterable[_Part]:
    """The parts in their order, without those inside an enclosed message; no recursion."""
    waiting = [message]
    seen = 0
    while waiting and seen < MOST_PARTS:
        part = waiting.pop()
        seen += 1
        payload = part.bare_payload()
        if isinstance(payload, list) and not _type_of(part).startswith("message/") and _type_of(part) not in _ENCLOSED:
            waiting.extend(child for child in reversed(payload) if isinstance(child, _Part))
            continue
        yield part


def _readable(plain: list[str], rich: list[str]) -> tuple[str, str]:
    text = "\n".join(plain)[:MOST_TEXT]
    if text.strip() or not any(entry.strip() for entry in rich):
        return text, new_text(text)
    whole, unquoted = html_to_text("\n".join(rich)[:MOST_HTML])
    fresh = new_text(unquoted[:MOST_TEXT])
    return whole[:MOST_TEXT], fresh or new_text(whole[:MOST_TEXT])


def _headers(message: _Part) -> dict[str, tuple[str, ...]]:
    """All headers by lower-case name, decoded and cut; the first `MOST_REPEATS` of each."""
    found: dict[str, list[str]] = {}
    for name, value in message.raw_items():
        key = name.strip().lower()[:80]
        if key.startswith(_DROPPED) or (key not in found and len(found) >= MOST_NAMES):
            continue
        values = found.setdefault(key, [])
        if len(values) < MOST_REPEATS:
            values.append(header_text(str(value), MOST_LONG_VALUE if key in _LONG else MOST_VALUE))
    return {key: tuple(values) for key, values in found.items()}


def _one(headers: dict[str, tuple[str, ...]], name: str) -> str:
    return next(iter(headers.get(name, ())), "")


def _type_of(part: _Part) -> str:
    try:
        return part.get_content_type()
    except Exception:  # noqa: BLE001 - the parameters of a header can fail in many ways, and the part still has a body
        return "text/plain"


def _parameter(part: _Part, name: str) -> str | None:
    try:
        value = part.get_param(name)
    except Exception:  # noqa: BLE001 - see `_type_of`
        return None
    if isinstance(value, tuple):
        value = value[2]
    return str(value)[:200] if value else None


def _charset(part: _Part) -> str | None:
    return _parameter(part, "charset")


def _report_type(message: _Part) -> str | None:
    value = _parameter(message, "report-type")
    return value.strip().lower() if value else None


def _is_readable(kind: str, part: _Part) -> bool:
    """Whether a leaf is text for people. A multipart without a single boundary in it comes as one leaf with the text of all."""
    if kind.startswith("multipart/"):
        return True
    return kind.startswith("text/") and kind not in _NOT_READ and not _is_attachment(part)


def _emoji(text: str) -> str | None:
    """The emoji of a reaction, or None for what is none."""
    found = _EMOJI.search(text)
    try:
        emoji = str(json.loads(f'"{found.group(1)}"')) if found is not None else ""
    except ValueError:
        return None
    return emoji if emoji and not any(character.isalnum() for character in emoji) else None


def _method(part: _Part) -> str | None:
    """The method of an invitation in upper case: a parameter of its type, else a property of the calendar."""
    found = _METHOD.search(_text_of(part, MOST_TEXT))
    named = _parameter(part, "method") or (found.group(1) if found is not None else None)
    return named.strip().upper()[:20] if named else None


def _is_attachment(part: _Part) -> bool:
    return str(dict(part.raw_items()).get("Content-Disposition", "")).strip().lower().startswith("attachment")


def _text_of(part: _Part, most: int) -> str:
    """The decoded text of a leaf. The payload is cut before anything is undone."""
    payload = part.bare_payload()
    if not isinstance(payload, str):
        return ""
    data = payload[: most * 4].encode("utf-8", "surrogateescape")
    encoding = str(part.get("Content-Transfer-Encoding") or "")
    return to_text(undo_transfer(data, encoding, most), _charset(part)).replace("\r\n", "\n").replace("\x00", "")[:most]


def _blocks(part: _Part) -> list[dict[str, str]]:
    """The blocks of fields of a report. The parser gives a list of messages, or one string where it did not know the type."""
    payload = part.bare_payload()
    if isinstance(payload, list):
        blocks = [_fields(block) for block in payload[: MOST_BLOCKS + 1] if isinstance(block, _Part)]
        encoding = str(part.get("Content-Transfer-Encoding") or "").strip().lower()
        if any(blocks) or encoding not in ("base64", "quoted-printable"):
            # Of the form with UTF-8 (RFC 6533) the parser makes one message, whose body are the blocks of the recipients.
            rest = [] if _type_of(part) == "message/delivery-status" else [_said(block) for block in payload[:1]]
            return [block for block in (*blocks, *_split("".join(rest))) if block]
        payload = "".join(map(_said, payload))
    text = to_text(
        undo_transfer(
            str(payload)[:MOST_TEXT].encode("utf-8", "surrogateescape"),
            str(part.get("Content-Transfer-Encoding") or ""),
            MOST_TEXT,
        ),
        "utf-8",
    )
    return _split(text)


def _said(block: object) -> str:
    """The body of a message that the parser has made of a report's blocks."""
    payload = block.bare_payload() if isinstance(block, _Part) else None
    return payload if isinstance(payload, str) else ""


def _split(text: str) -> list[dict[str, str]]:
    """The blocks of fields in a text, with an empty line between two."""
    out: list[dict[str, str]] = []
    for chunk in text[:MOST_TEXT].replace("\r\n", "\n").split("\n\n")[:MOST_BLOCKS]:
        block = _fields(_read(chunk.strip().encode("utf-8", "surrogateescape") + b"\n\n", header_only=True))
        if block:
            out.append(block)
    return out


def _fields(block: _Part) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in list(block.raw_items())[:60]:
        fields.setdefault(name.strip().lower()[:80], header_text(str(value), MOST_VALUE))
    return fields


def _enclosed(part: _Part) -> dict[str, tuple[str, ...]] | None:
    """The headers of the message that a report returns."""
    payload = part.bare_payload()
    if isinstance(payload, list):
        inner = next((entry for entry in payload if isinstance(entry, _Part)), None)
        found = _headers(inner) if inner is not None else {}
    else:
        text = _text_of(part, MOST_TEXT)
        head = prescan(text.lstrip().encode("utf-8", "replace")).header
        found = _headers(_read(head + b"\r\n\r\n", header_only=True))
    return found or None


def _date(headers: dict[str, tuple[str, ...]]) -> datetime | None:
    """When the message says that it was written, else when a server received it; None when neither can be read."""
    received = _one(headers, "received").rpartition(";")[2]
    for value in (_one(headers, "date"), received):
        if not value:
            continue
        try:
            found = parsedate_to_datetime(value[:200])
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None
