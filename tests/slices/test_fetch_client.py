"""The guarded client on real servers: robots.txt, pace, redirects, faults by name, character sets, honesty, threads."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import itertools
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.clock import FixedClock
from app.fetch.client import GuardedFetcher
from app.fetch.guard import Guard
from app.fetch.memory import MemoryFetcher, page
from app.fetch.memory import redirect as memory_redirect
from app.fetch.pace import retry_after
from app.fetch.ports import Fetched, Fetcher, Hop, NotFetched, Reason
from app.fetch.urls import parse_url
from app.settings import Settings
from tests.support.webserver import WebServer, redirect


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer({"/": "<p>home</p>"}) as made:
        yield made


def client(server: WebServer, **values: object) -> GuardedFetcher:
    guard = Guard(static={"site.test": server.pinned, "other.test": server.pinned}, static_private=True)
    options = {"user_agent": "Gapbridge/9 (test; +https://us.test/bot)", "timeout": 5.0, "host_gap": 0.0, **values}
    return GuardedFetcher(guard, **options)  # type: ignore[arg-type]


def reason(answer: Fetched | NotFetched) -> Reason | None:
    return answer.reason if isinstance(answer, NotFetched) else None


def test_a_page_with_what_was_said_about_it(server: WebServer, clock: FixedClock) -> None:
    server.routes["/p"] = lambda handler: handler.give("<p>é</p>", headers={"X-Robots-Tag": "nofollow"})
    with client(server, clock=clock) as fetcher:
        answer = fetcher.fetch("http://site.test/p?q=ä#part")
    assert isinstance(answer, Fetched)
    assert (answer.status, answer.text, answer.charset) == (200, "<p>é</p>", "utf-8")
    assert (answer.final_url, answer.hops, answer.truncated) == ("http://site.test/p?q=%C3%A4", (), False)
    assert answer.header("X-Robots-Tag") == ["nofollow"]
    assert answer.fetched_at == clock.now()
    sent = server.headers_seen[-1]
    assert sent["User-Agent"] == "Gapbridge/9 (test; +https://us.test/bot)"
    assert "Cookie" not in sent
    assert "Referer" not in sent


def test_the_user_agent_of_an_installation_says_who_it_is() -> None:
    settings = Settings(_env_file=None, public_url="https://links.acme.test")
    assert "https://links.acme.test/about-this-bot" in settings.user_agent
    assert settings.user_agent.startswith("Gapbridge/")


def test_redirects_are_followed_and_listed(server: WebServer) -> None:
    server.routes |= {"/a": redirect("/b", 301), "/b": redirect("http://other.test/c", 307), "/c": "<p>end</p>"}
    with client(server) as fetcher:
        answer = fetcher.fetch("http://site.test/a")
        assert isinstance(answer, Fetched)
        assert answer.hops == (Hop("http://site.test/a", 301), Hop("http://site.test/b", 307))
        assert (answer.url, answer.final_url) == ("http://site.test/a", "http://other.test/c")
        # A hop that the caller has been waiting for is not fetched.
        server.asked.clear()
        answer = fetcher.fetch("http://site.test/a", read="none", until=lambda url: "other.test" in url)
    assert isinstance(answer, Fetched)
    assert answer.final_url == "http://other.test/c"
    assert [path for path in server.paths() if path != "/robots.txt"] == ["/a", "/b"]


def test_five_redirects_are_enough_and_six_too_many(server: WebServer) -> None:
    server.routes |= {f"/{n}": redirect(f"/{n + 1}") for n in range(6)} | {"/6": "<p>end</p>"}
    with client(server) as fetcher:
        assert isinstance(fetcher.fetch("http://site.test/1"), Fetched)
        assert reason(fetcher.fetch("http://site.test/0")) is Reason.TOO_MANY_REDIRECTS


def test_each_hop_asks_robots_txt(server: WebServer) -> None:
    server.routes |= {
        "/robots.txt": lambda handler: handler.give("User-agent: Gapbridge\nDisallow: /private\n"),
        "/to": redirect("/private/x"),
        "/private/x": "<p>no</p>",
    }
    with client(server) as fetcher:
        assert reason(fetcher.fetch("http://site.test/private/x")) is Reason.ROBOTS
        assert reason(fetcher.fetch("http://site.test/to")) is Reason.ROBOTS
        assert reason(fetcher.fetch("http://site.test/a/../private/x")) is Reason.ROBOTS
        assert isinstance(fetcher.fetch("http://site.test/"), Fetched)
    assert "/private/x" not in server.paths()
    assert server.paths().count("/robots.txt") == 1
    with client(server, obey_robots=False) as fetcher:
        assert isinstance(fetcher.fetch("http://site.test/private/x"), Fetched)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(404, None), (403, None), (500, Reason.ROBOTS_UNAVAILABLE), (429, Reason.ROBOTS_UNAVAILABLE)],
)
def test_a_robots_txt_that_is_not_there_or_broken(server: WebServer, status: int, expected: Reason | None) -> None:
    server.routes["/robots.txt"] = lambda handler: handler.give("Disallow: /", status=status)
    with client(server) as fetcher:
        assert reason(fetcher.fetch("http://site.test/")) is expected


def test_a_robots_txt_that_redirects_is_followed(server: WebServer) -> None:
    server.routes |= {
        "/robots.txt": redirect("http://other.test/rules"),
        "/rules": lambda handler: handler.give("User-agent: *\nDisallow: /\n", headers={"Content-Type": "text/plain"}),
    }
    with client(server) as fetcher:
        assert reason(fetcher.fetch("http://site.test/")) is Reason.ROBOTS


def test_many_at_once_ask_robots_txt_once(server: WebServer) -> None:
    with client(server) as fetcher, ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(fetcher.fetch, ["http://site.test/"] * 30))
    assert all(isinstance(answer, Fetched) for answer in answers)
    assert server.paths().count("/robots.txt") == 1
    assert server.paths().count("/") == 30


def test_one_host_is_asked_at_a_pace_and_another_is_not_held_up(server: WebServer) -> None:
    times: list[tuple[float, str]] = []
    server.routes["/"] = lambda handler: (
        times.append((time.monotonic(), handler.headers["Host"])),
        handler.give("<p>x"),
    )[1]
    with client(server, host_gap=0.3) as fetcher, ThreadPoolExecutor(4) as threads:
        paced = [threads.submit(fetcher.fetch, "http://site.test/") for _ in range(4)]
        while not times:
            time.sleep(0.01)
        fetcher.fetch("http://other.test/")
        assert not all(future.done() for future in paced)  # the other host did not wait for this one's turns
        assert all(isinstance(future.result(), Fetched) for future in paced)
    ours = sorted(at for at, host in times if host == "site.test")
    assert all(later - earlier > 0.2 for earlier, later in itertools.pairwise(ours))


def test_a_crawl_delay_is_kept_or_said(server: WebServer) -> None:
    server.routes["/robots.txt"] = lambda handler: handler.give("User-agent: *\nCrawl-delay: 100\n")
    with client(server) as fetcher:
        assert isinstance(fetcher.fetch("http://site.test/"), Fetched)
        started = time.monotonic()
        assert reason(fetcher.fetch("http://site.test/")) is Reason.CRAWL_DELAY
        assert time.monotonic() - started < 10


@pytest.mark.parametrize("kind", ["image/png", "application/pdf", "text/plain", "application/json"])
def test_what_is_not_a_page_is_not_read(server: WebServer, kind: str) -> None:
    server.routes["/f"] = lambda handler: handler.give("data", headers={"Content-Type": kind})
    with client(server) as fetcher:
        assert reason(fetcher.fetch("http://site.test/f")) is Reason.NOT_HTML
        taken = fetcher.fetch("http://site.test/f", read="any")
        assert isinstance(taken, Fetched)
        assert taken.text == "data"


@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(socket.EAI_AGAIN, "try again"),
        socket.gaierror(socket.EAI_FAIL, "failed"),
        socket.gaierror(socket.EAI_SYSTEM, "system"),
        socket.gaierror(-5, "no address"),
        OSError("no address"),
    ],
)
def test_a_name_that_was_not_looked_up_is_not_unknown(error: OSError) -> None:
    async def fails(_: str) -> list[str]:
        raise error

    with GuardedFetcher(Guard(lookup=fails), user_agent="Gapbridge/0", host_gap=0, obey_robots=False) as fetcher:
        assert reason(fetcher.fetch("http://live.example/")) is Reason.CONNECTION


def test_faults_have_names(server: WebServer) -> None:
    with WebServer({}) as closed:
        nobody = closed.pinned

    async def nothing(_: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    guard = Guard(static={"closed.test": nobody, "site.test": server.pinned}, static_private=True, lookup=nothing)
    server.routes["/hang"] = lambda _: time.sleep(3)
    server.routes["/drop"] = lambda handler: handler.connection.close()
    with GuardedFetcher(guard, user_agent="Gapbridge/0", timeout=1, host_gap=0) as fetcher:
        assert reason(fetcher.fetch("http://closed.test/")) is Reason.CONNECTION
        assert reason(fetcher.fetch("http://nowhere.example/")) is Reason.DNS
        assert reason(fetcher.fetch("http://site.test/hang")) is Reason.TIMEOUT
        assert reason(fetcher.fetch("http://site.test/drop")) is Reason.CONNECTION
        assert reason(fetcher.fetch("https://site.test/")) is Reason.TLS
        assert reason(fetcher.fetch("nonsense")) is Reason.BAD_URL


def certificate(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


def test_tls_is_checked_against_the_name_that_was_asked_for(tmp_path: Path) -> None:
    pem = certificate(tmp_path, "site.test")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pem)
    trusting = ssl.create_default_context(cafile=str(pem))
    with WebServer({"/": "<p>secure</p>"}, tls=serving) as server:
        with client(server, ssl_context=trusting) as fetcher:
            assert isinstance(fetcher.fetch("https://site.test/"), Fetched)
            assert reason(fetcher.fetch("https://other.test/")) is Reason.TLS  # the certificate names site.test
        with client(server) as fetcher:
            assert reason(fetcher.fetch("https://site.test/")) is Reason.TLS  # nobody vouches for it


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("<p>Grüße".encode("cp1252"), "text/html", "<p>Grüße"),
        ("<p>Grüße".encode(), "text/html", "<p>Grüße"),
        ("<p>Grüße “x”".encode("cp1252"), "text/html; charset=iso-8859-1", "<p>Grüße “x”"),
        ("<meta charset=windows-1251><p>Привет".encode("cp1251"), "text/html", "<meta charset=windows-1251><p>Привет"),
        ("<p>日本語".encode("shift_jis"), "text/html; charset=Shift_JIS", "<p>日本語"),
        ("\ufeff<p>é".encode("utf-16-le"), "text/html", "<p>é"),
        ("<p>é".encode(), "text/html; charset=no-such-thing", "<p>é"),
        (b"<p>x", "text/html; charset=rot13", "<p>x"),
        (b"<p>x", "text/html; charset=zip", "<p>x"),
        (b"<p>x", "text/html; charset=punycode", "<p>x"),
        ('<meta charset="utf-16"><p>é'.encode(), "text/html", '<meta charset="utf-16"><p>é'),
        (b"<p>\xff\xfe\x00bad\x80", "text/html; charset=utf-8", "<p>\ufffd\ufffd\x00bad\ufffd"),
    ],
)
def test_character_sets(server: WebServer, body: bytes, kind: str, text: str) -> None:
    server.routes["/p"] = lambda handler: handler.give(body, headers={"Content-Type": kind})
    with client(server) as fetcher:
        answer = fetcher.fetch("http://site.test/p")
    assert isinstance(answer, Fetched)
    assert answer.text == text


def test_no_cookie_is_kept(server: WebServer) -> None:
    server.routes["/set"] = lambda handler: handler.give("<p>x", headers={"Set-Cookie": "who=you; Path=/"})
    with client(server) as fetcher:
        fetcher.fetch("http://site.test/set")
        fetcher.fetch("http://site.test/")
    assert "Cookie" not in server.headers_seen[-1]


def test_it_closes_and_starts_again(server: WebServer) -> None:
    before = threading.active_count()
    fetcher = client(server)
    assert isinstance(fetcher.fetch("http://site.test/"), Fetched)
    fetcher.close()
    fetcher.close()
    assert not any(thread.name == "gapbridge-fetch" for thread in threading.enumerate())
    assert isinstance(fetcher.fetch("http://site.test/"), Fetched)
    fetcher.close()
    assert threading.active_count() <= before + 2  # the server's own


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_its_own_thread(server: WebServer) -> None:
    with client(server) as fetcher:
        assert isinstance(fetcher.fetch("http://site.test/"), Fetched)
        child = os.fork()
        if child == 0:  # pragma: no cover - another process
            answered = False
            try:
                answered = isinstance(fetcher.fetch("http://site.test/"), Fetched)
            finally:
                os._exit(0 if answered else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_memory_twin_answers_like_the_client(server: WebServer) -> None:
    server.routes |= {
        "/a": redirect("/b"),
        "/b": "<p>end</p>",
        "/loop": redirect("/loop"),
        "/mail": redirect("mailto:x@y"),
    }
    twin = MemoryFetcher(
        {
            "http://site.test/a": memory_redirect("http://site.test/a", "/b", 302),
            "http://site.test/b": "<p>end</p>",
            "http://site.test/loop": memory_redirect("http://site.test/loop", "/loop"),
            "http://site.test/mail": memory_redirect("http://site.test/mail", "mailto:x@y"),
            "http://site.test/gone": page("http://site.test/gone", "<p>nothing here</p>", status=404),
        }
    )
    with client(server) as real:
        both: tuple[Fetcher, Fetcher] = (real, twin)
        for path in ("/a", "/b", "/loop", "/mail", "/gone"):
            one, other = (fetcher.fetch(f"http://site.test{path}") for fetcher in both)
            assert type(one) is type(other)
            assert reason(one) is reason(other)
            if isinstance(one, Fetched) and isinstance(other, Fetched):
                assert (one.status, one.text, one.final_url, one.hops) == (
                    other.status,
                    other.text,
                    other.final_url,
                    other.hops,
                )
    assert isinstance(twin.fetch("http://unknown.test/"), NotFetched)


@pytest.mark.parametrize(
    ("status", "headers", "asked"),
    [
        (429, {"Retry-After": "3600"}, 1),
        (503, {"Retry-After": "3600"}, 1),
        (429, {}, 1),  # a minute, where it does not say
        (429, {"Retry-After": "soon"}, 1),
        (503, {}, 2),
        (404, {"Retry-After": "3600"}, 2),
    ],
)
def test_a_host_that_has_too_much_to_do_is_left_alone(
    server: WebServer, status: int, headers: dict[str, str], asked: int
) -> None:
    server.routes["/"] = lambda handler: handler.give("busy", status=status, headers=headers)
    with client(server, host_gap=0.01, obey_robots=False) as fetcher:
        first, second = fetcher.fetch("http://site.test/"), fetcher.fetch("http://site.test/a")
        assert isinstance(fetcher.fetch("http://other.test/x"), Fetched)  # another host is not meant
    assert isinstance(first, Fetched)
    assert first.status == status
    assert len(server.paths()) == asked + 1
    if asked == 1:
        assert isinstance(second, NotFetched)
        assert (second.reason, second.sentence) == (
            Reason.CRAWL_DELAY,
            "http://site.test has told us to come back later.",
        )


def test_how_long_a_host_asks_to_be_left_alone() -> None:
    now = dt.datetime(2026, 6, 1, 9, 0, tzinfo=dt.UTC)
    assert retry_after(["120"], now) == 120.0
    assert retry_after(["Mon, 01 Jun 2026 09:00:11 GMT"], now) == 11.0
    assert retry_after(["Mon, 01 Jun 2026 08:00:00 GMT"], now) == 0.0
    assert [retry_after([text], now) for text in ("", "-5", "soon", "1.5")] == [None] * 4
    assert retry_after([], now) is None


@pytest.mark.parametrize(
    ("url", "gap"),
    [
        ("http://127.0.0.1:8080/", 0.0),
        ("http://10.1.2.3/", 0.0),
        ("http://sandbox.test/", 0.0),
        ("http://93.184.216.34/", 1.0),
        ("http://fixed.test/", 1.0),
        ("http://public.test/", 1.0),
        ("http://unknown.test/", 1.0),
    ],
)
def test_only_private_addresses_are_asked_without_a_pause(url: str, gap: float) -> None:
    async def lookup(host: str) -> list[str]:
        if host == "unknown.test":
            raise OSError("no such name")
        return ["93.184.216.34"]

    guard = Guard(
        static={"sandbox.test": "127.0.0.1:80", "fixed.test": "93.184.216.34:80"},
        static_private=True,
        allow_private=True,
        lookup=lookup,
    )
    fetcher = GuardedFetcher(guard, user_agent="Gapbridge/0 (test)", private_gap=0.0)
    assert asyncio.run(fetcher._gap(parse_url(url))) == gap
    closed = GuardedFetcher(Guard(lookup=lookup), user_agent="Gapbridge/0 (test)")
    assert asyncio.run(closed._gap(parse_url(url))) == 1.0
    opened = GuardedFetcher.from_settings(Settings(fetch_allow_private=True))
    assert asyncio.run(opened._gap(parse_url("http://93.184.216.34/"))) == 1.0


def test_a_packed_file_is_unpacked_within_the_limit(server: WebServer) -> None:
    text = b"<urlset>" + b"<url><loc>http://site.test/a</loc></url>" * 50 + b"</urlset>"
    packed = gzip.compress(text)
    server.routes.update(
        {
            "/sitemap.xml.gz": lambda handler: handler.give(
                packed, headers={"Content-Type": "application/octet-stream"}
            ),
            "/large.xml.gz": lambda handler: handler.give(gzip.compress(b"x" * 9_000)),
            "/broken.xml.gz": lambda handler: handler.give(packed[: len(packed) // 2]),
        }
    )
    with client(server, max_bytes=5_000) as fetcher:
        whole, large, broken = (
            fetcher.fetch(f"http://site.test/{name}.xml.gz", read="any") for name in ("sitemap", "large", "broken")
        )
    assert isinstance(whole, Fetched)
    assert (whole.text.encode(), whole.truncated) == (text, False)
    assert isinstance(large, Fetched)
    assert (len(large.text), large.truncated) == (5_000, True)
    assert isinstance(broken, Fetched)
    assert broken.truncated
    assert text.decode().startswith(broken.text)


def test_an_answer_says_which_sitemaps_the_robots_txt_names(server: WebServer) -> None:
    server.routes["/robots.txt"] = (
        "Sitemap: http://site.test/map.xml.gz\nUser-agent: *\nDisallow: /x\nSitemap: /relative.xml\n"
    )
    with client(server) as fetcher:
        answer = fetcher.fetch("http://site.test/")
    assert isinstance(answer, Fetched)
    assert answer.sitemaps == ("http://site.test/map.xml.gz",)
