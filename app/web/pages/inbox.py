"""The inbox: what waits by the time it is due, one conversation with its answer, and what nobody could place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response

from app.desk import answering, answers
from app.desk.answers import Seen
from app.domain.pipeline import LostReason
from app.domain.said import kept, say
from app.domain.triage import ReplyClass
from app.errors import BadInput, FieldProblem
from app.inbox import service
from app.links import service as links
from app.models import Decision
from app.reports import inbox as reports
from app.reports.sql import Row
from app.web import undoing
from app.web.door import Id, Pages, Visit, place_of
from app.web.i18n import _, mark, ngettext
from app.web.inbox_item import is_untouched, item_values, others
from app.web.lanes import PAGE, changes, person_of, shown_in
from app.web.snoozing import snooze_choices, soonest, until_of

pages = Pages()

TABS = {
    "waiting": (mark("Waiting"), mark("No replies wait.")),
    "unmatched": (mark("Unmatched"), mark("Every message belongs to a prospect.")),
    "done": (mark("Done"), mark("Nothing was received yet.")),
}
CLASSES = (
    (ReplyClass.INTERESTED, mark("Interested")),
    (ReplyClass.QUESTION, mark("Question")),
    (ReplyClass.WANTS_PAYMENT, mark("Wants payment")),
    (ReplyClass.NOT_NOW, mark("Not now")),
    (ReplyClass.NO, mark("No")),
    (ReplyClass.AUTO, mark("Automatic")),
    (ReplyClass.UNSUBSCRIBE, mark("Unsubscribe")),
    (ReplyClass.BOUNCE, mark("Bounce")),
)
# These suppress an address, and nobody takes that back with a key: the key only chooses, and a second one stores.
FINAL = frozenset({ReplyClass.UNSUBSCRIBE, ReplyClass.BOUNCE})
LOSSES = (
    ("1", LostReason.DECLINED, mark("They said no")),
    ("2", LostReason.WANTS_PAYMENT, mark("They want to be paid")),
    ("3", LostReason.NO_REPLY, mark("They do not answer any more")),
    ("4", LostReason.NOT_RELEVANT, mark("Not relevant")),
    ("0", LostReason.OTHER, mark("Something else")),
)
_NOTICES = {
    "class": mark("Stored what they want."),
    "done": mark("Done."),
    "answered": mark("Your answer waits in the outbox until its time to undo is over."),
    "back": mark("Taken back: your text stands in the field again."),
    "undone": mark("Taken back."),
    "noted": mark("Written down, for colleagues only."),
    "agreed": mark("Agreed. No link was seen yet; it counts as won as soon as one is."),
    "won": mark("The link was seen: won."),
    "lost": mark("Lost."),
    "snoozed": mark("Put aside."),
    "placed": mark("It belongs to a prospect now, and waits for an answer."),
    "bounced": mark("A worker counts it as a bounce of that mail."),
    "suppressed": mark("Nobody writes to this address any more."),
    "no-opt-out": mark("It is a reply now, and waits for an answer. Nobody writes follow-ups to them."),
    "again": mark("A worker reads it once more."),
}
_UNDOABLE = frozenset({"class", "done", "agreed", "lost", "snoozed", "undone", "final"})


def left(due: datetime, now: datetime) -> str:
    """How long until it is due, or how late it is, in words."""
    minutes = round(abs((due - now).total_seconds()) / 60)
    if minutes < 60:
        span = ngettext("{number} minute", "{number} minutes", minutes)
    elif minutes < 48 * 60:
        span = ngettext("{number} hour", "{number} hours", round(minutes / 60))
    else:
        span = ngettext("{number} day", "{number} days", round(minutes / 1440))
    return _("late {span}", span=span) if due < now else _("due in {span}", span=span)


def _tab(given: Mapping[str, str]) -> str:
    tab = given.get("tab", "waiting")
    return tab if tab in TABS else "waiting"


def _rows(visit: Visit, tab: str, limit: int) -> list[Row]:
    if tab == "waiting":
        return reports.waiting(visit.uow, after=visit.place("after"), limit=limit)
    read = reports.unmatched if tab == "unmatched" else reports.finished
    return read(visit.uow, before=visit.position("before"), limit=limit)


def _list(visit: Visit, tab: str) -> dict[str, Any]:
    rows = _rows(visit, tab, PAGE + 1)
    more = None
    if len(rows) > PAGE:
        last = rows[PAGE - 1]
        more = f"after={place_of(last['due_at'], last['id'])}" if tab == "waiting" else None
        more = more or f"before={last['id']}"
    return {"rows": rows[:PAGE], "more": f"/inbox?tab={tab}&{more}" if more else None}


def _place(visit: Visit) -> dict[str, str]:
    """Where in its list a page begins, as its address has it."""
    given = visit.request.query_params
    return {name: given[name] for name in ("after", "before") if name in given}


def _final(visit: Visit) -> str | None:
    """Why a decision of this person could not be taken back."""
    given = visit.position("about")
    decision = visit.uow.session.get(Decision, given) if given is not None else None
    if decision is None or decision.user_id != visit.who.id:
        return None
    return _(kept(decision.data.get("final", ""))) or None


def _show(visit: Visit, inbound_id: int | None, *, alone: bool) -> Response:
    tab = _tab({**visit.request.query_params, **visit.form})
    listed = _list(visit, tab)
    chosen = inbound_id if inbound_id is not None else (listed["rows"][0]["id"] if listed["rows"] else None)
    did = visit.request.query_params.get("did", "")
    mailboxes = reports.mailboxes(visit.uow)
    active = [row for row in mailboxes if row["active"]]
    read = [row["polled_at"] for row in active if row["polled_at"] is not None]
    item: dict[str, Any] = {"item": None, "message": None}
    if chosen is not None:
        item = item_values(visit, chosen, [row["email"] for row in mailboxes])
    return visit.page(
        "inbox.html",
        tab=tab,
        asks="/inbox/changed?" + urlencode({"tab": tab, **_place(visit)}),
        tabs=TABS,
        classes=CLASSES,
        final=FINAL,
        losses=LOSSES,
        snoozes=snooze_choices(visit),
        soonest=soonest(visit),
        alone=alone,
        left=left,
        now=visit.uow.now(),
        broken=[row for row in active if row["poll_error"]],
        checked=min(read) if read else None,
        notice=_final(visit) if did == "final" else (_(_NOTICES[did]) if did in _NOTICES else None),
        undoable=did in _UNDOABLE,
        sent=visit.position("sent") if did == "answered" else None,
        **listed,
        **item,
    )


@pages.get("/inbox", needs="messages:read")
def inbox(visit: Visit) -> Response:
    """What waits, with the first message open."""
    return _show(visit, None, alone=False)


@pages.get("/inbox/changed", needs="messages:read")
def changed(visit: Visit) -> Response:
    """How many lines of the list that a page shows are others by now, in words; "" while it is as it was."""
    shown = shown_in(visit)
    rows = _rows(visit, _tab(visit.request.query_params), len(shown) + PAGE)
    # A page that is not full shows its list to the end: what comes behind it has come since.
    return JSONResponse(
        {"words": changes(shown, [row["id"] for row in rows], whole=len(shown) % PAGE > 0 or not shown)}
    )


@pages.get("/inbox/{inbound_id}", needs="messages:read")
def message(visit: Visit, inbound_id: Id) -> Response:
    """One message with its conversation."""
    return _show(visit, inbound_id, alone=True)


def again(visit: Visit, inbound_id: int) -> Response:
    """The message with its conversation once more, after a refusal."""
    return _show(visit, inbound_id, alone=True)


def _list_again(visit: Visit) -> Response:
    return _show(visit, None, alone=False)


def _keep(visit: Visit, inbound_id: int) -> None:
    """Keep the answer that the form carries beside what it is for: nothing but sending it ends the writing of it."""
    if "body_text" in visit.form:
        # What an answer begins with is nobody's writing, also where somebody has come back to it.
        text = "" if is_untouched(visit) else visit.form["body_text"]
        answering.keep(visit.uow, person_of(visit), inbound_id, text)


def go(visit: Visit, did: str, inbound_id: int | None = None, **more: int) -> Response:
    """On to the message, or to its tab, where it says what was done (`did`)."""
    where = f"/inbox/{inbound_id}" if inbound_id else "/inbox"
    tail = "".join(f"&{name}={value}" for name, value in more.items())
    return visit.go(f"{where}?tab={_tab(visit.form)}&did={did}{tail}")


@pages.post("/inbox/undo", needs="messages:write", again=_list_again)
def undo(visit: Visit) -> Response:
    """Take this person's last decision back, in the inbox or the queue."""
    return undoing.undo(visit)


