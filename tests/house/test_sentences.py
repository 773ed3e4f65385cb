"""What a page shows of a refusal can be said in its reader's language: no error of the application is raised with a bare text."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

from app import errors

APP = Path(errors.__file__).parent
# The command line speaks English, and is read by whoever typed the command.
FILES = [
    file
    for file in sorted(APP.rglob("*.py"))
    if not file.relative_to(APP).as_posix().startswith(("commands/", "sandbox/"))
]
# The name of each class, and which of its arguments is the sentence.
SENTENCES = {
    name: 0 for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, errors.GapbridgeError)
} | {"FieldProblem": 1, "Skip": 1}


def bare(source: str) -> list[int]:
    """The lines on which an error is made with a text that remembers nothing."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in SENTENCES
        and len(node.args) > SENTENCES[node.func.id]
        and isinstance(node.args[SENTENCES[node.func.id]], ast.Constant | ast.JoinedStr)
    ]


def test_the_guard_sees_what_it_is_for() -> None:
    assert bare('raise Stale("somebody was faster", 1)\nFieldProblem("url", f"{x} is none")') == [1, 2]
    assert bare('raise Stale(say("somebody was faster"), 1)\nFieldProblem("url", str(error))') == []


def test_every_refusal_is_a_sentence_that_can_be_translated() -> None:
    assert [f"{file}:{line}" for file in FILES for line in bare(file.read_text("utf-8"))] == []
