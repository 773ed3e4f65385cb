"""The gap's own SQL on another engine: recorded while DuckDB computes a gap, translated by sqlglot, run by Spark in local mode.

Nothing is rewritten by hand: the statements from the sums of each file to the ranked table are taken as they were asked. What
stays with the embedded engine is the reading of exports. Needs `pip install pyspark sqlglot` and Java 17, which no other part
of the project needs; prints the time of each statement and the number of rows in which the two engines differ.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
import time
from pathlib import Path
from typing import Any

#: What the statements start from, in the order in which they make the rest.
INPUTS = ("part", "source_file", "competitor", "own", "rival", "mixed", "asked")
STEPS = ("keys", "close_up", "better", "family", "copied", "gap_row")


def record(folder: Path, rows: int) -> list[tuple[str, str, float]]:
    """(table, SQL, seconds on DuckDB) of each step; the inputs and the finished table lie in `folder` as Parquet."""
    from app.gaps.engine import Engine
    from benchmarks import gap

    steps: list[tuple[str, str, float]] = []
    asked = Engine.run

    def run(self: Engine, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        step = next((name for name in STEPS if sql.startswith(f"CREATE OR REPLACE TABLE {name} AS")), None)
        if step == "keys":
            for name in INPUTS:
                asked(self, f"COPY {name} TO '{folder / name}.parquet' (FORMAT parquet)")
        started = time.perf_counter()
        found = asked(self, sql, parameters)
        if step:
            steps.append((step, sql.split(" AS", 1)[1], time.perf_counter() - started))
        if step == "gap_row":
            asked(self, f"COPY gap_row TO '{folder}/expected.parquet' (FORMAT parquet)")
        return found

    Engine.run = run  # type: ignore[method-assign]
    try:
        gap.generate(folder, rows)
        gap.ours(folder)
    finally:
        Engine.run = asked  # type: ignore[method-assign]
    return steps


def run() -> None:
    """Record, translate, run, compare."""
    if not all(importlib.util.find_spec(name) for name in ("pyspark", "sqlglot")):
        print("portable: needs `pip install pyspark sqlglot` and Java 17; left out")
        return
    import sqlglot
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
        }
        builder = SparkSession.builder.master("local[2]").appName("gapbridge")
        for name, value in options.items():
            builder = builder.config(name, value)
        spark = builder.getOrCreate()
        spark.sparkContext.setLogLevel("ERROR")
        for name in INPUTS:
            spark.read.parquet(f"{folder / name}.parquet").createOrReplaceTempView(name)
        for name, sql, seconds in steps:
            started = time.perf_counter()
            table = spark.sql(sqlglot.transpile(sql, read="duckdb", write="spark")[0]).cache()
            count = table.count()
            table.createOrReplaceTempView(name)
            print(
                f"{name:10} {count:>8,} rows  duckdb {seconds:6.2f} s  spark {time.perf_counter() - started:6.2f} s",
                flush=True,
            )
        theirs = spark.table("gap_row")
        ours = spark.read.parquet(f"{folder}/expected.parquet").select(theirs.columns)
        differ = ours.exceptAll(theirs).count() + theirs.exceptAll(ours).count()
        print(f"{differ:,} rows differ")
        if differ:
            ours.exceptAll(theirs).show(3, truncate=False)
            theirs.exceptAll(ours).show(3, truncate=False)
        spark.stop()
