"""Messages made to hurt parsers: each ends in findings or in a named fault, in bounded time, and the next one still works."""

import base64
import os
import resource
import signal
import time
from collections.abc import Iterator
from random import Random

import pytest

from app.inbox.parse import parse
from app.inbox.parser import MailParser, ParseFault
from app.inbox.prescan import MOST_BYTES, prescan
from tests.support.soak import part

HEAD = b"From: Anna <anna@editor.test>\r\nTo: bob@ours.example\r\nSubject: Re: x\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n"
GOOD = HEAD + b"\r\nSure, happy to add it.\r\n"


def multipart(body: bytes, boundary: bytes = b"b") -> bytes:
    return HEAD + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n" + body


def nested(depth: int) -> bytes:
    out = HEAD + b"MIME-Version: 1.0\r\n"
    for level in range(depth):
        out += b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level)
    return out + b"Content-Type: text/plain\r\n\r\nhi\r\n"


def typed(kind: bytes, body: bytes, encoding: bytes = b"8bit") -> bytes:
    return HEAD + b"Content-Type: " + kind + b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" + body


def field(name: bytes, value: bytes) -> bytes:
    return name + b": " + value + b"\r\n" + GOOD


HTML = b"text/html; charset=utf-8"
REPORT = b'multipart/report; report-type=delivery-status; boundary="b"'
SHAPES: dict[str, bytes] = {
    "nothing but a line": b"\n",
    "no header": b"hello\r\n",
    "only header": HEAD,
    "zero bytes in it": GOOD + b"\x00" * 1000,
    "every byte": bytes(range(256)) * 40,
    "message id open": field(b"Message-ID", b"<"),
    "from open": b"From: <\r\n\r\nhi",
    "from empty": b"From: \r\n\r\nhi",
    "date nonsense": b"Date: 99 Foo 99999 99:99:99 +9999\r\n" + GOOD,
    "date huge": b"Date: " + b"9" * 50_000 + b"\r\n\r\nx",
    "bare carriage returns": GOOD.replace(b"\r\n", b"\r"),
    "mixed line ends": GOOD.replace(b"\r\n", b"\n", 2),
    "multipart depth 1000": nested(1000),
    "multipart depth 29": nested(29),
    "enclosed depth 2000": HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 2000 + b"hi",
    "enclosed depth in parts": multipart(b"--b\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 1500),
    "100k empty parts": multipart(b"--b\r\n" * 100_000),
    "400 parts": multipart(b"--b\r\n\r\nx\r\n" * 400),
    "boundary empty": multipart(b"--\r\n\r\nx", b'""'),
    "boundary missing": HEAD + b"Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\nhi",
    "boundary with pattern characters": multipart(b"--(a+)+$\r\n\r\nhi", b'"(a+)+$"'),
    "boundary 5000 long": multipart(b"x", b"b" * 5000),
    "boundary in pieces": HEAD + b"Content-Type: multipart/mixed; boundary*0=a; boundary*1=b\r\n\r\n--ab\r\n\r\nhi\r\n--ab--",
    "boundary nests itself": multipart(b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 600),
    "dash lines 200k": multipart(b"--x\r\n" * 200_000),
    "charset unknown": typed(b"text/plain; charset=klingon", b"hi \xff\xfe"),
    "charset hex": typed(b"text/plain; charset=hex", b"zz"),
    "charset zlib": typed(b"text/plain; charset=zlib_codec", b"x\x9c"),
    "charset idna": typed(b"text/plain; charset=idna", b"xn--" + b"a" * 60_000),
    "charset punycode": typed(b"text/plain; charset=punycode", b"a" * 100_000 + b"-9"),
    "charset unicode escape": typed(b"text/plain; charset=unicode_escape", b"\\N{DIGIT ONE}" * 5000),
    "charset utf-7 lie": typed(b"text/plain; charset=utf-7", b"+AAA" * 30_000),
    "charset japanese cut": typed(b"text/plain; charset=iso-2022-jp", b"\x1b$B" + b"\x24" * 9999),
    "charset parameter broken": typed(b"text/plain; charset*=utf-8''%zz%ff; charset*0*=x", b"hi"),
    "base64 broken": typed(b"text/plain", b"====!!!!" * 10_000, b"base64"),
    "base64 one char": typed(b"text/plain", b"A", b"base64"),
    "base64 20 MB": typed(b"text/plain", base64.encodebytes(b"hello " * 2_500_000), b"base64"),
    "quoted printable broken": typed(b"text/plain", b"=ZZ=\r\n=" * 20_000, b"quoted-printable"),
    "uuencode broken": typed(b"text/plain", b"begin 644 x\r\nM!!!\r\n" * 5000, b"x-uuencode"),
    "transfer encoding unknown": typed(b"text/plain", b"hi", b"rot13"),
    "20k encoded words": field(b"Subject", b" ".join([b"=?utf-8?b?aGVsbG8=?="] * 20_000)),
    "encoded words folded": field(b"Subject", b"\r\n ".join([b"=?utf-8?q?x=0D=0ABcc:_e=40x.test?="] * 400)),
    "encoded word open": field(b"Subject", b"=?utf-8?q?" * 5000),
    "encoded word codec": field(b"Subject", b"=?zlib_codec?b?eJw=?= =?hex?q?zz?="),
    "20k addresses": field(b"Cc", b", ".join(b"a%d@x.test" % n for n in range(20_000))),
    "20k open brackets": field(b"To", b"<" * 20_000),
    "comments nested": field(b"From", b"(" * 30_000),
    "quotes open": field(b"To", b'"' * 30_001),
    "references 60 kB": field(b"References", b" ".join(b"<%d@x.test>" % n for n in range(4000))),
    "references open": field(b"References", b"<a" * 30_000),
    "5000 header lines": b"X-A: b\r\n" * 5000 + GOOD,
    "header of 1 MB": field(b"X-Long", b"x" * 1_000_000),
    "header name long": b"X" * 100_000 + b": y\r\n" + GOOD,
    "header colons": b":" * 100_000 + b"\r\n" + GOOD,
    "header without end": b"X-A: " + b"y" * 400_000,
    "fold only": field(b"Subject", b"\r\n " * 30_000),
    "control characters": field(b"Subject", bytes(range(1, 32)).replace(b"\r", b"").replace(b"\n", b"") * 100),
    "html 5000 deep": typed(HTML, b"<div>" * 5000 + b"hi"),
    "html 250 kB deep": typed(HTML, b"<b>" * 80_000),
    "html 199 deep": typed(HTML, b"<div>" * 199 + b"Sure" + b"</div>" * 199),
    "html open tag": typed(HTML, b"<" * 250_000),
    "html attributes": typed(HTML, b"<a " + b'x="y" ' * 40_000 + b">hi</a>"),
    "html entities": typed(HTML, b"&#99999999999;&nbsp" * 10_000),
    "html declaration": typed(HTML, b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
    "html table spans": typed(HTML, b'<table><tr><td colspan="1000000000" rowspan="1000000000">x</td></tr></table>'),
    "html 20k rows": typed(HTML, b"<table>" + b"<tr><td>x</td></tr>" * 20_000),
    "html tables in tables": typed(HTML, b"<table><tr><td>" * 60 + b"x"),
    "html null": typed(HTML, b"<p>a\x00b</p>"),
    "html lists": typed(HTML, b"<ul><li>" * 90 + b"x"),
    "text of On": typed(b"text/plain", b"On " * 40_000),
    "text of newlines": typed(b"text/plain", b"\n" * 130_000),
    "text of dashes": typed(b"text/plain", b"-" * 130_000),
    "text of quotes": typed(b"text/plain", b"> " * 60_000),
    "text of codes": HEAD.replace(b"anna@", b"MAILER-DAEMON@") + b"\r\n" + b"550 5.1.1 " * 12_000,
    "text of addresses": HEAD.replace(b"anna@", b"MAILER-DAEMON@") + b"\r\n" + b"a@b.test could not be delivered " * 4000,
    "text of at signs": HEAD.replace(b"anna@", b"MAILER-DAEMON@") + b"\r\n" + b"a@" * 60_000,
    "text of months": b"Auto-Submitted: auto-replied\r\n" + HEAD + b"\r\n" + b"1 january " * 10_000,
    "text of digits": b"Auto-Submitted: auto-replied\r\n" + HEAD + b"\r\n" + b"1/" * 60_000,
    "report without blocks": HEAD + b"Content-Type: " + REPORT + b"\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n--b--",
    "report of 20k blocks": HEAD + b"Content-Type: " + REPORT + b"\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
    + b"Final-Recipient: rfc822;a@b.test\r\nAction: failed\r\n\r\n" * 20_000 + b"--b--",
    "report in base64": HEAD + b"Content-Type: " + REPORT + b"\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(b"A: b\n\nFinal-Recipient: rfc822;a@b.test\nAction: failed\nStatus: 5.1.1\n") + b"\r\n--b--",
    "report with broken fields": HEAD + b"Content-Type: " + REPORT + b"\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n:::\r\n\r\n"
    b"Final-Recipient\r\nStatus: 5.\r\nAction\r\n\r\n--b--",
    "feedback without fields": HEAD + b'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n--b\r\n'
    b"Content-Type: message/feedback-report\r\n\r\n--b--",
    "enclosed is empty": multipart(b"--b\r\nContent-Type: message/rfc822\r\n\r\n--b--"),
    "content type is noise": HEAD + b"Content-Type: ;;;/==\"\xff\r\n\r\nhi",
    "26 MB": GOOD + b"x" * (MOST_BYTES + 1),
}  # fmt: skip


@pytest.fixture(scope="module")
def parser() -> Iterator[MailParser]:
    with MailParser() as shared:
        shared.parse(GOOD)
        yield shared


def test_there_are_enough_shapes() -> None:
    assert len(SHAPES) >= 80


@pytest.mark.parametrize("name", SHAPES)
def test_survives(name: str, parser: MailParser) -> None:
    start = time.monotonic()
    found = parser.parse(SHAPES[name])
    assert time.monotonic() - start < 5
    assert found.verdict.rule
    assert len(found.mail.text) <= 65_536
    assert not any("\n" in value or "\r" in value for values in found.mail.headers.values() for value in values)
    assert parser.parse(GOOD).verdict.kind == "reply"
    assert parser.restarts == 1


def mutated(chance: Random, raw: bytes) -> bytes:
    """One of the shapes, cut, doubled, spliced or with bytes changed."""
    data = bytearray(raw[:20_000])
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        way = chance.randrange(6)
        if way == 0:
            del data[at : at + chance.randint(1, 200)]
        elif way == 1:
            data[at:at] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 8)))
        elif way == 2:
            other = SHAPES[chance.choice(list(SHAPES))][:2000]
            data[at:at] = other
        elif way == 3:
            data[at:at] = data[max(0, at - 300) : at] * chance.randint(1, 20)
        elif way == 4 and data:
            data[min(at, len(data) - 1)] = chance.choice(b'\r\n\x00<>=?"-: ')
        else:
            data = bytearray(
                bytes(data).replace(b"\r\n", chance.choice([b"\n", b"\r", b"\r\n\r\n", b"\r\n "]), chance.randint(1, 9))
            )
    return bytes(data)


