"""`gapbridge user` and `gapbridge apikey create`: the first person, the first program, and a lost second factor."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands import ACTOR
from app.models import Role


def attach(cli: typer.Typer) -> None:
    """Add the groups `user` and `apikey`."""
    user = typer.Typer(no_args_is_help=True, help="Members of staff.")
    user.command("create")(_create_user)
    user.command("reset-second-factor")(_reset_second_factor)
    cli.add_typer(user, name="user")
    key = typer.Typer(no_args_is_help=True, help="Keys with which programs call the API.")
    key.command("create")(_create_key)
    cli.add_typer(key, name="apikey")


def _create_user(
    email: str,
    name: Annotated[str, typer.Option(help="The name that colleagues see.")],
    role: Annotated[Role, typer.Option(help="What this person may do.")] = Role.OUTREACH,
    password: Annotated[
        str, typer.Option(prompt=True, confirmation_prompt=True, hide_input=True, help="Asked for when left out.")
    ] = "",
) -> None:
    """Add a member of staff."""
    from app.container import Container
    from app.settings import load_settings
    from app.team import users

    container = Container(load_settings())
    try:
        with container.db.work() as uow:
            made = users.create(uow, email=email, name=name, role=role, password=password)
        typer.echo(f"{made.email} can sign in as {made.role.value} at {container.settings.public_url}/signin")
    finally:
        container.close()


def _reset_second_factor(email: str) -> None:
    """Take away the second factor and the passkeys of somebody who has lost them, and sign them out everywhere."""
    from app.container import Container
    from app.db.work import acting
    from app.domain.said import say
    from app.errors import NotFound
    from app.settings import load_settings
    from app.team import service, users

    container = Container(load_settings())
    try:
        with acting(ACTOR), container.db.work() as uow:
            user = users.by_email(uow, email)
            if user is None:
                raise NotFound(say("there is no user with the address {address}", address=email))
            service.reset_second_factor(uow, user.id)
        typer.echo(f"{user.email} signs in by the password alone now")
    finally:
        container.close()


def _create_key(
    name: str,
    scope: Annotated[list[str], typer.Option(help="A scope such as prospects:write; repeat for more.")],
) -> None:
    """Make an API key and print it, once, alone on standard output."""
    from app.container import Container
    from app.settings import load_settings
    from app.team import api_keys

    container = Container(load_settings())
    try:
        with container.db.work() as uow:
            made, secret = api_keys.create(uow, name=name, scopes=scope, actor=ACTOR)
        typer.echo(f"key {made.id} ({made.name}): {', '.join(made.scopes)}. It is not shown again.", err=True)
        typer.echo(secret)
    finally:
        container.close()
