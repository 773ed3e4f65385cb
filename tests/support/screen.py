"""A served installation and a real browser for the tests of the pages, with axe."""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn

from app.clock import Clock, SteppedClock
from app.jobs import Dispatcher
from app.models import Role
from app.settings import Settings
from app.team import service as team
from app.team import users
from tests.support.http import House

# Debian's Chromium without a window, where it is installed: the same engine for a fifth less work.
_WINDOWLESS = Path("/usr/bin/chromium-headless-shell")
CHROMIUM = Path(
    os.environ.get("GAPBRIDGE_TEST_CHROMIUM") or (_WINDOWLESS if _WINDOWLESS.exists() else "/usr/bin/chromium")
)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Served(House):
    """A house with an address. `clock` may be set forward."""

    url: str
    ids: dict[str, int]

    def secret(self, role: Role, email: str | None = None) -> str:
        """A new session of somebody with this role."""
        address = email or f"{role.value}@acme.test"
        with self.db.work() as uow:
            user = users.by_email(uow, address) or users.create(
                uow, email=address, name=address.split("@")[0].title(), role=role, password="correct horse battery"
            )
            return team.open_session(uow, user.id)


@contextlib.contextmanager
def serve(
    settings: Settings,
    start: Any,
    port: int = 0,
    clock: Clock | None = None,
    dispatcher: Dispatcher | None = None,
    name: str = "127.0.0.1",
) -> Iterator[Served]:
    """The application on a port of this machine, with a clock of its own that starts at `start`, or with the given one.

    Its bells ring through `dispatcher`; without one nobody hears them. Browsers reach it as `name`.
    """
    listener = socket.socket()
    listener.bind(("127.0.0.1", port))
    url = f"http://{name}:{listener.getsockname()[1]}"
    house = Served(
        settings.model_copy(update={"public_url": url}), clock=clock or SteppedClock(start), dispatcher=dispatcher
    )
    server = uvicorn.Server(uvicorn.Config(house.app, log_config=None, access_log=False, lifespan="off"))
    house.app.state.closing = lambda: server.should_exit
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    house.url = url
    try:
        yield house
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
        house.close()
    # What was left open is said here, and not by the warning of whichever test runs when the collector comes by.
    gc.collect()


@contextlib.contextmanager
def browse(
    chromium: Any,
    house: Served,
    role: Role | None = Role.OUTREACH,
    *,
    width: int = 1400,
    theme: str = "light",
    script: bool = True,
    allowed: tuple[str, ...] = ("409 (Conflict)", "422 (Unproc", "404 (Not Found)"),
    email: str | None = None,
    **options: Any,
) -> Iterator[Any]:
    """A page of a signed-in person; fails at its end for any console error, refused resource, or request to elsewhere.

    `page.posts` collects what was sent besides reads.
    """
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, java_script_enabled=script, **options
    )
    if role is not None:
        context.add_cookies([{"name": "gapbridge", "value": house.secret(role, email), "url": house.url}])
    page = context.new_page()
    faults: list[str] = []
    page.posts = []
    page.on("console", lambda line: faults.append(line.text) if line.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: faults.append(request.url) if not request.url.startswith(house.url) else None)
    page.on("request", lambda request: page.posts.append(request.url) if request.method != "GET" else None)
    yield page
    context.close()
    # Chromium notes the status of pages that refuse; those pages are part of the tests.
    found = [fault for fault in faults if not any(words in fault for words in allowed)]
    assert found == [], "\n".join(found)


def ready(page: Any) -> None:
    """Wait until the module has run."""
    page.wait_for_selector("html[data-ready=yes]")


