"""Who must not be written to: the list, one rule and its removal, a test of an address, lists in and out."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from app.db.work import Database
from app.domain.said import say
from app.domain.suppression_rules import WISHES
from app.errors import BadInput, FieldProblem
from app.models import Role, Suppression, SuppressionKind
from app.prospects import suppression, suppression_files
from app.sites import service as sites
from app.web.door import Id, Pages, Visit, row_number
from app.web.i18n import _, mark

pages = Pages()

PAGE = 50
KINDS = {
    "address": mark("Address"),
    "domain": mark("Domain with everything below it"),
    "host": mark("Host with what stands below it"),
    "pattern": mark("Pattern over whole addresses"),
}
NOTICES = {
    "added": mark("They will not be written to. What waits for them does not leave."),
    "removed": mark("The rule is gone; who took it away, and why, is kept."),
}


def _asked(visit: Visit, name: str) -> str:
    return visit.request.query_params.get(name, "").replace("\0", "").strip()[:254]


def _site(visit: Visit) -> int | None:
    given = visit.text("site_id")
    if given and row_number(given) is None:
        raise BadInput(say("there is no such site"), FieldProblem("site_id", say("Choose a site")))
    return row_number(given)


def _show(visit: Visit, tested: list[Suppression] | None = None) -> Response:
    held, site = _asked(visit, "q"), row_number(_asked(visit, "site"))
    rows = suppression.newest(
        visit.uow.session, before=row_number(_asked(visit, "before")), site_id=site, limit=PAGE + 1, holding=held
    )
    query = {name: value for name, value in (("q", held), ("site", site)) if value}
    more = f"/suppression?{urlencode({**query, 'before': rows[PAGE - 1].id})}" if len(rows) > PAGE else None
    words = NOTICES.get(_asked(visit, "did"))
    return visit.page(
        "suppression.html",
        rows=rows[:PAGE],
        more=more,
        holding=held,
        site=site,
        sites=sites.list_sites(visit.uow),
        kinds=KINDS,
        # What another page leads to: filled in, and for a person to add.
        offered={"kind": _asked(visit, "kind"), "value": _asked(visit, "value")},
        tested=tested,
        sentences=[suppression.sentence(rule) for rule in tested or ()],
        notice=_(words) if words else None,
    )


@pages.get("/suppression", needs="suppressions:read")
def listed(visit: Visit) -> Response:
    """The rules, newest first, with a search and a filter in the address."""
    return _show(visit)


@pages.post("/suppression", needs="suppressions:write", again=_show)
def add(visit: Visit) -> Response:
    """Add a rule. Doing it twice keeps the first."""
    kind = visit.text("kind")
    if kind not in KINDS:
        raise BadInput(say("there is no such kind of rule"), FieldProblem("kind", say("Choose what the rule is about")))
    suppression.suppress(
        visit.uow,
        visit.container.vault,
        visit.text("value"),
        kind=SuppressionKind(kind),
        reason=visit.text("reason")[:64] or "by hand",
        source="web",
        actor=visit.actor,
        site_id=_site(visit),
    )
    return visit.go("/suppression?did=added")


@pages.post("/suppression/test", needs="suppressions:read", again=_show)
def test(visit: Visit) -> Response:
    """Which rules stop an address. A form, so that the address stands in no log of requests."""
    address = visit.text("address")
    if "@" not in address or len(address) > 254:
        raise BadInput(say("this is no address"), FieldProblem("address", say("Write it as name@example.com")))
    found = suppression.rules_against(visit.uow.session, visit.container.vault, address, _site(visit))
    return _show(visit, found)


def _show_import(visit: Visit, report: suppression_files.Report | None = None) -> Response:
    return visit.page("suppression_import.html", sites=sites.list_sites(visit.uow), report=report)


@pages.get("/suppression/import", needs="suppressions:write")
def import_page(visit: Visit) -> Response:
    """Paste a list: CSV of any layout, or one entry on each line."""
    return _show_import(visit)


@pages.post("/suppression/import", needs="suppressions:write", again=_show_import, own_transactions=True)
def import_list(visit: Visit) -> Response:
    """Take a list in; the report names each row that cannot be used by its line."""
    text = visit.form.get("text", "")
    if not text.strip():
        raise BadInput(say("there is nothing to take in"), FieldProblem("text", say("Paste a list")))
    name = visit.text("name")[:200] or "pasted list"
    defaults = suppression_files.Defaults(visit.text("reason")[:64] or "imported", name, visit.actor, _site(visit))
    stream = suppression_files.text_stream(text)
    report = suppression_files.import_stream(visit.container.db, visit.container.vault, stream, defaults, name=name)
    return _show_import(visit, report)


def _csv(db: Database) -> Iterator[str]:
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as out:
        suppression_files.write_csv(suppression_files.export_rows(db), out)
        out.seek(0)
        yield from iter(lambda: out.read(65_536), "")


@pages.post("/suppression/export", needs="suppressions:read", own_transactions=True)
def export(visit: Visit) -> Response:
    """Every rule as CSV; it can be taken in again elsewhere."""
    return StreamingResponse(
        _csv(visit.container.db),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="suppression.csv"', "Cache-Control": "no-store"},
    )


def _show_one(visit: Visit, suppression_id: int) -> Response:
    rule = suppression.get(visit.uow.session, suppression_id)
    return visit.page(
        "suppression_rule.html",
        rule=rule,
        sentence=suppression.sentence(rule),
        kinds=KINDS,
        wish=rule.reason in WISHES,
    )


@pages.get("/suppression/{suppression_id}", needs="suppressions:read")
def one(visit: Visit, suppression_id: Id) -> Response:
    """One rule, and the form that takes it away."""
    return _show_one(visit, suppression_id)


@pages.post("/suppression/{suppression_id}/remove", needs="suppressions:write", again=_show_one)
def remove(visit: Visit, suppression_id: Id) -> Response:
    """Take it away, on record; a wish of the person themselves is lifted by a lead only."""
    is_lead = visit.who.role in (Role.LEAD, Role.OPERATOR)
    reason = visit.text("reason")[:500]
    suppression.remove(visit.uow, suppression_id, reason=reason, actor=visit.actor, is_lead=is_lead)
    return visit.go("/suppression?did=removed")
