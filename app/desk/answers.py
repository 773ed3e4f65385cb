"""What a person does in the inbox, each verb one transaction: classify, answer, agree, win or lose, and take it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.desk import answering, prepared
from app.desk.addressees import addressees
from app.desk.service import Person, decided
from app.domain.blocking import Blocking
from app.domain.delivery import OutboundState
from app.domain.inbound import OWN_SIDE
from app.domain.pipeline import LostReason, Stage
from app.domain.said import Sentence, kept, say
from app.domain.triage import ReplyClass
from app.errors import BadInput, Conflict, FieldProblem
from app.inbox import service as inbox
from app.inbox import triage
from app.mail import mime
from app.models import Conversation, Decision, DecisionKind, Inbound, Outbound, OutboundKind, SuppressionKind, Triage
from app.outbox import service as outbox
from app.prospects import placements, suppression
from app.prospects import repository as prospects_repository
from app.prospects import service as prospects
from app.reports.inbox import text_of
from app.settings import Settings

# Kept with the decision as they stand here, so that a page can say them in its reader's language.
_FINAL = {
    ReplyClass.UNSUBSCRIBE: say(
        "this cannot be taken back here: their address is suppressed (unsubscribed); a lead may lift the suppression"
    ),
    ReplyClass.BOUNCE: say(
        "this cannot be taken back here: their address is suppressed (bounced); a lead may lift the suppression"
    ),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest mail of a conversation in each direction, as a page showed it; 0 where there was none."""

    inbound_id: int = 0
    outbound_id: int = 0


def newest(uow: UnitOfWork, conversation_id: int) -> Seen:
    """The newest received message, and the newest of ours that was not taken back."""
    theirs = select(func.max(col(Inbound.id))).where(col(Inbound.conversation_id) == conversation_id)
    ours = select(func.max(col(Outbound.id))).where(
        col(Outbound.conversation_id) == conversation_id, col(Outbound.state) != OutboundState.CANCELLED
    )
    row = uow.session.execute(select(theirs.scalar_subquery(), ours.scalar_subquery())).one()
    return Seen(row[0] or 0, row[1] or 0)


def classify(
    uow: UnitOfWork, vault: Vault, settings: Settings, person: Person, inbound_id: int, chosen: ReplyClass
) -> Decision:
    """Store a person's class beside the machine's, and do what follows from it. Raises Conflict without a prospect.

    Interested and question wait for an answer; not-now sleeps; no and wants-payment give up (payment by the setting
    `paid_links`); auto is done; unsubscribe and bounce suppress, which cannot be taken back.
    """
    row, prospect_id = _owned(uow, inbound_id)
    line = triage.of(uow, row)
    data: dict[str, Any] = {"inbound_id": row.id, "class": chosen.value, "before": _state(row, line)}
    line.chosen, line.chosen_by, line.chosen_at = chosen.value, person.actor, uow.now()
    if chosen in (ReplyClass.INTERESTED, ReplyClass.QUESTION) or (
        chosen is ReplyClass.WANTS_PAYMENT and settings.paid_links == "answer"
    ):
        triage.until(line, row, triage.due(uow, settings, row, chosen))
        triage.wait(uow, row)
    elif chosen is ReplyClass.NOT_NOW:
        prospect = prospects.get(uow, prospect_id)
        until = uow.now() + timedelta(days=settings.not_now_days)
        data["snoozed_until"] = prospect.snoozed_until.isoformat() if prospect.snoozed_until else None
        prospect.snoozed_until = until
        triage.sleep(uow, row, until)
    else:
        data |= _end(uow, vault, person, row, prospect_id, chosen)
        triage.finish(uow, row, actor=person.actor)
    prospects.note(uow, prospect_id, "reply_classified", actor=person.actor, reason=chosen.value, inbound_id=row.id)
    return _decided(uow, person, prospect_id, DecisionKind.CLASS, row, **data)


