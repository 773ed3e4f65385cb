"""`gapbridge demo`: builds the sandbox world, runs the whole loop on it, and then serves the pages."""

from __future__ import annotations

import contextlib
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from sqlalchemy import select
from sqlmodel import col

from app.clock import SteppedClock
from app.container import Container
from app.db import migrate
from app.db.engine import make_engine
from app.errors import BadInput
from app.log import configure
from app.models import Site, User
from app.settings import Settings, load_settings

if TYPE_CHECKING:
    from app.sandbox.demo import Ending
    from app.sandbox.screen import Screen
    from app.sandbox.world import World

_MARK = "this-folder-belongs-to-the-demo"


def attach(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(demo)


def demo(
    once: Annotated[
        bool,
        typer.Option("--once", help="Print every prospect's path and stop; exit 0 only if ledger and world agree."),
    ] = False,
) -> None:
    """Run the whole loop on a world of its own: local mail servers, editors that answer, sites that link.

    The database is a new one in the data folder, or the empty one that GAPBRIDGE_DATABASE_URL names.
    """
    from app.sandbox.demo import start_of_story
    from app.sandbox.world import open_world

    base = load_settings()
    configure("ERROR", json=base.log_json)
    clock = SteppedClock(start_of_story(datetime.now(UTC)))
    with _folder(base, once) as folder, _listener(base, once) as listener, open_world(folder, clock) as world:
        settings = _settings(base, folder, world, listener)
        _need_empty(settings)
        ending = play(settings, world, None if once or listener is None else listener)
    if not ending.good:
        raise typer.Exit(1)


def play(
    settings: Settings, world: World, listener: socket.socket | None = None, screen: Screen | None = None
) -> Ending:
    """The whole story on an empty, migrated database, with the workers inside; then the pages, when `listener` is given."""
    from app.sandbox.demo import Demo
    from app.sandbox.engine import Engine
    from app.sandbox.screen import Screen as TerminalScreen
    from workers.runtime import Runtime, assemble, disassemble
    from workers.table import TABLE

    container, broker = assemble(settings, clock=world.clock)
    engine = Engine(container.db, [(work.job, work.due) for work in TABLE])
    runtime = Runtime(container, broker, tuple(replace(work, run=engine.counted(work.run)) for work in TABLE))
    try:
        runtime.start()
        with screen or TerminalScreen(Demo.STEPS) as shown:
            story = Demo(container, world, engine, shown)
            ending = story.run()
        if listener is not None:
            _serve(container, world, listener, story.leave_something_to_do(datetime.now(UTC)))
    finally:
        runtime.stop()
        disassemble(container, broker)
    return ending


@contextlib.contextmanager
def _folder(settings: Settings, once: bool) -> Iterator[Path]:
    """A temporary folder for --once; otherwise `demo` in the data folder, emptied of the former demo."""
    if once:
        with tempfile.TemporaryDirectory(prefix="gapbridge-demo-") as made:
            yield Path(made)
        return
    folder = settings.data_dir / "demo"
    if folder.exists():
        if any(folder.iterdir()) and not (folder / _MARK).exists():
            raise BadInput(f"{folder} holds something that the demo has not made; move it away")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / _MARK).touch()
    yield folder


@contextlib.contextmanager
def _listener(settings: Settings, once: bool) -> Iterator[socket.socket | None]:
    # Taken before the first mail is written, because the opt-out links name the address.
    if once:
        yield None
        return
    try:
        made = socket.create_server((settings.host, settings.port))
    except OSError:
        made = socket.create_server((settings.host, 0))
        typer.echo(f"port {settings.port} is taken; using {made.getsockname()[1]}", err=True)
    with made:
        yield made


def _settings(base: Settings, folder: Path, world: World, listener: socket.socket | None) -> Settings:
    address = f"http://{base.host}:{listener.getsockname()[1]}" if listener else base.public_url
    return base.model_copy(
        update={
            "data_dir": folder,
            "public_url": address,
            # An installation that shares the broker must not be given the demo's jobs.
            "broker_namespace": f"{base.broker_namespace}-demo",
            **world.settings,
        }
    )


def _need_empty(settings: Settings) -> None:
    url = settings.resolved_database_url
    migrate.upgrade(url)
    engine = make_engine(url, read_only=True)
    try:
        with engine.connect() as connection:
            used = connection.execute(select(col(Site.id))).first() or connection.execute(select(col(User.id))).first()
    finally:
        engine.dispose()
    if used:
        raise BadInput(
            "the database that GAPBRIDGE_DATABASE_URL names is in use; the demo wants an empty one, for it writes into it"
        )


def _serve(container: Container, world: World, listener: socket.socket, waiting: list[str]) -> None:
    import uvicorn

    from app.main import create_app
    from app.sandbox.person import EMAIL

    host, port = listener.getsockname()[:2]
    typer.echo(f"\nThe pages are at http://{host}:{port}  (stop with Ctrl-C)")
    typer.echo(f"Sign in as {EMAIL} with the password {world.password}")
    typer.echo(
        f"An answer waits in the inbox, and the pitches to {len(waiting)} more prospects wait in the queue for you."
    )
    typer.echo("The editors go on answering. The demo's clock says the time of today.")
    sys.stdout.flush()
    stop = threading.Event()

    def live() -> None:
        while not stop.wait(3):
            with contextlib.suppress(OSError):
                world.desk.round()

    editors = threading.Thread(target=live, name="editors", daemon=True)
    editors.start()
    try:
        uvicorn.Server(
            uvicorn.Config(create_app(container), log_config=None, access_log=False, server_header=False)
        ).run(sockets=[listener])
    finally:
        stop.set()
        editors.join(30)
