"""The one level of navigation, with counts in a single statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.reports import counts, notices
from app.web.i18n import mark

if TYPE_CHECKING:
    from sqlalchemy import Select

    from app.db.work import UnitOfWork
    from app.team.principal import Principal
    from app.web.door import Visit


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; `count` is a text ("999+" above), "" at zero; `key` follows `g` on the keyboard."""

    path: str
    label: str
    count: str
    current: bool
    key: str | None


_ENTRIES = (
    ("/", mark("Today"), None, None, "t"),
    ("/queue", mark("Queue"), "pitches:read", "queue", "q"),
    ("/outbox", mark("Outbox"), "outbox:read", "outbox", "o"),
    ("/inbox", mark("Inbox"), "messages:read", "inbox", "i"),
    ("/pipeline", mark("Pipeline"), "prospects:read", None, "p"),
    ("/gap", mark("Gap"), "prospects:read", None, "a"),
    ("/links", mark("Links"), "links:read", "links", "l"),
    ("/reports", mark("Reports"), "reports:read", None, "r"),
    ("/settings", mark("Settings"), "sites:read", None, None),
)


NOTICES = "/notices"

# What lies below an entry without its path saying so.
_BELOW = {
    "/gap": ("/imports",),
    "/settings": (
        "/mailboxes",
        "/suppression",
        "/sites",
        "/pages",
        "/templates",
        "/sequences",
        "/audit",
        "/system",
        "/setup",
    ),
}


@dataclass(frozen=True, slots=True)
class Shell:
    """What stands around every page: the entries, why nothing is sent (None: mail leaves), and how many notices are unread."""

    entries: list[Entry]
    held: str | None
    notices: str


def counts_for(uow: UnitOfWork, who: Principal) -> dict[str, str]:
    """The counts that this person may see, by the address of their page: a text ("999+" above), "" at zero."""
    found = counts.of_navigation(uow, *_unread(uow, who)).counts
    return {
        target: _text(found[name])
        for target, _label, needs, name, _key in _ENTRIES
        if name is not None and (needs is None or who.may(needs))
    } | {NOTICES: _text(found["notices"])}


def kinds_for(who: Principal) -> frozenset[str]:
    """The kinds of notices that concern this person."""
    return frozenset(kind for kind, scope in notices.NEEDS.items() if who.may(scope))


def _unread(uow: UnitOfWork, who: Principal) -> list[Select[Any]]:
    return notices.unread(uow.now(), who.notices_seen_at, kinds_for(who))


def _text(number: int) -> str:
    return "" if not number else "999+" if number > 999 else str(number)


def shell(visit: Visit) -> Shell:
    """What this person may open, with its counts, and whether mail is held."""
    told = counts.of_navigation(visit.uow, *_unread(visit.uow, visit.who))
    return Shell(ways(visit.who, visit.request.url.path, told.counts), told.held, _text(told.counts["notices"]))


def ways(who: Principal, path: str, found: Mapping[str, int]) -> list[Entry]:
    """The entries that this person may open. Without the right to read something, its count is not shown either."""
    made = []
    for target, label, needs, name, key in _ENTRIES:
        if needs is not None and not who.may(needs):
            continue
        text = _text(found.get(name, 0)) if name else ""
        roots = (target, *_BELOW.get(target, ()))
        current = any(path == root or (root != "/" and path.startswith(root + "/")) for root in roots)
        made.append(Entry(target, label, text, current, key))
    return made