def _end(
    uow: UnitOfWork, vault: Vault, person: Person, row: Inbound, prospect_id: int, chosen: ReplyClass
) -> dict[str, Any]:
    if chosen is ReplyClass.AUTO:
        for blocking_id in prospects_repository.pauses_of(uow.session, row.id):
            prospects.clear_block(uow, blocking_id, actor=person.actor)
        return {}
    reasons = {
        ReplyClass.NO: LostReason.DECLINED,
        ReplyClass.WANTS_PAYMENT: LostReason.WANTS_PAYMENT,
        ReplyClass.UNSUBSCRIBE: LostReason.UNSUBSCRIBED,
        ReplyClass.BOUNCE: LostReason.BOUNCED,
    }
    data: dict[str, Any] = {}
    if chosen in (ReplyClass.UNSUBSCRIBE, ReplyClass.BOUNCE):
        why = "unsubscribed" if chosen is ReplyClass.UNSUBSCRIBE else "bounced"
        for address in _addresses(uow, row, chosen):
            suppression.suppress(
                uow,
                vault,
                address,
                kind=SuppressionKind.ADDRESS,
                reason=why,
                source=f"message {row.id}, read by {person.actor}"[:200],
                actor=person.actor,
            )
        kind = Blocking.UNSUBSCRIBE if chosen is ReplyClass.UNSUBSCRIBE else Blocking.HARD_BOUNCE
        prospects.block(uow, prospect_id, kind, inbound_id=row.id, detail=f"by {person.actor}")
        data["final"] = str(_FINAL[chosen])
    if prospects.get(uow, prospect_id).stage not in (Stage.WON, Stage.LOST):
        data["give_up"] = prospects.give_up(uow, prospect_id, reasons[chosen], actor=person.actor).id
    return data


def _addresses(uow: UnitOfWork, row: Inbound, chosen: ReplyClass) -> list[str]:
    outbound = uow.session.get(Outbound, row.outbound_id) if row.outbound_id else None
    written = outbound.to_address if outbound is not None else None
    # A bounce comes from a server, and a colleague's mail from ourselves; the address that it is about is ours to know.
    theirs = row.from_address if chosen is ReplyClass.UNSUBSCRIBE and row.rule != OWN_SIDE else None
    return list(dict.fromkeys(address for address in (written, theirs) if address))


def done(uow: UnitOfWork, person: Person, inbound_id: int) -> Decision | None:
    """What `finish` does, by a person's decision; None for a message of no prospect, which is not taken back."""
    before = finish(uow, person, inbound_id)
    row = inbox.locked(uow, inbound_id)
    if row.prospect_id is None:
        return None
    first = before.pop(row.id)
    earlier = {str(number): state for number, state in before.items()}
    return _decided(
        uow, person, row.prospect_id, DecisionKind.DONE, row, inbound_id=row.id, before=first, earlier=earlier
    )


def finish(uow: UnitOfWork, person: Person, inbound_id: int) -> dict[int, dict[str, Any]]:
    """Nothing more is to be done with a message, and with what came before it in its conversation. Returns how they stood, by id."""
    row = inbox.locked(uow, inbound_id)
    lines = [(triage.of(uow, row), row)]
    if row.conversation_id is not None:
        lines += [one for one in triage.waiting_in(uow, row.conversation_id) if one[1].id < row.id]
    before = {one.id: _state(one, line) for line, one in lines}
    for _, one in lines:
        triage.finish(uow, one, actor=person.actor)
    return before


