"""Our sites, the competitors they are compared with, and the pages that we promote."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import delete, func, select
from sqlmodel import col

from app.audit import service as audit
from app.db.work import UnitOfWork
from app.domain.delivery import OutboundState
from app.domain.language import codes_of
from app.domain.said import say
from app.errors import BadInput, Conflict, Difference, FieldProblem, NotFound, Stale
from app.keys import registrable_domain
from app.models import Competitor, Outbound, Prospect, RunState, SequenceRun, Site
from app.sites.pages import add_page, archive_page, change_page, compare_anew, get, get_page, pages, restore_page

MOST_COMPETITORS = 10
ADVISED_COMPETITORS = 5
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
FIELDS = (
    "name",
    "domains",
    "brand_names",
    "language",
    "country",
    "min_authority",
    "min_traffic",
    "min_fit",
    "languages",
    "sender_name",
    "sender_role",
    "postal_address",
)

_IN_DRAFTS = ("name", "brand_names", "language", "languages", "sender_name", "postal_address")

__all__ = ["add_page", "archive_page", "change_page", "get", "get_page", "pages", "restore_page"]


def list_sites(uow: UnitOfWork, *, archived: bool = False) -> list[Site]:
    """The sites, oldest first; `archived` adds those that were put away."""
    statement = select(Site).order_by(col(Site.id))
    if not archived:
        statement = statement.where(col(Site.archived_at).is_(None))
    return list(uow.session.execute(statement).scalars())


def clean_domains(domains: Iterable[str]) -> list[str]:
    """Registrable domains in the given order, each once. Raises BadInput with the field `domains`."""
    cleaned: list[str] = []
    for given in domains:
        key = registrable_domain(given.strip())
        if key is None:
            raise BadInput(
                say("'{given}' is not a domain", given=given),
                FieldProblem("domains", say("Enter a domain such as acme.com, without a path")),
            )
        if key not in cleaned:
            cleaned.append(key)
    if not cleaned:
        raise BadInput(say("a site needs a domain"), FieldProblem("domains", say("Enter at least one domain of yours")))
    return cleaned


def _clean_names(names: Iterable[str]) -> list[str]:
    kept = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not kept:
        raise BadInput(
            say("a site needs a brand name"),
            FieldProblem("brand_names", say("Enter the name by which others mention you")),
        )
    return kept


def clean_languages(languages: Iterable[str]) -> list[str]:
    """Codes of languages in the given order, each once. Raises BadInput with the field `languages`."""
    found: list[str] = []
    for text in languages:
        codes = codes_of(text)
        if not codes:
            raise BadInput(
                say("'{text}' is no code of a language", text=text),
                FieldProblem("languages", say("Enter codes such as en or de, de-AT")),
            )
        found += [code for code in codes if code not in found]
    return found


def create(
    uow: UnitOfWork,
    *,
    name: str,
    domains: Iterable[str],
    brand_names: Iterable[str],
    language: str | None = None,
    country: str | None = None,
    min_authority: float | None = None,
    min_traffic: int | None = None,
    min_fit: int | None = None,
    languages: Iterable[str] = (),
    sender_name: str | None = None,
    sender_role: str | None = None,
    postal_address: str | None = None,
) -> Site:
    """Add a site. Raises BadInput with the fields `name`, `domains`, `brand_names`; Conflict when name or domain is taken."""
    given = {
        "name": name,
        "domains": domains,
        "brand_names": brand_names,
        "language": language,
        "country": country,
        "min_authority": min_authority,
        "min_traffic": min_traffic,
        "min_fit": min_fit,
        "languages": list(languages),
        "sender_name": sender_name,
        "sender_role": sender_role,
        "postal_address": postal_address,
    }
    values = _clean(uow, None, given)
    site = Site(**values, created_at=uow.now())
    uow.session.add(site)
    uow.session.flush()
    audit.record(uow, "site.created", "site", site.id, name=site.name, after=values)
    return site


def change(uow: UnitOfWork, site_id: int, version: int, **given: Any) -> Site:
    """Replace the fields of a site (those of `FIELDS` that are given), of which the caller has read `version`.

    Raises Stale with what differs when somebody else saved meanwhile, and what `create` raises. A domain that is a competitor
    of the site is refused: one of the two is wrong.
    """
    site = uow.session.get(Site, site_id, with_for_update=True, populate_existing=True)
    if site is None:
        raise NotFound(say("there is no site {site_id}", site_id=site_id))
    values = _clean(uow, site, given)
    before = {name: getattr(site, name) for name in FIELDS}
    if version != site.version:
        differs = [Difference(name, before[name], values[name]) for name in FIELDS if before[name] != values[name]]
        told = say("somebody else saved {name} meanwhile; yours is not saved yet", name=site.name)
        raise Stale(told, site.version, *differs)
    rivals = {one.domain for one in competitors(uow, site_id)} & set(values["domains"])
    if rivals:
        problem = FieldProblem("domains", say("Remove {first} from the competitors first", first=min(rivals)))
        raise BadInput(say("{first} is a competitor of {name}", first=min(rivals), name=site.name), problem)
    if audit.record(uow, "site.changed", "site", site_id, name=site.name, before=before, after=values) is not None:
        for name, value in values.items():
            setattr(site, name, value)
        site.version += 1
        uow.session.flush()
        if any(before[name] != values[name] for name in _IN_DRAFTS):
            # Our pages are compared in the language of the site, and its drafts say who writes.
            compare_anew(uow, site_id)
    return site


def archive(uow: UnitOfWork, site_id: int) -> Site:
    """Put a site away: it takes no imports and shows in no queue and no choice; links that were won go on being watched.

    Raises Conflict while mail for it waits or follow-ups are under way: those would leave in its name.
    """
    site = get(uow, site_id)
    if site.archived_at is not None:
        return site
    states = (OutboundState.QUEUED, OutboundState.CLAIMED, OutboundState.AMBIGUOUS)
    waits = select(func.count()).where(col(Outbound.site_id) == site_id, col(Outbound.state).in_(states))
    runs = (
        select(func.count())
        .select_from(SequenceRun)
        .join(Prospect, col(Prospect.id) == col(SequenceRun.prospect_id))
        .where(col(Prospect.site_id) == site_id, col(SequenceRun.state) != RunState.ENDED)
    )
    mails, under_way = uow.session.execute(waits).scalar_one(), uow.session.execute(runs).scalar_one()
    if mails or under_way:
        raise Conflict(
            say(
                "{mails} mails of {name} wait in the outbox and {under_way} sequences are under way; let "
                "them end or stop them first",
                mails=mails,
                name=site.name,
                under_way=under_way,
            )
        )
    site.archived_at, site.version = uow.now(), site.version + 1
    audit.record(uow, "site.archived", "site", site_id, name=site.name)
    return site


def restore(uow: UnitOfWork, site_id: int) -> Site:
    """Bring a site back that was put away; its prospects stand in the queue again. Raises what `create` raises for its domains."""
    site = get(uow, site_id)
    if site.archived_at is not None:
        _alone(uow, site, site.name, site.domains)
        site.archived_at, site.version = None, site.version + 1
        audit.record(uow, "site.restored", "site", site_id, name=site.name)
    return site


def _clean(uow: UnitOfWork, site: Site | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they are kept. Raises BadInput with every field that is wrong, Conflict for what another site has."""
    values = {name: given[name] if name in given else getattr(site, name) for name in FIELDS}
    problems: list[FieldProblem] = []
    for name, clean in (
        ("domains", clean_domains),
        ("brand_names", _clean_names),
        ("languages", clean_languages),
    ):
        try:
            values[name] = clean(values[name])
        except BadInput as wrong:
            problems += wrong.problems
    values["name"] = str(values["name"]).strip()
    if not values["name"]:
        problems.append(FieldProblem("name", say("Enter a name")))
    elif len(values["name"]) > 100:
        problems.append(FieldProblem("name", say("Enter at most 100 characters")))
    language, country = values["language"], values["country"]
    if language is not None and not (len(language) <= 16 and _LANGUAGE.fullmatch(language)):
        problems.append(FieldProblem("language", say("Enter a language such as en or de-CH")))
    if country is not None and not (len(country) == 2 and country.isascii() and country.isalpha()):
        problems.append(FieldProblem("country", say("Enter two letters such as US or DE")))
    values["country"] = country.upper() if country else None
    authority, traffic = values["min_authority"], values["min_traffic"]
    if authority is not None and not 0 <= authority <= 100:
        problems.append(FieldProblem("min_authority", say("Enter 0 to 100")))
    if traffic is not None and traffic < 0:
        problems.append(FieldProblem("min_traffic", say("Enter a whole number")))
    if values["min_fit"] is not None and not 0 <= values["min_fit"] <= 100:
        problems.append(FieldProblem("min_fit", say("Enter 0 to 100")))
    if problems:
        raise BadInput(say("the site cannot be saved with these values"), *problems)
    _alone(uow, site, values["name"], values["domains"])
    return values