@pages.post("/inbox/{inbound_id}/class", needs="messages:write", again=again)
def classify(visit: Visit, inbound_id: Id) -> Response:
    """What they want, as a person reads it; stored beside the machine's guess, and acted on."""
    given = visit.text("class")
    if given not in set(ReplyClass):
        raise BadInput(say("there is no such class"), FieldProblem("class", say("Choose what they want")))
    chosen, container = ReplyClass(given), visit.container
    _keep(visit, inbound_id)
    answers.classify(visit.uow, container.vault, container.settings, person_of(visit), inbound_id, chosen)
    return go(visit, "class", inbound_id)


@pages.post("/inbox/{inbound_id}/keep", needs="messages:write")
def keep(visit: Visit, inbound_id: Id) -> Response:
    """Keep the answer while it is written."""
    service.get(visit.uow, inbound_id)
    _keep(visit, inbound_id)
    return Response(status_code=204)


@pages.post("/inbox/{inbound_id}/here", needs="messages:write")
def here(visit: Visit, inbound_id: Id) -> Response:
    """An open page says so, and is told who else is there."""
    conversation_id = service.get(visit.uow, inbound_id).conversation_id
    if conversation_id is None:
        return JSONResponse({"words": ""})
    answering.here(visit.uow, person_of(visit), conversation_id)
    return JSONResponse({"words": others(answering.at(visit.uow, person_of(visit), conversation_id))})


