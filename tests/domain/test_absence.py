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
    ("Jeg holder ferie til og med d. 27. december og er tilbage mandag d. 28. december.", "2026-12-28"),
    ("Jeg er retur mandag den 11/1", "2027-01-11"),
    ("Január 11-én visszatérek", "2027-01-11"),
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


MORE = [
    # A range is no day of another year, and its first day may leave its last mark out.
    ("Nieobecna 11.02-19.02.2027", "2027-02-19"),
    ("Ich bin vom 11.2.-19.2.2027 im Urlaub", "2027-02-19"),
    ("Ledig 11-02-27-02", None),
    # Blanks, as Czechs write them, and their case of November.
    ("Jsem na dovolené do 19. 2. 2027, vracím se 22. 2.", "2027-02-22"),
    ("Jsem mimo kancelář do 19. 2. včetně", "2027-02-19"),
    ("Вернусь 22-го февраля", "2027-02-22"),
    ("На связи с 22 февраля, в отпуске по 19 февраля", "2027-02-22"),
    # A day of the week with its number, and a number alone behind a word of return.
    ("Away through Feb 19th, back Monday the 22nd", "2027-02-22"),
    ("Je suis absente jusqu'au 19 février. Retour le lundi 22.", "2027-02-22"),
    ("Volveré el lunes 1", "2027-03-01"),
    ("Dal 10 al 19 febbraio sono in ferie, rientro il 22.", "2027-02-22"),
    ("I will return on the 22nd.", "2027-02-22"),
    ("Bis Freitag 19 Uhr bin ich unterwegs", "2027-02-12"),
    ("We moved to the 5th floor. Back on Monday.", "2027-02-15"),
    # Words of return behind the day.
    ("Afwezig t/m 19 februari. Maandag 22 februari ben ik er weer", "2027-02-22"),
    ("Mandag 22. februar er jeg her igen, ferie til 19. februar", "2027-02-22"),
    ("2月10日から19日まで出張です。", "2027-02-19"),
    ("2/19まで休業です。2/22より営業を再開いたします。", "2027-02-22"),
    # Nobody is back before the end of the absence.
    ("Until 26 February. Tom is back on Thursday.", "2027-02-26"),
]


@pytest.mark.parametrize(("note", "expected"), MORE)
def test_reads_days_as_people_shorten_them(note: str, expected: str | None) -> None:
    assert return_date(note, date(2027, 2, 10)) == (date.fromisoformat(expected) if expected else None)


def test_november_in_czech() -> None:
    assert return_date("Od 16. do 20. listopadu jsem mimo kancelář.", date(2026, 11, 16)) == date(2026, 11, 20)


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("Our fair runs until 19 February. I am on leave and back on 15 February.", "2027-02-15"),
        ("On leave until 19 February. Tom is back on 15 February.", "2027-02-19"),
        ("Urlaub 10.2 - 19.2", "2027-02-19"),
        ("Bis 19.2 im Urlaub", "2027-02-19"),
        ("Bis 17.30 Uhr im Haus", None),
        ("On leave until the 19th", "2027-02-19"),
        ("Буду в отпуске с 15 февраля по 19 февраля", "2027-02-19"),
        ("展览截至2月26日。我2月19日回来。", "2027-02-19"),
    ],
)
def test_another_end_is_not_that_of_an_absence(note: str, expected: str | None) -> None:
    assert return_date(note, date(2027, 2, 10)) == (date.fromisoformat(expected) if expected else None)


def test_a_bare_day_counts_only_where_it_is_asked_for() -> None:
    read = "Your mail was read on 12 February"
    assert return_date(read, date(2027, 2, 10)) == date(2027, 2, 12)
    assert return_date(read, date(2027, 2, 10), bare=False) is None
    assert return_date("Back on 12 February", date(2027, 2, 10), bare=False) == date(2027, 2, 12)


def test_a_note_of_the_last_days_of_the_calendar_names_no_day() -> None:
    assert return_date("I am out of office until Monday.", date.max) is None


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("I am on maternity leave and will return in January 2027.", "2027-01-01"),
        ("Ich bin in Elternzeit und ab Februar 2027 wieder da.", "2027-02-01"),
        ("Je suis en congé maternité, de retour en janvier 2027.", "2027-01-01"),
        ("Estoy de baja y vuelvo en enero de 2027.", "2027-01-01"),
        ("I was back in January 2026, now see the report of March 2026.", None),
        ("I joined in January 2027, by the way.", None),
        ("I will return in January 2029.", None),
        ("We are back on 5 April 2026, or in May 2026.", "2026-04-05"),
    ],
)
def test_who_names_no_day_is_there_from_the_first_of_the_month(note: str, expected: str | None) -> None:
    assert return_date(note, date(2026, 3, 3)) == (date.fromisoformat(expected) if expected else None)
