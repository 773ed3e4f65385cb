"""Asks the search provider for pages that name us: paced, within the day's budget, each request a row before it is made."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlmodel import Session, col

from app.db.work import Database, UnitOfWork
from app.domain.said import say
from app.errors import BadInput, GapbridgeError, Refused, Skip
from app.gaps.providers.base import Client
from app.log import get_logger
from app.mentions import engines
from app.models import PullState, SearchRequest, Site
from app.settings import Settings

log = get_logger("mentions")

MOST_QUERIES = 10
# One client for each process and provider, so that its pace holds over searches.
_clients: dict[tuple[str, str, int], Client] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Budget:
    """What may still be asked today, and what one request costs (None: not known)."""

    provider: str
    left: int
    a_day: int
    cost: float | None


def budget(uow: UnitOfWork, settings: Settings) -> Budget:
    """What the day's budget has left. Raises BadInput where no provider is configured."""
    return Budget(
        engine_of(settings).name, left_of(uow.session, settings, uow.now()), settings.search_a_day, settings.search_cost
    )


def queries_of(site: Site) -> list[str]:
    """What is asked for a site: each of its names in quotation marks, without its own pages."""
    without = " ".join(f"-site:{domain}" for domain in site.domains[:5])
    return [f'"{_plain(name)}" {without}' for name in site.brand_names[:MOST_QUERIES] if _plain(name)]


def search_domain(db: Database, settings: Settings, site_id: int, domain: str, names: Sequence[str]) -> list[str]:
    """Addresses on one domain that may name us; [] where no provider is configured, or the budget is used up, or it fails."""
    if settings.search_provider == "none" or not names:
        return []
    query = " OR ".join(f'"{_plain(name)}"' for name in names[:3])
    try:
        return ask(db, settings, site_id, f"{query} site:{domain.partition('/')[0]}", actor="checker")
    except GapbridgeError as error:
        log.info("mentions.not_searched", domain=domain, reason=error.detail)
        return []


def ask(
    db: Database,
    settings: Settings,
    site_id: int,
    query: str,
    *,
    actor: str,
    client: Callable[[], Client] | None = None,
) -> list[str]:
    """One request to the provider; the addresses that it names.

    Raises Refused (`search-budget`) over the day's budget, and what the provider refuses, which is on the request's row.
    """
    engine = engine_of(settings)
    http = client() if client is not None else _client(engine, settings)
    request_id = _begin(db, settings, site_id, query, actor)
    try:
        found = engine.search(http, query)
    except GapbridgeError as error:
        _end(db, request_id, PullState.FAILED, error=error.detail)
        raise
    _end(db, request_id, PullState.DONE, results=len(found))
    return found


def requests_of(uow: UnitOfWork, site_id: int, limit: int = 50) -> list[SearchRequest]:
    """The latest requests of a site, newest first."""
    statement = (
        select(SearchRequest).where(col(SearchRequest.site_id) == site_id).order_by(col(SearchRequest.id).desc())
    )
    return list(uow.session.execute(statement.limit(limit)).scalars())


def engine_of(settings: Settings) -> engines.Engine:
    """The configured provider. Raises BadInput where there is none."""
    if settings.search_provider == "none":
        raise BadInput(
            say("no search provider is configured; set GAPBRIDGE_SEARCH_PROVIDER to searxng, brave or google")
        )
    return engines.ENGINES[settings.search_provider]


def _client(engine: engines.Engine, settings: Settings) -> Client:
    key = (engine.name, settings.search_url, settings.search_a_minute)
    with _lock:
        if key not in _clients:
            _clients[key] = engines.client_of(engine, settings)
        return _clients[key]


def _begin(db: Database, settings: Settings, site_id: int, query: str, actor: str) -> int:
    with db.work() as uow:
        if uow.session.connection().dialect.name == "postgresql":
            # SQLite has one writer at a time anyway.
            uow.session.execute(text("LOCK TABLE search_request IN SHARE ROW EXCLUSIVE MODE"))
        left = left_of(uow.session, settings, uow.now())
        if left < 1:
            raise Refused(say("The search provider is not asked."), over(settings, left, 1))
        row = SearchRequest(
            site_id=site_id,
            provider=settings.search_provider,
            query=query[:400],
            # What was asked has to be paid, whatever comes back.
            cost=settings.search_cost,
            started_by=actor,
            started_at=uow.now(),
        )
        uow.session.add(row)
        uow.session.flush()
        return row.id


def _end(
    db: Database, request_id: int, state: PullState, *, results: int | None = None, error: str | None = None
) -> None:
    with db.work() as uow:
        row = uow.session.get(SearchRequest, request_id)
        if row is not None:
            row.state, row.results, row.error, row.finished_at = state, results, error, uow.now()


def left_of(session: Session, settings: Settings, now: datetime) -> int:
    """Requests that the day's budget still holds."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    used = session.execute(select(func.count()).where(col(SearchRequest.started_at) >= day)).scalar_one()
    return max(0, settings.search_a_day - int(used))


def over(settings: Settings, left: int, needed: int) -> Skip:
    """Why nobody is asked any more today."""
    return Skip(
        "search-budget",
        say(
            "{needed} requests are needed, {left} of the {search_a_day} of this day (UTC) are left",
            needed=needed,
            left=left,
            search_a_day=settings.search_a_day,
        ),
    )


def _plain(name: str) -> str:
    return " ".join(name.replace('"', " ").split())
