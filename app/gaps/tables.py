"""The gap as SQL: from rows to one line for each source domain, by the rules of `app.domain.gap`.

Two steps. `part`: while a file is scanned, its rows are summed up by source site as written, so that what stays in memory grows
with sites and not with links. `gap`: sites become keys, keys meet targets, and the rules are applied once for each key.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from app.domain import gap as rules
from app.domain.keys import PATH_TENANTS, TENANT_HOSTS, TENANT_LABELS
from app.gaps.engine import Engine, literal
from app.keys import registrable_domain, site_key

#: The gap table's columns: name, engine type. The order is public.
GAP_COLUMNS = {
    "domain": "VARCHAR",
    "class": "VARCHAR",
    "tier": "INTEGER",
    "overlap": "INTEGER",
    "competitors": "VARCHAR",
    "links": "BIGINT",
    "dofollow": "BOOLEAN",
    "links_to_us": "BIGINT",
    "best_page": "VARCHAR",
    "target": "VARCHAR",
    "anchor": "VARCHAR",
    "authority": "DOUBLE",
    "authority_provider": "VARCHAR",
    "traffic": "BIGINT",
    "language": "VARCHAR",
    "first_seen": "DATE",
    "score": "DOUBLE",
    "removed_by": "VARCHAR",
}

#: Side 0 is us; competitors count from 1 in the order in which they were given.
OURS = 0

#: The order of the pages of one source, best first, as one number: a link that stands, followed, in the content, on a strong page
#: (rating to a tenth), which is read. One number and the URL compare faster than nine fields. Unknown ranks below zero: CASE
#: and not greatest(), which passes over a null and would call it zero.
_RANK = """
    CASE WHEN lost THEN 90000000000000000 ELSE 0 END
    + CASE WHEN followed THEN 0 WHEN followed IS NULL THEN 30000000000000000 ELSE 60000000000000000 END
    + CASE WHEN in_content THEN 0 WHEN in_content IS NULL THEN 10000000000000000 ELSE 20000000000000000 END
    - CASE WHEN page_authority IS NULL THEN 0 ELSE least(greatest((page_authority * 10)::BIGINT, 0), 9990) + 1 END * 1000000000000
    - CASE WHEN page_traffic IS NULL THEN 0 ELSE least(greatest(page_traffic, 0), 999999999998) + 1 END
