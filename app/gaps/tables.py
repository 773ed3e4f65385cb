"""The gap as SQL: from the sums of each file to one line for each source domain, by the rules of `app.domain.gap`.

One pass over `part` makes one row for each key, with a bit for each side that is linked; classes, tiers and removals follow from
the bits. Only sources that link to us and to a competitor are looked at more closely, because only they can be "weak".
"""

from __future__ import annotations

from collections.abc import Sequence

from app.domain import gap as rules
from app.gaps import removals
from app.gaps.engine import Engine, literal
from app.gaps.keying import keyed, resolved
from app.gaps.sums import (
    CLOSE_TEXTS,
    CONTENT,
    CONTENT_UNKNOWN,
    FOLLOW_UNKNOWN,
    FOLLOWED,
    GROUPED,
    LIVE,
    SPAM,
    finish_sums,
    page,
    page_text,
)

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

#: Which sides link at all, with a followed link, and with links of which no file knows it: bit n is competitor n.
MASKS = ("mask", "mask_followed", "mask_unsure")


def best_pages(engine: Engine, rows: str, most: int) -> list[tuple[str, list[tuple[str, str | None]]]]:
    """For each gap its best `most` pages (URL, title), best first, from the rows (SQL) of competitors' links."""
    found = f"(SELECT * FROM {keyed(rows)} WHERE source_url IS NOT NULL AND NOT coalesce(lost, false))"
    pages = f"SELECT key, min({page(CLOSE_TEXTS)}, {most}) AS best FROM {resolved(engine, found)} GROUP BY key"
    url, title = (page_text(name, "one", CLOSE_TEXTS) for name in ("page", "title"))
    listed = f"[{{'page': {url}, 'title': {title}}} FOR one IN best]"
    asked = f"SELECT key, {listed} FROM ({pages}) JOIN gap ON domain = key WHERE tier IS NOT NULL"
    return [(key, [(one["page"], one["title"]) for one in best]) for key, best in engine.run(asked)]


def gap_table(
    engine: Engine,
    names: Sequence[str],
    own_keys: Sequence[str],
    competitor_keys: Sequence[str],
    *,
    keep: Sequence[str] = (),
    languages: Sequence[str] = (),
) -> int:
    """Make `gap` (GAP_COLUMNS in rank order) from `part`; return how many competitors have data.

    `keep` names removals that are not applied, `languages` are the site's (for the removal of foreign ones; none asks nothing).
    """
    finish_sums(engine)
    engine.run("CREATE OR REPLACE TABLE competitor (side INTEGER, name VARCHAR)")
    for number, name in enumerate(names, 1):
        engine.run("INSERT INTO competitor VALUES (?, ?)", [number, name])
    engine.run("CREATE OR REPLACE TABLE own AS SELECT unnest(?::VARCHAR[]) AS key", [list(own_keys)])
    engine.run("CREATE OR REPLACE TABLE rival AS SELECT unnest(?::VARCHAR[]) AS key", [list(competitor_keys)])
    # A source in one file of each side is the rule; where a side has several formats, their sums are one side's first.
    engine.run(
        """CREATE OR REPLACE TABLE mixed AS SELECT side FROM (SELECT DISTINCT side, file FROM part WHERE side IS NOT NULL)
        JOIN source_file USING (file) GROUP BY side HAVING count(DISTINCT profile) > 1"""
    )
    one = resolved(engine, "part")
    relation = f"(SELECT * FROM {one} WHERE key IS NOT NULL AND side IS NOT NULL)"
    providers = [provider for (provider,) in engine.run("SELECT DISTINCT provider FROM source_file")]
    providers.sort(key=lambda name: (_place(name), name))
    if engine.run("SELECT 1 FROM mixed LIMIT 1"):
        relation = _merged(relation)
    engine.run(_keys_sql(engine, relation, providers))
    engine.run(
        f"""CREATE OR REPLACE TABLE close_up AS SELECT key, side, profile, links, flags FROM {one} sums JOIN source_file USING (file)
        WHERE key IN (SELECT key FROM keys WHERE mask % 2 = 1 AND mask > 1) AND side IS NOT NULL"""
    )
    # What is summed up is not needed any more, and millions of sites fill the memory that the next steps want.
    engine.run("DROP TABLE part")
    engine.run(_BETTER)
    sides = engine.run("SELECT coalesce(bit_or(mask), 0) FROM keys")[0][0]
    with_data = (int(sides) >> 1).bit_count()
    # From here on the order of the rows is the rank.
    engine.run("SET preserve_insertion_order = true")
    rules_of_words = removals.rules(engine, keep=keep, languages=languages)
    engine.run(_gap_sql(with_data, providers, keep, rules_of_words))
    columns = ", ".join(f'{_SHOWN.get(name, name)} AS "{name}"' for name in GAP_COLUMNS)
    engine.run(
        f"CREATE OR REPLACE VIEW gap AS SELECT {columns}, seen, mask, mask_followed, mask_unsure, flags, rowid + 1 AS place "
        "FROM gap_row"
    )
    for table in ("keys", "better", "close_up"):
        engine.run(f"DROP TABLE {table}")
    return with_data


