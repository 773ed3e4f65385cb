"""What an installation needs, looked at one by one: for `/readyz` and `gapbridge doctor`. Each check raises with its fix."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import text

from app.container import Container
from app.db import migrate
from app.digest import service as digest
from app.domain.said import say
from app.errors import GapbridgeError, Unavailable
from app.gaps import schedules
from app.inbox import service as inbox
from app.inbox.processing import MOST_QUARANTINED
from app.installation import hold, steady, ticking
from app.mail import sealed


def check_database(container: Container) -> str:
    """The database answers and has the schema of this version."""
    try:
        with container.db.read() as look:
            look.session.execute(text("SELECT 1"))
            revision = look.session.connection().dialect.has_table(look.session.connection(), "alembic_version") and (
                look.session.execute(text("SELECT version_num FROM alembic_version")).scalar()
            )
    except Exception as error:
        raise Unavailable(
            say(
                "the database does not answer ({error}: {words}); start it, or correct GAPBRIDGE_DATABASE_URL",
                error=type(error).__name__,
                words=str(error).splitlines()[0],
            )
        ) from error
    if revision != migrate.head():
        raise Unavailable(
            say(
                "the database is at revision {value}, this version needs {newest}; run `gapbridge migrate`",
                value=revision or "none",
                newest=migrate.head(),
            )
        )
    kind = "SQLite" if container.db.is_sqlite else "PostgreSQL"
    return say("{kind} at revision {revision}", kind=kind, revision=revision)


def check_data_dir(container: Container) -> str:
    """The data folder can be written, and its key is for our eyes only."""
    folder: Path = container.settings.data_dir.absolute()
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise Unavailable(
            say(
                "the data folder {folder} cannot be written; create it for this user, or set GAPBRIDGE_DATA_DIR",
                folder=folder,
            )
        )
    key = folder / "secret.key"
    if key.exists() and key.stat().st_mode & 0o077:
        raise Unavailable(say("{key} can be read by other users; run: chmod 600 {key}", key=key))
    return str(folder)


def check_secrets(container: Container) -> str:
    """The key is no placeholder, and every stored credential opens with the present keys."""
    weak = next((key for key in container.settings.secret_keys() if _guessable(key)), None)
    if weak is not None:
        raise Unavailable(
            say(
                "GAPBRIDGE_SECRET_KEY holds a key that others can guess (a placeholder, or fewer than 16 "
                "characters); `gapbridge keys new` prints a good one. Put it first and the former behind "
                "it (new,former), then run `gapbridge keys rotate`"
            )
            if len(container.settings.secret_keys()) == 1
            else say(
                "one of the keys in GAPBRIDGE_SECRET_KEY can be guessed (a placeholder, or fewer than 16 "
                "characters); run `gapbridge keys rotate`, then take it out"
            )
        )
    with container.db.read() as look:
        count = sealed.check(look.session, container.vault)
    return say("{count} stored credential(s) can be opened", count=count)


_PLACEHOLDERS = ("change", "secret", "default", "example", "password", "placeholder", "gapbridge", "xxxx", "1234")


def _guessable(key: str) -> bool:
    plain = "".join(letter for letter in key.casefold() if letter.isalnum())
    return len(key) < 16 or len(set(key)) < 6 or (len(key) < 32 and any(word in plain for word in _PLACEHOLDERS))


def check_hold(container: Container) -> str:
    """Nothing keeps this installation, and this process of it, from sending."""
    found = hold.standing(container.db, container.settings)
    if found.skip is not None:
        raise Unavailable(found.skip.sentence)
    if found.identity is None:
        return say("not begun yet")
    return say("installation {identity} may send", identity=found.identity)


def check_quarantine(container: Container) -> str:
    """No wave of messages breaks the parser."""
    with container.db.read() as look:
        waiting, lately = inbox.quarantine(look)
    if lately > MOST_QUARANTINED:
        raise Unavailable(
            say(
                "{lately} received messages could not be read within an hour; what they name is paused. "
                "Look at them in the inbox, and try them again after an update",
                lately=lately,
            )
        )
    return say("{waiting} message(s) put aside", waiting=waiting)


def check_digest(container: Container) -> str:
    """What the digest to staff is sent by is there."""
    settings = container.settings
    with container.db.read() as look:
        wrong = digest.trouble(look.session, settings)
    if wrong is not None:
        raise Unavailable(wrong)
    if not digest.is_configured(settings):
        return say("none")
    return say("sent by {sender}", sender=settings.system_smtp_host or settings.digest_mailbox)


def check_clock(container: Container) -> str:
    """Some process holds the clock's lease: due rows are being found."""
    with container.db.read() as look:
        term = ticking.lease_term(container.settings.sweep_seconds)
        owner = ticking.holder(look.session, look.now(), term)
        if owner is None:
            raise Unavailable(
                say(
                    "no clock is running, so nothing that is due will be done; start `gapbridge serve` "
                    "(embedded workers) or `gapbridge worker`"
                )
            )
        return say("held by {owner}", owner=owner)


def check_time(container: Container) -> str:
    """This machine's clock has run steadily for a day, by the heartbeats; a stop of the machine is no fault of it."""
    with container.db.read() as look:
        doubt = steady.doubt(look.session, look.now())
        now = f"{look.now():%Y-%m-%d %H:%M} UTC"
        if doubt is None:
            return now
        if doubt.reason != steady.STOPPED:
            raise Unavailable(doubt.sentence)
        return say("{now}; {stop}", now=now, stop=doubt.sentence)


def check_pulls(container: Container) -> str:
    """The pulls that repeat by themselves come: a refused one means data that grows old in silence."""
    with container.db.read() as look:
        found = [one for one in schedules.schedules_of(look) if one.paused_at is None]
    for one in found:
        if one.last_error:
            raise Unavailable(
                say(
                    "site {site}: {provider} was last asked in vain ({error}); the next try is at {when} UTC",
                    site=one.site_id,
                    provider=one.provider,
                    error=one.last_error,
                    when=f"{one.due_at:%Y-%m-%d %H:%M}",
                )
            )
    if not found:
        return say("none repeats")
    return say("{count} repeat, next at {at} UTC", count=len(found), at=f"{found[0].due_at:%Y-%m-%d %H:%M}")


def lines(container: Container, broker: Callable[[], object]) -> Iterator[tuple[str, bool, str]]:
    """(check, whether it passed, what was found or the fix) of everything but the mailboxes: for `doctor` and for the page."""
    checks: list[tuple[str, Callable[[], object]]] = [
        (say("data folder"), lambda: check_data_dir(container)),
        (say("database"), lambda: check_database(container)),
        (say("secrets"), lambda: check_secrets(container)),
        (say("broker"), broker),
        (say("hold"), lambda: check_hold(container)),
        (say("quarantine"), lambda: check_quarantine(container)),
        (say("digest"), lambda: check_digest(container)),
        (say("clock"), lambda: check_clock(container)),
        (say("time"), lambda: check_time(container)),
        (say("pulls"), lambda: check_pulls(container)),
    ]
    for name, run in checks:
        try:
            found = run()
            yield name, True, found if isinstance(found, str) else str(found)
        except GapbridgeError as error:
            yield name, False, error.detail
        except Exception as error:  # noqa: BLE001 - who looks after an installation reports what it meets and looks on
            yield name, False, f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
