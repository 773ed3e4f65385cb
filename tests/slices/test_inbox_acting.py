"""What follows from received mail: matched by proof, acted on once, and a From header proves nothing."""

from __future__ import annotations

import html
import os
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from app.clock import FixedClock
from app.db.vault import Vault
from app.db.work import Database, UnitOfWork
from app.domain.blocking import Blocking
from app.domain.delivery import OutboundState
from app.domain.inbound import InboundMail
from app.domain.pipeline import Stage
from app.domain.reputation import Incident
from app.errors import Conflict
from app.inbox import acting, repository, service
from app.inbox.deps import InboxDeps
from app.inbox.identity import content_key, tokens_in
from app.inbox.parser import MailParser, ParseFault
from app.inbox.processing import process_pending
from app.jobs import Job, RecordingDispatcher
from app.models import (
    BlockingEvent,
    Conversation,
    Folder,
    Inbound,
    InboundState,
    Mailbox,
    MailboxIncident,
    Outbound,
    OutboundAlias,
    OutboundKind,
    Prospect,
    Site,
    StageEvent,
    Suppression,
    Triage,
)
from app.outbox import repository as repository_of_the_outbox
from app.outbox import service as outbox
from app.outbox.delivery import drain
from app.prospects import suppression
from app.settings import Settings
from tests.support.letters import complaint, letter, report
from tests.support.smtp_sink import sink
from tests.support.world import VAULT, a_contact, a_conversation, a_mailbox, a_prospect, a_site


@pytest.fixture(scope="module")
def parser() -> Iterator[MailParser]:
    with MailParser() as shared:
        yield shared


def _no_network(*_: object) -> object:
    raise AssertionError("nothing here may reach a mailbox")


@dataclass
class World:
    db: Database
    deps: InboxDeps
    clock: FixedClock
    dispatcher: RecordingDispatcher
    sent: dict[str, int] = field(default_factory=dict)

    def send(self, domain: str = "editor.test", **values: object) -> Outbound:
        """A pitch that has left."""
        with self.db.work() as uow:
            mailbox, site = uow.session.get_one(Mailbox, 1), uow.session.get_one(Site, 1)
            prospect = a_prospect(uow, site, domain, stage=Stage.PITCHED)
            conversation = a_conversation(uow, prospect, a_contact(uow, prospect), mailbox)
            row = outbox.enqueue(
                uow,
                VAULT,
                self.deps.settings,
                conversation=conversation,
                kind=OutboundKind.PITCH,
                subject="Your checklist",
                body_text=f"Hello Dana,\n\nyour page https://{domain}/blog/checklist names us.\n",
                body_html=None,
                approved_by="ana",
                not_before=self.clock.now(),
            )
            row.state, row.committed_at, row.sent_at = OutboundState.SENT, self.clock.now(), self.clock.now()
            for name, value in values.items():
                setattr(row, name, value)
        return row

    def receive(self, *raws: bytes) -> list[Inbound]:
        """Store as the poller does, then give it its meaning."""
        with self.db.work() as uow:
            repository.ensure_folder(uow.session, 1, "INBOX", "inbox")
        with self.db.work() as uow:
            folder = repository.folders_of(uow.session, 1)[0]
            first = uow.session.execute(select(func.coalesce(func.max(Inbound.id), 0))).scalar_one() + 1000
            rows = [
                {
                    "mailbox_id": 1,
                    "content_key": content_key(raw),
                    "state": InboundState.STORED,
                    "raw": raw,
                    "size": len(raw),
                    "failures": 0,
                    "received_at": uow.now(),
                    "stored_at": uow.now(),
                }
                for raw in raws
            ]
            uids = [first + number for number in range(len(raws))]
            repository.store(uow.session, repository.hold_account(uow.session, 1), rows, folder.id, 0, uids)
        process_pending(self.deps)
        with self.db.read() as uow:
            return [
                uow.session.execute(select(Inbound).where(col(Inbound.content_key) == content_key(raw))).scalar_one()
                for raw in raws
            ]

    def blocks(self, prospect_id: int) -> list[Blocking]:
        with self.db.read() as uow:
            return list(
                uow.session.execute(
                    select(col(BlockingEvent.kind))
                    .where(col(BlockingEvent.prospect_id) == prospect_id, col(BlockingEvent.cleared_at).is_(None))
                    .order_by(col(BlockingEvent.id))
                ).scalars()
            )

    def stage(self, prospect_id: int) -> Stage:
        with self.db.read() as uow:
            return uow.session.get_one(Prospect, prospect_id).stage

    def suppressed(self, address: str) -> bool:
        with self.db.read() as uow:
            return suppression.refusal(uow.session, VAULT, address) is not None


@pytest.fixture
def world(
    db: Database, settings: Settings, clock: FixedClock, dispatcher: RecordingDispatcher, parser: MailParser
) -> World:
    with db.work() as uow:
        a_site(uow)
        a_mailbox(uow, plus_addressing=True)
    return World(db, InboxDeps(db, VAULT, settings, parser, _no_network), clock, dispatcher)  # type: ignore[arg-type]


