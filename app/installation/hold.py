"""Whether this installation may send: not from restored data, and not from a second instance, until a person releases it.

Three things must agree: the row in the database, the place where the database lies (its mark), and the witness, a file
outside of it. Data that is older than its witness, or lies elsewhere than its row says, was restored or copied: the hold is
written into the database and stops everybody. A process without the right witness is a newcomer: it alone is stopped.
docs/explanation/reliability.md tells what is noticed and what cannot be.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, make_url, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col

from app.audit import service as audit
from app.db.work import Database, UnitOfWork
from app.domain.said import say
from app.errors import Skip
from app.installation import identity, journal, steady, witness
from app.installation.witness import Witness
from app.log import get_logger
from app.models import Installation, Outbound, SendAttempt
from app.settings import Settings

log = get_logger("installation")

RELEASE = "look at what would leave and let it go with `gapbridge release`"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a process may do now. `skip` says why it may not send; `identity` and `ticks` are compared again in each commit."""

    identity: str | None
    generation: int
    ticks: int
    skip: Skip | None
    path: Path

    def saw(self, attempt_id: int) -> None:
        """Note outside of the database that this attempt is about to be written. Raises OSError: then nothing may leave."""
        if self.identity is not None:
            witness.write(self.path, Witness(self.identity, self.generation, self.ticks, attempt_id))


def path_of(settings: Settings) -> Path:
    """Where the witness lies."""
    return settings.witness_file or settings.data_dir / "installation.json"


def begin(db: Database, settings: Settings) -> Standing:
    """At the start of a process: make the installation at its very first start, and look whether the data was restored."""
    path = path_of(settings)
    with db.work() as uow:
        if identity.stored(uow.session) is None:
            known = witness.read(path)
            row = identity.ensure_row(uow)
            row.database_mark = place_of(db, uow.session)
            queued = uow.session.execute(select(col(Outbound.id)).limit(1)).first() is not None
            if known is not None and queued:
                # An installation has run here that this data knows nothing of: it is from before its first start.
                _hold(uow, row, "its data is older than the installation that has run here")
            first = Witness(row.identity, row.generation, row.ticks, _attempts(uow.session))
            uow.after_commit(lambda: witness.write(path, first, anew=True))
    return standing(db, settings)


def standing(db: Database, settings: Settings) -> Standing:
    """Look now: database, place and witness. What is found about the data is written down as a hold for everybody."""
    path = path_of(settings)
    with db.read() as look:
        row = identity.stored(look.session)
        if row is None:
            return Standing(None, 0, 0, None, path)
        known = witness.read(path)
        attempts = _attempts(look.session)
        suspicion = None if row.held_at else _restored(db, look.session, row, known, attempts)
    if suspicion is not None:
        with db.work() as uow:
            row = identity.ensure_row(uow)
            if row.held_at is None:
                _hold(uow, row, suspicion)
    if row.held_at is not None:
        return Standing(row.identity, row.generation, row.ticks, _sentence(row), path)
    stranger = _stranger(db, settings, row, known, path)
    if stranger is not None:
        skip = Skip(
            "second-instance",
            say("this process may not send: {stranger}; {release}", stranger=stranger, release=RELEASE),
        )
        return Standing(row.identity, row.generation, row.ticks, skip, path)
    try:
        witness.write(path, Witness(row.identity, row.generation, row.ticks, attempts))
    except OSError as error:
        skip = Skip(
            "no-witness",
            say(
                "{path} cannot be written ({error}), and without it nothing is sent; correct it",
                path=path,
                error=error.strerror,
            ),
        )
        return Standing(row.identity, row.generation, row.ticks, skip, path)
    return Standing(row.identity, row.generation, row.ticks, None, path)


def beat(db: Database, settings: Settings, began: datetime | None = None) -> Standing:
    """One heartbeat of the clock: the count in the database grows, and then the one outside.

    `began` is when the process that beats was started, if it stays.
    """
    now = standing(db, settings)
    if now.identity is None or now.skip is not None:
        return now
    with db.work() as uow:
        ticks = uow.session.execute(
            update(Installation)
            .where(col(Installation.id) == 1, col(Installation.held_at).is_(None))
            .values(ticks=col(Installation.ticks) + 1, **steady.noting(uow.now(), began))
            .returning(col(Installation.ticks))
            .execution_options(synchronize_session=False)
        ).scalar_one_or_none()
    if ticks is not None:
        witness.write(now.path, Witness(now.identity, now.generation, ticks, 0))
        journal.keep(db, settings)
    return now


