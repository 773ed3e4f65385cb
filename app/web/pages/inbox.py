"""The inbox: what waits by the time it is due, one conversation with its answer, and what nobody could place."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from starlette.responses import Response

from app.desk import answers
from app.desk import service as desk
from app.desk.answers import Seen
from app.domain.link_verdict import on_site
from app.domain.pipeline import LostReason
from app.domain.pitch_contract import count_words, find_urls
from app.domain.said import say
from app.domain.triage import ReplyClass
from app.errors import BadInput, FieldProblem
from app.inbox import service
from app.inbox.suggestions import suggestions
from app.links import service as links
from app.models import Decision, InboundState, Outbound, OutboundKind, Prospect, SuppressionKind
from app.prospects import suppression
from app.reports import inbox as reports
from app.web.door import Id, Pages, Visit
from app.web.i18n import _, mark, ngettext
from app.web.lanes import PAGE, person_of

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
    "agreed": mark("Agreed. No link was seen yet; it counts as won as soon as one is."),
    "won": mark("The link was seen: won."),
    "lost": mark("Lost."),
    "placed": mark("It belongs to a prospect now, and waits for an answer."),
    "suppressed": mark("Nobody writes to this address any more."),
    "again": mark("A worker reads it once more."),
}
_UNDOABLE = frozenset({"class", "agreed", "lost", "undone", "final"})
_URL_END = re.compile(r"[).,;:!?>\]]+$")


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


def _position(visit: Visit) -> tuple[datetime, int] | None:
    stamp, _sep, number = visit.request.query_params.get("after", "").rpartition(".")
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return (moment, int(number)) if moment.tzinfo and number.isdecimal() and int(number) < 2**31 else None


def _list(visit: Visit, tab: str) -> dict[str, Any]:
    given = visit.request.query_params.get("before", "")
    before = int(given) if given.isdecimal() and int(given) < 2**31 else None
    if tab == "waiting":
        rows = reports.waiting(visit.uow, after=_position(visit), limit=PAGE + 1)
    else:
        read = reports.unmatched if tab == "unmatched" else reports.finished
        rows = read(visit.uow, before=before, limit=PAGE + 1)
    more = None
    if len(rows) > PAGE:
        last = rows[PAGE - 1]
        # The plus sign of a time zone is a space in an address.
        more = f"after={last['due_at'].strftime('%Y-%m-%dT%H:%M:%S.%f')}Z.{last['id']}" if tab == "waiting" else None
        more = more or f"before={last['id']}"
    return {"rows": rows[:PAGE], "more": f"/inbox?tab={tab}&{more}" if more else None}


def _prefilled(opened: reports.Opened) -> str:
    """The last address in their messages that lies on their own site; without one the page that we wrote about."""
    if opened.prospect is None:
        return ""
    for letter in reversed([one for one in opened.letters if not one.ours]):
        for url in find_urls(letter.text):
            if on_site(_URL_END.sub("", url), opened.prospect.domain):
                return _URL_END.sub("", url)
    page = opened.prospect.best_page or ""
    return page if page.startswith(("http://", "https://")) and on_site(page, opened.prospect.domain) else ""


def _item(visit: Visit, inbound_id: int) -> dict[str, Any]:
    opened = reports.opened(visit.uow, inbound_id)
    message, line = opened.message, opened.triage
    seen = Seen(
        max((one.id for one in opened.letters if not one.ours), default=0),
        max((one.id for one in opened.letters if one.ours), default=0),
    )
    before = Seen(visit.number("seen_in") or 0, visit.number("seen_out") or 0) if visit.error else seen
    text = visit.form.get("body_text") or _taken_back(visit, opened)
    return {
        "item": opened,
        "message": message,
        "seen": seen,
        "new": {
            (one.ours, one.id)
            for one in opened.letters
            if before != Seen() and one.id > (before.outbound_id if one.ours else before.inbound_id)
        },
        "class_now": (line.chosen or line.suggested) if line else None,
        "suggestions": suggestions(visit.uow, inbound_id)
        if message.prospect_id is None and message.state is not InboundState.QUARANTINED
        else [],
        "url": visit.form.get("url") or _prefilled(opened),
        "text": text,
        "words": count_words(text),
    }


def _taken_back(visit: Visit, opened: reports.Opened) -> str:
    given = visit.request.query_params.get("text", "")
    row = visit.uow.session.get(Outbound, int(given)) if given.isdecimal() and int(given) < 2**31 else None
    mine = row is not None and row.kind is OutboundKind.REPLY and row.conversation_id == opened.message.conversation_id
    return reports.text_of(row.raw) if mine and row is not None else ""


def _final(visit: Visit) -> str | None:
    """Why a decision of this person could not be taken back."""
    given = visit.request.query_params.get("about", "")
    decision = visit.uow.session.get(Decision, int(given)) if given.isdecimal() and int(given) < 2**31 else None
    return decision.data.get("final") if decision is not None and decision.user_id == visit.who.id else None


def _show(visit: Visit, inbound_id: int | None, *, alone: bool) -> Response:
    params = {**visit.request.query_params, **visit.form}
    tab = params.get("tab", "waiting")
    tab = tab if tab in TABS else "waiting"
    listed = _list(visit, tab)
    chosen = inbound_id if inbound_id is not None else (listed["rows"][0]["id"] if listed["rows"] else None)
    did = visit.request.query_params.get("did", "")
    mailboxes = reports.mailboxes(visit.uow)
    read = [row["polled_at"] for row in mailboxes if row["polled_at"] is not None]
    sent = visit.request.query_params.get("sent", "")
    item: dict[str, Any] = {"item": None, "message": None}
    if chosen is not None:
        item = _item(visit, chosen)
    return visit.page(
        "inbox.html",
        tab=tab,
        tabs=TABS,
        classes=CLASSES,
        losses=LOSSES,
        alone=alone,
        left=left,
        now=visit.uow.now(),
        broken=[row for row in mailboxes if row["poll_error"]],
        checked=min(read) if read else None,
        notice=_final(visit) if did == "final" else (_(_NOTICES[did]) if did in _NOTICES else None),
        undoable=did in _UNDOABLE,
        sent=int(sent) if did == "answered" and sent.isdecimal() and int(sent) < 2**31 else None,
        **listed,
        **item,
    )


@pages.get("/inbox", needs="messages:read")
def inbox(visit: Visit) -> Response:
    """What waits, with the first message open."""
    return _show(visit, None, alone=False)


@pages.get("/inbox/{inbound_id}", needs="messages:read")
def message(visit: Visit, inbound_id: Id) -> Response:
    """One message with its conversation."""
    return _show(visit, inbound_id, alone=True)


def _again(visit: Visit, inbound_id: int) -> Response:
    return _show(visit, inbound_id, alone=True)


def _list_again(visit: Visit) -> Response:
    return _show(visit, None, alone=False)


def _go(visit: Visit, did: str, inbound_id: int | None = None, **more: int) -> Response:
    tab = visit.text("tab")
    where = f"/inbox/{inbound_id}" if inbound_id else "/inbox"
    tail = "".join(f"&{name}={value}" for name, value in more.items())
    return visit.go(f"{where}?tab={tab if tab in TABS else 'waiting'}&did={did}{tail}")


@pages.post("/inbox/undo", needs="messages:write", again=_list_again)
def undo(visit: Visit) -> Response:
    """Take this person's last decision back, in the inbox or the queue."""
    undone = desk.undo(visit.uow, person_of(visit))
    visit.uow.session.flush()
    decision, did = undone.decision, "final" if undone.problem else "undone"
    if decision.kind in desk.IN_THE_INBOX:
        return _go(visit, did, decision.data["inbound_id"], about=decision.id)
    where, about = (
        ("/queue", decision.id) if undone.problem else (f"/queue/{decision.prospect_id}", decision.prospect_id)
    )
    return visit.go(f"{where}?did={did}&about={about}")


