"""How many mailboxes one worker waits for by IDLE: memory, time to connect, and how soon a new reply is stored and matched.

A real Dovecot holds the mailboxes. The worker runs in a process of its own (database, broker in memory, threads for looks,
the connections that wait), as `gapbridge serve` runs it; this process appends messages and watches the database.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from random import Random
from statistics import median

from pydantic import SecretStr
from sqlalchemy import func, select
from sqlmodel import col

from app.clock import SystemClock
from app.db import migrate
from app.db.work import Database
from app.jobs import SilentDispatcher
from app.models import Inbound, InboundState, MailboxWatch
from app.settings import Settings
from tests.support.dovecot import Dovecot, dovecot
from tests.support.letters import letter
from tests.support.world import a_mailbox

SIZES = tuple(int(size) for size in os.environ.get("IDLE_SIZES", "10,100,1000").split(","))
LETTERS = 30
# Seconds for all sign-ins; a machine that cannot do it in this time has failed the run.
LONGEST = 600.0


def worker(url: str, data_dir: str, ready: multiprocessing.synchronize.Event) -> None:
    """What is measured: a runtime with its workers, its clock and its waiting connections."""
    import logging

    import structlog

    from workers.runtime import Runtime, assemble, disassemble

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    settings = Settings(
        _env_file=None, database_url=url, data_dir=Path(data_dir), mail_allow_plaintext=True,
        secret_key=SecretStr("test-key"), idle_connections=10_000,
    )  # fmt: skip
    container, broker = assemble(settings)
    runtime = Runtime(container, broker)
    runtime.start()
    try:
        ready.wait()
    finally:
        runtime.stop(5)
        disassemble(container, broker)


def resident(pid: int) -> float:
    """Megabytes of a process and its children (the parser of messages is one)."""
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    total = 0
    for one in [str(pid), *children]:
        for line in Path(f"/proc/{one}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total / 1024


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def prepare(url: str, port: int, addresses: list[str]) -> Database:
    migrate.upgrade(url)
    db = Database(url, SystemClock(), SilentDispatcher())
    with db.work() as uow:
        for address in addresses:
            a_mailbox(uow, address, imap_port=port, poll_due_at=uow.now())
    return db


def waiting(db: Database) -> int:
    with db.read() as uow:
        stands = select(func.count()).where(col(MailboxWatch.idle_since).is_not(None))
        return int(uow.session.execute(stands).scalar_one())


def until(true: object, seconds: float) -> float:
    started = time.monotonic()
    while not true():  # type: ignore[operator]
        if time.monotonic() - started > seconds:
            raise TimeoutError
        time.sleep(0.02)
    return time.monotonic() - started


def lags(db: Database, server: Dovecot, addresses: list[str]) -> list[float]:
    """Seconds from the server's OK to a message until it is stored and acted on, one after the other."""
    dice = Random(1)
    found = []
    for number in range(LETTERS):
        address = dice.choice(addresses)
        mark = f"<bench{number}.{time.monotonic_ns()}@editor.test>"
        server.put(address, letter(to=address, message_id=mark))
        found.append(until(lambda mark=mark: _done(db, mark), 90))  # type: ignore[misc]
    return found


def _done(db: Database, message_id: str) -> bool:
    with db.read() as uow:
        row = select(col(Inbound.id)).where(
            col(Inbound.message_id) == message_id, col(Inbound.state) == InboundState.DONE
        )
        return uow.session.execute(row).first() is not None


def one(size: int) -> None:
    addresses = [f"b{number}@acme.test" for number in range(size)]
    folder = tempfile.mkdtemp()
    context = multiprocessing.get_context("spawn")
    end = context.Event()
    with dovecot(*addresses, most=size + 600) as server:
        db = prepare(f"sqlite:///{folder}/bench.sqlite", server.port, addresses)
        process = context.Process(target=worker, args=(db.url, folder, end))
        process.start()
        pid = int(process.pid or 0)
        try:
            connected = until(lambda: waiting(db) == size, LONGEST)
            time.sleep(3)
            before, used = time.monotonic(), cpu_seconds(pid)
            found = lags(db, server, addresses)
            busy = (cpu_seconds(pid) - used) / (time.monotonic() - before)
            memory = resident(pid)
            print(
                f"{size:5} mailboxes: all polled and waiting after {connected:5.1f} s, worker {memory:4.0f} MB with its parser; "
                f"reply stored and acted on: median {median(found):.2f} s, worst of {LETTERS} {max(found):.2f} s; "
                f"{busy:.2f} cores (polling goes on beside)",
                flush=True,
            )
        finally:
            end.set()
            process.join(30)
            process.kill()
            db.dispose()
    shutil.rmtree(folder, ignore_errors=True)


def run() -> None:
    """Print one line for each size."""
    for size in SIZES:
        one(size)


if __name__ == "__main__":
    run()
