"""The row of a backlink, the same from every format: the SQL that makes it from the cells of a file.

A row: one link (kind `pages`), or one source domain (kind `domains`), or one source domain and one target (kind `matrix`).
All columns but `site` and `links` may be null, and null means unknown. This is also the schema of the Parquet snapshots.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.keys import PATH_TENANTS
from app.gaps import dates
from app.gaps.detect import Layout
from app.gaps.profiles import FIELD_TYPES, PARTS, SPAM_SCORE

#: Bumped when the meaning of a column changes; a snapshot carries it in its Parquet metadata.
SCHEMA_VERSION = 5

#: Columns of a row in order, with the engine's types.
COLUMNS: dict[str, str] = {
    "site": "VARCHAR",  # the host (or host/tenant) of the source as written; its key is computed when a gap is
    "source_url": "VARCHAR",
    "target": "VARCHAR",  # matrix: the target column; else null
    "followed": "BOOLEAN",
    "lost": "BOOLEAN",
    "links": "BIGINT",
    "bad_cells": "INTEGER",  # figures in this row that could not be read
    **{
        name: {
            "text": "VARCHAR",
            "bool": "BOOLEAN",
            "flag": "BOOLEAN",
            "number": "DOUBLE",
            "integer": "BIGINT",
            "date": "DATE",
        }[kind]
        for name, kind in FIELD_TYPES.items()
        if name not in {"source", "follow", "nofollow_flag", "links"} | PARTS
    },
}

#: What spreadsheets make of true and false when they save a table in their own language; Turkish also as lower() writes it.
_EXCEL_TRUE = [
    "wahr",
    "vrai",
    "verdadero",
    "verdadeiro",
    "vero",
    "waar",
    "prawda",
    "истина",
    "sant",
    "sand",
    "sann",
    "tosi",
    "pravda",
    "igaz",
    "doğru",
    "adevărat",
]
_EXCEL_FALSE = [
    "falsch",
    "faux",
    "falso",
    "onwaar",
    "fałsz",
    "ложь",
    "falskt",
    "falsk",
    "usann",
    "epätosi",
    "nepravda",
    "hamis",
    "yanlış",
    "yanliş",
    "fals",
]
#: Nothing, however it is written: no flag, no mark, no day.
_NOTHING = ("", "-", "–", "—", "n/a", "null", "none", "nil", "×", "✗", "✘", "0000-00-00", "0000-00-00 00:00:00")


def _words(*words: str) -> str:
    return ", ".join(f"'{word}'" for word in words)


_TRUE = _words("true", "t", "1", "yes", "y", "nofollow", "no-follow", "ugc", "sponsored", *_EXCEL_TRUE)
_NO = ("false", "f", "0", "no", "n", *_EXCEL_FALSE)
_FALSE = _words(*_NO, "dofollow", "do-follow", "follow", "followed")

#: Conversions, once for each connection. Figures come as 1240, "1,240", 1.240 (grouped), 4.5 and 4,5; anything else is null.
MACROS = (
    # Trimming goes letter by letter through every script; a plain text without a space at an end is told by two lengths.
    """CREATE OR REPLACE MACRO gb_text(x) AS CASE
        WHEN strlen(x) = length(x) AND NOT starts_with(x, ' ') AND NOT suffix(x, ' ') AND x <> '' THEN x
        ELSE nullif(trim(x), '') END""",
    # The common form comes first in each: CASE and coalesce() look at the rest only for the rows that are left.
    r"""CREATE OR REPLACE MACRO gb_integer(x) AS coalesce(CASE WHEN NOT contains(x, '.') THEN try_cast(x AS BIGINT) END, CASE
        WHEN x IS NULL THEN NULL
        WHEN regexp_full_match(trim(x), '-?[0-9]{1,3}([.,'' \x{00A0}\x{202F}][0-9]{3})+')
            THEN try_cast(regexp_replace(x, '[^0-9-]', '', 'g') AS BIGINT)
        ELSE try_cast(round(try_cast(replace(trim(x), ',', '.') AS DOUBLE)) AS BIGINT) END)""",
    # "nan" and "inf" are no figures, whatever a type takes them for: nothing is above or below them, and JSON has none of them.
    "CREATE OR REPLACE MACRO gb_finite(x) AS CASE WHEN isfinite(x) THEN x END",
    r"""CREATE OR REPLACE MACRO gb_number(x) AS
        gb_finite(coalesce(try_cast(x AS DOUBLE), try_cast(replace(trim(x), ',', '.') AS DOUBLE)))""",
    f"""CREATE OR REPLACE MACRO gb_bool(x) AS CASE
        WHEN x = 'true' THEN true WHEN x = 'false' THEN false WHEN x IS NULL THEN NULL
        WHEN lower(trim(x)) IN ({_TRUE}) THEN true WHEN lower(trim(x)) IN ({_FALSE}) THEN false END""",
    # Whether a link is followed, also in the words of its rel; `gb_bool` knows those of a column that says nofollow.
    """CREATE OR REPLACE MACRO gb_follow(x) AS CASE
        WHEN lower(trim(x)) IN ('dofollow', 'do-follow', 'follow', 'followed') THEN true
        WHEN lower(trim(x)) IN ('nofollow', 'no-follow', 'ugc', 'sponsored') THEN false ELSE gb_bool(x) END""",
    # A flag is set by whatever stands in its cell, unless that is a word for no or for nothing.
    f"""CREATE OR REPLACE MACRO gb_flag(x) AS coalesce(lower(trim(x)) NOT IN ({_words(*_NO, *_NOTHING)}), false)""",
    # The cell of a target column: a count, or a mark.
    "CREATE OR REPLACE MACRO gb_hits(x) AS coalesce(gb_integer(x), CASE WHEN gb_flag(x) THEN 1 ELSE 0 END)",
    *dates.MACROS,
    # A page that can be asked for: some tools name it without a scheme, with a space, or with whoever's name and password in it.
    r"""CREATE OR REPLACE MACRO gb_page(x) AS CASE
        WHEN (starts_with(x, 'https://') OR starts_with(x, 'http://')) AND NOT contains(x, ' ') AND NOT contains(split_part(x, '/', 3), '@') THEN x
        ELSE regexp_replace(replace(CASE WHEN regexp_matches(x, '^[A-Za-z][A-Za-z0-9+.-]*://') THEN x ELSE 'https://' || ltrim(x, '/') END, ' ', '%20'),
            '^([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@', '\1') END""",
)

_TENANT_HOSTS = ", ".join(f"'{prefix}{host}'" for host in PATH_TENANTS for prefix in ("", "www.", "m."))

#: The source without its scheme. Written out where few rows need it, because a column is computed for all of them.
#: An address may hold another one behind its own ("web.archive.org/web/2019/https://...").
_BARE = "ltrim(regexp_replace(source, '^[A-Za-z][A-Za-z0-9+.-]*://', ''), '/')"

#: The host of the source in lower case, with two path segments where the host gives paths to people. `www.` stays: with it,
#: www.gov.uk is more than a public suffix.
_SITE = f"""CASE WHEN host IN ({_TENANT_HOSTS}) THEN host || '/' || split_part({_BARE}, '/', 2) || '/' || split_part({_BARE}, '/', 3)
    ELSE host END"""

_PLAIN_URL = "starts_with(source, 'https://') OR starts_with(source, 'http://')"


def _with_host(source: str, relation: str) -> str:
    """SQL that adds `source` and `host`. One step a level: written into one expression, the engine computes the inner ones
    again and again (six times the cost of the whole scan)."""
    host = f"CASE WHEN {_PLAIN_URL} THEN split_part(source, '/', 3) ELSE split_part({_BARE}, '/', 1) END"
    return f"(SELECT *, lower({host}) AS host FROM (SELECT *, {source} AS source FROM {relation}))"


#: What a cell of these kinds can be read as at once; a file with one cell that cannot is read as text instead. Whole numbers
#: are not among them: the reader takes "1.240" for one and a bit.
READ_AS = {"number": "DOUBLE", "bool": "BOOLEAN", "flag": "BOOLEAN"}


def read_types(layout: Layout) -> dict[int, str]:
    """The engine's type of each column that can be read as what it means; every other column is text."""
    if layout.profile.kind == "matrix":
        return {}
    kinds = {column: FIELD_TYPES[name] for name, column in layout.fields.items()}
    kinds = {column: kind for column, kind in kinds.items() if list(layout.fields.values()).count(column) == 1}
    told = [*layout.profile.lost_if_filled, *layout.profile.lost_if_true]
    said = {layout.column(header) for header in told}
    return {column: READ_AS[kind] for column, kind in kinds.items() if kind in READ_AS and column not in said}


