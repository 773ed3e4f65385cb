"""What an installation needs, looked at one by one: for `/readyz` and `gapbridge doctor`. Each check raises with its fix."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import text
from sqlmodel import col, select

from app.container import Container
from app.db import migrate
from app.errors import Unavailable
from app.models import Lease, Mailbox


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
            f"the database does not answer ({type(error).__name__}: {str(error).splitlines()[0]}); "
            "start it, or correct GAPBRIDGE_DATABASE_URL"
        ) from error
    if revision != migrate.head():
        raise Unavailable(
            f"the database is at revision {revision or 'none'}, this version needs {migrate.head()}; run `gapbridge migrate`"
        )
    kind = "SQLite" if container.db.is_sqlite else "PostgreSQL"
    return f"{kind} at revision {revision}"


def check_data_dir(container: Container) -> str:
    """The data folder can be written, and its key is for our eyes only."""
    folder: Path = container.settings.data_dir.absolute()
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise Unavailable(
            f"the data folder {folder} cannot be written; create it for this user, or set GAPBRIDGE_DATA_DIR"
        )
    key = folder / "secret.key"
    if key.exists() and key.stat().st_mode & 0o077:
        raise Unavailable(f"{key} can be read by other users; run: chmod 600 {key}")
    return str(folder)


def check_secrets(container: Container) -> str:
    """Every stored mailbox password opens with the present keys."""
    with container.db.read() as look:
        rows = look.session.exec(select(Mailbox.id, Mailbox.email, Mailbox.secret).order_by(col(Mailbox.id))).all()
    for mailbox_id, _, secret in rows:
        container.vault.open(secret, f"mailbox:{mailbox_id}:secret")
    return f"{len(rows)} mailbox credential(s) can be opened"


def check_clock(container: Container) -> str:
    """Some process holds the clock's lease: due rows are being found."""
    with container.db.read() as look:
        lease = look.session.get(Lease, "clock")
        if lease is None or lease.until < look.now():
            raise Unavailable(
                "no clock is running, so nothing that is due will be done; start `gapbridge serve` (embedded workers) "
                "or `gapbridge worker`"
            )
        return f"held by {lease.owner}"