def test_survives_mutations(parser: MailParser) -> None:
    chance = Random(4711)
    names = sorted(SHAPES)
    before = parser.restarts
    for number in range(400):
        start = time.monotonic()
        found = parser.parse(mutated(chance, SHAPES[names[number % len(names)]]))
        assert time.monotonic() - start < 5
        assert found.verdict.rule
    assert parser.restarts == before


def child_usage(pid: int) -> tuple[float, int]:
    """Seconds of processor time used so far, and the most memory ever held (bytes), of a running child."""
    with open(f"/proc/{pid}/stat") as stream:
        fields = stream.read().rpartition(")")[2].split()
    with open(f"/proc/{pid}/status") as stream:
        most = next(int(line.split()[1]) for line in stream if line.startswith("VmHWM"))
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), most * 1024


@pytest.mark.soak
def test_two_thousand_hostile_messages() -> None:
    """Each ends in findings or in a named fault, within 5 s of processor time and 256 MB, and the next one is read."""
    chance = Random(20_261_122)
    names = sorted(SHAPES)
    total = part(2000, len(names))
    read = faults = crashes = 0
    worst_cpu, worst_memory, worst_name = 0.0, 0, ""
    with MailParser() as parser:
        parser.parse(GOOD)
        for number in range(total):
            name = names[number % len(names)]
            raw = SHAPES[name] if number < len(names) else mutated(chance, SHAPES[name])
            pid = parser.pid
            assert pid is not None
            before = child_usage(pid)[0]
            try:
                assert parser.parse(raw).verdict.rule
                read += 1
            except ParseFault as fault:
                faults += 1
                crashes += fault.reason == "crash"
                parser.parse(GOOD)
                continue
            cpu, memory = child_usage(pid)
            if cpu - before > worst_cpu:
                worst_cpu, worst_name = cpu - before, name
            worst_memory = max(worst_memory, memory)
            if number % 20 == 0:
                assert parser.parse(GOOD).verdict.kind == "reply"
    print(  # noqa: T201 - the figures are what the long form is for
        f"{total} hostile messages: {read} read, {faults} put aside, {crashes} crashes, most processor time "
        f"{worst_cpu:.2f} s ({worst_name}), most memory {worst_memory / 2**20:.0f} MB"
    )
    assert read + faults == total
    assert crashes == 0
    assert worst_cpu < 5
    assert worst_memory < 256 * 2**20


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("multipart depth 1000", "nesting"),
        ("enclosed depth 2000", "nesting"),
        ("100k empty parts", "parts"),
        ("5000 header lines", "header-lines"),
        ("header of 1 MB", "header-size"),
        ("references 60 kB", None),
        ("26 MB", "size"),
        ("multipart depth 29", None),
        ("400 parts", None),
    ],
)
def test_limits_are_named_before_any_parser_runs(name: str, limit: str | None) -> None:
    assert (limit in prescan(SHAPES[name]).limits) if limit else not prescan(SHAPES[name]).limits


