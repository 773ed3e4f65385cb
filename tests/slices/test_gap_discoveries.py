"""The web graph read by a worker: refused in words, read by a child, stopped, gone on with, and fed into every site; and verification as a run."""

from __future__ import annotations

import threading
from collections import namedtuple
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from app.clock import FixedClock
from app.db.work import Database
from app.domain.verification import Verification
from app.errors import BadInput, Conflict, NotFound, Refused
from app.gaps import discoveries, service, uploads, verifications, verify
from app.jobs import Job, RecordingDispatcher
from app.models import AuditEvent, ImportJob, ImportState, Prospect, Snapshot
from app.settings import Settings
from app.sites import service as sites
from tests.support.webgraph import Graph, make_graph

Usage = namedtuple("Usage", "total used free")


@dataclass
class Deps:
    db: Database
    settings: Settings
    stopping: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return make_graph(tmp_path / "graph")


@pytest.fixture
def deps(db: Database, graph: Graph, tmp_path: Path) -> Deps:
    with db.work() as uow:
        for name, own in (("Us", "us.com"), ("Books", "bücher.de")):
            site = sites.create(uow, name=name, domains=[own], brand_names=[name])
            sites.add_competitor(uow, site.id, "rival.com")
        sites.create(uow, name="Alone", domains=["alone.example"], brand_names=["Alone"])
    return Deps(db, Settings(_env_file=None, data_dir=tmp_path / "data", web_graph=str(graph.prefix)))


def ask(deps: Deps, site_id: int = 1) -> int:
    with deps.db.work() as uow:
        return discoveries.ask(uow, deps.settings, site_id, actor="user:ann").id


def job_of(deps: Deps, job_id: int) -> ImportJob:
    with deps.db.read() as uow:
        return uploads.get(uow, job_id)


def test_a_worker_reads_the_graph_for_every_site(deps: Deps, graph: Graph, dispatcher: RecordingDispatcher) -> None:
    job_id = ask(deps)
    assert (Job.GAPS_DISCOVER, job_id) in dispatcher.rung
    with pytest.raises(Conflict, match="is being read already"):
        ask(deps, 2)
    # A worker that stops leaves it to the next one.
    deps.stopping.set()
    discoveries.run(deps, job_id)
    assert job_of(deps, job_id).state is ImportState.QUEUED
    deps.stopping.clear()
    discoveries.run(deps, job_id)
    done = job_of(deps, job_id)
    assert (done.state, done.error) == (ImportState.DONE, None)
    assert done.filename == "cc-main-2026-may-jun-jul-domain"
    assert [one["site"] for one in done.report["sites"]] == [1, 2]
    expected = graph.linking_to("rival.com") - graph.linking_to("us.com") - {"us.com", "rival.com"}
    assert done.counts["added"] == len(expected)
    with deps.db.read() as uow:
        found = uow.session.execute(select(col(Prospect.domain)).where(col(Prospect.site_id) == 1)).scalars()
        assert set(found) >= expected
        state = verifications.state(uow, 1)
    assert state.waiting == len(expected)
    assert not list((deps.settings.data_dir / "discover" / "fetched").glob("*"))


def test_what_keeps_it_from_being_read_is_said(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = Deps(deps.db, deps.settings.model_copy(update={"web_graph": ""}))
    with pytest.raises(Refused, match="set GAPBRIDGE_WEB_GRAPH, or use gapbridge gap discover GRAPH") as none:
        ask(bare)
    assert [skip.reason for skip in none.value.skips] == ["no-graph"]
    far = Deps(deps.db, deps.settings.model_copy(update={"web_graph": "https://user:canary@graph.test/cc-main-domain"}))
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(9 << 30, 4 << 30, 5 << 30))
    with pytest.raises(Refused, match=r"takes 20 GB of the data folder's disk, and 5 GB are free") as small:
        ask(far)
    assert [skip.reason for skip in small.value.skips] == ["disk"]
    # A run that was cut off needs room only for the rest.
    fetched = far.settings.data_dir / "discover" / "fetched" / "0123456789abcdef-cc-main-domain-edges.txt.gz"
    fetched.parent.mkdir(parents=True)
    with fetched.open("wb") as file:
        file.truncate(16 << 30)
    here = discoveries.ground(far.settings)
    assert (here.needed, here.refusal) == (4 << 30, None)
    fetched.unlink()
    here = discoveries.ground(far.settings)
    assert (here.release, here.fetched) == ("cc-main-domain", True)
    assert "canary" not in str(here)
    with pytest.raises(BadInput, match="has no competitor yet"):
        ask(deps, 3)
    with pytest.raises(NotFound):
        ask(deps, 9)
    # What lies on this machine needs no room, and what is wrong with it stands on the row.
    gone = Deps(deps.db, deps.settings.model_copy(update={"web_graph": "/nowhere/g"}))
    job_id = ask(gone)
    discoveries.run(gone, job_id)
    failed = job_of(gone, job_id)
    assert failed.state is ImportState.FAILED
    assert "there is no vertices file" in (failed.error or "")


