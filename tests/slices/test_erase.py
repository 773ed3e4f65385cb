"""A person who is erased is nowhere: every table, raw mail, files, logs; and is still not written to."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary, func, inspect, select, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import SQLModel, col

from app.db.work import Database, UnitOfWork
from app.domain.delivery import OutboundState
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
from app.errors import BadInput, Refused
from app.log import configure, get_logger
from app.models import (
    Answering,
    AuditEvent,
    Digest,
    Erasure,
    IdempotencyKey,
    Inbound,
    InboundState,
    MentionCheck,
    Outbound,
    OutboundKind,
    Pitch,
    Role,
    SendAttempt,
    Suppression,
    SuppressionKind,
    User,
)
from app.outbox import service
from app.people import rules
from app.people.erase import erase
from app.prospects import contacts, suppression
from app.prospects import service as prospects
from app.settings import Settings
from app.team import users
from tests.support.soak import part
from tests.support.world import VAULT, a_contact, a_conversation, a_mailbox, a_prospect, a_site


def address(number: int) -> str:
    return f"canary.{number}x@editor{number}.test"


def name(number: int) -> str:
    return f"Čanary Zebra{number}x"


def seed(db: Database, settings: Settings, count: int) -> None:
    quarantine = settings.data_dir / "quarantine"
    quarantine.mkdir(parents=True, exist_ok=True)
    with db.work() as uow:
        site, mailbox = a_site(uow), a_mailbox(uow)
        staff = users.create(uow, email="lea@acme.test", name="Lea", role=Role.LEAD, password="a long password")
        for number in range(count):
            _one(uow, settings, site, mailbox, number, quarantine)
            text = f"Subject: What changed\r\n\r\n{name(number)} <{address(number)}> waits for an answer\r\n".encode()
            uow.session.add(
                Digest(
                    user_id=staff.id, period=f"day-{number}", recipient=staff.email, raw=text, since=uow.now(),
                    until=uow.now(), due_at=uow.now(), created_at=uow.now(),
                )
            )  # fmt: skip


def _one(uow: UnitOfWork, settings: Settings, site, mailbox, number: int, quarantine: Path) -> None:
    who, called, now = address(number), name(number), uow.now()
    prospect = a_prospect(uow, site, f"editor{number}.test", stage=Stage.CHECKED_MENTION)
    contact = a_contact(
        uow, prospect, who.title() if number % 2 else who, name=called, source_url=f"https://x.test/{who}"
    )
    thread = a_conversation(uow, prospect, contact, mailbox, subject=f"A question for {called}")
    staff = uow.session.execute(select(col(User.id)).limit(1)).scalar_one()
    uow.session.add(Answering(conversation_id=thread.id, user_id=staff, body_text=f"Dear {called}, {who}", kept_at=now))
    row = service.enqueue(
        uow,
        VAULT,
        settings,
        conversation=thread,
        kind=OutboundKind.PITCH,
        subject=f"For {called.encode('ascii', 'ignore').decode()}",
        body_text=f"Hello {called},\n\nyour page names us.\n",
        body_html=None,
        approved_by="ana",
        not_before=now,
    )
    uow.session.add(
        Pitch(
            prospect_id=prospect.id,
            angle="a",
            why="w",
            contact_id=contact.id,
            subject=called,
            body_text=who,
            body_html=who,
            template_version="1",
            variables={"values": {"first_name": called}},
            created_at=now,
            updated_at=now,
        )
    )
    uow.session.add(
        SendAttempt(
            outbound_id=row.id,
            attempt_no=1,
            fence=1,
            stage="rcpt",
            outcome="deferred",
            text=f"450 <{who}> later",
            at=now,
        )
    )
    raw = f"From: {called} <{who}>\r\nCc: other@x.test\r\n\r\nI am {called}, {who}\r\n".encode()
    uow.session.add(
        Inbound(
            mailbox_id=mailbox.id,
            content_key=f"a{number}",
            state=InboundState.DONE,
            raw=raw,
            size=1,
            from_address=who,
            from_name=called,
            subject=f"Re: {called}",
            text=f"{called} {who}",
            parsed={"to": [who], "full_text": called},
            conversation_id=thread.id,
            prospect_id=prospect.id,
            outbound_id=row.id,
            stored_at=now,
        )
    )
    # A bounce, a colleague who has them in copy and quotes them, and one that broke the parser.
    uow.session.add(
        Inbound(
            mailbox_id=mailbox.id,
            content_key=f"b{number}",
            state=InboundState.DONE,
            raw=raw,
            size=1,
            from_address="mailer-daemon@x.test",
            bounce={"diagnostic": f"550 <{who}> unknown", "failures": [{"recipient": who}]},
            outbound_id=row.id,
            stored_at=now,
        )
    )
    uow.session.add(
        Inbound(
            mailbox_id=mailbox.id,
            content_key=f"c{number}",
            state=InboundState.DONE,
            raw=raw,
            size=1,
            from_address="col@x.test",
            subject="Kept",
            text=f"Our {called} wrote: see {who.upper()}",
            parsed={"to": ["a@b.test", who], "full_text": f"a {called} b"},
            stored_at=now,
        )
    )
    path = quarantine / f"{number}.eml"
    path.write_bytes(raw)
    uow.session.add(
        Inbound(
            mailbox_id=mailbox.id,
            content_key=f"d{number}",
            state=InboundState.QUARANTINED,
            raw=None,
            raw_path=str(path),
            size=1,
            stored_at=now,
        )
    )
    prospects.note(
        uow,
        prospect.id,
        "noted",
        actor="ana",
        reason=f"{called.upper()} is on leave",
        contact=who,
        more=[{"x": called}],
    )
    uow.session.add(
        MentionCheck(
            prospect_id=prospect.id,
            verdict=MentionVerdict.NO_MENTION,
            quote=f"by {called}",
            checked_at=now,
            pages=[{"author": called}],
        )
    )
    uow.session.add(
        IdempotencyKey(
            caller="key:1",
            key=f"k{number}",
            request_sha256="x",
            status=200,
            body=f'{{"email": "{who}"}}'.encode(),
            created_at=now,
        )
    )
    suppression.suppress(
        uow, VAULT, who, kind=SuppressionKind.ADDRESS, reason="bounced", source=f"550 <{who}>", actor="system"
    )


def traces(db: Database) -> list[str]:
    """Every place in the database that still names a canary, read through its own columns."""
    found = []
    with db.read() as look:
        session = look.session
        for table in inspect(session.connection()).get_table_names():
            for row in session.execute(text(f"SELECT * FROM {table}")).mappings():
                for column, value in row.items():
                    said = (
                        bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | memoryview) else str(value)
                    )
                    said = said.encode().decode("unicode_escape", "replace").lower() + said.lower()
                    if "canary" in said or "zebra" in said or "čanary" in said:
                        found.append(f"{table}.{column}: {said[:80]}")
    return found


def in_files(folder: Path) -> list[str]:
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file() and any(mark in path.read_bytes().lower() for mark in (b"canary", b"zebra"))
    ]


@pytest.mark.parametrize("people", [15, pytest.param(part(200, 5), marks=pytest.mark.soak, id="for-long")])
def test_people_are_erased_and_still_not_written_to(
    db: Database, settings: Settings, tmp_path: Path, capfd: pytest.CaptureFixture[str], people: int
) -> None:
    seed(db, settings, people)
    assert traces(db)
    with db.read() as look:
        before = {
            table: look.session.execute(select(func.count()).select_from(model)).scalar_one()
            for table, model in SQLModel.metadata.tables.items()
        }
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        configure(json=True)
        trial = erase(db, VAULT, settings, address(0), reason="asked", actor="lea", dry_run=True)
        assert (trial.counts["contact"], len(trial.files), trial.dry_run) == (1, 1, True)
        assert len(traces(db)) > people
        for number in range(people - 1):
            erase_quietly(db, settings, number)
        done = erase(db, VAULT, settings, address(people - 1), reason="asked", actor="lea")
        get_logger("test").warning("a server said", text=f"550 <{address(3)}> unknown")
    finally:
        root.handlers, root.level = handlers, level
    assert traces(db) == []
    # The file, its write-ahead log, quarantine: bytes that are free are gone too.
    assert in_files(settings.data_dir) == []
    if db.is_sqlite:
        assert done.wiped
        assert in_files(tmp_path) == []
    printed = capfd.readouterr()
    assert "canary" not in (printed.out + printed.err).lower()
    with db.read() as look:
        counted = {
            table: look.session.execute(select(func.count()).select_from(model)).scalar_one()
            for table, model in SQLModel.metadata.tables.items()
        }
        # Statistics stand on rows, and every row is still there.
        assert {table: count - counted[table] for table, count in before.items() if count > counted[table]} == {
            "idempotency_key": people
        }
        records = look.session.execute(select(Erasure)).scalars().all()
        assert len(records) == people
        assert all(record.finished_at and record.counts["contact"] == 1 for record in records)
        told = look.session.execute(
            select(AuditEvent.name).where(col(AuditEvent.verb) == "suppression.added")
        ).scalars()
        assert set(told) == {rules.MARK}
        states = set(look.session.execute(select(col(Outbound.state))).scalars())
        assert states == {OutboundState.CANCELLED}
        kept = look.session.execute(select(Inbound).where(col(Inbound.content_key) == "c7")).scalar_one()
        assert (kept.subject, kept.text, kept.raw) == ("Kept", "Our [erased] wrote: see [erased]", None)
    blocked = 0
    with db.work() as uow:
        for number in range(people):
            try:
                contacts.add(uow, VAULT, number + 1, address(number), name=name(number), actor="import")
            except Refused:
                blocked += 1
        assert uow.session.execute(select(func.count()).where(col(Suppression.value).is_not(None))).scalar_one() == 0
    assert blocked == people


def erase_quietly(db: Database, settings: Settings, number: int) -> None:
    """As `erase`, without rewriting the file each time: the last one does it for all."""
    from app.people import erase as module

    wipe = module.wipe
    module.wipe = lambda _: (False, "")
    try:
        erase(db, VAULT, settings, address(number), reason="asked", actor="lea")
    finally:
        module.wipe = wipe


def test_histories_stay_append_only_for_everybody_else(db: Database, settings: Settings) -> None:
    seed(db, settings, 1)
    erase(db, VAULT, settings, address(0), reason="asked", actor="lea")
    for statement in (
        "UPDATE stage_event SET reason = 'x'",
        "DELETE FROM stage_event",
        "UPDATE audit_event SET reason = 'x'",
        "DELETE FROM audit_event",
        "UPDATE send_attempt SET text = 'x'",
    ):
        with pytest.raises(DatabaseError, match="append-only"), db.work() as uow:
            uow.session.execute(text(statement))


def test_the_record_names_nobody_and_a_second_time_finds_nothing(db: Database, settings: Settings) -> None:
    seed(db, settings, 1)
    with pytest.raises(BadInput, match="do not name"):
        erase(db, VAULT, settings, address(0), reason=f"{name(0)} asked", actor="lea")
    with pytest.raises(BadInput):
        erase(db, VAULT, settings, "no address", reason="asked", actor="lea")
    erase(db, VAULT, settings, address(0).upper(), reason="asked", actor="lea")
    again = erase(db, VAULT, settings, address(0), reason="asked", actor="lea")
    assert +again.counts == {"suppression": 1}


def test_every_column_that_can_hold_words_has_a_rule() -> None:
    """A new table with bytes or with text in its key has to say what an erasure does with it; other texts are searched."""
    searched = {(table.name, column.name) for table, columns in rules.searched() for column in columns}
    missing = []
    for table in SQLModel.metadata.sorted_tables:
        for column in table.columns:
            place = f"{table.name}.{column.name}"
            if isinstance(column.type, LargeBinary) and place not in rules.BYTES:
                missing.append(
                    f"{place}: bytes cannot be searched; handle them in app/people/erase.py and name them in BYTES"
                )
            if rules.holds_text(column) and rules.kept(column) is None and (table.name, column.name) not in searched:
                missing.append(f"{place}: a text in a key cannot be rewritten; say in KEPT why it names nobody")
    assert missing == []
    named = {f"{table.name}.{column.name}" for table in SQLModel.metadata.sorted_tables for column in table.columns}
    tables = {f"{table}.*" for table in SQLModel.metadata.tables}
    assert {*rules.KEPT, *rules.BYTES} - named - tables == set()


@pytest.mark.parametrize(
    "body",
    [
        "as you said, we asked your friend Jörg Müller as well.",
        "as you said, this line is long enough so that it wraps at jorg.mueller@editor0.test, you know.",
    ],
    ids=["encoded", "wrapped"],
)
def test_mail_to_others_that_names_a_person_in_its_encoding_is_erased(
    db: Database, settings: Settings, body: str
) -> None:
    with db.work() as uow:
        site, mailbox = a_site(uow), a_mailbox(uow)
        gone = a_prospect(uow, site, "editor0.test", stage=Stage.CHECKED_MENTION)
        a_contact(uow, gone, "jorg.mueller@editor0.test", name="Jörg Müller")
        other = a_prospect(uow, site, "other1.test", stage=Stage.CHECKED_MENTION)
        thread = a_conversation(uow, other, a_contact(uow, other, "ann@other1.test", name="Ann Other"), mailbox)
        made = []
        for text in (f"Hello Ann,\n\n{body}\n", "Hello Ann,\n\nthis one names nobody else.\n"):
            row = service.enqueue(
                uow,
                VAULT,
                settings,
                conversation=thread,
                kind=OutboundKind.REPLY,
                subject="Re: hello",
                body_text=text,
                body_html=None,
                approved_by="ana",
                not_before=uow.now(),
            )
            row.state = OutboundState.SENT
            made.append(row.id)
    erase(db, VAULT, settings, "jorg.mueller@editor0.test", reason="asked", actor="lee")
    with db.read() as uow:
        assert [bool(uow.session.get_one(Outbound, number).raw) for number in made] == [False, True]


@pytest.mark.parametrize(
    ("name", "kept"), [("Johannes Mueller", False), ("Editor Zero", True), ("The Editorial Team", True)]
)
def test_the_name_that_somebody_signed_with_is_erased_where_it_is_a_persons(
    db: Database, settings: Settings, name: str, kept: bool
) -> None:
    with db.work() as uow:
        site, mailbox = a_site(uow), a_mailbox(uow)
        prospect = a_prospect(uow, site, "editorzero.test", stage=Stage.CHECKED_MENTION)
        a_contact(uow, prospect, "jm@editorzero.test", name=None)
        for key, sender, signed, text in (
            ("k1", "jm@editorzero.test", name, "hi"),
            ("k2", "b@other.test", None, f"{name} is on leave"),
        ):
            uow.session.add(
                Inbound(
                    mailbox_id=mailbox.id,
                    content_key=key,
                    state=InboundState.DONE,
                    raw=b"From: x",
                    size=1,
                    from_address=sender,
                    from_name=signed,
                    text=text,
                    stored_at=uow.now(),
                )
            )
    erase(db, VAULT, settings, "jm@editorzero.test", reason="asked", actor="lee")
    with db.read() as uow:
        told = uow.session.execute(select(col(Inbound.text)).where(col(Inbound.content_key) == "k2")).scalar_one()
    assert (name in str(told)) is kept
