"""Removals and gates that people take back: a rule for a site, or one domain. Who did it and when is kept, and it can be ended."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, String, and_, cast, literal, or_, select, tuple_
from sqlmodel import col

from app.audit import service as audit
from app.db.work import UnitOfWork
from app.domain.gap import LINKED_BY_DATA, GapState
from app.domain.pipeline import Stage
from app.domain.said import say
from app.domain.winnability import GATES
from app.errors import BadInput, FieldProblem, NotFound
from app.gaps import removals
from app.gaps.amend import ALL, FINAL
from app.gaps.judging import ReadPage, Wishes, our_text
from app.keys import site_key
from app.models import KeptRemoval, Page, Prospect, RemovedGap, Site
from app.prospects import service as prospects
from app.sites import service as sites
from app.topics import OurText

_BATCH = 1_000


def rules() -> list[str]:
    """Every removal and gate that can be taken back, by name."""
    return sorted({*removals.names(), *GATES, LINKED_BY_DATA} - set(FINAL))


def check_rule(rule: str) -> None:
    """Raise BadInput (field `rule`) for a rule that there is not, or that nobody takes back."""
    if rule not in rules():
        raise BadInput(
            say(
                "there is no removal '{rule}' that can be taken back; there are {names}",
                rule=rule,
                names=", ".join(rules()),
            ),
            FieldProblem("rule", say("Use one of {names}", names=", ".join(rules()))),
        )


def keep_rule(uow: UnitOfWork, site_id: int, rule: str, *, actor: str) -> KeptRemoval:
    """Take a rule back for a site: what nothing else removes becomes a prospect now, and no later computation applies the rule.

    The same again changes nothing. Raises BadInput (field `rule`), NotFound.
    """
    check_rule(rule)
    made = _note(uow, site_id, rule, None, actor)
    while True:
        # Rows whose rules hold this one shrink with each batch, so the loop ends.
        found = [one for one in _removed_by(uow, site_id, rule) if rule in one.removed_by][:_BATCH]
        for row in found:
            _restore(uow, row, rule, actor=actor)
        uow.session.flush()
        if len(found) < _BATCH:
            break
    for prospect in _touched(uow, site_id, rule):
        _free(uow, prospect, rule, actor=actor)
    return made


def keep_row(uow: UnitOfWork, site_id: int, domain: str, *, rule: str = ALL, actor: str) -> KeptRemoval:
    """Take every rule (or one) back for a domain, now and in later computations. Raises BadInput, and NotFound for an unknown one."""
    if rule != ALL:
        check_rule(rule)
    key = site_key(domain.strip()) or domain.strip()
    row = uow.session.execute(
        select(RemovedGap).where(col(RemovedGap.site_id) == site_id, col(RemovedGap.domain) == key)
    ).scalar_one_or_none()
    prospect = _prospect(uow, site_id, key)
    if row is None and prospect is None:
        raise NotFound(say("the gap of this site has no {key}", key=key))
    final = set(row.removed_by if row else prospect.removed_by if prospect else ()) & set(FINAL)
    if final:
        raise BadInput(
            say("{key} is no gap ({first}); that cannot be taken back", key=key, first=min(final)),
            FieldProblem("domain", say("Choose another row")),
        )
    made = _note(uow, site_id, rule, key, actor)
    if row is not None:
        _restore(uow, row, rule, actor=actor)
    elif prospect is not None:
        _free(uow, prospect, rule, actor=actor)
    uow.session.flush()
    return made


def end(uow: UnitOfWork, site_id: int, kept_id: int, *, actor: str) -> KeptRemoval:
    """Apply the rule again, from the next computation on. Raises NotFound."""
    found = uow.session.get(KeptRemoval, kept_id)
    if found is None or found.site_id != site_id:
        raise NotFound(say("the site {site_id} keeps no removal {kept_id}", site_id=site_id, kept_id=kept_id))
    if found.ended_at is None:
        found.ended_at, found.ended_by = uow.now(), actor
        audit.record(uow, "removal.applied-again", "removal", found.id, name=found.domain or found.rule, actor=actor)
    return found


def listing(uow: UnitOfWork, site_id: int, *, ended: bool = False) -> list[KeptRemoval]:
    """What a site has taken back, the newest first; `ended` adds what is over."""
    statement = select(KeptRemoval).where(col(KeptRemoval.site_id) == site_id).order_by(col(KeptRemoval.id).desc())
    if not ended:
        statement = statement.where(col(KeptRemoval.ended_at).is_(None))
    return list(uow.session.execute(statement).scalars())


def removed(
    uow: UnitOfWork, site_id: int, *, rule: str | None = None, after: tuple[str, int] | None = None, limit: int = 50
) -> list[RemovedGap]:
    """What rules (or one) have taken off the list, best first; `after` is the (rank key, id) of the last row of the page before."""
    statement = select(RemovedGap).where(col(RemovedGap.site_id) == site_id)
    if rule is not None:
        statement = statement.where(_names(rule))
    if after is not None:
        statement = statement.where(tuple_(col(RemovedGap.rank_key), col(RemovedGap.id)) > after)
    return list(
        uow.session.execute(statement.order_by(col(RemovedGap.rank_key), col(RemovedGap.id)).limit(limit)).scalars()
    )


def wishes(uow: UnitOfWork, site_id: int) -> Wishes:
    """How the gap of a site is judged."""
    site = sites.get(uow, site_id)
    kept = listing(uow, site_id)
    by_domain: dict[str, set[str]] = {}
    for one in kept:
        if one.domain is not None:
            by_domain.setdefault(one.domain, set()).add(one.rule)
    read = uow.session.execute(
        select(
            col(Prospect.domain), col(Prospect.best_page), col(Prospect.page_language), col(Prospect.page_words)
        ).where(
            col(Prospect.site_id) == site_id,
            or_(col(Prospect.page_language).is_not(None), cast(col(Prospect.page_words), String) != "[]"),
        )
    )
    return Wishes(
        tuple(site.languages),
        tuple(our_texts(uow, site)),
        tuple(one.rule for one in kept if one.domain is None),
        {domain: frozenset(found) for domain, found in by_domain.items()},
        {domain: ReadPage(page, language, tuple(words or ())) for domain, page, language, words in read if page},
    )


def our_texts(uow: UnitOfWork, site: Site) -> list[OurText]:
    """The pages that a site promotes, as topics are compared with; the key of a page is its id."""
    return texts_of(site, sites.pages(uow, site.id))


def texts_of(site: Site, pages: Sequence[Page]) -> list[OurText]:
    """These pages of a site in the same form."""
    languages = tuple(site.languages) or ((site.language,) if site.language else ())
    return [
        our_text(str(page.id), page.url, page.title, page.topic, page.summary, languages=languages) for page in pages
    ]


def _note(uow: UnitOfWork, site_id: int, rule: str, domain: str | None, actor: str) -> KeptRemoval:
    sites.get(uow, site_id)
    for one in listing(uow, site_id):
        if (one.rule, one.domain) == (rule, domain):
            return one
    made = KeptRemoval(site_id=site_id, rule=rule, domain=domain, by=actor, at=uow.now())
    uow.session.add(made)
    uow.session.flush()
    after = {"site": site_id, "rule": rule, "domain": domain}
    audit.record(uow, "removal.taken-back", "removal", made.id, name=domain or rule, after=after, actor=actor)
    return made


def _names(rule: str) -> ColumnElement[bool]:
    # The lists are short texts on one database and documents on the other: their text is looked at on both.
    return cast(col(RemovedGap.removed_by), String).contains(f'"{rule}"', autoescape=True)


def _removed_by(uow: UnitOfWork, site_id: int, rule: str) -> list[RemovedGap]:
    statement = select(RemovedGap).where(col(RemovedGap.site_id) == site_id, _names(rule))
    return list(uow.session.execute(statement.order_by(col(RemovedGap.id)).limit(_BATCH)).scalars())


def _touched(uow: UnitOfWork, site_id: int, rule: str) -> Sequence[Prospect]:
    text = cast(col(Prospect.removed_by), String)
    return list(
        uow.session.execute(
            select(Prospect).where(
                col(Prospect.site_id) == site_id,
                or_(
                    col(Prospect.gate) == rule,
                    text.contains(f'"{rule}"', autoescape=True),
                    and_(col(Prospect.gap_state) == GapState.LINKED, literal(rule == LINKED_BY_DATA)),
                ),
            )
        ).scalars()
    )


def _without(listed: Sequence[str], rule: str) -> list[str]:
    return [one for one in listed if one in FINAL or rule not in (ALL, one)]


def _restore(uow: UnitOfWork, row: RemovedGap, rule: str, *, actor: str) -> None:
    """Take a rule off a removed row; with none left it is a prospect whose page is due to be looked at."""
    left = _without(row.removed_by, rule)
    prospect = _prospect(uow, row.site_id, row.domain)
    if prospect is not None:
        _free(uow, prospect, rule, actor=actor)
    if left:
        row.removed_by = left
        return
    if prospect is None:
        prospect = Prospect(
            site_id=row.site_id,
            domain=row.domain,
            mention_due_at=uow.now(),
            created_at=uow.now(),
            updated_at=uow.now(),
            **row.evidence(),
        )
        uow.session.add(prospect)
        uow.session.flush()
        prospects.note(uow, prospect.id, "removal_taken_back", actor=actor, rule=rule)
    uow.session.delete(row)


def _free(uow: UnitOfWork, prospect: Prospect, rule: str, *, actor: str) -> None:
    opened = prospect.gate is not None and rule in (ALL, prospect.gate)
    unlinked = prospect.gap_state is GapState.LINKED and rule in (ALL, LINKED_BY_DATA)
    left = _without(prospect.removed_by, rule)
    if not opened and not unlinked and left == prospect.removed_by:
        return
    if opened:
        prospect.gate = None
    if unlinked:
        prospect.gap_state = prospect.gap_seen = None
    if prospect.gate is None and prospect.gap_state is None:
        prospect.rank_key = f"{min(max(prospect.tier or 9, 1), 9)}{prospect.rank_key[1:]}"
    back = bool(prospect.removed_by) and not left
    prospect.removed_by, prospect.updated_at = left, uow.now()
    if back and prospect.stage is Stage.PROSPECT and prospect.mention is None:
        prospect.mention_due_at = uow.now()
    prospects.note(uow, prospect.id, "removal_taken_back", actor=actor, rule=rule)


def _prospect(uow: UnitOfWork, site_id: int, domain: str) -> Prospect | None:
    found: Prospect | None = uow.session.execute(
        select(Prospect).where(col(Prospect.site_id) == site_id, col(Prospect.domain) == domain)
    ).scalar_one_or_none()
    return found
