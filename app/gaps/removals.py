"""Removals that go by words, families and copies, as SQL: each gives the text of what was seen, or null.

Only sources that do not link to us are asked. What is removed stays in the table with its rule and what it was seen by, and
`keep` names the rules that are not to be applied.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.domain.gap import Removal
from app.gaps.engine import Engine, literal
from app.gaps.sums import LOST
from app.gaps.words import RemovalWords, removals, seller_family, seller_pattern, seller_words

#: A text on so many sources within so many days, with the same target, is a copy of a release.
COPIES = 10
COPY_DAYS = 3
#: Shorter anchors are names and calls that many people find by themselves; then the end of the page's address tells, for it is made
#: of the title, and shorter ones are found by many, too.
COPY_ANCHOR = 25
_TITLE = rf"regexp_extract(page, '/([^/?#]{{{COPY_ANCHOR},}})/?([?#].*)?$', 1)"
# A site puts its own number or day before or behind the title; a figure within tells one article from another.
_WORDS = rf"""regexp_replace(regexp_replace(lower({_TITLE}), '[.](html?|php|aspx?|jsp)$', ''),
    '^[^\p{{L}}]+|[^\p{{L}}]+$', '', 'g')"""
_SAID = rf"""CASE WHEN length(anchor) >= {COPY_ANCHOR} THEN anchor
    WHEN page IS NOT NULL THEN regexp_replace({_WORDS}, '[^\p{{L}}\p{{N}}]+', ' ', 'g') END"""

# A key is a host of two labels and more, with a path where that belongs to somebody: the first point ends the first label.
_LABEL = "split_part(key, '.', 1)"
_PATH = "lower(regexp_extract(page, '^[a-zA-Z]+://[^/?#]+(/[^?#]*)', 1))"


def _any(patterns: Sequence[str | None]) -> str:
    return "|".join(f"(?:{pattern})" for pattern in patterns if pattern)


def _path_if_any(patterns: Sequence[str | None]) -> str:
    # To cut the path out of a page costs twice a look at the page. A path begins with a slash, so `^` finds nothing there either.
    anything = _any(patterns)
    in_page = anything.replace("$", "(?:$|[?#])")
    return f"""CASE WHEN links_to_us = 0 AND regexp_matches(lower(page), {literal(in_page)})
        THEN CASE WHEN regexp_matches({_PATH}, {literal(anything)}) THEN {_PATH} END END"""


#: Columns that the rules need beside those of a judged site; one step, so that they are computed once. Nearly every row is like none
#: of the patterns: one look says so, and a null costs the others nothing.
PARTS = f"""CASE WHEN links_to_us = 0 AND regexp_matches({_LABEL}, {literal(_any([part for one in removals() for part in (one.label, one.whole)]))}) THEN {_LABEL} END AS label,
    {_path_if_any([one.path for one in removals()])} AS path"""

RELEASE = "press-release"
BLOGROLL = "blogroll"


def _among_digits(words: Sequence[str]) -> str:
    """A pattern for any of the words, whatever digits stand between its letters: without it a name cannot be one of theirs."""
    return "|".join("[0-9]*".join(map(re.escape, word)) for word in words)


_BARE_LABEL = f"regexp_replace({_LABEL}, '[0-9]+', '', 'g')"
#: How a source is called but for numbers and endings, where links are sold under such names; else null.
FAMILY = f"""CASE WHEN links_to_us = 0 AND regexp_matches(key, {literal(_among_digits(seller_words()))})
    THEN CASE WHEN regexp_matches({_BARE_LABEL}, {literal(seller_pattern())}) THEN regexp_extract({_BARE_LABEL}, '^[^-]*(-[^-]+)?') END END"""

#: What was seen, over `judged` once `families` and `copies` have looked at all of it.
OF_FAMILY = "CASE WHEN family IN (SELECT name FROM family) THEN 'family: ' || family END"
IS_COPY = f"CASE WHEN key IN (SELECT key FROM copied) THEN 'the same words on {COPIES} sites and more' END"

IN_FRAME = "CASE WHEN key IN (SELECT key FROM framed) THEN 'on every page outside of the content, by one name' END"


def names() -> list[str]:
    """Every removal that `keep` can name."""
    return [*Removal, *(one.name for one in removals())]


def by_words(*, keep: Sequence[str] = (), languages: Sequence[str] = ()) -> list[tuple[str, str]]:
    """(rule, SQL for what was seen or null) of one site alone, with PARTS; `languages` are those of the site (`en`), none asks nothing."""
    found = [(one.name, _by_words(one)) for one in removals()]
    if languages:
        codes = "|".join(sorted(code.lower().partition("-")[0] for code in languages))
        ours = f"regexp_matches(lower(language), '(^|[, ])({codes})($|[-_, ])')"
        # A name of a language ("English") is in one of many languages itself: only codes are judged.
        code = "regexp_matches(lower(language), '^[a-z]{2}([-_][a-z0-9]{2,4})?([, ]+[a-z]{2}([-_][a-z0-9]{2,4})?)*$')"
        told = f"CASE WHEN links_to_us = 0 AND {code} AND NOT {ours} THEN 'language: ' || language END"
        found.append((Removal.LANGUAGE, told))
    return [(name, sql) for name, sql in found if name not in keep]


def _by_words(one: RemovalWords) -> str:
    tests = []
    if one.hosts:
        tests.append(f"WHEN links_to_us = 0 AND key IN ({', '.join(map(literal, one.hosts))}) THEN 'host: ' || key")
    for where, shown, pattern in (
        ("label", "domain", one.label),
        ("label", "domain", one.whole),
        ("path", "path", one.path),
    ):
        if pattern:
            words = literal(pattern)
            kept = (("path", one.but), ("key", one.not_on)) if where == "path" else ()
            but = "".join(f" AND NOT regexp_matches({seen}, {literal(not_if)})" for seen, not_if in kept if not_if)
            tests.append(
                f"WHEN regexp_matches({where}, {words}){but} THEN '{shown}: ' || regexp_extract({where}, {words}, 1)"
            )
    if one.profiles:
        # Few rows are of these hosts, so few pages are looked at.
        hosts = ", ".join(sorted({literal(place.partition("/")[0]) for place in one.profiles}))
        page = literal(rf"^[a-z]+://(?:[^/?#]*\.)?({'|'.join(map(re.escape, one.profiles))})/")
        tests.append(
            f"WHEN links_to_us = 0 AND key IN ({hosts}) AND regexp_matches(lower(page), {page}) "
            f"THEN 'page: ' || regexp_extract(lower(page), {page}, 1)"
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
    """Make `copied`: the sites in `judged` whose best link is a copy of a release. Whether there is one.

    What counts is the window of COPY_DAYS in which a link lies, so that one that came weeks later neither is a copy nor hides them.
    """
    if RELEASE in keep:
        return False
    # Patterns cost most of this, so each page is looked at once; what is kept of a text is what tells it from others.
    engine.run(
        f"""CREATE OR REPLACE TABLE said AS SELECT key, hash(target, said) AS words, best_seen FROM (
            SELECT key, target, best_seen, {_SAID} AS said FROM judged
            WHERE links_to_us = 0 AND best_seen IS NOT NULL AND target IS NOT NULL)
        WHERE length(said) >= {COPY_ANCHOR}"""
    )
    # Few texts are so often there; only their links are put in order.
    engine.run(f"CREATE OR REPLACE TABLE often AS SELECT words FROM said GROUP BY words HAVING count(*) >= {COPIES}")
    window = "PARTITION BY words ORDER BY best_seen RANGE BETWEEN"
    engine.run(
        f"""CREATE OR REPLACE TABLE copied AS SELECT key FROM (
            SELECT key, max(before) OVER ({window} CURRENT ROW AND INTERVAL {COPY_DAYS} DAYS FOLLOWING) AS most FROM (
                SELECT key, words, best_seen,
                    count(*) OVER ({window} INTERVAL {COPY_DAYS} DAYS PRECEDING AND CURRENT ROW) AS before
                FROM said JOIN often USING (words)))
        WHERE most >= {COPIES}"""
    )
    for table in ("said", "often"):
        engine.run(f"DROP TABLE {table}")
    return bool(engine.run("SELECT 1 FROM copied LIMIT 1"))


def frames(engine: Engine, *, keep: Sequence[str] = ()) -> bool:
    """Make `framed`: the sites in `judged` that link from the frame of every page, always by the same words. Whether there is one.

    Reads `link`; without a competitor's link in a frame it looks at nothing else.
    """
    if BLOGROLL in keep or not engine.run("SELECT 1 FROM judged WHERE in_frame AND links_to_us = 0 LIMIT 1"):
        return False
    engine.run(
        f"""CREATE OR REPLACE TABLE framed AS SELECT key FROM judged JOIN link ON link.named = judged.key
        WHERE links_to_us = 0 AND in_frame AND link.side > 0 AND link.flags & {LOST} = 0
        GROUP BY key HAVING count(DISTINCT link.anchor) = 1"""
    )
    return bool(engine.run("SELECT 1 FROM framed LIMIT 1"))