def refusal(session: Session) -> Skip | None:
    """Why nothing is sent from this data, or None."""
    row = identity.stored(session)
    return None if row is None or row.held_at is None else _sentence(row)


def hold(uow: UnitOfWork, reason: str, *, data_of: datetime | None = None) -> Installation:
    """Send nothing from this data until a person releases it."""
    row = identity.ensure_row(uow)
    _hold(uow, row, reason)
    row.data_of = data_of or row.data_of
    return row


def release(db: Database, settings: Settings, uow: UnitOfWork, *, actor: str, reason: str = "") -> Installation:
    """Let this data, in this place, and this process send again. The caller has looked after what may have left."""
    path = path_of(settings)
    row = identity.ensure_row(uow)
    known = witness.read(path)
    if row.held_at is not None:
        # A number that no witness of the former data has: theirs are not compared with this one's any more.
        row.generation = max(row.generation, known.generation if known else 0) + 1
    audit.record(
        uow,
        "installation.released",
        "installation",
        1,
        before={"held": row.held_reason},
        reason=reason.strip() or None,
        actor=actor,
    )
    row.held_at = row.held_reason = None
    row.database_mark = place_of(db, uow.session)
    row.released_at, row.released_by, row.seen_at = uow.now(), actor[:200], uow.now()
    row.released_reason = reason.strip()[:500] or None
    uow.session.flush()
    made = Witness(row.identity, row.generation, row.ticks, _attempts(uow.session))
    uow.after_commit(lambda: witness.write(path, made, anew=True))
    log.warning("installation.released", actor=actor, reason=reason, generation=row.generation)
    return row


def place_of(db: Database, session: Session) -> str:
    """The mark of the place where the data lies: a database that was copied, moved or loaded from a dump has another."""
    if db.is_sqlite:
        return witness.birth_of(Path(make_url(db.url).database or ""))
    mark = "SELECT d.oid, to_regclass('installation')::oid FROM pg_database d WHERE d.datname = current_database()"
    found = session.execute(text(mark)).one()
    try:
        with session.begin_nested():
            system = session.execute(text("SELECT system_identifier FROM pg_control_system()")).scalar_one()
    except DBAPIError:
        system = ""
    return f"{found[0]}/{found[1]}/{system}"


def _attempts(session: Session) -> int:
    return int(session.execute(select(func.max(SendAttempt.id))).scalar_one() or 0)


def _restored(db: Database, session: Session, row: Installation, known: Witness | None, attempts: int) -> str | None:
    place = place_of(db, session)
    if row.database_mark and not _same_place(row.database_mark, place):
        return "its database was copied, moved or loaded from a dump"
    if known is None:
        if db.is_sqlite:
            return "its witness, the file that lies beside the database, is gone"
        return None
    if known.identity != row.identity:
        return None
    if known.generation > row.generation or (
        known.generation == row.generation and (known.ticks > row.ticks or known.attempts > attempts)
    ):
        return "its data is older than what this installation has already done"
    return None


def _same_place(one: str, other: str) -> bool:
    return all(not a or not b or a == b for a, b in zip(one.split("/"), other.split("/"), strict=False))


def _stranger(db: Database, settings: Settings, row: Installation, known: Witness | None, path: Path) -> str | None:
    if known is None:
        if settings.installation_id == row.identity:
            return None
        return (
            "this machine has no witness of the installation; a further worker shares the data folder of the others, or "
            f"has their GAPBRIDGE_INSTALLATION_ID ({row.identity})"
        )
    if known.identity != row.identity:
        return "the witness beside it belongs to another installation"
    if not witness.same_birth(known.birth, witness.birth_of(path)):
        return "its data folder is a copy"
    return None


def _hold(uow: UnitOfWork, row: Installation, reason: str) -> None:
    row.held_at, row.held_reason, row.data_of = uow.now(), reason[:500], row.seen_at
    row.released_at = row.released_by = row.released_reason = None
    uow.session.flush()
    audit.record(uow, "installation.held", "installation", 1, reason=row.held_reason)
    log.error("installation.held", reason=reason, data_of=row.data_of.isoformat())


def _sentence(row: Installation) -> Skip:
    when = f"{row.held_at:%d %b %Y %H:%M} UTC" if row.held_at else ""
    of = f", with data of {row.data_of:%d %b %Y %H:%M} UTC" if row.data_of else ""
    return Skip(
        "restore-hold",
        say(
            "nothing is sent: on {when} it was seen that {held_reason}{of}; released by nobody yet: {release}",
            when=when,
            held_reason=row.held_reason,
            of=of,
            release=RELEASE,
        ),
    )
