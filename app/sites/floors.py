"""What the baseline of a site asks for beside authority and visits: a topic fit, and the languages whose pages count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.audit import service as audit
from app.db.work import UnitOfWork
from app.models import Site
from app.sites import service
from app.sites.pages import compare_anew

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
        "languages": service.clean_languages(languages),
    }
    before = {name: getattr(site, name) for name in _FIELDS}
    if audit.record(uow, "site.floors", "site", site_id, name=site.name, before=before, after=values) is not None:
        for name, value in values.items():
            setattr(site, name, value)
        site.version += 1
        uow.session.flush()
        if before["languages"] != values["languages"]:
            compare_anew(uow, site_id)
    return site
