"""The table of what holds the staff app: every requirement stands in it, and every test that it names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from app.domain.pipeline import Event
from app.web.words import EVENT_WORDS

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


def test_every_event_of_a_history_has_its_words() -> None:
    """What the services write into a prospect's history is shown in words, in every language of the pages."""
    written = set()
    for path in (ROOT / "app").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            texts = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            # Lines of the audit and of logs, which have dots and dashes in their names, are written by notes of their own.
            if name in ("note", "_note", "_touch") and texts and re.fullmatch("[a-z_]+", texts[-1]):
                written.add(texts[-1])
    assert len(written) > 20
    assert (written | {event.value for event in Event}) - EVENT_WORDS.keys() == set()
