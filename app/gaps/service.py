"""Imports exports into a site's snapshots, computes the gap over the newest of them, and feeds the pipeline with it.

Reading a file can take minutes and must not hold the database's write lock, so an import has two halves: `prepare` (files
only) and `store` (rows only). `import_and_refresh` is the whole protocol in its transactions, for the command line and jobs;
`import_file` does both halves in the caller's transaction, for small files and tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from app.audit import service as audit
from app.db.work import Database, UnitOfWork
from app.domain.gap import Follow
from app.domain.ranking import rank_key
from app.domain.said import say
from app.errors import BadInput, NotFound
from app.gaps import amend, changes, judging, kept, removals, repository, sums, tables, verify
from app.gaps.analyze import Analysis
from app.gaps.engine import Engine, literal
from app.gaps.judging import Wishes
from app.gaps.report import FileReport
from app.gaps.shelf import Place, Shelf
from app.gaps.snapshots import Prepared, Whose, parquet, prepare
from app.gaps.summary import Floors, summarise
from app.gaps.textfile import digest
from app.keys import registrable_domain
from app.models import Snapshot, SnapshotRole
from app.settings import Settings
from app.sites import service as sites


@dataclass(frozen=True, slots=True)
class Imported:
    """The snapshots of one file; `again` where a file with these bytes had been imported before."""

    snapshots: list[Snapshot]
    again: bool


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


def known(uow: UnitOfWork, site_id: int, path: Path) -> Imported | None:
    """The earlier import of a file with the same bytes, or None."""
    found = repository.snapshots_of_file(uow.session, site_id, digest(path))
    return Imported(found, again=True) if found else None


def store(uow: UnitOfWork, site_id: int, prepared: Prepared, *, folder: Place, actor: str) -> Imported:
    """Write the rows of a prepared file: one snapshot for each of its targets, each with the file's report."""
    earlier = repository.snapshots_of_file(uow.session, site_id, prepared.sha256)
    if earlier:
        return Imported(earlier, again=True)
    report = prepared.report
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
            capped=bool(report.capped),
            report=report.as_dict(keep=1_000),
            created_by=actor,
            created_at=uow.now(),
        )
        for part in prepared.parts
    ]
    uow.session.add_all(made)
    uow.session.flush()
    for one in made:
        after = {"target": one.target, "provider": one.provider, "rows": one.rows_taken}
        audit.record(uow, "snapshot.imported", "snapshot", one.id, name=one.filename, after=after, actor=actor)
    return Imported(made, again=False)


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
    actor: str,
) -> Imported:
    """Import one export into `folder` (the data folder's `snapshots/`). Raises BadInput, naming the file and the fix."""
    earlier = known(uow, site_id, path)
    if earlier is not None:
        return earlier
    prepared = prepare(path, whose(uow, site_id), folder, target=target, role=role, format=format, mapping=mapping)
    return store(uow, site_id, prepared, folder=folder, actor=actor)


def snapshot(uow: UnitOfWork, snapshot_id: int) -> Snapshot:
    """One snapshot with its report. Raises NotFound."""
    found = uow.session.get(Snapshot, snapshot_id)
    if found is None:
        raise NotFound(say("there is no import {snapshot_id}", snapshot_id=snapshot_id))
    return found


def newest(uow: UnitOfWork, site_id: int) -> list[Snapshot]:
    """The snapshot to count with for each target and format: the latest date, then the latest import.

    An older export that is imported late never takes the place of a newer one. Formats of one tool complete each other, so
    each is kept; targets that the site does not know any more are left out.
    """
    known_to_site = whose(uow, site_id)
    wanted = {*known_to_site.own, *known_to_site.competitors}

    def age(one: Snapshot) -> tuple[date, int]:
        return (one.as_of or one.created_at.date(), one.id)

    best: dict[tuple[str, str], Snapshot] = {}
    for one in repository.snapshots(uow.session, site_id):
        key = (one.target, one.format)
        if one.target in wanted and (key not in best or age(one) > age(best[key])):
            best[key] = one
    return sorted(best.values(), key=lambda one: one.id)


