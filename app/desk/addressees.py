"""Whom an answer goes to: the person who wrote, not the one we had written to; where that is not certain, a person says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import col

from app.addresses import clean_address
from app.db.work import UnitOfWork
from app.domain.inbound import OWN_SIDE, Kind
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.inbox.matching import proven
from app.models import Contact, Conversation, Inbound, Mailbox

# What people write. A machine's mail is no reason to write to the machine.
OF_PEOPLE = frozenset((Kind.REPLY.value, Kind.OPT_OUT.value))
MOST_WRITERS = 50


@dataclass(frozen=True, slots=True)
class Addressees:
    """The addresses that an answer may go to, the most likely first; `sure` is the one that needs no question, or None."""

    choices: tuple[str, ...]
    sure: str | None

    def chosen(self, to: str | None) -> str:
        """What a person has chosen, or else the sure one. Raises BadInput (field `to`) for neither, and for a stranger."""
        if not to:
            if self.sure is None:
                raise BadInput(
                    say("it is not certain who wrote this"), FieldProblem("to", say("Choose whom your answer goes to"))
                )
            return self.sure
        found = next((choice for choice in self.choices if choice.lower() == to.strip().lower()), None)
        if found is None:
            raise BadInput(
                say("{to} takes no part in this conversation", to=to),
                FieldProblem("to", say("Choose whom your answer goes to")),
            )
        return found


def addressees(uow: UnitOfWork, row: Inbound, conversation: Conversation) -> Addressees:
    """Whom an answer to `row` may go to: its Reply-To, its sender, our contact, and who else wrote in the conversation."""
    ours = uow.session.execute(select(col(Mailbox.email))).scalars().all()
    writers = uow.session.execute(
        select(col(Inbound.from_address))
        .where(col(Inbound.conversation_id) == conversation.id, col(Inbound.kind).in_(OF_PEOPLE))
        .order_by(col(Inbound.id).desc())
        .limit(MOST_WRITERS)
    ).scalars()
    contact = uow.session.get_one(Contact, conversation.contact_id)
    return among(row, contact.email, ours=ours, writers=writers)


def among(row: Inbound, contact: str, *, ours: Iterable[str], writers: Iterable[str | None]) -> Addressees:
    """The same of what was read already: `ours` are the addresses of all mailboxes, `writers` the people of the conversation, newest first."""
    own = {email.lower() for email in ours}
    asked = _usable((row.parsed or {}).get("reply_to"), own)
    sender = _usable(row.from_address, own)
    theirs = [address for address in (asked, sender) if address]
    if row.kind not in OF_PEOPLE or row.rule == OWN_SIDE:
        # A machine wrote it, or a colleague who hands on what they were told.
        theirs = []
    found: dict[str, str] = {}
    for address in [*theirs, contact, sender, *(_usable(writer, own) for writer in writers)]:
        if address:
            found.setdefault(address.lower(), address)
    choices = tuple(found.values())
    if not theirs:
        return Addressees(choices, contact)
    # By its From header alone a message proves nothing: it may be a stranger's who wants to be written to.
    sure = proven(row.match_kind) or theirs[0].lower() == contact.lower()
    return Addressees(choices, theirs[0] if sure else None)


def _usable(address: object, ours: set[str]) -> str | None:
    """The address in the form in which mail is sent to it; None for what cannot be written to, and for a mailbox of ours."""
    if not isinstance(address, str) or not address:
        return None
    try:
        email = clean_address(address)
    except BadInput:
        return None
    local, _, domain = email.lower().rpartition("@")
    return None if f"{local.partition('+')[0]}@{domain}" in ours else email
