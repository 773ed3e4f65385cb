"""Finds the headers of a returned message where a report carries it as plain text, not as a part of its own."""

from __future__ import annotations

import re

_FIELD = re.compile(r"^\s{0,8}(?:>\s?)?([A-Za-z][A-Za-z0-9-]{1,60}):\s?(.{0,2000})$")
# One of these must be there: people's mail programs quote From, To and Subject, but not these.
_PROOF = frozenset(("message-id", "received", "return-path", "mime-version", "content-type", "x-mailer"))


def returned_headers(text: str) -> dict[str, tuple[str, ...]] | None:
    """The first run of at least three header fields, one of them technical, by lower-case name; None when there is none."""
    lines = text[:65536].splitlines()
    run: dict[str, list[str]] = {}
    last: str | None = None
    for line in lines[:2000]:
        match = _FIELD.match(line[:2100])
        if match is not None and not (last is not None and line[:1] in (" ", "\t") and run):
            last = match.group(1).lower()
            run.setdefault(last, []).append(match.group(2).strip())
            continue
        if last is not None and line[:1] in (" ", "\t") and line.strip():
            run[last][-1] = f"{run[last][-1]} {line.strip()}"[:4000]
            continue
        if _is_header(run):
            break
        run, last = {}, None
    if not _is_header(run):
        return None
    return {name: tuple(values[:20]) for name, values in run.items()}


def _is_header(run: dict[str, list[str]]) -> bool:
    return len(run) >= 3 and bool(_PROOF.intersection(run)) and bool({"from", "to", "subject"}.intersection(run))
