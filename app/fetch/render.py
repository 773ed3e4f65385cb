"""Draws a page whose text is made by scripts, in a headless Chromium that has no network of its own.

Off by default, and an extra (`render`): a browser is large and runs strangers' programs. It runs below a process of its own
that is ended with all it has started when it takes too long; each request of the page is fetched by the guarded client, with
its addresses, robots.txt, pace, sizes and times.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import app
from app.domain.said import say
from app.fetch import frames
from app.fetch.ports import Fetched, Fetcher, NotFetched, Reason
from app.log import get_logger
from app.settings import Settings

log = get_logger("fetch")

MAX_REQUESTS = 30
_MAX_MESSAGE = 64 << 20
_ROOT = str(Path(app.__file__).resolve().parent.parent)
_START = "import sys; sys.path.insert(0, sys.argv[1]); from app.fetch.render_child import main; main()"
_SHOWN = frozenset({"PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH"})
# What a page's program may see of an answer; the rest is the client's business.
_PASSED = frozenset({"content-type", "access-control-allow-origin", "access-control-allow-credentials"})


class ChromiumRenderer:
    """The `Renderer` that uses an installed Chromium. One page at a time; `seconds` for all of it, at most `requests` besides the page."""

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        browser: str,
        user_agent: str,
        seconds: float = 45.0,
        max_bytes: int = 3_000_000,
        requests: int = MAX_REQUESTS,
    ) -> None:
        self._fetcher = fetcher
        self._browser = browser
        self._agent = user_agent
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._requests = requests
        self._turn = threading.Lock()

    @classmethod
    def from_settings(cls, settings: Settings, fetcher: Fetcher) -> ChromiumRenderer | None:
        """The renderer of an installation; None where it is off."""
        if not settings.render:
            return None
        return cls(
            fetcher,
            browser=settings.render_browser,
            user_agent=settings.user_agent,
            seconds=settings.render_timeout.total_seconds(),
            max_bytes=settings.fetch_max_bytes,
        )

    def render(self, page: Fetched) -> Fetched | NotFetched:
        """See `app.fetch.ports.Renderer.render`."""
        if importlib.util.find_spec("playwright") is None:
            return _failed(page, "Playwright is not installed (.venv/bin/pip install playwright)")
        if not Path(self._browser).is_file():
            return _failed(page, f"there is no browser at {self._browser} (GAPBRIDGE_RENDER_BROWSER)")
        with self._turn, tempfile.TemporaryDirectory(prefix="gapbridge-render-", ignore_cleanup_errors=True) as home:
            return self._draw(page, home)

    def _draw(self, page: Fetched, home: str) -> Fetched | NotFetched:
        task = {
            "url": page.final_url,
            "html": page.text,
            "agent": self._agent,
            "browser": self._browser,
            # Chromium's own sandbox cannot be had as root; what root runs is for the operator to shut in.
            "sandbox": os.geteuid() != 0,
            "seconds": self._seconds / 2,
            "requests": self._requests,
            "size": self._max_bytes,
        }
        env = {name: value for name, value in os.environ.items() if name in _SHOWN}
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and our own code
            [sys.executable, "-I", "-c", _START, _ROOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**env, "HOME": home, "TMPDIR": home},
            cwd=home,
            close_fds=True,
            start_new_session=True,
        )
        until = time.monotonic() + self._seconds
        try:
            _say(child, task)
            while True:
                heard = _hear(child, until)
                if "get" not in heard:
                    break
                _say(child, self._get(str(heard["get"])))
        except (frames.NoAnswer, OSError, ValueError):
            return _failed(page, f"it was not drawn within {self._seconds:g} s")
        finally:
            _end(child)
        if not isinstance(heard.get("html"), str):
            return _failed(page, str(heard.get("problem", "the browser gave no page"))[:300])
        log.info("fetch.rendered", url=page.final_url, requests=heard.get("requests"))
        return replace(page, text=heard["html"], truncated=bool(heard.get("cut")), size=len(heard["html"]))

    def _get(self, url: str) -> dict[str, Any]:
        answer = self._fetcher.fetch(url, read="any")
        if isinstance(answer, NotFetched):
            return {"refused": answer.reason.value}
        headers = {name: value for name, value in answer.headers if name in _PASSED}
        kind = headers.get("content-type", "").partition(";")[0].strip() or "text/plain"
        # The text was decoded already.
        return {
            "status": answer.status,
            "headers": {**headers, "content-type": f"{kind}; charset=utf-8"},
            "text": answer.text,
        }


def _failed(page: Fetched, why: str) -> NotFetched:
    return NotFetched(
        page.url, Reason.NOT_RENDERED, say("The page could not be drawn: {why}.", why=why), page.fetched_at, page.hops
    )


def _say(child: subprocess.Popen[bytes], message: dict[str, Any]) -> None:
    frames.send(child.stdin, json.dumps(message).encode("ascii"))


def _hear(child: subprocess.Popen[bytes], until: float) -> dict[str, Any]:
    heard = json.loads(frames.receive(child.stdout, until, _MAX_MESSAGE))
    if not isinstance(heard, dict):
        raise frames.NoAnswer
    return heard


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child and the driver below it; the browser ends when the driver's pipe closes."""
    with contextlib.suppress(OSError):
        os.killpg(child.pid, signal.SIGKILL)
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    child.wait()
