"""The pass over the edges of a web graph, against only decompressing the same file, and against DuckDB reading it.

Each run is a process of its own, so that its peak memory is its own. A graph of this size is a part of a release: a
release has some 4.3 billion edges, and the pass is linear in them.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

EDGES = int(os.environ.get("GAPBRIDGE_BENCH_EDGES", "20000000"))
VERTICES = 20_000_000
TARGETS = 55
ROUNDS = 3

_TIMED = """
import json, resource, sys, time
from pathlib import Path
path, targets, hits = sys.argv[1], json.loads(sys.argv[2]), Path(sys.argv[3])
{body}
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, found]))
"""
_WAYS = {
    "decompress only (isal)": """
from isal import igzip
start = time.perf_counter()
found = 0
with igzip.open(path, "rb") as file:
    while block := file.read(4 << 20):
        found += len(block)
found = None
""",
    "DuckDB": """
import duckdb
connection = duckdb.connect(config={"memory_limit": "500MB"})
start = time.perf_counter()
found = connection.execute(
    "SELECT count(*) FROM read_csv(?, delim='\\t', header=false, auto_detect=false, quote='', escape='', "
    "columns={'f': 'BIGINT', 't': 'BIGINT'}) WHERE t IN (SELECT unnest(?))", [path, targets]).fetchall()[0][0]
""",
    "gap discover": """
from app.gaps.webgraph.files import GraphFile
from app.gaps.webgraph.scan import find_links
start = time.perf_counter()
hits.unlink(missing_ok=True)
hits.with_suffix(".checkpoint").unlink(missing_ok=True)
found = find_links(GraphFile(path, hits.parent), targets, hits)
""",
}


def _write(path: Path, edges: int) -> None:
    rng = random.Random(1)
    source = written = 0
    with gzip.open(path, "wb", compresslevel=6) as file:
        while written < edges:
            source += rng.randint(1, 3)
            links = sorted(rng.sample(range(VERTICES), rng.randint(1, 40)))
            file.write(b"".join(b"%d\t%d\n" % (source, target) for target in links))
            written += len(links)


def run() -> None:
    """Print seconds, CPU, peak memory and ratio for each way, at two sizes: memory has to stay flat."""
    targets = random.Random(2).sample(range(VERTICES), TARGETS)
    with tempfile.TemporaryDirectory(prefix="gapbridge-graph-") as folder:
        for edges in (EDGES // 4, EDGES):
            path = Path(folder) / "edges.txt.gz"
            _write(path, edges)
            taken: dict[str, list[list[float]]] = {name: [] for name in _WAYS}
            for _ in range(ROUNDS):
                for name, body in _WAYS.items():
                    script = _TIMED.replace("{body}", body)
                    arguments = [str(path), json.dumps(targets), str(Path(folder) / "links.bin")]
                    done = subprocess.run(
                        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
                    )
                    taken[name].append(json.loads(done.stdout.splitlines()[-1]))
            if len({run[3] for name in ("DuckDB", "gap discover") for run in taken[name]}) != 1:
                raise SystemExit("the ways found different links")
            floor = statistics.median(run[0] for run in taken["decompress only (isal)"])
            print(f"{edges:,} edges, {path.stat().st_size >> 20} MB, {TARGETS} targets")
            for name, runs in taken.items():
                seconds, cpu, memory = (statistics.median(run[n] for run in runs) for n in range(3))
                print(
                    f"  {name:24} {seconds:7.2f} s  CPU {cpu:6.2f} s  {edges / seconds / 1e6:6.1f} M edges/s  "
                    f"peak {memory:5.0f} MB  {seconds / floor:5.2f} of the floor"
                )


if __name__ == "__main__":
    run()
