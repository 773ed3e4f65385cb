"""The SQL of snapshots, and the bulk way from a computed gap into the prospects of a site."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import func, select, text
from sqlmodel import Session, col

from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
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
    "traffic": "bigint",
    "language": "text",
    "language_source": "text",
    "best_page": "text",
    "best_page_title": "text",
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


@dataclass(frozen=True, slots=True)
class Written:
    """What an upsert did: prospects added, prospects whose evidence changed, and open ones that are no gap any more."""

    added: int
    updated: int
    closed: int
    removed: int


def upsert(session: Session, site_id: int, rows: Iterable[dict[str, Any]], *, now: datetime) -> Written:
    """Write the evidence of a gap into the site's prospects; `rows` have `domain`, `stays`, `seen` and the keys of EVIDENCE.

    Rows go to a temporary table first and from there by one statement, whatever their number. A row that does not stay is
    no new prospect, but a known one gets its `removed_by`, and what a rule has removed is kept as RemovedGap. Stage, contacts, snooze and everything else are left alone.
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
            f"CREATE TEMPORARY TABLE gap_row (domain text PRIMARY KEY, stays integer, shown integer, seen text, {columns})"
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
            f"AND NOT (prospect.removed_by {same} gap_row.removed_by)"
        ),
        values,
    ).rowcount
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


def _sqlite(kind: str) -> str:
    return {"jsonb": "text", "date": "text", "boolean": "integer", "bigint": "integer", "double precision": "real"}.get(
        kind, kind
    )


def _cells(row: dict[str, Any]) -> tuple[Any, ...]:
    shown = row["tier"] is not None and not row["stays"]
    return (
        row["domain"],
        int(row["stays"]),
        int(shown),
        row["seen"] or None,
        *(_cell(kind, row[name]) for name, kind in EVIDENCE.items()),
    )


def _cell(kind: str, value: Any) -> Any:
    if kind == "jsonb":
        return json.dumps(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def _fill_sqlite(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    marks = ", ".join("?" * (len(EVIDENCE) + 4))
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