STRANGER = "Dana <dana.private@mail.test>"


@pytest.mark.parametrize(
    "way",
    ["in-reply-to", "references", "token", "delivered-to", "alias", "quoted link", "quoted id", "other case"],
)
def test_a_reply_that_carries_our_mark_is_a_reply_from_whatever_address(world: World, way: str) -> None:
    out = world.send()
    local, _, domain = "ana@acme.test".partition("@")
    plus = f"{local}+{out.token}@{domain}"
    with world.db.work() as uow:
        uow.session.add(OutboundAlias(message_id="<0102-abc@email.provider.test>", outbound_id=out.id))
    raw = {
        "in-reply-to": letter(sender=STRANGER, in_reply_to=out.message_id),
        "references": letter(sender=STRANGER, references=f"<other@x.test> {out.message_id} <later@y.test>"),
        "token": letter(sender=STRANGER, to=plus),
        "delivered-to": letter(sender=STRANGER, delivered_to=plus),
        "alias": letter(sender=STRANGER, in_reply_to="<0102-abc@email.provider.test>"),
        "quoted link": letter(f"Yes\n\n> no mail? http://ours.test/u/{out.token}\n", sender=STRANGER),
        "quoted id": letter(f"Yes\n\n> Message-ID: {out.message_id}\n", sender=STRANGER),
        "other case": letter(sender=STRANGER, to=plus.upper()),
    }[way]
    [row] = world.receive(raw)
    assert (row.state, row.kind, row.prospect_id) == (InboundState.DONE, "reply", out.prospect_id)
    assert row.conversation_id == out.conversation_id
    assert world.blocks(out.prospect_id) == [Blocking.REPLY]
    # A reply stops the sequence; it moves no stage and suppresses nobody.
    assert world.stage(out.prospect_id) is Stage.PITCHED
    assert not world.suppressed("dana@editor.test")


@pytest.mark.parametrize("host", ["email.amazonses.com", "eu-west-1.amazonses.com", "us-west-2.amazonses.com"])
def test_a_reply_to_the_id_of_amazon_ses_is_one_in_every_region(world: World, host: str) -> None:
    name = "0102018f3a5c7e91-1f2e3d4c-5b6a-4789-8abc-0123456789ab-000000"
    with sink() as smtp:
        smtp.answers["DOT-TAKEN"] = f"250 Ok {name}"
        with world.db.work() as uow:
            mailbox = uow.session.get_one(Mailbox, 1)
            mailbox.smtp_port, mailbox.polled_at = smtp.port, uow.now()
        out = world.send(state=OutboundState.QUEUED, committed_at=None, sent_at=None)
        assert drain(world.db, world.deps.settings, VAULT, lambda _: service.GateResult(True, "", 0), 1).sent == 1
    # From another address, and without our quoted text: nothing but that id tells whose it is.
    [row, other] = world.receive(
        letter("Yes, gladly.", sender=STRANGER, in_reply_to=f"<{name}@{host}>"),
        letter("Who are you?", sender=STRANGER, in_reply_to=f"<{name}@{host}.attacker.test>"),
    )
    assert (row.kind, row.prospect_id, row.match_kind) == ("reply", out.prospect_id, "in-reply-to")
    assert world.blocks(out.prospect_id) == [Blocking.REPLY]
    assert other.prospect_id is None


@pytest.mark.parametrize(
    ("sender", "subject", "kind"),
    [
        ("Dana <dana@editor.test>", "Re: Your checklist", "sender+subject"),
        ("Dana <DANA@EDITOR.TEST>", "something else", "sender"),
        ("Chief <chief@mail.editor.test>", "AW: Your checklist", "sender-domain+subject"),
    ],
)
def test_a_from_header_alone_only_pauses(world: World, sender: str, subject: str, kind: str) -> None:
    out = world.send()
    [row] = world.receive(letter(sender=sender, subject=subject))
    assert row.match_kind == kind
    assert world.blocks(out.prospect_id) == [Blocking.POSSIBLE_REPLY]


@pytest.mark.parametrize(
    "way", ["base64 text", "base64 html", "safe link", "proofpoint 2", "proofpoint 3", "escaped id", "quoted-printable"]
)
def test_our_mark_is_found_in_whatever_encoding_it_is_quoted(world: World, way: str) -> None:
    out = world.send()
    link, rest = f"https://ours.test/u/{out.token}", "x" * 40
    text, kind = {
        "base64 text": (f"Yes\n\n> no mail? {link}\n", "plain"),
        "base64 html": (f'<p>Yes</p><blockquote><a href="{link}">no mail?</a></blockquote>', "html"),
        "safe link": (
            f'<p>Yes</p><a href="https://eur02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fours.test%2Fu%2F{out.token}&amp;data=05">no</a>',
            "html",
        ),
        "proofpoint 2": (
            f'<p>Yes</p><a href="https://urldefense.proofpoint.com/v2/url?u=https-3A__ours.test_u_{out.token}&amp;d=DwMF">no</a>',
            "html",
        ),
        "proofpoint 3": (f"Yes\n\n> https://urldefense.com/v3/__{link}__;!!{rest}\n", "plain"),
        "escaped id": (f"<p>Yes</p><p>Message-ID: {html.escape(out.message_id)}</p>", "html"),
        "quoted-printable": (f"<p>Yes</p><p>{html.escape(out.message_id)} \u00fc</p>", "html"),
    }[way]
    made = EmailMessage()
    made["From"], made["To"], made["Subject"], made["Message-ID"] = (
        STRANGER,
        "ana@acme.test",
        "hello",
        f"<{way.replace(' ', '')}@x.test>",
    )
    made.set_content(text, subtype=kind, cte="quoted-printable" if way == "quoted-printable" else "base64")
    [row] = world.receive(made.as_bytes())
    assert row.prospect_id == out.prospect_id
    assert world.blocks(out.prospect_id) == [Blocking.REPLY]


