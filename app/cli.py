"""The command `gapbridge`: one composition root; each group of commands lives in `app/commands`."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import typer
from sqlalchemy.exc import OperationalError, ProgrammingError

import app.commands
from app.db.work import acting
from app.errors import BadInput, GapbridgeError

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


_attached: set[str] = set()


@cli.callback()
def _root() -> None:
    """Close backlink gaps: import, pitch, follow up, and prove the link."""


def _attach(word: str = "") -> None:
    # Each module of app.commands has a function `attach(cli)` that adds its commands. Those of `gapbridge gap` are in gap.py and
    # gap_*.py: nobody waits for what the others need, which is most of the application.
    rooms = sorted(info.name for info in pkgutil.iter_modules(app.commands.__path__))
    for room in [room for room in rooms if room == word or room.startswith(f"{word}_")] or rooms:
        if room not in _attached:
            importlib.import_module(f"app.commands.{room}").attach(cli)
            _attached.add(room)


def main() -> int:
    """Run the command line; an error that we know is one sentence on standard error and exit code 2 (input) or 1."""
    _attach(sys.argv[1] if len(sys.argv) > 1 else "")
    try:
        with acting(app.commands.ACTOR):
            result = cli(standalone_mode=False)
    except typer.Exit as stop:
        return stop.exit_code
    except typer.Abort:
        return 130
    except GapbridgeError as error:
        typer.echo(f"error: {error.detail}", err=True)
        for problem in getattr(error, "problems", ()):
            typer.echo(f"  {problem.field}: {problem.problem}", err=True)
        for skip in getattr(error, "skips", ()):
            typer.echo(f"  {skip.reason}: {skip.sentence}", err=True)
        return 2 if isinstance(error, BadInput) else 1
    except (OperationalError, ProgrammingError) as error:
        said = (str(error.orig).splitlines() or [""])[0]
        typer.echo(
            f"error: the database cannot be used ({said}). Run `gapbridge migrate` if it is new or of a former version; "
            "`gapbridge doctor` says more.",
            err=True,
        )
        return 1
    except Exception as error:
        if hasattr(error, "exit_code") and hasattr(error, "show"):  # a usage error of the command line itself
            error.show()
            return int(error.exit_code)
        raise
    return int(result or 0)
