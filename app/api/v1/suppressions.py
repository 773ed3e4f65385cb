"""Suppressions: who must not be written to."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from app.api.door import Call, Cursor, Door, Id, Limit, Line, Model, Out, Page, RowId, decode_cursor, encode_cursor
from app.models import Role, SuppressionKind
from app.prospects import suppression, suppression_files

door = Door("suppressions")


class SuppressionIn(Model):
    """Who must not be written to: an address, a registrable domain, a host with what is below it, or a glob."""

    kind: SuppressionKind
    value: Annotated[Line, Field(min_length=3, max_length=254)]
    reason: Annotated[Line, Field(min_length=1, max_length=64)]
    site_id: RowId | None = Field(default=None, description="Only for this site; null: for every site.")


class SuppressionOut(Out):
    """A suppression; `value` is null once it was erased, and still holds. `key` identifies it within this installation."""

    id: int
    kind: SuppressionKind
    value: str | None
    site_id: int | None
    reason: str
    source: str
    created_by: str
    created_at: datetime
    key: str


class RemovalIn(Model):
    """Why a suppression may be removed; it is kept."""

    reason: Annotated[Line, Field(min_length=1, max_length=500)]


class RemovalOut(Out):
    """The record of a removal."""

    id: int
    kind: SuppressionKind
    site_id: int | None
    reason_was: str
    reason: str
    removed_by: str
    at: datetime


class ListIn(Model):
    """A list as text: CSV of any layout, or one entry on each line."""

    text: Annotated[str, Field(min_length=1, max_length=4_000_000, pattern=r"^[^\x00]*$")]
    name: Annotated[Line, Field(max_length=200)] = "api"
    reason: Annotated[Line, Field(min_length=1, max_length=64)] = "imported"
    site_id: RowId | None = None
    mapping: dict[str, str] | None = Field(
        default=None, description="Columns by header or number, where not recognised."
    )


class RejectedOut(Out):
    """A row that was not taken."""

    line: int
    value: str
    problem: str


class ListOut(Out):
    """What became of the rows."""

    rows: int
    added: int
    known: int
    rejected: int
    columns: dict[str, str]
    rejected_rows: list[RejectedOut]


class TestIn(Model):
    """An address to be tried, for a site or for all."""

    address: Annotated[Line, Field(min_length=3, max_length=254)]
    site_id: RowId | None = None


class TestOut(Out):
    """Whether it may be written to, and the rules that say no."""

    allowed: bool
    rules: list[SuppressionOut]


@door.route("GET", "/suppressions", needs="suppressions:read", answers=Page[SuppressionOut])
def list_suppressions(call: Call, cursor: Cursor = None, limit: Limit = 50) -> Any:
    """Who must not be written to, newest first."""
    before = decode_cursor(cursor, int)
    found = suppression.newest(call.uow.session, before=before[0] if before else None, limit=limit + 1)
    return {"items": found[:limit], "next": encode_cursor(found[limit - 1].id) if len(found) > limit else None}


@door.route("POST", "/suppressions", needs="suppressions:write", answers=SuppressionOut)
def suppress(call: Call, body: SuppressionIn) -> Any:
    """Never write to them again. Doing it twice keeps the first."""
    return suppression.suppress(
        call.uow,
        call.container.vault,
        body.value,
        kind=body.kind,
        reason=body.reason,
        source="api",
        actor=call.actor,
        site_id=body.site_id,
    )


@door.route("POST", "/suppressions/{suppression_id}/remove", needs="suppressions:write", answers=RemovalOut)
def remove_suppression(call: Call, suppression_id: Id, body: RemovalIn) -> Any:
    """Take a rule away, on record. An unsubscribe, a complaint or an erasure is lifted by a lead only, never by a key."""
    is_lead = call.principal.role in (Role.LEAD, Role.OPERATOR)
    return suppression.remove(call.uow, suppression_id, reason=body.reason, actor=call.actor, is_lead=is_lead)


@door.route("POST", "/suppressions/import", needs="suppressions:write", answers=ListOut, own_transactions=True)
def import_suppressions(call: Call, body: ListIn) -> Any:
    """Take a list in. The same list twice changes nothing; rows that cannot be used are in the answer with their line."""
    defaults = suppression_files.Defaults(body.reason, body.name, call.actor, body.site_id)
    report = suppression_files.import_stream(
        call.container.db,
        call.container.vault,
        suppression_files.text_stream(body.text),
        defaults,
        name=body.name,
        mapping=body.mapping,
    )
    return report.as_dict()


@door.route("POST", "/suppressions/test", needs="suppressions:read", answers=TestOut)
def test_suppression(call: Call, body: TestIn) -> Any:
    """Which rules stop an address. A POST, so that the address stands in no log of requests."""
    found = suppression.rules_against(call.uow.session, call.container.vault, body.address, body.site_id)
    return {"allowed": not found, "rules": found}
