"""`gapbridge gap verify`: look whether domains of the web graph really link to a competitor."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from app.commands import ACTOR
from app.commands.gap import gap


def attach(_cli: typer.Typer) -> None:
    """Add the command to the group `gap`."""
    gap.command("verify")(verify_command)


def verify_command(
    site: Annotated[str, typer.Argument(help="The site: its number, its name or one of its domains.")],
    *,
    limit: Annotated[int, typer.Option(help="At most so many domains, best first.", min=1, max=10_000)] = 20,
    again: Annotated[bool, typer.Option(help="Also those that were looked at before without a link.")] = False,
    later: Annotated[bool, typer.Option(help="Leave the work to the workers.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Look at none of the waiting domains any more.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read pages of domains that only the web graph names, until one really links to a competitor."""
    from app.container import Container
    from app.gaps import service, verifications, verify
    from app.models import Prospect
    from app.settings import load_settings

    container = Container(load_settings())
    found: list[dict[str, Any]] = []
    try:
        with container.db.work() as uow:
            site_id = service.site_by_text(uow, site)
            if stop:
                count = verifications.stop(uow, site_id, actor=ACTOR)
                typer.echo(json.dumps({"stopped": count}) if as_json else f"{count:,} domains wait no more")
                return
            asked = verify.request(uow, site_id, limit, again=again, actor=ACTOR)
            ids = [] if later else list(verify.due_of(uow.session, site_id, uow.now()))[:limit]
        if later:
            typer.echo(json.dumps({"asked": asked}) if as_json else f"{asked:,} domains wait for a worker")
            return
        for prospect_id in ids:
            verdict = verify.verify(container, prospect_id)
            with container.db.read() as look:
                row = look.session.get(Prospect, prospect_id)
            if verdict is None or row is None:
                continue
            evidence = row.verified or {}
            one = {"domain": row.domain, "verdict": verdict.value, **evidence}
            found.append(one)
            if not as_json:
                typer.echo(_line(one))
    finally:
        container.close()
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif not found:
        typer.echo("No domain of this site waits to be verified.")


def _line(one: dict[str, Any]) -> str:
    if one["verdict"] == "verified":
        rel = " ".join(one["rel"]) or "followed"
        return (
            f"{one['domain']}: verified, {one['page']} links to {one['target']} ({one['anchor'] or 'no words'}; {rel})"
        )
    if one["verdict"] == "not-found":
        return f"{one['domain']}: not found in {one['read']} pages"
    problem = next((line["problem"] for line in one["pages"] if line["problem"]), "no page")
    return f"{one['domain']}: could not check ({problem})"
