"""Migrations lose nothing: up, down and up again with data, on both databases; histories refuse to be changed."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import alembic
import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import SQLModel

import app.models  # noqa: F401
from app.db import migrate
from app.db.engine import make_engine
from app.db.work import Database
from app.domain.pipeline import Stage
from app.models import Prospect, Site, StageEvent
from tests.conftest import START
from tests.support.databases import Templates


def test_the_folder_of_migrations_does_not_hide_the_library() -> None:
    assert "site-packages" in str(alembic.__file__)
    assert not (Path(__file__).parents[2] / "alembic" / "__init__.py").exists()


def test_code_and_migrations_agree(database_url: str) -> None:
    migrate.check(database_url)
    assert migrate.current(database_url) == migrate.head()


def seed(db: Database) -> None:
    with db.work() as uow:
        site = Site(name="Acme", domains=["acme.test"], brand_names=["Acme"], created_at=START)
        uow.session.add(site)
        uow.session.flush()
        for number in range(50):
            uow.session.add(
                Prospect(
                    site_id=site.id, domain=f"d{number}.test", created_at=START, updated_at=START, rank_key=str(number)
                )
            )
        uow.session.flush()
        uow.session.add(
            StageEvent(
                prospect_id=1, event="created", from_stage=Stage.PROSPECT, to_stage=Stage.PROSPECT, actor="t", at=START
            )
        )


def digest(url: str) -> dict[str, tuple[int, str]]:
    engine = make_engine(url)
    found: dict[str, tuple[int, str]] = {}
    with engine.connect() as connection:
        for table in inspect(connection).get_table_names():
            if table != "alembic_version":
                rows = sorted(repr(tuple(row)) for row in connection.execute(text(f"SELECT * FROM {table}")))
                found[table] = (len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest())
    engine.dispose()
    return found


def test_every_revision_goes_up_down_and_up_again_with_data(db: Database, database_url: str) -> None:
    seed(db)
    before = digest(database_url)
    assert before["prospect"][0] == 50
    # Upgrading a database that is current is a no-op, whatever it holds.
    migrate.upgrade(database_url)
    assert digest(database_url) == before
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(migrate._config())
    revisions = [revision.revision for revision in script.walk_revisions()]
    for revision in revisions[:-1]:  # the first revision makes the tables: below it there is no data to keep
        migrate.downgrade(database_url, script.get_revision(revision).down_revision)
        migrate.upgrade(database_url)
        assert digest(database_url) == before
    migrate.downgrade(database_url, "base")
    assert digest(database_url) == {}
    migrate.upgrade(database_url)
    assert {name: count for name, (count, _) in digest(database_url).items()} == dict.fromkeys(
        SQLModel.metadata.tables, 0
    )


def test_a_failing_migration_leaves_the_database_as_it_was(database_url: str) -> None:
    before = migrate.current(database_url)

    def broken(config: object) -> None:
        from alembic import command

        command.downgrade(config, "base")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        migrate._migrate(database_url, broken)
    assert migrate.current(database_url) == before
    migrate.check(database_url)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_processes_that_start_together_migrate_once(kind: str, templates: Templates, tmp_path: Path) -> None:
    with templates.copy(kind, tmp_path) as url:
        migrate.downgrade(url, "base")
        errors: list[Exception] = []

        def go() -> None:
            try:
                migrate.upgrade(url)
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=go) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert migrate.current(url) == migrate.head()


@pytest.mark.parametrize("statement", ["UPDATE stage_event SET actor = 'x'", "DELETE FROM stage_event"])
def test_history_refuses_to_be_changed(db: Database, statement: str) -> None:
    seed(db)
    with pytest.raises(DatabaseError, match="append-only"), db.work() as uow:
        uow.session.execute(text(statement))


def test_a_child_row_survives_a_rebuilt_parent_table(database_url: str) -> None:
    """SQLite changes a table by copy and drop: with foreign keys on, that would delete the children."""
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext

    db = Database(database_url, None, None)  # type: ignore[arg-type]
    with db.work() as uow:
        uow.session.add(Site(name="Acme", domains=[], brand_names=[], created_at=START))
        uow.session.flush()
        uow.session.add(Prospect(site_id=1, domain="a.test", created_at=START, updated_at=START))
    db.dispose()

    def rebuild(config: object) -> None:
        connection = config.attributes["connection"]  # type: ignore[attr-defined]
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("site", recreate="always" if "sqlite" in database_url else "never") as batch:
            batch.alter_column("name", nullable=False)

    migrate._migrate(database_url, rebuild)
    assert digest(database_url)["prospect"][0] == 1
