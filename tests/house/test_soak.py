"""`make soak PART=100` runs a hundredth: the share has to get past what keeps a developer's own settings out of the tests."""

import os
import subprocess
import sys


def test_the_share_of_a_soak_reaches_the_rigs() -> None:
    asked = "import tests.conftest, os; from tests.support.soak import part; print(part(10_000), os.environ.get('GAPBRIDGE_X'))"
    given = {**os.environ, "GAPBRIDGE_SOAK_PART": "100", "GAPBRIDGE_X": "mine"}
    done = subprocess.run(
        [sys.executable, "-c", asked], env=given, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["100", "None"]
