"""What a page costs in a browser that has nothing of it yet: bytes, requests, nodes, and the moments of its first picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.support.screen import Served, browse, ready

# The pages that are open all day.
PAGES = ("/queue", "/inbox", "/gap", "/pipeline", "/pipeline?view=table")
_WATCH = """() => { window.shift = 0; new PerformanceObserver((list) => { for (const one of list.getEntries()) window.shift += one.value; })
.observe({ type: "layout-shift", buffered: true }); }"""
_READ = """() => { const page = performance.getEntriesByType("navigation")[0], rest = performance.getEntriesByType("resource");
const sum = (list) => list.reduce((total, one) => total + one.transferSize, 0), named = (end) => rest.filter((one) => one.name.split("?")[0].endsWith(end));
const paint = performance.getEntriesByName("first-contentful-paint")[0];
return [page.transferSize, sum(named(".js")), sum(named(".css")), page.transferSize + sum(rest), 1 + rest.length, document.querySelectorAll("*").length,
page.responseStart - page.requestStart, paint ? paint.startTime : -1, window.shift]; }"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Bytes over the wire, requests, nodes of the document, milliseconds, and the sum of layout shifts (0 is still)."""

    path: str
    page: int
    scripts: int
    styles: int
    total: int
    requests: int
    nodes: int
    first_byte: float
    first_paint: float
    shift: float


def measure(chromium: Any, house: Served, path: str) -> Cost:
    """One cold load; what the page asks for by itself once it stands is part of it."""
    with browse(chromium, house) as page:
        page.goto(house.url + path)
        ready(page)
        page.evaluate(_WATCH)
        # Until nothing has been asked for in a while: the checks, the hold, the next item.
        before = -1
        while before != (before := page.evaluate("performance.getEntriesByType('resource').length")):
            page.wait_for_timeout(400)
        return Cost(path, *page.evaluate(_READ))
