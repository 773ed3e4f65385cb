"""Prices in running text: amounts with a currency, a tax or a unit, in the ways in which people write them.

A price is what an answer costs us, so the net is wide: "EUR 150", "80,- Euro", "1k euro", "0.5 ETH", "100 + IVA", "fee: 100".
"""

from __future__ import annotations

import re

from app.domain.bounce_words import phrases

# Groups of three with any sign between them, or a plain number.
_NUMBER = re.compile(r"(?<!\d)(?<!\d[.,'’])(?:\d{1,3}(?:[.,'’ ]\d{3}){1,3}|\d{1,7})(?:[.,]\d{1,4})?(?!\d)")
# "1.5k", "80,-" and "5000/-" go on behind the number.
_TAIL = re.compile(r"\s{0,2}(?:(?:k|tsd\.?|tys\.?|mil|тыс\.?)(?![^\W_])|,-{1,2}|,–|\.-{1,2}|/-)?\s{0,2}")
_CLOSED = frozenset((",-", ",--", ",–", "/-"))
_YEAR = re.compile(r"(?:19|20)\d\d")
_SIGNS = ("$", "€", "£", "¥", "₹", "₽", "₺", "₴", "₩", "₪", "₫", "₱", "₦", "฿", "₸", "₵", "₡", "₲")
_SIGNS_BEHIND = (*_SIGNS, "us$", "a$", "au$", "c$", "ca$", "nz$", "hk$", "s$", "r$")
# Codes that are no words and no abbreviations of something else, so they may stand before the number as well.
_CODES = frozenset(
    phrases(
        """
        usd | eur | euro | euros | gbp | aud | cad | nzd | chf | sfr | sek | nok | dkk | pln | czk | huf | bgn | rsd | rub | uah | kzt | inr | pkr | bdt | lkr | npr |
        idr | myr | sgd | hkd | twd | jpy | cny | rmb | krw | thb | vnd | aed | sar | qar | egp | zar | ngn | kes | ghs | brl | mxn | clp | uyu | isk | btc | eth |
        usdt | usdc | ltc | rs | kr | kč | zł | dollar | dollars
        """
    )
)
_WORDS = _CODES | frozenset(
    phrases(
        """
        buck | bucks | pound | pounds | quid | sterling | grand | zl | kronor | kroner | krone | kruunua | евро | тенге | reais | lei | ron | tl | lira | lirası | franken |
        franc | francs | euroa | euron | eurot | euró | eura | evro | avro | rupee | rupees | rupien | yen | yuan | peso | pesos | rand | rands | naira | ευρώ | р
        """
    )
)
_STEMS = phrases("бакс | złot | korun | руб | грн | гривен | гривн | долл | dolar | dólar | dollar | forint | шекел")
_WIDE = phrases(
    "円 | 万円 | 日元 | 元 | 万元 | 块 | 欧元 | 美元 | 美金 | 英镑 | ドル | ユーロ | ポンド | 万ドル | 원 | 만원 | 만 원 | 달러 | 유로"
)
# Ordinary words, or units of something else, unless the sum is large.
_LARGE = frozenset(phrases("ft | try | won | php | sol | pen | mad | ars | cop | ils"))
_SPELLED = re.compile(
    r"\b(?:hundred|thousand|fifty|twenty|eighty|hundert|einhundert|zweihundert|tausend|fünfzig|achtzig|cent|cinquante|mille|cien|cincuenta|mil|"
    r"cem|cinquenta|cento|cinquanta|honderd|vijftig|duizend|sto|tysiąc|hundra|femtio|tusen|hundrede|hundre|sata|сто|тысяча?|тысячу|yüz|bin)"
    r"\s{1,2}([^\W\d_]{1,12})"
)
_TAX = re.compile(
    r"\s{0,2}(?:\+|plus|zzgl\.?|excl\.?|exkl\.?|más|più|mais|ohne|without|hors|без)\s{0,2}"
    r"(?:vat|iva|tva|mwst|ust|btw|moms|mva|alv|dph|áfa|kdv|ндс|пдв|gst|hst|tax|taxes)\b|\s{0,2}(?:ht|netto)\b"
)
_UNIT = re.compile(
    r"\s{0,2}(?:per|for each|each|pro|je|par|por|za|/)\s{0,2}(?:one |single |guest )?(?:link|backlink|post|article|placement|insertion|listing|mention|"
    r"publication|artikel|beitrag|lien|enlace|artículo|articolo|artigo|wpis|artykuł|länk|lenke|ссылк|стать|bağlantı|odkaz)"
)
_SPAN = re.compile(
    r"\s{0,2}(?:per|a|an|each|pro|im|par|por|al|all'|ao|na|om|på|i|в|/)\s{0,2}"
    r"(?:year|annum|month|jahr|monat|an|mois|año|mes|anno|mese|ano|mês|jaar|maand|rok|miesiąc|år|måned|månad|год|месяц)\b"
)
_ASKED = re.compile(
    r"\b(?:fees?|prices?|costs?|rates?|charges?|preis|kosten|gebühr|tarif|prix|precio|costo|coste|tarifa|prezzo|preço|valor|prijs|cena|koszt|pris|avgift|"
    r"hinta|цена|стоимость|ціна|fiyat|ücret)\s{0,2}(?:is|are|of|from|ist|est|es|è|é|on|er|är|:|=|-|–)\s{0,2}\Z"
)
# Sums that only the way in which they are paid gives away, or what they are paid for: "80 via Wise", "1.2k for a package", "5 т.р.".
_THROUGH = re.compile(
    r"\s{0,2}(?:(?:via|through|by|over|per|über|par|por|tramite|przez|через|med)\s{0,2}(?:paypal|wise|payoneer|revolut|stripe|venmo|zelle|skrill|bizum|swish|klarna|mobilepay|вебмани|юмани)\b"
    r"|for (?:a|the|our|one|this) (?:package|bundle|set|insertion|placement|link|post)\b)"
)
_THOUSANDS = re.compile(r"\s{0,2}т\.\s?р")
_SHARE = re.compile(r"\s{0,2}(?:%|percent|prozent|pour cent|por ciento)")
# A number of something per month is no price where it is counted, and a price is none of ours where it is somebody else's.
_COUNTED = re.compile(
    r"\b(?:gets?|receive|publish|writes?|had|have|see|visitors?|readers?|requests?|e-?mails|pitches|bekommen|erhalten|recevons|recibimos|riceviamo)\b"
)
_ELSEWHERE = re.compile(
    r"\b(?:conferences?|konferenz|conférence|conferencia|tickets?|events?|workshops?|courses?|kurs|books?|buch|products?|tools?|subscriptions?|memberships?|"
    r"plans?|salary|salaries|raised|revenue|turnover|prizes?|awards?|grants?|donat\w{0,6}|scholarships?|millions?|billions?|"
    r"trillions?)\b"
)
_OURS = re.compile(
    r"link|\bposts?\b|article|artikel|placement|insert|guest|\badd\b|publish|sponsor|advert|\bfees?\b|charge|listing|include|happy|sure|lien|enlace|"
    r"beitrag|artículo|articolo|artigo|ссыл|стать|for you|\byou pay\b"
)
_ENDS = re.compile(r"[!?;。！？]|(?<!\brs)(?<!\bkr)\.\s")
_BEFORE, _BEHIND = 80, 40
_MOST = 200


