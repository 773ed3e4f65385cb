"""The folders of a mailbox: which there are, which are read for answers, and what a person says about that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlmodel import Session, col

from app.audit import service as audit
from app.db.work import Database, UnitOfWork
from app.domain.ahead import passed
from app.domain.folders import NEVER, Place, Watch, Why, reading_order
from app.domain.said import say
from app.errors import BadInput, Conflict, FieldProblem, NotFound
from app.inbox import repository, unfetched
from app.jobs import Job
from app.log import get_logger
from app.mail.ports import FolderName, MailStore
from app.models import Folder, Mailbox

log = get_logger("inbox")

# A folder that a filter makes is known after this long; the gate asks the server each time.
LIST_EVERY = timedelta(minutes=10)
# So many new names are asked for their UIDVALIDITY when others are gone.
_MOST_ASKED = 40
# No folder has this UIDVALIDITY (RFC 3501): the server has answered NO.
_REFUSED = 0


@dataclass(frozen=True, slots=True)
class FolderState:
    """A folder as staff see it: `why` it is read (null: it is not), `watch` what a person has said, and its last fault.

    `renumbered_at`: when its server last gave its messages other numbers, after which it was read anew. `unfetched`: the
    UIDs of messages that its server cannot give and that were put aside. `gone`: a person has said something about it, and
    the server has no such folder any more.
    """

    name: str
    role: str
    why: Why | None
    watch: Watch | None
    learned_at: datetime | None
    synced_at: datetime | None
    stopped_reason: str | None
    renumbered_at: datetime | None
    unfetched: tuple[int, ...]
    gone: bool


def present(db: Database, mailbox_id: int, store: MailStore, *, fresh: bool) -> list[Folder]:
    """The rows of the folders that the server has; it is asked when `fresh`, or when it was not for a while."""
    with db.read() as uow:
        known = repository.folders_of(uow.session, mailbox_id)
    now = db.clock.now()
    listed_at = known[0].listed_at if known and known[0].role == "inbox" else None
    if fresh or listed_at is None or passed(listed_at, LIST_EVERY, now):
        found = store.folders()
        moved = _renamed(known, found, store)
        unnumbered = {row.id: store.status(row.name) for row in known if _without_number(row, found, again=not fresh)}
        with db.work(durable=False) as uow:
            for folder_id, name in moved.items():
                log.info("inbox.folder_renamed", mailbox_id=mailbox_id, folder_id=folder_id, folder=name)
                uow.session.get_one(Folder, folder_id).name = name
            for folder_id, told in unnumbered.items():
                uow.session.get_one(Folder, folder_id).scouted_validity = told.uidvalidity if told else _REFUSED
            uow.session.flush()
            _store_list(uow.session, mailbox_id, repository.folders_of(uow.session, mailbox_id), found, now)
        with db.read() as uow:
            known = repository.folders_of(uow.session, mailbox_id)
        listed_at = now
    return [folder for folder in known if folder.listed_at is not None and folder.listed_at >= listed_at]


def _without_number(row: Folder, found: Sequence[FolderName], *, again: bool) -> bool:
    """Whether a person has said something about a folder that was never opened: nothing would tell it after a renaming.

    One that the server has refused to tell of is asked for `again` now and then, not before each mail that asks the gate.
    """
    return (
        row.watch is not None
        and row.uidvalidity is None
        and (row.scouted_validity is None or (again and row.scouted_validity == _REFUSED))
        and any(folder.name == row.name for folder in found)
    )


def _renamed(known: Sequence[Folder], found: Sequence[FolderName], store: MailStore) -> dict[int, str]:
    """The rows whose folders have another name now, by id: what a person has said, cursor and messages stay with them.

    A folder keeps its UIDVALIDITY when it is renamed. Where two share one nothing is certain, and nothing is taken over.
    """
    names, rows = {folder.name for folder in found}, {row.name for row in known}
    lost: dict[int, list[Folder]] = {}
    for row in known:
        validity = row.uidvalidity or row.scouted_validity
        if row.name not in names and validity:
            lost.setdefault(validity, []).append(row)
    fresh = [folder.name for folder in found if folder.name not in rows][:_MOST_ASKED]
    if not lost or not fresh:
        return {}
    came: dict[int, list[tuple[str, int | None]]] = {}
    for name in fresh:
        told = store.status(name)
        if told is not None and told.uidvalidity in lost:
            came.setdefault(told.uidvalidity, []).append((name, told.uidnext))
    moved: dict[int, str] = {}
    for validity, folders in came.items():
        (name, uidnext), row = folders[0], lost[validity][0]
        if len(folders) == len(lost[validity]) == 1 and (uidnext is None or uidnext >= row.next_uid):
            moved[row.id] = name
    return moved


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
    damaged = [one for one in unfetched.of_mailbox(uow.session, mailbox_id) if one.inbound_id is not None]
    newest = max((row.listed_at for row in rows if row.listed_at is not None), default=None)
    there = [row for row in rows if newest is None or row.listed_at == newest or row.watch is not None]
    reasons = dict(reading_order(_place(row) for row in there))
    ranks = {name: number for number, name in enumerate(reasons)}
    there.sort(key=lambda row: (ranks.get(row.name, len(ranks)), row.name.casefold()))
    return [
        FolderState(
            row.name,
            row.role,
            reasons.get(row.name),
            row.watch,
            row.learned_at,
            row.synced_at,
            row.stopped_reason,
            row.renumbered_at,
            tuple(one.uid for one in damaged if one.folder_id == row.id),
            gone=newest is not None and row.listed_at != newest,
        )
        for row in there
    ]


def choose(uow: UnitOfWork, mailbox_id: int, name: str, watch: Watch | None, *, actor: str) -> list[FolderState]:
    """Say whether a folder is read for answers; None leaves it to the rules. Raises NotFound and BadInput (`name`, `watch`)."""
    mailbox, row = _locked(uow, mailbox_id, name)
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
    return _changed(uow, mailbox, before, {name: watch}, actor)


def start_again(uow: UnitOfWork, mailbox_id: int, name: str, *, actor: str) -> list[FolderState]:
    """Read a folder again that was given up, from the next look on; that look is due at once.

    Raises NotFound and BadInput (`name`), and Conflict for a folder that was not given up.
    """
    mailbox, row = _locked(uow, mailbox_id, name)
    if row.stopped_reason is None:
        raise Conflict(say("the folder {name} was not given up", name=name))
    before, row.stopped_reason, row.resets_in_row = {name: row.stopped_reason}, None, 0
    mailbox.poll_due_at = uow.now()
    uow.ring(Job.INBOX_POLL, mailbox_id)
    return _changed(uow, mailbox, before, {name: "read again"}, actor)


def _locked(uow: UnitOfWork, mailbox_id: int, name: str) -> tuple[Mailbox, Folder]:
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
    return mailbox, row


def _changed(
    uow: UnitOfWork, mailbox: Mailbox, before: dict[str, Any], after: dict[str, Any], actor: str
) -> list[FolderState]:
    audit.record(
        uow, "mailbox.folder", "mailbox", mailbox.id, name=mailbox.email, before=before, after=after, actor=actor
    )
    uow.session.flush()
    return of_mailbox(uow, mailbox.id)
