"""What somebody answers who is away: in a note that is sent to everybody, what is said to us alone.

A note says that nobody is there, thanks, advertises and asks whether we know the shop. What answers us is a yes or a no in front, what follows
a "but", and a sentence about the link or the page.
"""

from __future__ import annotations

import re

from app.domain import auto_words, intent_words
from app.domain.bounce_class import squeeze
from app.domain.inbound import Intent
from app.domain.inbound_intent import ASKS, NOES, YES, bare, behind_but, intent, pair, stands_in

ANSWERS = frozenset((Intent.INTERESTED, Intent.NO, Intent.WANTS_PAYMENT, Intent.QUESTION))
CLAUSE = re.compile(r"[.!;:]\s|[。！；\n]|(?<=[?？])")
# In words: "no, thank you" and "sounds good".
_SHORT = 6
_OURS = re.compile(
    r"\b(?:our|unser\w{0,3}|notre|nos|nuestr\w{1,2}|nostr\w|noss\w{1,2}|onze|ons|nasz\w{0,3}|vår\w{0,2}|vore?s?|våre|наш\w{0,3}|naš\w{0,2}|náš|meidän|sivumme)\b|bizim|当社|弊社|我们的|저희"
)
_WHICH = re.compile(
    r"\b(?:which|what|where|who|do you mean|welche\w?|wo|wer|meinen sie|quel(?:le)?s?|où|qui|qué|cuál|cual|dónde|quién|quale|quali|dove|chi|qual|onde|quem|welke?|waar|wie|któr\w{1,3}|gdzie|vilke[nt]|var|hvilke[nt]|hvor|kter\w{1,3}|kde|как\w{2,3}|где|кто|mikä|mitä|missä|mihin|hangi|nerede)\b|どの|どちら|哪|어느"
)


def answers_away(text: str, *, always: bool) -> bool:
    """Whether somebody who is away answers all the same: "on vacation until Monday, but the answer is no".

    With `always` also without a "but": by a first clause that is little more than yes or no, or one by which nobody is told of an absence.
    """
    clauses = [said for raw in CLAUSE.split(text[:2000]) if (said := squeeze(raw))]
    for number, said in enumerate(clauses):
        behind = behind_but(said)
        if behind and (bare(behind.split(" ")[-1]) in NOES or bare(behind) in YES or _answers(behind, about=True)):
            return True
        if always and (_answers(said, about=False) or (number == 0 and _is_short_answer(said))):
            return True
    return False


def _answers(said: str, *, about: bool) -> bool:
    """Whether a clause says what somebody does or never does, what it costs, or which page is meant; with `about`, of a link or a page."""
    for word in auto_words.HEDGES:
        said = said.replace(word, "")
    if has(said, auto_words.POLITE):
        return False
    wish, rule = intent(said)
    if str(rule).removeprefix("no:") in auto_words.PASS:
        return True
    # "Have you seen our new page?"
    ours = _OURS.search(said) is not None
    named = has(said, auto_words.LINK) or (not ours and has(said, auto_words.PAGE))
    if wish is Intent.QUESTION:
        return named and (_WHICH.search(said) or ASKS.search(said)) is not None
    acts = pair(intent_words.ACTS, said) or pair(intent_words.PUT_YOURS, said)
    if wish is Intent.WANTS_PAYMENT:
        # "Our price list is online": that is told to everybody.
        priced = any(sign.isdigit() for sign in str(rule)) and has(said, auto_words.LINK + auto_words.PAGE)
        return priced or (not ours and (named or not about))
    if wish is Intent.NO:
        # "I am not able to read mail" is no refusal, and "we do not change it" is one.
        return named or (not about and pair(intent_words.NO, said) is not None)
    # "Follow the link below, we would love to see you."
    courteous = str(rule).removeprefix("interested:") in auto_words.COURTESY
    sure = wish in ANSWERS and (
        not courteous or has(said, auto_words.DOES) or pair(intent_words.INTERESTED, said) is not None
    )
    if named or acts:
        return sure or (acts is not None and (named or not about)) or pair(intent_words.REFUSALS, said) is not None
    return sure and not about and not ours


def has(said: str, table: tuple[str, ...]) -> bool:
    """Whether a phrase of `table` stands in `said`, at the start of a word."""
    return any(entry in said and stands_in(entry, said) for entry in table)


def _is_short_answer(said: str) -> bool:
    words = said.split()
    # "No estaré" and "si comunica" begin with the same words.
    alone = len(words) == 1 or words[0].endswith((",", "、", "，"))
    if bare(words[0]) in YES | NOES and alone:
        return True
    polite = has(said, auto_words.POLITE + auto_words.HEDGES)
    return len(words) <= _SHORT and not polite and intent(said)[0] in (Intent.INTERESTED, Intent.NO)
