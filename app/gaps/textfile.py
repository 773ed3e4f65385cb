"""From a file as a person has it (any encoding, gzip, zip, workbook) to UTF-8 with LF line ends that the engine can be trusted with.

The engine's own reader takes UTF-16 but stops at the first emoji, returns nothing for big-endian, and silently returns no rows
for line ends that it was not told of. So the text is decoded here, once, in pieces; a file that is already plain UTF-8 with
LF is checked and used where it lies.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from app.domain.said import say
from app.errors import BadInput
from app.gaps import workbook
from app.gaps.texts import HEAD_BYTES, TextFile, finished

_PIECE = 1 << 20
#: A compressed export may not unpack to more than this.
MAX_UNPACKED = 16 << 30
#: Beyond this size it may not unpack to more than so many times its own either.
BOMB_BYTES = 256 << 20
BOMB_RATIO = 200
MAX_MEMBERS = 1_000
MAX_TABLES = 50
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_READ_ERRORS = (EOFError, OSError, zlib.error, zipfile.BadZipFile)
_TABLE_SUFFIXES = {".csv", ".tsv", ".txt", ".tab"}


def open_texts(path: Path, into: Path) -> list[TextFile]:
    """The tables in `path`, each as a clean UTF-8 form of it (a link where nothing had to change) in the directory `into`.

    A plain or gzip file is one table, a zip file has one for each CSV file in it, a workbook one for each sheet that is not
    empty. Raises BadInput, naming the file and the fix, for what is missing, empty, damaged, no text, or far too large.
    """
    _check_there(path)
    with path.open("rb") as raw:
        magic = raw.read(8)
    if magic.startswith(b"PK"):
        return _from_zip(path, into)
    if magic == _OLE:
        raise BadInput(
            say(
                "{path}: this is an old or a protected Excel workbook; save it as .xlsx without password, or as CSV.",
                path=path,
            )
        )
    return [_open_text(path, into)]


def has_several(path: Path) -> bool:
    """Whether a file is a zip file or workbook of more than one table, told by the names in it; False where it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except _READ_ERRORS:
        return False
    if "[Content_Types].xml" in names:
        return sum(Path(name).parent == Path("xl/worksheets") for name in names) > 1
    return sum(map(_is_table, names)) > 1


def _check_there(path: Path) -> None:
    if not path.exists():
        raise BadInput(say("{path}: there is no such file.", path=path))
    if path.is_dir():
        raise BadInput(say("{path}: this is a directory; name the export file in it.", path=path))
    if path.stat().st_size == 0:
        raise BadInput(say("{path}: the file is empty; export it again.", path=path))


