"""The gap's own SQL on another engine: recorded while DuckDB computes a gap, translated by sqlglot, run by Spark in local mode.

Nothing is rewritten by hand: the statements from the sums of each site to the ranked table are taken as they were asked. What
stays with the embedded engine is the reading of exports, the keys, and the few look-ups that Python does. Needs the bench
dependencies (pyspark, sqlglot) and Java 17; prints the time of each statement on both engines and fails where a row differs.
`BENCH_ROWS=1000000` sets the size.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

#: What the statements start from, and tables that Python fills between them, each as it is when a statement first names it.
INPUTS = ("link", "source_file", "competitor", "own", "rival", "sister")
STEPS = (
    "site_sum", "tie", "scale", "judged", "like_page", "placed", "news", "news_week", "eventful", "family", "often", "copied", "gap_row",
)  # fmt: skip
_STEP = re.compile(
    rf"(?:CREATE OR REPLACE TABLE|INSERT INTO) ({'|'.join(STEPS)})\b(?: AS)?\s+(SELECT|WITH)\b", re.IGNORECASE
)


def record(folder: Path, rows: int) -> list[tuple[str, str, float]]:
    """(table, SQL, seconds on DuckDB) of each step; the inputs and the finished table lie in `folder` as Parquet."""
    from app.gaps.engine import Engine
    from benchmarks import gap

    steps: list[tuple[str, str, float]] = []
    asked = Engine.run

    def keep(engine: Engine, name: str) -> None:
        # The number of a row is a column like any other to an engine that has none of its own.
        columns = "*, rowid" if name == "link" else "*"
        asked(engine, f"COPY (SELECT {columns} FROM {name}) TO '{folder / name}.parquet' (FORMAT parquet)")

    def run(self: Engine, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        found = _STEP.match(sql)
        step = found[1] if found else None
        if step == "site_sum":
            for name in INPUTS[:-1]:
                keep(self, name)
        if step == "gap_row":
            keep(self, "sister")
        started = time.perf_counter()
        answer = asked(self, sql, parameters)
        if found and "WHERE false" not in sql:
            steps.append((found[1], sql[found.start(2) :], time.perf_counter() - started))
        if step == "gap_row":
            asked(self, f"COPY gap_row TO '{folder}/expected.parquet' (FORMAT parquet)")
        return answer

    Engine.run = run  # type: ignore[method-assign]
    try:
        gap.generate(folder, rows)
        gap.ours(folder)
    finally:
        Engine.run = asked  # type: ignore[method-assign]
    return steps


def translated(sql: str) -> tuple[str, float]:
    """A statement in Spark's words, and the seconds that the translation took."""
    import sqlglot

    started = time.perf_counter()
    tree = sqlglot.parse_one(sql, read="duckdb")
    for kind in tree.find_all(sqlglot.exp.DataType):
        # Spark has no whole number of 128 bits, and the translator passes its name on.
        if kind.this == sqlglot.exp.DataType.Type.INT128:
            kind.replace(sqlglot.exp.DataType.build("DECIMAL(38, 0)"))
    return tree.sql(dialect="spark"), time.perf_counter() - started


def run() -> None:
    """Record, translate, run, compare."""
    if not all(importlib.util.find_spec(name) for name in ("pyspark", "sqlglot")):
        print("portable: needs the bench dependencies (pyspark, sqlglot) and Java 17; left out")
        return
    from pyspark.sql import SparkSession

    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    rows = int(os.environ.get("BENCH_ROWS", "20000").split(",")[0])
    with tempfile.TemporaryDirectory(prefix="gapbridge-portable-") as place:
        folder = Path(place)
        steps = record(folder, rows)
        options = {
            "spark.ui.enabled": "false",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.shuffle.partitions": "4",
            "spark.sql.ansi.enabled": "false",
        }
        builder = SparkSession.builder.master("local[2]").appName("gapbridge")
        for name, value in options.items():
            builder = builder.config(name, value)
        spark = builder.getOrCreate()
        spark.sparkContext.setLogLevel("ERROR")
        for name in INPUTS:
            spark.read.parquet(f"{folder / name}.parquet").createOrReplaceTempView(name)
        expression = 0.0
        made: dict[str, Any] = {}
        for name, sql, seconds in steps:
            theirs, took = translated(sql)
            expression += took
            started = time.perf_counter()
            table = spark.sql(theirs)
            # A table that is filled in pieces is all of them.
            table = (made[name].unionAll(table) if name in made else table).cache()
            made[name] = table
            count = table.count()
            table.createOrReplaceTempView(name)
            print(
                f"{name:10} {count:>8,} rows  duckdb {seconds:6.2f} s  spark {time.perf_counter() - started:6.2f} s",
                flush=True,
            )
        found = made["gap_row"]
        wanted = spark.read.parquet(f"{folder}/expected.parquet").select(found.columns)
        count = wanted.count()
        differ = wanted.exceptAll(found).count() + found.exceptAll(wanted).count()
        print(f"{count:,} rows, {differ:,} differ; {len(steps)} statements were translated in {expression:.2f} s")
        if differ or not count:
            wanted.exceptAll(found).show(3, truncate=False)
            found.exceptAll(wanted).show(3, truncate=False)
            spark.stop()
            sys.exit("portable: the two engines do not agree")
        spark.stop()
