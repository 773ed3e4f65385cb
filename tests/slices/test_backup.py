"""A backup comes back whole, never over data by mistake, never without its hold; and holds no key."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from app.clock import FixedClock
from app.db import migrate
from app.db.engine import make_engine
from app.db.work import Database
from app.domain.delivery import OutboundState
from app.errors import BadInput, Conflict
from app.installation import backup, hold
from app.jobs import SilentDispatcher
from app.models import Prospect
from app.settings import Settings
from tests.slices.test_hold import Place
from tests.support.databases import create_postgres, drop_postgres, url_of
from tests.support.smtp_sink import sink
from tests.support.world import a_prospect, a_site


def contents(url: str) -> dict[str, list[str]]:
    engine = make_engine(url)
    with engine.connect() as connection:
        found = {
            table: sorted(repr(tuple(row)) for row in connection.execute(text(f"SELECT * FROM {table}")))
            for table in inspect(connection).get_table_names()
            if table != "installation"
        }
    engine.dispose()
    return found


@pytest.fixture
def place(db: Database, settings: Settings, clock: FixedClock) -> Place:
    made = Place(db, settings, clock)
    made.begin()
    return made


def test_it_comes_back_whole_and_sends_nothing(place: Place, tmp_path: Path) -> None:
    snapshots = place.settings.data_dir / "snapshots"
    snapshots.mkdir()
    (snapshots / "1.parquet").write_bytes(b"rows\\N\ttab")
    (place.settings.data_dir / "secret.key").write_text("the key itself")
    with sink() as smtp:
        place.enqueue("editor.test", smtp.port)
        before = contents(place.db.url)
        made = backup.backup(place.settings, tmp_path / "saved")
        assert made.rows["outbound"] == 1
        assert not [
            file for file in (tmp_path / "saved").rglob("*") if file.is_file() and b"key itself" in file.read_bytes()
        ]
        assert place.send().sent == 1
        place.db.dispose()
        with pytest.raises(Conflict, match="--force"):
            backup.restore(place.settings, tmp_path / "saved")
        backup.restore(place.settings, tmp_path / "saved", force=True)
        after = contents(place.db.url)
        # The restore itself stands in the audit, beside what was saved with the data.
        (held,) = set(after["audit_event"]) - set(before["audit_event"])
        assert "installation.held" in held
        assert after | {"audit_event": before["audit_event"]} == before
        assert (snapshots / "1.parquet").read_bytes() == b"rows\\N\ttab"
        skip = place.begin().skip
        assert skip is not None
        assert "restored from a backup" in skip.sentence
        assert place.send().tried == 0
        assert place.states() == [OutboundState.QUEUED]
        assert len(smtp.messages) == 1
        # New rows get new ids.
        with place.db.work() as uow:
            site = a_site(uow, name="Next", domains=["next.test"])
            assert a_prospect(uow, site, "more.test").id > 1


def test_a_backup_of_a_former_version_is_migrated_and_one_of_a_newer_refused(place: Place, tmp_path: Path) -> None:
    with place.db.work() as uow:
        a_prospect(uow, a_site(uow), "old.test")
    place.db.dispose()
    migrate.downgrade(place.db.url, "0002")
    saved = tmp_path / "saved"
    backup.backup(place.settings, saved)
    migrate.upgrade(place.db.url)
    backup.restore(place.settings, saved, force=True)
    assert migrate.current(place.db.url) == migrate.head()
    with place.db.read() as look:
        assert look.session.get_one(Prospect, 1).domain == "old.test"
        assert hold.refusal(look.session) is not None
    place.db.dispose()
    manifest = saved / backup.MANIFEST
    manifest.write_text(manifest.read_text().replace('"revision": "0002"', '"revision": "9999"'))
    with pytest.raises(Conflict, match="newer version"):
        backup.restore(place.settings, saved, force=True)


def test_a_backup_that_is_not_whole_is_refused(place: Place, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    backup.backup(place.settings, saved)
    with pytest.raises(BadInput, match="not empty"):
        backup.backup(place.settings, saved)
    file = next(
        file for file in saved.rglob("*") if file.is_file() and file.name != backup.MANIFEST and file.stat().st_size
    )
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(BadInput, match="not what was saved"):
        backup.restore(place.settings, saved, force=True)
    file.unlink()
    with pytest.raises(BadInput, match="missing"):
        backup.restore(place.settings, saved, force=True)
    with pytest.raises(BadInput, match="no backup"):
        backup.restore(place.settings, tmp_path / "nowhere", force=True)


def test_it_fills_an_empty_place_on_another_machine(place: Place, tmp_path: Path) -> None:
    place.enqueue("editor.test")
    backup.backup(place.settings, tmp_path / "saved")
    name = None if place.db.is_sqlite else create_postgres()
    url = f"sqlite:///{tmp_path}/other/gapbridge.sqlite" if name is None else url_of(name)
    try:
        other = place.settings.model_copy(update={"database_url": url, "data_dir": tmp_path / "other"})
        backup.restore(other, tmp_path / "saved")
        there = Place(Database(url, place.clock, SilentDispatcher()), other, place.clock)
        assert there.begin().skip is not None
        assert there.send().tried == 0
        there.db.dispose()
    finally:
        if name is not None:
            drop_postgres(name)
