"""What was skipped, by whomever, with a way back, and what the reasons suggest for the floors of the gap."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from app.desk import service as desk
from app.domain.pipeline import LostReason
from app.reports import desk as reports
from app.reports import skip_advice
from app.reports.gap import fields_of
from app.reports.skip_advice import FloorAdvice, LanguageAdvice
from app.web.door import Id, Pages, Visit
from app.web.i18n import _, ngettext
from app.web.lanes import PAGE
from app.web.pages.queue import SKIPS, said

pages = Pages()


def _advised(one: FloorAdvice | LanguageAdvice) -> tuple[str, str, str]:
    """A suggestion in words, its button, and where that leads."""
    if isinstance(one, LanguageAdvice):
        said = _(
            "{site}: {outside} of {skipped} that were skipped for their language are in {others}, and nobody was written to in it. "
            "The site can ask for pages in {languages} only.",
            site=one.site,
            outside=one.advised.outside,
            skipped=one.advised.skipped,
            others=", ".join(one.advised.others),
            languages=", ".join(one.advised.languages),
        )
        return said, _("Set the languages"), f"/sites/{one.site_id}#f-languages"
    made = one.advised
    if one.reason is LostReason.WEAK_SITE:
        words = _(
            "{site}: {below} of {skipped} that were skipped as weak have an authority below {floor} ({provider}).",
            site=one.site,
            below=made.below,
            skipped=made.skipped,
            floor=made.floor,
            provider=one.asked.provider,
        )
    else:
        words = _(
            "{site}: {below} of {skipped} that were skipped as not relevant have a topic fit below {floor}.",
            site=one.site,
            below=made.below,
            skipped=made.skipped,
            floor=made.floor,
        )
    parts = [words]
    if made.written:
        parts.append(
            _(
                "Of {written} that were written to, {below} lie below it.",
                written=made.written,
                below=made.written_below,
            )
        )
    parts.append(
        ngettext("In the gap, {number} more lies below it.", "In the gap, {number} more lie below it.", one.hides)
    )
    fields = {**fields_of(one.asked), "reason": one.reason.value}
    return " ".join(parts), _("Look at them"), "/gap?" + urlencode(fields)


def _skipped(visit: Visit, prospect_id: int | None = None) -> Response:
    rows = reports.skipped(visit.uow, before=visit.position("before"), limit=PAGE + 1)
    about = visit.position("about")
    name = reports.name_of(visit.uow, about) if about else None
    # Suggested to whoever comes to see them, and not between two lines that are put back.
    suggests = visit.who.may("prospects:write") and visit.position("before") is None and name is None
    return visit.page(
        "queue_skipped.html",
        rows=rows[:PAGE],
        more=f"/queue/skipped?before={rows[PAGE - 1]['id']}" if len(rows) > PAGE else None,
        words={reason.value: words for _digit, reason, words in SKIPS},
        advice=[
            _advised(one)
            for one in (skip_advice.advice(visit.uow) if suggests else ())
            if isinstance(one, FloorAdvice) or visit.who.may("sites:write")
        ],
        notice=said("back", name) if name else None,
    )


@pages.get("/queue/skipped", needs="pitches:read")
def skipped(visit: Visit) -> Response:
    """What was skipped, by whomever, with the reason and a way back."""
    return _skipped(visit)


@pages.post("/queue/{prospect_id}/put-back", needs="prospects:write", again=_skipped)
def put_back(visit: Visit, prospect_id: Id) -> Response:
    """Back into the queue, where it stood."""
    desk.put_back(visit.uow, prospect_id, actor=visit.actor)
    return visit.go(f"/queue/skipped?did=back&about={prospect_id}")
