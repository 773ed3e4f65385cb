"""The steps of a sequence and when the next one is due. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from app.domain.absence import FURTHEST
from app.domain.calendar import PLAIN_WEEK, WorkDays, add_business_days, business_moment

MAX_STEPS = 5
MAX_WAIT = 60
STARTER_NAME = "starter"
FIRST = "pitch"
# Business days to wait after an automatic answer that does not say when the person is back.
ABSENCE_WITHOUT_DATE = 5
# A longer absence, or one that ended before the answer came, is taken for a date that was read wrongly. People are away for
# a parental leave or a sabbatical, so the bound is that of the reader of dates.
MAX_AWAY_DAYS = FURTHEST.days

# The first step is the pitch; a last step without a template gives up when nobody has answered.
STARTER: tuple[dict[str, Any], ...] = (
    {"template": FIRST, "wait_business_days": 0},
    {"template": "follow-up-1", "wait_business_days": 4},
    {"template": "follow-up-last", "wait_business_days": 7},
    {"template": None, "wait_business_days": 7},
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: a template, or None for giving up, `wait` business days after the step before was sent."""

    template: str | None
    wait: int

    @property
    def gives_up(self) -> bool:
        """Whether this step ends the sequence without a mail."""
        return self.template is None


@dataclass(frozen=True, slots=True)
class Absence:
    """An automatic answer: when it came and, if it says so, the day on which the person is back."""

    received_at: datetime
    returns_on: date | None


def parse_steps(steps: Sequence[Mapping[str, Any]], templates: Sequence[str]) -> tuple[Step, ...]:
    """The steps of a stored sequence. Raises ValueError that names the step and what is wrong with it."""
    parsed = []
    for number, raw in enumerate(steps, start=1):
        template, wait = raw.get("template"), raw.get("wait_business_days")
        if type(wait) is not int or not 0 <= wait <= MAX_WAIT:
            raise ValueError(f"step {number}: wait_business_days must be a whole number from 0 to {MAX_WAIT}")
        if number == 1 and (template != FIRST or wait != 0):
            raise ValueError(f"step 1: the first step is the template '{FIRST}' with wait_business_days 0")
        if number > 1 and wait == 0:
            raise ValueError(f"step {number}: a follow-up waits at least one business day")
        if template is None and number != len(steps):
            raise ValueError(f"step {number}: only the last step may give up (template null)")
        if number > 1 and template is not None and template not in templates:
            raise ValueError(f"step {number}: there is no template '{template}'; use one of {', '.join(templates)}")
        parsed.append(Step(template, wait))
    if not 1 <= len(parsed) <= MAX_STEPS:
        raise ValueError(f"a sequence has 1 to {MAX_STEPS} steps")
    return tuple(parsed)


def due_after(
    sent_at: datetime,
    step: Step,
    zone: tzinfo,
    days: WorkDays = PLAIN_WEEK,
    absences: Sequence[Absence] = (),
) -> datetime:
    """When `step` is due: its wait in business days after `sent_at`, at the same time of day in `zone`, as UTC.

    An automatic answer moves it to the business day after the day of return, or, without such a day, to
    `ABSENCE_WITHOUT_DATE` business days after the answer came; never to an earlier day.
    """
    due = business_moment(sent_at, step.wait, zone, days)
    for absence in absences:
        away = (absence.returns_on - absence.received_at.astimezone(zone).date()).days if absence.returns_on else 0
        if absence.returns_on is not None and 0 <= away <= MAX_AWAY_DAYS:
            day = add_business_days(absence.returns_on, 1, days)
            wall = sent_at.astimezone(zone).time().replace(fold=0)
            shifted = datetime.combine(day, wall, tzinfo=zone).astimezone(UTC)
        else:
            shifted = business_moment(absence.received_at, ABSENCE_WITHOUT_DATE, zone, days)
        due = max(due, shifted)
    return due


def not_on_a_closed_day(at: datetime, now: datetime, zone: tzinfo, days: WorkDays = PLAIN_WEEK) -> datetime:
    """`at`, or, when it has passed and today is no business day in `zone`, the same time on the next one, as UTC.

    What was due on a Friday and was held up (nobody ran, the mailbox rested) does not leave on the Saturday.
    """
    today = now.astimezone(zone).date()
    if at > now or today in days:
        return at
    wall = at.astimezone(zone).time().replace(fold=0)
    return datetime.combine(add_business_days(today, 0, days), wall, tzinfo=zone).astimezone(UTC)
