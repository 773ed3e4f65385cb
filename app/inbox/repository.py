"""The SQL of the inbox: cursors, raw messages, and what they are matched with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Table, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session, col

from app.db.parts import parts
from app.mail.accounts import same_account
from app.mail.ports import Head
from app.models import (
    BlockingEvent,
    Folder,
    Inbound,
    InboundLocation,
    InboundState,
    Mailbox,
    Outbound,
    OutboundAlias,
)
from app.prospects import repository as prospects_repository

UNDONE = (InboundState.STORED, InboundState.PARSED, InboundState.MATCHED)
_QUIET = {"synchronize_session": False}


def _insert(session: Session, table: Any) -> Any:
    make = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    return make(table)


def changed(result: Any) -> int:
    """How many rows an UPDATE has changed."""
    return cast(CursorResult[Any], result).rowcount


def ensure_folder(session: Session, mailbox_id: int, name: str, role: str) -> None:
    """Make the folder's row if it is new; two pollers may try at once."""
    session.execute(
        _insert(session, Folder)
        .values(mailbox_id=mailbox_id, name=name, role=role, next_uid=0, generation=0, resets_in_row=0)
        .on_conflict_do_nothing()
    )


def folders_of(session: Session, mailbox_id: int) -> list[Folder]:
    """The folders of a mailbox, the inbox first."""
    found = session.execute(select(Folder).where(col(Folder.mailbox_id) == mailbox_id).order_by(col(Folder.id)))
    return sorted(found.scalars(), key=lambda folder: folder.role != "inbox")


def lock_folder(session: Session, folder_id: int) -> Folder:
    """The row, fresh and locked until the transaction ends."""
    statement = select(Folder).where(col(Folder.id) == folder_id).with_for_update()
    return cast(Folder, session.execute(statement.execution_options(populate_existing=True)).scalar_one())


def lock_message(session: Session, inbound_id: int, *, joins: int | None = None) -> Inbound | None:
    """The message, fresh and locked, after the prospect it belongs to (and `joins`, which it will belong to).

    Prospect before message is the order of everybody who takes both: the worker that acts, the one that puts a message
    aside, and staff. None when there is no such message, or when it was given to another prospect meanwhile.
    """
    known = session.execute(select(col(Inbound.prospect_id)).where(col(Inbound.id) == inbound_id)).one_or_none()
    if known is None:
        return None
    for prospect_id in sorted({owner for owner in (known[0], joins) if owner is not None}):
        prospects_repository.lock(session, prospect_id)
    row = session.get(Inbound, inbound_id, with_for_update=True, populate_existing=True)
    return row if row is not None and row.prospect_id in (None, known[0], joins) else None


def quarantined_since(session: Session, since: datetime) -> int:
    """How many messages that came since then lie in quarantine."""
    statement = select(func.count()).where(
        col(Inbound.state) == InboundState.QUARANTINED, col(Inbound.stored_at) >= since
    )
    return int(session.execute(statement).scalar_one())


def advance(session: Session, folder_id: int, generation: int, next_uid: int) -> None:
    """Move the cursor forward, never back, and only within its generation."""
    session.execute(
        update(Folder)
        .where(col(Folder.id) == folder_id, col(Folder.generation) == generation, col(Folder.next_uid) < next_uid)
        .values(next_uid=next_uid)
        .execution_options(**_QUIET)
    )


def stored_uids(session: Session, folder_id: int, generation: int, uids: Sequence[int]) -> set[int]:
    """Which of `uids` are stored under this generation of the folder."""
    found: set[int] = set()
    for some in parts(uids):
        found.update(
            session.execute(
                select(col(InboundLocation.uid)).where(
                    col(InboundLocation.folder_id) == folder_id,
                    col(InboundLocation.generation) == generation,
                    col(InboundLocation.uid).in_(some),
                )
            ).scalars()
        )
    return found


def newest_ids(session: Session, folder_id: int, generation: int, limit: int) -> dict[int, str | None]:
    """The stored Message-IDs of the highest UIDs of this generation."""
    rows = session.execute(
        select(col(InboundLocation.uid), col(Inbound.message_id))
        .join(Inbound, col(Inbound.id) == col(InboundLocation.inbound_id))
        .where(col(InboundLocation.folder_id) == folder_id, col(InboundLocation.generation) == generation)
        .order_by(col(InboundLocation.uid).desc())
        .limit(limit)
    )
    return {row[0]: row[1] for row in rows}


