"""What changed in a gap since the last look: new gaps, closed ones, lost ground. A loss is told only where the data can prove it.

A list that is cut by its tool, that is gone, or that was never of the same tool says nothing about what is missing in it;
such losses are counted as held back, with the reason.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import col

from app.db.work import UnitOfWork
from app.errors import Unavailable
from app.gaps.analyze import Analysis
from app.gaps.engine import Engine, literal
from app.gaps.shelf import Place, Shelf
from app.models import ChangeKind, GapChange, GapRefresh, Snapshot

_BATCH = 5_000
_KEPT_STATES = 2
_STATES = "states"
_FIELDS = ("class", "tier", "overlap", "competitors", "links_to_us")

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
    ChangeKind.NEW_GAP: f"{_N_GAP} AND o.domain IS NULL",
    ChangeKind.STRONGER: f"{_N_GAP} AND {_O_GAP} AND n.overlap > o.overlap",
    ChangeKind.GONE: f"{_O_GAP} AND (n.domain IS NULL OR n.removed_by = 'lost' OR n.overlap = 0)",
}
_OURS_LOST = (ChangeKind.LOST_GROUND, ChangeKind.LOST_LINK)


def record(
    uow: UnitOfWork,
    site_id: int,
    analysis: Analysis,
    snapshots: Sequence[Snapshot],
    *,
    folder: Place,
    actor: str,
) -> GapRefresh | None:
    """Keep this computation and what it changed against the last one; None where it is over the same snapshots.

    The first computation of a site has no changes. `folder` is the data folder's `snapshots/`; the state lies in `states/` there.
    """
    ids = sorted(one.id for one in snapshots)
    last: GapRefresh | None = uow.session.execute(
        select(GapRefresh).where(col(GapRefresh.site_id) == site_id).order_by(col(GapRefresh.id).desc()).limit(1)
    ).scalar_one_or_none()
    if last is not None and sorted(last.snapshots) == ids:
        return None
    shelf = Shelf(folder)
    name = f"{site_id}-{uuid.uuid4().hex}.parquet"
    columns = ", ".join(f'"{field}"' for field in ("domain", *_FIELDS, "removed_by"))
    with shelf.draft(f"{_STATES}/{name}") as draft:
        analysis.engine.run(f"COPY (SELECT {columns} FROM gap) TO {literal(str(draft))} (FORMAT parquet)")
    made = GapRefresh(site_id=site_id, state=name, snapshots=ids, counts={}, actor=actor, at=uow.now())
    uow.session.add(made)
    uow.session.flush()
    if last is not None and shelf.has(f"{_STATES}/{last.state}"):
        doubts = _doubts(uow, last, snapshots, analysis)
        counts, held = _write(
            uow, made, analysis.engine, shelf.url(f"{_STATES}/{last.state}"), doubts, analysis.own_domains
        )
        made.counts, made.held_back = dict(counts), held
        made.held_back_why = sorted(set(doubts.values())) if held else []
        uow.session.add(made)
        uow.session.flush()
    _forget(uow, site_id, shelf)
    return made


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


def _doubts(uow: UnitOfWork, last: GapRefresh, now: Sequence[Snapshot], analysis: Analysis) -> dict[str, str]:
    """The targets whose missing rows prove nothing, each with the reason in words."""
    before = list(uow.session.execute(select(Snapshot).where(col(Snapshot.id).in_(last.snapshots))).scalars())
    doubts: dict[str, str] = {}
    gone = set(last.snapshots) - {one.id for one in before}
    present = {(one.target, one.format) for one in now}
    for one in now:
        if one.capped:
            doubts[one.target] = f"the list of {one.target} is cut at its tool's limit ({one.filename})"
    for one in before:
        if (one.target, one.format) not in present:
            doubts[one.target] = f"the list of {one.target} ({one.filename}) is no longer counted"
    if gone:
        # Whose lists these were cannot be known any more, so nobody's losses are believed this time.
        for target in (*analysis.own_domains, *analysis.competitors):
            doubts.setdefault(target, "lists of the last look were removed since")
    return doubts


def _write(
    uow: UnitOfWork, made: GapRefresh, engine: Engine, old: str, doubts: Mapping[str, str], own: Sequence[str]
) -> tuple[Counter[str], int]:
    kind = "CASE " + " ".join(f"WHEN {test} THEN '{name.value}'" for name, test in _KINDS.items()) + " END"
    pairs = ", ".join(f'o."{field}" AS "old_{field}", n."{field}" AS "new_{field}"' for field in _FIELDS)
    result = engine.connection.cursor().execute(
        f"SELECT coalesce(n.domain, o.domain) AS domain, {kind} AS kind, coalesce(n.removed_by = 'lost', false) AS told, {pairs} "
        f"FROM read_parquet({literal(old)}) o FULL JOIN gap n ON n.domain = o.domain WHERE kind IS NOT NULL ORDER BY domain"
    )
    names = [column[0] for column in result.description or ()]
    counts: Counter[str] = Counter()
    held = 0
    known = {*_names(engine), *own}
    while rows := result.fetchmany(_BATCH):
        batch: list[dict[str, Any]] = []
        for cells in rows:
            row = dict(zip(names, cells, strict=True))
            change = ChangeKind(row["kind"])
            if _unproven(change, row, doubts, own, known):
                held += 1
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
    return counts, held


def _names(engine: Engine) -> list[str]:
    return [name for (name,) in engine.run("SELECT name FROM competitor")]


def _unproven(
    change: ChangeKind, row: Mapping[str, Any], doubts: Mapping[str, str], own: Sequence[str], known: set[str]
) -> bool:
    if change in _OURS_LOST:
        return any(domain in doubts for domain in own)
    if change is ChangeKind.GONE and not row["told"]:
        linked = [name for name in (row["old_competitors"] or "").split("|") if name]
        # A competitor that was taken off the list has not lost its links.
        return any(name in doubts or name not in known for name in linked)
    return False


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
