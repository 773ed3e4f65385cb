"""What follows when a person's answer does not leave: what it had answered waits for somebody again, with the reason."""

from __future__ import annotations

from app.db.work import UnitOfWork
from app.inbox import triage
from app.models import Outbound, OutboundKind
from app.prospects import service as prospects


def comes_back(uow: UnitOfWork, row: Outbound, reason: str | None = None) -> None:
    """Let what this answer had answered wait again; other kinds of mail are passed over. `reason` None: what the row says.

    The line of the message keeps which answer it was, so that its page shows the reason and the text.
    """
    if row.kind is not OutboundKind.REPLY:
        return
    wait_again(uow, row)
    why = reason or row.hold_reason or row.reply_text
    prospects.note(uow, row.prospect_id, "answer_not_sent", actor="system", reason=why, outbound_id=row.id)


def wait_again(uow: UnitOfWork, row: Outbound) -> None:
    """The same for an answer that a person took back, who knows it."""
    for _, received in triage.answered_by(uow, row.id):
        triage.wait(uow, received)