def mates(session: Session, mailbox_id: int) -> list[int]:
    """The mailboxes that read the same account, this one among them, the oldest first."""
    mine = select(Mailbox).where(col(Mailbox.id) == mailbox_id).subquery()
    found = select(col(Mailbox.id)).where(same_account(mine.c.imap_host, mine.c.username))
    return list(session.execute(found.order_by(col(Mailbox.id))).scalars())


def hold_account(session: Session, mailbox_id: int) -> list[int]:
    """Where others read the same account, wait until they have stored what they read at this moment; before any other lock.

    The row of the oldest mailbox stands for the account; what only refers to it need not wait. Returns the `mates`.
    """
    together = mates(session, mailbox_id)
    if len(together) > 1:
        held = select(col(Mailbox.id)).where(col(Mailbox.id) == together[0])
        session.execute(held.with_for_update(key_share=True))
    return together


def store(
    session: Session,
    together: Sequence[int],
    rows: list[dict[str, Any]],
    folder_id: int,
    generation: int,
    uids: list[int],
) -> int:
    """Store messages (all of one mailbox) and where they lie; known contents keep their row. Returns how many are new.

    `rows[i]` lies at `uids[i]`; two of them may be the same content. What another mailbox has read from the same account is
    known: one answer is one message. The caller holds the account (`hold_account`), whose mailboxes are `together`.
    """
    unique = {row["content_key"]: row for row in rows}
    known = ids_by_key(session, together, list(unique))
    fresh = [row for key, row in unique.items() if key not in known]
    if fresh:
        session.execute(_insert(session, Inbound).on_conflict_do_nothing(), fresh)
        known |= ids_by_key(session, [rows[0]["mailbox_id"]], [row["content_key"] for row in fresh])
    session.execute(
        _insert(session, InboundLocation).on_conflict_do_nothing(),
        [
            {"folder_id": folder_id, "generation": generation, "uid": uid, "inbound_id": known[row["content_key"]]}
            for row, uid in zip(rows, uids, strict=True)
        ],
    )
    return len(fresh)


def place(session: Session, folder_id: int, generation: int, places: dict[int, int]) -> None:
    """Note that stored messages (UID to the id of its row) lie in this folder, too."""
    if places:
        session.execute(
            _insert(session, InboundLocation).on_conflict_do_nothing(),
            [
                {"folder_id": folder_id, "generation": generation, "uid": uid, "inbound_id": inbound_id}
                for uid, inbound_id in places.items()
            ],
        )


def known_by_size(session: Session, mailbox_id: int, heads: Iterable[Head]) -> dict[int, int]:
    """UID to the row of the message that is stored already: the same Message-ID and the same size, in the same account."""
    wanted = {(head.message_id, head.size): head.uid for head in heads if head.message_id and head.size}
    ids = [message_id for message_id, _ in wanted]
    found: dict[int, int] = {}
    together = mates(session, mailbox_id) if ids else []
    for some in parts(ids):
        rows = session.execute(
            select(col(Inbound.message_id), col(Inbound.size), col(Inbound.id)).where(
                col(Inbound.mailbox_id).in_(together), col(Inbound.message_id).in_(some)
            )
        )
        found |= {wanted[row[0], row[1]]: row[2] for row in rows if (row[0], row[1]) in wanted}
    return found


def written_by_us(session: Session, message_ids: Sequence[str | None]) -> set[str]:
    """Which of these messages are copies of our own mail."""
    ids = [message_id for message_id in message_ids if message_id]
    found: set[str] = set()
    for part in parts(ids):
        for column in (col(Outbound.message_id), col(OutboundAlias.message_id)):
            found.update(session.execute(select(column).where(column.in_(part))).scalars())
    return found


def own_addresses(session: Session) -> list[str]:
    """The addresses of all mailboxes with their aliases, in lower case."""
    rows = session.execute(select(col(Mailbox.email), col(Mailbox.aliases))).all()
    return [address.lower() for email, aliases in rows for address in (email, *(aliases or ()))]


def ids_by_key(session: Session, mailbox_ids: Sequence[int], keys: Sequence[str]) -> dict[str, int]:
    """The stored messages of these mailboxes with these contents."""
    found = session.execute(
        select(col(Inbound.content_key), col(Inbound.id))
        .where(col(Inbound.mailbox_id).in_(mailbox_ids), col(Inbound.content_key).in_(keys))
        .order_by(col(Inbound.mailbox_id))
    )
    return {row[0]: row[1] for row in found}


