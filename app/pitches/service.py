"""Pitches: proposed from evidence, edited by staff, held to every gate, and approved into the outbox in one transaction."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import IntegrityError

from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.domain.angles import Angle, Choice, LinkedFact, choice_for, why_not
from app.domain.angles import propose as propose_angle
from app.domain.pipeline import Stage
from app.domain.pitch_contract import BrokenRule, lines
from app.domain.said import say
from app.domain.sequence_rules import STARTER, STARTER_NAME
from app.errors import BadInput, Conflict, FieldProblem, NotFound, Refused, Skip
from app.evidence.stored import coverage_row, linked_fact, linked_row
from app.mail.render import versions
from app.mail.render.drafts import Draft, bare_subject, judge
from app.mail.render.opt_outs import is_opt_out, line_in
from app.mail.render.templates import MAX_BODY_SOURCE, Message, TemplateSource, compose, load, render
from app.mail.render.variables import clean_values
from app.models import (
    Contact,
    Conversation,
    ConversationState,
    Outbound,
    OutboundKind,
    Pitch,
    PitchState,
    Prospect,
    RunState,
    Sequence,
    SequenceRun,
    TemplateVersion,
)
from app.outbox import service as outbox
from app.outbox.recipients import recipient_key
from app.pitches import facts, gates, repository
from app.prospects import leases
from app.prospects import repository as prospect_repository
from app.prospects import service as prospects
from app.settings import Settings

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class PitchView:
    """A pitch with what a person needs to decide: counted words, broken contract rules, and everything that refuses it."""

    pitch: Pitch
    words: int
    broken: tuple[BrokenRule, ...]
    skips: tuple[Skip, ...]


def get(uow: UnitOfWork, pitch_id: int) -> Pitch:
    """The pitch; raises NotFound."""
    found = uow.session.get(Pitch, pitch_id)
    if found is None:
        raise NotFound(say("there is no pitch {pitch_id}", pitch_id=pitch_id))
    return found


def view(uow: UnitOfWork, vault: Vault, settings: Settings, pitch: Pitch) -> PitchView:
    """What would happen if this pitch were approved now."""
    words, broken = gates.contract(uow, pitch)
    return PitchView(pitch, words, broken, tuple(gates.gates(uow, vault, settings, pitch)))


def propose(
    uow: UnitOfWork,
    prospect_id: int,
    *,
    actor: str = "system",
    linked: LinkedFact | None = None,
    by_hand: bool = True,
) -> Pitch:
    """The draft for a prospect: the angle that the evidence speaks for, rendered. An edited draft is left as it is.

    `linked` is a checked fact about the page that theirs links to, instead of the one that was kept. Somebody asks for the
    draft (`by_hand`), or the machine makes it: then, where no fact speaks for any angle, it raises Refused (`no-reason`).
    """
    prospect_repository.lock(uow.session, prospect_id)
    prospect = prospects.get(uow, prospect_id)
    if prospect.stage not in (Stage.PROSPECT, Stage.CHECKED_MENTION):
        raise Conflict(
            say(
                "{domain} is {value}: there is nothing to pitch now", domain=prospect.domain, value=prospect.stage.value
            )
        )
    existing = repository.draft_of(uow.session, prospect_id)
    if existing is not None and existing.edited:
        return existing
    known = facts.know(uow, prospect)
    if linked is None and existing is not None and known.seen is None:
        linked = linked_fact(existing.variables.get("linked"))
    chosen = chosen_page(existing, known)
    evidence = facts.gather(uow, prospect, linked=linked, page_id=chosen, known=known)
    proposal = propose_angle(evidence.angle, by_hand=by_hand)
    if proposal is None:
        reasons = "; ".join(f"{angle.value}: {why_not(angle, evidence.angle)}" for angle in Angle)
        raise Refused(
            say("No draft for {domain}: no fact speaks for any angle.", domain=prospect.domain),
            Skip("no-reason", say("{reasons}.", reasons=reasons)),
        )
    choice = Choice(proposal.angle, proposal.why, proposal.reason)
    return _write(uow, evidence, choice, existing=existing, actor=actor, page_chosen=chosen is not None)


def chosen_page(draft: Pitch | None, known: facts.Known) -> int | None:
    """The page of ours that a person has chosen for a draft, as long as we promote it."""
    if draft is None or not draft.variables.get("page_chosen"):
        return None
    return draft.page_id if any(page.id == draft.page_id for page in known.pages) else None


def rests_on_evidence(pitch: Pitch) -> bool:
    """Whether a pitch states what a look at other pages proved."""
    key = {Angle.RESOURCE_REPLACEMENT.value: "linked", Angle.COVERAGE_GAP.value: "coverage"}.get(pitch.angle)
    return key is not None and bool(pitch.variables.get(key))


def withdraw(uow: UnitOfWork, pitch: Pitch, *, reason: str) -> None:
    """Take a draft back whose reason is gone."""
    pitch.state = PitchState.WITHDRAWN
    _touch(uow, pitch, "system", "pitch_withdrawn", reason=reason)


def choose(
    uow: UnitOfWork,
    pitch_id: int,
    version: int,
    *,
    actor: str,
    angle: str | None = None,
    page_id: int | None = None,
    contact_id: int | None = None,
) -> Pitch:
    """Render the draft again with another angle, page or contact; what is not given stays. An edited text is replaced.

    Raises BadInput when the evidence does not carry the angle, or the page or contact is not of this prospect.
    """
    pitch = _draft(uow, pitch_id, version)
    prospect = prospects.get(uow, pitch.prospect_id)
    known = facts.know(uow, prospect)
    linked = linked_fact(pitch.variables.get("linked")) if known.seen is None else None
    evidence = facts.gather(uow, prospect, linked=linked, page_id=page_id or pitch.page_id, known=known)
    if page_id is not None and evidence.fit is None:
        raise BadInput(
            say("The page cannot be used."),
            FieldProblem("page_id", say("{page_id} is no page of this site", page_id=page_id)),
        )
    try:
        wanted = Angle(angle or pitch.angle)
    except ValueError:
        raise BadInput(
            say("The angle is unknown."), FieldProblem("angle", say("use one of {names}", names=", ".join(Angle)))
        ) from None
    choice = choice_for(wanted, evidence.angle)
    if choice is None:
        problem = FieldProblem(
            "angle", say("the evidence does not carry {value}; see the alternatives", value=wanted.value)
        )
        raise BadInput(say("The angle cannot be used."), problem)
    contact = _contact(uow, prospect, contact_id or pitch.contact_id)
    evidence = dataclasses.replace(evidence, contact=contact)
    choice = dataclasses.replace(choice, why=f"Chosen by {actor}: {choice.why}.")
    # The form sends the page of the draft as well; another one is a choice.
    page_chosen = chosen_page(pitch, known) is not None or page_id not in (None, pitch.page_id)
    return _write(uow, evidence, choice, existing=pitch, actor=actor, page_chosen=page_chosen)


def choose_angle(uow: UnitOfWork, pitch_id: int, version: int, angle: str, *, actor: str) -> Pitch:
    """Another angle for the draft; see `choose`."""
    return choose(uow, pitch_id, version, actor=actor, angle=angle)


def edit(uow: UnitOfWork, pitch_id: int, version: int, subject: str, body_text: str, *, actor: str) -> Pitch:
    """Replace the text of a draft. The opt-out line and the signature are put (back) below it, and HTML is made from it.

    `version` is the one that was edited; raises Conflict when the draft has changed since. The contract is not enforced
    here but shown (`view`) and enforced by `approve`, so that a half-written text can be kept.
    """
    pitch = _draft(uow, pitch_id, version)
    for field, text, most in (("subject", subject, 1_000), ("body_text", body_text, MAX_BODY_SOURCE)):
        if len(text) > most:
            raise BadInput(
                say("The text is too long."),
                FieldProblem(field, say("has {count} characters, at most {most}", count=len(text), most=most)),
            )
    values = pitch.variables["values"]
    body = _CONTROL.sub("", _without_footer(body_text, values.get("opt_out") or ""))
    message = compose(_CONTROL.sub("", subject).strip(), body, values)
    pitch.subject, pitch.body_text, pitch.body_html = message.subject, message.body_text, message.body_html
    pitch.variables = {**pitch.variables, "values": {**values, "opt_out": line_in(message.body_text, values)}}
    pitch.edited = True
    return _touch(uow, pitch, actor, "pitch_edited")


def approve(
    uow: UnitOfWork,
    vault: Vault,
    settings: Settings,
    pitch_id: int,
    version: int,
    *,
    actor: str,
    caller: str | None = None,
    undo_window: timedelta | None = None,
) -> Outbound:
    """Freeze the pitch into the outbox, with its conversation and its sequence run; it leaves after the undo window.

    Every gate is asked again under the lock of the prospect. `caller` is who may hold the lease on the domain; with another
    holder it is refused. `undo_window` None is the installation's. Raises Refused with each reason, and Conflict when the draft
    was changed or approved meanwhile.
    """
    pitch = _draft(uow, pitch_id, version)
    prospect = prospects.get(uow, pitch.prospect_id)
    uow.session.refresh(prospect)
    skips = gates.gates(uow, vault, settings, pitch)
    leased = leases.refusal(uow.session, prospect.domain, uow.now(), caller)
    if leased is not None:
        skips.append(leased)
    chosen = gates.mailbox_for(uow, pitch)
    if skips or chosen is None:
        raise Refused(say("The pitch to {domain} was not approved.", domain=prospect.domain), *skips)
    contact = uow.session.get_one(Contact, pitch.contact_id)
    conversation = _conversation(uow, vault, settings, pitch, contact, chosen[0].id)
    sequence = repository.newest_sequence(uow.session, prospect.site_id) or _starter(uow, prospect.site_id)
    run = SequenceRun(
        prospect_id=prospect.id,
        sequence_id=sequence.id,
        conversation_id=conversation.id,
        pitch_id=pitch.id,
        state=RunState.ACTIVE,
        started_at=uow.now(),
    )
    uow.session.add(run)
    uow.session.flush()  # The outbox row needs the run's id.
    if not repository.move(uow.session, pitch.id, version, PitchState.DRAFT, PitchState.APPROVED):
        raise Conflict(say("the pitch was changed at the same moment; look again"))
    uow.session.refresh(pitch)
    pitch.approved_by, pitch.approved_at, pitch.updated_at = actor, uow.now(), uow.now()
    outbound = outbox.enqueue(
        uow,
        vault,
        settings,
        conversation=conversation,
        kind=OutboundKind.PITCH,
        subject=pitch.subject,
        body_text=pitch.body_text,
        body_html=pitch.body_html,
        sequence_run_id=run.id,
        step_no=0,
        not_before=uow.now() + (settings.undo_window if undo_window is None else undo_window),
        approved_by=actor,
    )
    prospects.note(
        uow,
        prospect.id,
        "pitch_approved",
        actor=actor,
        pitch_id=pitch.id,
        outbound_id=outbound.id,
        angle=pitch.angle,
        mailbox=chosen[1],
    )
    return outbound


def undo(uow: UnitOfWork, pitch_id: int, *, actor: str) -> Pitch:
    """Take an approved pitch back out of the outbox while nobody has begun to send it; it is a draft again.

    Raises Conflict once a worker has taken it: what may have left cannot be taken back.
    """
    pitch = get(uow, pitch_id)
    prospect_repository.lock(uow.session, pitch.prospect_id)
    uow.session.refresh(pitch)
    run = repository.run_of(uow.session, pitch_id)
    outbound = repository.first_message(uow.session, run.id) if run else None
    if pitch.state is not PitchState.APPROVED or run is None or outbound is None:
        raise Conflict(say("this pitch is not in the outbox"))
    outbox.cancel(uow, outbound.id, actor=actor, reason="undone")
    run.state, run.end_reason, run.ended_at = RunState.ENDED, "undone", uow.now()
    conversation = uow.session.get_one(Conversation, run.conversation_id)
    conversation.state, conversation.closed_at = ConversationState.CLOSED, uow.now()
    newer = repository.draft_of(uow.session, pitch.prospect_id)
    pitch.state = PitchState.WITHDRAWN if newer else PitchState.DRAFT
    pitch.approved_by = pitch.approved_at = None
    return _touch(uow, pitch, actor, "pitch_undone")


def save_template_version(
    uow: UnitOfWork,
    name: str,
    source: TemplateSource,
    *,
    actor: str,
    note: str | None = None,
    after: int | None = None,
) -> TemplateVersion:
    """Keep a new version of a template for new drafts; raises BadInput that names part and line. Drafts keep their text.

    With `after`, the version that was edited, it raises Conflict when somebody saved another one meanwhile.
    """
    return versions.save(uow, name, source, actor=actor, note=note, after=after)


def preview(uow: UnitOfWork, name: str, source: TemplateSource, prospect_id: int) -> Draft:
    """How `source` would read for a real prospect, and what the contract says; nothing is stored."""
    load(name)
    evidence = facts.gather(uow, prospects.get(uow, prospect_id))
    proposal = propose_angle(evidence.angle, by_hand=True)
    values = facts.values_of(evidence, proposal.reason if proposal else None)
    message = render(source, values)
    words, broken = judge(message, values, our_domains=evidence.site.domains)
    return Draft(name, message, words, broken)


def _write(
    uow: UnitOfWork,
    evidence: facts.Evidence,
    choice: Choice,
    *,
    existing: Pitch | None,
    actor: str,
    page_chosen: bool,
) -> Pitch:
    angle, why = choice.angle, choice.why
    values = facts.values_of(evidence, choice.reason)
    if angle is not Angle.COVERAGE_GAP:
        values["coverage"] = None
    if angle is not Angle.RESOURCE_REPLACEMENT:
        values.update(dict.fromkeys(("linked_page", "linked_fault", "linked_broken")))
    source, label = versions.newest(uow, angle.value)
    message = render(source, values)
    values["opt_out"] = line_in(message.body_text, clean_values(values))
    thread = repository.newest_conversation(uow.session, evidence.prospect.id)
    if angle is Angle.LINK_RECLAMATION and thread is not None:
        message = Message(f"Re: {bare_subject(thread.subject)}", message.body_text, message.body_html)
    pitch = existing or Pitch(
        prospect_id=evidence.prospect.id,
        angle=angle.value,
        why=why,
        subject="",
        body_text="",
        body_html="",
        template_version=label,
        created_at=uow.now(),
        updated_at=uow.now(),
    )
    pitch.angle, pitch.template_version, pitch.edited = angle.value, label, False
    pitch.why = f"{why} {evidence.fit.why}." if evidence.fit else f"{why} There is no page of yours to offer: add one."
    pitch.page_id = evidence.fit.page.id if evidence.fit else None
    pitch.their_page, pitch.reason = values["their_page"], values["reason"]
    pitch.contact_id = evidence.contact.id if evidence.contact else None
    pitch.subject, pitch.body_text, pitch.body_html = message.subject, message.body_text, message.body_html
    coverage = coverage_row(evidence.angle.coverage) if angle is Angle.COVERAGE_GAP else None
    pitch.variables = {"values": values, "linked": linked_row(evidence.angle.linked), "coverage": coverage}
    if page_chosen:
        pitch.variables = {**pitch.variables, "page_chosen": True}
    uow.session.add(pitch)
    return _touch(uow, pitch, actor, "pitch_rendered")


def _touch(uow: UnitOfWork, pitch: Pitch, actor: str, what: str, reason: str | None = None) -> Pitch:
    pitch.version += 1
    pitch.updated_at = uow.now()
    uow.session.flush()  # The caller shows the pitch with its id and version.
    prospects.note(
        uow,
        pitch.prospect_id,
        what,
        actor=actor,
        reason=reason,
        pitch_id=pitch.id,
        angle=pitch.angle,
        version=pitch.version,
    )
    return pitch


def _draft(uow: UnitOfWork, pitch_id: int, version: int) -> Pitch:
    pitch = get(uow, pitch_id)
    prospect_repository.lock(uow.session, pitch.prospect_id)
    uow.session.refresh(pitch)
    if pitch.state is not PitchState.DRAFT:
        raise Conflict(say("the pitch is {value} already", value=pitch.state.value), state=pitch.state.value)
    if pitch.version != version:
        raise Conflict(say("the pitch was changed meanwhile; look at the present text first"), version=pitch.version)
    return pitch


def _contact(uow: UnitOfWork, prospect: Prospect, contact_id: int | None) -> Contact | None:
    contact = uow.session.get(Contact, contact_id) if contact_id else None
    if contact_id is not None and (contact is None or contact.prospect_id != prospect.id):
        problem = FieldProblem(
            "contact_id", say("{contact_id} is no contact of {domain}", contact_id=contact_id, domain=prospect.domain)
        )
        raise BadInput(say("The contact cannot be used."), problem)
    return contact


def _conversation(
    uow: UnitOfWork, vault: Vault, settings: Settings, pitch: Pitch, contact: Contact, mailbox_id: int
) -> Conversation:
    prospect = prospects.get(uow, pitch.prospect_id)
    floor = prospect_repository.newest_blocking_id(uow.session, prospect.id)
    recipient = recipient_key(vault, contact.email)
    try:
        with uow.session.begin_nested():
            conversation = gates.old_thread(uow, pitch)
            if conversation is not None:
                conversation.state, conversation.closed_at = ConversationState.OPEN, None
                conversation.event_floor, conversation.agreed = floor, False
                conversation.contact_id, conversation.recipient = contact.id, recipient
            else:
                conversation = Conversation(
                    site_id=prospect.site_id,
                    prospect_id=prospect.id,
                    contact_id=contact.id,
                    mailbox_id=mailbox_id,
                    domain=prospect.domain,
                    recipient=recipient,
                    subject=pitch.subject,
                    event_floor=floor,
                    started_at=uow.now(),
                )
            uow.session.add(conversation)
    except IntegrityError:
        # Two people, or two sites, approved for one domain at the same moment: the index let one through, and by now its
        # thread can be read and named.
        unknown = Skip(
            "in-conversation",
            say("Somebody else began a conversation with {domain} just now. Not sent.", domain=prospect.domain),
        )
        raise Refused(
            say("The pitch was not approved."), gates.domain_gate(uow, vault, settings, pitch) or unknown
        ) from None
    return conversation


def _starter(uow: UnitOfWork, site_id: int) -> Sequence:
    made = Sequence(
        site_id=site_id,
        name=STARTER_NAME,
        version=1,
        steps=[dict(step) for step in STARTER],
        created_by="system",
        created_at=uow.now(),
    )
    uow.session.add(made)
    uow.session.flush()  # The run needs its id.
    return made


def _without_footer(text: str, opt_out: str) -> str:
    # The text that staff edit may come with the footer that was shown to them; it is put back below what they wrote.
    kept = []
    for line in lines(text):
        if line.strip() == "--":
            break
        if not is_opt_out(line, opt_out):
            kept.append(line)
    return "\n".join(kept)