def wide(page: Any) -> int:
    """By how many pixels the page scrolls sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def hidden_stops(page: Any) -> list[str]:
    """Stops of the Tab key that, once they have the focus, are out of sight or under something else."""
    found = page.evaluate(
        """() => {
          const hidden = [];
          const stops = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].filter((stop) =>
            stop.tabIndex >= 0 && !stop.disabled && stop.checkVisibility({ visibilityProperty: true }) && stop.getClientRects().length && !(stop.type === "radio" && !stop.checked));
          for (const stop of stops) {
            stop.focus();
            if (document.activeElement !== stop) { hidden.push(`no focus: ${stop.outerHTML.slice(0, 120)}`); continue; }
            const box = stop.getClientRects()[0];
            const x = Math.min(Math.max(box.x + box.width / 2, 1), innerWidth - 1);
            const y = Math.min(Math.max(box.y + Math.min(box.height, 40) / 2, 1), innerHeight - 1);
            const hit = document.elementFromPoint(x, y);
            if (!hit || !(stop === hit || stop.contains(hit) || hit.contains(stop))) hidden.push(stop.outerHTML.slice(0, 120));
          }
          document.activeElement?.blur();
          return hidden;
        }"""
    )
    return list(found)


def clipped(page: Any) -> list[str]:
    """Words that their own box cuts off: controls, headings and labels that are wider or higher inside than outside."""
    found = page.evaluate(
        """() => [...document.querySelectorAll("h1, h2, h3, a, button, .button, label, legend, summary, th, .tag, .notice, .hint")]
          .filter((box) => box.getClientRects().length && !box.closest(".hidden, .skip"))
          .filter((box) => ["hidden", "clip"].includes(getComputedStyle(box).overflowX) && box.scrollWidth > box.clientWidth + 1)
          .map((box) => box.outerHTML.slice(0, 120))"""
    )
    return list(found)


def axe_faults(page: Any, *, rules: list[str] | None = None) -> list[str]:
    """What axe finds: serious and critical faults, and contrast that it could not judge. Panes are opened up and bars
    put in their place first, since axe does not see what is scrolled away or lies below, and WCAG 2.2 (target size) is asked for by its tag, since it is off by default.
    """
    from axe_playwright_python.base import AXE_FILE_PATH

    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(Path(AXE_FILE_PATH).read_text(encoding="utf-8") + "; undefined")
    options: dict[str, Any] = {"resultTypes": ["violations", "incomplete"]}
    options["runOnly"] = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": TAGS}
    found = page.evaluate(
        """async (options) => {
          for (const pane of document.querySelectorAll("*")) {
            const kind = getComputedStyle(pane).overflowY;
            if (["sticky", "fixed"].includes(getComputedStyle(pane).position)) pane.style.setProperty("position", "static", "important");
            if (pane.scrollWidth > pane.clientWidth + 1 && pane.clientWidth > 0 && ["auto", "scroll"].includes(getComputedStyle(pane).overflowX)) {
              // A wide table: the page grows to its width, or axe sees what is scrolled away as covered.
              document.body.style.setProperty("min-width", `${pane.scrollWidth + 64}px`);
              pane.style.setProperty("overflow", "visible", "important");
            }
            if (pane.scrollHeight > pane.clientHeight + 1 && (kind === "auto" || kind === "scroll") && pane.tagName !== "TEXTAREA") {
              pane.style.setProperty("max-block-size", "none", "important");
              pane.style.setProperty("height", "auto", "important");
              pane.style.setProperty("overflow", "visible", "important");
            }
          }
          const result = await axe.run(document, options);
          const line = (kind, fault) => fault.nodes.map((node) => `${kind} ${fault.id} (${fault.impact}): ${node.html.slice(0, 140)} ${node.any.map((one) => one.message).join("; ").slice(0, 200)}`);
          return [
            ...result.violations.filter((fault) => ["serious", "critical"].includes(fault.impact) || fault.id === "target-size").flatMap((fault) => line("fault", fault)),
            ...result.incomplete.filter((fault) => fault.id === "color-contrast").flatMap((fault) => line("undecided", fault)),
          ];
        }""",
        options,
    )
    return list(found)
