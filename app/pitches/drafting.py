"""Drafts: proposed from evidence, rendered again with another angle, page or contact, and edited by people."""

from __future__ import annotations

import dataclasses
import re

from app.db.work import UnitOfWork
from app.domain.angles import Angle, Choice, LinkedFact, choice_for, why_not
from app.domain.angles import propose as propose_angle
from app.domain.pipeline import Stage
from app.domain.pitch_contract import lines
from app.domain.said import say
from app.errors import BadInput, Conflict, FieldProblem, NotFound, Refused, Skip
from app.evidence.stored import coverage_row, linked_fact, linked_row
from app.mail.render import versions
from app.mail.render.drafts import bare_subject
from app.mail.render.opt_outs import is_opt_out, line_in
from app.mail.render.templates import MAX_BODY_SOURCE, Message, compose, render
from app.mail.render.variables import clean_values
from app.models import (
    Contact,
    Pitch,
    PitchState,
    Prospect,
)
from app.pitches import facts, repository
from app.prospects import repository as prospect_repository
from app.prospects import service as prospects

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")


def get(uow: UnitOfWork, pitch_id: int) -> Pitch:
    """The pitch; raises NotFound."""
    found = uow.session.get(Pitch, pitch_id)
    if found is None:
        raise NotFound(say("there is no pitch {pitch_id}", pitch_id=pitch_id))
    return found


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
    touch(uow, pitch, "system", "pitch_withdrawn", reason=reason)


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
    pitch = draft_at(uow, pitch_id, version)
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
    anew = (
        wanted.value != pitch.angle
        or page_id not in (None, pitch.page_id)
        or contact_id not in (None, pitch.contact_id)
    )
    why = (
        say("Chosen by {actor}: {why}.", actor=actor, why=choice.why)
        if anew
        else say("Chosen because: {why}.", why=choice.why)
    )
    choice = dataclasses.replace(choice, why=why)
    # The form sends the page of the draft as well; another one is a choice.
    page_chosen = chosen_page(pitch, known) is not None or page_id not in (None, pitch.page_id)
    return _write(uow, evidence, choice, existing=pitch, actor=actor, page_chosen=page_chosen)


def choose_angle(uow: UnitOfWork, pitch_id: int, version: int, angle: str, *, actor: str) -> Pitch:
    """Another angle for the draft; see `choose`."""
    return choose(uow, pitch_id, version, actor=actor, angle=angle)


def edit(uow: UnitOfWork, pitch_id: int, version: int, subject: str, body_text: str, *, actor: str) -> Pitch:
    """Replace the text of a draft. The opt-out line and the signature are put (back) below it, and HTML is made from it.

    What somebody has written below the signature is refused (BadInput), for it would be lost unseen.

    `version` is the one that was edited; raises Conflict when the draft has changed since. The contract is not enforced
    here but shown (`view`) and enforced by `approve`, so that a half-written text can be kept.
    """
    pitch = draft_at(uow, pitch_id, version)
    for field, text, most in (("subject", subject, 1_000), ("body_text", body_text, MAX_BODY_SOURCE)):
        if len(text) > most:
            raise BadInput(
                say("The text is too long."),
                FieldProblem(field, say("has {count} characters, at most {most}", count=len(text), most=most)),
            )
    values = pitch.variables["values"]
    body = _CONTROL.sub("", _without_footer(body_text, values.get("opt_out") or "", pitch.body_text))
    message = compose(_CONTROL.sub("", subject).strip(), body, values)
    pitch.subject, pitch.body_text, pitch.body_html = message.subject, message.body_text, message.body_html
    pitch.variables = {**pitch.variables, "values": {**values, "opt_out": line_in(message.body_text, values)}}
    pitch.edited = True
    return touch(uow, pitch, actor, "pitch_edited")


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
    pitch.why = say("{why} There is no page of yours to offer: add one.", why=why)
    if evidence.fit:
        pitch.why = say("{why} {fit}.", why=why, fit=evidence.fit.why)
    pitch.page_id = evidence.fit.page.id if evidence.fit else None
    pitch.their_page, pitch.reason = values["their_page"], values["reason"]
    pitch.contact_id = evidence.contact.id if evidence.contact else None
    pitch.subject, pitch.body_text, pitch.body_html = message.subject, message.body_text, message.body_html
    coverage = coverage_row(evidence.angle.coverage) if angle is Angle.COVERAGE_GAP else None
    pitch.variables = {"values": values, "linked": linked_row(evidence.angle.linked), "coverage": coverage}
    if page_chosen:
        pitch.variables = {**pitch.variables, "page_chosen": True}
    uow.session.add(pitch)
    return touch(uow, pitch, actor, "pitch_rendered")


def touch(uow: UnitOfWork, pitch: Pitch, actor: str, what: str, reason: str | None = None) -> Pitch:
    """Note a change of a pitch: its version grows, and the history of the prospect says what was done."""
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


def draft_at(uow: UnitOfWork, pitch_id: int, version: int) -> Pitch:
    """The draft as the caller has read it. Raises Conflict where it is none any more, or was changed meanwhile."""
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


def _without_footer(text: str, opt_out: str, before: str) -> str:
    # The text that staff edit may come with the footer that was shown to them; it is put back below what they wrote.
    signed = {line.strip() for line in lines(before.partition("\n-- \n")[2])}
    rows = lines(text)
    end = next((number for number, line in enumerate(rows) if line.strip() == "--"), len(rows))
    lost = [line.strip() for line in rows[end + 1 :] if line.strip() and line.strip() not in signed]
    if lost and not is_opt_out(lost[0], opt_out):
        raise BadInput(
            say("Nothing below the signature is sent, so this would be lost: {line}", line=lost[0][:80]),
            FieldProblem("body_text", say("Write it above the line '--'. The signature itself comes from the site.")),
        )
    return "\n".join(line for line in rows[:end] if not is_opt_out(line, opt_out))
