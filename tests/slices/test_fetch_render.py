"""Pages that scripts draw, in a real Chromium: what it shows, and that it gets nowhere by itself."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from app.container import Container
from app.domain.link_target import Target
from app.domain.mention_verdict import MentionVerdict
from app.fetch.client import GuardedFetcher
from app.fetch.guard import Guard
from app.fetch.ports import Fetched, NotFetched, Reason
from app.fetch.render import ChromiumRenderer
from app.fetch.visit import Visit, visit
from app.settings import Settings
from tests.slices.test_fetch_guard import HOSTS, REFUSED, address_of
from tests.support.webserver import Canary, WebServer, canary, redirect

CHROMIUM = "/usr/bin/chromium"
US = Target(domains=("acme.test",))
APP = '<!doctype html><title>App</title><div id="root"></div><script src="/app.js"></script>'
DRAW = """
fetch("/words.json").then(answer => answer.json()).then(words => {
  document.getElementById("root").innerHTML = words.html;
});
"""


@pytest.fixture(scope="module")
def bird() -> Iterator[Canary]:
    with canary() as made:
        yield made


@pytest.fixture
def site(bird: Canary) -> Iterator[WebServer]:
    # The canary's port on another loopback address: only the address tells them apart.
    with WebServer({"/": APP}, "127.0.0.77", bird.port) as server:
        server.routes["/app.js"] = lambda handler: handler.give(DRAW, headers={"Content-Type": "text/javascript"})
        yield server


def says(site: WebServer, html: str) -> None:
    """Let the app show `html`."""
    words = json.dumps({"html": html})
    site.routes["/words.json"] = lambda handler: handler.give(words, headers={"Content-Type": "application/json"})


def guarded(site: WebServer, lookup: Any = None, **values: Any) -> GuardedFetcher:
    async def answers(host: str) -> Sequence[str]:
        return lookup(host) if lookup else []

    options = {"static": {"site.test": site.pinned}, "static_private": True, "ports": frozenset({site.port}), **values}
    guard = Guard(lookup=answers, **options)
    return GuardedFetcher(guard, user_agent="Gapbridge/9 (test)", timeout=5, host_gap=0)


def renderer(fetcher: Any, **values: Any) -> ChromiumRenderer:
    return ChromiumRenderer(fetcher, browser=CHROMIUM, user_agent="Gapbridge/9 (test)", **values)


def look(site: WebServer, *, draw: bool = True, **values: Any) -> Visit:
    with guarded(site) as fetcher:
        drawer = renderer(fetcher, **values) if draw else None
        return visit(fetcher, f"http://site.test:{site.port}/", US, brands=["Acme"], renderer=drawer)


def test_a_page_that_draws_itself_shows_its_link(site: WebServer) -> None:
    says(site, '<p>Read <a rel="nofollow" href="https://acme.test/guide">the guide</a>.</p><img src="/pic.png">')
    without = look(site, draw=False).finding
    assert (without.verdict, without.reason) == (MentionVerdict.COULD_NOT_CHECK, "needs-rendering")
    finding = look(site).finding
    assert (finding.verdict, finding.rendered, finding.good_fetch) == (MentionVerdict.LINKED, True, True)
    assert finding.link is not None
    assert (finding.link.anchor, finding.link.rel, finding.link.follow) == ("the guide", ("nofollow",), False)
    # Everything came through the guarded client, and nothing that was not needed.
    assert "/pic.png" not in site.paths()
    assert {head["User-Agent"] for head in site.headers_seen} == {"Gapbridge/9 (test)"}


def test_what_is_not_there_when_drawn_is_in_doubt_and_never_a_loss(site: WebServer) -> None:
    says(site, "<p>Nothing of yours.</p>")
    finding = look(site).finding
    assert (finding.verdict, finding.reason, finding.good_fetch) == (
        MentionVerdict.COULD_NOT_CHECK,
        "needs-rendering",
        False,
    )
    assert finding.sentence.endswith("With rendering, nothing of us was seen either.")


def test_robots_txt_holds_for_what_the_page_loads(site: WebServer) -> None:
    says(site, '<a href="https://acme.test/">us</a>')
    site.routes["/robots.txt"] = "User-agent: *\nDisallow: /words.json\n"
    assert look(site).finding.reason == "needs-rendering"
    assert "/words.json" not in site.paths()


def test_a_script_that_never_ends_is_ended_with_its_browser(site: WebServer) -> None:
    site.routes["/app.js"] = lambda handler: handler.give("for (;;) {}", headers={"Content-Type": "text/javascript"})
    finding = look(site, seconds=6.0).finding
    assert finding.reason == "needs-rendering"
    assert "not drawn within 6 s" in finding.sentence or "could not be drawn" in finding.sentence
    seen = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "gapbridge-render-" not in seen


def test_without_a_browser_the_reason_is_said(site: WebServer) -> None:
    with guarded(site) as fetcher:
        absent = ChromiumRenderer(fetcher, browser="/nowhere/chromium", user_agent="x")
        page = fetcher.fetch(f"http://site.test:{site.port}/")
        assert isinstance(page, Fetched)
        answer = absent.render(page)
    assert isinstance(answer, NotFetched)
    assert answer.reason is Reason.NOT_RENDERED
    assert "GAPBRIDGE_RENDER_BROWSER" in answer.sentence


def test_it_is_off_unless_it_is_asked_for(tmp_path: Path) -> None:
    plain = Settings(_env_file=None, data_dir=tmp_path)
    for settings, kind in ((plain, type(None)), (plain.model_copy(update={"render": True}), ChromiumRenderer)):
        container = Container(settings)
        assert type(container.renderer) is kind
        container.close()


class Noting:
    """A fetcher that notes each answer."""

    def __init__(self, fetcher: GuardedFetcher) -> None:
        self.fetcher = fetcher
        self.answers: list[Fetched | NotFetched] = []

    def fetch(self, url: str, **wish: Any) -> Fetched | NotFetched:
        self.answers.append(self.fetcher.fetch(url, **wish))
        return self.answers[-1]


DOORS = """
const tries = [];
for (const url of URLS) tries.push(fetch(url, {mode: "no-cors"}).catch(() => 0));
for (const host of HOSTS) {
  const at = `${host}:${PORT}/`;
  const doors = {
    pic: () => { new Image().src = `http://${at}`; },
    frame: () => { const one = document.createElement("iframe"); one.src = `http://${at}`; document.body.append(one); },
    style: () => { document.body.insertAdjacentHTML("beforeend", `<link rel=stylesheet href="http://${at}">`); },
    hint: () => { document.body.insertAdjacentHTML("beforeend", `<link rel=preconnect href="http://${at}">`); },
    post: () => { navigator.sendBeacon(`http://${at}`, "x"); },
    socket: () => { new WebSocket(`ws://${at}`); },
    form: () => { open(`http://${at}`); },
  };
  for (const door of Object.values(doors)) try { door(); } catch {}
}
Promise.all(tries).then(() => { document.getElementById("root").textContent = "Acme: every door was tried."; });
"""


def doors(site: WebServer, urls: Sequence[str], hosts: Sequence[str]) -> None:
    script = f"const URLS = {json.dumps(urls)}, HOSTS = {json.dumps(hosts)}, PORT = {site.port};\n{DOORS}"
    site.routes["/app.js"] = lambda handler: handler.give(script, headers={"Content-Type": "text/javascript"})


def test_forty_seven_hosts_in_five_ways_are_refused_through_the_browser(bird: Canary, site: WebServer) -> None:
    port, urls = site.port, []
    turned: set[str] = set()

    def lookup(host: str) -> list[str]:
        kind, number = host.split(".", maxsplit=1)[0].split("-")
        if kind == "turn" and host not in turned:
            turned.add(host)  # the first answer is the good server, every later one is not
            return ["127.0.0.77"]
        return [address_of(HOSTS[int(number)])]

    for number, host in enumerate(HOSTS):
        site.routes[f"/away-{number}"] = redirect(f"http://{host}:{port}/")
        urls += [f"http://{host}:{port}/", f"https://{host}:{port}/", f"http://site.test:{port}/away-{number}"]
        urls += [f"http://name-{number}.example:{port}/", f"http://turn-{number}.example:{port}/"]
    # Beside fetch() the kind of the request decides, not its host: a few hosts show that each of these doors is shut.
    doors(site, urls, ["127.0.0.1", "[::1]", "localhost"])
    before = bird.connections
    with guarded(site, lookup) as fetcher:
        noting = Noting(fetcher)
        drawer = renderer(noting, requests=1000, seconds=120.0)
        finding = visit(fetcher, f"http://site.test:{port}/", US, brands=["Acme"], renderer=drawer).finding
    assert finding.mention is not None, finding.sentence
    assert finding.mention.quote == "Acme: every door was tried."
    assert bird.connections == before
    asked = [answer for answer in noting.answers if not answer.url.endswith("/app.js")]
    assert all(isinstance(answer, NotFetched) and answer.reason in REFUSED for answer in asked)
    # Chromium itself refuses what is no address to it; everything else was asked of the guard, and refused.
    assert len({answer.url for answer in asked}) > 4 * len(HOSTS)


def test_the_canary_sings_when_the_guard_is_open(bird: Canary, site: WebServer) -> None:
    doors(site, [f"http://{host}:{site.port}/" for host in ("127.0.0.1", "[::1]")], [])
    before = bird.connections
    with guarded(site, allow_private=True) as fetcher:
        visit(fetcher, f"http://site.test:{site.port}/", US, brands=["Acme"], renderer=renderer(fetcher))
    assert bird.connections >= before + 2
