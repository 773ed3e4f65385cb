"""What the reasons of the skips suggest for the floors of each site, with what a floor would take out of the gap."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.pipeline import LostReason, Stage
from app.domain.places import language_of
from app.domain.skip_advice import FEWEST, Advised, AdvisedLanguages, floor_from, languages_from
from app.models import Decision, DecisionKind, Prospect, Site
from app.reports import gap
from app.reports.sql import Row, columns, rows

_SINCE = timedelta(days=90)
# So many of the newest are looked at on each side.
_MOST = 2_000


@dataclass(frozen=True, slots=True)
class FloorAdvice:
    """A floor for a site. `asked` is the filter of the gap review with it, and `hides` of what is open there lie below."""

    site: str
    reason: LostReason
    advised: Advised
    asked: gap.Filter
    hides: int


@dataclass(frozen=True, slots=True)
class LanguageAdvice:
    """Languages for a site that asks for none yet."""

    site: str
    site_id: int
    advised: AdvisedLanguages


def advice(uow: UnitOfWork) -> list[FloorAdvice | LanguageAdvice]:
    """For each site that is worked on: what its skips of the last 90 days suggest, as far as the floor would hide something today.

    Weak sites speak for a floor of authority, on the scale of the tool that most of them have; what is not relevant for one of topic fit.
    """
    skipped: dict[int, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows(uow, _skips(uow.now() - _SINCE)):
        skipped[row["site_id"]][(row["data"] or {}).get("reason", "")].append(row)
    found: list[FloorAdvice | LanguageAdvice] = []
    statement = columns(Site.id, Site.name, Site.language, Site.languages)
    for site in rows(uow, statement.where(col(Site.archived_at).is_(None), col(Site.id).in_(skipped))):
        mine = skipped[site["id"]]
        if max(map(len, mine.values())) >= FEWEST:
            found += _of_site(uow, site, mine, rows(uow, _written(site["id"])))
    return found


def _of_site(
    uow: UnitOfWork, site: Row, skipped: dict[str, list[Row]], written: list[Row]
) -> list[FloorAdvice | LanguageAdvice]:
    found: list[FloorAdvice | LanguageAdvice] = []
    weak = [one for one in skipped.get(LostReason.WEAK_SITE, ()) if one["authority"] is not None]
    scales = Counter(_scale_of(one) for one in weak)
    for scale, _ in scales.most_common(1):
        figures = [
            [one["authority"] for one in lines if one["authority"] is not None and _scale_of(one) == scale]
            for lines in (weak, written)
        ]
        made = floor_from(*figures)
        if made is not None and scale:
            asked = gap.Filter(site["id"], authority=made.floor, provider=scale, hidden_only=True)
            found += _if_it_hides(uow, site, LostReason.WEAK_SITE, made, asked)
    fits = [
        [one["fit"] for one in lines if one["fit"] is not None]
        for lines in (skipped.get(LostReason.NOT_RELEVANT, ()), written)
    ]
    made = floor_from(*fits)
    if made is not None:
        asked = gap.Filter(site["id"], fit=made.floor, hidden_only=True)
        found += _if_it_hides(uow, site, LostReason.NOT_RELEVANT, made, asked)
    if not site["languages"]:
        spoken = [
            [language for one in lines if (language := language_of(one["language"])[0])]
            for lines in (skipped.get(LostReason.WRONG_LANGUAGE, ()), written)
        ]
        advised = languages_from(spoken[0], spoken[1], language_of(site["language"])[0])
        if advised is not None:
            found.append(LanguageAdvice(site["name"], site["id"], advised))
    return found


def _if_it_hides(
    uow: UnitOfWork, site: Row, reason: LostReason, made: Advised, asked: gap.Filter
) -> list[FloorAdvice | LanguageAdvice]:
    hides = gap.account(uow, asked).hidden
    return [FloorAdvice(site["name"], reason, made, asked, hides)] if hides else []


def _scale_of(row: Row) -> str:
    return (row["authority_provider"] or "").lower()


_FIGURES = (
    Prospect.site_id,
    Prospect.authority,
    Prospect.authority_provider,
    Prospect.fit,
    Prospect.language,
)


def _skips(since: datetime) -> Any:
    # Of what was skipped, put back and skipped again, the last reason counts.
    last = (
        select(func.max(col(Decision.id)))
        .where(col(Decision.kind) == DecisionKind.SKIP, col(Decision.undone_at).is_(None), col(Decision.at) >= since)
        .group_by(col(Decision.prospect_id))
    )
    return (
        columns(*_FIGURES, Decision.data)
        .join(Decision, col(Decision.prospect_id) == col(Prospect.id))
        .where(col(Decision.id).in_(last), col(Prospect.stage) == Stage.LOST)
        .order_by(col(Decision.id).desc())
        .limit(_MOST)
    )


def _written(site_id: int) -> Any:
    return (
        columns(*_FIGURES)
        .where(
            col(Prospect.site_id) == site_id,
            col(Prospect.stage).in_((Stage.PITCHED, Stage.FOLLOWED_UP, Stage.WON)),
        )
        .order_by(col(Prospect.id).desc())
        .limit(_MOST)
    )