def test_a_forged_opt_out_suppresses_only_its_own_address(world: World) -> None:
    out = world.send()
    world.receive(letter("unsubscribe me", sender="x <chief@editor.test>"))
    assert world.blocks(out.prospect_id) == [Blocking.POSSIBLE_REPLY]
    assert world.suppressed("chief@editor.test")
    assert not world.suppressed("dana@editor.test")
    assert world.stage(out.prospect_id) is Stage.PITCHED
    [row] = world.receive(letter("please unsubscribe me", sender="who@nowhere.test"))
    assert (row.prospect_id, row.kind) == (None, "opt-out")
    assert world.suppressed("who@nowhere.test")


def test_an_address_in_another_script_is_suppressed_as_it_is_written(world: World) -> None:
    world.send()
    [row] = world.receive(letter("please unsubscribe me", sender="Jürgen <jürgen@bücher.example>"))
    assert (row.state, row.from_address) == (InboundState.DONE, "jürgen@xn--bcher-kva.example")
    assert world.suppressed("jürgen@bücher.example")
    assert not world.suppressed("rgen@bücher.example")


def test_the_name_in_a_from_header_is_nobody(world: World) -> None:
    out = world.send()
    [row] = world.receive(letter(sender="dana@editor.test <attacker@evil.test>", subject="hi"))
    assert row.from_address == "attacker@evil.test"
    assert row.prospect_id is None
    assert world.blocks(out.prospect_id) == []


def test_made_up_marks_match_nothing(world: World) -> None:
    out = world.send()
    fake = out.message_id.replace(out.token, "a" * 24)
    rows = world.receive(
        letter(sender="a@far.test", in_reply_to=fake),
        letter(sender="a@far.test", to=f"ana+{'b' * 24}@acme.test"),
        letter(sender="a@far.test", in_reply_to="<' OR 1=1 --@x>", references="<" * 500),
    )
    assert [row.prospect_id for row in rows] == [None, None, None]
    assert world.blocks(out.prospect_id) == []


def test_an_opt_out_in_the_thread_is_final(world: World) -> None:
    out = world.send()
    [row] = world.receive(letter("Please remove me from your list.", sender=STRANGER, in_reply_to=out.message_id))
    assert row.kind == "opt-out"
    assert world.suppressed("dana@editor.test")
    assert world.suppressed("dana.private@mail.test")
    assert Blocking.UNSUBSCRIBE in world.blocks(out.prospect_id)
    assert world.stage(out.prospect_id) is Stage.LOST
    with world.db.read() as uow:
        assert uow.session.get_one(Conversation, out.conversation_id).state == "closed"


def test_a_hard_bounce_ends_and_suppresses(world: World) -> None:
    out = world.send()
    [row] = world.receive(report("dana@editor.test", returned=f"Message-ID: {out.message_id}\r\nTo: dana@editor.test"))
    assert row.match_kind == "returned-message"
    assert row.bounce is not None
    assert row.bounce["permanent"] is True
    assert world.suppressed("dana@editor.test")
    assert world.stage(out.prospect_id) is Stage.LOST
    assert Blocking.HARD_BOUNCE in world.blocks(out.prospect_id)


def test_a_bounce_without_our_mark_is_matched_by_its_recipient(world: World) -> None:
    out = world.send()
    [row] = world.receive(report("dana@editor.test"))
    assert (row.match_kind, row.outbound_id) == ("reported-address", out.id)
    world.clock.advance(timedelta(days=11))
    [late] = world.receive(report("dana@editor.test"))
    assert late.outbound_id is None


def test_a_full_mailbox_is_soft_until_the_third_time(world: World) -> None:
    outs = [world.send(f"site{number}.test", to_address="dana@editor.test") for number in range(3)]
    for number, out in enumerate(outs):
        full = report(
            "dana@editor.test",
            status="5.2.2",
            diagnostic="552 5.2.2 mailbox full",
            returned=f"Message-ID: {out.message_id}",
        )
        world.receive(full)
        assert world.suppressed("dana@editor.test") is (number == 2)
    assert [world.stage(out.prospect_id) for out in outs] == [Stage.PITCHED, Stage.PITCHED, Stage.LOST]


