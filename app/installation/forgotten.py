"""Takes rules of suppression into data that does not know them: from the journal, or from data that is replaced by a backup."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import inspect, select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col

from app.audit import service as audit
from app.db.engine import make_engine
from app.db.parts import parts
from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.domain.suppression_rules import WISHES
from app.installation import pepper
from app.log import get_logger
from app.models import SealedSecret, Site, Suppression

log = get_logger("installation")


@dataclass(frozen=True, slots=True)
class Kept:
    """Rules (detached) and the key of their hashes as it is sealed; None where they were made before there was one."""

    sealed: str | None
    rules: tuple[Suppression, ...]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Rules that are not in the data, with keys that fit it; `newest` is the last moment of them.

    `unusable` counts those whose hash was made with another key and whose address is erased: nothing can be compared with them.
    """

    rules: tuple[Suppression, ...] = ()
    unusable: int = 0

    @property
    def newest(self) -> datetime | None:
        """When the last of them was made."""
        return max((rule.created_at for rule in self.rules), default=None)


def of_database(url: str) -> Kept | None:
    """The rules of data that is about to be replaced, of whatever version; None when they cannot be read."""
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            there = inspect(connection)
            if not there.has_table("suppression"):
                return Kept(None, ())
            columns = {column["name"] for column in there.get_columns("suppression")}
            if not {column.name for column in Suppression.__table__.columns} <= columns:  # type: ignore[attr-defined]
                return None
            with Session(connection) as session:
                rules = tuple(session.execute(select(Suppression).order_by(col(Suppression.id))).scalars())
                sealed = None
                if there.has_table("sealed_secret"):
                    named = select(col(SealedSecret.sealed)).where(col(SealedSecret.name) == pepper.NAME)
                    sealed = session.execute(named).scalar_one_or_none()
                session.expunge_all()
            return Kept(sealed, rules)
    except SQLAlchemyError as error:
        log.warning("installation.suppressions_unread", error=str(error)[:300])
        return None
    finally:
        engine.dispose()


def forgotten(session: Session, vault: Vault, kept: Kept) -> Forgotten:
    """Which of the rules this data does not know. Raises Unavailable when the key of the hashes cannot be opened."""
    ours = pepper.stored(session, vault)
    theirs = pepper.opened(vault, kept.sealed) if kept.sealed is not None else None
    key = ours or theirs
    fitting: dict[str, Suppression] = {}
    unusable = 0
    for rule in kept.rules:
        if theirs == key:
            fitting[rule.key] = rule
        elif rule.value is not None and key is not None:
            made = pepper.keyed(key, pepper.scope(rule.kind, rule.value, rule.site_id))
            fitting[made] = rule
        else:
            unusable += 1
    sites = set(session.execute(select(col(Site.id))).scalars())
    known = set(_known(session, list(fitting)))
    new = tuple(
        _copy(rule, made)
        for made, rule in fitting.items()
        if made not in known and (rule.site_id is None or rule.site_id in sites)
    )
    return Forgotten(new, unusable)


def take_in(uow: UnitOfWork, vault: Vault, kept: Kept, *, actor: str) -> Forgotten:
    """Store the rules that this data does not know; a wish takes the place of a mere bounce. Raises Unavailable as above."""
    if kept.sealed is not None and pepper.stored(uow.session, vault) is None:
        pepper.take_over(uow, vault, kept.sealed)
    found = forgotten(uow.session, vault, kept)
    uow.session.add_all(found.rules)
    wishes = {rule.key: rule for rule in kept.rules if rule.reason in WISHES}
    for part in parts(list(wishes)):
        weaker = select(Suppression).where(col(Suppression.key).in_(part), col(Suppression.reason).not_in(WISHES))
        for row in uow.session.execute(weaker).scalars():
            row.reason, row.source = wishes[row.key].reason, wishes[row.key].source
    uow.session.flush()
    if found.rules:
        after = {"taken in": len(found.rules)}
        audit.record(uow, "suppression.kept", "installation", 1, after=after, actor=actor)
        log.warning("installation.suppressions_kept", count=len(found.rules), unusable=found.unusable)
    return found


def _copy(rule: Suppression, key: str) -> Suppression:
    return Suppression(
        key=key,
        kind=rule.kind,
        value=rule.value,
        pattern=rule.pattern,
        site_id=rule.site_id,
        reason=rule.reason,
        source=rule.source,
        created_by=rule.created_by,
        created_at=rule.created_at,
    )


def _known(session: Session, keys: list[str]) -> Iterator[str]:
    for part in parts(keys):
        yield from session.execute(select(col(Suppression.key)).where(col(Suppression.key).in_(part))).scalars()
