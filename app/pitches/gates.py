"""The gates before a pitch may be approved: each refusal has a name and a sentence, and all of them are reported at once."""

from __future__ import annotations

from datetime import date

from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.deliverability import service as deliverability
from app.domain.angles import Angle, plain_date
from app.domain.gap import LINKED_BY_DATA, GapState
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
from app.domain.pitch_contract import BrokenRule
from app.domain.said import say
from app.errors import Skip
from app.evidence import repository as evidence_repository
from app.evidence import service as evidence
from app.evidence.stored import coverage_fact, linked_fact
from app.keys import page_url
from app.mail.render.drafts import judge
from app.mail.render.templates import Message
from app.models import Contact, Conversation, Mailbox, MentionCheck, Pitch, Prospect, Site
from app.outbox.recipients import recipient_keys
from app.pitches import facts, one_conversation, repository, rotation
from app.prospects import address_check, suppression
from app.settings import Settings

#: What a page was read for in vain.
_WITHOUT_LINK = (MentionVerdict.NO_MENTION.value, MentionVerdict.UNLINKED_MENTION.value)

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
    site = uow.session.get_one(Site, prospect.site_id)
    rules = contract(uow, pitch)[1]
    skips = [
        (_unsigned(site) if _lacks_sender(rule, pitch) else None) or Skip(rule.name, rule.sentence) for rule in rules
    ]
    if (former := _signed_otherwise(site, pitch)) is not None:
        skips.append(former)
    if prospect.stage is not Stage.CHECKED_MENTION:
        skips.append(
            Skip(
                "wrong-stage",
                say(
                    "{domain}: {stage_sentences}.",
                    domain=prospect.domain,
                    stage_sentences=_STAGE_SENTENCES[prospect.stage],
                ),
            )
        )
    if repository.live_link(uow.session, prospect.id) or prospect.mention is MentionVerdict.LINKED:
        skips.append(Skip("linked-already", say("{domain} links to you already.", domain=prospect.domain)))
    elif pitch.angle != Angle.LINK_RECLAMATION.value and (seen := _data_gate(uow, prospect)) is not None:
        # A link that we have seen go is asked back whatever a list still shows.
        skips.append(seen)
    if (doubt := _reason_gate(uow, settings, pitch)) is not None:
        skips.append(doubt)
    skips += _contact_gates(uow, vault, pitch)
    if (running := domain_gate(uow, vault, settings, pitch)) is not None:
        skips.append(running)
    chosen = mailbox_for(uow, pitch)
    if chosen is not None and (held := deliverability.hold_of(uow.session, chosen[0].email)):
        skips.append(held)
    if chosen is None:
        skips.append(Skip("no-mailbox", _mailbox_sentence(uow, pitch)))
    return skips


def _lacks_sender(rule: BrokenRule, pitch: Pitch) -> bool:
    return rule.name == "unresolved-variable" and any(
        f"{{{{ {name} }}}}" in pitch.body_text for name in facts.OF_SENDER
    )


def _unsigned(site: Site) -> Skip | None:
    """Where the site does not say yet who writes: no text of a person's own belongs into the message for that."""
    if not site.sender_name or not site.postal_address:
        said = say(
            "{site} has no sender name or no postal address yet. Fill them in there; the message is then written again.",
            site=site.name,
        )
        return Skip("no-sender", said)
    return Skip("no-sender", say("The message was written before {site} had a sender. Write it again.", site=site.name))


def _signed_otherwise(site: Site, pitch: Pitch) -> Skip | None:
    """A text that a person has edited is not written again when the site changes its sender; with the former one it may not leave."""
    text, before = " ".join(pitch.body_text.split()), pitch.variables["values"]
    for name, now in facts.sender_of(site).items():
        former = before.get(name)
        if former and now and former != now and former in text:
            return Skip(
                "former-sender",
                say(
                    "The message is signed {former}; {site} says {now} now. Write it again, or change the text.",
                    former=former,
                    site=site.name,
                    now=now,
                ),
            )
    return None


def old_thread(uow: UnitOfWork, pitch: Pitch) -> Conversation | None:
    """The conversation that a link-reclamation goes on with; None for every other angle."""
    if pitch.angle != Angle.LINK_RECLAMATION.value:
        return None
    return repository.newest_conversation(uow.session, pitch.prospect_id)


