"""The links of every file in one table that later steps sum up: narrow, with whole numbers where a text would do.

A site is a number here (the hash of its key), so that summing up compares and keeps numbers of a fixed size, which the engine
can move to disk when there are many. Texts are looked at again for one link of each site, the best one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.gaps.engine import Engine, literal
from app.gaps.keying import ASK, ask, keyed, load_suffixes

#: Side 0 is us; competitors count from 1 in the order in which they were given.
OURS = 0

#: What is known of one link; `_UNKNOWN`: the file does not say. The first FLAG_BITS are looked at by side.
FOLLOWED, FOLLOW_UNKNOWN, CONTENT, CONTENT_UNKNOWN, GROUPED, LOST, SPAM = (1 << n for n in range(7))
FLAG_BITS = 6
#: The link stands on many pages of its site, and not in the content of any: in its frame.
FRAME = 1 << 7
#: The link stands in the content, or the tool says at least that it is not on every page.
PLACED = 1 << 8
#: From so many links of one source in a group on, they stand on every page.
EVERY_PAGE = 100

#: Between the texts of a page; `app.gaps.textfile` lets it through in no file.
SEPARATOR = "chr(31)"

#: The order of the pages of one source, best first, as one number: a link that stands, followed, in the content, on a strong page
#: (rating to a tenth), which is read. Unknown ranks below zero: CASE and not greatest(), which passes over a null and would
#: call it zero. The first term keeps it at 18 digits, so that it sorts as a text too.
_RANK = """
    200000000000000000 + CASE WHEN lost THEN 90000000000000000 ELSE 0 END
    + CASE WHEN followed THEN 0 WHEN followed IS NULL THEN 30000000000000000 ELSE 60000000000000000 END
    + CASE WHEN in_content THEN 0 WHEN in_content IS NULL THEN 10000000000000000 ELSE 20000000000000000 END
    - CASE WHEN page_authority IS NULL THEN 0 ELSE least(greatest((page_authority * 10)::BIGINT, 0), 9990) + 1 END * 1000000000000
    - CASE WHEN page_traffic IS NULL THEN 0 ELSE least(greatest(page_traffic, 0), 999999999998) + 1 END
