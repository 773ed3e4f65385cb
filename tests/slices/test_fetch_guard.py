"""Other people's pages cannot make this machine connect to itself or to its network: 47 hosts, five ways to each."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Sequence

import pytest

from app.fetch.address import is_private, is_public, parse_host
from app.fetch.client import GuardedFetcher
from app.fetch.guard import Guard
from app.fetch.ports import Fetched, NotFetched, Reason
from app.settings import Settings
from tests.support.webserver import Canary, WebServer, canary, redirect

HOSTS = [
    *("127.0.0.1", "127.1", "0177.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "0", "0.0.0.0"),
    *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]"),
    *("[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::]"),
    *("[2001:0:4136:e378:8000:63bf:80ff:fffe]", "[fe80::1%25lo]", "[fd00:ec2::254]"),
    *(
        "169.254.169.254",
        "168.63.129.16",
        "100.100.100.200",
        "100.64.0.1",
        "192.0.0.192",
        "192.0.0.8",
        "192.0.0.170",
        "198.18.0.1",
    ),
    *("224.0.0.1", "255.255.255.255", "240.0.0.1", "localhost", "LOCALHOST.", "127.0.0.1."),
    *("①②⑦.⓪.⓪.①", "127。0。0。1", "１２７.０.０.１"),
    *("0x7f.0x0.0x0.0x1", "017700000001", "127.0.0.1%00.example.com"),
    *("[fec0::1]", "[100::1]", "[ff02::1]", "[5f00::1]", "[3fff::1]", "[2001:db8::1]", "192.88.99.1"),
]
PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "9.9.9.9", "93.184.216.34", "151.101.1.69", "185.199.108.153", "104.16.132.229"),
    *("172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "192.0.3.1", "198.17.0.1", "223.255.255.255"),
    *("2606:4700:4700::1111", "2001:4860:4860::8888", "2620:fe::fe", "2a00:1450:4001:80b::200e", "2001:200::1"),
    "2400:cb00:2048:1::c629:d7a2",
]
REFUSED = {Reason.BLOCKED_ADDRESS, Reason.BAD_URL}


@pytest.fixture(scope="module")
def bird() -> Iterator[Canary]:
    with canary() as made:
        yield made


@pytest.fixture(scope="module")
def good(bird: Canary) -> Iterator[WebServer]:
    # The same port as the canary's, on another loopback address: only the address tells them apart.
    with WebServer({"/": "<p>hello</p>"}, "127.0.0.77", bird.port) as server:
        yield server


def fetcher(bird: Canary, lookup: Callable[[str], Sequence[str]] | None = None, **static: str) -> GuardedFetcher:
    async def answers(host: str) -> Sequence[str]:
        assert lookup is not None, f"{host} was not to be looked up"
        return lookup(host)

    guard = Guard(
        static={name.replace("_", "."): value for name, value in static.items()},
        static_private=True,
        lookup=answers if lookup else None,
        ports=frozenset({bird.port}),
    )
    return GuardedFetcher(guard, user_agent="Gapbridge/0 (test)", timeout=5, host_gap=0)


def address_of(host: str) -> str:
    """The address that a resolver would give for one of the hosts."""
    try:
        parsed = parse_host(host)
    except ValueError:
        return "127.0.0.1"
    return "127.0.0.1" if parsed.address is None else str(parsed.address)


def test_the_list_is_whole() -> None:
    assert len(HOSTS) == len(set(HOSTS)) == 48
    assert len(PUBLIC) == len(set(PUBLIC)) == 20


def test_the_canary_sings_when_the_guard_is_open(bird: Canary) -> None:
    # Without this, a canary that cannot be reached would make all the other tests pass.
    before = bird.connections
    guard = Guard(allow_private=True)
    with GuardedFetcher(guard, user_agent="Gapbridge/0", timeout=5, host_gap=0) as open_fetcher:
        for host in ("127.0.0.1", "127.1", "0x7f000001", "[::1]", "localhost"):
            open_fetcher.fetch(f"http://{host}:{bird.port}/")
    assert bird.connections >= before + 5


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_url_with_the_host_is_refused(bird: Canary, scheme: str, host: str) -> None:
    before = bird.connections
    with fetcher(bird) as guarded:
        answer = guarded.fetch(f"{scheme}://{host}:{bird.port}/")
    assert isinstance(answer, NotFetched)
    assert answer.reason in REFUSED
    assert bird.connections == before


@pytest.mark.parametrize("host", HOSTS)
def test_a_redirect_to_the_host_is_refused(bird: Canary, good: WebServer, host: str) -> None:
    before = bird.connections
    good.routes["/away"] = redirect(f"http://{host}:{bird.port}/")
    with fetcher(bird, good_example=good.pinned) as guarded:
        answer = guarded.fetch(f"http://good.example:{bird.port}/away")
    assert isinstance(answer, NotFetched)
    assert answer.reason in REFUSED
    assert [hop.status for hop in answer.hops] == [302]
    assert bird.connections == before


@pytest.mark.parametrize("host", HOSTS)
def test_a_name_that_resolves_to_the_host_is_refused(bird: Canary, host: str) -> None:
    before = bird.connections
    address = address_of(host)
    with fetcher(bird, lambda _: [address]) as alone, fetcher(bird, lambda _: ["127.0.0.77", address]) as mixed:
        for guarded in (alone, mixed):
            answer = guarded.fetch(f"http://evil.example:{bird.port}/")
            assert isinstance(answer, NotFetched)
            assert answer.reason is Reason.BLOCKED_ADDRESS
    assert bird.connections == before


@pytest.mark.parametrize("host", HOSTS)
def test_a_name_that_changes_its_answer_is_refused(bird: Canary, good: WebServer, host: str) -> None:
    before, asked = bird.connections, len(good.asked)
    answers = iter(["127.0.0.77"])
    # The first answer is the good server, every later one is not: each connection is looked up and checked by itself.
    with fetcher(bird, lambda _: [next(answers, address_of(host))], pinned_example=good.pinned) as guarded:
        answer = guarded.fetch(f"http://rebind.example:{bird.port}/")
        again = guarded.fetch(f"http://rebind.example:{bird.port}/next")
    assert isinstance(again, NotFetched)
    assert again.reason is Reason.BLOCKED_ADDRESS
    assert isinstance(answer, NotFetched)  # robots.txt took the good answer, the page got the other one
    assert bird.connections == before
    assert len(good.asked) == asked + 1


def test_the_connection_goes_to_the_address_that_was_checked(bird: Canary, good: WebServer) -> None:
    before = bird.connections
    lookups: list[str] = []

    def lookup(host: str) -> list[str]:
        lookups.append(host)
        return ["127.0.0.77"]

    with fetcher(bird, lookup, pinned_example=good.pinned) as guarded:
        answer = guarded.fetch(f"http://name.example:{bird.port}/")
    assert isinstance(answer, Fetched)
    assert good.asked[-1] == (f"name.example:{bird.port}", "/")
    assert len(lookups) == 2  # once for robots.txt, once for the page: never twice for one connection
    assert bird.connections == before


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def test_private_addresses_open_without_the_metadata_services(bird: Canary) -> None:
    opened = [host for host in HOSTS if is_private(ipaddress.ip_address(address_of(host)))]
    assert {address_of(host) for host in opened} == {"127.0.0.1", "::1"}
    with GuardedFetcher(Guard(allow_private=True), user_agent="Gapbridge/0", timeout=5, host_gap=0) as guarded:
        for host in ("169.254.169.254", "100.100.100.200", "[fd00:ec2::254]", "192.0.0.192", "[::ffff:127.0.0.1]"):
            answer = guarded.fetch(f"http://{host}/")
            assert isinstance(answer, NotFetched)
            assert answer.reason is Reason.BLOCKED_ADDRESS


@pytest.mark.parametrize(
    "url",
    [
        "http://good@127.0.0.1/",
        "http://a:b@good.example/",
        "http://good.example\\@127.0.0.1/",
        "http:\\\\127.0.0.1/",
        "http://127.0.0.1\t/",
        "http://exa\nmple.com/",
        "//127.0.0.1/",
        "file:///etc/passwd",
        "ftp://good.example/",
        "gopher://127.0.0.1:25/_MAIL",
        "javascript:alert(1)",
        "http://",
        "http:///path",
        "http://good.example:99999/",
        "http://[::1/",
        "http://256.256.256.256/",
        "http://1.2.3.4.5/",
        "http://a..example/",
        "http://" + "a" * 64 + ".example/",
        "http://good.example/" + "a" * 9000,
    ],
)
def test_urls_that_can_be_read_in_two_ways_are_refused(bird: Canary, url: str) -> None:
    with fetcher(bird) as guarded:
        answer = guarded.fetch(url)
    assert isinstance(answer, NotFetched)
    assert answer.reason is Reason.BAD_URL
    assert answer.sentence


@pytest.mark.parametrize(
    "location",
    [
        "//127.0.0.1:{port}/",
        "http://good@127.0.0.1:{port}/",
        "http:\\\\127.0.0.1:{port}/",
        "ht\ttp://127.0.0.1:{port}/",
        "/\\127.0.0.1:{port}/",
        "file:///etc/passwd",
    ],
)
def test_a_crooked_location_leads_nowhere(bird: Canary, good: WebServer, location: str) -> None:
    before = bird.connections
    good.routes["/crooked"] = redirect(location.format(port=bird.port))
    with fetcher(bird, good_example=good.pinned) as guarded:
        answer = guarded.fetch(f"http://good.example:{bird.port}/crooked")
    assert isinstance(answer, NotFetched)
    assert answer.reason in REFUSED
    assert bird.connections == before


def test_only_the_usual_ports_are_asked() -> None:
    with GuardedFetcher(Guard(), user_agent="Gapbridge/0") as guarded:
        answer = guarded.fetch("http://93.184.216.34:22/")
    assert isinstance(answer, NotFetched)
    assert answer.reason is Reason.BLOCKED_PORT


def test_a_fixed_private_address_needs_the_setting(good: WebServer) -> None:
    hosts = {"shop.test": good.pinned}
    for allowed in (False, True):
        settings = Settings(_env_file=None, fetch_static_hosts=hosts, fetch_allow_private=allowed)
        with GuardedFetcher.from_settings(settings) as guarded:
            answer = guarded.fetch("http://shop.test/")
        assert isinstance(answer, Fetched) is allowed
        assert isinstance(answer, Fetched) or answer.reason is Reason.BLOCKED_ADDRESS


def test_no_proxy_of_the_environment_is_used(good: WebServer, bird: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    before = bird.connections
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{bird.port}")
    with fetcher(bird, good_example=good.pinned) as guarded:
        assert isinstance(guarded.fetch(f"http://good.example:{bird.port}/"), Fetched)
    assert bird.connections == before
