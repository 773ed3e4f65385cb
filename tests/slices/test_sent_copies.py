"""Copies of what was sent, on a real Dovecot: filed once, by the provider or by us, whoever dies in between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from app.clock import FixedClock
from app.db.work import Database
from app.domain.delivery import OutboundState
from app.errors import MailboxFault
from app.inbox import service as inbox
from app.inbox.deps import InboxDeps, by_imap, shared_parser
from app.mail.credentials import Credentials
from app.mail.ports import MailStore
from app.models import BlockingEvent, Inbound, Mailbox, Outbound, OutboundAlias, OutboundKind, SentCopy
from app.outbox import repository, sent_copies, service
from app.outbox.record import COPY_LOOKED_FOR_AFTER
from app.outbox.sent_copies import LEARNED_AFTER, WAIT, file_copies
from app.settings import Settings
from tests.support.dovecot import Dovecot, dovecot
from tests.support.world import VAULT, a_contact, a_conversation, a_mailbox, a_prospect, a_site

ANA = "ana@acme.test"


@pytest.fixture
def server() -> Iterator[Dovecot]:
    with dovecot(ANA) as running:
        yield running


class Post:
    """One mailbox whose mails have just left."""

    def __init__(self, db: Database, settings: Settings, clock: FixedClock, server: Dovecot) -> None:
        self.db, self.settings, self.clock, self.server = db, settings, clock, server
        self.imap = by_imap(settings, Credentials(db, settings, VAULT))
        with db.work() as uow:
            self.site = a_site(uow)
            self.mailbox = a_mailbox(uow, ANA, imap_port=server.port)
        self.count = 0

    def connect(self, mailbox: Mailbox) -> MailStore:
        return self.imap(mailbox, timedelta(seconds=10))

    def sent(self) -> Outbound:
        """A mail that has left now."""
        self.count += 1
        with self.db.work() as uow:
            prospect = a_prospect(uow, self.site, f"editor{self.count}.test")
            row = service.enqueue(
                uow, VAULT, self.settings,
                conversation=a_conversation(uow, prospect, a_contact(uow, prospect), self.mailbox),
                kind=OutboundKind.PITCH, subject="Your checklist", body_text="Hello Dana", body_html=None,
                approved_by="ana", not_before=self.clock.now(),
            )  # fmt: skip
            row.state, row.sent_at = OutboundState.SENT, self.clock.now()
            repository.await_copy(uow.session, row.id, self.mailbox.id, uow.now() + COPY_LOOKED_FOR_AFTER)
            return row

    def run(self, connect: Callable[[Mailbox], MailStore] | None = None) -> int:
        return file_copies(self.db, connect or self.connect, self.mailbox.id)

    def copies(self, folder: str = "Sent") -> list[bytes]:
        box = self.server.session(ANA)
        box.select(folder, readonly=True)
        numbers = box.search(None, "ALL")[1][0].split()
        found = [box.fetch(number.decode(), "(BODY.PEEK[])")[1][0][1] for number in numbers]
        box.unselect()
        return found

    def learned(self) -> bool | None:
        with self.db.read() as look:
            return look.session.get_one(Mailbox, self.mailbox.id).autofiles_sent

    def waiting(self) -> int:
        with self.db.read() as look:
            return look.session.execute(select(func.count()).select_from(SentCopy)).scalar_one()

    def states(self) -> set[OutboundState]:
        with self.db.read() as look:
            return set(look.session.execute(select(col(Outbound.state))).scalars())


@pytest.fixture
def post(db: Database, settings: Settings, clock: FixedClock, server: Dovecot) -> Post:
    return Post(db, settings, clock, server)


def test_a_server_that_files_nothing_gets_one_copy_of_each_and_is_known_after_five(post: Post) -> None:
    for number in range(1, LEARNED_AFTER + 1):
        row = post.sent()
        assert post.run() == 0  # Not due yet.
        post.clock.advance(COPY_LOOKED_FOR_AFTER)
        with post.db.read() as look:
            assert repository.due_copies(look.session, look.now()) == [post.mailbox.id]
        assert post.run() == 0  # It may still be filed.
        assert len(post.copies()) == number - 1
        post.clock.advance(WAIT)
        assert post.run() == 1
        assert post.copies()[-1] == service.wire_bytes(row)
        assert post.learned() is (False if number == LEARNED_AFTER else None)
    post.sent()
    post.clock.advance(COPY_LOOKED_FOR_AFTER)
    assert post.run() == 1
    assert len(post.copies()) == LEARNED_AFTER + 1
    assert (post.waiting(), post.states()) == (0, {OutboundState.SENT})


def test_a_provider_that_files_by_itself_is_known_after_five_and_never_gets_a_second_copy(post: Post) -> None:
    for number in range(1, LEARNED_AFTER + 1):
        post.server.put(ANA, post.sent().raw, folder="Sent", flags=r"(\Seen)")
        post.clock.advance(COPY_LOOKED_FOR_AFTER)
        assert post.run() == 1
        assert post.learned() is (True if number == LEARNED_AFTER else None)
    # One that is missing is not made up for, and one alone changes no mind.
    post.sent()
    post.clock.advance(COPY_LOOKED_FOR_AFTER)
    assert post.run() == 0
    post.clock.advance(WAIT)
    assert post.run() == 1
    assert (len(post.copies()), post.learned(), post.waiting()) == (LEARNED_AFTER, True, 0)
    for _ in range(LEARNED_AFTER):
        post.sent()
    post.clock.advance(WAIT)
    post.run()
    assert post.learned() is False  # It has changed its habit.


@pytest.mark.parametrize("point", ["before", "after"])
def test_a_worker_that_dies_while_it_files_leaves_one_copy(post: Post, point: str) -> None:
    """Death right before and right after the server has taken the copy: the next worker looks first."""

    class Killed(BaseException):
        pass

    def dying(mailbox: Mailbox) -> Any:
        store: Any = post.connect(mailbox)
        append = store.append

        def die(*arguments: Any) -> None:
            if point == "after":
                append(*arguments)
            raise Killed

        store.append = die
        return store

    post.sent()
    post.clock.advance(WAIT)
    with pytest.raises(Killed):
        post.run(dying)
    assert post.states() == {OutboundState.SENT}
    assert post.run() == 0  # The dead worker's claim still runs.
    post.clock.advance(timedelta(minutes=6))
    assert post.run() == 1
    assert len(post.copies()) == 1
    with post.db.read() as look:
        # Counted once, as missing: our own copy, found again, is no habit of the provider's.
        assert look.session.get_one(Mailbox, post.mailbox.id).autofiled_seen == -1


def test_workers_at_once_file_each_copy_once(post: Post) -> None:
    for _ in range(6):
        post.sent()
    post.clock.advance(WAIT)
    together = threading.Barrier(3)
    faults: list[Exception] = []

    def work() -> None:
        try:
            together.wait(10)
            post.run()
        except Exception as error:
            faults.append(error)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert faults == []
    assert len(post.copies()) == len(set(post.copies())) == 6
    assert post.waiting() == 0


def test_a_mailbox_that_cannot_be_read_waits_and_is_given_up_at_last_but_stays_sent(post: Post) -> None:
    def away(mailbox: Mailbox) -> MailStore:
        raise MailboxFault("IMAP does not answer")

    post.sent()
    post.clock.advance(WAIT)
    assert post.run(away) == 0
    assert post.waiting() == 1
    for _ in range(sent_copies._MOST_TRIES + 1):
        post.clock.advance(timedelta(hours=13))
        post.run(away)
    assert (post.waiting(), post.states()) == (0, {OutboundState.SENT})


def test_our_own_mails_are_never_replies(post: Post) -> None:
    """Neither in the folder of sent mail, nor where a server shows the copy in the inbox."""
    row = post.sent()
    deps = InboxDeps(post.db, VAULT, post.settings, shared_parser(), post.imap)
    post.server.put(ANA, row.raw, folder="Sent")
    inbox.look(deps, post.mailbox.id)
    with post.db.read() as look:
        assert look.session.execute(select(func.count()).select_from(Inbound)).scalar_one() == 0
    post.server.put(ANA, row.raw)
    post.clock.advance(timedelta(minutes=2))
    inbox.look(deps, post.mailbox.id)
    with post.db.read() as look:
        assert look.session.execute(select(func.count()).select_from(Inbound)).scalar_one() == 1
        assert look.session.execute(select(func.count()).select_from(BlockingEvent)).scalar_one() == 0


def test_a_provider_that_gives_the_copy_an_id_of_its_own_is_known_by_the_token(post: Post) -> None:
    deps = InboxDeps(post.db, VAULT, post.settings, None, post.imap)  # type: ignore[arg-type]
    for number in range(LEARNED_AFTER):
        row = post.sent()
        theirs = f"<0102018f-{number}-000000@mail.provider.test>"
        post.server.put(ANA, row.raw.replace(row.message_id.encode(), theirs.encode()), folder="Sent", flags=r"(\Seen)")
        post.clock.advance(COPY_LOOKED_FOR_AFTER)
        if number == 0:
            assert inbox.sent_copy(deps, row, post.mailbox) is not None, "what is unsure finds its evidence"
        assert post.run() == 1
        with post.db.read() as look:
            assert look.session.get_one(OutboundAlias, theirs).outbound_id == row.id
    # Nothing was filed a second time, and the provider is known for what it is.
    assert (len(post.copies()), post.learned()) == (LEARNED_AFTER, True)
    other = post.sent()
    assert inbox.sent_copy(deps, other, post.mailbox) is None
