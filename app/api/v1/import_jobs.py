"""What a worker does with the lists of a site because somebody asked for it: how far it is, what came of it, and stopping it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field

from app.api.door import LARGEST_ID, Call, Cursor, Door, Id, Limit, Out, Page, decode_cursor, encode_cursor
from app.gaps import uploads
from app.models import ImportKind, ImportState

door = Door("import-jobs")


class JobOut(Out):
    """One run. An upload in the state `uploaded` waits for a person, a run in `queued` for a worker."""

    id: int
    site_id: int
    kind: ImportKind
    state: ImportState
    filename: str = Field(description="The file of an upload; for a pull, the provider.")
    asked: dict[str, Any] = Field(description="Of a pull: provider, rows a domain, and the most that it may cost.")
    rows_total: int = Field(description="At most so many; 0 while that is not known.")
    rows_done: int
    cancel_asked: bool
    snapshots: list[int] = Field(description="The imports that it made.")
    counts: dict[str, int] = Field(description="What it did to the prospects.")
    report: dict[str, Any]
    error: str | None
    created_by: str
    created_at: datetime
    finished_at: datetime | None


@door.route("GET", "/import-jobs", needs="imports:read", answers=Page[JobOut])
def list_jobs(
    call: Call,
    site_id: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
    kind: ImportKind | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Any:
    """The runs, newest first."""
    before = decode_cursor(cursor, int)
    found = uploads.latest(call.uow, kind, site_id=site_id, before_id=before[0] if before else None, limit=limit + 1)
    items = found[:limit]
    return {"items": items, "next": encode_cursor(items[-1].id) if len(found) > limit else None}


@door.route("GET", "/import-jobs/{job_id}", needs="imports:read", answers=JobOut)
def get_job(call: Call, job_id: Id) -> Any:
    """One run: its progress, or what came of it."""
    return uploads.get(call.uow, job_id)


@door.route("POST", "/import-jobs/{job_id}/cancel", needs="imports:write", answers=JobOut)
def cancel_job(call: Call, job_id: Id) -> Any:
    """Stop it: at once where nothing runs, else at the next step. What was stored before stays, and what was paid is paid."""
    return uploads.cancel(call.uow, call.container.settings, job_id)
