"""The one place that knows how a mailbox signs in now: whoever connects asks here, and never opens a secret itself.

A refresh token may be good for one use only (Microsoft rotates them). So it is spent under a lease in the database by one
worker at a time, and the new pair is stored, durably, before anybody uses it. The others wait for the new pair.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, or_, update
from sqlmodel import col

from app.audit import service as audit
from app.db.vault import Vault
from app.db.work import Database, UnitOfWork
from app.domain.ahead import SKEW, over_in
from app.domain.said import say
from app.errors import MailboxFault
from app.log import get_logger
from app.mail import oauth, reputation, resting
from app.mail.providers import provider
from app.mail.sealed import ACCESS, REFRESH, bound_to
from app.models import Mailbox, MailboxOAuth
from app.settings import Settings

log = get_logger("mail")

# Less than this left, and the token might run out during a session's sign-in.
MARGIN = timedelta(minutes=2)
# Above every time-out of the token server, so that the lease of a living worker never runs out under it.
LEASE = timedelta(seconds=60)
_WAIT_SECONDS = 45.0
_LOOK_SECONDS = 0.1
_QUIET = {"synchronize_session": False}


class SignInEnded(MailboxFault):
    """A person has to sign in (again); until then the mailbox rests and its mail waits."""

    code = "sign-in-needed"


@dataclass(frozen=True, slots=True)
class SignIn:
    """How to sign in now. `bearer`: `secret` is an access token (XOAUTH2, OAUTHBEARER), else a password."""

    username: str
    secret: str = field(repr=False)
    bearer: bool = False


def sign_in_again(settings: Settings, mailbox_id: int, email: str) -> str:
    """Where a person signs in again, by browser or by command line."""
    return (
        f"sign in again at {settings.public_url.rstrip('/')}/mailboxes/{mailbox_id}/sign-in "
        f"or with `gapbridge mailbox sign-in {email}`"
    )


class Credentials:
    """Gives out sign-ins. It keeps nothing in memory: any number of processes may use it at once."""

    def __init__(self, db: Database, settings: Settings, vault: Vault) -> None:
        self._db = db
        self._settings = settings
        self._vault = vault

    def now(self, mailbox: Mailbox, *, refused: str | None = None) -> SignIn:
        """How `mailbox` signs in now. `refused` is an access token that its server has just refused.

        May ask the token server, so call it outside of any transaction. Raises SignInEnded when a person has to act
        (the mailbox is put to rest), MailboxFault when it may work later, Unavailable when no key opens the credential.
        """
        deadline = time.monotonic() + _WAIT_SECONDS
        owner = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        while True:
            with self._db.read() as look:
                row = look.session.get(MailboxOAuth, mailbox.id)
                moment = look.now()
            if row is None:
                return SignIn(mailbox.username, self._vault.open(mailbox.secret, bound_to(mailbox.id)))
            if row.ended_reason is not None:
                self._rest(mailbox, row.ended_reason)
                raise SignInEnded(row.ended_reason)
            if row.access_token and row.access_until is not None and row.access_until > moment + MARGIN:
                token = self._vault.open(row.access_token, bound_to(mailbox.id, ACCESS))
                if token != refused:
                    return SignIn(mailbox.username, token, bearer=True)
            if time.monotonic() > deadline:
                raise MailboxFault(say("another worker has been renewing the sign-in of this mailbox for too long"))
            if self._take(row, owner):
                self._renew(mailbox, row, owner)
                refused = None
            else:
                time.sleep(_LOOK_SECONDS)

    def _take(self, row: MailboxOAuth, owner: str) -> bool:
        with self._db.work() as uow:
            until, now = col(MailboxOAuth.lease_until), uow.now()
            free = or_(until.is_(None), over_in(until, now, now + LEASE + SKEW))
            return _change(
                uow, row, free, col(MailboxOAuth.ended_reason).is_(None), lease_owner=owner, lease_until=now + LEASE
            )  # fmt: skip

    def _renew(self, mailbox: Mailbox, row: MailboxOAuth, owner: str) -> None:
        """Spend the refresh token and store what came for it. A pair that somebody else has stored meanwhile stands."""
        ours = col(MailboxOAuth.lease_owner) == owner
        free = {"lease_owner": None, "lease_until": None}
        try:
            granted = oauth.refresh(
                provider(self._settings, row.provider),
                self._vault.open(row.refresh_token or "", bound_to(mailbox.id, REFRESH)),
                self._settings.oauth_timeout,
            )
        except oauth.GrantEnded as ended:
            reason = (
                f"{row.provider} does not accept the sign-in of this mailbox any more ({ended.detail}); "
                + sign_in_again(self._settings, mailbox.id, mailbox.email)
            )
            with self._db.work() as uow:
                rest(uow, mailbox.id, reason)
                if not _change(uow, row, ours, ended_reason=reason, ended_at=uow.now(), **free):
                    uow.session.rollback()
                    return
            log.warning("mail.sign_in_ended", mailbox_id=mailbox.id, reason=ended.detail)
            return
        except Exception:
            # Nothing was spent, as far as we know; the next one may try at once.
            with self._db.work() as uow:
                _change(uow, row, ours, **free)
            raise
        with self._db.work() as uow:
            store(uow, self._vault, row, granted, ours)
        log.info("mail.sign_in_renewed", mailbox_id=mailbox.id, rotated=granted.refresh_token is not None)

    def _rest(self, mailbox: Mailbox, reason: str) -> None:
        with self._db.read() as look:
            now = look.session.get(Mailbox, mailbox.id)
        if now is not None and not resting.needs_somebody(now):
            with self._db.work() as uow:
                rest(uow, mailbox.id, reason)


def rest(uow: UnitOfWork, mailbox_id: int, reason: str) -> None:
    """Put the mailbox to rest until a person acts; what waits in it goes on waiting."""
    resting.begin(reputation.lock(uow.session, mailbox_id), reason, None, uow.now())
    uow.session.flush()
    audit.record(uow, "mailbox.stopped", "mailbox", mailbox_id, reason=reason)


def store(uow: UnitOfWork, vault: Vault, row: MailboxOAuth, granted: oauth.Granted, *conditions: Any) -> bool:
    """Keep a new pair of tokens over the version that `row` shows; False when another one was stored meanwhile."""
    values: dict[str, Any] = {
        "access_token": vault.seal(granted.access_token, bound_to(row.mailbox_id, ACCESS)),
        # One that lives shorter than the margin is used all the same: a server that refuses it has it renewed.
        "access_until": uow.now() + max(granted.lifetime, 2 * MARGIN),
        "version": row.version + 1,
        "lease_owner": None,
        "lease_until": None,
    }
    if granted.refresh_token is not None:
        values["refresh_token"] = vault.seal(granted.refresh_token, bound_to(row.mailbox_id, REFRESH))
    return _change(uow, row, *conditions, **values)


def _change(uow: UnitOfWork, row: MailboxOAuth, *conditions: Any, **values: Any) -> bool:
    same = (col(MailboxOAuth.mailbox_id) == row.mailbox_id, col(MailboxOAuth.version) == row.version)
    changed = uow.session.execute(
        update(MailboxOAuth).where(*same, *conditions).values(**values).execution_options(**_QUIET)
    )
    return cast(CursorResult[Any], changed).rowcount == 1
