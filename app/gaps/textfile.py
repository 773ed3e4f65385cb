"""From a file as a person has it (any encoding, gzip, zip) to UTF-8 with LF line ends that the engine can be trusted with.

The engine's own reader takes UTF-16 but stops at the first emoji, returns nothing for big-endian, and silently returns no rows
for line ends that it was not told of. So the text is decoded here, once, in pieces; a file that is already plain UTF-8 with
LF is checked and used where it lies.
"""

from __future__ import annotations

import codecs
import gzip
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.errors import BadInput

_PIECE = 1 << 20
HEAD_BYTES = 1 << 17
#: A compressed export may not unpack to more than this.
MAX_UNPACKED = 16 << 30
_READ_ERRORS = (EOFError, OSError, zlib.error, zipfile.BadZipFile)
_TABLE_SUFFIXES = {".csv", ".tsv", ".txt", ".tab"}


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text export ready to be read: `path` is UTF-8 with LF; `head` is its beginning, whole lines only."""

    name: str
    path: Path
    encoding: str
    head: str
    notes: tuple[str, ...] = ()


def open_text(path: Path, into: Path) -> TextFile:
    """Read `path` and put a clean UTF-8 form of it (a link where nothing had to change) into the directory `into`.

    Raises BadInput, naming the file and the fix, for what is missing, empty, no text, or a workbook.
    """
    if not path.exists():
        raise BadInput(f"{path}: there is no such file.")
    if path.is_dir():
        raise BadInput(f"{path}: this is a directory; name the export file in it.")
    if path.stat().st_size == 0:
        raise BadInput(f"{path}: the file is empty; export it again.")
    target = into / f"text-{len(os.listdir(into))}.csv"
    with _unpacked(path) as (stream, plain):
        try:
            head = stream.read(HEAD_BYTES)
        except _READ_ERRORS as error:
            raise BadInput(f"{path}: the file cannot be read ({error}); download it again.") from error
        encoding = detect_encoding(head, path)
        if encoding == "utf-8" and plain:
            state = _check_utf8(path)
            if state == "clean":
                _link(path, target)
                return _finished(path, target, "utf-8", ())
            if state == "broken":
                encoding = _fallback_encoding(path)
    with _unpacked(path) as (stream, _plain):
        replaced = _transcode(stream, target, encoding, path)
    notes = (f"{replaced} characters could not be decoded as {encoding} and read as '\ufffd'",) if replaced else ()
    return _finished(path, target, encoding, notes)


def detect_encoding(head: bytes, path: Path) -> str:
    """The encoding of a text by its mark or, without one, by where its zero bytes stand; BadInput where it is no text."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise BadInput(f"{path}: the file is UTF-32, which no export uses; save it as UTF-8 CSV.")
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16-le-bom"),
        (codecs.BOM_UTF16_BE, "utf-16-be-bom"),
    ):
        if head.startswith(mark):
            return name
    zeros_even, zeros_odd = head[0:4096:2].count(0), head[1:4096:2].count(0)
    sample = min(len(head), 4096) // 2
    if zeros_odd > sample * 0.3 and zeros_even < sample * 0.05:
        return "utf-16-le"
    if zeros_even > sample * 0.3 and zeros_odd < sample * 0.05:
        return "utf-16-be"
    control = sum(head.count(code) for code in range(32) if code not in (9, 10, 11, 12, 13, 27))
    if 0 in head or control > len(head) * 0.1:
        raise BadInput(f"{path}: this is not a text file; export it as CSV from the tool.")
    return "utf-8"


@contextmanager
def _unpacked(path: Path) -> Iterator[tuple[IO[bytes], bool]]:
    """The bytes of a plain, gzip or zip file, and whether the file is plain."""
    with path.open("rb") as raw:
        magic = raw.read(4)
        raw.seek(0)
        if magic.startswith(b"\x1f\x8b"):
            with gzip.open(raw, "rb") as stream:
                yield stream, False  # type: ignore[misc]  # GzipFile is a binary stream in everything but its type
        elif magic == b"PK\x03\x04":
            try:
                archive = zipfile.ZipFile(raw)
            except zipfile.BadZipFile as error:
                raise BadInput(f"{path}: the zip file is damaged ({error}); download it again.") from error
            with archive, archive.open(_member(archive, path)) as stream:
                yield stream, False
        else:
            yield raw, True


