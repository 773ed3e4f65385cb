"""Sign-in and sessions: a random id in a cookie, only its hash in the database, killed on the server at sign-out.

Signing in is three transactions by nature: the try is counted and committed before the password is looked at, so that
guesses that run side by side are all counted; the slow comparison runs outside any transaction; the session is the last.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlmodel import col

from app.audit import service as audit
from app.db.vault import Vault
from app.db.work import Database, UnitOfWork
from app.domain.agents import short_form
from app.domain.said import say
from app.errors import BadInput, Conflict, FieldProblem, NotSignedIn
from app.models import Passkey, SecondFactor, User, UserSession, UserSetting
from app.team import preferences, second_factor, throttle, users
from app.team.principal import ROLE_SCOPES, Principal

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=7)
# A session in use is marked at most this often: pages stay reads.
_TOUCH = timedelta(minutes=5)
# Any minute touches at most two windows, so at most ten tries get through in one.
TRIES_PER_WINDOW = 5
# A code has a million values and three of them fit at any moment: so few wrong ones a day leave a guesser nothing.
CODES_A_DAY = 20
HALF = timedelta(minutes=5)
_PURPOSE = "half-signed-in"
_DAY = timedelta(days=1)
# Who fails to sign in is nobody yet, whosever account it was tried at.
NOBODY = "nobody"

WRONG = say("the address or the password is wrong")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _throttle_keys(email: str, address: str) -> tuple[str, str]:
    # They are made the same way for accounts that do not exist.
    return throttle.key("account", email.strip().lower()), throttle.key("address", throttle.network(address))


def note_failure(uow: UnitOfWork, verb: str, user: User | None) -> None:
    """A line in the audit for the 1st, 10th, 100th ... failure of a day: somebody who guesses fills no audit.

    What was typed as an address is not kept where it is nobody's: it may be a password in the wrong field.
    """
    number, _since = throttle.count(uow, throttle.key(verb, str(user.id) if user else ""), _DAY)
    if str(number).strip("0") == "1":
        name = user.email if user else None
        key = user.id if user else None
        audit.record(uow, verb, "user", key, name=name, after={"failures": number}, actor=NOBODY)


@dataclass(frozen=True, slots=True)
class HalfSignedIn:
    """The password was right and a code is still needed. `token` shows for five minutes that the first half was done."""

    token: str


def sign_in(
    db: Database, vault: Vault, *, email: str, password: str, address: str, agent: str | None = None
) -> str | HalfSignedIn:
    """A new session's secret id, for the cookie, or the half of a sign-in where the person has a second factor.

    `address` is the caller's network address, `agent` the browser's own words. Raises NotSignedIn in the same words and after
    the same time for an unknown account and a wrong password, and TooMany after five tries a minute for one account or from
    one address.
    """
    keys = _throttle_keys(email, address)
    user, renewed = _look_at_password(db, keys, email, password)
    with db.work() as uow:
        throttle.give_back(uow, *keys)
        if renewed is not None:
            uow.session.execute(update(User).where(col(User.id) == user.id).values(password_hash=renewed))
        if second_factor.standing(uow, user.id).active:
            until = int((uow.now() + HALF).timestamp())
            return HalfSignedIn(
                f"{user.id}.{until}.{vault.sign(_PURPOSE, _half(user.id, until, renewed or user.password_hash))}"
            )
        return let_in(uow, user, agent)


def _look_at_password(db: Database, keys: tuple[str, ...], email: str, password: str) -> tuple[User, str | None]:
    """The user whose password this is, and a newer hash of it where the stored one is old; refusals as of `sign_in`."""
    with db.work() as uow:
        refusals = [throttle.refusal(uow, key, TRIES_PER_WINDOW) for key in sorted(keys)]
    for refusal in refusals:
        if refusal is not None:
            raise refusal
    with db.read() as uow:
        user = users.by_email(uow, email)
    right, renewed = users.check_password(user.password_hash if user and user.active else None, password)
    if not right or user is None:
        with db.work() as uow:
            note_failure(uow, "user.sign_in_failed", user)
        raise NotSignedIn(WRONG)
    return user, renewed


def confirm_password(db: Database, email: str, password: str, address: str) -> None:
    """Ask a signed-in person once more for their password, counted like a sign-in. Raises BadInput (`password`) and TooMany."""
    keys = _throttle_keys(email, address)
    try:
        _look_at_password(db, keys, email, password)
    except NotSignedIn:
        problem = FieldProblem("password", say("This is not your password"))
        raise BadInput(say("the password is needed once more"), problem) from None
    with db.work() as uow:
        throttle.give_back(uow, *keys)


def half_signed_in(uow: UnitOfWork, vault: Vault, token: str | None) -> User | None:
    """Whose sign-in `token` is the first half of; None when it is none, is over, or the password was changed since."""
    user_id, until, signature = [*(token or "").split("."), "", "", ""][:3]
    if not (user_id.isdecimal() and until.isdecimal()) or len(user_id) > 10 or len(until) > 12:
        return None
    user = uow.session.get(User, int(user_id))
    if user is None or not user.active or uow.now().timestamp() >= int(until):
        return None
    return user if vault.verify(_PURPOSE, _half(user.id, int(until), user.password_hash), signature) else None


def finish_sign_in(
    db: Database, vault: Vault, *, token: str | None, code: str, address: str, agent: str | None = None
) -> str:
    """A new session's secret id for the first half `token` and a code of the app, or a recovery code.

    Raises NotSignedIn when the first half is over; BadInput (`code`) for a wrong code or one that was used already; TooMany
    after five tries a minute, and after twenty wrong codes a day.
    """
    with db.read() as uow:
        user = half_signed_in(uow, vault, token)
    if user is None:
        raise NotSignedIn(say("the sign-in took too long; begin again"))
    how = take_code(db, vault, user, code, address)
    with db.work() as uow:
        return let_in(uow, user, agent, code=how)


def take_code(db: Database, vault: Vault, user: User, code: str, address: str) -> str:
    """Spend one code of `user`: "app" or "recovery code". Refusals as of `finish_sign_in`; each try is counted before it is looked at."""
    minute = (throttle.key("code", str(user.id)), throttle.key("code-address", throttle.network(address)))
    day = throttle.key("code-day", str(user.id))
    with db.work() as uow:
        refusals = [throttle.refusal(uow, key, TRIES_PER_WINDOW) for key in sorted(minute)]
        refusals.append(throttle.refusal(uow, day, CODES_A_DAY, _DAY) if not any(refusals) else None)
    for refusal in refusals:
        if refusal is not None:
            raise refusal
    with db.work() as uow:
        how = second_factor.spend(uow, vault, user.id, code)
        if how is not None:
            throttle.give_back(uow, *minute, day)
        else:
            note_failure(uow, "user.code_failed", user)
    if how is None:
        problem = FieldProblem("code", say("This is not the code of this moment, or it was used already"))
        raise BadInput(say("the code is wrong"), problem)
    return how


def reset_second_factor(uow: UnitOfWork, user_id: int) -> None:
    """Take the second factor and the passkeys of somebody who has lost them away, end their sessions, and forget their wrong codes.

    Raises NotFound, and Conflict when there is nothing to take away.
    """
    passkeys = delete(Passkey).where(col(Passkey.user_id) == user_id).returning(col(Passkey.name))
    names = sorted(uow.session.execute(passkeys).scalars())
    had = second_factor.remove(uow, user_id, verb="user.factor_reset")
    if names:
        user = users.get(uow, user_id)
        audit.record(uow, "user.passkeys_reset", "user", user_id, name=user.email, before={"passkeys": names})
    if not had and not names:
        raise Conflict(say("this person has no second factor and no passkey"))
    throttle.forget(uow, throttle.key("code-day", str(user_id)))
    end_sessions(uow, user_id)


def _half(user_id: int, until: int, password_hash: str) -> str:
    return f"{user_id}.{until}.{password_hash}"


def let_in(uow: UnitOfWork, user: User, agent: str | None, **shown: str | None) -> str:
    """A session for somebody who has shown who they are, with the line in the audit; `shown` is what they showed besides a password."""
    told = {name: value for name, value in {"browser": short_form(agent), **shown}.items() if value}
    audit.record(uow, "user.signed_in", "user", user.id, name=user.email, after=told or None, actor=user.email)
    return open_session(uow, user.id, agent=agent)


def open_session(uow: UnitOfWork, user_id: int, *, agent: str | None = None) -> str:
    """Start a session and return its secret id, which is not kept; expired sessions are swept on the way.

    Of `agent`, the browser's own words, only the short form stays.
    """
    secret = secrets.token_urlsafe(32)
    now = uow.now()
    uow.session.execute(
        delete(UserSession).where((col(UserSession.expires_at) < now) | (col(UserSession.seen_at) < now - IDLE))
    )
    uow.session.add(
        UserSession(
            id_hash=_hash(secret),
            user_id=user_id,
            csrf_token=secrets.token_urlsafe(32),
            agent=short_form(agent),
            created_at=now,
            seen_at=now,
            expires_at=now + ABSOLUTE,
        )
    )
    uow.session.flush()
    return secret


def resume(db: Database, secret: str | None, *, touch: bool = True) -> Principal | None:
    """The person behind a session's secret id, or None when it is unknown, idle for too long, or too old.

    Without `touch` it is no sign that somebody is there: for what an open page asks by itself.
    """
    if not secret:
        return None
    with db.read() as uow:
        now = uow.now()
        found = uow.session.execute(
            select(UserSession, User, UserSetting, col(SecondFactor.confirmed_at))
            .join(User, col(User.id) == col(UserSession.user_id))
            .outerjoin(SecondFactor, col(SecondFactor.user_id) == col(User.id))
            .outerjoin(UserSetting, col(UserSetting.user_id) == col(User.id))
            .where(col(UserSession.id_hash) == _hash(secret), col(User.active).is_(True))
        ).first()
    if found is None:
        return None
    session, user, wishes, factor = found
    if now >= session.expires_at or now - session.seen_at >= IDLE:
        return None
    if touch and now - session.seen_at >= _TOUCH:
        with db.work() as uow:
            uow.session.execute(
                update(UserSession).where(col(UserSession.id_hash) == session.id_hash).values(seen_at=now)
            )
    return Principal(
        kind="user",
        id=user.id,
        name=user.email,
        scopes=ROLE_SCOPES[user.role],
        role=user.role,
        csrf_token=session.csrf_token,
        theme=user.theme,
        full_name=user.name,
        preferences=preferences.of(wishes),
        session=session.id_hash,
        second_factor=factor is not None,
        notices_seen_at=wishes.notices_seen_at if wishes else None,
    )


def sign_out(uow: UnitOfWork, secret: str | None) -> None:
    """End a session on the server; an unknown one is no error."""
    ended = (
        delete(UserSession).where(col(UserSession.id_hash) == _hash(secret or "")).returning(col(UserSession.user_id))
    )
    user_id = uow.session.execute(ended).scalar_one_or_none()
    if user_id is not None:
        email = users.get(uow, user_id).email
        audit.record(uow, "user.signed_out", "user", user_id, name=email, actor=email)


def sessions_of(uow: UnitOfWork, user_id: int) -> list[UserSession]:
    """The sessions that still open something, the one used last first."""
    now = uow.now()
    alive = select(UserSession).where(
        col(UserSession.user_id) == user_id,
        col(UserSession.expires_at) > now,
        col(UserSession.seen_at) > now - IDLE,
    )
    return list(uow.session.execute(alive.order_by(col(UserSession.seen_at).desc())).scalars())


def end_sessions(
    uow: UnitOfWork, user_id: int, *, only: str | None = None, but: str | None = None, reason: str | None = None
) -> int:
    """End a person's sessions: all of them, `only` one (by its handle), or all `but` one (by the hash of its id); how many.

    Raises Conflict for a session that is not this person's, or is over already.
    """
    found = [one for one in sessions_of(uow, user_id) if only in (None, one.handle) and one.id_hash != but]
    if only is not None and not found:
        raise Conflict(say("this session is over already"))
    ended = delete(UserSession).where(col(UserSession.user_id) == user_id)
    if only is not None:
        ended = ended.where(col(UserSession.id_hash).in_([one.id_hash for one in found]))
    if but is not None:
        ended = ended.where(col(UserSession.id_hash) != but)
    uow.session.execute(ended)
    if found:
        told = {"sessions": len(found), "browsers": sorted({one.agent or "unknown" for one in found})}
        email = users.get(uow, user_id).email
        audit.record(uow, "user.sessions_ended", "user", user_id, name=email, before=told, reason=reason)
    return len(found)
