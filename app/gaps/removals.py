"""Removals that go by words, families and copies, as SQL: each gives the text of what was seen, or null.

Only sources that do not link to us are asked. What is removed stays in the table with its rule and what it was seen by, and
`keep` names the rules that are not to be applied.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.gap import Removal
from app.gaps.engine import Engine, literal
from app.gaps.words import RemovalWords, removals, seller_family, seller_pattern

#: A text on so many sources within so many days, with the same target, is a copy of a release.
COPIES = 10
COPY_DAYS = 3
#: Shorter anchors are names and calls that many people find by themselves.
COPY_ANCHOR = 25

# A key is a host of two labels and more, with a path where that belongs to somebody: the first point ends the first label.
_LABEL = "split_part(key, '.', 1)"
_PATH = "lower(regexp_extract(page, '^[a-zA-Z]+://[^/?#]+(/[^?#]*)', 1))"


def _if_any(text: str, patterns: Sequence[str | None]) -> str:
    # Nearly every row is like none of the patterns. One look says so, and a null costs the others nothing.
    anything = "|".join(f"(?:{pattern})" for pattern in patterns if pattern)
    return f"CASE WHEN links_to_us = 0 AND regexp_matches({text}, {literal(anything)}) THEN {text} END"


#: Columns that the rules need beside those of a judged site; one step, so that they are computed once.
PARTS = f"""{_if_any(_LABEL, [one.label for one in removals()])} AS label,
    {_if_any(_PATH, [one.path for one in removals()])} AS path"""

RELEASE = "press-release"

_BARE_LABEL = f"regexp_replace({_LABEL}, '[0-9]+', '', 'g')"
#: How a source is called but for numbers and endings, where links are sold under such names; else null.
FAMILY = f"""CASE WHEN links_to_us = 0 AND regexp_matches({_BARE_LABEL}, {literal(seller_pattern())})
    THEN regexp_extract({_BARE_LABEL}, '^[^-]*(-[^-]+)?') END"""

#: What was seen, over `judged` once `families` and `copies` have looked at all of it.
OF_FAMILY = "CASE WHEN family IN (SELECT name FROM family) THEN 'family: ' || family END"
IS_COPY = f"CASE WHEN links_to_us = 0 AND (target, anchor) IN (SELECT (target, anchor) FROM copied) THEN 'the same words on {COPIES} sites and more' END"


def names() -> list[str]:
    """Every removal that `keep` can name."""
    return [*Removal, *(one.name for one in removals())]


def by_words(*, keep: Sequence[str] = (), languages: Sequence[str] = ()) -> list[tuple[str, str]]:
    """(rule, SQL for what was seen or null) of one site alone, with PARTS; `languages` are those of the site (`en`), none asks nothing."""
    found = [(one.name, _by_words(one)) for one in removals()]
    if languages:
        codes = "|".join(sorted(code.lower().partition("-")[0] for code in languages))
        ours = f"regexp_matches(lower(language), '(^|[, ])({codes})($|[-_, ])')"
        found.append((Removal.LANGUAGE, f"CASE WHEN links_to_us = 0 AND NOT {ours} THEN 'language: ' || language END"))
    return [(name, sql) for name, sql in found if name not in keep]


def _by_words(one: RemovalWords) -> str:
    tests = []
    if one.hosts:
        tests.append(f"WHEN links_to_us = 0 AND key IN ({', '.join(map(literal, one.hosts))}) THEN 'host: ' || key")
    for where, shown, pattern in (("label", "domain", one.label), ("path", "path", one.path)):
        if pattern:
            words = literal(pattern)
            tests.append(
                f"WHEN regexp_matches({where}, {words}) THEN '{shown}: ' || regexp_extract({where}, {words}, 1)"
            )
    for kind in one.page_type:
        tests.append(
            f"WHEN links_to_us = 0 AND starts_with(page_type, {literal(kind)}) THEN 'page type: ' || page_type"
        )
    return f"CASE {' '.join(tests)} END"


def families(engine: Engine, *, keep: Sequence[str] = ()) -> bool:
    """Make `family`: the names of sellers' families in `judged` that are large enough. Whether there is one."""
    if Removal.NETWORK in keep:
        return False
    engine.run(
        f"""CREATE OR REPLACE TABLE family AS SELECT family AS name FROM judged WHERE family IS NOT NULL
        GROUP BY family HAVING count(*) >= {seller_family()}"""
    )
    return bool(engine.run("SELECT 1 FROM family LIMIT 1"))


def copies(engine: Engine, *, keep: Sequence[str] = ()) -> bool:
    """Make `copied`: the targets and anchors in `judged` that are those of a copied release. Whether there is one."""
    if RELEASE in keep:
        return False
    engine.run(
        f"""CREATE OR REPLACE TABLE copied AS SELECT target, anchor FROM judged
        WHERE links_to_us = 0 AND first_seen IS NOT NULL AND target IS NOT NULL AND length(anchor) >= {COPY_ANCHOR}
        GROUP BY target, anchor
        HAVING count(*) >= {COPIES} AND date_diff('day', min(first_seen), max(first_seen)) <= {COPY_DAYS}"""
    )
    return bool(engine.run("SELECT 1 FROM copied LIMIT 1"))