def price_in(text: str) -> str | None:
    """The first amount in `text` (lower case, one space between words) that seems to be asked of us, or None."""
    for match in _SPELLED.finditer(text):
        if _is_currency(match.group(1)):
            return match.group()
    for count, match in enumerate(_NUMBER.finditer(text)):
        if count >= _MOST:
            break
        start, end = match.span()
        if _is_price(text, start, end) and _is_ours(text, start, end):
            return text[max(0, start - 4) : end + 8].strip()
    return None


def _is_currency(word: str) -> bool:
    return word in _WORDS or word.startswith(_STEMS)


def _is_price(text: str, start: int, end: int) -> bool:
    number, before, behind = text[start:end], text[max(0, start - 24) : start], text[end : end + 32]
    head = before.rstrip()
    if head.endswith(_SIGNS):
        return True
    year = _YEAR.fullmatch(number) is not None
    if not year and _last_word(head.rstrip(".:")) in _CODES:
        return True
    tail = _TAIL.match(behind)
    at = tail.end() if tail is not None else 0
    word = _first_word(behind[at:])
    several = sum(character.isdigit() for character in number) > 1 or bool(behind[:at].strip())
    return (
        behind[at:].startswith((*_SIGNS_BEHIND, *_WIDE))
        or (_is_currency(word) and (several or word in _CODES))
        or (word in _LARGE and len(number) > 3 and not year)
        or (several and behind[:at].strip() in _CLOSED)
        or (several and not year and any(one.match(behind) for one in (_TAX, _UNIT, _SPAN)))
        or (several and not year and _THROUGH.match(behind[at:]) is not None)
        or _THOUSANDS.match(behind) is not None
        or (several and not year and _ASKED.search(before) is not None and _SHARE.match(behind) is None)
    )


def _first_word(text: str) -> str:
    end = next((at for at, character in enumerate(text) if not character.isalpha()), len(text))
    return text[:end]


def _last_word(text: str) -> str:
    start = next((at for at in range(len(text), 0, -1) if not text[at - 1].isalpha()), 0)
    return text[start:]


def _is_ours(text: str, start: int, end: int) -> bool:
    """Whether the sentence speaks of what we have asked for: neither counts something nor names the price of something else."""
    before, behind = text[max(0, start - _BEFORE) : start], text[end : end + _BEHIND]
    sentence = f"{_ENDS.split(before)[-1]}{text[start:end]}{_ENDS.split(behind)[0]}"
    if _SPAN.match(behind) is not None and _COUNTED.search(sentence) is not None:
        return False
    return _ELSEWHERE.search(sentence) is None or _OURS.search(sentence) is not None
