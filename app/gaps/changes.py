"""What changed in a gap since the last look: new gaps, closed ones, lost ground. A loss is told only where the data can prove it.

A list that is cut by its tool or looks so, that is gone, or that was never of the same tool says nothing about what is missing in it;
such losses are counted as held back, with the reason.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.proof import Doubt, doubt, shows_others
from app.domain.said import say
from app.errors import Unavailable
from app.gaps.analyze import Analysis
from app.gaps.closeup import overlap_matrix
from app.gaps.detect import Scope, scope_by_name
from app.gaps.engine import Engine, literal
from app.gaps.formats import FILTERED, PARTIAL, SAMPLES
from app.gaps.shelf import Place, Shelf
from app.models import ChangeKind, GapChange, GapRefresh, Snapshot

_BATCH = 5_000
_KEPT_STATES = 2
_STATES = "states"
_FIELDS = ("class", "tier", "overlap", "competitors", "links_to_us")
#: Stands in `shown_by` for our own links; a competitor is named by its domain.
_OURS = "ours"

# Each kind with the test that makes it, over the old row `o` and the new row `n` of one domain; the first that holds counts.
# A removed row is no gap; one that was removed as lost is the tool's own word that the link is gone.
_O_GAP = "coalesce(o.tier IS NOT NULL AND o.removed_by = '', false)"
_N_GAP = "coalesce(n.tier IS NOT NULL AND n.removed_by = '', false)"
_WAS_OURS = "coalesce(o.links_to_us, 0) > 0"
_IS_OURS = "coalesce(n.links_to_us, 0) > 0"
_KINDS: Mapping[ChangeKind, str] = {
    ChangeKind.CLOSED: f"{_O_GAP} AND {_IS_OURS}",
    ChangeKind.LOST_GROUND: f"{_WAS_OURS} AND NOT {_IS_OURS} AND n.tier IS NOT NULL",
    ChangeKind.LOST_LINK: f"{_WAS_OURS} AND NOT {_IS_OURS}",
    ChangeKind.NEW_GAP: f"{_N_GAP} AND NOT {_O_GAP} AND NOT {_WAS_OURS}",
    ChangeKind.STRONGER: f"{_N_GAP} AND {_O_GAP} AND n.overlap > o.overlap",
    ChangeKind.GONE: f"{_O_GAP} AND (n.domain IS NULL OR n.removed_by = 'lost' OR n.overlap = 0)",
}
_WHY = {
    Doubt.SAMPLE: say("the list of {target} shows a sample of the links only ({file})"),
    Doubt.FILTERED: say("the list of {target} does not say which tab or filter it was made from ({file})"),
    Doubt.UNDATED: say("the list of {target} has no date, so it may be older than the list before it ({file})"),
    Doubt.CUT: say("the list of {target} is cut at its tool's limit ({file})"),
    Doubt.ROUND: say("the list of {target} has {now:,} rows, a round number at which it may be cut ({file})"),
    Doubt.SCOPE: say(
        "the list of {target} may be of another scope than the list before it, by the names of the two ({file})"
    ),
    Doubt.SHRUNK: say(
        "the list of {target} has {now:,} rows instead of {was:,}, so it may be cut or filtered ({file})"
    ),
    Doubt.OTHER: say(
        "the list of {target} has {now:,} of the {was:,} sites that the look before has shown, so it may be another part of the links"
    ),
}
_COMPARED = (Doubt.UNDATED, Doubt.SCOPE, Doubt.SHRUNK)
_OURS_LOST = (ChangeKind.LOST_GROUND, ChangeKind.LOST_LINK)


def record(
    uow: UnitOfWork,
    site_id: int,
    analysis: Analysis,
    snapshots: Sequence[Snapshot],
    compared: Compared,
    *,
    folder: Place,
    actor: str,
) -> GapRefresh | None:
    """Keep this computation and what it changed against the last one; None where it is over the same snapshots.

    The first computation of a site has no changes. `compared` is what `compare` has found beside the last one. `folder` is the data folder's `snapshots/`; the state lies in `states/` there.
    """
    ids = sorted(one.id for one in snapshots)
    last = _last(uow, site_id)
    if last is not None and sorted(last.snapshots) == ids:
        return None
    shelf = Shelf(folder)
    name = f"{site_id}-{uuid.uuid4().hex}.parquet"
    # Names and not bits: the order of the competitors may be another one at the next look.
    names = {0: _OURS, **dict(enumerate(analysis.competitors, 1))}
    shown = ", ".join(
        f"CASE WHEN mask_shown & {1 << side} <> 0 THEN {literal(name)} END" for side, name in names.items()
    )
    columns = ", ".join(
        [*(f'"{field}"' for field in ("domain", *_FIELDS, "removed_by")), f"concat_ws('|', {shown}) AS shown_by"]
    )
    with shelf.draft(f"{_STATES}/{name}") as draft:
        analysis.engine.run(f"COPY (SELECT {columns} FROM gap) TO {literal(str(draft))} (FORMAT parquet)")
    made = GapRefresh(site_id=site_id, state=name, snapshots=ids, counts={}, actor=actor, at=uow.now())
    uow.session.add(made)
    uow.session.flush()
    if last is not None and shelf.has(f"{_STATES}/{last.state}"):
        counts, held, why = _write(
            uow, made, analysis.engine, shelf.url(f"{_STATES}/{last.state}"), compared.doubts, analysis.own_domains
        )
        made.counts, made.held_back = dict(counts), held
        made.held_back_why = sorted(why)
        uow.session.add(made)
        uow.session.flush()
    _forget(uow, site_id, shelf)
    return made


def note_account(uow: UnitOfWork, site_id: int, analysis: Analysis) -> None:
    """Keep the account of this computation with the site's latest one, which may be over the same lists, judged otherwise."""
    last = _last(uow, site_id)
    if last is not None:
        # Rejected rows are with the import that they are of.
        files = [
            {name: value for name, value in one.items() if name != "rejected"} for one in analysis.summary["files"]
        ]
        matrix = overlap_matrix(analysis.engine, analysis.competitors)
        last.summary = {**analysis.summary, "files": files, "matrix": matrix}
        uow.session.flush()


