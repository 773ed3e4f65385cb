"""Country and time zone of a prospect, from what is known of it."""

from __future__ import annotations

from zoneinfo import available_timezones

import pytest
from babel.core import get_global
from babel.dates import get_timezone

from app.domain.places import MANY_ZONES, ZONE_OF, language_of, place_of


def test_every_zone_is_one_of_its_country() -> None:
    zones_of = get_global("territory_zones")
    assert len(ZONE_OF) > 90
    for country, zone in ZONE_OF.items():
        assert zone in available_timezones(), zone
        # The library knows some zones by an older name of theirs.
        aliases = {zone, *(old for old, new in get_global("zone_aliases").items() if new == zone)}
        old_names = {"Asia/Kolkata": "Asia/Calcutta", "Asia/Kathmandu": "Asia/Katmandu", "Europe/Kyiv": "Europe/Kiev"}
        aliases |= {old_names.get(zone, zone)}
        last = {name.rpartition("/")[2] for name in aliases | {"Saigon" if country == "VN" else zone}}
        assert {name.rpartition("/")[2] for name in zones_of[country]} & last, (country, zone)
        assert get_timezone(zone) is not None


def test_countries_with_several_clocks_are_marked() -> None:
    assert {"US", "BR", "AU", "CA", "RU", "ID", "MX"} <= MANY_ZONES
    assert not {"DE", "FR", "JP", "IN"} & MANY_ZONES


@pytest.mark.parametrize(
    ("domain", "language", "country", "zone", "source"),
    [
        ("zeitung.de", "en", "DE", "Europe/Berlin", "ccTLD .de"),
        ("paper.co.uk", None, "GB", "Europe/London", "ccTLD .uk"),
        ("xn--e1afmkfd.xn--p1ai", None, "RU", "Europe/Moscow", "ccTLD .xn--p1ai (the zone of most people there)"),
        ("startup.io", None, None, "Asia/Tokyo", "time zone of the mailbox"),
        ("radio.fm", "fr", "FR", "Europe/Paris", "page language fr"),
        ("journal.com", "de-AT", "AT", "Europe/Vienna", "page language de-AT"),
        ("journal.com", "pt_PT", "PT", "Europe/Lisbon", "page language pt-PT (the zone of most people there)"),
        ("journal.com", "Italian, English", "IT", "Europe/Rome", "page language it"),
        ("journal.com", "English", None, "Asia/Tokyo", "time zone of the mailbox"),
        ("journal.me", "sv", "SE", "Europe/Stockholm", "page language sv"),
        ("journal.com", "?", None, "Asia/Tokyo", "time zone of the mailbox"),
    ],
)
def test_the_first_source_that_says_something(domain, language, country, zone, source) -> None:
    found = place_of(domain, language, fallback_zone="Asia/Tokyo")
    assert (found.country, found.zone, found.source) == (country, zone, source)


def test_staff_know_better_and_the_site_is_the_last_guess() -> None:
    assert place_of("zeitung.de", "de", chosen_country="CH").zone == "Europe/Zurich"
    # A zone alone keeps the holidays of its country, or of the one that is known anyway.
    assert place_of("zeitung.com", None, chosen_zone="Europe/Berlin", site_country="US").country == "DE"
    assert place_of("paper.com", None, chosen_zone="America/Denver", site_country="US").country == "US"
    assert place_of("paper.com", None, chosen_zone="America/Denver").country is None
    by_staff = place_of("zeitung.de", "de", chosen_country="US", chosen_zone="America/Denver", site_country="GB")
    assert (by_staff.country, by_staff.zone, by_staff.source) == ("US", "America/Denver", "set by staff")
    assert place_of("journal.com", "en", site_country="GB").source == "site default"


def test_languages_in_the_shapes_of_exports() -> None:
    assert language_of("zh-Hant-TW") == ("zh", "TW")
    assert language_of("German") == ("de", None)
    assert language_of(None) == (None, None)
