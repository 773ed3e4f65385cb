"""No secret lies in the open: not in the database, not in a log line, not in a sentence that people see."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from app.clock import FixedClock
from app.container import Container
from app.db.work import Database
from app.errors import GapbridgeError
from app.inbox.deps import by_imap
from app.log import configure
from app.mail import accounts, signin
from app.mail.checks import examine
from app.mail.providers import Server
from app.models import Mailbox, OutboundKind, Security, Site
from app.outbox import service as outbox
from app.outbox.delivery import drain
from app.settings import Settings
from tests.support.dovecot import Dovecot, dovecot
from tests.support.oauth_server import OAuthServer, oauth_server
from tests.support.signin_smtp import guarded_smtp
from tests.support.world import a_contact, a_conversation, a_prospect, a_site

PASSWORDS = [f"canary-password-{number:02}-Xy7" for number in range(26)]
KEY = "canary-installation-key-5f2b"


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that is logged at DEBUG, by us and by the libraries."""
    stream = io.StringIO()
    root = logging.getLogger()
    former, level = root.handlers, root.level
    configure("DEBUG", json=True)
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    yield stream
    root.handlers, root.level = former, level


@pytest.fixture
def server() -> Iterator[OAuthServer]:
    with oauth_server() as running:
        yield running


@pytest.fixture
def imap(server: OAuthServer) -> Iterator[Dovecot]:
    with dovecot("ana@acme.test", introspection_url=server.introspection_url) as running:
        yield running


def a_draft(settings: Settings, email: str, smtp: int, imap: int, **values: Any) -> accounts.Draft:
    none = Security.NONE
    return accounts.draft(
        settings, email=email, from_name="Ana", username=None, smtp=Server("127.0.0.1", smtp, none),
        imap=Server("127.0.0.1", imap, none), **values,
    )  # fmt: skip


def forms(secret: str) -> list[bytes]:
    """The secret as it is, and as it looks inside of a base64 text at each of the three alignments."""
    plain = secret.encode()
    inside = [base64.b64encode(b"\0" * shift + plain)[4 if shift else 0 : -4] for shift in range(3)]
    return [plain, *(part for part in inside if len(part) >= 12)]


def everything_in(db: Database, folder: Path) -> bytes:
    if db.is_sqlite:
        return b"".join(path.read_bytes() for path in folder.glob("gapbridge.sqlite*"))
    with db.read() as look:
        names = look.session.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars()
        dumps = [
            look.session.execute(text(f'SELECT string_agg("{name}"::text, chr(10)) FROM "{name}"')).scalar()
            for name in list(names)
        ]
    return "\n".join(dump or "" for dump in dumps).encode()


def test_fifty_secrets_through_every_door_and_none_is_seen_again(
    settings: Settings,
    request: pytest.FixtureRequest,
    clock: FixedClock,
    server: OAuthServer,
    imap: Dovecot,
    logged: io.StringIO,
    tmp_path: Path,
) -> None:
    hidden = {"secret_key": KEY, **{name: value for name, value in server.settings().items() if "secret" in name}}
    opened = server.settings(oauth_timeout=timedelta(seconds=5))
    secret = type(settings.secret_key)
    made = settings.model_copy(update={**opened, **{name: secret(value) for name, value in hidden.items()}})
    container = Container(made, clock=clock)
    request.addfinalizer(container.close)
    db, vault = container.db, container.vault
    secrets, told = [*PASSWORDS, *hidden.values()], []

    def say(call: Any) -> None:
        try:
            told.append(repr(call()))
        except (GapbridgeError, AssertionError) as error:
            told.append(f"{error!r} {getattr(error, 'skips', '')} {getattr(error, 'problems', '')}")

    connect = by_imap(made, container.credentials)
    with guarded_smtp(server.owner) as smtp:
        # Passwords: stored, refused by both servers, looked at, and used by a turn of the outbox.
        for number, password in enumerate(PASSWORDS):
            wanted = a_draft(made, f"m{number}@acme.test", smtp.port, imap.port, password=password)
            with db.work() as uow:
                mailbox = accounts.add(uow, vault, wanted)
            told.append(repr(wanted))
            if number % 9 == 0:
                say(lambda wanted=wanted: examine(wanted, made))
                say(lambda mailbox=mailbox: connect(mailbox, timedelta(seconds=5)).close())
                say(lambda mailbox=mailbox: container.credentials.now(mailbox))
        # OAuth: begun, agreed, renewed, refused.
        for number in range(4):
            address = f"o{number}@acme.test"
            server.account = address
            with db.work() as uow:
                wanted = a_draft(made, address, smtp.port, imap.port, password="", by_oauth=True)
                mailbox = accounts.add(uow, vault, wanted, provider="google")
                start = signin.begin(uow, vault, made, mailbox, holder=signin.CLI)
            back = signin.parse_return(server.agree(start.authorize_url), start)
            secrets += [start.state, back.code]
            say(lambda back=back: signin.finish(db, vault, made, back, holder=signin.CLI))
            say(lambda back=back: signin.finish(db, vault, made, back, holder=signin.CLI))
            secrets += [*server.refresh, *server.access]
            clock.advance(timedelta(hours=2))
            say(lambda mailbox=mailbox: connect(mailbox, timedelta(seconds=5)).close())
            secrets += [*server.refresh, *server.access]
            if number % 2:
                server.revoke()
                clock.advance(timedelta(hours=2))
            with db.work() as uow:
                accounts.find(uow.session, address).polled_at = uow.now()
                site = uow.session.exec(select(Site)).first() or a_site(uow)
                prospect = a_prospect(uow, site, f"editor{number}.test")
                outbox.enqueue(
                    uow, vault, made,
                    conversation=a_conversation(uow, prospect, a_contact(uow, prospect), mailbox),
                    kind=OutboundKind.PITCH, subject="Your checklist", body_text="Hello", body_html=None,
                    approved_by="ana", not_before=uow.now(),
                )  # fmt: skip
            say(lambda mailbox=mailbox: drain(db, made, vault, lambda _: None, mailbox.id))  # type: ignore[arg-type,return-value]
            say(lambda mailbox=mailbox: container.credentials.now(mailbox))
        with db.read() as look:
            told += [str(row.model_dump(exclude={"secret"})) for row in look.session.exec(select(Mailbox))]
        dump = everything_in(db, tmp_path)

    assert len(set(secrets)) >= 50
    assert b"acme.test" in dump
    assert "mail.signed_in" in logged.getvalue()
    places = {"database": dump, "log": logged.getvalue().encode(), "texts": "\n".join(told).encode()}
    seen = [
        (where, one) for where, data in places.items() for one in set(secrets) for form in forms(one) if form in data
    ]
    assert seen == []
