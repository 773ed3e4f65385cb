"""The files of a release as blocks of whole lines: from a folder or any fsspec URL, and again from where a run was stopped."""

from __future__ import annotations

import hashlib
import io
import os
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import fsspec
from fsspec.core import url_to_fs
from isal import igzip

from app.domain.said import say
from app.errors import BadInput, Unavailable

#: Decompressed bytes that are looked at together.
BLOCK = 4 << 20
_READ = 1 << 20
_LONGEST_LINE = 1 << 20
_GZIP = b"\x1f\x8b"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

#: Called with (bytes of the compressed file that have been read, its size or 0 where the server does not say).
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Release:
    """The three files of one release: paths or URLs, and the name that they share."""

    name: str
    vertices: str
    edges: str
    ranks: str

    @property
    def as_of(self) -> date | None:
        """The first day of the last month that the release covers (`cc-main-2026-may-jun-jul` is 1 July 2026), or None."""
        found = re.search(r"(\d{4})(?:-(\d{2}))?((?:-[a-z]{3})+)", self.name)
        months = found.group(3).strip("-").split("-") if found else []
        if not found or not set(months) <= set(_MONTHS):
            return None
        # One that goes over a new year is named by both years (`2024-25-dec-jan-feb`) or by that of its end (`2024-nov-feb-apr`).
        year = int(found.group(1))
        return date(
            year // 100 * 100 + int(found.group(2)) if found.group(2) else year, _MONTHS.index(months[-1]) + 1, 1
        )


def find_release(graph: str) -> Release:
    """The release at `graph`: a folder (or URL of one that can be listed), or the files' common beginning.

    `https://.../cc-main-2026-may-jun-jul-domain` stands for that text with `-vertices.txt.gz`, `-edges.txt.gz` and
    `-ranks.txt.gz`; the ending `.gz` may be missing. Raises BadInput with what was looked for.
    """
    fs, path = _filesystem(graph)
    try:
        names = [str(name) for name in fs.ls(path, detail=False)] if fs.isdir(path) else []
    except (OSError, RuntimeError):  # RuntimeError: fsspec's word for a store that cannot be listed.
        names = []
    found: dict[str, str] = {}
    for part in ("vertices", "edges", "ranks"):
        candidates = [name for name in names if re.search(rf"{part}\.txt(\.gz)?$", name)]
        if len(candidates) > 1:
            raise BadInput(
                say(
                    "{graph}: there are {count} {part} files; give the beginning of one release's names.",
                    graph=graph,
                    count=len(candidates),
                    part=part,
                )
            )
        if not names:
            candidates = [name for name in (f"{path}-{part}.txt.gz", f"{path}-{part}.txt") if _exists(fs, name)]
        if not candidates:
            raise BadInput(
                say(
                    "{graph}: there is no {part} file; give a folder with one release, or the beginning of "
                    "its files' names (the part before -{part}.txt.gz).",
                    graph=graph,
                    part=part,
                )
            )
        found[part] = fs.unstrip_protocol(candidates[0])
    name = os.path.basename(found["vertices"]).partition("-vertices")[0].removesuffix("-domain") or "webgraph"
    return Release(name, **found)