"""
_BEST = f"""{{'rank': {_RANK}, 'page': source_url,
    'target': coalesce(target_url, ''), 'anchor': coalesce(anchor, ''), 'language': coalesce(language, '')}}"""

_PART_COLUMNS = {
    "site": "site",
    "rows": "count(*)",
    "lost_rows": "count(*) FILTER (lost)",
    "bad_cells": "sum(bad_cells)",
    "links": "coalesce(sum(links) FILTER (NOT lost), 0)::BIGINT",
    "any_followed": "bool_or(followed) FILTER (NOT lost)",
    "follow_unknown": "bool_or(followed IS NULL) FILTER (NOT lost)",
    "any_content": "bool_or(in_content) FILTER (NOT lost)",
    "content_unknown": "bool_or(in_content IS NULL) FILTER (NOT lost)",
    "grouped": "bool_or(links_in_group > 1)",
    "authority": "max(authority)",
    "traffic": "max(traffic)",
    "spam": "bool_or(spam)",
    "first_seen": "min(first_seen) FILTER (NOT lost)",
    # A null page has no rank, and a null is passed over.
    "best": f"min(CASE WHEN source_url IS NOT NULL THEN {_BEST} END)",
}


def create_part(engine: Engine) -> None:
    """The empty tables that `sum_up` and `gap_table` fill."""
    empty = (
        "SELECT NULL::VARCHAR AS site, NULL::BOOLEAN AS lost, 0 AS links, 0 AS bad_cells, NULL::BOOLEAN AS followed, "
    )
    empty += "NULL::BOOLEAN AS in_content, NULL::BIGINT AS links_in_group, NULL::DOUBLE AS authority, NULL::BIGINT AS traffic, "
    empty += "NULL::BOOLEAN AS spam, NULL::DATE AS first_seen, NULL::DOUBLE AS page_authority, NULL::BIGINT AS page_traffic, "
    empty += (
        "NULL::VARCHAR AS source_url, NULL::VARCHAR AS target_url, NULL::VARCHAR AS anchor, NULL::VARCHAR AS language"
    )
    engine.run(f"CREATE OR REPLACE TABLE part AS {_summed(f'({empty})', 'NULL::INTEGER', 0)} LIMIT 0")
    engine.run("CREATE OR REPLACE TABLE source_file (file INTEGER, profile VARCHAR, provider VARCHAR, place INTEGER)")


def register_file(engine: Engine, number: int, profile: str, provider: str) -> None:
    """Tell the engine which format and whose figures file `number` holds."""
    place = rules.PROVIDER_ORDER.index(provider) if provider in rules.PROVIDER_ORDER else len(rules.PROVIDER_ORDER)
    engine.run("INSERT INTO source_file VALUES (?, ?, ?, ?)", [number, profile, provider, place])


def sum_up(engine: Engine, rows: str, number: int, side: str) -> None:
    """Add the rows (SQL) of file `number` to `part`; `side` is an SQL expression: a number, or a CASE over `target`."""
    engine.run(f"INSERT INTO part {_summed(f'({rows})', side, number)}")  # built from our own constants


def _summed(rows: str, side: str, number: int) -> str:
    columns = ", ".join(f"{value} AS {name}" for name, value in _PART_COLUMNS.items())
    return f"SELECT {columns}, ({side}) AS side, {number} AS file FROM {rows} GROUP BY ALL"


def _plain_suffixes() -> tuple[set[str], set[str]]:
    """From the list: suffixes of one label, and the last two labels of every longer rule (as A-labels)."""
    data = resources.files("publicsuffixlist").joinpath("public_suffix_list.dat").read_text(encoding="utf-8")
    single: set[str] = set()
    longer: set[str] = set()
    for line in data.splitlines():
        rule = line.strip().removeprefix("!")
        if not rule or rule.startswith("//"):
            continue
        labels = rule.removeprefix("*.").encode("idna").decode("ascii").split(".")
        if rule.startswith("*."):
            # Every name below is its own suffix, so no two labels of such a TLD can be taken for a registrable domain.
            longer.add(".".join(labels[-2:]) if len(labels) > 1 else f"*.{labels[-1]}")
        elif len(labels) == 1:
            single.add(labels[0])
        else:
            longer.add(".".join(labels[-2:]))
    wild = {rule.removeprefix("*.") for rule in longer if rule.startswith("*.")}
    return single - wild, longer


def key_sites(engine: Engine) -> None:
    """Fill `site_key(site, key)` for every site in `part`.

    Most hosts end in a suffix of one label that no longer rule touches: the engine takes their last two labels itself. The
    rest (`co.uk`, platforms, other scripts, paths) are asked of `app.keys`, each distinct text once.
    """
    single, longer = _plain_suffixes()
    special = (
        longer
        | {host for host in TENANT_HOSTS if host.count(".") == 1}
        | {h for h in PATH_TENANTS if h.count(".") == 1}
    )
    engine.run("CREATE OR REPLACE TABLE plain_suffix AS SELECT unnest(?) AS suffix", [sorted(single)])
    engine.run("CREATE OR REPLACE TABLE special AS SELECT unnest(?) AS ending", [sorted(special)])
    labels = ", ".join(literal(label) for label in sorted(TENANT_LABELS))
    engine.run(
        rf"""CREATE OR REPLACE TABLE site_key AS
        WITH sites AS (SELECT DISTINCT site FROM part WHERE site IS NOT NULL AND site <> ''),
        cut AS (SELECT site, CASE WHEN regexp_full_match(site, '[a-z0-9_][a-z0-9_-]*(\.[a-z0-9_-]+)+') AND length(site) < 250
                THEN string_split(site, '.') END AS labels FROM sites),
        ends AS (SELECT site, labels[-1] AS last, labels[-2] AS name FROM cut)
        SELECT site, CASE WHEN last IN (SELECT suffix FROM plain_suffix)
                AND (name || '.' || last) NOT IN (SELECT ending FROM special)
                AND name NOT IN ({labels}) AND name NOT LIKE '-%'
            THEN name || '.' || last END AS key FROM ends"""
    )
    asked = [site for (site,) in engine.run("SELECT site FROM site_key WHERE key IS NULL")]
    if asked:
        keys = [site_key(site) if "/" in site else registrable_domain.__wrapped__(site) for site in asked]
        engine.run("CREATE OR REPLACE TABLE asked AS SELECT unnest(?) AS site, unnest(?) AS key", [asked, keys])
        engine.run(
            "UPDATE site_key SET key = asked.key FROM asked WHERE site_key.site = asked.site AND site_key.key IS NULL"
        )


def _either(any_column: str, unknown_column: str) -> str:
    """True if one is, false if all are known and none is, else null."""
    return f"CASE WHEN bool_or({any_column}) THEN true WHEN bool_or({unknown_column}) THEN NULL ELSE bool_or({any_column}) END"


def best_pages(rows: str, most: int) -> str:
    """SQL for (key, list of at most `most` pages) of the gaps in `gap`, best first, from rows of competitors' links."""
    page = _BEST.strip().removesuffix("}") + ", 'title': coalesce(title, '')}"
    return f"""SELECT key, min({page}, {most}) FROM ({rows}) JOIN site_key USING (site)
        JOIN (SELECT domain AS key FROM gap WHERE tier IS NOT NULL) USING (key)
        WHERE source_url IS NOT NULL AND NOT coalesce(lost, false) GROUP BY key"""