def _alone(uow: UnitOfWork, site: Site | None, name: str, domains: Iterable[str]) -> None:
    for other in list_sites(uow, archived=True):
        if site is not None and other.id == site.id:
            continue
        if other.name.lower() == name.lower():
            raise Conflict(say("there is a site with the name {name} already", name=other.name))
        shared = set(other.domains) & set(domains)
        if shared and other.archived_at is None:
            raise Conflict(say("{first} belongs to the site {name} already", first=min(shared), name=other.name))


def competitors(uow: UnitOfWork, site_id: int) -> list[Competitor]:
    """The competitors of a site, oldest first."""
    get(uow, site_id)
    statement = select(Competitor).where(col(Competitor.site_id) == site_id).order_by(col(Competitor.id))
    return list(uow.session.execute(statement).scalars())


def add_competitor(
    uow: UnitOfWork, site_id: int, domain: str, *, name: str | None = None, sisters: Iterable[str] = ()
) -> tuple[Competitor, str | None]:
    """Add a competitor; the second value is an advice in a sentence, or None. `sisters` are other domains of its house.

    Raises BadInput (fields `domain`, `sisters`) for what is no domain or is the site's own; Conflict for one that is there already
    or for the eleventh.
    """
    site = get(uow, site_id)
    key = registrable_domain(domain.strip())
    if key is None:
        raise BadInput(
            say("'{domain}' is not a domain", domain=domain),
            FieldProblem("domain", say("Enter a domain such as rival.com, without a path")),
        )
    if key in site.domains:
        raise BadInput(
            say("{key} is {name}'s own domain", key=key, name=site.name),
            FieldProblem("domain", say("Enter the domain of somebody else")),
        )
    known = competitors(uow, site_id)
    if any(other.domain == key for other in known):
        raise Conflict(say("{key} is a competitor of {name} already", key=key, name=site.name))
    if len(known) >= MOST_COMPETITORS:
        raise Conflict(
            say(
                "a site has at most {most_competitors} competitors; remove one first", most_competitors=MOST_COMPETITORS
            )
        )
    made = Competitor(
        site_id=site_id, domain=key, name=name, sisters=_clean_sisters(site, key, sisters), created_at=uow.now()
    )
    uow.session.add(made)
    uow.session.flush()
    audit.record(uow, "competitor.added", "competitor", made.id, name=key, after={"site": site.name})
    advice = None
    if len(known) + 1 > ADVISED_COMPETITORS:
        advice = (
            f"{len(known) + 1} competitors: more than {ADVISED_COMPETITORS} add noise, because fewer sites link to all"
        )
    return made, advice