@pages.post("/inbox/{inbound_id}/class", needs="messages:write", again=_again)
def classify(visit: Visit, inbound_id: Id) -> Response:
    """What they want, as a person reads it; stored beside the machine's guess, and acted on."""
    given = visit.text("class")
    if given not in set(ReplyClass):
        raise BadInput(say("there is no such class"), FieldProblem("class", say("Choose what they want")))
    chosen, container = ReplyClass(given), visit.container
    answers.classify(visit.uow, container.vault, container.settings, person_of(visit), inbound_id, chosen)
    return _go(visit, "class", inbound_id)


@pages.post("/inbox/{inbound_id}/answer", needs="messages:write", again=_again)
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
        undo_seconds=visit.who.preferences.undo_seconds,
    )
    return _go(visit, "answered", inbound_id, sent=made.id)


@pages.post(
    "/inbox/answers/{outbound_id}/take-back", needs="messages:write", again=lambda visit, **_: _list_again(visit)
)
def take_back(visit: Visit, outbound_id: Id) -> Response:
    """Take an answer back while it waits."""
    found = answers.take_back_answer(visit.uow, outbound_id, actor=visit.actor)
    return _go(visit, "back", found, text=outbound_id)


@pages.post("/inbox/{inbound_id}/won", needs="messages:write", again=_again, own_transactions=True)
def won(visit: Visit, inbound_id: Id) -> Response:
    """They said yes: agreed at once, won only when the link is seen on the page that is named."""
    container, url = visit.container, visit.text("url") or None
    if url is not None and not url.startswith(("http://", "https://")):
        raise BadInput(say("the address is incomplete"), FieldProblem("url", say("Enter a full address with https://")))
    with container.db.work() as uow:
        decision = answers.agree(uow, container.settings, person_of(visit), inbound_id, url)
    if url is None or not links.look_for_link(container, decision.prospect_id, url, actor=visit.actor).seen:
        return _go(visit, "agreed", inbound_id)
    with container.db.work() as uow:
        answers.done(uow, person_of(visit), inbound_id)
    return _go(visit, "won", inbound_id)


