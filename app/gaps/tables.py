"""The gap as SQL: from the links of all files to one line for each source domain, by the rules of `app.domain.gap`.

One pass over `link` makes one row of whole numbers for each site: for each side and format how many links and what is known of
them, and which link is the best one. A second pass takes the texts of that link and judges. Links are gone through in pieces
of PIECE, so that what is in memory at once does not grow with the files.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from app.domain import gap as rules
from app.domain.sisters import Likeness
from app.gaps import bursts, removals, sisters
from app.gaps.engine import Engine, literal
from app.gaps.formats import PARTIAL
from app.gaps.sums import (
    CONTENT,
    CONTENT_UNKNOWN,
    FLAG_BITS,
    FOLLOW_UNKNOWN,
    FOLLOWED,
    FRAME,
    GROUPED,
    LOST,
    NO_PAGE,
    NOT_THEIRS,
    OURS,
    SEPARATOR,
    SPAM,
    TENTHS,
    decide_keys,
    scale_sql,
    settle_keys,
)

#: So many links are looked at in one step after the sums.
PIECE = 1 << 20
#: So many sites whose best pages are equal but for their texts are told apart in one step.
_TIES = 1 << 18
#: The flags of so many formats go into one number.
_PACKED = 10

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
    "authority_percentile": "DOUBLE",
}

#: Which sides link at all, with a followed link, with links of which no file knows it, and with links that more than a sample
#: shows, and which have a link that their own list calls lost: bit n is competitor n.
MASKS = ("mask", "mask_followed", "mask_unsure", "mask_shown", "mask_lost")


@dataclass(frozen=True, slots=True)
class GapTable:
    """What the table does not hold: how many competitors have data, and the sources that only look like one of them."""

    with_data: int
    look_alikes: list[Likeness]


def gap_table(
    engine: Engine,
    names: Sequence[str],
    own_keys: Sequence[str],
    competitor_keys: Sequence[str],
    *,
    keep: Sequence[str] = (),
    languages: Sequence[str] = (),
    listed: Mapping[str, Sequence[str]] | None = None,
) -> GapTable:
    """Make `gap` (GAP_COLUMNS in rank order) from `link`, which is used up.

    `keep` names removals that are not applied, `languages` are the site's (for the removal of foreign ones; none asks nothing),
    `listed` are sister brands by the competitor's registrable domain.
    """
    decide_keys(engine)
    settle_keys(engine)
    engine.run("CREATE OR REPLACE TABLE competitor (side INTEGER, name VARCHAR)")
    for number, name in enumerate(names, 1):
        engine.run("INSERT INTO competitor VALUES (?, ?)", [number, name])
    engine.run("CREATE OR REPLACE TABLE own AS SELECT unnest(?::VARCHAR[]) AS key", [list(own_keys)])
    engine.run("CREATE OR REPLACE TABLE rival AS SELECT unnest(?::VARCHAR[]) AS key", [list(competitor_keys)])
    providers = [provider for (provider,) in engine.run("SELECT DISTINCT provider FROM source_file")]
    providers.sort(key=lambda name: (_place(name), name))
    cells = _cells(engine)
    engine.run(_sums_sql(engine, cells, providers))
    sums = _told_apart(engine)
    with_data = _with_data(engine, cells)
    engine.run(scale_sql(providers))
    by_words = removals.by_words(languages=languages, keep=keep)
    judged = _judged_sql(sums, cells, with_data, providers, by_words)
    links = int(engine.run("SELECT count(*) FROM link")[0][0])
    engine.run(f"CREATE OR REPLACE TABLE judged AS {judged.replace(_WHERE, 'false')}")
    for start in range(0, links, PIECE):
        # Named on both sides, so that each piece of the links is read once.
        within = f"{{0}} >= {start} AND {{0}} < {start + PIECE}"
        piece = f"{within.format('sums.line')} AND {within.format('link.rowid')}" if links > PIECE else "true"
        engine.run(f"INSERT INTO judged {judged.replace(_WHERE, piece)}")
    framed = removals.frames(engine, keep=keep)
    theirs, ours = ([one.links for one in cells if (one.side == OURS) is mine] for mine in (False, True))
    bursts.placements(engine, names, theirs, ours)
    bursts.events(engine)
    # What is summed up is not needed any more, and millions of sites fill the memory that the next step wants.
    for table in ("link", "site_sum", "tie"):
        engine.run(f"DROP TABLE IF EXISTS {table}")
    # From here on the order of the rows is the rank.
    engine.run("SET preserve_insertion_order = true")
    alike = sisters.mark(engine, sisters.houses(names, listed or {}))
    ways = {
        rules.Removal.SISTER: bool(engine.run("SELECT 1 FROM sister LIMIT 1")),
        rules.Removal.NETWORK: removals.families(engine, keep=keep),
        removals.RELEASE: removals.copies(engine, keep=keep),
        removals.BLOGROLL: framed,
    }
    engine.run(_ranked_sql(by_words, {way for way, found in ways.items() if found}, keep))
    engine.run("DROP TABLE judged")
    columns = ", ".join(f'{_SHOWN.get(name, name)} AS "{name}"' for name in GAP_COLUMNS)
    engine.run(
        f"CREATE OR REPLACE VIEW gap AS SELECT {columns}, seen, {', '.join(MASKS)}, rowid + 1 AS place FROM gap_row"
    )
    return GapTable(with_data, alike)


def _place(provider: str) -> int:
    order = rules.PROVIDER_ORDER
    return order.index(provider) if provider in order else len(order)


@dataclass(frozen=True, slots=True)
class _Cell:
    """What one format says of one side: column `n_NUMBER` of the sums, and FLAG_BITS of `bits_WORD` from `shift`."""

    number: int
    side: int
    profile: str
    test: str  # SQL over a link: it is one of this side in this format

    @property
    def links(self) -> str:
        return f"n_{self.number}"

    @property
    def word(self) -> str:
        return f"bits_{self.number // _PACKED}"

    @property
    def shift(self) -> int:
        return self.number % _PACKED * FLAG_BITS

    def has(self, flags: int) -> str:
        """SQL over the sums: one of these flags is set."""
        return f"{self.word} & {flags << self.shift} <> 0"


def _cells(engine: Engine) -> list[_Cell]:
    """Every side with every format in which it has links; the tests are no longer than they have to be, for they run by row."""
    found = engine.run(
        """SELECT side, profile, list(DISTINCT file ORDER BY file) FROM (SELECT DISTINCT side, file FROM link WHERE side IS NOT NULL)
        JOIN source_file USING (file) GROUP BY side, profile ORDER BY side, profile"""
    )
    sides = [side for side, _profile, _files in found]
    cells = []
    for number, (side, profile, files) in enumerate(found):
        among = f" AND file IN ({', '.join(map(str, files))})" if sides.count(side) > 1 else ""
        cells.append(_Cell(number, int(side), profile, f"side = {side}{among}"))
    return cells


def _sums_sql(engine: Engine, cells: Sequence[_Cell], providers: Sequence[str]) -> str:
    """One row of numbers a site. `line` is the link that is the best page, `tied` whether another one ranks the same."""
    figures = []
    for number, provider in enumerate(providers):
        files = engine.run("SELECT file FROM source_file WHERE provider = ?", [provider])
        among = f" FILTER (file IN ({', '.join(str(file) for (file,) in files)}))" if len(providers) > 1 else ""
        figures.append(f"max(authority){among} AS authority_{number}")
    sums = [f"coalesce(sum(links) FILTER ({one.test}), 0)::BIGINT AS {one.links}" for one in cells]
    for start in range(0, len(cells), _PACKED):
        among = " ".join(f"WHEN {one.test} THEN {one.shift}" for one in cells[start : start + _PACKED])
        bits = f"(flags & {(1 << FLAG_BITS) - 1})::BIGINT << (CASE {among} END)"
        sums.append(f"coalesce(bit_or({bits}), 0) AS bits_{start // _PACKED}")
    # The best link as one number of rank and line; the same with the lines counted downwards finds the last of those that tie.
    # The line is taken out of it by what the rank alone would be: to divide such numbers costs more than all of the sums.
    first, last = (f"min(rank::HUGEINT * {_LINES} {sign} rowid)" for sign in "+-")
    return f"""CREATE OR REPLACE TABLE site_sum AS
        SELECT * EXCLUDE (first, last), (first - rank::HUGEINT * {_LINES})::BIGINT AS line,
            first - rank::HUGEINT * {_LINES} <> rank::HUGEINT * {_LINES} - last AS tied
        FROM (SELECT {", ".join(["id", *sums, *figures])}, coalesce(max(flags & {SPAM}), 0) <> 0 AS spam,
                min(first_seen) AS first_seen, max(traffic) AS traffic, min(rank) AS rank, {first} AS first, {last} AS last
            FROM link WHERE id IS NOT NULL AND side IS NOT NULL GROUP BY id)"""


#: More lines than there will ever be.
_LINES = 1 << 40


def _told_apart(engine: Engine) -> str:
    """Where several pages of a site rank the same, the first by the alphabet is the best one. Returns the table of sums that says so."""
    tied = f"(SELECT id, rank FROM site_sum WHERE tied AND rank < {NO_PAGE})"
    count = int(engine.run(f"SELECT count(*) FROM {tied}")[0][0])
    if not count:
        return "site_sum"
    engine.run("CREATE OR REPLACE TABLE tie (id BIGINT, line BIGINT)")
    steps = -(-count // _TIES)
    text = "concat(page, chr(31), target, chr(31), anchor)"
    for step in range(steps):
        engine.run(
            f"""INSERT INTO tie SELECT link.id, arg_min(link.rowid, {text}) AS line FROM link JOIN {tied} tied
            ON link.id = tied.id AND link.rank = tied.rank WHERE link.id % {steps} = {step} GROUP BY link.id"""
        )
    return "(SELECT site_sum.* EXCLUDE (line), coalesce(tie.line, site_sum.line) AS line FROM site_sum LEFT JOIN tie ON site_sum.id = tie.id)"


def _with_data(engine: Engine, cells: Sequence[_Cell]) -> int:
    if not cells:
        return 0
    linked = engine.run(f"SELECT {', '.join(f'max({one.links})' for one in cells)} FROM site_sum")[0]
    return len({one.side for one, most in zip(cells, linked, strict=True) if one.side != OURS and most})


def _told(cells: Sequence[_Cell], yes: int, unknown: int) -> str:
    """SQL over the sums of one side: true where a link is, false where all live ones are known not to be, else null.

    A format that knows decides for the others, because all of them tell of the same links.
    """
    is_so = " OR ".join(one.has(yes) for one in cells)
    is_not = " OR ".join(f"{one.links} > 0 AND NOT ({one.has(yes | unknown)})" for one in cells)
    return f"CASE WHEN {is_so} THEN true WHEN {is_not} THEN false END"


def _sides(cells: Sequence[_Cell]) -> list[str]:
    """SQL for the columns of each side: `links_N`, `followed_N`, `content_N`, `more_N`: more pages than ours have, shown by one format, and
    `shown_N`: a format that may be whole shows a link."""
    columns = []
    ours = {one.profile: one for one in cells if one.side == OURS}
    for side in sorted({one.side for one in cells}):
        mine = [one for one in cells if one.side == side]
        most = f"greatest({', '.join(one.links for one in mine)})" if len(mine) > 1 else mine[0].links
        columns += [
            f"{most} AS links_{side}",
            f"{_told(mine, FOLLOWED, FOLLOW_UNKNOWN)} AS followed_{side}",
            f"{_told(mine, CONTENT, CONTENT_UNKNOWN)} AS content_{side}",
        ]
        compared = [
            f"({our.links} > 0 AND {one.links} > {our.links} AND NOT ({one.has(GROUPED)}) AND NOT ({our.has(GROUPED)}))"
            for one in mine
            if side != OURS and (our := ours.get(one.profile))
        ]
        columns.append(f"{' OR '.join(compared) or 'false'} AS more_{side}")
        shown = " OR ".join(f"{one.links} > 0" for one in mine if one.profile not in PARTIAL)
        columns.append(f"({shown or 'false'}) AS shown_{side}")
    return columns


#: Where a column of the table is not stored under its name.
_SHOWN = {"domain": "key", "best_page": "page"}

#: The rank of a row as one number, smallest first; the name decides between equals.
PLACE = f"""((removed_by <> '')::BIGINT << 60) + ((class IS NULL)::BIGINT << 59)
    + (coalesce(tier, 3 + coalesce(array_position(['{rules.GapClass.WEAK}', '{rules.GapClass.SHARED}', '{rules.GapClass.OURS}'], class), 1))::BIGINT << 56)
    + ((1023 - round(score * 10)::BIGINT) << 45) + ((1::BIGINT << 45) - 1 - least(links, (1::BIGINT << 45) - 1))"""


#: Stands in the statement where the piece of links has to be said.
_WHERE = "{piece}"


def _judged_sql(
    sums: str, cells: Sequence[_Cell], with_data: int, providers: Sequence[str], by_words: Sequence[tuple[str, str]]
) -> str:
    """SQL for the sites of `sums` with the texts of their best page, judged by all that can be seen of one site alone."""
    weights = rules.WEIGHTS
    theirs = sorted({one.side for one in cells if one.side != OURS})
    has_ours = any(one.side == OURS for one in cells)
    live = [f"links_{side} > 0" for side in theirs]
    followed = " OR ".join(f"{one} AND followed_{side}" for one, side in zip(live, theirs, strict=True))
    unknown = " OR ".join(f"{one} AND followed_{side} IS NULL" for one, side in zip(live, theirs, strict=True))
    better = [
        f"""WHEN {one} AND CASE WHEN followed_{side} <> followed_0 THEN followed_{side}
            WHEN content_{side} <> content_0 THEN content_{side} ELSE more_{side} END THEN true"""
        for one, side in zip(live, theirs, strict=True)
        if has_ours
    ]
    figures = [f"authority_{number}" for number in range(len(providers))]
    tool = " ".join(
        f"WHEN {figure} IS NOT NULL THEN {literal(name)}" for figure, name in zip(figures, providers, strict=True)
    )
    looked = [f"{sql} AS seen_{number}" for number, (_rule, sql) in enumerate(by_words)]
    seen = [f"seen_{number}" for number in range(len(by_words))]
    # Few rows are seen by any rule: one text that is mostly null costs a table less than a column for each of them.
    kept = f", {SEPARATOR}, ".join(f"coalesce({one}, '')" for one in seen)
    words = f"CASE WHEN coalesce({', '.join(seen)}) IS NOT NULL THEN concat({kept}) END"
    overlap = f"overlap / {with_data}.0" if with_data else "0"
    # The engine's least() and greatest() pass over null, so an unknown is asked for first.
    traffic = f"least(log10(1 + greatest(traffic, 0)) / log10(1 + {rules.FULL_TRAFFIC}), 1)"
    tests = {"mask": "true", "mask_followed": "followed_{side}", "mask_unsure": "followed_{side} IS NULL"}
    tests["mask_shown"] = "shown_{side}" if any(one.profile in PARTIAL for one in cells) else "true"
    masks = []
    for name, test in tests.items():
        bits = [
            f"CASE WHEN links_{side} > 0 AND {test.format(side=side)} THEN {1 << side} ELSE 0 END"
            for side in [*([OURS] if has_ours else []), *theirs]
        ]
        masks.append(f"({' + '.join(bits) or '0'})::INTEGER AS {name}")
    lost = [
        f"CASE WHEN {' OR '.join(one.has(LOST) for one in cells if one.side == side)} THEN {1 << side} ELSE 0 END"
        for side in theirs
    ]
    masks.append(f"({' + '.join(lost) or '0'})::INTEGER AS mask_lost")
    return f"""SELECT {f"* EXCLUDE ({', '.join(seen)}), {words}" if seen else "*, NULL::VARCHAR"} AS words FROM (SELECT key, CASE
            WHEN links_to_us > 0 AND overlap = 0 THEN '{rules.GapClass.OURS}'
            WHEN links_to_us > 0 AND better THEN '{rules.GapClass.WEAK}'
            WHEN links_to_us > 0 THEN '{rules.GapClass.SHARED}'
            WHEN overlap = 0 THEN NULL
            WHEN overlap = {with_data} THEN '{rules.GapClass.BEST}'
            ELSE '{rules.GapClass.MISSING}' END AS class,
        CASE WHEN links_to_us > 0 OR overlap = 0 THEN NULL
            WHEN overlap = {with_data} THEN 1 WHEN overlap >= 2 THEN 2 ELSE 3 END AS tier,
        overlap, links, dofollow, links_to_us, page, target, anchor, authority, authority_provider, authority_percentile, traffic, language, first_seen,
        best_seen, in_frame,
        round({weights["overlap"]} * {overlap}
            + {weights["followed"]} * CASE WHEN dofollow THEN 1 WHEN dofollow IS NULL THEN 0.5 ELSE 0 END
            + {weights["authority"]} * CASE WHEN authority_percentile IS NULL THEN 0.5 ELSE authority_percentile / 100 END
            + {weights["traffic"]} * CASE WHEN traffic IS NULL THEN 0.5 ELSE {traffic} END, 1) AS score,
        {", ".join(["spam", *MASKS, f"{removals.FAMILY} AS family", f"{bursts.IS_NEWS} AS is_news", *looked])}
    FROM (SELECT *, {removals.PARTS} FROM (
        SELECT *, bit_count(mask >> 1)::INTEGER AS overlap FROM (
            SELECT *, {", ".join(masks)}, {"links_0" if has_ours else "0::BIGINT"} AS links_to_us,
                ({" + ".join(f"links_{side}" for side in theirs) or "0"})::BIGINT AS links,
                CASE WHEN {followed or "false"} THEN true WHEN {unknown or "true"} OR NOT ({" OR ".join(live) or "false"}) THEN NULL
                    ELSE false END AS dofollow,
                {f"CASE {' '.join(better)} ELSE false END" if better else "false"} AS better,
                coalesce({", ".join(figures)}, NULL) AS authority, CASE {tool} END AS authority_provider
            FROM (SELECT {", ".join(["sums.*", *_sides(cells)])}, named AS key, page, target, anchor, language, page_type,
                    link.first_seen AS best_seen, link.flags & {FRAME} <> 0 AS in_frame
                FROM link JOIN {sums} sums ON link.rowid = sums.line WHERE {_WHERE}))))
        LEFT JOIN scale ON provider = authority_provider AND tenths = {TENTHS.format("authority")}
        WHERE mask <> 0 OR rank < {NOT_THEIRS})"""


def _ranked_sql(by_words: Sequence[tuple[str, str]], ways: Collection[str], keep: Sequence[str]) -> str:
    """The table in the order of its rank, with every removal and what it was seen by; `ways` are the removals that look at more
    than one site and have found something."""
    removed = [
        (rules.Removal.OWN, "key IN (SELECT key FROM own)"),
        (rules.Removal.COMPETITOR, "key IN (SELECT key FROM rival)"),
        *([(rules.Removal.SISTER, "house IS NOT NULL")] if rules.Removal.SISTER in ways else []),
        (rules.Removal.SPAM, "spam"),
        (rules.Removal.LOST, "overlap = 0 AND links_to_us = 0"),
    ]
    tests = [f"CASE WHEN {test} THEN '{rule}' END" for rule, test in removed if rule not in keep]
    # A rule may be there twice, seen in two ways; it is named once.
    asked: dict[str, list[str]] = {}
    for number, (rule, _sql) in enumerate(by_words, 1):
        asked.setdefault(rule, []).append(f"nullif(split_part(words, {SEPARATOR}, {number}), '')")
    if rules.Removal.NETWORK in ways:
        asked[rules.Removal.NETWORK] = [removals.OF_FAMILY]
    if removals.RELEASE in ways:
        asked.setdefault(removals.RELEASE, []).append(removals.IS_COPY)
    if removals.BLOGROLL in ways:
        asked.setdefault(removals.BLOGROLL, []).append(removals.IN_FRAME)
    tests += [
        f"CASE WHEN coalesce({', '.join(several)}) IS NOT NULL THEN '{rule}' END" for rule, several in asked.items()
    ]
    seen = [one for several in asked.values() for one in several]
    house = ""
    if rules.Removal.SISTER in ways:
        house = " LEFT JOIN sister USING (key)"
        seen += ["house"] if rules.Removal.SISTER not in keep else []
    # Most rows are like nothing that is asked for. Where no rule looks at several sites, one look at a row says so.
    nothing = "words IS NULL" if not ways else "false"
    unlike = " AND ".join([nothing, *(f"NOT coalesce({test}, false)" for rule, test in removed if rule not in keep)])
    return f"""CREATE OR REPLACE TABLE gap_row AS
        WITH removed AS (SELECT *, CASE WHEN {nothing} THEN '' ELSE concat_ws('; ', {", ".join(seen) or "NULL"}) END AS seen,
            CASE WHEN {unlike} THEN '' ELSE concat_ws('|', {", ".join(tests) or "NULL"}) END AS removed_by FROM judged{house}),
        -- Competitors are few and so are the sets of them: each set's names are joined once.
        names AS (
            SELECT mask, coalesce(string_agg(competitor.name, '|' ORDER BY side) FILTER (side IS NOT NULL), '') AS competitors
            FROM (SELECT DISTINCT mask FROM judged) LEFT JOIN competitor ON mask & (1 << side) <> 0 GROUP BY mask)
        SELECT key, class, tier, overlap, competitors, links, dofollow, links_to_us, page, target, anchor, authority, authority_provider,
            authority_percentile, traffic, language, first_seen, score, removed_by, seen, {", ".join(MASKS)}
        FROM removed JOIN names USING (mask) ORDER BY {PLACE}, key"""
