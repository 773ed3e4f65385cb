"""One run over a release for all targets at once: in, the domains; out, one file a target that the importer reads."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from app.domain.said import say
from app.errors import BadInput
from app.gaps.engine import Engine, literal
from app.gaps.webgraph.files import GraphFile, Release, is_gzip
from app.gaps.webgraph.scan import find_links, find_vertices, name_sources
from app.keys import ascii_host

#: Called with the name of the step, compressed bytes read and the size (0: not known).
Report = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Discovered:
    """What a run found for one target: `path` is None where the graph does not know the domain."""

    target: str
    linking_domains: int
    path: Path | None


def discover(
    release: Release,
    targets: Sequence[str],
    work: Path,
    *,
    report: Report | None = None,
    restart: bool = False,
    keep: bool = False,
) -> list[Discovered]:
    """Find every domain that links to one of `targets` (domains) and write `TARGET-refdomains-webgraph_DATE.csv` into `work`.

    A run that was stopped goes on where it was when it is called with the same release, targets and folder; `restart` begins
    anew. `keep` keeps the copy of fetched files for the next run. Raises BadInput with the file and the fix, and Unavailable
    where a server stops answering (what was fetched is kept).
    """
    wanted = list(dict.fromkeys(host for text in targets if (host := ascii_host(text))))
    if not wanted:
        raise BadInput(say("There is no domain to look for: add a site with competitors, or give --target."))
    work.mkdir(parents=True, exist_ok=True)
    tell = report or (lambda _step, _done, _size: None)
    spool = work / "fetched"
    job = hashlib.sha256(json.dumps([release.edges, sorted(wanted)]).encode()).hexdigest()[:12]
    hits = work / f"links-{job}.bin"
    if restart:
        hits.unlink(missing_ok=True)
        hits.with_suffix(".checkpoint").unlink(missing_ok=True)

    def open_file(url: str, step: str) -> GraphFile:
        return GraphFile(url, spool, lambda done, size: tell(step, done, size))

    vertices = find_vertices(open_file(release.vertices, "looking the domains up"), wanted)
    known = [domain for domain in wanted if domain in vertices.ids]
    edges = open_file(release.edges, "reading the links")
    named = open_file(release.vertices, "naming what links")
    ranks = open_file(release.ranks, "reading the ranks")
    sources = work / f"links-{job}.tsv"
    halves = (hits, hits.with_suffix(".checkpoint"), sources)
    try:
        find_links(edges, [vertices.ids[domain] for domain in known], hits, domains=vertices.total)
        with sources.open("w", newline="") as file:
            csv.writer(file, delimiter="\t", lineterminator="\n").writerows(name_sources(named, hits))
        counts = _write(release, known, vertices.total, sources, ranks, work)
    except BadInput:
        # Another file has to come, and its links are others.
        _unlink(halves)
        raise
    _unlink(halves)
    if not keep:
        for graph_file in (named, edges, ranks):
            graph_file.forget()
    return [
        Discovered(domain, counts[domain], _place(release, domain, work) if domain in vertices.ids else None)
        for domain in wanted
    ]


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def authority(position: int | None, total: int) -> float | None:
    """0 to 100 from the place by harmonic centrality: 100 for the first of `total` domains, 0 for the last, by the logarithm.

    A scale of this provider's own: ten times further back costs the same everywhere, as with the tools' ratings.
    """
    if position is None or total < 2:
        return None
    return round(max(0.0, 100 * (1 - math.log(position) / math.log(total))), 1)


def _place(release: Release, domain: str, work: Path) -> Path:
    day = f"_{release.as_of.isoformat()}" if release.as_of else ""
    return work / f"{domain}-refdomains-{release.name}{day}.csv"


def _write(
    release: Release, known: Sequence[str], total: int, sources: Path, ranks: GraphFile, work: Path
) -> Counter[str]:
    counts: Counter[str] = Counter()
    header = _header(ranks)
    names = {"position": "harmonicc_pos", "name": "host_rev"}
    missing = [name for name in names.values() if name not in header]
    if missing:
        raise BadInput(
            say(
                "{url}: there is no column {missing}; its columns are: {names}.",
                url=ranks.url,
                missing=missing[0],
                names=", ".join(header),
            )
        )
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
    place_of_ranks = ranks.local()
    compression = "gzip" if is_gzip(place_of_ranks) else "none"
    dialect = r"delim='\t', quote='', escape='', header=false, auto_detect=false"
    with Engine() as engine:
        engine.run(
            f"CREATE TABLE found AS SELECT * FROM read_csv({literal(str(sources))}, {dialect}, "
            "columns={'name': 'VARCHAR', 'hosts': 'BIGINT', 'target': 'INTEGER'})"
        )
        _run_over(
            ranks,
            engine,
            f"CREATE TABLE ranked AS SELECT host_rev AS name, min(TRY_CAST(harmonicc_pos AS BIGINT)) AS position "
            f"FROM read_csv({literal(str(place_of_ranks))}, {dialect}, skip=1, compression='{compression}', columns={{{columns}}}) "
            "WHERE host_rev IN (SELECT name FROM found) GROUP BY ALL",
        )
        for number, domain in enumerate(known):
            result = engine.connection.cursor().execute(
                "SELECT DISTINCT name, position, hosts FROM found LEFT JOIN ranked USING (name) WHERE target = ? "
                "ORDER BY position NULLS LAST, name",
                [number],
            )
            place = _place(release, domain, work)
            draft = place.with_suffix(".draft")
            with draft.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(["Linking domain", "Authority", "Harmonic position", "Hosts"])
                while rows := result.fetchmany(10_000):
                    counts[domain] += len(rows)
                    writer.writerows(
                        (".".join(reversed(name.split("."))), authority(position, total), position, hosts)
                        for name, position, hosts in rows
                    )
            draft.replace(place)
    return counts


def _run_over(ranks: GraphFile, engine: Engine, statement: str) -> None:
    try:
        engine.run(statement)
    except duckdb.Error as error:
        at = re.search(r"Line: (\d+)", str(error))
        raise BadInput(
            say(
                "{url}: its line {line} does not have the columns of its first line, or the file is damaged; take it as the release has it, "
                "or fetch it again.",
                url=ranks.url,
                line=at[1] if at else "?",
            )
        ) from error


def _header(ranks: GraphFile) -> list[str]:
    first = next(ranks.blocks(), b"\n").partition(b"\n")[0].decode("ascii", "replace")
    if not first.startswith("#"):
        raise BadInput(say("{url}: it does not begin with a line of column names (#harmonicc_pos ...).", url=ranks.url))
    return [cell.strip().lstrip("#").strip() for cell in first.split("\t")]
