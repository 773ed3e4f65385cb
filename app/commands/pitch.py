"""`gapbridge pitch`: render a mail template on a data file, without a database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from app.commands import ACTOR
from app.domain.pitch_contract import MAX_WORDS
from app.errors import BadInput, FieldProblem
from app.mail.render.drafts import Draft, draft, example_values
from app.mail.render.templates import TemplateSource, load, required_of
from app.mail.render.variables import VARIABLES

_MAX_DATA_BYTES = 1_000_000


def attach(cli: typer.Typer) -> None:
    """Add the group `pitch`."""
    group = typer.Typer(no_args_is_help=True, help="Render pitches and hold them to the pitch contract.")
    group.command("render")(render)
    group.command("example")(example)
    group.command("save-template")(save_template)
    cli.add_typer(group, name="pitch")


def render(
    angle: Annotated[str, typer.Argument(help="A template: an angle such as unlinked-mention, or a follow-up.")],
    data: Annotated[Path, typer.Option(help="JSON file: one object with the template's variables.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the message that a template makes of a data file.

    Exits with 1 and the broken rules when the message fails the pitch contract. `gapbridge pitch example ANGLE` prints a
    data file to start from.
    """
    needed = required_of(load(angle))
    values, our_domains = _read(data)
    try:
        result = draft(angle, values, our_domains=our_domains)
    except BadInput as error:
        raise BadInput(f"{data}: the data cannot be used.", *error.problems) from error
    missing = [name for name in needed if not values.get(name) and name != "opt_out"]
    if as_json:
        typer.echo(json.dumps(_as_dict(result, missing), indent=2, ensure_ascii=False))
    else:
        _print(result, missing, data)
    if result.broken:
        raise typer.Exit(1)


def example(
    angle: Annotated[str, typer.Argument(help="A template: an angle such as unlinked-mention, or a follow-up.")],
) -> None:
    """Print a data file for a template, to be filled in."""
    typer.echo(json.dumps(example_values(angle), indent=2, ensure_ascii=False))


def save_template(
    name: Annotated[str, typer.Argument(help="A template: an angle such as unlinked-mention, or a follow-up.")],
    folder: Annotated[Path, typer.Argument(help="Folder with subject.txt, body.txt and, if wanted, body.html.")],
    note: Annotated[str | None, typer.Option(help="What changed, for those who look at the versions later.")] = None,
) -> None:
    """Keep a new version of a template in the database; new drafts are made from it. Syntax is checked by line."""
    from app.container import Container
    from app.health import check_database
    from app.pitches.service import save_template_version
    from app.settings import load_settings

    required_of(load(name))
    try:
        parts = {part: (folder / part).read_text("utf-8") for part in ("subject.txt", "body.txt")}
        html = (folder / "body.html").read_text("utf-8") if (folder / "body.html").exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{folder}: the template cannot be read.", FieldProblem("folder", str(error))) from None
    container = Container(load_settings())
    try:
        check_database(container)
        with container.db.work() as uow:
            source = TemplateSource(parts["subject.txt"].strip(), parts["body.txt"], html)
            saved = save_template_version(uow, name, source, actor=ACTOR, note=note)
            version = saved.version
    finally:
        container.close()
    typer.echo(f"{name}: version {version} is kept; new drafts are made from it")


def _read(path: Path) -> tuple[dict[str, object], list[str]]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}). Give --data the path of a JSON file.") from error
    if len(raw) > _MAX_DATA_BYTES:
        raise BadInput(f"{path}: has {len(raw)} bytes, at most {_MAX_DATA_BYTES}. Give one object with the variables.")
    try:
        loaded = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not UTF-8 (byte {error.start}). Save it as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise BadInput(
            f"{path}: line {error.lineno}, column {error.colno}: {error.msg}. The file must be JSON."
        ) from error
    except RecursionError as error:
        raise BadInput(f"{path}: is nested too deeply. Give one flat object with the variables.") from error
    if not isinstance(loaded, dict):
        raise BadInput(f'{path}: must hold one JSON object such as {{"first_name": "Dana", ...}}.')
    domains = loaded.pop("our_domains", [])
    if not isinstance(domains, list) or not all(isinstance(domain, str) and domain for domain in domains):
        problem = FieldProblem("our_domains", 'must be a list of host names, such as ["acme.example"]')
        raise BadInput(f"{path}: the data cannot be used.", problem)
    return loaded, domains


def _as_dict(result: Draft, missing: list[str]) -> dict[str, object]:
    return {
        "template": result.template,
        "subject": result.message.subject,
        "body_text": result.message.body_text,
        "body_html": result.message.body_html,
        "words": result.words,
        "max_words": MAX_WORDS,
        "missing": missing,
        "broken_rules": [{"name": rule.name, "sentence": rule.sentence} for rule in result.broken],
    }


def _print(result: Draft, missing: list[str], data: Path) -> None:
    typer.echo(f"Subject: {result.message.subject}\n")
    typer.echo(result.message.body_text, nl=False)
    typer.echo("")
    if not result.broken:
        typer.echo(f"{result.words} words of {MAX_WORDS}; the pitch contract is kept.", err=True)
        return
    typer.echo(f"{result.words} words of {MAX_WORDS}; the pitch contract is broken:", err=True)
    for rule in result.broken:
        typer.echo(f"  {rule.name}: {rule.sentence}", err=True)
    for name in missing:
        typer.echo(f"  add to {data}: {name} - {VARIABLES[name].meaning} Example: {VARIABLES[name].example}", err=True)
