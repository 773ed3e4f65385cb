"""Members of staff and their passwords."""

from __future__ import annotations

from functools import lru_cache

from pwdlib import PasswordHash
from sqlalchemy import delete, func, select
from sqlmodel import col

from app.addresses import clean_address
from app.audit import service as audit
from app.db.work import UnitOfWork
from app.domain.said import say
from app.errors import BadInput, Conflict, FieldProblem, NotFound
from app.models import Role, User, UserSession

LEAST_PASSWORD = 12
# Hashing costs memory and time in proportion to nothing but this limit.
LONGEST_PASSWORD = 256

_hasher = PasswordHash.recommended()  # argon2id


@lru_cache(maxsize=1)
def _nobody() -> str:
    # What a sign-in for an unknown account is compared with, so that it takes the same time as one for a known account.
    return _hasher.hash("nobody has this password")


def check_password(stored: str | None, given: str) -> tuple[bool, str | None]:
    """Whether `given` is the password, and a new hash when the stored one is of former parameters.

    `stored` None (no such account) takes the same time and is never right.
    """
    right, renewed = _hasher.verify_and_update(given[:LONGEST_PASSWORD], stored or _nobody())
    return right and stored is not None, renewed


def any_user(uow: UnitOfWork) -> bool:
    """Whether somebody can sign in at all; without, the set-up page is open."""
    return uow.session.execute(select(col(User.id)).limit(1)).first() is not None


def by_email(uow: UnitOfWork, email: str) -> User | None:
    """The user with this address, whatever its case."""
    wanted = email.strip().lower()
    found: User | None = uow.session.execute(select(User).where(col(User.email) == wanted)).scalar_one_or_none()
    return found


def list_users(uow: UnitOfWork) -> list[User]:
    """Everybody, by name."""
    return list(uow.session.execute(select(User).order_by(col(User.name), col(User.id))).scalars())


def create(uow: UnitOfWork, *, email: str, name: str, role: Role, password: str, actor: str | None = None) -> User:
    """Add a member of staff. Raises BadInput with the fields `email`, `name`, `password`; Conflict when the address is taken."""
    problems: list[FieldProblem] = []
    try:
        address = clean_address(email).lower()
    except BadInput as wrong:
        problems += wrong.problems
        address = ""
    if not name.strip():
        problems.append(FieldProblem("name", say("Enter a name")))
    if not LEAST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        problems.append(
            FieldProblem(
                "password",
                say(
                    "Use {least_password} to {longest_password} characters",
                    least_password=LEAST_PASSWORD,
                    longest_password=LONGEST_PASSWORD,
                ),
            )
        )
    if problems:
        raise BadInput(say("the user cannot be created with these values"), *problems)
    if by_email(uow, address) is not None:
        raise Conflict(say("there is a user with the address {address} already", address=address))
    user = User(email=address, name=name.strip(), role=role, password_hash=_hasher.hash(password), created_at=uow.now())
    uow.session.add(user)
    uow.session.flush()
    after = {"name": user.name, "role": role}
    audit.record(uow, "user.created", "user", user.id, name=address, after=after, actor=actor)
    return user


def create_first(uow: UnitOfWork, *, email: str, name: str, password: str) -> User:
    """Add the first user, an operator; raises Conflict when somebody was faster."""
    _alone(uow)
    if any_user(uow):
        raise Conflict(say("the first user exists already; sign in, or ask an operator for an account"))
    return create(uow, email=email, name=name, role=Role.OPERATOR, password=password, actor=email.strip().lower())


def _alone(uow: UnitOfWork) -> None:
    # On SQLite the writer is alone; elsewhere two browsers would both count what neither has committed.
    if uow.session.get_bind().dialect.name != "sqlite":
        uow.session.execute(select(func.pg_advisory_xact_lock(7_208_153_005)))


def get(uow: UnitOfWork, user_id: int) -> User:
    """The user; raises NotFound."""
    found: User | None = uow.session.get(User, user_id)
    if found is None:
        raise NotFound(say("there is no user {user_id}", user_id=user_id))
    return found


def change(uow: UnitOfWork, user_id: int, *, role: Role, active: bool) -> User:
    """Give a role, and let the person in or not. Who has another role, or is not let in, is signed out everywhere.

    Raises NotFound, and Conflict when nobody would be left who can look after this installation.
    """
    _alone(uow)
    user = get(uow, user_id)
    others = select(func.count()).where(
        col(User.role) == Role.OPERATOR, col(User.active).is_(True), col(User.id) != user_id
    )
    if (role is not Role.OPERATOR or not active) and not uow.session.execute(others).scalar_one():
        raise Conflict(say("{name} is the only operator who can sign in; make somebody else one first", name=user.name))
    before = {"role": user.role, "active": user.active}
    # A session opens what the role allowed that it was opened with, so another role needs another session.
    if not active or role is not user.role:
        _sign_out(uow, user_id)
    user.role, user.active = role, active
    uow.session.flush()
    after = {"role": role, "active": active}
    audit.record(uow, "user.changed", "user", user_id, name=user.email, before=before, after=after)
    return user


def set_password(uow: UnitOfWork, user_id: int, password: str, *, field: str = "password") -> User:
    """Give a new password; every session of the person ends. Raises NotFound and BadInput (`field`)."""
    user = get(uow, user_id)
    if not LEAST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        problem = FieldProblem(
            field,
            say(
                "Use {least_password} to {longest_password} characters",
                least_password=LEAST_PASSWORD,
                longest_password=LONGEST_PASSWORD,
            ),
        )
        raise BadInput(say("the password cannot be used"), problem)
    user.password_hash = _hasher.hash(password)
    _sign_out(uow, user_id)
    uow.session.flush()
    audit.record(uow, "user.password_set", "user", user_id, name=user.email)
    return user


def _sign_out(uow: UnitOfWork, user_id: int) -> None:
    uow.session.execute(delete(UserSession).where(col(UserSession.user_id) == user_id))


def set_theme(uow: UnitOfWork, user_id: int, theme: str) -> None:
    """Keep the choice of colours: system, light or dark."""
    if theme not in ("system", "light", "dark"):
        raise BadInput(say("there is no such theme"), FieldProblem("theme", say("Choose system, light or dark")))
    user = get(uow, user_id)
    user.theme = theme
