"""`gapbridge gap imports`, `remove-import`: what was imported into a site, and how it is taken back."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands import ACTOR
from app.commands.gap import gap


def attach(_cli: typer.Typer) -> None:
    """Add the commands to the group `gap`."""
    gap.command("imports")(imports_command)
    gap.command("remove-import")(remove_command)


def imports_command(
    site: Annotated[str, typer.Argument(help="The site: its number, its name or one of its domains.")],
) -> None:
    """What was imported into a site, the newest first, each with its number."""
    from app.container import Container
    from app.gaps import imports, service
    from app.settings import load_settings

    container = Container(load_settings())
    try:
        with container.db.read() as uow:
            for one in imports.listing(uow, service.site_by_text(uow, site)):
                day = one.as_of or one.created_at.date()
                typer.echo(
                    f"{one.id} {one.filename}: links to {one.target}, {one.format}, of {day}, {one.rows_taken:,} rows"
                )
    finally:
        container.close()


def remove_command(
    number: Annotated[int, typer.Argument(help="The number of the import, from `gap imports`.")],
) -> None:
    """Take an import back: its rows are deleted, and the gap is computed without them."""
    from app.container import Container
    from app.gaps import service
    from app.settings import load_settings

    container = Container(load_settings())
    try:
        removed, not_yet, _counts = service.remove_import(
            container.db, number, folder=service.snapshot_folder(container.settings), actor=ACTOR
        )
    finally:
        container.close()
    typer.echo(f"{removed.filename} (links to {removed.target}) is taken back")
    if not_yet:
        typer.echo(f"The prospects stay as they are: {not_yet}")
