"""One worker process of the politeness test: python -m tests.support.polite_rig DATABASE_URL ADDRESS:PORT PAGES."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from app.clock import SystemClock
from app.db.work import Database
from app.fetch.client import GuardedFetcher
from app.fetch.guard import Guard
from app.fetch.ports import Fetched
from app.fetch.shared import SharedRobots, SharedTurns
from app.jobs import SilentDispatcher


def main() -> None:
    """Fetch `PAGES` pages of one host at once, as fast as the installation allows; prints "ready" and waits for a line first."""
    url, pinned, pages = sys.argv[1], sys.argv[2], int(sys.argv[3])
    db = Database(url, SystemClock(), SilentDispatcher())
    guard = Guard(static={"site.test": pinned}, static_private=True)
    with (
        GuardedFetcher(
            guard, user_agent="Gapbridge/9", host_gap=0.05, turns=SharedTurns(db), shelf=SharedRobots(db)
        ) as fetcher,
        ThreadPoolExecutor(pages) as threads,
    ):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        answers = list(threads.map(fetcher.fetch, [f"http://site.test/{n}" for n in range(pages)]))
    db.dispose()
    good = sum(isinstance(answer, Fetched) and answer.status == 200 for answer in answers)
    sys.stdout.write(f"{good}\n")


if __name__ == "__main__":
    main()
