"""Writes the exports that describe the sandbox world, byte for byte as the backlink tools write theirs.

Formats: Ahrefs backlinks and referring domains (UTF-16 little endian with byte order mark, tabs, every cell quoted, LF),
Semrush backlink gap (UTF-8, commas, CRLF, no quotes) and referring domains (UTF-8, commas, LF), Search Console top linking
sites and latest links (UTF-8, commas).
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from app.sandbox import cast

AHREFS_BACKLINKS = (
    "Referring page title", "Referring page URL", "Language", "Platform", "Referring page HTTP code", "Domain rating",
    "UR", "Domain traffic", "Referring domains", "Linked domains", "External links", "Page traffic", "Keywords",
    "Target URL", "Left context", "Anchor", "Right context", "Redirect Chain URLs", "Redirect Chain status codes",
    "Type", "Is spam", "Content", "Nofollow", "UGC", "Sponsored", "Rendered", "Raw", "Lost status", "Drop reason",
    "Discovered status", "First seen", "Last seen", "Lost", "Author", "Page type", "Page category", "Links in group",
)  # fmt: skip

# "Traffic " and "Keywords " end in a space in the real files.
AHREFS_REFDOMAINS = (
    "Domain", "Is spam", "DR", "Dofollow ref. domains", "Dofollow linked domains", "Traffic ", "Keywords ",
    "Links to target", "New links", "Lost links", "Dofollow links", "First seen", "Lost",
)  # fmt: skip

SEMRUSH_REFDOMAINS = ("Domain ascore", "Domain", "Backlinks", "IP Address", "Country", "First seen", "Last seen")


@dataclass(frozen=True, slots=True)
class Export:
    """One written file: whose links it lists (None: several targets, named in its columns) and where it is."""

    target: str | None
    path: Path


def write_all(folder: Path, at: datetime) -> list[Export]:
    """Write every export of the world as of `at` into `folder`; ours first, then the competitors'."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp, day = f"{at:%Y-%m-%d_%H-%M-%S}", f"{at:%Y-%m-%d}"
    files: list[tuple[str | None, str, bytes]] = [
        (cast.OUR_DOMAIN, f"{cast.OUR_DOMAIN}-Top linking sites-{day}.csv", _console_sites()),
        (cast.OUR_DOMAIN, f"{cast.OUR_DOMAIN}-Latest links-{day}.csv", _console_latest(at)),
    ]
    for competitor in (cast.SALTCLOCK, cast.MOORBASE):
        name = f"{competitor.domain}-backlinks-subdomains_{stamp}.csv"
        files.append((competitor.domain, name, _ahrefs_backlinks(competitor, at)))
    ebb = cast.EBBFINDER
    files += [
        (ebb.domain, f"{ebb.domain}-refdomains-subdomains_{stamp}.csv", _ahrefs_refdomains(ebb, at)),
        (ebb.domain, f"{ebb.domain}-backlinks_refdomains.csv", _semrush_refdomains(ebb, at)),
        (None, f"{cast.OUR_DOMAIN}-backlinks_matrix.csv", _semrush_gap()),
    ]
    written = []
    for target, name, content in files:
        (folder / name).write_bytes(content)
        written.append(Export(target, folder / name))
    return written


def write_later(folder: Path, at: datetime, editors: tuple[cast.Editor, ...] = cast.EVERYBODY) -> list[Export]:
    """Newer backlink exports of two competitors, in which `editors` stand: a few more than in the first ones."""
    written = []
    for competitor in (cast.SALTCLOCK, cast.MOORBASE):
        path = folder / f"{competitor.domain}-backlinks-subdomains_{at:%Y-%m-%d_%H-%M-%S}.csv"
        path.write_bytes(_ahrefs_backlinks(competitor, at, editors))
        written.append(Export(competitor.domain, path))
    return written


