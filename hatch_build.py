"""Puts htmx into the package: out of the wheel of django-htmx, whose Python part is never installed where Gapbridge runs.

`scripts/link-checkout` does it for a checkout, the hook for a wheel. The file is not in the repository.
"""

import importlib.util
import shutil
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
TARGET = ROOT / "app/web/static/lib/htmx.min.js"


class Htmx(BuildHookInterface):
    """Runs before every build; a file that a checkout has already is kept."""

    def initialize(self, version: str, build_data: dict) -> None:
        """Copy the file, or end the build with what is missing."""
        if TARGET.exists():
            return
        carrier = importlib.util.find_spec("django_htmx")
        if carrier is None or carrier.origin is None:
            raise SystemExit(f"{TARGET} is missing. Fix: run `make setup` in the checkout, then build again.")
        TARGET.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(carrier.origin).parent / "static/django_htmx/htmx-2.min.js", TARGET)
