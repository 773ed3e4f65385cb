"""Counts tries by account and by address, in windows of time. Whoever counts commits before anything is looked at."""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import datetime, timedelta

from sqlalchemy import case, delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.said import say
from app.errors import TooMany
from app.models import SignInTry

WINDOW = timedelta(minutes=1)


def key(kind: str, value: str) -> str:
    """What is counted under: a hash, so that the table names nobody."""
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()


def network(address: str) -> str:
    """The network of an address. One household or server holds a whole /64 of IPv6; single addresses would count nothing."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def count(uow: UnitOfWork, counted: str, window: timedelta = WINDOW) -> tuple[int, datetime]:
    """Count one more; how many there are in this window by now, and since when it runs. One statement, so none is lost."""
    dialect = postgresql if uow.session.get_bind().dialect.name == "postgresql" else sqlite
    now = uow.now()
    fresh = col(SignInTry.window_start) <= now - window
    row = dialect.insert(SignInTry).values(key=counted, window_start=now, failures=1)
    more = row.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "failures": case((fresh, 1), else_=col(SignInTry.failures) + 1),
            "window_start": case((fresh, now), else_=col(SignInTry.window_start)),
        },
    ).returning(col(SignInTry.failures), col(SignInTry.window_start))
    number, since = uow.session.execute(more).one()
    return int(number), since


def refusal(uow: UnitOfWork, counted: str, most: int, window: timedelta = WINDOW) -> TooMany | None:
    """Count one more, and the refusal when that is one too many."""
    number, since = count(uow, counted, window)
    if number <= most:
        return None
    wait = max(1, round((since + window - uow.now()).total_seconds()))
    return TooMany(say("too many tries; wait {wait} seconds and try again", wait=wait), retry_after=wait)


def give_back(uow: UnitOfWork, *counted: str) -> None:
    """Take one off each: the try was a good one."""
    uow.session.execute(
        update(SignInTry)
        .where(col(SignInTry.key).in_(counted), col(SignInTry.failures) > 0)
        .values(failures=col(SignInTry.failures) - 1)
    )


def forget(uow: UnitOfWork, counted: str) -> None:
    """Begin to count anew."""
    uow.session.execute(delete(SignInTry).where(col(SignInTry.key) == counted))
