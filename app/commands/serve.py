"""`gapbridge serve`, `worker`, `migrate`, `doctor`, `settings`: run an installation and look after it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from app import health
from app.clock import SystemClock
from app.db import migrate as migrations
from app.db.work import SYSTEM, Database, acting
from app.domain.checks import CheckState
from app.errors import BadInput, GapbridgeError, Unavailable
from app.installation import hold
from app.installation.rules import EVERY_SECONDS, Rules
from app.jobs import SilentDispatcher
from app.log import configure, get_logger
from app.settings import Settings, load_settings

if TYPE_CHECKING:
    from app.container import Container

log = get_logger("serve")

# Seconds for which the list of settings waits for a database that does not answer.
_WAITS_AT_MOST = "3"


def attach(cli: typer.Typer) -> None:
    """Add the commands."""
    cli.command()(serve)
    cli.command()(worker)
    cli.command()(migrate)
    cli.command()(doctor)
    cli.command(name="settings")(list_settings)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default GAPBRIDGE_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; default GAPBRIDGE_PORT. 0: any free one.")
    ] = None,
) -> None:
    """Bring the database up to date and serve the UI and the API, with the workers inside unless told otherwise."""
    import uvicorn

    from app.main import create_app
    from workers.broker import check
    from workers.runtime import Runtime, assemble, disassemble

    settings = load_settings()
    configure(settings.log_level, json=settings.log_json)
    migrations.upgrade(settings.resolved_database_url)
    container, broker = assemble(settings)
    runtime = Runtime(container, broker) if settings.runs_embedded_workers else None
    try:
        health.check_secrets(container)
        _begin(container)
        listener = _listen(host or settings.host, settings.port if port is None else port)
        app = create_app(container, checks={"broker": lambda: check(broker)})
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=10,
                lifespan="on",
                # Whoever could write the caller's address would have a new one for each try to sign in.
                proxy_headers=bool(settings.trusted_proxies),
                forwarded_allow_ips=settings.trusted_proxies,
            )
        )
        app.state.closing = lambda: server.should_exit
        with _calm_signals(), _following(container):
            if runtime is not None:
                runtime.start()
            address = listener.getsockname()
            typer.echo(f"Gapbridge listens on http://{address[0]}:{address[1]}  (stop with Ctrl-C)")
            sys.stdout.flush()
            try:
                with acting(SYSTEM):
                    server.run(sockets=[listener])
            finally:
                if runtime is not None:
                    runtime.stop()
    finally:
        disassemble(container, broker)


def worker() -> None:
    """Run jobs and, when no other process does, the clock; needs a broker server. Stops on SIGTERM after its jobs."""
    from workers.runtime import Runtime, assemble, disassemble

    settings = load_settings()
    if settings.broker_url.startswith("memory:"):
        raise BadInput(
            "GAPBRIDGE_BROKER_URL is memory://, whose workers run inside `gapbridge serve`; "
            "set it to redis://... or amqp://... to run workers of their own"
        )
    configure(settings.log_level, json=settings.log_json)
    migrations.upgrade(settings.resolved_database_url)
    container, broker = assemble(settings)
    try:
        health.check_secrets(container)
        _begin(container)
        with _calm_signals() as stopped, _following(container):
            runtime = Runtime(container, broker)
            runtime.start()
            try:
                stopped.wait()
            finally:
                runtime.stop()
    finally:
        disassemble(container, broker)


def _begin(container: Container) -> None:
    skip = hold.begin(container.db, container.settings).skip
    if skip is not None:
        typer.echo(f"HOLD: {skip.sentence}", err=True)


@contextlib.contextmanager
def _following(container: Container) -> Iterator[None]:
    """Read the rules that staff keep now, and again while this process runs: another one may be where they are saved."""
    ended = threading.Event()

    def follow() -> None:
        while not ended.wait(EVERY_SECONDS):
            container.rules.refresh(container.db)

    container.rules.refresh(container.db)
    thread = threading.Thread(target=follow, name="rules", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(10)


def migrate() -> None:
    """Bring the database to the schema of this version; does nothing when it is there already."""
    settings = load_settings()
    url = settings.resolved_database_url
    before = migrations.current(url)
    migrations.upgrade(url)
    after = migrations.current(url)
    shown = make_url(url).render_as_string(hide_password=True)
    typer.echo(f"{shown}: already at {after}" if before == after else f"{shown}: {before or 'empty'} -> {after}")


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each check.")] = False,
) -> None:
    """Check the database, the broker, the clock, the mailboxes and the DNS of their domains; each fault is printed with its fix. Exit code 1 with faults."""
    from workers.broker import check
    from workers.runtime import assemble, disassemble

    settings = load_settings()
    configure("ERROR", json=settings.log_json)
    container, broker = assemble(settings)
    faults = 0
    try:
        for name, ok, detail in (
            *health.lines(container, lambda: check(broker)),
            *_mailboxes(container),
            *_domains(container),
        ):
            faults += not ok
            if as_json:
                typer.echo(json.dumps({"check": name, "ok": ok, "detail": detail}))
            else:
                typer.echo(f"{'ok   ' if ok else 'FAULT'} {name}: {detail}")
    finally:
        disassemble(container, broker)
    if faults:
        raise typer.Exit(1)


def _mailboxes(container: Container) -> Iterator[tuple[str, bool, str]]:
    from app.mail import accounts, checks, resting

    try:
        with container.db.read() as look:
            found, now = [mailbox for mailbox in accounts.every(look.session) if mailbox.active], look.now()
    except DBAPIError:
        return  # The check of the database has said it.
    for mailbox in found:
        try:
            looked = checks.examine(accounts.stored(mailbox, container.credentials), container.settings)
        except GapbridgeError as error:
            yield f"mailbox {mailbox.email}", False, error.detail
            continue
        for line in looked.checks:
            if line.state is not CheckState.UNKNOWN:
                said = f"{line.found}. {line.fix}".rstrip(". ")
                yield f"mailbox {mailbox.email} {line.name}", line.state is not CheckState.FAIL, said
        rests = resting.why(mailbox, now)
        if rests is not None:
            yield f"mailbox {mailbox.email}", False, f"sending is paused: {rests}"


def _domains(container: Container) -> Iterator[tuple[str, bool, str]]:
    """Ask the DNS about every sending domain; only what fails is a fault, and what could not be asked is said."""
    from app.deliverability import repository, service

    try:
        with container.db.read() as look:
            rows = repository.every(look.session)
    except DBAPIError:
        return
    for row in rows:
        for line in service.check(container, row.id):
            said = f"{line.found}. {line.fix}".rstrip(". ") if line.state is not CheckState.OK else line.found
            known = "" if line.trouble is None else f" (could not be asked now: {line.trouble})"
            yield (
                f"domain {row.domain} {line.name}",
                line.state is not CheckState.FAIL,
                f"{line.state.value}: {said}{known}",
            )


def list_settings(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """List every setting with its value and meaning, also those that are saved on the page. Secrets are hidden."""
    started = load_settings()
    configure("ERROR", json=started.log_json)
    rules = _with_saved(started)
    rows = [
        {
            "name": f"GAPBRIDGE_{name.upper()}",
            "value": _shown(name, getattr(rules.settings, name)),
            "set": name in started.model_fields_set,
            "saved": name in rules.saved,
            "description": field.description or "",
        }
        for name, field in Settings.model_fields.items()
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        origin = "" if row["set"] else "  (saved on the page)" if row["saved"] else "  (default)"
        typer.echo(f"{row['name']}={row['value']}{origin}")
        typer.echo(f"    {row['description']}")


def _with_saved(started: Settings) -> Rules:
    """What staff have saved, over the settings of the start; only those where the database is away or not made yet."""
    rules, url = Rules(started), make_url(started.resolved_database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return rules
    if url.get_backend_name() == "postgresql":
        url = url.update_query_dict({"connect_timeout": _WAITS_AT_MOST, **url.query})
    with contextlib.suppress(GapbridgeError):
        db = Database(url.render_as_string(hide_password=False), SystemClock(), SilentDispatcher())
        rules.refresh(db)
        db.dispose()
    return rules


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, SecretStr):
        return "[hidden]" if value.get_secret_value() else ""
    if name.endswith("_url") and isinstance(value, str) and "@" in value:
        with contextlib.suppress(Exception):
            return make_url(value).render_as_string(hide_password=True)
        return "[hidden]"
    if value is None or isinstance(value, str | int | float | bool | dict):
        return value
    return str(value)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"cannot listen on {host} port {port} ({error.strerror}); stop the program that has it, or set GAPBRIDGE_PORT"
        ) from error
    listener.set_inheritable(True)
    return listener


@contextlib.contextmanager
def _calm_signals() -> Iterator[threading.Event]:
    """The first SIGTERM or SIGINT sets the event (running jobs are finished), the second ends the process at once."""
    stopped = threading.Event()

    def handle(_: int, __: object) -> None:
        if stopped.is_set():
            os._exit(1)
        stopped.set()

    former = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopped
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