def answer(
    uow: UnitOfWork,
    vault: Vault,
    settings: Settings,
    person: Person,
    inbound_id: int,
    body_text: str,
    *,
    seen: Seen,
    to: str | None = None,
    undo_seconds: int | None = None,
) -> Outbound:
    """Answer whoever wrote, in the conversation's thread and from its mailbox, after the undo window.

    `to` is one of `app.desk.addressees`; without it the answer goes to the sure one.
    Raises Conflict when a newer mail stands in the conversation than the person has `seen` (theirs, or a colleague's
    answer; the same of the same person a second time is the first one), BadInput for an empty or unfinished text and where it is not
    certain who wrote, Refused for a suppressed address.
    """
    body_text = body_text.replace("\r\n", "\n").strip()
    if not body_text:
        raise BadInput(say("the answer is empty"), FieldProblem("body_text", say("Write the answer")))
    if len(body_text) > answering.MOST_CHARS:
        raise BadInput(
            say("the answer is too long"),
            FieldProblem("body_text", say("Keep it under {most_chars} characters", most_chars=answering.MOST_CHARS)),
        )
    prepared.check_finished(uow, body_text)
    row, prospect_id = _owned(uow, inbound_id)
    conversation = _conversation(uow, row)
    address = addressees(uow, row, conversation).chosen(to)
    # Under the prospect's lock, which everybody who answers or receives takes first: of two, the second sees the first.
    now_there = newest(uow, conversation.id)
    if now_there.inbound_id > seen.inbound_id:
        raise Conflict(say("a newer message of theirs has come since you opened this; your answer was not sent"))
    if now_there.outbound_id > seen.outbound_id:
        again = uow.session.get_one(Outbound, now_there.outbound_id)
        same = text_of(again.raw).splitlines() == body_text.splitlines()
        if same and again.kind is OutboundKind.REPLY and again.approved_by == person.actor:
            # Pressed twice: the first has sent it.
            return again
        raise Conflict(say("somebody has answered since you opened this; your answer was not sent"))
    latest = uow.session.get(Inbound, now_there.inbound_id) or row
    window = settings.undo_window if undo_seconds is None else timedelta(seconds=undo_seconds)
    subject = mime.one_line(latest.subject or conversation.subject)[:900]
    made = outbox.enqueue(
        uow,
        vault,
        settings,
        conversation=conversation,
        kind=OutboundKind.REPLY,
        subject=subject if subject.casefold().startswith("re:") else f"Re: {subject}",
        body_text=body_text + "\n",
        body_html=None,
        approved_by=person.actor,
        not_before=uow.now() + window,
        answers=latest.message_id,
        to_address=address,
    )
    for line, waiting in triage.waiting_in(uow, conversation.id):
        triage.finish(uow, waiting, actor=person.actor)
        line.answered_by = made.id
    answering.forget(uow, person, conversation.id)
    conversation.last_message_at = uow.now()
    prospects.note(uow, prospect_id, "answered", actor=person.actor, outbound_id=made.id, inbound_id=row.id)
    decided(uow, person, prospect_id, DecisionKind.ANSWER, inbound_id=row.id, outbound_id=made.id)
    return made


def take_back_answer(uow: UnitOfWork, outbound_id: int, *, actor: str) -> int | None:
    """Take a waiting answer back; what it had answered waits again. Returns one of those messages. Its decision counts as undone.

    Raises Conflict for what has left, and for what is no answer.
    """
    made = outbox.get(uow, outbound_id)
    if made.kind is not OutboundKind.REPLY:
        raise Conflict(say("this is no answer; take it back in the outbox"))
    outbox.cancel(uow, outbound_id, actor=actor)
    decision = select(Decision).where(
        col(Decision.prospect_id) == made.prospect_id,
        col(Decision.kind) == DecisionKind.ANSWER,
        col(Decision.undone_at).is_(None),
    )
    for one in uow.session.execute(decision).scalars():
        if one.data["outbound_id"] == outbound_id:
            one.undone_at = uow.now()
    found = None
    for line, row in triage.answered_by(uow, outbound_id):
        triage.wait(uow, row)
        line.answered_by = None
        found = row.id
    return found


def agree(uow: UnitOfWork, settings: Settings, person: Person, inbound_id: int, url: str | None = None) -> Decision:
    """They said yes. It is not won before a link was seen: the conversation counts as agreed, and comes back if none comes.

    Raises BadInput (field `url`) when `url` is not a page of theirs.
    """
    row, prospect_id = _owned(uow, inbound_id)
    domain = prospects.get(uow, prospect_id).domain
    if url is not None:
        placements.require_theirs(url, domain)
    conversation = _conversation(uow, row)
    line = triage.of(uow, row)
    data = {"inbound_id": row.id, "before": _state(row, line), "agreed": conversation.agreed, "url": url}
    conversation.agreed = True
    triage.sleep(uow, row, uow.now() + timedelta(days=settings.agreed_days))
    for _, earlier in triage.waiting_in(uow, conversation.id):
        if earlier.id != row.id:
            triage.finish(uow, earlier, actor=person.actor)
    prospects.note(uow, prospect_id, "agreed", actor=person.actor, inbound_id=row.id, url=url)
    return _decided(uow, person, prospect_id, DecisionKind.WON, row, **data)


def lose(uow: UnitOfWork, person: Person, inbound_id: int, reason: LostReason) -> Decision:
    """Give the prospect of a message up, with a reason."""
    row, prospect_id = _owned(uow, inbound_id)
    before = _state(row, triage.of(uow, row))
    event = prospects.give_up(uow, prospect_id, reason, actor=person.actor)
    triage.finish(uow, row, actor=person.actor)
    return _decided(
        uow,
        person,
        prospect_id,
        DecisionKind.LOST,
        row,
        inbound_id=row.id,
        before=before,
        reason=reason.value,
        give_up=event.id,
    )


