"""Sends a second through the whole protocol, with durable commits, against raw aiosmtplib and against django-post_office.

All three talk to the same sink over the same number of connections. Our workers are separate processes, as in
production; their start is not counted, for the rows are released when all are ready.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median

import aiosmtplib
from sqlalchemy import func, select, update
from sqlmodel import col

from app.clock import SystemClock
from app.db import migrate
from app.db.work import Database
from app.domain.delivery import OutboundState
from app.domain.pipeline import Stage
from app.jobs import SilentDispatcher
from app.models import Mailbox, Outbound, OutboundKind
from app.outbox import service
from app.settings import Settings
from tests.support import databases
from tests.support.world import VAULT, a_contact, a_conversation, a_mailbox, a_prospect, a_site

CONNECTIONS = 4
PROCESSES = 2
MESSAGES = 1_000
ROUNDS = 3
ROOT = Path(__file__).resolve().parents[1]
BODY = "Hello Dana,\n\nyour checklist of onboarding tools names us and links to two others.\n" * 12


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """Postfix's smtp-sink where it is installed, else aiosmtpd in a process of its own."""
    port = _free_port()
    binary = shutil.which("smtp-sink", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    command = (
        [binary, "-u", "nobody", "-c", f"127.0.0.1:{port}", "200"]
        if binary and os.geteuid() == 0
        else [sys.executable, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}", "-c", "aiosmtpd.handlers.Sink"]
    )
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def raw_aiosmtplib(port: int, messages: int) -> float:
    """Messages a second when aiosmtplib alone sends ready bytes."""
    from app.mail import mime
    from app.mail.ids import new_ids

    now = SystemClock().now()
    message_id, _ = new_ids(VAULT, now, "acme.test")
    raw = mime.freeze(
        mime.Draft("Ana", "ana@acme.test", "Dana", "dana@editor.test", "Your checklist", BODY, None, message_id, now)
    )

    async def lane(count: int) -> None:
        smtp = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, local_hostname="acme.test")
        await smtp.connect()
        for _ in range(count):
            await smtp.sendmail("ana@acme.test", ["dana@editor.test"], raw)
        await smtp.quit()

    async def everything() -> float:
        started = time.perf_counter()
        await asyncio.gather(*(lane(messages // CONNECTIONS) for _ in range(CONNECTIONS)))
        return time.perf_counter() - started

    return messages / asyncio.run(everything())


WORKER = """
import sys, time, threading, logging, structlog
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
from app.clock import SystemClock
from app.db.work import Database
from app.jobs import SilentDispatcher
from app.outbox.delivery import drain
from app.settings import Settings
from tests.support.send_nursery import OpenGate
from tests.support.world import VAULT
url, ids = sys.argv[1], [int(one) for one in sys.argv[2].split(",")]
db = Database(url, SystemClock(), SilentDispatcher())
settings = Settings(_env_file=None, database_url=url, mail_allow_plaintext=True)
print("ready", flush=True)
sys.stdin.readline()
threads = [threading.Thread(target=drain, args=(db, settings, VAULT, lambda _: OpenGate(), one)) for one in ids]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print("done", flush=True)
"""


def gapbridge(url: str, port: int, messages: int) -> float:
    """Messages a second through the outbox: claim, gate, commit before the dot, record; every commit durable."""
    migrate.upgrade(url)
    db = Database(url, SystemClock(), SilentDispatcher())
    settings = Settings(_env_file=None, mail_allow_plaintext=True, send_window="always")
    with db.work() as uow:
        site = a_site(uow)
        boxes = [
            a_mailbox(
                uow, f"ana{n}@acme.test", smtp_port=port, daily_cap=10**6, polled_at=uow.now() + timedelta(days=1)
            )
            for n in range(CONNECTIONS)
        ]
        for number in range(messages):
            prospect = a_prospect(uow, site, f"site{number}.test", stage=Stage.CHECKED_MENTION)
            service.enqueue(
                uow,
                VAULT,
                settings,
                conversation=a_conversation(uow, prospect, a_contact(uow, prospect), boxes[number % CONNECTIONS]),
                kind=OutboundKind.PITCH,
                subject="Your checklist",
                body_text=BODY,
                body_html=None,
                approved_by="ana",
                not_before=uow.now(),
            )
        ids = [box.id for box in boxes]
        uow.session.execute(update(Mailbox).values(username=""))
    if not db.is_sqlite:
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, url, ",".join(str(one) for one in ids[start::PROCESSES])],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for start in range(PROCESSES)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    started = time.perf_counter()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "done\n"
    seconds = time.perf_counter() - started
    for worker in workers:
        worker.communicate()
    with db.read() as uow:
        sent = uow.session.execute(
            select(func.count()).select_from(Outbound).where(col(Outbound.state) == OutboundState.SENT)
        ).scalar_one()
    db.dispose()
    assert sent == messages, f"only {sent} of {messages} were sent"
    return messages / seconds


POST_OFFICE = """
import sys, time
import django
from django.conf import settings
url, port, messages, connections = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
database = (
    {"ENGINE": "django.db.backends.postgresql", "NAME": url.rsplit("/", 1)[1], "USER": "postgres", "HOST": "127.0.0.1"}
    if url.startswith("postgresql")
    else {"ENGINE": "django.db.backends.sqlite3", "NAME": url.removeprefix("sqlite:///"), "OPTIONS": {"timeout": 30}}
)
settings.configure(
    DATABASES={"default": database}, INSTALLED_APPS=["post_office"], USE_TZ=True, SECRET_KEY="bench",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    EMAIL_BACKEND="post_office.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=port,
    POST_OFFICE={"BACKENDS": {"default": "django.core.mail.backends.smtp.EmailBackend"}, "BATCH_SIZE": 5000,
                 "THREADS_PER_PROCESS": connections, "MAX_RETRIES": 0, "LOG_LEVEL": 2},
)
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from post_office import mail
from post_office.models import Email
body = sys.stdin.read()
mail.send_many([dict(recipients=[f"dana@site{n}.test"], sender="ana@acme.test", subject="Your checklist", message=body)
                for n in range(messages)])
started = time.perf_counter()
mail.send_queued(processes=1)
seconds = time.perf_counter() - started
sent = Email.objects.filter(status=0).count()
assert sent == messages, (sent, messages)
print(messages / seconds)
"""


def post_office(url: str, port: int, messages: int) -> float | None:
    """Messages a second through django-post_office's own queue command; None where it is not installed."""
    result = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            textwrap.dedent(POST_OFFICE),
            url,
            str(port),
            str(messages),
            str(CONNECTIONS),
        ],
        input=BODY,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GAPBRIDGE_UNUSED": ""},
    )
    if "No module named" in result.stderr:
        return None
    if result.returncode:
        raise RuntimeError(result.stderr[-2000:])
    return float(result.stdout.split()[-1])


