"""People: the erasure of what is kept of one."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from app.api.door import Call, Door, Line, Model, Out
from app.people import erase

door = Door("people")


class ErasureIn(Model):
    """Whom to erase, and why."""

    address: Annotated[Line, Field(min_length=3, max_length=254)]
    reason: Annotated[Line, Field(min_length=1, max_length=500)] = "asked to be erased"
    dry_run: bool = Field(default=False, description="Say what would go, and change nothing.")


class ErasureOut(Out):
    """What went (or would go), by table. `wiped`: the freed bytes are overwritten as well; `note` says what remains."""

    dry_run: bool
    rows: dict[str, int]
    files: int
    wiped: bool
    note: str


@door.route("POST", "/people/erase", needs="suppressions:write", answers=ErasureOut, own_transactions=True)
def erase_person(call: Call, body: ErasureIn) -> Any:
    """Erase a person everywhere. Figures stay, and that they must not be written to (as a keyed hash)."""
    container = call.container
    done = erase.erase(
        container.db,
        container.vault,
        container.settings,
        body.address,
        reason=body.reason,
        actor=call.actor,
        dry_run=body.dry_run,
    )
    rows = {table: count for table, count in done.counts.items() if count}
    return {"dry_run": done.dry_run, "rows": rows, "files": len(done.files), "wiped": done.wiped, "note": done.note}
