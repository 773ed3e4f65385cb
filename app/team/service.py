"""Sign-in and sessions: a random id in a cookie, only its hash in the database, killed on the server at sign-out.

Signing in is three transactions by nature: the try is counted and committed before the password is looked at, so that
guesses that run side by side are all counted; the slow comparison runs outside any transaction; the session is the last.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlmodel import col

from app.audit import service as audit
from app.db.work import Database, UnitOfWork
from app.domain.agents import short_form
from app.domain.said import say
from app.errors import Conflict, NotSignedIn
from app.models import User, UserSession, UserSetting
from app.team import preferences, throttle, users
from app.team.principal import ROLE_SCOPES, Principal

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=7)
# A session in use is marked at most this often: pages stay reads.
_TOUCH = timedelta(minutes=5)
# Any minute touches at most two windows, so at most ten tries get through in one.
TRIES_PER_WINDOW = 5
_DAY = timedelta(days=1)
# Who fails to sign in is nobody yet, whosever account it was tried at.
NOBODY = "nobody"

WRONG = "the address or the password is wrong"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _throttle_keys(email: str, address: str) -> tuple[str, str]:
    # They are made the same way for accounts that do not exist.
    return throttle.key("account", email.strip().lower()), throttle.key("address", throttle.network(address))


def _note_failure(uow: UnitOfWork, verb: str, user: User | None) -> None:
    """A line in the audit for the 1st, 10th, 100th ... failure of a day: somebody who guesses fills no audit.

    What was typed as an address is not kept where it is nobody's: it may be a password in the wrong field.
    """
    number, _since = throttle.count(uow, throttle.key(verb, str(user.id) if user else ""), _DAY)
    if str(number).strip("0") == "1":
        name = user.email if user else None
        key = user.id if user else None
        audit.record(uow, verb, "user", key, name=name, after={"failures": number}, actor=NOBODY)


def sign_in(db: Database, *, email: str, password: str, address: str, agent: str | None = None) -> str:
    """A new session's secret id, for the cookie. `address` is the caller's network address, `agent` the browser's own words.

    Raises NotSignedIn in the same words and after the same time for an unknown account and a wrong password, and
    TooMany after five tries a minute for one account or from one address.
    """
    keys = _throttle_keys(email, address)
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
            _note_failure(uow, "user.sign_in_failed", user)
        raise NotSignedIn(WRONG)
    with db.work() as uow:
        throttle.give_back(uow, *keys)
        if renewed is not None:
            uow.session.execute(update(User).where(col(User.id) == user.id).values(password_hash=renewed))
        browser = short_form(agent)
        told = {"browser": browser} if browser else None
        audit.record(uow, "user.signed_in", "user", user.id, name=user.email, after=told, actor=user.email)
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
            select(UserSession, User, UserSetting)
            .join(User, col(User.id) == col(UserSession.user_id))
            .outerjoin(UserSetting, col(UserSetting.user_id) == col(User.id))
            .where(col(UserSession.id_hash) == _hash(secret), col(User.active).is_(True))
        ).first()
    if found is None:
        return None
    session, user, wishes = found
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
    """End a person's sessions: all of them, `only` one, or all `but` one (by the hash of their ids); how many there were.

    Raises Conflict for a session that is not this person's, or is over already.
    """
    found = [one for one in sessions_of(uow, user_id) if only in (None, one.id_hash) and one.id_hash != but]
    if only is not None and not found:
        raise Conflict(say("this session is over already"))
    ended = delete(UserSession).where(col(UserSession.user_id) == user_id)
    if only is not None:
        ended = ended.where(col(UserSession.id_hash) == only)
    if but is not None:
        ended = ended.where(col(UserSession.id_hash) != but)
    uow.session.execute(ended)
    if found:
        told = {"sessions": len(found), "browsers": sorted({one.agent or "unknown" for one in found})}
        email = users.get(uow, user_id).email
        audit.record(uow, "user.sessions_ended", "user", user_id, name=email, before=told, reason=reason)
    return len(found)
