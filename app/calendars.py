"""The working days and time zones of countries, from installed packages; nothing is fetched."""

from __future__ import annotations

import functools
import threading
from datetime import date, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.domain.calendar import PLAIN_WEEK, WorkDays
from app.domain.pacing import Hours, parse_window


@functools.lru_cache(maxsize=256)
def work_days(country: str | None) -> WorkDays:
    """Weekend and public holidays of a country (ISO 3166-1 alpha-2); Monday to Friday without holidays for an unknown one."""
    if not country:
        return PLAIN_WEEK
    import holidays

    if country.upper() not in holidays.list_supported_countries():
        return PLAIN_WEEK
    calendar = holidays.country_holidays(country.upper())
    # The library fills in a year when it is first asked for, and not under a lock.
    alone = threading.Lock()

    @functools.lru_cache(maxsize=2048)
    def is_holiday(day: date) -> bool:
        with alone:
            return day in calendar

    return WorkDays(is_holiday, frozenset(calendar.weekend))


def holiday_name(country: str | None, day: date) -> str | None:
    """The name of the public holiday of `country` on `day`, in a language that the library has; None when it is none."""
    if not country:
        return None
    import holidays

    if country.upper() not in holidays.list_supported_countries():
        return None
    name: str | None = holidays.country_holidays(country.upper()).get(day)
    return name


def zone_of(name: str) -> tzinfo:
    """The time zone by its IANA name; UTC for a name that this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def hours_key(zone: str, country: str | None, window: str) -> str:
    """The text that a waiting mail carries for its recipient's hours: "Europe/Berlin DE 09:00-17:00"."""
    return f"{zone} {country or '--'} {window}"


@functools.lru_cache(maxsize=4096)
def hours_of(key: str) -> Hours:
    """The hours behind a `hours_key`."""
    zone, country, window = key.split(" ")
    span = parse_window(window)
    return Hours(zone_of(zone), work_days(None if country == "--" else country), span[0], span[1])
