"""Sign-in and sessions: a random id in a cookie, only its hash in the database, killed on the server at sign-out.

Signing in is three transactions by nature: the try is counted and committed before the password is looked at, so that
guesses that run side by side are all counted; the slow comparison runs outside any transaction; the session is the last.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from datetime import timedelta

from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from app.audit import service as audit
from app.db.work import Database, UnitOfWork
from app.domain.said import say
from app.errors import NotSignedIn, TooMany
from app.models import SignInTry, User, UserSession, UserSetting
from app.team import preferences, users
from app.team.principal import ROLE_SCOPES, Principal

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=7)
# A session in use is marked at most this often: pages stay reads.
_TOUCH = timedelta(minutes=5)
WINDOW = timedelta(minutes=1)
# Any minute touches at most two windows, so at most ten tries get through in one.
TRIES_PER_WINDOW = 5

WRONG = "the address or the password is wrong"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _network(address: str) -> str:
    # One household or server holds a whole /64 of IPv6; counting single addresses there would count nothing.
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _count_try(uow: UnitOfWork, key: str) -> TooMany | None:
    dialect = postgresql if uow.session.get_bind().dialect.name == "postgresql" else sqlite
    now = uow.now()
    fresh = col(SignInTry.window_start) <= now - WINDOW
    row = dialect.insert(SignInTry).values(key=key, window_start=now, failures=1)
    counted = row.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "failures": case((fresh, 1), else_=col(SignInTry.failures) + 1),
            "window_start": case((fresh, now), else_=col(SignInTry.window_start)),
        },
    ).returning(col(SignInTry.failures), col(SignInTry.window_start))
    failures, since = uow.session.execute(counted).one()
    if failures <= TRIES_PER_WINDOW:
        return None
    wait = max(1, round((since + WINDOW - now).total_seconds()))
    return TooMany(say("too many tries; wait {wait} seconds and try again", wait=wait), retry_after=wait)


def _throttle_keys(email: str, address: str) -> tuple[str, str]:
    # Both are kept as hashes: the table names nobody. They are made the same way for accounts that do not exist.
    return _hash(f"account:{email.strip().lower()}"), _hash(f"address:{_network(address)}")


def sign_in(db: Database, *, email: str, password: str, address: str) -> str:
    """A new session's secret id, for the cookie. `address` is the caller's network address.

    Raises NotSignedIn in the same words and after the same time for an unknown account and a wrong password, and
    TooMany after five tries a minute for one account or from one address.
    """
    keys = _throttle_keys(email, address)
    with db.work() as uow:
        refusals = [_count_try(uow, key) for key in sorted(keys)]
    for refusal in refusals:
        if refusal is not None:
            raise refusal
    with db.read() as uow:
        user = users.by_email(uow, email)
    right, renewed = users.check_password(user.password_hash if user and user.active else None, password)
    if not right or user is None:
        raise NotSignedIn(WRONG)
    with db.work() as uow:
        uow.session.execute(
            update(SignInTry)
            .where(col(SignInTry.key).in_(keys), col(SignInTry.failures) > 0)
            .values(failures=col(SignInTry.failures) - 1)
        )
        if renewed is not None:
            uow.session.execute(update(User).where(col(User.id) == user.id).values(password_hash=renewed))
        audit.record(uow, "user.signed_in", "user", user.id, name=user.email, actor=user.email)
        return open_session(uow, user.id)


def open_session(uow: UnitOfWork, user_id: int) -> str:
    """Start a session and return its secret id, which is not kept; expired sessions are swept on the way."""
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
    )


def sign_out(uow: UnitOfWork, secret: str | None) -> None:
    """End a session on the server; an unknown one is no error."""
    uow.session.execute(delete(UserSession).where(col(UserSession.id_hash) == _hash(secret or "")))