def set_sisters(uow: UnitOfWork, site_id: int, competitor_id: int, sisters: Iterable[str]) -> Competitor:
    """Say which other domains belong to a competitor's house; counts from the next gap on. Raises NotFound, BadInput (field `sisters`)."""
    site = get(uow, site_id)
    found = uow.session.get(Competitor, competitor_id)
    if found is None or found.site_id != site_id:
        raise NotFound(
            say("the site {site_id} has no competitor {competitor_id}", site_id=site_id, competitor_id=competitor_id)
        )
    before = list(found.sisters)
    found.sisters = _clean_sisters(site, found.domain, sisters)
    uow.session.flush()
    audit.record(
        uow,
        "competitor.changed",
        "competitor",
        found.id,
        name=found.domain,
        before={"sisters": before},
        after={"sisters": found.sisters},
    )
    return found


def _clean_sisters(site: Site, domain: str, sisters: Iterable[str]) -> list[str]:
    found: dict[str, None] = {}
    for given in sisters:
        key = registrable_domain(given.strip())
        if key is None:
            raise BadInput(
                say("'{given}' is not a domain", given=given),
                FieldProblem("sisters", say("Enter domains such as rival.net, without a path")),
            )
        if key in site.domains:
            raise BadInput(
                say("{key} is {name}'s own domain", key=key, name=site.name),
                FieldProblem("sisters", say("{key} is a domain of yours", key=key)),
            )
        if key != domain:
            found[key] = None
    return list(found)


def remove_competitor(uow: UnitOfWork, site_id: int, competitor_id: int) -> None:
    """Take a competitor off the list; its snapshots stay. Raises NotFound."""
    found = uow.session.get(Competitor, competitor_id)
    if found is None or found.site_id != site_id:
        raise NotFound(
            say("the site {site_id} has no competitor {competitor_id}", site_id=site_id, competitor_id=competitor_id)
        )
    before = {"site": get(uow, site_id).name}
    audit.record(uow, "competitor.removed", "competitor", competitor_id, name=found.domain, before=before)
    uow.session.execute(delete(Competitor).where(col(Competitor.id) == competitor_id))
