"""The audit as it is read: what was done to settings, people and mailboxes, and the history of prospects, in one order."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TextIO

from sqlalchemy import and_, or_, select
from sqlmodel import col

from app.cells import neutral
from app.db.work import Database, UnitOfWork
from app.models import AuditEvent, Prospect, StageEvent
from app.people.rules import MARK

COLUMNS = ("at", "actor", "verb", "kind", "key", "name", "before", "after", "reason", "correlation_id")
PROSPECT = "prospect"
# At one moment the acts stand above the history that they made.
_ACT, _HISTORY = 1, 0
_EXPORTED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; None is not asked. `kind` and `key` name a thing, `since` and `until` bound the time (until: excluded)."""

    actor: str | None = None
    kind: str | None = None
    key: str | None = None
    verb: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One act. `before` and `after` hold what differs; `redacted`: an erasure has blanked words in it."""

    at: datetime
    actor: str
    verb: str
    kind: str
    key: str | None
    name: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None
    correlation_id: str | None
    source: int
    id: int

    @property
    def redacted(self) -> bool:
        """Whether words were taken out at the wish of the person whom they named."""
        return MARK in json.dumps([self.name, self.before, self.after, self.reason], ensure_ascii=False)

    @property
    def changes(self) -> list[tuple[str, Any, Any]]:
        """(field, before, after) of everything that differs; what was not there is None."""
        before, after = self.before or {}, self.after or {}
        return [(field, before.get(field), after.get(field)) for field in dict.fromkeys((*before, *after))]


Position = tuple[datetime, int, int]


def position(line: Line) -> Position:
    """Where the page after this line begins."""
    return line.at, line.source, line.id


def listing(uow: UnitOfWork, wanted: Wanted, *, after: Position | None = None, limit: int = 50) -> list[Line]:
    """Newest first; `after` is the position of the last line of the page before. Two index ranges, whatever the size."""
    found: list[Line] = []
    if wanted.kind != PROSPECT:
        found += _acts(uow, wanted, after, limit)
    if wanted.kind in (None, PROSPECT):
        found += _history(uow, wanted, after, limit)
    return sorted(found, key=position, reverse=True)[:limit]


def _acts(uow: UnitOfWork, wanted: Wanted, after: Position | None, limit: int) -> list[Line]:
    statement = select(AuditEvent).where(*_bounds(AuditEvent, _ACT, wanted, after))
    if wanted.kind is not None:
        statement = statement.where(col(AuditEvent.kind) == wanted.kind)
    if wanted.key is not None:
        statement = statement.where(col(AuditEvent.key) == wanted.key)
    if wanted.verb is not None:
        statement = statement.where(col(AuditEvent.verb) == wanted.verb)
    rows = uow.session.execute(_newest(statement, AuditEvent, limit)).scalars()
    return [
        Line(
            row.at, row.actor, row.verb, row.kind, row.key, row.name, row.before, row.after, row.reason,
            row.correlation_id, _ACT, row.id,
        )
        for row in rows
    ]  # fmt: skip


def _history(uow: UnitOfWork, wanted: Wanted, after: Position | None, limit: int) -> list[Line]:
    statement = select(StageEvent, col(Prospect.domain)).join(Prospect, col(Prospect.id) == col(StageEvent.prospect_id))
    statement = statement.where(*_bounds(StageEvent, _HISTORY, wanted, after))
    if wanted.key is not None:
        key = int(wanted.key) if wanted.key.isdecimal() and len(wanted.key) < 10 else -1
        statement = statement.where(col(StageEvent.prospect_id) == key)
    if wanted.verb is not None:
        statement = statement.where(col(StageEvent.event) == wanted.verb)
    made = []
    for row, domain in uow.session.execute(_newest(statement, StageEvent, limit)):
        moved = row.from_stage is not row.to_stage
        before = {"stage": row.from_stage.value} if moved else None
        told = {name: value for name, value in row.data.items() if value is not None}
        now = {"stage": row.to_stage.value, **told} if moved else told
        made.append(
            Line(
                row.at, row.actor, row.event, PROSPECT, str(row.prospect_id), domain, before, now or None, row.reason,
                row.correlation_id, _HISTORY, row.id,
            )
        )  # fmt: skip
    return made


def _bounds(table: Any, source: int, wanted: Wanted, after: Position | None) -> list[Any]:
    at, key = col(table.at), col(table.id)
    found: list[Any] = []
    if after is not None:
        when, of, last = after
        if source == of:
            found.append(or_(at < when, and_(at == when, key < last)))
            found.append(at <= when)  # Said once more by itself: with it the index range begins at the position.
        else:
            found.append(at <= when if source < of else at < when)
    if wanted.actor is not None:
        found.append(col(table.actor) == wanted.actor)
    if wanted.since is not None:
        found.append(at >= wanted.since)
    if wanted.until is not None:
        found.append(at < wanted.until)
    return found


def _newest(statement: Any, table: Any, limit: int) -> Any:
    return statement.order_by(col(table.at).desc(), col(table.id).desc()).limit(limit)


def every(db: Database, wanted: Wanted) -> Iterator[Line]:
    """Every line that fits, newest first, read in pages that hold no transaction open between them."""
    after: Position | None = None
    while True:
        with db.read() as look:
            lines = listing(look, wanted, after=after, limit=_EXPORTED_AT_ONCE)
        yield from lines
        if len(lines) < _EXPORTED_AT_ONCE:
            return
        after = position(lines[-1])


def write_csv(lines: Iterator[Line], out: TextIO) -> None:
    """CSV in which no cell can act as a formula."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in lines:
        values = _values(line)
        cells = (values[name] for name in COLUMNS)
        writer.writerow([neutral(_cell(value)) for value in cells])


def write_json(lines: Iterator[Line], out: TextIO) -> None:
    """One JSON object a line."""
    for line in lines:
        out.write(json.dumps(_values(line), ensure_ascii=False) + "\n")


def _values(line: Line) -> dict[str, Any]:
    told = asdict(line)
    return {name: told[name] for name in COLUMNS} | {"at": line.at.isoformat()}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
