"""What is unsure is looked for on a schedule; evidence makes it sent, and absence never sends it again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from app.clock import FixedClock
from app.db.work import Database
from app.domain.delivery import RECONCILE_AFTER, OutboundState
from app.domain.pipeline import Stage
from app.errors import MailboxFault
from app.models import Inbound, Mailbox, Outbound, OutboundKind
from app.outbox import repository, service
from app.outbox.reconcile import reconcile
from app.prospects import service as prospects
from app.settings import Settings
from tests.support.world import VAULT, a_contact, a_conversation, a_mailbox, a_prospect, a_site


@pytest.fixture
def unsure(db: Database, settings: Settings, clock: FixedClock) -> int:
    """The id of an ambiguous pitch whose first look is due."""
    with db.work() as uow:
        prospect = a_prospect(uow, a_site(uow), stage=Stage.CHECKED_MENTION)
        row = service.enqueue(
            uow,
            VAULT,
            settings,
            conversation=a_conversation(uow, prospect, a_contact(uow, prospect), a_mailbox(uow)),
            kind=OutboundKind.PITCH,
            subject="Your checklist",
            body_text="Hello Dana",
            body_html=None,
            approved_by="ana",
            not_before=clock.now(),
        )
        row.state, row.committed_at, row.reconcile_at = OutboundState.AMBIGUOUS, clock.now(), clock.now()
        return row.id


def nothing(row: Outbound, mailbox: Mailbox) -> datetime | None:
    return None


def unreadable(row: Outbound, mailbox: Mailbox) -> datetime | None:
    raise MailboxFault("IMAP does not answer")


def the_row(db: Database, row_id: int) -> Outbound:
    with db.read() as uow:
        return service.get(uow, row_id)


def test_a_copy_in_the_folder_of_sent_mail_is_evidence(db: Database, unsure: int, clock: FixedClock) -> None:
    assert reconcile(db, lambda row, mailbox: clock.now(), 1) == 1
    row = the_row(db, unsure)
    assert row.state is OutboundState.SENT
    assert "folder of sent mail" in (row.evidence or "")
    with db.read() as uow:
        assert prospects.get(uow, row.prospect_id).stage is Stage.PITCHED


def test_an_answer_that_names_it_is_evidence_and_whom_it_says_that_it_is_from_is_none(
    db: Database, unsure: int, clock: FixedClock
) -> None:
    values = {"mailbox_id": 1, "size": 1, "kind": "reply", "outbound_id": unsure, "stored_at": clock.now()}
    with db.work() as uow:
        for kind in ("sender", "sender-domain+subject", "reported-address", None):
            uow.session.add(Inbound(content_key=str(kind), match_kind=kind, **values))
    reconcile(db, nothing, 1)
    assert the_row(db, unsure).state is OutboundState.AMBIGUOUS
    clock.advance(timedelta(days=1))
    with db.work() as uow:
        uow.session.add(Inbound(content_key="x", match_kind="token", **values))
    assert reconcile(db, unreadable, 1) == 1
    assert the_row(db, unsure).state is OutboundState.SENT


@pytest.mark.parametrize("look", [nothing, unreadable])
def test_absence_only_schedules_the_next_look_and_at_last_leaves_it_to_a_person(
    db: Database, settings: Settings, unsure: int, clock: FixedClock, look: object
) -> None:
    for tries in range(1, len(RECONCILE_AFTER)):
        assert reconcile(db, look, 1) == 0  # type: ignore[arg-type]
        row = the_row(db, unsure)
        assert row.state is OutboundState.AMBIGUOUS
        assert row.reconcile_tries == tries
        assert row.reconcile_at is not None
        clock.at = row.reconcile_at
        with db.read() as uow:
            assert repository.due_reconciliations(uow.session, clock.now()) == [1]
    reconcile(db, look, 1)  # type: ignore[arg-type]
    row = the_row(db, unsure)
    assert (row.state, row.reconcile_at) == (OutboundState.AMBIGUOUS, None)
    with db.read() as uow:
        waits = service.why_waiting(uow, row, settings)
        assert waits is not None
        assert waits.reason == "ambiguous"


def test_absence_has_a_meaning_only_where_copies_are_known_to_be_filed(
    db: Database, unsure: int, clock: FixedClock
) -> None:
    with db.work() as uow:
        uow.session.execute(update(Mailbox).values(autofiles_sent=True))
    clock.advance(timedelta(minutes=14))
    reconcile(db, nothing, 1)
    assert "probably not sent" not in (the_row(db, unsure).hold_reason or "")
    clock.advance(timedelta(hours=1))
    reconcile(db, nothing, 1)
    row = the_row(db, unsure)
    assert "probably not sent" in (row.hold_reason or "")
    assert row.state is OutboundState.AMBIGUOUS
