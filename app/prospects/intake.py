"""Prospects that come one by one, from the API or from a person, and not out of an import."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import col

from app.audit import service as audit
from app.db.work import UnitOfWork
from app.domain.said import say
from app.domain.verification import OPEN, Verification
from app.errors import BadInput, Conflict, FieldProblem, NotFound
from app.jobs import Job
from app.keys import site_key, start_page
from app.models import Competitor, Prospect, Site
from app.prospects import service


@dataclass(frozen=True, slots=True)
class Taken:
    """The prospect, and whether it is new."""

    prospect: Prospect
    created: bool


def take(
    uow: UnitOfWork,
    site_id: int,
    domain: str,
    *,
    external_id: str | None = None,
    page: str | None = None,
    actor: str,
) -> Taken:
    """The prospect with this domain or with this `external_id`, made when there is none; its pages will be looked at.

    The same call twice gives the same prospect. `page` is their page to link from. Raises BadInput (field `domain`) for
    what is no domain or is ours or a competitor's, and Conflict when domain and external id belong to two prospects.
    """
    site: Site | None = uow.session.get(Site, site_id)
    if site is None:
        raise NotFound(say("there is no site {site_id}", site_id=site_id))
    key = site_key(domain.strip())
    if key is None:
        raise BadInput(
            say("'{domain}' is not a domain", domain=domain),
            FieldProblem("domain", say("Enter a domain such as editor.com")),
        )
    competitors = _competitors(uow, site_id)
    if key in site.domains or key in competitors:
        whose = "your own domain" if key in site.domains else "a competitor's domain"
        raise BadInput(
            say("{key} is {whose}", key=key, whose=whose),
            FieldProblem("domain", say("Enter the domain of somebody who may link to you")),
        )
    known = _by(uow, site_id, "domain", key)
    if external_id is not None:
        named = _by(uow, site_id, "external_id", external_id)
        if named is not None and named.domain != key:
            raise Conflict(
                say(
                    "the external id {external_id} belongs to {domain}, not to {key}",
                    external_id=external_id,
                    domain=named.domain,
                    key=key,
                )
            )
        if known is not None and known.external_id not in (None, external_id):
            raise Conflict(
                say("{key} has the external id {external_id} already", key=key, external_id=known.external_id)
            )
    if known is not None:
        known.external_id = known.external_id or external_id
        known.best_page = known.best_page or page
        if known.verification in OPEN:
            before, known.verification = known.verification, Verification.ACCEPTED
            told = {"verification": Verification.ACCEPTED}
            audit.record(
                uow,
                "prospect.accepted",
                "prospect",
                known.id,
                name=key,
                before={"verification": before},
                after=told,
                actor=actor,
            )
            known.mention_due_at = uow.now()
        return Taken(known, created=False)
    made = Prospect(
        site_id=site_id,
        domain=key,
        external_id=external_id,
        best_page=page or start_page(key, None),
        mention_due_at=uow.now(),
        verification=Verification.ACCEPTED,
        created_at=uow.now(),
        updated_at=uow.now(),
    )
    service.rerank(made, len(competitors))
    uow.session.add(made)
    uow.session.flush()
    service.note(uow, made.id, "added", actor=actor)
    uow.ring(Job.MENTIONS_CHECK, made.id)
    return Taken(made, created=True)


def _competitors(uow: UnitOfWork, site_id: int) -> set[str]:
    return set(uow.session.execute(select(col(Competitor.domain)).where(col(Competitor.site_id) == site_id)).scalars())


def _by(uow: UnitOfWork, site_id: int, column: str, value: str) -> Prospect | None:
    found: Prospect | None = uow.session.execute(
        select(Prospect).where(col(Prospect.site_id) == site_id, getattr(Prospect, column) == value)
    ).scalar_one_or_none()
    return found
