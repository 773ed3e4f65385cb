"""The table of what holds the staff app: every requirement stands in it, and every test that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/explanation/staff-app.md"
ROWS = [line.split("|") for line in PAGE.read_text("utf-8").splitlines() if re.match(r"\| U\d\d \|", line)]


def test_every_requirement_stands_once_and_names_what_holds_it() -> None:
    assert [row[1].strip() for row in ROWS] == [f"U{number:02}" for number in range(1, 31)]
    assert [row[1] for row in ROWS if not (row[2].strip() and row[3].strip() and "::" in row[4])] == []


def test_every_test_of_the_table_exists() -> None:
    missing = []
    for row in ROWS:
        for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row[4]):
            file = ROOT / path
            if not file.is_file() or f"\ndef {name}(" not in file.read_text("utf-8"):
                missing.append(f"{row[1].strip()}: {path}::{name}")
        assert len(re.findall(r"`", row[4])) == 2 * len(re.findall(r"`tests/[\w/]+\.py::\w+`", row[4])), row[1]
    assert missing == []
