"""A working day for the tests: two dozen editors with pages and mailboxes of their own, and hands whose every key is counted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.clock import SteppedClock
from app.sandbox import cast, exports
from app.sandbox.editors import Desk, Server
from app.sandbox.engine import Engine
from app.sandbox.mail import Account, PostOffice
from app.sandbox.person import Person
from app.sandbox.sites import Page, Sites
from app.sandbox.submission import Bounce
from app.sandbox.world import World
from app.settings import Settings
from tests.support.screen import Served, serve
from workers.broker import BrokerDispatcher, make_broker
from workers.runtime import Runtime
from workers.table import TABLE

PASSWORD = "correct horse battery"
_TOPICS = (
    "tides",
    "buoys",
    "locks",
    "charts",
    "knots",
    "sails",
    "radios",
    "lights",
    "anchors",
    "engines",
    "maps",
    "gauges",
)

# What comes back, by the name of the part: an editor's turns, and how the mailbox behaves.
PARTS: dict[str, dict[str, Any]] = {
    "interested": {
        "turns": (
            cast.Turn("Hello Mara,\n\nhappy to add it: the link is on the page now.\n\nRegards", cast.ADD),
            cast.Turn("Hello Mara,\n\nour redesign dropped it, sorry. The link is back.\n\nRegards", cast.ADD),
        )
    },
    "question": {"turns": (cast.Turn("Hi Mara,\n\nwho has checked the heights in your tables?\n\nRegards"),)},
    "not-now": {"turns": (cast.Turn("Hi Mara,\n\nwe are swamped this month. Please ask again in autumn.\n\nRegards"),)},
    "no": {"turns": (cast.Turn("Dear Mara,\n\nthank you, but we do not add links to published articles.\n\nRegards"),)},
    "opt-out": {"turns": (cast.Turn("Please remove me from your list.\n\nRegards"),)},
    "wants-payment": {
        "turns": (
            cast.Turn("Hi,\n\nwe can place your link. Our fee is 150 EUR per link, payable by invoice.\n\nRegards"),
        )
    },
    "out-of-office": {"away": cast.Away(9, "Out of office", "I am out of the office and will be back on {back}.")},
    "bounce": {"bounce": ("5.1.1", "550 5.1.1 User unknown")},
}
SILENT = 14


def editors() -> tuple[cast.Editor, ...]:
    """One for each part, and those who never answer. All name us without a link, so that every draft has a reason."""
    made = []
    for number, part in enumerate([*PARTS, *[f"silent-{n}" for n in range(SILENT)]]):
        topic = _TOPICS[number % len(_TOPICS)]
        made.append(
            cast.Editor(
                f"{part}.test", part.title(), f"Robin {part.title()}", "robin", f"/guides/{topic}-{number}",
                f"What {topic} tell you", (cast.SALTCLOCK, cast.MOORBASE)[: 1 + number % 2], 60 + number, 9_000 + number,
                part, mention=f"For {topic} on passage {number} we keep Tidelark open beside the chart.",
                **PARTS.get(part, {}),
            )
        )  # fmt: skip
    return tuple(made)


@dataclass(frozen=True, slots=True)
class Day:
    """The house with its workers and the world around it. `files`: the exports to be uploaded, whose target is named."""

    house: Served
    world: World
    office: PostOffice
    people: dict[str, cast.Editor]
    files: list[exports.Export]
    engine: Engine

    def settle(self) -> None:
        """Return when the workers have nothing to do."""
        self.engine.settle()

    def move(self, by: timedelta) -> None:
        """Let time pass, and let the workers do what became due."""
        self.world.clock.advance(by)
        self.settle()

    def post(self, minutes: int) -> None:
        """Let mails leave, one after the other as they are paced; then the editors read, answer, and change their pages."""
        for _ in range(minutes):
            self.move(timedelta(minutes=1))
        self.world.desk.round()
        # The next look into our mailbox is due within a minute.
        self.move(timedelta(minutes=2))


@contextmanager
def open_day(folder: Path, database_url: str, clock: SteppedClock) -> Iterator[Day]:
    """Mail servers, pages, application and workers, with our site and its mailbox set up, and nothing imported yet."""
    people = editors()
    accounts = [cast.OUR_MAILBOX, *(editor.address for editor in people)]
    with PostOffice([Account(one, PASSWORD) for one in accounts], clock) as office, Sites() as sites:
        for editor in people:
            _open_site(sites, editor)
            if editor.bounce:
                office.bounces[editor.address] = Bounce(*editor.bounce)
        server = Server(office.host, office.smtp_port, office.imap_port, dict.fromkeys(accounts, PASSWORD))
        settings = Settings(
            _env_file=None,
            data_dir=folder / "data",
            database_url=database_url,
            fetch_static_hosts=sites.hosts,
            fetch_allow_private=True,
            mail_allow_plaintext=True,
            send_window="always",
            reply_hours="always",
            ramp_start=None,
        )
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        broker = make_broker(settings)
        dispatcher = BrokerDispatcher(broker, settings.broker_namespace)
        with serve(settings, None, clock=clock, dispatcher=dispatcher) as house:
            engine = Engine(house.db, [(work.job, work.due) for work in TABLE])
            runtime = Runtime(house.container, broker, [replace(work, run=engine.counted(work.run)) for work in TABLE])
            runtime.start()
            try:
                world = World(clock, server, sites, Desk(server, sites, clock, people), [], {}, PASSWORD, lambda: None)
                # The browser's driver has a loop in this thread, and the look at a new mailbox wants one of its own.
                with ThreadPoolExecutor(1) as aside:
                    aside.submit(Person(house.container, world).set_up).result()
                files = [*exports.write_all(folder / "exports", clock.now())[:1]]
                files += exports.write_later(folder / "exports", clock.now(), people)
                yield Day(house, world, office, {one.story: one for one in people}, files, engine)
            finally:
                runtime.stop()
                dispatcher.close()
                broker.close()


def _open_site(sites: Sites, editor: cast.Editor) -> None:
    links = [f'See also <a href="{one.url}">{one.name}</a>.' for one in editor.links_to]
    sites.pages[editor.domain, editor.path] = Page(editor.headline, [editor.mention, *links])
    write = f'Write to {editor.name}: <a href="mailto:{editor.address}">{editor.address}</a>.'
    sites.pages[editor.domain, "/contact"] = Page("Contact", [write])
    sites.pages[editor.domain, "/"] = Page(
        editor.site, [f'<a href="{editor.path}">Guide</a> <a href="/contact">Contact</a>']
    )


class Hands:
    """A person at the keyboard. What was pressed and pointed is counted by the browser: events that no script made."""

    _COUNT = """for (const [kind, name] of [["keydown", "key"], ["pointerdown", "pointer"]])
        addEventListener(kind, (event) => {
          const bare = ["Control", "Shift", "Alt", "Meta"].includes(event.key);
          if (event.isTrusted && !event.repeat && !bare) window.counted(name);
        }, true);"""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.counts = {"key": 0, "pointer": 0}
        self._lock = threading.Lock()
        page.expose_function("counted", self._count)
        page.add_init_script(self._COUNT)
        self.parts: list[tuple[str, int]] = []
        self._told = 0

    def _count(self, name: str) -> None:
        with self._lock:
            self.counts[name] += 1

    def press(self, *keys: str) -> None:
        """Keys in a row, as the page stands."""
        for key in keys:
            self.page.keyboard.press(key)

    def tab_to(self, locator: Any, most: int = 80) -> None:
        """Tab until the element has the focus; fails where it cannot be reached."""
        locator.wait_for(state="attached")
        for _ in range(most):
            if locator.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{most} times Tab, and the focus is not at {locator}")

    def part(self, name: str) -> int:
        """The keys since the last part, noted under `name`."""
        # The browser tells of a key before it acts on it, but over a wire of its own.
        self.page.wait_for_timeout(50)
        keys, self._told = self.counts["key"] - self._told, self.counts["key"]
        self.parts.append((name, keys))
        return keys