def test_refusals_of_us_do_not_make_a_full_mailbox_a_bad_address(world: World) -> None:
    outs = [world.send(f"site{number}.test", to_address="dana@editor.test") for number in range(3)]
    said = (("5.7.1", "554 5.7.1 blocked"), ("5.7.1", "554 5.7.1 blocked"), ("5.2.2", "552 5.2.2 mailbox full"))
    for out, (status, diagnostic) in zip(outs, said, strict=True):
        world.receive(
            report("dana@editor.test", status=status, diagnostic=diagnostic, returned=f"Message-ID: {out.message_id}")
        )
    assert not world.suppressed("dana@editor.test")
    assert [world.stage(out.prospect_id) for out in outs] == [Stage.PITCHED] * 3


def test_one_refusal_by_policy_blames_neither_the_address_nor_the_mailbox(world: World) -> None:
    out = world.send()
    world.receive(
        report(
            "dana@editor.test", status="5.7.1", diagnostic="554 5.7.1 blocked", returned=f"Message-ID: {out.message_id}"
        )
    )
    assert not world.suppressed("dana@editor.test")
    assert world.blocks(out.prospect_id) == []
    with world.db.read() as uow:
        assert uow.session.get_one(Mailbox, 1).paused_reason is None


def test_a_policy_refusal_rests_a_mailbox_whose_old_rest_has_run_out(world: World) -> None:
    outs = [world.send(name) for name in ("editor.test", "other.test")]
    with world.db.work() as uow:
        box = uow.session.get_one(Mailbox, 1)
        box.paused_reason, box.paused_until = "connect: timed out", uow.now()
    for out in outs:
        world.receive(
            report(
                out.to_address, status="5.7.1", diagnostic="554 5.7.1 blocked", returned=f"Message-ID: {out.message_id}"
            )
        )
    with world.db.read() as uow:
        mailbox = uow.session.get_one(Mailbox, 1)
        assert "servers of 2 recipients refuse our mail by policy" in (mailbox.paused_reason or "")
        assert mailbox.paused_until == world.clock.now() + timedelta(hours=1)


def test_a_delay_is_only_noted(world: World) -> None:
    out = world.send()
    late = report(
        "dana@editor.test",
        status="4.4.1",
        diagnostic="timed out",
        action="delayed",
        returned=f"Message-ID: {out.message_id}",
    )
    [row] = world.receive(late)
    assert row.kind == "bounce"
    assert world.blocks(out.prospect_id) == []
    assert not world.suppressed("dana@editor.test")


def test_a_complaint_is_final(world: World) -> None:
    out = world.send()
    world.receive(complaint("dana@editor.test", f"Message-ID: {out.message_id}\r\nTo: dana@editor.test"))
    assert Blocking.COMPLAINT in world.blocks(out.prospect_id)
    assert world.suppressed("dana@editor.test")
    assert world.stage(out.prospect_id) is Stage.LOST


@pytest.mark.parametrize("mailbox", [1, 2])
def test_a_complaint_without_our_mark_suppresses_whom_we_wrote_to(world: World, mailbox: int) -> None:
    if mailbox == 2:
        with world.db.work() as uow:
            a_mailbox(uow, email="ben@acme.test")
    out = world.send(mailbox_id=mailbox)
    world.clock.advance(timedelta(days=11))
    [row, unknown] = world.receive(complaint("Dana@editor.test", "To: x"), complaint("who@nowhere.test", "To: x"))
    assert (row.kind, row.prospect_id) == ("complaint", None)
    assert world.suppressed("dana@editor.test")
    assert not world.suppressed("who@nowhere.test")
    with world.db.read() as uow:
        counted = uow.session.execute(select(MailboxIncident)).scalars().all()
        assert [(entry.mailbox_id, entry.outbound_id, entry.kind) for entry in counted] == [
            (mailbox, out.id, Incident.COMPLAINT)
        ]
    # Anybody can write a report: it loses nobody.
    assert world.stage(out.prospect_id) is Stage.PITCHED
    assert unknown.kind == "complaint"


@pytest.mark.parametrize("address", ["dana@gmail.com", "Dana@editor.test", "chief@editor.test"])
def test_a_new_mail_to_another_mailbox_of_ours_pauses_what_may_be_theirs(world: World, address: str) -> None:
    to = address if address.endswith("gmail.com") else "dana@editor.test"
    with world.db.work() as uow:
        second = a_mailbox(uow, email="ben@acme.test")
        prospect = a_prospect(uow, uow.session.get_one(Site, 1), "editor.test", stage=Stage.PITCHED)
        conversation = a_conversation(uow, prospect, a_contact(uow, prospect, to), second)
        outbox.enqueue(
            uow, VAULT, world.deps.settings, conversation=conversation, kind=OutboundKind.PITCH, subject="Your checklist",
            body_text="Hello Dana,\n\nyour page https://editor.test/blog/checklist names us.\n", body_html=None,
            approved_by="ana", not_before=world.clock.now(),
        ).state = OutboundState.SENT  # fmt: skip
    [row, other] = world.receive(
        letter(sender=address, subject="a new mail"), letter(sender="li@gmail.com", subject="somebody else")
    )
    assert (row.mailbox_id, row.prospect_id, row.kind) == (1, None, "reply")
    assert world.blocks(prospect.id) == [Blocking.POSSIBLE_REPLY]
    assert not world.suppressed(to)
    # It lies with the unmatched mail, and starts no clock.
    with world.db.read() as uow:
        assert uow.session.get(Triage, row.id) is None
    assert (other.prospect_id, other.state) == (None, InboundState.DONE)
    with world.db.work() as uow:
        service.dismiss(uow, other.id, actor="ana")
    assert world.blocks(prospect.id) == [Blocking.POSSIBLE_REPLY]
    with world.db.work() as uow:
        service.dismiss(uow, row.id, actor="ana")
    assert world.blocks(prospect.id) == []


