"""The protocol by which a mail leaves: lease, claim, gate, DATA, commit, dot, record. docs/explanation/architecture.md tells why.

It is several transactions by nature: nothing may be held open across the network, and the commit before the dot is what
makes "sent twice" impossible. A process may die at any line; the next holder of the mailbox's lease cleans up
(`repository.recover`), and what is unknowable is called ambiguous and never repeated by the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from app.db.vault import Vault
from app.db.work import Database, UnitOfWork
from app.domain.delivery import Answer, OutboundState, Stage, Verdict
from app.domain.pacing import pause_end
from app.domain.said import cut, say
from app.errors import GapbridgeError, Unavailable
from app.installation import hold, steady
from app.jobs import Job
from app.log import correlated, get_logger
from app.mail import reputation, resting
from app.mail.credentials import Credentials, SignInEnded
from app.mail.smtp import NothingWritten, SmtpSession, StepFailed
from app.models import Mailbox, Outbound, OutboundKind
from app.outbox import expiry, gating, plan, record, repository, service, statements
from app.outbox.committing import CommitPoint, Committed, counted, day_of
from app.outbox.connection import Connection
from app.outbox.gating import ReplyGate
from app.outbox.lining_up import LineUp
from app.settings import Settings

log = get_logger("outbox")

# A process that was stopped between the commit and the first byte must not write when it wakes: another may hold the
# mailbox by then.
PAUSED_TOO_LONG = 2.0
_TURN_AT_MOST = timedelta(minutes=10)
_DATABASE_TRIES = 3


@dataclass(frozen=True, slots=True)
class Report:
    """What one turn of a mailbox did. `stopped` says why it ended."""

    sent: int
    tried: int
    stopped: str


class _LostLease(Exception):
    """Somebody else holds the mailbox: stop at once and touch nothing."""


class _Held(Exception):
    """The gate said no; the row waits, and the connection is dropped without a dot."""


class _NoWitness(Exception):
    """The note outside of the database could not be made: not a byte was written, and nothing else may leave."""

    def __init__(self, done: record.Outcome) -> None:
        super().__init__(done.detail)
        self.done = done


class Turn:
    """One worker's turn with one mailbox: sends what is due until nothing is, the cap is reached, or it must pause."""

    def __init__(
        self,
        db: Database,
        settings: Settings,
        vault: Vault,
        gate: ReplyGate,
        mailbox_id: int,
        *,
        jitter: Callable[[], float] = random.SystemRandom().random,
    ) -> None:
        self._db = db
        self._settings = settings
        self._vault = vault
        self._gate = gate
        self._mailbox_id = mailbox_id
        self._jitter = jitter
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{id(self):x}"
        self._line = Connection(settings, Credentials(db, settings, vault), self._holding)
        self._fence = 0
        self._lease = timedelta(seconds=settings.lease_seconds)
        self._sent = self._tried = 0
        self._line_up = LineUp(settings, vault)
        self._standing = hold.standing(db, settings)

    def run(self) -> Report:
        """Take the mailbox and work until there is a reason to stop; the reason is in the report."""
        if self._standing.skip is not None:
            return Report(0, 0, self._standing.skip.sentence)
        if not self._take():
            if expiry.sweep(self._db, self._settings, self._mailbox_id):
                return Report(0, 0, "the mailbox is switched off, or rests")
            return Report(0, 0, "the mailbox is held by another worker")
        try:
            stopped = asyncio.run(self._work())
        except _LostLease:
            return Report(self._sent, self._tried, "another worker took the mailbox")
        with self._db.work() as uow:
            repository.release_lease(uow.session, self._mailbox_id, self._fence)
        return Report(self._sent, self._tried, stopped)

    def _take(self) -> bool:
        with self._db.work() as uow:
            now = uow.now()
            # The lease takes the words of a rest away, and its end with them.
            rested = repository.rest_of(uow.session, self._mailbox_id)
            fence = repository.take_lease(uow.session, self._mailbox_id, self._owner, now, now + self._lease)
            if fence is None:
                return False
            self._fence = fence
            reputation.settle(uow, self._settings, self._mailbox_id)
            record.left_behind(uow, self._mailbox_id, fence)
            mailbox = statements.hold_on(uow.session, self._mailbox_id, fence, now + self._lease)
            if mailbox is not None:
                if rested is not None:
                    expiry.forgive(uow, mailbox.id, *rested)
                plan.tidy(uow.session, self._settings, mailbox, now, counted(self._settings, now)[1])
                self._line_up.share = plan.share(uow.session, mailbox, now)
        return True

    async def _work(self) -> str:
        done: record.Outcome | None = None
        deadline = time.monotonic() + _TURN_AT_MOST.total_seconds()
        faults = 0
        try:
            while True:
                # One transaction records the last message and claims the next.
                try:
                    row, mailbox, stop = self._record_and_claim(done, last=time.monotonic() > deadline)
                except OperationalError as error:
                    # Recording is guarded by the fence, so it may be tried again; a row that stays unrecorded would
                    # become ambiguous.
                    faults += 1
                    if faults > _DATABASE_TRIES:
                        raise
                    log.warning(
                        "outbox.database_fault", mailbox_id=self._mailbox_id, error=str(error.orig), tries=faults
                    )
                    await asyncio.sleep(0.2 * faults)
                    continue
                except IntegrityError:
                    # Another mailbox claimed a message to the same prospect at the same moment: it goes first.
                    self._record_only(done)
                    done = None
                    continue
                done = None
                if row is None or mailbox is None:
                    return stop
                self._tried += 1
                try:
                    with correlated(row.correlation_id):
                        done = await self._attempt(row, mailbox)
                except _NoWitness as stopped:
                    self._record_only(stopped.done)
                    return stopped.done.detail
                if done is None:
                    # Refused: if it was by a hold, every further mail would be.
                    self._standing = hold.standing(self._db, self._settings)
                    if self._standing.skip is not None:
                        return self._standing.skip.sentence
        finally:
            await self._line.end(politely=done is None)

    def _hold_on(self, uow: UnitOfWork) -> Mailbox | None:
        """Lock the mailbox's row and renew our lease; None when somebody else holds it."""
        mailbox = statements.hold_on(uow.session, self._mailbox_id, self._fence, uow.now() + self._lease)
        if mailbox is None:
            statements.lock_mailbox(uow.session, self._mailbox_id)
        return mailbox

    def _record_only(self, done: record.Outcome | None) -> None:
        if done is not None:
            with self._db.work() as uow:
                self._hold_on(uow)
                self._record(uow, done)

    def _record(self, uow: UnitOfWork, done: record.Outcome | None) -> None:
        if done is not None:
            record.outcome(uow, self._vault, self._settings, self._fence, done, 2 * self._jitter() - 1)
            uow.session.flush()

    def _record_and_claim(
        self, done: record.Outcome | None, *, last: bool
    ) -> tuple[Outbound | None, Mailbox | None, str]:
        # Need not wait for the disk: if a power cut undoes it, the mail stands as COMMITTED and becomes ambiguous, never
        # double. The next commit point is durable and carries this one with it.
        with self._db.work(durable=False) as uow:
            # The mailbox's row first, always: a holder that takes over locks it, and then the messages. The other order
            # would let two workers wait for each other.
            mailbox = self._hold_on(uow)
            self._record(uow, done)
            if done is not None and done.verdict is Verdict.ACCEPTED:
                self._sent += 1
            elif done is not None:
                # What went wrong may have put the mailbox to rest.
                mailbox = self._hold_on(uow)
            now = uow.now()
            if mailbox is None:
                return None, None, "another worker took the mailbox"
            if not mailbox.active:
                return None, None, "the mailbox is switched off"
            if resting.rests(mailbox, now):
                return None, None, f"the mailbox rests: {mailbox.paused_reason}"
            if last:
                uow.ring(Job.OUTBOX_DELIVER, self._mailbox_id)
                return None, None, "the turn was long enough"
            if pause_end(mailbox.next_send_at, mailbox.gap_max_seconds, now) is not None:
                return None, None, "mails leave with a pause between them"
            counter = statements.counter(uow.session, self._mailbox_id, day_of(mailbox, now))
            if counter is not None and counter[0] >= counter[1]:
                return None, None, "the cap of today is reached"
            row = self._line_up.take(uow, mailbox, self._fence)
            if row is None:
                # What was stopped meanwhile is never claimed; here it gets its final state and its reason.
                expiry.take_out(uow, mailbox)
            return row, mailbox, "nothing is due"

    def _commit(self, row: Outbound, mailbox: Mailbox, gate_seen: int | None) -> Committed | None:
        """The point of no return (`app.outbox.committing`); None when it was refused."""
        point = CommitPoint(
            self._db,
            self._settings,
            self._vault,
            self._mailbox_id,
            self._fence,
            self._lease,
            self._standing,
            self._jitter,
        )
        return point.commit(row, mailbox, gate_seen)

    async def _attempt(self, row: Outbound, mailbox: Mailbox) -> record.Outcome | None:
        try:
            service.check(row, mailbox, self._settings)
            session = await self._line.open(mailbox)
            await session.envelope(mailbox.email, row.to_address)
            gate_seen = await self._pass_gate(row, mailbox)
            await session.data()
        except StepFailed as failed:
            return record.Outcome(row, failed.stage, failed.answer, failed.detail, committed=False)
        except SignInEnded as ended:
            # The mailbox rests until a person has signed in; the message keeps its place.
            self._hold(row, ended.detail, timedelta(0))
            return None
        except Unavailable as fault:
            # No token now, or no key for the password: the mailbox's trouble, and the message waits for it.
            return record.Outcome(row, Stage.AUTH, None, fault.detail, committed=False)
        except _Held:
            session.drop()
            return None
        except GapbridgeError as broken:
            self._line.drop()
            self._hold(row, broken.detail, timedelta(days=36500), for_good=True)
            return None
        try:
            committed = self._commit(row, mailbox, gate_seen)
        except OperationalError as error:
            # The commit's own fate may be unknown (connection lost while committing). No byte was written, but the
            # row may stand as COMMITTED: it is left to the next lease, which calls it ambiguous.
            session.drop()
            log.error("outbox.commit_failed", outbound_id=row.id, error=str(error.orig))
            raise _LostLease from error
        if committed is None:
            session.drop()
            return None
        return await self._write(session, row, committed)

    async def _pass_gate(self, row: Outbound, mailbox: Mailbox) -> int | None:
        if row.kind is OutboundKind.PITCH and gating.trusts_sync(mailbox, self._db.clock.now()):
            return None
        async with self._holding():
            answer = await asyncio.to_thread(self._gate, self._mailbox_id)
        if not answer.current:
            with self._db.read() as look:
                read = look.session.get_one(Mailbox, self._mailbox_id)
                shut = self._line_up.shut = gating.shut_by(answer, read, look.now())
            self._hold(row, shut.why, shut.until - self._db.clock.now())
            raise _Held
        return answer.seen_event_id

    @contextlib.asynccontextmanager
    async def _holding(self):  # type: ignore[no-untyped-def]
        """Renew the lease while something slow goes on. Safety never rests on it, only on the fence."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(min(15.0, self._lease.total_seconds() / 4))
                try:
                    with self._db.work() as uow:
                        repository.renew_lease(uow.session, self._mailbox_id, self._fence, uow.now() + self._lease)
                except SQLAlchemyError as error:
                    # An answer may be on its way meanwhile: it is worth more than the lease, which is tried again.
                    log.warning("outbox.lease_not_renewed", mailbox_id=self._mailbox_id, error=type(error).__name__)

        task = asyncio.create_task(renew())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _hold(self, row: Outbound, why: str, wait: timedelta, *, for_good: bool = False) -> None:
        with self._db.work() as uow:
            until = uow.now() + wait
            # By a clock that cannot be believed it goes back as it was; what is wrong with the mail itself does not hang on the time.
            values: dict[str, object] = (
                {"hold_reason": cut(why, 500), "not_before": until}
                if for_good or steady.may_plan(uow.session, uow.now())
                else {}
            )
            if for_good:
                values["wanted_at"] = until
            repository.settle(
                uow.session, row.id, self._fence, OutboundState.CLAIMED, state=OutboundState.QUEUED, **values
            )
        log.info("outbox.held", outbound_id=row.id, reason=why)

    async def _write(self, session: SmtpSession, row: Outbound, committed: Committed) -> record.Outcome:
        done = partial(
            record.Outcome,
            row,
            Stage.DOT,
            committed=True,
            counted=None
            if row.kind is OutboundKind.REPLY or row.committed_at is None
            else counted(self._settings, row.committed_at),
        )
        if time.monotonic() - committed.at > PAUSED_TOO_LONG:
            session.drop()
            return done(None, say("this process was paused"), unwritten=True)
        try:
            # Before the first byte: a database that is turned back to before this moment will be known by it.
            self._standing.saw(committed.attempt_id)
        except OSError as error:
            session.drop()
            log.error("outbox.no_witness", outbound_id=row.id, error=str(error))
            what = say(
                "{path} cannot be written ({error}), and without it nothing is sent; correct it",
                path=self._standing.path,
                error=error.strerror,
            )
            raise _NoWitness(done(None, what, unwritten=True)) from error
        answer: Answer | None
        try:
            async with self._holding():
                answer = await session.finish(service.wire_bytes(row))
        except NothingWritten:
            session.drop()
            return done(None, say("connection lost"), unwritten=True)
        return done(answer, say("no complete answer to the dot"))


def drain(db: Database, settings: Settings, vault: Vault, gate: ReplyGate, mailbox_id: int) -> Report:
    """Send what is due from one mailbox (the job `outbox.deliver`). Safe to call at any time, any number of times."""
    report = Turn(db, settings, vault, gate, mailbox_id).run()
    log.info("outbox.turn", mailbox_id=mailbox_id, sent=report.sent, tried=report.tried, stopped=report.stopped)
    return report
