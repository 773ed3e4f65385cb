"""Pulls referring domains from the paid tools' APIs: priced first, within a budget, by hand or on a schedule, and not kept too long.

A pull is a row before it is a request: whatever happens to the process, the money that may have been spent is counted.
What comes back is written as an export and imported like any other file.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import delete, func, select, text, update
from sqlmodel import Session, col

from app.audit import service as audit
from app.db.work import Database, UnitOfWork
from app.domain.said import say
from app.errors import BadInput, FieldProblem, GapbridgeError, NotFound, Refused, Skip
from app.gaps import service
from app.gaps.providers.base import Client, Provider, Row
from app.gaps.providers.catalogue import PROVIDERS
from app.gaps.shelf import Shelf
from app.log import get_logger
from app.models import Prospect, ProviderPull, ProviderSchedule, PullState, Snapshot
from app.settings import Settings

log = get_logger("gaps")

MOST_ROWS = 100_000
_CLAIM = timedelta(hours=6)
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
class Plan:
    """What a pull of a site would ask and cost at most; `left` of the month's budget is None where none is set."""

    provider: str
    targets: tuple[str, ...]
    rows: int
    cost: float
    unit: str
    left: float | None


def provider_by_name(name: str) -> Provider:
    """The provider; raises BadInput with the names that there are."""
    if name not in PROVIDERS:
        names = ", ".join(PROVIDERS)
        raise BadInput(
            say("there is no provider '{name}'; there are: {names}", name=name, names=names),
            FieldProblem("provider", say("One of {names}", names=names)),
        )
    return PROVIDERS[name]


def plan(uow: UnitOfWork, settings: Settings, site_id: int, provider: str, rows: int) -> Plan:
    """What a pull of all targets of a site (our main domain and the competitors) would cost. Asks nobody and spends nothing.

    Raises BadInput for a provider without credentials and for a number of rows out of range.
    """
    tool = provider_by_name(provider)
    _credentials(tool, settings)
    if not 1 <= rows <= MOST_ROWS:
        raise BadInput(
            say("{rows} rows a target", rows=rows),
            FieldProblem("rows", say("A number from 1 to {most_rows:,}", most_rows=MOST_ROWS)),
        )
    whose = service.whose(uow, site_id)
    if not whose.competitors:
        raise BadInput(say("the site has no competitor yet; add one first"))
    targets = (whose.own[0], *whose.competitors)
    cost = round(sum(tool.estimate(rows) for _ in targets), 4)
    return Plan(provider, targets, rows, cost, tool.terms.unit, _left(uow.session, settings, provider, uow.now()))


def pull(
    deps: Deps,
    site_id: int,
    provider: str,
    rows: int,
    *,
    actor: str,
    client: Callable[[Provider], Client] | None = None,
) -> dict[str, Any]:
    """Pull every target of a site, import what came and refresh the prospects; several transactions, minutes long.

    Returns the counts of the refresh with the `cost` and the `rows` pulled. Raises Refused before anything is asked where the
    month's budget does not hold the estimate; what a provider refuses is on the pull's row and raised.
    """
    with deps.db.read() as uow:
        planned = plan(uow, deps.settings, site_id, provider, rows)
    tool = provider_by_name(provider)
    pulls = _begin(deps, site_id, planned, actor)
    parent = deps.settings.data_dir / "pulls"
    parent.mkdir(parents=True, exist_ok=True)
    files: list[tuple[Path, bool]] = []
    make = client or (lambda one: _client(one, deps.settings))
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        with make(tool) as http:
            for place, (pull_id, target) in enumerate(pulls):
                try:
                    files.append(_pull_one(deps, tool, http, pull_id, target, rows, Path(folder)))
                except GapbridgeError as error:
                    _fail(deps, [one for one, _ in pulls[place:]], error.detail)
                    raise
        paths = [path for path, _capped in files]
        imported, counts, summary = service.import_and_refresh(
            deps.db, site_id, paths, folder=service.snapshot_folder(deps.settings), actor=actor
        )
        with deps.db.work() as uow:
            for (_path, capped), one in zip(files, imported, strict=True):
                for snapshot in one.snapshots if capped else ():
                    uow.session.execute(update(Snapshot).where(col(Snapshot.id) == snapshot.id).values(capped=True))
    with deps.db.read() as uow:
        ids = [pull_id for pull_id, _target in pulls]
        spent, taken = uow.session.execute(
            select(func.sum(ProviderPull.cost), func.sum(ProviderPull.rows)).where(col(ProviderPull.id).in_(ids))
        ).one()
    return {**counts, "gaps": summary["gaps"], "cost": spent, "unit": planned.unit, "rows": int(taken)}


