"""The account of a gap: files, coverage, tiers, classes, removals, and how many rows each filter could not decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.domain import gap as rules
from app.domain.language import codes_of
from app.domain.proof import doubt
from app.domain.said import say
from app.domain.topic_fit import FITS
from app.domain.winnability import LIKELY, POSSIBLE
from app.gaps import sisters
from app.gaps.engine import Engine, literal
from app.gaps.formats import FILTERED, SAMPLES
from app.gaps.report import FileReport
from app.gaps.tables import GapTable
from app.keys import platform_of

_STAYS = "removed_by = '' AND class IN ('best', 'missing')"
_EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Floors:
    """What the baseline asks for: a rating on the scale of `provider`, monthly visits, and, where they are set, a topic fit
    (0 to 100) and languages."""

    authority: float = rules.BASELINE_AUTHORITY
    traffic: int = rules.BASELINE_TRAFFIC
    provider: str = rules.BASELINE_PROVIDER
    fit: int | None = None
    languages: tuple[str, ...] = ()


def summarise(
    engine: Engine,
    names: list[str],
    own: list[str],
    files: list[FileReport],
    *,
    table: GapTable,
    notes: list[str],
    floors: Floors = Floors(),
) -> dict[str, Any]:
    """JSON-ready. Everything is counted over the table `gap`; `notes` are sentences for people."""
    coverage = _coverage(engine, names)
    gaps = _one(engine, f"SELECT count(*) FROM gap WHERE {_STAYS}")
    return {
        "own_domains": own,
        "competitors": coverage,
        "competitors_with_data": table.with_data,
        "rows": _one(engine, "SELECT count(*) FROM gap"),
        "gaps": gaps,
        "tiers": _counted(engine, f"SELECT tier, count(*) FROM gap WHERE {_STAYS} GROUP BY 1 ORDER BY 1"),
        "classes": _counted(engine, "SELECT class, count(*) FROM gap WHERE removed_by = '' GROUP BY 1 ORDER BY 1"),
        "removed": _counted(
            engine,
            "SELECT unnest(string_split(removed_by, '|')) AS rule, count(*) FROM gap WHERE removed_by <> '' GROUP BY 1 ORDER BY 1",
        ),
        "removed_examples": _examples(engine),
        **_filters(engine, floors),
        **_judged(engine),
        "linked_one_level_up": _one_level_up(engine),
        "look_alikes": sisters.report(table.look_alikes),
        "files": [report.as_dict() for report in files],
        # A file with several targets has a report for each, and says the same of all of them.
        "notes": list(dict.fromkeys([*notes, *_warnings(files, coverage, table.with_data)])),
    }


def _one(engine: Engine, sql: str) -> int:
    return int(engine.run(sql)[0][0])


def _counted(engine: Engine, sql: str) -> dict[str, int]:
    return {str(name): int(count) for name, count in engine.run(sql)}


def _coverage(engine: Engine, names: list[str]) -> list[dict[str, Any]]:
    """For each competitor: how many source domains link to it now, and what share of all that link to any competitor."""
    counts = ", ".join(f"count(*) FILTER (mask & {1 << side} <> 0)" for side in range(1, len(names) + 1))
    total, *linking = engine.run(f"SELECT count(*) FILTER (mask > 1), {counts} FROM gap_row")[0]
    found = {side: int(count) for side, count in enumerate(linking, 1) if count}
    return [
        {
            "domain": name,
            "source_domains": found.get(side, 0),
            "share": round(found.get(side, 0) / total, 3) if total else 0.0,
            "has_data": side in found,
        }
        for side, name in enumerate(names, 1)
    ]


def _filters(engine: Engine, floors: Floors) -> dict[str, Any]:
    """The baseline, counted over the gaps and applied to none: passes, fails, could not be decided, and fails nothing else."""
    rating = f"authority_provider = '{floors.provider}' AND authority IS NOT NULL"
    tests = {
        "dofollow": "dofollow",
        # A rating of another tool is another scale: it decides nothing here.
        f"{floors.provider} authority >= {floors.authority:g}": f"CASE WHEN {rating} THEN authority >= {floors.authority} END",
        f"traffic >= {floors.traffic}": f"traffic >= {floors.traffic}",
    }
    if floors.languages:
        codes = "|".join(sorted({code for one in floors.languages for code in codes_of(one)}))
        said = literal(f"(^|[, ])({codes})($|[-_, ])")
        tests[f"language {codes.replace('|', ' or ')}"] = f"regexp_matches(lower(language), {said})"
    if floors.fit is not None:
        tests[f"topic fit >= {floors.fit}"] = f"fit >= {floors.fit}"
    # In one look at the table: each test as -1 (fails), 0 (not known) and 1.
    looks = ", ".join(
        f"CASE ({test}) WHEN true THEN 1 WHEN false THEN -1 ELSE 0 END AS t{n}" for n, test in enumerate(tests.values())
    )
    fails = " + ".join(f"(t{n} < 0)::INTEGER" for n in range(len(tests)))
    counts = ", ".join(
        f"count(*) FILTER (t{n} > 0), count(*) FILTER (t{n} < 0), count(*) FILTER (t{n} = 0), count(*) FILTER (t{n} < 0 AND {fails} = 1)"
        for n in range(len(tests))
    )
    found = engine.run(f"SELECT {counts} FROM (SELECT {looks} FROM gap WHERE {_STAYS})")[0]
    words = ("passes", "fails", "unknown")
    counted = {name: [int(count) for count in found[n * 4 : n * 4 + 4]] for n, name in enumerate(tests)}
    return {
        "filters": {name: dict(zip(words, counts, strict=False)) for name, counts in counted.items()},
        "fails_only": {name: counts[3] for name, counts in counted.items()},
    }


def _judged(engine: Engine) -> dict[str, Any]:
    """What the closer look found of the gaps, where it was taken: chances, closed gates, fits, and where languages are from."""
    if not engine.run("SELECT 1 FROM duckdb_columns() WHERE table_name = 'gap' AND column_name = 'gate'"):
        return {}
    bucket = f"CASE WHEN winnability >= {LIKELY} THEN 'likely' WHEN winnability >= {POSSIBLE} THEN 'possible' WHEN winnability IS NOT NULL THEN 'unlikely' ELSE 'unknown' END"
    fits = f"CASE WHEN fit IS NULL THEN 'unknown' WHEN fit >= {FITS} THEN 'fits' ELSE 'does not fit' END"
    return {
        name: _counted(engine, f"SELECT {sql}, count(*) FROM gap WHERE {_STAYS} GROUP BY 1 ORDER BY 1")
        for name, sql in (
            ("winnability", bucket),
            ("gates", "coalesce(gate, 'open')"),
            ("fits", fits),
            ("language_sources", "coalesce(language_source, 'unknown')"),
        )
    }


def _examples(engine: Engine) -> dict[str, list[dict[str, str]]]:
    """For each removal a few rows with what they were seen by; a rule that looks at no words has seen their best page."""
    found = engine.run(
        f"""SELECT removed_by, min_by({{'domain': domain, 'seen': coalesce(nullif(seen, ''), best_page, '')}}, domain, {_EXAMPLES // 2})
        FROM gap WHERE removed_by <> '' GROUP BY removed_by ORDER BY 1"""
    )
    return {str(rule): list(rows) for rule, rows in found}


#: One level up from a key as `app.domain.keys.parent_of` has it; null where there is none.
_ABOVE = """CASE WHEN contains(domain, '/') THEN split_part(domain, '/', 1)
    WHEN domain LIKE '%.%.%' THEN substr(domain, instr(domain, '.') + 1) END"""


def _one_level_up(engine: Engine) -> dict[str, Any]:
    """Gaps on a platform where another tenant, or the platform itself, links to us: not linked, but worth knowing."""
    # Whether a name is a platform does not depend on who is below it, so each is asked once, however many tenants there are.
    above = [
        name
        for (name,) in engine.run(f"SELECT DISTINCT {_ABOVE} AS above FROM gap WHERE {_STAYS} AND above IS NOT NULL")
    ]
    shared = [name for name in above if platform_of(f"tenant.{name}")]
    below = "(contains(domain, '/') OR list_contains(?, above))"
    linked = engine.run(
        f"""SELECT DISTINCT CASE WHEN {below} THEN above WHEN NOT contains(domain, '/') THEN domain END AS name
        FROM (SELECT domain, {_ABOVE} AS above FROM gap WHERE links_to_us > 0) WHERE list_contains(?, name)""",
        [shared, above],
    )
    if not linked:
        return {"count": 0, "examples": []}
    among = f"FROM (SELECT domain, {_ABOVE} AS above FROM gap WHERE {_STAYS}) WHERE list_contains(?, above) AND {below}"
    asked = [[name for (name,) in linked], shared]
    count = int(engine.run(f"SELECT count(*) {among}", asked)[0][0])
    return {
        "count": count,
        "examples": [key for (key,) in engine.run(f"SELECT domain {among} LIMIT {_EXAMPLES}", asked)],
    }


def empty_column(file: str, target: str) -> str:
    """The note on a file with a column for us in which no row links to us."""
    return say(
        "{file}: no row of it links to {target}. Such files often list only what links to others: give a list of our own links beside it",
        file=file,
        target=target,
    )


def _warnings(files: list[FileReport], coverage: list[dict[str, Any]], with_data: int) -> list[str]:
    notes: list[str] = [
        say("{domain} has no live link in these files: the tiers are counted without it", domain=one["domain"])
        for one in coverage
        if not one["has_data"]
    ]
    if any(report.format == "web-graph" for report in files):
        notes.append(
            say(
                "domains from the web graph are to be verified: it counts scripts, images and redirects as links and knows no rel"
            )
        )
    if with_data == 1:
        notes.append(say("only one competitor has data: every gap links to all of them and is tier 1"))
    for report in files:
        if report.format in SAMPLES and "ours" in report.role:
            notes.append(
                say("{file} shows a sample of our links: not seen in it is no proof of no link", file=report.file)
            )
        elif report.format in FILTERED:
            notes.append(
                say(
                    "{file} does not say which tab or filter it was made from: not seen in it is no proof of no link",
                    file=report.file,
                )
            )
        elif report.capped and "ours" in report.role:
            notes.append(
                say(
                    "{file} stops at its tool's limit ({rows} rows): not seen in it is no proof of no link",
                    file=report.file,
                    rows=report.read,
                )
            )
        elif report.capped:
            notes.append(
                say(
                    "{file} stops at its tool's limit ({rows} rows): there are more links than it shows",
                    file=report.file,
                    rows=report.read,
                )
            )
        elif report.capped is None and doubt(report.read, capped=None):
            notes.append(
                say(
                    "{file} has {rows} rows, a round number, and its tool's limit is not known: there may be more links than it shows",
                    file=report.file,
                    rows=report.read,
                )
            )
        if report.bad_cells:
            notes.append(
                say(
                    "{file}: {count} figures could not be read and count as unknown",
                    file=report.file,
                    count=report.bad_cells,
                )
            )
    dates = sorted({report.as_of for report in files if report.as_of})
    if dates and (dates[-1] - dates[0]).days > rules.STALE_DAYS:
        notes.append(
            say(
                "the files are from {first} to {last}: links that came or went in between look like gaps; export them together",
                first=dates[0].isoformat(),
                last=dates[-1].isoformat(),
            )
        )
    return notes
