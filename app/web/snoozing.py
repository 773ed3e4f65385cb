"""The choices of a snooze, as the queue and the inbox offer them, and the moment that a form asks for."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from app.domain.said import say
from app.domain.snooze import at_morning, presets
from app.errors import BadInput, FieldProblem
from app.web import i18n
from app.web.door import Visit
from app.web.i18n import mark

SNOOZES = {
    "tomorrow": mark("Tomorrow"),
    "monday": mark("Monday"),
    "two-weeks": mark("In two weeks"),
    "reply": mark("Until they reply"),
}


def snooze_choices(visit: Visit) -> list[tuple[str, str, str, datetime]]:
    """For each: the digit after `h`, its name, its words, and when it ends."""
    found = presets(visit.uow.now(), i18n.zone())
    return [(one.digit, one.name, SNOOZES[one.name], one.until) for one in found]


def soonest(visit: Visit) -> date:
    """The first day on whose morning a snooze may end."""
    return (visit.uow.now().astimezone(i18n.zone()) + timedelta(days=1)).date()


def until_of(visit: Visit) -> datetime:
    """When the snooze of a form ends, in UTC. Raises BadInput (field `until`)."""
    known = {one.name: one.until for one in presets(visit.uow.now(), i18n.zone())}
    until = known.get(visit.text("preset"))
    if until is not None:
        return until
    try:
        return at_morning(date.fromisoformat(visit.text("until")), i18n.zone())
    except (ValueError, OverflowError):
        raise BadInput(say("putting aside needs a day"), FieldProblem("until", say("Choose a day"))) from None
