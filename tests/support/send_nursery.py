"""A process that forks sending workers on command, so that a killed one is replaced in milliseconds.

Reads lines from standard input: "spawn" forks a worker and prints its pid; the end of input ends everything.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from dataclasses import dataclass

from app.clock import SystemClock
from app.db.work import Database
from app.jobs import SilentDispatcher
from app.outbox import repository
from app.outbox.delivery import drain
from app.settings import Settings
from tests.support.world import VAULT


@dataclass(frozen=True)
class OpenGate:
    current: bool = True
    reason: str = ""
    seen_event_id: int = 0


def work(url: str, lease_seconds: int) -> None:
    settings = Settings(
        _env_file=None, database_url=url, lease_seconds=lease_seconds, mail_allow_plaintext=True, log_level="ERROR"
    )
    db = Database(url, SystemClock(), SilentDispatcher())
    parent = os.getppid()
    while os.getppid() == parent:
        with db.read() as uow:
            due = repository.due_mailboxes(uow.session, uow.now())
        for mailbox_id in due:
            drain(db, settings, VAULT, lambda _: OpenGate(), mailbox_id)
        if not due:
            time.sleep(0.02)


def main() -> None:
    url, lease = sys.argv[1], int(sys.argv[2])
    import logging

    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the killed ones
    for line in sys.stdin:
        if line.strip() == "spawn":
            pid = os.fork()
            if pid == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                try:
                    work(url, lease)
                except BaseException:
                    traceback.print_exc()
                    os._exit(1)
                os._exit(0)
            print(pid, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
