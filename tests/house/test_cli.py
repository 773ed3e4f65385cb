"""The command line reads only the room of the command that is asked for, and that room whole."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import app.commands
from app.cli import _attach, cli

SAID = """
import sys
from typer.main import get_command
from app.cli import _attach, cli
_attach(sys.argv[1])
print(sorted(get_command(cli).commands[sys.argv[1]].commands), "app.container" in sys.modules)
"""


@pytest.mark.parametrize("word", ["gap", "keys", "mail"])
def test_a_group_is_whole_without_the_rest_of_the_application(word: str) -> None:
    from typer.main import get_command

    _attach()
    group = get_command(cli).commands[word]  # type: ignore[attr-defined]
    told = subprocess.run([sys.executable, "-c", SAID, word], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == f"{sorted(group.commands)} False"


def test_what_extends_a_group_is_called_after_it() -> None:
    """Else `gapbridge gap pull` would be unknown although `gapbridge --help` was right."""
    from typer import Typer

    rooms = {info.name for info in pkgutil.iter_modules(app.commands.__path__)}
    for room in sorted(rooms):
        alone = Typer()
        __import__(f"app.commands.{room}", fromlist=["attach"]).attach(alone)
        if not alone.registered_commands and not alone.registered_groups:
            assert room.rpartition("_")[0] in rooms, room
