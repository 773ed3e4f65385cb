"""`gapbridge contacts`: look for whom to write to at a prospect, now and in this process."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from app.commands.operate import JsonOption, installation


def attach(cli: typer.Typer) -> None:
    """Add the group `contacts`."""
    group = typer.Typer(help="Whom to write to at a prospect.")
    group.callback()(_group)
    group.command("find")(find)
    cli.add_typer(group, name="contacts")


def _group() -> None:
    """Whom to write to at a prospect."""


def find(
    prospect: Annotated[int, typer.Argument(help="Id of the prospect.", min=1)],
    as_json: JsonOption = False,
) -> None:
    """Read a prospect's pages for addresses and take those that are theirs. Exits with 1 when none was taken."""
    from app.contacts import repository, service

    with installation() as container:
        with container.db.work() as uow:
            service.request(uow, container.settings, prospect)
        service.find(container, prospect)
        with container.db.read() as look:
            row = repository.of_prospect(look.session, prospect)
    pages, found = (row.pages, row.found) if row else ([], [])
    if as_json:
        typer.echo(json.dumps({"prospect_id": prospect, "pages": pages, "found": found}, indent=2, ensure_ascii=False))
    else:
        for page in pages:
            typer.echo(f"read {page['url']} ({page['kind']}): {page['problem'] or 'ok'}")
        for address in found:
            role = ", role address" if address["is_role_address"] else ""
            sure = "" if address["verified"] else ", GUESSED and unverified"
            outcome = f"not taken: {address['refused']}" if address["refused"] else "taken"
            said = f"{address['how']} on {address['url']}" if address["url"] else address["how"]
            typer.echo(f"{address['email']} ({address['name'] or 'no name'}{role}{sure}): {said}; {outcome}")
        if not found:
            typer.echo(f"no address was seen on the {len(pages)} pages that were read")
    if all(address["refused"] for address in found):
        raise typer.Exit(1)
