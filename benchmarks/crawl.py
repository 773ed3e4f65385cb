"""Pages a second through the guarded client and the verdict, against bare aiohttp with selectolax on the same local pages.

The floor fetches with one session and collects hrefs, rel and text from each tree: no robots.txt, no guard, no pace, no
redirects of links, no verdict. Ours is `app.fetch.visit.visit` as the workers call it, from threads. CPU counts this
process and its parsers, not the server.
"""

from __future__ import annotations

import asyncio
import gzip
import multiprocessing
import os
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

import aiohttp
from aiohttp import web
from selectolax.lexbor import LexborHTMLParser

from app.domain.link_target import Target
from app.domain.mention_verdict import MentionVerdict
from app.fetch.client import GuardedFetcher
from app.fetch.guard import Guard
from app.fetch.parsing import ParserPool
from app.fetch.visit import visit

PAGES = int(os.environ.get("GAPBRIDGE_BENCH_PAGES", "600"))
AT_ONCE = 20
LINKS = 300


def _html(number: int) -> bytes:
    """One page of about 100 kB with 300 links; every third one links to us."""
    ours = '<a href="https://acme.test/guide">the guide</a>' if number % 3 == 0 else "Acme"
    rows = [
        f"<p>Paragraph {n} of an article with some words about tides, harbours and boats that an editor wrote on a long "
        f'afternoon, and <a href="/notes/{n}?from={number}" rel="nofollow">note number {n}</a> for those who want more of '
        "it than a paragraph can hold without becoming too long for its reader.</p>"
        for n in range(LINKS)
    ]
    body = "\n".join(rows)
    return f"<!doctype html><html lang=en><head><title>Page {number}</title></head><body>{body}<p>{ours}</p></body></html>".encode()


def _serve(pipe: Connection) -> None:
    packed = [gzip.compress(_html(number)) for number in range(3)]

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/robots.txt":
            return web.Response(text="User-agent: *\nDisallow: /admin/\n")
        body = packed[int(request.path.rsplit("/", 1)[1]) % 3]
        return web.Response(body=body, headers={"Content-Type": "text/html; charset=utf-8", "Content-Encoding": "gzip"})

    async def main() -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(main())


def _cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


async def _floor(port: int) -> int:
    linked = 0
    slots = asyncio.Semaphore(AT_ONCE)

    async with aiohttp.ClientSession() as session:

        async def one(number: int) -> None:
            nonlocal linked
            async with slots, session.get(f"http://127.0.0.1:{port}/page/{number}") as response:
                tree = LexborHTMLParser(await response.text())
            found = [(a.attributes.get("href") or "", a.attributes.get("rel"), a.text()) for a in tree.css("a[href]")]
            text = tree.body.text(separator=" ") if tree.body else ""
            linked += any("acme.test" in href for href, _, _ in found) and "tides" in text

        await asyncio.gather(*(one(number) for number in range(PAGES)))
    return linked


def _ours(port: int) -> int:
    # A name for each of 20 sites, so that the limit of connections to one host does not measure itself.
    names = {f"site{n}.test": f"127.0.0.1:{port}" for n in range(AT_ONCE)}
    guard = Guard(static=names, static_private=True)
    pool = ParserPool()
    target = Target(domains=("acme.test",))

    def one(number: int) -> bool:
        url = f"http://site{number % AT_ONCE}.test/page/{number}"
        return visit(fetcher, url, target, brands=["Acme"], pool=pool).finding.verdict is MentionVerdict.LINKED

    with (
        GuardedFetcher(guard, user_agent="Gapbridge/bench", host_gap=0) as fetcher,
        ThreadPoolExecutor(AT_ONCE) as threads,
    ):
        linked = sum(threads.map(one, range(PAGES)))
    pool.close()
    return linked


def run() -> None:
    """Print both, three rounds in turns, and the ratio of the medians."""
    ours_end, server_end = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(server_end,), daemon=True)
    server.start()
    port = ours_end.recv()
    rounds: dict[str, list[tuple[float, float]]] = {"floor": [], "ours": []}
    try:
        for _ in range(3):
            for name, work in (("floor", lambda: asyncio.run(_floor(port))), ("ours", lambda: _ours(port))):
                cpu, started = _cpu(), time.perf_counter()
                linked = work()
                seconds, spent = time.perf_counter() - started, _cpu() - cpu
                if linked != (PAGES + 2) // 3:
                    raise AssertionError(f"{name} saw {linked} links instead of {(PAGES + 2) // 3}")
                rounds[name].append((PAGES / seconds, 1000 * spent / PAGES))
    finally:
        server.terminate()
        server.join()
    middle = {name: sorted(values)[1] for name, values in rounds.items()}
    size = len(_html(0)) // 1000
    print(f"crawl: {PAGES} pages of {size} kB (gzip), {LINKS} links each, {AT_ONCE} at once, {os.cpu_count()} cores")
    for name, label in (
        ("floor", "bare aiohttp + selectolax"),
        ("ours", "gapbridge: guard, robots, parser process, verdict"),
    ):
        pages, cpu = middle[name]
        print(f"  {label:52} {pages:7.0f} pages/s   {cpu:6.2f} ms CPU a page")
    print(f"  ratio {middle['ours'][0] / middle['floor'][0]:.2f} of the floor's pages/s")


if __name__ == "__main__":
    run()