def a_follow_up(world: World) -> tuple[Outbound, Outbound]:
    """A pitch that has left, and the follow-up that waits in the outbox."""
    out = world.send()
    with world.db.work() as uow:
        follow = outbox.enqueue(
            uow,
            VAULT,
            world.deps.settings,
            conversation=uow.session.get_one(Conversation, out.conversation_id),
            kind=OutboundKind.FOLLOW_UP,
            subject="Re: Your checklist",
            body_text="Hello Dana,\n\na second look at https://editor.test/blog/checklist?\n",
            body_html=None,
            approved_by="system",
            not_before=world.clock.now(),
            step_no=1,
        )
    return out, follow


@pytest.mark.parametrize(
    ("back", "waits_until"),
    [
        ("8 June 2026", date(2026, 6, 9)),
        # A Friday: neither the Saturday after it nor the Sunday is a day to write on, whatever the window.
        ("5 June 2026", date(2026, 6, 8)),
        # A parental leave is believed as a week is.
        ("15 September 2026", date(2026, 9, 16)),
        ("1 March 2027", date(2027, 3, 2)),
    ],
)
def test_an_absence_stops_nothing_and_shifts_what_waits(world: World, back: str, waits_until: date) -> None:
    out, follow = a_follow_up(world)
    away = letter(
        f"I am out of the office until {back}.",
        subject="Automatic reply: Your checklist",
        in_reply_to=out.message_id,
        auto_submitted="auto-replied",
    )
    [row] = world.receive(away)
    assert row.kind == "auto-reply"
    assert world.blocks(out.prospect_id) == []
    with world.db.read() as uow:
        waits = uow.session.get_one(Outbound, follow.id)
        assert waits.not_before.date() == waits_until
        assert waits.wanted_at == waits.not_before
        assert waits.expires_at > waits.not_before


@pytest.mark.parametrize("current", [True, False])
def test_an_absence_that_the_gate_finds_holds_the_follow_up(world: World, current: bool) -> None:
    out, waits = a_follow_up(world)
    away = letter(
        "I am out of the office until 8 June 2026.",
        subject="Automatic reply: Your checklist",
        in_reply_to=out.message_id,
        auto_submitted="auto-replied",
    )

    began = world.clock.at

    def gate(_mailbox_id: int) -> service.GateResult:
        world.receive(away)
        return service.GateResult(current or world.clock.at > began, "too slow", 0)

    with sink() as smtp:
        with world.db.work() as uow:
            uow.session.execute(update(Mailbox).values(smtp_port=smtp.port))
        assert drain(world.db, world.deps.settings, VAULT, gate, 1).sent == 0
        with world.db.read() as uow:
            waits = uow.session.get_one(Outbound, waits.id)
            assert (waits.state, waits.not_before.date()) == (OutboundState.QUEUED, date(2026, 6, 9))
            told = outbox.why_waiting(uow, waits, world.deps.settings)
            assert told is not None
            assert (told.sentence, told.until) == (
                "an automatic answer says that they are away",
                waits.not_before.isoformat(),
            )
        assert drain(world.db, world.deps.settings, VAULT, gate, 1).tried == 0
        assert smtp.messages == []
        world.clock.at = waits.not_before
        assert drain(world.db, world.deps.settings, VAULT, gate, 1).sent == 1


def test_a_server_that_puts_off_what_an_absence_has_moved_does_not_let_it_expire_before(world: World) -> None:
    out, waits = a_follow_up(world)
    with world.db.work() as uow:
        row = uow.session.get_one(Outbound, waits.id)
        row.state, row.fence = OutboundState.CLAIMED, 7
    world.receive(
        letter("I am out of the office until 26 June 2026.", in_reply_to=out.message_id, auto_submitted="auto-replied")
    )
    with world.db.work() as uow:
        moved = uow.session.get_one(Outbound, waits.id)
        until, good_for = moved.not_before, moved.expires_at
        assert repository_of_the_outbox.settle(
            uow.session,
            waits.id,
            7,
            OutboundState.CLAIMED,
            state=OutboundState.QUEUED,
            not_before=world.clock.now() + timedelta(minutes=20),
            expires_at=world.clock.now() + timedelta(hours=48),
            hold_reason="451 come back later",
        )
    with world.db.read() as uow:
        row = uow.session.get_one(Outbound, waits.id)
        assert (row.not_before, row.expires_at) == (until, good_for)
        assert row.expires_at > row.not_before


