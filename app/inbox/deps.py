"""What the inbox needs of the installation, made once for each container."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from app.db.vault import Vault
from app.db.work import Database
from app.inbox.parser import MailParser
from app.mail.credentials import Credentials, SignIn
from app.mail.imap import ImapSession
from app.mail.imap_signin import ImapAccount, SignInRefused
from app.mail.ports import MailStore
from app.models import Mailbox
from app.settings import Settings

if TYPE_CHECKING:
    from app.container import Container

# The mailbox, and the time for each answer of its server.
Connect = Callable[[Mailbox, timedelta], MailStore]


@dataclass(frozen=True, slots=True)
class InboxDeps:
    """Database, keys, settings, the parser's child process, and how to reach a mailbox (raises MailboxFault)."""

    db: Database
    vault: Vault
    settings: Settings
    parser: MailParser
    connect: Connect


_lock = threading.Lock()
_parsers: dict[int, MailParser] = {}


def shared_parser() -> MailParser:
    """One parser for this process; a forked process gets its own, because two cannot share the pipes of one child."""
    with _lock:
        pid = os.getpid()
        if pid not in _parsers:
            _parsers.clear()
            _parsers[pid] = MailParser()
            atexit.register(_parsers[pid].close)
        return _parsers[pid]


def by_imap(settings: Settings, credentials: Credentials) -> Connect:
    """Sessions by IMAP with what signs in now; an access token that the server refuses is renewed once."""

    def session(mailbox: Mailbox, sign_in: SignIn, timeout: timedelta) -> MailStore:
        return ImapSession(
            ImapAccount(
                host=mailbox.imap_host,
                port=mailbox.imap_port,
                security=mailbox.imap_security,
                username=sign_in.username,
                password=sign_in.secret,
                timeout=timeout,
                allow_plaintext=settings.mail_allow_plaintext,
                bearer=sign_in.bearer,
            )
        )

    def connect(mailbox: Mailbox, timeout: timedelta) -> MailStore:
        sign_in = credentials.now(mailbox)
        try:
            return session(mailbox, sign_in, timeout)
        except SignInRefused:
            if not sign_in.bearer:
                raise
            return session(mailbox, credentials.now(mailbox, refused=sign_in.secret), timeout)

    return connect


def deps_of(container: Container) -> InboxDeps:
    """The inbox's dependencies out of the container."""
    return InboxDeps(
        db=container.db,
        vault=container.vault,
        settings=container.settings,
        parser=shared_parser(),
        connect=by_imap(container.settings, container.credentials),
    )
