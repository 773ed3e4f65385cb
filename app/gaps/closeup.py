"""A closer look at a finished gap: every page that links to a competitor, whether the link can be won, and who shares whom.

It reads the rows once more, for the gaps only, because titles and the words around a link are too long to carry along.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from app.cells import neutral
from app.domain.language import codes_of
from app.domain.winnability import Evidence, Winnability, judge
from app.gaps.engine import Engine
from app.gaps.keying import keyed, resolved
from app.gaps.sums import CLOSE_TEXTS, page, page_text, without_mentions
from app.gaps.words import seller, winnability_rules

#: What is read of each page: its texts, and what the tool says of the link.
_TEXTS = {
    **CLOSE_TEXTS,
    **dict.fromkeys(
        (
            "followed",
            "in_content",
            "page_authority",
            "page_traffic",
            "sponsored",
            "ugc",
            "sitewide",
            "http_code",
            "raw",
            "rendered",
            "target_code",
            "external_links",
            "platform",
            "author",
        ),
        "",
    ),
}
_TEXTS = {name: sql or f"{name}::VARCHAR" for name, sql in _TEXTS.items()}

PAGE_COLUMNS = (
    "domain", "number", "page", "title", "competitors", "target", "anchor", "left_context", "right_context", "followed", "in_content",
    "page_authority", "page_traffic", "page_type", "language", "reason",
)  # fmt: skip


def pages(
    engine: Engine, links: Sequence[tuple[str, str]], names: Sequence[str], *, most: int | None = None
) -> Iterator[dict[str, Any]]:
    """Every page of a gap that links to a competitor, gaps in rank order and the best page first, with the keys of PAGE_COLUMNS.

    With `most` no more than so many of a gap.

    `links` are, for each file of competitors, SQL of its rows and of their side. A page of several links is one row with all
    of its competitors. Removed rows and sites that link to us are left out.
    """
    if not links:
        return
    rows = " UNION ALL BY NAME ".join(
        f"SELECT *, ({side})::TINYINT AS side FROM ({without_mentions(one)})" for one, side in links
    )
    live = f"(SELECT * FROM {keyed(rows)} WHERE source_url IS NOT NULL AND NOT coalesce(lost, false) AND old_crawl IS NOT TRUE AND side > 0)"
    texts = ", ".join(f"{page_text(name, 'best', _TEXTS)} AS {name}" for name in _TEXTS if name != "page")
    limit = "" if most is None else f"QUALIFY number <= {most}"
    result = engine.stream(
        f"""SELECT key AS domain, row_number() OVER (PARTITION BY key ORDER BY best) AS number, source_url AS page, {texts}, sides,
            placed.seen AS placed, eventful.seen AS event
        FROM (SELECT key, source_url, min({page(_TEXTS)}) AS best, list_sort(list(DISTINCT side)) AS sides
            FROM {resolved(engine, live)} GROUP BY key, source_url)
        JOIN gap ON gap.domain = key LEFT JOIN placed USING (key) LEFT JOIN eventful USING (key) WHERE gap.tier IS NOT NULL AND gap.removed_by = '' {limit} ORDER BY gap.place, number"""
    )
    columns = [one[0] for one in result.description]
    while found := result.fetchmany(5_000):
        for values in found:
            row = dict(zip(columns, values, strict=True))
            row["competitors"] = "|".join(names[side - 1] for side in row.pop("sides"))
            row["reason"] = reason(row)
            yield row


def reason(row: dict[str, Any]) -> str:
    """Why a page stands where it stands among the pages of its site, in the order in which they are compared."""
    words = [
        {"true": "followed", "false": "not followed"}.get(row["followed"] or "", "follow not known"),
        {"true": "in the content", "false": "outside of the content"}.get(row["in_content"] or "", "place not known"),
        f"page rating {row['page_authority']}" if row["page_authority"] else "page rating not known",
        f"{row['page_traffic']} visits a month" if row["page_traffic"] else "visits not known",
    ]
    return ", ".join(words)


def winnability(row: dict[str, Any], language: str | None = None) -> Winnability:
    """Whether the link on one of `pages` can be won; `language` is the page's where somebody knows better than the tool."""
    flag = {"true": True, "false": False}
    return judge(
        Evidence(
            domain=row["domain"],
            page=row["page"] or "",
            anchor=row["anchor"] or "",
            title=row["title"] or "",
            left=row["left_context"] or "",
            right=row["right_context"] or "",
            page_type=row["page_type"] or "",
            link_type=row["link_type"] or "",
            sponsored=flag.get(row["sponsored"] or ""),
            ugc=flag.get(row["ugc"] or ""),
            sitewide=flag.get(row["sitewide"] or ""),
            in_content=flag.get(row["in_content"] or ""),
            http_code=int(row["http_code"]) if row["http_code"] else None,
            raw=flag.get(row["raw"] or ""),
            rendered=flag.get(row["rendered"] or ""),
            target_code=int(row["target_code"]) if row["target_code"] else None,
            external_links=int(row["external_links"]) if row["external_links"] else None,
            platform=row["platform"] or "",
            placed=row["placed"] or "",
            event=row["event"] or "",
            languages=codes_of(language or row["language"]),
        ),
        winnability_rules(),
        seller(),
    )


def write_pages(rows: Iterable[dict[str, Any]], path: Path) -> int:
    """Write `pages` as CSV; no cell of theirs can act as a formula. Returns how many there are."""
    return _write_csv(PAGE_COLUMNS, ([row[name] for name in PAGE_COLUMNS] for row in rows), path)


def write_winnability(rows: Iterable[dict[str, Any]], path: Path) -> int:
    """Write, for the best page of each gap, its score with the parts, as one JSON object a line. Returns how many there are."""
    count = 0
    with path.open("w", encoding="utf-8") as out:
        for row in rows:
            if row["number"] != 1:
                continue
            found = winnability(row)
            parts = [{"rule": one.rule, "points": one.points, "why": one.why, "seen": one.seen} for one in found.parts]
            record = {
                "domain": row["domain"],
                "page": row["page"],
                "score": found.score,
                "bucket": found.bucket,
                "parts": parts,
            }
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
            count += 1
    return count


def overlap_matrix(engine: Engine, names: Sequence[str]) -> list[list[int]]:
    """How many gaps link to both of two competitors; on the diagonal, to the one. Removed rows are left out."""
    sides = range(1, len(names) + 1)
    cells = [f"count(*) FILTER (mask & {1 << a | 1 << b} = {1 << a | 1 << b})" for a in sides for b in sides]
    found = engine.run(f"SELECT {', '.join(cells)} FROM gap WHERE tier IS NOT NULL AND removed_by = ''")[0]
    return [list(map(int, found[start : start + len(names)])) for start in range(0, len(found), len(names))]


def write_matrix(engine: Engine, names: Sequence[str], path: Path) -> None:
    """Write `overlap_matrix` as CSV, a row and a column for each competitor."""
    rows = overlap_matrix(engine, names)
    _write_csv(("competitor", *names), ([name, *map(str, row)] for name, row in zip(names, rows, strict=True)), path)


def _write_csv(header: Sequence[str], rows: Iterable[Sequence[Any]], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            cells = ["" if cell is None else str(cell) for cell in row]
            writer.writerow([neutral(cell) for cell in cells])
            count += 1
    return count
