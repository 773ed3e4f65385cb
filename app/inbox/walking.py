"""Walks one folder of a mailbox in one session: what its numbers mean, what is new, and what slipped through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from app.domain.ahead import passed
from app.domain.said import say
from app.inbox import repository, scouting
from app.inbox.deps import InboxDeps
from app.inbox.reading import Moved, Reader
from app.log import get_logger
from app.mail.ports import Head, Snapshot
from app.models import Folder, Mailbox

log = get_logger("inbox")

# Read with all checks before a follow-up; the others are opened only when their numbers have moved.
SURE = ("inbox", "junk")
SWEEP_EVERY = timedelta(hours=6)
SWEEP_DAYS = 3
WALK_DAYS = 30
MOST_RESETS = 5
# So many of the newest stored messages are compared with the server's at each look.
_ANCHORS = 8
_HEADS = 200


def horizon(deps: InboxDeps, mailbox: Mailbox) -> datetime:
    """Since when mail is looked at where numbers are new: no answer is older than what we have written."""
    with deps.db.read() as uow:
        first = repository.oldest_outbound(uow.session, mailbox.id)
    now = deps.db.clock.now()
    oldest = min(first or now, mailbox.created_at)
    # Servers compare whole days in their own zone, and clocks differ.
    return max(oldest, now - timedelta(days=WALK_DAYS)) - timedelta(days=2)


class Walk:
    """One folder, in the session of its `reader`; with `retry` what was put aside of it is tried again, when its time has come."""

    def __init__(self, reader: Reader, *, retry: bool = False) -> None:
        self._reader = reader
        self._deps, self._mailbox, self._store, self._state = reader.deps, reader.mailbox, reader.store, reader.state
        self._renumbered = False
        self._retry = reader.trouble.due(reader.deps.db.clock.now()) if retry else []

    def run(self, told: Snapshot | None = None) -> None:
        """Read until the stored cursor is the server's; `told` is what the server says of the folder without opening it."""
        if self._reader.folder.stopped_reason:
            self._state.reason = say(
                "the folder {folder} is not read any more: {why}",
                folder=self._reader.folder.name,
                why=self._reader.folder.stopped_reason,
            )
            return
        if told is not None and not self._retry and self._unmoved(told):
            self._state.current = True
            return
        first = True
        while True:
            snapshot = self._store.examine(self._reader.folder.name)
            if not self._settle_numbers(snapshot, compare=first):
                self._state.reason = say(
                    "the folder {folder} was stopped: {why}",
                    folder=self._reader.folder.name,
                    why=self._reader.folder.stopped_reason,
                )
                return
            first = False
            if self._reader.folder.next_uid < 1:
                self._walk_back(snapshot)
            elif snapshot.uidnext is None or snapshot.uidnext > self._reader.folder.next_uid:
                self._read_on(snapshot)
            else:
                self._sweep_if_due()
                self._reader.try_again(self._retry)
                self._retry = []
                self._arrived(snapshot)
                return
            if self._reader.hole:
                return
            if snapshot.uidnext is None:
                # Without UIDNEXT nothing tells whether more has come; the search has just said that it has not.
                self._arrived(snapshot)
                return

    def _unmoved(self, told: Snapshot) -> bool:
        """Whether the folder stands exactly as the last look has left it, and no sweep is due."""
        folder = self._reader.folder
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
        folder = self._reader.folder
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
        return self._reader.folder.stopped_reason is None

    def _reused(self) -> bool:
        """Whether numbers that we know now name other messages, as in a mailbox that was made anew under old numbers."""
        with self._deps.db.read() as uow:
            newest = repository.newest_ids(
                uow.session, self._reader.folder.id, self._reader.folder.generation, _ANCHORS
            )
        known = {uid: message_id for uid, message_id in newest.items() if not self._reader.trouble.knows(uid)}
        if not known:
            return False
        told = scouting.one_by_one(self._store.message_ids, list(known), self._reader.reopen, self._reader.check_time)
        return any(known[uid] and told.get(uid) and known[uid] != told[uid] for uid in known)

    def _renumber(self, snapshot: Snapshot, *, reset: bool) -> None:
        with self._deps.db.work() as uow:
            row = repository.lock_folder(uow.session, self._reader.folder.id)
            if row.generation != self._reader.folder.generation:
                raise Moved
            row.uidvalidity = snapshot.uidvalidity
            row.next_uid = 0
            if reset:
                row.generation += 1
                row.resets_in_row += 1
                row.renumbered_at = uow.now()
                if row.resets_in_row >= MOST_RESETS:
                    row.stopped_reason = say(
                        "its server has renumbered it {times} times in a row; ask its operator", times=MOST_RESETS
                    )
            self._reader.folder = row
        self._reader.trouble.renumbered(row)
        self._retry = []

    # --- reading --------------------------------------------------------------------------------------------------

    def _walk_back(self, snapshot: Snapshot) -> None:
        """Numbers are new: go through the recent past newest first. What is known by content only gets its new place."""
        listed = self._store.uids_since(horizon(self._deps, self._mailbox).date())
        self._reader.fetch_all(list(reversed(self._unknown(listed))), cursor=False)
        if not self._reader.hole:
            self._advance(snapshot.uidnext or max([0, *listed]) + 1)

    def _read_on(self, snapshot: Snapshot) -> None:
        listed = self._store.uids_from(self._reader.folder.next_uid)
        self._reader.fetch_all(self._unknown(listed), cursor=True)
        if not self._reader.hole:
            # Every number below UIDNEXT was searched for after the server had told it; what was not listed is gone.
            self._advance(max([snapshot.uidnext or 0, *(uid + 1 for uid in listed)]))

    def _unknown(self, uids: Sequence[int]) -> list[int]:
        """Those of `uids` that must be fetched as a whole.

        Beside inbox and spam folder, headers are read first: archives hold what was read in the inbox before (the same
        Message-ID and size: it only gets its new place), and a view of all mail holds what we have sent ourselves.
        """
        with self._deps.db.read() as uow:
            stored = repository.stored_uids(uow.session, self._reader.folder.id, self._reader.folder.generation, uids)
        fresh = [uid for uid in uids if uid not in stored]
        if self._reader.folder.role in SURE or not fresh:
            return fresh
        heads: dict[int, Head] = {}
        # What could not be fetched is not asked for its head, which breaks the session as well.
        asked = [uid for uid in fresh if not self._reader.trouble.doubtful(uid)]
        for start in range(0, len(asked), _HEADS):
            self._reader.check_time()
            some = asked[start : start + _HEADS]
            heads |= scouting.one_by_one(
                self._store.heads, some, partial(self._reader.broken, some), self._reader.check_time
            )
        with self._deps.db.work() as uow:
            folder = repository.lock_folder(uow.session, self._reader.folder.id)
            if folder.generation != self._reader.folder.generation:
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

    def _advance(self, next_uid: int) -> None:
        with self._deps.db.work() as uow:
            repository.advance(uow.session, self._reader.folder.id, self._reader.folder.generation, max(1, next_uid))
        with self._deps.db.read() as uow:
            generation = self._reader.folder.generation
            self._reader.folder = uow.session.get_one(Folder, self._reader.folder.id)
            if self._reader.folder.generation != generation:
                raise Moved

    # --- the end --------------------------------------------------------------------------------------------------

    def _sweep_if_due(self) -> None:
        """Servers have lost single messages from their lists: look again at the last days, whatever the cursor says."""
        if not self._sweep_due():
            return
        now = self._deps.db.clock.now()
        since = max(horizon(self._deps, self._mailbox), now - timedelta(days=SWEEP_DAYS))
        holes = self._unknown(
            [uid for uid in self._store.uids_since(since.date()) if uid < self._reader.folder.next_uid]
        )
        if holes:
            log.warning("inbox.missed", mailbox_id=self._mailbox.id, folder=self._reader.folder.name, uids=holes[:20])
            self._reader.fetch_all(holes, cursor=False)
        if self._reader.hole:
            return
        with self._deps.db.work() as uow:
            repository.lock_folder(uow.session, self._reader.folder.id).last_full_at = now
        self._state.swept = True

    def _sweep_due(self) -> bool:
        return passed(self._reader.folder.last_full_at, SWEEP_EVERY, self._deps.db.clock.now())

    def _arrived(self, snapshot: Snapshot) -> None:
        folder = self._reader.folder
        self._state.current = not self._reader.hole
        if not self._reader.hole:
            self._reader.trouble.settle()
        seen = (folder.highestmodseq, folder.messages)
        if folder.synced_at is None or seen != (snapshot.highestmodseq, snapshot.exists) or folder.resets_in_row:
            with self._deps.db.work() as uow:
                row = repository.lock_folder(uow.session, folder.id)
                row.highestmodseq, row.messages = snapshot.highestmodseq, snapshot.exists
                row.synced_at = uow.now()
                if row.generation == folder.generation and row.uidvalidity == snapshot.uidvalidity:
                    # A walk that ended well is no proof: a server that renumbers at each sign-in ends well each time.
                    row.resets_in_row = row.resets_in_row if self._renumbered else 0
