"""Paid tools: which are set up, what a pull would cost, pulls by a worker, the pulls that repeat by themselves, and what each brought."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field

from app.api.door import Call, Door, Id, Limit, Model, Out, RowId
from app.api.v1.import_jobs import JobOut
from app.gaps import asked_pulls, prices, pulls, schedules
from app.models import PullState

door = Door("pulls")

_Site = Annotated[int, Query(ge=1, le=2**31 - 1)]
_NAME = r"^[a-z-]+$"
_Provider = Annotated[str, Field(max_length=32, pattern=_NAME)]
_Rows = Annotated[
    int, Field(ge=1, le=prices.MOST_ROWS, description="Referring domains to ask for, for each domain of the site.")
]


class AccountOut(Out):
    """A provider as it is configured. `missing` are the settings of `needs` that are empty: without them it cannot be asked.

    `budget`, `spent` (this calendar month, UTC; what runs counts with its estimate) and `left` are in `unit`.
    """

    provider: str
    title: str
    unit: str
    needs: list[str]
    missing: list[str]
    budget: float | None = Field(description="Null where none is set: then a pull by hand has no limit.")
    spent: float
    left: float | None


class EstimateOut(Out):
    """What a pull costs at most. `kept` are domains whose rows came lately and are not imported yet: they cost nothing."""

    provider: str
    targets: list[str]
    rows: int
    cost: float
    unit: str
    left: float | None
    kept: list[str]


class PullIn(Model):
    """What is to be pulled; `most` is the price that was agreed to, in the provider's own unit: above it nothing is asked."""

    site_id: RowId
    provider: _Provider
    rows: _Rows = 500
    most: Annotated[float | None, Field(ge=0, le=1e12)] = None


class ScheduleIn(Model):
    """A pull that repeats by itself; of a site and a provider there is one, and sending it again changes it."""

    site_id: RowId
    provider: _Provider
    rows: _Rows = 500
    every_days: Annotated[int, Field(ge=1, le=365)] = 30


class ScheduleOut(Out):
    """A pull of all domains of a site that repeats by itself; `last_error` is null where the last one came.

    `last_at` is when the last one ended; `last_result` holds `rows`, `cost`, `unit`, `gaps` and `added` of the last that came.
    """

    id: int
    site_id: int
    provider: str
    rows: int
    every_days: int
    due_at: datetime
    paused_at: datetime | None
    last_at: datetime | None
    last_result: dict[str, Any] | None
    last_error: str | None
    created_by: str
    created_at: datetime


class PullOut(Out):
    """What was asked for one domain; `cost` is in the provider's own unit, `capped` says that there are more rows."""

    id: int
    site_id: int
    provider: str
    target: str
    state: PullState
    rows_wanted: int
    rows: int
    cost: float
    capped: bool
    error: str | None
    started_by: str
    started_at: datetime
    finished_at: datetime | None


@door.route("GET", "/provider-accounts", needs="imports:read", answers=list[AccountOut])
def list_accounts(call: Call) -> Any:
    """Every provider that can be asked, whether its credentials are set (never what they are), and the money of this month."""
    return prices.accounts(call.uow, call.container.settings)


@door.route("GET", "/provider-pulls/estimate", needs="imports:read", answers=EstimateOut)
def estimate_pull(
    call: Call,
    site_id: _Site,
    provider: Annotated[str, Query(max_length=32, pattern=_NAME)],
    rows: Annotated[int, Query(ge=1, le=prices.MOST_ROWS)] = 500,
) -> Any:
    """What a pull would ask and cost at most. Nobody is asked and nothing is spent."""
    return prices.plan(call.uow, call.container.settings, site_id, provider, rows)


@door.route("POST", "/provider-pulls", needs="imports:write", answers=JobOut, status=202)
def start_pull(call: Call, body: PullIn) -> Any:
    """Let a worker pull the referring domains of a site and its competitors, import them and compute the gap.

    The answer is the run: follow it at `/import-jobs/{id}`. 409 with the reason `budget` or `price` where the estimate is too high.
    """
    return asked_pulls.ask(
        call.uow, call.container.settings, body.site_id, body.provider, body.rows, most=body.most, actor=call.actor
    )


@door.route("GET", "/provider-pulls", needs="imports:read", answers=list[PullOut])
def list_pulls(call: Call, site_id: _Site, limit: Limit = 50) -> Any:
    """The latest pulls of a site, newest first."""
    return [one.model_dump() for one in pulls.pulls_of(call.uow, site_id, limit)]


@door.route("GET", "/provider-schedules", needs="imports:read", answers=list[ScheduleOut])
def list_schedules(call: Call, site_id: _Site | None = None) -> Any:
    """The pulls that repeat by themselves, of a site or of all, the next one first."""
    return [one.model_dump() for one in schedules.schedules_of(call.uow, site_id)]


@door.route("POST", "/provider-schedules", needs="imports:write", answers=ScheduleOut)
def schedule_pull(call: Call, body: ScheduleIn) -> Any:
    """Let a pull repeat by itself, the first at once, or change the one that there is. The provider needs a budget."""
    return schedules.schedule(
        call.uow,
        call.container.settings,
        body.site_id,
        body.provider,
        rows=body.rows,
        every_days=body.every_days,
        actor=call.actor,
    )


@door.route("POST", "/provider-schedules/{schedule_id}/pause", needs="imports:write", answers=ScheduleOut)
def pause_schedule(call: Call, schedule_id: Id) -> Any:
    """Let it rest until somebody resumes it."""
    return schedules.pause(call.uow, schedule_id, actor=call.actor)


@door.route("POST", "/provider-schedules/{schedule_id}/resume", needs="imports:write", answers=ScheduleOut)
def resume_schedule(call: Call, schedule_id: Id) -> Any:
    """End the rest: the next pull is at its date, at once where that has passed."""
    return schedules.resume(call.uow, schedule_id, actor=call.actor)


@door.route("DELETE", "/provider-schedules/{schedule_id}", needs="imports:write", answers=ScheduleOut)
def end_schedule(call: Call, schedule_id: Id) -> Any:
    """End a pull that repeats by itself; the answer is what it was."""
    return schedules.unschedule(call.uow, schedule_id, actor=call.actor)
