"""Brings every message of a mailbox into the database, raw, exactly once: the cursor protocol of docs/explanation/inbox.md.

It is several transactions by nature: nothing is held open over the network, and each batch of raw messages is stored in
one transaction together with the cursor that it moves. A crash anywhere leaves a cursor that is true, and the next look
goes on from it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta

from app.domain.said import say
from app.errors import MailboxFault, NotFound
from app.inbox import folders, scouting, unfetched
from app.inbox.deps import InboxDeps
from app.inbox.reading import FolderSync, Moved, OutOfTime, Reader
from app.inbox.walking import SURE, Walk, horizon
from app.log import get_logger
from app.mail.ports import MailStore, Snapshot
from app.models import Folder, Mailbox

log = get_logger("inbox")

# For folders that nobody reads: enough for all of them, and the follow-up must not wait for them for long.
_SCOUT_SECONDS = 4.0


@dataclass(slots=True)
class SyncResult:
    """What one look at a mailbox brought. `reason` says why it is not current, in one sentence.

    `unfinished`: time ran out while it went well, and the next look goes on; `swept`: a folder was compared as a whole.
    """

    folders: list[FolderSync] = field(default_factory=list)
    reason: str = ""
    unfinished: bool = False
    swept: bool = False

    @property
    def current(self) -> bool:
        """Whether everything that lies in the watched folders is stored."""
        return (
            not self.reason
            and not self.unfinished
            and bool(self.folders)
            and all(folder.current for folder in self.folders)
        )

    @property
    def stored(self) -> int:
        """How many messages were new."""
        return sum(folder.stored for folder in self.folders)


def sync_mailbox(deps: InboxDeps, mailbox_id: int, *, budget: timedelta, gate: bool = False) -> SyncResult:
    """Fetch and store what is new. Raises NotFound; a server that fails is told in the result, never raised.

    Without `gate` a folder is not opened when its numbers have not moved. With it, inbox and spam folder are, the list of
    folders is fresh, and folders that nobody reads are scouted as far as time allows.
    """
    deadline = time.monotonic() + budget.total_seconds()
    result = SyncResult()
    with deps.db.read() as uow:
        mailbox = uow.session.get(Mailbox, mailbox_id)
        if mailbox is None:
            raise NotFound(say("there is no mailbox {mailbox_id}", mailbox_id=mailbox_id))
    store: MailStore | None = None
    try:
        store = deps.connect(mailbox, min(deps.settings.imap_timeout, budget))
        _read(deps, mailbox, store, result, gate=gate, deadline=deadline)
    except MailboxFault as fault:
        result.reason = fault.detail
    except OutOfTime:
        result.reason = say(
            "there was more to read than {seconds} seconds allow", seconds=round(budget.total_seconds())
        )
        result.unfinished = any(folder.placed for folder in result.folders)
    except Moved:
        result.reason = say("another worker reads this mailbox at the same time")
    finally:
        if store is not None:
            store.close()
    result.swept = any(folder.swept for folder in result.folders)
    if not result.reason:
        result.reason = next((folder.reason for folder in result.folders if not folder.current), "")
    return result


def _read(
    deps: InboxDeps, mailbox: Mailbox, store: MailStore, result: SyncResult, *, gate: bool, deadline: float
) -> None:
    listed = folders.present(deps.db, mailbox.id, store, fresh=gate)
    wanted = folders.to_read(listed)
    told = {folder.id: store.status(folder.name) for folder in wanted if not (gate and folder.role in SURE)}
    if None in told.values():
        # One is gone since the list was made.
        listed = folders.present(deps.db, mailbox.id, store, fresh=True)
        wanted = folders.to_read(listed)

    with deps.db.read() as uow:
        damaged = unfetched.of_mailbox(uow.session, mailbox.id)

    def walk(folder: Folder, known: Snapshot | None) -> None:
        state = FolderSync(folder.name)
        result.folders.append(state)
        Walk(Reader(deps, mailbox, folder, store, state, deadline, damaged), retry=not gate).run(known)

    for folder in wanted:
        walk(folder, told.get(folder.id))
    rest = [folder for folder in listed if folder not in wanted]
    if rest:
        most = min(deadline, time.monotonic() + _SCOUT_SECONDS)
        since = horizon(deps, mailbox)
        for folder in scouting.scout(deps, mailbox, store, rest, since, at_once=gate, deadline=most):
            walk(folder, None)
