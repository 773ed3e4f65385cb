"""What a sequence needs from outside its transaction: a look at the pitched page."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from app.db.vault import Vault
from app.db.work import Database
from app.settings import Settings


class Sight(StrEnum):
    """What a look at the pitched page found. `unknown`: it could not be read, which is never "no link"."""

    LINK = "link"
    NO_LINK = "no-link"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Look:
    """The sight with a sentence for the history. `LINK` means that the win has been recorded already."""

    sight: Sight
    sentence: str


class Looker(Protocol):
    """Looks at one page of a prospect for a link to us, outside of any transaction, and records a win when it is there."""

    def __call__(self, prospect_id: int, page: str) -> Look:
        """Fetch the page and say what was seen. Never raises for what the page or its server does."""


class Deps(Protocol):
    """The wired dependencies that `advance` uses."""

    @property
    def db(self) -> Database:
        """The database."""

    @property
    def vault(self) -> Vault:
        """The keys of tokens and of suppression."""

    @property
    def settings(self) -> Settings:
        """The settings."""
