"""Walks one folder of a mailbox in one session: what its numbers mean, what is new, and what slipped through.

Each batch of raw messages is stored in one transaction together with the cursor that it moves.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.inbox import repository, scouting
from app.inbox.deps import InboxDeps
from app.inbox.identity import content_key
from app.log import get_logger
from app.mail.imap import message_id_of
from app.mail.ports import Fetched, Head, MailStore, Snapshot
from app.models import Folder, InboundState, Mailbox

log = get_logger("inbox")

BATCH = 50
# Read with all checks before a follow-up; the others are opened only when their numbers have moved.
SURE = ("inbox", "junk")
SWEEP_EVERY = timedelta(hours=6)
SWEEP_DAYS = 3
WALK_DAYS = 30
MOST_RESETS = 5
# So many of the newest stored messages are compared with the server's at each look.
_ANCHORS = 8
_HEADS = 200
# For folders that nobody reads: enough for all of them, and the follow-up must not wait for them for long.
_SCOUT_SECONDS = 4.0


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


def horizon(deps: InboxDeps, mailbox: Mailbox) -> datetime:
    """Since when mail is looked at where numbers are new: no answer is older than what we have written."""
    with deps.db.read() as uow:
        first = repository.oldest_outbound(uow.session, mailbox.id)
    now = deps.db.clock.now()
    oldest = min(first or now, mailbox.created_at)
    # Servers compare whole days in their own zone, and clocks differ.
    return max(oldest, now - timedelta(days=WALK_DAYS)) - timedelta(days=2)


class Walk:
    """One folder, in one session."""

    def __init__(
        self, deps: InboxDeps, mailbox: Mailbox, folder: Folder, store: MailStore, state: FolderSync, deadline: float
    ) -> None:
        self._deps = deps
        self._mailbox = mailbox
        self._folder = folder
        self._store = store
        self._state = state
        self._deadline = deadline
        self._hole = self._renumbered = False

    def run(self, told: Snapshot | None = None) -> None:
        """Read until the stored cursor is the server's; `told` is what the server says of the folder without opening it."""
        if self._folder.stopped_reason:
            self._state.reason = f"the folder {self._folder.name} is not read any more: {self._folder.stopped_reason}"
            return
        if told is not None and self._unmoved(told):
            self._state.current = True
            return
        first = True
        while True:
            snapshot = self._store.examine(self._folder.name)
            if not self._settle_numbers(snapshot, compare=first):
                self._state.reason = f"the folder {self._folder.name} was stopped: {self._folder.stopped_reason}"
                return
            first = False
            if self._folder.next_uid < 1:
                self._walk_back(snapshot)
            elif snapshot.uidnext is None or snapshot.uidnext > self._folder.next_uid:
                self._read_on(snapshot)
            else:
                self._sweep_if_due()
                self._arrived(snapshot)
                return
            if self._hole:
                self._state.reason = f"the server lists a message in {self._folder.name} that it does not give"
                return
            if snapshot.uidnext is None:
                # Without UIDNEXT nothing tells whether more has come; the search has just said that it has not.
                self._arrived(snapshot)
                return

    def _unmoved(self, told: Snapshot) -> bool:
        """Whether the folder stands exactly as the last look has left it, and no sweep is due."""
        folder = self._folder
        return (
            folder.synced_at is not None
            and folder.next_uid >= 1
            and folder.resets_in_row == 0
            and told.uidnext == folder.next_uid
            and told.uidvalidity == folder.uidvalidity
            and told.highestmodseq == folder.highestmodseq
            and told.exists == folder.messages
            and not self._sweep_due()
        )

    # --- numbers --------------------------------------------------------------------------------------------------

    def _settle_numbers(self, snapshot: Snapshot, *, compare: bool) -> bool:
        """A new UIDVALIDITY, or a UIDNEXT that went back: the numbers say nothing any more. False: give the folder up."""
        folder = self._folder
        if folder.uidvalidity is None:
            self._renumber(snapshot, reset=False)
        elif folder.uidvalidity != snapshot.uidvalidity or (
            (snapshot.uidnext is not None and snapshot.uidnext < folder.next_uid) or (compare and self._reused())
        ):
            log.warning(
                "inbox.renumbered",
                mailbox_id=self._mailbox.id,
                folder=folder.name,
                uidvalidity=[folder.uidvalidity, snapshot.uidvalidity],
                uidnext=[folder.next_uid, snapshot.uidnext],
            )
            self._renumbered = True
            self._renumber(snapshot, reset=True)
        return self._folder.stopped_reason is None

    def _reused(self) -> bool:
        """Whether numbers that we know now name other messages, as in a mailbox that was made anew under old numbers."""
        with self._deps.db.read() as uow:
            known = repository.newest_ids(uow.session, self._folder.id, self._folder.generation, _ANCHORS)
        if not known:
            return False
        told = self._store.message_ids(list(known))
        return any(known[uid] and told.get(uid) and known[uid] != told[uid] for uid in known)

    def _renumber(self, snapshot: Snapshot, *, reset: bool) -> None:
        with self._deps.db.work() as uow:
            row = repository.lock_folder(uow.session, self._folder.id)
            if row.generation != self._folder.generation:
                raise Moved
            row.uidvalidity = snapshot.uidvalidity
            row.next_uid = 0
            if reset:
                row.generation += 1
                row.resets_in_row += 1
                if row.resets_in_row >= MOST_RESETS:
                    row.stopped_reason = f"its server has renumbered it {MOST_RESETS} times in a row; ask its operator"
            self._folder = row

    # --- reading --------------------------------------------------------------------------------------------------

    def _walk_back(self, snapshot: Snapshot) -> None:
        """Numbers are new: go through the recent past newest first. What is known by content only gets its new place."""
        listed = self._store.uids_since(horizon(self._deps, self._mailbox).date())
        self._fetch_all(list(reversed(self._unknown(listed))), cursor=False)
        if not self._hole:
            self._advance(snapshot.uidnext or max([0, *listed]) + 1)

    def _read_on(self, snapshot: Snapshot) -> None:
        listed = self._store.uids_from(self._folder.next_uid)
        self._fetch_all(self._unknown(listed), cursor=True)
        if not self._hole:
            # Every number below UIDNEXT was searched for after the server had told it; what was not listed is gone.
            self._advance(max([snapshot.uidnext or 0, *(uid + 1 for uid in listed)]))

    def _unknown(self, uids: Sequence[int]) -> list[int]:
        """Those of `uids` that must be fetched as a whole.

        Beside inbox and spam folder, headers are read first: archives hold what was read in the inbox before (the same
        Message-ID and size: it only gets its new place), and a view of all mail holds what we have sent ourselves.
        """
        with self._deps.db.read() as uow:
            stored = repository.stored_uids(uow.session, self._folder.id, self._folder.generation, uids)
        fresh = [uid for uid in uids if uid not in stored]
        if self._folder.role in SURE or not fresh:
            return fresh
        heads: dict[int, Head] = {}
        for start in range(0, len(fresh), _HEADS):
            self._check_time()
            heads |= self._store.heads(fresh[start : start + _HEADS])
        with self._deps.db.work() as uow:
            folder = repository.lock_folder(uow.session, self._folder.id)
            if folder.generation != self._folder.generation:
                raise Moved
            ours = repository.written_by_us(uow.session, [head.message_id for head in heads.values()])
            known = repository.known_by_size(uow.session, self._mailbox.id, heads.values())
            places = {uid: known[uid] for uid in fresh if uid in known}
            repository.place(uow.session, folder.id, folder.generation, places)
            own = {address.lower() for address in repository.own_addresses(uow.session)}
        self._state.placed += len(places)
        return [
            uid
            for uid in fresh
            if uid not in places
            and not (
                uid in heads
                and (heads[uid].own or heads[uid].message_id in ours or scouting.sender_of(heads[uid]) in own)
            )
        ]

    def _fetch_all(self, uids: Sequence[int], *, cursor: bool) -> None:
        for start in range(0, len(uids), BATCH):
            self._check_time()
            batch = list(uids[start : start + BATCH])
            fetched = self._store.fetch(batch)
            missing = [uid for uid in batch if uid not in fetched]
            if missing:
                fetched |= self._again(missing)
            if fetched:
                self._keep([fetched[uid] for uid in batch if uid in fetched], cursor=cursor and not self._hole)

    def _again(self, missing: list[int]) -> dict[int, Fetched]:
        """Ask once more for what did not come; what is still listed then is a hole at which the cursor stays."""
        found = self._store.fetch(missing)
        gone = [uid for uid in missing if uid not in found]
        if gone and set(gone) & set(self._store.uids_from(min(gone))):
            self._hole = True
            log.warning("inbox.hole", mailbox_id=self._mailbox.id, folder=self._folder.name, uids=gone[:20])
        return found

    def _keep(self, batch: list[Fetched], *, cursor: bool) -> None:
        """Store one batch and move the cursor over it, in one transaction."""
        with self._deps.db.work() as uow:
            folder = repository.lock_folder(uow.session, self._folder.id)
            if folder.generation != self._folder.generation:
                raise Moved
            now = uow.now()
            rows = [
                {
                    "mailbox_id": self._mailbox.id,
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
            self._state.placed += len(uids)
            self._state.stored += repository.store(uow.session, rows, folder.id, folder.generation, uids)
            if cursor:
                repository.advance(uow.session, folder.id, folder.generation, max(uids) + 1)

    def _advance(self, next_uid: int) -> None:
        with self._deps.db.work() as uow:
            repository.advance(uow.session, self._folder.id, self._folder.generation, max(1, next_uid))
        with self._deps.db.read() as uow:
            generation = self._folder.generation
            self._folder = uow.session.get_one(Folder, self._folder.id)
            if self._folder.generation != generation:
                raise Moved

    # --- the end --------------------------------------------------------------------------------------------------

    def _sweep_if_due(self) -> None:
        """Servers have lost single messages from their lists: look again at the last days, whatever the cursor says."""
        if not self._sweep_due():
            return
        now = self._deps.db.clock.now()
        since = max(horizon(self._deps, self._mailbox), now - timedelta(days=SWEEP_DAYS))
        holes = self._unknown([uid for uid in self._store.uids_since(since.date()) if uid < self._folder.next_uid])
        if holes:
            log.warning("inbox.missed", mailbox_id=self._mailbox.id, folder=self._folder.name, uids=holes[:20])
            self._fetch_all(holes, cursor=False)
        with self._deps.db.work() as uow:
            repository.lock_folder(uow.session, self._folder.id).last_full_at = now
        self._state.swept = True

    def _sweep_due(self) -> bool:
        last = self._folder.last_full_at
        return last is None or self._deps.db.clock.now() - last >= SWEEP_EVERY

    def _arrived(self, snapshot: Snapshot) -> None:
        folder = self._folder
        self._state.current = not self._hole
        seen = (folder.highestmodseq, folder.messages)
        if folder.synced_at is None or seen != (snapshot.highestmodseq, snapshot.exists) or folder.resets_in_row:
            with self._deps.db.work() as uow:
                row = repository.lock_folder(uow.session, folder.id)
                row.highestmodseq, row.messages = snapshot.highestmodseq, snapshot.exists
                row.synced_at = uow.now()
                if row.generation == folder.generation and row.uidvalidity == snapshot.uidvalidity:
                    # A walk that ended well is no proof: a server that renumbers at each sign-in ends well each time.
                    row.resets_in_row = row.resets_in_row if self._renumbered else 0

    def _check_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise OutOfTime
