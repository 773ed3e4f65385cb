"""What an address on somebody's page is worth: how it is written there, whose it is, and on which pages to look. Pure rules.

Nothing here makes an address up, save `by_pattern`, which runs only where the operator has turned it on.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from app.domain.address_rules import ROLES, is_machine


class How(StrEnum):
    """How an address was found. `by-pattern` was not found but guessed."""

    JSON_LD = "json-ld"
    MAILTO = "mailto"
    TEXT = "text"
    WRITTEN_OUT = "written-out"
    FEED = "feed"
    PATTERN = "by-pattern"


class Whose(StrEnum):
    """Whose the address is: at the prospect's own domain, the author's elsewhere, or somebody else's."""

    OWN = "own-domain"
    AUTHOR = "author"
    OTHER = "other"


class PageKind(StrEnum):
    """Why a page is looked at, most telling first."""

    LINKING = "linking-page"
    AUTHOR = "author"
    CONTACT = "contact"
    IMPRINT = "imprint"
    ABOUT = "about"
    FEED = "feed"
    FRONT = "front-page"


@dataclass(frozen=True, slots=True)
class SeenAddress:
    """An address as a page shows it; `name` is empty where the page does not say whose it is."""

    email: str
    how: How
    name: str = ""


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """What one page says about people. `authors` are (name, URL of their page or empty); `links` (URL, words, rel)."""

    addresses: tuple[SeenAddress, ...] = ()
    authors: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    feeds: tuple[str, ...] = ()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split("|" if "|" in text else None))


# In English, German, French, Spanish, Portuguese and Italian, without accents.
_PAGES: dict[PageKind, frozenset[str]] = {
    PageKind.CONTACT: _words(
        "contact|contacts|contact us|get in touch|kontakt|kontaktformular|contactez nous|nous contacter|contacto|contactar|"
        "contactenos|contactanos|contatti|contattaci|contatto|contato|contatos|contactos|fale conosco|contacte nos"
    ),
    PageKind.IMPRINT: _words(
        "imprint|impressum|legal notice|mentions legales|mention legale|aviso legal|nota legal|note legali|informazioni legali|"
        "ficha tecnica|colophon"
    ),
    PageKind.ABOUT: _words(
        "about|about us|who we are|masthead|team|our team|staff|editorial team|editors|ueber uns|uber uns|wir ueber uns|redaktion|"
        "a propos|qui sommes nous|equipe|la redaction|redaction|sobre|sobre nosotros|quienes somos|acerca de|equipo|redaccion|"
        "sobre nos|quem somos|equipa|redacao|chi siamo|la redazione|redazione|il team"
    ),
}
# Roles in the other languages, beside those that `address_rules` knows.
_MORE_ROLES = _words(
    "bonjour|ciao|comercial|commerciale|comunicacion|contactar|contacto|contacts|contatti|contato|direccion|direzione|"
    "feedback|hallo|hola|imprensa|inbox|kundenservice|ola|pr|prensa|pub|publicidad|publicidade|pubblicita|publicite|"
    "redaccion|redacao|redaction|redazione|sales|secretariat|segreteria|servicio|stampa|verlag|welcome|werbung|anzeigen|"
    "ads|advertise|advertising|media|blog|web|staff|newsdesk|enquiries|inquiries|general|service|partners|partnerships"
)
_TITLES = _words("dr prof mag ing dipl mr mrs ms mme mlle sr sra dott dottssa ssa herr frau phd md ba ma msc bsc mba")
_TEAM = _words(
    "admin administrator anonymous collaboratori crew desk editorial editors equipe equipo gastautor guest mitarbeiter newsroom "
    "presse pressestelle redaccion redacao redaction redaktion redaktionsteam redazione staff support team webmaster"
)
# Somebody reads these, but for one purpose that is not ours.
_UNFIT = _words(
    "abo|accounts|accounting|billing|bewerbung|buchhaltung|careers|compliance|copyright|datenschutz|dataprotection|dmca|dpo|"
    "dsb|emploi|empleo|gdpr|hr|invoices|jobs|karriere|legal|orders|payments|personal|privacidad|privacidade|privacy|rgpd|"
    "recht|rechnung|recrutement|refunds|rrhh|security|subscriptions|leserservice"
)
# The last part of a file name, not of a host: `logo@2x.png` is no address.
_FILES = _words("png jpg jpeg gif svg webp avif ico bmp css js mjs map json woff woff2 ttf pdf html htm php")
_SAMPLES = _words(
    "example.com example.org example.net domain.com yourdomain.com yoursite.com mysite.com yourcompany.com email.com site.com "
    "company.com sentry.io wixpress.com domain.tld"
)
_SAMPLE_LOCALS = _words(
    "you your youremail your-email your.email yourname your-name your.name firstname.lastname vorname.nachname prenom.nom "
    "nombre.apellido nome.cognome john.doe max.mustermann user username someone name xyz"
)
_NOT_FOR_MACHINES = re.compile(r"no-?spam|remove-?(?:this|me)|spam-?me-?not|trap|honey", re.IGNORECASE)

