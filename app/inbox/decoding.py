"""Bytes to text, tolerant and bounded: transfer encodings, charsets, encoded words, folded headers.

Charsets come from a fixed table: names such as `hex` and `zlib_codec` are codecs of Python, too, and a mail may ask for them.
"""

from __future__ import annotations

import binascii
import codecs
import quopri
import re

from app.domain.bounce_words import phrases

_KNOWN = phrases(
    """
    ascii | utf-8 | utf-8-sig | utf-16 | utf-16-le | utf-16-be | utf-7 | latin-1 | cp437 | cp850 | cp852 | cp866
    | cp874 | cp932 | cp949 | cp950 | cp1250 | cp1251 | cp1252 | cp1253 | cp1254 | cp1255 | cp1256 | cp1257 |
    cp1258 | iso8859-2 | iso8859-3 | iso8859-4 | iso8859-5 | iso8859-6 | iso8859-7 | iso8859-8 | iso8859-9 |
    iso8859-10 | iso8859-13 | iso8859-14 | iso8859-15 | iso8859-16 | koi8-r | koi8-u | mac-roman | iso2022_jp |
    iso2022_jp_1 | iso2022_jp_2 | iso2022_jp_ext | shift_jis | euc_jp | euc_kr | iso2022_kr | gb2312 | gbk |
    gb18030 | hz | big5 | big5hkscs | tis-620
    """
)
_ALIASES = {
    "us-ascii": "latin-1", "ascii": "latin-1", "ansi_x3.4-1968": "latin-1", "x-unknown": "utf-8", "unknown-8bit": "utf-8", "default": "utf-8", "8bit": "utf-8",
    "iso-8859-1": "cp1252", "iso8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "windows-31j": "cp932", "x-sjis": "cp932", "shift_jis": "cp932",
    "shift-jis": "cp932", "sjis": "cp932", "x-gbk": "gbk", "gb2312": "gb18030", "ks_c_5601-1987": "cp949", "iso-8859-8-i": "iso8859-8", "x-euc-jp": "euc_jp",
    "iso-2022-jp": "iso2022_jp_ext", "cp-850": "cp850", "utf8": "utf-8", "unicode-1-1-utf-7": "utf-7", "windows-874": "cp874", "x-mac-roman": "mac-roman",
    "macintosh": "mac-roman", "eucgb2312_cn": "gb18030", "big5_tw": "big5", "dos-874": "cp874", "tis-620": "cp874",
}  # fmt: skip
_CODECS: dict[str, codecs.CodecInfo] = {}

_WORD = re.compile(r"=\?([A-Za-z0-9_.:+-]{1,40})(?:\*[A-Za-z-]{0,20})?\?([bBqQ])\?([^?\r\n]{0,4000})\?=")
_BETWEEN = re.compile(r"(\?=)[ \t\r\n]{1,200}(=\?)")
_FOLD = re.compile(r"\r?\n[ \t]{1,200}|[\r\n]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
MOST_WORDS = 300


def preload() -> None:
    """Import every codec of the table now, so that none has to be opened later."""
    for name in _KNOWN:
        info = codecs.lookup(name)
        _CODECS[name] = _CODECS[info.name] = info
    for alias, name in _ALIASES.items():
        _CODECS[alias] = codecs.lookup(name)


def to_text(data: bytes, charset: str | None) -> str:
    """Decode with the named charset when it is a known one, else as UTF-8, else as Windows-1252; never raises."""
    if not _CODECS:
        preload()
    name = (charset or "").strip().strip("\"'").casefold()
    info = (
        _CODECS.get(name)
        or _CODECS.get(name.replace("_", "-"))
        or _CODECS.get(name.replace("-", "_"))
        or _CODECS.get(name.replace("iso-8859", "iso8859").replace("windows-", "cp"))
    )
    if b"\x1b$" in data and (info is None or info.name in ("utf-8", "cp1252", "iso8859-1")):
        info = _CODECS["iso2022_jp_ext"]
    if info is not None and info.name == "iso8859-1" and not data.isascii():
        info = None
    if info is not None:
        try:
            return info.decode(data, "strict")[0]
        except (UnicodeError, ValueError):
            if info.name not in ("utf-8", "cp1252"):
                return info.decode(data, "replace")[0]
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # A text that is UTF-8 but for a cut at its end stays UTF-8.
        tolerant = data.decode("utf-8", "replace")
        return tolerant if tolerant.count("\ufffd") * 20 < len(tolerant) else data.decode("cp1252", "replace")


def undo_transfer(payload: bytes, encoding: str, most: int) -> bytes:
    """Undo base64, quoted-printable or nothing; reads at most what `most` decoded bytes need. Never raises."""
    kind = encoding.strip().casefold()
    if kind == "base64":
        clean = _NOT_BASE64.sub(b"", payload[: most * 3 // 2 + 4096])
        clean = clean[: len(clean) // 4 * 4] if len(clean) % 4 == 1 else clean + b"=" * (-len(clean) % 4)
        try:
            return binascii.a2b_base64(clean)[:most]
        except (binascii.Error, ValueError):
            return payload[:most]
    if kind == "quoted-printable":
        return quopri.decodestring(payload[: most * 3 + 4096])[:most]
    return payload[:most]


def header_text(raw: str, most: int) -> str:
    """One header value as text: unfolded, encoded words decoded, control characters gone, cut to `most` characters."""
    value = _FOLD.sub(" ", raw[: most * 4])
    if not value.isascii():
        value = to_text(value.encode("utf-8", "surrogateescape"), None)
    if "=?" in value:
        value = _WORD.sub(_decode_word, _BETWEEN.sub(r"\1\2", value), count=MOST_WORDS)
    return _CONTROL.sub(" ", _FOLD.sub(" ", value)).strip()[:most]


def _decode_word(match: re.Match[str]) -> str:
    charset, kind, data = match.groups()
    raw = data.encode("ascii", "replace")
    plain = raw.replace(b"_", b" ")
    decoded = undo_transfer(raw, "base64", 8192) if kind in "bB" else quopri.decodestring(plain)
    return to_text(decoded, charset)
