"""A mailbox at a server that announces Google's extension: labels say what is ours, and its own index finds what we sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.db.work import Database
from app.domain.blocking import Blocking
from app.inbox import service
from app.inbox.deps import InboxDeps, by_imap
from app.inbox.parser import MailParser
from app.mail.credentials import Credentials
from app.mail.imap import ImapSession
from app.mail.imap_signin import ImapAccount
from app.models import BlockingEvent, Inbound, Security
from app.settings import Settings
from tests.slices.test_inbox_sync import BUDGET, World, a_sent_pitch
from tests.support.gimap import Gimap, gimap
from tests.support.letters import letter
from tests.support.world import VAULT, a_mailbox, a_site

OWN = "<0123456789abcdef.abcdefghijklmnopqrstuvwx@acme.test>"
ALL = "[Gmail]/All Mail"


@pytest.fixture(scope="module")
def parser() -> Iterator[MailParser]:
    with MailParser() as shared:
        yield shared


@pytest.fixture
def google() -> Iterator[Gimap]:
    with gimap() as running:
        yield running


@pytest.fixture
def session(google: Gimap) -> Iterator[ImapSession]:
    account = ImapAccount(
        google.host, google.port, Security.NONE, "ana", "any", timeout=timedelta(seconds=10), allow_plaintext=True
    )
    with ImapSession(account) as made:
        yield made


def test_its_folders_have_their_roles(session: ImapSession) -> None:
    roles = {folder.name: folder.role for folder in session.folders()}
    assert {name: role for name, role in roles.items() if role != "other"} == {
        "INBOX": "inbox",
        ALL: "all",
        "[Gmail]/Drafts": "drafts",
        "[Gmail]/Sent Mail": "sent",
        "[Gmail]/Spam": "junk",
        "[Gmail]/Trash": "trash",
    }


@pytest.mark.parametrize("quoted", [False, True])
def test_a_label_says_what_the_owner_has_written(google: Gimap, session: ImapSession, quoted: bool) -> None:
    google.quoted = quoted
    theirs = google.put(letter("yes"), "\\Inbox", "\\Important", "Muy Importante", "Sent")
    google.put(letter("ours"), "\\Sent", "\\Important")
    google.put(letter("half an answer"), "\\Draft")
    google.put(letter("filed away"))
    session.examine(ALL)
    heads = session.heads([1, 2, 3, 4])
    # A label of the owner's own may be called "Sent": it says nothing.
    assert [heads[uid].own for uid in sorted(heads)] == [False, True, True, False]
    assert (heads[1].message_id, heads[1].size) == (theirs.message_id, len(theirs.raw))
    assert b"X-GM-LABELS" in google.sent(b"FETCH")[-1]


def test_its_own_index_finds_what_the_header_search_does_not_know_yet(google: Gimap, session: ImapSession) -> None:
    google.put(letter("other"), "\\Sent")
    google.put(letter("ours", message_id=OWN), "\\Sent")
    session.examine("[Gmail]/Sent Mail")
    assert session.find(OWN) == [2]
    assert google.sent(b"SEARCH X-GM-RAW") == []
    google.indexed = False
    assert session.find(OWN) == [2]
    assert google.sent(b"SEARCH X-GM-RAW") == [b'SEARCH X-GM-RAW "rfc822msgid:%s"' % OWN.strip("<>").encode()]
    assert session.find(OWN.replace("0", "1", 1), "abcdefghijklmnopqrstuvwx") == []


def test_one_mail_under_many_labels_is_one_and_our_own_is_none(
    db: Database, settings: Settings, parser: MailParser, google: Gimap
) -> None:
    with db.work() as uow:
        a_site(uow)
        a_mailbox(uow, imap_port=google.port, plus_addressing=True)
    deps = InboxDeps(db, VAULT, settings, parser, by_imap(settings, Credentials(db, settings, VAULT)))
    out = a_sent_pitch(World(db, deps, google))  # type: ignore[arg-type]
    before = service.sync_until_current(deps, 1, BUDGET)
    assert (before.current, before.reason) == (True, "")
    google.put(out.raw, "\\Sent")
    # Written by hand from an alias of theirs, in the thread: only the label tells whose it is.
    google.put(letter("by hand", sender="Ana <hello@alias.test>", in_reply_to=out.message_id), "\\Sent")
    google.put(letter(in_reply_to=out.message_id), "\\Inbox", "\\Important", "\\Starred", "Editors")
    # A filter of theirs has put the second answer past the inbox.
    google.put(letter("one more", in_reply_to=out.message_id))
    after = service.sync_until_current(deps, 1, BUDGET)
    assert (after.current, after.reason) == (True, "")
    with db.read() as uow:
        stored = [row.raw for row in uow.session.execute(select(Inbound).order_by(col(Inbound.id))).scalars()]
        found = [event.kind for event in uow.session.execute(select(BlockingEvent)).scalars()]
    assert len(stored) == 2
    assert not any(b"by hand" in (raw or b"") for raw in stored)
    assert found == [Blocking.REPLY] * 2
    # Nothing was ever changed on the server.
    assert not [command for command in google.commands if command.startswith((b"SELECT", b"STORE", b"COPY", b"APPEND"))]
