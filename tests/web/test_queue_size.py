"""The queue with a hundred thousand prospects: what a page costs does not grow with what stands behind it."""

from __future__ import annotations

import gzip
import re
from typing import Any

from sqlalchemy import event, text

from app.db.work import Database
from app.domain.pipeline import Stage
from app.models import Prospect, Role
from app.prospects import leases
from app.reports.prospects import Lane
from tests.support.http import House
from tests.support.world import a_prospect, a_site

MANY = 100_000


def fill(db: Database, many: int) -> None:
    """One prospect, copied under other names inside the database."""
    with db.work() as uow:
        site = a_site(uow)
        first = a_prospect(uow, site, "site-0.test", stage=Stage.CHECKED_MENTION, tier=3, rank_key="3-000000")
        names = [
            column.name for column in Prospect.__table__.columns if column.name not in ("id", "domain", "rank_key")
        ]  # type: ignore[attr-defined]
        # Six digits after the tier: as many places as there are rows, in the order of their numbers.
        number = "printf('%06d', n)" if db.is_sqlite else "lpad(n::text, 6, '0')"
        numbers = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :many)"
        uow.session.execute(
            text(
                f"{numbers} INSERT INTO prospect (domain, rank_key, {', '.join(names)}) "
                f"SELECT 'site-' || n || '.test', '3-' || {number}, {', '.join('p.' + name for name in names)} "
                "FROM numbers, prospect p WHERE p.id = :first"
            ),
            {"many": many - 1, "first": first.id},
        )
        uow.session.execute(text("ANALYZE"))


class Watch:
    """What the reading engine executes, with its parameters; the plan of a statement as the database tells it."""

    def __init__(self, house: House) -> None:
        self.house, self.seen = house, []  # type: ignore[var-annotated]
        for engine in (house.db.engine, house.db.read_engine):
            event.listen(
                engine, "before_cursor_execute", lambda _c, _k, said, given, *_: self.seen.append((said, given))
            )

    def during(self, browser: Any, path: str) -> list[tuple[str, Any]]:
        self.seen.clear()
        assert browser.get(path).status_code == 200
        return list(self.seen)

    def plan(self, said: str, given: Any) -> str:
        """One line for each step."""
        ask = "EXPLAIN QUERY PLAN " if self.house.db.is_sqlite else "EXPLAIN (ANALYZE, TIMING OFF) "
        with self.house.db.read_engine.connect() as connection:
            return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(ask + said, given))


def skipped_rows(said: str, given: Any) -> list[int]:
    """How many rows each OFFSET of a statement skips; SQLite's dialect writes one where none is meant, with a 0."""
    found = []
    for match in re.finditer(r"OFFSET (\?|%\((\w+)\)s)", said):
        found.append(given[match[2]] if match[2] else given[said[: match.start()].count("?")])
    return found


def test_a_page_far_down_costs_what_the_first_one_costs(house: House) -> None:
    """U03, U04: bytes, statements, no row skipped, no count of all, and a plan that begins at the place in the index.

    Times are for `make bench`: here the machine may be busy with anything.
    """
    fill(house.db, MANY)
    browser = house.browser(Role.OUTREACH)
    browser.get("/queue")
    watch = Watch(house)
    place = MANY * 2 // 5
    first, deep = "/queue", f"/queue?after=3-{place:06}.{place}"
    pages = {path: browser.get(path) for path in (first, deep)}
    said = {path: watch.during(browser, path) for path in pages}
    assert "site-0.test" in pages[first].text
    assert re.search(r"site-4\d{4}\.test", pages[deep].text)
    assert len(said[first]) == len(said[deep]) <= 8
    for statement, given in said[first] + said[deep]:
        assert set(skipped_rows(statement, given)) <= {0}, statement
        # A count stops at a thousand: the badge says "999+".
        assert "count(" not in statement.lower() or "LIMIT" in statement, statement
    for page in pages.values():
        assert len(page.content) <= 60_000
        assert len(gzip.compress(page.content)) <= 15_000
    [(statement, given)] = [one for one in said[deep] if "rank_key >" in one[0] or "rank_key, prospect.id) >" in one[0]]
    plan = watch.plan(statement, given)
    if house.db.is_sqlite:
        assert re.search(r"SEARCH prospect USING .*INDEX \S+ \(.*rank_key", plan), plan
        assert "SCAN prospect" not in plan, plan
    else:
        touched = [int(rows) * int(loops) for rows, loops in re.findall(r"rows=(\d+)(?:\.\d+)? loops=(\d+)", plan)]
        assert max(touched) <= 500, plan


def test_a_claim_far_down_is_as_cheap(house: House) -> None:
    """The next item of whoever works at place 40,000 is found by the same index."""
    fill(house.db, 20_000)
    from app.desk import service as desk
    from app.desk.service import Person
    from app.team import users

    with house.db.work() as uow:
        user = users.create(uow, email="ana@acme.test", name="Ana", role=Role.LEAD, password="correct horse battery")
        person = Person(user.id, f"user:{user.id}", user.email, user.name)
        found = desk.take_next(uow, person, Lane(), after=("3-008000", 8_001))
        assert found is not None
        assert leases.held(uow.session, uow.session.get_one(Prospect, found).domain, uow.now()) is not None
        assert uow.session.get_one(Prospect, found).rank_key == "3-008001"
