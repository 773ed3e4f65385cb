"""Writes one line for each act of a person, a program or the system itself, in the same transaction as the act.

The database refuses to change or delete a line; only the erasure of a person may blank what names them. Moves of prospects
are not repeated here: their history is `stage_event`, and the page of the audit shows both in one order (app.reports.audit).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

from app.db.work import UnitOfWork
from app.log import correlation_id
from app.models import AuditEvent

# Longer values are cut: the line says what was changed, it is no second store of texts.
_LONGEST = 2000


def record(
    uow: UnitOfWork,
    verb: str,
    kind: str,
    key: int | str | None = None,
    *,
    name: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str | None = None,
    actor: str | None = None,
) -> AuditEvent | None:
    """Write that `verb` ("user.created") was done to the thing `kind` with the id `key`, called `name` where people read it.

    With `before` and `after` only what differs is kept, and nothing is written when nothing differs. Without `actor` it is
    whoever this unit of work belongs to.
    """
    if before is not None and after is not None:
        changed = [field for field in after if _plain(before.get(field)) != _plain(after[field])]
        if not changed:
            return None
        before, after = {field: before.get(field) for field in changed}, {field: after[field] for field in changed}
    line = AuditEvent(
        at=uow.now(),
        actor=(actor or uow.actor)[:200],
        verb=verb,
        kind=kind,
        key=None if key is None else str(key)[:64],
        name=None if name is None else name[:300],
        before=None if before is None else _plain(dict(before)),
        after=None if after is None else _plain(dict(after)),
        reason=None if reason is None else reason[:_LONGEST],
        correlation_id=correlation_id(),
    )
    uow.session.add(line)
    uow.session.flush()
    return line


def _plain(value: Any) -> Any:
    """The value as JSON can hold it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    return value
