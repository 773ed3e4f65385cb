"""What is known about mails that wait, asked for all of them at once: each fact costs one statement, however many there are."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, select
from sqlmodel import col

from app.db.work import UnitOfWork
from app.deliverability import service as deliverability
from app.domain.blocking import ENDS
from app.domain.delivery import IN_FLIGHT, OutboundState
from app.errors import Skip
from app.installation import hold, steady
from app.models import (
    BlockingEvent,
    Mailbox,
    MailboxDay,
    MailboxPacing,
    Outbound,
    OutboundKind,
    Prospect,
    ProspectPlace,
    RecipientDay,
    Site,
    SiteDay,
    SitePacing,
)
from app.outbox import claims, plan, repository
from app.outbox.conditions import OUTBOUND, RESTING
from app.prospects import address_check
from app.prospects.working_hours import Known
from app.settings import Settings


class Looks:
    """What speaks for and against `rows` now. Nothing is read before it is asked for, and then for all rows."""

    def __init__(self, uow: UnitOfWork, rows: Sequence[Outbound], settings: Settings) -> None:
        self.now: datetime = uow.now()
        self.settings = settings
        self._session = uow.session
        self._rows = [row for row in rows if row.state is OutboundState.QUEUED]

    def _some(self, model: Any, column: Any, values: set[Any], *more: Any) -> list[Any]:
        return list(self._session.execute(select(model).where(column.in_(values), *more)).scalars())

    def _of(self, name: str) -> set[Any]:
        return {getattr(row, name) for row in self._rows}

    @cached_property
    def held(self) -> Skip | None:
        """Why nothing leaves from this installation."""
        return hold.refusal(self._session)

    @cached_property
    def clock(self) -> Skip | None:
        """Why nothing expires now."""
        return steady.doubt(self._session, self.now)

    @cached_property
    def _mailboxes(self) -> list[tuple[Mailbox, MailboxPacing | None]]:
        with_pacing = (
            select(Mailbox, MailboxPacing)
            .outerjoin(MailboxPacing, col(MailboxPacing.mailbox_id) == col(Mailbox.id))
            .where(col(Mailbox.id).in_(self._of("mailbox_id")))
        )
        return [(found[0], found[1]) for found in self._session.execute(with_pacing)]

    @cached_property
    def mailboxes(self) -> dict[int, Mailbox]:
        """The mailboxes of the rows by id."""
        return {mailbox.id: mailbox for mailbox, _ in self._mailboxes}

    @cached_property
    def _newest_blocks(self) -> dict[tuple[int, bool], int]:
        newest = (
            select(
                col(BlockingEvent.prospect_id), col(BlockingEvent.kind), func.max(col(BlockingEvent.id)).label("newest")
            )
            .where(col(BlockingEvent.prospect_id).in_(self._of("prospect_id")), col(BlockingEvent.cleared_at).is_(None))
            .group_by(col(BlockingEvent.prospect_id), col(BlockingEvent.kind))
            .order_by("newest")
        )
        return {(found[0], found[1] in ENDS): found[2] for found in self._session.execute(newest)}

    def blocked(self, row: Outbound, *, for_good: bool) -> bool:
        """Whether an event that nobody cleared is younger than the approval: one that ends the conversation, or one that pauses it."""
        return self._newest_blocks.get((row.prospect_id, for_good), 0) > row.event_floor

    @cached_property
    def _resting(self) -> set[int]:
        follow_ups = [row.id for row in self._rows if row.kind is OutboundKind.FOLLOW_UP]
        resting = select(OUTBOUND.c.id).where(OUTBOUND.c.id.in_(follow_ups), RESTING)
        return set(self._session.execute(resting).scalars()) if follow_ups else set()

    def resting(self, row: Outbound) -> bool:
        """Whether a person has stopped the follow-ups that it is one of."""
        return row.id in self._resting

    @cached_property
    def _in_flight(self) -> dict[int, tuple[OutboundState, int, str]]:
        before = select(col(Outbound.prospect_id), col(Outbound.state), col(Outbound.id), col(Outbound.subject)).where(
            col(Outbound.prospect_id).in_(self._of("prospect_id")), col(Outbound.state).in_(IN_FLIGHT)
        )
        return {found[0]: (found[1], found[2], found[3]) for found in self._session.execute(before)}

    def before(self, row: Outbound) -> tuple[OutboundState, int, str] | None:
        """State, id and subject of the one mail to the same prospect that is on its way or unsure: nothing passes it."""
        return self._in_flight.get(row.prospect_id)

    @cached_property
    def _domain_holds(self) -> dict[str, Skip]:
        return deliverability.holds_of(self._session, [one.email for one in self.mailboxes.values()])

    def domain_hold(self, mailbox: Mailbox) -> Skip | None:
        """Why the mailbox may not begin a new conversation."""
        return self._domain_holds.get(mailbox.email)

    @cached_property
    def _addresses(self) -> dict[str, Skip]:
        return address_check.refusals(self._session, self.now, self._of("to_address"))

    def address_refusal(self, row: Outbound) -> Skip | None:
        """What speaks against the address itself."""
        return self._addresses.get(row.to_address)

    @cached_property
    def _site_days(self) -> dict[int, SiteDay]:
        today = col(SiteDay.day) == self.now.astimezone(UTC).date()
        return {one.site_id: one for one in self._some(SiteDay, col(SiteDay.site_id), self._of("site_id"), today)}

    def site_day(self, row: Outbound) -> SiteDay | None:
        """What the row's site has sent today, if anything."""
        return self._site_days.get(row.site_id)

    @cached_property
    def kept(self) -> dict[int, tuple[int, int]]:
        """Sites that may send no pitch now: (what their cap leaves of today, how many follow-ups need it)."""
        own = {site: one.daily_cap for site, one in self._pacing.items()}
        caps = {site: own.get(site) or self.settings.site_daily_cap for site in self._of("site_id")}
        return plan.kept_for_follow_ups(self._session, {site: cap for site, cap in caps.items() if cap}, self.now)

    @cached_property
    def _pacing(self) -> dict[int, SitePacing]:
        return {one.site_id: one for one in self._some(SitePacing, col(SitePacing.site_id), self._of("site_id"))}

    @cached_property
    def _recipient_days(self) -> dict[str, RecipientDay]:
        newest = (
            select(col(RecipientDay.recipient).label("whose"), func.max(col(RecipientDay.day)).label("day"))
            .where(
                col(RecipientDay.recipient).in_(self._of("recipient") - {None}),
                col(RecipientDay.day) <= self.now.astimezone(UTC).date(),
            )
            .group_by(col(RecipientDay.recipient))
            .subquery()
        )
        of_that_day = and_(col(RecipientDay.recipient) == newest.c.whose, col(RecipientDay.day) == newest.c.day)
        found = self._session.execute(select(RecipientDay).join(newest, of_that_day)).scalars()
        return {one.recipient: one for one in found}

    def recipient_day(self, row: Outbound) -> RecipientDay | None:
        """The newest period of the row's recipient in which anything left."""
        return self._recipient_days.get(row.recipient) if row.recipient else None

    @cached_property
    def _counters(self) -> dict[int, tuple[int, int]]:
        days: dict[int, date] = {
            one.id: self.now.astimezone(ZoneInfo(one.time_zone)).date() for one in self.mailboxes.values()
        }
        on = col(MailboxDay.day).in_(set(days.values()))
        found = self._some(MailboxDay, col(MailboxDay.mailbox_id), set(days), on)
        return {one.mailbox_id: (one.used, one.cap) for one in found if one.day == days[one.mailbox_id]}

    @cached_property
    def _caps(self) -> dict[int, int]:
        return repository.caps_of(self._session, list(self.mailboxes.values()), self.now)

    def today(self, mailbox: Mailbox) -> tuple[int, int]:
        """(the cap of today, how much of it is left)."""
        used, cap = self._counters.get(mailbox.id) or (0, self._caps[mailbox.id])
        return cap, cap - used

    @cached_property
    def ramps(self) -> dict[int, MailboxPacing]:
        """How the mailboxes grow, for those that do."""
        return {mailbox.id: pacing for mailbox, pacing in self._mailboxes if pacing is not None}

    @cached_property
    def days_used(self) -> dict[int, int]:
        """On how many days each mailbox has let mail out."""
        return repository.days_used(self._session, list(self.mailboxes))

    @cached_property
    def _older(self) -> dict[int, int]:
        return claims.older_than(self._session, self._rows)

    @cached_property
    def _follow_ups(self) -> dict[int, list[datetime]]:
        ends = [row.closes_at or self.now for row in self._rows if row.kind is OutboundKind.PITCH]
        if not ends:
            return {}
        return claims.follow_ups_before(self._session, sorted(self.mailboxes), self.now, max(ends))

    def ahead(self, row: Outbound) -> int:
        """How many mails of its mailbox leave before the row; a person's answer waits for none."""
        if row.kind is OutboundKind.REPLY:
            return 0
        ahead = self._older[row.id]
        if row.kind is OutboundKind.PITCH:
            ahead += bisect_left(self._follow_ups.get(row.mailbox_id, []), row.closes_at or self.now)
        return ahead

    @cached_property
    def _prospects(self) -> dict[int, Known]:
        ids = self._of("prospect_id")
        chosen = {one.prospect_id: one for one in self._some(ProspectPlace, col(ProspectPlace.prospect_id), ids)}
        prospects = self._some(Prospect, col(Prospect.id), ids)
        sites = {one.id: one for one in self._some(Site, col(Site.id), self._of("site_id"))}
        return {
            one.id: Known(one, sites[one.site_id], None, chosen.get(one.id), self._pacing.get(one.site_id))
            for one in prospects
        }

    def place_source(self, row: Outbound, mailbox: Mailbox) -> str:
        """How it is known where the row's prospect works."""
        known = self._prospects[row.prospect_id]
        return Known(known.prospect, known.site, mailbox, known.chosen, known.of_site).place().source