def _place(provider: str) -> int:
    order = rules.PROVIDER_ORDER
    return order.index(provider) if provider in order else len(order)


def _said(flags: str, yes: int, unknown: int) -> str:
    """SQL: true where a link is, false where all live ones are known not to be, else null; from the bits of one or more sides."""
    return f"""CASE WHEN {flags} & {yes} <> 0 THEN true
        WHEN {flags} & {unknown} <> 0 OR {flags} & {LIVE} = 0 OR {flags} IS NULL THEN NULL ELSE false END"""


def _one_side(yes: int, unknown: int) -> str:
    # A format that knows decides for the others, because all of them tell of the same links.
    no = f"bool_or(flags & {LIVE} <> 0 AND flags & {yes | unknown} = 0)"
    return f"CASE WHEN bool_or(flags & {yes} <> 0) THEN {yes} WHEN {no} THEN 0 WHEN bool_or(flags & {LIVE} <> 0) THEN {unknown} ELSE 0 END"


_SIDE_FLAGS = (
    f"bit_or(flags & ~{FOLLOWED | FOLLOW_UNKNOWN | CONTENT | CONTENT_UNKNOWN}) "
    f"| {_one_side(FOLLOWED, FOLLOW_UNKNOWN)} | {_one_side(CONTENT, CONTENT_UNKNOWN)}"
)


def _merged(relation: str) -> str:
    """Sums with one line more for each side that has several formats: the format that shows most links counts, and no other."""
    return f"""(
        SELECT key, side, file, links, flags, authority, traffic, first_seen, best FROM {relation}
            WHERE side NOT IN (SELECT side FROM mixed)
        UNION ALL SELECT key, side, file, 0, flags & {SPAM}, authority, traffic, first_seen, best FROM {relation}
            WHERE side IN (SELECT side FROM mixed)
        UNION ALL SELECT key, side, NULL, max(links), {_SIDE_FLAGS}, NULL, NULL, NULL, NULL FROM (
            SELECT key, side, profile, sum(links)::BIGINT AS links, bit_or(flags) AS flags
            FROM {relation} JOIN source_file USING (file)
            WHERE side IN (SELECT side FROM mixed) GROUP BY key, side, profile) GROUP BY key, side)"""


