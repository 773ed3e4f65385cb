"""Search for domains, people, pages and actions: a page of its own, and what the palette shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from app.domain.pipeline import Stage
from app.reports import search
from app.web.door import SIGNED_IN, Pages, Visit
from app.web.i18n import _, mark

pages = Pages()

#: What can be gone to or done: words, address, the right that it needs (None: everybody).
PLACES: tuple[tuple[str, str, str | None], ...] = (
    (mark("Today"), "/", None),
    (mark("Queue"), "/queue", "pitches:read"),
    (mark("Outbox"), "/outbox", "outbox:read"),
    (mark("Inbox"), "/inbox", "messages:read"),
    (mark("Pipeline"), "/pipeline", "prospects:read"),
    (mark("Gap review"), "/gap", "prospects:read"),
    (mark("Links"), "/links", "links:read"),
    (mark("Reports"), "/reports", "reports:read"),
    (mark("Imports"), "/imports", "imports:read"),
    (mark("Templates"), "/templates", "pitches:read"),
    (mark("Sequences"), "/sequences", "pitches:read"),
    (mark("Suppression"), "/suppression", "suppressions:read"),
    (mark("Mailboxes"), "/mailboxes", "mailboxes:read"),
    (mark("Settings"), "/settings", "sites:read"),
    (mark("Setting up"), "/setup", "sites:write"),
    (mark("Sites"), "/sites", "sites:read"),
    (mark("Pages"), "/pages", "sites:read"),
    (mark("Audit"), "/audit", "audit:read"),
    (mark("System"), "/system", "system:write"),
    (mark("Users"), "/settings/users", "team:write"),
    (mark("API keys"), "/settings/keys", "team:write"),
    (mark("Your settings"), "/me", None),
    (mark("Keys"), "/keys", None),
)
ACTIONS: tuple[tuple[str, str, str | None], ...] = (
    (mark("Import an export"), "/imports/new", "imports:write"),
    (mark("Connect a mailbox"), "/mailboxes/new", "mailboxes:write"),
    (mark("See what changed in the gap"), "/gap/changes", "prospects:read"),
    (mark("Approve several"), "/queue/bulk", "queue:lead"),
    (mark("See what was skipped"), "/queue/skipped", "pitches:read"),
    (mark("Place unmatched messages"), "/inbox?tab=unmatched", "messages:read"),
    (mark("Win links back"), "/links/lost", "links:read"),
    (mark("Test an address against the suppression"), "/suppression", "suppressions:read"),
)


@dataclass(frozen=True, slots=True)
class Hit:
    """One line: where it leads, what it is called, and what is said beside it."""

    href: str
    title: str
    detail: str = ""


def _listed(visit: Visit, entries: tuple[tuple[str, str, str | None], ...], text: str) -> list[Hit]:
    found = []
    for words, href, needs in entries:
        said = _(words)
        if (needs is None or visit.who.may(needs)) and text.lower() in said.lower():
            found.append(Hit(href, said))
    return found


def found(visit: Visit, text: str) -> list[tuple[str, list[Hit]]]:
    """What matches, in groups; nothing that the role may not open. Without a text, what can be gone to and done."""
    may, uow = visit.who.may, visit.uow
    groups: list[tuple[str, list[Hit]]] = []
    if may("prospects:read"):
        groups.append(
            (
                _("Domains"),
                [
                    Hit(f"/prospects/{row['id']}", row["domain"], f"{_stage(row['stage'])} · {row['site']}")
                    for row in search.domains(uow, text)
                ],
            )
        )
    if may("messages:read"):
        # Addresses of people at other sites: for those who may read what they write.
        people = [
            Hit(f"/prospects/{row['prospect_id']}", row["name"] or row["email"], f"{row['email']} · {row['domain']}")
            for row in search.people(uow, text)
        ]
        groups.append((_("People"), people))
    if may("team:write"):
        groups.append(
            (
                _("Users"),
                [Hit(f"/settings/users/{row['id']}", row["name"], row["email"]) for row in search.staff(uow, text)],
            )
        )
    ours = (
        [Hit(f"/pages?site={row['site_id']}", row["title"], row["url"]) for row in search.our_pages(uow, text)]
        if may("sites:read")
        else []
    )
    groups.append((_("Your pages"), ours))
    groups.append((_("Go to"), _listed(visit, PLACES, text)))
    groups.append((_("Actions"), _listed(visit, ACTIONS, text)))
    return [(name, hits) for name, hits in groups if hits]


def _stage(stage: Stage) -> str:
    return _(
        {
            Stage.PROSPECT: mark("prospect"),
            Stage.CHECKED_MENTION: mark("checked-mention"),
            Stage.PITCHED: mark("pitched"),
            Stage.FOLLOWED_UP: mark("followed-up"),
            Stage.WON: mark("won"),
            Stage.LOST: mark("lost"),
        }[stage]
    )


@pages.get("/search", needs=SIGNED_IN)
def search_page(visit: Visit) -> Response:
    """What matches the text of the address; for the palette only the list."""
    text = search.cleaned(visit.request.query_params.get("q", ""))
    groups = found(visit, text)
    values: dict[str, Any] = {"text": text, "groups": groups, "count": sum(len(hits) for _name, hits in groups)}
    if visit.request.query_params.get("part") == "1":
        return visit.fragment("search_results.html", **values)
    return visit.page("search.html", **values)