def _ahrefs(header: tuple[str, ...], rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(
        text, header, restval="", delimiter="\t", quoting=csv.QUOTE_ALL, lineterminator="\n", extrasaction="raise"
    )
    writer.writeheader()
    writer.writerows(rows)
    return b"\xff\xfe" + text.getvalue().encode("utf-16-le")


def _commas(header: tuple[str, ...], rows: list[tuple[object, ...]], line_end: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=line_end)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _moment(at: datetime, days_ago: int) -> str:
    return f"{at - timedelta(days=days_ago):%Y-%m-%d %H:%M:%S}"


def _seen(domain: str) -> int:
    """Days since the link was first seen; only has to differ from row to row."""
    return 200 + sum(domain.encode()) % 900


def _rating(value: float) -> str:
    """Ahrefs writes decimals below ten and integers above."""
    return f"{value:g}"


def _ahrefs_backlinks(
    competitor: cast.Competitor, at: datetime, editors: tuple[cast.Editor, ...] = cast.EDITORS
) -> bytes:
    rows = []
    for editor in editors:
        if competitor in editor.links_to:
            rows.append(
                _backlink(
                    competitor,
                    at,
                    editor.url,
                    title=editor.headline,
                    language=editor.language,
                    rating=editor.authority,
                    traffic=editor.traffic,
                )
            )
    if competitor is cast.SALTCLOCK:
        for noise in cast.NOISE:
            row = _backlink(
                competitor,
                at,
                f"http://{noise.domain}{noise.path}",
                title=noise.title,
                language="en",
                rating=noise.authority,
                traffic=noise.traffic,
            )
            rows.append(row | _flaw(noise.flaw, at))
    return _ahrefs(AHREFS_BACKLINKS, rows)


def _backlink(
    competitor: cast.Competitor, at: datetime, url: str, *, title: str, language: str, rating: float, traffic: int
) -> dict[str, str]:
    host = url.split("/")[2]
    return {
        "Referring page title": title,
        "Referring page URL": url,
        "Language": language,
        "Platform": "wordpress",
        "Referring page HTTP code": "200",
        "Domain rating": _rating(rating),
        "UR": "14",
        "Domain traffic": str(traffic),
        "Referring domains": "9",
        "Linked domains": "31",
        "External links": "44",
        "Page traffic": str(traffic // 40),
        "Keywords": "12",
        "Target URL": competitor.url,
        "Left context": "Siehe auch" if language == "de" else "See also",
        "Anchor": competitor.name,
        "Right context": ".",
        "Type": "text",
        "Is spam": "false",
        "Content": "true",
        "Nofollow": "false",
        "UGC": "false",
        "Sponsored": "false",
        "Rendered": "true",
        "Raw": "true",
        "Discovered status": "linkfound",
        "First seen": _moment(at, _seen(host)),
        "Last seen": _moment(at, 3),
        "Page type": "Article > Guide",
        "Links in group": "1",
    }


def _flaw(flaw: str, at: datetime) -> dict[str, str]:
    match flaw:
        case "spam":
            return {"Is spam": "true"}
        case "lost":
            return {"Lost status": "removedfromhtml", "Lost": _moment(at, 20)}
        case "nofollow":
            return {"Nofollow": "true", "UGC": "true", "Page type": "User content > Forum"}
        case "listing":
            return {"Page type": "Listing collection > Business/Service", "External links": "2140"}
        case _:
            return {}


def _ahrefs_refdomains(competitor: cast.Competitor, at: datetime) -> bytes:
    rows = [
        {
            "Domain": editor.domain,
            "Is spam": "false",
            "DR": _rating(editor.authority),
            "Dofollow ref. domains": "310",
            "Dofollow linked domains": "420",
            "Traffic ": str(editor.traffic),
            "Keywords ": str(editor.traffic // 9),
            "Links to target": "1",
            "New links": "0",
            "Lost links": "0",
            "Dofollow links": "1",
            "First seen": _moment(at, _seen(editor.domain)),
        }
        for editor in cast.EDITORS
        if competitor in editor.links_to
    ]
    return _ahrefs(AHREFS_REFDOMAINS, rows)


def _semrush_refdomains(competitor: cast.Competitor, at: datetime) -> bytes:
    rows: list[tuple[object, ...]] = [
        (
            editor.authority - 6,
            editor.domain,
            1,
            f"192.0.2.{number}",
            "de" if editor.language == "de" else "",
            f"{at - timedelta(days=_seen(editor.domain)):%Y-%m-%d}",
            f"{at - timedelta(days=3):%Y-%m-%d}",
        )
        for number, editor in enumerate(cast.EDITORS, 10)
        if competitor in editor.links_to
    ]
    return _commas(SEMRUSH_REFDOMAINS, rows, "\n")


def _semrush_gap() -> bytes:
    targets = (cast.OUR_DOMAIN, *(competitor.domain for competitor in cast.COMPETITORS))
    rows: list[tuple[object, ...]] = []
    for editor in cast.EDITORS:
        # As in the real files, "you" has no link in any row: the export lists the gap only.
        if editor.known_to_search_console:
            continue
        cells = [0, *(int(competitor in editor.links_to) for competitor in cast.COMPETITORS)]
        rows.append((editor.domain, editor.authority - 6, *cells, sum(cells)))
    return _commas(("Domain", "Domain ascore", *targets, "Matches"), rows, "\r\n")


def _console_sites() -> bytes:
    rows: list[tuple[object, ...]] = [
        (editor.domain, 1, 1) for editor in cast.EDITORS if editor.known_to_search_console
    ]
    return _commas(("Site", "Linking pages", "Target pages"), rows, "\n")


def _console_latest(at: datetime) -> bytes:
    rows: list[tuple[object, ...]] = [
        (editor.url, f"{at - timedelta(days=9):%Y-%m-%d}") for editor in cast.EDITORS if editor.known_to_search_console
    ]
    return _commas(("Linking page", "Last crawled"), rows, "\n")
