"""Where a recipient works: country and time zone from what is known about a prospect, with the name of the source.

Country codes are ISO 3166-1, zones are of the IANA database. A country with several zones stands for the zone in which most
of its people live, and the source says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.domain.said import say

# Written by hand from the IANA table zone1970.tab; tests/domain/test_places.py compares it with the installed database.
_ZONES = """
AD Europe/Andorra|AE Asia/Dubai|AL Europe/Tirane|AM Asia/Yerevan|AR America/Argentina/Buenos_Aires*|AT Europe/Vienna
AU Australia/Sydney*|AZ Asia/Baku|BA Europe/Sarajevo|BD Asia/Dhaka|BE Europe/Brussels|BG Europe/Sofia|BH Asia/Bahrain
BO America/La_Paz|BR America/Sao_Paulo*|BY Europe/Minsk|CA America/Toronto*|CH Europe/Zurich|CL America/Santiago*
CM Africa/Douala|CN Asia/Shanghai*|CO America/Bogota|CR America/Costa_Rica|CY Asia/Nicosia*|CZ Europe/Prague
DE Europe/Berlin|DK Europe/Copenhagen|DO America/Santo_Domingo|DZ Africa/Algiers|EC America/Guayaquil*
EE Europe/Tallinn|EG Africa/Cairo|ES Europe/Madrid*|ET Africa/Addis_Ababa|FI Europe/Helsinki|FR Europe/Paris
GB Europe/London|GE Asia/Tbilisi|GH Africa/Accra|GR Europe/Athens|GT America/Guatemala|HK Asia/Hong_Kong
HN America/Tegucigalpa|HR Europe/Zagreb|HU Europe/Budapest|ID Asia/Jakarta*|IE Europe/Dublin|IL Asia/Jerusalem
IN Asia/Kolkata|IQ Asia/Baghdad|IR Asia/Tehran|IS Atlantic/Reykjavik|IT Europe/Rome|JM America/Jamaica|JO Asia/Amman
JP Asia/Tokyo|KE Africa/Nairobi|KH Asia/Phnom_Penh|KR Asia/Seoul|KW Asia/Kuwait|KZ Asia/Almaty*|LB Asia/Beirut
LI Europe/Vaduz|LK Asia/Colombo|LT Europe/Vilnius|LU Europe/Luxembourg|LV Europe/Riga|MA Africa/Casablanca
MC Europe/Monaco|MD Europe/Chisinau|MK Europe/Skopje|MN Asia/Ulaanbaatar*|MT Europe/Malta|MU Indian/Mauritius
MX America/Mexico_City*|MY Asia/Kuala_Lumpur*|NG Africa/Lagos|NI America/Managua|NL Europe/Amsterdam|NO Europe/Oslo
NP Asia/Kathmandu|NZ Pacific/Auckland*|OM Asia/Muscat|PA America/Panama|PE America/Lima|PH Asia/Manila|PK Asia/Karachi
PL Europe/Warsaw|PR America/Puerto_Rico|PT Europe/Lisbon*|PY America/Asuncion|QA Asia/Qatar|RO Europe/Bucharest
RS Europe/Belgrade|RU Europe/Moscow*|SA Asia/Riyadh|SE Europe/Stockholm|SG Asia/Singapore|SI Europe/Ljubljana
SK Europe/Bratislava|SN Africa/Dakar|SV America/El_Salvador|TH Asia/Bangkok|TN Africa/Tunis|TR Europe/Istanbul
TW Asia/Taipei|TZ Africa/Dar_es_Salaam|UA Europe/Kyiv*|UG Africa/Kampala|US America/New_York*|UY America/Montevideo
UZ Asia/Tashkent*|VE America/Caracas|VN Asia/Ho_Chi_Minh|ZA Africa/Johannesburg|ZM Africa/Lusaka|ZW Africa/Harare
"""
_PAIRS = [pair.split() for pair in _ZONES.replace("\n", "|").split("|") if pair]
ZONE_OF: dict[str, str] = {country: zone.rstrip("*") for country, zone in _PAIRS}
_COUNTRY_OF = {zone: country for country, zone in ZONE_OF.items()}
MANY_ZONES = frozenset(country for country, zone in _PAIRS if zone.endswith("*"))

# Endings that are a country's by the list and everybody's by use, so they say nothing of a place. (Most such endings, .io and .ai
# among them, belong to places that the table above does not know anyway.)
_NO_PLACE = frozenset({"am", "co", "me", "tv"})
_ENDING_TO_COUNTRY = {
    "uk": "GB",
    "xn--p1ai": "RU",
    "xn--j1amh": "UA",
    "xn--fiqs8s": "CN",
    "xn--kprw13d": "TW",
    "xn--3e0b707e": "KR",
    "xn--h2brj9c": "IN",
}
# Languages that are spoken in the main in one country, or whose readers write from it in the main. English, Arabic and
# others that many countries share say nothing without a region.
_LANGUAGE_TO_COUNTRY = {
    "bg": "BG", "cs": "CZ", "da": "DK", "de": "DE", "el": "GR", "es": "ES", "et": "EE", "fa": "IR", "fi": "FI", "fr": "FR",
    "he": "IL", "hi": "IN", "hr": "HR", "hu": "HU", "id": "ID", "is": "IS", "it": "IT", "ja": "JP", "ka": "GE", "ko": "KR",
    "lt": "LT", "lv": "LV", "nb": "NO", "nl": "NL", "no": "NO", "pl": "PL", "pt": "BR", "ro": "RO", "ru": "RU", "sk": "SK",
    "sl": "SI", "sr": "RS", "sv": "SE", "th": "TH", "tr": "TR", "uk": "UA", "vi": "VN", "zh": "CN",
}  # fmt: skip
_LANGUAGE_NAMES = {
    "bulgarian": "bg", "chinese": "zh", "croatian": "hr", "czech": "cs", "danish": "da", "dutch": "nl", "estonian": "et",
    "finnish": "fi", "french": "fr", "german": "de", "greek": "el", "hebrew": "he", "hindi": "hi", "hungarian": "hu",
    "icelandic": "is", "indonesian": "id", "italian": "it", "japanese": "ja", "korean": "ko", "latvian": "lv",
    "lithuanian": "lt", "norwegian": "no", "persian": "fa", "polish": "pl", "portuguese": "pt", "romanian": "ro",
    "russian": "ru", "serbian": "sr", "slovak": "sk", "slovenian": "sl", "spanish": "es", "swedish": "sv", "thai": "th",
    "turkish": "tr", "ukrainian": "uk", "vietnamese": "vi", "english": "en", "arabic": "ar",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody works. `country` None: no country is known, so there are no holidays. `source` is shown to people."""

    country: str | None
    zone: str
    source: str


