"""What many pages of one source, or many sources, do within a few days: signs for `app.domain.winnability` that no single link shows.

Each look makes one small table (key, seen) out of what the gap has at hand. Nothing is removed by them. The bars are high on
purpose: a burst that is missed costs a pitch, one that is none hides an editor.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.gaps.engine import Engine, literal
from app.gaps.sums import EVERY_PAGE, LOST, PLACED
from app.gaps.words import archive_pattern, brands, news_host_pattern, news_path_pattern, news_types
from app.keys import name_of, unicode_host

#: An editor who thinks of one page by the very same words in so many articles within so many days has been told to.
PLACED_PAGES, PLACED_DAYS = 8, 14
#: Shorter anchors are calls ("read more") and single words.
PLACED_ANCHOR = 12

#: So many news sites that link to one page within so many days, and at least this share of all news sites that ever linked to
#: it, tell of an event. The share lets a page rest to which the press always links.
NEWS_SITES, NEWS_DAYS, NEWS_SHARE = 10, 7, 3

#: So many days before a burst the lists must know an earlier link: of the source (a blog that the tool reads for the first time is new
#: with all of its years), or to the site (a list of the last days has nothing else).
KNOWN_DAYS = 30

#: What `seen` begins with.
PLACED_SEEN = f"like pages within {PLACED_DAYS} days"
NEWS_SEEN = f"news sites within {NEWS_DAYS} days"

_PATH = "lower(regexp_extract(page, '^[a-zA-Z]+://[^/?#]+(/[^?#]*)', 1))"


def _to_a_page(target: str) -> str:
    """SQL for whether a bare URL is no homepage, nor that of a language: to these people link every day, by what a house is."""
    return f"NOT regexp_matches({target}, '^[a-zA-Z]+://[^/]+(/([a-zA-Z]{{2}}([-_][a-zA-Z]{{2}})?/?)?)?$')"


def _host(url: str) -> str:
    return f"lower(regexp_extract({url}, '^[a-zA-Z]+://(?:www[.])?([^/?#:]+)', 1))"


def _bare(url: str) -> str:
    """SQL for a URL without query and fragment: by these, campaigns count and pages do not differ."""
    return f"split_part(split_part({url}, '#', 1), '?', 1)"


def _news() -> str:
    types = " OR ".join(f"starts_with(page_type, {literal(kind)})" for kind in news_types())
    return f"""links_to_us = 0 AND best_seen IS NOT NULL AND target IS NOT NULL AND (coalesce({types}, false)
        OR regexp_matches(split_part(key, '.', 1), {literal(news_host_pattern())})
        OR regexp_matches({_PATH}, {literal(news_path_pattern())}))"""


#: Whether the best link of a source is one of a news site's: SQL for `is_news` of `judged`.
IS_NEWS = _news()


def placements(engine: Engine, names: Sequence[str], theirs: Sequence[str], ours: Sequence[str]) -> None:
    """Make `placed`: sources of which PLACED_PAGES pages and more link to one page by the same words, first seen within PLACED_DAYS.

    Reads `link` and `site_sum`, whose columns `theirs` and `ours` count the links of each side. What counts is a link in the
    content (or one of which the tool says that it is not sitewide) to no homepage, by several words of which none is a competitor's
    name; a page by its path without figures, so that the pages of one article are one; and no archive, which shows an article again.
    The source must have linked KNOWN_DAYS before.
    """
    called = {brand for name in names for brand in brands(unicode_host(name_of(name) or name))}
    by_name = literal("|".join(sorted(called)) or "^$")
    enough = f"{' + '.join(theirs) or '0'} >= {PLACED_PAGES}" + "".join(f" AND {one} = 0" for one in ours)
    engine.run(
        f"""CREATE OR REPLACE TABLE like_page AS SELECT id, key, target, anchor, shape, min(first_seen) AS first_seen FROM (
            SELECT id, key, target, anchor, first_seen, regexp_replace(path, '[0-9]+', '', 'g') AS shape FROM (
                SELECT id, named AS key, {_bare("target")} AS target, lower(anchor) AS anchor, first_seen, {_PATH} AS path
                FROM link JOIN (SELECT id FROM site_sum WHERE {enough}) busy USING (id)
                WHERE side > 0 AND first_seen IS NOT NULL AND target IS NOT NULL AND flags & {PLACED | LOST} = {PLACED}
                    AND length(anchor) >= {PLACED_ANCHOR} AND contains(anchor, ' '))
            WHERE NOT regexp_matches(path, {literal(archive_pattern())})
                AND {_to_a_page("target")}
                AND NOT regexp_matches(regexp_replace(strip_accents(anchor), '[^\\p{{L}}\\p{{N}}]', '', 'g'), {by_name}))
        WHERE regexp_matches(shape, '[a-z]') GROUP BY id, key, target, anchor, shape"""
    )
    # What stands on so many pages is a part of the page and was placed once.
    engine.run(
        f"""CREATE OR REPLACE TABLE placed AS SELECT key, '{PLACED_SEEN}: ' || max(most) || ' (' || min(anchor) || ')' AS seen FROM (
            SELECT id, key, anchor, first_seen, count(*) OVER (PARTITION BY key, target, anchor) AS pages,
                count(*) OVER (PARTITION BY key, target, anchor ORDER BY first_seen
                    RANGE BETWEEN INTERVAL {PLACED_DAYS - 1} DAYS PRECEDING AND CURRENT ROW) AS most
            FROM like_page)
        JOIN (SELECT id, min(first_seen) AS known FROM link WHERE id IN (SELECT id FROM like_page) GROUP BY id) USING (id)
        WHERE most >= {PLACED_PAGES} AND pages < {EVERY_PAGE} AND known <= first_seen - INTERVAL {PLACED_DAYS - 1 + KNOWN_DAYS} DAYS
        GROUP BY key"""
    )
    engine.run("DROP TABLE like_page")


def events(engine: Engine) -> None:
    """Make `eventful`: sources in `judged` whose best link belongs to an event, because the press linked to the same page in those days.

    News sites go by the tool's page type, a news folder or a name. Of others only those count that link to the same page, first
    seen on one of those days. A homepage has no event, nor has a site to which no link is known KNOWN_DAYS before.
    """
    engine.run(
        f"""CREATE OR REPLACE TABLE news AS SELECT * FROM (SELECT key, {_bare("target")} AS target, best_seen FROM judged WHERE is_news)
        WHERE {_to_a_page("target")}"""
    )
    window = "PARTITION BY target ORDER BY best_seen RANGE BETWEEN"
    engine.run(
        f"""CREATE OR REPLACE TABLE news_week AS SELECT key, target, best_seen, most FROM (
            SELECT key, target, best_seen, sites, max(before) OVER ({window} CURRENT ROW AND INTERVAL {NEWS_DAYS - 1} DAYS FOLLOWING) AS most
            FROM (SELECT key, target, best_seen, count(*) OVER (PARTITION BY target) AS sites,
                    count(*) OVER ({window} INTERVAL {NEWS_DAYS - 1} DAYS PRECEDING AND CURRENT ROW) AS before FROM news))
        WHERE most >= {NEWS_SITES} AND most * {NEWS_SHARE} >= sites"""
    )
    if engine.run("SELECT 1 FROM news_week LIMIT 1"):
        engine.run(
            f"""DELETE FROM news_week WHERE (target, best_seen) NOT IN (
                SELECT week.target, week.best_seen FROM news_week week
                JOIN (SELECT {_host("target")} AS host, min(best_seen) AS known FROM judged WHERE target IS NOT NULL GROUP BY host)
                    ON host = {_host("week.target")}
                WHERE known <= week.best_seen - INTERVAL {NEWS_DAYS - 1 + KNOWN_DAYS} DAYS)"""
        )
    seen = f"'{NEWS_SEEN}: ' || max(most) || ' (' || target || ')' AS seen"
    engine.run(f"CREATE OR REPLACE TABLE eventful AS SELECT key, {seen} FROM news_week GROUP BY key, target")
    if engine.run("SELECT 1 FROM news_week LIMIT 1"):
        engine.run(
            f"""INSERT INTO eventful SELECT judged.key, {seen.replace("target", "day.target")} FROM judged
            JOIN (SELECT target, best_seen, max(most) AS most FROM news_week GROUP BY target, best_seen) day
            ON {_bare("judged.target")} = day.target AND judged.best_seen = day.best_seen
            WHERE links_to_us = 0 AND judged.key NOT IN (SELECT key FROM eventful) GROUP BY judged.key, day.target"""
        )
    for table in ("news", "news_week"):
        engine.run(f"DROP TABLE {table}")
