"""Pulls referring domains from the paid tools' APIs: priced first and within a budget.

A pull is a row before it is a request: whatever happens to the process, the money that may have been spent is counted.
What comes back is written as an export and imported like any other file. It is kept until it is imported, so that what was paid
for is not paid again because something else went wrong.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import and_, func, or_, select, text, tuple_, update
from sqlmodel import Session, col

from app.db.work import Database, UnitOfWork
from app.domain.said import say
from app.errors import BadInput, GapbridgeError, Refused, Skip
from app.fetch.shared import SharedTurns
from app.gaps import prices, service
from app.gaps.prices import KEPT, SILENT, Plan
from app.gaps.progress import Stopped, Watch
from app.gaps.providers.base import Batch, Client, Provider, Row
from app.models import ProviderPull, ProviderSchedule, PullState
from app.settings import Settings

#: Who starts a pull that repeats by itself.
SCHEDULE = "schedule"
_HEADERS = ("authority", "traffic", "links", "dofollow links", "spam", "first seen", "last seen", "pulled")


class Deps(Protocol):
    """The wired dependencies that a pull uses."""

    @property
    def db(self) -> Database:
        """The database."""

    @property
    def settings(self) -> Settings:
        """The settings, with the credentials."""


@dataclass(frozen=True, slots=True)
class _Got:
    """One target of a pull: its row, and the file of its rows with whether there are more, where they came before."""

    pull_id: int
    target: str
    path: Path | None = None
    capped: bool = False


def pull(
    deps: Deps,
    site_id: int,
    provider: str,
    rows: int,
    *,
    actor: str,
    client: Callable[[Provider], Client] | None = None,
    rows_are_here: Callable[[], None] | None = None,
    watch: Watch | None = None,
    progress: Callable[[int], None] | None = None,
    most: float | None = None,
) -> dict[str, Any]:
    """Pull every target of a site, import what came and refresh the prospects; several transactions, minutes long.

    Returns the counts of the refresh with the `cost`, the `rows` pulled and the ids of the `snapshots`. Raises Refused before anything
    is asked where the month's budget does not hold the estimate, or where it is above `most`; what a provider refuses is on the pull's
    row and raised. `progress` is told after each answer how many rows there are by now, and `rows_are_here` is called before the
    import, which `watch` follows: what they raise stops the pull, and targets that came as a whole wait for the next one, which does
    not pay for them.
    """
    with deps.db.read() as uow:
        planned = prices.plan(uow, deps.settings, site_id, provider, rows)
    settle_all(deps)
    got = _begin(deps, site_id, planned, actor, most)
    files = _download(
        deps,
        prices.provider_by_name(provider),
        got,
        rows,
        client or (lambda one: _client(one, deps)),
        progress or (lambda _rows: None),
        most,
    )
    ids = [one.pull_id for one in got]
    try:
        if rows_are_here is not None:
            rows_are_here()
        imported, counts, summary = service.import_and_refresh(
            deps.db,
            site_id,
            list(files),
            folder=service.snapshot_folder(deps.settings),
            actor=actor,
            capped=files,
            watch=watch,
        )
    except BaseException:
        _free(deps, ids)
        raise
    with deps.db.work() as uow:
        _let_go(uow.session, deps.settings, ids)
        taken = uow.session.execute(
            select(func.sum(ProviderPull.rows)).where(col(ProviderPull.id).in_(ids))
        ).scalar_one()
        paid = [one.pull_id for one in got if one.path is None]
        spent = uow.session.execute(
            select(func.sum(ProviderPull.cost)).where(col(ProviderPull.id).in_(paid))
        ).scalar_one()
    return {
        **counts,
        "gaps": summary["gaps"],
        "cost": spent or 0.0,
        "unit": planned.unit,
        "rows": int(taken),
        "snapshots": [one.id for file in imported for one in file.snapshots],
    }


def _download(
    deps: Deps,
    tool: Provider,
    got: Sequence[_Got],
    rows: int,
    make: Callable[[Provider], Client],
    progress: Callable[[int], None],
    most: float | None,
) -> dict[Path, bool]:
    """The file of each target with whether there are more rows than it has; what came before is not asked for again."""
    prices.folder(deps.settings).mkdir(parents=True, exist_ok=True)
    files = {one.path: one.capped for one in got if one.path is not None}
    waiting = [one for one in got if one.path is None]
    agreed = partial(_agreed, deps, tool, [one.pull_id for one in waiting], most)
    before = 0
    try:
        with make(tool) as http:
            for place, one in enumerate(waiting):
                ids = [later.pull_id for later in waiting[place:]]
                path, capped, taken = _pull_one(deps, tool, http, ids, one.target, rows, before, progress, agreed)
                files[path] = capped
                before += taken
    except BaseException as error:
        words = error.detail if isinstance(error, GapbridgeError) else f"{type(error).__name__}: {error}"
        if isinstance(error, Stopped):
            words = say("a person has stopped it")
        _fail(deps, [one.pull_id for one in waiting], words)
        _free(deps, [one.pull_id for one in got])
        raise
    return files


def pulls_of(uow: UnitOfWork, site_id: int, limit: int = 50) -> list[ProviderPull]:
    """The latest pulls of a site, newest first."""
    statement = select(ProviderPull).where(col(ProviderPull.site_id) == site_id).order_by(col(ProviderPull.id).desc())
    return list(uow.session.execute(statement.limit(limit)).scalars())


def due_settling(session: Session, now: datetime) -> list[int]:
    """Pulls whose process is gone, and pulls whose rows nobody has imported in time."""
    alive = func.max(func.coalesce(col(ProviderPull.asked_at), col(ProviderPull.started_at)))
    running = col(ProviderPull.state) == PullState.RUNNING
    # The targets of one pull are asked one after the other, and those that wait are as alive as the one that is asked.
    silent = (
        select(col(ProviderPull.site_id), col(ProviderPull.provider))
        .where(running)
        .group_by(col(ProviderPull.site_id), col(ProviderPull.provider))
        .having(alive <= now - SILENT)
    )
    over = and_(
        col(ProviderPull.state) == PullState.DONE,
        col(ProviderPull.file).is_not(None),
        col(ProviderPull.finished_at) <= now - KEPT,
    )
    gone = and_(running, tuple_(col(ProviderPull.site_id), col(ProviderPull.provider)).in_(silent))
    return list(
        session.execute(select(col(ProviderPull.id)).where(or_(gone, over)).order_by(col(ProviderPull.id))).scalars()
    )


def settle(deps: Deps, pull_id: int) -> None:
    """End a pull whose process is gone, or forget rows that were not imported in time; nothing where neither is so.

    What may have been asked when the process went is counted with its estimate: it may have been paid.
    """
    with deps.db.work() as uow:
        if pull_id not in due_settling(uow.session, uow.now()):
            return
        row = uow.session.get(ProviderPull, pull_id)
        if row is None:
            return
        if row.state is PullState.RUNNING:
            row.cost = max(row.cost, row.estimate) if row.asked_at is not None else row.cost
            row.state, row.finished_at, row.error = (
                PullState.FAILED,
                uow.now(),
                say("its process ended before it was done"),
            )
            if row.started_by == SCHEDULE:
                # Whoever ran the schedule could not say it any more.
                uow.session.execute(
                    update(ProviderSchedule)
                    .where(col(ProviderSchedule.site_id) == row.site_id, col(ProviderSchedule.provider) == row.provider)
                    .values(last_error=row.error)
                )
        _let_go(uow.session, deps.settings, [pull_id])


def settle_all(deps: Deps) -> None:
    """Settle every pull that is due for it."""
    with deps.db.read() as look:
        due = due_settling(look.session, look.now())
    for pull_id in due:
        settle(deps, pull_id)


def _let_go(session: Session, settings: Settings, pull_ids: Sequence[int]) -> None:
    """Remove the files of pulls that are imported or over."""
    for one in session.execute(select(ProviderPull).where(col(ProviderPull.id).in_(pull_ids))).scalars():
        if one.file is not None:
            (prices.folder(settings) / one.file).unlink(missing_ok=True)
            one.file = None
    session.flush()


def _begin(deps: Deps, site_id: int, planned: Plan, actor: str, most: float | None) -> list[_Got]:
    """Write the rows of a pull where the budget holds it; two that begin at once cannot both take the rest of it."""
    with deps.db.work() as uow:
        if uow.session.connection().dialect.name == "postgresql":
            # SQLite has one writer at a time anyway.
            uow.session.execute(text("LOCK TABLE provider_pull IN SHARE ROW EXCLUSIVE MODE"))
        now = uow.now()
        kept = prices.kept(uow.session, deps.settings, site_id, planned.provider, planned.rows, now)
        exact = prices.planned(uow.session, deps.settings, planned.provider, planned.targets, planned.rows, now, kept)
        exact.affordable(most)
        targets = [target for target in planned.targets if target not in exact.kept]
        estimate = prices.provider_by_name(planned.provider).estimate(planned.rows)
        rows = [
            ProviderPull(
                site_id=site_id,
                provider=planned.provider,
                target=target,
                rows_wanted=planned.rows,
                estimate=round(estimate, 4),
                started_by=actor,
                started_at=now,
            )
            for target in targets
        ]
        uow.session.add_all(rows)
        uow.session.flush()
        asked = {row.target: _Got(row.id, row.target) for row in rows}
        here = {
            target: _Got(one.id, target, prices.folder(deps.settings) / str(one.file), one.capped)
            for target, one in kept.items()
        }
        return [asked.get(target) or here[target] for target in planned.targets]


def _pull_one(
    deps: Deps,
    tool: Provider,
    http: Client,
    pull_ids: Sequence[int],
    target: str,
    rows: int,
    before: int,
    progress: Callable[[int], None],
    agreed: Callable[[], None],
) -> tuple[Path, bool, int]:
    """Ask for one target, the first of `pull_ids`; the others wait. What was paid is noted after each answer, and with it what was
    asked without an answer and may have been paid. Before such a request is asked again, `agreed` is called, which may raise.

    Its file, whether there are more rows, and how many came; `before` came for the targets before it.
    """
    pull_id = pull_ids[0]
    with deps.db.work() as uow:
        today = uow.now().date().isoformat()
        row = uow.session.get_one(ProviderPull, pull_id)
        row.asked_at, estimate = uow.now(), row.estimate
        row.file = f"{target}-refdomains-{tool.name}-{pull_id}_{today}.csv"
        place = prices.folder(deps.settings) / row.file
    taken, unnamed, cost = 0, 0, 0.0
    a_request = tool.estimate(min(rows, tool.terms.rows_a_request))
    doubted, read = http.doubtful, http.answered

    def book() -> None:
        with deps.db.work() as uow:
            row = uow.session.get_one(ProviderPull, pull_id)
            lost = (http.doubtful - doubted) * a_request
            row.rows, row.cost, row.asked_at = taken, cost + lost, uow.now()
            # What may have been paid for nothing comes on top of what the whole list costs.
            row.estimate = estimate + lost

    def doubt() -> None:
        book()
        agreed()

    http.on_doubt = doubt
    with place.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([f"{tool.name} domain", *_HEADERS])
        try:
            for batch in _batches(tool, http, target, rows):
                named = [row for row in batch.rows if row.domain]
                writer.writerows(_cells(row, today) for row in named[: rows - taken])
                taken += min(len(named), rows - taken)
                unnamed += batch.unnamed + len(batch.rows) - len(named)
                cost += batch.cost
                read = http.answered
                # Half a pull has cost what it has cost.
                book()
                progress(before + taken)
        except BaseException:
            # An answer that could not be read was paid like any other.
            cost += a_request if http.answered > read else 0.0
            book()
            raise
    capped = taken + unnamed >= rows or taken + unnamed in tool.terms.ends_at
    with deps.db.work() as uow:
        row = uow.session.get_one(ProviderPull, pull_id)
        row.state, row.capped, row.finished_at = PullState.DONE, capped, uow.now()
    return place, capped, taken


def _batches(tool: Provider, http: Client, target: str, rows: int) -> Iterator[Batch]:
    """What `Provider.pull` gives; an answer of another shape than its documentation says is told in words."""
    try:
        yield from tool.pull(http, target, rows)
    except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError, OSError) as error:
        raise BadInput(
            say(
                "{title} answered with another shape than documented: {words}",
                title=tool.title,
                words=repr(error)[:200],
            )
        ) from error


def _agreed(deps: Deps, tool: Provider, pull_ids: Sequence[int], most: float | None) -> None:
    """Raise Refused where the pull costs more by now than the budget holds, or than `most`."""
    with deps.db.read() as look:
        rows = select(func.sum(ProviderPull.estimate)).where(col(ProviderPull.id).in_(pull_ids))
        above = most is not None and look.session.execute(rows).scalar_one() > most
        if not above and not prices.overdrawn(look.session, deps.settings, tool.name, look.now()):
            return
    if above:
        sentence = say(
            "a request without an answer may have been paid, and another one may cost more than was agreed to"
        )
    else:
        sentence = say(
            "a request without an answer may have been paid, and the month's budget does not hold another one"
        )
    skip = Skip("price" if above else "budget", sentence)
    raise Refused(say("{provider} is not asked again: {sentence}", provider=tool.name, sentence=sentence), skip)


def _cells(row: Row, today: str) -> Sequence[Any]:
    figures = (row.authority, row.traffic, row.links, row.dofollow_links, row.spam, row.first_seen, row.last_seen)
    return [row.domain, *("" if figure is None else str(figure).lower() for figure in figures), today]


def _fail(deps: Deps, pull_ids: Sequence[int], reason: str) -> None:
    with deps.db.work() as uow:
        statement = select(ProviderPull).where(
            col(ProviderPull.id).in_(pull_ids), col(ProviderPull.state) == PullState.RUNNING
        )
        failed = list(uow.session.execute(statement).scalars())
        for row in failed:
            row.state, row.error, row.finished_at = PullState.FAILED, reason, uow.now()
        _let_go(uow.session, deps.settings, [row.id for row in failed])


def _free(deps: Deps, pull_ids: Sequence[int]) -> None:
    """Leave rows that came to whoever asks next, who need not wait until this pull counts as silent."""
    with deps.db.work() as uow:
        statement = update(ProviderPull).where(
            col(ProviderPull.id).in_(pull_ids), col(ProviderPull.state) == PullState.DONE
        )
        uow.session.execute(statement.values(asked_at=None))


def _client(tool: Provider, deps: Deps) -> Client:
    url = deps.settings.provider_urls.get(tool.name, tool.base_url)
    return Client(
        tool.title,
        url,
        prices.credentials(tool, deps.settings),
        a_minute=tool.terms.a_minute,
        turns=SharedTurns(deps.db),
    )
