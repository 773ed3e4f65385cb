"""Finds the day on which an absent person says to be back, in the date forms and languages of absence notes."""

from __future__ import annotations

import re
from datetime import date, timedelta

from app.domain import auto_words
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
        "november nov novembre noviembre novembro listopada listopadu listopad lis marraskuu marraskuuta noiembrie ноября ноябрь ноя"
        " kasım novembra",
        "december dec dezember dez décembre decembre déc diciembre dic dicembre dezembro desember grudnia grudzień gru joulukuu joulukuuta"
        " prosince prosinec decembrie декабря декабрь дек aralık decembra",
    ),
    start=1,
):
    for _name in _names.split():
        _MONTHS[_name] = _number


def month_of(name: str) -> int | None:
    """The number of the month that a word names, in any of the languages, whole or shortened; None for any other word."""
    return _MONTHS.get(name.casefold())


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
    back | return | returning | i will be available | available again | resume | wieder | zurück | ab dem | ab | retour | retur |
    reprend | reprise | rentr | regres | vuelv | volver | vuelta | reincorpor | rientr | torn | volto | retorn | voltar | terug |
    wracam | wrócę | powrót | powracam | tillbaka | åter | tilbage | tilbake | takaisin | palaan | zpět | vrátím | vracím | visszatér |
    revin | вернусь | вернёмся | возвращ | выйду | на связи | буду | dön | 出社 | 復帰 | 出勤 | 戻り | 返回 | 回来 | 复工
    """
)
_UNTIL = phrases(
    """
    until | till | through | thru | to | bis | bis zum | jusqu | au | hasta | al | fino | sino | até | ate | a | tot | t/m | tot en met | do |
    t.o.m | til | till och med | asti | saakka | až do | ig | până | до | по | kadar | まで | 至 | 到 | ～ | - | –
    """
)
_UNTIL_WORDS = frozenset(word for entry in _UNTIL for word in entry.split()) | set(
    phrases("jusqu'au | the | den | zum | el | le | il")
)
# "Буду" and "на связи" are words of return but for these.
_AWAY_RU = re.compile(
    r"\bне (?:буду )?на связи|\bне буду|\bбуду (?:не|в отпуске|в командировке|отсутств\w{1,6}|вне|недоступ\w{1,4})"
)
# Behind the day: "Monday 23 November ben ik er weer".
_BACK_BEHIND = frozenset(
    phrases(
        "wieder | zurück | weer | terug | tillbaka | åter | igen | tilbage | igjen | tilbake | zpět | takaisin | vissza | visszatérek | visszatérünk | visszajövök"
    )
)
_BACK_CJK = phrases(
    "出社 | 復帰 | 出勤 | 戻り | 返回 | 回来 | 通常営業 | 営業再開 | 営業を再開 | 営業開始 | 営業いたし"
)
_NAME = r"[^\W\d_]{3,12}"
_DATE = re.compile(
    # Nothing else begins a date, a number begins with its first digit and a name with its word: most places of a text are left at once.
    r"(?=(?<!\d)\d|(?<![^\W\d_])[^\W\d_]{3})(?:"
    r"(?P<iso>(?<!\d)(?P<iso_year>\d{4})[-/.](?P<iso_month>\d{1,2})[-/.](?P<iso_day>\d{1,2})(?!\d))"
    r"|(?P<cjk>(?=\d{1,4}\s?[年년月월])(?:(?P<cjk_year>\d{4})\s?[年년]\s?)?(?P<cjk_month>\d{1,2})\s?[月월]\s?(?P<cjk_day>\d{1,2})\s?[日일号號])"
    # One mark throughout: "16.11-27.11.2026" is a range, and no day of the year 27. Behind a full stop a blank may stand.
    r"|(?P<num>(?=\d{1,2}[./-]\s?\d{1,2}[./-]\s?\d\d)(?<![\d.])(?P<num_first>\d{1,2})(?P<mark>[./-])(?:(?<=\.)\s)?(?P<num_second>\d{1,2})(?P=mark)"
    r"(?:(?:(?<=\.)\s)?(?P<num_year>\d{4})(?!\d)|(?P<num_short>\d{2})(?!\d|[./-]\d)))"
    r"|(?P<dot>(?=\d{1,2}\.)(?<![\d.])(?P<dot_day>\d{1,2})\.\s?(?P<dot_month>\d{1,2})(?:\.(?!\d)|(?=\s?[-–—]\s?\d{1,2}\.\s?\d{1,2}(?!\d))))"
    # Its last day leaves the mark out more often.
    r"|(?P<till>(?=\d{1,2}\.)(?:(?<=[\d.][-–—])|(?<=[\d.] [-–—] )|(?<=bis )|(?<=zum )|(?<=dem )|(?<=den )|(?<= ab )|(?<= am )|(?<= do )|(?<= til )|(?<=till )|(?<=до ))"
    r"(?P<till_day>\d{1,2})\.\s?(?P<till_month>\d{1,2})(?![\d.]|\s?(?:(?:uhr|h|hod|eur|euro)\b|€)))"
    r"|(?P<slash>(?=\d{1,2}/\d)(?<![\d./])(?P<slash_first>\d{1,2})/(?P<slash_second>\d{1,2})(?![\d/]))"
    r"|(?P<dmy>(?=\d{1,2}\D{3})(?P<dmy_day>\d{1,2})(?:st|nd|rd|th|er|ste|:?[ae]|-го|-е|º|ª|°|\.|-)?\s{0,2}(?:of |de |d'|-)?\s{0,2}"
    rf"(?P<dmy_month>{_NAME})\.?(?:,? {{0,2}}(?:de |del |do )?(?P<dmy_year>\d{{4}}))?)"
    rf"|(?P<mdy>(?P<mdy_month>{_NAME})\.? {{1,2}}(?P<mdy_day>\d{{1,2}})(?:st|nd|rd|th)?(?!\d|:)(?:,? {{0,2}}(?P<mdy_year>\d{{4}}))?))",
    re.IGNORECASE,
)
_WORD = re.compile(r"(?<![^\W\d_])[^\W\d_][^\W\d_-]{2,13}(?:-feira)?", re.IGNORECASE)
# A day without its month, as one of the week ("Monday the 30th"), behind a word of return ("retour le 16"), or behind another ("16日から20日まで").
_ARTICLE = r"(?:(?:the|den|der|dia|día|le|el|il|o|d\.|am|op|em|no) ){0,2}"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|º|ª|°|:?e|:?a)?(?:\.(?!\S))?(?![\w:%]|[.,/-]\s?\d|\s?(?:[-–]|(?:uhr|h|am|pm|to|bis|floor|stock|étage|weeks?|days?|tagen?)\b|[ap]\.m))"
_OF_WEEK = re.compile(rf"(?<![^\W\d_])(?P<word>[^\W\d_][^\W\d_-]{{2,13}}(?:-feira)?),? {_ARTICLE}{_DAY}")
_ALONE = re.compile(
    rf"(?<!\S)(?:the|den|le|el|il|dia|día|am|(?:bis )?zum|jusqu'au|fino al|sino al|t/m(?: de)?|tot(?: en met)? de|(?:until|till|through)(?= \d{{1,2}}(?:st|nd|rd|th)\b)) {_DAY}"
)
_ALONE_CJK = re.compile(
    r"(?<![\d月월])(?P<day>\d{1,2})\s?[日일号號](?=\s?(?:[(（][^)）]{1,4}[)）])?(?:まで|から|より|까지|부터))"
)
_SOON = timedelta(days=60)
FURTHEST = timedelta(days=400)


def return_date(text: str, written: date, *, bare: bool = True) -> date | None:
    """The day of return that `text` names, given the day it was written; None when it names none that can be right.

    "Back on 5 January" wins over "until 4 January", and that over a bare date, which counts only with `bare`; of equals the
    latest wins. A date without a year is the next one; one that is already past, or further than 400 days, is not a return date.
    """
    if written > date.max - 2 * FURTHEST:
        return None
    squeezed = " ".join(text[:6000].replace("’", "'").casefold().split())
    # A Dane's "d. 30. november": no sentence ends behind the article.
    squeezed = _ARTICLE_DA.sub("den ", squeezed)
    best: tuple[int, date] | None = None
    until = written
    for start, end, day in sorted(_days(squeezed, written)):
        if not written <= day <= written + FURTHEST:
            continue
        rank = _rank(squeezed[max(0, start - 45) : start], squeezed[end : end + 30])
        if rank < _END and not bare:
            continue
        if rank == _END and _ends_absence(squeezed, start, end):
            until = max(until, day)
        elif rank == _RETURN and day < until:
            # Nobody is back before the end of the absence that was just named: a misread day.
            continue
        if best is None or (rank, day) > best:
            best = (rank, day)
    return best[1] if best is not None else _month_of_return(squeezed, written)


# "Back in January 2027": who names no day is there from the first one on.
_IN_A_MONTH = re.compile(
    rf"(?<=[^\W\d_] )(?P<month>{_NAME})\.?,? (?:de |del |do )?(?P<year>20\d\d)(?![\d/-]|\.\d)", re.IGNORECASE
)


def _month_of_return(text: str, written: date) -> date | None:
    for match in _IN_A_MONTH.finditer(text):
        month = _MONTHS.get(match["month"])
        if (
            month is None
            or _rank(text[max(0, match.start() - 45) : match.start()], text[match.end() :][:30]) != _RETURN
        ):
            continue
        day = date(int(match["year"]), month, 1)
        if written <= day <= written + FURTHEST:
            return day
    return None


_RETURN, _END, _BARE, _START = 3, 2, 1, 0
_ARTICLE_DA = re.compile(r"\bd\. ?(?=\d)")
_SENTENCE_ENDS = re.compile(r"[.!?;]\s|[。！？；]")


def _ends_absence(text: str, start: int, end: int) -> bool:
    """Whether the sentence of a day "until" which something goes on says no more, or speaks of an absence: a sale has an end as well."""
    before = _SENTENCE_ENDS.split(text[max(0, start - 200) : start])[-1]
    if not set(before.split()) - _UNTIL_WORDS:
        return True
    sentence = before + _SENTENCE_ENDS.split(text[end - 1 : end + 200])[0]
    return any(entry in sentence for entry in auto_words.ABSENT + auto_words.CLOSED)


def _rank(before: str, behind: str) -> int:
    """3: said to be the day of return; 2: the end of the absence; 1: just a date; 0: its start."""
    # Only the words of the same sentence say what the date means.
    clause = before
    for mark in (". ", "! ", "? ", "。", "; "):
        clause = clause.rpartition(mark)[2]
    close = behind[:14]
    if any(entry in close for entry in ("まで", "까지", "kadar", "asti", "saakka", "-ig")):
        return _END
    if any(entry in _SENTENCE_ENDS.split(close)[0] for entry in _BACK_CJK):
        return _RETURN
    if close.lstrip().startswith(("から", "より")):
        return _BARE
    words = clause.replace("(", " ").replace(",", " ").split()
    tail = words[-4:]
    near = _AWAY_RU.sub(" ", " ".join(words[-7:]))
    if any(entry in near if len(entry) > 3 else entry in words[-7:] for entry in _BACK):
        # "Out until the 5th, back on the 6th": the nearer word belongs to this date.
        return _RETURN
    if any(word in _UNTIL or word.startswith(("jusqu", "until")) for word in tail):
        return _END
    if not _BACK_BEHIND.isdisjoint(_AHEAD.split(behind)[0].split()):
        return _RETURN
    starts = ("from", "vom", "von", "du", "del", "desde", "dal", "de", "van", "od", "från", "fra", "с")
    return _START if any(word in starts for word in tail) else _BARE


# Up to the end of the sentence, or to the next date.
_AHEAD = re.compile(r"[\d,;]|[.!?](?:\s|$)")


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
    _without_month(text, written, found)
    for match in _WORD.finditer(text):
        weekday = _WEEKDAYS.get(match.group())
        if weekday is not None and not any(abs(match.start() - start) < 24 for start, _, _ in found):
            ahead = (weekday - written.weekday() - 1) % 7 + 1
            found.append((match.start(), match.end(), written + timedelta(days=ahead)))
        elif match.group() in ("tomorrow", "morgen", "demain", "mañana", "domani", "amanhã", "jutro", "imorgon"):
            found.append((match.start(), match.end(), written + timedelta(days=1)))
    return found


def _without_month(text: str, written: date, found: list[tuple[int, int, date]]) -> None:
    """Add the days that name no month: the next that fall on the weekday that they name, or that follow the date before them."""
    dated = list(found)

    def free(match: re.Match[str]) -> bool:
        return not any(start < match.end() and match.start("day") < end for start, end, _ in found)

    for match in _OF_WEEK.finditer(text):
        weekday = _WEEKDAYS.get(match["word"])
        if weekday is None or not free(match):
            continue
        days = (written + timedelta(days=ahead) for ahead in range(1, _SOON.days))
        day = next((day for day in days if day.day == int(match["day"]) and day.weekday() == weekday), None)
        if day is not None:
            found.append((match.start(), match.end(), day))
    for pattern in (_ALONE, _ALONE_CJK):
        for match in pattern.finditer(text):
            before = [day for _, end, day in dated if end <= match.start()]
            told = text[max(0, match.start("day") - 45) : match.start("day")]
            named = _rank(told, text[match.end() : match.end() + 30]) in (_RETURN, _END)
            if not free(match) or not (named if pattern is _ALONE else before):
                continue
            since = max((before[-1] if before else written), written)
            days = (since + timedelta(days=ahead) for ahead in range(32))
            day = next((day for day in days if day.day == int(match["day"])), None)
            if day is not None:
                found.append((match.start(), match.end(), day))


def _day(match: re.Match[str], written: date) -> date | None:
    form = str(match.lastgroup)

    def number(name: str) -> int | None:
        digits = match[name]
        return int(digits) if digits else None

    if form == "iso":
        return _make(int(match["iso_year"]), int(match["iso_month"]), int(match["iso_day"]))
    if form == "num":
        year = number("num_year") or 2000 + int(match["num_short"])
        return _numeric(int(match["num_first"]), int(match["num_second"]), year, match["mark"], written)
    if form == "slash":
        return _numeric(int(match["slash_first"]), int(match["slash_second"]), None, "/", written)
    if form in ("dot", "till"):
        return _next(written, int(match[f"{form}_month"]), int(match[f"{form}_day"]), None)
    month = number("cjk_month") if form == "cjk" else _MONTHS.get(match[f"{form}_month"])
    return _next(written, month, int(match[f"{form}_day"]), number(f"{form}_year")) if month else None


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
