"""Whom a mail goes to, as caps and conversations count: the hours that they work, and the domain that they share.

The caps count a company by its registrable domain. At a public mail provider two addresses are two people who know nothing of
each other, so each counts for itself; what is stored of it is a keyed hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.calendars import hours_key, hours_of
from app.db.vault import Vault
from app.domain.pacing import ALWAYS, Slot, next_slot
from app.domain.places import Place, place_of
from app.keys import registrable_domain
from app.models import Mailbox, Prospect, ProspectPlace, Site, SitePacing
from app.settings import Settings

_PURPOSE = "recipient"
_PUBLIC_PROVIDERS = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "msn.com",
        "hotmail.co.uk",
        "hotmail.fr",
        "hotmail.de",
        "hotmail.it",
        "hotmail.es",
        "outlook.de",
        "outlook.fr",
        "outlook.es",
        "yahoo.com",
        "yahoo.co.uk",
        "yahoo.co.jp",
        "yahoo.fr",
        "yahoo.de",
        "yahoo.it",
        "yahoo.es",
        "yahoo.com.br",
        "ymail.com",
        "aol.com",
        "icloud.com",
        "me.com",
        "mac.com",
        "proton.me",
        "protonmail.com",
        "pm.me",
        "gmx.de",
        "gmx.net",
        "gmx.com",
        "gmx.at",
        "gmx.ch",
        "web.de",
        "t-online.de",
        "freenet.de",
        "mail.com",
        "posteo.de",
        "mailbox.org",
        "fastmail.com",
        "zoho.com",
        "tutanota.com",
        "orange.fr",
        "wanadoo.fr",
        "free.fr",
        "laposte.net",
        "sfr.fr",
        "libero.it",
        "virgilio.it",
        "tiscali.it",
        "alice.it",
        "btinternet.com",
        "sky.com",
        "virginmedia.com",
        "ntlworld.com",
        "comcast.net",
        "verizon.net",
        "att.net",
        "mail.ru",
        "yandex.ru",
        "yandex.com",
        "rambler.ru",
        "bk.ru",
        "list.ru",
        "inbox.ru",
        "qq.com",
        "163.com",
        "126.com",
        "sina.com",
        "naver.com",
        "daum.net",
        "hanmail.net",
        "rediffmail.com",
        "uol.com.br",
        "bol.com.br",
        "terra.com.br",
        "seznam.cz",
        "centrum.cz",
        "wp.pl",
        "o2.pl",
        "onet.pl",
        "interia.pl",
        "abv.bg",
        "ukr.net",
        "bluewin.ch",
        "hispeed.ch",
        "telenet.be",
        "skynet.be",
        "ziggo.nl",
        "kpnmail.nl",
        "home.nl",
        "xs4all.nl",
        "docomo.ne.jp",
        "ezweb.ne.jp",
        "softbank.ne.jp",
    ]
)


def recipient_key(vault: Vault, address: str) -> str:
    """What the cap for recipients counts `address` by: its registrable domain, or a keyed hash at a public mail provider."""
    host = address.rpartition("@")[2].strip().lower()
    domain = registrable_domain(host) or host
    if domain not in _PUBLIC_PROVIDERS:
        return domain
    return f"{vault.keyed_hashes(_PURPOSE, address.strip().lower())[0]}@{domain}"


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


def slot(key: str, moment: datetime) -> Slot:
    """The first slot of the hours behind `key` from `moment` on."""
    return next_slot(moment, hours_of(key))
