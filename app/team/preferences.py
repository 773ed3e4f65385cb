"""The settings of one person: read with the session, changed on the page of the person."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import case
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.audit import service as audit
from app.db.work import UnitOfWork
from app.domain.digest import Cadence
from app.domain.people import DENSITIES, LANGUAGES, UNDO_SECONDS, Preferences
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.models import User, UserSetting

_FIELDS = tuple(field.name for field in dataclasses.fields(Preferences))


def of(row: UserSetting | None) -> Preferences:
    """The preferences in a row, or the defaults."""
    if row is None:
        return Preferences()
    return Preferences(**{name: getattr(row, name) for name in _FIELDS})


def save(uow: UnitOfWork, user_id: int, wanted: Preferences) -> UserSetting:
    """Keep what a person wants. Raises BadInput with the fields language, time_zone, density, digest and undo_seconds."""
    problems = []
    if wanted.language is not None and wanted.language not in LANGUAGES:
        problems.append(FieldProblem("language", say("Choose one of {names}", names=", ".join(LANGUAGES))))
    if not _is_zone(wanted.time_zone):
        problems.append(FieldProblem("time_zone", say("Enter a time zone such as Europe/Berlin")))
    if wanted.density not in DENSITIES:
        problems.append(FieldProblem("density", say("Choose one of {names}", names=", ".join(DENSITIES))))
    if wanted.digest not in set(Cadence):
        problems.append(FieldProblem("digest", say("Choose one of {names}", names=", ".join(Cadence))))
    least, most = UNDO_SECONDS
    if wanted.undo_seconds is not None and not least <= wanted.undo_seconds <= most:
        problems.append(FieldProblem("undo_seconds", say("Enter {least} to {most} seconds", least=least, most=most)))
    if problems:
        raise BadInput(say("the settings cannot be saved with these values"), *problems)
    row = uow.session.get(UserSetting, user_id) or UserSetting(user_id=user_id)
    before = {"digest": row.digest}
    for name in _FIELDS:
        setattr(row, name, getattr(wanted, name))
    user = uow.session.get(User, user_id)
    email = user.email if user is not None else None
    audit.record(uow, "user.digest", "user", user_id, name=email, before=before, after={"digest": wanted.digest})
    uow.session.add(row)
    uow.session.flush()
    return row


def read_notices(uow: UnitOfWork, user_id: int, until: datetime) -> None:
    """Note that a person has read the list of notices up to a moment; never an earlier one than before."""
    _seen(uow, user_id, "notices_seen_at", until)


def led_to_pause(uow: UnitOfWork, user_id: int, pause: int) -> bool:
    """Note that a person was led to what stands still, up to a pause; False where they were led to this one before."""
    row = uow.session.get(UserSetting, user_id)
    if row is not None and row.pause_seen is not None and row.pause_seen >= pause:
        return False
    _seen(uow, user_id, "pause_seen", pause)
    return True


def _seen(uow: UnitOfWork, user_id: int, name: str, value: datetime | int) -> None:
    """Raise a mark of what a person has seen, in one statement: two pages of theirs may do it at once, the later mark holds."""
    dialect = uow.session.get_bind().dialect.name
    statement = (postgresql_insert if dialect == "postgresql" else sqlite_insert)(UserSetting)
    statement = statement.values({**UserSetting(user_id=user_id).model_dump(), name: value})
    mark, given = getattr(UserSetting, name), statement.excluded[name]
    raised = {name: case((mark > given, mark), else_=given)}
    uow.session.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=raised))


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # a path, a folder, an unknown name
        return False
    return True