def select_rows(layout: Layout, source: str, types: Mapping[int, str] | None = None) -> str:
    """SQL that turns the cells `c0, c1, ...` of the relation `source` into rows; a matrix gives one row for each filled target.

    `types` are the columns that are no text but already what they mean (`read_types`).
    """
    relation = _with_host(f"gb_text(c{layout.fields['source']})", source)
    if layout.profile.kind != "matrix":
        return f"SELECT {_columns(layout, types or {})} FROM {relation}"
    hits = ", ".join(f"{{'target': '{key}', 'cell': c{column}}}" for key, column in layout.targets.items())
    spread = f"SELECT *, unnest([{hits}]) AS hit FROM {relation}"
    return f"SELECT {_columns(layout, {})} FROM ({spread}) WHERE gb_hits(hit.cell) > 0"


def _columns(layout: Layout, types: Mapping[int, str]) -> str:
    cells = {name: f"c{column}" for name, column in layout.fields.items()}
    values = {name: f"gb_{FIELD_TYPES[name]}({cell})" for name, cell in cells.items()}
    for name, column in layout.fields.items():
        if FIELD_TYPES[name] == "date" and layout.slashes.get(column):
            values[name] = f"gb_date_{layout.slashes[column]}(c{column})"
    read = {name: cells[name] for name, column in layout.fields.items() if column in types}
    as_read = {"flag": "coalesce({}, false)", "number": "gb_finite({})"}
    values |= {name: as_read.get(FIELD_TYPES[name], "{}").format(cell) for name, cell in read.items()}
    pages = layout.profile.kind == "pages"
    matrix = layout.profile.kind == "matrix"
    counted = "gb_hits(hit.cell)" if matrix else values.get("links", "1")
    if layout.profile.repeats:
        # Each row counts as it stands, but only the first of a link counts as a link.
        same = ", ".join(cells[name] for name in ("source", "target_url") if name in cells)
        counted = f"CASE WHEN row_number() OVER (PARTITION BY {same}) = 1 THEN 1 ELSE 0 END"
    values |= {
        "site": _SITE,
        "source_url": "gb_page(source)" if pages or layout.profile.pages else "NULL",
        "target": "hit.target" if matrix else "NULL",
        "followed": _followed(values),
        "link_type": _link_type(values),
        "spam": _spam(values),
        "lost": _lost(layout),
        "links": "1" if pages and not layout.profile.repeats else f"coalesce({counted}, 1)",
        # A figure that was read as one was readable.
        "bad_cells": _bad_cells({name: cell for name, cell in cells.items() if name not in read}, values),
    }
    return ", ".join(f"CAST({values.get(name, 'NULL')} AS {kind}) AS {name}" for name, kind in COLUMNS.items())


