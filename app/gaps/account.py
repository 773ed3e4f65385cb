"""What became of the rows of one file, from the engine's sums; only a file with nameless rows is gone over a second time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from app.domain.said import say
from app.gaps.engine import Engine, Export
from app.gaps.keying import resolved
from app.gaps.report import FileReport
from app.gaps.sums import LOST


def rows_in(engine: Engine, number: int) -> int:
    """How many rows file `number` has brought in."""
    return int(engine.run("SELECT count(*) FROM link WHERE file = ?", [number])[0][0])


def account(engine: Engine, exports: Mapping[int, Export]) -> None:
    """Fill the report of each file by its number; their rows are in `link` and its keys are decided."""
    gone = f"flags & {LOST} <> 0"
    undecided = f"(SELECT file, flags, key FROM {resolved(engine, 'link')} WHERE id IS NULL)"
    counted = engine.run(
        f"""SELECT file, count(*), count(*) FILTER ({gone}), coalesce(sum(bad_cells), 0), coalesce(any_value(without), 0),
            coalesce(any_value(without_lost), 0)
        FROM link LEFT JOIN (SELECT file, count(*) AS without, count(*) FILTER ({gone}) AS without_lost
            FROM {undecided} WHERE key IS NULL GROUP BY file) USING (file) GROUP BY file"""
    )
    found = {int(file): tuple(int(value) for value in values) for file, *values in counted}
    for number, export in exports.items():
        rows, lost, bad_cells, nameless, nameless_lost = found.get(number, (0, 0, 0, 0, 0))
        report = export.report
        report.bad_cells = bad_cells
        if export.layout.targets:
            # A matrix row can stand for several links or for none, so its rows are counted in the file.
            report.read = export.reject_bad_sources()
        else:
            if nameless:
                export.reject_bad_sources()
            report.read = rows + report.mentions + report.duplicates + export.rejects.total
            report.lost = lost - nameless_lost
        report.capped = capped(report.read, export.layout.profile.caps)


def date_by_rows(engine: Engine, report: FileReport, rows: str, today: date | None) -> None:
    """Date a file whose name has no date by the latest day on which its tool has seen a link; days after `today` are no days.

    A file without any day counts as of the day of its import, and an old one that comes late takes the place of a newer.
    """
    if report.as_of is not None:
        return
    until = f"last_seen <= DATE '{today.isoformat()}'" if today else "true"
    report.as_of = engine.run(f"SELECT max(last_seen) FILTER ({until}) FROM ({rows})")[0][0]
    if report.as_of is not None:
        report.notes.append(
            say(
                "its name has no date: it is dated by the latest link that its tool has seen, {day}",
                day=report.as_of.isoformat(),
            )
        )


def capped(rows: int, caps: tuple[int, ...]) -> bool | None:
    """Whether an export stopped at a limit of its tool: True at such a count, else not known.

    A filter, a plan with another limit or a part of an export end a list anywhere; only who has asked for its rows knows that there are no more.
    """
    return True if rows in caps else None
