"""The unit of work: one request or job is one transaction, and bells are rung only after its commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from app.clock import Clock
from app.db.engine import make_engine
from app.jobs import Dispatcher, Job

SYSTEM = "system"
_actor: ContextVar[str] = ContextVar("actor", default=SYSTEM)


@contextmanager
def acting(actor: str) -> Iterator[None]:
    """Units of work that are made inside the block belong to `actor`: a person's address, `key:NAME`, `command line`."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


class UnitOfWork:
    """A session, the clock, and the bells to ring after the commit. Services take it first and never commit."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self.session = session
        self.clock = clock
        # Who is behind this transaction, for the audit. Threads of workers begin with the default: the system itself.
        self.actor = _actor.get()
        self._bells: dict[tuple[Job, int], None] = {}
        self._after: list[Callable[[], None]] = []
        self._before: dict[str, Callable[[], None]] = {}

    def now(self) -> datetime:
        """The clock's present moment, in UTC."""
        return self.clock.now()

    def let_go(self) -> None:
        """End the transaction of a look that only reads, before slow work beside the database: it holds no connection meanwhile.

        What was read stays as it is; the next question begins another look.
        """
        self.session.commit()

    def ring(self, job: Job, row_id: int | None) -> None:
        """Wake a worker for the row, once, after the commit; a rollback forgets it."""
        if row_id is None:
            raise ValueError(f"{job} needs the id of a stored row: flush first")
        self._bells[job, row_id] = None

    def before_commit(self, name: str, action: Callable[[], None]) -> None:
        """Run `action` as the last thing of this transaction, once for each `name` (a lock that orders it against others)."""
        self._before[name] = action

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run `action` after the commit (for files that belong to rows)."""
        self._after.append(action)


class Database:
    """The two engines of an installation and its units of work."""

    def __init__(self, url: str, clock: Clock, dispatcher: Dispatcher) -> None:
        self.url = url
        self.clock = clock
        self.dispatcher = dispatcher
        self.engine: Engine = make_engine(url)
        self.read_engine: Engine = make_engine(url, read_only=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def work(self, *, durable: bool = True) -> Iterator[UnitOfWork]:
        """One transaction: commits at the end of the block and then rings; an exception rolls everything back.

        With `durable=False` the commit does not wait for the disk: a power cut (not a killed process) may undo it, up
        to the next durable one. Only for what is safe to lose.
        """
        with Session(self.engine, expire_on_commit=False) as session:
            uow = UnitOfWork(session, self.clock)
            # Begin now: on SQLite this takes the write lock before the first read.
            session.connection(execution_options={"durable": durable})
            yield uow
            for last in uow._before.values():
                last()
            try:
                session.commit()
            except BaseException:
                # A COMMIT that failed (disk full) may leave its transaction open, while the pool takes it for ended:
                # this connection is not used again.
                session.invalidate()
                raise
        for action in uow._after:
            action()
        for job, row_id in uow._bells:
            self.dispatcher.ring(job, row_id)

    @contextmanager
    def read(self) -> Iterator[UnitOfWork]:
        """A read-only look at one moment; nothing is committed and no bell rings."""
        with Session(self.read_engine, expire_on_commit=False) as session:
            yield UnitOfWork(session, self.clock)

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        self.read_engine.dispose()
