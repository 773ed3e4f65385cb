"""Pulls from the paid tools: priced, budgeted, counted when they fail, repeated by themselves, and forgotten in time."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from app.clock import FixedClock
from app.db.work import Database
from app.errors import BadInput, GapbridgeError, NotFound, Refused, Unavailable
from app.fetch.shared import SharedTurns
from app.gaps import changes, prices, pulls, retention, schedules, service
from app.gaps.providers.base import Batch, Client, Provider
from app.gaps.providers.catalogue import PROVIDERS
from app.models import ChangeKind, Prospect, ProviderPull, ProviderSchedule, PullState, Snapshot
from app.settings import Settings
from app.sites import service as sites
from tests.support import exports
from tests.support.gap import compute_gap
from tests.support.providers import KEY, Deps, Tools, serving

NAMES = sorted(PROVIDERS)
LINKS = {
    "us.example": [("shared.test", 40, 3)],
    "rival.example": [("shared.test", 40, 9), *((f"site{n}.test", n % 90, n % 7 + 1) for n in range(120))],
    "other.example": [("site7.test", 7, 2), ("site8.test", 8, 2)],
}
SECRETS = (
    "ahrefs_key",
    "semrush_key",
    "moz_token",
    "majestic_key",
    "dataforseo_login",
    "dataforseo_password",
    "seranking_key",
)


@pytest.fixture
def tools() -> Iterator[Tools]:
    with serving(LINKS) as made:
        yield made


def settings_for(tools: Tools, folder: Path, **others: object) -> Settings:
    return Settings(
        data_dir=folder,
        provider_urls=dict.fromkeys(NAMES, tools.url),
        **dict.fromkeys(SECRETS, KEY),
        **others,
    )


@pytest.fixture
def deps(db: Database, tools: Tools, tmp_path: Path) -> Deps:
    with db.work() as uow:
        site = sites.create(uow, name="Us", domains=["us.example"], brand_names=["Us"])
        sites.add_competitor(uow, site.id, "rival.example")
        sites.add_competitor(uow, site.id, "other.example")
    return Deps(db, settings_for(tools, tmp_path))


def quick(tools: Tools, waits: list[float] | None = None) -> Callable[[Provider], Client]:
    heard: list[float] = [] if waits is None else waits
    return lambda tool: Client(tool.title, tools.url, dict.fromkeys(SECRETS, KEY), a_minute=10**6, sleep=heard.append)


@pytest.mark.parametrize("name", NAMES)
def test_every_provider_answers_with_rows_of_one_shape(tools: Tools, name: str) -> None:
    tool = PROVIDERS[name]
    with quick(tools)(tool) as client:
        batches = list(tool.pull(client, "rival.example", 200))
        assert list(tool.pull(client, "nobody.example", 200)) in (
            [],
            [Batch([], 0)],
            [Batch([], 50)],
            [Batch([], 0.02)],
        )
        few = [row for batch in tool.pull(client, "rival.example", 60) for row in batch.rows]
    rows = [row for batch in batches for row in batch.rows]
    assert {row.domain: row.links for row in rows} == {domain: count for domain, _, count in LINKS["rival.example"]}
    one = next(row for row in rows if row.domain == "site85.test")
    assert one.authority == (None if name == "dataforseo" else 85.0)
    assert one.traffic == (85_000 if name == "ahrefs" else None)
    assert one.dofollow_links == (None if name in ("semrush", "majestic") else 1)
    assert one.first_seen == (None if name == "moz" else "2025-03-04")
    assert one.spam in (None, False)
    # The price that is told first is never below what is paid, and the strongest come first.
    assert 0 < sum(batch.cost for batch in batches) <= tool.estimate(200)
    assert [row.domain for row in few] == [row.domain for row in rows[:60]]


def test_a_row_without_a_domain_ends_no_list_and_is_paid(deps: Deps, tools: Tools) -> None:
    good = tools.answer

    def with_a_null(path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        status, more, text = good(path, body, headers)
        answer = json.loads(text)
        for one in answer["result"]["linking_domains"][:1] if not body["params"]["data"]["offset"].get("token") else []:
            one["site"]["root_domain"] = None
        return status, more, json.dumps(answer)

    tools.answer = with_a_null  # type: ignore[method-assign]
    pulls.pull(deps, 1, "moz", 120, actor="test", client=quick(tools))
    with deps.db.read() as look:
        made = {pull.target: pull for pull in look.session.exec(select(ProviderPull)).all()}
    rival, other = made["rival.example"], made["other.example"]
    # As many rows came as were asked for, so there may be more.
    assert (rival.rows, rival.cost, rival.capped) == (119, 120, True)
    assert (other.rows, other.cost, other.capped) == (1, 2, False)


@pytest.mark.parametrize("name", NAMES)
def test_wrong_credentials_are_named_and_never_shown(tools: Tools, name: str) -> None:
    wrong = "canary-wrong-77"
    tool = PROVIDERS[name]
    with (
        Client(tool.title, tools.url, dict.fromkeys(SECRETS, wrong), a_minute=10**6) as client,
        pytest.raises(BadInput, match=r"refuses (the credentials|the request)") as caught,
    ):
        list(tool.pull(client, "rival.example", 10))
    assert wrong not in caught.value.detail
    assert tool.title in caught.value.detail


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_of_another_shape_is_no_empty_list(tools: Tools, name: str) -> None:
    tool = PROVIDERS[name]
    for text in ("<html>maintenance</html>", '{"something": "else", "result": {"x": 1}, "Code": "OK"}'):
        tools.refuse = [(200, {}, text)]
        with quick(tools)(tool) as client, pytest.raises(BadInput, match=r"answered with|answered without|refuses"):
            list(tool.pull(client, "rival.example", 10))


@pytest.mark.parametrize("name", ["ahrefs", "dataforseo"])
def test_a_pull_becomes_prospects_with_the_providers_own_figures(deps: Deps, tools: Tools, name: str) -> None:
    done = pulls.pull(deps, 1, name, 120, actor="test", client=quick(tools))
    assert (done["rows"], done["gaps"], done["added"]) == (123, 119, 119)
    with deps.db.read() as look:
        rows = {row.domain: row for row in look.session.exec(select(Prospect)).all()}
        made = {pull.target: pull for pull in look.session.exec(select(ProviderPull)).all()}
        snapshots = look.session.exec(select(Snapshot)).all()
    assert "shared.test" not in rows  # It links to us as well.
    one = rows["site85.test"]
    assert (one.links, one.tier) == (LINKS["rival.example"][86][2], 2 if one.overlap == 2 else 3)
    assert one.authority_provider == (None if name == "dataforseo" else name)
    assert rows["site7.test"].tier == 1
    assert {pull.state for pull in made.values()} == {PullState.DONE}
    # As many rows as were asked for: there may be more, and a later look must not take the missing ones for lost.
    assert {target: pull.capped for target, pull in made.items()} == {
        "us.example": False,
        "rival.example": True,
        "other.example": False,
    }
    assert {one.target: (one.format, one.capped) for one in snapshots} == {
        target: (f"{name}-pull", target == "rival.example") for target in made
    }
    assert not list((deps.settings.data_dir / "pulls").iterdir())


def test_credentials_that_are_missing_are_asked_for_by_name(deps: Deps) -> None:
    empty = Deps(deps.db, deps.settings.model_copy(update=dict.fromkeys(SECRETS, Settings().ahrefs_key)))
    with pytest.raises(BadInput, match="set GAPBRIDGE_DATAFORSEO_LOGIN and GAPBRIDGE_DATAFORSEO_PASSWORD"):
        pulls.pull(empty, 1, "dataforseo", 10, actor="test")
    with pytest.raises(BadInput, match="there is no provider 'googel'; there are: ahrefs, semrush"):
        pulls.pull(deps, 1, "googel", 10, actor="test")


def test_a_busy_provider_is_asked_again_when_it_says(deps: Deps, tools: Tools) -> None:
    tools.refuse = [(429, {"Retry-After": "7"}, ""), (503, {}, ""), (429, {}, "")]
    waits: list[float] = []
    pulls.pull(deps, 1, "ahrefs", 10, actor="test", client=quick(tools, waits))
    # Who is refused for asking too often and is not told when to come back waits for the next window.
    assert [wait for wait in waits if wait >= 1] == [7.0, 4.0, 60.0]
    tools.refuse = [(429, {"Retry-After": "3600"}, "")]
    asked = len(tools.asked)
    with pytest.raises(Unavailable, match="it answered 429 and wants to be left alone for 60 minutes; come back after"):
        pulls.pull(deps, 1, "ahrefs", 13, actor="test", client=quick(tools, waits))
    assert len(tools.asked) == asked + 1, "it is not asked before it allows it"
    tools.refuse = [(500, {}, "")] * 5
    with pytest.raises(Unavailable, match="it answered 500, 5 times"):
        pulls.pull(deps, 1, "ahrefs", 11, actor="test", client=quick(tools))
    tools.refuse = [(402, {}, "")]
    with pytest.raises(BadInput, match="no units left"):
        pulls.pull(deps, 1, "ahrefs", 12, actor="test", client=quick(tools))


def test_requests_keep_to_the_providers_pace() -> None:
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    tools = Tools(LINKS)
    server = tools.start()
    with Client("Moz", tools.url, {"moz_token": KEY}, a_minute=6, sleep=sleep, monotonic=lambda: now[0]) as client:
        batches = list(PROVIDERS["moz"].pull(client, "rival.example", 121))
    server.shutdown()
    server.server_close()
    assert [len(batch.rows) for batch in batches] == [50, 50, 21]
    assert slept == [10.0, 10.0]


def test_two_pulls_at_once_share_the_providers_pace(deps: Deps, tools: Tools) -> None:
    waits: list[float] = []
    for _process in range(2):
        turns = SharedTurns(deps.db)
        with Client("Moz", tools.url, {"moz_token": KEY}, a_minute=6, turns=turns, sleep=waits.append) as client:
            list(PROVIDERS["moz"].pull(client, "rival.example", 100))
    # Each request of both comes ten seconds after the one before it.
    assert [round(wait, -1) for wait in waits] == [0, 10, 20, 30]
    with pulls._client(PROVIDERS["moz"], deps) as client:
        assert client._turns is not None


def test_a_paid_request_without_an_answer_is_booked(deps: Deps, tools: Tools) -> None:
    tools.refuse = [(504, {}, ""), (500, {}, "")]
    pulls.pull(deps, 1, "dataforseo", 10, actor="test", client=quick(tools))
    with deps.db.read() as look:
        made = {pull.target: pull.cost for pull in look.session.exec(select(ProviderPull)).all()}
    # The gateway gave up on the first; nobody knows whether it was served. A server that says it has failed is not paid.
    assert made["us.example"] == pytest.approx(0.02 + 0.00003 + 0.02 + 10 * 0.00003)
    assert made["other.example"] == pytest.approx(0.02 + 2 * 0.00003)
    tools.refuse = [(502, {}, "")] * 5
    with pytest.raises(Unavailable):
        pulls.pull(deps, 1, "dataforseo", 11, actor="test", client=quick(tools))
    with deps.db.read() as look:
        failed = look.session.exec(select(ProviderPull).where(ProviderPull.rows_wanted == 11)).all()
    # Five requests of the first target, each with the estimate; the others were not asked for.
    assert sorted(one.cost for one in failed) == [0, 0, pytest.approx(5 * PROVIDERS["dataforseo"].estimate(11))]


@pytest.mark.parametrize(
    ("name", "broken"), [("ahrefs", "shape"), ("dataforseo", "shape"), ("ahrefs", "no JSON"), ("moz", "no JSON")]
)
def test_an_answer_that_cannot_be_read_is_paid(deps: Deps, tools: Tools, name: str, broken: str) -> None:
    good = tools.answer

    def odd(path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        status, more, text = good(path, body, headers)
        if broken == "no JSON":
            return status, more, f"{text[:20]}<html>"
        return status, more, re.sub(r'"domain": "[^"]*"', '"domain": null', text)

    tools.answer = odd  # type: ignore[method-assign]
    with pytest.raises(BadInput, match="answered with"):
        pulls.pull(deps, 1, name, 10, actor="test", client=quick(tools))
    with deps.db.read() as look:
        failed = look.session.exec(select(ProviderPull)).all()
    assert sorted(one.cost for one in failed) == [0, 0, pytest.approx(PROVIDERS[name].estimate(10))]
    assert {one.state for one in failed} == {PullState.FAILED}


@pytest.mark.parametrize("bound", ["budget", "price"])
def test_a_request_without_an_answer_is_not_repeated_beyond_the_budget(deps: Deps, tools: Tools, bound: str) -> None:
    with deps.db.read() as uow:
        cost = prices.plan(uow, deps.settings, 1, "dataforseo", 10).cost
    once = PROVIDERS["dataforseo"].estimate(10)
    # The list itself, and two requests for nothing.
    most = cost + 2 * once + once / 2
    held, agreed = deps, None
    if bound == "budget":
        held = Deps(deps.db, deps.settings.model_copy(update={"provider_budgets": {"dataforseo": most}}))
    else:
        agreed = most
    tools.refuse = [(502, {}, "")] * 5
    with pytest.raises(Refused, match="dataforseo is not asked again: a request without an answer may have been paid"):
        pulls.pull(held, 1, "dataforseo", 10, actor="test", client=quick(tools), most=agreed)
    assert len(tools.refuse) == 2
    with deps.db.read() as look:
        failed = look.session.exec(select(ProviderPull)).all()
    assert sorted(one.cost for one in failed) == [0, 0, pytest.approx(3 * once)]
    assert {one.state for one in failed} == {PullState.FAILED}
    assert any("not asked again" in (one.error or "") for one in failed)
    tools.refuse = [(502, {}, "")] * 2
    pulls.pull(deps, 1, "dataforseo", 10, actor="test", client=quick(tools))
    with deps.db.read() as look:
        done = look.session.exec(select(ProviderPull).where(ProviderPull.state == PullState.DONE)).all()
    assert sum(one.cost for one in done) == pytest.approx(cost + 2 * once, abs=0.001)


def test_the_budget_of_the_month_is_kept_and_counts_what_failed(deps: Deps, tools: Tools, clock: FixedClock) -> None:
    budgeted = Deps(deps.db, deps.settings.model_copy(update={"provider_budgets": {"semrush": 12_000.0}}))
    with deps.db.read() as uow:
        planned = prices.plan(uow, budgeted.settings, 1, "semrush", 100)
    assert (planned.cost, planned.unit, planned.left) == (12_000, "units", 12_000)
    # The second target fails after the first has been paid.
    good = tools.answer
    tools.answer = lambda path, body, headers: (  # type: ignore[method-assign]
        (400, {}, "broken") if body["target"] == "rival.example" else good(path, body, headers)
    )
    with pytest.raises(BadInput, match="refuses the request"):
        pulls.pull(budgeted, 1, "semrush", 100, actor="test", client=quick(tools))
    tools.answer = good  # type: ignore[method-assign]
    before = len(tools.asked)
    with pytest.raises(Refused, match=r"12,120 units are needed at most, 11,960 of the month's budget are left"):
        pulls.pull(budgeted, 1, "semrush", 101, actor="test", client=quick(tools))
    assert len(tools.asked) == before
    # What came before the failure is not asked for, or paid, a second time.
    with deps.db.read() as uow:
        planned = prices.plan(uow, budgeted.settings, 1, "semrush", 100)
    assert (planned.cost, planned.left, planned.kept) == (8_000, 11_960, ("us.example",))
    clock.at = datetime(2026, 7, 1, tzinfo=UTC)
    assert pulls.pull(budgeted, 1, "semrush", 100, actor="test", client=quick(tools))["rows"] == 103


def test_of_two_pulls_at_once_one_gets_the_rest_of_the_budget(deps: Deps, tools: Tools) -> None:
    budgeted = Deps(deps.db, deps.settings.model_copy(update={"provider_budgets": {"semrush": 12_000.0}}))
    gate = threading.Barrier(4)
    ends: list[str] = []

    def go() -> None:
        gate.wait()
        try:
            pulls.pull(budgeted, 1, "semrush", 100, actor="test", client=quick(tools))
            ends.append("done")
        except GapbridgeError as error:
            ends.append(error.code)

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with deps.db.read() as look:
        spent = sum(pull.cost for pull in look.session.exec(select(ProviderPull)).all())
    assert ends.count("done") >= 1
    assert spent <= 12_000
    assert len(ends) == 4


def test_a_schedule_needs_a_budget_and_goes_on_after_a_failure(deps: Deps, tools: Tools, clock: FixedClock) -> None:
    with pytest.raises(BadInput, match="has no budget"), deps.db.work() as uow:
        schedules.schedule(uow, deps.settings, 1, "se-ranking", rows=50, every_days=30, actor="test")
    budgeted = Deps(deps.db, deps.settings.model_copy(update={"provider_budgets": {"se-ranking": 1_000.0}}))
    with deps.db.work() as uow:
        row = schedules.schedule(uow, budgeted.settings, 1, "se-ranking", rows=50, every_days=30, actor="test")
        schedule_id = row.id
    with deps.db.read() as look:
        assert schedules.due_schedules(look.session, look.now()) == [schedule_id]
    tools.refuse = [(400, {}, "no such mode")]
    schedules.run_schedule(budgeted, schedule_id)
    with deps.db.read() as look:
        kept = look.session.get(ProviderSchedule, schedule_id)
        assert kept is not None
        assert kept.last_error is not None
        assert "no such mode" in kept.last_error
        assert schedules.due_schedules(look.session, look.now()) == []
    with deps.db.read() as look:
        [shown] = schedules.schedules_of(look, 1)
        assert schedules.schedules_of(look, 2) == []
    assert "no such mode" in (shown.last_error or "")
    clock.advance(timedelta(days=30))
    schedules.run_schedule(budgeted, schedule_id)
    schedules.run_schedule(budgeted, schedule_id)  # Not due any more: a second bell does nothing.
    with deps.db.read() as look:
        kept = look.session.get(ProviderSchedule, schedule_id)
        assert kept is not None
        assert kept.last_error is None
        assert len(look.session.exec(select(ProviderPull)).all()) == 6
    with deps.db.work() as uow:
        schedules.unschedule(uow, schedule_id, actor="test")
    with pytest.raises(NotFound), deps.db.work() as uow:
        schedules.unschedule(uow, schedule_id, actor="test")


def test_data_goes_when_the_providers_terms_say_so(deps: Deps, tools: Tools, clock: FixedClock) -> None:
    for name in ("semrush", "ahrefs"):
        pulls.pull(deps, 1, name, 200, actor="test", client=quick(tools))
    folder = deps.settings.data_dir / "snapshots"
    assert len(list(folder.glob("*.parquet"))) == 6
    with deps.db.read() as look:
        assert retention.due_expiries(look.session, clock.now()) == []
    clock.advance(timedelta(days=30))
    with deps.db.read() as look:
        due = retention.due_expiries(look.session, clock.now())
    assert len(due) == 3
    for snapshot_id in [*due, *due]:
        retention.expire(deps, snapshot_id)
    with deps.db.read() as look:
        assert {one.provider for one in look.session.exec(select(Snapshot)).all()} == {"ahrefs"}
        rows = look.session.exec(select(Prospect)).all()
    assert len(list(folder.glob("*.parquet"))) == 3
    assert {row.authority_provider for row in rows} == {"ahrefs"}


def test_the_account_goes_with_the_last_list(deps: Deps, tools: Tools, clock: FixedClock) -> None:
    pulls.pull(deps, 1, "semrush", 200, actor="test", client=quick(tools))
    with deps.db.read() as look:
        assert changes.account_of(look, 1)["competitors"][0]["has_data"]
    clock.advance(timedelta(days=30))
    with deps.db.read() as look:
        due = retention.due_expiries(look.session, clock.now())
    retention.expire(deps, due[0])
    with deps.db.read() as look:
        assert changes.account_of(look, 1) == {}


def test_a_pull_that_is_cut_loses_nothing_in_its_own_refresh(deps: Deps, tools: Tools, clock: FixedClock) -> None:
    pulls.pull(deps, 1, "ahrefs", 200, actor="test", client=quick(tools))
    clock.advance(timedelta(days=1))
    pulls.pull(deps, 1, "ahrefs", 60, actor="test", client=quick(tools))
    with deps.db.read() as uow:
        newest = changes.refreshes_of(uow, 1)[0]
        rival = next(one for one in service.newest(uow, 1) if one.target == "rival.example")
        with compute_gap(uow, 1, folder=deps.settings.data_dir / "snapshots") as analysis:
            notes = analysis.summary["notes"]
    # site7 and site8 link to the other rival as well, so they are gaps still.
    assert (newest.counts, newest.held_back) == ({}, 59)
    assert [why for why in newest.held_back_why if "rival.example is cut" in why] == newest.held_back_why
    assert (rival.rows_read, rival.capped, rival.report["capped"]) == (60, True, True)
    assert [note for note in notes if note.startswith(f"{rival.filename} stops at its tool's limit (60 rows)")]


def test_of_two_pulls_of_a_day_the_fuller_one_is_the_list(deps: Deps, tools: Tools) -> None:
    """They are no parts of an export: taken together, the next day's list would seem to have lost half."""

    def read() -> tuple[int, bool]:
        with deps.db.read() as uow:
            [rival] = [one for one in service.newest(uow, 1) if one.target == "rival.example"]
            others = service.standing_before(uow, 1, uow.session.execute(select(Snapshot)).scalars().all())
            assert {other.id for other in others.values() if other.target == "rival.example"} <= {rival.id}
            return rival.rows_read, rival.capped

    for rows, expected in ((60, (60, True)), (200, (121, False)), (30, (121, False))):
        pulls.pull(deps, 1, "ahrefs", rows, actor="test", client=quick(tools))
        assert read() == expected


