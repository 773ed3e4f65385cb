"""The gap review: who links to competitors and not to us, under filters, and what the last look at the data changed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from app.desk import review
from app.domain import gap as rules
from app.domain.pipeline import LostReason
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.gaps import changes, kept, views
from app.gaps.amend import ALL, FINAL
from app.models import ChangeKind, Site
from app.reports import gap
from app.reports.gap import fields_of, filter_of
from app.sites import floors
from app.sites import service as sites
from app.web.door import Pages, Visit, row_number, whole
from app.web.i18n import _, mark, ngettext
from app.web.lanes import person_of
from app.web.words import FIT_WORDS

pages = Pages()

# Rows of a list here.
_PAGE = 25
_STALE_DAYS = 90
# The address tells how many were added; larger numbers are none of ours.
_MOST_TOLD = 10**6 - 1
VIEWS = {
    "open": mark("Open"),
    "working": mark("In the pipeline"),
    "excluded": mark("Excluded"),
    "closed": mark("No gap any more"),
    "removed": mark("Removed by a rule"),
}
FLOORS = {
    "authority": mark("authority"),
    "traffic": mark("traffic"),
    "dofollow": mark("dofollow"),
    "fit": mark("topic fit"),
    "language": mark("language"),
}
REASONS = {
    LostReason.NOT_RELEVANT: mark("Not relevant"),
    LostReason.WEAK_SITE: mark("Weak site"),
    LostReason.WRONG_LANGUAGE: mark("Other language"),
    LostReason.UNWINNABLE: mark("Cannot be won"),
    LostReason.DUPLICATE: mark("Duplicate"),
    LostReason.OTHER: mark("Other reason"),
}
KINDS = {
    ChangeKind.NEW_GAP: mark("New gaps"),
    ChangeKind.STRONGER: mark("Link to more competitors now"),
    ChangeKind.CLOSED: mark("Closed: they link to you now"),
    ChangeKind.GONE: mark("Gone: they link to no competitor any more"),
    ChangeKind.LOST_GROUND: mark("Lost ground: only a competitor is left"),
    ChangeKind.LOST_LINK: mark("Lost: they link to nobody any more"),
}


def site_of(visit: Visit, given: dict[str, str]) -> tuple[list[Site], Site | None]:
    """All sites, and the one of an address or a form; without one the first, None where there is none."""
    known = sites.list_sites(visit.uow)
    wanted = given.get("site", "")
    return known, next((one for one in known if str(one.id) == wanted), known[0] if known else None)


def _rows(competitors: int) -> int:
    """Rows of the matrix, in which each competitor has a cell, drawn and spoken: so many that the page stays under 60 kB."""
    return max(16, _PAGE - 2 * max(0, competitors - 3))


def _usual(site: Site) -> dict[str, Any]:
    """The floors of a site, as fields: its own, else those of the baseline."""
    authority = rules.BASELINE_AUTHORITY if site.min_authority is None else site.min_authority
    return {
        "authority": int(authority),
        "traffic": rules.BASELINE_TRAFFIC if site.min_traffic is None else site.min_traffic,
        "dofollow": "on",
        "fit": site.min_fit,
        "language": "on" if site.languages else None,
    }


def _position(text: str, order: str) -> tuple[Any, int] | None:
    """Where the page before ended, from `after=<value>.<id>`; None at the beginning or when it makes no sense."""
    value, _dot, number = text.rpartition(".")
    row = row_number(number)
    if row is None or len(value) > 253 or "\0" in value:
        return None
    if order in ("rank", "domain"):
        return value, row
    try:
        return float(value), row
    except ValueError:
        return None


def _address(fields: dict[str, Any]) -> str:
    return "/gap?" + urlencode({name: value for name, value in fields.items() if value is not None})


def show(visit: Visit, given: dict[str, str] | None = None) -> Response:
    """The matrix under the filters of a form that was refused, else of the address."""
    given = given if given is not None else dict(visit.request.query_params)
    known, site = site_of(visit, given)
    if site is None:
        return visit.page("gap.html", site=None)
    try:
        asked = filter_of(given, site)
    except BadInput as wrong:
        # What cannot be read is said beside its field, and the list is shown without it.
        visit.error = wrong
        asked = filter_of(
            {name: value for name, value in given.items() if name not in ("authority", "traffic", "fit")}, site
        )
    counted = gap.account(visit.uow, asked)
    competitors = [one.domain for one in sites.competitors(visit.uow, site.id)]
    count = _rows(len(competitors))
    rows = gap.listing(visit.uow, asked, after=_position(given.get("after", ""), asked.order), limit=count + 1)
    more = None
    if len(rows) > count:
        value, number = gap.position(rows[count - 1], asked.order)
        more = "/gap?" + urlencode({**fields_of(asked), "after": f"{value}.{number}"})
    kept_views = views.listing(visit.uow, visit.who.id, site.id)
    imports, since = gap.data_since(visit.uow, site.id)
    fields = fields_of(asked)
    return visit.page(
        "gap.html",
        status=visit.error.status if visit.error else 200,
        site=site,
        sites=known,
        saved=[(one.name, _address(fields_of(filter_of(one.fields, site)))) for one in kept_views],
        competitors=competitors,
        asked=asked,
        given=given,
        fields=fields,
        counted=counted,
        rows=rows[:count],
        more=more,
        count=count,
        imports=imports,
        notes=changes.account_of(visit.uow, site.id).get("notes", []),
        since=since,
        stale=since is not None and (visit.uow.now().date() - since).days > _STALE_DAYS,
        views=VIEWS,
        floors=FLOORS,
        reasons=REASONS,
        providers=[(name, name) for name in rules.PROVIDER_ORDER],
        baseline=_usual(site),
        pages={page.id: page for page in sites.pages(visit.uow, site.id, archived=True)},
        why_no_fit=FIT_WORDS,
        address=lambda **changed: _address({**fields, **changed}),
        export="/gap/export.csv?" + urlencode(fields),
        notice=_notice(visit),
    )


def _notice(visit: Visit) -> str | None:
    params = visit.request.query_params
    did, done, left = params.get("did"), params.get("n", ""), params.get("left", "")
    if did == "floors":
        return _("The floors of the site are kept. The next import counts with them.")
    if did in ("saved", "forgotten"):
        return _("The view is saved.") if did == "saved" else _("The view is deleted.")
    number = whole(done, _MOST_TOLD)
    if did not in ("added", "excluded", "back") or number is None:
        return None
    said = {
        "added": ngettext("{number} domain is looked at now.", "{number} domains are looked at now.", number),
        "excluded": ngettext("{number} domain was excluded.", "{number} domains were excluded.", number),
        "back": ngettext("{number} domain was put back.", "{number} domains were put back.", number),
    }[did]
    parts = [said] if number or did != "added" else []
    waiting = params.get("waiting", "")
    if count := whole(waiting, _MOST_TOLD):
        parts.append(ngettext("{number} waits in the queue already.", "{number} wait in the queue already.", count))
    if count := whole(left, _MOST_TOLD):
        parts.append(ngettext("{number} stayed as it was.", "{number} stayed as they were.", count))
    return " ".join(parts) or said


@pages.get("/gap", needs="prospects:read")
def review_gap(visit: Visit) -> Response:
    """The overlap matrix under the filters of the address."""
    return show(visit)


@pages.post("/gap/decide", needs="prospects:write", again=lambda visit: show(visit, dict(visit.form)))
def decide(visit: Visit) -> Response:
    """Add the selected domains (or all in view) to the queue, exclude them with a reason, or put them back."""
    _known, site = site_of(visit, dict(visit.form))
    if site is None:
        raise BadInput(say("there is no site yet"))
    asked = filter_of(dict(visit.form), site)
    what = visit.text("do")
    ids = [number for name in visit.form if name.startswith("p-") and (number := row_number(name[2:]))]
    if what in ("add-all", "exclude-all"):
        ids = gap.to_add(visit.uow, asked, limit=review.MOST)
    if what in ("exclude", "exclude-all"):
        if visit.text("reason") not in {one.value for one in REASONS}:
            raise BadInput(say("excluding needs a reason"), FieldProblem("reason", _("Choose a reason")))
        reason = LostReason(visit.text("reason"))
        made, did = review.exclude(visit.uow, person_of(visit), site.id, ids, reason), "excluded"
    elif what == "keep":
        made, did = review.not_linked(visit.uow, site.id, ids, actor=visit.actor), "back"
    elif what == "back":
        made, did = review.put_back(visit.uow, site.id, ids, actor=visit.actor), "back"
    else:
        made, did = review.add_to_queue(visit.uow, site.id, ids), "added"
    told = {"did": did, "n": made.done, "waiting": made.already, "left": len(made.refused)}
    return visit.go("/gap?" + urlencode({**fields_of(asked), **told}))


@pages.post("/gap/floors", needs="sites:write", again=lambda visit: show(visit, dict(visit.form)))
def keep_floors(visit: Visit) -> Response:
    """Make the floors of the filter those of the site, with its languages; the next import counts with them."""
    form = dict(visit.form)
    _known, site = site_of(visit, form)
    if site is None:
        raise BadInput(say("there is no site yet"))
    asked = filter_of(form, site)
    floors.set_floors(
        visit.uow,
        site.id,
        min_authority=asked.authority,
        min_traffic=asked.traffic,
        min_fit=asked.fit,
        languages=[text for text in visit.text("languages").replace(",", " ").split() if text],
    )
    return visit.go("/gap?" + urlencode({**fields_of(asked), "did": "floors", "n": 0}))


def _removed_page(visit: Visit) -> Response:
    given = dict(visit.form) or dict(visit.request.query_params)
    known, site = site_of(visit, given)
    if site is None:
        return visit.page("gap.html", site=None)
    position = _position(given.get("after", ""), "rank")
    account = changes.account_of(visit.uow, site.id)
    counted = account.get("removed", {})
    rule = given.get("only", "") if given.get("only", "") in counted else None
    rows = kept.removed(visit.uow, site.id, rule=rule, after=position, limit=_PAGE + 1)
    more = None
    if len(rows) > _PAGE:
        last = rows[_PAGE - 1]
        more = "/gap/removed?" + urlencode(
            {"site": site.id, **({"only": rule} if rule else {}), "after": f"{last.rank_key}.{last.id}"}
        )
    return visit.page(
        "gap_removed.html",
        status=visit.error.status if visit.error else 200,
        site=site,
        sites=known,
        rows=rows[:_PAGE],
        counted=counted,
        rule=rule,
        more=more,
        kept=kept.listing(visit.uow, site.id),
        choices=[("", "–"), *((rule, rule) for rule in kept.rules())],
        final=set(FINAL),
        every=ALL,
    )


@pages.get("/gap/removed", needs="prospects:read")
def removed_gaps(visit: Visit) -> Response:
    """What rules have taken off the list, and what was taken back of it."""
    return _removed_page(visit)


@pages.post("/gap/removed", needs="prospects:write", again=_removed_page)
def take_back(visit: Visit) -> Response:
    """Take a row or a rule back, or end what was taken back."""
    _known, site = site_of(visit, dict(visit.form))
    if site is None:
        raise BadInput(say("there is no site yet"))
    ended, domain = visit.text("end"), visit.text("domain")
    if ended:
        kept.end(visit.uow, site.id, row_number(ended) or 0, actor=visit.actor)
    elif domain:
        kept.keep_row(visit.uow, site.id, domain, actor=visit.actor)
    else:
        kept.keep_rule(visit.uow, site.id, visit.text("rule"), actor=visit.actor)
    return visit.go(f"/gap/removed?site={site.id}")


@pages.get("/gap/account", needs="prospects:read")
def account(visit: Visit) -> Response:
    """What the lists say of the gap and what they cannot say: coverage, notes, removals by rule, who shares whom."""
    known, site = site_of(visit, dict(visit.request.query_params))
    if site is None:
        return visit.page("gap.html", site=None)
    return visit.page("gap_account.html", site=site, sites=known, account=changes.account_of(visit.uow, site.id))


@pages.get("/gap/changes", needs="prospects:read")
def gap_changes(visit: Visit) -> Response:
    """What each look at the data changed, and the domains behind it."""
    given = dict(visit.request.query_params)
    known, site = site_of(visit, given)
    if site is None:
        return visit.page("gap.html", site=None)
    kind = given.get("kind", "")
    chosen = ChangeKind(kind) if kind in set(ChangeKind) else None
    rows = changes.changes_of(visit.uow, site.id, kind=chosen, before_id=visit.position("before"), limit=_PAGE + 1)
    more = None
    if len(rows) > _PAGE:
        fields: dict[str, Any] = {"site": site.id, "before": rows[_PAGE - 1].id}
        more = "/gap/changes?" + urlencode({**fields, "kind": chosen.value} if chosen else fields)
    return visit.page(
        "gap_changes.html",
        site=site,
        sites=known,
        refreshes=changes.refreshes_of(visit.uow, site.id),
        rows=rows[:_PAGE],
        more=more,
        count=_PAGE,
        kinds=KINDS,
        kind=chosen,
    )
