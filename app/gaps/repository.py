"""The SQL of snapshots, and the bulk way from a computed gap into the prospects of a site."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import defer
from sqlmodel import Session, col

from app.domain.gap import GapState
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
from app.domain.ranking import GATED
from app.models import Prospect, RemovedGap, Snapshot

_BATCH = 5_000

#: What a gap says about a prospect: columns of `prospect` with their types on PostgreSQL. Everything else belongs to people.
EVIDENCE = {
    "tier": "integer",
    "overlap": "integer",
    "competitors": "jsonb",
    "follow": "text",
    "links": "bigint",
    "dofollow": "boolean",
    "authority": "double precision",
    "authority_provider": "text",
    "authority_percentile": "double precision",
    "traffic": "bigint",
    "language": "text",
    "language_source": "text",
    "best_page": "text",
    "best_page_title": "text",
    "best_page_author": "text",
    "target": "text",
    "anchor": "text",
    "context": "text",
    "first_seen": "date",
    "score": "double precision",
    "removed_by": "jsonb",
    "known_pages": "jsonb",
    "winnability": "integer",
    "winnability_parts": "jsonb",
    "gate": "text",
    "fit": "integer",
    "fit_page_id": "integer",
    "fit_words": "jsonb",
    "fit_unknown": "text",
    "rank_key": "text",
}

#: What is kept of a row that a rule has removed.
_REMOVED = [name for name in RemovedGap.model_fields if name in EVIDENCE] + ["seen"]


def snapshots_of_file(session: Session, site_id: int, sha256: str) -> list[Snapshot]:
    """The snapshots that came from a file with these bytes."""
    statement = select(Snapshot).where(col(Snapshot.site_id) == site_id, col(Snapshot.sha256) == sha256)
    return list(session.execute(statement.order_by(col(Snapshot.id))).scalars())


def snapshots(session: Session, site_id: int) -> list[Snapshot]:
    """All snapshots of a site, the newest import first."""
    statement = select(Snapshot).where(col(Snapshot.site_id) == site_id).order_by(col(Snapshot.id).desc())
    return list(session.execute(statement).scalars())


def headings(session: Session, site_id: int) -> list[Snapshot]:
    """All snapshots of a site, the newest import first, without their reports: enough to say which of them count."""
    statement = select(Snapshot).where(col(Snapshot.site_id) == site_id).order_by(col(Snapshot.id).desc())
    return list(session.execute(statement.options(defer(Snapshot.report))).scalars())  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Proof:
    """Whose lists are whole, so that what they lack is gone: ours, and of the `competitors` of the site those in `whole`."""

    ours: bool
    competitors: frozenset[str]
    whole: frozenset[str]


@dataclass(frozen=True, slots=True)
class Written:
    """What an upsert did: prospects added, prospects whose evidence changed, and open ones that are no gap any more."""

    added: int
    updated: int
    closed: int
    removed: int


def upsert(
    session: Session, site_id: int, rows: Iterable[dict[str, Any]], *, now: datetime, proof: Proof | None = None
) -> Written:
    """Write the evidence of a gap into the site's prospects; `rows` have `domain`, `stays`, `seen` and the keys of EVIDENCE.

    Rows go to a temporary table first and from there by one statement, whatever their number. A row that does not stay is
    no new prospect, but a known one gets its `removed_by` and its `gap_state`, and what a rule has removed is kept as RemovedGap.
    Without a `proof` nothing is gone because it lacks. Stage, contacts, snooze and everything else are left alone.
    """
    connection = session.connection()
    sqlite = connection.dialect.name == "sqlite"
    count = select(func.count()).select_from(Prospect).where(col(Prospect.site_id) == site_id)
    before = session.execute(count).scalar_one()
    # Pending changes of the caller come first, so that none of them is written over unseen.
    session.flush()
    connection.execute(text("DROP TABLE IF EXISTS gap_row"))
    columns = ", ".join(f"{name} {kind if not sqlite else _sqlite(kind)}" for name, kind in EVIDENCE.items())
    connection.execute(
        text(
            f"CREATE TEMPORARY TABLE gap_row (domain text PRIMARY KEY, stays integer, shown integer, seen text, state text, told_by text, {columns})"
        )
    )
    (_fill_sqlite if sqlite else _fill_postgresql)(session, rows)
    same = "IS" if sqlite else "IS NOT DISTINCT FROM"
    values = {"site_id": site_id, "now": now.replace(tzinfo=None).isoformat(" ") if sqlite else now}
    values |= {
        "stage": Stage.PROSPECT.value,
        "mention": MentionVerdict.UNLINKED_MENTION.value,
        "won": Stage.WON.value,
        "lost": Stage.LOST.value,
    }
    # The second place of the rank key says whether they mention us, and only the prospect knows that.
    rank = "substr(excluded.rank_key, 1, 1) || CASE WHEN prospect.mention = :mention THEN '0' ELSE '1' END || substr(excluded.rank_key, 3)"
    new = {name: rank if name == "rank_key" else f"excluded.{name}" for name in EVIDENCE}
    names = ", ".join(EVIDENCE)
    touched = connection.execute(
        text(
            f"INSERT INTO prospect (site_id, domain, stage, version, mention_due_at, mention_tries, created_at, updated_at, {names}) "
            f"SELECT :site_id, domain, :stage, 0, :now, 0, :now, :now, {names} FROM gap_row WHERE stays = 1 "
            f"ON CONFLICT (site_id, domain) DO UPDATE SET updated_at = excluded.updated_at, "
            + ", ".join(f"{name} = {value}" for name, value in new.items())
            + " WHERE NOT ("
            + " AND ".join(f"prospect.{name} {same} {value}" for name, value in new.items())
            + ")"
        ),
        values,
    ).rowcount
    removed = connection.execute(
        text(
            "UPDATE prospect SET updated_at = :now, removed_by = gap_row.removed_by FROM gap_row "
            "WHERE prospect.site_id = :site_id AND prospect.domain = gap_row.domain AND gap_row.stays = 0 "
            # What its tool calls lost waits for what the other lists prove.
            f"AND coalesce(gap_row.state, '') <> :gone AND NOT (prospect.removed_by {same} gap_row.removed_by)"
        ),
        values | {"gone": GapState.GONE.value},
    ).rowcount
    removed += _write_states(session, site_id, values, same, proof)
    kept = ", ".join(_REMOVED)
    connection.execute(text("DELETE FROM removed_gap WHERE site_id = :site_id"), values)
    connection.execute(
        text(
            f"INSERT INTO removed_gap (site_id, domain, {kept}) SELECT :site_id, domain, {kept} FROM gap_row WHERE shown = 1"
        ),
        values,
    )
    closed = connection.execute(
        text(
            "SELECT count(*) FROM prospect WHERE site_id = :site_id AND stage NOT IN (:won, :lost) "
            "AND domain NOT IN (SELECT domain FROM gap_row WHERE stays = 1)"
        ),
        values,
    ).scalar_one()
    connection.execute(text("DROP TABLE gap_row"))
    added = session.execute(count).scalar_one() - before
    # Objects that the caller had loaded know nothing of these statements.
    session.expire_all()
    return Written(added, touched - added, closed, removed)


def _write_states(session: Session, site_id: int, values: dict[str, Any], same: str, proof: Proof | None) -> int:
    """Set `gap_state`, and return how many were removed as lost. A row that is no gap stands behind every tier, and one that is a gap
    again has its rank already."""
    connection = session.connection()
    new = {"linked": GapState.LINKED.value, "gated": GATED, "ours": int(proof is not None and proof.ours)}
    new["gone"] = GapState.GONE.value
    connection.execute(
        text(
            "UPDATE prospect SET updated_at = :now, gap_state = gap_row.state, "
            "gap_seen = CASE WHEN gap_row.state = :linked THEN prospect.gap_seen END, "
            "rank_key = CASE WHEN gap_row.state IS NULL THEN prospect.rank_key ELSE :gated || substr(prospect.rank_key, 2) END "
            "FROM gap_row WHERE prospect.site_id = :site_id AND prospect.domain = gap_row.domain "
            f"AND NOT (prospect.gap_state {same} gap_row.state) AND coalesce(gap_row.state, '') <> :gone "
            # A cut list of ours that lacks a link does not take it back.
            "AND (:ours = 1 OR gap_row.state = :linked OR NOT (coalesce(prospect.gap_state, '') = :linked))"
        ),
        values | new,
    )
    # The rank that the upsert has written is that of a gap.
    connection.execute(
        text(
            "UPDATE prospect SET rank_key = :gated || substr(rank_key, 2) WHERE site_id = :site_id "
            "AND gap_state IS NOT NULL AND substr(rank_key, 1, 1) <> :gated"
        ),
        values | new,
    )
    if proof is None:
        return 0
    # Neither what no list names nor what those name that call it lost.
    missing = connection.execute(
        text(
            "SELECT id, prospect.competitors, gap_state, told_by FROM prospect LEFT JOIN gap_row ON gap_row.domain = prospect.domain "
            "WHERE site_id = :site_id AND coalesce(gap_state, '') <> :gone "
            "AND (gap_row.state = :gone OR gap_row.domain IS NULL AND prospect.overlap IS NOT NULL)"
        ),
        values | new,
    )
    gone, removed = [], 0
    for prospect_id, listed, state, told_by in missing:
        names = set(json.loads(listed) if isinstance(listed, str) else listed or ())
        names -= set(json.loads(told_by or "[]"))
        whole = all(name in proof.whole or name not in proof.competitors for name in names)
        if whole and (proof.ours or state != GapState.LINKED.value):
            gone.append({"id": prospect_id})
            removed += told_by is not None
    if gone:
        connection.execute(
            text(
                "UPDATE prospect SET updated_at = :now, gap_state = :gone, gap_seen = NULL, removed_by = coalesce("
                "(SELECT removed_by FROM gap_row WHERE gap_row.domain = prospect.domain), removed_by), rank_key = :gated || substr(rank_key, 2) WHERE id = :id"
            ),
            [one | {"now": values["now"], "gone": GapState.GONE.value, "gated": GATED} for one in gone],
        )
    return removed


def _sqlite(kind: str) -> str:
    return {"jsonb": "text", "date": "text", "boolean": "integer", "bigint": "integer", "double precision": "real"}.get(
        kind, kind
    )


def _cells(row: dict[str, Any]) -> tuple[Any, ...]:
    shown = row["tier"] is not None and not row["stays"]
    state = None
    if row["tier"] is None:
        state = GapState.LINKED.value if row["links_to_us"] else GapState.GONE.value
    return (
        row["domain"],
        int(row["stays"]),
        int(shown),
        row["seen"] or None,
        state,
        json.dumps(row.get("told_by", [])),
        *(_cell(kind, row[name]) for name, kind in EVIDENCE.items()),
    )


def _cell(kind: str, value: Any) -> Any:
    if kind == "jsonb":
        return json.dumps(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def _fill_sqlite(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    marks = ", ".join("?" * (len(EVIDENCE) + 6))
    for batch in _batches(map(_cells, rows)):
        session.connection().exec_driver_sql(f"INSERT INTO gap_row VALUES ({marks})", batch)


def _fill_postgresql(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy("COPY gap_row FROM STDIN") as copy:
        for row in rows:
            copy.write_row(_cells(row))


def _batches(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch
