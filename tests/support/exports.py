"""Synthetic exports, byte for byte as the tools write them. Every name in them is reserved for examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

AHREFS_BACKLINKS = [
    "Referring page title", "Referring page URL", "Language", "Platform", "Referring page HTTP code", "Domain rating", "UR",
    "Domain traffic", "Referring domains", "Linked domains", "External links", "Page traffic", "Keywords", "Target URL",
    "Left context", "Anchor", "Right context", "Redirect Chain URLs", "Redirect Chain status codes", "Type", "Is spam", "Content",
    "Nofollow", "UGC", "Sponsored", "Rendered", "Raw", "Lost status", "Drop reason", "Discovered status", "First seen",
    "Last seen", "Lost", "Author", "Page type", "Page category", "Links in group",
]  # fmt: skip

AHREFS_REFDOMAINS = [
    "Domain", "Is spam", "DR", "Dofollow ref. domains", "Dofollow linked domains", "Traffic ", "Keywords ", "Links to target",
    "New links", "Lost links", "Dofollow links", "First seen", "Lost",
]  # fmt: skip

SEMRUSH_REFDOMAINS = ["Domain ascore", "Domain", "Backlinks", "IP Address", "Country", "First seen", "Last seen"]

#: What a row has when a test does not care.
AHREFS_DEFAULTS = {
    "Referring page title": "A page", "Language": "en", "Referring page HTTP code": "200", "Domain rating": "40", "UR": "10",
    "Domain traffic": "5000", "Page traffic": "10", "Type": "text", "Is spam": "false", "Content": "true", "Nofollow": "false",
    "UGC": "false", "Sponsored": "false", "Rendered": "true", "Raw": "true", "First seen": "2025-01-02 03:04:05",
    "Last seen": "2026-02-01 00:00:00", "Links in group": "1",
}  # fmt: skip

Row = Mapping[str, str]


def quoted(rows: Iterable[Sequence[str]], delimiter: str = "\t", end: str = "\n") -> str:
    """Every cell in double quotes, quotes doubled."""
    return "".join(delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) + end for row in rows)


def plain(rows: Iterable[Sequence[str]], delimiter: str = ",", end: str = "\n") -> str:
    """Unquoted cells; the caller sees to it that none needs quotes."""
    return "".join(delimiter.join(row) + end for row in rows)


def link(source: str, target: str = "", **cells: str) -> dict[str, str]:
    """One Ahrefs backlink; keyword names are headers with `_` for spaces."""
    row = {**AHREFS_DEFAULTS, "Referring page URL": source, "Target URL": target}
    row.update({name.replace("_", " "): value for name, value in cells.items()})
    return row


def table(headers: Sequence[str], rows: Iterable[Row]) -> list[list[str]]:
    """The header and the rows in its order; a missing cell is empty."""
    return [list(headers), *([row.get(name, "") for name in headers] for row in rows)]


def ahrefs_backlinks(
    path: Path, rows: Iterable[Row], encoding: str = "utf-16-le", headers: Sequence[str] | None = None
) -> Path:
    """UTF-16 LE with BOM, tabs, every cell quoted, LF: as the tool writes it."""
    text = quoted(table(headers or AHREFS_BACKLINKS, rows))
    path.write_bytes((b"\xff\xfe" if encoding == "utf-16-le" else b"") + text.encode(encoding))
    return path


def ahrefs_refdomains(path: Path, rows: Iterable[Row]) -> Path:
    """The same wire format; two headers end in a space."""
    path.write_bytes(b"\xff\xfe" + quoted(table(AHREFS_REFDOMAINS, rows)).encode("utf-16-le"))
    return path


def semrush_refdomains(path: Path, rows: Iterable[Row], delimiter: str = ",") -> Path:
    """UTF-8 without BOM, unquoted, LF."""
    path.write_bytes(plain(table(SEMRUSH_REFDOMAINS, rows), delimiter).encode())
    return path


def semrush_gap(path: Path, targets: Sequence[str], rows: Iterable[tuple[str, int, Sequence[int]]]) -> Path:
    """UTF-8 without BOM, unquoted, CRLF; a row is (domain, ascore, links to each target)."""
    lines = [["Domain", "Domain ascore", *targets, "Matches"]]
    for domain, ascore, counts in rows:
        lines.append([domain, str(ascore), *map(str, counts), str(sum(1 for count in counts if count))])
    path.write_bytes(plain(lines, end="\r\n").encode())
    return path


def search_console_sites(
    path: Path, rows: Iterable[tuple[str, int, int]], headers: Sequence[str] | None = None
) -> Path:
    """UTF-8, comma, LF."""
    lines = [
        list(headers or ["Site", "Linking pages", "Target pages"]),
        *([site, str(a), str(b)] for site, a, b in rows),
    ]
    path.write_bytes(plain(lines).encode())
    return path


def search_console_links(path: Path, rows: Iterable[tuple[str, str]], headers: Sequence[str] | None = None) -> Path:
    """UTF-8, comma, LF; a row is (linking page, last crawled)."""
    path.write_bytes(plain([list(headers or ["Linking page", "Last crawled"]), *map(list, rows)]).encode())
    return path
