"""The imports of a site: which files are known, the rows of new ones, of which day they are, and how one is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlmodel import col

from app.audit import service as audit
from app.db.work import UnitOfWork
from app.domain.said import say
from app.errors import BadInput, Conflict, FieldProblem, NotFound
from app.gaps import repository
from app.gaps.shelf import Place, Shelf
from app.gaps.snapshots import Prepared, Said, Whose, fingerprint, identify
from app.models import ImportJob, ImportKind, ImportState, Snapshot, SnapshotRole


@dataclass(frozen=True, slots=True)
class Imported:
    """The snapshots of one file; `again` where nothing of it was new."""

    snapshots: list[Snapshot]
    again: bool


def known(uow: UnitOfWork, site_id: int, path: Path, whose: Whose, said: Said = Said()) -> Imported | None:
    """The earlier import of a file, where it holds all that the file says of the site, read in the same way; else None.

    The same bytes may be the list of another target (both are empty, or the first one was named wrongly), have a column of a
    competitor that came later, or be read by another mapping. Raises BadInput where the file is refused, and Conflict where its
    import is being taken back.
    """
    found = repository.snapshots_of_file(uow.session, site_id, fingerprint(path, said.member))
    if not found:
        return None
    if not being_taken_back(uow, site_id).keys().isdisjoint(one.id for one in found):
        raise Conflict(say("{name} is being taken back at this moment; try again when that is done", name=path.name))
    try:
        identity = identify(path, whose, said)
    except BadInput:
        if said.target or said.role or said.format or said.mapping:
            raise
        # Whoever imported it before said what it is, and nobody says otherwise now.
        return Imported(found, again=True)
    wanted = {part.target for part in identity.parts}
    here = [one for one in found if one.target in wanted and one.path == identity.path]
    return Imported(here, again=True) if {one.target for one in here} == wanted else None


def store(uow: UnitOfWork, site_id: int, prepared: Prepared, *, folder: Place, actor: str) -> Imported:
    """Write the rows of a prepared file: one snapshot for each of its targets that has none yet, each with the file's report.

    A snapshot of the same file and target that was read in another way is replaced.
    """
    earlier = {one.target: one for one in repository.snapshots_of_file(uow.session, site_id, prepared.sha256)}
    report = prepared.report
    here = [one for part in prepared.parts if (one := earlier.get(part.target)) and one.path == prepared.path]
    missing = [part for part in prepared.parts if part.target not in {one.target for one in here}]
    if not missing:
        return Imported(here, again=True)
    others = sorted(earlier.keys() - {part.target for part in prepared.parts})
    if others:
        report.notes.append(
            say(
                "the same bytes are imported as the links of {domains} as well; take that back where it is wrong",
                domains=", ".join(others),
            )
        )
    for part in missing:
        if (former := earlier.get(part.target)) is not None:
            # One file is read in one way: what was read by another format or mapping makes room.
            _drop(uow, former, "snapshot.replaced", folder=folder, actor=actor)
    made = [
        Snapshot(
            site_id=site_id,
            role=SnapshotRole(part.role),
            target=part.target,
            provider=report.provider,
            format=report.format,
            filename=Path(report.file).name,
            sha256=prepared.sha256,
            as_of=report.as_of,
            path=prepared.path,
            rows_read=report.read,
            rows_taken=part.taken,
            rows_lost=report.lost,
            rows_rejected=report.rejects.total,
            capped=report.capped,
            report=report.as_dict(keep=1_000),
            created_by=actor,
            created_at=uow.now(),
        )
        for part in missing
    ]
    uow.session.add_all(made)
    uow.session.flush()
    for one in made:
        after = {"target": one.target, "provider": one.provider, "rows": one.rows_taken}
        audit.record(uow, "snapshot.imported", "snapshot", one.id, name=one.filename, after=after, actor=actor)
    return Imported(sorted([*here, *made], key=lambda one: one.id), again=False)


def redate(uow: UnitOfWork, snapshots: Sequence[Snapshot], as_of: date | None, *, actor: str) -> None:
    """Say of which day imports are; None leaves them as they are. Raises BadInput (field `as_of`) for a day to come."""
    if day_of_file(uow, as_of) is None:
        return
    ids = [one.id for one in snapshots]
    for one in uow.session.execute(select(Snapshot).where(col(Snapshot.id).in_(ids))).scalars():
        if one.as_of != as_of:
            before, one.as_of = one.as_of, as_of
            audit.record(
                uow,
                "snapshot.redated",
                "snapshot",
                one.id,
                name=one.filename,
                before={"as_of": before.isoformat() if before else None},
                after={"as_of": one.as_of.isoformat() if one.as_of else None},
                actor=actor,
            )
    uow.session.flush()


def day_of_file(uow: UnitOfWork, as_of: date | None) -> date | None:
    """The day that somebody says a file is of. Raises BadInput (field `as_of`) for one that is still to come."""
    # A zone that is ahead of UTC has tomorrow already.
    if as_of is not None and as_of > uow.now().date() + timedelta(days=1):
        raise BadInput(
            say("{day} is still to come", day=as_of.isoformat()),
            FieldProblem("as_of", say("The day on which your tool made the file")),
        )
    return as_of


def snapshot(uow: UnitOfWork, snapshot_id: int) -> Snapshot:
    """One snapshot with its report. Raises NotFound."""
    found = uow.session.get(Snapshot, snapshot_id)
    if found is None:
        raise NotFound(say("there is no import {snapshot_id}", snapshot_id=snapshot_id))
    return found


def snapshots(uow: UnitOfWork, numbers: Sequence[int]) -> list[Snapshot]:
    """Those of some snapshots that are still there, by their number."""
    statement = select(Snapshot).where(col(Snapshot.id).in_(numbers)).order_by(col(Snapshot.id))
    return list(uow.session.execute(statement).scalars())


def being_taken_back(uow: UnitOfWork, site_id: int | None = None) -> dict[int, ImportJob]:
    """The runs that wait or go on, by the import that they take back; of a site or of all."""
    statement = select(ImportJob).where(
        col(ImportJob.kind) == ImportKind.TAKEBACK,
        col(ImportJob.state).in_((ImportState.QUEUED, ImportState.RUNNING)),
    )
    if site_id is not None:
        statement = statement.where(col(ImportJob.site_id) == site_id)
    return {job.snapshots[0]: job for job in uow.session.execute(statement).scalars() if job.snapshots}


def listing(uow: UnitOfWork, site_id: int) -> list[Snapshot]:
    """The imports of a site, the newest first."""
    return repository.snapshots(uow.session, site_id)


def remove(uow: UnitOfWork, snapshot_id: int, *, folder: Place, actor: str) -> Snapshot:
    """Take an import back: the row as it was. Its rows are deleted with the commit. Raises NotFound.

    The prospects know nothing of it before the gap is computed anew (`service.remove_import`).
    """
    found = snapshot(uow, snapshot_id)
    _drop(uow, found, "snapshot.removed", folder=folder, actor=actor)
    return found


def expire(uow: UnitOfWork, one: Snapshot, *, folder: Place, actor: str) -> None:
    """Remove an import that may not be kept any longer."""
    _drop(uow, one, "snapshot.expired", folder=folder, actor=actor)


def _drop(uow: UnitOfWork, one: Snapshot, verb: str, *, folder: Place, actor: str) -> None:
    before = {"target": one.target, "provider": one.provider, "rows": one.rows_taken}
    audit.record(uow, verb, "snapshot", one.id, name=one.filename, before=before, actor=actor)
    path = one.path
    uow.session.delete(one)
    uow.session.flush()
    count = select(func.count()).select_from(Snapshot).where(col(Snapshot.path) == path)
    if not uow.session.execute(count).scalar_one():
        uow.after_commit(lambda: Shelf(folder).remove(path))
