"""Finds folders that answers are filed into although nobody reads them: a look at headers, now and then, bounded.

A filter may file an answer anywhere. So each folder that is not read is asked for its numbers once in an hour, and before
a follow-up; when they have moved, the headers of what is new are read. A message that answers one of ours makes the folder
one that is read from then on, from the start of the last 30 days.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from app.domain.ahead import passed
from app.domain.folders import NEVER, Watch
from app.domain.mail_tokens import bare_subject, sender
from app.domain.said import say
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
_T = TypeVar("_T")


def one_by_one(
    ask: Callable[[Sequence[int]], dict[int, _T]],
    uids: Sequence[int],
    reopen: Callable[[], object],
    check: Callable[[], object],
) -> dict[int, _T]:
    """What `ask` gives for `uids`. When it fails for all at once it is asked for each, and what fails alone is left out.

    `reopen` begins the session anew after a failure, `check` raises when the time is used up.
    """
    try:
        return ask(uids)
    except MailboxFault:
        reopen()
    found: dict[int, _T] = {}
    for uid in uids:
        check()
        try:
            found |= ask([uid])
        except MailboxFault:
            reopen()
    return found


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
        and (at_once or passed(folder.scouted_at, SCOUT_EVERY, now))
    ]
    due.sort(key=lambda folder: (folder.scouted_at is not None, folder.scouted_at or now, folder.id))
    learned = []
    for folder in due[:MOST_SCOUTED]:
        if time.monotonic() > deadline:
            break
        if _scout_one(deps, mailbox, store, folder, horizon, now, deadline):
            learned.append(folder)
    return learned


def _scout_one(
    deps: InboxDeps,
    mailbox: Mailbox,
    store: MailStore,
    folder: Folder,
    horizon: datetime,
    now: datetime,
    deadline: float,
) -> bool:
    try:
        told = store.status(folder.name)
        moved = told is not None and (told.uidvalidity, told.uidnext) != (folder.scouted_validity, folder.scouted_next)
        found = False

        def check() -> None:
            # One message that is damaged must not hide the others; the next folder is asked at the next look.
            if time.monotonic() > deadline:
                raise MailboxFault(say("there was no time to read the headers of {folder}", folder=folder.name))

        def reopen() -> None:
            check()
            store.reopen(folder.name)

        if told is not None and (moved or told.uidnext is None):
            opened = store.examine(folder.name)
            same = folder.scouted_validity == opened.uidvalidity and folder.scouted_next is not None
            uids = store.uids_from(folder.scouted_next or 1) if same else store.uids_since(horizon.date())
            heads = list(one_by_one(store.heads, uids[-MOST_HEADS:], reopen, check).values())
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
    marks = [marks_of(head) for head in heads if not head.own]
    with deps.db.read() as uow:
        book = matching.Book(uow.session, deps.vault, [mailbox.id], marks)
        found = [(mark, book.find(mailbox.id, mark, uow.now())) for mark in marks]
        return any(
            match is not None and mark.sender not in book.own_addresses and not book.is_own_side(mark, match)
            for mark, match in found
        )


def sender_of(head: Head) -> str | None:
    """The address in From, in lower case."""
    address = sender(fields_of(head).get("from", ""))[1]
    return address.lower() if address else None


def marks_of(head: Head) -> matching.Marks:
    """What a message carries of ours, as far as its header lines tell."""
    fields = fields_of(head)
    address = sender_of(head)
    ids = [("in-reply-to", entry) for entry in matching.thread_ids([fields.get("in-reply-to", "")])]
    ids += [("references", entry) for entry in reversed(matching.thread_ids([fields.get("references", "")]))]
    return matching.Marks(
        ids=(*ids, *matching.marks_in_bytes(head.header)),
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
