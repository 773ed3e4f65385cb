"""Pages that are made to hurt: each ends in a named reason or a cut page, within the limits of time and memory."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Iterator

import pytest

from app.domain.link_target import Target
from app.domain.mention_verdict import MentionVerdict
from app.fetch.body import BadEncoding, Unpacker
from app.fetch.client import GuardedFetcher
from app.fetch.guard import Guard
from app.fetch.parsing import PageTooComplex, ParserPool
from app.fetch.ports import Fetched, NotFetched, Reason
from app.fetch.visit import visit
from tests.support.webserver import Handler, WebServer, redirect

LIMIT = 300_000
SECONDS = 1.5


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer({}) as made:
        yield made


@pytest.fixture
def fetcher(server: WebServer) -> Iterator[GuardedFetcher]:
    guard = Guard(static={"bomb.test": server.pinned}, static_private=True)
    with GuardedFetcher(guard, user_agent="Gapbridge/0", timeout=SECONDS, max_bytes=LIMIT, host_gap=0) as made:
        yield made


def packed(body: bytes, wbits: int) -> bytes:
    made = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return made.compress(body) + made.flush()


@pytest.mark.parametrize(("encoding", "wbits"), [("gzip", 31), ("deflate", 15), ("deflate", -15)])
def test_a_small_answer_that_unpacks_to_a_huge_one(
    server: WebServer, fetcher: GuardedFetcher, encoding: str, wbits: int
) -> None:
    bomb = packed(b"<p>" + b"a" * 100_000_000, wbits)
    assert len(bomb) < 200_000
    server.routes["/"] = lambda handler: handler.give(bomb, headers={"Content-Encoding": encoding})
    answer = fetcher.fetch("http://bomb.test/")
    assert isinstance(answer, Fetched)
    assert answer.truncated
    assert answer.size == len(answer.text) == LIMIT


def test_a_row_of_empty_members_is_refused(server: WebServer, fetcher: GuardedFetcher) -> None:
    bomb = gzip.compress(b"") * 10_000
    server.routes["/"] = lambda handler: handler.give(bomb, headers={"Content-Encoding": "gzip"})
    answer = fetcher.fetch("http://bomb.test/")
    assert isinstance(answer, NotFetched)
    assert answer.reason is Reason.BAD_ENCODING


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "x"])
def test_a_packing_that_was_not_asked_for_is_refused(server: WebServer, fetcher: GuardedFetcher, encoding: str) -> None:
    server.routes["/"] = lambda handler: handler.give(b"\x00" * 100, headers={"Content-Encoding": encoding})
    answer = fetcher.fetch("http://bomb.test/")
    assert isinstance(answer, NotFetched)
    assert answer.reason is Reason.BAD_ENCODING


def test_an_endless_stream_is_cut(server: WebServer, fetcher: GuardedFetcher) -> None:
    sent = [0]

    def endless(handler: Handler) -> None:
        handler.give("")
        while sent[0] < 500_000_000:
            handler.wfile.write(b"<p>more</p>" * 1000)
            sent[0] += 11_000

    server.routes["/"] = endless
    answer = fetcher.fetch("http://bomb.test/")
    assert isinstance(answer, Fetched)
    assert answer.truncated
    assert answer.size == LIMIT
    assert sent[0] < 100_000_000  # what the sockets' buffers took, not what the server had


def trickle(handler: Handler) -> None:
    handler.give("")
    for _ in range(200):
        handler.wfile.write(b"a")
        handler.wfile.flush()
        time.sleep(0.1)


def test_one_byte_at_a_time_runs_out_of_time(server: WebServer, fetcher: GuardedFetcher) -> None:
    server.routes["/"] = trickle
    started = time.monotonic()
    answer = fetcher.fetch("http://bomb.test/")
    assert isinstance(answer, NotFetched)
    assert answer.reason is Reason.TIMEOUT
    assert time.monotonic() - started < 15  # the server would take 20


def test_headers_one_byte_at_a_time_run_out_of_time(server: WebServer, fetcher: GuardedFetcher) -> None:
    def slow(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.0 200 OK\r\nX-Long: ")
        for _ in range(200):
            handler.wfile.write(b"a")
            handler.wfile.flush()
            time.sleep(0.1)

    server.routes["/"] = slow
    answer = fetcher.fetch("http://bomb.test/")
    assert isinstance(answer, NotFetched)
    assert answer.reason is Reason.TIMEOUT


def test_a_robots_txt_that_never_ends_runs_out_of_time(server: WebServer, fetcher: GuardedFetcher) -> None:
    server.routes["/robots.txt"] = trickle
    answer = fetcher.fetch("http://bomb.test/")
    assert isinstance(answer, NotFetched)
    assert answer.reason is Reason.TIMEOUT
    assert server.paths() == ["/robots.txt"]


def test_endless_redirects_end(server: WebServer, fetcher: GuardedFetcher) -> None:
    server.routes["/"] = redirect("/")
    answer = fetcher.fetch("http://bomb.test/")
    assert isinstance(answer, NotFetched)
    assert answer.reason is Reason.TOO_MANY_REDIRECTS
    assert server.paths().count("/") == 6


@pytest.mark.parametrize("junk", [b"\x00\xff" * 500, b"HTTP/1.1 abc\r\n\r\n", b"X" * 100_000])
def test_an_answer_that_is_not_http(server: WebServer, fetcher: GuardedFetcher, junk: bytes) -> None:
    server.routes["/"] = lambda handler: handler.wfile.write(junk) and None
    answer = fetcher.fetch("http://bomb.test/")
    assert isinstance(answer, NotFetched)
    assert answer.reason in {Reason.BAD_RESPONSE, Reason.CONNECTION}


def test_a_million_headers(server: WebServer, fetcher: GuardedFetcher) -> None:
    server.routes["/"] = lambda handler: handler.wfile.write(b"HTTP/1.0 200 OK\r\n" + b"X: y\r\n" * 1_000_000) and None
    answer = fetcher.fetch("http://bomb.test/")
    assert isinstance(answer, NotFetched)
    assert answer.reason in {Reason.BAD_RESPONSE, Reason.CONNECTION, Reason.TIMEOUT}


SHAPES = {
    "nested divs": "<div>" * 100_000,
    "misnested formatting": "<p>" + "".join(f"<b id={n}>" for n in range(8_000)) + "<p>x" * 8_000,
    "one tag of a million attributes": "<a " + " ".join(f"a{n}" for n in range(400_000)) + ">",
    "unclosed options": "<select>" + "<option>" * 300_000,
    "stray ends in a deep tree": "<span>" * 20_000 + "</x>" * 500_000,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_markup_that_hurts_the_parser_ends_in_time(shape: str) -> None:
    pool = ParserPool(1)
    try:
        started = time.monotonic()
        try:
            facts = pool.parse(SHAPES[shape][:3_000_000], "https://bomb.test/", seconds=1)
            assert facts.text is not None
        except PageTooComplex:
            pass
        assert time.monotonic() - started < 15
        # The pool lives on.
        assert pool.parse("<p>fine", "https://bomb.test/").text == "fine"
    finally:
        pool.close()


def test_a_page_that_is_too_complex_could_not_be_checked(server: WebServer, fetcher: GuardedFetcher) -> None:
    server.routes["/"] = "<p>" + "".join(f"<b id={n}>" for n in range(9_000)) + "<p>x" * 9_000
    pool = ParserPool(1)
    try:
        finding = visit(fetcher, "http://bomb.test/", Target(("acme.test",)), pool=pool).finding
    finally:
        pool.close()
    assert finding.verdict is MentionVerdict.COULD_NOT_CHECK
    assert finding.reason == "page-too-complex"
    assert not finding.good_fetch


def test_a_million_links() -> None:
    pool = ParserPool(1)
    try:
        # How long it may take is another test; what is kept must not hang on how busy the machine is.
        facts = pool.parse("<a href=/x>y</a>" * 1_000_000, "https://bomb.test/", wanted_hosts=["acme.test"], seconds=90)
    finally:
        pool.close()
    assert facts.cut
    assert len(facts.links) == 20_000


def test_the_unpacker_takes_pages_in_any_pieces() -> None:
    body = bytes(range(256)) * 400
    for stream, encoding in ((gzip.compress(body[:50_000]) + gzip.compress(body[50_000:]), "gzip"), (body, "")):
        for size in (1, 7, 1000, 1 << 20):
            unpacker = Unpacker(encoding, len(body))
            assert all(unpacker.feed(stream[at : at + size]) for at in range(0, len(stream), size))
            assert unpacker.finish() == body
            assert not unpacker.truncated


def test_a_packed_stream_that_ends_early_is_cut() -> None:
    unpacker = Unpacker("gzip", 1 << 20)
    unpacker.feed(gzip.compress(b"abc" * 10_000)[:-20])
    assert unpacker.finish().startswith(b"abc")
    assert unpacker.truncated


def test_a_stream_that_unpacks_to_nothing_is_cut() -> None:
    unpacker = Unpacker("deflate", 1000)
    made = zlib.compressobj()
    head = made.compress(b"") + made.flush(zlib.Z_FULL_FLUSH)
    assert unpacker.feed(head)
    empty = b"\x00\x00\x00\xff\xff" * 1000
    assert any(not unpacker.feed(empty) for _ in range(100))
    with pytest.raises(BadEncoding):
        Unpacker("gzip", 10).feed(b"not gzip at all")
