"""A small web graph in the files of a Common Crawl release, and what is linked in it."""

from __future__ import annotations

import gzip
import random
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Graph:
    """`links` are (from, to) by domain; `position` is the place by harmonic centrality, from 1."""

    prefix: Path
    domains: tuple[str, ...]
    links: frozenset[tuple[str, str]]
    position: dict[str, int]
    hosts: dict[str, int]

    def linking_to(self, domain: str) -> set[str]:
        """The domains with a link to this one."""
        return {source for source, target in self.links if target == domain}


def make_graph(folder: Path, *, domains: int = 400, links: int = 6_000, seed: int = 7, members: int = 3) -> Graph:
    """Write `cc-main-2026-may-jun-jul-domain-{vertices,edges,ranks}.txt.gz` into `folder`.

    The files have several gzip members, as those of a release may have, and names that contain each other.
    """
    rng = random.Random(seed)
    names = {f"com.rival{rng.randrange(domains * 3)}" for _ in range(domains - 6)}
    names |= {"com.rival", "com.rival1.blog", "com.us", "uk.co.us", "de.xn--bcher-kva", "com.rivalry"}
    ordered = sorted(names)
    hosts = {name: rng.randint(1, 40) for name in ordered}
    pairs = {(rng.randrange(len(ordered)), rng.randrange(len(ordered))) for _ in range(links)}
    places = list(range(1, len(ordered) + 1))
    rng.shuffle(places)
    position = dict(zip(ordered, places, strict=True))
    prefix = folder / "cc-main-2026-may-jun-jul-domain"
    folder.mkdir(parents=True, exist_ok=True)
    _write(prefix, "vertices", [f"{number}\t{name}\t{hosts[name]}" for number, name in enumerate(ordered)], members)
    _write(prefix, "edges", [f"{source}\t{target}" for source, target in sorted(pairs)], members)
    ranked = sorted(ordered, key=position.__getitem__)
    head = "#harmonicc_pos\t#harmonicc_val\t#pr_pos\t#pr_val\t#host_rev\t#n_hosts"
    body = [
        f"{position[name]}\t{1e7 / position[name]:.6E}\t{position[name]}\t{1e-9}\t{name}\t{hosts[name]}"
        for name in ranked
    ]
    _write(prefix, "ranks", [head, *body], members)

    def turned(name: str) -> str:
        return ".".join(reversed(name.split(".")))

    return Graph(
        prefix,
        tuple(map(turned, ordered)),
        frozenset((turned(ordered[source]), turned(ordered[target])) for source, target in pairs),
        {turned(name): place for name, place in position.items()},
        {turned(name): count for name, count in hosts.items()},
    )


def _write(prefix: Path, part: str, lines: list[str], members: int) -> None:
    size = len(lines) // members + 1
    with Path(f"{prefix}-{part}.txt.gz").open("wb") as file:
        for start in range(0, len(lines), size):
            file.write(gzip.compress("".join(f"{line}\n" for line in lines[start : start + size]).encode()))
