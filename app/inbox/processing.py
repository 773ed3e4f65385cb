"""Gives stored messages their meaning: stored -> parsed -> matched -> done, each step a state that may be entered once.

A worker may die between any two steps, and two may work at once: every move is a compare-and-set, and what follows from a
message happens in the transaction of its last move.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DataError, OperationalError
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.inbound import OWN_COPY, OWN_SIDE, Intent, Kind, Verdict
from app.domain.inbound_auto import GROUP, SUBJECT
from app.domain.inbound_bounce import BY_WORDS
from app.domain.inbound_opt_out import LIST_UNSUBSCRIBE, doubted, opens
from app.domain.mail_tokens import addresses, message_ids, sender
from app.domain.said import cut, say
from app.domain.texts import storable
from app.errors import GapbridgeError
from app.inbox import acting, matching, repository
from app.inbox.deps import InboxDeps
from app.inbox.inspect import describe
from app.inbox.metrics import QUARANTINED
from app.inbox.parser import ParseFault
from app.inbox.same_domain import concerned
from app.inbox.wire import Parsed
from app.log import get_logger
from app.models import Inbound, InboundState

log = get_logger("inbox")

MOST_FAILURES = 3
# Within an hour; more than this is an attack, or a fault of ours, and not one odd message.
MOST_QUARANTINED = 5
_BATCH = 50


def process_pending(deps: InboxDeps, mailbox_id: int | None = None, *, budget: timedelta | None = None) -> int:
    """Take everything that is stored to its end; returns how many messages were acted on. Stops when `budget` is used up."""
    deadline = None if budget is None else time.monotonic() + budget.total_seconds()
    done = 0
    with deps.db.read() as uow:
        # A look into a quiet mailbox ends here.
        if not repository.any_undone(uow.session, mailbox_id):
            return done
    while True:
        ids: dict[InboundState, list[int]] = {}
        with deps.db.read() as uow:
            for state in repository.UNDONE:
                ids[state] = repository.pending(uow.session, state, mailbox_id, _BATCH)
        if not any(ids.values()):
            return done
        parsed = _parse(deps, ids[InboundState.STORED], deadline)
        _match(deps, {**_reload(deps, ids[InboundState.PARSED]), **parsed})
        with deps.db.read() as uow:
            matched = repository.pending(uow.session, InboundState.MATCHED, mailbox_id, 2 * _BATCH)
        done += _act(deps, matched)
        if deadline is not None and time.monotonic() > deadline:
            return done


# --- parse --------------------------------------------------------------------------------------------------------------


def _parse(deps: InboxDeps, ids: list[int], deadline: float | None) -> dict[int, Parsed]:
    with deps.db.read() as uow:
        raws = {
            row[0]: row[1]
            for row in uow.session.execute(select(col(Inbound.id), col(Inbound.raw)).where(col(Inbound.id).in_(ids)))
        }
    found: dict[int, Parsed] = {}
    for inbound_id in ids:
        if deadline is not None and time.monotonic() > deadline:
            break
        try:
            found[inbound_id] = deps.parser.parse(raws.get(inbound_id) or b"")
        except ParseFault as fault:
            _failed(deps, inbound_id, raws.get(inbound_id) or b"", fault)
    if found and not _store(deps, found):
        # One that cannot be stored is put aside; it must not hold up what lies beside it.
        for inbound_id, parsed in list(found.items()):
            if not _store(deps, {inbound_id: parsed}):
                del found[inbound_id]
                unstorable = ParseFault("limit", "what was read of it cannot be stored", died=False)
                _failed(deps, inbound_id, raws.get(inbound_id) or b"", unstorable)
    return found


def _store(deps: InboxDeps, found: Mapping[int, Parsed]) -> bool:
    """Whether all of this could be stored; nothing of it is where one of them could not."""
    try:
        with deps.db.work() as uow:
            values = [{"at": inbound_id, **_parsed_values(parsed)} for inbound_id, parsed in found.items()]
            repository.move_many(uow.session, InboundState.STORED, values)
    except (DataError, UnicodeError) as error:
        log.error("inbox.not_stored", inbound_ids=list(found), error=repr(error)[:500])
        return False
    return True


def _parsed_values(parsed: Parsed) -> dict[str, Any]:
    mail, verdict = parsed.mail, parsed.verdict
    told = describe(parsed)
    name, address = sender(mail.header("from"))
    answered = next(iter(message_ids(mail.header("in-reply-to"))), None)
    return {
        "state": InboundState.PARSED,
        "in_reply_to": f"<{answered[:248]}>" if answered else None,
        "from_address": address,
        "from_name": storable(name)[:200] or None,
        "subject": storable(mail.header("subject"))[:1000],
        **_verdict_values(verdict),
        "bounce": told["bounce"],
        "text": mail.new_text,
        "parsed": {
            "full_text": mail.text,
            "limits": list(mail.limits),
            "ticket": verdict.ticket,
            "reported": list(verdict.reported),
            "reply_to": _first_address(mail.headers.get("reply-to", ())),
            "to": [storable(value) for value in mail.headers.get("to", ())],
            "date": mail.date.isoformat() if mail.date else None,
        },
        "error": None,
    }


def _verdict_values(verdict: Verdict) -> dict[str, Any]:
    return {
        "kind": verdict.kind.value,
        "rule": storable(verdict.rule)[:64],
        "intent": verdict.intent.value if verdict.intent else None,
        "returns_on": verdict.returns_on,
    }


def _first_address(values: Iterable[str]) -> str | None:
    """The first address in a header that may name several, in the length that an address may have."""
    return next((found for value in values for found in addresses(value) if len(found) <= 254), None)


def _failed(deps: InboxDeps, inbound_id: int, raw: bytes, fault: ParseFault) -> None:
    """Count a failure; a message that broke the parser is put aside with its bytes, and what it names is paused."""
    marks = matching.Marks(ids=tuple(matching.marks_in_bytes(raw)))
    with deps.db.work() as uow:
        found = matching.Book(uow.session, deps.vault, (), [marks]).find(0, marks, uow.now())
        row = repository.lock_message(uow.session, inbound_id, joins=found.prospect_id if found else None)
        if row is None or row.state is not InboundState.STORED:
            return
        row.failures += 1
        row.error = str(fault)[:500]
        if not fault.died and row.failures < MOST_FAILURES:
            return
        folder = deps.settings.data_dir / "quarantine"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"{row.id}.eml"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(raw)
            stream.flush()
            os.fsync(stream.fileno())
        row.raw_path = str(path)
        row.state = InboundState.QUARANTINED
        uow.session.flush()
        if found is not None:
            row.match_kind, row.outbound_id = found.kind, found.outbound_id
            row.conversation_id = found.conversation_id
            acting.pause_unreadable(uow, row, found.prospect_id)
        QUARANTINED.labels(fault.reason).inc()
        log.error("inbox.quarantined", inbound_id=row.id, mailbox_id=row.mailbox_id, reason=fault.reason)
        lately = repository.quarantined_since(uow.session, uow.now() - timedelta(hours=1))
        if lately > MOST_QUARANTINED:
            log.error("inbox.many_quarantined", count=lately, hours=1)


def _reload(deps: InboxDeps, ids: list[int]) -> dict[int, Parsed]:
    """What was parsed before a crash is parsed again: the meaning is small, the raw bytes are the truth."""
    if not ids:
        return {}
    with deps.db.read() as uow:
        rows = uow.session.execute(select(col(Inbound.id), col(Inbound.raw)).where(col(Inbound.id).in_(ids))).all()
    found: dict[int, Parsed] = {}
    for inbound_id, raw in rows:
        try:
            found[inbound_id] = deps.parser.parse(raw or b"")
        except ParseFault as fault:
            with deps.db.work() as uow:
                repository.move(uow.session, inbound_id, InboundState.PARSED, {"state": InboundState.STORED})
            log.warning("inbox.parse_again_failed", inbound_id=inbound_id, reason=fault.reason)
    return found


# --- match --------------------------------------------------------------------------------------------------------------


def _match(deps: InboxDeps, parsed: dict[int, Parsed]) -> None:
    if not parsed:
        return
    try:
        _match_all(deps, parsed)
    except OperationalError:
        raise  # The database is away: it is no fault of theirs.
    except Exception as error:
        log.exception("inbox.match_failed", inbound_ids=list(parsed))
        if len(parsed) == 1:
            _set_aside(deps, next(iter(parsed)), InboundState.PARSED, error)
            return
        for inbound_id, one in parsed.items():
            _match(deps, {inbound_id: one})


def _match_all(deps: InboxDeps, parsed: dict[int, Parsed]) -> None:
    with deps.db.work() as uow:
        rows = uow.session.execute(
            select(col(Inbound.id), col(Inbound.mailbox_id), col(Inbound.raw)).where(
                col(Inbound.id).in_(list(parsed)), col(Inbound.state) == InboundState.PARSED
            )
        ).all()
        marks = {row[0]: matching.marks_of(parsed[row[0]].mail, parsed[row[0]].verdict, row[2] or b"") for row in rows}
        book = matching.Book(uow.session, deps.vault, {row[1] for row in rows}, list(marks.values()))
        values = []
        for inbound_id, mailbox_id, _ in rows:
            value = {"at": inbound_id, "state": InboundState.MATCHED, **_NO_MATCH}
            verdict = parsed[inbound_id].verdict
            value |= _verdict_values(verdict)
            if not marks[inbound_id].machine and marks[inbound_id].sender in book.own_addresses:
                # Sent by ourselves: copied, filed or sent to ourselves, but never somebody's reply.
                value |= {"kind": Kind.OTHER.value, "rule": OWN_COPY}
            else:
                found = book.find(mailbox_id, marks[inbound_id], uow.now())
                # Who presses the button of our List-Unsubscribe sends the mark of one mail back, whatever From says.
                pressed = verdict.rule == LIST_UNSUBSCRIBE and found is not None and found.kind == "token"
                if not verdict.reported and not pressed and book.is_own_side(marks[inbound_id], found):
                    value |= {"rule": OWN_SIDE, "intent": None}
                    if verdict.kind in (Kind.REPLY, Kind.OPT_OUT):
                        value |= {"kind": Kind.OTHER.value}
                    else:
                        # What a machine of ours has sent, such as the absence of a colleague in Cc, is about nobody.
                        found = None
                if found is not None:
                    value |= _in_conversation(parsed[inbound_id], found, marks[inbound_id]) | {
                        "match_kind": found.kind,
                        "outbound_id": found.outbound_id,
                        "conversation_id": found.conversation_id,
                        "prospect_id": found.prospect_id,
                    }
            values.append(value)
        repository.move_many(uow.session, InboundState.PARSED, values)


def _in_conversation(parsed: Parsed, found: matching.Match, marks: matching.Marks) -> dict[str, Any]:
    """What its match says about a message that was taken for a responder's or a list's for want of any other sign."""
    verdict, told = parsed.verdict, parsed.under_our_subject
    if told is None:
        return {}
    ours = bool(marks.subject) and found.subject == marks.subject
    if verdict.rule == SUBJECT:
        return _verdict_values(told) if ours else {}
    if told.kind not in (Kind.REPLY, Kind.OPT_OUT):
        return {}
    # Programs that sell put such headers on the answers that people write with them. A newsletter is sent to our address, with the mark
    # in it, as soon as somebody has entered that; but it neither quotes a Message-ID of ours nor has our subject.
    answers = ours or found.kind == "id-in-body" or (verdict.rule == GROUP and found.kind != "sender-domain")
    wish = told.kind is Kind.OPT_OUT and found.kind == "sender" and len(parsed.mail.new_text.split()) <= _SHORT
    if not answers and not wish:
        return {}
    if told.kind is Kind.OPT_OUT and not opens(parsed.mail):
        # Below what somebody says, or what a newsletter tells, the words may be its footer's: a person reads them.
        return _verdict_values(doubted(told.rule))
    value = _verdict_values(told)
    return value if told.intent is Intent.OPT_OUT else value | {"rule": f"reply:{verdict.rule}"}


# In words: a newsletter has more.
_SHORT = 60

_NO_MATCH: dict[str, Any] = {"match_kind": None, "outbound_id": None, "conversation_id": None, "prospect_id": None}


# Kinds that something follows from whoever they come from.
_ALWAYS = (Kind.OPT_OUT.value, Kind.COMPLAINT.value)

# --- act ----------------------------------------------------------------------------------------------------------------


def _act(deps: InboxDeps, ids: list[int]) -> int:
    done = 0
    plain: list[int] = []
    with deps.db.read() as uow:
        rows = uow.session.execute(
            select(
                col(Inbound.id),
                col(Inbound.prospect_id),
                col(Inbound.kind),
                col(Inbound.from_address),
                col(Inbound.rule),
            ).where(col(Inbound.id).in_(ids))
        ).all()
        asked = {row[0] for row in rows if row[2] == Kind.REPLY.value or row[4] in BY_WORDS}
        # New mail to another mailbox of ours answers nothing, and may come from somebody whom a follow-up waits for.
        known = concerned(uow, [row[3] for row in rows if row[1] is None and row[0] in asked and row[3]])
        paused = acting.paused(uow.session, [row[0] for row in rows if row[1] is None])
    for inbound_id, prospect_id, kind, came_from, _ in sorted(rows, key=lambda row: row[0]):
        follows = kind in _ALWAYS or (inbound_id in asked and came_from in known) or inbound_id in paused
        if prospect_id is None and not follows:
            plain.append(inbound_id)
            continue
        try:
            with deps.db.work() as uow:
                done += _act_one(deps, uow, inbound_id)
        except Exception as error:
            # One message that cannot be acted on must not hold up the others, whatever is wrong with it; after three tries a
            # person looks at it.
            log.exception("inbox.act_failed", inbound_id=inbound_id)
            _set_aside(deps, inbound_id, InboundState.MATCHED, error)
    if plain:
        with deps.db.work() as uow:
            done += repository.finish(uow.session, plain)
    return done


def _set_aside(deps: InboxDeps, inbound_id: int, state: InboundState, error: Exception) -> None:
    """Count a failure in this state; the third one puts the message aside, and what it belongs to is paused."""
    with deps.db.work() as uow:
        row = repository.lock_message(uow.session, inbound_id)
        if row is None or row.state is not state:
            return
        row.failures += 1
        why = error.detail if isinstance(error, GapbridgeError) else str(error)
        row.error = say("could not be acted on: {error}", error=cut(why, 400))
        if row.failures >= MOST_FAILURES:
            row.state = InboundState.QUARANTINED
            if row.prospect_id is not None:
                acting.pause_unreadable(uow, row, row.prospect_id)


def _act_one(deps: InboxDeps, uow: UnitOfWork, inbound_id: int) -> int:
    acting.lock_counted(uow.session, inbound_id)
    row = repository.lock_message(uow.session, inbound_id)
    if row is None or row.state is not InboundState.MATCHED:
        return 0
    acting.act(uow, deps.vault, deps.settings, row)
    row.state = InboundState.DONE
    return 1
