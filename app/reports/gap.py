"""The gap review: a site's gap domains under filters, how many each floor hides, and how old the data is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Select, and_, case, false, func, or_, select, tuple_
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.gap import BASELINE_PROVIDER, PROVIDER_ORDER, follow_of
from app.domain.pipeline import Stage
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.models import Prospect, Site, Snapshot
from app.reports.sql import Row, columns, rows

# Counting stops here, and the page says so; otherwise its cost would grow with the table.
MOST_COUNTED = 100_000

_EARLY = (Stage.PROSPECT, Stage.CHECKED_MENTION)
_RULE, _STATE = col(Prospect.removed_by) != [], col(Prospect.gap_state).is_not(None)

#: What can be looked at: the stages, and the test: a rule has removed the domain, or the newest lists show that it is no gap.
VIEWS: dict[str, tuple[tuple[Stage, ...], Any]] = {
    "open": (_EARLY, and_(~_RULE, ~_STATE)),
    "working": ((Stage.PITCHED, Stage.FOLLOWED_UP, Stage.WON), ~_RULE),
    "excluded": ((Stage.LOST,), ~_RULE),
    "closed": (_EARLY, _STATE),
    "removed": (_EARLY, and_(_RULE, ~_STATE)),
}
ORDERS = ("rank", "domain", "authority", "traffic", "fit", "winnability")


@dataclass(frozen=True, slots=True)
class Filter:
    """What a person asks for. A floor of None asks nothing; authority counts on the scale of `provider` alone.

    A floor hides only what is known to lie below it: without a figure nothing can be decided, and the row stays, unless
    `known_only`. `hidden_only` turns the list round: what at least one floor hides.
    """

    site_id: int
    view: str = "open"
    tier: int | None = None
    authority: float | None = None
    provider: str = BASELINE_PROVIDER
    traffic: int | None = None
    dofollow: bool = False
    fit: int | None = None
    languages: tuple[str, ...] = ()
    known_only: bool = False
    hidden_only: bool = False
    order: str = "rank"


def filter_of(given: Mapping[str, str], site: Site) -> Filter:
    """The filter that the fields of an address, a form or a saved view say; of `site`, whatever they say of it.

    Raises BadInput with the field; a view, order or scale that is unknown is the usual one.
    """
    tier = given.get("tier", "")
    view, order, provider = given.get("view", "open"), given.get("order", "rank"), given.get("provider", "")
    return Filter(
        site.id,
        view=view if view in VIEWS else "open",
        tier=int(tier) if tier in ("1", "2", "3") else None,
        authority=_figure(given, "authority", 100, say("Enter a number from 0 to 100")),
        provider=provider if provider in PROVIDER_ORDER else BASELINE_PROVIDER,
        traffic=_figure(given, "traffic", 2**31 - 1, say("Enter a whole number of visits a month")),
        dofollow=given.get("dofollow") == "on",
        fit=_figure(given, "fit", 100, say("Enter a number from 0 to 100")),
        languages=tuple(site.languages) if given.get("language") == "on" else (),
        known_only=given.get("known") == "on",
        hidden_only=given.get("hidden") == "on",
        order=order if order in ORDERS else "rank",
    )


def _figure(given: Mapping[str, str], name: str, most: int, problem: str) -> int | None:
    text = given.get(name, "").strip()
    if not text:
        return None
    # Ten digits: what is longer may be longer than Python reads.
    if not text.isdecimal() or len(text) > 10 or int(text) > most:
        raise BadInput(say("a filter cannot be read"), FieldProblem(name, problem))
    return int(text)


def fields_of(asked: Filter) -> dict[str, Any]:
    """The filter as fields of an address, always in one order and without what says nothing."""
    fields: dict[str, Any] = {
        "site": asked.site_id,
        "view": asked.view if asked.view != "open" else None,
        "tier": asked.tier,
        "authority": int(asked.authority) if asked.authority is not None else None,
        "provider": asked.provider if asked.provider != BASELINE_PROVIDER else None,
        "traffic": asked.traffic,
        "dofollow": "on" if asked.dofollow else None,
        "fit": asked.fit,
        "language": "on" if asked.languages else None,
        "known": "on" if asked.known_only else None,
        "hidden": "on" if asked.hidden_only else None,
        "order": asked.order if asked.order != "rank" else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Account:
    """`total` domains in the view, of them `hidden` by floors. `by` and `alone`: how many each floor hides, and how many
    nothing else hides; `unknown`: how many each could not decide; `undecided`: shown although a floor could not be decided. `capped`: counting stopped at MOST_COUNTED.
    """

    total: int
    hidden: int
    by: dict[str, int]
    alone: dict[str, int]
    undecided: int
    capped: bool
    unknown: dict[str, int] = field(default_factory=dict)
    known_only: bool = False

    def fails(self, name: str) -> int:
        """How many are known to lie below a floor."""
        return self.by[name] - self.unknown[name] if self.known_only else self.by[name]

    def passes(self, name: str) -> int:
        """How many are known to meet a floor."""
        return self.total - self.fails(name) - self.unknown[name]

    @property
    def costliest(self) -> str | None:
        """The floor that hides most; None where none hides anything."""
        name = max(self.by, key=lambda one: self.by[one], default=None)
        return name if name is not None and self.by[name] else None


def _tests(asked: Filter) -> dict[str, tuple[Any, Any]]:
    """For each floor: what is known to fail it, and what is not known."""
    found: dict[str, tuple[Any, Any]] = {}
    if asked.authority is not None:
        scale = func.lower(func.coalesce(col(Prospect.authority_provider), "")) == asked.provider
        known = and_(scale, col(Prospect.authority).is_not(None))
        found["authority"] = (and_(known, col(Prospect.authority) < asked.authority), ~known)
    if asked.traffic is not None:
        found["traffic"] = (col(Prospect.traffic) < asked.traffic, col(Prospect.traffic).is_(None))
    if asked.dofollow:
        found["dofollow"] = (col(Prospect.dofollow).is_(False), col(Prospect.dofollow).is_(None))
    if asked.fit is not None:
        found["fit"] = (col(Prospect.fit) < asked.fit, col(Prospect.fit).is_(None))
    if asked.languages:
        # What tools say is a code, a code with a region, or a short list of them.
        said = func.replace(func.lower(col(Prospect.language)), "_", "-")
        ours = or_(
            *(
                form
                for code in asked.languages
                for form in (said == code, said.like(f"{code}-%"), said.like(f"{code},%"), said.like(f"%, {code}%"))
            )
        )
        unknown = or_(col(Prospect.language).is_(None), col(Prospect.language) == "")
        found["language"] = (and_(~unknown, ~ours), unknown)
    return found


def _hides(asked: Filter) -> dict[str, Any]:
    """For each floor 1 where it hides the row, else 0."""
    return {
        name: case((or_(fails, unknown) if asked.known_only else fails, 1), else_=0)
        for name, (fails, unknown) in _tests(asked).items()
    }


def _base(asked: Filter, statement: Select[Any]) -> Select[Any]:
    stages, fits = VIEWS[asked.view]
    statement = statement.where(
        col(Prospect.site_id) == asked.site_id,
        col(Prospect.stage).in_(stages),
        col(Prospect.overlap).is_not(None),
        fits,
    )
    if asked.tier is not None:
        statement = statement.where(col(Prospect.tier) == asked.tier)
    return statement


def account(uow: UnitOfWork, asked: Filter) -> Account:
    """What the floors hide, in one statement."""
    hides = _hides(asked)
    doubts = {name: case((unknown, 1), else_=0) for name, (_fails, unknown) in _tests(asked).items()}
    undecided = [unknown for _fails, unknown in _tests(asked).values()]
    unsure = case((or_(*undecided), 1), else_=0) if undecided else func.coalesce(None, 0)
    inner = _base(
        asked,
        select(
            col(Prospect.id),
            unsure.label("unsure"),
            *(one.label(name) for name, one in hides.items()),
            *(one.label(f"doubt_{name}") for name, one in doubts.items()),
        ),
    )
    sub = inner.limit(MOST_COUNTED).subquery()
    flags = [sub.c[name] for name in hides]
    together = sum(flags[1:], flags[0]) if flags else None
    counts: list[Any] = [func.count()]
    if together is not None:
        counts.append(func.sum(case((together > 0, 1), else_=0)))
        counts.append(func.sum(case((and_(together == 0, sub.c.unsure == 1), 1), else_=0)))
        counts += [func.sum(flag) for flag in flags]
        counts += [func.sum(case((and_(flag == 1, together == 1), 1), else_=0)) for flag in flags]
        counts += [func.sum(sub.c[f"doubt_{name}"]) for name in hides]
    row = [int(value or 0) for value in uow.session.execute(select(*counts).select_from(sub)).one()]
    if together is None:
        return Account(row[0], 0, {}, {}, 0, row[0] == MOST_COUNTED)
    names, middle, last = list(hides), 3 + len(hides), 3 + 2 * len(hides)
    return Account(
        row[0],
        row[1],
        dict(zip(names, row[3:middle], strict=True)),
        dict(zip(names, row[middle:last], strict=True)),
        row[2],
        row[0] == MOST_COUNTED,
        dict(zip(names, row[last:], strict=True)),
        asked.known_only,
    )


_COLUMNS = (
    Prospect.id,
    Prospect.domain,
    Prospect.stage,
    Prospect.tier,
    Prospect.overlap,
    Prospect.competitors,
    Prospect.follow,
    Prospect.dofollow,
    Prospect.authority,
    Prospect.authority_provider,
    Prospect.traffic,
    Prospect.best_page,
    Prospect.anchor,
    Prospect.mention,
    Prospect.verification,
    Prospect.removed_by,
    Prospect.gap_state,
    Prospect.gap_seen,
    Prospect.language,
    Prospect.language_source,
    Prospect.winnability,
    Prospect.gate,
    Prospect.fit,
    Prospect.fit_page_id,
    Prospect.fit_words,
    Prospect.fit_unknown,
    Prospect.rank_key,
)


#: More than any authority has: figures of one scale stand together, and no two scales are compared.
_SCALE = 1_000


def _scale(provider: str | None) -> int:
    """Where the scale of a tool stands among those in a list by authority; the first is the highest."""
    known = PROVIDER_ORDER.index(provider) if provider in PROVIDER_ORDER else len(PROVIDER_ORDER)
    return (len(PROVIDER_ORDER) - known) * _SCALE


def _value(order: str) -> Any:
    if order == "domain":
        return col(Prospect.domain)
    if order == "rank":
        return col(Prospect.rank_key)
    if order == "authority":
        scale = case(*((col(Prospect.authority_provider) == name, _scale(name)) for name in PROVIDER_ORDER), else_=0)
        return func.coalesce(col(Prospect.authority) + scale, -1)
    return func.coalesce(col(getattr(Prospect, order)), -1)


def position(row: Row, order: str) -> tuple[Any, int]:
    """Where a row stands in an order, for the address of the page that follows it."""
    if order in ("rank", "domain"):
        return row["rank_key" if order == "rank" else "domain"], row["id"]
    if row[order] is None:
        return -1, row["id"]
    return row[order] + (_scale(row["authority_provider"]) if order == "authority" else 0), row["id"]


def listing(uow: UnitOfWork, asked: Filter, *, after: tuple[Any, int] | None = None, limit: int = 50) -> list[Row]:
    """The domains that pass, in the order asked for (figures: the largest first, unknown last); `after` as `position` says.

    `linking` of a row says of each competitor that it links to whether a link is followed.
    """
    statement = _passing(asked, columns(*_COLUMNS))
    if after is not None:
        value, number = _value(asked.order), col(Prospect.id)
        if asked.order in ("rank", "domain"):
            statement = statement.where(tuple_(value, number) > after)
        else:
            statement = statement.where(or_(value < after[0], and_(value == after[0], number > after[1])))
    found = rows(uow, statement.limit(limit))
    for row in found:
        row["linking"] = follow_of(row["competitors"], row["follow"], row["dofollow"])
    return found


def _through(asked: Filter, statement: Select[Any]) -> Select[Any]:
    """What the filter shows, in no order."""
    statement = _base(asked, statement)
    hides = list(_hides(asked).values())
    if asked.hidden_only:
        return statement.where(or_(false(), *(hidden == 1 for hidden in hides)))
    return statement.where(*(hidden == 0 for hidden in hides))


def _passing(asked: Filter, statement: Select[Any]) -> Select[Any]:
    statement = _through(asked, statement)
    value = _value(asked.order)
    return statement.order_by(value if asked.order in ("rank", "domain") else value.desc(), col(Prospect.id))


def passing(uow: UnitOfWork, asked: Filter) -> list[int]:
    """The ids of all domains that pass at one moment, in the order asked for."""
    return list(uow.session.execute(_passing(asked, columns(Prospect.id))).scalars())


def of_ids(uow: UnitOfWork, ids: Sequence[int]) -> list[Row]:
    """The rows of some domains in the order of `ids`, as they are now; what is not there any more is left out."""
    found = {row["id"]: row for row in rows(uow, columns(*_COLUMNS).where(col(Prospect.id).in_(ids)))}
    return [found[number] for number in ids if number in found]


def to_add(uow: UnitOfWork, asked: Filter, *, limit: int) -> list[int]:
    """The ids of those that pass, best first, for adding all of them: before the others those that nobody has asked for yet.

    So the next call goes on where the last one ended, though what was added stays in the view.
    """
    statement = _through(asked, columns(Prospect.id))
    unasked = and_(
        col(Prospect.stage) == Stage.PROSPECT, col(Prospect.mention_due_at).is_(None), col(Prospect.mention).is_(None)
    )
    order = (case((unasked, 0), else_=1), col(Prospect.rank_key), col(Prospect.id))
    return list(uow.session.execute(statement.order_by(*order).limit(limit)).scalars())


def data_since(uow: UnitOfWork, site_id: int) -> tuple[int, date | None]:
    """How many imports a site has, and the date of the newest data."""
    count, as_of, stored = uow.session.execute(
        select(func.count(), func.max(col(Snapshot.as_of)), func.max(col(Snapshot.created_at))).where(
            col(Snapshot.site_id) == site_id
        )
    ).one()
    return int(count), as_of or (stored.date() if stored else None)
