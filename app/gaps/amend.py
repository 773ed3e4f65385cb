"""What people and a closer look change in a finished gap: removals taken back, and rows in a language that the tool did not say.

The table `gap` is written once more in its order, because a row that is removed or taken back stands in another place. Rows
keep every column; `language_source`, `fit`, `winnability` and `gate` are added after `judge_gaps`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.domain.gap import Removal
from app.domain.language import LanguageSource, codes_of
from app.gaps.engine import Engine, literal
from app.gaps.tables import PLACE

#: Removals that nobody takes back: these are no gaps at all.
FINAL = (Removal.OWN, Removal.COMPETITOR, Removal.LOST)
#: Stands for every rule of a row.
ALL = "*"


def take_back(engine: Engine, kept: Mapping[str, frozenset[str]]) -> None:
    """Apply the removals that were taken back for single domains; ALL takes back what can be."""
    pairs = [(domain, rule) for domain, rules in kept.items() for rule in rules]
    if not pairs:
        return
    engine.run(
        "CREATE OR REPLACE TABLE kept AS SELECT unnest(?::VARCHAR[]) AS domain, unnest(?::VARCHAR[]) AS rule",
        [[domain for domain, _rule in pairs], [rule for _domain, rule in pairs]],
    )
    final = ", ".join(literal(rule) for rule in FINAL)
    left = f"""array_to_string(list_filter(string_split(removed_by, '|'), lambda one: one IN ({final})
        OR NOT (list_contains(kept.rules, one) OR list_contains(kept.rules, '{ALL}'))), '|')"""
    _rewrite(
        engine,
        f"SELECT gap.* EXCLUDE (place) REPLACE (CASE WHEN kept.rules IS NULL THEN removed_by ELSE {left} END AS removed_by) "
        "FROM gap LEFT JOIN (SELECT domain, list(rule) AS rules FROM kept GROUP BY domain) kept ON kept.domain = gap.domain",
    )


def apply_judgements(engine: Engine, languages: Sequence[str], keep: Sequence[str]) -> None:
    """Bring what `judge_gaps` found into the table, and remove what is for certain in none of `languages`."""
    ours = sorted({code for one in languages for code in codes_of(one)})
    foreign = "false"
    if ours and Removal.LANGUAGE not in keep:
        # A rule that was taken back for one row stays taken back when its language is found by a look at its words.
        among = ", ".join(map(literal, ours))
        foreign = f"""judged.said_by <> '{LanguageSource.TOOL}' AND judged.said NOT IN ({among}) AND removed_by = ''
            AND gap.domain NOT IN (SELECT domain FROM spared)"""
    engine.run("CREATE TABLE IF NOT EXISTS kept (domain VARCHAR, rule VARCHAR)")
    engine.run(
        f"CREATE OR REPLACE TABLE spared AS SELECT DISTINCT domain FROM kept WHERE rule IN ('{ALL}', '{Removal.LANGUAGE}')"
    )
    _rewrite(
        engine,
        f"""SELECT gap.* EXCLUDE (place) REPLACE (
            CASE WHEN judged.said_by IN ('{LanguageSource.PAGE}', '{LanguageSource.DETECTED}') THEN judged.said
                ELSE language END AS language,
            CASE WHEN {foreign} THEN '{Removal.LANGUAGE}' ELSE removed_by END AS removed_by,
            CASE WHEN {foreign} THEN 'language: ' || judged.said || ' (' || judged.said_by || ')' ELSE seen END AS seen),
            CASE WHEN judged.said IS NOT NULL THEN judged.said_by WHEN language IS NOT NULL THEN '{LanguageSource.TOOL}' END
                AS language_source, judged.fit, judged.winnability, judged.gate
        FROM gap LEFT JOIN judged ON judged.key = gap.domain""",
    )


def _rewrite(engine: Engine, select: str) -> None:
    # The new table is whole before the old one goes; two names, because the view reads the one that is there.
    names = {name for (name,) in engine.run("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'amended_%'")}
    new = "amended_1" if "amended_1" not in names else "amended_2"
    engine.run(f"CREATE OR REPLACE TABLE {new} AS SELECT * FROM ({select}) ORDER BY {PLACE}, domain")
    engine.run(f"CREATE OR REPLACE VIEW gap AS SELECT *, rowid + 1 AS place FROM {new}")
    for name in names - {new}:
        engine.run(f"DROP TABLE {name}")