def gap_table(engine: Engine, names: Sequence[str], own_keys: Sequence[str], competitor_keys: Sequence[str]) -> int:
    """Make the table `gap` (GAP_COLUMNS in rank order); return how many competitors have data. `key_sites` comes first."""
    engine.run("CREATE OR REPLACE TABLE competitor (side INTEGER, name VARCHAR)")
    for number, name in enumerate(names, 1):
        engine.run("INSERT INTO competitor VALUES (?, ?)", [number, name])
    engine.run("CREATE OR REPLACE TABLE own AS SELECT unnest(?::VARCHAR[]) AS key", [list(own_keys)])
    engine.run("CREATE OR REPLACE TABLE rival AS SELECT unnest(?::VARCHAR[]) AS key", [list(competitor_keys)])
    # From here on a key is a number: numbers group and join at a fraction of the cost of names.
    engine.run(
        """CREATE OR REPLACE TABLE name_of AS
        SELECT name, row_number() OVER ()::INTEGER AS key FROM (SELECT DISTINCT key AS name FROM site_key WHERE key IS NOT NULL)"""
    )
    engine.run(
        """CREATE OR REPLACE TABLE keyed AS SELECT name_of.key, part.* EXCLUDE (site, rows, lost_rows, bad_cells)
        FROM part JOIN site_key USING (site) JOIN name_of ON name_of.name = site_key.key WHERE side IS NOT NULL"""
    )
    # Links of one key to one target by format: two formats of one tool describe the same links, so they are not added up.
    engine.run(
        f"""CREATE OR REPLACE TABLE by_format AS
        SELECT key, side, profile, any_value(provider) AS provider, any_value(place) AS place,
            sum(links)::BIGINT AS links, {_either("any_followed", "follow_unknown")} AS followed,
            {_either("any_content", "content_unknown")} AS in_content, coalesce(bool_or(grouped), false) AS grouped,
            max(authority) AS authority, max(traffic) AS traffic, bool_or(spam) AS spam,
            min(first_seen) AS first_seen
        FROM keyed JOIN source_file USING (file) GROUP BY key, side, profile"""
    )
    engine.run(
        """CREATE OR REPLACE TABLE pages AS
        SELECT key, min(best) AS best FROM keyed WHERE side > 0 AND best IS NOT NULL GROUP BY key"""
    )
    # What is summed up is not needed any more, and millions of sites fill the memory that the next steps want.
    engine.run("DROP TABLE part")
    engine.run("DROP TABLE keyed")
    engine.run(
        """CREATE OR REPLACE TABLE by_side AS
        SELECT key, side, max(links) AS links, bool_or(followed) AS followed, bool_or(in_content) AS in_content,
            min(first_seen) AS first_seen
        FROM by_format GROUP BY key, side"""
    )
    with_data = engine.run("SELECT count(DISTINCT side) FROM by_side WHERE side > 0 AND links > 0")[0][0]
    # Better than ours (rules.is_better): only where the source links to us at all. Counts compare within one format.
    engine.run(
        """CREATE OR REPLACE TABLE better AS
        WITH ours AS (SELECT * FROM by_side WHERE side = 0 AND links > 0),
        pages AS (
            SELECT theirs.key, theirs.side, bool_or(theirs.links > mine.links) AS more
            FROM by_format theirs JOIN by_format mine ON mine.key = theirs.key AND mine.profile = theirs.profile AND mine.side = 0
            WHERE theirs.side > 0 AND NOT theirs.grouped AND NOT mine.grouped AND mine.links > 0 GROUP BY ALL)
        SELECT theirs.key, bool_or(CASE
            WHEN theirs.followed <> ours.followed THEN theirs.followed
            WHEN theirs.in_content <> ours.in_content THEN theirs.in_content
            ELSE coalesce(pages.more, false) END) AS better
        FROM by_side theirs JOIN ours ON ours.key = theirs.key
        LEFT JOIN pages ON pages.key = theirs.key AND pages.side = theirs.side
        WHERE theirs.side > 0 AND theirs.links > 0 GROUP BY theirs.key"""
    )
    engine.run(_scored_sql(int(with_data)))
    engine.run(_PLACED)
    for table in ("scored", "pages", "better", "by_format"):
        engine.run(f"DROP TABLE {table}")
    return int(with_data)


