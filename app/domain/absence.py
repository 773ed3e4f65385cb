"""Finds the day on which an absent person says to be back, in the date forms and languages of absence notes."""

from __future__ import annotations

import re
from datetime import date, timedelta

from app.domain.bounce_words import phrases

_MONTHS: dict[str, int] = {}
for _number, _names in enumerate(
    (
        "january jan januar jänner januari janvier janv enero ene gennaio gen janeiro stycznia styczeń sty tammikuu tammikuuta ledna leden"
        " január ianuarie января январь янв ocak januára",
        "february feb februar februari février fevrier févr fév febrero febbraio fevereiro fev lutego luty lut helmikuu helmikuuta února únor"
        " február februarie февраля февраль фев şubat februára",
        "march mar märz maerz mrz maart mars marzo março marco marca marzec maaliskuu maaliskuuta března březen március martie марта март"
        " mart",
        "april apr avril avr abril abr aprile aprila kwietnia kwiecień kwi huhtikuu huhtikuuta dubna duben április aprilie апреля апрель апр"
        " nisan apríla",
        "may mai mei maj mayo maggio mag maio maja toukokuu toukokuuta května květen május мая май mayıs mája",
        "june jun juni juin junio giugno giu junho czerwca czerwiec cze kesäkuu kesäkuuta června červen június iunie июня июнь"
        " haziran júna",
        "july jul juli juillet juil julio luglio lug julho lipca lipiec lip heinäkuu heinäkuuta července červenec július iulie июля июль"
        " temmuz júla",
        "august aug août aout agosto ago augustus augusti sierpnia sierpień sie elokuu elokuuta srpna srpen augusztus августа август авг"
        " ağustos augusta",
        "september sep sept septembre septiembre settembre set setembro września wrzesień wrz syyskuu syyskuuta září szeptember"
        " septembrie сентября сентябрь сен eylül septembra",
        "october oct oktober okt octobre octubre ottobre ott outubro out października październik paź lokakuu lokakuuta října říjen"
        " október octombrie октября октябрь окт ekim októbra",
        "november nov novembre noviembre novembro listopada listopad lis marraskuu marraskuuta noiembrie ноября ноябрь ноя"
        " kasım novembra",
        "december dec dezember dez décembre decembre déc diciembre dic dicembre dezembro desember grudnia grudzień gru joulukuu joulukuuta"
        " prosince prosinec decembrie декабря декабрь дек aralık decembra",
    ),
    start=1,
):
    for _name in _names.split():
        _MONTHS[_name] = _number

_WEEKDAYS: dict[str, int] = {}
for _number, _names in enumerate(
    (
        "monday montag lundi lunes lunedì lunedi segunda-feira segunda maandag poniedziałek poniedziałku måndag mandag maanantai"
        " maanantaina pondělí понедельник pazartesi",
        "tuesday dienstag mardi martes martedì martedi terça-feira terça dinsdag wtorek wtorku tisdag tirsdag tiistai tiistaina"
        " úterý вторник salı",
        "wednesday mittwoch mercredi miércoles miercoles mercoledì mercoledi quarta-feira quarta woensdag środa środę środy onsdag"
        " keskiviikko keskiviikkona středa среда среду çarşamba",
        "thursday donnerstag jeudi jueves giovedì giovedi quinta-feira quinta donderdag czwartek czwartku torsdag torstai"
        " torstaina čtvrtek четверг perşembe",
        "friday freitag vendredi viernes venerdì venerdi sexta-feira sexta vrijdag piątek piątku fredag perjantai perjantaina pátek"
        " пятница пятницу cuma",
        "saturday samstag sonnabend samedi sábado sabado sabato zaterdag sobota sobotę lördag lørdag lauantai суббота cumartesi",
        "sunday sonntag dimanche domingo domenica zondag niedziela niedzielę söndag søndag sunnuntai neděle воскресенье pazar",
    )
):
    for _name in _names.split():
        _WEEKDAYS[_name] = _number

# Words before (or, in Japanese and Chinese, behind) the day of return; the day after "until" is the weaker sign.
_BACK = phrases(
    """
    back | return | returning | i will be available | available again | resume | wieder | zurück | ab dem | ab | retour |
    reprend | reprise | rentr | regres | vuelv | volver | vuelta | reincorpor | rientr | torn | volto | retorn | voltar | terug |
    wracam | wrócę | powrót | powracam | tillbaka | åter | tilbage | tilbake | takaisin | palaan | zpět | vrátím | visszatér |
    revin | вернусь | вернёмся | возвращ | выйду | dön | 出社 | 復帰 | 出勤 | 戻り | 返回 | 回来 | 复工
    """
)
_UNTIL = phrases(
    """
    until | till | through | thru | to | bis | bis zum | jusqu | au | hasta | al | fino | sino | até | ate | a | tot | t/m | tot en met | do |
    t.o.m | til | till och med | asti | saakka | až do | ig | până | до | по | kadar | まで | 至 | 到 | ～ | - | –
    """
)
_NAME = r"[^\W\d_]{3,12}"
_DATE = re.compile(
    rf"(?P<iso>(?<!\d)(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}})(?!\d))"
    rf"|(?P<cjk>(?:(\d{{4}})\s?[年년]\s?)?(\d{{1,2}})\s?[月월]\s?(\d{{1,2}})\s?[日일号號])"
    rf"|(?P<num>(?<![\d.])(\d{{1,2}})([./-])(\d{{1,2}})(?:\12|[./-])(\d{{4}}|\d{{2}})(?!\d))"
    rf"|(?P<dot>(?<![\d.])(\d{{1,2}})\.(\d{{1,2}})\.(?!\d))"
    rf"|(?P<slash>(?<![\d./])(\d{{1,2}})/(\d{{1,2}})(?![\d/]))"
    rf"|(?P<dmy>(?<!\d)(\d{{1,2}})(?:st|nd|rd|th|er|º|ª|\.|-)?\s{{0,2}}(?:of |de |d'|-)?\s{{0,2}}({_NAME})\.?(?:,? {{0,2}}(?:de |del |do )?(\d{{4}}))?)"
    rf"|(?P<mdy>({_NAME})\.? {{1,2}}(\d{{1,2}})(?:st|nd|rd|th)?(?!\d|:)(?:,? {{0,2}}(\d{{4}}))?)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_][^\W\d_-]{2,13}(?:-feira)?", re.IGNORECASE)
