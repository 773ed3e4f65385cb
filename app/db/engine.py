"""Engines with the settings on which the promises rest: WAL, FULL, BEGIN IMMEDIATE on SQLite; READ COMMITTED on PostgreSQL."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url

from app.domain.said import say
from app.errors import BadInput


def make_engine(url: str, *, read_only: bool = False, pool_size: int = 10) -> Engine:
    """An engine for `url` (sqlite:///... or postgresql+psycopg://...); raises BadInput for any other database.

    `read_only` gives pages a second engine: on SQLite its transactions are deferred, so readers never wait for the
    one writer; a write through it fails.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(url, Path(parsed.database or ""), read_only)
    if parsed.drivername == "postgresql+psycopg":
        return _postgresql(url, read_only, pool_size)
    raise BadInput(
        say(
            "GAPBRIDGE_DATABASE_URL starts with '{drivername}'; use sqlite:///path or "
            "postgresql+psycopg://user@host/name",
            drivername=parsed.drivername,
        )
    )


def _postgresql(url: str, read_only: bool, pool_size: int) -> Engine:
    # Statements here take milliseconds, and none a second: compiling a report's took longer than running it. What the
    # operator's own address says comes first and stays.
    given = make_url(url).query.get("options", "")
    options = [*((given,) if isinstance(given, str) else given), "-c jit=off"]
    if read_only:
        options.append("-c default_transaction_read_only=on")
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        connect_args={"options": " ".join(options).strip()},
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        if not _durable(connection):
            connection.exec_driver_sql("SET LOCAL synchronous_commit TO OFF")

    return engine


def _durable(connection: Any) -> bool:
    return bool(connection.get_execution_options().get("durable", True))


def _sqlite(url: str, path: Path, read_only: bool) -> Engine:
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, pool_size=5, max_overflow=50, connect_args={"timeout": 30, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout=30000")
        cursor.execute("PRAGMA journal_mode=WAL")
        # FULL: a COMMIT that returned survives a power cut. With NORMAL a committed "about to send" could be lost,
        # and the mail would go twice.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # The default (deferred) transaction reads first and locks later: two workers then claim one row.
        if read_only:
            connection.exec_driver_sql("BEGIN")
            return
        connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if _durable(connection) else 'NORMAL'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
