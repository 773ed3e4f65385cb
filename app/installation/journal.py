"""The journal of suppressions beside the witness: what a restored database has forgotten of who must not be written to.

It holds keyed hashes, reasons and moments, and no address. With it lies the key of the hashes, sealed as in the database, for data
from before there was one. Every heartbeat brings it up to date; a release takes in what the data that is released does not know.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.db.vault import Vault
from app.db.work import Database
from app.installation import pepper
from app.installation.forgotten import Forgotten, Kept, forgotten
from app.log import get_logger
from app.models import Installation, SealedSecret, Suppression, SuppressionKind, SuppressionRemoval
from app.settings import Settings

log = get_logger("installation")

NAME = "suppressions.journal"
_FORM = 1
_TAIL = 4096
# Rules for one site are staff's, and so are globs, which a hash could not be compared with.
_JOURNALED = (col(Suppression.site_id).is_(None), col(Suppression.kind) != SuppressionKind.PATTERN)


@dataclass(frozen=True, slots=True)
class _State:
    """What the file was made of, as far as it decides whether it may be added to."""

    identity: str
    generation: int
    sealed: str | None
    removed: int


def path_of(settings: Settings) -> Path:
    """Where the journal lies: beside the witness."""
    return (settings.witness_file or settings.data_dir / "installation.json").with_name(NAME)


def keep(db: Database, settings: Settings) -> None:
    """Bring the journal up to date. A file that cannot be written is said in the log, and stops nothing."""
    path = path_of(settings)
    with db.read() as look:
        found = look.session.execute(
            select(
                col(Installation.identity),
                col(Installation.generation),
                select(col(SealedSecret.sealed)).where(col(SealedSecret.name) == pepper.NAME).scalar_subquery(),
                select(func.max(col(SuppressionRemoval.id))).scalar_subquery(),
                select(func.max(col(Suppression.id))).scalar_subquery(),
            ).where(col(Installation.id) == 1)
        ).one_or_none()
        if found is None:
            return
        now, newest = _State(found[0], found[1], found[2], found[3] or 0), found[4] or 0
        try:
            with _alone(path.parent):
                known, upto = _known(path)
                if known == now and newest == upto:
                    return
                if known == now and newest > upto:
                    _append(path, _lines(look.session, upto), newest)
                else:
                    # Another generation, another key, or a rule that was lifted: what stands there is not added to.
                    _rewrite(path, now, _lines(look.session, 0), newest)
        except OSError as error:
            log.warning("installation.journal_not_written", path=str(path), error=error.strerror)


def read(settings: Settings) -> Kept | None:
    """What the journal holds, or None when there is none that can be read."""
    try:
        with path_of(settings).open() as stream:
            head = json.loads(stream.readline())
            if head["form"] != _FORM:
                return None
            lines = [json.loads(line) for line in stream if line.endswith("\n")]
            return Kept(head["sealed"], tuple(_told(line) for line in lines if "key" in line))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def missing(session: Session, vault: Vault, settings: Settings) -> Forgotten:
    """What the journal knows and this data does not."""
    kept = read(settings)
    return forgotten(session, vault, kept) if kept is not None else Forgotten()


def _told(line: dict[str, Any]) -> Suppression:
    return Suppression(
        key=line["key"],
        kind=SuppressionKind(line["kind"]),
        reason=line["reason"],
        source="journal beside the witness",
        created_by="journal",
        created_at=datetime.fromisoformat(line["at"]),
    )


def _lines(session: Session, after: int) -> Iterator[dict[str, Any]]:
    rows = session.execute(
        select(col(Suppression.key), col(Suppression.kind), col(Suppression.reason), col(Suppression.created_at))
        .where(col(Suppression.id) > after, *_JOURNALED)
        .order_by(col(Suppression.id))
        .execution_options(yield_per=1_000)
    )
    for key, kind, reason, at in rows:
        yield {"key": key, "kind": kind.value, "reason": reason, "at": at.isoformat()}


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _known(path: Path) -> tuple[_State | None, int]:
    """What the file was made of, and up to which row it goes; (None, 0) for a file that must be written anew."""
    try:
        with path.open("rb") as stream:
            head = json.loads(stream.readline())
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - _TAIL))
            tail = stream.read()
        if head["form"] != _FORM or not tail.endswith(b"\n"):
            return None, 0
        last = json.loads(tail.splitlines()[-1])
        return _State(head["identity"], head["generation"], head["sealed"], head["removed"]), int(last["upto"])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None, 0


def _write(stream: BinaryIO, lines: Iterable[dict[str, Any]]) -> None:
    # One at a time: there may be a million.
    for line in lines:
        stream.write(json.dumps(line).encode() + b"\n")
    stream.flush()
    os.fsync(stream.fileno())


def _append(path: Path, lines: Iterable[dict[str, Any]], upto: int) -> None:
    with path.open("ab") as stream:
        _write(stream, chain(lines, [{"upto": upto}]))


def _rewrite(path: Path, state: _State, lines: Iterable[dict[str, Any]], upto: int) -> None:
    draft = path.with_name(f".{path.name}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    head = {
        "form": _FORM,
        "identity": state.identity,
        "generation": state.generation,
        "sealed": state.sealed,
        "removed": state.removed,
    }
    with os.fdopen(handle, "wb") as stream:
        _write(stream, chain([head], lines, [{"upto": upto}]))
    os.replace(draft, path)
