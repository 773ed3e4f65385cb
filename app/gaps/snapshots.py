"""Imported backlinks as Parquet files beside the database, so that operational tables hold prospects and not links.

A snapshot file is named by the SHA-256 of the export that it came from. It is written under another name, moved into its
place (`app.gaps.shelf`), and only then may a row point at it: a row without a file cannot exist, and a file without a row (the transaction
failed) is used again by the next import of the same export.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from app.domain.said import say
from app.errors import BadInput
from app.gaps import sums
from app.gaps.account import account, date_by_rows
from app.gaps.engine import Engine, Export, literal
from app.gaps.report import FileReport
from app.gaps.rows import COLUMNS, SCHEMA_VERSION
from app.gaps.shelf import Place, Shelf
from app.gaps.summary import Floors
from app.gaps.textfile import digest
from app.keys import registrable_domain


@dataclass(frozen=True, slots=True)
class Whose:
    """The domains that a file can belong to: `own` ones, the main one first, and the competitors; all registrable."""

    own: tuple[str, ...]
    competitors: tuple[str, ...]
    floors: Floors = field(default_factory=Floors)
    sisters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by competitor


@dataclass(frozen=True, slots=True)
class Part:
    """What one file says about one target; a matrix has several."""

    role: str  # ours | competitor
    target: str
    taken: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that is read and lies as Parquet under `path`; nothing is in the database yet."""

    sha256: str
    path: str  # on the shelf
    report: FileReport
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of a file where it does not say it itself: whose links it holds, how to read it, of which day it is.

    `capped` is for whoever fetched the file and knows whether more rows were to be had. `member` is one of its tables
    (`app.gaps.engine.lists_in`).
    """

    target: str | None = None
    role: str | None = None
    format: str | None = None
    mapping: Mapping[str, str] | None = None
    as_of: date | None = None
    capped: bool | None = None
    member: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """What a file is before its rows are read: its bytes, where they would lie on the shelf, and whose links it has."""

    sha256: str
    path: str
    parts: tuple[Part, ...]


def fingerprint(path: Path, member: str | None) -> str:
    """The SHA-256 that a list goes by: that of its file, or for another table in it than the one that stands for it, of both."""
    sha256 = digest(path)
    return hashlib.sha256(f"{sha256} {member}".encode()).hexdigest() if member else sha256


def _open(engine: Engine, path: Path, said: Said) -> Export:
    return engine.open(
        path,
        role=said.role or "ours",
        target=said.target,
        wanted=said.format,
        mapping=said.mapping,
        member=said.member,
    )


def identify(path: Path, whose: Whose, said: Said = Said()) -> Identity:
    """What a file is by its head alone; `taken` of its parts is 0. Raises BadInput like `prepare`."""
    with Engine() as engine:
        export = _open(engine, path, said)
        parts = tuple(Part(role, target, 0) for role, target in _parts(export, whose, said.target, said.role))
        sha256 = fingerprint(path, said.member)
        return Identity(sha256, _name(sha256, export.layout.profile.name, said.mapping), parts)


def prepare(
    path: Path,
    whose: Whose,
    folder: Place,
    said: Said = Said(),
    *,
    today: date | None = None,
    watch: Callable[[Engine, Path], None] | None = None,
) -> Prepared:
    """Read one export and write its rows to `folder`. Whose links they are is said by `said` or by the file, never guessed.

    A file whose day nobody says is dated by what its tool has seen last, at most `today`. `watch` is given
    the engine and the unpacked text before it reads, to follow or to interrupt it from another thread.

    Raises BadInput, naming the file and the fix. Needs no database and may take minutes: call it outside of a transaction.
    """
    sha256 = fingerprint(path, said.member)
    with Engine() as engine:
        export = _open(engine, path, said)
        found = _parts(export, whose, said.target, said.role)
        if watch is not None:
            watch(engine, export.text.path)
        name = _name(sha256, export.layout.profile.name, said.mapping)
        with Shelf(folder).draft(name) as draft:
            _write(engine, export, draft)
            sums.create_links(engine)
            export.report.mentions = sums.count_mentions(engine, parquet(str(draft)))
            sums.take_in(engine, sums.without_mentions(parquet(str(draft))), 0, "0")
            sums.decide_keys(engine)
            account(engine, {0: export})
            report = export.report
            if said.capped is not None:
                report.capped = said.capped
            if said.as_of is not None:
                report.as_of = said.as_of
            else:
                date_by_rows(engine, report, parquet(str(draft)), today)
            taken = {target: report.taken for _role, target in found}
            if export.layout.targets:
                report.role = "matrix"
                counted = engine.run(f"SELECT target, count(*) FROM ({parquet(str(draft))}) GROUP BY target")
                taken = {column: int(count) for column, count in counted}
            else:
                report.role = found[0][0]
    report.target = "|".join(target for _role, target in found)
    return Prepared(sha256, name, report, tuple(Part(kind, target, taken.get(target, 0)) for kind, target in found))


def parquet(url: str) -> str:
    """SQL for the rows of the snapshot at an address; columns that came after it was written are null, and its pages are whole
    addresses, which an older release did not see to."""
    columns = ", ".join(f"NULL::{kind} AS {name}" for name, kind in COLUMNS.items())
    stored = f"SELECT * REPLACE (gb_page(source_url) AS source_url) FROM read_parquet({literal(url)})"
    return f"SELECT * FROM (SELECT {columns} LIMIT 0) UNION ALL BY NAME {stored}"


def _name(sha256: str, format: str, mapping: Mapping[str, str] | None) -> str:
    # The same bytes read in another way are other rows, and a file that a row points at never changes.
    how = hashlib.sha256(repr((format, sorted((mapping or {}).items()), SCHEMA_VERSION)).encode()).hexdigest()[:8]
    return f"{sha256}-{how}.parquet"


def _parts(export: Export, whose: Whose, target: str | None, role: str | None) -> list[tuple[str, str]]:
    """(role, target) for each target of the file that the site knows."""
    known = [*(("ours", domain) for domain in whose.own), *(("competitor", domain) for domain in whose.competitors)]
    listing = f"our own: {', '.join(whose.own)}; competitors: {', '.join(whose.competitors) or 'none yet'}"
    if export.layout.targets:
        found = [(kind, domain) for kind, domain in known if domain in export.layout.targets]
        others = [column for column in export.layout.targets if column not in {domain for _kind, domain in found}]
        if not found:
            raise BadInput(
                say(
                    "{path}: none of its target columns ({names}) belongs to the site ({listing}).",
                    path=export.path,
                    names=", ".join(export.layout.targets),
                    listing=listing,
                )
            )
        if others:
            export.report.notes.append(
                say("columns of no known competitor are not used: {columns}", columns=", ".join(others))
            )
        return found
    named = target or export.target_seen() or export.report.target
    if named is None and (role == "ours" or (export.layout.profile.own_only and not export.layout.guessed)):
        named = whose.own[0]
    if named is None and export.layout.guessed:
        # Hosts with counts and pages with dates are many a tool's; the name of the file may say that they are ours.
        named = next((domain for domain in whose.own if _names(export.path.name, domain)), None)
    if named is None:
        raise BadInput(
            say(
                "{path}: the file does not say whose links it holds: choose it, or give --target ({listing}).",
                path=export.path,
                listing=listing,
            )
        )
    key = registrable_domain(named)
    kind = next((kind for kind, domain in known if domain == key), None)
    if kind is None or key is None:
        raise BadInput(
            say(
                "{path}: it holds links to {named}, which the site does not know ({listing}); add the "
                "competitor first, or choose whose links they are (--target).",
                path=export.path,
                named=named,
                listing=listing,
            )
        )
    if role is not None and role != kind:
        raise BadInput(
            say(
                "{path}: {key} is {value}, not {role}.",
                path=export.path,
                key=key,
                value="our own domain" if kind == "ours" else "a competitor",
                role=role,
            )
        )
    return [(kind, key)]


def _names(file: str, domain: str) -> bool:
    """Whether a file's name has this domain or a host of it: `us.example.csv`, not `plus.example.csv` nor `us.example.net.csv`."""
    return re.search(rf"(?<![a-z0-9-]){re.escape(domain)}(?![a-z0-9]|\.[a-z0-9-]+\.)", file.lower()) is not None


def _write(engine: Engine, export: Export, draft: Path) -> None:
    written = 0

    def use(rows: str) -> None:
        nonlocal written
        found = engine.run(
            f"COPY ({rows}) TO {literal(str(draft))} "
            f"(FORMAT parquet, COMPRESSION zstd, KV_METADATA {{gapbridge_schema: '{SCHEMA_VERSION}'}})"
        )
        written = int(found[0][0])

    engine.take(export, use, lambda: written)
