"""Real processes: one clock ticks, another takes over after kill -9; a restart loses nothing; SIGTERM is calm."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from app.clock import SystemClock
from app.db.work import Database
from app.jobs import SilentDispatcher
from app.models import Lease, Role
from app.team import users
from tests.support.brokers import namespace, until
from tests.web.test_access import csrf_of

RUN = [sys.executable, "-c", "import sys; from app.cli import main; sys.exit(main())"]
SWEEP = 0.3


class Processes:
    """Starts `gapbridge` in processes of their own and ends them all after the test."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str) -> tuple[subprocess.Popen[bytes], Path]:
        log = self._folder / f"process-{len(self.running)}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [*RUN, *arguments],
                cwd=self._folder,
                env={**os.environ, **self._environment},
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        self.running.append(process)
        return process, log

    def stop_all(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait(10)


@pytest.fixture
def processes(tmp_path: Path, database_url: str) -> Iterator[Callable[..., Processes]]:
    made: list[Processes] = []

    def make(**settings: str) -> Processes:
        environment = {
            "GAPBRIDGE_DATA_DIR": str(tmp_path / "data"),
            "GAPBRIDGE_DATABASE_URL": database_url,
            "GAPBRIDGE_SWEEP_SECONDS": str(SWEEP),
            **{f"GAPBRIDGE_{name.upper()}": value for name, value in settings.items()},
        }
        made.append(Processes(tmp_path, environment))
        return made[-1]

    yield make
    for group in made:
        group.stop_all()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, SystemClock(), SilentDispatcher())
    yield opened
    opened.dispose()


def holder(database: Database) -> tuple[int, int] | None:
    """Process id and fence of the clock that ticks now."""
    with database.read() as look:
        lease = look.session.get(Lease, "clock")
        if lease is None or lease.until < look.now():
            return None
        return int(lease.owner.split(":")[1]), lease.fence


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # several processes want a server
@pytest.mark.parametrize("broker", ["redis", "rabbitmq"])
def test_one_clock_ticks_and_another_takes_over(
    broker: str, processes: Callable[..., Processes], database: Database
) -> None:
    with namespace(broker) as where:
        group = processes(**where)
        started = [group.start("worker") for _ in range(2)]
        until(lambda: holder(database), 30)
        until(lambda: all(b"runtime.started" in log.read_bytes() for _, log in started), 30)
        found = holder(database)
        assert found is not None
        first, fence = found
        for _ in range(10):
            time.sleep(SWEEP / 3)
            assert holder(database) == (first, fence)  # renewed, never passed on
        (victim,) = (process for process, _ in started if process.pid == first)
        (heir,) = (process for process, _ in started if process.pid != first)
        victim.send_signal(signal.SIGKILL)
        victim.wait(10)
        until(lambda: holder(database) == (heir.pid, fence + 1), 20)
        # A clock that stops by itself gives the lease back at once.
        heir.send_signal(signal.SIGTERM)
        assert heir.wait(20) == 0
        assert holder(database) is None
        group.stop_all()


def get(url: str) -> tuple[int, dict[str, object]]:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.status, json.loads(answer.read())


def address_of(log: Path) -> str:
    found = re.search(rb"listens on (http://\S+)", log.read_bytes())
    return found.group(1).decode() if found else ""


def test_serve_is_ready_stops_calmly_and_starts_again(processes: Callable[..., Processes], database: Database) -> None:
    group = processes(broker_url="memory://")
    for _ in range(2):
        process, log = group.start("serve", "--port", "0")
        until(lambda log=log: address_of(log), 30)
        address = address_of(log)
        until(lambda address=address: _ready(address), 10)
        assert get(f"{address}/healthz") == (200, {"status": "ok"})
        assert urllib.request.urlopen(f"{address}/metrics", timeout=5).read().startswith(b"# HELP")
        until(lambda process=process: (holder(database) or (0, 0))[0] == process.pid, 10)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, log.read_text()
        assert "Traceback" not in log.read_text()


def _ready(address: str) -> bool:
    with contextlib.suppress(OSError):
        return get(f"{address}/readyz")[1]["status"] == "ok"
    return False


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the database makes no difference here
@pytest.mark.parametrize(("trusted", "refused"), [("", True), ("127.0.0.1", False)])
def test_the_callers_address_is_only_what_a_trusted_proxy_wrote(
    processes: Callable[..., Processes], database: Database, trusted: str, refused: bool
) -> None:
    """Six wrong tries a minute from one address are one too many, whatever a caller writes into a header."""
    with database.work() as uow:
        users.create(uow, email="ana@acme.test", name="Ana", role=Role.LEAD, password="correct horse battery")
    _, log = processes(broker_url="memory://", trusted_proxies=trusted).start("serve", "--port", "0")
    until(lambda: address_of(log) and _ready(address_of(log)), 60)
    with httpx2.Client(base_url=address_of(log)) as browser:
        form = {"csrf": csrf_of(browser.get("/signin")), "password": "a wrong guess"}
        answers = [
            browser.post(
                "/signin",
                data={**form, "email": f"{number}@acme.test"},
                headers={"X-Forwarded-For": f"198.51.100.{number}"},
            ).status_code
            for number in range(6)
        ]
    assert answers == [401] * 5 + [429 if refused else 401]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the database makes no difference here
def test_a_worker_without_a_broker_server_says_what_to_set(processes: Callable[..., Processes]) -> None:
    process, log = processes(broker_url="memory://").start("worker")
    assert process.wait(20) == 2
    assert "GAPBRIDGE_BROKER_URL" in log.read_text()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the database makes no difference here
def test_a_taken_port_is_named(processes: Callable[..., Processes]) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process, log = processes().start("serve", "--port", str(taken.getsockname()[1]))
        assert process.wait(20) == 1
        assert "GAPBRIDGE_PORT" in log.read_text()
        assert "Traceback" not in log.read_text()
