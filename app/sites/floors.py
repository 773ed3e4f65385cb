"""What the baseline of a site asks for beside authority and visits: a topic fit, and the languages whose pages count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.audit import service as audit
from app.db.work import UnitOfWork
from app.domain.language import codes_of
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.models import Site
from app.sites import service

_FIELDS = ("min_authority", "min_traffic", "min_fit", "languages")


def set_floors(
    uow: UnitOfWork,
    site_id: int,
    *,
    min_authority: float | None,
    min_traffic: int | None,
    min_fit: int | None,
    languages: Iterable[str],
) -> Site:
    """Set all floors of a site; None asks the usual figure (for the fit: nothing), no languages ask for none.

    Pages in other languages are removed from the next computation of the gap on. Raises NotFound, BadInput (`languages`).
    """
    site = service.get(uow, site_id)
    values: dict[str, Any] = {
        "min_authority": min_authority,
        "min_traffic": min_traffic,
        "min_fit": min_fit,
        "languages": _clean(languages),
    }
    before = {name: getattr(site, name) for name in _FIELDS}
    if audit.record(uow, "site.floors", "site", site_id, name=site.name, before=before, after=values) is not None:
        for name, value in values.items():
            setattr(site, name, value)
        site.version += 1
        uow.session.flush()
    return site


def _clean(languages: Iterable[str]) -> list[str]:
    found: list[str] = []
    for text in languages:
        codes = codes_of(text)
        if not codes:
            raise BadInput(
                say("'{text}' is no code of a language", text=text),
                FieldProblem("languages", say("Enter codes such as en or de, de-AT")),
            )
        found += [code for code in codes if code not in found]
    return found
