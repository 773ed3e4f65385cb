"""Who is at a conversation, and the answer that they are writing: kept, so that no key, link or sign-in throws it away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from app.db.work import UnitOfWork
from app.desk.service import Person
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.inbox import service as inbox
from app.models import Answering, Inbound, User

MOST_CHARS = 20_000
# A page says every twenty seconds that it is open; one that is silent for so long is closed.
HERE_FOR = timedelta(seconds=60)


def keep(uow: UnitOfWork, person: Person, inbound_id: int, body_text: str) -> None:
    """Keep what a person is writing as the answer to a message; "" drops it. Raises BadInput for a text that is too long.

    Without a conversation there is nothing to answer, and nothing is kept.
    """
    body_text = body_text.replace("\r\n", "\n")
    if len(body_text) > MOST_CHARS:
        raise BadInput(say("the text is too long to be kept"), FieldProblem("body_text", say("Shorten it")))
    conversation_id = inbox.get(uow, inbound_id).conversation_id
    if conversation_id is None:
        return
    _put(uow, person, conversation_id, body_text=body_text, kept_at=uow.now())


@dataclass(frozen=True, slots=True)
class At:
    """Who is at a conversation: what this person was writing ("": nothing, or it was sent), and `others` that have it open
    with whether they are writing. These are shown, and never relied on: what keeps two answers from leaving is what each has seen.
    """

    kept: str = ""
    others: tuple[tuple[str, bool], ...] = ()


def at(uow: UnitOfWork, person: Person, conversation_id: int | None) -> At:
    """Who is at a conversation, in one statement; nobody is at none."""
    if conversation_id is None:
        return At()
    rows = uow.session.execute(
        select(Answering, col(User.name))
        .join(User, col(User.id) == col(Answering.user_id))
        .where(col(Answering.conversation_id) == conversation_id)
        .order_by(col(User.name))
    ).all()
    since = uow.now() - HERE_FOR
    return At(
        next((row.body_text for row, _name in rows if row.user_id == person.id), ""),
        tuple(
            (name, row.body_text != "")
            for row, name in rows
            if row.user_id != person.id and row.here_at is not None and row.here_at > since
        ),
    )


def forget(uow: UnitOfWork, person: Person, conversation_id: int) -> None:
    """Drop what this person was writing: it was sent."""
    mine = (col(Answering.conversation_id) == conversation_id, col(Answering.user_id) == person.id)
    uow.session.execute(update(Answering).where(*mine).values(body_text="", kept_at=None))


def here(uow: UnitOfWork, person: Person, conversation_id: int) -> None:
    """Note that this person has the conversation open."""
    _put(uow, person, conversation_id, here_at=uow.now())


def take(uow: UnitOfWork, person: Person, inbound_ids: Sequence[int]) -> int | None:
    """The first of these messages whose conversation nobody else has open; this person has it open from now on. None where there is none."""
    conversations = dict(
        uow.session.execute(
            select(col(Inbound.id), col(Inbound.conversation_id)).where(col(Inbound.id).in_(inbound_ids))
        ).all()
    )
    elsewhere = select(col(Answering.conversation_id)).where(
        col(Answering.conversation_id).in_([one for one in conversations.values() if one is not None]),
        col(Answering.user_id) != person.id,
        col(Answering.here_at) > uow.now() - HERE_FOR,
    )
    taken = set(uow.session.execute(elsewhere).scalars())
    for inbound_id in inbound_ids:
        conversation_id = conversations.get(inbound_id)
        if conversation_id in taken:
            continue
        if conversation_id is not None:
            here(uow, person, conversation_id)
        return inbound_id
    return None


def _put(uow: UnitOfWork, person: Person, conversation_id: int, **values: Any) -> None:
    # Two windows of one person may come at the same moment: the row is made or changed in one statement.
    dialect = postgresql if uow.session.get_bind().dialect.name == "postgresql" else sqlite
    key: dict[str, Any] = {"conversation_id": conversation_id, "user_id": person.id}
    statement = dialect.insert(Answering).values(**{"body_text": "", **key, **values})
    uow.session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))
