"""`gapbridge backup`, `restore`, `hold`, `release`: save and bring back an installation, and a person's word that it may send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from app.commands import ACTOR
from app.commands.operate import JsonOption, installation
from app.settings import load_settings


def attach(cli: typer.Typer) -> None:
    """Add the commands."""
    cli.command("hold")(show_hold)
    cli.command("release")(release)
    cli.command("backup")(backup)
    cli.command("restore")(restore)


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
    by: Annotated[str, typer.Option(help="Who says so; it is kept.")] = ACTOR,
    reason: Annotated[str, typer.Option(help="Why it may send; it is kept.")] = "",
    despite_unread: Annotated[
        bool,
        typer.Option(
            "--despite-unread", help="Release although a mailbox cannot be read: opt-outs in it are not known then."
        ),
    ] = False,
) -> None:
    """Let an installation send again that was restored, or that is a second one on the same data.

    Shows what would leave first. Then the mailboxes are read again, copies are looked for in the folders of sent mail, and
    what was due meanwhile is put before a person instead of being sent; follow-ups that may have left stand still.
    """
    from app.installation import hold, journal
    from app.outbox import overtaken
    from app.outbox import release as releasing

    with installation() as container:
        found = hold.standing(container.db, container.settings)
        if found.skip is None:
            typer.echo("there is no hold: this installation may send")
            return
        typer.echo(f"HOLD: {found.skip.sentence}")
        with container.db.read() as look:
            rows = releasing.preview(look)
            runs = overtaken.find(look.session)
            gap = journal.missing(look.session, container.vault, container.settings)
        unsure = sum(row.unsure for row in rows)
        typer.echo(f"{len(rows)} messages wait; {unsure} of them were due meanwhile and may have left:")
        for row in rows[:50]:
            mark = "may have left " if row.unsure else "would leave   "
            typer.echo(f"  {mark} {row.not_before:%d %b %Y %H:%M}  {row.mailbox} -> {row.to_address}  {row.subject}")
        if len(rows) > 50:
            typer.echo(f"  and {len(rows) - 50} more: the page Outbox lists them")
        if runs:
            typer.echo(f"the next follow-up to {len(runs)} may have left; they stand still until you let each go on:")
        for run in runs[:50]:
            typer.echo(f"  may have left  {run.due_at:%d %b %Y %H:%M}  {run.domain}")
        if len(runs) > 50:
            typer.echo(
                f"  and {len(runs) - 50} more: after the release the page of follow-ups that stand still lists them"
            )
        if gap.rules:
            typer.echo(
                f"{len(gap.rules)} who must not be written to are in the journal beside the witness and not in this data, "
                f"the last of {gap.newest:%d %b %Y %H:%M} UTC; the release takes them in"
            )
        if not yes and not typer.confirm("Let this installation send?"):
            raise typer.Exit(1)
        done = releasing.release(container, actor=by, reason=reason, despite_unread=despite_unread)
    typer.echo(
        f"released by {by}: {done.found_sent} had been sent, {done.to_decide} wait for your decision, "
        f"{done.waiting} leave when they are due, {done.opt_outs} rules of suppression came out of the journal, "
        f"the follow-ups to {done.paused} stand still"
    )
    for line in done.unread:
        typer.echo(f"  not read: {line}", err=True)


def backup(path: Annotated[Path, typer.Argument(help="A new folder.")]) -> None:
    """Save the installation while it works: database, imported snapshots, quarantine. The key is never in it: keep it apart."""
    from app.installation import backup as saving

    made = saving.backup(load_settings(), path)
    typer.echo(
        f"{path}: {sum(made.rows.values())} rows in {len(made.rows)} tables, {len(made.files)} files, {made.revision}"
    )
    typer.echo(
        "the key (GAPBRIDGE_SECRET_KEY, or secret.key in the data folder) is not in it; without it no mailbox opens"
    )


def restore(
    path: Annotated[Path, typer.Argument(help="A folder that `gapbridge backup` has made.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the data of an installation that is here.")] = False,
) -> None:
    """Bring a backup back; stop the installation first. Nothing is sent until `gapbridge release`."""
    from app.installation import backup as saving

    done = saving.restore(load_settings(), path, force=force)
    saved = done.saved
    typer.echo(
        f"restored the data of {saved.made_at}: {sum(saved.rows.values())} rows. Nothing is sent until `gapbridge release`"
    )
    if done.kept:
        typer.echo(f"{done.kept} that must not be written to were only in the replaced data, and were kept")
    if done.unread:
        typer.echo(
            "the replaced data could not be read; whom it must not write to may be in the journal beside the witness",
            err=True,
        )
    if done.lost:
        typer.echo(
            f"{done.lost} could not be kept: their address is erased, and this is another installation", err=True
        )
