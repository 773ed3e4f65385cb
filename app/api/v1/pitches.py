"""Pitches: propose, choose, edit, approve, undo."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from app.api.door import Call, Door, Id, Line, Model, Out, RowId, Text
from app.api.problems import Reason
from app.desk import service as desk
from app.domain.angles import Angle
from app.models import PitchState
from app.pitches import service
from app.pitches.service import PitchView

door = Door("pitches")

Version = Annotated[int, Field(ge=0, le=2**31 - 1, description="The version that was read; another one is a 409.")]


class ChooseIn(Model):
    """Render the draft again with another angle, page or contact; what is left out stays."""

    version: Version
    angle: Angle | None = None
    page_id: RowId | None = None
    contact_id: RowId | None = None


class EditIn(Model):
    """The text of a draft."""

    version: Version
    subject: Annotated[Line, Field(min_length=1)]
    body_text: Annotated[Text, Field(min_length=1)]


class VersionIn(Model):
    """The version that was read."""

    version: Version


class PitchOut(Out):
    """A pitch, with its counted words and everything that refuses its approval."""

    id: int
    prospect_id: int
    state: PitchState
    version: int
    angle: str
    why: str
    page_id: int | None
    their_page: str | None
    contact_id: int | None
    reason: str | None
    subject: str
    body_text: str
    edited: bool
    template_version: str
    approved_by: str | None
    approved_at: datetime | None
    created_at: datetime
    updated_at: datetime
    words: int = Field(description="Words that count; 149 at most.")
    refusals: list[Reason] = Field(description="Why it cannot be approved now; empty when it can.")


class ApprovedOut(Out):
    """The mail in the outbox."""

    outbound_id: int
    message_id: str
    not_before: datetime = Field(description="It can be undone until then, and until a worker takes it.")


def _shown(call: Call, view: PitchView) -> dict[str, Any]:
    refusals = [Reason(reason=s.reason, sentence=s.sentence, until=s.until) for s in view.skips]
    return {**view.pitch.model_dump(), "words": view.words, "refusals": refusals}


def _view(call: Call, pitch: Any) -> dict[str, Any]:
    return _shown(call, service.view(call.uow, call.container.vault, call.container.settings, pitch))


@door.route("POST", "/prospects/{prospect_id}/pitches", needs="pitches:write", answers=PitchOut, status=201)
def propose_pitch(call: Call, prospect_id: Id) -> Any:
    """Render the draft that the evidence speaks for, or the present one when a person has edited it."""
    return _view(call, service.propose(call.uow, prospect_id, actor=call.actor))


@door.route("GET", "/pitches/{pitch_id}", needs="pitches:read", answers=PitchOut)
def get_pitch(call: Call, pitch_id: Id) -> Any:
    """One pitch, with what would refuse it now."""
    return _view(call, service.get(call.uow, pitch_id))


@door.route("PATCH", "/pitches/{pitch_id}", needs="pitches:write", answers=PitchOut)
def edit_pitch(call: Call, pitch_id: Id, body: EditIn) -> Any:
    """Replace the text of a draft. The opt-out line and the signature are put back below it."""
    return _view(call, service.edit(call.uow, pitch_id, body.version, body.subject, body.body_text, actor=call.actor))


@door.route("POST", "/pitches/{pitch_id}/choice", needs="pitches:write", answers=PitchOut)
def choose_pitch(call: Call, pitch_id: Id, body: ChooseIn) -> Any:
    """Render the draft again with another angle, page or contact. An edited text is replaced."""
    made = service.choose(
        call.uow,
        pitch_id,
        body.version,
        actor=call.actor,
        angle=body.angle.value if body.angle else None,
        page_id=body.page_id,
        contact_id=body.contact_id,
    )
    return _view(call, made)


@door.route("POST", "/pitches/{pitch_id}/approve", needs="pitches:write", answers=ApprovedOut)
def approve_pitch(call: Call, pitch_id: Id, body: VersionIn) -> Any:
    """Freeze the pitch into the outbox. 409 with every reason when a gate refuses it or somebody works on the domain."""
    vault, settings = call.container.vault, call.container.settings
    caller = call.principal.caller
    row = service.approve(call.uow, vault, settings, pitch_id, body.version, actor=call.actor, caller=caller)
    return {"outbound_id": row.id, "message_id": row.message_id, "not_before": row.not_before}


@door.route("POST", "/pitches/{pitch_id}/undo", needs="pitches:write", answers=PitchOut)
def undo_pitch(call: Call, pitch_id: Id) -> Any:
    """Take an approved pitch back while nobody has begun to send it; it is a draft again."""
    return _view(call, desk.undo_pitch(call.uow, pitch_id, actor=call.actor))
