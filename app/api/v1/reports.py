"""What became of what was sent: the same figures as on the page of reports, from the same functions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import Query

from app.api.door import Call, Cursor, Door, Limit, Out, Page, decode_cursor, encode_cursor
from app.domain.angles import Angle
from app.domain.figures import Share
from app.domain.pipeline import Stage
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.reports import outreach, quality
from app.reports.outreach import Scope

door = Door("reports")

_Site = Annotated[int | None, Query(ge=1, le=2**31 - 1)]
_Days = Annotated[int | None, Query(ge=1, le=3660, description="Back from now; without it, all of the time.")]
_Tier = Annotated[int | None, Query(ge=1, le=3)]
_Person = Annotated[str | None, Query(max_length=200)]


class ShareOut(Out):
    """`hits` of `n`. `rate` and the ends of its 95 % interval (Wilson, 0 to 1) are null below 20 cases."""

    hits: int
    n: int
    rate: float | None
    low: float | None
    high: float | None


class StepOut(Out):
    """One step of the funnel; `of`: those of whom it can be told already, null where that is everybody."""

    name: str
    count: int
    of: int | None


class WeekOut(Out):
    """The prospects whose first mail left in the week of this Monday (UTC); `open`: their share of wins will still rise."""

    week: date
    wins: ShareOut
    open: bool


class LineOut(Out):
    """One line of a cut. `key` is empty where it is not known; that of authority is provider, lowest, highest."""

    key: list[str | int]
    wins: ShareOut
    replies: ShareOut


class OutreachOut(Out):
    """The funnel, and the share of verified wins by week of the first send and by each cut."""

    funnel: list[StepOut]
    wins: ShareOut
    median_days_to_win: int | None
    weeks: list[WeekOut]
    cuts: dict[str, list[LineOut]]


class CaseOut(Out):
    """A prospect with its first mail; `won_at` is when a verified link of it was first seen."""

    prospect_id: int
    domain: str
    stage: Stage
    tier: int | None
    angle: str | None
    template_version: str | None
    sent_at: datetime
    replied: bool
    agreed: bool
    won_at: datetime | None
    lasting: bool


class ReplyTimeOut(Out):
    """Minutes on the wall clock from a message to our answer; `in_time` were answered before they were due."""

    answered: int
    p50_minutes: int | None
    p90_minutes: int | None
    in_time: int


class ReasonOut(Out):
    """A reason, and how many prospects were given up for it."""

    reason: str
    count: int


class ReasonsOut(Out):
    """Before anything was sent, and after."""

    skipped: list[ReasonOut]
    lost: list[ReasonOut]


class DeliveryOut(Out):
    """What came back of the mail of a mailbox, or of a whole sending domain where `mailbox` is null."""

    domain: str
    mailbox: str | None
    bounces: ShareOut
    complaints: ShareOut
    refused_by_policy: int


class DeliveriesOut(Out):
    """Each sending domain with its mailboxes."""

    items: list[DeliveryOut]


def _share(share: Share) -> dict[str, Any]:
    return {"hits": share.hits, "n": share.n, "rate": share.rate, "low": share.low, "high": share.high}


@door.route("GET", "/reports/outreach", needs="reports:read", answers=OutreachOut)
def read_outreach(
    call: Call,
    site_id: _Site = None,
    days: _Days = None,
    tier: _Tier = None,
    angle: Angle | None = None,
    person: _Person = None,
) -> Any:
    """The funnel and the win rates. Only links that were seen are wins; what a person typed is none."""
    found = outreach.report(call.uow, Scope(site_id, days, tier, angle, person))
    return {
        "funnel": found.funnel,
        "wins": _share(found.total),
        "median_days_to_win": found.median_days,
        "weeks": [{"week": one.week, "wins": _share(one.share), "open": one.open} for one in found.weeks],
        "cuts": {
            cut: [{"key": list(one.key), "wins": _share(one.wins), "replies": _share(one.replies)} for one in lines]
            for cut, lines in found.cuts.items()
        },
    }


@door.route("GET", "/reports/cases", needs="reports:read", answers=Page[CaseOut])
def list_cases(
    call: Call,
    step: Literal["delivered", "replied", "agreed", "live", "lasting"] = "delivered",
    site_id: _Site = None,
    days: _Days = None,
    tier: _Tier = None,
    angle: Angle | None = None,
    person: _Person = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Any:
    """The prospects behind a step of the funnel, the latest first mail first."""
    position = decode_cursor(cursor, str, int)
    try:
        before = (datetime.fromisoformat(position[0]), position[1]) if position else None
    except ValueError:
        raise BadInput(
            say("the cursor is not one of this list"), FieldProblem("cursor", say("Send `next` of the page before"))
        ) from None
    found = outreach.cases(call.uow, Scope(site_id, days, tier, angle, person), step, before=before, limit=limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    return {
        "items": [{**row, "template_version": row["template"]} for row in found[:limit]],
        "next": encode_cursor(last["sent_at"].isoformat(), last["id"]) if last else None,
    }


@door.route("GET", "/reports/reply-time", needs="reports:read", answers=ReplyTimeOut)
def read_reply_time(call: Call, site_id: _Site = None, days: _Days = None) -> Any:
    """How long messages waited for the answers that were written in the period."""
    found = quality.reply_time(call.uow, Scope(site_id, days))
    return {"answered": found.answered, "p50_minutes": found.p50, "p90_minutes": found.p90, "in_time": found.in_time}


@door.route("GET", "/reports/reasons", needs="reports:read", answers=ReasonsOut)
def read_reasons(call: Call, site_id: _Site = None, days: _Days = None, tier: _Tier = None) -> Any:
    """Why prospects were given up in the period, as far as they still are."""
    found = quality.reasons(call.uow, Scope(site_id, days, tier))
    return {
        name: [{"reason": reason, "count": count} for reason, count in lines]
        for name, lines in (("skipped", found.skipped), ("lost", found.lost))
    }


@door.route("GET", "/reports/delivery", needs="reports:read", answers=DeliveriesOut)
def read_delivery(call: Call, site_id: _Site = None, days: _Days = None) -> Any:
    """Bounces and complaints by sending domain and mailbox."""
    return {
        "items": [
            {
                "domain": one.domain,
                "mailbox": one.mailbox,
                "bounces": _share(one.bounces),
                "complaints": _share(one.complaints),
                "refused_by_policy": one.refused,
            }
            for one in quality.delivery(call.uow, Scope(site_id, days))
        ]
    }