def test_a_help_desk_gets_time_and_a_person_sees_its_ticket(world: World) -> None:
    out, follow = a_follow_up(world)
    [row] = world.receive(
        letter(
            "We have received your request and will get back to you.",
            subject="[#4432] Your checklist",
            in_reply_to=out.message_id,
            auto_submitted="auto-generated",
        )
    )
    assert (row.kind, row.rule) == ("auto-reply", "ticket-acknowledgement")
    assert world.blocks(out.prospect_id) == []
    with world.db.read() as uow:
        waits = uow.session.get_one(Outbound, follow.id)
        assert waits.not_before == world.clock.now() + timedelta(days=7)
        assert "help desk" in (waits.hold_reason or "")
        assert "away" not in (waits.hold_reason or "")
        assert uow.session.get_one(Triage, row.id).waits


def test_a_read_receipt_is_no_absence(world: World) -> None:
    out, follow = a_follow_up(world)
    raw = (
        "From: Dana <dana@editor.test>\r\nTo: ana@acme.test\r\nSubject: Read: Your checklist\r\nMessage-ID: <r@editor.test>\r\n"
        f"In-Reply-To: {out.message_id}\r\nDate: Mon, 01 Jun 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nYour message was read.\r\n\r\n--b\r\n"
        "Content-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822;dana@editor.test\r\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--b--\r\n"
    )
    [row] = world.receive(raw.encode())
    assert row.rule == "auto-reply:read-receipt"
    with world.db.read() as uow:
        waits = uow.session.get_one(Outbound, follow.id)
        assert (waits.not_before, waits.hold_reason) == (follow.not_before, None)
        assert not uow.session.get_one(Triage, row.id).waits


@pytest.mark.parametrize(
    "text", ["I no longer work here, write to Tom.", "Please verify your message: click the link."]
)
def test_who_has_left_and_who_wants_us_to_prove_ourselves_is_shown_to_a_person(world: World, text: str) -> None:
    out, follow = a_follow_up(world)
    [row] = world.receive(letter(text, in_reply_to=out.message_id, auto_submitted="auto-replied"))
    assert row.kind == "auto-reply"
    # The follow-up would go to nobody; it waits until somebody has decided.
    assert world.blocks(out.prospect_id) == [Blocking.POSSIBLE_REPLY]
    with world.db.read() as uow:
        assert uow.session.get_one(Outbound, follow.id).hold_reason is None
        assert uow.session.get_one(Triage, row.id).waits


def test_an_answer_under_our_own_subject_is_no_absence(world: World) -> None:
    out = world.send(subject="Out of office templates")
    [answer, away] = world.receive(
        letter(
            "Nice, we use it.",
            subject="Re: Out of office templates",
            in_reply_to=out.message_id,
            x_auto_response_suppress="DR, OOF",
        ),
        letter("I am away.", subject="Out of office: Re: Out of office templates", in_reply_to=out.message_id),
    )
    assert (answer.kind, away.kind) == ("reply", "auto-reply")
    assert world.blocks(out.prospect_id) == [Blocking.REPLY]


def test_a_group_of_theirs_that_answers_pauses(world: World) -> None:
    out, other = world.send(), world.send("other.test")
    group = {"list_id": "<editors.test>", "list_post": "<mailto:e@editor.test>"}
    [own, subject, news] = world.receive(
        letter("We added it", subject="Link", **group),
        letter("We added it", sender="x@other.test", subject="Your checklist", **group),
        letter("Hello all", sender="list@nobody.test", subject="Hi", **group),
    )
    assert [row.kind for row in (own, subject, news)] == ["reply", "reply", "other"]
    assert world.blocks(out.prospect_id) == world.blocks(other.prospect_id) == [Blocking.POSSIBLE_REPLY]


def test_what_only_reads_like_a_report_from_their_domain_pauses(world: World) -> None:
    out, other = world.send(), world.send("other.test")
    house = letter(
        "Sorry for the mail failure. Yes, we'd like the link.",
        sender="Post <postmaster@editor.test>",
        subject="mail failure",
    )
    [row] = world.receive(house)
    assert (row.kind, row.prospect_id) == ("bounce", None)
    assert world.blocks(out.prospect_id) == [Blocking.POSSIBLE_REPLY]
    assert world.blocks(other.prospect_id) == []


def test_a_note_of_an_absence_with_a_null_path_condemns_no_address(world: World) -> None:
    out, follow = a_follow_up(world)
    [row] = world.receive(
        letter(
            "I am out of the office until Friday, 5 June 2026.\n\nDana Ruiz\nPhone: (212) 555-0142\nE-mail: dana@editor.test\n\n"
            "From: Ana\nTo: Dana\n\nHello Dana,\nyour page names https://old.test/ and that does not exist any more.",
            subject="Automatic reply: Your checklist",
            in_reply_to=out.message_id,
            auto_submitted="auto-replied",
            return_path="<>",
        )
    )
    assert (row.kind, str(row.returns_on)) == ("auto-reply", "2026-06-05")
    assert not world.suppressed(out.to_address)
    with world.db.read() as uow:
        assert uow.session.get_one(Outbound, follow.id).not_before > follow.not_before


