"""A mailbox is switched off, and moved to other servers without a message read twice or missed; on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from app.clock import FixedClock
from app.db.work import Database
from app.domain.delivery import OutboundState
from app.errors import BadInput, Conflict
from app.inbox import watches
from app.inbox.parser import MailParser
from app.mail import accounts, upkeep
from app.mail.credentials import Credentials
from app.mail.providers import Server
from app.models import AuditEvent, Inbound, Mailbox, MailboxDay, MailboxOAuth, Outbound, OutboundKind, Pitch, Security
from app.outbox import service as outbox
from app.outbox.repository import due_mailboxes, take_lease
from app.pitches import leaving, one_conversation
from app.sequences import repository as sequences
from app.sequences.advance import advance
from app.settings import Settings
from tests.slices.test_inbox_sync import ANA, World, a_world, parser, server, world
from tests.support.dovecot import dovecot
from tests.support.letters import letter
from tests.support.pitching import a_desk
from tests.support.world import VAULT, a_contact, a_conversation, a_mailbox, a_prospect, a_site

__all__ = ["MailParser", "a_world", "parser", "server", "world"]


def test_a_mailbox_that_moves_its_clock_has_sent_no_less_today(db: Database, settings: Settings) -> None:
    with db.work() as uow:
        box = a_mailbox(uow)
        uow.session.add(MailboxDay(mailbox_id=box.id, day=date(2026, 6, 1), used=2, cap=2))
        # At 09:00 UTC it is 23:00 of the same day there, and an hour later the next one.
        assert isinstance(db.clock, FixedClock)
        db.clock.advance(timedelta(hours=1))
        uow.session.flush()
        now = accounts.stored(box, Credentials(db, settings, VAULT), password="x")
        later = upkeep.moved(settings, now, smtp=now.smtp, imap=now.imap, time_zone="Pacific/Kiritimati")
        upkeep.move(uow, box.id, later, actor="ana")
    with db.read() as uow:
        kept = uow.session.get_one(MailboxDay, (box.id, date(2026, 6, 2)))
        assert (kept.used, kept.cap) == (2, 2)


def test_a_mailbox_that_is_switched_off_forgets_its_password_and_does_nothing(db: Database, settings: Settings) -> None:
    with db.work() as uow:
        site, box = a_site(uow), a_mailbox(uow)
        prospect = a_prospect(uow, site, "editor.test")
        row = outbox.enqueue(
            uow, VAULT, settings, conversation=a_conversation(uow, prospect, a_contact(uow, prospect), box),
            kind=OutboundKind.PITCH, subject="s", body_text="Hello", body_html=None, approved_by="ana", not_before=uow.now(),
        )  # fmt: skip
        box.poll_due_at = uow.now()
        uow.session.add(
            MailboxOAuth(mailbox_id=box.id, provider="google", refresh_token="sealed", created_at=uow.now())
        )
    with db.work() as uow:
        assert due_mailboxes(uow.session, uow.now()) == [box.id]
        upkeep.switch_off(uow, box.id, actor="ana")
    with db.work() as uow:
        kept = uow.session.get_one(Mailbox, box.id)
        assert (kept.active, kept.secret) == (False, "")
        assert uow.session.execute(select(func.count()).select_from(MailboxOAuth)).scalar_one() == 0
        # What waits in it is looked through for what is over; nothing leaves, and nobody reads.
        assert (due_mailboxes(uow.session, uow.now()), watches.due_mailboxes(uow.session, uow.now())) == ([box.id], [])
        assert take_lease(uow.session, box.id, "w", uow.now(), uow.now()) is None
        why = outbox.why_waiting(uow, uow.session.get_one(Outbound, row.id), settings)
        assert why is not None
        assert why.reason == "mailbox-off"
        with pytest.raises(Conflict, match="password forgotten"):
            accounts.resume(uow, VAULT, box.email)
        told = uow.session.execute(select(AuditEvent).where(col(AuditEvent.verb) == "mailbox.off")).scalar_one()
        assert (told.actor, "secret" in str(told.after)) == ("ana", False)
    with db.work() as uow:
        accounts.resume(uow, VAULT, box.email, password="a new one")
    with db.read() as uow:
        assert due_mailboxes(uow.session, uow.now()) == [box.id]
        assert uow.session.get_one(Outbound, row.id).state is OutboundState.QUEUED


def test_a_mailbox_that_moves_is_read_anew_and_nothing_is_taken_for_new(world: World) -> None:
    letters = [letter(subject=f"m{number}") for number in range(3)]
    for raw in letters:
        world.server.put(ANA, raw)
    world.sync()
    credentials = Credentials(world.db, world.deps.settings, VAULT)
    with dovecot(ANA) as elsewhere:
        # There they lie in another order, under the numbers that others had.
        for raw in [letter(subject="new"), *reversed(letters)]:
            elsewhere.put(ANA, raw)
        with world.db.read() as uow:
            now = accounts.stored(uow.session.get_one(Mailbox, 1), credentials)
        imap = replace(now.imap, port=elsewhere.port)
        wanted = upkeep.moved(world.deps.settings, now, smtp=now.smtp, imap=imap, time_zone="Europe/Berlin")
        with world.db.work() as uow:
            uow.session.get_one(Mailbox, 1).autofiles_sent = True
            upkeep.move(uow, 1, wanted, actor="ana")
        result = world.sync()
        assert (result.current, result.stored) == (True, 1)
        assert sorted(world.subjects()) == ["m0", "m1", "m2", "new"]
        assert world.count(Inbound) == 4
        assert world.folder().resets_in_row == 0
    with world.db.read() as uow:
        kept = uow.session.get_one(Mailbox, 1)
        assert (kept.time_zone, kept.autofiles_sent, kept.imap_port) == ("Europe/Berlin", None, elsewhere.port)
        told = uow.session.execute(select(AuditEvent).where(col(AuditEvent.verb) == "mailbox.moved")).scalar_one()
        assert set(told.after or {}) == {"imap", "time_zone"}


def test_what_makes_no_sense_is_refused(db: Database, settings: Settings) -> None:
    with db.work() as uow:
        box = a_mailbox(uow)
    now = accounts.stored(box, Credentials(db, settings, VAULT))
    strict = settings.model_copy(update={"mail_allow_plaintext": False})
    with pytest.raises(BadInput) as told:
        upkeep.moved(strict, now, smtp=Server("", 0, Security.TLS), imap=now.imap, time_zone="Mars/Base")
    assert {one.field for one in told.value.problems} >= {"smtp_host", "smtp_port", "time_zone"}
    with pytest.raises(Conflict, match="provider's"):
        upkeep.moved(settings, replace(now, bearer=True), smtp=Server("mx.test", 465, Security.TLS), imap=now.imap)


def test_what_has_not_left_comes_back_to_the_queue_and_its_domain_is_free(
    db: Database, settings: Settings, clock: FixedClock
) -> None:
    with a_desk(db, settings, clock) as desk:
        waits, left = [desk.propose(desk.prospect(name)) for name in ("editor.test", "other.test")]
        row, gone = desk.approve(waits), desk.approve(left)
        with db.work() as uow:
            uow.session.get_one(Outbound, gone.id).state = OutboundState.SENT
            a_mailbox(uow, "ben@acme.test")
        with db.work() as uow:
            assert leaving.open_there(uow.session, 1) == leaving.OpenThere(unsent=1, live=1)
            assert leaving.switch_off(uow, 1, withdraw=True, actor="ana")[1] == 1
            assert leaving.open_there(uow.session, 1) == leaving.OpenThere(unsent=0, live=1)
        with db.read() as uow:
            assert uow.session.get_one(Outbound, row.id).state is OutboundState.CANCELLED
            assert uow.session.get_one(Outbound, gone.id).state is OutboundState.SENT
            again = uow.session.get_one(Pitch, waits.id)
        # The same draft, from the mailbox that is left.
        assert desk.approve(again).mailbox_id == 2


def test_what_is_left_in_it_keeps_its_domain_for_a_fortnight_and_says_so(
    db: Database, settings: Settings, clock: FixedClock
) -> None:
    with a_desk(db, settings, clock) as desk:
        row = desk.approve(desk.propose(desk.prospect()))
        with db.work() as uow:
            site = a_site(uow, name="Second", domains=["second.test"])
            prospect = a_prospect(
                uow,
                site,
                "editor.test",
            )
            a_mailbox(uow, "ben@acme.test")
            leaving.switch_off(uow, 1, withdraw=False, actor="ana")
        clock.advance(timedelta(days=13))
        with db.read() as uow:
            held = one_conversation.refusal(uow, settings, prospect, (), same_thread=False)
            assert held is not None
            assert held.reason == "in-conversation"
        clock.advance(timedelta(days=2))
        with db.read() as uow:
            assert due_mailboxes(uow.session, uow.now()) == [1]
        desk.send()
        with db.read() as uow:
            assert uow.session.get_one(Outbound, row.id).state is OutboundState.CANCELLED
            runs = sequences.due(uow.session, uow.now())
        assert runs == [row.sequence_run_id]
        advance(desk, runs[0])
        with db.read() as uow:
            assert one_conversation.refusal(uow, settings, prospect, (), same_thread=False) is None
