"""How one person wants the pages: the values that a setting may have, and their defaults."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = {"en": "English", "de": "Deutsch"}
DENSITIES = ("comfortable", "compact")
# WCAG 2.2.1: a time limit can be stretched to at least ten times its default, which is one minute.
UNDO_SECONDS = (10, 1800)


@dataclass(frozen=True, slots=True)
class Preferences:
    """`language` None follows the browser; `undo_seconds` None is the installation's undo window.

    `digest` and the `mail_` ones are the mails that this person wants (app.domain.digest).
    """

    language: str | None = None
    time_zone: str = "UTC"
    density: str = "comfortable"
    single_keys: bool = True
    undo_seconds: int | None = None
    digest: str = "off"
    mail_replies: bool = False
    mail_late: bool = False
    mail_mailboxes: bool = False
    mail_links: bool = False