def schedule(
    uow: UnitOfWork, settings: Settings, site_id: int, provider: str, *, rows: int, every_days: int, actor: str
) -> ProviderSchedule:
    """Let a pull repeat by itself, first now. Raises BadInput where no budget is set: nobody is there to look at the price."""
    planned = plan(uow, settings, site_id, provider, rows)
    if planned.left is None:
        raise BadInput(
            say(
                "{provider} has no budget; set GAPBRIDGE_PROVIDER_BUDGETS={provider}=... ({unit} a month) first",
                provider=provider,
                unit=planned.unit,
            )
        )
    if not 1 <= every_days <= 365:
        raise BadInput(
            say("every {every_days} days", every_days=every_days),
            FieldProblem("every_days", say("A number from 1 to 365")),
        )
    found: ProviderSchedule | None = uow.session.execute(
        select(ProviderSchedule).where(
            col(ProviderSchedule.site_id) == site_id, col(ProviderSchedule.provider) == provider
        )
    ).scalar_one_or_none()
    row = found or ProviderSchedule(
        site_id=site_id,
        provider=provider,
        rows=rows,
        every_days=every_days,
        due_at=uow.now(),
        created_by=actor,
        created_at=uow.now(),
    )
    row.rows, row.every_days = rows, every_days
    uow.session.add(row)
    uow.session.flush()
    after = {"site": site_id, "rows": rows, "every_days": every_days}
    audit.record(uow, "pull.scheduled", "pull", row.id, name=provider, after=after, actor=actor)
    return row


def unschedule(uow: UnitOfWork, site_id: int, provider: str) -> None:
    """Stop a pull from repeating; raises NotFound."""
    done = uow.session.execute(
        delete(ProviderSchedule).where(
            col(ProviderSchedule.site_id) == site_id, col(ProviderSchedule.provider) == provider
        )
    )
    if not getattr(done, "rowcount", 0):
        raise NotFound(say("nothing is pulled from {provider} by itself for this site", provider=provider))
    audit.record(uow, "pull.unscheduled", "pull", name=provider, before={"site": site_id})


def pulls_of(uow: UnitOfWork, site_id: int, limit: int = 50) -> list[ProviderPull]:
    """The latest pulls of a site, newest first."""
    statement = select(ProviderPull).where(col(ProviderPull.site_id) == site_id).order_by(col(ProviderPull.id).desc())
    return list(uow.session.execute(statement.limit(limit)).scalars())


def run_schedule(deps: Deps, schedule_id: int) -> None:
    """Do a scheduled pull if it is due. Moved on before it is done: one that fails is tried at its next date, not in a loop."""
    with deps.db.work() as uow:
        now = uow.now()
        # One conditional statement, so that of two workers one gets it.
        claimed = uow.session.execute(
            update(ProviderSchedule)
            .where(col(ProviderSchedule.id) == schedule_id, col(ProviderSchedule.due_at) <= now)
            .values(due_at=now + _CLAIM)
            .returning(
                col(ProviderSchedule.site_id),
                col(ProviderSchedule.provider),
                col(ProviderSchedule.rows),
                col(ProviderSchedule.every_days),
            )
        ).one_or_none()
    if claimed is None:
        return
    site_id, provider, rows, every_days = claimed
    error: str | None = None
    try:
        pull(deps, site_id, provider, rows, actor="schedule")
    except GapbridgeError as refused:
        error = refused.detail
        log.warning("provider.schedule_failed", schedule_id=schedule_id, provider=provider, reason=error)
    with deps.db.work() as uow:
        uow.session.execute(
            update(ProviderSchedule)
            .where(col(ProviderSchedule.id) == schedule_id)
            .values(due_at=now + timedelta(days=every_days), last_error=error)
        )


def due_schedules(session: Session, now: datetime) -> list[int]:
    """The schedules that want a pull now, the longest due first."""
    statement = select(col(ProviderSchedule.id)).where(col(ProviderSchedule.due_at) <= now)
    return list(session.execute(statement.order_by(col(ProviderSchedule.due_at))).scalars())


def due_expiries(session: Session, now: datetime) -> list[int]:
    """Snapshots that their provider's terms do not let us keep any longer."""
    found: list[int] = []
    for tool in PROVIDERS.values():
        if tool.terms.retention is not None:
            statement = select(col(Snapshot.id)).where(
                col(Snapshot.format) == f"{tool.name}-pull", col(Snapshot.created_at) <= now - tool.terms.retention
            )
            found += session.execute(statement).scalars()
    return found


def expire(deps: Deps, snapshot_id: int) -> None:
    """Remove a pulled snapshot and its file; where it was the site's last of that provider, its figures leave the prospects too."""
    with deps.db.work() as uow:
        snapshot = uow.session.get(Snapshot, snapshot_id)
        if snapshot is None or snapshot_id not in due_expiries(uow.session, uow.now()):
            return
        site_id, provider, path = snapshot.site_id, snapshot.provider, snapshot.path
        uow.session.delete(snapshot)
        uow.session.flush()
        others = uow.session.execute(
            select(
                func.count().filter(col(Snapshot.path) == path),
                func.count().filter(col(Snapshot.site_id) == site_id, col(Snapshot.provider) == provider),
            )
        ).one()
        if not others[1]:
            uow.session.execute(
                update(Prospect)
                .where(col(Prospect.site_id) == site_id, col(Prospect.authority_provider) == provider)
                .values(authority=None, authority_provider=None, traffic=None)
            )
    if not others[0]:
        Shelf(service.snapshot_folder(deps.settings)).remove(path)
    log.info("provider.expired", snapshot_id=snapshot_id, provider=provider)