def snooze(uow: UnitOfWork, person: Person, inbound_id: int, until: datetime) -> Decision:
    """Put a message aside until a moment; a newer message of theirs waits at once. Raises BadInput (field `until`) for the past."""
    if until <= uow.now():
        raise BadInput(say("that moment has passed"), FieldProblem("until", say("Choose a later day")))
    row, prospect_id = _owned(uow, inbound_id)
    before = _state(row, triage.of(uow, row))
    triage.sleep(uow, row, until)
    row.handled_by = row.handled_at = None
    prospects.note(uow, prospect_id, "snoozed", actor=person.actor, until=until.isoformat(), inbound_id=row.id)
    return _decided(uow, person, prospect_id, DecisionKind.SNOOZE, row, inbound_id=row.id, before=before)


def reverse(uow: UnitOfWork, person: Person, decision: Decision) -> None:
    """Take back what a class, a snooze, an agreement, a loss or an end has done. Raises Conflict with a sentence where that is impossible."""
    data = decision.data
    if data.get("final"):
        why = kept(data["final"])
        raise Conflict(why if isinstance(why, Sentence) else Sentence(why, {}))
    row = inbox.locked(uow, data["inbound_id"])
    if decision.kind is DecisionKind.ANSWER:
        take_back_answer(uow, data["outbound_id"], actor=person.actor)
        return
    if decision.kind is DecisionKind.WON and prospects.get(uow, decision.prospect_id).stage is Stage.WON:
        raise Conflict(say("the link was seen: this is a win, and it cannot be taken back"))
    if data.get("after", _state(row, triage.of(uow, row))) != _state(row, triage.of(uow, row)):
        raise Conflict(say("another decision about this message was made since; this one cannot be taken back"))
    if data.get("give_up"):
        prospects.take_back_give_up(uow, decision.prospect_id, data["give_up"], actor=person.actor)
    if "snoozed_until" in data:
        was = data["snoozed_until"]
        prospects.get(uow, decision.prospect_id).snoozed_until = datetime.fromisoformat(was) if was else None
    if decision.kind is DecisionKind.WON:
        _conversation(uow, row).agreed = data["agreed"]
    _restore(uow, row, data["before"])
    for number, before in data.get("earlier", {}).items():
        _restore(uow, inbox.locked(uow, int(number)), before)
    prospects.note(uow, decision.prospect_id, "decision_taken_back", actor=person.actor, reason=decision.kind.value)


def _decided(
    uow: UnitOfWork, person: Person, prospect_id: int, kind: DecisionKind, row: Inbound, **data: Any
) -> Decision:
    """The decision with how it leaves the message: only as long as that stands can it be taken back."""
    return decided(uow, person, prospect_id, kind, **data, after=_state(row, triage.of(uow, row)))


def _owned(uow: UnitOfWork, inbound_id: int) -> tuple[Inbound, int]:
    row = inbox.locked(uow, inbound_id)
    if row.prospect_id is None:
        raise Conflict(say("say whose reply this is first: it belongs to no prospect yet"))
    return row, row.prospect_id


def _conversation(uow: UnitOfWork, row: Inbound) -> Conversation:
    found = uow.session.get(Conversation, row.conversation_id) if row.conversation_id else None
    if found is None:
        raise Conflict(say("this message belongs to no conversation of ours; write from your mailbox"))
    return found


def _restore(uow: UnitOfWork, row: Inbound, before: dict[str, Any]) -> None:
    """The reverse of `_state`."""
    line = triage.of(uow, row)
    for name in ("chosen", "chosen_by", "waits", "sleeps"):
        setattr(line, name, before[name])
    line.chosen_at = datetime.fromisoformat(before["chosen_at"]) if before["chosen_at"] else None
    triage.until(line, row, datetime.fromisoformat(before["due_at"]) if before["due_at"] else None)
    row.handled_by = before["handled_by"]
    row.handled_at = datetime.fromisoformat(before["handled_at"]) if before["handled_at"] else None


def _state(row: Inbound, line: Triage) -> dict[str, Any]:
    def text(moment: datetime | None) -> str | None:
        return moment.isoformat() if moment else None

    return {
        "chosen": line.chosen,
        "chosen_by": line.chosen_by,
        "chosen_at": text(line.chosen_at),
        "waits": line.waits,
        "sleeps": line.sleeps,
        "due_at": text(line.due_at),
        "handled_by": row.handled_by,
        "handled_at": text(row.handled_at),
    }