def language_of(given: str | None) -> tuple[str | None, str | None]:
    """(language, region) of the first language in `given`: "de-AT", "pt_BR", "German", "fr, en"; None for what is unknown."""
    first = re.split(r"[,;/|]", given or "")[0].strip()
    code = re.fullmatch(r"([A-Za-z]{2,3})(?:[-_][A-Za-z]{4})?(?:[-_]([A-Za-z]{2}))?", first)
    if code is not None:
        return code.group(1).lower(), (code.group(2) or "").upper() or None
    return _LANGUAGE_NAMES.get(first.lower()), None


def place_of(
    domain: str,
    language: str | None,
    *,
    chosen_country: str | None = None,
    chosen_zone: str | None = None,
    site_country: str | None = None,
    fallback_zone: str = "UTC",
) -> Place:
    """Where the people behind `domain` (a host, as an A-label) work, by the first of these that says something.

    What staff have set; the country ending of the domain; the region of the page's language; the language itself; the
    country of our site; and at last the zone of the mailbox, without holidays.
    """
    if chosen_country:
        return Place(chosen_country, chosen_zone or ZONE_OF.get(chosen_country, fallback_zone), say("set by staff"))
    if chosen_zone:
        # A zone alone says when the day begins there; its holidays are those of the zone's country, or of the one that is known anyway.
        known = place_of(domain, language, site_country=site_country).country
        return Place(_COUNTRY_OF.get(chosen_zone, known), chosen_zone, say("set by staff"))
    ending = domain.rpartition(".")[2].lower()
    by_ending = _ENDING_TO_COUNTRY.get(ending) or (ending.upper() if ending not in _NO_PLACE else None)
    if by_ending in ZONE_OF:
        return _in(by_ending, say("ccTLD .{ending}", ending=ending))
    spoken, region = language_of(language)
    if region in ZONE_OF:
        return _in(region, say("page language {language}", language=f"{spoken}-{region}"))
    by_language = _LANGUAGE_TO_COUNTRY.get(spoken or "")
    if by_language is not None:
        return _in(by_language, say("page language {language}", language=spoken))
    if site_country in ZONE_OF:
        return _in(site_country, say("site default"))
    return Place(None, fallback_zone, say("time zone of the mailbox"))


def _in(country: str, source: str) -> Place:
    if country in MANY_ZONES:
        source = say("{source} (the zone of most people there)", source=source)
    return Place(country, ZONE_OF[country], source)
