"""`gapbridge keys`: the keys that encrypt credentials: list them, make one, and move what is stored to a new one."""

from __future__ import annotations

import json
import secrets
from typing import Annotated

import typer

from app.errors import Unavailable


def attach(cli: typer.Typer) -> None:
    """Add the group `keys`."""
    group = typer.Typer(no_args_is_help=True, help="Keys that encrypt what is stored (GAPBRIDGE_SECRET_KEY).")
    group.command("list")(list_keys)
    group.command("new")(new_key)
    group.command("rotate")(rotate)
    cli.add_typer(group, name="keys")


def list_keys(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the keys by their ids, with how many stored credentials each of them encrypts. No key is shown."""
    from app.container import Container
    from app.mail import sealed
    from app.settings import load_settings

    container = Container(load_settings())
    try:
        with container.db.read() as look:
            counted = sealed.count_by_key(look.session)
    finally:
        container.close()
    ids = container.vault.key_ids
    rows = [
        {"id": name, "use": "encrypts and signs" if name == ids[0] else "accepted", "credentials": counted.pop(name, 0)}
        for name in ids
    ]
    rows += [
        {
            "id": name,
            "use": "written before keys had ids" if name == sealed.UNTOLD else "MISSING from GAPBRIDGE_SECRET_KEY",
            "credentials": count,
        }
        for name, count in sorted(counted.items())
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        typer.echo(f"{row['id']:<8}  {row['credentials']:>4} credential(s)  {row['use']}")


def new_key() -> None:
    """Print a new random key, alone on standard output. It is stored nowhere."""
    typer.echo(secrets.token_urlsafe(32))


def rotate() -> None:
    """Encrypt every stored credential anew under the first key, while workers go on. Exit code 1 when one is stuck."""
    from app.container import Container
    from app.mail import sealed
    from app.outbox import recipients
    from app.settings import load_settings

    container = Container(load_settings())
    try:
        with container.db.work() as uow:
            recipients.rewrite_keys(uow, container.vault)
        done = sealed.rotate(container.db, container.vault)
    finally:
        container.close()
    first, *former = container.vault.key_ids
    typer.echo(f"{done.moved} credential(s) moved to key {first}, {done.current} had it already")
    if done.stuck:
        raise Unavailable("some credentials stay under another key: " + "; ".join(done.stuck))
    if former:
        typer.echo(
            f"no credential needs {', '.join(former)} any more. Keep what follows the first key as long as mail sent "
            "under it may be answered: its opt-out links are known by it.",
            err=True,
        )