@contextmanager
def compute_gap(uow: UnitOfWork, site_id: int, *, folder: Place) -> Iterator[Analysis]:
    """The gap over the newest snapshots of a site; the table lives as long as the block. Reads the database, writes nothing.

    Raises BadInput where our own links or every competitor's are missing.
    """
    known_to_site = whose(uow, site_id)
    with gap_of(newest(uow, site_id), known_to_site, folder, kept.wishes(uow, site_id)) as analysis:
        yield analysis


@contextmanager
def gap_of(
    snapshots: Sequence[Snapshot], known_to_site: Whose, folder: Place, wishes: Wishes = Wishes()
) -> Iterator[Analysis]:
    """The gap over given snapshots, without the database, judged as the site wishes."""
    own, rivals = known_to_site.own, known_to_site.competitors
    if not any(one.target in own for one in snapshots):
        raise BadInput(
            say(
                "There is no export of our own links ({names}) yet; import one, from Search Console for example.",
                names=", ".join(own),
            )
        )
    if not any(one.target in rivals for one in snapshots):
        raise BadInput(say("There is no export of a competitor's links yet; add a competitor and import one."))
    shelf = Shelf(folder)
    with Engine() as engine:
        shelf.lend(engine)
        sums.create_links(engine)
        links: list[tuple[str, str]] = []
        for number, one in enumerate(snapshots):
            if not shelf.has(one.path):
                raise NotFound(
                    say(
                        "the snapshot file {shelf} is gone; import {filename} again",
                        shelf=shelf.url(one.path),
                        filename=one.filename,
                    )
                )
            sums.register_file(engine, number, one.format, one.provider)
            side = sums.OURS if one.target in own else rivals.index(one.target) + 1
            rows = _rows(shelf.url(one.path), one.target)
            sums.take_in(engine, sums.without_mentions(rows), number, str(side))
            if side != sums.OURS:
                links.append((rows, str(side)))
        keep = [rule for rule in wishes.keep if rule in removals.names()]
        table = tables.gap_table(
            engine, rivals, own, rivals, keep=keep, languages=wishes.languages, listed=known_to_site.sisters
        )
        amend.take_back(engine, wishes.kept)
        judging.judge_gaps(engine, links, rivals, wishes)
        amend.apply_judgements(engine, wishes.languages, wishes.keep)
        files = [_report(one) for one in snapshots]
        analysis = Analysis(engine, list(rivals), list(own), files, links=links)
        analysis.summary = summarise(
            engine, list(rivals), list(own), files, table=table, notes=[], floors=known_to_site.floors
        )
        yield analysis


def refresh_prospects(uow: UnitOfWork, site_id: int, *, folder: Place) -> dict[str, int]:
    """Compute the gap and write it into the site's prospects. Counts: added, updated, closed, removed, gaps.

    New gaps become prospects whose pages are due to be looked at. Known ones get new evidence and keep their stage and
    whatever people changed. `closed` are open prospects that are no gap any more; they are counted and left to people.
    """
    with compute_gap(uow, site_id, folder=folder) as analysis:
        return write_gap(uow, site_id, analysis)


def write_gap(uow: UnitOfWork, site_id: int, analysis: Analysis) -> dict[str, int]:
    """Write a computed gap into the prospects; see `refresh_prospects`."""
    written = repository.upsert(uow.session, site_id, evidence(analysis), now=uow.now())
    verify.mark(uow, site_id, newest(uow, site_id))
    return {**asdict(written), "gaps": int(analysis.summary["gaps"])}