_BRACKET_AT = re.compile(
    r"\s{0,3}[\[({<]\s{0,3}(?:at|@|ät|a|arroba|arobase|chiocciola|klammeraffe|affenschwanz)\s{0,3}[\])}>]\s{0,3}",
    re.IGNORECASE,
)
_DOT_WORDS = "dot|punkt|punto|ponto|point"
_BRACKET_DOT = re.compile(rf"\s{{0,3}}[\[({{<]\s{{0,3}}(?:{_DOT_WORDS}|\.)\s{{0,3}}[\])}}>]\s{{0,3}}", re.IGNORECASE)
_BARE = re.compile(
    r"(?<![\w.+-])([a-z0-9][a-z0-9_+-]{0,30}(?: (?:dot|punkt|punto|ponto|point) [a-z0-9_+-]{1,30}){0,2}"
    r"(?:\.[a-z0-9_+-]{1,30}){0,3}) (?:at|arroba|arobase|chiocciola) "
    rf"([\w-]{{1,63}}(?: (?:{_DOT_WORDS}) [\w-]{{1,63}}){{1,3}})(?![\w-])",
    re.IGNORECASE,
)
_NO_LOCALS = _words(
    "us me you him her them it we they who contact reach find found meet look looking here there is are be been live lives work works based "
    "located write mail email call visit join follow read see more page site website blog online also only back now today and or the a "
    "nous moi ici nos aqui aquí nosotros mí noi qui uns hier mich"
)
_WORD_DOT = re.compile(rf"\s(?:{_DOT_WORDS})\s", re.IGNORECASE)
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}\Z")
_DOMAIN = re.compile(rf"(?:[\w-]{{1,63}}(?:\.|\s(?:{_DOT_WORDS})\s)){{1,6}}\w[\w-]{{1,30}}", re.IGNORECASE)
_LOCAL_END = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+'-]{0,63}\Z")
_MAX_MARKS = 2_000


def read_text(text: str) -> list[SeenAddress]:
    """The addresses that people can read in `text`, in order: plain ones, and those that are written out.

    Written out is "name [at] site [dot] com" in several spellings and languages, or "name at site dot com" with all words.
    """
    text = text.translate(_WIDE)
    plain = dict.fromkeys(_around_at(text))
    opened = dict.fromkeys(_around_at(_BRACKET_DOT.sub(".", _BRACKET_AT.sub("@", text))))
    for bare in _BARE.finditer(text):
        if bare[1].lower() in _NO_LOCALS:
            continue  # "You can find us at example dot org" names a site.
        opened[f"{_WORD_DOT.sub('.', bare[1])}@{_WORD_DOT.sub('.', bare[2])}"] = None
    kept = [SeenAddress(email, How.TEXT) for email in plain]
    kept += [SeenAddress(email, How.WRITTEN_OUT) for email in opened if email not in plain]
    return [seen for seen in kept if plausible(seen.email)]


def _around_at(text: str) -> Iterable[str]:
    at = text.find("@")
    for _ in range(_MAX_MARKS):
        if at < 0:
            return
        local = _LOCAL_END.search(text[max(0, at - 64) : at])
        domain = _DOMAIN.match(text, at + 1, at + 200)
        if local is not None and domain is not None:
            yield f"{local[0].lstrip('.-')}@{_WORD_DOT.sub('.', domain[0])}"
        at = text.find("@", at + 1)


def read_mailto(href: str) -> list[str]:
    """The addresses of a `mailto:` link (RFC 6068): before the `?`, percent-encoded, several by comma; [] for others."""
    scheme, _, rest = href.strip().partition(":")
    if scheme.lower() != "mailto":
        return []
    names = unquote(rest.partition("?")[0]).split(",")
    return [name.strip().rpartition("<")[2].rstrip("> ") for name in names[:10] if "@" in name]


def plausible(email: str) -> bool:
    """Whether this is an address of somebody, and no file name, sample or trap."""
    local, _, domain = email.rpartition("@")
    domain = domain.lower()
    if not _LOCAL.match(local) or "." not in domain or ".." in email or len(email) > 254:
        return False
    if domain.rpartition(".")[2] in _FILES or domain.rpartition(".")[2].isdigit() or domain in _SAMPLES:
        return False
    return local.lower() not in _SAMPLE_LOCALS and not _NOT_FOR_MACHINES.search(email)


def is_role(local: str) -> bool:
    """Whether several people read this local part, in any of the six languages."""
    return fold(local.partition("+")[0]).replace("_", "-") in ROLES | _MORE_ROLES