def _begin(deps: Deps, site_id: int, planned: Plan, actor: str) -> list[tuple[int, str]]:
    """Write the rows of a pull where the budget holds it; two that begin at once cannot both take the rest of it."""
    with deps.db.work() as uow:
        if uow.session.connection().dialect.name == "postgresql":
            # SQLite has one writer at a time anyway.
            uow.session.execute(text("LOCK TABLE provider_pull IN SHARE ROW EXCLUSIVE MODE"))
        left = _left(uow.session, deps.settings, planned.provider, uow.now())
        if left is not None and planned.cost > left:
            skip = Skip(
                "budget",
                say(
                    "{cost:,.10g} {unit} are needed at most, {left:,.10g} of the month's budget are left",
                    cost=planned.cost,
                    unit=planned.unit,
                    left=left,
                ),
            )
            raise Refused(
                say("{provider} is not asked: {sentence}", provider=planned.provider, sentence=skip.sentence), skip
            )
        rows = [
            ProviderPull(
                site_id=site_id,
                provider=planned.provider,
                target=target,
                rows_wanted=planned.rows,
                estimate=round(planned.cost / len(planned.targets), 4),
                started_by=actor,
                started_at=uow.now(),
            )
            for target in planned.targets
        ]
        uow.session.add_all(rows)
        uow.session.flush()
        return [(row.id, row.target) for row in rows]


def _pull_one(
    deps: Deps, tool: Provider, http: Client, pull_id: int, target: str, rows: int, folder: Path
) -> tuple[Path, bool]:
    with deps.db.read() as uow:
        today = uow.now().date().isoformat()
    place = folder / f"{target}-refdomains-{tool.name}-{pull_id}_{today}.csv"
    taken, cost = 0, 0.0
    try:
        with place.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([f"{tool.name} domain", *_HEADERS])
            for batch in tool.pull(http, target, rows):
                writer.writerows(_cells(row, today) for row in batch.rows[: rows - taken])
                taken += min(len(batch.rows), rows - taken)
                cost += batch.cost
    finally:
        # Half a pull has cost what it has cost.
        with deps.db.work() as uow:
            row = uow.session.get(ProviderPull, pull_id)
            if row is not None:
                row.rows, row.cost = taken, cost
    capped = taken >= rows or taken in tool.terms.ends_at
    with deps.db.work() as uow:
        row = uow.session.get(ProviderPull, pull_id)
        if row is not None:
            row.state, row.capped, row.finished_at = PullState.DONE, capped, uow.now()
    return place, capped


def _cells(row: Row, today: str) -> Sequence[Any]:
    figures = (row.authority, row.traffic, row.links, row.dofollow_links, row.spam, row.first_seen, row.last_seen)
    return [row.domain, *("" if figure is None else str(figure).lower() for figure in figures), today]


def _fail(deps: Deps, pull_ids: Sequence[int], reason: str) -> None:
    with deps.db.work() as uow:
        uow.session.execute(
            update(ProviderPull)
            .where(col(ProviderPull.id).in_(pull_ids), col(ProviderPull.state) == PullState.RUNNING)
            .values(state=PullState.FAILED, error=reason, finished_at=uow.now())
        )


def _left(session: Session, settings: Settings, provider: str, now: datetime) -> float | None:
    budget = settings.provider_budgets.get(provider)
    if budget is None:
        return None
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    spent = session.execute(
        select(
            func.coalesce(func.sum(ProviderPull.estimate).filter(col(ProviderPull.state) == PullState.RUNNING), 0.0),
            func.coalesce(func.sum(ProviderPull.cost).filter(col(ProviderPull.state) != PullState.RUNNING), 0.0),
        ).where(col(ProviderPull.provider) == provider, col(ProviderPull.started_at) >= month)
    ).one()
    return max(0.0, round(budget - float(spent[0]) - float(spent[1]), 4))


def _credentials(tool: Provider, settings: Settings) -> dict[str, str]:
    found = {name: getattr(settings, name).get_secret_value() for name in tool.needs}
    missing = [f"GAPBRIDGE_{name.upper()}" for name, value in found.items() if not value]
    if missing:
        raise BadInput(say("{title} needs credentials; set {names}", title=tool.title, names=" and ".join(missing)))
    return found


def _client(tool: Provider, settings: Settings) -> Client:
    url = settings.provider_urls.get(tool.name, tool.base_url)
    return Client(tool.title, url, _credentials(tool, settings), a_minute=tool.terms.a_minute)