def test_a_scheduled_pull_that_crashes_pays_once(
    deps: Deps, tools: Tools, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    budgeted = Deps(deps.db, deps.settings.model_copy(update={"provider_budgets": {"semrush": 1_000_000.0}}))
    with deps.db.work() as uow:
        schedule_id = schedules.schedule(uow, budgeted.settings, 1, "semrush", rows=100, every_days=30, actor="test").id

    def state() -> tuple[float, str | None, int, timedelta]:
        with deps.db.read() as look:
            rows = look.session.exec(select(ProviderPull)).all()
            kept = look.session.get_one(ProviderSchedule, schedule_id)
            return sum(row.cost for row in rows), kept.last_error, len(tools.asked), kept.due_at - look.now()

    def full(*_args: object, **_options: object) -> None:
        raise OSError("no space left on the disk")

    with monkeypatch.context() as broken:
        broken.setattr(service, "import_and_refresh", full)
        schedules.run_schedule(budgeted, schedule_id)
        paid, error, asked, wait = state()
        assert (paid, error, wait) == (4_120, "OSError: no space left on the disk", timedelta(hours=3))
        for _ in range(3):
            clock.advance(timedelta(hours=3))
            schedules.run_schedule(budgeted, schedule_id)
        # Three tries are enough: the next is at the next date.
        assert state() == (paid, error, asked, timedelta(days=30))
        schedules.run_schedule(budgeted, schedule_id)
    # By hand, the same question takes what came.
    done = pulls.pull(budgeted, 1, "semrush", 100, actor="test", client=quick(tools))
    assert (done["rows"], done["cost"], len(tools.asked)) == (103, 0, asked)
    assert not list((deps.settings.data_dir / "pulls").iterdir())
    clock.advance(timedelta(days=30))
    schedules.run_schedule(budgeted, schedule_id)
    assert state() == (2 * paid, None, 2 * asked, timedelta(days=30))


class _Killed(BaseException):
    """The end of a process in the middle of something."""


def test_a_pull_whose_process_is_killed_is_ended_and_its_rows_are_not_paid_again(
    deps: Deps, tools: Tools, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_args: object, **_options: object) -> None:
        raise _Killed

    budgeted = Deps(deps.db, deps.settings.model_copy(update={"provider_budgets": {"semrush": 13_000.0}}))
    with monkeypatch.context() as broken:
        # Not even what is done at a failure is done.
        broken.setattr(pulls, "_fail", lambda *_: None)
        broken.setattr(pulls, "_free", lambda *_: None)
        broken.setattr(pulls, "_cells", lambda row, _today: killed() if row.domain == "site85.test" else [row.domain])
        with deps.db.work() as uow:
            row = schedules.schedule(uow, budgeted.settings, 1, "semrush", rows=100, every_days=30, actor="test")
        with pytest.raises(_Killed):
            schedules.run_schedule(budgeted, row.id)
    with deps.db.read() as look:
        rows = look.session.exec(select(ProviderPull).order_by(col(ProviderPull.id))).all()
        assert [row.state for row in rows] == ["done", "running", "running"]
        assert pulls.due_settling(look.session, look.now()) == []
    clock.advance(timedelta(hours=2))
    with deps.db.read() as look:
        due = pulls.due_settling(look.session, look.now())
    assert due == [2, 3]
    for pull_id in due:
        pulls.settle(budgeted, pull_id)
    with deps.db.read() as look:
        rows = look.session.exec(select(ProviderPull).order_by(col(ProviderPull.id))).all()
    with deps.db.read() as look:
        assert schedules.schedules_of(look)[0].last_error == "its process ended before it was done"
    # The second may have been paid, the third was never asked for.
    assert [(row.state, row.cost) for row in rows] == [("done", 40), ("failed", 4_000), ("failed", 0)]
    assert [path.name for path in (deps.settings.data_dir / "pulls").iterdir()] == [rows[0].file]
    done = pulls.pull(budgeted, 1, "semrush", 100, actor="test", client=quick(tools))
    assert (done["rows"], done["cost"]) == (103, 102 * 40)
    assert not list((deps.settings.data_dir / "pulls").iterdir())
    # Rows that nobody imports in time are forgotten.
    with monkeypatch.context() as broken:
        broken.setattr(service, "import_and_refresh", killed)
        with pytest.raises(_Killed):
            pulls.pull(deps, 1, "semrush", 10, actor="test", client=quick(tools))
    assert len(list((deps.settings.data_dir / "pulls").iterdir())) == 3
    clock.advance(timedelta(days=1))
    pulls.settle_all(deps)
    assert not list((deps.settings.data_dir / "pulls").iterdir())


def test_who_links_to_an_old_domain_of_ours_is_no_gap(deps: Deps, tools: Tools) -> None:
    with deps.db.work() as uow:
        sites.get(uow, 1).domains = ["us.example", "old-us.example"]
    tools.links["old-us.example"] = [("site7.test", 7, 1)]
    with deps.db.read() as uow:
        planned = prices.plan(uow, deps.settings, 1, "semrush", 100)
    assert planned.targets == ("us.example", "old-us.example", "rival.example", "other.example")
    assert planned.cost == 4 * 100 * 40
    pulls.pull(deps, 1, "semrush", 200, actor="test", client=quick(tools))
    with deps.db.read() as look:
        domains = {row.domain for row in look.session.exec(select(Prospect)).all()}
    assert "site8.test" in domains
    assert "site7.test" not in domains


def test_nothing_that_was_made_of_forgotten_data_stays(deps: Deps, tools: Tools, clock: FixedClock) -> None:
    pulls.pull(deps, 1, "semrush", 200, actor="test", client=quick(tools))
    folder = deps.settings.data_dir / "snapshots"

    def rows() -> dict[str, Prospect]:
        with deps.db.read() as look:
            return {row.domain: row for row in look.session.exec(select(Prospect)).all()}

    before = rows()["site85.test"]
    place = 1000 - round((before.authority_percentile or 0) * 10)
    assert (before.authority, before.links, before.rank_key[10:]) == (85, 2, f"{place:04d}20250304")
    fit = rows()["site84.test"].rank_key[7:10]
    assert len(list((folder / "states").iterdir())) == 1
    clock.advance(timedelta(days=10))
    # A list of ours and one of theirs from elsewhere: what they say stays, and only that.
    ours = exports.ahrefs_backlinks(
        deps.settings.data_dir / "us_2026-06-11.csv", [exports.link("https://shared.test/", "https://us.example/")]
    )
    theirs = exports.ahrefs_backlinks(
        deps.settings.data_dir / "rival_2026-06-11.csv",
        [exports.link("https://site85.test/x", "https://rival.example/", Domain_rating="61")],
    )
    service.import_and_refresh(deps.db, 1, [ours, theirs], folder=folder, actor="test")
    clock.advance(timedelta(days=20))
    with deps.db.read() as look:
        due = retention.due_expiries(look.session, clock.now())
    for snapshot_id in due:
        retention.expire(deps, snapshot_id)
    found = rows()
    kept, left = found["site85.test"], found["site84.test"]
    assert (kept.authority, kept.authority_provider, kept.links, kept.tier) == (61, "ahrefs", 1, 1)
    figures = (left.authority, left.authority_provider, left.links, left.dofollow, left.first_seen, left.score)
    assert (*figures, left.authority_percentile) == (None,) * 7
    assert left.rank_key[6:] == f"1{fit}999999999999"
    # Who links to whom is what the prospect is; nobody has said that it ended.
    assert (left.tier, left.competitors, left.gap_state) == (3, ["rival.example"], None)
    assert not list((folder / "states").iterdir())
    with deps.db.read() as look:
        assert {one.provider for one in look.session.exec(select(Snapshot)).all()} == {"ahrefs"}
        assert changes.changes_of(look, 1, kind=ChangeKind.GONE) == []
    # The next pull does not call old acquaintances new.
    pulls.pull(deps, 1, "semrush", 200, actor="test", client=quick(tools))
    with deps.db.read() as look:
        assert changes.refreshes_of(look, 1)[0].counts == {}
    assert rows()["site84.test"].authority == 84


@pytest.mark.parametrize("said", ["inf", "nan", "1e400", "Mon, 01 Jan 2024 00:00:00 +99999999999999"])
def test_a_wait_that_is_no_time_is_the_usual_one(deps: Deps, tools: Tools, said: str) -> None:
    tools.refuse = [(503, {"Retry-After": said}, "")]
    waits: list[float] = []
    pulls.pull(deps, 1, "ahrefs", 10, actor="test", client=quick(tools, waits))
    assert [wait for wait in waits if wait >= 1] == [2.0]