def _from_zip(path: Path, into: Path) -> list[TextFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            _refuse_bomb(path, sum(info.file_size for info in infos), len(infos))
            if any(info.filename == "[Content_Types].xml" for info in infos):
                return workbook.sheets(path, into, sum(info.file_size for info in infos))
            tables = [info for info in infos if _is_table(info.filename)]
            if not tables:
                found = ", ".join(sorted(info.filename for info in infos)[:6]) or "nothing"
                raise BadInput(
                    say("{path}: there is no CSV file in this zip file; found: {found}.", path=path, found=found)
                )
            if len(tables) > MAX_TABLES:
                raise BadInput(
                    say(
                        "{path}: {count} tables in one zip file; unpack it and name the ones that are meant.",
                        path=path,
                        count=len(tables),
                    )
                )
            if any(info.flag_bits & 1 for info in tables):
                raise BadInput(say("{path}: the zip file has a password; unpack it and name the files.", path=path))
            texts = []
            for info in tables:
                with archive.open(info) as stream, _new(into).open("wb") as out:
                    _copy_limited(stream, out, path)
                    inner = Path(out.name)
                if inner.stat().st_size:
                    text = _open_text(inner, into, shown=path)
                    texts.append(replace(text, name=f"{path.name}: {Path(info.filename).name}", member=info.filename))
    except (*_READ_ERRORS, RuntimeError) as error:  # RuntimeError: a compression that zipfile does not know.
        raise BadInput(
            say("{path}: the zip file is damaged ({error}); download it again.", path=path, error=error)
        ) from error
    if not texts:
        raise BadInput(say("{path}: every table in this zip file is empty; export it again.", path=path))
    return texts


def _is_table(name: str) -> bool:
    # A Mac puts a twin beside each file, in a folder of its own or with "._" before the name.
    twin = name.startswith("__MACOSX/") or Path(name).name.startswith("._")
    return Path(name).suffix.lower() in _TABLE_SUFFIXES and not twin


def _new(into: Path) -> Path:
    return into / f"text-{len(os.listdir(into))}.csv"


def _refuse_bomb(path: Path, unpacked: int, members: int) -> None:
    # What a zip says of itself; what it then gives is counted too. Tables of links shrink to a twentieth, rarely further.
    if unpacked > MAX_UNPACKED or (unpacked > BOMB_BYTES and unpacked > BOMB_RATIO * path.stat().st_size):
        raise BadInput(
            say(
                "{path}: unpacks to {unpacked:,} MiB, which is no export; unpack it yourself and look.",
                path=path,
                unpacked=unpacked >> 20,
            )
        )
    if members > MAX_MEMBERS:
        raise BadInput(
            say(
                "{path}: {members:,} files in one zip file is no export; unpack it and name the ones that are meant.",
                path=path,
                members=members,
            )
        )


def _copy_limited(stream: IO[bytes], out: IO[bytes], path: Path) -> None:
    size = path.stat().st_size
    total = 0
    while piece := stream.read(_PIECE):
        total += len(piece)
        _refuse_bomb_so_far(path, total, size)
        out.write(piece)


def _refuse_bomb_so_far(path: Path, total: int, size: int) -> None:
    if total > MAX_UNPACKED or (total > BOMB_BYTES and total > BOMB_RATIO * size):
        raise BadInput(
            say(
                "{path}: unpacks to more than {total:,} MiB, which is no export; unpack it yourself and look.",
                path=path,
                total=total >> 20,
            )
        )


def _open_text(path: Path, into: Path, shown: Path | None = None) -> TextFile:
    """One plain or gzip text; errors name `shown`, the file that the person gave."""
    shown = shown or path
    target = _new(into)
    with _unpacked(path) as (stream, plain):
        try:
            head = stream.read(HEAD_BYTES)
        except _READ_ERRORS as error:
            raise BadInput(
                say("{shown}: the file cannot be read ({error}); download it again.", shown=shown, error=error)
            ) from error
        encoding = detect_encoding(head, shown)
        if encoding == "utf-8" and plain:
            state = _check_utf8(path)
            if state == "clean":
                _link(path, target)
                return finished(shown, target, "utf-8", ())
            if state == "broken":
                encoding = _fallback_encoding(path)
    with _unpacked(path) as (stream, _plain):
        replaced = _transcode(stream, target, encoding, path, shown)
    notes = [f"{replaced} characters could not be decoded as {encoding} and read as '\ufffd'"] if replaced else []
    if encoding == "windows-1252":
        # Other tables of the same machines hold other letters at the same places, and nothing in the file tells which one it is.
        notes.append(
            "it is not UTF-8 and was read as Windows-1252; where letters of names look wrong, save it as UTF-8"
        )
    return finished(shown, target, encoding, tuple(notes))


def detect_encoding(head: bytes, path: Path) -> str:
    """The encoding of a text by its mark or, without one, by where its zero bytes stand; BadInput where it is no text."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise BadInput(say("{path}: the file is UTF-32, which no export uses; save it as UTF-8 CSV.", path=path))
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
        raise BadInput(say("{path}: this is not a text file; export it as CSV from the tool.", path=path))
    return "utf-8"


@contextmanager
def _unpacked(path: Path) -> Iterator[tuple[IO[bytes], bool]]:
    """The bytes of a plain or gzip file, and whether the file is plain."""
    with path.open("rb") as raw:
        magic = raw.read(4)
        raw.seek(0)
        if magic.startswith(b"\x1f\x8b"):
            with gzip.open(raw, "rb") as stream:
                yield stream, False  # type: ignore[misc]  # GzipFile is a binary stream in everything but its type
        else:
            yield raw, True


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


def _transcode(stream: IO[bytes], target: Path, encoding: str, path: Path, shown: Path) -> int:
    """Write the text as UTF-8 with LF; return how many characters had to be replaced."""
    codec = {"utf-16-le-bom": "utf-16", "utf-16-be-bom": "utf-16", "windows-1252": "latin-1"}.get(encoding, encoding)
    decoder = codecs.getincrementaldecoder(codec)(errors="replace")
    replaced = total = 0
    size = path.stat().st_size
    held = ""  # a carriage return at the end of a piece waits for its line feed
    try:
        with target.open("wb") as out:
            while piece := stream.read(_PIECE):
                total += len(piece)
                _refuse_bomb_so_far(shown, total, size)
                text = held + decoder.decode(piece)
                held = "\r" if text.endswith("\r") else ""
                replaced += _write(out, text.removesuffix("\r") if held else text, encoding)
            replaced += _write(out, held + decoder.decode(b"", final=True), encoding)
    except _READ_ERRORS as error:
        raise BadInput(
            say("{shown}: the file cannot be read to its end ({error}); download it again.", shown=shown, error=error)
        ) from error
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


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex. Raises BadInput where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInput(say("{path}: the file cannot be read ({error}).", path=path, error=error.strerror)) from error
