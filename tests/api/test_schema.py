"""The document against the application: schemathesis makes requests out of it and holds the answers to it."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
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

# Our rules refuse some input of the right form (a domain that is none, a page that is not ours) with 422, on purpose.
REFUSED_ON_PURPOSE = (schemathesis.checks.positive_data_acceptance,)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def furnished(request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: Any) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("schema")
    with templates.copy(request.param, folder) as url:
        house = House(
            Settings(_env_file=None, data_dir=folder / "data", database_url=url, mail_allow_plaintext=True),
            clock=FixedClock(START),
        )
        furnish(house)
        house.secret = house.key()  # type: ignore[attr-defined]
        yield house
        house.close()


def test_the_document_is_openapi_3_1_and_names_a_scheme(furnished: House) -> None:
    document = furnished.stranger().get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["security"], (method, path)
            assert "Problem" in str(operation["responses"]["422"]), (method, path)
            assert operation["description"], (method, path)
            if method == "post":
                assert any(p["name"] == "Idempotency-Key" for p in operation["parameters"]), path


@pytest.mark.uncounted
def test_no_answer_differs_from_the_document(furnished: House) -> None:
    load_all_checks()
    # The key is always sent (test_frame.py leaves it out), so a request that lacks one is none of the wrong form here.
    document = copy.deepcopy(furnished.app.openapi())
    for methods in document["paths"].values():
        for described in methods.values():
            del described["security"]
    schema = schemathesis.openapi.from_dict(document)
    schema.app = furnished.app
    headers = {"Authorization": f"Bearer {furnished.secret}"}  # type: ignore[attr-defined]
    failures: list[str] = []
    for result in schema.get_all_operations():
        operation = result.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                _hold(operation, mode, headers)
            except Unsatisfiable:
                continue  # Nothing of the wrong form can be made for this operation.
            except Exception as error:
                failures.append(f"{operation.method.upper()} {operation.path}: {error}")
    assert failures == []


def _hold(operation: Any, mode: GenerationMode, headers: dict[str, str]) -> None:
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
        case.call_and_validate(headers=headers, excluded_checks=REFUSED_ON_PURPOSE)

    run()
