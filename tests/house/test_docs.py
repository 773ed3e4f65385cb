"""The documentation says what the code does."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from app.settings import Settings

ROOT = Path(__file__).parents[2]


def test_generated_pages_are_current() -> None:
    result = subprocess.run(
        [sys.executable, "scripts/generate-docs", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    description = Settings.model_fields[name].description
    assert description, f"{name} needs a description"
    assert len(description) > 20
    assert description.endswith((".", ")."))
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    assert f"`GAPBRIDGE_{name.upper()}`" in page


def test_the_floors_are_those_of_the_import_contracts() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["id"] == "floors")
    wanted = [{name.strip(" ()") for name in layer.split("|")} for layer in layers]
    page = (ROOT / "docs/explanation/architecture.md").read_text(encoding="utf-8")
    block = page.partition("## The floors")[2].partition("```\n")[2].partition("```")[0]
    # The rooms stand before the remark, which begins in column 55; the line of the command line names two floors.
    shown = [set(line[:55].split()) - {"workers"} for line in block.splitlines()]
    rooms = {path.stem for path in (ROOT / "app").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert [layer & rooms for layer in wanted if layer & rooms] == [{"cli"}, {"commands"}, *shown[1:]]
    assert shown[0] == {"cli", "commands"}