def _link_type(values: dict[str, str]) -> str:
    flags = [f"WHEN {values[name]} THEN '{name}'" for name in ("redirect", "frame") if name in values]
    said = values.get("link_type", "NULL")
    return f"CASE {' '.join(flags)} ELSE {said} END" if flags else said


def _spam(values: dict[str, str]) -> str:
    # A score below nought stands for none.
    score = (
        f"CASE WHEN {values['spam_score']} >= 0 THEN {values['spam_score']} > {SPAM_SCORE} END"
        if "spam_score" in values
        else None
    )
    return values.get("spam") or score or "NULL"


def _followed(values: dict[str, str]) -> str:
    """True, false or null (the file cannot say). ugc and sponsored count as not followed, as search engines treat them."""
    if "follow" in values:
        return values["follow"]
    flags = [values[name] for name in ("nofollow", "nofollow_flag", "ugc", "sponsored") if name in values]
    if flags:
        any_true = " OR ".join(f"coalesce({flag}, false)" for flag in flags)
        return f"CASE WHEN {any_true} THEN false WHEN {flags[0]} IS NOT NULL THEN true END"
    if "dofollow_links" in values:
        return f"{values['dofollow_links']} > 0"
    return "NULL"


def _lost(layout: Layout) -> str:
    told = [*layout.profile.lost_if_filled, *layout.profile.lost_if_true]
    columns = [column for header in told if (column := layout.column(header)) is not None]
    return " OR ".join(f"gb_flag(c{column})" for column in columns) or "false"


def _bad_cells(cells: dict[str, str], values: dict[str, str]) -> str:
    # Only what decides something: a rating that nobody can read must not pass as "the file does not know".
    asked = [
        name for name in ("authority", "traffic", "links", "dofollow_links", "follow", "nofollow") if name in cells
    ]
    tests = [
        f"CASE WHEN {values[name]} IS NULL AND gb_text({cells[name]}) IS NOT NULL THEN 1 ELSE 0 END" for name in asked
    ]
    return " + ".join(tests) or "0"
