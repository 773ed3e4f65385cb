"""The renderer's own process: draws one page in Chromium and writes what stands in it then; knows nothing else.

Chromium never opens a connection: every request is stopped and asked of the parent, which fetches it with the guarded client
(or refuses it), and the doors beside requests are shut. Messages are JSON in the frames of `app.fetch.frames`.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from typing import Any

from app.fetch import frames

# What a page needs to write its text; pictures, fonts, style sheets and frames do not.
_NEEDED = frozenset({"script", "xhr", "fetch"})
# No name and no literal address leads anywhere, not even to a proxy; and what goes beside HTTP has no way out either.
_SHUT = (
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=http://proxy.invalid:9",
    "--proxy-bypass-list=<-loopback>",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--dns-prefetch-disable",
    "--no-pings",
    "--disable-gpu",
    "--renderer-process-limit=1",
    "--js-flags=--max-old-space-size=256",
)
_NO_SIDE_DOORS = """
for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection", "WebTransport", "WebSocketStream"]) delete globalThis[name];
"""

Ask = Callable[[str], dict[str, Any]]


def main() -> None:
    """Draw the page that the first message names."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer

    def tell(message: dict[str, Any]) -> None:
        frames.send(sink, json.dumps(message).encode("ascii"))

    def hear() -> dict[str, Any]:
        message = frames.await_next(source)
        if message is None:
            raise SystemExit(1)
        heard: dict[str, Any] = json.loads(message)
        return heard

    def ask(url: str) -> dict[str, Any]:
        tell({"get": url})
        return hear()

    task = hear()
    try:
        tell(draw(task, ask))
    except Exception as error:  # noqa: BLE001 - whatever the browser does, the page could not be drawn
        tell({"problem": " ".join(str(error).split())[:300] or type(error).__name__})


def draw(task: dict[str, Any], ask: Ask) -> dict[str, Any]:
    """The page of `task` (url, html, agent, browser, sandbox, seconds, requests) as its scripts have left it."""
    from playwright.sync_api import Error, Route, WebSocketRoute, sync_playwright

    asked = 0

    def answer(route: Route) -> None:
        nonlocal asked
        request = route.request
        if request.is_navigation_request() and request.url == task["url"] and asked == 0:
            asked += 1
            route.fulfill(status=200, content_type="text/html; charset=utf-8", body=task["html"])
            return
        fit = request.resource_type in _NEEDED and request.method == "GET" and not request.is_navigation_request()
        if not fit or asked > task["requests"]:
            route.abort()
            return
        asked += 1
        found = ask(request.url)
        if "status" not in found:
            route.abort()
            return
        route.fulfill(status=found["status"], headers=found["headers"], body=found["text"])

    def refuse(socket: WebSocketRoute) -> None:
        socket.close()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=task["browser"], args=list(_SHUT), chromium_sandbox=task["sandbox"]
        )
        context = browser.new_context(
            user_agent=task["agent"], service_workers="block", accept_downloads=False, permissions=[]
        )
        context.set_default_timeout(task["seconds"] * 1000)
        context.add_init_script(_NO_SIDE_DOORS)
        context.route("**/*", answer)
        context.route_web_socket("**/*", refuse)
        page = context.new_page()
        context.on("page", lambda other: other.close() if other is not page else None)
        page.on("dialog", lambda dialog: dialog.dismiss())
        page.goto(task["url"], wait_until="domcontentloaded")
        with contextlib.suppress(Error):  # a page that never rests is read as it stands
            page.wait_for_load_state("networkidle", timeout=task["seconds"] * 500)
        html = page.content()
        browser.close()
    return {"html": html[: task["size"]], "cut": len(html) > task["size"], "requests": asked - 1}
