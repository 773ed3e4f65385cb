"""Backups: one folder with the data, the imported snapshots, and a manifest that says what they must be; and the way back.

The database is copied in one consistent view while the installation works: on SQLite by the online backup of the library, on
PostgreSQL by COPY of every table inside one REPEATABLE READ transaction, which needs no client tools of the server's version.
The key (GAPBRIDGE_SECRET_KEY, `secret.key`) is never part of a backup: whoever finds one must not be able to send.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, inspect, make_url

import app as package
from app.audit import service as audit
from app.clock import SystemClock
from app.db import migrate
from app.db.engine import make_engine
from app.db.vault import Vault
from app.db.work import Database
from app.domain.said import say
from app.errors import BadInput, Conflict
from app.installation import forgotten, hold
from app.installation.forgotten import Forgotten, Kept
from app.jobs import SilentDispatcher
from app.log import get_logger
from app.settings import Settings

log = get_logger("installation")

MANIFEST = "manifest.json"
# The folders of the data directory that belong to rows of the database.
FOLDERS = ("snapshots", "quarantine")


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds: `rows` by table, `files` with their SHA-256."""

    path: Path
    database: str
    revision: str
    made_at: str
    rows: dict[str, int]
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class Restored:
    """What was brought back; how many rules of suppression of the replaced data were `kept`, and how many could not be.

    `unread`: the replaced data could not be read at all (it is damaged, or of another version).
    """

    saved: Backup
    kept: int
    lost: int
    unread: bool


def backup(settings: Settings, path: Path) -> Backup:
    """Write a backup into the new folder `path`. Raises BadInput for a place that is taken, Conflict for a broken database."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise BadInput(say("{path} is not empty; name a new folder", path=path))
    url = settings.resolved_database_url
    revision = migrate.current(url)
    if revision is None:
        raise Conflict(say("there is no installation to save: its database is empty"))
    draft = path.with_name(f".{path.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    try:
        made_at = datetime.now(UTC).isoformat(timespec="seconds")
        sqlite = make_url(url).get_backend_name() == "sqlite"
        rows = _save_sqlite(url, draft) if sqlite else _save_postgresql(url, draft)
        for name in FOLDERS:
            if (settings.data_dir / name).is_dir():
                shutil.copytree(settings.data_dir / name, draft / name)
        files = {str(file.relative_to(draft)): _sha256(file) for file in sorted(draft.rglob("*")) if file.is_file()}
        made = Backup(path, "sqlite" if sqlite else "postgresql", revision, made_at, rows, files)
        told = {"format": 1, "version": package.__version__, "database": made.database, "revision": revision}
        told |= {"made_at": made_at, "rows": rows, "files": files}
        (draft / MANIFEST).write_text(json.dumps(told, indent=1))
        for file in (*draft.rglob("*"), draft):
            _sync(file)
        if path.is_dir():
            path.rmdir()
        os.replace(draft, path)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    # A database of a former version, saved before it is upgraded, has no place for it yet.
    if revision == migrate.head():
        _note(url, made)
    log.info("installation.saved", revision=revision, rows=sum(rows.values()), files=len(files))
    return made


def _note(url: str, made: Backup) -> None:
    """Say in the installation itself that it was saved, and where to: the page of the system shows the last one."""
    db = Database(url, SystemClock(), SilentDispatcher())
    try:
        with db.work() as uow:
            after = {"folder": str(made.path), "rows": sum(made.rows.values()), "files": len(made.files)}
            audit.record(uow, "backup.made", "installation", 1, name=made.path.name, after=after)
    finally:
        db.dispose()


def check(path: Path) -> Backup:
    """Read a backup's manifest and compare every file with it. Raises BadInput that names what is missing or changed."""
    try:
        said: dict[str, Any] = json.loads((path / MANIFEST).read_text())
        found = Backup(path, said["database"], said["revision"], said["made_at"], said["rows"], said["files"])
    except FileNotFoundError:
        raise BadInput(say("{path} is no backup: it has no {manifest}", path=path, manifest=MANIFEST)) from None
    except (ValueError, KeyError) as error:
        raise BadInput(say("{path} cannot be read ({error})", path=path / MANIFEST, error=error)) from None
    for name, sha256 in found.files.items():
        file = path / name
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise BadInput(say("{path} names a file outside of the backup: {name}", path=path / MANIFEST, name=name))
        if not file.is_file():
            raise BadInput(say("{path}: the file {name} is missing; the backup is not whole", path=path, name=name))
        if _sha256(file) != sha256:
            raise BadInput(
                say("{path}: the file {name} is not what was saved; take another backup", path=path, name=name)
            )
    return found


