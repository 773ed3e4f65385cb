"""What a whole site proves about the coverage gap: that it writes on a subject regularly and has nothing on ours. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlsplit

from app.domain.angle_evidence import WEAK, DateSource, State, Words, initials_of, meets
from app.domain.angles import CoverageFact, CoveredArticle
from app.domain.link_target import page_key
from app.domain.said import say

REGULAR = 3
"""Articles on a topic that make "regularly"."""
MONTHS = 12
LEAST_LOOKED = 20
"""Titles or addresses of a site below which nothing is said about what it lacks."""

_WORD = re.compile(r"[^\W_]+")
_SHORT, _SHORT_MOST = 3, 6
"""How many letters words have that stand for the first letters of others."""
# Words of many topics, which tell none of them by themselves.
_COMMON = {
    "en": (
        "business company customer data management manager online people product project service software solution strategy "
        "system team tool user work"
    ),
    "de": "unternehmen firma kunde kunden daten verwaltung management online produkt projekt dienst software lösung strategie system team werkzeug arbeit",
    "fr": "entreprise client clients données gestion ligne produit projet service logiciel solution stratégie système équipe outil travail",
    "es": "empresa cliente clientes datos gestión línea producto proyecto servicio software solución estrategia sistema equipo herramienta trabajo",
    "pt": "empresa cliente clientes dados gestão produto projeto serviço software solução estratégia sistema equipe ferramenta trabalho",
    "it": "azienda impresa cliente clienti dati gestione prodotto progetto servizio software soluzione strategia sistema squadra strumento lavoro",
    "nl": "bedrijf klant klanten gegevens data beheer product project dienst software oplossing strategie systeem team werk",
}
# As WordPress and others head the comments in their feeds.
_COMMENT = re.compile(
    r"\A\s{0,3}(?:(?:by|von|par|por|di|da|door)\s?:\s|re:\s|comments? on\s|kommentare? (?:zu|von)\s|commentaires? (?:sur|de)\s"
    r"|comentarios? en\s|comentários? em\s|comment[oi] (?:su|a)\s|reacties? op\s)",
    re.IGNORECASE,
)
_VARIANT_HOST = re.compile(r"\A(?:amp|mobile|m|[a-z]{2}(?:-[a-z]{2})?)\.(?=[^./]{1,63}\.)")
_LANGUAGE = re.compile(r"[a-z]{2}(?:[-_][a-z]{2})?", re.IGNORECASE)
_VARIANT = re.compile(r"(?:amp|lang|hl|locale|output_?type)(?:=|\Z)", re.IGNORECASE)
_OFFERS = frozenset(
    {"job", "jobs", "career", "careers", "karriere", "stellen", "stellenangebote", "vacancies", "emploi", "empleo", "vagas", "lavoro", "vacatures"}
    | {"product", "products", "shop", "store", "produkt", "produkte", "produit", "produits", "boutique", "producto", "productos", "tienda"}
    | {"produto", "produtos", "loja", "prodotto", "prodotti", "negozio", "producten", "winkel"}
)  # fmt: skip
_JOB = re.compile(r"\([mwfdxh](?:/[mwfdxh]){1,3}\)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Covered:
    """What came out about a site's coverage, with the sentence that says so."""

    state: State
    sentence: str
    fact: CoverageFact | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """One page of a site, as a feed, a sitemap, a list of links or the page itself names it.

    `title` is empty where only the address is known; `on` is the day of its publication, with the place where it stands.
    """

    url: str
    title: str = ""
    on: date | None = None
    source: DateSource | None = None


@dataclass(frozen=True, slots=True)
class Topic:
    """The stems that their page shares with ours (`shared`), and those of our topic that it does not (`ours`)."""

    shared: frozenset[str]
    ours: frozenset[str]
    name: str
    language: str


def topic_of(
    title: str, topic: str | None, theirs: Iterable[str | None], language: str | None, words: Words
) -> Topic | None:
    """What our page has in common with theirs, and what it adds; None when nothing is shared, or nothing is added.

    `language` is that of both; without one nothing is known to be a word of a subject.
    """
    if not language:
        return None
    said = frozenset(stem for text in theirs if text for stem in words(text, language))
    shared = said & {*words(title, language), *words(topic or "", language)}
    for name in (topic, title):
        adds = frozenset(words(name or "", language)) - shared
        if name and shared and adds:
            return Topic(shared, adds, name.strip().rstrip("."), language)
    return None