def test_our_own_copies_are_never_replies(world: World) -> None:
    out = world.send()
    [copy] = world.receive(out.raw)
    assert (copy.kind, copy.rule, copy.prospect_id) == ("other", "own-copy", None)
    [to_self] = world.receive(letter("see below", sender="Ana <ANA@acme.test>", in_reply_to=out.message_id))
    assert to_self.rule == "own-copy"
    assert world.blocks(out.prospect_id) == []


def test_newsletters_of_a_prospect_pause_nothing(world: World) -> None:
    out = world.send()
    [row] = world.receive(
        letter(
            "This month ...", subject="News", list_id="<news.editor.test>", list_unsubscribe="<https://editor.test/u>"
        )
    )
    assert row.kind == "other"
    assert world.blocks(out.prospect_id) == []


def test_doing_everything_twice_changes_nothing(world: World) -> None:
    out = world.send()
    raw = letter(in_reply_to=out.message_id)
    world.receive(raw)
    for state in (InboundState.STORED, InboundState.PARSED, InboundState.MATCHED):
        with world.db.work() as uow:
            uow.session.execute(select(Inbound)).scalar_one().state = state
        [row] = world.receive(raw)
        assert row.state is InboundState.DONE
    assert world.blocks(out.prospect_id) == [Blocking.REPLY]


