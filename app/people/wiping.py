"""Overwrites what an erasure has freed: a deleted row leaves its bytes in the file until they are written over."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from sqlalchemy import make_url

from app.db.work import Database


def unlink(name: str) -> None:
    """Take a file away, if it is still there."""
    with contextlib.suppress(OSError):
        os.unlink(name)


def wipe(db: Database) -> tuple[bool, str]:
    """Overwrite the freed bytes; whether that was done, and what is left to do. On PostgreSQL it is its own work, later."""
    if not db.is_sqlite:
        return False, (
            "PostgreSQL frees the former rows at its next VACUUM (VACUUM FULL gives their bytes back at once); its WAL "
            "archive and every backup from before keep them until they are deleted"
        )
    db.dispose()
    path = Path(make_url(db.url).database or "")
    raw = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        raw.execute("PRAGMA secure_delete=ON")
        raw.execute("VACUUM")
        busy = int(raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
    except sqlite3.OperationalError as error:
        return False, f"the file could not be rewritten ({error}); run the erasure again when less is going on"
    finally:
        raw.close()
    if busy:
        return False, "a reader kept the write-ahead log; run the erasure again when less is going on"
    return True, "backups from before keep what was erased until they are deleted"
