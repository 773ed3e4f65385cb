"""Statements compiled once for each kind of database, and not again for the fresh one of each test."""

from __future__ import annotations

import weakref
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

_STATEMENTS: Any = LRUCache(3000)


def share() -> None:
    """Let all engines of this process keep what they compile in one place.

    A process of an installation has one engine for its life; the suite has one for each of its tests, and would spend
    a quarter of its time on compiling the same statements. The key of a compiled statement holds the engine's dialect,
    so those of one kind, here always of one server, have to be equal.
    """
    for kind in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        setattr(kind, "__eq__", lambda self, other: type(self) is type(other))  # noqa: B010
        setattr(kind, "__hash__", lambda self: hash(type(self)))  # noqa: B010
        setattr(kind, "_type_memos", weakref.WeakKeyDictionary())  # noqa: B010
    event.listen(Engine, "engine_connect", _keep)


def _keep(connection: Connection) -> None:
    connection.execution_options(compiled_cache=_STATEMENTS)