def test_workers_at_the_same_time_act_once(world: World) -> None:
    out = world.send()
    raws = [letter(in_reply_to=out.message_id) for _ in range(12)]
    world.receive(*raws)
    with world.db.work() as uow:
        before = uow.session.execute(select(func.count(StageEvent.id))).scalar_one()
        uow.session.execute(update(Inbound).values(state=InboundState.MATCHED))
    threads = [threading.Thread(target=process_pending, args=(world.deps,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with world.db.read() as uow:
        notes = uow.session.execute(select(func.count(StageEvent.id))).scalar_one() - before
    assert notes == len(raws)
    assert world.blocks(out.prospect_id) == [Blocking.REPLY] * len(raws)


def test_an_unsure_send_is_looked_up_when_its_answer_comes(world: World) -> None:
    out = world.send(state=OutboundState.AMBIGUOUS)
    world.receive(letter(in_reply_to=out.message_id))
    assert (Job.OUTBOX_RECONCILE, 1) in world.dispatcher.rung


class _Poisoned:
    """A parser that dies on every message with the word poison in it."""

    def __init__(self, inner: MailParser, *, died: bool) -> None:
        self._inner, self._died = inner, died
        self.tries = 0

    def parse(self, raw: bytes) -> object:
        if b"poison" in raw:
            self.tries += 1
            raise ParseFault("crash" if self._died else "error", "planted", died=self._died)
        return self._inner.parse(raw)


@pytest.mark.parametrize(("died", "tries"), [(True, 1), (False, 3)])
def test_poison_is_put_aside_and_what_it_names_is_paused(world: World, died: bool, tries: int) -> None:
    out = world.send()
    planted = _Poisoned(world.deps.parser, died=died)
    world.deps = InboxDeps(world.db, VAULT, world.deps.settings, planted, _no_network)  # type: ignore[arg-type]
    poison, good = letter("poison", in_reply_to=out.message_id), letter(sender="a@far.test")
    rows = world.receive(poison, good)
    assert [row.state for row in rows] == [InboundState.QUARANTINED, InboundState.DONE]
    assert planted.tries == tries
    assert world.blocks(out.prospect_id) == [Blocking.POSSIBLE_REPLY]
    path = Path(rows[0].raw_path or "")
    assert path.read_bytes() == poison
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    # A better parser: "try again".
    world.deps = InboxDeps(world.db, VAULT, world.deps.settings, planted._inner, _no_network)  # type: ignore[arg-type]
    with world.db.work() as uow:
        service.try_again(uow, rows[0].id, actor="ana")
    [again] = world.receive(poison)
    assert (again.state, again.kind) == (InboundState.DONE, "reply")
    assert not path.exists()
    assert world.blocks(out.prospect_id) == [Blocking.POSSIBLE_REPLY, Blocking.REPLY]


def test_what_cannot_be_acted_on_holds_up_nothing_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = world.send("editor.test"), world.send("other.test")
    real = acting.act

    def act(uow: UnitOfWork, vault: Vault, settings: Settings, row: Inbound) -> None:
        if row.prospect_id == first.prospect_id:
            raise Conflict("planted")
        real(uow, vault, settings, row)

    monkeypatch.setattr(acting, "act", act)
    rows = world.receive(
        letter(in_reply_to=first.message_id), letter(sender="dana@other.test", in_reply_to=second.message_id)
    )
    assert [row.state for row in rows] == [InboundState.QUARANTINED, InboundState.DONE]
    assert world.blocks(first.prospect_id) == [Blocking.POSSIBLE_REPLY]
    assert world.blocks(second.prospect_id) == [Blocking.REPLY]
    monkeypatch.undo()
    with world.db.work() as uow:
        service.try_again(uow, rows[0].id, actor="ana")
    process_pending(world.deps)
    assert world.blocks(first.prospect_id) == [Blocking.POSSIBLE_REPLY, Blocking.REPLY]


def test_staff_say_what_a_possible_reply_is(world: World) -> None:
    first, second = world.send("editor.test"), world.send("other.test")
    [one, two] = world.receive(letter(subject="hi"), letter(sender="dana@other.test", subject="hi"))
    with world.db.work() as uow:
        service.dismiss(uow, one.id, actor="ana")
        service.is_reply(uow, two.id, actor="ana")
    assert world.blocks(first.prospect_id) == []
    assert world.blocks(second.prospect_id) == [Blocking.POSSIBLE_REPLY, Blocking.REPLY]
    with world.db.work() as uow, pytest.raises(Conflict):
        service.try_again(uow, one.id, actor="ana")
    with world.db.work() as uow:
        assert service.mark_handled(uow, two.id, actor="ana").handled_by == "ana"


def test_a_content_has_one_name_wherever_it_lies() -> None:
    raw = letter("hello", message_id="<a@b.test>")
    assert content_key(raw) == content_key(raw.replace(b"\r\n", b"\n"))
    assert content_key(raw) == content_key(b"Delivered-To: x@y.test\r\n" + raw)
    assert content_key(raw) != content_key(raw.replace(b"hello", b"hullo"))
    assert content_key(raw) != content_key(raw.replace(b"<a@b", b"<c@b"))
    assert tokens_in(b"x" * 100 + b"http://h.test/u/=\r\nabcdefghijklmnopqrstuv23 ") == (
        [],
        ["abcdefghijklmnopqrstuv23"],
    )


def test_the_database_refuses_a_second_row_for_one_content(world: World) -> None:
    raw = letter()
    world.receive(raw)
    world.receive(raw)
    with world.db.read() as uow:
        assert uow.session.execute(select(func.count(Inbound.id))).scalar_one() == 1
        assert uow.session.execute(select(func.count(Folder.id))).scalar_one() == 1
        assert uow.session.execute(select(func.count(Suppression.id))).scalar_one() == 0
    assert InboundMail({}).header("from") == ""


def test_bytes_of_handled_mail_are_kept_as_long_as_the_setting_says(world: World) -> None:
    (row,) = world.receive(letter("Just a word."))
    process_pending(world.deps)
    cut = world.db.clock.now() + timedelta(days=1)
    with world.db.work() as uow:
        assert repository.forget_raw(uow.session, 1, world.db.clock.now()) == 0
        assert service.get(uow, row.id).raw is not None
    with world.db.work() as uow:
        assert repository.forget_raw(uow.session, 2, cut) == 0
        assert repository.forget_raw(uow.session, 1, cut) == 1
    with world.db.read() as look:
        kept = service.get(look, row.id)
        assert (kept.raw, kept.state, kept.text) == (None, InboundState.DONE, "Just a word.")


def test_who_has_answered_is_not_lost_by_a_report(world: World) -> None:
    out = world.send()
    world.receive(letter("Yes, gladly. Which paragraph?", in_reply_to=out.message_id))
    # Their server forwards to an address that is gone.
    world.receive(report("dana.old@mail.test", returned=f"Message-ID: {out.message_id}"))
    assert (world.stage(out.prospect_id), world.suppressed("dana@editor.test")) == (Stage.PITCHED, False)
    # The answer that a person wrote to the address that she had written from comes back.
    with world.db.work() as uow:
        answer = outbox.enqueue(
            uow,
            VAULT,
            world.deps.settings,
            conversation=uow.session.get_one(Conversation, out.conversation_id),
            kind=OutboundKind.REPLY,
            subject="Re: Your checklist",
            body_text="The second.\n",
            body_html=None,
            approved_by="ana",
            not_before=world.clock.now(),
            to_address="dana.private@mail.test",
        )
        answer.state, answer.committed_at, answer.sent_at = OutboundState.SENT, world.clock.now(), world.clock.now()
    world.receive(report("dana.private@mail.test", returned=f"Message-ID: {answer.message_id}"))
    assert (world.stage(out.prospect_id), world.suppressed("dana.private@mail.test")) == (Stage.PITCHED, True)
    assert Blocking.HARD_BOUNCE not in world.blocks(out.prospect_id)


def test_who_has_not_answered_is_lost_by_a_report_that_names_another_address(world: World) -> None:
    out = world.send()
    world.receive(report("dana.old@mail.test", returned=f"Message-ID: {out.message_id}"))
    assert (world.stage(out.prospect_id), world.suppressed("dana@editor.test")) == (Stage.LOST, True)
