"""What other rooms and staff do with the inbox: look into a mailbox, ask before a follow-up, decide about a message."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from app.db.vault import Vault
from app.db.work import Database, UnitOfWork
from app.domain.ahead import SKEW
from app.domain.blocking import Blocking
from app.domain.cadence import LONGEST_REST, pause_before_next_look
from app.domain.delivery import HAS_LEFT
from app.domain.inbound import OWN_COPY, OWN_SIDE, Intent, Kind
from app.domain.said import cut, say
from app.errors import BadInput, Conflict, FieldProblem, MailboxFault, NotFound
from app.inbox import repository, same_domain, triage, unfetched, watches
from app.inbox.deps import InboxDeps
from app.inbox.processing import process_pending
from app.inbox.sync import SyncResult, sync_mailbox
from app.jobs import Job
from app.log import get_logger
from app.mail.imap import message_id_of
from app.models import Inbound, InboundState, Mailbox, Outbound, Prospect, SuppressionKind
from app.prospects import repository as prospects_repository
from app.prospects import service as prospects
from app.prospects import suppression

__all__ = ["GateResult", "dismiss", "gate_of", "get", "is_bounce", "is_reply", "locked", "mark_handled", "process_pending", "sent_copy",
           "suppress", "suppressible", "sync_mailbox", "sync_until_current", "try_again"]  # fmt: skip

log = get_logger("inbox")
MOST_ID = 250
_POLL_BUDGET = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class GateResult:
    """The answer to "is everything that lies in the mailbox known and acted on?", and the newest blocking event then."""

    current: bool
    reason: str
    seen_event_id: int


def sync_until_current(deps: InboxDeps, mailbox_id: int, budget: timedelta) -> GateResult:
    """The network half of the reply gate, right before a follow-up. It fails closed: whatever is not sure is not current.

    True only if the stored cursors of all folders that are read had reached the server's after the call began, and every
    stored message of this mailbox was acted on.
    """
    deadline = time.monotonic() + budget.total_seconds()
    result = sync_mailbox(deps, mailbox_id, budget=budget, gate=True)
    reason = result.reason
    if not reason:
        with deps.db.read() as uow:
            together = repository.mates(uow.session, mailbox_id)
        for one in together:
            process_pending(deps, one, budget=timedelta(seconds=max(0.0, deadline - time.monotonic())))
    _note(deps, mailbox_id, result)
    with deps.db.read() as uow:
        waiting = repository.undone(uow.session, mailbox_id)
        seen = repository.newest_event(uow.session)
    if not reason and not result.current:
        reason = say("the mailbox has no inbox that can be read")
    if not reason and waiting:
        reason = (
            say("1 received message is not read yet")
            if waiting == 1
            else say("{count} received messages are not read yet", count=waiting)
        )
    return GateResult(not reason, reason, seen)


def gate_of(deps: InboxDeps) -> Callable[[int], GateResult]:
    """The gate as the outbox calls it: mailbox id in, result out, within the budget of the settings."""
    return lambda mailbox_id: sync_until_current(deps, mailbox_id, deps.settings.gate_budget)


def look(
    deps: InboxDeps,
    mailbox_id: int,
    *,
    budget: timedelta = _POLL_BUDGET,
    also: Callable[[UnitOfWork, SyncResult], None] | None = None,
) -> SyncResult:
    """One look with everything that follows, each half for at most `budget`; `unfinished` in the result says that there
    is more, and the next look is due at once. `also` is done in the transaction that notes the result, however it went.
    Raises MailboxFault when the mailbox could not be read.
    """
    result = sync_mailbox(deps, mailbox_id, budget=budget)
    started = time.monotonic()
    process_pending(deps, mailbox_id, budget=budget)
    if time.monotonic() - started > budget.total_seconds():
        result.unfinished = True
    if result.swept:
        with deps.db.work() as uow:
            repository.forget_raw(uow.session, mailbox_id, uow.now() - timedelta(days=deps.settings.keep_raw_mail_days))
    _note(deps, mailbox_id, result, also)
    log.info("inbox.polled", mailbox_id=mailbox_id, stored=result.stored, current=result.current, reason=result.reason)
    if result.reason and not result.unfinished:
        raise MailboxFault(result.reason)
    return result


def _note(
    deps: InboxDeps,
    mailbox_id: int,
    result: SyncResult,
    also: Callable[[UnitOfWork, SyncResult], None] | None = None,
) -> None:
    # Need not wait for the disk: what is lost with the power is only when to look again.
    with deps.db.work(durable=False) as uow:
        mailbox = uow.session.get(Mailbox, mailbox_id)
        if mailbox is not None:
            _note_poll(deps, uow, mailbox, result)
        if also is not None:
            also(uow, result)


def _note_poll(deps: InboxDeps, uow: UnitOfWork, mailbox: Mailbox, result: SyncResult) -> None:
    now = uow.now()
    mailbox_id = mailbox.id
    if result.unfinished:
        # Behind all who wait already: the line is ordered by this time.
        repository.note_poll(uow.session, mailbox_id, poll_error=None, poll_failures=0, poll_due_at=now)
        uow.ring(Job.INBOX_POLL, mailbox_id)
        return
    if result.current:
        local = now.astimezone(ZoneInfo(mailbox.time_zone))
        pause = pause_before_next_look(local, deps.settings.poll_interval, deps.settings.poll_interval_quiet)
        repository.note_poll(
            uow.session,
            mailbox_id,
            polled_at=now,
            poll_error=None,
            poll_failures=0,
            poll_due_at=now + pause,
        )
        return
    failures = mailbox.poll_failures + 1
    rest = min(deps.settings.poll_interval * 2 ** min(failures - 1, 10), LONGEST_REST)
    repository.note_poll(
        uow.session,
        mailbox_id,
        poll_error=cut(result.reason or say("not read to its end"), 500),
        poll_failures=failures,
        poll_due_at=now + rest,
    )


# --- what staff decide --------------------------------------------------------------------------------------------------


def get(uow: UnitOfWork, inbound_id: int) -> Inbound:
    """The message; raises NotFound."""
    found = uow.session.get(Inbound, inbound_id)
    if found is None:
        raise NotFound(say("there is no received message {inbound_id}", inbound_id=inbound_id))
    return found


def locked(uow: UnitOfWork, inbound_id: int, *, joins: int | None = None) -> Inbound:
    """The message and its prospect, locked in the order of everybody who takes both. Raises NotFound and Conflict."""
    get(uow, inbound_id)
    row = repository.lock_message(uow.session, inbound_id, joins=joins)
    if row is None:
        raise Conflict(say("the message was given to another prospect at this moment; look again"))
    return row


def mark_handled(uow: UnitOfWork, inbound_id: int, *, actor: str, intent: Intent | None = None) -> Inbound:
    """A person has dealt with the message, and may correct what it wants."""
    row = get(uow, inbound_id)
    if intent is not None:
        row.intent = intent.value
    triage.finish(uow, row, actor=actor)
    return row


def is_reply(uow: UnitOfWork, inbound_id: int, *, actor: str, prospect_id: int | None = None) -> Inbound:
    """A person says that this is a reply (of this prospect, where the machine did not know): the sequence ends, and
    it waits for an answer.

    A report that belongs to nobody is no reply; one that a machine has given to somebody may have been misread, or never read to its end.
    Raises BadInput (field `prospect_id`) for a prospect that there is not, and Conflict for such a report, and where none is named or known.
    """
    if prospect_id is not None and uow.session.get(Prospect, prospect_id) is None:
        problem = FieldProblem("prospect_id", say("Enter the number of a prospect"))
        raise BadInput(say("there is no prospect {prospect_id}", prospect_id=prospect_id), problem)
    row = locked(uow, inbound_id, joins=prospect_id)
    if row.kind == Kind.BOUNCE and row.prospect_id is None:
        raise Conflict(say("this is a report of a mail that came back, and no reply; say which mail it is about"))
    if prospect_id is not None and prospect_id != row.prospect_id:
        # An answer is written into the conversation of whom it is from.
        row.prospect_id, row.conversation_id = prospect_id, None
    if row.prospect_id is None:
        raise Conflict(say("say whose reply this is: it belongs to no prospect yet"))
    conversation = prospects_repository.open_conversation(uow.session, row.prospect_id)
    if row.conversation_id is None and conversation is not None:
        row.conversation_id = conversation.id
    row.kind, row.match_kind = Kind.REPLY.value, "by-hand"
    prospects.block(uow, row.prospect_id, Blocking.REPLY, inbound_id=row.id, detail=f"by {actor}")
    prospects.note(uow, row.prospect_id, "reply_confirmed", actor=actor, inbound_id=row.id)
    triage.wait(uow, row)
    return row


def is_bounce(uow: UnitOfWork, inbound_id: int, outbound_id: int, *, actor: str) -> Inbound:
    """A person says which mail of ours a report is about that names none: a worker acts on it as on any other report.

    Raises NotFound, and Conflict for what is no report, or belongs to a mail of ours already, or where no worker would act on it,
    and for a mail that had not left when the report came.
    """
    outbound = uow.session.get(Outbound, outbound_id)
    if outbound is None:
        raise NotFound(say("there is no message {outbound_id} in the outbox", outbound_id=outbound_id))
    row = locked(uow, inbound_id, joins=outbound.prospect_id)
    if row.kind != Kind.BOUNCE or row.prospect_id is not None or row.state is not InboundState.DONE:
        raise Conflict(say("only a report that belongs to none of our mails can be given to one"))
    # Their server's clock, to the second, against ours.
    came = row.received_at or row.stored_at
    if outbound.state not in HAS_LEFT or outbound.committed_at is None or outbound.committed_at > came + SKEW:
        raise Conflict(say("our mail to {email} had not left when this report came", email=outbound.to_address))
    mailbox = uow.session.get_one(Mailbox, row.mailbox_id)
    if not mailbox.active:
        raise Conflict(say("{email} is switched off, so nobody would act on it; resume it first", email=mailbox.email))
    row.outbound_id, row.conversation_id, row.prospect_id = outbound.id, outbound.conversation_id, outbound.prospect_id
    row.match_kind, row.state, row.failures = "by-hand", InboundState.MATCHED, 0
    triage.finish(uow, row, actor=actor)
    watches.make_due(uow.session, [row.mailbox_id], uow.now())
    uow.ring(Job.INBOX_POLL, row.mailbox_id)
    return row


def dismiss(uow: UnitOfWork, inbound_id: int, *, actor: str) -> Inbound:
    """A person says that this is no reply: the pauses end that it caused, and it leaves the tray of unmatched mail.

    Raises Conflict where the message is certain.
    """
    row = locked(uow, inbound_id)
    pauses = [*prospects_repository.pauses_of(uow.session, row.id), *same_domain.paused_by(uow, row)]
    for blocking_id in pauses:
        prospects.clear_block(uow, blocking_id, actor=actor)
    if not pauses and row.prospect_id is not None:
        raise Conflict(say("this message has paused nothing"))
    triage.finish(uow, row, actor=actor)
    return row


def suppressible(row: Inbound) -> str | None:
    """The sender of this message, where a person may say that nobody is to write to them: it belongs to nobody, and a person wrote it.

    What a mail server or a provider reports names a daemon as its sender, and what is ours names us.
    """
    if row.prospect_id is not None or row.kind in (Kind.BOUNCE, Kind.COMPLAINT) or row.rule in (OWN_COPY, OWN_SIDE):
        return None
    return row.from_address or None


def suppress(uow: UnitOfWork, vault: Vault, inbound_id: int, *, actor: str) -> Inbound:
    """A person says that nobody is to write to the sender of this unmatched message; it leaves the tray. Raises NotFound, Conflict."""
    row = locked(uow, inbound_id)
    address = suppressible(row)
    if address is None:
        raise Conflict(
            say("only the sender of an unmatched message that a person wrote; classify any other one as unsubscribe")
        )
    suppression.suppress(
        uow,
        vault,
        address,
        kind=SuppressionKind.ADDRESS,
        reason="unsubscribed",
        source=f"message {row.id}, read by {actor}"[:200],
        actor=actor,
    )
    return dismiss(uow, inbound_id, actor=actor)


def quarantine(uow: UnitOfWork) -> tuple[int, int]:
    """How many messages lie in quarantine, and how many of them came within the last hour."""
    waiting = repository.quarantined_since(uow.session, datetime.fromtimestamp(0, UTC))
    return waiting, repository.quarantined_since(uow.session, uow.now() - timedelta(hours=1))


def try_again(uow: UnitOfWork, inbound_id: int, *, actor: str) -> Inbound:
    """Parse a quarantined message once more, perhaps with a better parser; what could not be fetched is asked for again.

    Raises Conflict for any other message, for one that is gone from its server and was never read, and in a mailbox that is
    switched off, where nothing is read.
    """
    row = get(uow, inbound_id)
    if row.state is not InboundState.QUARANTINED:
        raise Conflict(say("only a message in quarantine can be tried again"))
    asked = unfetched.again(uow.session, row.id)
    if not asked and row.raw is None and row.raw_path is None:
        raise Conflict(say("its server does not have this message any more; decide yourself about what it has paused"))
    if not uow.session.get_one(Mailbox, row.mailbox_id).active:
        raise Conflict(say("its mailbox is switched off, and nothing is read there; resume it first"))
    if asked:
        watches.make_due(uow.session, [row.mailbox_id], uow.now())
        uow.ring(Job.INBOX_POLL, row.mailbox_id)
        return row
    path, row.raw_path = row.raw_path, None
    row.state, row.failures, row.error = InboundState.STORED, 0, None
    if path is not None:
        uow.after_commit(lambda: _forget(path))
    uow.ring(Job.INBOX_POLL, row.mailbox_id)
    log.info("inbox.try_again", inbound_id=row.id, actor=actor)
    return row


def _forget(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def remember_id(db: Database, outbound: Outbound, message_id: str | None) -> None:
    """Keep the Message-ID under which a provider has filed a message of ours, where it is not the one that we have made."""
    if message_id is not None and message_id != outbound.message_id and len(message_id) <= MOST_ID:
        with db.work() as uow:
            repository.add_alias(uow.session, message_id, outbound.id)


# --- what the outbox asks -------------------------------------------------------------------------------------------------


def sent_copy(deps: InboxDeps, outbound: Outbound, mailbox: Mailbox) -> datetime | None:
    """When a copy of our message was found in the folder of sent mail, else None. Raises MailboxFault.

    Another Message-ID that a provider has given the copy is remembered: answers name that one. None proves nothing: many servers file no copy.
    """
    store = deps.connect(mailbox, deps.settings.imap_timeout)
    try:
        folder = next((entry for entry in store.folders() if entry.role == "sent"), None)
        if folder is None:
            return None
        store.examine(folder.name)
        uids = store.find(outbound.message_id, outbound.token)
        found = store.fetch(uids[:1]) if uids else {}
        for message in found.values():
            remember_id(deps.db, outbound, message_id_of(message.raw))
        return next((message.received_at or deps.db.clock.now() for message in found.values()), None)
    finally:
        store.close()