def oldest_outbound(session: Session, mailbox_id: int) -> datetime | None:
    """When the first message of this mailbox was written."""
    return session.execute(
        select(func.min(Outbound.created_at)).where(col(Outbound.mailbox_id) == mailbox_id)
    ).scalar_one_or_none()


def pending(session: Session, state: InboundState, mailbox_id: int | None, limit: int, after: int = 0) -> list[int]:
    """Ids of messages in `state`, oldest first."""
    statement = select(col(Inbound.id)).where(col(Inbound.state) == state, col(Inbound.id) > after)
    if mailbox_id is not None:
        statement = statement.where(col(Inbound.mailbox_id) == mailbox_id)
    return list(session.execute(statement.order_by(col(Inbound.id)).limit(limit)).scalars())


def any_undone(session: Session, mailbox_id: int | None) -> bool:
    """Whether there is a stored message (of a mailbox, or of any) that nobody has acted on yet."""
    statement = select(col(Inbound.id)).where(col(Inbound.state).in_(UNDONE))
    if mailbox_id is not None:
        statement = statement.where(col(Inbound.mailbox_id) == mailbox_id)
    return session.execute(statement.limit(1)).first() is not None


def undone(session: Session, mailbox_id: int) -> int:
    """How many stored messages of a mailbox (of its account, where others read it as well) nobody has acted on yet."""
    statement = select(func.count()).where(
        col(Inbound.mailbox_id).in_(mates(session, mailbox_id)), col(Inbound.state).in_(UNDONE)
    )
    return int(session.execute(statement).scalar_one())


def move(session: Session, inbound_id: int, before: InboundState, values: dict[str, Any]) -> bool:
    """Compare-and-set of the state; False when another worker was faster."""
    return (
        changed(
            session.execute(
                update(Inbound)
                .where(col(Inbound.id) == inbound_id, col(Inbound.state) == before)
                .values(**values)
                .execution_options(**_QUIET)
            )
        )
        == 1
    )


def move_many(session: Session, before: InboundState, values: list[dict[str, Any]]) -> None:
    """The same for many rows with one statement: each dict has the row's id as `at`, and the same columns."""
    if not values:
        return
    columns = [name for name in values[0] if name != "at"]
    statement = (
        update(table_of(Inbound))
        .where(table_of(Inbound).c.id == bindparam("at"), table_of(Inbound).c.state == before)
        .values({name: bindparam(f"new_{name}") for name in columns})
    )
    session.connection().execute(
        statement, [{"at": value["at"], **{f"new_{name}": value[name] for name in columns}} for value in values]
    )


def finish(session: Session, ids: list[int]) -> int:
    """Matched rows from which nothing follows are done; returns how many were still to be."""
    return changed(
        session.execute(
            update(Inbound)
            .where(col(Inbound.id).in_(ids), col(Inbound.state) == InboundState.MATCHED)
            .values(state=InboundState.DONE)
            .execution_options(**_QUIET)
        )
    )


def table_of(model: Any) -> Table:
    """The Core table of a model, for statements that need no objects."""
    return cast(Table, model.__table__)


def newest_event(session: Session) -> int:
    """The id of the newest blocking event of the installation, 0 without one."""
    return session.execute(select(func.max(BlockingEvent.id))).scalar_one() or 0


def note_poll(session: Session, mailbox_id: int, **values: Any) -> None:
    """Write how the last look at a mailbox went. Columns of the sender are not touched."""
    session.execute(update(Mailbox).where(col(Mailbox.id) == mailbox_id).values(**values).execution_options(**_QUIET))


def forget_raw(session: Session, mailbox_id: int, before: datetime) -> int:
    """Drop the bytes of handled mail that was stored before `before`; what was read from it stays. Returns how many."""
    dropped = session.execute(
        update(Inbound)
        .where(
            col(Inbound.mailbox_id) == mailbox_id,
            col(Inbound.state) == InboundState.DONE,
            col(Inbound.stored_at) < before,
            col(Inbound.raw).is_not(None),
        )
        .values(raw=None)
        .execution_options(**_QUIET)
    )
    return changed(dropped)


def add_alias(session: Session, message_id: str, outbound_id: int) -> None:
    """Remember another Message-ID of a message of ours; the first owner keeps it."""
    session.execute(
        _insert(session, OutboundAlias).values(message_id=message_id, outbound_id=outbound_id).on_conflict_do_nothing()
    )
