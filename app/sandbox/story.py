"""Tells what happened: new lines of history and new mail since the last look, as sentences for the screen. Reads only."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import Session, col

from app.domain.pipeline import Event
from app.models import Inbound, Outbound, Prospect, StageEvent

# That a mail has left is told with the mail itself.
_TOLD = set(Event) - {Event.PITCH_SENT, Event.FOLLOW_UP_SENT}
_SENT = {"pitch": "the pitch", "follow-up": "a follow-up", "reply": "an answer"}


class Story:
    """Remembers what was told. `news` returns each thing once."""

    def __init__(self) -> None:
        self._line = 0
        self._mail = 0
        self._sent: set[int] = set()

    def news(self, session: Session) -> list[str]:
        """What is new, in the order: mails that left, mails that came, moves of prospects."""
        return [*self._left(session), *self._came(session), *self._moved(session)]

    def _left(self, session: Session) -> list[str]:
        rows = session.execute(
            select(col(Outbound.id), col(Outbound.kind), col(Outbound.to_address), col(Outbound.state))
            .where(col(Outbound.state).in_(["SENT", "REJECTED", "AMBIGUOUS"]))
            .order_by(col(Outbound.id))
        ).all()
        told = []
        for row_id, kind, to, state in rows:
            if row_id not in self._sent:
                self._sent.add(row_id)
                verb = {"SENT": "left for", "REJECTED": "was refused at once by the server of"}.get(
                    state.value, "may or may not have reached"
                )
                told.append(f"{_SENT[kind.value]} {verb} {to}")
        return told

    def _came(self, session: Session) -> list[str]:
        rows = list(
            session.execute(select(Inbound).where(col(Inbound.id) > self._mail).order_by(col(Inbound.id))).scalars()
        )
        told = []
        for row in rows:
            self._mail = max(self._mail, row.id)
            prospect = session.get(Prospect, row.prospect_id) if row.prospect_id else None
            about = f" about {prospect.domain}" if prospect else ""
            extra = f", back on {row.returns_on:%d %b}" if row.returns_on else ""
            if row.intent:
                extra += f", reads as {row.intent}"
            told.append(f"mail from {row.from_address or 'nobody'}{about}: {row.kind or 'not read yet'}{extra}")
        return told

    def _moved(self, session: Session) -> list[str]:
        lines = list(
            session.execute(
                select(StageEvent).where(col(StageEvent.id) > self._line).order_by(col(StageEvent.id))
            ).scalars()
        )
        told = []
        for line in lines:
            self._line = max(self._line, line.id)
            if line.event not in _TOLD:
                continue
            domain = session.get_one(Prospect, line.prospect_id).domain
            why = f" ({line.reason})" if line.reason else ""
            told.append(f"{domain}: {line.from_stage} > {line.to_stage}{why}")
        return told
