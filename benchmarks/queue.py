"""The queue with a million prospects: its first page and the page at position 400,000, on SQLite and on PostgreSQL.

Measured is the whole page as the application makes it (sign-in, counts, list, open item, HTML), `ROUNDS` times each. The
position is reached by the key of the row that stands there, as the link "Load 50 more" does. Fixed is what the page may
cost: at most 8 statements, no OFFSET, and 60,000 bytes of HTML.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import event, text

from app.clock import SystemClock
from app.db import migrate
from app.db.work import Database
from app.jobs import SilentDispatcher
from app.models import Competitor, Role
from app.settings import Settings
from tests.support import databases
from tests.support.http import House
from tests.support.world import a_mailbox, a_site

PROSPECTS = 1_000_000
POSITION = 400_000
ROUNDS = 40
FLOOR_MS = 200.0

# Every tier, share and authority occurs; a tenth has left the queue, and the left ones stand among the first, too.
_FILL = """
INSERT INTO prospect (id, site_id, domain, stage, version, tier, overlap, competitors, removed_by, known_pages, rank_key,
                      mention, mention_tries, authority, authority_provider, best_page, created_at, updated_at)
SELECT n + 1, 1, 'site-' || n || '.test', CASE WHEN n % 10 = 0 THEN 'lost' ELSE 'checked-mention' END, 0, 1 + n % 3,
       3 - n % 3, {alpha}, {none}, {none},
       (1 + n % 3) || '' || (n % 2) || '033' || '1' || {pad} || '20250301',
       CASE WHEN n % 2 = 0 THEN 'unlinked-mention' ELSE 'no-mention' END, 0, n % 100, 'Ahrefs',
       'https://site-' || n || '.test/tools', {moment}, {moment}
FROM {numbers}
"""


def run() -> None:
    """Fill, look, print."""
    with tempfile.TemporaryDirectory() as folder:
        templates = databases.Templates(Path(folder))
        for kind in ("sqlite", "postgresql"):
            with templates.copy(kind, Path(folder)) as url:
                _measure(kind, url, Path(folder))
        templates.close()


def _measure(kind: str, url: str, folder: Path) -> None:
    assert migrate.current(url) == migrate.head()
    fill(kind, url)
    house = House(
        Settings(_env_file=None, data_dir=folder / kind, database_url=url, mail_allow_plaintext=True),
        clock=SystemClock(),
    )
    browser = house.browser(Role.OUTREACH)
    with house.db.read() as uow:
        key, number = uow.session.execute(
            text(
                "SELECT rank_key, id FROM prospect WHERE stage = 'checked-mention' ORDER BY rank_key, id LIMIT 1 OFFSET :n"
            ),
            {"n": POSITION},
        ).one()
    statements: list[str] = []
    event.listen(house.db.read_engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    for name, path in (("first page", "/queue"), (f"position {POSITION:,}", f"/queue?after={quote(key)}.{number}"),
                       ("tier 2", "/queue?tier=2")):  # fmt: skip
        times = []
        for _ in range(ROUNDS):
            statements.clear()
            begun = time.perf_counter()
            answer = browser.get(path)
            times.append((time.perf_counter() - begun) * 1000)
            assert answer.status_code == 200
        asked = [statement for statement in statements if statement != "BEGIN"]
        assert len(asked) <= 8, len(asked)
        # SQLAlchemy writes LIMIT for SQLite with an OFFSET of nothing; on PostgreSQL the word would be ours.
        assert kind == "sqlite" or not [statement for statement in asked if " OFFSET " in statement.upper()]
        assert len(answer.content) <= 60_000
        times.sort()
        p95 = times[int(len(times) * 0.95) - 1]
        print(f"{kind}, {name}: p50 {times[len(times) // 2]:.0f} ms, p95 {p95:.0f} ms (floor {FLOOR_MS:.0f}); "
              f"{len(asked)} statements, {len(answer.content):,} bytes", flush=True)  # fmt: skip
    house.close()


@contextmanager
def without_indexes(db: Database, tables: Sequence[str]) -> Iterator[None]:
    """Take the indexes of `tables` away and make them anew at the end: a million rows, one by one into each of a dozen
    trees that no cache holds, take hours. What stands behind a constraint stays.
    """
    sqlite = db.engine.dialect.name == "sqlite"
    asked = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = :table"
        if sqlite
        else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = :table AND indexname NOT IN "
        "(SELECT conname FROM pg_constraint)"
    )
    with db.engine.begin() as connection:
        found = [tuple(row) for table in tables for row in connection.execute(text(asked), {"table": table})]
        for name, _ in found:
            connection.execute(text(f"DROP INDEX {name}"))
    yield
    with db.engine.begin() as connection:
        for _, statement in found:
            connection.exec_driver_sql(statement)


def fill(kind: str, url: str) -> None:
    """Make the site with its million prospects."""
    db = Database(url, SystemClock(), SilentDispatcher())
    with db.work() as uow:
        site = a_site(uow)
        for name in ("alpha.test", "beta.test", "gamma.test"):
            uow.session.add(Competitor(site_id=site.id, domain=name, created_at=uow.now()))
        a_mailbox(uow)
    if kind == "sqlite":
        numbers = f"(WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {PROSPECTS - 1}) SELECT n FROM s)"
        pad, json, moment = "printf('%04d', n % 1000)", "", ""
    else:
        numbers, pad = f"generate_series(0, {PROSPECTS - 1}) AS s(n)", "lpad((n % 1000)::text, 4, '0')"
        json, moment = "::jsonb", "::timestamptz"
    values = {
        "numbers": numbers,
        "pad": pad,
        "alpha": f"""'["alpha.test"]'{json}""",
        "none": f"'[]'{json}",
        "moment": f"'2026-01-01 00:00:00+00:00'{moment}",
    }
    with without_indexes(db, ("prospect",)), db.work() as uow:
        uow.session.execute(text(_FILL.format(**values)))
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    db.dispose()
