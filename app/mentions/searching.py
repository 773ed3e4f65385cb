"""The search for pages that name a site, anywhere: their domains become prospects, and the pages candidates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.db.work import Database
from app.domain.said import say
from app.errors import BadInput, FieldProblem, NotFound, Refused
from app.gaps.providers.base import Client
from app.mentions import asking, candidates
from app.models import Site
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search of a site did: requests, what they cost (None: not known), and what became of the addresses."""

    requests: int
    cost: float | None
    taken: candidates.Taken


def search_site(
    db: Database, settings: Settings, site_id: int, *, actor: str, client: Callable[[], Client] | None = None
) -> Searched:
    """Ask for pages that name a site, anywhere; their domains become prospects and the pages candidates.

    Makes its own transactions. Raises BadInput without a provider or a name, Refused where the day's budget is used up.
    """
    engine = asking.engine_of(settings)
    with db.read() as look:
        site = look.session.get(Site, site_id)
        if site is None:
            raise NotFound(say("there is no site {site_id}", site_id=site_id))
        queries = asking.queries_of(site)
        left = asking.left_of(look.session, settings, look.now())
    if not queries:
        raise BadInput(
            say("the site has no name to search for"), FieldProblem("brand_names", say("Give the site its brand names"))
        )
    if left < len(queries):
        raise Refused(say("{title} is not asked", title=engine.title), asking.over(settings, left, len(queries)))
    found: list[str] = []
    for query in queries:
        found += asking.ask(db, settings, site_id, query, actor=actor, client=client)
    with db.work() as uow:
        taken = candidates.take(uow, site_id, found, source=f"search: {engine.name}", actor=actor)
    cost = None if settings.search_cost is None else round(settings.search_cost * len(queries), 4)
    return Searched(len(queries), cost, taken)
