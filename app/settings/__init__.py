"""Every setting of an installation: environment variables `GAPBRIDGE_*` or a `.env` file. `gapbridge settings` lists them.

Each file holds those of one subject; a class adds its own to those of the one before, and the order is that of the documentation.
"""

from __future__ import annotations

from pydantic import ValidationError

from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.settings.rules import Rules
from app.settings.values import PROVIDER_NAMES, dns_server

__all__ = ["PROVIDER_NAMES", "Settings", "dns_server", "load_settings"]


class Settings(Rules):
    """All settings with their defaults. The description of each field is its documentation (docs/reference/settings.md)."""


def load_settings() -> Settings:
    """The settings of this process; raises BadInput that names each variable with a value that cannot be used."""
    try:
        return Settings()
    except ValidationError as error:
        raise BadInput(
            say("A setting cannot be used; correct the environment or the file .env."),
            *(
                FieldProblem(f"GAPBRIDGE_{str(problem['loc'][0] if problem['loc'] else '').upper()}", problem["msg"])
                for problem in error.errors(include_input=False, include_url=False)
            ),
        ) from error
