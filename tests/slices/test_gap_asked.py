"""Pulls that a person asks for: refused before they spend, run by a worker, stopped, cut off, reported; and schedules that rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from app.clock import FixedClock
from app.db.work import Database
from app.errors import BadInput, Conflict, NotFound, Refused
from app.gaps import asked_pulls, changes, prices, pulls, schedules, service, tables, uploads
from app.jobs import Job, RecordingDispatcher
from app.models import AuditEvent, ImportJob, ImportState, Prospect, ProviderPull, PullState, Snapshot
from app.settings import Settings
from app.sites import service as sites
from tests.support.commands import Shell
from tests.support.providers import KEY, Deps, Tools, serving

LINKS = {
    "us.example": [("shared.test", 40, 3)],
    "rival.example": [("shared.test", 40, 9), *((f"site{n}.test", n % 90, n % 7 + 1) for n in range(30))],
}


@pytest.fixture
def tools() -> Iterator[Tools]:
    with serving(LINKS) as made:
        yield made


@pytest.fixture
def deps(db: Database, tools: Tools, tmp_path: Path) -> Deps:
    with db.work() as uow:
        site = sites.create(uow, name="Us", domains=["us.example"], brand_names=["Us"])
        sites.add_competitor(uow, site.id, "rival.example")
    settings = Settings(
        _env_file=None,
        data_dir=tmp_path,
        provider_urls={"semrush": tools.url},
        semrush_key=KEY,
        provider_budgets={"semrush": 10_000.0},
    )
    return Deps(db, settings)


def ask(deps: Deps, rows: int = 50, **more: float) -> int:
    with deps.db.work() as uow:
        return asked_pulls.ask(uow, deps.settings, 1, "semrush", rows, actor="user:ann", **more).id


def job_of(deps: Deps, job_id: int) -> ImportJob:
    with deps.db.read() as uow:
        return uploads.get(uow, job_id)


def test_accounts_tell_what_is_missing_and_what_is_left(deps: Deps) -> None:
    with deps.db.read() as uow:
        found = {one.provider: one for one in prices.accounts(uow, deps.settings)}
    assert found["semrush"] == prices.Account(
        "semrush", "Semrush API v3", "units", ("GAPBRIDGE_SEMRUSH_KEY",), (), 10_000.0, 0.0, 10_000.0
    )
    assert found["dataforseo"].missing == ("GAPBRIDGE_DATAFORSEO_LOGIN", "GAPBRIDGE_DATAFORSEO_PASSWORD")
    assert (found["dataforseo"].budget, found["dataforseo"].left) == (None, None)
    assert KEY not in str(found)


def test_a_pull_is_asked_for_run_and_reported(deps: Deps, dispatcher: RecordingDispatcher) -> None:
    job_id = ask(deps)
    assert (Job.GAPS_ASKED_PULL, job_id) in dispatcher.rung
    with deps.db.read() as uow:
        assert asked_pulls.due(uow.session, uow.now()) == [job_id]
    with pytest.raises(Conflict, match="semrush is asked for this site already"):
        ask(deps)
    asked_pulls.run(deps, job_id)
    asked_pulls.run(deps, job_id)
    done = job_of(deps, job_id)
    assert (done.state, done.error, done.due_at) == (ImportState.DONE, None, None)
    assert (done.rows_done, done.rows_total) == (32, 32)
    assert (done.report["cost"], done.report["unit"]) == (1_280, "units")
    assert (done.counts["added"], done.counts["gaps"]) == (30, 30)
    with deps.db.read() as uow:
        targets = uow.session.execute(
            select(col(Snapshot.target)).where(col(Snapshot.id).in_(done.snapshots))
        ).scalars()
        assert set(targets) == {"us.example", "rival.example"}
        [row] = [one for one in prices.accounts(uow, deps.settings) if one.provider == "semrush"]
        verbs = set(uow.session.execute(select(col(AuditEvent.verb))).scalars())
    assert (row.spent, row.left) == (1_280, 8_720)
    assert "pull.asked" in verbs


def test_refusals_come_before_anything_is_asked(deps: Deps, tools: Tools) -> None:
    with pytest.raises(
        Refused, match=r"40,000 units are needed at most, 10,000 of the month's budget are left"
    ) as over:
        ask(deps, 500)
    assert [skip.reason for skip in over.value.skips] == ["budget"]
    with pytest.raises(Refused, match="4,000 units are needed at most, and 3,999 were agreed to") as dear:
        ask(deps, 50, most=3_999)
    assert [skip.reason for skip in dear.value.skips] == ["price"]
    with deps.db.work() as uow, pytest.raises(BadInput, match="set GAPBRIDGE_MOZ_TOKEN") as bare:
        asked_pulls.ask(uow, deps.settings, 1, "moz", 50, actor="user:ann")
    assert [problem.field for problem in bare.value.problems] == ["provider"]
    with deps.db.read() as uow:
        assert uploads.latest(uow) == []
    # Between the asking and the run another one has spent: nothing is asked, and the row says why.
    job_id = ask(deps)
    poor = Deps(deps.db, deps.settings.model_copy(update={"provider_budgets": {"semrush": 100.0}}))
    asked_pulls.run(poor, job_id)
    failed = job_of(deps, job_id)
    assert failed.state is ImportState.FAILED
    assert "100 of the month's budget are left" in (failed.error or "")
    # A competitor came meanwhile: it costs more than was agreed to.
    job_id = ask(deps)
    with deps.db.work() as uow:
        sites.add_competitor(uow, 1, "other.example")
    asked_pulls.run(deps, job_id)
    assert "6,000 units are needed at most, and 4,000 were agreed to" in (job_of(deps, job_id).error or "")
    assert tools.asked == []


def test_what_the_provider_refuses_is_on_the_row(deps: Deps, tools: Tools) -> None:
    tools.refuse = [(403, {}, "")]
    job_id = ask(deps)
    asked_pulls.run(deps, job_id)
    failed = job_of(deps, job_id)
    assert failed.state is ImportState.FAILED
    assert "Semrush API v3 refuses the credentials (403)" in (failed.error or "")
    # It can be asked for again at once.
    ask(deps)


def test_a_pull_can_be_stopped_and_what_came_is_not_paid_twice(deps: Deps, tools: Tools) -> None:
    waiting = ask(deps)
    with deps.db.work() as uow:
        assert uploads.cancel(uow, deps.settings, waiting).state is ImportState.CANCELLED
    asked_pulls.run(deps, waiting)
    assert tools.asked == []
    assert deps.settings.data_dir.is_dir()
    running = ask(deps)
    answer = tools.answer

    def cancelling(path: str, body: dict[str, str], headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        if body["target"] == "rival.example":
            with deps.db.work() as uow:
                uploads.cancel(uow, deps.settings, running)
        return answer(path, body, headers)

    tools.answer = cancelling  # type: ignore[method-assign]
    asked_pulls.run(deps, running)
    assert job_of(deps, running).state is ImportState.CANCELLED
    with deps.db.read() as uow:
        made = {one.target: one for one in pulls.pulls_of(uow, 1)}
        assert (made["us.example"].state, made["rival.example"].state) == (PullState.DONE, PullState.FAILED)
        assert made["rival.example"].error == "a person has stopped it"
        assert uow.session.execute(select(Snapshot)).scalars().all() == []
        assert prices.plan(uow, deps.settings, 1, "semrush", 50).kept == ("us.example",)
        verbs = list(uow.session.execute(select(col(AuditEvent.verb))).scalars())
    assert verbs.count("pull.cancelled") == 2
    tools.answer = answer  # type: ignore[method-assign]
    again = ask(deps)
    asked_pulls.run(deps, again)
    assert job_of(deps, again).report["cost"] == 1_240


def test_a_pull_is_stopped_between_two_lists_and_the_next_one_is_free(
    deps: Deps, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = service.prepare

    def cancelling(*given: Any, **named: Any) -> Any:
        with deps.db.work() as uow:
            uploads.cancel(uow, deps.settings, running)
        return read(*given, **named)

    running = ask(deps)
    with monkeypatch.context() as patch:
        patch.setattr(service, "prepare", cancelling)
        asked_pulls.run(deps, running)
    assert job_of(deps, running).state is ImportState.CANCELLED
    with deps.db.read() as uow:
        # The list that was being read is here as a whole, and nothing is computed of it.
        assert [one.target for one in uow.session.execute(select(Snapshot)).scalars()] == ["us.example"]
        assert uow.session.execute(select(Prospect)).scalars().all() == []
        assert {one.state for one in pulls.pulls_of(uow, 1)} == {PullState.DONE}
        assert prices.plan(uow, deps.settings, 1, "semrush", 50).cost == 0
    again = ask(deps)
    asked_pulls.run(deps, again)
    assert (job_of(deps, again).state, job_of(deps, again).report["cost"]) == (ImportState.DONE, 0)
    with deps.db.read() as uow:
        assert len(uow.session.execute(select(Snapshot)).scalars().all()) == 2
        assert len(uow.session.execute(select(Prospect)).scalars().all()) == 30


def test_a_pull_is_stopped_while_its_gap_is_computed(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tables.gap_table

    def cancelling(*given: Any, **named: Any) -> Any:
        with deps.db.work() as uow:
            # What came of it is shown all the while.
            job = uploads.cancel(uow, deps.settings, running)
            assert (job.rows_total, job.rows_done) == (100, 100)
        return table(*given, **named)

    running = ask(deps)
    with monkeypatch.context() as patch:
        patch.setattr(tables, "gap_table", cancelling)
        asked_pulls.run(deps, running)
    assert (job_of(deps, running).state, job_of(deps, running).due_at) == (ImportState.CANCELLED, None)
    with deps.db.read() as uow:
        assert len(uow.session.execute(select(Snapshot)).scalars().all()) == 2
        assert uow.session.execute(select(Prospect)).scalars().all() == []
        assert changes.refreshes_of(uow, 1) == []


def test_a_run_that_was_cut_off_does_not_spend_again_by_itself(deps: Deps, tools: Tools, clock: FixedClock) -> None:
    job_id = ask(deps)
    assert uploads.claim(deps, job_id) is not None  # The worker that began it is gone.
    asked_pulls.run(deps, job_id)
    assert job_of(deps, job_id).state is ImportState.RUNNING
    clock.advance(uploads.CLAIM)
    asked_pulls.run(deps, job_id)
    failed = job_of(deps, job_id)
    assert failed.state is ImportState.FAILED
    assert "its process ended before it was done" in (failed.error or "")
    assert tools.asked == []


def test_a_crash_is_no_run_for_ever(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(pulls, "pull", crash)
    job_id = ask(deps)
    with pytest.raises(ZeroDivisionError):
        asked_pulls.run(deps, job_id)
    assert job_of(deps, job_id).error == "ZeroDivisionError: by nothing"


def test_a_schedule_rests_changes_and_ends(
    deps: Deps, tools: Tools, clock: FixedClock, dispatcher: RecordingDispatcher
) -> None:
    with deps.db.work() as uow:
        number = schedules.schedule(uow, deps.settings, 1, "semrush", rows=50, every_days=30, actor="user:ann").id
    assert (Job.GAPS_PULL, number) in dispatcher.rung
    with deps.db.work() as uow:
        assert schedules.pause(uow, number, actor="user:ann").paused_at == clock.now()
        schedules.pause(uow, number, actor="user:ann")
        assert schedules.due_schedules(uow.session, uow.now()) == []
    schedules.run_schedule(deps, number)
    assert tools.asked == []
    with deps.db.work() as uow:
        schedules.resume(uow, number, actor="user:ann")
        assert schedules.due_schedules(uow.session, uow.now()) == [number]
    schedules.run_schedule(deps, number)
    with deps.db.read() as uow:
        row = schedules.get(uow, number)
        assert row.last_result == {"rows": 32, "cost": 1_280.0, "unit": "units", "gaps": 30, "added": 30}
        assert (row.last_at, row.due_at) == (clock.now(), clock.now() + timedelta(days=30))
        assert len(uow.session.execute(select(ProviderPull)).scalars().all()) == 2
    with deps.db.work() as uow:
        row = schedules.schedule(uow, deps.settings, 1, "semrush", rows=20, every_days=7, actor="user:ann")
        assert (row.id, row.rows, row.due_at) == (number, 20, clock.now() + timedelta(days=7))
        assert schedules.find(uow, 1, "semrush").id == number
        schedules.unschedule(uow, number, actor="user:ann")
        with pytest.raises(NotFound, match="nothing is pulled from semrush"):
            schedules.find(uow, 1, "semrush")
        with pytest.raises(NotFound, match="there is no scheduled pull"):
            schedules.pause(uow, number, actor="user:ann")
        verbs = [
            one.verb
            for one in uow.session.execute(select(AuditEvent).order_by(col(AuditEvent.id))).scalars()
            if one.kind == "pull"
        ]
    assert verbs == ["pull.scheduled", "pull.paused", "pull.resumed", "pull.scheduled", "pull.unscheduled"]


def test_the_commands_use_the_same_verbs(
    deps: Deps, tools: Tools, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shell = Shell(monkeypatch, capsys, tmp_path)
    url = deps.db.engine.url.render_as_string(hide_password=False)
    shell.set(database_url=url, data_dir=tmp_path, semrush_key=KEY, provider_urls=f"semrush={tools.url}")
    shell.set(provider_budgets="semrush=10000")
    accounts = shell("gap", "accounts").out
    assert "semrush: 0 units this month, 10,000 of 10,000 are left" in accounts
    assert "moz: not set up (GAPBRIDGE_MOZ_TOKEN)" in accounts
    listed = json.loads(shell("gap", "accounts", "--json").out)
    assert [one["left"] for one in listed if one["provider"] == "semrush"] == [10_000]
    semrush = ("us.example", "--provider", "semrush", "--rows", "50")
    refused = shell("gap", "pull", "us.example", "--provider", "semrush", "--rows", "500", "--yes")
    assert refused.code != 0
    assert "40,000 units are needed at most" in refused.err
    assert json.loads(shell("gap", "pull", *semrush, "--yes", "--later", "--json").out) == {"job": 1}
    assert job_of(deps, 1).state is ImportState.QUEUED
    assert "is asked for this site already" in shell("gap", "pull", *semrush, "--yes", "--later").err
    assert "is asked every 30 days" in shell("gap", "schedule", *semrush).out
    assert shell("gap", "schedule", *semrush, "--pause").out == "semrush rests\n"
    assert "; paused" in shell("gap", "pulls", "us.example").out
    assert "is asked again, next at" in shell("gap", "schedule", *semrush, "--resume").out
    assert "not asked by itself any more" in shell("gap", "schedule", *semrush, "--every", "0").out
    assert "nothing is pulled from semrush" in shell("gap", "schedule", *semrush, "--pause").err
    assert tools.asked == []
