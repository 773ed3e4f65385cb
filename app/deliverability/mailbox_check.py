"""Everything that a person sees about one mailbox: its own lines (`app.mail.checks`), and those of other rooms after them."""

from __future__ import annotations

from collections.abc import Iterable

from app.container import Container
from app.deliverability import repository, service
from app.domain.checks import Check, CheckState
from app.domain.said import say
from app.errors import BadInput, FieldProblem, GapbridgeError
from app.mail import accounts, checks
from app.mail.accounts import Draft


def look(
    container: Container, mailbox_id: int, *, send: bool = False, told: checks.Told = lambda _lines: None
) -> checks.Looked:
    """Look at a stored mailbox, and remember whether name+tag arrives there where that was tried. Raises NotFound, and what `told` raises.

    Several transactions by nature: servers and DNS are asked between them.
    """
    with container.db.read() as uow:
        mailbox = accounts.get(uow.session, mailbox_id)
    try:
        account = accounts.stored(mailbox, container.credentials)
    except GapbridgeError as cannot:
        lines = (
            Check("credential", CheckState.FAIL, cannot.detail, say("Sign in again, or enter the password again.")),
        )
        return checks.Looked((*lines, *_domain(container, mailbox.email)))
    looked = checks.examine(
        account,
        container.settings,
        send=send,
        providers=[lambda draft: _shared(container, draft), lambda draft: _domain(container, draft.email)],
        told=told,
    )
    if looked.plus_addressing is not None:
        with container.db.work() as uow:
            accounts.get(uow.session, mailbox_id).plus_addressing = looked.plus_addressing
    return looked


def try_password(container: Container, mailbox_id: int, password: str) -> checks.Looked:
    """Look at a stored mailbox with another password, which is not stored. Raises NotFound and BadInput (`password`)."""
    if not password or any(letter in password for letter in "\r\n\0"):
        raise BadInput(say("a password is needed"), FieldProblem("password", say("Enter the password; it is one line")))
    with container.db.read() as uow:
        mailbox = accounts.get(uow.session, mailbox_id)
    return checks.examine(accounts.stored(mailbox, container.credentials, password=password), container.settings)


def look_at_draft(container: Container, draft: Draft) -> checks.Looked:
    """Look at a mailbox that is not stored yet, before it is added; it says so when the address is connected already."""
    with container.db.read() as uow:
        known = accounts.known(uow.session, draft.email)
    if known is not None:
        line = Check(
            "connected",
            CheckState.FAIL,
            say("{email} is connected already, as mailbox {id}", email=draft.email, id=known.id),
            say(
                "Look at it with `gapbridge mailbox test {email}`; `gapbridge mailbox resume "
                "--new-password` gives it a new password.",
                email=draft.email,
            ),
        )
        return checks.Looked((line,))
    return checks.examine(draft, container.settings, providers=[lambda draft: _shared(container, draft)])


def _shared(container: Container, draft: Draft) -> Iterable[Check]:
    """A warning where another mailbox reads the same account."""
    with container.db.read() as uow:
        others = accounts.sharing(uow.session, draft)
    if others:
        yield Check(
            "shared-inbox",
            CheckState.WARN,
            say("{others} reads the same account as {email}", others=", ".join(others), email=draft.email),
            say(
                "Each answer is taken in once, for the mailbox that reads it first. To write as several addresses from one "
                "account is fine; to be read apart, each needs an account of its own."
            ),
        )


def _domain(container: Container, email: str) -> Iterable[Check]:
    """The DNS of the domain that it sends from, as it is now."""
    with container.db.read() as uow:
        row = repository.find(uow.session, email.rpartition("@")[2].lower())
    if row is None:
        return []
    return [Check(f"domain-{line.name}", line.state, line.found, line.fix) for line in service.check(container, row.id)]
