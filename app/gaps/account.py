"""What became of the rows of one file, from the engine's sums; only a file with nameless rows is gone over a second time."""

from __future__ import annotations

from app.gaps.engine import Engine, Export


def rows_in(engine: Engine, number: int) -> int:
    """How many rows file `number` has brought into the sums."""
    return int(engine.run("SELECT coalesce(sum(rows), 0) FROM part WHERE file = ?", [number])[0][0])


def account(engine: Engine, number: int, export: Export) -> None:
    """Fill the report of file `number`; its rows are in `part` and its sites have their keys."""
    report = export.report
    report.bad_cells = int(engine.run("SELECT coalesce(sum(bad_cells), 0) FROM part WHERE file = ?", [number])[0][0])
    if export.layout.targets:
        # A matrix row can stand for several links or for none, so its rows are counted in the file.
        report.read = export.reject_bad_sources()
    else:
        rows, lost, nameless, nameless_lost = engine.run(
            """SELECT coalesce(sum(rows), 0), coalesce(sum(lost_rows), 0), coalesce(sum(rows) FILTER (key IS NULL), 0),
                coalesce(sum(lost_rows) FILTER (key IS NULL), 0)
            FROM part LEFT JOIN site_key USING (site) WHERE file = ?""",
            [number],
        )[0]
        if nameless:
            export.reject_bad_sources()
        report.read = int(rows) + report.duplicates + export.rejects.total
        report.lost = int(lost) - int(nameless_lost)
    report.capped = capped(report.read, export.layout.profile.caps)


def capped(rows: int, caps: tuple[int, ...]) -> bool | None:
    """Whether an export stopped at a limit of its tool: True at such a count, False below the lowest, else not known."""
    if not caps:
        return None
    if rows in caps:
        return True
    return False if rows < min(caps) else None