class GraphFile:
    """One file of a release. What comes from far is kept in `spool` while it is read, so that no byte is fetched twice."""

    def __init__(self, url: str, spool: Path, progress: Progress | None = None) -> None:
        self.url = url
        self._fs, self._path = _filesystem(url)
        try:
            info = self._fs.info(self._path)
        except FileNotFoundError as error:
            raise BadInput(say("{url}: there is no such file.", url=url)) from error
        except OSError as error:
            raise Unavailable(say("{url}: it cannot be opened ({error}).", url=url, error=error)) from error
        self.size = int(info.get("size") or 0)
        self._local = Path(self._path) if "file" in _protocols(self._fs) else None
        marks = (url, self.size, *(str(info.get(name, "")) for name in ("ETag", "mtime", "LastModified")))
        #: Changes when the file does: a stopped run goes on only over the same bytes.
        self.identity = hashlib.sha256(repr(marks).encode()).hexdigest()[:16]
        self._spool = spool / f"{self.identity}-{os.path.basename(self._path)}"
        self._progress = progress or (lambda _done, _size: None)

    def local(self) -> Path:
        """The whole file on this machine's disk; fetches what is missing."""
        if self._local is not None:
            return self._local
        with self._raw() as raw:
            while raw.read(_READ):
                pass
        return self._spool

    def forget(self) -> None:
        """Remove the fetched copy."""
        self._spool.unlink(missing_ok=True)

    def blocks(self, start: int = 0) -> Iterator[bytes]:
        """The text from its decompressed byte `start`, in blocks that end with a line end. Raises BadInput where it is broken."""
        with self._raw() as raw:
            zipped = raw.peek(2)[:2] == _GZIP
            text: Any = igzip.open(raw, "rb") if zipped else raw  # type: ignore[no-untyped-call]
            try:
                yield from self._lines(text, start)
            except (EOFError, igzip.BadGzipFile, zlib.error) as error:
                raise BadInput(
                    say(
                        "{url}: the file ends in the middle or is damaged ({error}); fetch it again.",
                        url=self.url,
                        error=error,
                    )
                ) from error

    def _lines(self, text: Any, start: int) -> Iterator[bytes]:
        left = start
        while left:
            skipped = len(text.read(min(left, BLOCK)))
            if not skipped:
                raise BadInput(
                    say("{url}: it is shorter than when the run was stopped; start again with --restart.", url=self.url)
                )
            left -= skipped
        rest = b""
        while block := text.read(BLOCK):
            whole, newline, tail = (rest + block).rpartition(b"\n")
            if b"\r" in whole:
                raise BadInput(
                    say(
                        "{url}: the line '{line}' ends as Windows ends lines; take the file as the release has it, or replace CR LF by LF.",
                        url=self.url,
                        line=whole[: whole.find(b"\r")].rpartition(b"\n")[2][:80].decode(errors="replace"),
                    )
                )
            if newline:
                yield whole + newline
            elif len(tail) > _LONGEST_LINE:
                raise BadInput(say("{url}: it has no line ends; it is no text file of a web graph.", url=self.url))
            rest = tail
        if rest:
            yield rest + b"\n"

    def _raw(self) -> io.BufferedReader:
        source = (
            _Local(self._local, self) if self._local is not None else _Remote(self._fs, self._path, self._spool, self)
        )
        return io.BufferedReader(source, _READ)

    def read_so_far(self, done: int) -> None:
        """Tell how far the compressed file has been read."""
        self._progress(done, self.size)


class _Local(io.RawIOBase):
    def __init__(self, path: Path, owner: GraphFile) -> None:
        self._file = path.open("rb", buffering=0)
        self._owner = owner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._file.readinto(memoryview(buffer)[:_READ]) or 0
        self._owner.read_so_far(self._file.tell())
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class _Remote(io.RawIOBase):
    """First what lies in the spool, then the rest from the server, which is added to the spool as it comes."""

    def __init__(self, fs: Any, path: str, spool: Path, owner: GraphFile) -> None:
        spool.parent.mkdir(parents=True, exist_ok=True)
        self._spool = spool.open("a+b")
        self._spool.seek(0)
        self._fs, self._path, self._owner = fs, path, owner
        self._far: Any = None
        self._done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), _READ)
        data = b"" if self._far is not None else self._spool.read(wanted)
        if not data:
            data = self._fetch(wanted)
        buffer[: len(data)] = data
        self._done += len(data)
        self._owner.read_so_far(self._done)
        return len(data)

    def _fetch(self, count: int) -> bytes:
        if self._owner.size and self._done >= self._owner.size:
            return b""
        try:
            if self._far is None:
                self._far = self._fs.open(self._path, "rb", block_size=8 << 20, cache_type="readahead")
                if self._done:
                    self._far.seek(self._done)
            data: bytes = self._far.read(count)
        except (OSError, ValueError) as error:
            raise Unavailable(
                say(
                    "{url}: the server stopped answering after {done:,} bytes ({error}); run the same "
                    "command again, it goes on from there.",
                    url=self._owner.url,
                    done=self._done,
                    error=error,
                )
            ) from error
        self._spool.write(data)
        return data

    def close(self) -> None:
        if not self.closed:
            self._spool.close()
            if self._far is not None:
                self._far.close()
        super().close()


def is_gzip(path: Path) -> bool:
    """Whether a local file is compressed by gzip, by its first two bytes."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP


def _filesystem(url: str) -> tuple[Any, str]:
    try:
        fs, path = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise BadInput(
            say("{url}: this kind of address cannot be read here ({error}).", url=url, error=error)
        ) from error
    return fs, path


def _protocols(fs: fsspec.AbstractFileSystem) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def _exists(fs: fsspec.AbstractFileSystem, path: str) -> bool:
    try:
        return bool(fs.exists(path))
    except OSError:
        return False
