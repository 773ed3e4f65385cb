"""The domain is pure: the standard library only, no I/O, no clock, no randomness."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

DOMAIN = Path(__file__).parents[2] / "app" / "domain"
FILES = sorted(DOMAIN.rglob("*.py"))
# Parts of the standard library that reach outside, tell the time by themselves, or throw dice.
OUTSIDE = {
    "asyncio", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "shutil", "smtplib",
    "imaplib", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib.request",
}  # fmt: skip
NOW = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("uuid", "uuid4")}


def test_there_is_a_domain() -> None:
    assert len(FILES) > 3


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_domain_imports_only_itself_and_the_standard_library(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        names = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        for name in names:
            assert name.startswith("app.domain") or name.split(".")[0] in sys.stdlib_module_names, f"{file}: {name}"
            assert name not in OUTSIDE, f"{file}: {name}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_time_is_a_parameter(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            assert (owner, node.attr) not in NOW, f"{file}:{node.lineno}: {owner}.{node.attr}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"open", "print", "input"}, f"{file}:{node.lineno}: {node.func.id}"