"""
_RANK_DIGITS = 18

#: The texts of a page, in order. Titles and the words around a link are not carried: they are long, and read for few rows only.
PAGE_TEXTS = {
    "page": "source_url",
    "target": "target_url",
    "language": "language",
    "page_type": "page_type",
    "link_type": "link_type",
    "anchor": "anchor",
}

#: What is read of a page when somebody looks at it closely.
CLOSE_TEXTS = {
    **PAGE_TEXTS,
    "title": "title",
    "left_context": "right(left_context, 120)",
    "right_context": "left(right_context, 120)",
}


def page(texts: Mapping[str, str] = PAGE_TEXTS) -> str:
    """SQL for a page as one text: its rank, then `texts` in their order."""
    return f"concat(({_RANK})::VARCHAR, {f', {SEPARATOR}, '.join(texts.values())})"


def page_text(name: str, page: str = "best", texts: Mapping[str, str] = PAGE_TEXTS) -> str:
    """SQL for one of the `texts` of a page; null where it is empty or there is no page."""
    number = list(texts).index(name) + 1
    text = f"split_part({page}, {SEPARATOR}, {number})"
    return f"nullif({f'substr({text}, {_RANK_DIGITS + 1})' if number == 1 else text}, '')"


#: Beyond the rank of every page: a link without a page, and a link to us, whose page is nobody's evidence.
NO_PAGE, NOT_THEIRS = 400000000000000000, 800000000000000000

_FLAGS = f"""CASE WHEN NOT lost THEN
        CASE WHEN followed THEN {FOLLOWED} WHEN followed IS NULL THEN {FOLLOW_UNKNOWN} ELSE 0 END
        + CASE WHEN in_content THEN {CONTENT} WHEN in_content IS NULL THEN {CONTENT_UNKNOWN} ELSE 0 END
    WHEN lost THEN {LOST} ELSE 0 END
    + CASE WHEN links_in_group > 1 THEN {GROUPED} ELSE 0 END + CASE WHEN spam THEN {SPAM} ELSE 0 END
    + CASE WHEN NOT lost AND (sitewide AND in_content IS NOT TRUE OR links_in_group >= {EVERY_PAGE} AND NOT in_content) THEN {FRAME} ELSE 0 END
    + CASE WHEN in_content OR in_content IS NULL AND NOT sitewide THEN {PLACED} ELSE 0 END"""

#: A link: `id` is its site (null where Python has to be asked for the key, or there is none), `rank` its page's, smallest best.
_LINK = {
    "id": ("BIGINT", f"CASE WHEN NOT starts_with(named, '{ASK}') THEN (hash(named) >> 1)::BIGINT END"),
    "named": ("VARCHAR", "named"),
    "side": ("TINYINT", "side"),
    "file": ("SMALLINT", "file"),
    "rank": (
        "BIGINT",
        f"({_RANK}) + CASE WHEN source_url IS NULL THEN {NO_PAGE} ELSE 0 END + CASE WHEN side > 0 THEN 0 ELSE {NOT_THEIRS} END",
    ),
    "links": ("BIGINT", "CASE WHEN NOT lost AND links > 0 THEN links ELSE 0 END"),
    "flags": ("INTEGER", _FLAGS),
    "bad_cells": ("INTEGER", "bad_cells"),
    "authority": ("DOUBLE", "authority"),
    "traffic": ("BIGINT", "traffic"),
    "last_seen": ("DATE", "last_seen"),
}
#: What is kept of links to competitors only.
_EVIDENCE = {
    "first_seen": ("DATE", "CASE WHEN NOT lost THEN first_seen END"),
    "page": ("VARCHAR", "source_url"),
    "target": ("VARCHAR", "target_url"),
    "anchor": ("VARCHAR", "anchor"),
    "language": ("VARCHAR", "language"),
    "page_type": ("VARCHAR", "page_type"),
}
_COLUMNS = _LINK | _EVIDENCE


def create_links(engine: Engine) -> None:
    """The empty tables that `take_in` fills."""
    columns = ", ".join(f"{name} {kind}" for name, (kind, _value) in _COLUMNS.items())
    engine.run(f"CREATE OR REPLACE TABLE link ({columns})")
    engine.run("CREATE OR REPLACE TABLE source_file (file SMALLINT, profile VARCHAR, provider VARCHAR)")
    load_suffixes(engine)


def register_file(engine: Engine, number: int, profile: str, provider: str) -> None:
    """Tell the engine which format and whose figures file `number` holds."""
    engine.run("INSERT INTO source_file VALUES (?, ?, ?)", [number, profile, provider])


def take_in(engine: Engine, rows: str, number: int, side: str, *, dated: bool = False) -> None:
    """Add the rows (SQL) of file `number` to `link`; `side` is an SQL expression: a number, or a CASE over `target`.

    With `dated` each keeps the day on which its tool saw it last; nobody else asks for it.
    """
    # Not seen again since an earlier crawl: no link of theirs to count on, and of ours none that may be overlooked.
    lost = "lost" if side == str(OURS) else "lost OR (side > 0 AND old_crawl IS TRUE)"
    sided = f"""SELECT * REPLACE ({lost} AS lost)
        FROM (SELECT *, ({side})::TINYINT AS side, {number}::SMALLINT AS file FROM ({rows}))"""
    values = [value if dated or name != "last_seen" else "NULL" for name, (_kind, value) in _LINK.items()]
    for _kind, value in _EVIDENCE.values():
        # Said beforehand where the side is known, so that the engine does not even read the texts of a file of ours.
        theirs = value if side.isdecimal() else f"CASE WHEN side > 0 THEN {value} END"
        values.append("NULL" if side == str(OURS) else theirs)
    engine.run(f"INSERT INTO link SELECT {', '.join(values)} FROM {keyed(sided)}")


def without_mentions(rows: str) -> str:
    """SQL for the rows (SQL) that are links; a row that only names the brand counts for nothing here."""
    return f"SELECT * FROM ({rows}) WHERE mention IS NOT TRUE"


def count_mentions(engine: Engine, rows: str) -> int:
    """How many of the rows (SQL) only name the brand."""
    return int(engine.run(f"SELECT count(*) FILTER (mention) FROM ({rows})")[0][0])


def decide_keys(engine: Engine) -> None:
    """Ask for the keys that the engine had to leave open. Comes after the last `take_in` and before any look at keys."""
    ask(engine, "link")


def settle_keys(engine: Engine) -> None:
    """Give the links whose key was asked for their site; what is left without one names none. Comes once, after the account."""
    if engine.run("SELECT 1 FROM asked WHERE key IS NOT NULL LIMIT 1"):
        columns = ", ".join(name for name in _COLUMNS if name not in {"id", "named"})
        engine.run(
            f"""INSERT INTO link SELECT (hash(key) >> 1)::BIGINT, key, {columns} FROM link JOIN asked ON named = asked.site
            WHERE id IS NULL AND key IS NOT NULL"""
        )


#: SQL for a rating as a whole number of tenths, 0 to 1000.
TENTHS = "round(least(greatest({}, 0), 100) * 10)::INTEGER"


def scale_sql(providers: Sequence[str]) -> str:
    """Each tool's own scale: for every rating to a tenth its percentile among the sites that the tool rates.

    That is the share of those below and of half of its equals, in percent to one decimal (`docs/explanation/gap.md`).
    """
    figures = [
        f"""SELECT {literal(name)} AS provider, {TENTHS.format(f"authority_{number}")} AS tenths FROM site_sum
        WHERE authority_{number} IS NOT NULL"""
        for number, name in enumerate(providers)
    ]
    return f"""CREATE OR REPLACE TABLE scale AS SELECT provider, tenths,
            round(100.0 * (sum(same) OVER (PARTITION BY provider ORDER BY tenths) - same / 2.0) / sum(same) OVER (PARTITION BY provider), 1)
                AS authority_percentile
        FROM (SELECT provider, tenths, count(*) AS same FROM ({" UNION ALL ".join(figures)}) rated GROUP BY provider, tenths) counted"""
