"""The installation: whether it may send, and a person's word that it may."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from app.api.door import Call, Door, Line, Model, Out
from app.domain.said import say
from app.errors import BadInput, Conflict, FieldProblem
from app.installation import hold, identity, journal
from app.outbox import overtaken
from app.outbox import release as releasing
from app.reports import setup
from app.reports.setup import TaskState

door = Door("installation")


class HoldOut(Out):
    """Whether this installation may send. While `held`, `reason` names why and `sentence` says it.

    `waiting` messages would leave after a release; `unsure` of them were due while the lost data was at work, and are put
    before a person instead. `data_of` is the age of restored data, where it is known; `opt_outs` rules of suppression stand in the
    journal beside the witness and not in this data, and a release takes them in. `overtaken` are the sequence runs whose next
    follow-up may have left: a release pauses them, and a person lets each go on.
    """

    installation: str | None
    generation: int
    held: bool
    reason: str | None
    sentence: str | None
    held_at: datetime | None
    data_of: datetime | None
    opt_outs: int
    waiting: int
    unsure: int
    overtaken: list[int]
    released_at: datetime | None
    released_by: str | None
    released_reason: str | None


class ReleaseIn(Model):
    """Why it may send, in a person's words. `despite_unread`: also where mailboxes cannot be read, whose opt-outs are not known then."""

    reason: Annotated[Line, Field(min_length=1, max_length=500)]
    despite_unread: bool = False


class ReleasedOut(Out):
    """What the release did: found in sent mail, put before a person, left to be sent, mailboxes that were not read, rules of suppression out of the journal.

    `paused` sequence runs stand still, because their next follow-up may have left.
    """

    found_sent: int
    to_decide: int
    waiting: int
    unread: list[str]
    opt_outs: int
    paused: int


class TaskOut(Out):
    """One task of setting up: `state` is done, to-do or needs-attention; `href` is the page that does it.

    An `optional` task keeps nobody from working.
    """

    name: str
    state: TaskState
    sentence: str
    href: str
    optional: bool


class SetupOut(Out):
    """Every task, in the order in which most people do them."""

    items: list[TaskOut]


@door.route("GET", "/installation/setup", needs="installation:read", answers=SetupOut)
def show_setup(call: Call) -> Any:
    """What is set up, what is left and what broke since, computed from the rows at each call."""
    return {"items": setup.tasks(call.uow, call.container.settings)}


@door.route("GET", "/installation/hold", needs="installation:read", answers=HoldOut, own_transactions=True)
def show_hold(call: Call) -> Any:
    """Whether this installation may send, and why not. Data that was restored or copied sends nothing until a person releases it."""
    found = hold.standing(call.container.db, call.container.settings)
    with call.container.db.read() as look:
        row = identity.stored(look.session)
        rows = releasing.preview(look)
        runs = overtaken.find(look.session)
        gap = journal.missing(look.session, call.container.vault, call.container.settings) if found.skip else None
    return {
        "installation": found.identity,
        "generation": found.generation,
        "held": found.skip is not None,
        "reason": found.skip.reason if found.skip else None,
        "sentence": found.skip.sentence if found.skip else None,
        "held_at": row.held_at if row else None,
        "data_of": row.data_of if row and row.held_at else None,
        "opt_outs": len(gap.rules) if gap is not None else 0,
        "waiting": len(rows),
        "unsure": sum(one.unsure for one in rows),
        "overtaken": [run.run_id for run in runs],
        "released_at": row.released_at if row else None,
        "released_by": row.released_by if row else None,
        "released_reason": row.released_reason if row else None,
    }


@door.route(
    "POST", "/installation/hold/release", needs="installation:write", answers=ReleasedOut, own_transactions=True
)
def release_hold(call: Call, body: ReleaseIn) -> Any:
    """Let the installation send again. The mailboxes are read first, and what may have left already waits for a decision.

    Refused (409) while a mailbox cannot be read, unless `despite_unread`; and when there is no hold.
    """
    if not body.reason.strip():
        raise BadInput(
            say("say why it may send"), FieldProblem("reason", say("A sentence, for those who wonder later"))
        )
    if hold.standing(call.container.db, call.container.settings).skip is None:
        raise Conflict(say("there is no hold: this installation may send"))
    return releasing.release(call.container, actor=call.actor, reason=body.reason, despite_unread=body.despite_unread)