def unfit(local: str) -> str:
    """Why nobody should be pitched under this local part: `machine-address`, `unfit-role`, or empty."""
    if is_machine(local):
        return "machine-address"
    return "unfit-role" if fold(local) in _UNFIT else ""


def page_kind(url: str, words: str) -> PageKind | None:
    """Why a link is worth following for contacts, by its words and its path; None when it is not."""
    path = unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2].rpartition(".")
    said = {_phrase(words) if len(words) <= 40 else "", _phrase(path[0] or path[2])}
    return next((kind for kind, phrases in _PAGES.items() if not phrases.isdisjoint(said)), None)


def fold(text: str) -> str:
    """Lower case without accents; German letters as they are written without them."""
    return _plain(text.casefold().translate(_GERMAN))


def _plain(text: str) -> str:
    # Composed first, so that a letter with an accent is one letter whichever way it was written.
    parts = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(char for char in parts if not unicodedata.combining(char))


_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
# Letters that are no letter with an accent, as people write them in addresses.
_LETTERS = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ı": "i",
        "'": "",
        "’": "",
        "ʼ": "",
    }
)
_WIDE = str.maketrans({"＠": "@", "．": "."})


def _phrase(text: str) -> str:
    return " ".join(re.findall(r"[a-z]+", fold(text[:200])))


def named(name: str, local: str) -> bool:
    """Whether a local part is made of this person's name: jane, doe, jane.doe, jdoe, janed, doe.jane ...

    Of several given or family names (Jean-Pierre, García López) all, or the first of them, may stand there.
    """
    whole = re.sub(r"[\d._-]+", "", fold(local.partition("+")[0]))
    return len(whole) >= 2 and any(whole in _forms(tokens) for tokens in _spellings(name))


def _forms(tokens: list[str]) -> set[str]:
    first = tokens[0]
    forms = {"".join(tokens), "".join(reversed(tokens)), "".join(token[0] for token in tokens[:-1]) + tokens[-1]}
    for cut in range(1, len(tokens)):
        given = "".join(tokens[:cut])
        for end in range(cut + 1, len(tokens) + 1):
            family = "".join(tokens[cut:end])
            forms |= {given + family, family + given, first + family, family + first, first[0] + family}
            forms |= {first + family[0], family + first[0]}
    # One letter and the empty text are no name.
    return {one for one in forms if len(one) >= 3} | {token for token in (first, tokens[-1]) if len(token) >= 3}


def surely_named(name: str, local: str) -> bool:
    """Like `named`, and strict enough for an address at a public provider: the family name must be in it."""
    here = re.sub(r"[\d._-]+", "", fold(local))
    family = any(len(tokens) >= 2 and len(tokens[-1]) >= 3 and tokens[-1] in here for tokens in _spellings(name))
    return family and named(name, local)


def _spellings(name: str) -> list[list[str]]:
    """The parts of a name, with the German and with the plain spelling of its umlauts."""
    both = (_tokens(name), _parts(_plain(unicodedata.normalize("NFC", name).casefold())))
    return [tokens for tokens in both if tokens]


def _tokens(name: str) -> list[str]:
    return _parts(fold(unicodedata.normalize("NFC", name)))


def _parts(folded: str) -> list[str]:
    found = [part for part in re.findall(r"[a-z]+", folded) if part not in _TITLES]
    return found[:6]


def is_team(name: str) -> bool:
    """Whether what reads like a name is that of a group or an account: no author to be greeted."""
    return not _TEAM.isdisjoint(re.findall(r"[a-z]+", fold(name)))


_PATTERNS: dict[str, Callable[[str, str], str]] = {
    "first.last": lambda first, last: f"{first}.{last}",
    "firstlast": lambda first, last: f"{first}{last}",
    "flast": lambda first, last: f"{first[0]}{last}",
    "first_last": lambda first, last: f"{first}_{last}",
    "first-last": lambda first, last: f"{first}-{last}",
    "last": lambda first, last: last,
    "first": lambda first, last: first,
}


def by_pattern(name: str, domain: str, known: Sequence[tuple[str, str]]) -> str | None:
    """A guess at a person's address, by the pattern that `known` (name, address) people of `domain` follow, else first.last.

    None for a name without two parts. It is a guess: nothing shows that the address exists.
    """
    tokens = _tokens(name)
    if len(tokens) < 2:
        return None
    for other, email in known:
        theirs = _tokens(other)
        local, _, host = email.lower().rpartition("@")
        if host != domain or len(theirs) < 2:
            continue
        for make in _PATTERNS.values():
            if make(theirs[0], theirs[-1]) == local:
                return f"{make(tokens[0], tokens[-1])}@{domain}"
    return f"{tokens[0]}.{tokens[-1]}@{domain}"
