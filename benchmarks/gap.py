"""The gap of five Ahrefs exports (37 columns) against reading them: bare DuckDB, Polars, pandas, and ours.

What each contender does:

- floor     the bare engine reads the columns that a gap needs from the same files, and counts them; nothing else
- duckdb    one hand-written SQL statement: host, last two labels as the domain, anti-join, overlap, best page, CSV out
- polars    the same by lazy expressions
- pandas    the same by data frames, reading only the columns that it needs
- ours      `gapbridge gap analyze` without the command line around it: formats, encodings, rejects, keys by the Public Suffix
            List, classes, evidence, score, summary, CSV out

The hand-written ones know the format beforehand, take the last two labels for a domain, and do not look for broken rows, so
they show what the tools cost, not an equal product. UTF-16 files are read by ours only; the others get the UTF-8 twins.

Each contender runs in a process of its own, in turn, for several rounds: medians of time and of processor time, the ratio of
each round to that round's floor, and the largest resident size. `BENCH_ROWS=10000000` sets other sizes (comma-separated),
`BENCH_ROUNDS` the rounds.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

NAMES = ("ours", "a", "b", "c", "d")
HEADERS = [
    "Referring page title",
    "Referring page URL",
    "Language",
    "Platform",
    "Referring page HTTP code",
    "Domain rating",
    "UR",
    "Domain traffic",
    "Referring domains",
    "Linked domains",
    "External links",
    "Page traffic",
    "Keywords",
    "Target URL",
    "Left context",
    "Anchor",
    "Right context",
    "Redirect Chain URLs",
    "Redirect Chain status codes",
    "Type",
    "Is spam",
    "Content",
    "Nofollow",
    "UGC",
    "Sponsored",
    "Rendered",
    "Raw",
    "Lost status",
    "Drop reason",
    "Discovered status",
    "First seen",
    "Last seen",
    "Lost",
    "Author",
    "Page type",
    "Page category",
    "Links in group",
]
NEEDED = [
    "Referring page URL",
    "Language",
    "Domain rating",
    "UR",
    "Domain traffic",
    "Page traffic",
    "Target URL",
    "Anchor",
    "Is spam",
    "Content",
    "Nofollow",
    "UGC",
    "Sponsored",
    "Lost status",
    "Drop reason",
    "First seen",
    "Lost",
    "Links in group",
    "Type",
    "Page type",
]


def generate(folder: Path, rows: int) -> None:
    """Five exports with `rows` rows in all, UTF-8 and UTF-16; a third as many domains, some under co.uk and github.io."""
    import duckdb

    with duckdb.connect() as connection:
        for number, name in enumerate(NAMES):
            domain = f"(hash(i * 5 + {number}) % {max(rows // 3, 1)})"
            cells = dict.fromkeys(HEADERS, "''") | {
                "Referring page title": "'A page about topic ' || i",
                "Referring page URL": "'https://' || CASE i % 3 WHEN 0 THEN 'www.' WHEN 1 THEN '' ELSE 'blog.' END || 'site-' || "
                f"{domain} || CASE WHEN {domain} % 11 = 0 THEN '.co.uk' WHEN {domain} % 13 = 0 THEN '.github.io' ELSE '.com' END "
                "|| '/articles/' || i || '-some-longer-slug.html'",
                "Language": "'en'",
                "Referring page HTTP code": "'200'",
                "Domain rating": f"({domain} % 100)::VARCHAR",
                "UR": "(i % 60)::VARCHAR",
                "Domain traffic": f"({domain} * 37 % 500000)::VARCHAR",
                "Page traffic": "(i % 900)::VARCHAR",
                "Target URL": f"'https://{name}.example/guide/' || i % 50",
                "Left context": "'some words that stand before the link'",
                "Anchor": "'anchor ' || i % 1000",
                "Right context": "'and some that stand after it'",
                "Type": "'text'",
                "Is spam": f"({domain} % 17 = 0)::VARCHAR",
                "Content": "'true'",
                "Nofollow": "(i % 4 = 0)::VARCHAR",
                "UGC": "'false'",
                "Sponsored": "'false'",
                "Rendered": "'true'",
                "Raw": "'true'",
                "First seen": "'2025-03-0' || 1 + i % 9 || ' 10:00:00'",
                "Last seen": "'2026-03-01 10:00:00'",
                "Lost": "CASE WHEN i % 10 = 0 THEN '2026-02-01 00:00:00' ELSE '' END",
                "Links in group": "'1'",
            }
            columns = ", ".join(f'{value} AS "{header}"' for header, value in cells.items())
            plain = folder / f"{name}.utf-8.csv"
            connection.execute(
                f"COPY (SELECT {columns} FROM range({rows // len(NAMES)}) numbers(i)) TO '{plain}' "
                "(DELIMITER '\t', HEADER, QUOTE '\"', FORCE_QUOTE *)"
            ).fetchall()
            wide = folder / f"{name}.utf-16.csv"
            with (
                plain.open(encoding="utf-8", newline="") as source,
                wide.open("w", encoding="utf-16", newline="") as target,
            ):
                while piece := source.read(1 << 20):
                    target.write(piece)


def _relation(folder: Path, name: str) -> str:
    columns = ", ".join(f"'{header}': 'VARCHAR'" for header in HEADERS)
    return (
        f"read_csv('{folder / name}.utf-8.csv', auto_detect=false, header=true, delim='\t', quote='\"', escape='\"', "
        f"new_line='\\n', columns={{{columns}}})"
    )


def floor(folder: Path) -> int:
    """Only read what a gap needs."""
    import duckdb

    counts = ", ".join(f'count("{header}")' for header in NEEDED)
    with duckdb.connect(config={"memory_limit": "1GB", "preserve_insertion_order": False}) as connection:
        for name in NAMES:
            connection.execute(f"SELECT {counts} FROM {_relation(folder, name)}").fetchall()
    return 0


def plain_duckdb(folder: Path) -> int:
    """The same gap by hand."""
    import duckdb

    out = folder / "out.csv"
    rows = " UNION ALL ".join(
        f"SELECT *, {side} AS side FROM {_relation(folder, name)}" for side, name in enumerate(NAMES)
    )
    with duckdb.connect(config={"memory_limit": "1GB", "preserve_insertion_order": False}) as connection:
        connection.execute(f"""COPY (
            WITH links AS (SELECT regexp_extract("Referring page URL", '([^./]+\\.[^./]+)/', 1) AS domain, side, * EXCLUDE (side) FROM ({rows})
                WHERE coalesce("Lost", '') = '' AND coalesce("Lost status", '') = '' AND coalesce("Drop reason", '') = ''),
            sums AS (SELECT domain, count(DISTINCT side) FILTER (side > 0) AS overlap, count(*) FILTER (side = 0) AS ours,
                count(*) AS links, max("Domain rating"::DOUBLE) AS authority, max("Domain traffic"::BIGINT) AS traffic,
                bool_or("Nofollow" = 'false') AS followed,
                arg_max({{'page': "Referring page URL", 'target': "Target URL", 'anchor': "Anchor"}}, "UR"::DOUBLE) AS best
                FROM links GROUP BY domain)
            SELECT * EXCLUDE (best), best.page, best.target, best.anchor FROM sums WHERE ours = 0 ORDER BY overlap DESC, authority DESC
            ) TO '{out}' (HEADER)""").fetchall()
    return _lines(out)


def polars(folder: Path) -> int:
    """The same gap with Polars."""
    import polars as pl

    out = folder / "out.csv"
    files = [
        pl.scan_csv(folder / f"{name}.utf-8.csv", separator="\t", infer_schema=False)
        .select(NEEDED)
        .with_columns(side=pl.lit(side))
        for side, name in enumerate(NAMES)
    ]
    links = pl.concat(files).filter(
        *[pl.col(name).fill_null("") == "" for name in ("Lost", "Lost status", "Drop reason")]
    )
    rank = pl.col("UR").cast(pl.Float64)
    gap = (
        links.with_columns(domain=pl.col("Referring page URL").str.extract(r"([^./]+\.[^./]+)/"))
        .group_by("domain")
        .agg(
            overlap=pl.col("side").filter(pl.col("side") > 0).n_unique(),
            ours=(pl.col("side") == 0).sum(),
            links=pl.len(),
            authority=pl.col("Domain rating").cast(pl.Float64).max(),
            traffic=pl.col("Domain traffic").cast(pl.Int64).max(),
            followed=(pl.col("Nofollow") == "false").any(),
            page=pl.col("Referring page URL").get(rank.arg_max()),
            target=pl.col("Target URL").get(rank.arg_max()),
            anchor=pl.col("Anchor").get(rank.arg_max()),
        )
        .filter(pl.col("ours") == 0)
        .sort(["overlap", "authority"], descending=True)
    )
    gap.collect(engine="streaming").write_csv(out)
    return _lines(out)


def pandas(folder: Path) -> int:
    """The same gap with pandas."""
    import pandas as pd

    out = folder / "out.csv"
    frames = []
    for side, name in enumerate(NAMES):
        frame = pd.read_csv(folder / f"{name}.utf-8.csv", sep="\t", usecols=NEEDED, dtype=str, keep_default_na=False)
        frame = frame[(frame["Lost"] == "") & (frame["Lost status"] == "") & (frame["Drop reason"] == "")]
        frames.append(frame.assign(side=side))
    links = pd.concat(frames, ignore_index=True)
    links["domain"] = links["Referring page URL"].str.extract(r"([^./]+\.[^./]+)/", expand=False)
    links["UR"], links["Domain rating"] = pd.to_numeric(links["UR"]), pd.to_numeric(links["Domain rating"])
    links["Domain traffic"], links["followed"] = pd.to_numeric(links["Domain traffic"]), links["Nofollow"] == "false"
    ours = set(links.loc[links["side"] == 0, "domain"])
    links = links[~links["domain"].isin(ours)]
    grouped = links.groupby("domain")
    gap = grouped.agg(overlap=("side", "nunique"), links=("side", "size"), authority=("Domain rating", "max"), traffic=("Domain traffic", "max"), followed=("followed", "any"))  # fmt: skip
    best = links.loc[grouped["UR"].idxmax(), ["domain", "Referring page URL", "Target URL", "Anchor"]]
    gap.reset_index().merge(best, on="domain").sort_values(["overlap", "authority"], ascending=False).to_csv(
        out, index=False
    )
    return _lines(out)


def ours(folder: Path, encoding: str = "utf-8") -> int:
    """Everything that the command does."""
    from app.gaps.analyze import analyze
    from app.gaps.export import write_gap

    files = [folder / f"{name}.{encoding}.csv" for name in NAMES]
    competitors = [(f"{name}.example", path) for name, path in zip(NAMES[1:], files[1:], strict=True)]
    with analyze(files[:1], competitors, own_domains=["ours.example"]) as analysis:
        write_gap(analysis.engine, folder / "out.csv")
        return int(analysis.summary["gaps"])


def ours_utf16(folder: Path) -> int:
    """The same from the files as the tool writes them."""
    return ours(folder, "utf-16")


CONTENDERS: dict[str, Callable[[Path], int]] = {
    "floor": floor,
    "duckdb": plain_duckdb,
    "polars": polars,
    "pandas": pandas,
    "ours": ours,
    "ours-utf16": ours_utf16,
}
_MODULES = {"polars": "polars", "pandas": "pandas"}


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b"")) - 1


def _measure(name: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.gap", name, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def child(name: str, folder: Path) -> None:
    """One contender, measured from inside: its imports do not count, its work does."""
    for module in ("duckdb", _MODULES.get(name, "json"), "app.gaps.analyze" if name.startswith("ours") else "json"):
        importlib.import_module(module)
    wall, cpu = time.perf_counter(), time.process_time()
    rows = CONTENDERS[name](folder)
    print(json.dumps({
        "seconds": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rows": rows,
    }))  # fmt: skip


def run() -> None:
    """Print one table for each size."""
    sizes = [int(text) for text in os.environ.get("BENCH_ROWS", "100000,1000000").split(",")]
    rounds = int(os.environ.get("BENCH_ROUNDS", "5"))
    names = [name for name in CONTENDERS if importlib.util.find_spec(_MODULES.get(name, "duckdb"))]
    for size in sizes:
        folder = Path(tempfile.mkdtemp(prefix="gapbridge-bench-"))
        try:
            generate(folder, size)
            measured: dict[str, list[dict[str, float]]] = {name: [] for name in names}
            for number in range(rounds):
                # The order turns with each round, so that nobody always runs on a warm or a cold machine.
                for name in [*names[number % len(names) :], *names[: number % len(names)]]:
                    if name in measured:
                        _take_turn(name, folder, measured)
            _print(size, measured)
        finally:
            shutil.rmtree(folder)


def _take_turn(name: str, folder: Path, measured: dict[str, list[dict[str, float]]]) -> None:
    """One more round of a contender. Another tool that fails is out of the race, with what it said; ours is not."""
    try:
        measured[name].append(_measure(name, folder))
    except RuntimeError as failed:
        if name == "floor" or name.startswith("ours"):
            raise
        del measured[name]
        said = next((line for line in reversed(str(failed).splitlines()) if "Error" in line), "it ended")
        print(f"{name} is left out: {said}", flush=True)


def _print(size: int, measured: dict[str, list[dict[str, float]]]) -> None:
    print(f"\n{size:,} rows in five files, medians of {len(measured['floor'])} rounds")
    print(f"{'':12}{'seconds':>9}{'x floor':>9}{'cpu s':>9}{'x floor':>9}{'peak MB':>9}{'rows out':>10}")
    for name, runs in measured.items():
        cells = []
        for figure in ("seconds", "cpu"):
            cells.append(statistics.median(one[figure] for one in runs))
            cells.append(
                statistics.median(one[figure] / base[figure] for one, base in zip(runs, measured["floor"], strict=True))
            )
        memory = max(one["memory"] for one in runs)
        print(
            f"{name:12}{cells[0]:9.2f}{cells[1]:9.2f}{cells[2]:9.2f}{cells[3]:9.2f}{memory:9.0f}{runs[0]['rows']:10,.0f}",
            flush=True,
        )


if __name__ == "__main__":
    child(sys.argv[1], Path(sys.argv[2]))