@contextlib.contextmanager
def database(kind: str) -> Iterator[str]:
    """An empty database of `kind` for one round."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(dir=os.environ.get("GAPBRIDGE_BENCH_DIR")) as folder:
            yield f"sqlite:///{folder}/bench.sqlite"
        return
    name = databases.create_postgres()
    try:
        yield databases.url_of(name)
    finally:
        databases.drop_postgres(name)


def run() -> None:
    """Print the medians of the rounds and their ratios."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    results: dict[str, list[float]] = {}
    with sink() as port:
        for _ in range(ROUNDS):
            results.setdefault("raw aiosmtplib", []).append(raw_aiosmtplib(port, MESSAGES * 3))
            for kind in ("sqlite", "postgresql"):
                with database(kind) as url:
                    results.setdefault(f"gapbridge, {kind}", []).append(gapbridge(url, port, MESSAGES))
                with database(kind) as url:
                    rate = post_office(url, port, MESSAGES)
                    if rate is not None:
                        results.setdefault(f"django-post_office, {kind}", []).append(rate)
    floor = median(results["raw aiosmtplib"])
    print(
        f"{MESSAGES} mails of {len(BODY)} bytes, {CONNECTIONS} connections, {PROCESSES} worker processes, {ROUNDS} rounds"
    )
    for name, rates in results.items():
        line = f"{name:32} {median(rates):8.0f}/s   (min {min(rates):.0f}, max {max(rates):.0f})   {median(rates) / floor:5.2f} of raw"
        peer = results.get(name.replace("gapbridge", "django-post_office"))
        if peer and name.startswith("gapbridge"):
            line += f", {median(rates) / median(peer):5.2f} x django-post_office"
        print(line)
