"""Where the people of a prospect work, and when mail may reach them: what is stored, and the rules for the rest."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from app.calendars import hours_key
from app.domain.pacing import ALWAYS
from app.domain.places import Place, place_of
from app.models import Mailbox, Prospect, ProspectPlace, Site, SitePacing
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Known:
    """What decides about a prospect's hours; `chosen` and `of_site` are None where nobody has set anything."""

    prospect: Prospect
    site: Site
    mailbox: Mailbox | None
    chosen: ProspectPlace | None
    of_site: SitePacing | None

    def place(self) -> Place:
        """Where the people of the prospect work, and how that is known; the mailbox's zone when nothing says it."""
        return place_of(
            self.prospect.domain,
            self.prospect.language,
            chosen_country=self.chosen.country if self.chosen else None,
            chosen_zone=self.chosen.zone if self.chosen else None,
            site_country=self.site.country,
            fallback_zone=self.mailbox.time_zone if self.mailbox is not None else "UTC",
        )

    def window(self, settings: Settings) -> tuple[str, str]:
        """The window ("09:00-17:00" or "always") and its source."""
        if self.chosen is not None and self.chosen.send_window:
            return self.chosen.send_window, "set by staff"
        if self.of_site is not None and self.of_site.send_window:
            return self.of_site.send_window, "set for the site"
        return settings.send_window, "installation"

    def hours(self, settings: Settings) -> str | None:
        """The `hours_key`; None when mail may leave at any time."""
        span = self.window(settings)[0]
        if span == ALWAYS:
            return None
        where = self.place()
        return hours_key(where.zone, where.country, span)


def known(session: Session, prospect: Prospect, mailbox: Mailbox | None) -> Known:
    """What is stored about the hours of a prospect."""
    return Known(
        prospect,
        session.get_one(Site, prospect.site_id),
        mailbox,
        session.get(ProspectPlace, prospect.id),
        session.get(SitePacing, prospect.site_id),
    )