def cover(
    articles: Sequence[Article], topic: Topic | None, words: Words, *, one_language: bool | None, today: date
) -> Covered:
    """Whether a site writes on the shared topic regularly and has nothing on ours, by what was looked at.

    `one_language`: their site and our page are in one language; None when it is not known. Nothing is said to lack that was
    not looked at: below LEAST_LOOKED titles and addresses the answer is "could not check".
    """
    known = _merged(articles)
    if one_language is None:
        return Covered(State.UNKNOWN, say("the language of their site or of your page is not known"))
    if not one_language:
        return Covered(State.UNKNOWN, say("their site and your page are in different languages"))
    if topic is None:
        return Covered(State.NO_FACT, say("by the titles, your page adds no topic to theirs"))
    if len(known) < LEAST_LOOKED:
        return Covered(
            State.UNKNOWN,
            say(
                "only {found} of their pages could be found, at least {least} are needed",
                found=len(known),
                least=LEAST_LOOKED,
            ),
        )
    # What was left out of the count may be on our topic all the same.
    telling, short = _telling(topic, words), _short_forms(topic)
    has = next((one for one in articles if _may_be_on(one, telling, short, topic.language, words)), None)
    if has is not None:
        return Covered(
            State.NO_FACT,
            say("they may cover {topic} already: {page}", topic=topic.name, page=has.title or has.url),
        )
    since = today - timedelta(days=round(MONTHS * 30.4))
    recent = sorted(
        (one for one in known if _is_article(one) and one.on is not None and since <= one.on <= today),
        key=lambda one: one.on or today,
    )
    hits: list[Article] = []
    word = ""
    titles = [(_spoken(one.title), one) for one in recent]
    for form in sorted(_forms(recent, topic, words)):
        found = [one for said, one in titles if form in said]
        if len(found) > len(hits):
            word, hits = form, found
    count = len(hits)
    if count < REGULAR:
        return Covered(
            State.NO_FACT,
            say(
                "{count} dated articles on the shared topic in {months} months; {regular} make it regular",
                count=count,
                months=MONTHS,
                regular=REGULAR,
            ),
        )
    shown = tuple(
        CoveredArticle(one.title, one.url, one.on or today, (one.source or DateSource.FEED).value) for one in hits[::-1]
    )
    fact = CoverageFact(word=word, count=count, since=since, articles=shown[:5], looked=len(known), missing=topic.name)
    return Covered(
        State.FACT,
        say(
            "{count} articles on {word} in {months} months, none of {looked} on {missing}",
            count=count,
            word=word,
            months=MONTHS,
            looked=len(known),
            missing=topic.name,
        ),
        fact,
    )


def _forms(articles: Iterable[Article], topic: Topic, words: Words) -> frozenset[str]:
    """The shared words as the titles write them: the mail says that one of them stands there, so it is counted as it is said."""
    said = [words(one.title, topic.language) for one in articles]
    return frozenset(title[stem] for title in said for stem in topic.shared if stem in title)


def _spoken(title: str) -> frozenset[str]:
    """The words of a title as they stand there, whole: their reader looks for the quoted word, and "art" is not in "start"."""
    return frozenset(_WORD.findall(unicodedata.normalize("NFC", title).lower()))


def _telling(topic: Topic, words: Words) -> frozenset[str]:
    """The words of our topic that are not words of many; all of them where each one is."""
    return topic.ours - words(_COMMON.get(topic.language, ""), topic.language).keys() or topic.ours


def _short_forms(topic: Topic) -> frozenset[str]:
    """What may stand for our topic, or for a part of it, as its first letters."""
    initials = initials_of(topic.name)
    ends = ((start, end) for start in range(len(initials)) for end in range(start + _SHORT, len(initials) + 1))
    return frozenset(initials[start:end] for start, end in ends) - topic.shared


def _may_be_on(one: Article, telling: frozenset[str], short: frozenset[str], language: str, words: Words) -> bool:
    """Whether a title or address has one `telling` word of our topic, a `short` form of it, or the long form of one of its words."""
    said = {*words(one.title, language), *words(one.url, language)}
    if short & said or any(meets(stem, said) for stem in telling):
        return True
    long = initials_of(one.title)
    return any(_SHORT <= len(stem) <= _SHORT_MOST and stem in long for stem in telling)


def _merged(articles: Sequence[Article]) -> list[Article]:
    """Each page once, with what all sources know of it; comments are none."""
    found: dict[str, Article] = {}
    for one in articles:
        if "#comment" in one.url or _COMMENT.match(one.title):
            continue
        key = _key(one.url)
        before = found.get(key)
        if before is None:
            found[key] = one
        else:
            dated = before if _published(before) else one
            found[key] = Article(before.url, before.title or one.title, dated.on, dated.source)
    # What has one title and came out on one day is one article, wherever else it stands.
    once: dict[object, Article] = {}
    for one in found.values():
        title = " ".join(one.title.casefold().split())
        once.setdefault((title, one.on) if title and _published(one) else one.url, one)
    return list(once.values())


def _key(url: str) -> str:
    """The page, whichever of its variants an address leads to: for phones, and in one of its languages."""
    # A feed names its pages with the way on which its readers come.
    address, _, query = _VARIANT_HOST.sub("", page_key(url)).partition("?")
    host, *path = address.split("/")
    if len(path) > 1 and _LANGUAGE.fullmatch(path[0]):
        path = path[1:]
    path = [part for part in path if part != "amp"]
    asked = "&".join(one for one in query.split("&") if not _VARIANT.match(one))
    return f"{host}/{'/'.join(path)}?{asked}"


def _is_article(one: Article) -> bool:
    """Whether it is an article with a day of publication, by its address no post to fill and nothing to buy."""
    parts = urlsplit(one.url).path.casefold().split("/")
    return bool(one.title) and _published(one) and not _OFFERS.intersection(parts) and not _JOB.search(one.title)


def _published(one: Article) -> bool:
    """Whether its date is that of its publication: lastmod in a sitemap tells of any change."""
    return one.on is not None and one.source not in WEAK
