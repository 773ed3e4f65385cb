"""Takes back what a machine read as an opt-out and was none: by a person, with a reason, on record."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import col

from app.audit import service as audit
from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.domain.blocking import Blocking
from app.domain.inbound import Kind
from app.domain.inbound_opt_out import by_words
from app.domain.pipeline import Stage
from app.domain.said import say
from app.domain.suppression_rules import WISHES
from app.domain.triage import ReplyClass
from app.errors import BadInput, Conflict, FieldProblem
from app.inbox import service as inbox
from app.inbox import triage
from app.models import Inbound, Outbound, StageEvent
from app.prospects import repository, suppression
from app.prospects import service as prospects

MOST_CHARS = 500


def is_reading(row: Inbound) -> bool:
    """Whether this message counts as an opt-out because of its words alone, as a machine has read them."""
    return row.kind == Kind.OPT_OUT.value and by_words(row.rule)


def take_back(uow: UnitOfWork, vault: Vault, inbound_id: int, reason: str, *, actor: str) -> Inbound:
    """A person says that the words of this message are no opt-out: it is a reply, the address is free, the prospect stands as before.

    The follow-ups stay ended, as after every reply. Raises BadInput (field `reason`) without a reason, and Conflict where they have
    opted out by an act of their own as well (the link or the button of a mail program, a complaint) or a person has read it so.
    """
    reason = reason.strip()[:MOST_CHARS]
    if not reason:
        raise BadInput(say("say why it is no opt-out"), FieldProblem("reason", say("A sentence; it is kept")))
    row = inbox.locked(uow, inbound_id)
    if not is_reading(row) or row.rule is None:
        raise Conflict(say("this is no opt-out that the program has read out of somebody's words"))
    line = triage.of(uow, row)
    if line.chosen == ReplyClass.UNSUBSCRIBE:
        raise Conflict(say("{who} has read it as an opt-out, too; a lead may lift the suppression", who=line.chosen_by))
    also = _read_as_well(uow, vault, row)
    for rule in suppression.read_in(uow.session, row.id, row.rule):
        if also is None:
            suppression.remove(uow, rule.id, reason=reason, actor=actor, is_lead=True)
        else:
            rule.source = suppression.reading(also.id, also.rule)
    if row.prospect_id is not None:
        _restore(uow, row, row.prospect_id, actor, stage=also is None)
        prospects.note(uow, row.prospect_id, "opt_out_taken_back", actor=actor, reason=reason, inbound_id=row.id)
    told = {"kind": row.kind, "rule": row.rule}
    row.kind, row.intent = Kind.REPLY.value, None
    line.suggested = None
    triage.wait(uow, row)
    after = {"kind": row.kind}
    audit.record(
        uow, "message.no_opt_out", "message", row.id, name=row.from_address, before=told, after=after, reason=reason
    )
    return row


def _read_as_well(uow: UnitOfWork, vault: Vault, row: Inbound) -> Inbound | None:
    """Another message of the conversation that a machine reads as an opt-out. Raises Conflict for what is more than a reading."""
    outbound = uow.session.get(Outbound, row.outbound_id) if row.outbound_id else None
    for address in {row.from_address, outbound.to_address if outbound else None} - {None}:
        for rule in suppression.rules_against(uow.session, vault, str(address)):
            if rule.reason in WISHES and not suppression.is_reading(rule.source):
                raise Conflict(say("{sentence}; that is final", sentence=suppression.sentence(rule)))
    also = None
    for event in repository.blocking_after(uow.session, row.prospect_id, 0) if row.prospect_id is not None else ():
        if event.kind not in (Blocking.UNSUBSCRIBE, Blocking.COMPLAINT) or event.inbound_id == row.id:
            continue
        other = uow.session.get(Inbound, event.inbound_id) if event.inbound_id is not None else None
        if other is None or not is_reading(other):
            raise Conflict(
                say(
                    "they have said so by other means as well: {detail}; that is final",
                    detail=event.detail or event.kind,
                )
            )
        also = other
    return also


def _restore(uow: UnitOfWork, row: Inbound, prospect_id: int, actor: str, *, stage: bool) -> None:
    event = repository.standing_block(uow.session, prospect_id, row.id, Blocking.UNSUBSCRIBE)
    if event is None:
        # Matched by nothing but the sender: it has paused, and a person still has to say whose it is.
        return
    event.cleared_at, event.cleared_by = uow.now(), actor
    prospects.block(uow, prospect_id, Blocking.REPLY, inbound_id=row.id, detail=f"by {actor}")
    if not stage:
        return
    latest = repository.last_move(uow.session, prospect_id)
    given_up = select(StageEvent).where(
        col(StageEvent.id) == latest, col(StageEvent.actor) == "inbox", col(StageEvent.to_stage) == Stage.LOST
    )
    if uow.session.execute(given_up).first() is not None and latest is not None:
        prospects.take_back_give_up(uow, prospect_id, latest, actor=actor)