def _keys_sql(engine: Engine, relation: str, providers: Sequence[str]) -> str:
    """One row a key; `mask` has bit 0 for us and bit n for competitor n, `authority` and its tool come from the first that knows.

    `mask_followed` has the bits of the sides with a followed link, `mask_unsure` of those whose links no file knows that of.
    """
    figures = []
    for number, provider in enumerate(providers):
        files = engine.run("SELECT file FROM source_file WHERE provider = ?", [provider])
        among = ", ".join(str(file) for (file,) in files)
        figures.append(f"max(authority) FILTER (file IN ({among})) AS authority_{number}")
    return f"""CREATE OR REPLACE TABLE keys AS
        SELECT key, bit_or(CASE WHEN links > 0 THEN 1 << side::INTEGER ELSE 0 END) AS mask, max(side) AS last_side,
            bit_or(CASE WHEN links > 0 AND flags & {FOLLOWED} <> 0 THEN 1 << side::INTEGER ELSE 0 END) AS mask_followed,
            bit_or(CASE WHEN links > 0 AND flags & {FOLLOW_UNKNOWN} <> 0 THEN 1 << side::INTEGER ELSE 0 END) AS mask_unsure,
            coalesce(sum(links) FILTER (side > 0), 0)::BIGINT AS links,
            coalesce(sum(links) FILTER (side = 0), 0)::BIGINT AS links_to_us,
            bit_or(flags) FILTER (side > 0 AND links > 0) AS flags, bool_or(flags & {SPAM} <> 0) AS spam,
            min(first_seen) FILTER (side > 0) AS first_seen, max(traffic) AS traffic, {", ".join(figures)},
            min(best) FILTER (side > 0) AS best
        FROM {relation} GROUP BY key"""


#: Better than ours (rules.is_better), only where the source links to us at all. Counts compare within one format.
_BETTER = f"""CREATE OR REPLACE TABLE better AS
    WITH by_format AS (
        SELECT key, side, profile, sum(links) AS links, bit_or(flags) AS flags FROM close_up GROUP BY ALL),
    summed AS (SELECT key, side, max(links) AS links, {_SIDE_FLAGS} AS flags FROM by_format GROUP BY key, side),
    by_side AS (SELECT *, {_said("flags", FOLLOWED, FOLLOW_UNKNOWN)} AS followed, {_said("flags", CONTENT, CONTENT_UNKNOWN)} AS in_content
        FROM summed WHERE links > 0),
    counted AS (
        SELECT theirs.key, theirs.side, bool_or(theirs.links > mine.links) AS more
        FROM by_format theirs JOIN by_format mine ON mine.key = theirs.key AND mine.profile = theirs.profile AND mine.side = 0
        WHERE theirs.side > 0 AND theirs.flags & {GROUPED} = 0 AND mine.flags & {GROUPED} = 0 AND mine.links > 0 GROUP BY ALL)
    SELECT theirs.key, bool_or(CASE
        WHEN theirs.followed <> ours.followed THEN theirs.followed
        WHEN theirs.in_content <> ours.in_content THEN theirs.in_content
        ELSE coalesce(counted.more, false) END) AS better
    FROM by_side theirs JOIN by_side ours ON ours.key = theirs.key AND ours.side = 0
    LEFT JOIN counted ON counted.key = theirs.key AND counted.side = theirs.side
    WHERE theirs.side > 0 GROUP BY theirs.key"""

#: Where a column of the table is not stored under its name: page texts are cut out of `best` when somebody looks.
_SHOWN = {
    "domain": "key",
    "best_page": page_text("page"),
    **{name: page_text(name) for name in ("target", "anchor", "language")},
}

#: The rank of a row as one number, smallest first; the name decides between equals.
_PLACE = f"""((removed_by <> '')::BIGINT << 60) + ((class IS NULL)::BIGINT << 59)
    + (coalesce(tier, 3 + coalesce(array_position(['{rules.GapClass.WEAK}', '{rules.GapClass.SHARED}', '{rules.GapClass.OURS}'], class), 1))::BIGINT << 56)
    + ((1023 - round(score * 10)::BIGINT) << 45) + ((1::BIGINT << 45) - 1 - least(links, (1::BIGINT << 45) - 1))"""


