"""Imports: a backlink export in, prospects out, with a report of every row."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import File, Form, Query, UploadFile
from fastapi import Path as PathParam
from pydantic import Field
from sqlmodel import col

from app.api.door import Call, Cursor, Day, Door, Limit, Out, Page, decode_cursor, encode_cursor
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.gaps import imports, service, takebacks, uploads
from app.gaps.engine import lists_in
from app.gaps.snapshots import Said
from app.models import ImportState, Snapshot, SnapshotRole
from app.reports.sql import columns, rows

door = Door("imports")

_SITE = {"ge": 1, "le": 2**31 - 1}


class SnapshotOut(Out):
    """One imported set of backlinks; `report` says what became of each row."""

    id: int
    site_id: int
    role: SnapshotRole
    target: str
    provider: str
    format: str
    filename: str
    as_of: date | None
    rows_read: int
    rows_taken: int
    rows_lost: int
    rows_rejected: int
    capped: bool | None = Field(description="Whether it ends at a limit of its tool; null where nobody knows.")
    report: dict[str, Any]
    created_by: str
    created_at: datetime


class ImportOut(Out):
    """What one file became, and what it did to the prospects."""

    snapshots: list[SnapshotOut]
    again: bool = Field(default=False, description="Everything in this file had been imported before.")
    prospects: dict[str, int] | None = Field(default=None, description="Counts: added, updated, closed, removed, gaps.")
    summary: dict[str, Any] | None = None
    not_yet: str | None = Field(default=None, description="Why the gap cannot be computed yet; the file is kept.")


def _mapping(text: str | None) -> dict[str, str] | None:
    if not text:
        return None
    pairs = [pair.partition("=") for pair in text.split(",")]
    if any(not equals or not name.strip() or not header.strip() for name, equals, header in pairs):
        raise BadInput(
            say("the mapping cannot be read"), FieldProblem("mapping", say("Write FIELD=HEADER, separated by commas"))
        )
    return {name.strip(): header.strip() for name, _, header in pairs}


@door.route("POST", "/imports", needs="imports:write", answers=ImportOut, own_transactions=True)
def import_file(
    call: Call,
    site_id: Annotated[int, Form(**_SITE)],
    file: Annotated[UploadFile, File(description="An export of Ahrefs, Semrush or Search Console, or any CSV.")],
    target: Annotated[
        str | None,
        Form(
            max_length=253, pattern=r"^[^\x00-\x1f]*$", description="Whose links it holds, where the file does not say."
        ),
    ] = None,
    role: Annotated[Literal["ours", "competitor"] | None, Form()] = None,
    format: Annotated[
        str | None,
        Form(
            max_length=64,
            pattern=r"^[^\x00-\x1f]*$",
            description="The format, where the file is not recognised or wrongly: the names of `--format`.",
        ),
    ] = None,
    as_of: Annotated[
        Day | None, Form(description="The day on which the tool made the file, where its name does not say it.")
    ] = None,
    mapping: Annotated[
        str | None,
        Form(
            max_length=2000,
            pattern=r"^[^\x00-\x1f]*$",
            description="For `format` generic: FIELD=HEADER, several separated by commas.",
        ),
    ] = None,
) -> Any:
    """Import one export and refresh the site's prospects. The same bytes again are recognised and imported once."""
    container = call.container
    with tempfile.TemporaryDirectory(prefix="gapbridge-import-") as folder:
        place = Path(folder) / uploads.safe_name(file.filename)
        with place.open("wb") as stream:
            shutil.copyfileobj(file.file, stream, 1 << 20)
        try:
            imported, counts, summary = service.import_and_refresh(
                container.db,
                site_id,
                [place],
                folder=service.snapshot_folder(container.settings),
                target=target or None,
                role=role,
                format=format or None,
                mapping=_mapping(mapping),
                as_of=as_of,
                actor=call.actor,
            )
        except BadInput as wrong:
            kept: list[Snapshot] = []
            with container.db.read() as uow, suppress(BadInput):
                whose = service.whose(uow, site_id)
                for member in lists_in(place, format or None, _mapping(mapping)):
                    said = Said(target or None, role, format or None, _mapping(mapping), member=member)
                    known = imports.known(uow, site_id, place, whose, said)
                    kept += known.snapshots if known is not None else []
            if kept:
                # The file is stored; what lacks is another one (our own links, or a competitor's).
                return _answer(kept, not_yet=wrong.detail)
            # The sentence names the file; where it lay here for a moment is nobody's business.
            raise BadInput(wrong.detail.replace(f"{folder}/", ""), *wrong.problems) from None
    made = [snapshot for one in imported for snapshot in one.snapshots]
    return _answer(made, again=all(one.again for one in imported), prospects=counts, summary=summary)


def _answer(snapshots: list[Snapshot], **values: Any) -> dict[str, Any]:
    return {"snapshots": [snapshot.model_dump() for snapshot in snapshots], **values}


@door.route("GET", "/imports", needs="imports:read", answers=Page[SnapshotOut])
def list_imports(
    call: Call, site_id: Annotated[int | None, Query(**_SITE)] = None, cursor: Cursor = None, limit: Limit = 50
) -> Any:
    """What was imported, newest first."""
    before = decode_cursor(cursor, int)
    statement = columns(*(getattr(Snapshot, name) for name in SnapshotOut.model_fields))
    if site_id is not None:
        statement = statement.where(col(Snapshot.site_id) == site_id)
    if before:
        statement = statement.where(col(Snapshot.id) < before[0])
    found = rows(call.uow, statement.order_by(col(Snapshot.id).desc()).limit(limit + 1))
    return {"items": found[:limit], "next": encode_cursor(found[limit - 1]["id"]) if len(found) > limit else None}


@door.route("GET", "/imports/{import_id}", needs="imports:read", answers=SnapshotOut)
def get_import(call: Call, import_id: Annotated[int, PathParam(ge=1, le=2**31 - 1)]) -> Any:
    """One import with its whole report: its `rejected` lists the first 1,000 rejected rows with line, reason and beginning."""
    return imports.snapshot(call.uow, import_id)


class TakebackOut(Out):
    """An import that a worker takes back. It is gone when `GET /imports/{id}` answers 404; asked twice, it is the same run."""

    id: int
    target: str
    filename: str
    job: int = Field(description="The run, as the page /imports/jobs/{job} shows it.")
    state: ImportState


@door.route("DELETE", "/imports/{import_id}", needs="imports:write", answers=TakebackOut, status=202)
def remove_import(call: Call, import_id: Annotated[int, PathParam(ge=1, le=2**31 - 1)]) -> Any:
    """Let a worker take an import back: its rows are deleted, and the gap is computed without them, both or none of it."""
    found = imports.snapshot(call.uow, import_id)
    job = takebacks.ask(call.uow, import_id, actor=call.actor)
    call.uow.session.flush()
    return {"id": found.id, "target": found.target, "filename": found.filename, "job": job.id, "state": job.state}