def restore(settings: Settings, path: Path, *, force: bool = False) -> Restored:
    """Put a backup in place of this installation's data; nothing is sent until `gapbridge release`.

    Rules of suppression that the replaced data has and the backup has not are kept.

    Stop every process of the installation first. Refuses (Conflict) over data without `force`, and a backup of a newer version;
    an older one is migrated. Raises BadInput for a backup that is not whole, or of the other kind of database.
    """
    saved = check(path)
    url = settings.resolved_database_url
    kind = "sqlite" if make_url(url).get_backend_name() == "sqlite" else "postgresql"
    if saved.database != kind:
        raise BadInput(
            say(
                "the backup is of {database}, and GAPBRIDGE_DATABASE_URL names {kind}",
                database=saved.database,
                kind=kind,
            )
        )
    known = {revision.revision for revision in ScriptDirectory.from_config(migrate._config()).walk_revisions()}
    if saved.revision not in known:
        raise Conflict(
            say(
                "the backup is of a newer version (revision {revision}, this one knows {newest}); upgrade first",
                revision=saved.revision,
                newest=migrate.head(),
            )
        )
    if not force and migrate.current(url) is not None:
        raise Conflict(say("there is an installation here already; --force replaces its data with the backup"))
    replaced = forgotten.of_database(url) if force else Kept(None, ())
    if kind == "sqlite":
        _load_sqlite(url, path)
    else:
        _load_postgresql(url, path, saved)
    for name in FOLDERS:
        if (path / name).is_dir():
            shutil.rmtree(settings.data_dir / name, ignore_errors=True)
            shutil.copytree(path / name, settings.data_dir / name)
    migrate.upgrade(url)
    kept = _hold(settings, saved, replaced)
    log.warning("installation.restored", made_at=saved.made_at, revision=saved.revision)
    return Restored(saved, len(kept.rules), kept.unusable, unread=replaced is None)


def _hold(settings: Settings, saved: Backup, replaced: Kept | None) -> Forgotten:
    db = Database(settings.resolved_database_url, SystemClock(), SilentDispatcher())
    try:
        with db.work() as uow:
            made_at = datetime.fromisoformat(saved.made_at)
            hold.hold(uow, f"it was restored from a backup of {made_at:%d %b %Y %H:%M} UTC", data_of=made_at)
            if replaced is None or not replaced.rules:
                return Forgotten()
            # Whoever asked not to be written to after the backup asked for good.
            return forgotten.take_in(uow, Vault(settings.secret_keys()), replaced, actor="restore")
    finally:
        db.dispose()


# --- SQLite -------------------------------------------------------------------------------------------------------------


def _save_sqlite(url: str, folder: Path) -> dict[str, int]:
    source = sqlite3.connect(make_url(url).database or "", timeout=30)
    target = sqlite3.connect(folder / "database.sqlite")
    try:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")
        problem = target.execute("PRAGMA integrity_check").fetchone()[0]
        if problem != "ok":
            raise Conflict(
                say("the database is damaged and was not saved ({problem}); restore an earlier backup", problem=problem)
            )
        names = [row[0] for row in target.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: target.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in sorted(names)}  # noqa: S608
    finally:
        source.close()
        target.close()


def _load_sqlite(url: str, folder: Path) -> None:
    place = Path(make_url(url).database or "")
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name}.restored")
    shutil.copyfile(folder / "database.sqlite", draft)
    _sync(draft)
    # The log belongs to the former file: beside the new one it would be applied to it.
    for extra in ("-wal", "-shm"):
        place.with_name(place.name + extra).unlink(missing_ok=True)
    os.replace(draft, place)


# --- PostgreSQL ---------------------------------------------------------------------------------------------------------


def _save_postgresql(url: str, folder: Path) -> dict[str, int]:
    engine = make_engine(url)
    rows: dict[str, int] = {}
    (folder / "tables").mkdir()
    try:
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            raw: Any = connection.connection.dbapi_connection
            for table in sorted(inspect(connection).get_table_names()):
                with raw.cursor() as cursor, (folder / "tables" / f"{table}.copy").open("wb") as out:
                    with cursor.copy(f'COPY "{table}" TO STDOUT (FORMAT text)') as copy:
                        for block in copy:
                            out.write(block)
                    rows[table] = cursor.rowcount
            connection.rollback()
    finally:
        engine.dispose()
    return rows


def _load_postgresql(url: str, folder: Path, saved: Backup) -> None:
    if migrate.current(url) is not None:
        migrate.downgrade(url, "base")
    migrate.upgrade(url, saved.revision)
    engine = make_engine(url)
    try:
        with engine.begin() as connection:
            raw: Any = connection.connection.dbapi_connection
            names = inspect(connection).get_table_names()
            # Parents before children: the server checks each row as it comes.
            order = [table.name for table in _ordered(connection) if table.name in names]
            for table in order:
                file = folder / "tables" / f"{table}.copy"
                columns = [column["name"] for column in inspect(connection).get_columns(table)]
                with raw.cursor() as cursor:
                    if file.is_file():
                        with cursor.copy(f'COPY "{table}" FROM STDIN (FORMAT text)') as copy, file.open("rb") as stream:
                            while block := stream.read(1 << 20):
                                copy.write(block)
                    if "id" in columns:
                        cursor.execute(
                            'SELECT setval(s, greatest((SELECT max(id) FROM "' + table + '"), 1)) '  # noqa: S608
                            "FROM pg_get_serial_sequence(%s, 'id') AS s WHERE s IS NOT NULL",
                            (f'"{table}"',),
                        )
    finally:
        engine.dispose()


def _ordered(connection: Any) -> list[Any]:
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != "alembic_version"]


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