FURTHEST = timedelta(days=400)


def return_date(text: str, written: date) -> date | None:
    """The day of return that `text` names, given the day it was written; None when it names none that can be right.

    "Back on 5 January" wins over "until 4 January", and that over a bare date; of equals the latest wins. A date without a
    year is the next one; one that is already past, or further than 400 days, is not a return date.
    """
    squeezed = " ".join(text[:6000].replace("’", "'").casefold().split())
    best: tuple[int, date] | None = None
    for start, end, day in _days(squeezed, written):
        if not written <= day <= written + FURTHEST:
            continue
        rank = _rank(squeezed[max(0, start - 45) : start], squeezed[end : end + 14])
        if best is None or (rank, day) > best:
            best = (rank, day)
    return best[1] if best is not None else None


def _rank(before: str, behind: str) -> int:
    """3: said to be the day of return; 2: the end of the absence; 1: just a date; 0: its start."""
    # Only the words of the same sentence say what the date means.
    clause = before
    for mark in (". ", "! ", "? ", "。", "; "):
        clause = clause.rpartition(mark)[2]
    if any(entry in behind for entry in ("まで", "까지", "kadar", "asti", "saakka", "-ig")):
        return 2
    if behind.lstrip().startswith(("から", "より")) and not any(entry in behind for entry in ("出社", "復帰", "出勤")):
        return 1
    words = clause.replace("(", " ").replace(",", " ").split()
    tail = words[-4:]
    if any(entry in behind for entry in ("出社", "復帰", "出勤", "戻り", "返回", "回来")):
        return 3
    near = " ".join(words[-7:])
    ends = any(word in _UNTIL or word.startswith(("jusqu", "until")) for word in tail)
    if any(entry in near if len(entry) > 3 else entry in words[-7:] for entry in _BACK):
        # "Out until the 5th, back on the 6th": the nearer word belongs to this date.
        return 3
    if ends:
        return 2
    return (
        0
        if any(
            word in ("from", "vom", "von", "du", "del", "desde", "dal", "de", "van", "od", "från", "fra", "с")
            for word in tail
        )
        else 1
    )


def _days(text: str, written: date) -> list[tuple[int, int, date]]:
    found: list[tuple[int, int, date]] = []
    position = 0
    for _ in range(60):
        match = _DATE.search(text, position)
        if match is None:
            break
        day = _day(match, written)
        found += [(match.start(), match.end(), day)] if day else []
        # A misread word must not swallow the number behind it ("office 5 January").
        position = match.end() if day else match.start() + 1
    for match in _WORD.finditer(text):
        weekday = _WEEKDAYS.get(match.group())
        if weekday is not None and not any(abs(match.start() - start) < 24 for start, _, _ in found):
            ahead = (weekday - written.weekday() - 1) % 7 + 1
            found.append((match.start(), match.end(), written + timedelta(days=ahead)))
        elif match.group() in ("tomorrow", "morgen", "demain", "mañana", "domani", "amanhã", "jutro", "imorgon"):
            found.append((match.start(), match.end(), written + timedelta(days=1)))
    return found


def _day(match: re.Match[str], written: date) -> date | None:
    group = match.group
    if group("iso"):
        return _make(int(group(2)), int(group(3)), int(group(4)))
    if group("cjk"):
        return _next(written, int(group(7)), int(group(8)), int(group(6)) if group(6) else None)
    if group("num"):
        year = int(group(13))
        return _numeric(int(group(10)), int(group(12)), year + 2000 if year < 100 else year, group(11), written)
    if group("dot"):
        return _next(written, int(group(16)), int(group(15)), None)
    if group("slash"):
        return _numeric(int(group(18)), int(group(19)), None, "/", written)
    if group("dmy"):
        month = _MONTHS.get(group(22))
        return _next(written, month, int(group(21)), int(group(23)) if group(23) else None) if month else None
    month = _MONTHS.get(group(25))
    return _next(written, month, int(group(26)), int(group(27)) if group(27) else None) if month else None


def _numeric(first: int, second: int, year: int | None, mark: str, written: date) -> date | None:
    """Day first, unless that cannot be; with a slash, both readings are tried and the nearer one that is ahead wins."""
    readings = [_next(written, second, first, year)]
    if mark == "/":
        readings.append(_next(written, first, second, year))
    elif second > 12:
        readings = [_next(written, first, second, year)]
    ahead = sorted(day for day in readings if day is not None and day >= written)
    return ahead[0] if ahead else None


def _next(written: date, month: int, day: int, year: int | None) -> date | None:
    if year is not None:
        return _make(year, month, day)
    this = _make(written.year, month, day)
    if this is not None and this >= written:
        return this
    later = _make(written.year + 1, month, day)
    # "Since 3 November" in a note of 20 November is the past, not next year.
    return later if later is not None and later <= written + timedelta(days=200) else None


def _make(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
