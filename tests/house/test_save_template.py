"""`gapbridge pitch save-template`: a version is kept, or the mistake is named by its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlmodel import select

from app.clock import SystemClock
from app.db.work import Database
from app.jobs import SilentDispatcher
from app.models import TemplateVersion
from app.resources import resource
from tests.support.commands import Shell


@pytest.fixture
def shell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, database_url: str
) -> Shell:
    made = Shell(monkeypatch, capsys, tmp_path)
    made.set(database_url=database_url, data_dir=tmp_path / "data")
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    mine = tmp_path / "mine"
    mine.mkdir()
    for part in ("subject.txt", "body.txt"):
        text = (resource("templates") / "emails" / "coverage-gap" / part).read_text("utf-8")
        (mine / part).write_text(text.replace("Best wishes", "Kind regards"), "utf-8")
    return mine


def versions(url: str) -> list[tuple[str, int, bool]]:
    db = Database(url, SystemClock(), SilentDispatcher())
    with db.read() as look:
        rows = look.session.exec(select(TemplateVersion)).all()
        found = [(row.name, row.version, "Kind regards" in row.body_text) for row in rows]
    db.dispose()
    return found


def test_a_version_is_kept(shell: Shell, folder: Path, database_url: str) -> None:
    ran = shell("pitch", "save-template", "coverage-gap", str(folder), "--note", "warmer")
    assert (ran.code, ran.err) == (0, "")
    assert "version 1" in ran.out
    assert shell("pitch", "save-template", "coverage-gap", str(folder)).code == 0
    assert versions(database_url) == [("coverage-gap", 1, True), ("coverage-gap", 2, True)]


def test_a_mistake_is_named_and_nothing_is_kept(shell: Shell, folder: Path, database_url: str) -> None:
    body = folder / "body.txt"
    body.write_text(body.read_text("utf-8") + "\n{{ frist_name }}\n{{ ''.__class__ }}\n", "utf-8")
    ran = shell("pitch", "save-template", "coverage-gap", str(folder))
    assert ran.code == 2
    assert "frist_name" in ran.err
    assert shell("pitch", "save-template", "no-such-angle", str(folder)).code != 0
    body.unlink()
    ran = shell("pitch", "save-template", "coverage-gap", str(folder))
    assert ran.code == 2
    assert "body.txt" in ran.err
    assert versions(database_url) == []
