"""The whole loop on the sandbox world, in both modes of an installation, and what the demo says when the ledger is wrong."""

from __future__ import annotations

import calendar
import re
import signal
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from app.cli import main
from app.clock import SteppedClock
from app.commands import demo as command
from app.db.work import Database
from app.domain.pipeline import Stage
from app.jobs import SilentDispatcher
from app.models import Inbound, Pitch, PitchState, Prospect, Snapshot
from app.sandbox import cast, stock
from app.sandbox.demo import Ending, start_of_story
from app.sandbox.ledger import Balance, Disagreement
from app.sandbox.screen import PathLine
from app.sandbox.world import World, open_world
from tests.support.brokers import namespace, until
from tests.support.databases import Templates
from tests.support.postfix import free_port
from tests.support.story import EXPECTED, as_expected, tell
from tests.support.world import a_site

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial" / "first-loop.md"


def test_the_embedded_default_by_its_command(tmp_path: Path) -> None:
    """`gapbridge demo --once` as a user runs it: SQLite, jobs in memory, exit code 0."""
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from app.cli import main; sys.exit(main())", "demo", "--once"],
        capture_output=True,
        text=True,
        timeout=170,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).resolve().parents[2]), "HOME": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The ledger and the world agree." in done.stdout
    rows = [line.split("│") for line in done.stdout.splitlines() if ".test" in line and line.startswith("│")]
    shown = {row[1].strip(): (tuple(row[3].replace(" ", "").split(">")), row[4].strip(), int(row[5])) for row in rows}
    assert shown == EXPECTED
    assert not (tmp_path / "var").exists(), "--once leaves nothing behind"
    said = {without_figures(line) for line in done.stdout.splitlines()}
    told = [
        without_figures(line)
        for block in TUTORIAL.read_text().split("```text\n")[1:]
        for line in block.split("```")[0].splitlines()
    ]
    assert len(told) > 20
    assert [line for line in told if line not in said] == [], "docs/tutorial/first-loop.md shows other lines"


@pytest.mark.timeout(300)
def test_postgresql_and_redis_and_a_planted_fault(templates: Templates, tmp_path: Path) -> None:
    clock = SteppedClock(start_of_story(datetime.now(UTC)))
    with (
        templates.copy("postgresql", tmp_path) as url,
        namespace("redis") as broker,
        open_world(tmp_path, clock) as world,
    ):
        as_expected(*tell(world, tmp_path, url, broker))
        assert_polite(world)
        assert_faults_are_seen(url, world)


def without_figures(line: str) -> str:
    """A line without what differs from run to run: figures, days and months."""
    return re.sub(
        rf"\d+|{'|'.join((*calendar.day_abbr, *calendar.month_name[1:], *calendar.month_abbr[1:]))}", "#", line
    ).strip()


def assert_polite(world: World) -> None:
    hosts = {visit.host for visit in world.sites.visits}
    asked = {visit.host for visit in world.sites.visits if visit.path == "/robots.txt"}
    assert {visit.host for visit in world.sites.visits if visit.status == 200} <= asked | {""}
    assert all("Gapbridge" in visit.user_agent for visit in world.sites.visits)
    assert "cheaplinks4boats.test" not in hosts, "a source that is marked as spam is not visited"


def assert_faults_are_seen(url: str, world: World) -> None:
    """One mail too many and one too few: the same comparison that decides the exit code names both."""
    db = Database(url, world.clock, SilentDispatcher())
    editor = cast.editor_at("slackwater.test")
    mails = world.desk.mailbox(editor.address)
    desk = world.desk
    try:
        with db.read() as look:
            assert stock.compare(look.session, desk).agrees
            honest = desk.mailbox
            for kind, held in (
                ("duplicate", [*mails, mails[0]]),
                ("extra", [*mails, mails[0].replace(b"Message-ID: <", b"Message-ID: <x")]),
                ("missing", mails[1:]),
                ("altered", [mails[0].replace(b"Hi ", b"Ho "), *mails[1:]]),
            ):
                desk.mailbox = lambda address, held=held: held if address == editor.address else honest(address)
                found = stock.compare(look.session, desk)
                assert [one.kind for one in found.disagreements] == [kind]
            desk.mailbox = honest
    finally:
        db.dispose()


