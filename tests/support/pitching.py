"""A site with a prospect that is ready to be pitched, a mailbox on a real mail server, and the verbs of the loop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from app.clock import FixedClock
from app.db.vault import Vault
from app.db.work import Database, UnitOfWork
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
from app.fetch.ports import Fetcher
from app.models import Mailbox, MentionCheck, Outbound, Pitch, Prospect, Security, SequenceRun
from app.outbox.delivery import Report, drain
from app.pitches import service as pitches
from app.settings import Settings
from tests.support.editorial import Desk as EditorialDesk
from tests.support.editorial import desk as editorial_desk
from tests.support.mailserver import PASSWORD, PostOffice, mail_server
from tests.support.world import VAULT, a_contact, a_mailbox, a_page, a_prospect, a_site

EDITOR = "dana@editor.test"
SENDER = "ana@acme.test"
QUOTE = "Teams such as Acme run a customer onboarding like this."


@dataclass(frozen=True)
class OpenGate:
    """The mailbox was looked into and nothing is unknown."""

    current: bool = True
    reason: str = ""
    seen_event_id: int = 0

    def __call__(self, mailbox_id: int) -> OpenGate:
        return self


@dataclass
class Desk:
    """One site, one mailbox and as many prospects as a test asks for."""

    db: Database
    settings: Settings
    clock: FixedClock
    office: PostOffice | None = None
    at: EditorialDesk | None = None
    vault: Vault = field(default=VAULT)
    editors: tuple[str, ...] = (EDITOR,)
    renderer: None = None
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def fetcher(self) -> Fetcher:
        """The guarded client, whose names lead to the editor's local site."""
        assert self.at is not None
        return self.at.fetcher

    def prospect(self, domain: str = "editor.test", *, mention: bool = True, **values: object) -> int:
        """A prospect whose mention check is done: with a mention of us, or with none."""
        with self.db.work() as uow:
            site = uow.session.get_one(type(self.site(uow)), 1)
            defaults = {
                "stage": Stage.CHECKED_MENTION,
                "best_page_title": "A checklist for customer onboarding",
                "target": "https://rival.test/onboarding",
                "anchor": "onboarding template",
                "overlap": 3,
                "best_page": f"{'http' if self.at else 'https'}://{domain}/blog/checklist",
            }
            prospect = a_prospect(uow, site, domain, **(defaults | values))
            a_contact(uow, prospect)
            check = MentionCheck(
                prospect_id=prospect.id,
                verdict=MentionVerdict.UNLINKED_MENTION if mention else MentionVerdict.NO_MENTION,
                url=prospect.best_page if mention else None,
                quote=QUOTE if mention else None,
                checked_at=uow.now(),
            )
            uow.session.add(check)
            uow.session.flush()
            prospect.mention, prospect.mention_check_id = check.verdict, check.id
            return prospect.id

    @staticmethod
    def site(uow: UnitOfWork):
        from app.models import Site

        return uow.session.get_one(Site, 1)

    def propose(self, prospect_id: int, **values: object) -> Pitch:
        with self.db.work() as uow:
            return pitches.propose(uow, prospect_id, **values)

    def approve(self, pitch: Pitch, actor: str = "ana") -> Outbound:
        with self.db.work() as uow:
            return pitches.approve(uow, self.vault, self.settings, pitch.id, pitch.version, actor=actor)

    def send(self) -> Report:
        """Let the mailbox send what is due."""
        return drain(self.db, self.settings, self.vault, OpenGate(), 1)

    def pitched(self, domain: str = "editor.test", **values: object) -> SequenceRun:
        """A prospect whose pitch has left; its run."""
        self.approve(self.propose(self.prospect(domain, **values)))
        self.clock.advance(self.settings.undo_window)
        assert self.send().sent == 1
        return self.run()

    def run(self, run_id: int | None = None) -> SequenceRun:
        """A run as it is stored; the newest without an id."""
        with self.db.read() as uow:
            from sqlmodel import col, select

            statement = select(SequenceRun).order_by(col(SequenceRun.id).desc())
            if run_id is not None:
                statement = statement.where(SequenceRun.id == run_id)
            found = uow.session.exec(statement).first()
            assert found is not None
            return found

    def stored(self, prospect_id: int) -> Prospect:
        with self.db.read() as uow:
            return uow.session.get_one(Prospect, prospect_id)

    def mails(self) -> list[EmailMessage]:
        """What lies in the editors' mailboxes, one editor after the other, oldest first."""
        assert self.office is not None
        stored = [raw for editor in self.editors for raw in self.office.stored(editor)]
        return [message_from_bytes(raw, policy=policy.default) for raw in stored]


@contextmanager
def a_desk(
    db: Database, settings: Settings, clock: FixedClock, *, mail: bool = False, editors: tuple[str, ...] = (EDITOR,)
) -> Iterator[Desk]:
    """A desk; with `mail`, its mailbox is on a running server that also has the editors', and they have a site."""

    def furnish(**values: object) -> None:
        with db.work() as uow:
            site = a_site(uow, country="DE")
            a_page(uow, site, summary="a customer onboarding in eight steps, with templates for each mail.")
            a_page(uow, site, url="https://acme.test/guides/invoices", title="Sending invoices", topic="invoices")
            mailbox = a_mailbox(uow, SENDER, time_zone="Europe/Berlin", polled_at=uow.now(), **values)
            mailbox.secret = VAULT.seal(PASSWORD, f"mailbox:{mailbox.id}:secret")

    if not mail:
        furnish()
        yield Desk(db, settings, clock)
        return
    with mail_server(SENDER, *editors, clock=clock) as office, editorial_desk(db, settings, clock) as at:
        furnish(smtp_port=office.smtp_port, imap_port=office.imap_port)
        yield Desk(db, at.settings, clock, office, at, editors=editors)


__all__ = ["EDITOR", "SENDER", "Desk", "Mailbox", "Security", "a_desk"]
