"""Every page of one domain that links to a competitor, out of the lists that count now, the best page first.

The lists are read again, for this one domain only: neither the pages nor the words around a link are kept with a prospect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from threading import BoundedSemaphore
from typing import Any

from app.db.work import UnitOfWork
from app.domain.said import say
from app.errors import TooMany
from app.gaps import closeup, service
from app.gaps.engine import Engine, literal
from app.gaps.keying import ask, keyed, load_suffixes
from app.gaps.shelf import Place, Shelf
from app.gaps.snapshots import parquet
from app.keys import unicode_host

#: So many pages are shown of one domain.
MOST = 200
# Each reading takes threads and memory of its own: so many at a time, and who waits longer than that is told so.
_SLOTS = BoundedSemaphore(2)
_PATIENCE = 8.0


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of a site's competitors that count: (name of the snapshot file, target), and the competitors in order."""

    files: tuple[tuple[str, str], ...]
    rivals: tuple[str, ...]


def lists_of(uow: UnitOfWork, site_id: int) -> Lists:
    """The lists to read, from the database; the files themselves are read by `pages_of`."""
    rivals = tuple(service.whose(uow, site_id).competitors)
    files = tuple((one.path, one.target) for one in service.counting(uow, site_id) if one.target in rivals)
    return Lists(files, rivals)


def pages_of(lists: Lists, folder: Place, domain: str, *, most: int = MOST) -> list[dict[str, Any]]:
    """The pages of `domain` (a site key), the best first: the keys of `closeup.PAGE_COLUMNS`, with `competitors` as a list, and
    `score` and `parts` (winnability).

    At most `most`; lists without pages and files that are gone add none. Lost links and links of an old crawl are left out.
    Call it outside of a transaction (`UnitOfWork.let_go`): the lists may be long. Raises TooMany while others read theirs.
    """
    shelf = Shelf(folder)
    there = [(shelf.url(path), target) for path, target in lists.files if shelf.has(path)]
    if not there:
        return []
    if not _SLOTS.acquire(timeout=_PATIENCE):
        raise TooMany(say("the lists are being read for others; try again in a moment"), 10)
    try:
        found = _read(shelf, there, lists.rivals, domain, most)
    finally:
        _SLOTS.release()
    for row in found:
        won = closeup.winnability(row)
        row["competitors"] = row["competitors"].split("|")
        row["score"] = won.score
        row["parts"] = [{"rule": one.rule, "points": one.points, "why": one.why, "seen": one.seen} for one in won.parts]
    return found


def _read(
    shelf: Shelf, there: Sequence[tuple[str, str]], rivals: Sequence[str], domain: str, most: int
) -> list[dict[str, Any]]:
    with Engine() as engine:
        shelf.lend(engine)
        load_suffixes(engine)
        links = [(_rows(url, target, domain), str(rivals.index(target) + 1)) for url, target in there]
        ask(engine, keyed(" UNION ALL BY NAME ".join(rows for rows, _ in links)))
        engine.run("CREATE TABLE gap AS SELECT ? AS domain, 1 AS tier, '' AS removed_by, 1 AS place", [domain])
        for name in ("placed", "eventful"):
            engine.run(f"CREATE TABLE {name} (key VARCHAR, seen VARCHAR)")
        return list(islice(closeup.pages(engine, links, rivals, most=most), most))


def _rows(url: str, target: str, domain: str) -> str:
    """SQL for the rows of a list whose host may be of the domain: what is exact is said by the key, which costs more."""
    host = domain.partition("/")[0]
    tests: Sequence[str] = [
        test
        for name in dict.fromkeys((host, unicode_host(host)))
        for test in (
            f"lower(site) = {literal(name)}",
            f"ends_with(lower(site), {literal('.' + name)})",
            f"starts_with(lower(site), {literal(name + '/')})",
        )
    ]
    return f"""SELECT * FROM ({parquet(url)}) WHERE (target IS NULL OR target = {literal(target)}) AND ({" OR ".join(tests)})"""
