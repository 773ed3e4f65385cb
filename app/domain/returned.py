"""Finds the headers of a returned message, or a whole report, where they stand in plain text, not in a part of their own."""

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


_REPORT_FIELDS = ("reporting-mta", "final-recipient", "original-recipient", "action", "status", "diagnostic-code",
                  "remote-mta", "received-from-mta", "arrival-date", "last-attempt-date", "will-retry-until", "original-envelope-id", "x-")  # fmt: skip


def report_blocks(text: str) -> list[dict[str, str]]:
    """The fields of a delivery report (RFC 3464, section 2) that stands in plain text, one dict for each recipient.

    A quoted report (`> Action: failed`) is somebody's quote and not read. Empty without a recipient that failed or was delayed.
    """
    if "final-recipient" not in text[:65536].casefold():
        return []
    blocks: list[dict[str, str]] = []
    run: dict[str, str] = {}
    last: str | None = None
    for line in [*text[:65536].splitlines()[:2000], ""]:
        match = _FIELD.match(line[:2100]) if line[:1] not in (" ", "\t", ">") else None
        name = match.group(1).lower() if match else ""
        if match and name.startswith(_REPORT_FIELDS):
            if name in run and name in ("final-recipient", "action"):
                blocks, run = [*blocks, run], {}
            run.setdefault(name, match.group(2).strip())
            last = name
        elif last is not None and line[:1] in (" ", "\t") and line.strip():
            run[last] = f"{run[last]} {line.strip()}"[:4000]
        else:
            blocks, run, last = [*blocks, run] if run else blocks, {}, None
        if len(blocks) >= 100:
            break
    found = [block for block in blocks if "final-recipient" in block]
    return found if any(block.get("action") for block in found) else []


def _is_header(run: dict[str, list[str]]) -> bool:
    return len(run) >= 3 and bool(_PROOF.intersection(run)) and bool({"from", "to", "subject"}.intersection(run))
