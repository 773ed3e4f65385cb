"""Runs the command `gapbridge` inside the test process, as a person would from a shell."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

import app.cli
import app.commands.operate
import app.commands.serve


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


class Shell:
    """`shell("mailbox", "list")`; settings go through the environment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._patch, self._capsys = monkeypatch, capsys
        monkeypatch.chdir(folder)
        # Logging is set up once for a process, and this one belongs to the tests.
        for module in (app.commands.operate, app.commands.serve):
            monkeypatch.setattr(module, "configure", lambda *_, **__: None)

    def set(self, **settings: object) -> None:
        for name, value in settings.items():
            self._patch.setenv(f"GAPBRIDGE_{name.upper()}", str(value))

    def __call__(self, *arguments: str) -> Ran:
        self._patch.setattr(sys, "argv", ["gapbridge", *arguments])
        self._capsys.readouterr()
        # Outside of tests the log goes to standard error; here it would stand among the answers.
        former = structlog.get_config()
        structlog.configure(
            processors=[structlog.processors.KeyValueRenderer()], logger_factory=structlog.ReturnLoggerFactory()
        )
        try:
            # In a thread, because a browser of the same process keeps an event loop in this one.
            with ThreadPoolExecutor(1) as shell:
                code = shell.submit(app.cli.main).result()
        finally:
            structlog.configure(**former)
        printed = self._capsys.readouterr()
        return Ran(code, printed.out, printed.err)
