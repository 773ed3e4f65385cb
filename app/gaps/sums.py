"""The rows of each file summed up by site while the file is scanned, so that what stays in memory grows with sites, not with links.

A sum is narrow on purpose: what is known of all links is a handful of bits, and the best page travels as one text that begins
with its rank, because the engine finds the smallest of two texts much faster than the smallest of two records.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.gaps.engine import Engine
from app.gaps.keying import ask, keyed, load_suffixes

#: Side 0 is us; competitors count from 1 in the order in which they were given.
OURS = 0

#: What is known of the links of one site in one file; `_UNKNOWN`: at least one live link does not say.
LIVE, FOLLOWED, FOLLOW_UNKNOWN, CONTENT, CONTENT_UNKNOWN, GROUPED, SPAM, SPONSORED, UGC, SITEWIDE = (
    1 << n for n in range(10)
)

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


_FLAGS = {
    LIVE: "NOT lost",
    FOLLOWED: "NOT lost AND followed",
    FOLLOW_UNKNOWN: "NOT lost AND followed IS NULL",
    CONTENT: "NOT lost AND in_content",
    CONTENT_UNKNOWN: "NOT lost AND in_content IS NULL",
    GROUPED: "links_in_group > 1",
    SPAM: "spam",
    SPONSORED: "NOT lost AND sponsored",
    UGC: "NOT lost AND ugc",
    SITEWIDE: "NOT lost AND sitewide",
}

_COLUMNS = {
    "rows": ("BIGINT", "count(*)"),
    "lost_rows": ("BIGINT", "count(*) FILTER (lost)"),
    "bad_cells": ("BIGINT", "sum(bad_cells)"),
    "links": ("BIGINT", "coalesce(sum(links) FILTER (NOT lost), 0)"),
    "flags": (
        "INTEGER",
        f"bit_or({' + '.join(f'CASE WHEN {test} THEN {bit} ELSE 0 END' for bit, test in _FLAGS.items())})",
    ),
    "authority": ("DOUBLE", "max(authority)"),
    "traffic": ("BIGINT", "max(traffic)"),
    "first_seen": ("DATE", "min(first_seen) FILTER (NOT lost)"),
    # A null page has no rank, and a null is passed over.
    "best": ("VARCHAR", f"min(CASE WHEN source_url IS NOT NULL THEN {page()} END)"),
}


def create_part(engine: Engine) -> None:
    """The empty tables that `sum_up` fills."""
    columns = ", ".join(f"{name} {kind}" for name, (kind, _sum) in _COLUMNS.items())
    engine.run(f"CREATE OR REPLACE TABLE part (named VARCHAR, {columns}, side TINYINT, file SMALLINT)")
    engine.run("CREATE OR REPLACE TABLE source_file (file SMALLINT, profile VARCHAR, provider VARCHAR)")
    load_suffixes(engine)


def register_file(engine: Engine, number: int, profile: str, provider: str) -> None:
    """Tell the engine which format and whose figures file `number` holds."""
    engine.run("INSERT INTO source_file VALUES (?, ?, ?)", [number, profile, provider])


def sum_up(engine: Engine, rows: str, number: int, side: str) -> None:
    """Add the rows (SQL) of file `number` to `part`; `side` is an SQL expression: a number, or a CASE over `target`."""
    sums = ", ".join(f"{value} AS {name}" for name, (_kind, value) in _COLUMNS.items())
    engine.run(
        f"INSERT INTO part SELECT named, {sums}, ({side}) AS side, {number} FROM {keyed(rows)} "
        f"GROUP BY named{'' if side.isdecimal() else ', side'}"
    )


def without_mentions(rows: str) -> str:
    """SQL for the rows (SQL) that are links; a row that only names the brand counts for nothing here."""
    return f"SELECT * FROM ({rows}) WHERE mention IS NOT TRUE"


def count_mentions(engine: Engine, rows: str) -> int:
    """How many of the rows (SQL) only name the brand."""
    return int(engine.run(f"SELECT count(*) FILTER (mention) FROM ({rows})")[0][0])


def finish_sums(engine: Engine) -> None:
    """Decide the keys that the engine had to leave open. Comes after the last `sum_up` and before any look at keys."""
    ask(engine, "part")
