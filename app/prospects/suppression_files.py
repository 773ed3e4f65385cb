"""Suppression lists as files: any CSV or plain list in, row by row in bounded memory; CSV and JSON lines out."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from app.audit import service as audit
from app.cells import neutral
from app.db.vault import Vault
from app.db.work import Database, UnitOfWork
from app.domain.said import say
from app.domain.suppression_rules import MOST_PATTERNS, WISHES, to_like
from app.errors import BadInput, NotFound
from app.models import Site, Suppression, SuppressionKind
from app.prospects import suppression
from app.prospects.suppression_layout import open_text, rows_of

BATCH = 2000
MOST_REPORTED = 1000
COLUMNS = ("kind", "value", "site", "reason", "source", "created_by", "created_at", "key")

_KINDS = {
    "address": SuppressionKind.ADDRESS,
    "email": SuppressionKind.ADDRESS,
    "e-mail": SuppressionKind.ADDRESS,
    "domain": SuppressionKind.DOMAIN,
    "host": SuppressionKind.HOST,
    "subdomain": SuppressionKind.HOST,
    "pattern": SuppressionKind.PATTERN,
    "glob": SuppressionKind.PATTERN,
    "wildcard": SuppressionKind.PATTERN,
}
_REASONS = {
    "unsubscribed": r"unsub|opt.?out|abgemeldet|d[ée]sabonn|baja",
    "complained": r"complain|spam|abuse",
    "bounced": r"bounce|undeliver|invalid|unknown user",
}


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not taken: its line in the file (from 1), what it says, and why."""

    line: int
    value: str
    problem: str