def evidence(analysis: Analysis) -> Iterator[dict[str, Any]]:
    """The rows of a judged gap as prospects know them; `stays` is False for a row that links to us or was removed."""
    with_data = int(analysis.summary["competitors_with_data"])
    marks = _Marks(len(analysis.competitors))
    for row in judging.rows(analysis.engine):
        removed_by = row["removed_by"].split("|") if row["removed_by"] else []
        page = row["fit_page"]
        yield {
            **row,
            "stays": row["tier"] is not None and not removed_by,
            "competitors": row["competitors"].split("|") if row["competitors"] else [],
            "follow": marks.of(row["mask"], row["mask_followed"], row["mask_unsure"]),
            "language": row["language"][:64] if row["language"] else None,
            "best_page_title": row["title"],
            "fit_page_id": int(page) if page else None,
            "removed_by": removed_by,
            "rank_key": rank_key(
                tier=row["tier"],
                mention=None,
                overlap=row["overlap"],
                competitors=with_data,
                dofollow=row["dofollow"],
                authority=row["authority"],
                first_seen=row["first_seen"],
                winnability=row["winnability"],
                gate=row["gate"],
            ),
        }


class _Marks:
    """The letters of `Prospect.follow`; the sets of competitors are few, so each text is made once."""

    def __init__(self, competitors: int) -> None:
        self._sides = range(1, competitors + 1)
        self._made: dict[tuple[int, int, int], str] = {}

    def of(self, mask: int, followed: int, unsure: int) -> str:
        key = (mask, followed, unsure)
        if key not in self._made:
            linking = [1 << side for side in self._sides if mask >> side & 1]
            kinds = (
                Follow.FOLLOWED if followed & bit else Follow.UNKNOWN if unsure & bit else Follow.NOT_FOLLOWED
                for bit in linking
            )
            self._made[key] = "".join(kinds)
        return self._made[key]


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
    actor: str,
    keep: Sequence[str] = (),
) -> tuple[list[Imported], dict[str, int], dict[str, Any]]:
    """Import files and refresh the prospects: several short transactions, because reading files takes long.

    `keep` names removals and gates that are taken back for the site, from now on and until somebody ends that.

    Returns the imports, the counts of `refresh_prospects` and the summary of the gap. A file that cannot be read stops the
    import before anything of it is stored; the files before it stay imported, and a second run recognises them.
    """
    imported: list[Imported] = []
    for rule in keep:
        kept.check_rule(rule)
    for path in paths:
        with db.read() as uow:
            earlier = known(uow, site_id, path)
            domains = whose(uow, site_id)
        if earlier is None:
            prepared = prepare(path, domains, folder, target=target, role=role, format=format, mapping=mapping)
            with db.work() as uow:
                earlier = store(uow, site_id, prepared, folder=folder, actor=actor)
        imported.append(earlier)
    with db.work() as uow:
        for rule in keep:
            kept.keep_rule(uow, site_id, rule, actor=actor)
    counts, summary = refresh(db, site_id, folder=folder, actor=actor)
    return imported, counts, summary


def refresh(db: Database, site_id: int, *, folder: Place, actor: str) -> tuple[dict[str, int], dict[str, Any]]:
    """Compute the gap over what is imported, write it into the prospects and note what changed: the counts and the summary."""
    with db.read() as uow:
        snapshots, domains = newest(uow, site_id), whose(uow, site_id)
        wishes = kept.wishes(uow, site_id)
    with gap_of(snapshots, domains, folder, wishes) as analysis, db.work() as uow:
        counts = write_gap(uow, site_id, analysis)
        refresh = changes.record(uow, site_id, analysis, snapshots, folder=folder, actor=actor)
        if refresh is not None:
            analysis.summary["changes"] = {
                **refresh.counts,
                "held_back": refresh.held_back,
                "why": refresh.held_back_why,
            }
    return counts, analysis.summary


def _rows(url: str, target: str) -> str:
    return f"SELECT * FROM ({parquet(url)}) WHERE target IS NULL OR target = {literal(target)}"


def _report(one: Snapshot) -> FileReport:
    report = FileReport(
        file=one.filename,
        format=one.format,
        provider=one.provider,
        role=one.role.value,
        target=one.target,
        as_of=one.as_of,
        encoding=one.report.get("encoding", ""),
        delimiter=one.report.get("delimiter", ""),
        read=one.rows_read,
        lost=one.rows_lost,
        mentions=one.report.get("reasons", {}).get("mention", 0),
        capped=one.report.get("capped"),
    )
    report.rejects.counts.update({"rejected": one.rows_rejected} if one.rows_rejected else {})
    return report
