"""What became of the rows of one file, from the engine's sums; only a file with nameless rows is gone over a second time."""

from __future__ import annotations

from collections.abc import Mapping

from app.gaps.engine import Engine, Export
from app.gaps.keying import resolved
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


def capped(rows: int, caps: tuple[int, ...]) -> bool | None:
    """Whether an export stopped at a limit of its tool: True at such a count, False below the lowest, else not known."""
    if not caps:
        return None
    if rows in caps:
        return True
    return False if rows < min(caps) else None
