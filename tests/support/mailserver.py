"""A mail server for tests: real SMTP and IMAP from installed packages, in this process, up in well under a second.

    with mail_server("outreach@ours.test", "editor@theirs.test") as server:
        server.smtp_port, server.imap_port, server.password
        server.faults.append(Fault("rcpt", "451 4.7.1 Greylisted", recipient="editor@theirs.test"))
        server.bounces["editor@theirs.test"] = Bounce("5.2.2", "552 5.2.2 Mailbox full")
        server.delivered, server.stored("editor@theirs.test"), server.put("outreach@ours.test", raw)

Without TLS (`GAPBRIDGE_MAIL_ALLOW_PLAINTEXT`). No CONDSTORE, no special-use flags: `tests.support.dovecot` has those.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.clock import Clock
from app.sandbox.mail import Account, Delivered, PostOffice
from app.sandbox.submission import Bounce, Fault

__all__ = ["PASSWORD", "Account", "Bounce", "Delivered", "Fault", "PostOffice", "mail_server"]

PASSWORD = "sandbox password"


@contextmanager
def mail_server(*addresses: str, clock: Clock | None = None) -> Iterator[PostOffice]:
    """A running post office with one account for each address, all with `PASSWORD`."""
    with PostOffice([Account(address, PASSWORD) for address in addresses], clock) as office:
        yield office
