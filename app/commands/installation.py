"""`gapbridge hold`, `release`: whether this installation may send, and a person's word that it may."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from app.commands.operate import JsonOption, installation


def attach(cli: typer.Typer) -> None:
    """Add the commands."""
    cli.command("hold")(show_hold)
    cli.command("release")(release)


def show_hold(as_json: JsonOption = False) -> None:
    """Say whether this installation may send, and why not. Exit code 1 when it may not."""
    from app.installation import hold

    with installation() as container:
        found = hold.standing(container.db, container.settings)
    if as_json:
        skip = {"reason": found.skip.reason, "sentence": found.skip.sentence} if found.skip else None
        typer.echo(json.dumps({"installation": found.identity, "generation": found.generation, "hold": skip}, indent=2))
    else:
        typer.echo(f"installation {found.identity}")
        typer.echo(f"HOLD: {found.skip.sentence}" if found.skip else "it may send")
    if found.skip is not None:
        raise typer.Exit(1)


def release(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; only print what would leave.")] = False,
    by: Annotated[str, typer.Option(help="Who says so; it is kept.")] = "command line",
    despite_unread: Annotated[
        bool,
        typer.Option(
            "--despite-unread", help="Release although a mailbox cannot be read: opt-outs in it are not known then."
        ),
    ] = False,
) -> None:
    """Let an installation send again that was restored, or that is a second one on the same data.

    Shows what would leave first. Then the mailboxes are read again, copies are looked for in the folders of sent mail, and
    what was due meanwhile is put before a person instead of being sent.
    """
    from app.installation import hold
    from app.outbox import release as releasing

    with installation() as container:
        found = hold.standing(container.db, container.settings)
        if found.skip is None:
            typer.echo("there is no hold: this installation may send")
            return
        typer.echo(f"HOLD: {found.skip.sentence}")
        with container.db.read() as look:
            rows = releasing.preview(look)
        unsure = sum(row.unsure for row in rows)
        typer.echo(f"{len(rows)} messages wait; {unsure} of them were due meanwhile and may have left:")
        for row in rows[:50]:
            mark = "may have left " if row.unsure else "would leave   "
            typer.echo(f"  {mark} {row.not_before:%d %b %Y %H:%M}  {row.mailbox} -> {row.to_address}  {row.subject}")
        if len(rows) > 50:
            typer.echo(f"  and {len(rows) - 50} more: the page Outbox lists them")
        if not yes and not typer.confirm("Let this installation send?"):
            raise typer.Exit(1)
        done = releasing.release(container, actor=by, despite_unread=despite_unread)
    typer.echo(
        f"released by {by}: {done.found_sent} had been sent, {done.to_decide} wait for your decision, "
        f"{done.waiting} leave when they are due"
    )
    for line in done.unread:
        typer.echo(f"  not read: {line}", err=True)
