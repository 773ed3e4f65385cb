"""Where snapshots lie: a folder beside the database, or any URL that fsspec knows (`s3://bucket/prefix`, for several machines).

A file is written under another name (or elsewhere), and is under its own name whole or not at all. So a row may point at it as
soon as `draft` has ended, and a reader never sees half of one.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from fsspec.core import url_to_fs

from app.domain.said import say
from app.errors import Unavailable
from app.gaps.engine import Engine

#: A folder, or a URL with a scheme.
Place = Path | str

#: Here a name appears when all of its bytes have arrived, so that nothing has to be moved.
_ATOMIC = {"s3", "s3a", "gs", "gcs", "abfs", "az", "memory"}


class Shelf:
    """The files under one place; names are relative to it, with `/`. Raises Unavailable where a store cannot be reached."""

    def __init__(self, place: Place) -> None:
        self._folder: Path | None = None
        self._fs: Any = None
        if isinstance(place, Path) or "://" not in place:
            self._folder = Path(place)
            return
        self._url = place.rstrip("/")
        try:
            self._fs, self._root = url_to_fs(self._url)
        except (ImportError, ValueError) as error:
            extra = " (.venv/bin/pip install s3fs)" if place.startswith("s3") else ""
            raise Unavailable(
                say("{place}: snapshots cannot be kept there: {error}{extra}", place=place, error=error, extra=extra)
            ) from error

    def lend(self, engine: Engine) -> None:
        """Let an engine read the addresses of `url`; its own reader of buckets is an extension that it would have to download."""
        if self._fs is not None:
            engine.connection.register_filesystem(self._fs)

    def url(self, name: str) -> str:
        """The address of a file for an engine to which the shelf was lent."""
        return f"{self._url}/{name}" if self._folder is None else str(self._folder / name)

    def has(self, name: str) -> bool:
        """Whether the file is there now; no list that was fetched earlier is believed."""
        if self._folder is not None:
            return (self._folder / name).is_file()
        with _reached(self._url):
            self._fs.invalidate_cache()
            return bool(self._fs.isfile(f"{self._root}/{name}"))

    @contextmanager
    def draft(self, name: str) -> Iterator[Path]:
        """A path on this machine to write to; when the block ends well, the file is under its name, whole and on the disk."""
        if self._folder is not None:
            place = self._folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            draft = place.with_name(f".{uuid.uuid4().hex}{place.suffix}")
            try:
                yield draft
                with draft.open("rb") as file:
                    os.fsync(file.fileno())
                os.replace(draft, place)
            finally:
                draft.unlink(missing_ok=True)
            return
        with tempfile.TemporaryDirectory(prefix="gapbridge-shelf-") as folder:
            draft = Path(folder) / Path(name).name
            yield draft
            self._upload(draft, name)

    def _upload(self, draft: Path, name: str) -> None:
        target = f"{self._root}/{name}"
        protocols = {self._fs.protocol} if isinstance(self._fs.protocol, str) else set(self._fs.protocol)
        aside = target if protocols & _ATOMIC else f"{target}.{uuid.uuid4().hex}"
        with _reached(self._url):
            try:
                self._fs.makedirs(target.rpartition("/")[0], exist_ok=True)
                self._fs.put_file(str(draft), aside)
                if aside != target:
                    self._fs.mv(aside, target)
            except BaseException:
                if aside != target:
                    with suppress(Exception):
                        self._fs.rm_file(aside)
                raise

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is removed already."""
        if self._folder is not None:
            (self._folder / name).unlink(missing_ok=True)
            return
        with _reached(self._url), suppress(FileNotFoundError):
            self._fs.rm_file(f"{self._root}/{name}")

    def names(self, folder: str, start: str) -> list[str]:
        """The names of the files in a folder of the shelf that begin with `start`."""
        if self._folder is not None:
            return [f"{folder}/{path.name}" for path in (self._folder / folder).glob(f"{start}*") if path.is_file()]
        with _reached(self._url):
            self._fs.invalidate_cache()
            try:
                found = self._fs.ls(f"{self._root}/{folder}", detail=False)
            except FileNotFoundError:
                return []
        plain = [str(path).rpartition("/")[2] for path in found]
        return [f"{folder}/{name}" for name in plain if name.startswith(start)]


@contextmanager
def _reached(url: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        # Every store has its own errors, and each of them means that the files are out of reach for now.
        raise Unavailable(
            say(
                "{url}: the snapshots cannot be reached ({error}: {error_2})",
                url=url,
                error=type(error).__name__,
                error_2=error,
            )
        ) from error
