"""Reports and search over a million prospects, of which 100,000 were written to, on SQLite and on PostgreSQL.

Measured is each page as the application makes it (sign-in, counts, statements, HTML), `ROUNDS` times. The cases lie on 365 days,
a fifth of them was answered and a tenth won. Searches: a beginning, a name in full, what stands inside many names, and what
stands in none (the whole index is walked then).
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from app.clock import SystemClock
from app.db.work import Database
from app.jobs import SilentDispatcher
from app.models import Role
from app.settings import Settings
from benchmarks import queue
from tests.support import databases
from tests.support.http import House

CASES = 100_000
ROUNDS = 10

_STATEMENTS = (
    """INSERT INTO sequence (id, site_id, name, version, steps, created_by, created_at)
    VALUES (1, 1, 'first', 1, '[]', 'bench', {today})""",
    """INSERT INTO contact (id, prospect_id, email, name, is_role_address, created_by, created_at)
    SELECT n + 1, n * 10 + 2, 'dana' || n || '@site-' || (n * 10 + 1) || '.test', 'Dana ' || n, {false}, 'bench', {today} FROM {numbers}""",
    """INSERT INTO conversation (id, site_id, prospect_id, contact_id, mailbox_id, domain, state, subject, event_floor, agreed,
                                 started_at)
    SELECT n + 1, 1, n * 10 + 2, n + 1, 1, 'site-' || (n * 10 + 1) || '.test', 'closed', 's', 0, n % 8 = 0, {day} FROM {numbers}""",
    """INSERT INTO pitch (id, prospect_id, state, version, angle, why, subject, body_text, body_html, edited, template_version,
                          variables, approved_by, approved_at, created_at, updated_at)
    SELECT n + 1, n * 10 + 2, 'approved', 0, CASE n % 3 WHEN 0 THEN 'coverage-gap' WHEN 1 THEN 'unlinked-mention'
           ELSE 'resource-replacement' END, '', 's', '{letter}', '', {false}, 'v@' || (n % 4), '{{}}', 'p' || (n % 5), {day}, {day}, {day}
    FROM {numbers}""",
    """INSERT INTO sequence_run (id, prospect_id, sequence_id, conversation_id, pitch_id, state, next_step, version, started_at)
    SELECT n + 1, n * 10 + 2, 1, n + 1, n + 1, 'ended', 1, 0, {day} FROM {numbers}""",
    """INSERT INTO outbound (id, site_id, mailbox_id, prospect_id, conversation_id, sequence_run_id, step_no, kind, message_id, token,
                             to_address, subject, raw, raw_sha256, state, attempt_no, deferrals, fence, event_floor, not_before,
                             expires_at, sent_at, reconcile_tries, approved_by, created_at)
    SELECT n + 1, 1, 1, n * 10 + 2, n + 1, n + 1, 0, 'pitch', '<' || n || '@b>', 't' || n, 'd@x.test', 's', {raw}, '0', 'SENT', 1, 0,
           0, 0, {day}, {day}, {day}, 0, 'ana', {day} FROM {numbers}""",
    """INSERT INTO inbound (id, mailbox_id, content_key, state, raw, size, failures, kind, prospect_id, conversation_id, received_at,
                            stored_at)
    SELECT n + 1, 1, 'k' || n, 'done', {raw}, 1, 0, 'reply', n * 10 + 2, n + 1, {day}, {day} FROM {numbers} WHERE n % 5 = 0""",
    """INSERT INTO link (id, site_id, prospect_id, source_url, state, verified, rel, first_seen_at)
    SELECT n + 1, 1, n * 10 + 2, 'https://x.test/' || n, 'live', {true}, '[]', {later} FROM {numbers} WHERE n % 10 = 0""",
)
_PAGES = (
    ("reports, 90 days", "/reports"),
    ("reports, all of the time", "/reports?days=all"),
    ("cases", "/reports/cases?step=live&days=all"),
    ("links", "/links"),
    ("today", "/"),
    ("search for a beginning", "/search?part=1&q=site-12345"),
    ("search for a name", "/search?part=1&q=site-123456.test"),
    ("search for an inside", "/search?part=1&q=9999.t"),
    ("search for nothing", "/search?part=1&q=nothing-like-it"),
)


def run() -> None:
    """Fill, look, print."""
    with tempfile.TemporaryDirectory() as folder:
        templates = databases.Templates(Path(folder))
        for kind in ("postgresql", "sqlite"):
            with templates.copy(kind, Path(folder)) as url:
                begun = time.perf_counter()
                queue.fill(kind, url)
                _fill(kind, url)
                print(f"{kind}: filled in {time.perf_counter() - begun:.0f} s", flush=True)
                _measure(kind, url, Path(folder))
        templates.close()


def _measure(kind: str, url: str, folder: Path) -> None:
    settings = Settings(_env_file=None, data_dir=folder / kind, database_url=url, mail_allow_plaintext=True)
    house = House(settings, clock=SystemClock())
    browser = house.browser(Role.LEAD)
    for name, path in _PAGES:
        times = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            answer = browser.get(path)
            times.append((time.perf_counter() - begun) * 1000)
            assert answer.status_code == 200, answer.text
        times.sort()
        print(f"{kind}, {name}: p50 {times[len(times) // 2]:.0f} ms, slowest {times[-1]:.0f} ms", flush=True)
    house.close()


def _fill(kind: str, url: str) -> None:
    sqlite = kind == "sqlite"
    today = time.strftime("%Y-%m-%d", time.gmtime())
    if sqlite:
        numbers = (
            f"(WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {CASES - 1}) SELECT n FROM s)"
        )
        day = f"datetime('{today}', '-' || (n % 365) || ' days', '-' || (n % 24) || ' hours') || '.000000'"
        later = f"datetime('{today}', (n % 31 - n % 365) || ' days') || '.000000'"
        values = {"true": "1", "false": "0", "raw": "zeroblob(3000)", "today": f"'{today} 00:00:00.000000'"}
    else:
        numbers = f"generate_series(0, {CASES - 1}) AS s(n)"
        day = f"timestamptz '{today} 00:00+00' - (n % 365) * interval '1 day' - (n % 24) * interval '1 hour'"
        later = f"timestamptz '{today} 00:00+00' - (n % 365 - n % 31) * interval '1 day'"
        raw = "decode(repeat('61', 3000), 'hex')"
        values = {"true": "true", "false": "false", "raw": raw, "today": f"timestamptz '{today} 00:00+00'"}
    values |= {"numbers": numbers, "day": day, "later": later, "letter": "a word " * 100}
    db = Database(url, SystemClock(), SilentDispatcher())
    tables = [statement.split()[2] for statement in _STATEMENTS]
    with queue.without_indexes(db, tables), db.work() as uow:
        for statement in _STATEMENTS:
            uow.session.connection().exec_driver_sql(
                statement.format(**values).replace("%", "%%" if not sqlite else "%")
            )
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if sqlite else "VACUUM ANALYZE"))
    db.dispose()
