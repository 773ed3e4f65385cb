"""Finds the files that travel with the code: inside the installed wheel, or at the root of the checkout. Nobody else computes paths."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """The folder `name` ("templates" or "alembic"). Raises FileNotFoundError when the installation is broken."""
    for candidate in (_PACKAGE / "_bundled" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"the folder '{name}' is missing from this installation; install the wheel again")
