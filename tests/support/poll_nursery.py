"""A process that forks polling workers on command, so that a killed one is replaced in milliseconds.

Reads lines from standard input: "spawn" forks a worker and prints its pid; the end of input ends everything.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path


def work(url: str, data_dir: str) -> None:
    from app.clock import SystemClock
    from app.db.work import Database
    from app.inbox import service
    from app.inbox.deps import InboxDeps, by_imap, shared_parser
    from app.jobs import SilentDispatcher
    from app.mail.credentials import Credentials
    from app.settings import Settings
    from tests.support.world import VAULT

    settings = Settings(
        _env_file=None, database_url=url, data_dir=Path(data_dir), mail_allow_plaintext=True, log_level="ERROR"
    )
    db = Database(url, SystemClock(), SilentDispatcher())
    deps = InboxDeps(db, VAULT, settings, shared_parser(), by_imap(settings, Credentials(db, settings, VAULT)))
    parent = os.getppid()
    while os.getppid() == parent:
        service.sync_until_current(deps, 1, timedelta(seconds=20))


def main() -> None:
    import logging

    import structlog

    # Imported before the forks, so that a new worker works at once.
    for name in ("app.inbox.service", "tests.support.world", "app.settings"):
        importlib.import_module(name)

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the killed ones
    for line in sys.stdin:
        if line.strip() == "spawn":
            pid = os.fork()
            if pid == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                try:
                    work(sys.argv[1], sys.argv[2])
                finally:
                    os._exit(0)
            print(pid, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
