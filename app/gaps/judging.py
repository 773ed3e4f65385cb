"""A judgement of each gap by its best page: the language, whether the link can be won, and which page of ours fits.

The pages are read once more, a few of each gap, and judged one after the other in Python; what comes of it lies in the engine as
the table `judged`, so that memory grows with neither gaps nor links. A gap without a page has a judgement only where its name
alone says something.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from app.domain.language import LanguageSource, first_code
from app.domain.said import say
from app.domain.topic_fit import FitUnknown, TopicFit, why
from app.domain.winnability import Evidence, Winnability, judge
from app.errors import BadInput
from app.gaps import closeup
from app.gaps.engine import Engine, literal
from app.gaps.tables import GAP_COLUMNS, MASKS
from app.gaps.words import seller, seller_pattern, winnability_rules
from app.languages import detect
from app.topics import OurText, TheirText, Topics

#: So many pages of one gap are kept, the best first.
KNOWN_PAGES = 5

#: The table `judged`: name, engine type. Lists are JSON texts.
COLUMNS = {
    "key": "VARCHAR",
    "title": "VARCHAR",
    "author": "VARCHAR",
    "context": "VARCHAR",
    "known_pages": "VARCHAR",
    "said": "VARCHAR",
    "said_by": "VARCHAR",
    "winnability": "INTEGER",
    "winnability_parts": "VARCHAR",
    "gate": "VARCHAR",
    "fit": "INTEGER",
    "fit_page": "VARCHAR",
    "fit_words": "VARCHAR",
    "fit_unknown": "VARCHAR",
}


@dataclass(frozen=True, slots=True)
class ReadPage:
    """What a fetched page said: its address, its language, and the words that it repeats."""

    url: str
    language: str | None
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a site wants its gap judged: its languages, pages, what it keeps of removals and gates, and what was read of pages."""

    languages: tuple[str, ...] = ()
    pages: tuple[OurText, ...] = ()
    keep: tuple[str, ...] = ()
    kept: Mapping[str, frozenset[str]] = field(default_factory=dict)  # domain -> rules that are taken back for it
    read: Mapping[str, ReadPage] = field(default_factory=dict)  # by domain


def judge_gaps(engine: Engine, links: Sequence[tuple[str, str]], names: Sequence[str], wishes: Wishes) -> int:
    """Make the table `judged` over the gaps that are left in `gap`; return how many there are."""
    topics = Topics(wishes.pages)
    place = engine.directory / "judged.jsonl"
    count = 0
    with place.open("w", encoding="utf-8") as out:
        for record in _records(engine, links, names, topics, wishes):
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
            count += 1
    columns = ", ".join(f"{name}: {literal(kind)}" for name, kind in COLUMNS.items())
    engine.run(
        f"""CREATE OR REPLACE TABLE judged AS SELECT * FROM read_json({literal(str(place))},
        format='newline_delimited', columns={{{columns}}}, maximum_object_size=67108864)"""
    )
    place.unlink()
    return count


def _records(
    engine: Engine, links: Sequence[tuple[str, str]], names: Sequence[str], topics: Topics, wishes: Wishes
) -> Iterator[dict[str, Any]]:
    rows = closeup.pages(engine, links, names, most=KNOWN_PAGES)
    for domain, pages in groupby(rows, key=lambda row: str(row["domain"])):
        listed = list(pages)
        yield _record(domain, listed, topics, wishes)
    # What has no page has its name.
    for (domain,) in engine.run(
        f"""SELECT domain FROM gap WHERE tier IS NOT NULL AND removed_by = '' AND best_page IS NULL
        AND regexp_matches(split_part(split_part(domain, '/', 1), '.', 1), {literal(seller_pattern())})"""
    ):
        found = judge(Evidence(domain), winnability_rules(), seller())
        yield {**dict.fromkeys(COLUMNS), "key": domain, "known_pages": "[]", **_won(domain, found, wishes)}


def _record(domain: str, pages: list[dict[str, Any]], topics: Topics, wishes: Wishes) -> dict[str, Any]:
    best = pages[0]
    read = wishes.read.get(domain)
    if read is not None and read.url != best["page"]:
        read = None
    context = " … ".join(part for part in (best["left_context"], best["right_context"]) if part)
    said, said_by = best["language"], LanguageSource.TOOL
    if read is not None and read.language:
        said, said_by = read.language, LanguageSource.PAGE
    elif not first_code(said):
        said, said_by = detect(best["title"], best["anchor"], context), LanguageSource.DETECTED
    fit = topics.fit(
        TheirText(
            best["title"],
            best["anchor"],
            context,
            best["page"],
            best["target"],
            read.words if read else (),
            first_code(said),
        )
    )
    return {
        "key": domain,
        "title": best["title"],
        "author": best["author"],
        "context": context or None,
        "known_pages": json.dumps([one["page"] for one in pages]),
        "said": said or None,
        "said_by": said_by.value if said else None,
        **_won(domain, closeup.winnability(best, said), wishes),
        **fit_columns(fit),
    }


