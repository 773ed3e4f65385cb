"""Looks at raw bytes before any parser does, in one pass, and names the limits that they break.

Parsers of MIME recurse, and spend minutes on messages made for that; this scan only counts lines. What breaks a limit is
read by its header alone: it is still stored, matched and shown, never parsed whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_BYTES = 25 * 1024 * 1024
MOST_HEADER_BYTES = 256 * 1024
MOST_HEADER_LINES = 1000
MOST_ONE_HEADER = 64 * 1024
MOST_NESTING = 30
MOST_PARTS = 500

_BOUNDARY = re.compile(
    rb"boundary(?:\*0?\*?)?\s{0,5}=\s{0,5}(?:\"([^\"\r\n]{1,200})\"|([^\s\";]{1,200}))", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Scan:
    """The result: `header` are the bytes up to the first empty line, cut to the limits; `limits` the broken ones by name."""

    header: bytes
    body_at: int
    limits: tuple[str, ...]
    nesting: int = 0
    parts: int = 0


def prescan(raw: bytes) -> Scan:
    """Count what can hurt a parser. Linear in the size of `raw`; reads the body only when the header is sound."""
    limits: list[str] = []
    if len(raw) > MOST_BYTES:
        limits.append("size")
    header, body_at = _header_block(raw)
    if len(header) > MOST_HEADER_BYTES:
        limits.append("header-size")
        header = header[:MOST_HEADER_BYTES]
    header, broken = _sound_header(_folded(header))
    limits += broken
    nesting = parts = 0
    if "size" not in limits:
        nesting, parts = _structure(raw)
        if nesting > MOST_NESTING:
            limits.append("nesting")
        if parts > MOST_PARTS:
            limits.append("parts")
    return Scan(header, body_at, tuple(limits), nesting, parts)


def _header_block(raw: bytes) -> tuple[bytes, int]:
    """The header and where the body starts, whatever the line ends are."""
    ends = [(at, at + len(mark)) for mark in (b"\r\n\r\n", b"\n\n", b"\r\r") if (at := raw.find(mark)) >= 0]
    if raw[:1] in (b"\n", b"\r"):
        return b"", len(raw) - len(raw.lstrip(b"\r\n"))
    if not ends:
        return raw, len(raw)
    at, body = min(ends)
    return raw[:at] + b"\r\n", body


_FIELD = re.compile(rb"[A-Za-z0-9_.-]{1,80}+[ \t]{0,4}:|From |>From |[ \t]")
_SURE = re.compile(rb"(?:from|to|subject|date|message-id|mime-version|content-type|return-path):", re.IGNORECASE)


def _folded(header: bytes) -> bytes:
    """The header with continuation lines that lost their blank given it back: a parser would end the header there.

    Only above the last field that no text has: where such a line follows, the blank line of the body may be what is missing.
    """
    lines = header.splitlines(keepends=True)[: MOST_HEADER_LINES + 1]
    last = next((number for number in range(len(lines) - 1, 0, -1) if _SURE.match(lines[number])), 0)
    bare = [number for number in range(1, last) if lines[number].strip() and not _FIELD.match(lines[number])]
    if not bare:
        return header
    for number in bare:
        lines[number] = b" " + lines[number]
    return b"".join(lines)


def _sound_header(header: bytes) -> tuple[bytes, list[str]]:
    """The header with surplus lines and over-long fields cut off, and the names of the limits that this broke."""
    lines = header.splitlines(keepends=True)
    broken: list[str] = []
    if len(lines) > MOST_HEADER_LINES:
        broken.append("header-lines")
        lines = lines[:MOST_HEADER_LINES]
    size = 0
    kept: list[bytes] = []
    long = False
    for line in lines:
        size = size + len(line) if line[:1] in (b" ", b"\t") else len(line)
        if size > MOST_ONE_HEADER:
            long = True
            room = len(line) - (size - MOST_ONE_HEADER)
            if room > 0:
                kept.append(line[:room] + b"\r\n")
            continue
        kept.append(line)
    if long:
        broken.append("header-length")
    return b"".join(kept), broken


def _structure(raw: bytes) -> tuple[int, int]:
    """The deepest nesting and the number of parts, by following the boundaries in the order of their lines."""
    text = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    open_at: dict[bytes, int] = {}
    stack: list[bytes] = []
    deepest = parts = 0
    for at, kind in _marks(text):
        if kind == "line":
            line = text[at + 2 : at + 300].partition(b"\n")[0].rstrip()
            closes = line not in open_at and line.endswith(b"--")
            level = open_at.get(line[:-2] if closes else line)
            if level is None:
                continue
            keep = level if closes else level + 1
            for inner in stack[keep:]:
                open_at.pop(inner, None)
            del stack[keep:]
            parts += 0 if closes else 1
            if parts > MOST_PARTS:
                return deepest, parts
            continue
        if kind == "boundary":
            found = _BOUNDARY.match(text, at)
            name = (found.group(1) or found.group(2)) if found else None
        else:
            name = b"\x00%d" % len(stack)
        if name is not None and name not in open_at:
            open_at[name] = len(stack)
            stack.append(name)
            deepest = max(deepest, len(stack))
            if deepest > MOST_NESTING:
                return deepest, parts
    return deepest, parts


def _marks(text: bytes) -> list[tuple[int, str]]:
    """Where lines start with two dashes, boundaries are declared and messages are enclosed, in order."""
    folded = text.lower()
    marks: list[tuple[int, str]] = []
    for needle, kind, skip in (
        (b"\n--", "line", 1),
        (b"boundary", "boundary", 0),
        (b"\ncontent-type: message/", "message", 0),
    ):
        at = folded.find(needle)
        while at >= 0:
            marks.append((at + skip, kind))
            at = folded.find(needle, at + len(needle) - 1)
    marks.sort()
    return marks
