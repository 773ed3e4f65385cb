"""The wheel, built and installed in a clean environment, works without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

RENDER = """
import app, app.resources
from pathlib import Path
from app.mail.render.drafts import draft, example_values
from app.mail.render.templates import template_names
assert "site-packages" in app.__file__, app.__file__
assert "_bundled" in str(app.resources.resource("templates"))
names = template_names()
assert names
for name in names:
    result = draft(name, example_values(name), our_domains=[])
    assert result.message.subject.strip() and result.message.body_text.strip() and result.message.body_html.strip(), name
import alembic
assert "_bundled" not in alembic.__file__ and Path(alembic.__file__).parent.name == "alembic"
assert hasattr(alembic, "op")
print(",".join(names))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built without network: the build back end is one of the locked packages."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONSAFEPATH": "1"},
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel and the locked packages, and without the checkout; the folder of its commands."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False, symlinks=True)
    commands = home / "bin"
    purelib = next((home / "lib").glob("python*")) / "site-packages"
    # The libraries of this environment, as plain paths: a .pth inside them (the link to the checkout) is not followed.
    (purelib / "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    subprocess.run(
        [
            sys.executable, "-m", "pip", "--python", str(commands / "python"), "install", "-q", "--no-deps", "--no-index",
            "--ignore-installed", str(wheel),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return commands


def run(commands: Path, cwd: Path, *arguments: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GAPBRIDGE_", "PYTHON", "COV_"))}
    result = subprocess.run(arguments, cwd=cwd, env=clean, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_what_the_wheel_holds(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names}
    assert tops == {"app", "workers", next(top for top in tops if top.endswith(".dist-info"))}
    # Every file of ours that is not code travels too: templates, migrations, pages and style sheets.
    tracked = subprocess.run(
        ["git", "ls-files", "app", "workers", "templates", "alembic"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()  # fmt: skip
    expected = {
        f"app/_bundled/{name}" if name.startswith(("templates/", "alembic/")) else name
        for name in tracked
        if (ROOT / name).exists()
    }
    assert expected - names == set()
    assert not [name for name in names if "test" in name.split("/")[0] or name.endswith((".pyc", ".sqlite", ".lock"))]
    assert "app/_bundled/alembic/__init__.py" not in names


def test_it_migrates_an_empty_installation(installed: Path, tmp_path: Path) -> None:
    gapbridge = str(installed / "gapbridge")
    assert "empty -> " in run(installed, tmp_path, gapbridge, "migrate")
    assert "already at" in run(installed, tmp_path, gapbridge, "migrate")
    assert (tmp_path / "var" / "gapbridge.sqlite").exists()


def test_it_renders_every_template(installed: Path, tmp_path: Path) -> None:
    printed = run(installed, tmp_path, str(installed / "python"), "-c", RENDER)
    on_disk = {folder.name for folder in (ROOT / "templates/emails").iterdir() if not folder.name.startswith("_")}
    assert set(printed.strip().split(",")) == on_disk


def test_every_command_explains_itself(installed: Path, tmp_path: Path) -> None:
    printed = run(installed, tmp_path, str(installed / "gapbridge"), "--help")
    assert "serve" in printed
    assert "migrate" in printed
