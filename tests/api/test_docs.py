"""The reference names every request with its scope, every scope and every code."""

from __future__ import annotations

from pathlib import Path

from app import errors
from app.api.v1.routes import DOORS
from app.models import Role

REFERENCE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "api.md").read_text()


def test_every_request_is_documented_with_its_scope() -> None:
    missing = [
        f"{route.method} {route.path}"
        for door in DOORS
        for route in door.table
        if f"| `{route.method} {route.path}` | `{route.needs}` |" not in REFERENCE
    ]
    assert missing == []


def test_nothing_is_documented_that_does_not_exist() -> None:
    known = {f"`{route.method} {route.path}`" for door in DOORS for route in door.table}
    listed = {
        line.split("|")[1].strip()
        for line in REFERENCE.splitlines()
        if line.count("|") == 4 and " /" in line.split("|")[1]
    }
    assert listed - known == set()


def test_every_code_and_role_is_documented() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.GapbridgeError)
    ]
    codes = {kind.code for kind in kinds if kind is not errors.GapbridgeError}
    assert {code for code in codes if f"`{code}`" not in REFERENCE} == set()
    assert {role.value for role in Role if f"| {role.value} |" not in REFERENCE} == set()
