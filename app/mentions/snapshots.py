"""The rows of imported exports that name us without a link: Majestic marks them, and the snapshots keep them."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import col

from app.db.work import UnitOfWork
from app.domain.said import say
from app.errors import NotFound
from app.gaps import service as gaps
from app.gaps.engine import Engine, literal
from app.gaps.shelf import Shelf
from app.mentions import candidates, listfile
from app.models import Site, Snapshot
from app.settings import Settings


def take(uow: UnitOfWork, settings: Settings, site_id: int, *, actor: str) -> candidates.Taken:
    """Keep the pages of such rows as candidates, from the snapshots of our own links. Raises NotFound for no such site."""
    site = uow.session.get(Site, site_id)
    if site is None:
        raise NotFound(say("there is no site {site_id}", site_id=site_id))
    shelf = Shelf(gaps.snapshot_folder(settings))
    made = candidates.Taken()
    statement = select(Snapshot).where(col(Snapshot.site_id) == site_id, col(Snapshot.target).in_(site.domains))
    for one in uow.session.execute(statement.order_by(col(Snapshot.id))).scalars():
        if not shelf.has(one.path):
            continue
        with Engine() as engine:
            shelf.lend(engine)
            rows = engine.run(
                f"SELECT DISTINCT source_url FROM read_parquet({literal(shelf.url(one.path))}) "  # noqa: S608 - our own file
                f"WHERE mention AND source_url IS NOT NULL ORDER BY source_url LIMIT {listfile.MOST}"
            )
        made.add(candidates.take(uow, site_id, [url for (url,) in rows], source=f"list: {one.filename}", actor=actor))
    return made
