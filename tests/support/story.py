"""The demo's story for the end-to-end tests: played on a given database, broker and mail host, with its expected ending."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from app.commands.demo import play
from app.sandbox.demo import Demo, Ending
from app.sandbox.screen import Screen
from app.sandbox.world import World
from app.settings import Settings

_CHECKED = ("prospect", "checked-mention")
_PITCHED = (*_CHECKED, "pitched")
_FOLLOWED = (*_PITCHED, "followed-up")

# Domain: the path, how it ends, and how many mails it took.
EXPECTED = {
    "anchorwatch.test": (("prospect", "won"), "won, link seen", 0),
    "bosunbulletin.test": ((*_PITCHED, "lost"), "lost: declined", 1),
    "driftlinemag.test": ((*_PITCHED, "lost"), "lost: unsubscribed", 1),
    "estuaryeye.test": ((*_FOLLOWED, "won"), "won, link seen", 2),
    "forumofsails.test": ((*_CHECKED, "lost"), "lost: unwinnable", 0),
    "harbourhands.test": ((*_PITCHED, "won"), "won, link seen", 1),
    "keelcompass.test": ((*_CHECKED, "lost"), "lost: bounced", 0),
    "kuestenblatt.test": ((*_PITCHED, "won"), "won, link seen", 1),
    "lowtidereview.test": ((*_FOLLOWED, "won"), "won, link seen", 2),
    "mooringsweekly.test": ((*_FOLLOWED, "followed-up", "lost"), "lost: no-reply", 3),
    "pilotbook.test": ((*_PITCHED, "lost"), "lost: wants-payment", 1),
    "quaysidenotes.test": ((*_PITCHED, "won"), "won, link seen", 1),
    "sandbarpost.test": ((*_PITCHED, "won", "checked-mention", "pitched", "won"), "won, link seen", 2),
    "slackwater.test": ((*_FOLLOWED, "followed-up", "lost"), "lost: no-reply", 3),
    "tinycreek.test": ((*_CHECKED, "lost"), "lost: unwinnable", 0),
}
# Three mails to the full mailbox came back; the refused address never got one.
SENT = sum(mails for _, _, mails in EXPECTED.values())
RETURNED = 3


def tell(world: World, folder: Path, database_url: str, broker: dict[str, str]) -> tuple[Ending, str]:
    """Play the whole story and return its ending with what the screen showed."""
    settings = Settings(_env_file=None, data_dir=folder / "data", database_url=database_url, **broker, **world.settings)
    shown = io.StringIO()
    ending = play(settings, world, screen=Screen(Demo.STEPS, Console(file=shown)))
    return ending, shown.getvalue()


def as_expected(
    ending: Ending, shown: str, otherwise: dict[str, tuple[tuple[str, ...], str, int]] | None = None
) -> None:
    """Assert the paths (`EXPECTED`, but for those in `otherwise`), the ledger and what was said."""
    expected = EXPECTED | (otherwise or {})
    assert {line.domain: (line.path, line.end, line.mails) for line in ending.paths} == expected, shown
    assert ending.balance.disagreements == (), shown
    assert (ending.balance.sent, ending.balance.held, ending.balance.returned) == (SENT, SENT - RETURNED, RETURNED)
    assert ending.good
    assert "the clock is moved to" in shown
