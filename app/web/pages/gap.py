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
from app.gaps import changes, kept
from app.gaps.amend import ALL, FINAL
from app.models import ChangeKind, Site
from app.reports import gap
from app.reports.gap import Filter
from app.sites import floors
from app.sites import service as sites
from app.web.door import Pages, Visit
from app.web.i18n import _, mark, ngettext
from app.web.lanes import person_of
from app.web.words import FIT_WORDS

pages = Pages()

# Rows of a list here.
_PAGE = 25
_STALE_DAYS = 90
VIEWS = {
    "open": mark("Open"),
    "working": mark("In the pipeline"),
    "excluded": mark("Excluded"),
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


def _site(visit: Visit, given: dict[str, str]) -> tuple[list[Site], Site | None]:
    known = sites.list_sites(visit.uow)
    wanted = given.get("site", "")
    return known, next((one for one in known if str(one.id) == wanted), known[0] if known else None)


def _figure(given: dict[str, str], name: str, most: int, problem: str) -> int | None:
    text = given.get(name, "").strip()
    if not text:
        return None
    if not text.isdecimal() or int(text) > most:
        raise BadInput(say("a filter cannot be read"), FieldProblem(name, problem))
    return int(text)


def _rows(competitors: int) -> int:
    """Rows of the matrix, in which each competitor has a cell, drawn and spoken: so many that the page stays under 60 kB."""
    return max(16, _PAGE - 2 * max(0, competitors - 3))


def _filter(given: dict[str, str], site: Site) -> Filter:
    """The filter of an address or a form. Raises BadInput with the field; a view or order that is unknown is the usual one."""
    tier = given.get("tier", "")
    view, order, provider = given.get("view", "open"), given.get("order", "rank"), given.get("provider", "")
    return Filter(
        site.id,
        view=view if view in VIEWS else "open",
        tier=int(tier) if tier in ("1", "2", "3") else None,
        authority=_figure(given, "authority", 100, _("Enter a number from 0 to 100")),
        provider=provider if provider in rules.PROVIDER_ORDER else rules.BASELINE_PROVIDER,
        traffic=_figure(given, "traffic", 2**31 - 1, _("Enter a whole number of visits a month")),
        dofollow=given.get("dofollow") == "on",
        fit=_figure(given, "fit", 100, _("Enter a number from 0 to 100")),
        languages=tuple(site.languages) if given.get("language") == "on" else (),
        known_only=given.get("known") == "on",
        order=order if order in gap.ORDERS else "rank",
    )


def _given(asked: Filter) -> dict[str, Any]:
    """The filter as fields, without what says nothing."""
    fields: dict[str, Any] = {
        "site": asked.site_id,
        "view": asked.view if asked.view != "open" else None,
        "tier": asked.tier,
        "authority": int(asked.authority) if asked.authority is not None else None,
        "provider": asked.provider if asked.provider != rules.BASELINE_PROVIDER else None,
        "traffic": asked.traffic,
        "dofollow": "on" if asked.dofollow else None,
        "fit": asked.fit,
        "language": "on" if asked.languages else None,
        "known": "on" if asked.known_only else None,
        "order": asked.order if asked.order != "rank" else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


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
    if not number.isdecimal() or int(number) >= 2**31 or len(value) > 253 or "\0" in value:
        return None
    if order in ("rank", "domain"):
        return value, int(number)
    try:
        return float(value), int(number)
    except ValueError:
        return None


def _show(visit: Visit, given: dict[str, str] | None = None) -> Response:
    given = given if given is not None else dict(visit.request.query_params)
    known, site = _site(visit, given)
    if site is None:
        return visit.page("gap.html", site=None)
    try:
        asked = _filter(given, site)
    except BadInput as wrong:
        # What cannot be read is said beside its field, and the list is shown without it.
        visit.error = wrong
        asked = _filter(
            {name: value for name, value in given.items() if name not in ("authority", "traffic", "fit")}, site
        )
    counted = gap.account(visit.uow, asked)
    competitors = [one.domain for one in sites.competitors(visit.uow, site.id)]
    count = _rows(len(competitors))
    rows = gap.listing(visit.uow, asked, after=_position(given.get("after", ""), asked.order), limit=count + 1)
    more = None
    if len(rows) > count:
        value, number = gap.position(rows[count - 1], asked.order)
        more = "/gap?" + urlencode({**_given(asked), "after": f"{value}.{number}"})
    imports, since = gap.data_since(visit.uow, site.id)
    fields = _given(asked)
    return visit.page(
        "gap.html",
        status=visit.error.status if visit.error else 200,
        site=site,
        sites=known,
        competitors=competitors,
        asked=asked,
        given=given,
        fields=fields,
        counted=counted,
        rows=rows[:count],
        more=more,
        count=count,
        imports=imports,
        since=since,
        stale=since is not None and (visit.uow.now().date() - since).days > _STALE_DAYS,
        views=VIEWS,
        floors=FLOORS,
        reasons=REASONS,
        providers=[(name, name) for name in rules.PROVIDER_ORDER],
        baseline=_usual(site),
        pages={page.id: page for page in sites.pages(visit.uow, site.id, archived=True)},
        why_no_fit=FIT_WORDS,
        address=lambda **changed: (
            "/gap?" + urlencode({name: value for name, value in {**fields, **changed}.items() if value is not None})
        ),
        notice=_notice(visit),
    )


def _notice(visit: Visit) -> str | None:
    params = visit.request.query_params
    did, done, left = params.get("did"), params.get("n", ""), params.get("left", "")
    if did == "floors":
        return _("The floors of the site are kept. The next import counts with them.")
    if did not in ("added", "excluded", "back") or not done.isdecimal() or len(done) > 6:
        return None
    said = {
        "added": ngettext("{number} domain is looked at now.", "{number} domains are looked at now.", int(done)),
        "excluded": ngettext("{number} domain was excluded.", "{number} domains were excluded.", int(done)),
        "back": ngettext("{number} domain was put back.", "{number} domains were put back.", int(done)),
    }[did]
    parts = [said] if int(done) or did != "added" else []
    waiting = params.get("waiting", "")
    if waiting.isdecimal() and 0 < int(waiting) < 10**6:
        parts.append(
            ngettext("{number} waits in the queue already.", "{number} wait in the queue already.", int(waiting))
        )
    if left.isdecimal() and 0 < int(left) < 10**6:
        parts.append(ngettext("{number} stayed as it was.", "{number} stayed as they were.", int(left)))
    return " ".join(parts) or said


@pages.get("/gap", needs="prospects:read")
def review_gap(visit: Visit) -> Response:
    """The overlap matrix under the filters of the address."""
    return _show(visit)


@pages.post("/gap/decide", needs="prospects:write", again=lambda visit: _show(visit, dict(visit.form)))
def decide(visit: Visit) -> Response:
    """Add the selected domains (or all in view) to the queue, exclude them with a reason, or put them back."""
    _known, site = _site(visit, dict(visit.form))
    if site is None:
        raise BadInput(say("there is no site yet"))
    asked = _filter(dict(visit.form), site)
    what = visit.text("do")
    ids = [int(name[2:]) for name in visit.form if name.startswith("p-") and name[2:].isdecimal() and len(name) < 12]
    if what == "add-all":
        ids = [row["id"] for row in gap.listing(visit.uow, asked, limit=review.MOST)]
    if what == "exclude":
        if visit.text("reason") not in {one.value for one in REASONS}:
            raise BadInput(say("excluding needs a reason"), FieldProblem("reason", _("Choose a reason")))
        reason = LostReason(visit.text("reason"))
        made, did = review.exclude(visit.uow, person_of(visit), site.id, ids, reason), "excluded"
    elif what == "back":
        made, did = review.put_back(visit.uow, site.id, ids, actor=visit.actor), "back"
    else:
        made, did = review.add_to_queue(visit.uow, site.id, ids), "added"
    told = {"did": did, "n": made.done, "waiting": made.already, "left": len(made.refused)}
    return visit.go("/gap?" + urlencode({**_given(asked), **told}))


@pages.post("/gap/floors", needs="sites:write", again=lambda visit: _show(visit, dict(visit.form)))
def keep_floors(visit: Visit) -> Response:
    """Make the floors of the filter those of the site, with its languages; the next import counts with them."""
    form = dict(visit.form)
    _known, site = _site(visit, form)
    if site is None:
        raise BadInput(say("there is no site yet"))
    asked = _filter(form, site)
    floors.set_floors(
        visit.uow,
        site.id,
        min_authority=asked.authority,
        min_traffic=asked.traffic,
        min_fit=asked.fit,
        languages=[text for text in visit.text("languages").replace(",", " ").split() if text],
    )
    return visit.go("/gap?" + urlencode({**_given(asked), "did": "floors", "n": 0}))


def _removed_page(visit: Visit) -> Response:
    given = dict(visit.form) or dict(visit.request.query_params)
    known, site = _site(visit, given)
    if site is None:
        return visit.page("gap.html", site=None)
    position = _position(given.get("after", ""), "rank")
    rows = kept.removed(visit.uow, site.id, after=position, limit=_PAGE + 1)
    more = None
    if len(rows) > _PAGE:
        last = rows[_PAGE - 1]
        more = "/gap/removed?" + urlencode({"site": site.id, "after": f"{last.rank_key}.{last.id}"})
    return visit.page(
        "gap_removed.html",
        status=visit.error.status if visit.error else 200,
        site=site,
        sites=known,
        rows=rows[:_PAGE],
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
    _known, site = _site(visit, dict(visit.form))
    if site is None:
        raise BadInput(say("there is no site yet"))
    ended, domain = visit.text("end"), visit.text("domain")
    if ended:
        kept.end(visit.uow, site.id, int(ended) if ended.isdecimal() and len(ended) < 10 else 0, actor=visit.actor)
    elif domain:
        kept.keep_row(visit.uow, site.id, domain, actor=visit.actor)
    else:
        kept.keep_rule(visit.uow, site.id, visit.text("rule"), actor=visit.actor)
    return visit.go(f"/gap/removed?site={site.id}")


@pages.get("/gap/changes", needs="prospects:read")
def gap_changes(visit: Visit) -> Response:
    """What each look at the data changed, and the domains behind it."""
    given = dict(visit.request.query_params)
    known, site = _site(visit, given)
    if site is None:
        return visit.page("gap.html", site=None)
    kind = given.get("kind", "")
    chosen = ChangeKind(kind) if kind in set(ChangeKind) else None
    before = given.get("before", "")
    position = int(before) if before.isdecimal() and int(before) < 2**31 else None
    rows = changes.changes_of(visit.uow, site.id, kind=chosen, before_id=position, limit=_PAGE + 1)
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