@dataclass(slots=True)
class Report:
    """What became of a file's rows. `rejected` lists the first ones, `rejected_count` counts all."""

    rows: int = 0
    added: int = 0
    known: int = 0
    rejected_count: int = 0
    columns: dict[str, str] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "rows": self.rows,
            "added": self.added,
            "known": self.known,
            "rejected": self.rejected_count,
            "columns": self.columns,
            "rejected_rows": [{"line": row.line, "value": row.value, "problem": row.problem} for row in self.rejected],
        }


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a row has that does not say it itself."""

    reason: str
    source: str
    actor: str
    site_id: int | None = None


@dataclass(frozen=True, slots=True)
class _Rule:
    line: int
    kind: SuppressionKind
    value: str
    site_id: int | None
    reason: str
    source: str
    key: str | None = None


def import_file(
    db: Database,
    vault: Vault,
    path: Path,
    defaults: Defaults,
    *,
    mapping: Mapping[str, str] | None = None,
    on_rejected: Callable[[Rejected], None] | None = None,
) -> Report:
    """Take a file in, in batches of one transaction each; importing it again changes nothing.

    `mapping` names the columns where they are not recognised: {"value": "Adresse"} by header, {"value": "3"} by number from 1.
    Raises BadInput for a file that cannot be read at all; single rows are rejected in the report and the rest is taken.
    """
    if path.is_dir() or not path.exists():
        raise BadInput(
            say(
                "{path}: there is no such file; name a CSV file or a list with one address or domain on each line",
                path=path,
            )
        )
    with open_text(path) as stream:
        return import_stream(db, vault, stream, defaults, name=path.name, mapping=mapping, on_rejected=on_rejected)


def import_stream(
    db: Database,
    vault: Vault,
    stream: TextIO,
    defaults: Defaults,
    *,
    name: str = "the list",
    mapping: Mapping[str, str] | None = None,
    on_rejected: Callable[[Rejected], None] | None = None,
) -> Report:
    """`import_file` for text that is open already."""
    report = Report()

    def reject(line: int, value: str, problem: str) -> None:
        found = Rejected(line, value[:200], problem)
        report.rejected_count += 1
        if len(report.rejected) < MOST_REPORTED:
            report.rejected.append(found)
        if on_rejected is not None:
            on_rejected(found)

    with db.read() as look:
        sites = _sites(look)
        if defaults.site_id is not None and defaults.site_id not in sites.values():
            raise NotFound(say("there is no site {site_id}", site_id=defaults.site_id))
    rows = rows_of(stream, name, mapping, report.columns.update)
    batch: list[_Rule] = []
    for line, cells in rows:
        report.rows += 1
        rule = _read(line, cells, sites, defaults, reject)
        if rule is not None:
            batch.append(rule)
        if len(batch) >= BATCH:
            _store(db, vault, batch, defaults, report, reject)
            batch = []
    if batch:
        _store(db, vault, batch, defaults, report, reject)
    with db.work() as uow:
        counts = {"rows": report.rows, "added": report.added, "rejected": report.rejected_count}
        audit.record(uow, "suppression.imported", "suppression", name=name, after=counts, actor=defaults.actor)
    return report


def _sites(uow: UnitOfWork) -> dict[str, int]:
    found = uow.session.execute(select(col(Site.id), col(Site.name), col(Site.domains))).all()
    named: dict[str, int] = {}
    for site_id, site_name, domains in found:
        named |= dict.fromkeys((str(site_id), site_name.casefold(), *domains), site_id)
    return named


def _read(
    line: int,
    cells: dict[str, str],
    sites: Mapping[str, int],
    defaults: Defaults,
    reject: Callable[[int, str, str], None],
) -> _Rule | None:
    value = cells.get("value", "").strip("<>\"' ").removeprefix("mailto:")
    key = cells.get("key") or None
    if not value and not (key and re.fullmatch(r"[0-9a-f]{64}", key)):
        reject(line, value, "there is no address, domain or pattern in this row")
        return None
    kind = _kind(cells.get("kind"), value)
    site_id = defaults.site_id
    if cells.get("site"):
        site_id = sites.get(cells["site"].casefold())
        if site_id is None:
            reject(line, value, f"there is no site '{cells['site'][:80]}'; make it first, or leave the column out")
            return None
    if "\ufffd" in value:
        reject(line, value, "these characters cannot be read; save the file as UTF-8")
        return None
    if value:
        key = None
        if kind in (SuppressionKind.DOMAIN, SuppressionKind.HOST):
            value = value.removeprefix("@")
        try:
            value = suppression.clean(kind, value)
        except BadInput as wrong:
            reject(line, value, f"{wrong.detail}: {wrong.problems[0].problem}" if wrong.problems else wrong.detail)
            return None
    return _Rule(
        line,
        kind,
        value,
        site_id,
        _reason(cells.get("reason"), defaults.reason),
        cells.get("source") or defaults.source,
        key,
    )


def _kind(said: str | None, value: str) -> SuppressionKind:
    known = _KINDS.get((said or "").strip().casefold())
    if known is not None:
        return known
    if "*" in value or "?" in value:
        return SuppressionKind.PATTERN
    return SuppressionKind.ADDRESS if "@" in value[1:] else SuppressionKind.DOMAIN


def _reason(said: str | None, default: str) -> str:
    if not said:
        return default
    for reason, words in _REASONS.items():
        if re.search(words, said[:200], re.IGNORECASE):
            return reason
    return re.sub(r"\s+", " ", said)[:64]


def _store(
    db: Database,
    vault: Vault,
    batch: list[_Rule],
    defaults: Defaults,
    report: Report,
    reject: Callable[[int, str, str], None],
) -> None:
    with db.work() as uow:
        keys = suppression.lasting_keys(uow, vault)
        now = uow.now()
        keyed = [(rule.key or keys.of(rule.kind, rule.value, rule.site_id)[0], rule) for rule in batch]
        before = suppression.known_keys(uow.session, [key for key, _ in keyed])
        room = MOST_PATTERNS - suppression.count_patterns(uow.session)
        fresh: dict[str, dict[str, Any]] = {}
        wishes: dict[str, _Rule] = {}
        for key, rule in keyed:
            if key in before or key in fresh:
                report.known += 1
                if rule.reason in WISHES:
                    wishes.setdefault(key, rule)
                continue
            if rule.kind is SuppressionKind.PATTERN:
                room -= 1
                if room < 0:
                    reject(
                        rule.line, rule.value, f"there are {MOST_PATTERNS} patterns already; suppress domains instead"
                    )
                    continue
            fresh[key] = {
                "key": key,
                "kind": rule.kind,
                "value": rule.value[:254] or None,
                "pattern": to_like(rule.value) if rule.kind is SuppressionKind.PATTERN else None,
                "site_id": rule.site_id,
                "reason": rule.reason[:64],
                "source": rule.source[:200],
                "created_by": defaults.actor,
                "created_at": now,
            }
        if fresh:
            dialect = sqlite if db.is_sqlite else postgresql
            uow.session.execute(dialect.insert(Suppression).on_conflict_do_nothing(), list(fresh.values()))
            suppression.last_in_line(uow)
        # Who has said no is not kept as a bounce, whose rule anybody may lift.
        for known in suppression.with_keys(uow.session, list(wishes)):
            rule = wishes[known.key]
            suppression.strengthen(uow, known, reason=rule.reason[:64], source=rule.source[:200], actor=defaults.actor)
        report.added += len(fresh)


# --- out ---------------------------------------------------------------------------------------------------------------


def export_rows(db: Database, *, site_id: int | None = None) -> Iterator[dict[str, str | None]]:
    """Every rule, oldest first, in pages; an erased one has its key and no value."""
    after = 0
    while True:
        with db.read() as look:
            statement = (
                select(Suppression, col(Site.name))
                .outerjoin(Site, col(Site.id) == col(Suppression.site_id))
                .where(col(Suppression.id) > after)
                .order_by(col(Suppression.id))
                .limit(BATCH)
            )
            if site_id is not None:
                statement = statement.where(col(Suppression.site_id) == site_id)
            page = list(look.session.execute(statement))
        for rule, site in page:
            after = rule.id
            yield {
                "kind": rule.kind.value,
                "value": rule.value,
                "site": site,
                "reason": rule.reason,
                "source": rule.source,
                "created_by": rule.created_by,
                "created_at": rule.created_at.isoformat(),
                "key": rule.key,
            }
        if len(page) < BATCH:
            return


def write_csv(rows: Iterable[Mapping[str, str | None]], out: TextIO) -> int:
    """Write CSV in which no cell can act as a formula; how many rows."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for row in rows:
        writer.writerow([neutral(row[name] or "") for name in COLUMNS])
        count += 1
    return count


def write_json(rows: Iterable[Mapping[str, str | None]], out: TextIO) -> int:
    """Write one JSON object a line; how many."""
    count = 0
    for row in rows:
        out.write(json.dumps(row, ensure_ascii=False) + "\n")
        count += 1
    return count


def text_stream(text: str) -> TextIO:
    """Text as a stream for `import_stream`."""
    return io.StringIO(text, newline="")