def test_what_breaks_a_limit_is_still_read_by_its_header() -> None:
    found = parse(SHAPES["100k empty parts"])
    assert found.limits == ("parts",)
    assert found.header("subject") == "Re: x"
    assert parse(SHAPES["26 MB"]).new_text.startswith("Sure, happy to add it.")


def test_many_siblings_are_not_nesting() -> None:
    inner = b'--b\r\nContent-Type: multipart/alternative; boundary="i%d"\r\n\r\n--i%d\r\n\r\nx\r\n--i%d--\r\n'
    scan = prescan(multipart(b"".join(inner % (n, n, n) for n in range(60))))
    assert scan.limits == ()
    assert scan.nesting == 2


def test_a_killed_child_is_replaced() -> None:
    with MailParser() as parser:
        parser.parse(GOOD)
        assert parser.pid is not None
        os.kill(parser.pid, signal.SIGKILL)
        try:
            found = parser.parse(GOOD)
        except ParseFault:
            found = parser.parse(GOOD)  # the death was noticed in the middle of the message
        assert found.verdict.kind == "reply"
        assert parser.restarts == 2


def test_a_stopped_child_is_given_up() -> None:
    with MailParser(wall_seconds=0.3) as parser:
        parser.parse(GOOD)
        assert parser.pid is not None
        os.kill(parser.pid, signal.SIGSTOP)
        with pytest.raises(ParseFault, match="time-out"):
            parser.parse(GOOD)
        assert parser.parse(GOOD).verdict.kind == "reply"


def test_the_child_is_limited_and_knows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAPBRIDGE_SECRET_KEY", "canary-4711")
    with MailParser() as parser:
        parser.parse(GOOD)
        pid = parser.pid
        assert pid is not None
        with open(f"/proc/{pid}/environ", "rb") as stream:
            assert b"canary-4711" not in stream.read()
        assert resource.prlimit(pid, resource.RLIMIT_AS) == (512 * 1024 * 1024,) * 2
        assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (3, 3)
        assert resource.prlimit(pid, resource.RLIMIT_CPU)[0] < 30
        assert len(os.listdir(f"/proc/{pid}/fd")) == 3
