"""API keys: shown once, kept as a hash, each with its scopes."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import select, update
from sqlmodel import col

from app.audit import service as audit
from app.db.work import Database, UnitOfWork
from app.domain.said import say
from app.errors import BadInput, FieldProblem, NotFound, NotSignedIn
from app.models import ApiKey
from app.team.principal import SCOPES, Principal

# Tools that look for leaked secrets find ours by this.
_MARK = "gbk_"
_TOUCH = timedelta(minutes=1)


def _hash(secret: str) -> str:
    # The key has 256 random bits: a slow hash would protect nothing and cost every request.
    return hashlib.sha256(secret.encode()).hexdigest()


def create(uow: UnitOfWork, *, name: str, scopes: Iterable[str], actor: str) -> tuple[ApiKey, str]:
    """A new key and its secret, which cannot be shown again. Raises BadInput with the fields `name` and `scopes`."""
    wanted = sorted(set(scopes))
    problems = []
    if not name.strip():
        problems.append(FieldProblem("name", say("Enter a name that says which program uses the key")))
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown or not wanted:
        said = f"'{unknown[0]}' is no scope; " if unknown else ""
        problems.append(
            FieldProblem(
                "scopes", say("{said}Choose at least one of {names}", said=said, names=", ".join(sorted(SCOPES)))
            )
        )
    if problems:
        raise BadInput(say("the key cannot be created with these values"), *problems)
    secret = _MARK + secrets.token_urlsafe(32)
    key = ApiKey(
        name=name.strip(),
        prefix=secret[:12],
        key_hash=_hash(secret),
        scopes=wanted,
        created_by=actor,
        created_at=uow.now(),
    )
    uow.session.add(key)
    uow.session.flush()
    audit.record(uow, "key.created", "key", key.id, name=key.name, after={"scopes": wanted}, actor=actor)
    return key, secret


def authenticate(db: Database, secret: str) -> Principal:
    """The program behind a key; raises NotSignedIn for an unknown or revoked one."""
    with db.read() as uow:
        now = uow.now()
        key = uow.session.execute(select(ApiKey).where(col(ApiKey.key_hash) == _hash(secret))).scalar_one_or_none()
    if key is None or key.revoked_at is not None:
        raise NotSignedIn(say("the API key is unknown or revoked"))
    if key.last_used_at is None or now - key.last_used_at >= _TOUCH:
        with db.work() as uow:
            uow.session.execute(update(ApiKey).where(col(ApiKey.id) == key.id).values(last_used_at=now))
    return Principal(kind="key", id=key.id, name=key.name, scopes=frozenset(key.scopes) & SCOPES)


def list_keys(uow: UnitOfWork) -> list[ApiKey]:
    """Every key, newest first; the secret is not among its fields."""
    return list(uow.session.execute(select(ApiKey).order_by(col(ApiKey.id).desc())).scalars())


def revoke(uow: UnitOfWork, key_id: int) -> ApiKey:
    """End a key at once; doing it twice keeps the first date."""
    key: ApiKey | None = uow.session.get(ApiKey, key_id)
    if key is None:
        raise NotFound(say("there is no API key {key_id}", key_id=key_id))
    if key.revoked_at is None:
        key.revoked_at = uow.now()
        audit.record(uow, "key.revoked", "key", key_id, name=key.name)
    return key
