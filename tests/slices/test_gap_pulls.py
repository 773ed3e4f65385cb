"""Pulls from the paid tools: priced, budgeted, counted when they fail, repeated by themselves, and forgotten in time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from app.clock import FixedClock
from app.db.work import Database
from app.errors import BadInput, GapbridgeError, NotFound, Refused, Unavailable
from app.gaps import pulls
from app.gaps.providers.base import Batch, Client, Provider
from app.gaps.providers.catalogue import PROVIDERS
from app.models import Prospect, ProviderPull, ProviderSchedule, PullState, Snapshot
from app.settings import Settings
from app.sites import service as sites
from tests.support.providers import KEY, Tools

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


@dataclass
class Deps:
    db: Database
    settings: Settings


@pytest.fixture
def tools() -> Iterator[Tools]:
    made = Tools({target: list(rows) for target, rows in LINKS.items()})
    server = made.start()
    yield made
    server.shutdown()
    server.server_close()


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
    assert [wait for wait in waits if wait >= 1] == [7.0, 4.0, 8.0]
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


def test_the_budget_of_the_month_is_kept_and_counts_what_failed(deps: Deps, tools: Tools, clock: FixedClock) -> None:
    budgeted = Deps(deps.db, deps.settings.model_copy(update={"provider_budgets": {"semrush": 12_000.0}}))
    with deps.db.read() as uow:
        planned = pulls.plan(uow, budgeted.settings, 1, "semrush", 100)
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
    with pytest.raises(Refused, match=r"12,000 units are needed at most, 11,960 of the month's budget are left"):
        pulls.pull(budgeted, 1, "semrush", 100, actor="test", client=quick(tools))
    assert len(tools.asked) == before
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
        pulls.schedule(uow, deps.settings, 1, "se-ranking", rows=50, every_days=30, actor="test")
    budgeted = Deps(deps.db, deps.settings.model_copy(update={"provider_budgets": {"se-ranking": 1_000.0}}))
    with deps.db.work() as uow:
        row = pulls.schedule(uow, budgeted.settings, 1, "se-ranking", rows=50, every_days=30, actor="test")
        schedule_id = row.id
    with deps.db.read() as look:
        assert pulls.due_schedules(look.session, look.now()) == [schedule_id]
    tools.refuse = [(400, {}, "no such mode")]
    pulls.run_schedule(budgeted, schedule_id)
    with deps.db.read() as look:
        kept = look.session.get(ProviderSchedule, schedule_id)
        assert kept is not None
        assert kept.last_error is not None
        assert "no such mode" in kept.last_error
        assert pulls.due_schedules(look.session, look.now()) == []
    clock.advance(timedelta(days=30))
    pulls.run_schedule(budgeted, schedule_id)
    pulls.run_schedule(budgeted, schedule_id)  # Not due any more: a second bell does nothing.
    with deps.db.read() as look:
        kept = look.session.get(ProviderSchedule, schedule_id)
        assert kept is not None
        assert kept.last_error is None
        assert len(look.session.exec(select(ProviderPull)).all()) == 6
    with deps.db.work() as uow:
        pulls.unschedule(uow, 1, "se-ranking")
    with pytest.raises(NotFound), deps.db.work() as uow:
        pulls.unschedule(uow, 1, "se-ranking")


def test_data_goes_when_the_providers_terms_say_so(deps: Deps, tools: Tools, clock: FixedClock) -> None:
    for name in ("semrush", "ahrefs"):
        pulls.pull(deps, 1, name, 200, actor="test", client=quick(tools))
    folder = deps.settings.data_dir / "snapshots"
    assert len(list(folder.glob("*.parquet"))) == 6
    with deps.db.read() as look:
        assert pulls.due_expiries(look.session, clock.now()) == []
    clock.advance(timedelta(days=30))
    with deps.db.read() as look:
        due = pulls.due_expiries(look.session, clock.now())
    assert len(due) == 3
    for snapshot_id in [*due, *due]:
        pulls.expire(deps, snapshot_id)
    with deps.db.read() as look:
        assert {one.provider for one in look.session.exec(select(Snapshot)).all()} == {"ahrefs"}
        rows = look.session.exec(select(Prospect)).all()
    assert len(list(folder.glob("*.parquet"))) == 3
    assert {row.authority_provider for row in rows} == {"ahrefs"}
