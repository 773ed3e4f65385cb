"""Links that were won: how they stand, their last thirty days, and what can be won back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from app.desk import service as desk
from app.domain.link_watch import Day, DayState, Trouble
from app.domain.said import say
from app.errors import BadInput
from app.links import history, service
from app.models import LinkState
from app.reports import links, recovery
from app.reports.sql import Row
from app.web.door import Id, Pages, Visit, place_of, row_number
from app.web.i18n import _, mark, ngettext
from app.web.lanes import person_of

pages = Pages()

_PAGE = 50
TABS: dict[str, tuple[str, LinkState | None]] = {
    "all": (mark("All"), None),
    "changed": (mark("Changed"), LinkState.CHANGED),
    "lost": (mark("Lost"), LinkState.LOST),
    "unknown": (mark("Could not check"), LinkState.UNKNOWN),
    "live": (mark("Live"), LinkState.LIVE),
}
TROUBLES = {
    Trouble.REMOVED: mark("page live, link removed"),
    Trouble.PAGE_GONE: mark("page gone"),
    Trouble.REDIRECTED: mark("page leads to another address"),
    Trouble.NOFOLLOW: mark("nofollow now"),
    Trouble.NOINDEX: mark("page is kept out of search engines now"),
    Trouble.CANONICAL: mark("page names another page as its original"),
    Trouble.TARGET: mark("leads to another page of yours"),
    Trouble.HIDDEN: mark("hidden on the page now"),
    Trouble.BLOCKED: mark("the site does not let us look"),
    Trouble.NOT_RENDERED: mark("page shows its text only with scripts"),
    Trouble.UNREADABLE: mark("page could not be read"),
}


def strip_words(days: Sequence[Day]) -> str:
    """What a strip shows, in words: how many of its days say what, in the order of the states."""
    counts = Counter(day.state for day in days)
    said: dict[DayState, Callable[[int], str]] = {
        DayState.LIVE: lambda n: ngettext("live on {number} day", "live on {number} days", n),
        DayState.CHANGED: lambda n: ngettext("changed on {number} day", "changed on {number} days", n),
        DayState.MISSING: lambda n: ngettext("not seen on {number} day", "not seen on {number} days", n),
        DayState.LOST: lambda n: ngettext("lost on {number} day", "lost on {number} days", n),
        DayState.UNKNOWN: lambda n: ngettext("could not check on {number} day", "could not check on {number} days", n),
        DayState.NONE: lambda n: ngettext("no look on {number} day", "no look on {number} days", n),
    }
    return ", ".join(words(counts[state]) for state, words in said.items() if counts[state])


def _place(visit: Visit) -> tuple[str, int | None, str]:
    """Which tab is shown, from which link on, and both as the query of an address."""
    tab = visit.request.query_params.get("tab", "all")
    tab = tab if tab in TABS else "all"
    before = visit.position("before")
    return tab, before, urlencode({"tab": tab, **({"before": before} if before else {})})


def _rows(visit: Visit, rows: Sequence[Row]) -> dict[str, Any]:
    """What links_rows.html needs."""
    tab, _before, query = _place(visit)
    now = visit.uow.now()
    return {
        "rows": rows,
        "tab": tab,
        "query": query,
        "strips": history.strips(visit.uow, [row["id"] for row in rows]),
        "strip_words": strip_words,
        "troubles": TROUBLES,
        "waiting": [row["id"] for row in rows if service.waits(row["check_due_at"], now)],
    }


def _links(visit: Visit, **__: int) -> Response:
    tab, before, _query = _place(visit)
    rows = links.listing(visit.uow, state=TABS[tab][1], before=before, limit=_PAGE + 1)
    more = "/links?" + urlencode({"tab": tab, "before": rows[_PAGE - 1]["id"]}) if len(rows) > _PAGE else None
    rows = rows[:_PAGE]
    counts = links.counts(visit.uow)
    last, next_look = links.runs(visit.uow)
    asked = visit.request.query_params.get("did") == "asked"
    return visit.page(
        "links.html",
        **_rows(visit, rows),
        again=False,
        more=more,
        tabs=[
            (name, _(words), sum(counts.values()) if state is None else counts.get(state, 0))
            for name, (words, state) in TABS.items()
        ],
        label=TABS[tab][0],
        last=last,
        next_look=next_look,
        now=visit.uow.now(),
        notice=_("A worker looks at the page now.") if asked else None,
    )


@pages.get("/links", needs="links:read")
def link_list(visit: Visit) -> Response:
    """Links that were seen, or vouched for."""
    return _links(visit)


@pages.get("/links/rows", needs="links:read")
def waiting_rows(visit: Visit) -> Response:
    """The rows of links that wait for a look, as they stand now; the page asks for them by their numbers. By itself: the list."""
    if not visit.request.headers.get("hx-request"):
        return visit.go("/links?" + _place(visit)[2])
    given = visit.request.query_params.get("ids", "").split(".")[:_PAGE]
    ids = [found for one in given if (found := row_number(one))]
    return visit.fragment("links_rows.html", **_rows(visit, links.listing(visit.uow, link_ids=ids)), again=True)


@pages.post("/links/{link_id}/check", needs="links:write", again=_links)
def check_link(visit: Visit, link_id: Id) -> Response:
    """Have a link looked at now."""
    service.request(visit.uow, link_id)
    tab = visit.text("tab")
    return visit.go("/links?" + urlencode({**({"tab": tab} if tab in TABS else {}), "did": "asked"}))


def _lost(visit: Visit, **__: int) -> Response:
    rows = recovery.listing(visit.uow, kind="lost", before=visit.place("before"), limit=_PAGE + 1)
    more = None
    if len(rows) > _PAGE:
        last = rows[_PAGE - 1]
        more = "/links/lost?" + urlencode({"before": place_of(last["since"], last["link_id"])})
    rows = rows[:_PAGE]
    # Who may not read mail sees that there is a draft, and no word of it.
    drafts = recovery.drafts(visit.uow, [row["pitch_id"] for row in rows if row["pitch_state"] == "draft"])
    did = visit.request.query_params.get("did")
    return visit.page(
        "links_lost.html",
        rows=rows,
        more=more,
        drafts=drafts if visit.who.may("pitches:read") else {},
        # Whom one may write to belongs to the mail.
        contacts=recovery.contacts(visit.uow, [row["prospect_id"] for row in rows])
        if visit.who.may("messages:read")
        else None,
        troubles=TROUBLES,
        gone=Trouble.PAGE_GONE,
        refused=visit.text("link") if visit.error else "",
        notice={"approved": _("The mail waits in the outbox."), "drafted": _("The draft is ready.")}.get(did or ""),
    )


@pages.get("/links/lost", needs="links:read")
def lost_links(visit: Visit) -> Response:
    """Links to win back, each with its reason and the draft that asks for it."""
    return _lost(visit)


@pages.post("/links/lost/{prospect_id}/draft", needs="pitches:write", again=_lost)
def draft_recovery(visit: Visit, prospect_id: Id) -> Response:
    """Write the draft that asks for a lost link again."""
    desk.ready(visit.uow, prospect_id, actor=visit.actor)
    return visit.go("/links/lost?did=drafted")


@pages.post("/links/lost/{prospect_id}/approve", needs="pitches:write", again=_lost)
def approve_recovery(visit: Visit, prospect_id: Id) -> Response:
    """Approve a recovery mail as it was shown: the same gates as in the queue, in the old thread."""
    pitch_id, version = visit.number("pitch"), visit.number("version")
    if pitch_id is None or version is None or not recovery.is_draft_of(visit.uow, pitch_id, prospect_id):
        raise BadInput(say("this draft is not there any more; look at the list again"))
    desk.approve(
        visit.uow,
        visit.container.vault,
        visit.container.settings,
        person_of(visit),
        pitch_id,
        version,
        undo_seconds=visit.who.preferences.undo_seconds,
    )
    return visit.go("/links/lost?did=approved")
