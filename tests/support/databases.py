"""Databases for tests: a fresh, migrated one for each test, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from app.db import migrate

POSTGRES = os.environ.get("GAPBRIDGE_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")


def missing(server: str, error: Exception) -> None:
    """Skip for a server that this machine lacks; in CI that is a failure, because CI installs every server."""
    if os.environ.get("CI"):
        raise RuntimeError(f"CI needs {server}") from error
    pytest.skip(f"{server} does not answer here: {error}")


def _admin() -> psycopg.Connection:
    url = make_url(POSTGRES).set(drivername="postgresql")
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True, connect_timeout=5)


def url_of(name: str) -> str:
    return make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)


def create_postgres(template: str | None = None) -> str:
    """The name of a new database, empty or a copy of `template`."""
    name = f"gapbridge_test_{uuid.uuid4().hex[:12]}"
    with _admin() as admin:
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
            # Where nothing waits for the disk, copying the files is twice as quick as writing them through the log.
            if admin.info.server_version >= 150000 and admin.execute("SHOW fsync").fetchone() == ("off",):
                statement += sql.SQL(" STRATEGY FILE_COPY")
        admin.execute(statement)
    return name


def drop_postgres(name: str) -> None:
    with _admin() as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


class Templates:
    """Migrates once per kind of database and hands out copies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._postgres: str | None = None

    @contextmanager
    def copy(self, kind: str, folder: Path) -> Iterator[str]:
        """The URL of a fresh, migrated database of `kind` ("sqlite" or "postgresql"), dropped afterwards."""
        if kind == "sqlite":
            template = self._folder / "template.sqlite"
            if not template.exists():
                migrate.upgrade(f"sqlite:///{template}")
            target = folder / "gapbridge.sqlite"
            shutil.copy(template, target)
            yield f"sqlite:///{target}"
            return
        if self._postgres is None:
            try:
                name = create_postgres()
            except psycopg.OperationalError as error:
                missing("PostgreSQL", error)
                raise AssertionError("unreachable") from error
            migrate.upgrade(url_of(name))
            self._postgres = name
        name = create_postgres(self._postgres)
        try:
            yield url_of(name)
        finally:
            drop_postgres(name)

    def close(self) -> None:
        if self._postgres is not None:
            drop_postgres(self._postgres)
