"""Messages that a server lists and cannot give: one of them holds nothing up for good, and none is forgotten.

A damaged file, or a store with a hole, breaks every FETCH that names the message. So a batch that fails is asked for one by
one, and what fails alone at three separate looks, while the server gives others, is put aside in quarantine where people
see it. From then on it is tried again once in an hour: it is read when it comes, and let go when it is gone.

A server may hang at such a message until the look ends. So each try is noted before the server is asked, and what has been
tried often enough is put aside without asking once more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlmodel import Session, col

from app.db.parts import parts
from app.db.work import UnitOfWork
from app.domain.ahead import passed
from app.domain.mail_tokens import sender
from app.domain.said import cut, say
from app.inbox import acting, matching, repository, scouting, triage
from app.inbox.decoding import header_text
from app.inbox.deps import InboxDeps
from app.inbox.identity import content_key
from app.inbox.metrics import QUARANTINED
from app.log import get_logger
from app.mail.imap import message_id_of
from app.mail.ports import Fetched, Head
from app.models import Folder, Inbound, InboundLocation, InboundState, Mailbox, Unfetched
from app.prospects import repository as prospects_repository

log = get_logger("inbox")

MOST_LOOKS = 3
# Two looks right after each other see the same passing fault.
APART = timedelta(minutes=1)
RETRY_EVERY = timedelta(hours=1)
RULE = "unfetched"
# What was put aside, has paused somebody, and is not asked for any more.
GONE = "unfetched-gone"
HANGS = say("the server does not answer when it is asked for it")
# So many of the newest that were read are looked for in the folder: people file away what they have dealt with.
_WITNESSES = 50


def of_mailbox(session: Session, mailbox_id: int) -> list[Unfetched]:
    """Every such message of a mailbox, in the order of UIDs."""
    found = session.execute(
        select(Unfetched)
        .join(Folder, col(Folder.id) == col(Unfetched.folder_id))
        .where(col(Folder.mailbox_id) == mailbox_id)
        .order_by(col(Unfetched.folder_id), col(Unfetched.uid))
    )
    return list(found.scalars())


def again(session: Session, inbound_id: int) -> bool:
    """Make the next try of a message that was put aside due now; False when it is none that could not be fetched."""
    row = session.execute(select(Unfetched).where(col(Unfetched.inbound_id) == inbound_id)).scalar_one_or_none()
    if row is not None:
        row.tried_at = None
    return row is not None


class Trouble:
    """What of one folder could not be fetched, and what becomes of it. Rows of former generations are let go."""

    def __init__(self, deps: InboxDeps, mailbox: Mailbox, folder: Folder, rows: Iterable[Unfetched]) -> None:
        self._deps, self._mailbox, self._folder = deps, mailbox, folder
        self._rows = {(row.generation, row.uid): row for row in rows if row.folder_id == folder.id}

    def renumbered(self, folder: Folder) -> None:
        """The folder's numbers name other messages now: what was damaged is found anew under its new one."""
        self._folder = folder
        for generation, uid in [key for key in self._rows if key[0] != folder.generation]:
            self.gone(uid, generation)

    def doubtful(self, uid: int) -> bool:
        """Whether this message is asked for alone: something among those that it was asked for with has failed."""
        row = self._rows.get((self._folder.generation, uid))
        return row is not None and row.inbound_id is None

    def knows(self, uid: int) -> bool:
        """Whether this message was suspected or put aside: even its head may be one that the server hangs at."""
        return self._row(uid) is not None

    def in_order(self, uids: Iterable[int]) -> list[int]:
        """Those that have never failed alone first: a server may hang at the others."""
        return sorted(set(uids), key=lambda uid: (row.looks if (row := self._row(uid)) else 0, uid))

    def due(self, now: datetime) -> list[int]:
        """What was put aside and is to be tried again."""
        return [
            row.uid
            for row in self._rows.values()
            if row.inbound_id is not None and passed(row.tried_at, RETRY_EVERY, now)
        ]

    def suspect(self, uids: Sequence[int], why: str) -> None:
        """These were asked for together, and that failed."""
        with self._deps.db.work() as uow:
            folder, generation = repository.lock_folder(uow.session, self._folder.id), self._folder.generation
            fresh = [uid for uid in uids if self._row(uid) is None]
            noted: dict[int, Unfetched] = {}
            for some in parts(fresh):
                here = (col(Unfetched.folder_id) == folder.id, col(Unfetched.generation) == generation)
                found = uow.session.execute(select(Unfetched).where(*here, col(Unfetched.uid).in_(some)))
                noted |= {row.uid: row for row in found.scalars()}
            for uid in fresh:
                row = noted.get(uid) or Unfetched(folder_id=folder.id, generation=generation, uid=uid)
                row.error = row.error or cut(why, 500)
                uow.session.add(row)
                self._rows[generation, uid] = row

    def witnesses(self, session: Session) -> list[int]:
        """The newest messages of the folder that were read, newest first: a server that lists them and gives none gives nothing."""
        found = session.execute(
            select(col(InboundLocation.uid))
            .join(Inbound, col(Inbound.id) == col(InboundLocation.inbound_id))
            .where(
                col(InboundLocation.folder_id) == self._folder.id,
                col(InboundLocation.generation) == self._folder.generation,
                col(Inbound.state) != InboundState.QUARANTINED,
            )
            .order_by(col(InboundLocation.uid).desc())
            .limit(_WITNESSES)
        )
        return list(found.scalars())

    def asked(self, uid: int) -> None:
        """It is about to be asked for alone. Counts separate looks; `forget` undoes it when the message comes."""
        with self._deps.db.work() as uow:
            repository.lock_folder(uow.session, self._folder.id)
            row = self._noted(uow, uid)
            if row.inbound_id is None and passed(row.tried_at, APART, uow.now()):
                row.looks, row.tried_at = row.looks + 1, uow.now()

    def _noted(self, uow: UnitOfWork, uid: int) -> Unfetched:
        """The row as it stands now, also where another look has written it; made when there is none."""
        key = (self._folder.id, self._folder.generation, uid)
        row = uow.session.get(Unfetched, key, populate_existing=True)
        if row is None:
            row = Unfetched(folder_id=key[0], generation=key[1], uid=uid)
            uow.session.add(row)
        self._rows[key[1:]] = row
        return row

    def spent(self, uid: int) -> bool:
        """Whether it was tried at enough looks, the last of which has ended in the middle: it is not asked for again."""
        row = self._row(uid)
        return row is not None and row.looks >= MOST_LOOKS and passed(row.tried_at, APART, self._deps.db.clock.now())

    def failed(self, uid: int, why: str, head: Callable[[int], Head | None]) -> bool:
        """It did not come. After the third look it is put aside, with what its head names paused: True then."""
        before = self._row(uid)
        seen = None
        if before is not None and before.looks == MOST_LOOKS:
            # The server may hang at the head as well: noted first, and then it is put aside without.
            with self._deps.db.work() as uow:
                row = uow.session.get(Unfetched, (before.folder_id, before.generation, uid), populate_existing=True)
                if row is not None:
                    row.looks = MOST_LOOKS + 1
            seen = head(uid)
        with self._deps.db.work() as uow:
            folder = repository.lock_folder(uow.session, self._folder.id)
            key = (folder.id, self._folder.generation, uid)
            row = uow.session.get(Unfetched, key, populate_existing=True)
            if row is None:
                return False  # another look has got it at this moment
            if row.inbound_id is not None:
                return True
            row.error = cut(why, 500)
            self._rows[key[1:]] = row
            if row.looks < MOST_LOOKS:
                return False
            row.inbound_id = self._put_aside(uow, row, seen)
            return True

    def _put_aside(self, uow: UnitOfWork, row: Unfetched, head: Head | None) -> int:
        folder = self._folder
        fields = scouting.fields_of(head) if head is not None else {}
        name, address = sender(header_text(fields.get("from", ""), 1000))
        made = Inbound(
            mailbox_id=self._mailbox.id,
            content_key=hashlib.sha256(f"{RULE}:{folder.id}:{row.generation}:{row.uid}".encode()).hexdigest(),
            state=InboundState.QUARANTINED,
            size=head.size if head is not None else 0,
            failures=MOST_LOOKS,
            error=say(
                "message UID {uid} in {folder} cannot be fetched: {why}; delete or move it",
                uid=row.uid,
                folder=folder.name,
                why=row.error,
            ),
            message_id=head.message_id if head is not None else None,
            from_address=address,
            from_name=name[:200] or None,
            subject=header_text(fields.get("subject", ""), 1000) or None,
            rule=RULE,
            stored_at=uow.now(),
        )
        found = None
        if head is not None:
            marks = scouting.marks_of(head)
            book = matching.Book(uow.session, self._deps.vault, [self._mailbox.id], [marks])
            if marks.sender not in book.own_addresses:
                found = book.find(self._mailbox.id, marks, uow.now())
        if found is not None:
            prospects_repository.lock(uow.session, found.prospect_id)
            made.match_kind, made.outbound_id, made.conversation_id = (
                found.kind,
                found.outbound_id,
                found.conversation_id,
            )
        uow.session.add(made)
        uow.session.flush()
        repository.place(uow.session, folder.id, row.generation, {row.uid: made.id})
        if found is not None:
            acting.pause_unreadable(uow, made, found.prospect_id)
        QUARANTINED.labels(RULE).inc()
        log.error("inbox.unfetched", mailbox_id=self._mailbox.id, folder=folder.name, uid=row.uid, inbound_id=made.id, reason=row.error)  # fmt: skip
        return made.id

    def tried(self, uid: int) -> None:
        """What was put aside is asked for once more, and not again for an hour: also where the server hangs at it."""
        with self._deps.db.work(durable=False) as uow:
            row = uow.session.get(Unfetched, (self._folder.id, self._folder.generation, uid))
            if row is not None:
                row.tried_at = uow.now()

    def forget(self, uow: UnitOfWork, uids: Iterable[int]) -> None:
        """These came: in the transaction that stores them."""
        for uid in uids:
            row = self._rows.pop((self._folder.generation, uid), None)
            if row is not None:
                uow.session.execute(
                    delete(Unfetched).where(
                        col(Unfetched.folder_id) == row.folder_id,
                        col(Unfetched.generation) == row.generation,
                        col(Unfetched.uid) == uid,
                    )
                )

    def came(self, message: Fetched) -> bool:
        """What was put aside is given now: its row is read like any other. False when the same message was read elsewhere."""
        row = self._rows[self._folder.generation, message.uid]
        with self._deps.db.work() as uow:
            together = repository.hold_account(uow.session, self._mailbox.id)
            stored = repository.lock_message(uow.session, row.inbound_id or 0)
            self.forget(uow, [message.uid])
            if stored is None or stored.state is not InboundState.QUARANTINED:
                return False
            key = content_key(message.raw)
            if repository.ids_by_key(uow.session, together, [key]):
                self._let_go(uow, stored)
                return False
            stored.raw, stored.content_key, stored.size = message.raw, key, message.size
            stored.message_id = message_id_of(message.raw)
            stored.received_at = message.received_at or stored.stored_at
            stored.handled_by = stored.handled_at = None
            stored.state, stored.failures, stored.error, stored.rule = InboundState.STORED, 0, None, None
        log.info("inbox.fetched_at_last", mailbox_id=self._mailbox.id, folder=self._folder.name, uid=message.uid)
        return True

    def gone(self, uid: int, generation: int | None = None) -> None:
        """The server lists it no more. What it has paused stays so until a person decides; else it leaves the tray."""
        row = self._rows.pop((self._folder.generation if generation is None else generation, uid), None)
        if row is None:
            return
        with self._deps.db.work() as uow:
            found = uow.session.get(Unfetched, (row.folder_id, row.generation, uid))
            if found is not None:
                uow.session.delete(found)
            stored = repository.lock_message(uow.session, row.inbound_id) if row.inbound_id is not None else None
            if stored is not None and stored.state is InboundState.QUARANTINED:
                self._let_go(uow, stored)

    @staticmethod
    def _let_go(uow: UnitOfWork, stored: Inbound) -> None:
        if stored.prospect_id is None:
            stored.state = InboundState.DONE
            triage.finish(uow, stored, actor=acting.ACTOR)
            return
        stored.rule = GONE
        stored.error = say("it is gone from its server, or was read elsewhere, and could never be fetched here")

    def settle(self) -> None:
        """The folder was read to its end: what was suspected and is not listed any more needs no row."""
        rest = [uid for (_, uid), row in self._rows.items() if row.inbound_id is None]
        if rest:
            with self._deps.db.work() as uow:
                self.forget(uow, rest)

    def _row(self, uid: int) -> Unfetched | None:
        return self._rows.get((self._folder.generation, uid))
