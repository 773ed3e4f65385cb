"""What stands on the page of one received message: its conversation, to whom an answer goes, and what it begins with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from app.desk import answering, prepared
from app.desk.addressees import MOST_WRITERS, OF_PEOPLE, Addressees, among
from app.desk.answers import Seen
from app.domain.delivery import OutboundState
from app.domain.inbound import Intent, Kind
from app.domain.link_target import on_site
from app.domain.pitch_contract import count_words
from app.domain.pitch_links import find_urls
from app.inbox import opt_outs, service
from app.inbox.suggestions import suggestions
from app.models import InboundState, Outbound, OutboundKind, Triage
from app.reports import inbox as reports
from app.web.door import Visit
from app.web.i18n import _
from app.web.lanes import person_of

_URL_END = re.compile(r"[).,;:!?>\]]+$")


def others(at: answering.At) -> str:
    """Who else is at a conversation, in words; "" for nobody."""
    told = [
        _("{name} is writing an answer.", name=n) if writes else _("{name} has this open.", name=n)
        for n, writes in at.others
    ]
    return " ".join(told)


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


def _addressees(opened: reports.Opened, ours: Iterable[str]) -> Addressees | None:
    """Whom an answer may go to, of what the page has read already."""
    if opened.contact is None:
        return None
    people = [one for one in opened.letters if not one.ours and one.kind in OF_PEOPLE]
    people.sort(key=lambda one: one.id, reverse=True)
    return among(
        opened.message, opened.contact.email, ours=ours, writers=[one.address for one in people[:MOST_WRITERS]]
    )


def item_values(visit: Visit, inbound_id: int, ours: Iterable[str]) -> dict[str, Any]:
    """What the template `inbox.html` needs for one message; `ours` are the addresses of our mailboxes. Raises NotFound."""
    opened = reports.opened(visit.uow, inbound_id)
    message, line = opened.message, opened.triage
    seen = Seen(
        max((one.id for one in opened.letters if not one.ours), default=0),
        max((one.id for one in opened.letters if one.ours), default=0),
    )
    before = Seen(visit.number("seen_in") or 0, visit.number("seen_out") or 0) if visit.error else seen
    at = answering.at(visit.uow, person_of(visit), opened.message.conversation_id)
    kept = at.kept
    failed = _failed(visit, line)
    wanted = (line.chosen or line.suggested) if line else None
    begun = _prepared(opened, wanted)
    text = (
        visit.form.get("body_text")
        or _taken_back(visit, opened)
        or kept
        or (reports.text_of(failed.raw) if failed else "")
        or begun
    )
    return {
        "item": opened,
        "note": opened.note,
        "message": message,
        "seen": seen,
        "to": _addressees(opened, ours),
        "new": {
            (one.ours, one.id)
            for one in opened.letters
            if before != Seen() and one.id > (before.outbound_id if one.ours else before.inbound_id)
        },
        "misread": opt_outs.is_reading(message) and not (line and line.chosen),
        "perhaps": message.intent == Intent.OPT_OUT and message.kind == Kind.REPLY and bool(line and line.waits),
        "class_now": wanted,
        "suggestions": suggestions(visit.uow, inbound_id)
        if message.prospect_id is None and message.state is not InboundState.QUARANTINED
        else [],
        "suppressible": service.suppressible(message),
        "url": visit.form.get("url") or _prefilled(opened),
        "text": text,
        "failed": failed,
        "words": count_words(text),
        "others": others(at),
        "kept": bool(kept) and text == kept,
        "prepared": prepared.mark_of(begun) if text == begun else "",
    }


def _prepared(opened: reports.Opened, wanted: str | None) -> str:
    """What the answer begins with, while the message waits for one."""
    if wanted is None or opened.triage is None or not opened.triage.waits:
        return ""
    first = next((letter.at.date() for letter in opened.letters if letter.ours), None)
    return prepared.text_for(opened.message, opened.contact, wanted, opened.pitch, opened.answer, sent_on=first)


def is_untouched(visit: Visit) -> bool:
    """Whether the answer in the form is still what it began with: nobody is writing it, and nothing of it is kept."""
    mark = visit.text("prepared")
    return bool(mark) and prepared.mark_of(visit.form.get("body_text", "")) == mark


def _failed(visit: Visit, line: Triage | None) -> Outbound | None:
    """The answer to this message that did not leave, while the message waits again."""
    row = visit.uow.session.get(Outbound, line.answered_by) if line and line.waits and line.answered_by else None
    return row if row is not None and row.state in (OutboundState.REJECTED, OutboundState.CANCELLED) else None


def _taken_back(visit: Visit, opened: reports.Opened) -> str:
    given = visit.position("text")
    row = visit.uow.session.get(Outbound, given) if given is not None else None
    mine = row is not None and row.kind is OutboundKind.REPLY and row.conversation_id == opened.message.conversation_id
    return reports.text_of(row.raw) if mine and row is not None else ""
