"""The reports: what became of what was sent, by week and by cut, how the work is done, and the same numbers as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from app.cells import neutral
from app.domain.figures import FEW, Share
from app.domain.pipeline import LostReason
from app.domain.said import say
from app.errors import NotFound
from app.reports import outreach, quality
from app.reports.outreach import CASE_STEPS, CUTS, PERIODS, Outreach, Scope
from app.sites import service as sites
from app.web.door import Pages, Visit, place_of
from app.web.i18n import _, mark, ngettext
from app.web.pages.gap import REASONS as GAP_REASONS

pages = Pages()

_PAGE = 50
_WEEKS_DRAWN = 53
STEPS = {
    "gap": mark("Gap"),
    "ready": mark("Ready"),
    "approved": mark("Approved"),
    "delivered": mark("Delivered"),
    "replied": mark("Replied"),
    "agreed": mark("Agreed"),
    "live": mark("Live"),
    "lasting": mark("Live after 90 days"),
}
ANGLES = {
    "unlinked-mention": mark("Mention"),
    "resource-replacement": mark("Replacement"),
    "coverage-gap": mark("Gap"),
    "link-reclamation": mark("Reclaim"),
}
CUT_WORDS = {
    "tier": mark("By tier"),
    "angle": mark("By pitch"),
    "template": mark("By template version"),
    "mailbox": mark("By mailbox"),
    "person": mark("By person"),
    "authority": mark("By authority"),
}
REASONS = {
    **GAP_REASONS,
    LostReason.DECLINED: mark("Declined"),
    LostReason.WANTS_PAYMENT: mark("Wants payment"),
    LostReason.BOUNCED: mark("Bounced"),
    LostReason.UNSUBSCRIBED: mark("Unsubscribed"),
    LostReason.NO_REPLY: mark("No reply"),
    LostReason.NO_CONTACT: mark("No contact"),
}


def _scope(visit: Visit) -> tuple[Scope, dict[str, Any]]:
    """What the address asks for, and the same as fields; what makes no sense asks nothing."""
    given = visit.request.query_params
    tier, days = given.get("tier", ""), given.get("days", "")
    person = given.get("person", "")[:200].replace("\0", "")
    scope = Scope(
        site_id=visit.position("site"),
        days=None if days == "all" else int(days) if days in {str(one) for one in PERIODS} else 90,
        tier=int(tier) if tier in ("1", "2", "3") else None,
        angle=given.get("angle") if given.get("angle") in ANGLES else None,
        person=person or None,
    )
    fields = {
        "site": scope.site_id,
        "days": "all" if scope.days is None else scope.days if scope.days != 90 else None,
        "tier": scope.tier,
        "angle": scope.angle,
        "person": scope.person,
    }
    return scope, {name: value for name, value in fields.items() if value is not None}


def span(minutes: int | None) -> str:
    """Minutes in words; a dash where there are none."""
    if minutes is None:
        return "–"
    if minutes < 60:
        return _("{minutes} min", minutes=minutes)
    if minutes < 48 * 60 and minutes % 60 == 0:
        return _("{hours} h", hours=minutes // 60)
    if minutes < 48 * 60:
        return _("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)
    return ngettext("{number} day", "{number} days", round(minutes / 1440))


def label(cut: str, key: tuple[Any, ...]) -> str:
    """How a line of a cut is called."""
    if not key:
        return _("Not known")
    if cut == "tier":
        return _("Tier {number}", number=key[0])
    if cut == "angle":
        return _(ANGLES[key[0]]) if key[0] in ANGLES else str(key[0])
    if cut == "authority":
        return f"{key[0] or _('authority')} {key[1]}–{key[2]}"
    return str(key[0])


def href(step: str, scope: Scope, fields: dict[str, Any], visit: Visit) -> str | None:
    """The list behind a step of the funnel; None where this person may not open it."""
    if step == "gap":
        return "/gap" + (f"?site={scope.site_id}" if scope.site_id else "")
    if step == "ready":
        return "/queue" if visit.who.may("pitches:read") else "/pipeline?view=table&stage=checked-mention"
    if step == "approved":
        return "/pipeline?" + urlencode({"view": "table", "badge": "approved"})
    return "/reports/cases?" + urlencode({**fields, "step": step})


@pages.get("/reports", needs="reports:read")
def reports(visit: Visit) -> Response:
    """Everything, under the filters of the address."""
    scope, fields = _scope(visit)
    found = outreach.report(visit.uow, scope)
    settings = visit.container.settings
    people = {line.key[0] for line in found.cuts["person"] if line.key} | ({scope.person} if scope.person else set())
    return visit.page(
        "reports.html",
        report=found,
        weeks=found.weeks[-_WEEKS_DRAWN:],
        replies=quality.reply_time(visit.uow, scope),
        reasons=quality.reasons(visit.uow, scope),
        delivery=quality.delivery(visit.uow, scope),
        promise=settings,
        scope=scope,
        fields=fields,
        sites=sites.list_sites(visit.uow),
        people=sorted(people),
        angles=ANGLES,
        periods=PERIODS,
        cuts=CUT_WORDS,
        few=FEW,
        steps=[(_(STEPS[one.name]), one, href(one.name, scope, fields, visit)) for one in found.funnel],
        reason_words={reason.value: _(words) for reason, words in REASONS.items()},
        span=span,
        label=label,
        export="/reports/numbers.csv" + (f"?{urlencode(fields)}" if fields else ""),
    )


@pages.get("/reports/cases", needs="reports:read")
def report_cases(visit: Visit) -> Response:
    """The prospects behind one step of the funnel."""
    scope, fields = _scope(visit)
    step = visit.request.query_params.get("step", "")
    if step not in CASE_STEPS:
        raise NotFound(say("there is no such list"))
    rows = outreach.cases(visit.uow, scope, step, before=visit.place("before"), limit=_PAGE + 1)
    more = None
    if len(rows) > _PAGE:
        last = rows[_PAGE - 1]
        place = place_of(last["sent_at"], last["id"])
        more = "/reports/cases?" + urlencode({**fields, "step": step, "before": place})
    return visit.page(
        "reports_cases.html",
        rows=rows[:_PAGE],
        more=more,
        heading=_(STEPS[step]),
        angles=ANGLES,
        reports_at="/reports" + (f"?{urlencode(fields)}" if fields else ""),
    )


@pages.get("/reports/numbers.csv", needs="reports:read")
def numbers(visit: Visit) -> Response:
    """All numbers of the page as CSV in which no cell acts as a formula; one line for each, shares from 0 to 1."""
    scope, _fields = _scope(visit)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["table", "line", "count", "n", "share", "low", "high", "note"])
    for line in _lines(visit, scope, outreach.report(visit.uow, scope)):
        writer.writerow([neutral(cell) for cell in line])
    headers = {"Content-Disposition": 'attachment; filename="gapbridge-reports.csv"'}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _lines(visit: Visit, scope: Scope, found: Outreach) -> Iterator[list[str]]:
    for step in found.funnel:
        yield ["funnel", step.name, str(step.count), "" if step.of is None else str(step.of), "", "", "", ""]
    yield ["wins", "all", *_cells(found.total)]
    for week in found.weeks:
        yield ["wins by week", week.week.isoformat(), *_cells(week.share, "still open" if week.open else "")]
    for cut in CUTS:
        for one in found.cuts[cut]:
            name = " ".join(str(part) for part in one.key) or "not known"
            yield [f"wins by {cut}", name, *_cells(one.wins)]
            yield [f"replies by {cut}", name, *_cells(one.replies)]
    replies = quality.reply_time(visit.uow, scope)
    yield ["reply time", "answered in time", str(replies.in_time), str(replies.answered), "", "", "", ""]
    for name, minutes in (("p50", replies.p50), ("p90", replies.p90)):
        yield [
            "reply time",
            f"{name} minutes",
            "" if minutes is None else str(minutes),
            str(replies.answered),
            *[""] * 4,
        ]
    given_up = quality.reasons(visit.uow, scope)
    for table, lines in (("skipped", given_up.skipped), ("lost", given_up.lost)):
        for reason, count in lines:
            yield [table, reason, str(count), "", "", "", "", ""]
    for part in quality.delivery(visit.uow, scope):
        where = part.mailbox or part.domain
        yield ["bounces", where, *_cells(part.bounces)]
        yield ["complaints", where, *_cells(part.complaints)]
        yield ["refused by policy", where, str(part.refused), "", "", "", "", ""]


def _cells(share: Share, note: str = "") -> list[str]:
    ends = ["" if value is None else f"{value:.4f}" for value in (share.rate, share.low, share.high)]
    return [str(share.hits), str(share.n), *ends, "; ".join(filter(None, ["too few" if share.few else "", note]))]
