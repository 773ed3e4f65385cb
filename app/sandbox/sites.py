"""The web sites of the sandbox world, on one port of this machine: pages that gain, lose and break links.

The names end in `.test` and are resolved by the setting `fetch_static_hosts` (`Sites.hosts`). Every request is noted in
`visits`, so that politeness (robots.txt, user agent, pace) can be looked at.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiohttp import web

from app.sandbox import cast
from app.sandbox.loop import LoopThread


@dataclass(slots=True)
class Page:
    """One page: paragraphs of HTML that editors change. `status` other than 200 serves an error page."""

    title: str
    paragraphs: list[str]
    language: str = "en"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    robots: str = ""

    def render(self) -> str:
        """The HTML document."""
        robots = f'<meta name="robots" content="{html.escape(self.robots)}">' if self.robots else ""
        body = "\n".join(f"<p>{paragraph}</p>" for paragraph in self.paragraphs)
        return (
            f'<!doctype html>\n<html lang="{self.language}">\n<head><meta charset="utf-8">{robots}\n'
            f"<title>{html.escape(self.title)}</title></head>\n"
            f"<body>\n<main>\n<h1>{html.escape(self.title)}</h1>\n{body}\n</main>\n</body>\n</html>\n"
        )


@dataclass(frozen=True, slots=True)
class Visit:
    """One request that a site answered."""

    host: str
    path: str
    user_agent: str
    status: int


class Sites:
    """All sites behind one port of 127.0.0.1. Also a context manager."""

    def __init__(self) -> None:
        self.pages: dict[tuple[str, str], Page] = {}
        self.disallowed: dict[str, tuple[str, ...]] = {}
        self.visits: list[Visit] = []
        self.port = 0
        self._loop: LoopThread | None = None
        self._runner: web.AppRunner | None = None
        _build(self)

    # --- running ------------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Listen on a free port."""
        self._loop = LoopThread("sandbox-sites")
        self._loop.run(self._listen())
        return self

    def stop(self) -> None:
        """Close the port."""
        if self._loop is not None and self._runner is not None:
            self._loop.run(self._runner.cleanup())
            self._loop.stop()
            self._loop = self._runner = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    async def _listen(self) -> None:
        application = web.Application()
        application.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]

    async def _answer(self, request: web.Request) -> web.Response:
        host = request.host.rsplit(":", 1)[0].lower()
        status, kind, headers, text = self._look_up(host, request.path)
        self.visits.append(Visit(host, request.path, request.headers.get("User-Agent", ""), status))
        return web.Response(status=status, text=text, content_type=kind, charset="utf-8", headers=headers)

    def _look_up(self, host: str, path: str) -> tuple[int, str, dict[str, str], str]:
        if path == "/robots.txt":
            lines = ["User-agent: *", *(f"Disallow: {part}" for part in self.disallowed.get(host, ("/admin/",)))]
            return 200, "text/plain", {}, "\n".join(lines) + "\n"
        page = self.pages.get((host, path))
        if page is None:
            return 404, "text/html", {}, Page("Not found", ["There is no such page."]).render()
        return page.status, "text/html", page.headers, page.render()

    @property
    def hosts(self) -> dict[str, str]:
        """Every name with its address and port, for `Settings.fetch_static_hosts`."""
        return dict.fromkeys(sorted({host for host, _ in self.pages}), f"127.0.0.1:{self.port}")

    # --- what the people behind the sites do ------------------------------------------------------------------------

    def add_link(self, editor: cast.Editor, target: str) -> None:
        """The editor links to `target`: the name of our brand where the page has it unlinked, a new line otherwise."""
        page = self.pages[editor.domain, editor.path]
        if self.has_link(editor, target):
            return
        for number, paragraph in enumerate(page.paragraphs):
            if cast.BRAND in paragraph and "<a " not in paragraph:
                linked = f'<a href="{html.escape(target)}">{cast.BRAND}</a>'
                page.paragraphs[number] = paragraph.replace(cast.BRAND, linked, 1)
                return
        titles = {page.url: page.title for page in cast.OUR_PAGES}
        anchor = html.escape(titles.get(target, cast.BRAND))
        page.paragraphs.append(f'Worth reading next: <a href="{html.escape(target)}">{anchor}</a>.')

    def remove_links(self, editor: cast.Editor) -> None:
        """Every link to us disappears from the editor's page, the words stay."""
        page = self.pages[editor.domain, editor.path]
        ours = re.compile(rf'<a href="{re.escape(cast.OUR_SITE)}[^"]*">(.*?)</a>')
        page.paragraphs = [ours.sub(r"\1", paragraph) for paragraph in page.paragraphs]

    def has_link(self, editor: cast.Editor, target: str = cast.OUR_SITE) -> bool:
        """Whether the editor's page links to `target` (a prefix) now."""
        page = self.pages[editor.domain, editor.path]
        return any(f'<a href="{html.escape(target)}' in paragraph for paragraph in page.paragraphs)


def _build(sites: Sites) -> None:
    for ours in cast.OUR_PAGES:
        page = Page(ours.title, [html.escape(ours.summary), f"By the makers of {cast.BRAND}."])
        for host in (cast.OUR_DOMAIN, f"www.{cast.OUR_DOMAIN}"):
            sites.pages[host, ours.path] = page
            sites.pages[host, "/"] = Page(cast.BRAND, ["Tide tables and harbour data for small boats."])
    for competitor in cast.COMPETITORS:
        for host in (competitor.domain, f"www.{competitor.domain}"):
            sites.pages[host, "/"] = Page(competitor.name, ["Tides and pilotage."])
            if competitor.alive:
                sites.pages[host, competitor.page] = Page(competitor.name, ["Tables and charts."])
    for editor in cast.EVERYBODY:
        sites.pages[editor.domain, editor.path] = _article(editor)
        contact = f'Write to {html.escape(editor.name)}: <a href="mailto:{editor.address}">{editor.address}</a>.'
        sites.pages[editor.domain, "/contact"] = Page("Contact", [contact], editor.language)
        front = f'<a href="{editor.path}">{html.escape(editor.headline)}</a> | <a href="/contact">Contact</a>'
        sites.pages[editor.domain, "/"] = Page(editor.site, [front], editor.language)
    for noise in cast.NOISE:
        target = cast.SALTCLOCK.url
        rel = ' rel="nofollow ugc"' if noise.flaw == "nofollow" else ""
        body = (
            "An old link list." if noise.flaw == "lost" else f'See <a href="{target}"{rel}>{cast.SALTCLOCK.name}</a>.'
        )
        sites.pages[noise.domain, noise.path] = Page(noise.title, [body])


def _article(editor: cast.Editor) -> Page:
    paragraphs = []
    if editor.mention:
        paragraphs.append(html.escape(editor.mention))
    if editor.links_to_us is not None:
        ours = editor.links_to_us
        paragraphs.append(f'We start each course with <a href="{ours.url}">{html.escape(ours.title)}</a>.')
    for competitor in editor.links_to:
        words = "Siehe auch" if editor.language == "de" else "See also"
        paragraphs.append(f'{words} <a href="{competitor.url}">{competitor.name}</a>.')
    return Page(editor.headline, paragraphs, editor.language)
