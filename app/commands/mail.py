"""`gapbridge mail`: look at messages without a database."""

from __future__ import annotations

import json
from pathlib import Path

import typer


def attach(cli: typer.Typer) -> None:
    """Add the group `mail` to the command line."""
    mail = typer.Typer(no_args_is_help=True, help="Look at messages; nothing is stored.")

    # Without a second entry, typer would merge the only command into the group.
    @mail.callback()
    def _group() -> None:
        pass

    @mail.command()
    def inspect(files: list[Path] = typer.Argument(..., help="Files with one RFC 5322 message each.")) -> None:
        """Print one JSON object a line for each FILE: what the message is, by which rule, and what its writer added.

        A file that cannot be read is named on standard error; the others are still printed, and the exit code is 2.
        """
        from app.inbox.inspect import describe
        from app.inbox.parser import MailParser, ParseFault

        failed = False
        with MailParser() as parser:
            for file in files:
                try:
                    raw = file.read_bytes()
                    if not raw.strip():
                        raise ValueError("the file is empty")
                    found = describe(parser.parse(raw))
                except (OSError, ValueError, ParseFault) as error:
                    failed = True
                    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                    typer.echo(f"error: {file}: {why}", err=True)
                    continue
                typer.echo(json.dumps({"file": str(file), **found}, ensure_ascii=False))
        if failed:
            raise typer.Exit(2)

    cli.add_typer(mail, name="mail")
