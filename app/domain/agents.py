"""What a browser says of itself, in the few words by which a person knows their own devices apart. Pure."""

from __future__ import annotations

import re

# The first that fits counts: nearly every browser also claims to be an older one.
_BROWSERS = (
    ("Edge", "Edg/|EdgA/|EdgiOS/"),
    ("Opera", "OPR/|OPT/"),
    ("Samsung Internet", "SamsungBrowser/"),
    ("Vivaldi", "Vivaldi/"),
    ("Firefox", "Firefox/|FxiOS/"),
    ("Chrome", "Chrome/|CriOS/|Chromium/"),
    ("Safari", "Safari/"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("ChromeOS", "CrOS"),
    ("Windows", "Windows"),
    ("macOS", "Macintosh"),
    ("Linux", "Linux|X11"),
)
# A header may be as long as a server lets it.
_READ = 1000


def short_form(user_agent: str | None) -> str | None:
    """ "Firefox on Linux", "Firefox" or "Linux"; None when nothing of it is known. No version and nothing else is taken."""
    text = (user_agent or "")[:_READ]
    browser, system = (_first(table, text) for table in (_BROWSERS, _SYSTEMS))
    return f"{browser} on {system}" if browser and system else browser or system


def _first(table: tuple[tuple[str, str], ...], text: str) -> str | None:
    return next((name for name, marks in table if re.search(marks, text)), None)
