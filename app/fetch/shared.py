"""What all processes of an installation know together about other people's servers: whose turn it is, and their robots.txt.

A turn is one statement: it books the next free moment of a host and says how long to wait for it. Nothing is held while
a page is fetched, so a process that dies takes no host with it.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from sqlalchemy import delete, text
from sqlmodel import col

from app.db.work import Database
from app.fetch.ports import KeptRobots, Reason
from app.models import RobotsText

# A turn that lies further away than this was booked by a clock that has been set back since.
_FORGET_SECONDS = 86_400.0
_PRUNE_EVERY = 1_000
_NOW = {"sqlite": ":now", "postgresql": "extract(epoch FROM clock_timestamp())"}
_BOOK = (
    "INSERT INTO host_turn (host, next_at) VALUES (:host, {now} + :gap) ON CONFLICT (host) DO UPDATE SET next_at = :gap + "
    "CASE WHEN host_turn.next_at BETWEEN {now} AND {now} + :forget THEN host_turn.next_at ELSE {now} END "
    "WHERE host_turn.next_at <= {now} + :longest OR host_turn.next_at > {now} + :forget RETURNING next_at, {now}"
)
# What the host asks for now; a longer wait that it has asked for before stands.
_HOLD = (
    "INSERT INTO host_turn (host, next_at) VALUES (:host, {now} + :seconds) ON CONFLICT (host) DO UPDATE SET next_at = "
    "CASE WHEN host_turn.next_at BETWEEN {now} + :seconds AND {now} + :forget THEN host_turn.next_at ELSE {now} + :seconds END"
)


class SharedTurns:
    """The `Turns` of an installation, in its database."""

    def __init__(self, db: Database) -> None:
        self._db = db
        # The database's own clock where there can be several machines; on the embedded one all processes share ours.
        self._book = text(_BOOK.format(now=_NOW[db.engine.dialect.name]))
        self._hold = text(_HOLD.format(now=_NOW[db.engine.dialect.name]))
        self._booked = 0

    def book(self, host: str, gap: float, longest: float) -> tuple[float, float] | None:
        """See `app.fetch.ports.Turns.book`."""
        values = {"host": host, "gap": gap, "longest": longest, "forget": _FORGET_SECONDS}
        with self._db.work(durable=False) as uow:
            # The clock that counts is read somewhere between these two: ours, on the embedded database after the write lock was
            # had (waiting for it is no part of the turn), or that of another machine while the statement runs.
            before = time.monotonic()
            if self._db.is_sqlite:
                values["now"] = time.time()
                after = time.monotonic()
            booked = uow.session.execute(self._book, values).one_or_none()
            if not self._db.is_sqlite:
                after = time.monotonic()
            self._booked += 1
            if self._booked % _PRUNE_EVERY == 0:
                over = text(f"DELETE FROM host_turn WHERE next_at < {_NOW[self._db.engine.dialect.name]} - 3600")  # noqa: S608
                uow.session.execute(over, {"now": values["now"]} if self._db.is_sqlite else {})
        if booked is None:
            return None
        wait = max(0.0, float(booked[0]) - gap - float(booked[1]))
        return before + wait, after + wait

    def hold(self, host: str, seconds: float) -> None:
        """See `app.fetch.ports.Turns.hold`."""
        values: dict[str, float | str] = {"host": host, "seconds": seconds, "forget": _FORGET_SECONDS}
        with self._db.work(durable=False) as uow:
            uow.session.execute(self._hold, values | ({"now": time.time()} if self._db.is_sqlite else {}))


class SharedRobots:
    """The `RobotsShelf` of an installation, in its database."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._kept = 0

    def get(self, origin: str, now: datetime) -> KeptRobots | None:
        """See `app.fetch.ports.RobotsShelf.get`."""
        with self._db.read() as look:
            row = look.session.get(RobotsText, origin)
            if row is None or row.expires_at <= now:
                return None
            problem = (Reason(row.reason), row.sentence or "") if row.reason else None
            return KeptRobots(row.text, problem, row.expires_at)

    def put(self, origin: str, kept: KeptRobots, now: datetime) -> None:
        """See `app.fetch.ports.RobotsShelf.put`."""
        reason, sentence = kept.problem or (None, None)
        with self._db.work(durable=False) as uow:
            row = RobotsText(
                origin=origin,
                text=kept.text.replace("\0", "") if kept.text is not None else None,
                reason=reason.value if reason else None,
                sentence=sentence.replace("\0", "") if sentence else None,
                expires_at=kept.expires_at,
            )
            uow.session.merge(row)
            self._kept += 1
            if self._kept % _PRUNE_EVERY == 0:
                old = col(RobotsText.expires_at) < now - timedelta(days=1)
                uow.session.execute(delete(RobotsText).where(old).execution_options(synchronize_session=False))