@pytest.mark.parametrize(
    ("disagreements", "end", "code"),
    [
        ((), "won, link seen", 0),
        ((Disagreement("missing", "<1@ours.test> is called sent"),), "won, link seen", 1),
        ((), "lost: no-reply", 1),
    ],
    ids=["good", "ledger-differs", "nothing-won"],
)
def test_the_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    disagreements: tuple[Disagreement, ...],
    end: str,
    code: int,
) -> None:
    monkeypatch.setenv("GAPBRIDGE_DATA_DIR", str(tmp_path))
    ending = Ending(Balance(1, 1, 0, disagreements), [PathLine("a.test", "", ("prospect",), end, 1)])
    monkeypatch.setattr(command, "play", lambda *_: ending)
    monkeypatch.setattr(sys, "argv", ["gapbridge", "demo", "--once"])
    assert main() == code


def test_afterwards_the_pages_are_served_with_pitches_to_approve(tmp_path: Path) -> None:
    """`gapbridge demo`: the address and the sign-in stand on the screen, the pages answer there, and Ctrl-C ends it."""
    port = free_port()
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "HOME": str(tmp_path),
        "GAPBRIDGE_PORT": str(port),
        "PYTHONUNBUFFERED": "1",
    }
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; from app.cli import main; sys.exit(main())", "demo"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environment,
    ) as process:
        assert process.stdout is not None
        shown = []
        for line in process.stdout:
            shown.append(line)
            if "The editors go on answering" in line:
                break
        text = "".join(shown)
        try:
            assert f"The pages are at http://127.0.0.1:{port} " in text, text
            assert "Sign in as lead@tidelark.test with the password " in text
            assert "An answer waits in the inbox, and the pitches to 2 more prospects wait" in text
            until(lambda: answers(port), 30)
            db = Database(
                f"sqlite:///{tmp_path / 'var' / 'demo' / 'gapbridge.sqlite'}", SteppedClock(), SilentDispatcher()
            )
            with db.read() as look:
                drafts = look.session.execute(
                    select(col(Prospect.domain), col(Pitch.angle))
                    .join(Pitch, col(Pitch.prospect_id) == col(Prospect.id))
                    .where(col(Pitch.state) == PitchState.DRAFT, col(Prospect.stage) == Stage.CHECKED_MENTION)
                ).all()
                answered = select(col(Prospect.domain)).join(Inbound, col(Inbound.prospect_id) == col(Prospect.id))
                waits = look.session.execute(
                    answered.where(col(Inbound.handled_at).is_(None), col(Inbound.kind).in_(("reply", "opt-out")))
                )
                assert waits.scalars().all() == ["breakwaterblog.test"]
                # Files of today can be imported: the demo's clock has come up to it.
                newest = look.session.execute(select(func.max(col(Snapshot.created_at)))).scalar_one()
            db.dispose()
            assert datetime.now(UTC) - newest < timedelta(hours=1)
            assert {tuple(row) for row in drafts} == {
                ("fathomnotes.test", "unlinked-mention"),
                ("leewardletter.test", "coverage-gap"),
            }
        finally:
            process.send_signal(signal.SIGINT)
        process.wait(30)
    assert process.returncode in (0, 130, -signal.SIGINT)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/signin", timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


def test_a_database_in_use_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, db: Database) -> None:
    """The demo writes people and sites into its database, so it never touches one that holds any."""
    with db.work() as uow:
        a_site(uow)
    monkeypatch.setenv("GAPBRIDGE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("GAPBRIDGE_DATABASE_URL", db.url)
    monkeypatch.setattr(sys, "argv", ["gapbridge", "demo", "--once"])
    assert main() == 2
    with db.read() as look:
        assert look.session.execute(select(col(Prospect.id))).first() is None
