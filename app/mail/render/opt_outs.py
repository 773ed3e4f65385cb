"""The line that says how to stop mail, in the language of the mail that it stands under.

Whoever gets a German mail and wants no more of it should not have to read English for that. The word to answer with is
one that the inbox takes as an opt-out (`app.domain.inbound_opt_out`); a test asks it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from app import languages

ENGLISH = 'If you would rather not hear from me, reply "unsubscribe" and I will not write to you again.'
LINES = {
    "en": ENGLISH,
    "de": 'Wenn Sie nichts mehr von mir hören möchten, antworten Sie mit "abmelden", und ich schreibe Ihnen nicht mehr.',
    "fr": 'Si vous préférez ne plus recevoir de message de ma part, répondez "désabonner" et je ne vous écrirai plus.',
    "es": 'Si prefiere no recibir más mensajes míos, responda "darme de baja" y no volveré a escribirle.',
    "pt": 'Se preferir não receber mais mensagens minhas, responda "cancelar" e não voltarei a escrever-lhe.',
    "it": 'Se preferisce non ricevere altri messaggi da me, risponda "cancellami" e non le scriverò più.',
    "nl": 'Als u liever niets meer van mij hoort, antwoord dan "afmelden" en ik schrijf u niet meer.',
    "pl": 'Jeśli nie życzą sobie Państwo kolejnych wiadomości ode mnie, proszę odpisać "wypisz mnie", a więcej nie napiszę.',
}
# Values that a mail quotes are in the language of whom it quotes.
_LEAST_QUOTED = 8


def flat(text: str) -> str:
    """The line without surplus space, for comparing."""
    return " ".join(text.split())


_OURS = frozenset(map(flat, LINES.values()))


def is_opt_out(line: str, more: str = "") -> bool:
    """Whether a line of a mail is an opt-out line: one of ours in any language, or `more`."""
    return flat(line) in _OURS or bool(more and flat(line) == flat(more))


def language_of(body: str, values: Mapping[str, str]) -> str | None:
    """The language that a mail is written in, apart from what it quotes; None where that is not certain."""
    text = body
    for value in sorted(values.values(), key=len, reverse=True):
        if len(value) >= _LEAST_QUOTED:
            text = text.replace(value, " ")
    return languages.detect(re.sub(r"[\"“”«»„]", " ", text))


def fitting(body: str, values: Mapping[str, str]) -> str | None:
    """The opt-out line for a mail with this body; None where its data has none.

    A line of the user's own stays as it is; one of ours is put into the mail's language where that is known.
    """
    given = values.get("opt_out")
    if given is None or flat(given) not in _OURS:
        return given
    return LINES.get(language_of(body, values) or "", given)


def line_in(text: str, values: Mapping[str, str]) -> str:
    """The opt-out line that stands in a finished mail: one of ours in any language, else that of its data."""
    for line in text.splitlines():
        if flat(line) in _OURS:
            return line.strip()
    return values.get("opt_out", "")