def test_it_can_be_stopped(deps: Deps) -> None:
    job_id = ask(deps)
    assert uploads.claim(deps, job_id) is not None
    with deps.db.work() as uow:
        job = uploads.cancel(uow, deps.settings, job_id)
        job.due_at = uow.now()  # The run goes on where another worker had left it.
    discoveries.run(deps, job_id)
    assert job_of(deps, job_id).state is ImportState.CANCELLED
    with deps.db.read() as uow:
        assert uow.session.execute(select(Prospect)).scalars().all() == []
        assert "discovery.cancelled" in set(uow.session.execute(select(col(AuditEvent.verb))).scalars())


def test_a_site_that_cannot_be_computed_keeps_no_other(deps: Deps) -> None:
    with deps.db.work() as uow:
        sites.get(uow, 1).domains = ["nowhere.example"]
    job_id = ask(deps)
    discoveries.run(deps, job_id)
    done = job_of(deps, job_id)
    assert done.state is ImportState.DONE
    assert (done.error or "").startswith("site 1: There is no export of our own links (nowhere.example)")
    assert [(one["site"], "gaps" in one, "error" in one) for one in done.report["sites"]] == [
        (1, False, True),
        (2, True, False),
    ]
    with deps.db.read() as uow:
        assert set(uow.session.execute(select(col(Prospect.site_id))).scalars()) == {2}
    # Where nothing came of it for anybody, it has failed.
    with deps.db.work() as uow:
        sites.get(uow, 2).domains = ["nobody.example"]
    again = ask(deps)
    discoveries.run(deps, again)
    assert job_of(deps, again).state is ImportState.FAILED
    assert "; site 2: There is no export" in (job_of(deps, again).error or "")


def test_a_crash_is_no_run_for_ever(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise ZeroDivisionError("by nothing")

    # In one site it is that site's.
    with monkeypatch.context() as patch:
        patch.setattr(service, "prepare", crash)
        job_id = ask(deps)
        discoveries.run(deps, job_id)
        assert job_of(deps, job_id).state is ImportState.FAILED
        assert (job_of(deps, job_id).error or "").startswith("site 1: TypeError")
    monkeypatch.setattr(discoveries, "_read", crash)
    job_id = ask(deps)
    with pytest.raises(ZeroDivisionError):
        discoveries.run(deps, job_id)
    assert (job_of(deps, job_id).state, job_of(deps, job_id).error) == (
        ImportState.FAILED,
        "ZeroDivisionError: by nothing",
    )


def test_a_long_run_keeps_its_row_and_can_be_stopped_between_two_lists(
    deps: Deps, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, held = service.prepare, list[bool]()

    def slowly(*given: Any, **named: Any) -> Any:
        clock.advance(uploads.CLAIM * 0.7)
        due = job_of(deps, job_id).due_at
        held.append(due is not None and due > clock.now())
        if len(held) == 3:
            with deps.db.work() as uow:
                uploads.cancel(uow, deps.settings, job_id)
        return read(*given, **named)

    monkeypatch.setattr(service, "prepare", slowly)
    job_id = ask(deps)
    discoveries.run(deps, job_id)
    assert held == [True, True, True]
    assert job_of(deps, job_id).state is ImportState.CANCELLED
    with deps.db.read() as uow:
        assert set(uow.session.execute(select(col(Prospect.site_id))).scalars()) == {1}
        assert sorted(uow.session.execute(select(col(Snapshot.site_id))).scalars()) == [1, 1, 2]


def test_verification_is_asked_for_followed_and_stopped(deps: Deps) -> None:
    discoveries.run(deps, ask(deps))
    with deps.db.work() as uow:
        before = verifications.state(uow, 1)
        assert verifications.stop(uow, 1, actor="user:ann") == before.waiting
    with deps.db.work() as uow:
        stopped = verifications.state(uow, 1)
        assert (stopped.waiting, stopped.unasked) == (0, before.waiting)
        assert verify.due_of(uow.session, 1, uow.now()) == []
        assert verifications.state(uow, 2).waiting > 0
        assert verify.request(uow, 1, 2, actor="user:ann") == 2
        assert verifications.state(uow, 1).waiting == 2
        [first, *_] = [uow.session.get_one(Prospect, one) for one in verify.due_of(uow.session, 1, uow.now())]
        first.verification, first.verify_due_at = Verification.NOT_FOUND, None
        uow.session.flush()
        state = verifications.state(uow, 1)
        assert (state.waiting, state.not_found, state.unasked) == (1, 1, before.waiting - 2)
        assert [one.id for one in verifications.results(uow, 1)] == [first.id]
        verbs = set(uow.session.execute(select(col(AuditEvent.verb))).scalars())
        with pytest.raises(NotFound):
            verifications.state(uow, 9)
    assert {"gap.verification-asked", "gap.verification-stopped", "discovery.asked"} <= verbs
