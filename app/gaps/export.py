"""The gap table as a file: CSV, JSON or Parquet by suffix, written beside its place and then moved into it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from app.cells import FORMULA_START
from app.domain.said import say
from app.errors import BadInput
from app.gaps.engine import Engine, literal
from app.gaps.tables import GAP_COLUMNS

SUFFIXES = {".csv": "CSV", ".json": "JSON", ".jsonl": "JSON", ".ndjson": "JSON", ".parquet": "PARQUET"}

#: The columns that hold somebody else's text; the others are keys, figures and words of ours.
THEIR_TEXTS = ("best_page", "target", "anchor", "language")


def check_out(path: Path) -> None:
    """Refuse a place that cannot be written, before any work is done."""
    if path.suffix.lower() not in SUFFIXES:
        raise BadInput(say("--out {path}: the suffix says the format; use .csv, .json or .parquet.", path=path))
    check_file(path, "--out")


def check_file(path: Path | None, option: str) -> None:
    """Refuse a place where no file can be written; `option` is how the person said it."""
    if path is None:
        return
    if not path.absolute().parent.is_dir():
        raise BadInput(
            say(
                "{option} {path}: the directory {parent} does not exist.",
                option=option,
                path=path,
                parent=path.absolute().parent,
            )
        )
    if path.is_dir():
        raise BadInput(say("{option} {path}: this is a directory; name a file in it.", option=option, path=path))


def write_gap(engine: Engine, path: Path) -> None:
    """Write the table `gap` to `path`, whole or not at all; in CSV no cell of theirs can act as a formula."""
    check_out(path)
    suffix = path.suffix.lower()
    handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.stem}-", suffix=suffix)
    os.close(handle)
    try:
        engine.run(f"COPY ({_select(csv=suffix == '.csv')}) TO {literal(name)} ({_options(suffix)})")
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _select(*, csv: bool) -> str:
    columns = []
    for name in GAP_COLUMNS:
        quoted = f'"{name}"'
        columns.append(f"{neutral(quoted)} AS {quoted}" if csv and name in THEIR_TEXTS else quoted)
    return f"SELECT {', '.join(columns)} FROM gap"


def neutral(column: str) -> str:
    """SQL that puts an apostrophe before a text that a spreadsheet would take for a formula."""
    # A list of them would become a join, and what comes out of a join on several threads is written in no order.
    starts = literal("".join(FORMULA_START))
    return f"CASE WHEN {column} <> '' AND contains({starts}, left({column}, 1)) THEN '''' || {column} ELSE {column} END"


def _options(suffix: str) -> str:
    if suffix == ".parquet":
        return "FORMAT parquet, COMPRESSION zstd"
    if suffix == ".csv":
        # Their texts are always quoted, so that a delimiter or a line end inside one never starts a new cell.
        return (
            "FORMAT csv, HEADER true, DELIMITER ',', QUOTE '\"', ESCAPE '\"', FORCE_QUOTE (best_page, target, anchor)"
        )
    return f"FORMAT json, ARRAY {'true' if suffix == '.json' else 'false'}"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
