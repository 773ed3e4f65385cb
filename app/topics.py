"""Texts as the words that a topic is told by: without accents, endings (Snowball) and words that say nothing (stop-words).

Both packages are data and plain code; of a language that has no stemmer the words are taken as they are written. Scripts without spaces between words give nothing, which is not the same as nothing in common.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

from app.domain.language import first_code
from app.domain.topic_fit import OUR_WEIGHTS, THEIR_WEIGHTS, FitUnknown, Ours, Shelves, Theirs, TopicFit

#: Snowball's names for languages.
_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi",
    "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "nl": "dutch", "no": "norwegian",
    "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "tr": "turkish",
}  # fmt: skip
#: Words of addresses and of nearly every page that we or they call useful; in each language beside its stop words.
_EVERYWHERE = {
    "": "www com html php index page pages blog post posts article articles resource resources faq template",
    "en": "guide guides guideline tips tip best top free new year what how home complete ultimate",
    "de": "ratgeber tipps tipp anleitung anleitungen beste besten neue schritt leitfaden kostenlos",
    "fr": "guide guides conseils conseil meilleur meilleurs modèle modele liste gratuit",
    "es": "guía guias mejores mejor consejos consejo gratis",
    "pt": "guia guias melhores melhor dicas dica grátis",
    "it": "guida guide migliori migliore consigli consiglio gratis",
}
#: Words of headlines that name no subject: what counts things, orders them, praises them or says for whom they are.
_HEADLINES = {
    "": "faq howto part intro",
    "en": (
        "reason idea step way thing mistake example checklist beginner start basic introduction overview review "
        "comparison easy easily simple quick complete choose find year month week day"
    ),
    "de": (
        "grund gründe idee ideen schritte weg wege art arten fehler beispiel beispiele checkliste anfänger einsteiger "
        "grundlagen einführung überblick vergleich jahr monat woche tag frage fragen antwort wählen auswählen finden "
        "beim seit wegen trotz leicht schnell einfach richtig besser mehr viele gut ganz immer nie wirklich macht "
        "gemacht selber heute neu neuer neues große kleine wichtige wichtigsten"
    ),
    "fr": (
        "raison raisons idée idées étape étapes façon façons erreur erreurs exemple exemples débutant débutants "
        "introduction comparatif année mois semaine jour choisir trouver quoi facile simple nouvelle savoir vraiment"
    ),
    "es": (
        "razón razones idea ideas paso pasos forma formas manera maneras error errores ejemplo ejemplos principiante "
        "introducción comparativa año mes semana día elegir encontrar cuál fácil debes"
    ),
    "pt": (
        "razão razões ideia ideias passo passos forma formas maneira maneiras erro erros exemplo exemplos iniciante "
        "introdução comparativo ano mês semana dia escolher encontrar tudo todas fácil nova"
    ),
    "it": (
        "motivo motivi idea idee passo passi modo modi errore errori esempio esempi principiante introduzione confronto "
        "anno mese settimana giorno scegliere trovare facile semplice nuova devi sapere"
    ),
    "nl": (
        "reden redenen idee ideeën stap stappen manier manieren fout fouten voorbeeld voorbeelden beginner inleiding "
        "overzicht vergelijking jaar maand week dag beste gids kiezen vinden tussen jouw jullie onze alle waarom welke "
        "goed goede snel makkelijk eenvoudig kunt maken iedereen elke nieuwe"
    ),
}
_WORD = re.compile(r"[^\W\d_]{3,}")
_LEAST = 3
# Chinese, Japanese, Thai ...: nothing stands between words, so a run of letters is no word.
_UNSPACED = frozenset({"zh", "ja", "th", "lo", "km", "my"})
#: A word of a long text counts from so many times on.
_TEXT_TIMES, _TEXT_WORDS, _TEXT_MOST = 3, 60, 50_000


@dataclass(frozen=True, slots=True)
class OurText:
    """A page of ours as staff described it."""

    key: str
    url: str
    title: str
    topic: str | None = None
    summary: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class TheirText:
    """What is known of a page of theirs; `language` as the tool, the page or a look at its words says.

    `repeated` are the words that its text repeats (see `repeated`), where the page was read.
    """

    title: str | None = None
    anchor: str | None = None
    context: str | None = None
    url: str | None = None
    target: str | None = None
    repeated: tuple[str, ...] = ()
    language: str | None = None


class Topics:
    """Our pages, ready to be compared with many of theirs."""

    def __init__(self, pages: Iterable[OurText]) -> None:
        self._shelves = Shelves(map(_ours, pages))

    def fit(self, theirs: TheirText) -> TopicFit:
        """The page of ours that fits best; see `app.domain.topic_fit`."""
        language = first_code(theirs.language)
        if language in _UNSPACED:
            return TopicFit(None, None, unknown=FitUnknown.OTHER_LANGUAGE)
        if language is not None:
            return self._shelves.compare(Theirs(language, _their_words(theirs, language)))
        tried = self._shelves.languages or ("",)
        return self._shelves.compare({one: Theirs(None, _their_words(theirs, one)) for one in tried})


def words(text: str | None, language: str) -> dict[str, str]:
    """Stem -> the word as it was first written, in lower case; of a URL the words of its path."""
    if not text:
        return {}
    if "://" in text:
        text = re.sub(r"[_/+.-]", " ", unquote(_path(text)))
    stop = _stop_words(language)
    found: dict[str, str] = {}
    for word in _WORD.findall(unicodedata.normalize("NFC", text).lower()):
        if word not in stop:
            stem = _stem(word, language)
            if len(stem) >= _LEAST:
                found.setdefault(stem, word)
    return found


def subject_words(text: str, language: str) -> dict[str, str]:
    """`words` without those that head articles on anything; none in a language whose such words are not known."""
    if not language or language not in _HEADLINES:
        return {}
    plain = _headline_stems(language)
    return {stem: word for stem, word in words(text, language).items() if stem not in plain}


def repeated(text: str, language: str | None) -> tuple[str, ...]:
    """The words that a page's text says three times and more, as written, the most frequent first: what the page is about."""
    counts: dict[str, int] = {}
    shown: dict[str, str] = {}
    code = language or ""
    stop = _stop_words(code)
    for word in _WORD.findall(unicodedata.normalize("NFC", text[:_TEXT_MOST]).lower()):
        if word not in stop:
            stem = _stem(word, code)
            counts[stem] = counts.get(stem, 0) + 1
            shown.setdefault(stem, word)
    often = sorted(
        (stem for stem, times in counts.items() if times >= _TEXT_TIMES), key=lambda stem: (-counts[stem], stem)
    )
    return tuple(shown[stem] for stem in often[:_TEXT_WORDS])


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _ours(page: OurText) -> Ours:
    language = first_code(page.language)
    weights: dict[str, float] = {}
    written: dict[str, str] = {}
    for place, text in (("address", page.url), ("summary", page.summary), ("title", page.title), ("topic", page.topic)):
        for stem, word in words(text, language or "").items():
            weights[stem] = max(weights.get(stem, 0.0), OUR_WEIGHTS[place])
            written[stem] = word
    topic = frozenset(words(page.topic or page.title, language or ""))
    return Ours(page.key, language, weights, topic, written)


