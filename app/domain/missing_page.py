"""Whether a page that answers 200 says that there is no page (a "soft 404"). Pure.

Only a heading, or a part of a title, that says so from its first word to its last is taken: "404" is the name of a car as
well, and "command not found" the subject of an article.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote, urlsplit

_MOST = 120
# What stands before and after the words themselves.
_BEFORE = r"(?:(?:oops|sorry|ups|hoppla|leider|désolé|ops|lo sentimos|error|fehler|erreur|erro|errore|http|40[34]|410)\W{1,4}){0,4}"
_AFTER = r"(?:\W{1,4}(?:error|fehler|erreur|erro|errore|40[34]|410)){0,2}"
_ENGLISH = (
    r"(?:the |this |that |your )?(?:requested )?(?:page|content|article|post)(?: (?:that )?you(?: are|['’]re| were)? "
    r"(?:looking for|requested|tried to reach))? (?:(?:(?:was |is |could |can )?not|(?:was|is|could)n['’]t|can['’]t|cannot) "
    r"(?:be )?found|(?:does not|doesn['’]t) exist(?: any ?more)?|no longer exists|(?:is )?no longer available"
    r"|(?:has been|was) (?:removed|deleted))"
    r"|(?:we )?(?:can(?:not|['’]t)|couldn['’]t|could not) find (?:the|this|that) page(?: you(?: are|['’]re| were)? looking for)?"
    r"|not found"
)
_OTHERS = (
    r"(?:die |diese )?(?:angeforderte |gesuchte |gewünschte )?seite (?:(?:wurde |konnte )?(?:leider )?nicht gefunden(?: werden)?"
    r"|(?:existiert|gibt es) (?:leider )?nicht(?: mehr)?|(?:ist )?(?:leider )?nicht mehr verfügbar)"
    r"|(?:la |cette )?page (?:demandée )?(?:(?:est )?introuvable|(?:non|pas) trouvée|n['’]existe (?:pas|plus)|n['’]a pas été trouvée)"
    r"|(?:la |esta )?página (?:solicitada )?(?:no (?:fue )?encontrada|no existe|no se (?:ha )?encontr(?:ó|ado))"
    r"|(?:a |esta )?página (?:solicitada )?(?:não (?:foi )?encontrada|não existe)"
    r"|(?:la |questa )?pagina (?:richiesta )?(?:non (?:è stata )?trovata|non esiste(?: più)?)"
)
_MISSING = re.compile(rf"\A\W{{0,4}}{_BEFORE}(?:{_ENGLISH}|{_OTHERS}){_AFTER}\W{{0,4}}\Z", re.IGNORECASE)
# What heads an error page and says nothing by itself; the words may stand in the next heading.
_OPENING = re.compile(
    r"\A\W{0,4}(?:(?:oops|sorry|ups|hoppla|ops|error|fehler|erreur|erro|errore|http|40[34]|410)\W{0,4}){1,3}\Z",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r" [-|–—·•»:]{1,2} | ?[|»•] ?")
# A page at such an address, or for such a subject, is about errors.
_ON_ERRORS = re.compile(
    r"(?<!\d)4(?:04|10)(?!\d)|not[ _+-]?found|nicht[ _+-]?gefunden|introuvable|trouv[eé]e|encontrad|trovata|no[ _+-]longer",
    re.IGNORECASE,
)


def says_missing(address: str, title: str, headings: Sequence[str], topics: Iterable[str | None] = ()) -> str | None:
    """The words by which the page at `address` says that there is none, out of its visible headings or its title.

    None where the address, or one of the `topics` that the link is about, has such words: there they are a subject.
    """
    if any(_ON_ERRORS.search(one) for one in (unquote(_path(address)), *(topic for topic in topics if topic))):
        return None
    said = [one for one in headings if not _OPENING.match(one[:_MOST])]
    if said and _is_missing(said[0]):
        return said[0]
    pieces = [one.strip() for one in _BETWEEN.split(title[: _MOST * 2])]
    # A heading that is not the name of the site says what the page is, whatever its title says.
    if said and said[0].casefold() not in (one.casefold() for one in pieces):
        return None
    return next((one for one in pieces if _is_missing(one)), None)


def _is_missing(said: str) -> bool:
    return len(said) <= _MOST and _MISSING.match(said) is not None


def _path(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return f"{parts.path} {parts.query}"