@pages.post("/inbox/{inbound_id}/lost", needs="messages:write", again=_again)
def lost(visit: Visit, inbound_id: Id) -> Response:
    """Give the prospect up, with a reason."""
    if visit.text("reason") not in {reason.value for _digit, reason, _words in LOSSES}:
        raise BadInput(say("giving up needs a reason"), FieldProblem("reason", say("Choose why it is lost")))
    answers.lose(visit.uow, person_of(visit), inbound_id, LostReason(visit.text("reason")))
    return _go(visit, "lost", inbound_id)


@pages.post("/inbox/{inbound_id}/reply", needs="messages:write", again=_again)
def is_reply(visit: Visit, inbound_id: Id) -> Response:
    """It is a reply: follow-ups stop for good, and it waits for an answer."""
    given = visit.number("prospect_id")
    if given is not None and visit.uow.session.get(Prospect, given) is None:
        raise BadInput(
            say("there is no such prospect"), FieldProblem("prospect_id", say("Enter the number of a prospect"))
        )
    service.is_reply(visit.uow, inbound_id, actor=visit.actor, prospect_id=given)
    return visit.go(f"/inbox/{inbound_id}?tab=waiting&did=placed")


@pages.post("/inbox/{inbound_id}/dismiss", needs="messages:write", again=_again)
def dismiss(visit: Visit, inbound_id: Id) -> Response:
    """It is no reply: the follow-ups that it paused go on."""
    service.dismiss(visit.uow, inbound_id, actor=visit.actor)
    return _go(visit, "done")


@pages.post("/inbox/{inbound_id}/suppress", needs="messages:write", again=_again)
def suppress(visit: Visit, inbound_id: Id) -> Response:
    """Never write to the sender of a message that belongs to nobody, and put it away."""
    row = service.get(visit.uow, inbound_id)
    if row.prospect_id is not None or not row.from_address:
        raise BadInput(say("only the sender of an unmatched message; classify this one as unsubscribe"))
    suppression.suppress(
        visit.uow,
        visit.container.vault,
        row.from_address,
        kind=SuppressionKind.ADDRESS,
        reason="unsubscribed",
        source=f"message {row.id}, read by {visit.actor}"[:200],
        actor=visit.actor,
    )
    service.dismiss(visit.uow, inbound_id, actor=visit.actor)
    return _go(visit, "suppressed")


@pages.post("/inbox/{inbound_id}/try-again", needs="messages:write", again=_again)
def try_again(visit: Visit, inbound_id: Id) -> Response:
    """Read a message in quarantine once more."""
    service.try_again(visit.uow, inbound_id, actor=visit.actor)
    return _go(visit, "again")


@pages.post("/inbox/{inbound_id}/handled", needs="messages:write", again=_again)
def handled(visit: Visit, inbound_id: Id) -> Response:
    """Nothing more is to be done with it, and with what came before it in its conversation."""
    answers.done(visit.uow, person_of(visit), inbound_id)
    return _go(visit, "done")
