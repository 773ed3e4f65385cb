"""The body of an answer: unpacked within a limit, then decoded. Nothing here trusts what the server says about itself."""

from __future__ import annotations

import codecs
import re
import zlib

_META = re.compile(rb"<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([a-zA-Z0-9_:.-]{2,40})", re.IGNORECASE)
_HEADER = re.compile(r"charset\s{0,9}=\s{0,9}[\"']?([a-zA-Z0-9_:.-]{2,40})", re.IGNORECASE)
# Python knows codecs that are no character sets (zip, rot13, punycode ...); only families that web pages use are taken.
_TEXT_CODECS = re.compile(
    r"(?:utf-8|utf-16(?:-[bl]e)?|iso8859-\d+|cp(?:125\d|874|866|932|936|949|950)|koi8-[ru]|shift_jis\w*|euc_\w+|euc-\w+"
    r"|gb2312|gbk|gb18030|big5\w*|iso2022_jp|mac-roman|mac-cyrillic|tis-620)\Z"
)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# What some servers write there although nothing is packed.
_NO_PACKING = ("none", "utf-8", "utf8", "binary", "8bit")
_WBITS = {
    "": 0,
    "identity": 0,
    "gzip": 31,
    "x-gzip": 31,
    "deflate": 15,
    **dict.fromkeys(_NO_PACKING, 0),
}  # as zlib counts them; 0: not packed
_MAX_MEMBERS = 32
_SLACK = 65_536


class BadEncoding(Exception):
    """The body is packed in a way that we did not ask for, or its packing is broken."""


class Unpacker:
    """Takes the bytes of one body piece by piece and keeps at most `limit` bytes of what they unpack to."""

    def __init__(self, encoding: str, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._kept = bytearray()
        self._members = 1
        self._wbits = _WBITS.get(encoding.strip().lower())
        if self._wbits is None:
            raise BadEncoding(f"the body is packed as '{encoding[:40]}', which was not asked for")
        self._inflate = zlib.decompressobj(self._wbits) if self._wbits else None
        self.truncated = False

    def feed(self, chunk: bytes) -> bool:
        """Take a piece; False as soon as the limit is reached and the rest can be left unread."""
        room = self._limit - len(self._kept)
        # One byte more than there is room for tells "exactly full" from "there is more"; never more is unpacked.
        piece = chunk[: room + 1] if self._inflate is None else self._unpack(self._inflate, chunk, room + 1)
        self._kept += piece[:room]
        self._taken += len(chunk)
        # Packing makes pages smaller: a stream that is larger than its limit and unpacks to nothing is an attack.
        self.truncated = len(piece) > room or self._taken > self._limit + _SLACK
        return not self.truncated

    def _unpack(self, inflate: zlib._Decompress, chunk: bytes, room: int) -> bytes:
        try:
            piece = inflate.decompress(chunk, room)
        except zlib.error as error:
            if self._wbits == 15 and not self._taken:
                # Some servers send the bare deflate stream without its zlib header (RFC 9110 8.4.1.2 notes it).
                self._wbits = -15
                self._inflate = zlib.decompressobj(-15)
                return self._unpack(self._inflate, chunk, room)
            raise BadEncoding("the packed body is broken") from error
        if inflate.eof and inflate.unused_data.strip(b"\0") and self._wbits == 31 and len(piece) < room:
            # Another gzip member follows (RFC 1952 2.2); pages have few, so a long row of them is an attack.
            self._members += 1
            if self._members > _MAX_MEMBERS:
                raise BadEncoding(f"the packed body has more than {_MAX_MEMBERS} members")
            self._inflate = zlib.decompressobj(31)
            piece += self._unpack(self._inflate, inflate.unused_data, room - len(piece))
        return piece

    def finish(self) -> bytes:
        """What was kept. A packed stream that ends too early counts as truncated."""
        if self._inflate is not None and not self._inflate.eof and self._taken:
            self.truncated = True
        return bytes(self._kept)


def unpacked_file(body: bytes, limit: int) -> tuple[bytes, bool]:
    """What a gzip file holds, known by its first bytes, and whether it was cut at `limit` bytes or broken; any other body as it is."""
    if not body.startswith(b"\x1f\x8b"):
        return body, False
    unpacker = Unpacker("gzip", limit)
    try:
        unpacker.feed(body)
    except BadEncoding:
        return unpacker.finish(), True
    return unpacker.finish(), unpacker.truncated


def decode(body: bytes, content_type: str) -> tuple[str, str]:
    """The text of a page and the character set that it was read with: mark, then header, then meta tag, then UTF-8 if it is valid."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace"), name
    header = _HEADER.search(content_type)
    meta = _META.search(body[:4096])
    for label in (header[1] if header else "", meta[1].decode("ascii") if meta else ""):
        name = _codec(label)
        if name:
            # A page that says UTF-16 in ASCII bytes does not use it.
            if name.startswith("utf-16") and not header:
                continue
            return body.decode(name, "replace"), name
    try:
        return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return body.decode("utf-8", "replace"), "utf-8"  # cut in the middle of a character
        return body.decode("cp1252", "replace"), "cp1252"


def _codec(label: str) -> str:
    if not label:
        return ""
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return ""
    # Web pages that say Latin-1 or ASCII mean Windows-1252 (WHATWG Encoding, labels).
    if name in {"iso8859-1", "ascii"}:
        return "cp1252"
    return name if _TEXT_CODECS.match(name) else ""