def _gap_sql(with_data: int, providers: Sequence[str], keep: Sequence[str], by_words: Sequence[tuple[str, str]]) -> str:
    weights = rules.WEIGHTS
    removed = [
        (rules.Removal.OWN, "key IN (SELECT key FROM own)"),
        (rules.Removal.COMPETITOR, "key IN (SELECT key FROM rival)"),
        (rules.Removal.SPAM, "coalesce(spam, false)"),
        (rules.Removal.LOST, "overlap = 0 AND links_to_us = 0"),
    ]
    tests = [f"CASE WHEN {test} THEN '{rule}' END" for rule, test in removed if rule not in keep]
    # A rule may be there twice, seen in two ways; it is named once.
    asked: dict[str, list[str]] = {}
    for number, (rule, _sql) in enumerate(by_words):
        asked.setdefault(rule, []).append(f"seen_{number}")
    tests += [
        f"CASE WHEN coalesce({', '.join(columns)}) IS NOT NULL THEN '{rule}' END" for rule, columns in asked.items()
    ]
    removed_by = ", ".join(tests) or "NULL"
    looked = "".join(f", {sql} AS seen_{number}" for number, (_rule, sql) in enumerate(by_words))
    seen = ", ".join(f"seen_{number}" for number in range(len(by_words))) or "NULL"
    overlap = f"overlap / {with_data}.0" if with_data else "0"
    figures = [f"authority_{number}" for number in range(len(providers))]
    tool = " ".join(
        f"WHEN {figure} IS NOT NULL THEN {literal(name)}" for figure, name in zip(figures, providers, strict=True)
    )
    # The engine's least() and greatest() pass over null, so an unknown is asked for first.
    traffic = f"least(log10(1 + greatest(traffic, 0)) / log10(1 + {rules.FULL_TRAFFIC}), 1)"
    return f"""CREATE OR REPLACE TABLE gap_row AS
        WITH counted AS (
            SELECT *, bit_count(mask >> 1)::INTEGER AS overlap, {_said("flags", FOLLOWED, FOLLOW_UNKNOWN)} AS dofollow,
                coalesce({", ".join(figures)}) AS authority, CASE {tool} END AS authority_provider
            FROM keys WHERE mask <> 0 OR last_side > 0),
        held AS (SELECT *, {removals.PARTS} FROM counted),
        looked AS (SELECT *{looked} FROM held),
        judged AS (
            SELECT *, concat_ws('; ', {seen}) AS seen, CASE
                    WHEN links_to_us > 0 AND overlap = 0 THEN '{rules.GapClass.OURS}'
                    WHEN links_to_us > 0 AND coalesce(better, false) THEN '{rules.GapClass.WEAK}'
                    WHEN links_to_us > 0 THEN '{rules.GapClass.SHARED}'
                    WHEN overlap = 0 THEN NULL
                    WHEN overlap = {with_data} THEN '{rules.GapClass.BEST}'
                    ELSE '{rules.GapClass.MISSING}' END AS class,
                CASE WHEN links_to_us > 0 OR overlap = 0 THEN NULL
                    WHEN overlap = {with_data} THEN 1 WHEN overlap >= 2 THEN 2 ELSE 3 END AS tier,
                concat_ws('|', {removed_by}) AS removed_by,
                round({weights["overlap"]} * {overlap}
                + {weights["followed"]} * CASE WHEN dofollow THEN 1 WHEN dofollow IS NULL THEN 0.5 ELSE 0 END
                + {weights["authority"]} * CASE WHEN authority IS NULL THEN 0.5 ELSE least(greatest(authority, 0), 100) / 100 END
                + {weights["traffic"]} * CASE WHEN traffic IS NULL THEN 0.5 ELSE {traffic} END, 1) AS score
            FROM looked LEFT JOIN better USING (key)),
        -- Competitors are few and so are the sets of them: each set's names are joined once.
        names AS (
            SELECT mask, coalesce(string_agg(competitor.name, '|' ORDER BY side) FILTER (side IS NOT NULL), '') AS competitors
            FROM (SELECT DISTINCT mask FROM keys) LEFT JOIN competitor ON mask & (1 << side) <> 0 GROUP BY mask)
        SELECT key, class, tier, overlap, competitors, links, dofollow, links_to_us, best, authority, authority_provider, traffic,
            first_seen, score, removed_by, seen, mask, mask_followed, mask_unsure, flags
        FROM judged JOIN names USING (mask) ORDER BY {_PLACE}, key"""