def _won(domain: str, found: Winnability, wishes: Wishes) -> dict[str, Any]:
    parts = [{"rule": one.rule, "points": one.points, "why": one.why, "seen": one.seen} for one in found.parts]
    open_gates = wishes.kept.get(domain, frozenset()) | set(wishes.keep)
    gate = found.gate if found.gate not in open_gates and "*" not in open_gates else None
    return {"winnability": found.score, "winnability_parts": json.dumps(parts, ensure_ascii=False), "gate": gate}


def fit_columns(fit: TopicFit) -> dict[str, Any]:
    """A fit as the columns of `judged`."""
    return {
        "fit": fit.score,
        "fit_page": fit.page,
        "fit_words": json.dumps(fit.shared[:8], ensure_ascii=False),
        "fit_unknown": fit.unknown.value if fit.unknown else None,
    }


def rows(engine: Engine, batch: int = 10_000) -> Iterator[dict[str, Any]]:
    """The judged table in rank order: GAP_COLUMNS, the masks, `seen`, `language_source` and the columns of `judged`, lists as lists."""
    names = [*GAP_COLUMNS, *MASKS, "seen", "language_source"]
    ours = [name for name in COLUMNS if name not in ("key", "said", "said_by")]
    columns = ", ".join([*(f'gap."{name}"' for name in names), *(f"judged.{name}" for name in ours)])
    result = engine.stream(f"SELECT {columns} FROM gap LEFT JOIN judged ON judged.key = gap.domain ORDER BY gap.place")
    while found := result.fetchmany(batch):
        for cells in found:
            row = dict(zip([*names, *ours], cells, strict=True))
            for name in ("known_pages", "winnability_parts", "fit_words"):
                row[name] = json.loads(row[name]) if row[name] else []
            yield row


def our_pages(path: Path, languages: Sequence[str] = ()) -> tuple[OurText, ...]:
    """Pages of ours from a file: CSV with the headers url, title, topic, summary, language, or JSON objects with these keys.

    A page without a language has the one that its words are in, else the site's only one. Raises BadInput, naming the fix.
    """
    if not path.is_file():
        raise BadInput(say("--pages-of-ours {path}: there is no such file.", path=path))
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    try:
        rows = _json_rows(text) if text.lstrip()[:1] in ("[", "{") else list(csv.DictReader(text.splitlines()))
    except (ValueError, csv.Error) as error:
        raise BadInput(
            say("--pages-of-ours {path}: it is neither CSV nor JSON ({error}).", path=path, error=error)
        ) from error
    made = []
    for number, row in enumerate(rows, 1):
        cells = {str(name).strip().lower(): str(value).strip() for name, value in row.items() if name and value}
        if not cells.get("url") or not cells.get("title"):
            raise BadInput(
                say(
                    "--pages-of-ours {path}: page {number} needs url and title (topic, summary, language help).",
                    path=path,
                    number=number,
                )
            )
        made.append(
            our_text(
                cells["url"],
                cells["url"],
                cells["title"],
                cells.get("topic"),
                cells.get("summary"),
                language=cells.get("language"),
                languages=languages,
            )
        )
    return tuple(made)


def _json_rows(text: str) -> list[dict[str, Any]]:
    found = (
        json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines() if line]
    )
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ValueError("a list of objects is wanted")
    return found


def our_text(
    key: str,
    url: str,
    title: str,
    topic: str | None = None,
    summary: str | None = None,
    *,
    language: str | None = None,
    languages: Sequence[str] = (),
) -> OurText:
    """A page of ours with its language: as given, else as its words say, else the only one of the site."""
    said = first_code(language) or detect(title, topic, summary)
    if said is None and len(languages) == 1:
        said = first_code(languages[0])
    return OurText(key, url, title, topic, summary, said)


def write_fits(engine: Engine, path: Path) -> int:
    """Write the fit of each gap in rank order as one JSON object a line: domain, page of theirs, language, fit, why. Returns how many."""
    result = engine.stream(
        """SELECT domain, best_page, coalesce(judged.said, gap.language), judged.said_by, judged.fit, judged.fit_page,
        judged.fit_words, judged.fit_unknown FROM gap LEFT JOIN judged ON judged.key = gap.domain
        WHERE tier IS NOT NULL AND removed_by = '' ORDER BY place"""
    )
    count = 0
    with path.open("w", encoding="utf-8") as out:
        while rows := result.fetchmany(5_000):
            for domain, page, language, source, score, ours, words, unknown in rows:
                fit = stored_fit(score, ours, json.loads(words or "[]"), unknown)
                record = {
                    "domain": domain,
                    "page": page,
                    "language": language,
                    "language_source": source,
                    "fit": fit.score,
                    "fits": fit.page,
                    "shared": list(fit.shared),
                    "unknown": fit.unknown.value if fit.unknown else None,
                    "why": why(fit),
                }
                out.write(json.dumps(record, ensure_ascii=False) + "\n")
                count += 1
    return count


def stored_fit(score: int | None, page: str | None, words: Iterable[str], unknown: str | None) -> TopicFit:
    """A fit out of its columns; without a score and a reason, nobody has compared anything."""
    reason = FitUnknown(unknown) if unknown else None
    return TopicFit(page, score, tuple(words), reason or (FitUnknown.NO_TEXT if score is None else None))
