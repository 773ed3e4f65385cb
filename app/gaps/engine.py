"""The columnar engine under the gap: one embedded DuckDB connection, told everything about a file and left to guess nothing."""

from __future__ import annotations

import contextlib
import csv
import itertools
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

import duckdb

from app.domain.said import say
from app.errors import BadInput, Unavailable
from app.gaps import dates
from app.gaps.careful import NO_DOMAIN, NO_SOURCE, Rejects, locate, write_clean
from app.gaps.detect import Layout, as_of_date, detect, target_by_name
from app.gaps.profiles import FIELD_TYPES
from app.gaps.report import FileReport
from app.gaps.rows import MACROS, read_types, select_rows
from app.gaps.textfile import has_several, open_texts
from app.gaps.texts import TextFile
from app.keys import registrable_domain, site_key

#: Beyond this the engine spills to disk. Ten million rows over three million domains were tried with it.
MEMORY_LIMIT = "300MB"
#: What a file gets that cannot be done with it, however much is on the disk.
ROOMY_LIMIT = "900MB"
_MAX_LINE = 4 << 20
#: The reader's own choice, sixteen times the longest line, costs memory and the time to get it, and reads no faster.
_BUFFER = 16 << 20
#: So many rows say whose links a file holds.
_TARGET_SAMPLE = 200


@dataclass(slots=True)
class Export:
    """One opened export: where its text lies, how to read it, and its report so far."""

    path: Path
    text: TextFile
    layout: Layout
    report: FileReport
    data: Path  # what the engine reads: the text, or its clean copy
    skip: int
    careful: bool = False
    types: Mapping[int, str] = field(
        default_factory=dict
    )  # columns that are read as what they mean; the others are text
    rejects: Rejects = field(default_factory=Rejects)

    @property
    def relation(self) -> str:
        """SQL for the file's cells as `c0, c1, ...`; no sniffing, no padding, strict quotes."""
        types = [self.types.get(number, "VARCHAR") for number in range(len(self.layout.headers))]
        columns = ", ".join(f"'c{number}': '{kind}'" for number, kind in enumerate(types))
        return (
            f"read_csv({literal(str(self.data))}, auto_detect=false, header=false, skip={self.skip}, "
            f"delim={literal(self.layout.delimiter)}, quote='\"', escape='\"', new_line='\\n', strict_mode=true, "
            f"null_padding=false, ignore_errors=false, max_line_size={_MAX_LINE}, buffer_size={_BUFFER}, columns={{{columns}}})"
        )

    @property
    def rows(self) -> str:
        """SQL for the file's rows as `app.gaps.rows.COLUMNS`."""
        return select_rows(self.layout, self.relation, self.types)

    def reject_bad_sources(self) -> int:
        """Go over the file for rows that name no site, so that each is rejected with its line; return how many rows there are."""
        whole = 0

        def reason_of(cell: str) -> str | None:
            nonlocal whole
            whole += 1
            if not cell.strip():
                return NO_SOURCE
            # As the engine reads it: with one slash it is no address.
            return NO_DOMAIN if site_key(cell) is None or _ONE_SLASH.match(cell) else None

        found = locate(
            self.text.path,
            delimiter=self.layout.delimiter,
            skip=self.layout.skip,
            width=len(self.layout.headers),
            column=self.layout.fields["source"],
            reason_of=reason_of,
        )
        self.report.rejects = merge(self.rejects, found)
        return whole + self.rejects.total

    def target_seen(self) -> str | None:
        """The domain that more than half of the first rows link to, where the file has a target column; else None."""
        column = self.layout.fields.get("target_url")
        if column is None:
            return None
        lines = self.text.head.split("\n")[self.layout.skip :]
        rows = csv.reader(lines[:_TARGET_SAMPLE], delimiter=self.layout.delimiter)
        keys: Counter[str | None] = Counter()
        with contextlib.suppress(csv.Error):
            keys.update(registrable_domain(row[column]) for row in rows if len(row) > column)
        (key, count), *_ = keys.most_common(1) or [(None, 0)]
        return key if count * 2 > keys.total() else None


_ONE_SLASH = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*:/(?!/)")


def merge(first: Rejects, second: Rejects) -> Rejects:
    """Both lists in the order of the file."""
    return Rejects(first.counts + second.counts, sorted([*first.rows, *second.rows], key=lambda one: one.line))


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