@pages.post("/inbox/{inbound_id}/answer", needs="messages:write", again=again)
def answer(visit: Visit, inbound_id: Id) -> Response:
    """Answer in the thread; refused when a newer mail is there than the form has seen."""
    made = answers.answer(
        visit.uow,
        visit.container.vault,
        visit.container.settings,
        person_of(visit),
        inbound_id,
        visit.form.get("body_text", ""),
        seen=Seen(visit.number("seen_in") or 0, visit.number("seen_out") or 0),
        to=visit.text("to") or None,
        undo_seconds=visit.who.preferences.undo_seconds,
    )
    return go(visit, "answered", inbound_id, sent=made.id)


@pages.post(
    "/inbox/answers/{outbound_id}/take-back", needs="messages:write", again=lambda visit, **_: _list_again(visit)
)
def take_back(visit: Visit, outbound_id: Id) -> Response:
    """Take an answer back while it waits."""
    found = answers.take_back_answer(visit.uow, outbound_id, actor=visit.actor)
    return go(visit, "back", found, text=outbound_id)


@pages.post("/inbox/{inbound_id}/won", needs="messages:write", again=again, own_transactions=True)
def won(visit: Visit, inbound_id: Id) -> Response:
    """They said yes: agreed at once, won only when the link is seen on the page that is named."""
    container, url = visit.container, visit.text("url") or None
    if url is not None and not url.startswith(("http://", "https://")):
        raise BadInput(say("the address is incomplete"), FieldProblem("url", say("Enter a full address with https://")))
    with container.db.work() as uow:
        decision = answers.agree(uow, container.settings, person_of(visit), inbound_id, url)
    if url is None or not links.look_for_link(container, decision.prospect_id, url, actor=visit.actor).seen:
        return go(visit, "agreed", inbound_id)
    with container.db.work() as uow:
        answers.finish(uow, person_of(visit), inbound_id)
    return go(visit, "won", inbound_id)


@pages.post("/inbox/{inbound_id}/lost", needs="messages:write", again=again)
def lost(visit: Visit, inbound_id: Id) -> Response:
    """Give the prospect up, with a reason."""
    if visit.text("reason") not in {reason.value for _digit, reason, _words in LOSSES}:
        raise BadInput(say("giving up needs a reason"), FieldProblem("reason", say("Choose why it is lost")))
    _keep(visit, inbound_id)
    answers.lose(visit.uow, person_of(visit), inbound_id, LostReason(visit.text("reason")))
    return go(visit, "lost", inbound_id)


@pages.post("/inbox/{inbound_id}/snooze", needs="messages:write", again=again)
def snooze(visit: Visit, inbound_id: Id) -> Response:
    """Put a message aside until a moment in the person's own time zone."""
    _keep(visit, inbound_id)
    answers.snooze(visit.uow, person_of(visit), inbound_id, until_of(visit))
    return go(visit, "snoozed", inbound_id)


@pages.post("/inbox/{inbound_id}/handled", needs="messages:write", again=again)
def handled(visit: Visit, inbound_id: Id) -> Response:
    """Nothing more is to be done with it, and with what came before it in its conversation."""
    _keep(visit, inbound_id)
    answers.done(visit.uow, person_of(visit), inbound_id)
    return go(visit, "done")
