"""`gapbridge person`: what is kept of a person, and its erasure."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from app.commands import ACTOR
from app.commands.operate import JsonOption, installation


def attach(cli: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="People whom we wrote to.")
    group.callback()(_group)
    group.command("erase")(erase)
    cli.add_typer(group, name="person")


def _group() -> None:
    """People whom we wrote to."""


def erase(
    address: Annotated[str, typer.Argument(help="An address of the person; its other spellings are found as well.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept, so name nobody in it.")] = "asked to be erased",
    by: Annotated[str, typer.Option(help="Who says so; it is kept.")] = ACTOR,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Erase a person from tables, raw mail and files. Figures stay, and that they must not be written to (as a hash)."""
    from app.people import erase as people

    with installation() as container:
        if not dry_run and not yes:
            typer.confirm("This cannot be undone. Erase?", abort=True)
        done = people.erase(
            container.db, container.vault, container.settings, address, reason=reason, actor=by, dry_run=dry_run
        )
    if as_json:
        told = {"dry_run": done.dry_run, "rows": done.counts, "files": len(done.files), "wiped": done.wiped}
        typer.echo(json.dumps({**told, "note": done.note}, indent=2))
        return
    typer.echo("would go:" if dry_run else "erased:")
    for table, count in sorted(done.counts.items()):
        if count:
            typer.echo(f"  {count} in {table}")
    for name in done.files:
        typer.echo(f"  file {name}")
    if done.note:
        typer.echo(done.note)
