"""The gates before a pitch may be approved: each refusal has a name and a sentence, and all of them are reported at once."""

from __future__ import annotations

from datetime import timedelta

from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.deliverability import service as deliverability
from app.domain.angles import Angle
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
from app.domain.pitch_contract import BrokenRule
from app.errors import Skip
from app.mail.render.drafts import judge
from app.mail.render.templates import Message
from app.models import Contact, Conversation, Mailbox, Pitch, Prospect, Site
from app.pitches import repository
from app.prospects import suppression
from app.settings import Settings

_STAGE_SENTENCES = {
    Stage.PROSPECT: "their pages were not checked for a mention of you yet; wait for the check, or confirm that it failed",
    Stage.PITCHED: "this domain was pitched already",
    Stage.FOLLOWED_UP: "this domain was pitched already",
    Stage.WON: "this domain links to you",
    Stage.LOST: "this domain was given up; reopen it first",
}


def contract(uow: UnitOfWork, pitch: Pitch) -> tuple[int, tuple[BrokenRule, ...]]:
    """The words of a pitch that count, and the contract rules that it breaks."""
    prospect = uow.session.get_one(Prospect, pitch.prospect_id)
    site = uow.session.get_one(Site, prospect.site_id)
    message = Message(pitch.subject, pitch.body_text, pitch.body_html)
    return judge(message, pitch.variables["values"], our_domains=site.domains)


def gates(uow: UnitOfWork, vault: Vault, settings: Settings, pitch: Pitch) -> list[Skip]:
    """Everything that keeps this pitch from being approved now; an empty list means that it may go."""
    prospect = uow.session.get_one(Prospect, pitch.prospect_id)
    skips = [Skip(rule.name, rule.sentence) for rule in contract(uow, pitch)[1]]
    if prospect.stage is not Stage.CHECKED_MENTION:
        skips.append(Skip("wrong-stage", f"{prospect.domain}: {_STAGE_SENTENCES[prospect.stage]}."))
    if repository.live_link(uow.session, prospect.id) or prospect.mention is MentionVerdict.LINKED:
        skips.append(Skip("linked-already", f"{prospect.domain} links to you already."))
    skips += _contact_gates(uow, vault, pitch)
    skips += _domain_gates(uow, settings, pitch, prospect)
    mailbox = mailbox_for(uow, pitch)
    if mailbox is not None and (held := deliverability.hold_of(uow.session, mailbox.email)):
        skips.append(held)
    if mailbox is None:
        skips.append(Skip("no-mailbox", _mailbox_sentence(uow, pitch)))
    return skips


def old_thread(uow: UnitOfWork, pitch: Pitch) -> Conversation | None:
    """The conversation that a link-reclamation goes on with; None for every other angle."""
    if pitch.angle != Angle.LINK_RECLAMATION.value:
        return None
    return repository.newest_conversation(uow.session, pitch.prospect_id)


def mailbox_for(uow: UnitOfWork, pitch: Pitch) -> Mailbox | None:
    """The mailbox that would send: the old thread's own, else the healthy one that was used least, of a domain that is not held."""
    healthy = repository.healthy_mailboxes(uow.session, uow.now())
    thread = old_thread(uow, pitch)
    if thread is not None:
        return next((mailbox for mailbox in healthy if mailbox.id == thread.mailbox_id), None)
    free = (mailbox for mailbox in healthy if deliverability.hold_of(uow.session, mailbox.email) is None)
    return next(free, healthy[0] if healthy else None)


def _contact_gates(uow: UnitOfWork, vault: Vault, pitch: Pitch) -> list[Skip]:
    contact = uow.session.get(Contact, pitch.contact_id) if pitch.contact_id else None
    if contact is None:
        return [Skip("no-contact", "There is nobody to write to. Add a contact with the page that shows the address.")]
    prospect = uow.session.get_one(Prospect, pitch.prospect_id)
    refusal = suppression.refusal(uow.session, vault, contact.email, prospect.site_id)
    return [refusal] if refusal else []


def _domain_gates(uow: UnitOfWork, settings: Settings, pitch: Pitch, prospect: Prospect) -> list[Skip]:
    running = repository.open_conversation_at(uow.session, prospect.domain)
    if running is not None:
        started = f"{running.started_at:%d %b %Y}"
        return [
            Skip(
                "in-conversation", f"A conversation with {prospect.domain} is open since {started} ({running.subject})."
            )
        ]
    if old_thread(uow, pitch) is not None:
        return []
    last = repository.last_sent_to(uow.session, prospect.domain)
    again = last + timedelta(days=settings.contact_cooldown_days) if last else None
    if last is None or again is None or again <= uow.now():
        return []
    sentence = f"{prospect.domain} was written to on {last:%d %b %Y}; not before {again:%d %b %Y} again."
    return [Skip("recent-contact", sentence, until=again.isoformat())]


def _mailbox_sentence(uow: UnitOfWork, pitch: Pitch) -> str:
    if old_thread(uow, pitch) is not None:
        return "The mailbox of the old thread cannot send now. Look at Settings, Mailboxes."
    return "No mailbox can send now. Connect one, or look at Settings, Mailboxes for the one that is paused."
