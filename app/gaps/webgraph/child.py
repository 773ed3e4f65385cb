"""The process that reads a graph for a worker: one pass searches gigabytes, and would hold up the pages of a process that serves them, too.

On standard input it gets one line, the JSON of {graph, targets, work}; on standard output it says a line a second: {step, done, size}
in bytes, and at the end {found: [[target, linking domains, file]]} or {error}, a sentence as `app.domain.said` stores it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from app.domain.said import stored
from app.errors import GapbridgeError
from app.gaps.webgraph.discover import discover
from app.gaps.webgraph.files import find_release

_EVERY_SECONDS = 1.0


def main() -> None:
    """Do the one job of standard input."""
    job = json.loads(sys.stdin.readline())
    said: dict[str, float] = {}

    def report(step: str, done: int, size: int) -> None:
        if time.monotonic() - said.get(step, -_EVERY_SECONDS) >= _EVERY_SECONDS:
            said[step] = time.monotonic()
            _tell(step=step, done=done, size=size)

    try:
        found = discover(find_release(job["graph"]), job["targets"], Path(job["work"]), report=report)
    except GapbridgeError as wrong:
        _tell(error=stored(wrong.detail))
    except Exception as error:  # noqa: BLE001 - the parent has to say what it was
        _tell(error=f"{type(error).__name__}: {error}")
    else:
        _tell(found=[[one.target, one.linking_domains, str(one.path) if one.path else None] for one in found])


def _tell(**values: object) -> None:
    # A parent that is gone ends this process here.
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()
