"""Provider accounts as they are configured, and what a pull would cost: its estimate, the month's budget and what is left of it."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, or_, select
from sqlmodel import Session, col

from app.db.work import UnitOfWork
from app.domain.said import say
from app.errors import BadInput, FieldProblem, Refused, Skip
from app.gaps import service
from app.gaps.providers.base import Provider
from app.gaps.providers.catalogue import PROVIDERS
from app.models import ProviderPull, PullState
from app.settings import Settings

MOST_ROWS = 100_000
#: So long, rows that came and were never imported are used by the next pull that asks for the same.
KEPT = timedelta(days=1)
#: A pull that has asked for nothing for so long has lost its process.
SILENT = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Account:
    """A provider as this installation knows it. `needs` are the settings that hold its credentials, `missing` those that are empty.

    `budget`, `spent` (this calendar month, UTC; what runs counts with its estimate) and `left` are in `unit`; the first and the last
    are None where no budget is set.
    """

    provider: str
    title: str
    unit: str
    needs: tuple[str, ...]
    missing: tuple[str, ...]
    budget: float | None
    spent: float
    left: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a pull of a site would ask and cost at most; `left` of the month's budget is None where none is set.

    `kept` are targets whose rows came lately and are not imported yet: they cost nothing.
    """

    provider: str
    targets: tuple[str, ...]
    rows: int
    cost: float
    unit: str
    left: float | None
    kept: tuple[str, ...] = ()

    def affordable(self, most: float | None = None) -> None:
        """Raise Refused where the month's budget does not hold the cost, or where it is above `most`, which somebody has agreed to."""
        skip = None
        if self.left is not None and self.cost > self.left:
            skip = Skip(
                "budget",
                say(
                    "{cost:,.10g} {unit} are needed at most, {left:,.10g} of the month's budget are left",
                    cost=self.cost,
                    unit=self.unit,
                    left=self.left,
                ),
            )
        elif most is not None and self.cost > most:
            skip = Skip(
                "price",
                say(
                    "{cost:,.10g} {unit} are needed at most, and {most:,.10g} were agreed to",
                    cost=self.cost,
                    unit=self.unit,
                    most=most,
                ),
            )
        if skip is not None:
            raise Refused(
                say("{provider} is not asked: {sentence}", provider=self.provider, sentence=skip.sentence), skip
            )


def provider_by_name(name: str) -> Provider:
    """The provider; raises BadInput with the names that there are."""
    if name not in PROVIDERS:
        names = ", ".join(PROVIDERS)
        raise BadInput(
            say("there is no provider '{name}'; there are: {names}", name=name, names=names),
            FieldProblem("provider", say("One of {names}", names=names)),
        )
    return PROVIDERS[name]


def accounts(uow: UnitOfWork, settings: Settings) -> list[Account]:
    """Every provider that can be asked, with its credentials (only whether they are there) and this month's money."""
    spent = _spent(uow.session, uow.now())
    found = []
    for name, tool in PROVIDERS.items():
        values = {setting(field): getattr(settings, field).get_secret_value() for field in tool.needs}
        budget, cost = settings.provider_budgets.get(name), spent.get(name, 0.0)
        left = None if budget is None else max(0.0, round(budget - cost, 4))
        missing = tuple(field for field, value in values.items() if not value)
        found.append(Account(name, tool.title, tool.terms.unit, tuple(values), missing, budget, cost, left))
    return found


def setting(field: str) -> str:
    """The environment variable of a setting."""
    return f"GAPBRIDGE_{field.upper()}"


def plan(uow: UnitOfWork, settings: Settings, site_id: int, provider: str, rows: int) -> Plan:
    """What a pull of all targets of a site (our own domains, old ones too, and the competitors) would cost. Asks nobody and spends nothing.

    Raises BadInput for a provider without credentials, for a number of rows out of range and for a site without a competitor.
    """
    tool = provider_by_name(provider)
    credentials(tool, settings)
    if not 1 <= rows <= MOST_ROWS:
        raise BadInput(
            say("{rows} rows a target", rows=rows),
            FieldProblem("rows", say("A number from 1 to {most_rows:,}", most_rows=MOST_ROWS)),
        )
    whose = service.whose(uow, site_id)
    if not whose.competitors:
        raise BadInput(say("the site has no competitor yet; add one first"))
    here = kept(uow.session, settings, site_id, provider, rows, uow.now())
    return planned(uow.session, settings, provider, (*whose.own, *whose.competitors), rows, uow.now(), here)


def planned(
    session: Session,
    settings: Settings,
    provider: str,
    targets: tuple[str, ...],
    rows: int,
    now: datetime,
    kept: Container[str],
) -> Plan:
    """The same for given targets, with what is `kept` of them and what is spent at this moment."""
    tool = provider_by_name(provider)
    here = tuple(target for target in targets if target in kept)
    cost = round(tool.estimate(rows) * (len(targets) - len(here)), 4)
    budget = settings.provider_budgets.get(provider)
    left = None if budget is None else max(0.0, round(budget - _spent(session, now).get(provider, 0.0), 4))
    return Plan(provider, targets, rows, cost, tool.terms.unit, left, here)


def overdrawn(session: Session, settings: Settings, provider: str, now: datetime) -> bool:
    """Whether what was spent in this month, with the estimates of what runs, is more than the month's budget."""
    budget = settings.provider_budgets.get(provider)
    return budget is not None and _spent(session, now).get(provider, 0.0) > budget


def credentials(tool: Provider, settings: Settings) -> dict[str, str]:
    """The credentials by the names of `Settings`. Raises BadInput with the variables that have to be set."""
    found = {name: getattr(settings, name).get_secret_value() for name in tool.needs}
    missing = [setting(name) for name, value in found.items() if not value]
    if missing:
        names = " and ".join(missing)
        raise BadInput(
            say("{title} needs credentials; set {names}", title=tool.title, names=names),
            FieldProblem("provider", say("Set {names} first", names=names)),
        )
    return found


def folder(settings: Settings) -> Path:
    """Where rows lie until they are imported."""
    return settings.data_dir / "pulls"


def kept(
    session: Session, settings: Settings, site_id: int, provider: str, rows: int, now: datetime
) -> dict[str, ProviderPull]:
    """The pulls by target whose rows came lately, for the same question, and are not imported nor being imported."""
    statement = select(ProviderPull).where(
        col(ProviderPull.site_id) == site_id,
        col(ProviderPull.provider) == provider,
        col(ProviderPull.rows_wanted) == rows,
        col(ProviderPull.state) == PullState.DONE,
        col(ProviderPull.file).is_not(None),
        col(ProviderPull.finished_at) > now - KEPT,
        or_(col(ProviderPull.asked_at).is_(None), col(ProviderPull.asked_at) <= now - SILENT),
    )
    found = session.execute(statement.order_by(col(ProviderPull.id))).scalars()
    return {one.target: one for one in found if one.file and (folder(settings) / one.file).is_file()}


def _spent(session: Session, now: datetime) -> dict[str, float]:
    """What each provider has cost in this month; what runs counts with its estimate."""
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    running = col(ProviderPull.state) == PullState.RUNNING
    rows = session.execute(
        select(
            col(ProviderPull.provider),
            func.coalesce(func.sum(ProviderPull.estimate).filter(running), 0.0),
            func.coalesce(func.sum(ProviderPull.cost).filter(~running), 0.0),
        )
        .where(col(ProviderPull.started_at) >= month)
        .group_by(col(ProviderPull.provider))
    )
    return {name: round(float(asked) + float(paid), 4) for name, asked, paid in rows}
