"""The gap over stored lists, without the database: which rows of them count, and what to mind of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from app.domain.said import say
from app.errors import BadInput
from app.gaps import amend, judging, removals, sums, tables
from app.gaps.analyze import Analysis
from app.gaps.engine import Engine, literal
from app.gaps.formats import FILTERED
from app.gaps.judging import Wishes
from app.gaps.progress import Watch
from app.gaps.report import FileReport
from app.gaps.shelf import Place, Shelf
from app.gaps.snapshots import Whose, parquet
from app.gaps.summary import empty_column, summarise
from app.models import Snapshot, SnapshotRole


def day_of(one: Snapshot) -> date:
    """The day that an import counts as: the one it is of, or, where nobody knows that, the one on which it came."""
    return one.as_of or one.created_at.date()


@contextmanager
def gap_of(
    snapshots: Sequence[Snapshot],
    known_to_site: Whose,
    folder: Place,
    wishes: Wishes = Wishes(),
    watch: Watch | None = None,
) -> Iterator[Analysis]:
    """The gap over given snapshots, without the database, judged as the site wishes; `watch` is told how far it is."""
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
        if watch is not None:
            watch.compute(engine, sum(one.rows_taken for one in snapshots))
        sums.create_links(engine)
        links: list[tuple[str, str]] = []
        ours: list[tuple[str, FileReport]] = []
        files = [_report(one) for one in snapshots]
        addresses = [_rows(shelf.url(one.path), one.target) for one in snapshots]
        for number, one in enumerate(snapshots):
            if not shelf.has(one.path):
                raise BadInput(
                    say(
                        "the snapshot file {shelf} is gone; import {filename} again",
                        shelf=shelf.url(one.path),
                        filename=one.filename,
                    )
                )
            sums.register_file(engine, number, one.format, one.provider)
            side = sums.OURS if one.target in own else rivals.index(one.target) + 1
            # What several parts of one export show counts once, as the part that came last says it.
            alike = range(number + 1, len(snapshots))
            later = [addresses[other] for other in alike if _parts_of_one(one, snapshots[other])]
            rows = _without(addresses[number], later)
            sums.take_in(engine, sums.without_mentions(rows), number, str(side))
            if watch is not None:
                watch.read(one.rows_taken)
            if side != sums.OURS:
                links.append((rows, str(side)))
            else:
                ours.append((rows, files[number]))
        keep = [rule for rule in wishes.keep if rule in removals.names()]
        table = tables.gap_table(
            engine, rivals, own, rivals, keep=keep, languages=wishes.languages, listed=known_to_site.sisters
        )
        amend.take_back(engine, wishes.kept)
        judging.judge_gaps(engine, links, rivals, wishes)
        amend.apply_judgements(engine, wishes.languages, wishes.keep)
        analysis = Analysis(engine, list(rivals), list(own), files, links=links, ours=ours)
        analysis.summary = summarise(
            engine, list(rivals), list(own), files, table=table, notes=_notes(snapshots), floors=known_to_site.floors
        )
        yield analysis


def _rows(url: str, target: str) -> str:
    return f"SELECT * FROM ({parquet(url)}) WHERE target IS NULL OR target = {literal(target)}"


def _parts_of_one(one: Snapshot, other: Snapshot) -> bool:
    return (one.target, one.format) == (other.target, other.format)


def _without(rows: str, others: Sequence[str]) -> str:
    """SQL for the rows (SQL) whose link stands in none of `others`."""
    if not others:
        return rows
    link = "hash(site, source_url, target_url)"
    known = " UNION ALL ".join(f"SELECT {link} AS link FROM ({other})" for other in others)
    return f"SELECT * FROM ({rows}) mine WHERE NOT EXISTS (SELECT 1 FROM ({known}) other WHERE other.link = {link})"


def _notes(snapshots: Sequence[Snapshot]) -> list[str]:
    """What to mind of the lists that are counted with."""
    notes: list[str] = []
    several: dict[tuple[str, str], list[Snapshot]] = {}
    for one in snapshots:
        several.setdefault((one.target, one.format), []).append(one)
        if one.role is SnapshotRole.OURS and one.format in FILTERED and not one.rows_taken:
            notes.append(empty_column(one.filename, one.target))
    for target, parts in ((target, parts) for (target, _format), parts in several.items() if len(parts) > 1):
        notes.append(
            say(
                "{files} are of one day and count together as one list of {target}; take one back where another replaces it",
                files=", ".join(one.filename for one in parts),
                target=target,
            )
        )
    undated = {one.filename: day_of(one) for one in snapshots if one.as_of is None}
    for name, day in undated.items():
        notes.append(
            say(
                "{file} has no date, in its name or in its rows: it counts as of the day of its import ({day}), and what is missing in it "
                "is not taken for lost; say of which day it is (--as-of, or in the form of an upload)",
                file=name,
                day=day.isoformat(),
            )
        )
    return notes


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
        bad_cells=one.report.get("unreadable_figures", 0),
        capped=one.capped,
        format_said=one.report.get("format_by") == "hand",
        notes=list(one.report.get("notes", [])),
    )
    report.rejects.counts.update({"rejected": one.rows_rejected} if one.rows_rejected else {})
    return report
