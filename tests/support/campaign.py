"""Prospects that were written to, and what became of them: for the reports."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from app.db.work import UnitOfWork
from app.domain.delivery import OutboundState
from app.domain.pipeline import Stage
from app.domain.reputation import Incident
from app.models import (
    Inbound,
    InboundState,
    Link,
    LinkState,
    Mailbox,
    MailboxIncident,
    Outbound,
    OutboundKind,
    Pitch,
    PitchState,
    Prospect,
    Sequence,
    SequenceRun,
    Site,
    StageEvent,
    Triage,
)
from tests.support.world import a_contact, a_conversation, a_prospect


class Campaign:
    """Makes cases of one site and mailbox."""

    def __init__(self, uow: UnitOfWork, site: Site, mailbox: Mailbox) -> None:
        self.uow, self.site, self.mailbox = uow, site, mailbox
        self.sequence = Sequence(
            site_id=site.id, name="first", version=1, steps=[], created_by="test", created_at=uow.now()
        )
        uow.session.add(self.sequence)
        uow.session.flush()
        self.made = 0

    def prospect(self, **values: Any) -> Prospect:
        """One that nobody has written to."""
        self.made += 1
        found = {"tier": 1, "authority": 50.0, "authority_provider": "ahrefs", "stage": Stage.PITCHED, **values}
        found.setdefault("rank_key", f"{found['tier'] or 9}1000")
        return a_prospect(self.uow, self.site, found.pop("domain", f"case-{self.made}.test"), **found)

    def pitch(
        self,
        prospect: Prospect,
        sent_at: datetime,
        *,
        angle: str = "coverage-gap",
        template: str = "coverage-gap@1",
        person: str = "ana@acme.test",
        state: OutboundState = OutboundState.SENT,
        bounced: bool = False,
        agreed: bool = False,
    ) -> Outbound:
        """A first mail with everything that stands behind it."""
        session = self.uow.session
        self.made += 1
        contact = a_contact(self.uow, prospect, f"dana{self.made}@{prospect.domain}")
        conversation = a_conversation(
            self.uow, prospect, contact, self.mailbox, state="closed", started_at=sent_at, agreed=agreed
        )
        pitch = Pitch(
            prospect_id=prospect.id,
            state=PitchState.APPROVED,
            angle=angle,
            why="",
            subject="s",
            body_text="b",
            body_html="",
            template_version=template,
            approved_by=person,
            approved_at=sent_at,
            created_at=sent_at,
            updated_at=sent_at,
        )
        session.add(pitch)
        session.flush()
        run = SequenceRun(
            prospect_id=prospect.id,
            sequence_id=self.sequence.id,
            conversation_id=conversation.id,
            pitch_id=pitch.id,
            started_at=sent_at,
        )
        session.add(run)
        session.flush()
        row = self._mail(prospect, conversation.id, OutboundKind.PITCH, sent_at, state, run.id)
        if bounced:
            self.incident(row, Incident.HARD_BOUNCE, sent_at)
        return row

    def _mail(
        self,
        prospect: Prospect,
        conversation_id: int,
        kind: OutboundKind,
        at: datetime,
        state: OutboundState,
        run_id: int | None,
    ) -> Outbound:
        self.made += 1
        row = Outbound(
            site_id=self.site.id,
            mailbox_id=self.mailbox.id,
            prospect_id=prospect.id,
            conversation_id=conversation_id,
            sequence_run_id=run_id,
            kind=kind,
            message_id=f"<{self.made}-{prospect.id}@acme.test>",
            token=f"t{self.made}-{prospect.id}",
            to_address="dana@x.test",
            subject="s",
            raw=b"r",
            raw_sha256="0",
            state=state,
            not_before=at,
            expires_at=at + timedelta(days=7),
            sent_at=at if state is OutboundState.SENT else None,
            approved_by="ana@acme.test",
            created_at=at,
        )
        self.uow.session.add(row)
        self.uow.session.flush()
        return row

    def incident(self, row: Outbound, kind: Incident, at: datetime) -> None:
        """What a receiver made of a mail."""
        self.uow.session.add(MailboxIncident(mailbox_id=row.mailbox_id, outbound_id=row.id, kind=kind, at=at))

    def reply(
        self,
        mail: Outbound,
        at: datetime,
        *,
        answered: datetime | None = None,
        due: datetime | None = None,
        kind: str = "reply",
    ) -> Inbound:
        """Their message, and our answer to it."""
        session = self.uow.session
        self.made += 1
        row = Inbound(
            mailbox_id=mail.mailbox_id,
            content_key=f"k{self.made}",
            state=InboundState.DONE,
            size=1,
            kind=kind,
            prospect_id=mail.prospect_id,
            conversation_id=mail.conversation_id,
            received_at=at,
            stored_at=at,
        )
        session.add(row)
        session.flush()
        line = Triage(inbound_id=row.id, due_at=due, late_at=due and max(due, row.stored_at), waits=answered is None)
        if answered is not None:
            prospect = session.get_one(Prospect, mail.prospect_id)
            answer = self._mail(prospect, mail.conversation_id, OutboundKind.REPLY, answered, OutboundState.SENT, None)
            line.answered_by = answer.id
        session.add(line)
        session.flush()
        return row

    def link(
        self, prospect: Prospect, seen_at: datetime, *, lost_at: datetime | None = None, verified: bool = True
    ) -> Link:
        """A link on their site, seen or vouched for."""
        self.made += 1
        row = Link(
            site_id=prospect.site_id,
            prospect_id=prospect.id,
            source_url=f"https://{prospect.domain}/{self.made}",
            state=LinkState.LOST if lost_at else LinkState.LIVE,
            verified=verified,
            first_seen_at=seen_at,
            lost_at=lost_at,
        )
        self.uow.session.add(row)
        self.uow.session.flush()
        return row

    def give_up(self, prospect: Prospect, reason: str, at: datetime, *, was: Stage = Stage.PITCHED) -> None:
        """The line of history of a prospect that was given up, and still is."""
        self.uow.session.add(
            StageEvent(
                prospect_id=prospect.id,
                event="give_up",
                from_stage=was,
                to_stage=Stage.LOST,
                actor="ana",
                reason=reason,
                at=at,
            )
        )
        prospect.stage = Stage.LOST
        self.uow.session.flush()
