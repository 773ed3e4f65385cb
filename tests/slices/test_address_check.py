"""Before anything is sent: is the address one that can be written to? The DNS is asked at a real server, by a job."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import select

from app.clock import FixedClock
from app.container import Container
from app.deliverability import recipients
from app.domain.address_rules import MailHost
from app.domain.checks import CheckState
from app.domain.delivery import OutboundState
from app.errors import Refused
from app.jobs import Job, RecordingDispatcher
from app.models import Mailbox, MailDomain, OutboundKind, Site
from app.outbox import service as outbox
from app.prospects import address_check, contacts
from app.settings import Settings
from tests.slices.test_outbox import Gate, World
from tests.support.dns import Zones, dns_server
from tests.support.smtp_sink import Sink, sink
from tests.support.world import VAULT, a_mailbox, a_prospect, a_site


@pytest.fixture
def zones() -> Iterator[Zones]:
    with dns_server() as running:
        yield running


@pytest.fixture
def smtp() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture
def container(
    settings: Settings, zones: Zones, clock: FixedClock, dispatcher: RecordingDispatcher
) -> Iterator[Container]:
    changed = {"dns_resolvers": [zones.server], "dns_timeout": timedelta(seconds=0.4)}
    made = Container(settings.model_copy(update=changed), clock=clock, dispatcher=dispatcher)
    yield made
    made.close()


@pytest.fixture
def world(container: Container, smtp: Sink, clock: FixedClock) -> World:
    with container.db.work() as uow:
        a_site(uow)
        a_mailbox(uow, smtp_port=smtp.port, polled_at=clock.now())
    return World(container.db, container.settings, clock)


def lines(container: Container, email: str) -> dict[str, CheckState]:
    with container.db.read() as look:
        return {line.name: line.state for line in address_check.lines(look.session, look.now(), email)}


def look(container: Container, domain: str) -> MailHost:
    with container.db.work() as uow:
        address_check.want(uow, f"x@{domain}")
        found = uow.session.exec(select(MailDomain.id).where(MailDomain.domain == domain)).one()
    return recipients.check(container, found)


@pytest.mark.parametrize(
    ("email", "name", "state"),
    [
        ("postmaster@harbour.com", "machine-address", CheckState.FAIL),
        ("no-reply@harbour.com", "machine-address", CheckState.FAIL),
        ("editor@harbour.com", "role-address", CheckState.WARN),
        ("dana@mailinator.com", "disposable-address", CheckState.FAIL),
        ("dana@box.mailinator.com", "disposable-address", CheckState.FAIL),
        ("dana@gmail.con", "typo", CheckState.WARN),
        ("dana@@harbour.com", "syntax", CheckState.FAIL),
        ("dana@bücher-hafen.com", "mail-server", CheckState.UNKNOWN),
    ],
)
def test_what_the_address_says_by_itself(container: Container, email: str, name: str, state: CheckState) -> None:
    assert lines(container, email)[name] is state


def test_what_the_dns_says_and_for_how_long(container: Container, zones: Zones, clock: FixedClock) -> None:
    zones.put("good.com", "MX", "10 mx.good.com.")
    zones.put("address-only.com", "A", "192.0.2.7")
    zones.put("refuses.com", "MX", "0 .")
    zones.failing.add("away.com")
    assert look(container, "good.com") is MailHost.OK
    assert look(container, "address-only.com") is MailHost.OK
    assert look(container, "refuses.com") is MailHost.NULL_MX
    assert look(container, "gone.com") is MailHost.NONE
    zones.put("itself.com", "MX", "0 localhost.")
    zones.put("itself.com", "A", "192.0.2.7")
    assert look(container, "itself.com") is MailHost.NONE
    assert look(container, "away.com") is MailHost.UNKNOWN
    assert look(container, "xn--bcher-kva.com") is MailHost.NONE
    assert lines(container, "dana@good.com") == {"mail-server": CheckState.OK}
    assert lines(container, "dana@refuses.com") == {"null-mx": CheckState.FAIL}
    assert lines(container, "dana@gone.com") == {"no-mail-server": CheckState.FAIL}
    assert lines(container, "dana@away.com") == {"mail-server": CheckState.UNKNOWN}
    asked = len(zones.asked)
    with container.db.work() as uow:
        address_check.want(uow, "ben@good.com")
    with container.db.read() as look_:
        assert recipients.due(look_.session, look_.now()) == []
        assert len(recipients.due(look_.session, look_.now() + timedelta(hours=1))) == 1
    # The server goes silent: what was known stands until its time is over, then it is unknown and refuses nothing.
    zones.down = True
    assert look(container, "gone.com") is MailHost.UNKNOWN
    assert len(zones.asked) > asked
    assert lines(container, "dana@gone.com") == {"no-mail-server": CheckState.FAIL}
    clock.advance(timedelta(days=1))
    assert lines(container, "dana@gone.com") == {"mail-server": CheckState.UNKNOWN}
    assert lines(container, "dana@good.com") == {"mail-server": CheckState.OK}


def test_an_unfit_address_is_refused_by_name_at_the_enqueue(world: World, container: Container, zones: Zones) -> None:
    assert look(container, "gone.com") is MailHost.NONE
    with pytest.raises(Refused) as refused:
        world.enqueue("gone.com")
    assert refused.value.skips[0].reason == "no-mail-server"
    # A person's answer goes to whoever wrote, and what is unknown is no reason to refuse.
    assert world.enqueue("gone.com.net", OutboundKind.REPLY)
    zones.down = True
    assert look(container, "away.com") is MailHost.UNKNOWN
    world.enqueue("away.com")
    assert world.run().sent == 2


def test_an_address_that_proves_unfit_meanwhile_is_held_at_the_commit(
    world: World, container: Container, zones: Zones, smtp: Sink, clock: FixedClock
) -> None:
    row_id = world.enqueue("late.com")

    class LateGate(Gate):
        def __call__(self, mailbox_id: int) -> Gate:
            look(container, "late.com")
            return self

    with world.db.work() as uow:
        uow.session.get_one(Mailbox, 1).polled_at = None
    assert world.run(LateGate()).sent == 0
    assert smtp.messages == []
    assert world.row(row_id).state is OutboundState.QUEUED
    with world.db.read() as reading:
        why = outbox.why_waiting(reading, outbox.get(reading, row_id), world.settings)
        assert why is not None
        assert (why.reason, "late.com takes no mail" in why.sentence) == ("no-mail-server", True)
    # They mend their DNS; the next look finds it, and the mail leaves by itself.
    zones.put("late.com", "MX", "10 mx.late.com.")
    clock.advance(timedelta(days=1, hours=1))
    assert look(container, "late.com") is MailHost.OK
    assert world.run(Gate()).sent == 1


def test_a_new_contact_has_its_domain_looked_up(world: World, dispatcher: RecordingDispatcher) -> None:
    with world.db.work() as uow:
        prospect = a_prospect(uow, uow.session.get_one(Site, 1), "harbour.com")
        contacts.add(uow, VAULT, prospect.id, "Dana@Harbour.com", actor="ana")
        contacts.add(uow, VAULT, prospect.id, "info@harbour.com", actor="ana")
    with world.db.read() as reading:
        (row,) = reading.session.exec(select(MailDomain)).all()
        assert (row.domain, recipients.due(reading.session, reading.now())) == ("harbour.com", [row.id])
    assert (Job.MAIL_DOMAINS_CHECK, row.id) in dispatcher.rung
