"""Fetches messages of one folder and stores them; what fails in a batch is asked for alone, after the others.

Each batch of raw messages is stored in one transaction together with the cursor that it moves.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.domain.said import say
from app.errors import MailboxFault
from app.inbox import repository, scouting
from app.inbox.deps import InboxDeps
from app.inbox.identity import content_key
from app.inbox.unfetched import HANGS, Trouble
from app.log import get_logger
from app.mail.imap import message_id_of
from app.mail.ports import Fetched, Head, MailStore
from app.models import Folder, InboundState, Mailbox, Unfetched

log = get_logger("inbox")

BATCH = 50
# So many messages that were read before are asked for, to see whether a folder gives anything at all.
_MOST_ASKED = 3


@dataclass(slots=True)
class FolderSync:
    """How one folder was left: `current` when the stored cursor had reached the server's.

    `stored` counts new messages, `placed` also those whose content was known already.
    """

    name: str
    current: bool = False
    stored: int = 0
    placed: int = 0
    swept: bool = False
    reason: str = ""


class OutOfTime(Exception):
    """The budget is used up; what is stored stays."""


class Moved(Exception):
    """Another poller changed the folder's generation; it goes on with it."""


class Reader:
    """Reads messages of one folder, in the session of the walk that says which. `hole`: the UIDs that did not come and are waited
    for; `trouble`: what could not be fetched at former looks, and is kept up to date here.
    """

    def __init__(
        self,
        deps: InboxDeps,
        mailbox: Mailbox,
        folder: Folder,
        store: MailStore,
        state: FolderSync,
        deadline: float,
        unfetched: Iterable[Unfetched],
    ) -> None:
        self.deps = deps
        self.mailbox = mailbox
        self.store = store
        self.state = state
        self._deadline = deadline
        self._gave = False
        self.folder = folder
        self.hole: list[int] = []
        self.trouble = Trouble(deps, mailbox, folder, unfetched)

    def fetch_all(self, uids: Sequence[int], *, cursor: bool) -> None:
        """Fetch and store. What fails in a batch, or does not come, is asked for alone after the others; the cursor waits."""
        alone = [uid for uid in uids if self.trouble.doubtful(uid)]
        plain = [uid for uid in uids if not self.trouble.doubtful(uid)]
        for start in range(0, len(plain), BATCH):
            self.check_time()
            batch = plain[start : start + BATCH]
            try:
                fetched = self.store.fetch(batch)
            except MailboxFault as fault:
                # Noted first: where the server hangs at one of them, this look may end here.
                self.trouble.suspect(batch, fault.detail)
                self.reopen()
                fetched = {}
            alone += [uid for uid in batch if uid not in fetched]
            if fetched:
                self._keep([fetched[uid] for uid in batch if uid in fetched], cursor=cursor and not alone)
        for uid in self.trouble.in_order(alone):
            self.check_time()
            # First, because the server may hang at this one until the look ends; and then it counts.
            self._expect_others()
            found: Fetched | None = None
            why: str = HANGS
            if not self.trouble.spent(uid):
                self.trouble.asked(uid)
                found, why = self._fetch_one(uid)
            if found is not None:
                self._keep([found], cursor=False)
            elif uid not in self.store.uids_from(uid):
                self.trouble.gone(uid)
            elif not self.trouble.failed(uid, why, self._head):
                self.hole.append(uid)
                self.state.reason = say(
                    "message UID {uid} in {folder} cannot be fetched yet: {why}",
                    uid=self.hole[0],
                    folder=self.folder.name,
                    why=why,
                )
                log.warning("inbox.hole", mailbox_id=self.mailbox.id, folder=self.folder.name, uid=uid, reason=why)

    def _fetch_one(self, uid: int) -> tuple[Fetched | None, str]:
        """The message; or None and why it does not come."""
        try:
            return self.store.fetch([uid]).get(uid), say("the server lists it and does not give it")
        except MailboxFault as fault:
            self.reopen()
            return None, fault.detail

    def _expect_others(self) -> None:
        """Raises MailboxFault when the server gives nothing of this folder: then the fault is not in one message."""
        if self._gave:
            return
        with self.deps.db.read() as uow:
            known = self.trouble.witnesses(uow.session)
        listed = set(self.store.uids_from(min(known))) if known else set()
        there = [uid for uid in known if uid in listed][:_MOST_ASKED]
        why: str = ""
        for uid in there:
            found, why = self._fetch_one(uid)
            if found is not None:
                break
        else:
            if there:
                raise MailboxFault(say("nothing in {folder} can be fetched: {why}", folder=self.folder.name, why=why))
        self._gave = True

    def _head(self, uid: int) -> Head | None:
        return scouting.one_by_one(self.store.heads, [uid], self.reopen, self.check_time).get(uid)

    def try_again(self, uids: Sequence[int]) -> None:
        """Ask once more for what was put aside."""
        for uid in uids:
            self.check_time()
            self.trouble.tried(uid)
            found, _ = self._fetch_one(uid)
            if found is not None:
                self.state.stored += self.trouble.came(found)
            elif uid not in self.store.uids_from(uid):
                self.trouble.gone(uid)

    def broken(self, uids: Sequence[int]) -> None:
        """A FETCH of these heads has failed. Where that has taken all the time, each is asked for alone from now on."""
        try:
            self.reopen()
        except OutOfTime:
            self.trouble.suspect(uids, "")
            raise

    def reopen(self) -> None:
        """Begin the session anew; the numbers must still mean the same."""
        self.check_time()
        if self.store.reopen(self.folder.name).uidvalidity != self.folder.uidvalidity:
            raise Moved

    def _keep(self, batch: list[Fetched], *, cursor: bool) -> None:
        """Store one batch and move the cursor over it, in one transaction."""
        with self.deps.db.work() as uow:
            together = repository.hold_account(uow.session, self.mailbox.id)
            folder = repository.lock_folder(uow.session, self.folder.id)
            if folder.generation != self.folder.generation:
                raise Moved
            now = uow.now()
            rows = [
                {
                    "mailbox_id": self.mailbox.id,
                    "content_key": content_key(message.raw),
                    "message_id": message_id_of(message.raw),
                    "state": InboundState.STORED,
                    "raw": message.raw,
                    "size": message.size,
                    "failures": 0,
                    "received_at": message.received_at or now,
                    "stored_at": now,
                }
                for message in batch
            ]
            uids = [message.uid for message in batch]
            self.state.placed += len(uids)
            self.state.stored += repository.store(uow.session, together, rows, folder.id, folder.generation, uids)
            self.trouble.forget(uow, uids)
            if cursor:
                repository.advance(uow.session, folder.id, folder.generation, max(uids) + 1)
        self._gave = True

    def check_time(self) -> None:
        """Raises OutOfTime when the budget is used up."""
        if time.monotonic() > self._deadline:
            raise OutOfTime
