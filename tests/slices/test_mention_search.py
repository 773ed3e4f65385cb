"""The search for mentions: lists, feeds, sitemaps and search providers name candidates, and only a page that was read counts."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr
from sqlmodel import select

from app.clock import FixedClock
from app.db.work import Database
from app.domain.mention_verdict import MentionVerdict
from app.errors import BadInput, GapbridgeError, Refused, Unavailable
from app.fetch.memory import MemoryFetcher, page
from app.gaps import uploads
from app.mentions import asking, candidates, engines, lists, repository, searching, service
from app.models import (
    AuditEvent,
    Competitor,
    ImportJob,
    ImportState,
    MentionCandidate,
    MentionCheck,
    Prospect,
    PullState,
    SearchRequest,
)
from app.settings import Settings
from tests.support.world import a_page, a_prospect, a_site

KEY = "canary-key-91c2"
KNOWN = "https://editor.test/blog/checklist"
NAMED = "https://editor.test/2026/our-tools"
MENTION = "<html><title>Tools</title><p>We plan it with Acme each week.</p></html>"
PLAIN = "<html><title>A checklist</title><p>Nothing of note stands here.</p></html>"


@dataclass
class Engines:
    """The three providers on this machine, each as its documentation says. `refuse` are answers that come before the good ones."""

    hits: list[str]
    refuse: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, list[str]], dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def start(self) -> ThreadingHTTPServer:
        world = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query, headers = parse_qs(parts.query), {name.lower(): value for name, value in self.headers.items()}
                world.asked.append((parts.path, query, headers))
                code, extra, text = (
                    world.refuse.pop(0) if world.refuse else (*world.answer(parts.path, query, headers),)
                )
                data = text.encode()
                self.send_response_only(code)
                for name, value in {"Content-Length": str(len(data)), **extra}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        return server

    def answer(
        self, path: str, query: dict[str, list[str]], headers: dict[str, str]
    ) -> tuple[int, dict[str, str], str]:
        if path == "/search":
            if query.get("format") != ["json"]:
                return 403, {}, "<html>Forbidden</html>"
            results = [{"url": url, "title": "T", "content": "c", "engine": "bing", "score": 1.0} for url in self.hits]
            return 200, {}, json.dumps({"query": query["q"][0], "number_of_results": 0, "results": results})
        if path == "/res/v1/web/search":
            if headers.get("x-subscription-token") != KEY:
                return 422, {}, '{"type":"ErrorResponse","error":{"code":"SUBSCRIPTION_TOKEN_INVALID"}}'
            answer: dict[str, Any] = {"type": "search", "query": {"original": query["q"][0]}}
            if self.hits:
                answer["web"] = {"type": "search", "results": [{"title": "T", "url": url} for url in self.hits]}
            return 200, {"X-RateLimit-Remaining": "1, 1000"}, json.dumps(answer)
        if path == "/customsearch/v1":
            if query.get("key") != [KEY] or query.get("cx") != ["engine-1"]:
                return 400, {}, '{"error":{"code":400,"message":"API key not valid."}}'
            answer = {"kind": "customsearch#search", "searchInformation": {"totalResults": str(len(self.hits))}}
            if self.hits:
                answer["items"] = [{"kind": "customsearch#result", "title": "T", "link": url} for url in self.hits]
            return 200, {}, json.dumps(answer)
        return 404, {}, "{}"


@dataclass
class World:
    db: Database
    settings: Settings
    fetcher: MemoryFetcher
    renderer: None = None

    def check(self) -> MentionVerdict | None:
        with self.db.work() as uow:
            service.request(uow, 1)
        return service.check(self, 1)

    def last(self) -> MentionCheck:
        with self.db.read() as look:
            found = repository.newest(look.session, 1)
            assert found is not None
            return found

    def all(self, kind: type) -> list[Any]:
        with self.db.read() as look:
            return list(look.session.exec(select(kind).order_by(kind.id)))  # type: ignore[attr-defined]


@pytest.fixture
def world(db: Database, settings: Settings, clock: FixedClock) -> World:
    with db.work() as uow:
        site = a_site(uow)
        a_page(uow, site)
        a_prospect(uow, site, best_page=KNOWN)
        uow.session.add(Competitor(site_id=site.id, domain="rival.test", name="Acme Rockets", created_at=uow.now()))
    return World(db, settings.model_copy(update={"contact_pages": 0}), MemoryFetcher({KNOWN: PLAIN}, clock))


@pytest.fixture
def web() -> Iterator[Engines]:
    made = Engines([NAMED, "https://elsewhere.test/a"])
    server = made.start()
    yield made
    server.shutdown()
    server.server_close()


def configured(settings: Settings, web: Engines, name: str, **others: Any) -> Settings:
    return settings.model_copy(
        update={
            "search_provider": name,
            "search_url": web.url,
            "brave_key": SecretStr(KEY),
            "google_search_key": SecretStr(KEY),
            "google_search_engine": "engine-1",
            "search_a_minute": 600,
            "search_cost": 0.005,
            **others,
        }
    )


# --- a site's own lists -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "text", "source"),
    [
        (
            "https://editor.test/feed",
            f"<rss><channel><item><title>Tools</title><link>{NAMED}</link><description>We use Acme.</description></item>"
            "<item><title>On Acme Rockets</title><link>https://editor.test/rockets</link></item></channel></rss>",
            "feed",
        ),
        (
            "https://editor.test/sitemap.xml",
            "<urlset><url><loc>https://editor.test/a</loc></url><url><loc>https://editor.test/acme-tools</loc></url></urlset>",
            "sitemap",
        ),
    ],
)
def test_a_page_that_the_sites_own_list_names_is_read(world: World, address: str, text: str, source: str) -> None:
    world.fetcher.pages |= {address: page(address, text), NAMED: MENTION, "https://editor.test/acme-tools": MENTION}
    assert world.check() is MentionVerdict.UNLINKED_MENTION
    row = world.last()
    assert row.quote == "We plan it with Acme each week."
    assert [one.get("source") for one in row.pages] == [None, source]
    assert "https://editor.test/rockets" not in world.fetcher.asked


def test_a_list_that_names_us_is_no_mention_by_itself(world: World) -> None:
    feed = f"<rss><channel><item><title>Acme at last</title><link>{NAMED}</link></item></channel></rss>"
    world.fetcher.pages |= {"https://editor.test/feed": page("https://editor.test/feed", feed), NAMED: PLAIN}
    assert world.check() is MentionVerdict.NO_MENTION
    # And one that cannot be read takes nothing from the pages that were.
    world.fetcher.pages[NAMED] = page(NAMED, status=500)
    assert world.check() is MentionVerdict.NO_MENTION


def test_nobody_looks_further_than_the_budget_or_without_a_need(world: World) -> None:
    assert world.check() is MentionVerdict.NO_MENTION
    assert len(world.fetcher.asked) == 3
    world.settings = world.settings.model_copy(update={"mention_pages": 0})
    assert world.check() is MentionVerdict.NO_MENTION
    assert len(world.fetcher.asked) == 4
    world.fetcher.pages[KNOWN] = MENTION
    world.settings = world.settings.model_copy(update={"mention_pages": 6})
    assert world.check() is MentionVerdict.UNLINKED_MENTION
    assert len(world.fetcher.asked) == 5


# --- search providers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(engines.ENGINES))
def test_a_hit_is_a_candidate_and_the_page_decides(world: World, web: Engines, name: str) -> None:
    world.settings = configured(world.settings, web, name)
    world.fetcher.pages[NAMED] = MENTION
    assert world.check() is MentionVerdict.UNLINKED_MENTION
    row = world.last()
    assert (row.url, row.quote) == (NAMED, "We plan it with Acme each week.")
    assert row.pages[-1]["source"] == f"search: {name}"
    assert "https://elsewhere.test/a" not in world.fetcher.asked
    (request,) = world.all(SearchRequest)
    assert (request.state, request.results, request.cost) == (PullState.DONE, 2, 0.005)
    assert request.query == '"Acme" site:editor.test'
    world.fetcher.pages[NAMED] = PLAIN
    assert world.check() is MentionVerdict.NO_MENTION


@pytest.mark.parametrize("name", list(engines.ENGINES))
def test_a_provider_without_hits_is_no_error(world: World, web: Engines, name: str) -> None:
    web.hits = []
    world.settings = configured(world.settings, web, name)
    assert asking.ask(world.db, world.settings, 1, '"Acme"', actor="ana") == []


@pytest.mark.parametrize("name", list(engines.ENGINES))
def test_refusals_are_named_counted_and_hold_no_key(
    world: World, web: Engines, name: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    world.settings = configured(world.settings, web, name)
    waited: list[float] = []

    def client() -> Any:
        made = engines.client_of(engines.ENGINES[name], world.settings)
        made._sleep = waited.append
        return made

    web.refuse = [(429, {"Retry-After": "7"}, ""), (503, {}, "")]
    assert len(asking.ask(world.db, world.settings, 1, "q", actor="ana", client=client)) == 2
    assert 7.0 in waited
    date = {"Date": "Mon, 01 Jun 2026 09:00:00 GMT", "Retry-After": "Mon, 01 Jun 2026 09:00:11 GMT"}
    waited.clear()
    web.refuse = [(429, date, "")]
    asking.ask(world.db, world.settings, 1, "q", actor="ana", client=client)
    assert 11.0 in waited
    web.refuse = [(403, {}, f"no {KEY}")]
    with pytest.raises(BadInput, match="refuses the credentials"):
        asking.ask(world.db, world.settings, 1, "q", actor="ana", client=client)
    web.refuse = [(200, {}, "<html>sign in</html>")]
    with pytest.raises(Unavailable, match="did not answer in JSON"):
        asking.ask(world.db, world.settings, 1, "q", actor="ana", client=client)
    web.refuse = [(200, {}, '{"results":"x","web":[1],"items":{}}')]
    with pytest.raises(GapbridgeError):
        asking.ask(world.db, world.settings, 1, "q", actor="ana", client=client)
    states = [one.state for one in world.all(SearchRequest)]
    assert states == [PullState.DONE, PullState.DONE, *[PullState.FAILED] * 3]
    said = capsys.readouterr()
    stored = " ".join(str(one.model_dump()) for one in world.all(SearchRequest))
    assert KEY not in caplog.text + said.out + said.err + stored


def test_the_days_budget_holds_whatever_becomes_of_a_request(world: World, web: Engines, clock: FixedClock) -> None:
    world.settings = configured(world.settings, web, "brave", search_a_day=2)
    web.refuse = [(403, {}, "")]
    with pytest.raises(BadInput):
        asking.ask(world.db, world.settings, 1, "q", actor="ana")
    asking.ask(world.db, world.settings, 1, "q", actor="ana")
    with pytest.raises(Refused) as refused:
        asking.ask(world.db, world.settings, 1, "q", actor="ana")
    assert refused.value.skips[0].reason == "search-budget"
    with world.db.read() as look:
        assert asking.budget(look, world.settings).left == 0
    asked = len(web.asked)
    # A check goes on without it.
    assert world.check() is MentionVerdict.NO_MENTION
    assert len(web.asked) == asked
    clock.advance(timedelta(days=1))
    with world.db.read() as look:
        assert asking.budget(look, world.settings).left == 2


def test_a_search_of_the_web_makes_prospects_of_what_it_finds(world: World, web: Engines) -> None:
    web.hits += ["https://acme.test/own", "https://rival.test/theirs", "javascript:alert(1)"]
    world.settings = configured(world.settings, web, "searxng")
    done = searching.search_site(world.db, world.settings, 1, actor="ana")
    assert (done.requests, done.cost) == (1, 0.005)
    assert (done.taken.taken, done.taken.prospects, done.taken.rejected_count) == (2, 1, 2)
    assert web.asked[0][1]["q"] == ['"Acme" -site:acme.test']
    assert [one.domain for one in world.all(Prospect)] == ["editor.test", "elsewhere.test"]
    again = searching.search_site(world.db, world.settings, 1, actor="ana")
    assert (again.taken.taken, again.taken.known, again.taken.prospects) == (0, 2, 0)


def test_without_a_provider_or_its_settings_it_says_so(world: World, web: Engines) -> None:
    with pytest.raises(BadInput, match="GAPBRIDGE_SEARCH_PROVIDER"):
        searching.search_site(world.db, world.settings, 1, actor="ana")
    for name, missing in (("searxng", "SEARCH_URL"), ("brave", "BRAVE_KEY"), ("google", "GOOGLE_SEARCH_KEY")):
        bare = world.settings.model_copy(update={"search_provider": name})
        with pytest.raises(BadInput, match=missing):
            asking.ask(world.db, bare, 1, "q", actor="ana")


# --- lists --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Date,Title,Mention URL,Reach\n2026-05-01,Tools,{url},900\n", "utf-8"),
        ('Title;URL;Sentiment\n"Tools; and\nmore";{url};good\n', "utf-8-sig"),
        ("Source\tPage URL\nNews\t{url}\n", "utf-16"),
        ("{url}\n", "utf-8"),
    ],
)
def test_a_list_of_a_mention_tool(world: World, tmp_path: Path, text: str, encoding: str) -> None:
    place = tmp_path / "mentions.csv"
    place.write_bytes(text.format(url=NAMED).encode(encoding))
    taken = lists.take_file(world.db, 1, place, actor="ana")
    assert (taken.taken, taken.rejected) == (1, [])
    (row,) = world.all(MentionCandidate)
    assert (row.url, row.source, row.looked_at) == (NAMED, "list: mentions.csv", None)
    world.fetcher.pages[NAMED] = MENTION
    assert service.check(world, 1) is MentionVerdict.UNLINKED_MENTION
    assert world.last().pages[-1]["source"] == "list: mentions.csv"
    assert world.all(MentionCandidate)[0].looked_at is not None
    assert lists.take_file(world.db, 1, place, actor="ana").known == 1
    assert [line.verb for line in world.all(AuditEvent)] == ["mentions.listed"] * 2


def test_a_listed_page_that_cannot_be_read_is_no_no(world: World, tmp_path: Path) -> None:
    with world.db.work() as uow:
        candidates.take(uow, 1, [NAMED], source="list: x", actor="ana")
    world.fetcher.pages[NAMED] = page(NAMED, status=403)
    assert service.check(world, 1) is MentionVerdict.COULD_NOT_CHECK


def test_lines_that_are_not_taken_are_told_with_their_reason(world: World, tmp_path: Path) -> None:
    place = tmp_path / "list.csv"
    place.write_text(f"url\n{NAMED}\nnot a page\nhttp://127.0.0.1/x\nhttps://rival.test/a\nftp://editor.test/a\n")
    taken = lists.take_file(world.db, 1, place, actor="ana")
    assert (taken.taken, taken.rejected_count) == (1, 4)
    assert [one.line for one in taken.rejected] == [3, 4, 5, 6]
    assert "competitor" in taken.rejected[2][1]
    place.write_text("name,reach\nx,1\n")
    with pytest.raises(BadInput, match="no column holds the address"):
        lists.take_file(world.db, 1, place, actor="ana")


MAJESTIC = (
    "Target URL,Source URL,Anchor Text,Source Crawl Date,FlagNoFollow,FlagOldCrawl,FlagMention\n"
    "https://acme.test/,https://editor.test/link,Acme,2026-05-01,,,\n"
    "https://acme.test/,https://editor.test/named,,2026-05-01,,,1\n"
    "https://acme.test/,https://editor.test/old,,2020-05-01,,1,1\n"
)
ALERTS = (
    "Alert: Acme\n\nDate,Title,URL,Source\n"
    '2026-05-01,"Tools, and\nmore",https://www.google.com/url?rct=j&sa=t&url=https://editor.test/a%3Fb%3D1&ct=ga,Editor\n'
    "2026-05-02,A post,https://www.facebook.com/acme/posts/1,Facebook\n"
    "2026-05-03,Another,https://x.com/acme/status/1,X\n"
)


@pytest.mark.parametrize(
    ("text", "mapping", "taken", "refused"),
    [
        (MAJESTIC, None, ["https://editor.test/named"], {2: "as a link", 4: "as gone"}),
        (
            ALERTS,
            None,
            ["https://editor.test/a?b=1"],
            {6: "facebook.com/acme shows posts", 7: "x.com/acme shows posts"},
        ),
        ("where;what\nhttps://editor.test/m;x\n;y\n", {"page": "where"}, ["https://editor.test/m"], {3: ""}),
        ("sep=;\nURL;x\nhttps://editor.test/s;1\n", None, ["https://editor.test/s"], {}),
    ],
    ids=["majestic", "alerts", "mapped", "sep"],
)
def test_what_a_list_says_of_its_rows_counts(
    world: World, tmp_path: Path, text: str, mapping: dict[str, str] | None, taken: list[str], refused: dict[int, str]
) -> None:
    """Mentions only of Majestic's rows, the page behind an alert's address, no posts, and the column that a person names."""
    place = tmp_path / "list.csv"
    place.write_text(text)
    done = lists.take_file(world.db, 1, place, actor="ana", mapping=mapping)
    assert [row.url for row in world.all(MentionCandidate)] == taken
    assert {one.line for one in done.rejected} == set(refused)
    for one in done.rejected:
        assert refused[one.line] in one.reason
    with pytest.raises(BadInput, match="no column 'nowhere'"):
        lists.take_file(world.db, 1, place, actor="ana", mapping={"page": "nowhere"})


def test_a_run_that_was_cut_off_goes_on_where_it_was(
    world: World, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row says how far it is; a worker that dies leaves a claim that runs out."""
    text = "url\n" + "".join(f"https://site-{n}.test/about-acme\n" for n in range(250)) + "nothing\n"
    job = lists.receive(world.db, world.settings, 1, "many.csv", io.BytesIO(text.encode()), actor="ana")
    with world.db.work() as uow:
        uploads.start(uow, job.id, target=None, mapping={})
    honest = lists.take_lines
    calls = []

    def dies(*given: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("power cut")
        return honest(*given, **named)

    monkeypatch.setattr(lists, "take_lines", dies)
    with pytest.raises(RuntimeError):
        lists.run(world, 1)
    lists.run(world, 1)  # Still claimed.
    assert world.all(ImportJob)[0].rows_done == 100
    clock.advance(timedelta(hours=2))
    with world.db.read() as look:
        assert lists.due(look.session, look.now()) == [1]
        assert uploads.due(look.session, look.now()) == []
    lists.run(world, 1)
    (row,) = world.all(ImportJob)
    assert (row.state, row.rows_done, row.report["taken"], row.report["known"]) == (ImportState.DONE, 251, 250, 0)
    assert row.report["rejected"] == [{"line": 252, "reason": row.report["rejected"][0]["reason"], "text": "nothing"}]
    assert len(world.all(MentionCandidate)) == 250


def test_a_run_that_is_stopped_keeps_what_it_has_and_nothing_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "url\n" + "".join(f"https://site-{n}.test/about-acme\n" for n in range(250))
    job = lists.receive(world.db, world.settings, 1, "many.csv", io.BytesIO(text.encode()), actor="ana")
    with world.db.work() as uow:
        uploads.start(uow, job.id, target=None, mapping={})
    honest = lists.take_lines

    def stopped_meanwhile(uow: Any, *given: Any, **named: Any) -> Any:
        uploads.cancel(uow, world.settings, 1)
        return honest(uow, *given, **named)

    monkeypatch.setattr(lists, "take_lines", stopped_meanwhile)
    lists.run(world, 1)
    (row,) = world.all(ImportJob)
    assert (row.state, row.rows_done) == (ImportState.CANCELLED, 100)
    assert len(world.all(MentionCandidate)) == 100
    assert not list(uploads.folder_of(world.settings).iterdir())
