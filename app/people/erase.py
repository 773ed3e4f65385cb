"""Erases a person: from every table, raw mail and file, while the statistics and the wish not to be written to stay.

What is theirs (contact, conversation, pitch, mail both ways) is blanked and keeps its row, so that figures and references
hold; everything else is searched for their addresses and names. The suppression keeps a keyed hash and no address.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Any

from sqlalchemy import Text, cast, delete, func, literal, or_, select, update
from sqlmodel import Session, col

from app.audit import service as audit
from app.db.parts import parts
from app.db.vault import Vault
from app.db.work import Database, UnitOfWork
from app.domain.contact_rules import is_team
from app.domain.delivery import OutboundState
from app.domain.digest import DigestState
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.log import get_logger
from app.models import (
    Answering,
    BlockingEvent,
    Contact,
    Conversation,
    ConversationState,
    Digest,
    Erasure,
    IdempotencyKey,
    Inbound,
    KeptText,
    Outbound,
    Pitch,
    PitchState,
    RunState,
    SendAttempt,
    SentCopy,
    SequenceRun,
    Suppression,
    SuppressionKind,
)
from app.people.rules import MARK, searched
from app.people.wiping import unlink, wipe
from app.prospects import suppression
from app.settings import Settings

log = get_logger("people")

_QUIET = {"synchronize_session": False}
_SHORTEST_NAME = 5
_CANCELLED = "erased: the person asked that nothing be kept"


@dataclass(slots=True)
class Erased:
    """What was (or would be) erased, by table, and which files; `wiped`: the freed bytes are overwritten as well."""

    counts: Counter[str] = field(default_factory=Counter)
    files: list[str] = field(default_factory=list)
    dry_run: bool = False
    wiped: bool = False
    note: str = ""


class _DryRun(Exception):
    """Takes the transaction back."""


def erase(
    db: Database, vault: Vault, settings: Settings, address: str, *, reason: str, actor: str, dry_run: bool = False
) -> Erased:
    """Erase everybody who writes from `address` (all its spellings). With `dry_run` nothing changes and the counts are true.

    Raises BadInput for what is no address, or without a reason. Safe to repeat: a second time finds nothing.
    """
    suppression.clean(SuppressionKind.ADDRESS, address)
    if not reason.strip():
        raise BadInput(
            say("say why the person is erased"), FieldProblem("reason", say("A sentence; it is kept, so name nobody"))
        )
    done = Erased(dry_run=dry_run)
    with contextlib.suppress(_DryRun), db.work() as uow:
        person = _Person(uow, vault, address)
        if person.named_in(reason) or person.named_in(actor):
            raise BadInput(
                say("the reason is kept: do not name the person in it"),
                FieldProblem("reason", say("Leave the name out")),
            )
        _erase(uow, vault, settings, person, reason, actor, done)
        if dry_run:
            raise _DryRun
        for name in done.files:
            uow.after_commit(lambda name=name: unlink(name))  # type: ignore[misc]
    if not dry_run:
        done.wiped, done.note = wipe(db)
        log.info("people.erased", actor=actor, rows=sum(done.counts.values()), files=len(done.files), wiped=done.wiped)
    return done


class _Person:
    """The contacts of one person, and the texts by which they are found elsewhere."""

    def __init__(self, uow: UnitOfWork, vault: Vault, address: str) -> None:
        said = suppression.spell(address)
        self.normal = said.normal
        self.key = suppression.lasting_keys(uow, vault).of(SuppressionKind.ADDRESS, said.normal, None)[0]
        spelled = {said.written, said.normal, address.strip().lower()}
        spelled |= self._spellings(uow.session, said.host)
        contacts = uow.session.execute(
            select(Contact).where(func.lower(col(Contact.email)).in_(sorted(spelled)))
        ).scalars()
        self.contacts = list(contacts)
        self.contact_ids = [contact.id for contact in self.contacts]
        written = select(col(Inbound.from_name)).where(func.lower(col(Inbound.from_address)).in_(sorted(spelled)))
        signed = {
            one for one in uow.session.execute(written.distinct()).scalars() if one and _is_persons(one, said.host)
        }
        names = {one.strip().lower() for one in signed | {contact.name for contact in self.contacts if contact.name}}
        self.addresses = spelled
        self.needles = sorted(spelled | {name for name in names if len(name) >= _SHORTEST_NAME}, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(needle) for needle in self.needles), re.IGNORECASE)
        self._bytes = re.compile(b"|".join(re.escape(needle.encode()) for needle in self.needles), re.IGNORECASE)

    def _spellings(self, session: Session, host: str) -> set[str]:
        hosts = {host} | ({"gmail.com", "googlemail.com"} if host in ("gmail.com", "googlemail.com") else set())
        found: set[str] = set()
        for column in (Contact.email, Outbound.to_address, Inbound.from_address):
            some = select(func.lower(col(column))).where(
                or_(*(func.lower(col(column)).like(f"%@{one}") for one in hosts))
            )
            found |= {one for one in session.execute(some.distinct()).scalars() if one}
        return {one for one in found if suppression.spell(one).normal == self.normal}

    def named_in(self, text: str) -> bool:
        """Whether a text names the person."""
        return self._pattern.search(text) is not None

    def named_in_bytes(self, raw: bytes) -> bool:
        """Whether bytes name the person, in clear."""
        return self._bytes.search(raw) is not None

    def named_in_mail(self, raw: bytes) -> bool:
        """Whether a mail of ours names the person, in clear or in what its lines and headers encode."""
        if self.named_in_bytes(raw):
            return True
        message = message_from_bytes(raw, policy=policy.default)
        texts = [str(part.get_content()) for part in message.walk() if part.get_content_maintype() == "text"]
        return any(map(self.named_in, [*map(str, message.values()), *texts]))

    def without(self, value: Any) -> Any:
        """The text or JSON value without the person."""
        if isinstance(value, str):
            return self._pattern.sub(MARK, value)
        if isinstance(value, list):
            return [self.without(one) for one in value]
        if isinstance(value, dict):
            return {self.without(name): self.without(one) for name, one in value.items()}
        return value


def _erase(
    uow: UnitOfWork, vault: Vault, settings: Settings, person: _Person, reason: str, actor: str, done: Erased
) -> None:
    record = Erasure(key=person.key, reason=reason.strip(), erased_by=actor, started_at=uow.now())
    uow.session.add(record)
    uow.session.flush()  # From here until it is finished, the append-only histories may be blanked.
    _keep_the_wish(uow, vault, person, done)
    threads = _ids(uow, select(col(Conversation.id)).where(col(Conversation.contact_id).in_(person.contact_ids)))
    mails = _ids(
        uow,
        select(col(Outbound.id)).where(
            or_(
                col(Outbound.conversation_id).in_(threads),
                func.lower(col(Outbound.to_address)).in_(sorted(person.addresses)),
            )
        ),
    )
    _blank_received(uow, person, threads, mails, settings, done)
    _blank_sent(uow, mails, done)
    _blank_threads(uow, person, threads, done)
    _search_bytes(uow, person, done)
    _search_texts(uow, person, done)
    audit.record(uow, "person.erased", "person", record.id, after=dict(done.counts), reason=reason.strip(), actor=actor)
    record.counts = dict(done.counts)
    record.finished_at = uow.now()
    uow.session.flush()


def _is_persons(name: str, host: str) -> bool:
    """Whether a name that mail is signed with is a person's, and not that of a team or of the site itself."""
    squeezed = re.sub(r"\W", "", name.casefold())
    return len(name.split()) > 1 and not is_team(name) and squeezed not in re.sub(r"\W", "", host)


