"""The second factor: codes of an app (TOTP, RFC 6238) or, once each, recovery codes.

Every code is accepted once. That is decided by the database in one statement, so of two sign-ins with one code one gets in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

import pyotp
from sqlalchemy import delete, func, select, update
from sqlmodel import col

from app.audit import service as audit
from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.domain.said import say
from app.errors import BadInput, Conflict, FieldProblem
from app.models import RecoveryCode, SecondFactor, User
from app.team import users

RECOVERY_CODES = 10
ISSUER = "Gapbridge"
_STEP_SECONDS = 30
# The app's clock may be a step off, and typing takes time (RFC 6238, 5.2).
_STEPS_OFF = (0, -1, 1)
_CODE_BYTES = 10
# A secret that waits for longer was left lying about.
_WAITS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an app needs: its secret as text (base32) and as an `otpauth://` address."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a person's factor is asked for, and how many recovery codes are left."""

    active: bool = False
    codes_left: int = 0


def bound_to(user_id: int) -> str:
    """The row to which a sealed secret is bound."""
    return f"second_factor:{user_id}"


def standing(uow: UnitOfWork, user_id: int) -> Standing:
    """How a person's second factor stands."""
    row = uow.session.get(SecondFactor, user_id)
    if row is None or row.confirmed_at is None:
        return Standing()
    left = select(func.count()).where(col(RecoveryCode.user_id) == user_id, col(RecoveryCode.used_at).is_(None))
    return Standing(active=True, codes_left=uow.session.execute(left).scalar_one())


def active_for(uow: UnitOfWork) -> set[int]:
    """The ids of everybody who is asked for a code."""
    return set(
        uow.session.execute(
            select(col(SecondFactor.user_id)).where(col(SecondFactor.confirmed_at).is_not(None))
        ).scalars()
    )


def begin(uow: UnitOfWork, vault: Vault, user_id: int) -> None:
    """Make a new secret that waits to be confirmed, in place of one that waits already. Raises Conflict when a factor is active."""
    users.get(uow, user_id)
    row = uow.session.get(SecondFactor, user_id)
    if row is not None and row.confirmed_at is not None:
        raise Conflict(say("your second factor is set up already; switch it off first to set up another one"))
    row = row or SecondFactor(user_id=user_id, secret="", created_at=uow.now())
    row.secret = vault.seal(pyotp.random_base32(), bound_to(user_id))
    row.created_at, row.last_step = uow.now(), 0
    uow.session.add(row)
    uow.session.flush()


def pending(uow: UnitOfWork, vault: Vault, user: User) -> Enrolment | None:
    """The secret that waits to be confirmed, for the app; None when none does. A confirmed one is never shown again."""
    row = uow.session.get(SecondFactor, user.id)
    if row is None or not _waits(uow, row):
        return None
    secret = vault.open(row.secret, bound_to(user.id))
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER))


def confirm(uow: UnitOfWork, vault: Vault, user_id: int, code: str) -> list[str]:
    """Switch the factor on with the app's first code; returns the recovery codes, which are in no other place.

    Raises BadInput (`code`) for a wrong code, and Conflict when nothing waits to be confirmed.
    """
    user, row = users.get(uow, user_id), uow.session.get(SecondFactor, user_id)
    if row is None or not _waits(uow, row):
        raise Conflict(say("nothing waits to be confirmed; begin again"))
    if not _spend_app_code(uow, vault, row, code):
        raise BadInput(
            say("the second factor is not set up yet"),
            FieldProblem("code", say("This is not the code of this moment. Is the clock of your device right?")),
        )
    row.confirmed_at = uow.now()
    audit.record(uow, "user.factor_added", "user", user_id, name=user.email)
    return renew_codes(uow, user_id)


def renew_codes(uow: UnitOfWork, user_id: int) -> list[str]:
    """New recovery codes in place of all former ones; only what is returned here shows them."""
    uow.session.execute(delete(RecoveryCode).where(col(RecoveryCode.user_id) == user_id))
    made = [_grouped(secrets.token_bytes(_CODE_BYTES)) for _ in range(RECOVERY_CODES)]
    uow.session.add_all(RecoveryCode(user_id=user_id, code_hash=_hash(user_id, code)) for code in made)
    uow.session.flush()
    return made


def spend(uow: UnitOfWork, vault: Vault, user_id: int, code: str) -> str | None:
    """Take a code: "app" or "recovery code" when it was a good one, which it is not again; else None."""
    row = uow.session.get(SecondFactor, user_id)
    if row is None or row.confirmed_at is None:
        return None
    if _spend_app_code(uow, vault, row, code):
        return "app"
    spent = (
        update(RecoveryCode)
        .where(
            col(RecoveryCode.user_id) == user_id,
            col(RecoveryCode.code_hash) == _hash(user_id, code),
            col(RecoveryCode.used_at).is_(None),
        )
        .values(used_at=uow.now())
        .returning(col(RecoveryCode.user_id))
    )
    return "recovery code" if uow.session.execute(spent).scalar_one_or_none() is not None else None


def remove(uow: UnitOfWork, user_id: int, *, verb: str = "user.factor_removed") -> bool:
    """Take a person's factor and its recovery codes away; whether there was one. `verb` is what the audit calls it."""
    user = users.get(uow, user_id)
    uow.session.execute(delete(RecoveryCode).where(col(RecoveryCode.user_id) == user_id))
    gone = delete(SecondFactor).where(col(SecondFactor.user_id) == user_id).returning(col(SecondFactor.confirmed_at))
    found = uow.session.execute(gone).one_or_none()
    if found is None or found[0] is None:
        return False
    audit.record(uow, verb, "user", user_id, name=user.email)
    return True


def _waits(uow: UnitOfWork, row: SecondFactor) -> bool:
    return row.confirmed_at is None and uow.now() - row.created_at < _WAITS


def _spend_app_code(uow: UnitOfWork, vault: Vault, row: SecondFactor, code: str) -> bool:
    given = "".join(code.split())
    if len(given) != 6 or not given.isascii() or not given.isdecimal():
        return False
    app = pyotp.TOTP(vault.open(row.secret, bound_to(row.user_id)), interval=_STEP_SECONDS)
    now = int(uow.now().timestamp()) // _STEP_SECONDS
    fitting = [now + off for off in _STEPS_OFF if hmac.compare_digest(app.generate_otp(now + off), given)]
    if not fitting:
        return False
    spent = (
        update(SecondFactor)
        .where(col(SecondFactor.user_id) == row.user_id, col(SecondFactor.last_step) < max(fitting))
        .values(last_step=max(fitting))
        .returning(col(SecondFactor.user_id))
        .execution_options(synchronize_session="fetch")
    )
    return uow.session.execute(spent).scalar_one_or_none() is not None


def _grouped(random: bytes) -> str:
    text = base64.b32encode(random).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _hash(user_id: int, code: str) -> str:
    plain = "".join(char for char in code.lower() if char.isalnum())
    return hashlib.sha256(f"{user_id}:{plain}".encode()).hexdigest()