class Engine:
    """A connection with its own directory for clean copies and spilled data; both go when it is closed."""

    def __init__(
        self, *, memory_limit: str = MEMORY_LIMIT, roomy_limit: str | None = ROOMY_LIMIT, threads: int | None = None
    ) -> None:
        self._roomy_limit = roomy_limit
        self._stack = contextlib.ExitStack()
        self.directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="gapbridge-")))
        (self.directory / "spill").mkdir()
        self.connection = duckdb.connect(
            config={
                "memory_limit": memory_limit,
                "threads": threads or os.cpu_count() or 1,
                "temp_directory": str(self.directory / "spill"),
                "preserve_insertion_order": False,
                # A gap reads the files it is given; it loads no code and asks no network.
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        self._stack.callback(self.connection.close)
        # It takes a CSV file for a few dozen rows and would build its hash tables from millions of them instead of our small
        # lists. Every join here is written with the small side on the right, where it is built as written.
        self.run("SET disabled_optimizers = 'build_side_probe_side'")
        # What takes longer than two seconds would be drawn as a bar between the lines of a command or its JSON.
        self.run("SET enable_progress_bar_print = false")
        for macro in MACROS:
            self.run(macro)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Run one statement and fetch all of its rows: a result that is not exhausted blocks the connection.

        A statement that needs more memory than it may take is repeated once with more: it has left nothing behind.
        """
        try:
            return self.connection.execute(sql, parameters).fetchall()
        except duckdb.OutOfMemoryException as error:
            self._grow(error)
        return self.run(sql, parameters)

    def stream(self, sql: str) -> duckdb.DuckDBPyConnection:
        """Run one statement on a cursor of its own, whose rows are fetched in pieces; with more memory the second time, as `run`."""
        try:
            return self.connection.cursor().execute(sql)
        except duckdb.OutOfMemoryException as error:
            self._grow(error)
        return self.stream(sql)

    def _grow(self, error: duckdb.OutOfMemoryException) -> None:
        if self._roomy_limit is None:
            raise Unavailable(
                say("These files need more memory than the gap may take; give fewer or smaller ones at once.")
            ) from error
        self.connection.execute(f"SET memory_limit = {literal(self._roomy_limit)}")
        self._roomy_limit = None

    def open(
        self,
        path: Path,
        *,
        role: str,
        target: str | None,
        wanted: str | None = None,
        mapping: Mapping[str, str] | None = None,
        member: str | None = None,
    ) -> Export:
        """Open one export: decode it, find its layout, start its report. Reads no rows yet. `member` is one of `lists_in`."""
        texts = self.directory / "texts"
        texts.mkdir(exist_ok=True)
        text, layout, others = _choose(open_texts(path, texts), path, wanted, mapping, member)
        report = FileReport(
            file=f"{path}: {Path(member).name}" if member else str(path),
            format=layout.profile.name,
            provider=layout.profile.provider,
            role=role,
            target=target or target_by_name(path) or target_by_name(PurePath(text.member)),
            as_of=as_of_date(path) or as_of_date(PurePath(text.member)),
            encoding=text.encoding,
            delimiter=layout.delimiter,
            format_said=bool(wanted or mapping),
            notes=[*others, *text.notes, *layout.notes],
        )
        layout = _dated(text, layout, report)
        return Export(path, text, layout, report, text.path, layout.skip, types=read_types(layout))

    def take(self, export: Export, use: Callable[[str], None], count: Callable[[], int]) -> None:
        """Let `use` read the export's rows (its argument is their SQL); where the file is broken, read a clean copy of it.

        `use` must leave nothing behind when its statement fails; `count` says how many rows it got. Raises BadInput where
        even the clean copy cannot be read.
        """
        try:
            try:
                use(export.rows)
            except duckdb.ConversionException:
                # One cell that is no figure or no yes and no: it becomes null, and the others are read as texts like it.
                export.types = {}
                use(export.rows)
            # Wrong line ends are no error to the engine: it answers with no rows.
            if count() > 0 or not _has_body(export):
                return
        except duckdb.InvalidInputException:
            pass
        export.types = {}
        clean = export.text.path.with_suffix(".clean")
        _, export.rejects = write_clean(
            export.text.path,
            clean,
            delimiter=export.layout.delimiter,
            skip=export.layout.skip,
            width=len(export.layout.headers),
        )
        export.report.rejects = export.rejects
        export.data, export.skip, export.careful = clean, 0, True
        try:
            use(export.rows)
        except duckdb.InvalidInputException as error:
            raise BadInput(
                say(
                    "{path}: the file cannot be read as a table ({words}).",
                    path=export.path,
                    words=str(error).splitlines()[0],
                )
            ) from error


def _dated(text: TextFile, layout: Layout, report: FileReport) -> Layout:
    """The layout with which part of dates like 9/5/2026 is the day. Where the file does not show it, they are unknown and noted.

    The beginning of the file decides, or else the first date of the whole file that can. A tool writes all dates of a file alike, so
    one column decides for those that cannot; where two contradict each other, each has only its own.
    """
    columns = {column for name, column in layout.fields.items() if FIELD_TYPES[name] == "date"}
    found = dates.orders(text.head.split("\n")[layout.skip :], layout.delimiter, columns)
    if not found:
        return layout
    if layout.day_first:
        return replace(layout, slashes=dict.fromkeys(columns, "dm"))
    if not any(found.values()):
        with text.path.open(encoding="utf-8-sig", newline="") as stream:
            rest = itertools.islice(stream, layout.skip, None)
            found |= dates.orders(rest, layout.delimiter, columns, first=True)
    said = set(found.values()) - {""}
    if len(said) == 1:
        # Also of those whose cells are empty at the beginning of the file.
        found = dict.fromkeys(columns, said.pop())
    if unknown := [layout.headers[column] for column in found if not found[column]]:
        report.notes.append(
            say(
                "the dates in {columns} can be read with the day or with the month first (9/5/2026), and none of them shows which: they count as unknown",
                columns=", ".join(unknown),
            )
        )
    return replace(layout, slashes=found)


#: Search Console puts its lists into one file; the one that says most about each link stands for it.
_FULLEST_FIRST = ("search-console-links", "search-console-sample", "search-console-sites")


def lists_in(path: Path, wanted: str | None = None, mapping: Mapping[str, str] | None = None) -> list[str | None]:
    """The tables of a file that are read as a list each: None is the one that stands for the file, the others have their names.

    Only Search Console puts several into one file: a site may stand in the list of sites and in no list of pages.
    """
    if wanted or mapping or not has_several(path):
        return [None]
    with tempfile.TemporaryDirectory(prefix="gapbridge-lists-") as folder, contextlib.suppress(BadInput):
        found = _recognised(open_texts(path, Path(folder)), path, None, None)
        if all(layout.profile.name in _FULLEST_FIRST for _text, layout in found):
            return [None, *(text.member for text, _layout in found[1:])]
    return [None]


def _recognised(
    texts: list[TextFile], path: Path, wanted: str | None, mapping: Mapping[str, str] | None
) -> list[tuple[TextFile, Layout]]:
    """The tables that are exports of links, the fullest list of Search Console first."""
    found: list[tuple[TextFile, Layout]] = []
    for text in texts:
        with contextlib.suppress(BadInput):
            found.append((text, detect(text, path, wanted, mapping)))
    places = {name: place for place, name in enumerate(_FULLEST_FIRST)}
    return sorted(found, key=lambda one: places.get(one[1].profile.name, len(places)))


def _choose(
    texts: list[TextFile], path: Path, wanted: str | None, mapping: Mapping[str, str] | None, member: str | None
) -> tuple[TextFile, Layout, list[str]]:
    """The table of a file that holds links, or the one that is called `member`, with notes on those that nobody reads. Raises
    BadInput where it would be a guess."""
    if member is not None:
        texts = [text for text in texts if text.member == member]
    if len(texts) == 1:
        return texts[0], detect(texts[0], path, wanted, mapping), []
    found = _recognised(texts, path, wanted, mapping)
    names = ", ".join(text.member for text in texts)
    if not found:
        raise BadInput(
            say(
                "{path}: none of its tables is an export of links: {names}. Say --format, or unpack it "
                "and name the file.",
                path=path,
                names=names,
            )
        )
    if len(found) > 1 and not all(layout.profile.name in _FULLEST_FIRST for _text, layout in found):
        among = ", ".join(f"{text.member} ({layout.profile.title})" for text, layout in found)
        raise BadInput(
            say(
                "{path}: several of its tables are exports of links: {among}. Unpack it and name each file.",
                path=path,
                among=among,
            )
        )
    text, layout = found[0]
    # The other lists of Search Console are read by themselves (`lists_in`).
    read = {text.member} if wanted or mapping else {one.member for one, _layout in found}
    left = [one.member for one in texts if one.member not in read]
    if not left:
        return text, layout, []
    note = say("read the table '{member}'; beside it lay: {others}", member=text.member, others=", ".join(left))
    return text, layout, [note]


def _has_body(export: Export) -> bool:
    return any(line.strip() for line in export.text.head.split("\n")[export.layout.skip :])