def _nobody(key: Any) -> Any:
    return literal("erased-") + cast(col(key), Text) + literal("@erased.invalid")


def _ids(uow: UnitOfWork, statement: Any) -> list[int]:
    return list(uow.session.execute(statement).scalars())


def _change(uow: UnitOfWork, done: Erased, table: str, statement: Any) -> None:
    result: Any = uow.session.execute(statement.execution_options(**_QUIET))
    done.counts[table] += int(result.rowcount)


def _keep_the_wish(uow: UnitOfWork, vault: Vault, person: _Person, done: Erased) -> None:
    """The do-not-contact fact: a keyed hash without the address, for every site; rules of single sites stay beside it."""
    made = suppression.suppress(
        uow,
        vault,
        person.normal,
        kind=SuppressionKind.ADDRESS,
        reason="erased",
        source="erasure",
        actor="erasure",
    )
    rules = uow.session.execute(
        select(Suppression).where(
            or_(
                col(Suppression.id) == made.id,
                func.lower(col(Suppression.value)).in_(sorted(person.addresses)),
            )
        )
    ).scalars()
    for rule in rules:
        done.counts["suppression"] += 1
        if rule.kind is SuppressionKind.PATTERN:
            uow.session.delete(rule)  # A pattern without wildcards is the address itself, and the hash holds it.
        else:
            rule.value, rule.source = None, "erased"
    uow.session.flush()


