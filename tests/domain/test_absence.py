"""The day of return in absence notes of many languages."""

from datetime import date

import pytest

from app.domain.absence import return_date

WRITTEN = date(2026, 12, 18)
NOTES = [
    ("I am out of the office until 5 January 2027. For urgent matters call", "2027-01-05"),
    ("I will be out from December 20 to January 4 and will be back on January 5th.", "2027-01-05"),
    ("I will be out of the office starting 12/21/2026 and will not return until 01/04/2027.", "2027-01-04"),
    ("I'm on leave until Mon 28 December at 9:00", "2026-12-28"),
    ("I'll be back on Monday", "2026-12-21"),
    ("I am back 2027-01-08", "2027-01-08"),
    ("I am away 22/12 - 02/01", "2027-01-02"),
    ("Ich bin vom 21.12.2026 bis 03.01.2027 nicht im Büro. Ab dem 04.01.2027 bin ich wieder da", "2027-01-04"),
    ("ich bin ab 04.01. wieder im Büro", "2027-01-04"),
    ("Je suis absent jusqu'au 4 janvier 2027 inclus", "2027-01-04"),
    ("de retour le 1er février", "2027-02-01"),
    ("Estaré fuera de la oficina hasta el 7 de enero de 2027", "2027-01-07"),
    ("Sono in ferie fino al 6 gennaio", "2027-01-06"),
    ("Retorno em 11/01/2027", "2027-01-11"),
    ("Ik ben terug op 4 januari", "2027-01-04"),
    ("Wracam 4 stycznia 2027 r.", "2027-01-04"),
    ("Jag är tillbaka den 7 januari", "2027-01-07"),
    ("Вернусь 11 января", "2027-01-11"),
    ("12月28日から1月5日まで不在にしております", "2027-01-05"),
    ("2027年1月6日より出社いたします", "2027-01-06"),
    ("no date here, call +49 30 1234567", None),
    ("Since 3 November I have been away", None),
    ("I was away until 1 December 2026", None),
    ("", None),
]


@pytest.mark.parametrize(("note", "expected"), NOTES)
def test_finds_the_day_of_return(note: str, expected: str | None) -> None:
    assert return_date(note, WRITTEN) == (date.fromisoformat(expected) if expected else None)


def test_nonsense_days_are_no_dates() -> None:
    assert return_date("back on 45 January 2027, 31 February 2027 or 99/99/2027", WRITTEN) is None
