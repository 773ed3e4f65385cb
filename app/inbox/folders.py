"""The folders of a mailbox: which there are, which are read for answers, and what a person says about that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlmodel import Session, col

from app.audit import service as audit
from app.db.work import Database, UnitOfWork
from app.domain.folders import NEVER, Place, Watch, Why, reading_order
from app.domain.said import say
from app.errors import BadInput, FieldProblem, NotFound
from app.inbox import repository
from app.mail.ports import FolderName, MailStore
from app.models import Folder, Mailbox

# A folder that a filter makes is known after this long; the gate asks the server each time.
LIST_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class FolderState:
    """A folder as staff see it: `why` it is read (null: it is not), `watch` what a person has said, and its last fault."""

    name: str
    role: str
    why: Why | None
    watch: Watch | None
    learned_at: datetime | None
    synced_at: datetime | None
    stopped_reason: str | None


def present(db: Database, mailbox_id: int, store: MailStore, *, fresh: bool) -> list[Folder]:
    """The rows of the folders that the server has; it is asked when `fresh`, or when it was not for a while."""
    with db.read() as uow:
        known = repository.folders_of(uow.session, mailbox_id)
    now = db.clock.now()
    listed_at = known[0].listed_at if known and known[0].role == "inbox" else None
    if fresh or listed_at is None or not timedelta(0) <= now - listed_at < LIST_EVERY:
        found = store.folders()
        with db.work(durable=False) as uow:
            _store_list(uow.session, mailbox_id, known, found, now)
        with db.read() as uow:
            known = repository.folders_of(uow.session, mailbox_id)
        listed_at = now
    return [folder for folder in known if folder.listed_at is not None and folder.listed_at >= listed_at]


def _store_list(
    session: Session, mailbox_id: int, known: Iterable[Folder], found: Sequence[FolderName], now: datetime
) -> None:
    roles = {folder.name: folder.role for folder in known}
    for folder in found:
        if folder.name not in roles:
            repository.ensure_folder(session, mailbox_id, folder.name, folder.role)
        elif roles[folder.name] != folder.role:
            session.execute(
                update(Folder)
                .where(col(Folder.mailbox_id) == mailbox_id, col(Folder.name) == folder.name)
                .values(role=folder.role)
                .execution_options(synchronize_session=False)
            )
    session.execute(
        update(Folder)
        .where(col(Folder.mailbox_id) == mailbox_id, col(Folder.name).in_([folder.name for folder in found]))
        .values(listed_at=now)
        .execution_options(synchronize_session=False)
    )


def to_read(folders: Iterable[Folder]) -> list[Folder]:
    """Those that are read for answers, in the order of reading."""
    by_name = {folder.name: folder for folder in folders}
    return [by_name[name] for name, _ in reading_order(_place(folder) for folder in by_name.values())]


def _place(folder: Folder) -> Place:
    return Place(folder.name, folder.role, folder.watch, folder.learned_at is not None)


# --- what staff see and say -----------------------------------------------------------------------------------------------


def of_mailbox(uow: UnitOfWork, mailbox_id: int) -> list[FolderState]:
    """The folders that the server listed the last time, those that are read first. Raises NotFound."""
    if uow.session.get(Mailbox, mailbox_id) is None:
        raise NotFound(say("there is no mailbox {mailbox_id}", mailbox_id=mailbox_id))
    rows = repository.folders_of(uow.session, mailbox_id)
    newest = max((row.listed_at for row in rows if row.listed_at is not None), default=None)
    there = [row for row in rows if newest is None or row.listed_at == newest or row.watch is not None]
    reasons = dict(reading_order(_place(row) for row in there))
    ranks = {name: number for number, name in enumerate(reasons)}
    there.sort(key=lambda row: (ranks.get(row.name, len(ranks)), row.name.casefold()))
    return [
        FolderState(
            row.name, row.role, reasons.get(row.name), row.watch, row.learned_at, row.synced_at, row.stopped_reason
        )
        for row in there
    ]


def choose(uow: UnitOfWork, mailbox_id: int, name: str, watch: Watch | None, *, actor: str) -> list[FolderState]:
    """Say whether a folder is read for answers; None leaves it to the rules. Raises NotFound and BadInput (`name`, `watch`)."""
    mailbox = uow.session.get(Mailbox, mailbox_id)
    if mailbox is None:
        raise NotFound(say("there is no mailbox {mailbox_id}", mailbox_id=mailbox_id))
    row = uow.session.execute(
        select(Folder).where(col(Folder.mailbox_id) == mailbox_id, col(Folder.name) == name).with_for_update()
    ).scalar_one_or_none()
    if row is None:
        raise BadInput(
            say("The mailbox has no such folder."),
            FieldProblem(
                "name", say("take a name from the list of its folders; a new folder is in it after the next look")
            ),
        )
    if watch is Watch.ALWAYS and row.role in NEVER:
        raise BadInput(
            say("This folder cannot be read for answers."),
            FieldProblem("watch", say("it holds what was sent or is being written, and our own mail is no answer")),
        )
    if watch is Watch.NEVER and row.role == "inbox":
        raise BadInput(
            say("The inbox is always read."),
            FieldProblem("watch", say("switch the mailbox off instead, or leave it to the rules (null)")),
        )
    before, row.watch = {name: row.watch}, watch
    audit.record(
        uow,
        "mailbox.folder",
        "mailbox",
        mailbox_id,
        name=mailbox.email,
        before=before,
        after={name: watch},
        actor=actor,
    )
    uow.session.flush()
    return of_mailbox(uow, mailbox_id)