def _scored_sql(with_data: int) -> str:
    weights = rules.WEIGHTS
    removed = [
        (rules.Removal.OWN, "name IN (SELECT key FROM own)"),
        (rules.Removal.COMPETITOR, "name IN (SELECT key FROM rival)"),
        (rules.Removal.SPAM, "coalesce(spam, false)"),
        (rules.Removal.LOST, "overlap = 0 AND links_to_us = 0"),
    ]
    removed_by = ", ".join(f"CASE WHEN {test} THEN '{rule}' END" for rule, test in removed)
    overlap = f"overlap / {with_data}.0" if with_data else "0"
    # The engine's least() and greatest() pass over null, so an unknown is asked for first.
    traffic = f"least(log10(1 + greatest(traffic, 0)) / log10(1 + {rules.FULL_TRAFFIC}), 1)"
    return f"""CREATE OR REPLACE TABLE scored AS
        WITH keys AS (
            SELECT key,
                count(*) FILTER (side > 0 AND links > 0)::INTEGER AS overlap,
                coalesce(bit_or(1 << side) FILTER (side > 0 AND links > 0), 0) AS mask,
                coalesce(sum(links) FILTER (side > 0), 0)::BIGINT AS links,
                coalesce(sum(links) FILTER (side = 0), 0)::BIGINT AS links_to_us,
                bool_or(followed) FILTER (side > 0 AND links > 0) AS any_followed,
                bool_or(followed IS NULL) FILTER (side > 0 AND links > 0) AS follow_unknown,
                min(first_seen) FILTER (side > 0) AS first_seen, max(side) AS last_side
            FROM by_side GROUP BY key),
        figures AS (
            -- The tool that stands first, and of its figures for this key the highest.
            SELECT key, max(row(-place, authority, provider)) FILTER (authority IS NOT NULL) AS rated,
                max(traffic) AS traffic, bool_or(spam) AS spam
            FROM by_format GROUP BY key),
        judged AS (
            SELECT *, CASE WHEN any_followed THEN true WHEN follow_unknown THEN NULL ELSE any_followed END AS dofollow,
                CASE
                    WHEN links_to_us > 0 AND overlap = 0 THEN '{rules.GapClass.OURS}'
                    WHEN links_to_us > 0 AND coalesce(better, false) THEN '{rules.GapClass.WEAK}'
                    WHEN links_to_us > 0 THEN '{rules.GapClass.SHARED}'
                    WHEN overlap = 0 THEN NULL
                    WHEN overlap = {with_data} THEN '{rules.GapClass.BEST}'
                    ELSE '{rules.GapClass.MISSING}' END AS class,
                CASE WHEN links_to_us > 0 OR overlap = 0 THEN NULL
                    WHEN overlap = {with_data} THEN 1 WHEN overlap >= 2 THEN 2 ELSE 3 END AS tier,
                concat_ws('|', {removed_by}) AS removed_by,
                rated[2] AS authority, rated[3] AS authority_provider
            FROM keys JOIN figures USING (key) JOIN name_of USING (key)
            LEFT JOIN better USING (key)
            WHERE overlap > 0 OR links_to_us > 0 OR last_side > 0),
        -- Competitors are few and so are the sets of them: each set's names are joined once.
        names AS (
            SELECT mask, coalesce(string_agg(competitor.name, '|' ORDER BY side) FILTER (side IS NOT NULL), '') AS competitors
            FROM (SELECT DISTINCT mask FROM keys) LEFT JOIN competitor ON mask & (1 << side) <> 0 GROUP BY mask),
        scored AS (
            SELECT *, round({weights["overlap"]} * {overlap}
                + {weights["followed"]} * CASE WHEN dofollow THEN 1 WHEN dofollow IS NULL THEN 0.5 ELSE 0 END
                + {weights["authority"]} * CASE WHEN authority IS NULL THEN 0.5 ELSE least(greatest(authority, 0), 100) / 100 END
                + {weights["traffic"]} * CASE WHEN traffic IS NULL THEN 0.5 ELSE {traffic} END, 1) AS score FROM judged)
        SELECT * FROM scored JOIN names USING (mask)"""


#: The place is found on narrow rows; page, target and anchor join them afterwards.
_PLACED = f"""CREATE OR REPLACE TABLE gap AS
    WITH placed AS (
        SELECT key, row_number() OVER (ORDER BY removed_by <> '', class IS NULL, tier IS NULL, tier,
            array_position(['{rules.GapClass.WEAK}', '{rules.GapClass.SHARED}', '{rules.GapClass.OURS}'], class),
            score DESC, links DESC, name) AS place
        FROM scored)
    SELECT name AS domain, class, tier, overlap, competitors, links, dofollow, links_to_us,
        best.page AS best_page, nullif(best.target, '') AS target, nullif(best.anchor, '') AS anchor,
        authority, authority_provider, traffic, nullif(best.language, '') AS language, first_seen, score, removed_by, place
    FROM scored JOIN placed USING (key) LEFT JOIN pages USING (key)"""