def forget_account(uow: UnitOfWork, site_id: int) -> None:
    """Forget the accounts of the site's computations: what they told of is not kept any longer."""
    uow.session.execute(update(GapRefresh).where(col(GapRefresh.site_id) == site_id).values(summary={}))


def account_of(uow: UnitOfWork, site_id: int) -> dict[str, Any]:
    """The account of the site's latest computation; empty where there is none."""
    last = _last(uow, site_id)
    return last.summary if last is not None else {}


def _last(uow: UnitOfWork, site_id: int) -> GapRefresh | None:
    return next(iter(refreshes_of(uow, site_id, 1)), None)


def changes_of(
    uow: UnitOfWork, site_id: int, *, kind: ChangeKind | None = None, before_id: int | None = None, limit: int = 50
) -> list[GapChange]:
    """The changes of a site, newest first; `before_id` is the last id of the page before."""
    statement = (
        select(GapChange).where(col(GapChange.site_id) == site_id).order_by(col(GapChange.id).desc()).limit(limit)
    )
    if kind is not None:
        statement = statement.where(col(GapChange.kind) == kind)
    if before_id is not None:
        statement = statement.where(col(GapChange.id) < before_id)
    return list(uow.session.execute(statement).scalars())


def refreshes_of(uow: UnitOfWork, site_id: int, limit: int = 12) -> list[GapRefresh]:
    """The latest computations of a site with their counts, newest first: the digest."""
    statement = select(GapRefresh).where(col(GapRefresh.site_id) == site_id).order_by(col(GapRefresh.id).desc())
    return list(uow.session.execute(statement.limit(limit)).scalars())


@dataclass(slots=True)
class _Doubts:
    """The targets whose missing rows prove nothing, each with the reason in words.

    `whole` is of lists that would prove a loss if they were not doubted. `partial` never prove one, so they only matter for links
    that nothing but such a list has shown: what a whole list had and has not any more is lost.
    """

    whole: dict[str, str] = field(default_factory=dict)
    partial: dict[str, str] = field(default_factory=dict)
    #: Those of `whole` that only a look at the list before it could raise.
    compared: dict[str, str] = field(default_factory=dict)

    def add(self, one: Snapshot, words: str) -> None:
        among = self.partial if one.format in PARTIAL else self.whole
        among[one.target] = words

    def of(self, target: str, *, shown: bool) -> str | None:
        """The reason to doubt that a link to this target is gone; `shown` says that a list that may be whole had it."""
        return self.whole.get(target) or (None if shown else self.partial.get(target))


@dataclass(frozen=True, slots=True)
class Compared:
    """A computation beside the last one of its site (`last`, None for the first): what is to be doubted of its lists.

    `proves_nothing` are the targets whose lists prove nothing by what they lack.
    """

    last: int | None
    doubts: _Doubts
    proves_nothing: frozenset[str]


@dataclass(frozen=True, slots=True)
class Former:
    """The last computation of a site (None: there was none), with those of its lists that are still there."""

    refresh: GapRefresh | None
    lists: list[Snapshot]


def former(uow: UnitOfWork, site_id: int, *, without: int | None = None) -> Former:
    """What a computation of the site is compared with; `without` is an import that is being taken back."""
    last = _last(uow, site_id)
    ids = last.snapshots if last is not None else []
    statement = select(Snapshot).where(col(Snapshot.id).in_(ids), col(Snapshot.id) != (without or 0))
    return Former(last, list(uow.session.execute(statement).scalars()))


