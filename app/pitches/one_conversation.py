"""At most one live conversation with a domain, over all sites and people, and a pause before the next.

The gates say it in words; two unique indexes of the table `conversation` make it hold when two approve at the same moment, for the domain
of the prospect and for that of the recipient. That a house and its people stand against each other crosswise is the gate's alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.delivery import HAS_LEFT, OutboundState
from app.domain.public_providers import is_public
from app.errors import Skip
from app.models import Conversation, ConversationState, Outbound, Prospect, SitePacing
from app.settings import Settings


def refusal(
    uow: UnitOfWork, settings: Settings, prospect: Prospect, recipients: Sequence[str], *, same_thread: bool
) -> Skip | None:
    """Why `prospect` cannot be pitched now because of an earlier thread with its domain, or with the recipient's; or None.

    `same_thread`: a link-reclamation goes on in the old thread and needs no pause.
    """
    # Their people may be written to for another prospect of the house, and the house for itself.
    where = [col(Conversation.domain) == prospect.domain, col(Conversation.recipient) == prospect.domain]
    if recipients:
        where.append(col(Conversation.recipient).in_(recipients))
    houses = [one for one in recipients if "@" not in one and not is_public(one)]
    if houses:
        where.append(col(Conversation.domain).in_(houses))
    running = uow.session.execute(
        select(Conversation).where(or_(*where), col(Conversation.state) == ConversationState.OPEN).limit(1)
    ).scalar_one_or_none()
    if running is not None:
        return Skip("in-conversation", _sentence(uow, running, prospect.domain, houses))
    if same_thread:
        return None
    days = _cooldown(uow, settings, prospect.site_id)
    at = func.coalesce(col(Outbound.sent_at), col(Outbound.committed_at))
    last = uow.session.execute(
        select(Conversation, at)
        .join(Outbound, col(Outbound.conversation_id) == col(Conversation.id))
        .where(or_(*where), col(Outbound.state).in_(HAS_LEFT))
        .order_by(at.desc())
        .limit(1)
    ).first()
    if last is None:
        return None
    again = last[1] + timedelta(days=days)
    if again <= uow.now():
        return None
    sentence = f"{_sentence(uow, last[0], prospect.domain, houses)} It may be pitched again from {again:%d %b %Y}."
    return Skip("recent-contact", sentence, until=again.isoformat())


def _cooldown(uow: UnitOfWork, settings: Settings, site_id: int) -> int:
    of_site = uow.session.get(SitePacing, site_id)
    return settings.contact_cooldown_days if of_site is None or of_site.cooldown_days is None else of_site.cooldown_days


def _sentence(uow: UnitOfWork, conversation: Conversation, domain: str, houses: Sequence[str]) -> str:
    newest: Outbound | None = uow.session.execute(
        select(Outbound)
        .where(col(Outbound.conversation_id) == conversation.id, col(Outbound.state) != OutboundState.CANCELLED)
        .order_by(col(Outbound.id).desc())
        .limit(1)
    ).scalar_one_or_none()
    thread = f"thread {conversation.id}, {conversation.subject}"
    # At a public mail provider a hash stands before the domain.
    whose = (conversation.recipient or conversation.domain).rpartition("@")[2]
    house = conversation.domain if conversation.domain in houses else f"people at {whose}"
    what = "this domain" if domain in (conversation.domain, conversation.recipient) else house
    if newest is None:
        return f"A conversation with {what} was begun {_ago(uow.now(), conversation.started_at)} ({thread}). Not sent."
    who = newest.approved_by[:1].upper() + newest.approved_by[1:]
    left = newest.sent_at or newest.committed_at
    if left is None:
        return f"{who} approved a mail to {what} {_ago(uow.now(), newest.created_at)} ({thread}). Not sent."
    return f"{who} wrote to {what} {_ago(uow.now(), left)} ({thread}). Not sent."


def _ago(now: datetime, then: datetime) -> str:
    days = (now - then).days
    return "today" if days < 1 else "yesterday" if days == 1 else f"{days} days ago"
