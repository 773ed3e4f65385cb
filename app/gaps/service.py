"""Imports exports into a site's snapshots, computes the gap over the newest of them, and feeds the pipeline with it.

Reading a file can take minutes and must not hold the database's write lock, so an import has two halves: `prepare` (files
only) and `store` (rows only). `import_and_refresh` is the whole protocol in its transactions, for the command line and jobs;
`import_file` does both halves in the caller's transaction, for small files and tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
from sqlalchemy import select
from sqlmodel import col

from app.db.work import Database, UnitOfWork
from app.domain.said import say
from app.errors import BadInput, Conflict, NotFound
from app.gaps import changes, imports, kept, repository, standing, verify
from app.gaps.analyze import Analysis
from app.gaps.changes import Compared
from app.gaps.engine import lists_in
from app.gaps.formats import WHOLE
from app.gaps.progress import Watch
from app.gaps.prospect_rows import evidence
from app.gaps.shelf import Place
from app.gaps.snapshots import Said, Whose, prepare
from app.gaps.stored import day_of, gap_of
from app.gaps.summary import Floors
from app.keys import registrable_domain
from app.models import Site, Snapshot
from app.settings import Settings
from app.sites import service as sites

#: So often a gap is computed when the lists change under it.
LOOKS = 5


def snapshot_folder(settings: Settings) -> Place:
    """Where the snapshots of an installation lie: in its data folder, or at the URL that the settings name."""
    return settings.snapshots or settings.data_dir / "snapshots"


def site_by_text(uow: UnitOfWork, text: str) -> int:
    """The id of the site that a person means: by number, name or one of its domains. Raises NotFound with what there is."""
    known_sites = sites.list_sites(uow)
    key = registrable_domain(text)
    for site in known_sites:
        if text == str(site.id) or text.casefold() == site.name.casefold() or (key and key in site.domains):
            return site.id
    names = ", ".join(f"{site.id} {site.name}" for site in known_sites) or "none yet"
    raise NotFound(say("there is no site '{text}'; there are: {names}", text=text, names=names))


def whose(uow: UnitOfWork, site_id: int) -> Whose:
    """The domains that an export of this site can belong to."""
    site = sites.get(uow, site_id)
    rivals = [competitor.domain for competitor in sites.competitors(uow, site_id)]
    usual = Floors()
    floors = Floors(
        usual.authority if site.min_authority is None else site.min_authority,
        usual.traffic if site.min_traffic is None else site.min_traffic,
        fit=site.min_fit,
        languages=tuple(site.languages),
    )
    listed = {one.domain: tuple(one.sisters) for one in sites.competitors(uow, site_id) if one.sisters}
    return Whose(tuple(site.domains), tuple(rivals), floors, listed)


def targets_of_sites(uow: UnitOfWork, site_ids: Sequence[int] = ()) -> dict[int, Whose]:
    """The own domains and competitors of some sites (of all, where none is named), by site id; sites without a competitor are left out."""
    wanted = site_ids or [one.id for one in sites.list_sites(uow)]
    found = {site_id: whose(uow, site_id) for site_id in wanted}
    return {site_id: one for site_id, one in found.items() if one.competitors}


def import_file(
    uow: UnitOfWork,
    site_id: int,
    path: Path,
    *,
    folder: Place,
    target: str | None = None,
    role: str | None = None,
    format: str | None = None,
    mapping: Mapping[str, str] | None = None,
    as_of: date | None = None,
    actor: str,
) -> imports.Imported:
    """Import one export into `folder` (the data folder's `snapshots/`). Raises BadInput, naming the file and the fix."""
    domains = whose(uow, site_id)
    said = Said(target, role, format, mapping, imports.day_of_file(uow, as_of))
    earlier = imports.known(uow, site_id, path, domains, said)
    if earlier is not None:
        imports.redate(uow, earlier.snapshots, as_of, actor=actor)
        return earlier
    prepared = prepare(path, domains, folder, said, today=uow.now().date())
    return imports.store(uow, site_id, prepared, folder=folder, actor=actor)


def newest(uow: UnitOfWork, site_id: int, *, without: int | None = None) -> list[Snapshot]:
    """The snapshots to count with: for each target and format all of the latest date, in the order of their import; `without` is left out.

    An older export that is imported late never takes the place of a newer one. Files of one day are parts of one export, because
    plans with few rows force people to export in parts; of what we fetch ourselves the fullest counts. Formats of one tool complete each other, so
    each is kept; targets that the site does not know any more are left out.
    """
    return _newest(uow, site_id, (one for one in repository.snapshots(uow.session, site_id) if one.id != without))


def _newest(uow: UnitOfWork, site_id: int, snapshots: Iterable[Snapshot]) -> list[Snapshot]:
    known_to_site = whose(uow, site_id)
    wanted = {*known_to_site.own, *known_to_site.competitors}
    best: dict[tuple[str, str], list[Snapshot]] = {}
    for one in snapshots:
        key = (one.target, one.format)
        if one.target not in wanted:
            continue
        if key not in best or day_of(one) > day_of(best[key][0]) or _replaces(one, best[key][0]):
            best[key] = [one]
        elif day_of(one) == day_of(best[key][0]) and one.format not in WHOLE:
            best[key].append(one)
    return sorted((one for several in best.values() for one in several), key=lambda one: one.id)


def counting(uow: UnitOfWork, site_id: int) -> list[Snapshot]:
    """`newest` without the reports of the imports, which are read where they are asked for."""
    return _newest(uow, site_id, repository.headings(uow.session, site_id))


def _replaces(one: Snapshot, other: Snapshot) -> bool:
    """Whether a list that we fetched says more than another of its day: not cut, or longer, or the later one."""
    said, before = ((not each.capped, each.rows_read, each.id) for each in (one, other))
    return one.format in WHOLE and day_of(one) == day_of(other) and said > before


def standing_before(uow: UnitOfWork, site_id: int, snapshots: Sequence[Snapshot]) -> dict[int, Snapshot]:
    """The lists that count in place of some imports of a site, because they are newer; what counts itself is left out."""
    newest = counting(uow, site_id) if snapshots else []
    counted = {one.id for one in newest}
    last = {(one.target, one.format): one for one in newest}
    others = {one.id: last.get((one.target, one.format)) for one in snapshots if one.id not in counted}
    return {number: other for number, other in others.items() if other is not None}


def import_and_refresh(
    db: Database,
    site_id: int,
    paths: Sequence[Path],
    *,
    folder: Place,
    target: str | None = None,
    role: str | None = None,
    format: str | None = None,
    mapping: Mapping[str, str] | None = None,
    as_of: date | None = None,
    actor: str,
    keep: Sequence[str] = (),
    capped: Mapping[Path, bool] | None = None,
    watch: Watch | None = None,
) -> tuple[list[imports.Imported], dict[str, int], dict[str, Any]]:
    """Import files and refresh the prospects: several short transactions, because reading files takes long.

    `as_of` is the day on which the tool made the files, where their names do not say it; of a known file it corrects the day.
    `keep` names removals and gates that are taken back for the site, from now on and until somebody ends that. `capped` says of
    files that were fetched here whether more rows were to be had; it has to be known before the changes are noted. `watch` raises Stopped
    (or interrupts the engine) before each list is read and until the prospects are written: the lists before stay imported.

    Returns the imports (one for each list: a file of Search Console may have several), the counts of `refresh` and the summary of the gap. A file that cannot be read stops the
    import before anything of it is stored; the files before it stay imported, and a second run recognises them.
    """
    imported: list[imports.Imported] = []
    for rule in keep:
        kept.check_rule(rule)
    lists = [(path, member) for path in paths for member in lists_in(path, format, mapping)]
    for path, member in lists:
        if watch is not None:
            watch.last()
        with db.read() as uow:
            domains, today = whose(uow, site_id), uow.now().date()
            said = Said(
                target, role, format, mapping, imports.day_of_file(uow, as_of), (capped or {}).get(path), member
            )
            earlier = imports.known(uow, site_id, path, domains, said)
        if earlier is None:
            prepared = prepare(path, domains, folder, said, today=today)
            with db.work() as uow:
                earlier = imports.store(uow, site_id, prepared, folder=folder, actor=actor)
        elif as_of is not None:
            with db.work() as uow:
                imports.redate(uow, earlier.snapshots, as_of, actor=actor)
        imported.append(earlier)
    if watch is not None:
        watch.last()
    with db.work() as uow:
        for rule in keep:
            kept.keep_rule(uow, site_id, rule, actor=actor)
    counts, summary = refresh(db, site_id, folder=folder, actor=actor, watch=watch)
    return imported, counts, summary


def refresh(
    db: Database,
    site_id: int,
    *,
    folder: Place,
    actor: str,
    note: bool = True,
    without: int | None = None,
    watch: Watch | None = None,
) -> tuple[dict[str, int], dict[str, Any]]:
    """Compute the gap over what is imported, write it into the prospects and note what changed: the counts and the summary.

    Counts: added, updated, closed, removed, gaps. New gaps become prospects whose pages are due to be looked at. Known ones get new
    evidence and keep their stage and whatever people changed. `closed` are open prospects that are no gap any more.
    Raises BadInput where our own links or every competitor's are missing.

    Without `note` nothing is told of changes, and the next look compares with the look before this one. `without` is an import that is
    taken back with what is written. `watch` is told how far it is, and raises Stopped before anything is written.

    Where the lists of the site are others when the gap is computed (an import or a takeback beside it), it is computed again over
    those. Raises Conflict where they never stay as they are.
    """
    for _look in range(LOOKS):
        with db.read() as uow:
            snapshots, domains = newest(uow, site_id, without=without), whose(uow, site_id)
            wishes = kept.wishes(uow, site_id)
        try:
            with gap_of(snapshots, domains, folder, wishes, watch) as analysis:
                if watch is not None:
                    watch.last()
                with db.read() as uow:
                    before = changes.former(uow, site_id, without=without)
                compared = changes.compare(before, snapshots, analysis, folder=folder)
                with db.work() as uow:
                    # One writes after the other, and sees what the other has written.
                    uow.session.execute(
                        select(col(Site.id)).where(col(Site.id) == site_id).with_for_update(key_share=True)
                    )
                    same = _same(snapshots, newest(uow, site_id, without=without))
                    if same and not changes.is_last(uow, site_id, compared):
                        before = changes.former(uow, site_id, without=without)
                        compared = changes.compare(before, snapshots, analysis, folder=folder)
                    if same and without is not None:
                        _take_back(uow, without, folder, actor, watch)
                    counts = _write(uow, site_id, snapshots, analysis, compared) if same else {}
                    told = None
                    if same and note:
                        told = changes.record(uow, site_id, analysis, snapshots, compared, folder=folder, actor=actor)
                    if same:
                        changes.note_account(uow, site_id, analysis)
                if told is not None:
                    analysis.summary["changes"] = {
                        **told.counts,
                        "held_back": told.held_back,
                        "why": told.held_back_why,
                    }
                if same:
                    standing.note_where(db, site_id, analysis)
                    return counts, analysis.summary
        except (BadInput, duckdb.IOException):
            # A file that was taken back meanwhile cannot be read any more.
            with db.read() as uow:
                if _same(snapshots, newest(uow, site_id, without=without)):
                    raise
    raise Conflict(say("the imports of this site change all the time; try again when they are done"))


def _same(some: Sequence[Snapshot], others: Sequence[Snapshot]) -> bool:
    # The path with the number: SQLite gives the number of a deleted import to a later one.
    return [(one.id, one.path) for one in some] == [(one.id, one.path) for one in others]


def _write(
    uow: UnitOfWork, site_id: int, snapshots: Sequence[Snapshot], analysis: Analysis, compared: Compared
) -> dict[str, int]:
    proof = standing.proof(snapshots, analysis, compared)
    written = repository.upsert(uow.session, site_id, evidence(analysis), now=uow.now(), proof=proof)
    standing.take_back(uow, site_id)
    verify.mark(uow, site_id, snapshots)
    return {**asdict(written), "gaps": int(analysis.summary["gaps"])}


class TakenBack(NamedTuple):
    """An import that was taken back: its row as it was, why the gap cannot be computed without it (None: it is), and the counts."""

    row: Snapshot
    not_yet: str | None
    counts: dict[str, int]


def remove_import(
    db: Database, snapshot_id: int, *, folder: Place, actor: str, watch: Watch | None = None
) -> TakenBack:
    """Take an import back with the gap that is computed without it, both or none of it.

    Without a list of our own links, or of any competitor's, or without the file of another import, the prospects keep what they were
    told last. Raises NotFound.
    """
    with db.read() as uow:
        one = imports.snapshot(uow, snapshot_id)
    try:
        counts, _summary = refresh(db, one.site_id, folder=folder, actor=actor, without=snapshot_id, watch=watch)
    except BadInput as missing:
        if watch is not None:
            watch.last()
        with db.work() as uow:
            _take_back(uow, snapshot_id, folder, actor, watch)
        return TakenBack(one, missing.detail, {})
    return TakenBack(one, None, counts)


def _take_back(uow: UnitOfWork, snapshot_id: int, folder: Place, actor: str, watch: Watch | None) -> None:
    imports.remove(uow, snapshot_id, folder=folder, actor=actor)
    if watch is not None:
        watch.taken_back(uow)