def compare(before: Former, now: Sequence[Snapshot], analysis: Analysis, *, folder: Place) -> Compared:
    """Look at the lists of the last computation beside those of this one (`now`); reads files, and asks no database.

    A partial list beside a whole list of a competitor does no harm; of ours it does, for it may be all that has shown a link. A doubt that
    came of a look at the list before stays, with the account, until another list of the target comes.
    """
    last = before.refresh
    ids = last.snapshots if last is not None else []
    found = _doubts(last, before.lists, now, analysis, Shelf(folder))
    fresh = {one.target for one in now if one.id not in ids}
    stays = last.summary.get("doubts", {}) if last is not None else {}
    stays = {target: words for target, words in stays.items() if target not in fresh}
    analysis.summary["doubts"] = {**stays, **found.compared}
    whole = {one.target for one in now if one.format not in PARTIAL}
    partial = (one for one in found.partial if one in analysis.own_domains or one not in whole)
    return Compared(last.id if last is not None else None, found, frozenset({*found.whole, *stays, *partial}))


def is_last(uow: UnitOfWork, site_id: int, compared: Compared) -> bool:
    """Whether no other computation of the site was recorded since."""
    last = _last(uow, site_id)
    return (last.id if last is not None else None) == compared.last


def _doubts(
    last: GapRefresh | None, before: Sequence[Snapshot], now: Sequence[Snapshot], analysis: Analysis, shelf: Shelf
) -> _Doubts:
    ids = last.snapshots if last is not None else []
    doubts = _Doubts()
    gone = set(ids) - {one.id for one in before}
    sizes, sizes_before = _sizes(now), _sizes(before)
    rescoped = {key for key, _scope in _scopes(now) ^ _scopes(before)}
    known = {one.id for one in before}
    for one in now:
        key = (one.target, one.format)
        why = doubt(
            one.rows_read,
            capped=one.capped,
            sample=one.format in SAMPLES,
            filtered=one.format in FILTERED,
            # Where no list came before it, or it is the same one, its day decides nothing.
            dated=one.as_of is not None or key not in sizes_before or one.id in known,
            rescoped=key in sizes_before and key in rescoped,
        )
        was = sizes_before.get(key)
        if why is None:
            # The parts of one export are compared as the one list that they are.
            why = doubt(sizes[key], capped=one.capped, rows_before=was)
        if why is not None:
            doubts.add(one, say(_WHY[why].template, target=one.target, now=sizes[key], was=was or 0, file=one.filename))
            if why in _COMPARED:
                doubts.compared[one.target] = doubts.whole[one.target]
    for one in before:
        if (one.target, one.format) not in sizes:
            doubts.add(
                one, say("the list of {target} ({file}) is no longer counted", target=one.target, file=one.filename)
            )
    if gone:
        # Whose lists these were cannot be known any more, so nobody's losses are believed this time.
        for target in (*analysis.own_domains, *analysis.competitors):
            doubts.whole.setdefault(target, say("lists of the last look were removed since"))
    if last is not None and shelf.has(f"{_STATES}/{last.state}"):
        for target, (common, were) in _common(analysis, shelf.url(f"{_STATES}/{last.state}")).items():
            if shows_others(common, were):
                words = say(_WHY[Doubt.OTHER].template, target=target, now=common, was=were)
                doubts.whole.setdefault(target, words)
                doubts.compared.setdefault(target, doubts.whole[target])
    return doubts


def _sizes(snapshots: Sequence[Snapshot]) -> Counter[tuple[str, str]]:
    """The rows of each list, with those of all of its parts."""
    sizes: Counter[tuple[str, str]] = Counter()
    for one in snapshots:
        sizes[one.target, one.format] += one.rows_read
    return sizes


def _scopes(snapshots: Sequence[Snapshot]) -> set[tuple[tuple[str, str], Scope]]:
    """What the names of the parts of each list say of its scope."""
    return {((one.target, one.format), scope_by_name(one.filename)) for one in snapshots}


def _common(analysis: Analysis, old: str) -> dict[str, tuple[int, int]]:
    """For each target how many of the sites that linked to it at the last look still do, and how many these were.

    A link that the tool itself calls lost is no sign of another list: it is still in it.
    """
    found: dict[str, tuple[int, int]] = {}
    for name in (_OURS, *analysis.competitors):
        was = (
            "o.links_to_us > 0"
            if name == _OURS
            else f"list_contains(string_split(o.competitors, '|'), {literal(name)})"
        )
        still = was.replace("o.", "n.")
        common, were = analysis.engine.run(
            f"""SELECT count(*) FILTER (coalesce({still}, false) OR coalesce(n.removed_by = 'lost', false)), count(*)
            FROM read_parquet({literal(old)}) o LEFT JOIN gap n ON n.domain = o.domain WHERE {was}"""
        )[0]
        for target in analysis.own_domains if name == _OURS else [name]:
            found[target] = (int(common), int(were))
    return found


