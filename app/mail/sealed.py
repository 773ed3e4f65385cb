"""Every encrypted field of the database: which there are, under which key each lies, and their way to a new key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import CursorResult, Table, select, update
from sqlmodel import Session

from app.db.vault import Vault, key_id
from app.db.work import Database
from app.errors import Unavailable
from app.models import Mailbox, MailboxOAuth, SealedSecret, SecondFactor

UNTOLD = "unknown"


@dataclass(frozen=True, slots=True)
class SealedField:
    """One column of sealed text. `binding` has the row's key filled in, so a text opens in its own row only."""

    table: Table
    key: str
    column: str
    binding: str


def bound_to(mailbox_id: int, name: str = "secret") -> str:
    """The row and field to which a sealed text of a mailbox is bound."""
    return f"mailbox:{mailbox_id}:{name}"


PASSWORD, REFRESH, ACCESS = "secret", "refresh", "access"
_OAUTH = cast(Any, MailboxOAuth).__table__
FIELDS: tuple[SealedField, ...] = (
    SealedField(cast(Any, Mailbox).__table__, "id", "secret", f"mailbox:{{}}:{PASSWORD}"),
    SealedField(_OAUTH, "mailbox_id", "refresh_token", f"mailbox:{{}}:{REFRESH}"),
    SealedField(_OAUTH, "mailbox_id", "access_token", f"mailbox:{{}}:{ACCESS}"),
    SealedField(cast(Any, SealedSecret).__table__, "name", "sealed", "sealed_secret:{}"),
    SealedField(cast(Any, SecondFactor).__table__, "user_id", "secret", "second_factor:{}"),
)


@dataclass(frozen=True, slots=True)
class _Found:
    field: SealedField
    key: Any
    text: str

    @property
    def bound_to(self) -> str:
        return self.field.binding.format(self.key)


def _every(session: Session) -> Iterator[_Found]:
    for field in FIELDS:
        key, text = field.table.c[field.key], field.table.c[field.column]
        for row in session.execute(select(key, text).where(text.is_not(None), text != "").order_by(key)):
            yield _Found(field, row[0], row[1])


def count_by_key(session: Session) -> Counter[str]:
    """How many sealed fields lie under each key id; `unknown` counts those of the first form, which tells no key."""
    return Counter(key_id(found.text) or UNTOLD for found in _every(session))


def check(session: Session, vault: Vault) -> int:
    """Open every sealed field; how many there are. Raises Unavailable that names the first that cannot be opened."""
    count = 0
    for count, found in enumerate(_every(session), 1):  # noqa: B007 - the last number is the count
        vault.open(found.text, found.bound_to)
    return count


@dataclass(frozen=True, slots=True)
class Rotation:
    """What `rotate` did: fields sealed anew, fields that had the present key already, and those that no key opens."""

    moved: int
    current: int
    stuck: tuple[str, ...]


def rotate(db: Database, vault: Vault) -> Rotation:
    """Seal every field anew under the vault's first key, one small transaction each, while others send and refresh.

    A field that somebody changes at the same moment keeps what they wrote: it is looked at again, never overwritten.
    """
    with db.read() as look:
        found = list(_every(look.session))
    moved = current = 0
    stuck: list[str] = []
    for entry in found:
        try:
            if _seal_anew(db, vault, entry):
                moved += 1
            else:
                current += 1
        except Unavailable as cannot:
            stuck.append(cannot.detail)
    return Rotation(moved, current, tuple(stuck))


def _seal_anew(db: Database, vault: Vault, entry: _Found) -> bool:
    key, text = entry.field.table.c[entry.field.key], entry.field.table.c[entry.field.column]
    present: str | None = entry.text
    while present and key_id(present) != vault.key_ids[0]:
        fresh = vault.seal(vault.open(present, entry.bound_to), entry.bound_to)
        with db.work() as uow:
            swap = update(entry.field.table).where(key == entry.key, text == present).values({text.name: fresh})
            if cast(CursorResult[Any], uow.session.execute(swap)).rowcount == 1:
                return True
            present = uow.session.execute(select(text).where(key == entry.key)).scalar_one_or_none()
    return False
