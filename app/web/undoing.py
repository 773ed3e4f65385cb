"""Where a person goes on who has taken the last decision back, from whichever page: to what it was about."""

from __future__ import annotations

from starlette.responses import Response

from app.desk import service as desk
from app.models import DecisionKind
from app.web.door import Visit
from app.web.lanes import lane_of, person_of, query_of


def undo(visit: Visit) -> Response:
    """Take this person's last decision back, and open what it was about, or say there why it stays. Raises Conflict without one."""
    undone = desk.undo(visit.uow, person_of(visit))
    visit.uow.session.flush()
    decision = undone.decision
    if desk.about_message(decision):
        message = f"/inbox/{decision.data['inbound_id']}?tab=waiting"
        if undone.problem is None and decision.kind is DecisionKind.ANSWER:
            return visit.go(f"{message}&did=back&text={decision.data['outbound_id']}")
        return visit.go(f"{message}&did={'final' if undone.problem else 'undone'}&about={decision.id}")
    if undone.problem is not None:
        return visit.go(f"/queue?did=final&about={decision.id}")
    about = decision.prospect_id
    if desk.about_move(decision):
        return visit.go(f"/prospects/{about}?did=undone")
    return visit.go(f"/queue/{about}{query_of(lane_of(visit), did='undone', about=about)}")
