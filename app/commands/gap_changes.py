"""`gapbridge gap changes`: the digest of the last looks at the data of a site."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from app.commands.gap import gap


def attach(_cli: typer.Typer) -> None:
    """Add the command to the group `gap`."""
    gap.command("changes")(changes_command)


def changes_command(
    site: Annotated[str, typer.Argument(help="The site: its number, its name or one of its domains.")],
    *,
    rows: Annotated[int, typer.Option(help="So many changes are listed.", min=0)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what the last looks at the data changed: new gaps, closed ones, lost ground."""
    from app.container import Container
    from app.gaps import changes, service
    from app.settings import load_settings

    container = Container(load_settings())
    try:
        with container.db.read() as uow:
            site_id = service.site_by_text(uow, site)
            looks = [one.model_dump(mode="json") for one in changes.refreshes_of(uow, site_id)]
            found = [one.model_dump(mode="json") for one in changes.changes_of(uow, site_id, limit=rows)]
    finally:
        container.close()
    if as_json:
        typer.echo(json.dumps({"refreshes": looks, "changes": found}, indent=2))
        return
    for look in looks:
        counted = (
            ", ".join(f"{count:,} {kind}" for kind, count in look["counts"].items())
            or "nothing changed, or the first look"
        )
        held = (
            f"; {look['held_back']:,} losses held back: {'; '.join(look['held_back_why'])}" if look["held_back"] else ""
        )
        typer.echo(f"{look['at'][:16]} {look['actor']}: {counted}{held}")
    for one in found:
        typer.echo(f"  {one['kind']}: {one['domain']} (tier {one['tier'] or '-'})")
