"""The gap of a site as its imports make it, for tests that look into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.db.work import UnitOfWork
from app.gaps import kept, service, stored
from app.gaps.analyze import Analysis
from app.gaps.shelf import Place


@contextmanager
def compute_gap(uow: UnitOfWork, site_id: int, *, folder: Place) -> Iterator[Analysis]:
    """The gap over the newest imports of a site, written nowhere; the table lives as long as the block."""
    imports, whose = service.newest(uow, site_id), service.whose(uow, site_id)
    with stored.gap_of(imports, whose, folder, kept.wishes(uow, site_id)) as analysis:
        yield analysis
