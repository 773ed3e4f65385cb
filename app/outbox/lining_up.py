"""Which mail a turn takes next, and what it puts off or takes out on the way to it."""

from __future__ import annotations

from datetime import datetime

from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.domain.delivery import OutboundState
from app.domain.said import cut, say
from app.inbox import unanswered
from app.installation import steady
from app.log import get_logger
from app.models import Mailbox, Outbound, OutboundKind
from app.outbox import claims, gating, plan, repository
from app.outbox.committing import counted
from app.prospects import suppression
from app.settings import Settings

log = get_logger("outbox")


class LineUp:
    """The queue of one mailbox as one turn sees it: `share` is what may leave today, `shut` what the gate has said last."""

    def __init__(self, settings: Settings, vault: Vault) -> None:
        self.share = plan.Share()
        self.shut: gating.Shut | None = None
        self._settings = settings
        self._vault = vault
        self._keys: suppression.Keys | None = None
        # Counted once in a turn, because the count goes over all mailboxes; what this turn takes is taken off.
        self._site_caps: dict[int, int] | None = None
        self._needed: dict[int, int] = {}

    def take(self, uow: UnitOfWork, mailbox: Mailbox, fence: int) -> Outbound | None:
        """Claim the next mail. One to somebody who was suppressed meanwhile is taken out, with the rule, and is not tried.

        That saves a connection; the promise is the look inside the commit.
        """
        now = uow.now()
        if not self._put_off(uow, mailbox, now):
            return None
        if self._keys is None:
            self._keys = suppression.Keys(uow.session, self._vault)
        if self._site_caps is None:
            self._site_caps = plan.site_caps(uow.session, self._settings)
            self._needed = plan.needed_by_follow_ups(uow.session, self._site_caps, now)
        kept = plan.kept_of(uow.session, self._site_caps, self._needed, now)
        while True:
            row = claims.claim(
                uow.session,
                mailbox.id,
                fence,
                now,
                period=counted(self._settings, now)[1],
                up_to=(self.share.follow_ups, self.share.pitches) if self.share.short else None,
                kept=kept,
            )
            if row is None:
                return None
            if row.kind is OutboundKind.FOLLOW_UP and row.site_id in self._needed:
                self._needed[row.site_id] -= 1
            said = suppression.spell(row.to_address)
            if not claims.is_suppressed(
                uow.session,
                keys=self._keys.against(row.to_address, row.site_id),
                spellings=(said.written, said.normal),
                site_id=row.site_id,
            ):
                return row
            skip = suppression.refusal(uow.session, self._vault, row.to_address, row.site_id)
            sentence = skip.sentence if skip is not None else say("this address must not be written to")
            repository.settle(
                uow.session,
                row.id,
                fence,
                OutboundState.CLAIMED,
                state=OutboundState.CANCELLED,
                hold_reason=cut(sentence, 500),
            )
            unanswered.comes_back(uow, row, sentence)
            log.info("outbox.refused_at_claim", outbound_id=row.id, reason="suppressed")

    def _put_off(self, uow: UnitOfWork, mailbox: Mailbox, now: datetime) -> bool:
        """While the mailbox cannot be read, what has to pass the gate is not even claimed: all that is due waits, at once.

        False: the turn ends, because by this clock nothing can be put off (`steady.may_plan`).
        """
        shut = self.shut if self.shut is not None and self.shut.until > now else gating.known_shut(mailbox, now)
        if shut is not None:
            if not steady.may_plan(uow.session, now):
                return False
            kinds = gating.gated(mailbox, now)
            waiting = claims.put_off(uow.session, mailbox.id, kinds, now, until=shut.until, why=shut.why)
            if waiting:
                log.info("outbox.held", mailbox_id=mailbox.id, rows=waiting, reason=shut.why)
        return True
