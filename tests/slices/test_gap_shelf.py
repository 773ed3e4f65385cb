"""Snapshots in a bucket: the same import, recognition, refresh, changes and removal as in a folder, against a real S3 server."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from sqlmodel import select

from app.db.work import Database
from app.errors import BadInput, Unavailable
from app.gaps import changes, service
from app.gaps.engine import Engine, literal
from app.gaps.shelf import Shelf
from app.models import Snapshot
from app.sites import service as sites
from tests.support import exports
from tests.support.gap import compute_gap

link = exports.link


@pytest.fixture(scope="module")
def s3() -> Iterator[None]:
    """A server on loopback that speaks S3, and the variables that every S3 client reads."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    told = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        server.stop()


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where the snapshots of one test lie."""
    if request.param == "folder":
        return tmp_path / "snapshots"
    request.getfixturevalue("s3")
    bucket = f"gapbridge-{uuid.uuid4().hex}"
    fsspec.filesystem("s3").mkdir(bucket)
    return f"s3://{bucket}/some/prefix"


def listed(place: Path | str) -> list[str]:
    """Every file under the place, relative to it."""
    fs, root = fsspec.core.url_to_fs(str(place))
    fs.invalidate_cache()
    return sorted(str(path).removeprefix(str(root)).lstrip("/") for path in fs.find(root))


def world(tmp_path: Path, day: str, domains: list[str]) -> list[Path]:
    return [
        exports.search_console_sites(tmp_path / f"us.example-Top linking sites-{day}.csv", [("ours.test", 1, 1)]),
        exports.ahrefs_backlinks(
            tmp_path / f"rival.example-backlinks-subdomains_{day}_10-00-00.csv",
            [link(f"https://{domain}/", "https://rival.example/") for domain in domains],
        ),
    ]


def make_site(db: Database) -> int:
    with db.work() as uow:
        site = sites.create(uow, name="Us", domains=["us.example"], brand_names=["Us"])
        sites.add_competitor(uow, site.id, "rival.example", sisters=["house.test"])
        return site.id


def test_import_recognise_compute_and_compare(db: Database, tmp_path: Path, place: Path | str) -> None:
    site_id = make_site(db)

    def run(paths: list[Path]) -> tuple[Any, dict[str, int], dict[str, Any]]:
        return service.import_and_refresh(db, site_id, paths, folder=place, actor="test")

    first = world(tmp_path, "2026-05-01", ["a.test", "b.test", "house.test"])
    imported, counts, summary = run(first)
    assert (counts["added"], summary["gaps"], summary["removed"]) == (2, 2, {"sister-brand": 1})
    kept = [one.path for result in imported for one in result.snapshots]
    assert [name for name in listed(place) if not name.startswith("states/")] == sorted(kept)

    again, _counts, _summary = run(first)
    assert [one.again for one in again] == [True, True]
    assert [name for name in listed(place) if not name.startswith("states/")] == sorted(kept)

    _imported, counts, summary = run(world(tmp_path, "2026-06-01", ["a.test", "c.test"]))
    assert (counts["added"], counts["closed"]) == (1, 1)
    with db.read() as uow:
        told = {one.domain: one.kind.value for one in changes.changes_of(uow, site_id)}
    assert told == {"c.test": "new-gap", "b.test": "gone"}
    assert len([name for name in listed(place) if name.startswith("states/")]) == 2

    Shelf(place).remove(kept[1])
    with db.read() as uow:
        newest = {one.path for one in service.newest(uow, site_id)}
        Shelf(place).remove(next(iter(newest)))
        with (
            pytest.raises(BadInput, match=r"is gone; import .* again"),
            compute_gap(uow, site_id, folder=place),
        ):
            pass


def test_a_file_is_whole_or_not_there_and_no_row_points_at_nothing(
    db: Database, tmp_path: Path, place: Path | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(place)

    def write_half() -> None:
        with shelf.draft("a/x.parquet") as draft:
            draft.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert not shelf.has("a/x.parquet")
    assert shelf.names("a", "x") == []
    assert not list(tmp_path.rglob("*.parquet"))

    site_id = make_site(db)
    paths = world(tmp_path, "2026-05-01", ["a.test"])
    if isinstance(place, str):
        # The store goes away in the middle of an upload.
        fs, _root = fsspec.core.url_to_fs(place)
        monkeypatch.setattr(fs, "put_file", lambda *_, **__: (_ for _ in ()).throw(PermissionError("denied")))
        with pytest.raises(Unavailable, match=r"s3://.*the snapshots cannot be reached"):
            service.import_and_refresh(db, site_id, paths, folder=place, actor="test")
        monkeypatch.undo()
    else:
        paths[1].write_bytes(b"\x00\x01")
        with pytest.raises(BadInput):
            service.import_and_refresh(db, site_id, paths[1:], folder=place, actor="test")
    with db.read() as uow:
        assert list(uow.session.execute(select(Snapshot)).scalars()) == []
    assert listed(place) == []


def test_an_engine_reads_what_was_kept_and_removing_twice_is_no_error(place: Path | str) -> None:
    shelf = Shelf(place)
    with Engine() as engine:
        shelf.lend(engine)
        with shelf.draft("deep/er/one.parquet") as draft:
            engine.run(f"COPY (SELECT 7 AS n) TO {literal(str(draft))} (FORMAT parquet)")
        assert engine.run(f"SELECT n FROM read_parquet({literal(shelf.url('deep/er/one.parquet'))})") == [(7,)]
    assert shelf.has("deep/er/one.parquet")
    assert shelf.names("deep/er", "on") == ["deep/er/one.parquet"]
    shelf.remove("deep/er/one.parquet")
    shelf.remove("deep/er/one.parquet")
    assert not shelf.has("deep/er/one.parquet")
    assert shelf.names("deep/er", "on") == []


def test_a_place_that_cannot_be_used_says_why() -> None:
    with pytest.raises(Unavailable, match="nowhere://x: snapshots cannot be kept there"):
        Shelf("nowhere://x")
