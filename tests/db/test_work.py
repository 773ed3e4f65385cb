"""One block is one transaction: whole or not at all, with its bells after the commit, and a failure leaves nothing behind."""

from __future__ import annotations

import pytest
from sqlalchemy import event, func, make_url, select

from app.db.engine import make_engine
from app.db.work import Database, UnitOfWork
from app.jobs import Job, RecordingDispatcher
from app.models import Site
from tests.support.world import a_site


def sites(db: Database) -> int:
    with db.read() as look:
        return look.session.execute(select(func.count()).select_from(Site)).scalar_one()


def test_bells_ring_after_the_commit_and_once(db: Database, dispatcher: RecordingDispatcher) -> None:
    with db.work() as uow:
        a_site(uow)
        uow.ring(Job.INBOX_POLL, 7)
        uow.ring(Job.INBOX_POLL, 7)
        assert dispatcher.rung == []
    assert dispatcher.rung == [(Job.INBOX_POLL, 7)]


def test_an_error_undoes_everything_and_rings_nothing(db: Database, dispatcher: RecordingDispatcher) -> None:
    def fail(uow: UnitOfWork) -> None:
        a_site(uow)
        uow.ring(Job.INBOX_POLL, 7)
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError), db.work() as uow:
        fail(uow)
    assert (sites(db), dispatcher.rung) == (0, [])


def test_a_commit_that_fails_leaves_no_transaction_open(db: Database) -> None:
    failing = True

    def fail(_: object) -> None:
        if failing:
            raise RuntimeError("disk full")

    event.listen(db.engine, "commit", fail)
    with pytest.raises(RuntimeError, match="disk full"), db.work() as uow:
        a_site(uow)
    failing = False
    with db.work() as uow:
        a_site(uow, name="Second")
    assert sites(db) == 1


def test_a_page_cannot_write(db: Database) -> None:
    with pytest.raises(Exception, match=r"read-?only"), db.read() as look:
        a_site(look)


@pytest.mark.parametrize("durable", [True, False])
def test_a_transaction_that_need_not_wait_is_a_transaction_all_the_same(db: Database, durable: bool) -> None:
    with db.work(durable=durable) as uow:
        connection = uow.session.connection()
        if db.is_sqlite:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == (2 if durable else 1)
        else:
            level = connection.exec_driver_sql("SHOW synchronous_commit").scalar_one()
            assert (level == "off") is not durable
        a_site(uow)
    assert sites(db) == 1
    # The next transaction on the same connection waits for the disk again.
    with db.work() as uow:
        connection = uow.session.connection()
        if db.is_sqlite:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        else:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() != "off"


def test_no_statement_is_compiled_and_what_the_address_asks_for_stays(database_url: str) -> None:
    """Compiling the statement of a report took PostgreSQL longer than running it."""
    if not database_url.startswith("postgresql"):
        return
    url = make_url(database_url).update_query_dict({"options": "-c statement_timeout=77s"})
    for read_only in (False, True):
        engine = make_engine(url.render_as_string(hide_password=False), read_only=read_only)
        with engine.connect() as connection:
            asked = [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in ("jit", "statement_timeout")]
            writes = connection.exec_driver_sql("SHOW default_transaction_read_only").scalar_one()
        engine.dispose()
        assert asked == ["off", "77s"]
        assert writes == ("on" if read_only else "off")