def _write(
    uow: UnitOfWork, made: GapRefresh, engine: Engine, old: str, doubts: _Doubts, own: Sequence[str]
) -> tuple[Counter[str], int, set[str]]:
    kind = "CASE " + " ".join(f"WHEN {test} THEN '{name.value}'" for name, test in _KINDS.items()) + " END"
    named = engine.run("SELECT side, name FROM competitor ORDER BY side")
    told = ", ".join(f"CASE WHEN n.mask_lost & {1 << side} <> 0 THEN {literal(name)} END" for side, name in named)
    pairs = ", ".join(f'o."{field}" AS "old_{field}", n."{field}" AS "new_{field}"' for field in _FIELDS)
    result = engine.stream(
        f"SELECT coalesce(n.domain, o.domain) AS domain, {kind} AS kind, concat_ws('|', {told or 'NULL'}) AS told_by, o.shown_by AS shown_by, {pairs} "
        # A state of an older release does not say what has shown a link.
        f"FROM (SELECT * FROM (SELECT NULL::VARCHAR AS shown_by LIMIT 0) UNION ALL BY NAME SELECT * FROM read_parquet({literal(old)})) o FULL JOIN gap n ON n.domain = o.domain WHERE kind IS NOT NULL ORDER BY domain"
    )
    names = [column[0] for column in result.description or ()]
    counts: Counter[str] = Counter()
    held, reasons = 0, set[str]()
    known = {*_names(engine), *own}
    while rows := result.fetchmany(_BATCH):
        batch: list[dict[str, Any]] = []
        for cells in rows:
            row = dict(zip(names, cells, strict=True))
            change = ChangeKind(row["kind"])
            why = _unproven(change, row, doubts, own, known)
            if why is not None:
                held += 1
                reasons |= why
                continue
            counts[change.value] += 1
            batch.append(
                {
                    "refresh_id": made.id,
                    "site_id": made.site_id,
                    "kind": change,
                    "domain": row["domain"],
                    "tier": row["new_tier"] if row["new_tier"] is not None else row["old_tier"],
                    "before": {field: row[f"old_{field}"] for field in _FIELDS},
                    "after": {field: row[f"new_{field}"] for field in _FIELDS},
                    "at": made.at,
                }
            )
        if batch:
            uow.session.execute(insert(GapChange), batch)
    return counts, held, reasons


def _names(engine: Engine) -> list[str]:
    return [name for (name,) in engine.run("SELECT name FROM competitor")]


def _unproven(
    change: ChangeKind, row: Mapping[str, Any], doubts: _Doubts, own: Sequence[str], known: set[str]
) -> set[str] | None:
    """Why a loss is not believed (a competitor that was taken off needs no words), or None where it is."""
    shown = (row["shown_by"] or "").split("|")
    if change in _OURS_LOST:
        return {reason for domain in own if (reason := doubts.of(domain, shown=_OURS in shown))} or None
    if change is ChangeKind.GONE:
        # What the list of one competitor calls lost says nothing of the others that the site linked to.
        told = row["told_by"].split("|")
        linked = [name for name in (row["old_competitors"] or "").split("|") if name and name not in told]
        reasons = {reason for name in linked if (reason := doubts.of(name, shown=name in shown))}
        # A competitor that was taken off the list has not lost its links.
        return reasons if reasons or any(name not in known for name in linked) else None
    return None


def forget(uow: UnitOfWork, site_id: int, snapshot_ids: Sequence[int], *, folder: Place) -> None:
    """Remove the states that were computed over any of these snapshots: a look that would compare with one tells no changes."""
    shelf = Shelf(folder)
    for one in uow.session.execute(select(GapRefresh).where(col(GapRefresh.site_id) == site_id)).scalars():
        if not set(snapshot_ids).isdisjoint(one.snapshots):
            uow.after_commit(partial(shelf.remove, f"{_STATES}/{one.state}"))


def _forget(uow: UnitOfWork, site_id: int, shelf: Shelf) -> None:
    """Remove the states that no later comparison needs, those of transactions that never ended among them."""
    kept = set(
        uow.session.execute(
            select(col(GapRefresh.state))
            .where(col(GapRefresh.site_id) == site_id)
            .order_by(col(GapRefresh.id).desc())
            .limit(_KEPT_STATES)
        ).scalars()
    )
    for name in shelf.names(_STATES, f"{site_id}-"):
        if name.rpartition("/")[2] not in kept:
            with suppress(OSError, Unavailable):
                shelf.remove(name)
