"""Names a message by its content, from the raw bytes alone: the same mail in another folder or under another number is known.

No parser runs here, because this happens before anything is stored; each search is linear and bounded.
"""

from __future__ import annotations

import hashlib
import html
import re
from urllib.parse import unquote

_HEADER_LIMIT = 256 * 1024
_BODY_BYTES = 4096
_OWN_ID = re.compile(rb"<[0-9a-f]{20,64}\.[a-z2-7]{24}@[A-Za-z0-9.-]{1,253}>")
# The slashes as they stand in a link, in one that is a parameter of a link (Safe Links, Barracuda), and in Proofpoint's.
_LINK_TOKEN = re.compile(rb"(?:/|%2[Ff]|_)u(?:/|%2[Ff]|_)([a-z2-7]{24})(?![a-z2-7])")
_PLUS_TOKEN = re.compile(rb"\+([a-z2-7]{24})@")
_SEARCHED = 2 * 1024 * 1024


def content_key(raw: bytes) -> str:
    """SHA-256 over Message-ID, Date, From and the first 4 kB of the body, as 64 hex digits. Line ends do not matter."""
    text = raw[: _HEADER_LIMIT + 4 * _BODY_BYTES].replace(b"\r\n", b"\n")
    header, _, body = text.partition(b"\n\n")
    fields = {b"message-id": b"", b"date": b"", b"from": b""}
    name = b""
    for line in header[:_HEADER_LIMIT].split(b"\n"):
        if line[:1] in (b" ", b"\t"):
            if name in fields:
                fields[name] += b" " + line.strip()
            continue
        name, _, value = line.partition(b":")
        name = name.strip().lower()
        if name in fields:
            # The first of a kind counts; the marker keeps a second one from being folded into it.
            if fields[name]:
                name = b""
            else:
                fields[name] = value.strip()
    digest = hashlib.sha256()
    for part in (*fields.values(), body[:_BODY_BYTES].rstrip()):
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.hexdigest()


def tokens_in(raw: bytes) -> tuple[list[str], list[str]]:
    """Message-IDs in our form and tokens of ours that occur anywhere in the bytes, at most 50 of each, oldest first.

    Quoted-printable line ends and equals signs are undone first; what is base64 stays unread (`tokens_in_text` reads that).
    """
    text = raw[:_SEARCHED].replace(b"=\r\n", b"").replace(b"=\n", b"").replace(b"=3D", b"=").replace(b"=2B", b"+")
    ids = dict.fromkeys(match.group().decode("ascii") for match in _OWN_ID.finditer(text))
    tokens = dict.fromkeys(match.group(1).decode("ascii") for match in _LINK_TOKEN.finditer(text))
    tokens.update(dict.fromkeys(match.group(1).decode("ascii") for match in _PLUS_TOKEN.finditer(text)))
    return list(ids)[:50], list(tokens)[:50]


def tokens_in_text(text: str) -> tuple[str, ...]:
    """The same of decoded text or HTML: character references and one layer of percent signs are undone; ids have their brackets."""
    bare = html.unescape(text[:_SEARCHED])
    ids, tokens = tokens_in((bare if "%" not in bare else f"{bare}\n{unquote(bare)}").encode("utf-8", "replace"))
    return (*ids, *tokens)
