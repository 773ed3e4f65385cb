"""Finds folders that answers are filed into although nobody reads them: a look at headers, now and then, bounded.

A filter may file an answer anywhere. So each folder that is not read is asked for its numbers once in an hour, and before
a follow-up; when they have moved, the headers of what is new are read. A message that answers one of ours makes the folder
one that is read from then on, from the start of the last 30 days.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime, timedelta

from app.domain.folders import NEVER, Watch
from app.domain.mail_tokens import bare_subject, message_ids, sender
from app.errors import MailboxFault
from app.inbox import matching, repository
from app.inbox.deps import InboxDeps
from app.keys import registrable_domain
from app.log import get_logger
from app.mail.ports import Head, MailStore
from app.models import Folder, Mailbox

log = get_logger("inbox")

SCOUT_EVERY = timedelta(hours=1)
# At one time; what was scouted longest ago comes first, so that all have their turn.
MOST_SCOUTED = 40
MOST_HEADS = 400


def scout(
    deps: InboxDeps,
    mailbox: Mailbox,
    store: MailStore,
    folders: Iterable[Folder],
    horizon: datetime,
    *,
    at_once: bool,
    deadline: float,
) -> list[Folder]:
    """Look for answers in `folders`, which nobody reads; returns those that hold one. `at_once`: not only those that are due.

    A folder that cannot be opened is left out: it is a net under the reading, and holds nothing up.
    """
    now = deps.db.clock.now()
    due = [
        folder
        for folder in folders
        if folder.role not in NEVER
        and folder.watch is not Watch.NEVER
        and (at_once or folder.scouted_at is None or not timedelta(0) <= now - folder.scouted_at < SCOUT_EVERY)
    ]
    due.sort(key=lambda folder: (folder.scouted_at is not None, folder.scouted_at or now, folder.id))
    learned = []
    for folder in due[:MOST_SCOUTED]:
        if time.monotonic() > deadline:
            break
        if _scout_one(deps, mailbox, store, folder, horizon, now):
            learned.append(folder)
    return learned


def _scout_one(
    deps: InboxDeps, mailbox: Mailbox, store: MailStore, folder: Folder, horizon: datetime, now: datetime
) -> bool:
    try:
        told = store.status(folder.name)
        moved = told is not None and (told.uidvalidity, told.uidnext) != (folder.scouted_validity, folder.scouted_next)
        found = False
        if told is not None and (moved or told.uidnext is None):
            opened = store.examine(folder.name)
            same = folder.scouted_validity == opened.uidvalidity and folder.scouted_next is not None
            uids = store.uids_from(folder.scouted_next or 1) if same else store.uids_since(horizon.date())
            heads = list(store.heads(uids[-MOST_HEADS:]).values())
            if folder.role == "trash":
                # What a person has read and thrown away says nothing about where the next answer goes.
                with deps.db.read() as uow:
                    read = repository.known_by_size(uow.session, mailbox.id, heads)
                heads = [head for head in heads if head.uid not in read]
            found = _answers(deps, mailbox, heads)
            told = opened
    except MailboxFault as fault:
        log.info("inbox.scout_failed", mailbox_id=mailbox.id, folder=folder.name, reason=fault.detail)
        told, found = None, False
    with deps.db.work(durable=False) as uow:
        row = repository.lock_folder(uow.session, folder.id)
        row.scouted_at = now
        if told is not None:
            row.scouted_validity, row.scouted_next = told.uidvalidity, told.uidnext
        if found and row.learned_at is None:
            row.learned_at = now
            log.info("inbox.folder_learned", mailbox_id=mailbox.id, folder=folder.name)
    return found


def _answers(deps: InboxDeps, mailbox: Mailbox, heads: list[Head]) -> bool:
    """Whether one of these messages answers mail of ours, as far as headers tell."""
    marks = [_marks(head) for head in heads if not head.own]
    with deps.db.read() as uow:
        book = matching.Book(uow.session, deps.vault, [mailbox.id], marks)
        return any(
            mark.sender not in book.own_addresses and book.find(mailbox.id, mark, uow.now()) is not None
            for mark in marks
        )


def sender_of(head: Head) -> str | None:
    """The address in From, in lower case."""
    address = sender(fields_of(head).get("from", ""))[1]
    return address.lower() if address else None


def _marks(head: Head) -> matching.Marks:
    fields = fields_of(head)
    address = sender_of(head)
    ids = [("in-reply-to", entry) for entry in message_ids(fields.get("in-reply-to", ""))]
    ids += [("references", entry) for entry in reversed(message_ids(fields.get("references", "")))]
    return matching.Marks(
        ids=(*((kind, f"<{entry}>") for kind, entry in ids), *matching.marks_in_bytes(head.header)),
        sender=address,
        domain=registrable_domain(address.rpartition("@")[2]) if address else None,
        subject=bare_subject(fields.get("subject", "")),
    )


def fields_of(head: Head) -> dict[str, str]:
    """The header lines by their name in lower case, unfolded; the first of a kind counts."""
    fields: dict[str, str] = {}
    name = ""
    for line in head.header.replace(b"\r\n", b"\n").split(b"\n"):
        text = line.decode("utf-8", "replace")
        if text[:1] in (" ", "\t"):
            if name:
                fields[name] += " " + text.strip()
            continue
        before, colon, value = text.partition(":")
        name = before.strip().lower() if colon and before.strip().lower() not in fields else ""
        if name:
            fields[name] = value.strip()
    return fields