def _member(archive: zipfile.ZipFile, path: Path) -> str:
    names = [info.filename for info in archive.infolist() if not info.is_dir()]
    if "[Content_Types].xml" in names:
        raise BadInput(f"{path}: this is an Excel workbook; save the sheet as CSV (UTF-8) and give that file.")
    tables = [
        name for name in names if Path(name).suffix.lower() in _TABLE_SUFFIXES and not name.startswith("__MACOSX/")
    ]
    if len(tables) != 1:
        found = ", ".join(sorted(tables)[:6]) or "none"
        raise BadInput(
            f"{path}: the zip file must hold exactly one CSV file; found: {found}. Unpack it and name the file."
        )
    return tables[0]


def _check_utf8(path: Path) -> str:
    """`clean`: UTF-8 throughout with LF only; `returns`: there is something to normalise; `broken`: not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    state = "clean"
    with path.open("rb") as raw:
        try:
            while piece := raw.read(_PIECE):
                # Plain ASCII needs no decoding, as long as no character waits for its rest.
                if not piece.isascii() or decoder.getstate()[0]:
                    decoder.decode(piece)
                if state == "clean" and (b"\r" in piece or b"\x00" in piece or b"\x1f" in piece):
                    state = "returns"
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "broken"
    return state


def _fallback_encoding(path: Path) -> str:
    """For a file that is not valid UTF-8: UTF-8 with damage where most of its accents are valid, else Windows-1252."""
    with path.open("rb") as raw:
        data = raw.read(8 * _PIECE)
    text = data.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    valid = sum(1 for character in text if character > "\x7f") - broken
    return "utf-8" if valid > broken else "windows-1252"


def _transcode(stream: IO[bytes], target: Path, encoding: str, path: Path) -> int:
    """Write the text as UTF-8 with LF; return how many characters had to be replaced."""
    codec = {"utf-16-le-bom": "utf-16", "utf-16-be-bom": "utf-16", "windows-1252": "latin-1"}.get(encoding, encoding)
    decoder = codecs.getincrementaldecoder(codec)(errors="replace")
    replaced = total = 0
    held = ""  # a carriage return at the end of a piece waits for its line feed
    try:
        with target.open("wb") as out:
            while piece := stream.read(_PIECE):
                total += len(piece)
                if total > MAX_UNPACKED:
                    raise BadInput(f"{path}: unpacks to more than {MAX_UNPACKED >> 30} GiB; split the export.")
                text = held + decoder.decode(piece)
                held = "\r" if text.endswith("\r") else ""
                replaced += _write(out, text.removesuffix("\r") if held else text, encoding)
            replaced += _write(out, held + decoder.decode(b"", final=True), encoding)
    except _READ_ERRORS as error:
        raise BadInput(f"{path}: the file cannot be read to its end ({error}); download it again.") from error
    return replaced


#: The 27 characters that Windows-1252 has where latin-1 has control codes; the rest of the two is the same.
_WINDOWS = {code: character for code in range(0x80, 0xA0) if (character := bytes([code]).decode("cp1252", "ignore"))}


def _write(out: IO[bytes], text: str, encoding: str) -> int:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    for control in ("\x00", "\x1f"):
        if control in text:
            text = text.replace(control, "")
    if encoding == "windows-1252":
        text = text.translate(_WINDOWS)
    out.write(text.encode("utf-8", errors="replace"))
    return text.count("\ufffd")


def _link(path: Path, target: Path) -> None:
    # The engine expands `*` and `[` in file names, so it only ever sees names of ours.
    try:
        target.symlink_to(path.resolve())
    except OSError:
        shutil.copyfile(path, target)


def _finished(path: Path, target: Path, encoding: str, notes: tuple[str, ...]) -> TextFile:
    with target.open("rb") as raw:
        data = raw.read(HEAD_BYTES)
        whole = not raw.read(1)
    if not whole:
        data = data[: data.rfind(b"\n") + 1] or data
    head = data.decode("utf-8-sig", errors="ignore")
    if not head.strip():
        raise BadInput(f"{path}: the file holds no text; export it again.")
    return TextFile(path.name, target, encoding.removesuffix("-bom"), head, notes)
