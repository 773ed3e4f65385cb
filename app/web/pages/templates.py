"""Mail templates: the text beside its preview on real prospects, what it costs in words, its versions and what they brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from app.domain.figures import FEW, Share
from app.domain.pitch_contract import MAX_WORDS
from app.domain.said import say
from app.errors import BadInput, NotFound
from app.mail.render import versions
from app.mail.render.drafts import draft
from app.mail.render.templates import TemplateSource, load, problems, template_names, use_of
from app.mail.render.variables import VARIABLES
from app.models import TemplateVersion
from app.pitches import service as pitches
from app.reports import templates as reports
from app.web.door import Pages, Visit, row_number, whole
from app.web.i18n import _, mark

pages = Pages()

TITLES = {
    "unlinked-mention": mark("Mention without a link"),
    "resource-replacement": mark("A page to replace"),
    "coverage-gap": mark("A further source"),
    "link-reclamation": mark("A link that was lost"),
    "follow-up-1": mark("First follow-up"),
    "follow-up-last": mark("Last follow-up"),
    "answer-interested": mark("Answer: interested"),
    "answer-question": mark("Answer: a question"),
    "answer-wants-payment": mark("Answer: wants payment"),
    "answer-not-now": mark("Answer: not now"),
}
USES = {"first": mark("First messages"), "follow-up": mark("Follow-ups"), "answer": mark("Answers")}
CASES = {
    "typical": mark("Typical"),
    "no-first-name": mark("No first name"),
    "longest": mark("Longest domain and title"),
    "language": mark("Page in another language"),
    "failing": mark("One that fails"),
}


@pages.get("/templates", needs="pitches:read")
def templates_page(visit: Visit) -> Response:
    """Every template with its newest version."""
    order = [name for name in TITLES if name in template_names()]
    order += [name for name in template_names() if name not in TITLES]
    lines = []
    for name in order:
        history = versions.history(visit.uow, name)
        lines.append((name, TITLES.get(name, name), history[0] if history else None, USES[use_of(name)]))
    return visit.page("templates.html", lines=lines)


def _written(visit: Visit) -> TemplateSource | None:
    """What stands in the fields of the form; None where none was sent."""
    if "body_text" not in visit.form:
        return None
    # Browsers send CRLF.
    text = {part: visit.form.get(part, "").replace("\r\n", "\n") for part in ("subject", "body_text")}
    return TemplateSource(text["subject"].strip(), text["body_text"].rstrip("\n"))


def _saved_text(name: str, history: Sequence[TemplateVersion], wanted: int | None) -> TemplateSource:
    """The version `wanted`, or the newest where there is none; 0 is the text as it is delivered."""
    found = [one for one in history if one.version == wanted] or history
    if not found or wanted == 0:
        return load(name)
    return TemplateSource(found[0].subject, found[0].body_text, found[0].body_html)


def _preview(visit: Visit, name: str, source: TemplateSource) -> dict[str, Any]:
    # Only the text is edited here: the HTML part is made from it, so that both say the same.
    source = replace(source, body_html="")
    faults = problems(source)
    values: dict[str, Any] = {
        "faults": faults,
        "measured": None,
        "shown": None,
        "needed": [],
        "cases": [],
        "case": None,
        "long": [],
    }
    given = reports.samples(visit.uow, name)
    if faults or not given:
        return values
    measured = reports.measure(source, given)
    found = reports.cases(measured, reports.site_languages(visit.uow))
    wanted = visit.text("case") or visit.request.query_params.get("case", "")
    sample = next((one for why, one in found if why == wanted), None)
    # A prospect that is too long can be looked at by its number.
    if (number := row_number(wanted)) is not None:
        sample = next((one for one in measured.samples if one.prospect_id == number), None)
    if sample is None:
        wanted, sample = found[0]
    names = [why for why, _one in found]
    at = names.index(wanted) if wanted in names else 0
    return {
        **values,
        "measured": measured,
        "needed": reports.needed_of(source),
        "shown": draft(name, sample.values, source=source, our_domains=sample.our_domains),
        "sample": sample,
        "cases": [(why, CASES[why]) for why in names],
        "case": wanted,
        "before": names[at - 1],
        "on": names[(at + 1) % len(names)],
        "long": measured.too_long[:20],
    }


def _saved(use: str, number: int) -> str:
    if use == "answer":
        return _("Version {number} is kept; answers begin with it from now on.", number=number)
    return _("Version {number} is kept; new drafts are made from it.", number=number)


def _unsaved(visit: Visit, source: TemplateSource, newest: TemplateSource) -> bool:
    """Whether the fields hold a text of somebody who may save it, and it is not saved."""
    if "body_text" not in visit.form or not visit.who.may("templates:write"):
        return False
    return (source.subject, source.body_text.strip()) != (newest.subject.strip(), newest.body_text.strip())


def _show(visit: Visit, name: str) -> Response:
    if name not in template_names():
        raise NotFound(say("there is no template '{name}'", name=name))
    history = versions.history(visit.uow, name)
    number = history[0].version if history else 0
    source = _written(visit) or _saved_text(name, history, whole(visit.request.query_params.get("version", "")))
    use = use_of(name)
    first = use == "first"
    did = visit.request.query_params.get("did", "")
    return visit.page(
        "template.html",
        name=name,
        title=TITLES.get(name, name),
        use=use,
        source=source,
        number=number,
        history=history,
        results=reports.results(visit.uow, name) if first else {},
        few=FEW,
        nothing=reports.Results(Share(0, 0), Share(0, 0)),
        most=MAX_WORDS,
        bound=reports.MOST,
        variables=[one for one in VARIABLES.values() if first or not one.name.startswith("linked")],
        writes=visit.who.may("templates:write"),
        unsaved=_unsaved(visit, source, _saved_text(name, history, None)),
        titles=CASES,
        notice=_saved(use, number) if did == "saved" else None,
        **_preview(visit, name, source),
    )


@pages.get("/templates/{name}", needs="pitches:read")
def template_page(visit: Visit, name: str) -> Response:
    """One template with its preview."""
    return _show(visit, name)


@pages.post("/templates/{name}", needs="pitches:read", again=_show)
def save_template(visit: Visit, name: str) -> Response:
    """Show what stands in the fields on a prospect, or keep it as the next version."""
    if visit.text("do") != "save":
        return _show(visit, name)
    visit.who.require("templates:write")
    source, after = _written(visit), visit.number("after")
    if source is None or after is None:
        raise BadInput(say("the form is incomplete; reload the page"))
    note = visit.text("note")[:200] or None
    pitches.save_template_version(visit.uow, name, source, actor=visit.actor, note=note, after=after)
    return visit.go(f"/templates/{name}?did=saved")
