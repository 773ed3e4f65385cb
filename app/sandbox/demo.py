"""Runs the whole loop on the sandbox world, from the exports to a link that was lost and won back.

The jobs run in the workers as in production; this driver only does what people do (the person at our desk, the editors) and
moves the clock, which it says each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlmodel import col

from app.container import Container
from app.domain.delivery import OutboundState
from app.domain.pipeline import Stage
from app.models import Outbound, Prospect, RunState, SequenceRun
from app.sandbox import cast, stock
from app.sandbox.engine import Engine
from app.sandbox.ledger import Balance
from app.sandbox.person import Person
from app.sandbox.screen import PathLine, Screen
from app.sandbox.story import Story
from app.sandbox.world import World

DAYS = 30
# Mails of one mailbox leave with a pause between them; the clock is moved over it in steps of a minute.
_STEP = timedelta(minutes=1)
_REDESIGN_DAY = 20
# A story that runs over holidays takes longer, for follow-ups wait for working days; it ends when nothing is open any more.
_AT_MOST = 60
# For the bar only: the story ends when nothing is open any more, which is about then.
_LAST_DAYS = 27


def start_of_story(now: datetime) -> datetime:
    """A Monday, 09:00 UTC, so long before `now` that the story ends before it: then nothing in the demo lies in the future."""
    day = (now - timedelta(days=DAYS + 1)).astimezone(UTC)
    monday = day - timedelta(days=day.weekday())
    return monday.replace(hour=9, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Ending:
    """The comparison of the ledger with the world, and the path of every prospect."""

    balance: Balance
    paths: list[PathLine]

    @property
    def good(self) -> bool:
        """Whether ledger and world agree and a link was won."""
        return self.balance.agrees and any(line.end.startswith("won") for line in self.paths)


class Demo:
    """The driver."""

    def __init__(self, container: Container, world: World, engine: Engine, screen: Screen) -> None:
        self._container = container
        self._world = world
        self._engine = engine
        self._screen = screen
        self._story = Story()
        self._lines: list[str] = []
        self._unread = False
        self.person = Person(container, world)

    STEPS = 7

    def run(self) -> Ending:
        """The whole story."""
        screen = self._screen
        with self._step("1. Set up: our site, its competitors and pages, one mailbox"):
            self._say(*self.person.set_up())
            started = self._world.clock.now()
            self._say(f"this demo has a clock of its own: it starts on {started:%A %d %B %Y, %H:%M} UTC and is moved")
        with self._step("2. Import the exports and compute the gap"):
            self._say(*self.person.import_exports())
        with self._step("3. Look at their pages for our name and for links to us"):
            self._engine.settle()
        with self._step("4. Note contacts, render the pitches, read and approve them"):
            self._say(*self.person.drop_unwinnable())
            self._tell()
            self._say(*self.person.find_contacts(), *self.person.approve_all())
        with self._step("5. Send, let the editors answer, read the mail"):
            self._workday()
        with self._step("6. Go on day by day: follow-ups, answers, links that appear, one that is lost"):
            self._days()
        with self._step("7. Take stock"):
            with self._container.db.read() as look:
                balance = stock.compare(look.session, self._world.desk)
                paths = stock.paths(look.session)
            screen.paths(paths)
            screen.balance(balance)
        return Ending(balance, paths)

    def leave_something_to_do(self, now: datetime) -> list[str]:
        """After the story: the clock comes up to `now`, so that files of today can be imported, and a newer export brings prospects.

        The first of them has been written to and has answered; the answer lies in the inbox, unread. The pitches to the others
        wait in the queue: their domains.
        """
        while (left := now - self._world.clock.now()) > timedelta():
            self._move(min(left, timedelta(days=1)))
        self.person.import_later()
        self._engine.settle()
        self.person.find_contacts()
        waiting = self.person.draft_all()
        self.person.approve_first()
        self._send_all()
        # The editor takes a moment: an answer of the same second would stand before its question.
        self._move(timedelta(minutes=2))
        self._world.desk.round()
        self._world.deliver()
        self._move(timedelta(minutes=2))
        return waiting[1:]

    # --- telling ------------------------------------------------------------------------------------------------

    @contextmanager
    def _step(self, title: str) -> Iterator[None]:
        with self._screen.step(title):
            yield
            self._tell()
            self._flush()

    def _say(self, *lines: str) -> None:
        self._lines += lines

    def _tell(self) -> None:
        with self._container.db.read() as look:
            self._say(*self._story.news(look.session))

    def _flush(self, moved_to: datetime | None = None, heading: str = "") -> None:
        # A day on which nothing happened leaves no line.
        if self._lines and moved_to is not None:
            self._screen.moved(moved_to, heading)
        for line in self._lines:
            self._screen.say(line)
        self._lines.clear()

    # --- time ---------------------------------------------------------------------------------------------------

    def _move(self, by: timedelta) -> None:
        self._world.clock.advance(by)
        self._engine.settle()

    def _days(self) -> None:
        for day in range(1, _AT_MOST):
            now = self._world.clock.now()
            morning = (now + timedelta(days=1)).replace(hour=9, minute=30, second=0, microsecond=0)
            if day == _REDESIGN_DAY:
                editor = cast.editor_at("sandbarpost.test")
                self._world.sites.remove_links(editor)
                self._say(f"{editor.site} is redesigned; our link is gone from {editor.url}")
            self._move(morning - now)
            self._tell()
            # Editors act on mail: a day with nothing new on either side stays without news.
            if self._lines or self._unread or self._waiting():
                self._workday()
            self._flush(morning, f"day {day}")
            self._screen.within(f"6. Day {day}", day / _LAST_DAYS)
            if day > _REDESIGN_DAY and self._nothing_open():
                break

    def _workday(self) -> None:
        """Mails leave, editors read and answer, we read the answers and act on them."""
        self._tell()
        self._send_all()
        self._world.deliver()
        for deed in self._world.desk.round():
            self._say(f"{deed.editor.name} ({deed.editor.domain}) {deed.what}")
        self._world.deliver()
        # The next look into our mailbox is due within a minute.
        self._move(timedelta(minutes=2))
        self._tell()
        self._say(*self.person.triage())
        self._engine.settle()
        self._tell()
        approved = self.person.approve_all()
        self._say(*approved)
        self._send_all()
        # What has left now is read by its editor on the next day.
        self._unread = bool(approved)

    def _send_all(self) -> None:
        self._engine.settle()
        moved = timedelta()
        while self._waiting():
            self._move(_STEP)
            moved += _STEP
            if moved > timedelta(hours=6):
                raise TimeoutError("mails still wait in the outbox after six hours of the demo's clock")
        self._tell()
        if moved:
            minutes = int(moved.total_seconds() // 60)
            length = "a minute" if minutes == 1 else f"{minutes} minutes"
            self._say(f"the clock was moved by {length}, over the undo window and the pauses between mails")

    def _waiting(self) -> int:
        soon = self._world.clock.now() + timedelta(hours=1)
        with self._container.db.read() as look:
            return int(
                look.session.execute(
                    select(func.count())
                    .select_from(Outbound)
                    .where(col(Outbound.state) == OutboundState.QUEUED, col(Outbound.not_before) <= soon)
                ).scalar_one()
            )

    def _nothing_open(self) -> bool:
        with self._container.db.read() as look:
            prospects = look.session.execute(
                select(func.count()).select_from(Prospect).where(col(Prospect.stage).not_in([Stage.WON, Stage.LOST]))
            ).scalar_one()
            runs = look.session.execute(
                select(func.count()).select_from(SequenceRun).where(col(SequenceRun.state) == RunState.ACTIVE)
            ).scalar_one()
        return not prospects and not runs