def _blank_received(
    uow: UnitOfWork, person: _Person, threads: Sequence[int], mails: Sequence[int], settings: Settings, done: Erased
) -> None:
    mine = or_(
        col(Inbound.conversation_id).in_(threads),
        col(Inbound.outbound_id).in_(mails),
        func.lower(col(Inbound.from_address)).in_(sorted(person.addresses)),
    )
    paths = select(col(Inbound.raw_path)).where(mine, col(Inbound.raw_path).is_not(None))
    done.files += [path for path in uow.session.execute(paths).scalars() if path]
    ids = _ids(uow, select(col(Inbound.id)).where(mine))
    for some in parts(ids):
        blank = {"raw": None, "raw_path": None, "error": None, "message_id": None, "in_reply_to": None}
        blank |= {"from_address": None, "from_name": None, "subject": None, "text": None}
        _change(
            uow,
            done,
            "inbound",
            update(Inbound).where(col(Inbound.id).in_(some)).values(**blank, bounce=None, parsed=None),
        )
        _change(
            uow,
            done,
            "blocking_event",
            update(BlockingEvent)
            .where(col(BlockingEvent.inbound_id).in_(some), col(BlockingEvent.detail).is_not(None))
            .values(detail=MARK),
        )
    folder = settings.data_dir / "quarantine"
    if folder.is_dir():
        done.files += [
            str(path)
            for path in sorted(folder.iterdir())
            if path.is_file() and str(path) not in done.files and person.named_in_bytes(path.read_bytes())
        ]


def _blank_sent(uow: UnitOfWork, mails: Sequence[int], done: Erased) -> None:
    for some in parts(mails):
        _change(uow, done, "sent_copy", delete(SentCopy).where(col(SentCopy.outbound_id).in_(some)))
        _change(
            uow,
            done,
            "outbox_cancelled",
            update(Outbound)
            .where(
                col(Outbound.id).in_(some),
                col(Outbound.state).in_((OutboundState.QUEUED, OutboundState.CLAIMED, OutboundState.NOT_SENT)),
            )
            .values(state=OutboundState.CANCELLED),
        )
        _change(
            uow,
            done,
            "outbound",
            update(Outbound)
            .where(col(Outbound.id).in_(some))
            .values(
                to_address=_nobody(Outbound.id),
                subject=MARK,
                raw=b"",
                reply_text=None,
                evidence=None,
                hold_reason=_CANCELLED,
            ),
        )
        _change(
            uow,
            done,
            "send_attempt",
            update(SendAttempt)
            .where(col(SendAttempt.outbound_id).in_(some), col(SendAttempt.text).is_not(None))
            .values(text=MARK),
        )


def _blank_threads(uow: UnitOfWork, person: _Person, threads: Sequence[int], done: Erased) -> None:
    now = uow.now()
    _change(
        uow,
        done,
        "sequence_run",
        update(SequenceRun)
        .where(col(SequenceRun.conversation_id).in_(threads), col(SequenceRun.state) != RunState.ENDED)
        .values(state=RunState.ENDED, end_reason="erased", ended_at=now, due_at=None),
    )
    open_ = (col(Conversation.id).in_(threads), col(Conversation.state) == ConversationState.OPEN)
    _change(
        uow,
        done,
        "conversation_closed",
        update(Conversation).where(*open_).values(state=ConversationState.CLOSED, closed_at=now),
    )
    _change(
        uow, done, "conversation", update(Conversation).where(col(Conversation.id).in_(threads)).values(subject=MARK)
    )
    answers = update(Answering).where(col(Answering.conversation_id).in_(threads))
    _change(uow, done, "answering", answers.values(body_text="", kept_at=None))
    theirs = col(Pitch.contact_id).in_(person.contact_ids)
    typed = col(KeptText.pitch_id).in_(select(col(Pitch.id)).where(theirs))
    _change(uow, done, "kept_text", delete(KeptText).where(typed))
    drafts = (theirs, col(Pitch.state) == PitchState.DRAFT)
    _change(uow, done, "pitch_withdrawn", update(Pitch).where(*drafts).values(state=PitchState.WITHDRAWN))
    blank = {"subject": MARK, "body_text": MARK, "body_html": MARK, "why": MARK, "variables": {}}
    _change(uow, done, "pitch", update(Pitch).where(theirs).values(**blank, reason=None, their_page=None))
    _change(
        uow,
        done,
        "contact",
        update(Contact)
        .where(col(Contact.id).in_(person.contact_ids))
        .values(email=_nobody(Contact.id), name=None, role=None, source_url=None),
    )


