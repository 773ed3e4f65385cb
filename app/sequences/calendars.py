"""The holidays of a country, from an installed package; nothing is fetched."""

from __future__ import annotations

import functools
from datetime import date, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.domain.calendar import IsHoliday, no_holidays


@functools.lru_cache(maxsize=64)
def holidays_of(country: str | None) -> IsHoliday:
    """The public holidays of a country (ISO 3166-1 alpha-2); none for an unknown or missing country."""
    if not country:
        return no_holidays
    import holidays

    if country.upper() not in holidays.list_supported_countries():
        return no_holidays
    calendar = holidays.country_holidays(country.upper())

    def is_holiday(day: date) -> bool:
        return day in calendar

    return is_holiday


def zone_of(name: str) -> tzinfo:
    """The time zone by its IANA name; UTC for a name that this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
