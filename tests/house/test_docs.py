"""The documentation says what the code does."""

from __future__ import annotations

import subprocess
import sys
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