def mailbox_for(uow: UnitOfWork, pitch: Pitch) -> tuple[Mailbox, str] | None:
    """The mailbox that would send, and why it: the old thread's own, else by `rotation.choose`."""
    thread = old_thread(uow, pitch)
    if thread is None:
        return rotation.choose(uow, uow.session.get_one(Prospect, pitch.prospect_id))
    healthy = repository.healthy_mailboxes(uow.session, uow.now())
    own = next((mailbox for mailbox in healthy if mailbox.id == thread.mailbox_id), None)
    return (own, say("{mailbox}: the thread lives there", mailbox=own.email)) if own is not None else None


def _data_gate(uow: UnitOfWork, prospect: Prospect) -> Skip | None:
    """Our own lists show a link of this domain to us, and no look of ours at that page since has found it missing."""
    if prospect.gap_state is not GapState.LINKED:
        return None
    seen = prospect.gap_seen or {}
    page, as_of = seen.get("page"), seen.get("as_of")
    check = uow.session.get(MentionCheck, prospect.mention_check_id) if prospect.mention_check_id else None
    if page and check and (as_of is None or check.checked_at.date().isoformat() >= as_of):
        read = {one["url"] for one in check.pages if one["verdict"] in _WITHOUT_LINK}
        if page_url(page) in read:
            return None
    values = {"domain": prospect.domain, "file": seen.get("file") or "-", "page": page}
    if as_of:
        values["day"] = plain_date(date.fromisoformat(as_of))
    if page and as_of:
        sentence = say("{domain} links to you already, on {page} (your own list {file} of {day}).", **values)
    elif page:
        sentence = say("{domain} links to you already, on {page} (your own list {file}).", **values)
    elif as_of:
        sentence = say("{domain} links to you already by your own list {file} of {day}, which names no page.", **values)
    else:
        sentence = say("{domain} links to you already by your own list {file}, which names no page.", **values)
    return Skip(LINKED_BY_DATA, sentence)


def _reason_gate(uow: UnitOfWork, settings: Settings, pitch: Pitch) -> Skip | None:
    """Why what a pitch states about other pages must not be said now: it was seen too long ago, or is not seen any more."""
    linked = linked_fact(pitch.variables.get("linked")) if pitch.angle == Angle.RESOURCE_REPLACEMENT.value else None
    covers = coverage_fact(pitch.variables.get("coverage")) if pitch.angle == Angle.COVERAGE_GAP.value else None
    row = evidence_repository.of_prospect(uow.session, pitch.prospect_id) if linked or covers else None
    if row is None or row.looked_at is None:
        return None
    if not evidence.is_fresh(row, settings, uow.now()):
        seen = plain_date(row.looked_at.date())
        return Skip(
            "reason-old",
            say("What this pitch says was seen on {seen}. Their pages are looked at again first.", seen=seen),
        )
    prospect = uow.session.get_one(Prospect, pitch.prospect_id)
    now = facts.gather(uow, prospect, page_id=pitch.page_id).angle
    if linked is not None and now.linked != linked:
        return Skip(
            "reason-changed", say("{page} is not as this pitch says any more. Write it again.", page=linked.page)
        )
    if covers is not None and (now.coverage is None or now.coverage.missing != covers.missing):
        return Skip("reason-changed", say("Their site is not as this pitch says any more. Write it again."))
    return None


def _contact_gates(uow: UnitOfWork, vault: Vault, pitch: Pitch) -> list[Skip]:
    contact = uow.session.get(Contact, pitch.contact_id) if pitch.contact_id else None
    if contact is None:
        return [
            Skip("no-contact", say("There is nobody to write to. Add a contact with the page that shows the address."))
        ]
    prospect = uow.session.get_one(Prospect, pitch.prospect_id)
    refusal = suppression.refusal(uow.session, vault, contact.email, prospect.site_id)
    unfit = address_check.refusal(uow.session, uow.now(), contact.email)
    return [skip for skip in (refusal, unfit) if skip is not None]


def domain_gate(uow: UnitOfWork, vault: Vault, settings: Settings, pitch: Pitch) -> Skip | None:
    """The earlier thread with this domain, or with the contact's, that forbids a new one."""
    contact = uow.session.get(Contact, pitch.contact_id) if pitch.contact_id else None
    return one_conversation.refusal(
        uow,
        settings,
        uow.session.get_one(Prospect, pitch.prospect_id),
        recipient_keys(uow.session, vault, contact.email) if contact else (),
        same_thread=old_thread(uow, pitch) is not None,
    )


def _mailbox_sentence(uow: UnitOfWork, pitch: Pitch) -> str:
    if old_thread(uow, pitch) is not None:
        return "The mailbox of the old thread cannot send now. Look at Settings, Mailboxes."
    return "No mailbox can send now. Connect one, or look at Settings, Mailboxes for the one that is paused."