def _search_bytes(uow: UnitOfWork, person: _Person, done: Erased) -> None:
    """Mail of others that names the person loses its bytes (they are read once and kept as text); answers kept for repeats go."""
    for row_id, raw in _each(uow.session, Inbound.id, Inbound.raw):
        if raw and person.named_in_bytes(raw):
            _change(uow, done, "inbound", update(Inbound).where(col(Inbound.id) == row_id).values(raw=None))
    for row_id, raw in _each(uow.session, Outbound.id, Outbound.raw):
        if raw and person.named_in_mail(raw):
            _change(uow, done, "outbound", update(Outbound).where(col(Outbound.id) == row_id).values(raw=b""))
    for row_id, raw in _each(uow.session, Digest.id, Digest.raw):
        if raw and person.named_in_mail(raw):
            this = col(Digest.id) == row_id
            _change(uow, done, "digest", update(Digest).where(this).values(raw=None))
            stopped = {"state": DigestState.FAILED, "answer": "somebody in it was erased", "finished_at": uow.now()}
            uow.session.execute(update(Digest).where(this, col(Digest.state) == DigestState.READY).values(**stopped))
    known = uow.session.execute(select(col(IdempotencyKey.caller), col(IdempotencyKey.key), col(IdempotencyKey.body)))
    for caller, key, body in known.all():
        if person.named_in_bytes(body) or person.named_in(key):
            mine = (col(IdempotencyKey.caller) == caller, col(IdempotencyKey.key) == key)
            _change(uow, done, "idempotency_key", delete(IdempotencyKey).where(*mine))


def _each(session: Session, key: Any, column: Any, page: int = 200) -> Iterable[tuple[int, Any]]:
    after = 0
    while True:
        statement = select(col(key), col(column)).where(col(key) > after, col(column).is_not(None))
        rows = session.execute(statement.order_by(col(key)).limit(page)).all()
        yield from ((row[0], row[1]) for row in rows)
        if len(rows) < page:
            return
        after = rows[-1][0]


def _search_texts(uow: UnitOfWork, person: _Person, done: Erased) -> None:
    """Every text and JSON column of every table that is not kept: what names the person is rewritten."""
    lower = _lower(uow.session)
    for table, columns in searched():
        named = or_(
            *(
                lower(cast(column, Text)).contains(needle, autoescape=True)
                for column in columns
                for needle in person.needles
            )
        )
        keys = list(table.primary_key.columns)
        for row in uow.session.execute(select(*keys, *columns).where(named)).all():
            values = dict(zip(columns, row[len(keys) :], strict=True))
            cleaned = {
                column.name: clean for column, value in values.items() if (clean := person.without(value)) != value
            }
            if cleaned and table.name == "inbound":
                # Encoded in the mail, where no search of bytes finds it; its text was taken out and is kept.
                cleaned["raw"] = None
            if cleaned:
                mine = [column == value for column, value in zip(keys, row, strict=False)]
                uow.session.execute(update(table).where(*mine).values(cleaned))
                done.counts[table.name] += 1


def _lower(session: Session) -> Any:
    """The function that lowers a text in the database: SQLite's own knows ASCII only, and its JSON is stored with escapes."""
    raw: Any = session.connection().connection.dbapi_connection
    if not isinstance(raw, sqlite3.Connection):
        return func.lower

    def lower(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), value).lower()

    raw.create_function("gapbridge_lower", 1, lower, deterministic=True)
    return func.gapbridge_lower