def _their_words(theirs: TheirText, language: str) -> Mapping[str, float]:
    weights: dict[str, float] = {}
    for place, texts in (
        ("anchor", (theirs.anchor,)),
        ("title", (theirs.title,)),
        ("address", (theirs.url, theirs.target)),
        ("context", (theirs.context,)),
    ):
        for text in texts:
            for stem in words(text, language):
                weights[stem] = max(weights.get(stem, 0.0), THEIR_WEIGHTS[place])
    for stem in words(" ".join(theirs.repeated), language):
        weights[stem] = max(weights.get(stem, 0.0), THEIR_WEIGHTS["text"])
    return weights


@lru_cache(maxsize=50_000)
def _stem(word: str, language: str) -> str:
    stemmer = _stemmer(language)
    stem = stemmer.stemWord(word) if stemmer else word
    return "".join(one for one in unicodedata.normalize("NFKD", stem) if not unicodedata.combining(one))


@cache
def _headline_stems(language: str) -> frozenset[str]:
    own = " ".join(_HEADLINES[one] for one in {"", language} & _HEADLINES.keys()).split()
    return frozenset(_stem(word, language) for word in own)


@cache
def _stemmer(language: str) -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer(_STEMMERS[language]) if language in _STEMMERS else None


@cache
def _stop_words(language: str) -> frozenset[str]:
    import stop_words

    own = " ".join(_EVERYWHERE[one] for one in {"", language} & _EVERYWHERE.keys()).split()
    named = "nb" if language == "no" else language
    known = stop_words.get_stop_words(named) if named in stop_words.LANGUAGE_MAPPING else ()
    return frozenset(own) | frozenset(known)
