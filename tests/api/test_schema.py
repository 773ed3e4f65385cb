"""The document against the application: schemathesis makes requests out of it and holds the answers to it."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import load_all_checks
from schemathesis.generation.modes import GenerationMode

from app.clock import FixedClock
from app.settings import Settings
from tests.conftest import START
from tests.support.databases import Templates
from tests.support.desk import furnish
from tests.support.http import House

EXAMPLES = int(os.environ.get("GAPBRIDGE_TEST_SCHEMA_EXAMPLES", "8"))

# The operations are shared out, so that no test is long and the workers of the suite take turns.
PARTS = 4

# Our rules refuse some input of the right form (a domain that is none, a page that is not ours) with 422, on purpose.
REFUSED_ON_PURPOSE = (schemathesis.checks.positive_data_acceptance,)


@contextmanager
def _furnished(kind: str, templates: Templates, folder: Path) -> Iterator[House]:
    folder.mkdir()
    with templates.copy(kind, folder) as url:
        house = House(
            Settings(_env_file=None, data_dir=folder / "data", database_url=url, mail_allow_plaintext=True),
            clock=FixedClock(START),
        )
        furnish(house)
        try:
            yield house
        finally:
            house.close()


def test_the_document_is_openapi_3_1_and_names_a_scheme(house: House) -> None:
    document = house.stranger().get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["security"], (method, path)
            assert "Problem" in str(operation["responses"]["422"]), (method, path)
            assert operation["description"], (method, path)
            if method == "post":
                assert any(p["name"] == "Idempotency-Key" for p in operation["parameters"]), path


@pytest.mark.parametrize("part", range(PARTS))
def test_no_answer_differs_from_the_document(templates: Templates, tmp_path: Path, part: int) -> None:
    """Each request is made of both databases: to think of one takes four times as long as to answer it."""
    with ExitStack() as stack:
        houses, missing = [stack.enter_context(_furnished("sqlite", templates, tmp_path / "sqlite"))], None
        try:
            houses.append(stack.enter_context(_furnished("postgresql", templates, tmp_path / "postgresql")))
        except pytest.skip.Exception as skipped:
            missing = skipped
        failures = _failures([(house.app, {"Authorization": f"Bearer {house.key()}"}) for house in houses], part)
    assert failures == []
    if missing is not None:
        raise missing


def _failures(doors: list[tuple[Any, dict[str, str]]], part: int) -> list[str]:
    """What the applications answer otherwise than their document says; each comes with the headers that it wants."""
    load_all_checks()
    # The key is always sent (test_frame.py leaves it out), so a request that lacks one is none of the wrong form here.
    document = copy.deepcopy(doors[0][0].openapi())
    for methods in document["paths"].values():
        for described in methods.values():
            del described["security"]
    schema = schemathesis.openapi.from_dict(document)
    failures: list[str] = []
    for result in list(schema.get_all_operations())[part::PARTS]:
        operation = result.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                _hold(operation, mode, doors)
            except Unsatisfiable:
                continue  # Nothing of the wrong form can be made for this operation.
            except Exception as error:
                failures.append(f"{operation.method.upper()} {operation.path}: {error}")
    return failures


def _hold(operation: Any, mode: GenerationMode, doors: list[tuple[Any, dict[str, str]]]) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        # Most numbers name nothing: half of the good ones are turned into numbers of rows that exist.
        for name, value in (case.path_parameters or {}).items() if mode is GenerationMode.POSITIVE else ():
            if type(value) is int and value > 0 and value % 2:
                case.path_parameters[name] = 1 + value % 7
        for app, headers in doors:
            case.call_and_validate(app=app, headers=headers, excluded_checks=REFUSED_ON_PURPOSE)

    run()
