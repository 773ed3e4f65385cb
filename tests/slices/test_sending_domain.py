"""The DNS of a sending domain, asked at a real server; and what a failing domain holds."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.clock import FixedClock
from app.container import Container
from app.deliverability import repository, service
from app.deliverability.domain_checks import check_domain
from app.deliverability.resolver import DnsDown, Resolver
from app.deliverability.subjects import Subject, Submission
from app.domain.checks import Check, CheckState
from app.domain.delivery import OutboundState
from app.errors import BadInput, Refused
from app.jobs import Job, RecordingDispatcher
from app.mail import accounts
from app.models import Inbound, InboundState, Mailbox, OutboundKind, Security, SendingDomain
from app.outbox import repository as outbox_repository
from app.outbox import service as outbox
from app.outbox.delivery import Turn
from app.settings import Settings
from tests.slices.test_outbox import Gate, World
from tests.support.dns import Zones, dns_server
from tests.support.smtp_sink import Sink, sink
from tests.support.world import VAULT, a_mailbox, a_site

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN
DOMAIN = "acme-mail.com"
GOOGLE = Submission("smtp.gmail.com", 465, Security.TLS)


@pytest.fixture
def zones() -> Iterator[Zones]:
    with dns_server() as running:
        yield running


def _key(bits: int) -> str:
    public = generate_private_key(65537, bits).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"


KEY = _key(2048)


def _healthy(zones: Zones, domain: str = DOMAIN) -> None:
    zones.txt(domain, "v=spf1 include:_spf.google.com ~all", "some-site-verification=1")
    zones.txt("_spf.google.com", "v=spf1 ip4:192.0.2.0/24 ~all")
    zones.txt(f"google._domainkey.{domain}", KEY)
    zones.txt(f"_dmarc.{domain}", f"v=DMARC1; p=quarantine; rua=mailto:d@{domain}")
    zones.put(domain, "MX", "1 mx.mail-host.net.")
    zones.put("mx.mail-host.net", "A", "192.0.2.9")


def _lines(zones: Zones, subject: Subject | None = None) -> dict[str, Check]:
    resolver = Resolver([zones.server], timedelta(seconds=2))
    found = check_domain(subject or Subject(DOMAIN, (GOOGLE,)), resolver, lambda server: None)
    return {line.name: line for line in found}


def test_a_domain_in_order_is_ok_in_every_line(zones: Zones) -> None:
    _healthy(zones)
    lines = _lines(zones)
    assert {name: line.state for name, line in lines.items()} == dict.fromkeys(
        ("spf", "spf-provider", "dkim", "dmarc", "alignment", "ptr", "mx", "tls"), OK
    )
    # The key does not fit into a datagram: it came over TCP.
    assert (f"google._domainkey.{DOMAIN}", "TXT", "tcp") in zones.asked


@pytest.mark.parametrize(
    ("texts", "state", "found", "fix"),
    [
        ([], FAIL, "has no SPF record", '"v=spf1 include:_spf.google.com ~all"'),
        (["v=spf10 all"], FAIL, "has no SPF record", "v=spf1"),
        (
            ["v=spf1 include:_spf.google.com -all", "v=spf1 ip4:192.0.2.1 -all"],
            FAIL,
            "2 SPF records",
            '"v=spf1 include:_spf.google.com ip4:192.0.2.1 ~all"',
        ),
        (["v=spf1 include:_spf.google.com +all"], FAIL, "anybody", "~all"),
        (["v=spf1 include:_spf.google.com all"], FAIL, "anybody", '"v=spf1 include:_spf.google.com ~all"'),
        (["v=spf1 include:_spf.google.com ?all"], WARN, "?all", "~all"),
        (["v=spf1 include:_spf.google.com"], WARN, "no all", '"v=spf1 include:_spf.google.com ~all"'),
        (["v=spf1 include:nowhere.acme-mail.com -all"], FAIL, "leads to no SPF record", "remove"),
        (["v=spf1 include:acme-mail.com -all"], FAIL, "includes itself", "remove"),
        (["v=spf1 ip4:192.0.2.300 -all"], FAIL, "holds no address", "correct"),
        (["v=spf1 ipv4:192.0.2.3 -all"], FAIL, "is no mechanism", "correct"),
        (["v=spf1 a:x1.test a:x2.test mx:x3.test -all"], FAIL, "3 of its look-ups find nothing", "no record"),
        (["v=spf1 -all include:_spf.google.com"], WARN, "no further", '"v=spf1 include:_spf.google.com -all"'),
        (["v=spf1 ~all include:nowhere.acme-mail.com"], WARN, "counts for nothing", "nowhere.acme-mail.com ~all"),
        (["v=spf1 redirect=_spf.google.com"], OK, "1 of 10", ""),
        (["v=spf1 exists:%{i}.spf.acme-mail.com include:_spf.google.com -all"], OK, "2 of 10", ""),
        (["V=SPF1 INCLUDE:_spf.google.com -ALL"], OK, "1 of 10", ""),
    ],
)
def test_spf(zones: Zones, texts: list[str], state: CheckState, found: str, fix: str) -> None:
    _healthy(zones)
    zones.txt(DOMAIN, *texts)
    line = _lines(zones)["spf"]
    assert (line.state, found in line.found, fix in line.fix) == (state, True, True), line


def test_the_ten_lookups_of_spf_count_through_includes_and_redirects(zones: Zones) -> None:
    _healthy(zones)
    # 1 include + 3 inside it, 1 more include + 4 inside: 9 so far.
    zones.txt("part-one.net", "v=spf1 a:mx.mail-host.net mx:acme-mail.com include:_spf.google.com -all")
    zones.txt("part-two.net", "v=spf1 " + "a:mx.mail-host.net " * 4 + "-all")
    base = "v=spf1 include:part-one.net include:part-two.net"
    zones.txt(DOMAIN, f"{base} a:mx.mail-host.net -all")
    assert (_lines(zones)["spf"].state, "10 of 10" in _lines(zones)["spf"].found) == (OK, True)
    zones.txt(DOMAIN, f"{base} a:mx.mail-host.net ptr -all")
    line = _lines(zones)["spf"]
    assert (line.state, "costs 11 DNS look-ups" in line.found) == (FAIL, True)


def test_the_record_must_name_the_provider_that_mail_goes_through(zones: Zones) -> None:
    _healthy(zones)
    zones.txt(DOMAIN, "v=spf1 ip4:198.51.100.7 -all")
    line = _lines(zones)["spf-provider"]
    assert line.state is FAIL
    assert '"v=spf1 include:_spf.google.com ip4:198.51.100.7 -all"' in line.fix
    # A server that is nobody's we know: named by its address, or nothing can be said.
    zones.put("mail.acme-mail.com", "A", "9.9.9.9")
    own = Subject(DOMAIN, (Submission("mail.acme-mail.com", 587, Security.STARTTLS),))
    assert _lines(zones, own)["spf-provider"].state is UNKNOWN
    zones.txt(DOMAIN, "v=spf1 a:mail.acme-mail.com -all")
    assert _lines(zones, own)["spf-provider"].state is OK


@pytest.mark.parametrize(
    ("texts", "state", "found"),
    [
        ([KEY], OK, "2048 bits"),
        ([_key(1024)], WARN, "1024 bits"),
        (["v=DKIM1; k=rsa; p="], FAIL, "revoked"),
        (["v=DKIM1; p=bm9uc2Vuc2U="], FAIL, "no rsa key can be read"),
        ([KEY.replace("k=rsa", "k=rsa; t=y")], WARN, "t=y"),
        # Receivers use neither for mail.
        ([KEY.replace("k=rsa", "k=rsa; h=sha1")], FAIL, "no key"),
        ([KEY.replace("k=rsa", "k=rsa; s=tlsrpt")], FAIL, "no key"),
        ([f"v=DKIM1; k=ed25519; p={base64.b64encode(bytes(32)).decode()}"], OK, "ed25519"),
        ([], FAIL, "there is no key"),
    ],
)
def test_dkim_under_a_named_selector(zones: Zones, texts: list[str], state: CheckState, found: str) -> None:
    _healthy(zones)
    zones.put(f"google._domainkey.{DOMAIN}", "TXT")
    zones.txt(f"mail2026._domainkey.{DOMAIN}", *texts)
    line = _lines(zones, Subject(DOMAIN, (GOOGLE,), named=("mail2026",)))["dkim"]
    assert (line.state, found in line.found) == (state, True), line


def test_a_selector_that_was_only_seen_never_condemns(zones: Zones) -> None:
    # Anybody can send us a mail with a signature in our name under a selector that never was.
    _healthy(zones)
    assert _lines(zones, Subject(DOMAIN, (GOOGLE,), learned=("evil",)))["dkim"].state is OK
    zones.put(f"google._domainkey.{DOMAIN}", "TXT")
    assert _lines(zones, Subject(DOMAIN, (GOOGLE,), learned=("evil",)))["dkim"].state is UNKNOWN
    zones.txt(f"evil._domainkey.{DOMAIN}", KEY)
    assert _lines(zones, Subject(DOMAIN, (), learned=("evil",)))["dkim"].state is OK


@pytest.mark.parametrize(
    ("own", "above", "state", "found"),
    [
        (["v=DMARC1; p=none"], [], OK, "p=none"),
        (["v=DMARC1;p=reject"], ["v=DMARC1; p=none"], OK, "p=reject"),
        ([], ["v=DMARC1; p=reject; sp=quarantine"], OK, "_dmarc.acme-mail.co.uk"),
        ([], [], FAIL, "no DMARC record"),
        (["v=DMARC1; p=none", "v=DMARC1; p=reject"], [], FAIL, "2 records"),
        (["v=DMARC1; p=maybe"], [], FAIL, "p=maybe"),
        (["v=DMARC1; rua=mailto:d@x.test"], [], WARN, "counts as p=none"),
        (["p=none; v=DMARC1"], [], FAIL, "no DMARC record"),
    ],
)
def test_dmarc(zones: Zones, own: list[str], above: list[str], state: CheckState, found: str) -> None:
    # co.uk is a public suffix: the organisation is acme-mail.co.uk, and _dmarc.co.uk speaks for nobody.
    domain = "mail.acme-mail.co.uk"
    _healthy(zones, domain)
    zones.txt(f"_dmarc.{domain}", *own)
    zones.txt("_dmarc.acme-mail.co.uk", *above)
    zones.txt("_dmarc.co.uk", "v=DMARC1; p=reject")
    line = _lines(zones, Subject(domain, (GOOGLE,)))["dmarc"]
    assert (line.state, found in line.found) == (state, True), line
    if state is FAIL and "no DMARC" in found:
        assert "_dmarc.acme-mail.co.uk" in line.fix


def test_the_reverse_name_of_our_own_server(zones: Zones) -> None:
    _healthy(zones)
    own = Subject(DOMAIN, (Submission(f"smtp.{DOMAIN}", 465, Security.TLS),))
    assert _lines(zones, own)["ptr"].state is FAIL  # no address
    zones.put(f"smtp.{DOMAIN}", "A", "9.9.9.9")
    assert "no reverse name" in _lines(zones, own)["ptr"].found
    zones.put("9.9.9.9.in-addr.arpa", "PTR", "dsl-9.provider.net.")
    assert "another machine" in _lines(zones, own)["ptr"].found
    zones.put("9.9.9.9.in-addr.arpa", "PTR", f"smtp.{DOMAIN}.")
    assert _lines(zones, own)["ptr"].state is OK


@pytest.mark.parametrize(
    ("records", "state", "found"),
    [
        ([("MX", "0 .")], FAIL, "null MX"),
        ([], FAIL, "no MX"),
        ([("A", "192.0.2.7")], WARN, "address instead"),
        ([("MX", "5 gone.mail-host.net.")], FAIL, "gone.mail-host.net"),
        ([("MX", "5 gone.mail-host.net."), ("MX", "9 mx.mail-host.net.")], WARN, "gone.mail-host.net"),
    ],
)
def test_mx(zones: Zones, records: list[tuple[str, str]], state: CheckState, found: str) -> None:
    _healthy(zones)
    zones.put(DOMAIN, "MX", *[text for kind, text in records if kind == "MX"])
    zones.put(DOMAIN, "A", *[text for kind, text in records if kind == "A"])
    line = _lines(zones)["mx"]
    assert (line.state, found in line.found) == (state, True), line


def test_every_line_that_is_not_fine_has_the_record_to_paste(zones: Zones) -> None:
    def fixes(host: str) -> dict[str, str]:
        lines = _lines(zones, Subject(DOMAIN, (Submission(host, 465, Security.TLS),))).values()
        return {line.name: line.fix for line in lines if line.state is not OK}

    zones.put("mail.acme-mail.com", "A", "192.0.2.7")
    assert fixes("smtp.gmail.com")["mx"] == f"Publish what Google Workspace wants: {DOMAIN} MX 1 smtp.google.com."
    assert f"google._domainkey.{DOMAIN}" in fixes("smtp.gmail.com")["dkim"]
    assert f"{DOMAIN} MX 0 acme-mail-com.mail.protection.outlook.com." in fixes("smtp.office365.com")["mx"]
    fastmail = fixes("smtp.fastmail.com")
    assert fastmail["mx"].count(f"{DOMAIN} MX ") == 2
    assert f"fm1._domainkey.{DOMAIN} CNAME fm1.{DOMAIN}.dkim.fmhosted.com." in fastmail["dkim"]
    assert f"{DOMAIN} MX 10 mail.acme-mail.com." in fixes("mail.acme-mail.com")["mx"]
    elsewhere = fixes("smtp.example-host.net")
    assert f"{DOMAIN} MX 10 SERVER" in elsewhere["mx"]
    assert f'mail._domainkey.{DOMAIN} TXT "v=DKIM1; k=rsa; p=KEY"' in elsewhere["dkim"]
    assert {"spf", "dkim", "dmarc", "alignment", "mx"} <= set(elsewhere)
    for found in (fixes("smtp.gmail.com"), fastmail, elsewhere):
        assert "" not in found.values(), found


def test_a_dns_that_does_not_answer_is_unknown_and_never_a_fault(zones: Zones) -> None:
    _healthy(zones)
    zones.down = True
    lines = _lines(zones)
    assert {line.state for name, line in lines.items() if name != "tls"} <= {UNKNOWN, OK}
    assert lines["spf"].state is lines["dkim"].state is lines["dmarc"].state is lines["mx"].state is UNKNOWN
    zones.down = False
    # One include that cannot be asked: the count is not known, so nothing is said.
    zones.failing.add("_spf.google.com")
    assert _lines(zones)["spf"].state is UNKNOWN
    zones.failing.clear()
    zones.silent.add(f"_dmarc.{DOMAIN}")
    assert _lines(zones)["dmarc"].state is UNKNOWN
    with pytest.raises(DnsDown):
        Resolver(["127.0.0.1:1"], timedelta(seconds=0.2)).txt(DOMAIN)


def test_names_for_tests_are_not_asked_for_at_the_public_dns() -> None:
    lines = check_domain(Subject("acme.test", (GOOGLE,)), Resolver(), lambda server: None)
    assert [(line.name, line.state, "GAPBRIDGE_DNS_RESOLVERS" in line.fix) for line in lines] == [
        ("dns", UNKNOWN, True)
    ]


def test_tls_and_plain_servers(zones: Zones) -> None:
    _healthy(zones)
    resolver = Resolver([zones.server], timedelta(seconds=2))

    def probe(server: Submission) -> str | None:
        if server.port == 1:
            raise OSError("refused")
        return "the certificate is refused: it ended" if server.port == 2 else None

    servers = tuple(Submission("smtp.gmail.com", port, Security.TLS) for port in (1, 2, 465))
    plain = (Submission("smtp.gmail.com", 25, Security.NONE), Submission("127.0.0.1", 25, Security.NONE))
    found = [line for line in check_domain(Subject(DOMAIN, servers + plain), resolver, probe) if line.name == "tls"]
    assert [line.state for line in found] == [UNKNOWN, FAIL, OK, FAIL, OK]


# --- the room: what is kept, and what is held -----------------------------------------------------------------------------


@pytest.fixture
def container(
    settings: Settings, zones: Zones, clock: FixedClock, dispatcher: RecordingDispatcher
) -> Iterator[Container]:
    made = Container(
        settings.model_copy(update={"dns_resolvers": [zones.server], "dns_timeout": timedelta(seconds=2)}),
        clock=clock,
        dispatcher=dispatcher,
    )
    made.vault = VAULT
    yield made
    made.close()


@pytest.fixture
def smtp() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture
def world(container: Container, smtp: Sink, zones: Zones, clock: FixedClock) -> World:
    _healthy(zones)
    # The sink has no name in the DNS: what passes on its mail is not known, which is no fault.
    with container.db.work() as uow:
        a_site(uow)
        a_mailbox(uow, f"ana@{DOMAIN}", smtp_port=smtp.port, polled_at=clock.now())
        uow.session.add(SendingDomain(domain=DOMAIN, due_at=uow.now(), created_at=uow.now()))
    return World(container.db, container.settings, clock)


def _states(container: Container) -> dict[str, str]:
    with container.db.read() as look:
        return {line.name: line.state.value for line in repository.lines_of(look.session, 1)}


def test_a_failing_domain_holds_new_pitches_and_nothing_else(
    world: World, container: Container, zones: Zones, smtp: Sink
) -> None:
    waiting = world.enqueue("before.test")
    follow_up = world.enqueue("running.test", OutboundKind.FOLLOW_UP)
    reply = world.enqueue("person.test", OutboundKind.REPLY)
    zones.txt(f"_dmarc.{DOMAIN}")
    service.check(container, 1)
    assert _states(container)["dmarc"] == "fail"
    with pytest.raises(Refused) as refused:
        world.enqueue("after.test")
    assert refused.value.skips[0].reason == "sending-domain"
    world.run()
    assert world.row(waiting).state is OutboundState.QUEUED
    assert [world.row(row).state for row in (follow_up, reply)] == [OutboundState.SENT] * 2
    with world.db.read() as look:
        why = outbox.why_waiting(look, outbox.get(look, waiting), world.settings)
        assert why is not None
        assert (why.reason, "no DMARC record" in why.sentence) == ("sending-domain", True)
        # Only a held pitch waits, so no turn is due: nothing rings in vain.
        assert outbox_repository.due_mailboxes(look.session, look.now()) == []
    zones.txt(f"_dmarc.{DOMAIN}", "v=DMARC1; p=none")
    service.check(container, 1)
    assert world.run().sent == 1
    assert world.row(waiting).state is OutboundState.SENT
    assert len(smtp.messages) == 3


def test_a_pitch_that_is_claimed_already_is_held_at_the_commit(
    world: World, container: Container, zones: Zones, smtp: Sink
) -> None:
    row_id = world.enqueue()
    zones.txt(DOMAIN)

    class LateGate(Gate):
        def __call__(self, mailbox_id: int) -> Gate:
            service.check(container, 1)
            return self

    # The mailbox was not read lately, so the gate is asked after the claim: the look at the DNS falls between the two.
    with world.db.work() as uow:
        uow.session.get_one(Mailbox, 1).polled_at = None
    report = Turn(world.db, world.settings, VAULT, LateGate(), 1).run()
    assert (report.sent, report.tried) == (0, 1)
    assert world.row(row_id).state is OutboundState.QUEUED
    assert smtp.messages == []


def test_an_override_lets_named_checks_pass_and_holds_again_for_others(
    world: World, container: Container, zones: Zones
) -> None:
    row_id = world.enqueue()
    zones.txt(f"_dmarc.{DOMAIN}")
    service.check(container, 1)
    assert world.run().sent == 0
    with world.db.work() as uow, pytest.raises(BadInput):
        service.override(uow, DOMAIN, reason=" ", actor="ana")
    with world.db.work() as uow, pytest.raises(BadInput) as wrong:
        service.override(uow, DOMAIN, reason="x", actor="ana", checks=["dmark"])
    assert "dmarc" in wrong.value.problems[0].problem
    with world.db.work() as uow:
        service.override(uow, DOMAIN, reason="the registrar is slow", actor="ana")
    with world.db.read() as look:
        row = service.get(look.session, DOMAIN)
        assert (row.override_checks, row.override_by, row.override_reason, row.override_at, row.hold_reason) == (
            ["dmarc"],
            "ana",
            "the registrar is slow",
            world.clock.now(),
            None,
        )
    assert world.run().sent == 1
    # What the override does not name holds.
    zones.txt(DOMAIN)
    service.check(container, 1)
    with pytest.raises(Refused, match="no SPF record"):
        world.enqueue("second.test")
    zones.txt(DOMAIN, "v=spf1 ip4:192.0.2.1 -all")
    service.check(container, 1)
    assert world.enqueue("third.test") > row_id
    with world.db.work() as uow:
        service.lift(uow, DOMAIN, actor="ana")
    with pytest.raises(Refused, match="no DMARC"):
        world.enqueue("fourth.test")


def test_silence_of_the_dns_neither_condemns_nor_acquits(world: World, container: Container, zones: Zones) -> None:
    service.check(container, 1)
    zones.down = True
    service.check(container, 1)
    assert _states(container)["spf"] == "ok"
    with world.db.read() as look:
        row = service.get(look.session, DOMAIN)
        assert row.due_at == world.clock.now() + timedelta(hours=1)
        spf = repository.lines_of(look.session, 1)[0]
        assert (spf.name, "did not answer" in (spf.trouble or "")) == ("spf", True)
    assert world.enqueue() == 1
    zones.down = False
    zones.txt(f"_dmarc.{DOMAIN}")
    service.check(container, 1)
    zones.down = True
    service.check(container, 1)
    assert _states(container)["dmarc"] == "fail"
    with pytest.raises(Refused):
        world.enqueue("second.test")


def test_a_domain_that_was_never_reached_holds_nothing(world: World, container: Container, zones: Zones) -> None:
    zones.down = True
    service.check(container, 1)
    assert set(_states(container).values()) <= {"unknown", "ok"}
    world.enqueue()
    assert world.run().sent == 1


def test_a_new_mailbox_has_its_domain_looked_at_at_once_and_every_day(
    container: Container, zones: Zones, clock: FixedClock, dispatcher: RecordingDispatcher
) -> None:
    server = accounts.Server("127.0.0.1", 1, Security.TLS)
    for name in ("ana", "ben"):
        draft = accounts.draft(
            container.settings, email=f"{name}@Acme-Mail.com", from_name="Ana", username=None, password="x",
            smtp=server, imap=server,
        )  # fmt: skip
        with container.db.work() as uow:
            accounts.add(uow, container.vault, draft)
    assert dispatcher.rung.count((Job.DOMAINS_CHECK, 1)) == 2
    with container.db.read() as look:
        assert repository.due(look.session, look.now()) == [1]
        assert [row.domain for row in repository.every(look.session)] == [DOMAIN]
    _healthy(zones)
    service.check(container, 1)
    with container.db.read() as look:
        # Nobody listens at the port, which leaves a question open: the next look is in an hour.
        assert repository.due(look.session, look.now() + timedelta(minutes=59)) == []
        assert repository.due(look.session, look.now() + timedelta(hours=1)) == [1]
    with container.db.work() as uow:
        for mailbox in accounts.every(uow.session):
            mailbox.smtp_security = Security.NONE
    service.check(container, 1)
    with container.db.read() as look:
        assert repository.due(look.session, look.now() + timedelta(hours=23)) == []
        assert repository.due(look.session, look.now() + timedelta(days=1)) == [1]


def test_selectors_are_learned_from_a_message_to_ourselves(world: World, container: Container, zones: Zones) -> None:
    raw = (
        f"DKIM-Signature: v=1; a=rsa-sha256; d=other.test; s=theirs; b=x\r\n"
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={DOMAIN};\r\n\ts=mail2026; h=from; b=abc\r\n"
        f"From: ana@{DOMAIN}\r\n\r\nDKIM-Signature: d={DOMAIN}; s=body\r\n"
    ).encode()
    with container.db.work() as uow:
        uow.session.add(
            Inbound(
                mailbox_id=1, content_key="k", state=InboundState.DONE, raw=raw, size=len(raw), rule="own-copy",
                from_address=f"ana@{DOMAIN}", stored_at=uow.now(),
            )
        )  # fmt: skip
    zones.txt(f"mail2026._domainkey.{DOMAIN}", KEY)
    lines = service.check(container, 1)
    assert [line.found for line in lines if line.name == "dkim"] == ["mail2026: rsa, 2048 bits"]
    with container.db.work() as uow:
        service.name_selectors(uow, DOMAIN, ["Other"])
    assert "there is no key at other._domainkey" in " ".join(line.found for line in service.check(container, 1))
    with container.db.work() as uow, pytest.raises(BadInput):
        service.name_selectors(uow, DOMAIN, ["a b"])
