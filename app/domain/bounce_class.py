"""What a failed delivery says about the address: hard (bad for good), soft (perhaps later) or policy (about us).

A specific enhanced code (RFC 3463 and what Exchange adds) decides where it is specific, then the words, then at which point of the
conversation the server refused, then the reply code. A failure of which nothing is said that anybody here understands is soft: it is
counted, and the third within a fortnight ends it as well, while an address that is called dead is lost for good.
"""

from __future__ import annotations

import re

from app.domain.bounce_pairs import paired_reason, refused_text
from app.domain.bounce_reasons import FRAMES, REASONS
from app.domain.bounce_stage import Stage
from app.domain.bounce_words import Reason
from app.domain.inbound import BounceClass
from app.domain.mail_tokens import ADDRESS

_SPACE = re.compile(r"\s+")
# Names of products, which say nothing about this message.
_PRODUCTS = re.compile(r"viruswall|anti-?virus|anti-?spam|spamassassin|spam firewall")
# Names of hosts such as relay.far.test and antispam.mx.far.test; "spam.See" is the end of a sentence, and zen.spamhaus.org is a reason.
_HOSTS = re.compile(
    r"(?<![\w@-])[\w-]{0,62}(?:relay[\w-]{0,40}\.|(?:spam|policy|abuse|block)[\w-]{0,40}\.[\w-]{1,63}\.)[a-z][\w.-]{1,200}"
)
# The codes that a server repeats on each line of its answer stand in the middle of its sentences.
_REPEATED = re.compile(r"(?<![\w.-])[245]\d\d[- ](?:#?[245]\.\d{1,3}\.\d{1,3} )?")


def squeeze(text: str) -> str:
    """Case-folded, with straight quotes and single spaces: the form that the phrase tables are matched against."""
    return _SPACE.sub(" ", text.replace("’", "'").replace("´", "'")).casefold().strip()


def reason_of(text: str) -> Reason | None:
    """Why, as far as the known phrases tell; None when none is there."""
    folded = _bare(text)
    return _phrased(folded) or (Reason.UNKNOWN_USER if any(entry in folded for entry in FRAMES) else None)


def why(text: str, *, coded: bool, reply: str | None = None) -> Reason | None:
    """The same for what decides the class: pairs of stems are asked where no phrase is known, and the frame of a refusal last.

    `coded`: a reply code stands beside the text, so it may be a server's alone. `reply`: which part of it is.
    """
    folded = _bare(text)
    found = _phrased(folded) or paired_reason(text)
    if found is None and any(entry in folded for entry in FRAMES):
        return Reason.UNKNOWN_USER
    return found or (refused_text(text if reply is None else reply) if coded else None)


def _bare(text: str) -> str:
    return _HOSTS.sub("@", _PRODUCTS.sub("", ADDRESS.sub("@", _REPEATED.sub("", squeeze(text[:8000])))))


def _phrased(folded: str) -> Reason | None:
    for reason, table in REASONS:
        if any(entry in folded for entry in table):
            return reason
    return None


# What the words say, where the code says no more than that it failed.
_BY_WORDS = {
    Reason.UNKNOWN_USER: BounceClass.HARD,
    Reason.UNKNOWN_HOST: BounceClass.HARD,
    Reason.POLICY: BounceClass.POLICY,
}
_REFUSALS = ("denied", "reject", "refus", "block", "not accept", "prohibit")
# RFC 7504: the host takes no mail, from anybody.
_CODES_OF_CLOSED_HOSTS = frozenset((521, 556))
# Authentication, and refusals that servers of filters number so.
_CODES_ABOUT_US = frozenset((530, 534, 535, 541, 571))


def class_of(
    status: str | None,
    code: int | None,
    evidence: str,
    *,
    delayed: bool = False,
    stage: Stage | None = None,
    reply: str | None = None,
) -> BounceClass:
    """Hard, soft or policy. `status`: the enhanced code, `code`: the reply code, `evidence`: the words, `stage`: what was refused,
    `reply`: the server's own sentence, where it can be told from the letter around it.

    5.2.2 (full) is soft and 5.7.x is policy, although their first digit says permanent: neither says that the address is bad.
    """
    if delayed or ((status or "").startswith("4.") and not (status == "4.0.0" and code is not None and code >= 500)):
        return BounceClass.SOFT
    reason = why(evidence, coded=status is not None or code is not None, reply=reply)
    if status is not None and status[2:] in (*_EXACT, "4.4") and reason in (Reason.POLICY, Reason.TRANSIENT):
        # A pair of stems does not outweigh a code that names the address; a phrase does.
        reason = reason_of(evidence)
    if stage in (Stage.GREETING, Stage.SENDER) and (status is None or status[2:] not in _ABOUT_SPACE | _ABOUT_WAY):
        return _of_us(code, reason)
    if status is not None and not status[2:].startswith("0."):
        if code in _CODES_ABOUT_US and status[2:] not in _EXACT:
            return BounceClass.POLICY
        if status[2:].startswith("7.") and reason is Reason.UNKNOWN_USER:
            # "Recipient rejected" and no more speaks of the address only where the code does not speak of a rule.
            reason = _phrased(_bare(evidence)) or paired_reason(evidence)
        if status[2:].startswith("7.") and reason is Reason.TRANSIENT and _passes(evidence if reply is None else reply):
            return BounceClass.SOFT
        return _of_status(status[2:], code, reason)
    if code is not None and 400 <= code < 500:
        return BounceClass.SOFT
    if reason is Reason.UNKNOWN_USER and reply is not None and _passes(reply):
        # "Mailbox unavailable" is what the standard lets a server say for anything; this one says when.
        return BounceClass.SOFT
    if reason is not None:
        return _BY_WORDS.get(reason, BounceClass.SOFT)
    return _of_code(code, stage, evidence if reply is None else reply)


# Beside a code that speaks of a rule, only these make a refusal one that passes ("permanently deferred" does not).
_PASSING = ("temporar", "too fast", "too quickly", "try again", "try later", "try back", "please retry", "greylist")


def _passes(reply: str) -> bool:
    folded = squeeze(reply[:600])
    return any(entry in folded for entry in _PASSING)


def _of_us(code: int | None, reason: Reason | None) -> BounceClass:
    """Before a recipient was named: never about the address, unless the host takes no mail at all."""
    if code in _CODES_OF_CLOSED_HOSTS and reason in (None, Reason.UNKNOWN_HOST):
        return BounceClass.HARD
    return BounceClass.SOFT if reason in (Reason.TRANSIENT, Reason.FULL, Reason.TOO_LARGE) else BounceClass.POLICY


_WORD = re.compile(r"[^\W\d_]{2,}")
# What qmail and others write before the server's own words.
_ANNOUNCED = re.compile(r"remote host said:|\breason:")


def _is_bare(reply: str) -> bool:
    """Whether a reply says no more than no, and perhaps to whom: less than three words beside addresses and codes."""
    words = _WORD.findall(_ANNOUNCED.sub(" ", ADDRESS.sub(" ", squeeze(reply[:600]))))
    # Scripts without blanks between words: what looks like one is a sentence.
    return len(words) < 3 and not any(len(word) > 4 and word[0] > "\u2e80" for word in words)


def _of_code(code: int | None, stage: Stage | None, evidence: str) -> BounceClass:
    if code in _CODES_OF_CLOSED_HOSTS:
        return BounceClass.HARD
    refused = any(entry in squeeze(evidence[:600]) for entry in _REFUSALS)
    if code in _CODES_ABOUT_US or (code is not None and code >= 500 and refused and stage is not Stage.RECIPIENT):
        return BounceClass.POLICY
    # 550, 551 and 553 are the answers to a recipient (RFC 5321, 4.3.2). Beside words that nobody here understands they say nothing sure,
    # and an address that is condemned is lost for good, while the third soft failure ends it as well.
    told = code in (550, 551, 553) and stage is not Stage.CONTENT and _is_bare(evidence)
    return BounceClass.HARD if told else BounceClass.SOFT


# About the recipient's address or host, for good.
_ABOUT_ADDRESS = frozenset(("1.0", "1.1", "1.2", "1.3", "1.6", "1.10", "1.351", "4.1", "4.4", "4.310"))
# These name it exactly: what is said beside them outweighs them only where it speaks of the sender, the space or a rule.
_EXACT = frozenset(("1.1", "1.2", "1.3", "1.6", "1.10", "1.351", "4.310"))
# About the sender's address, or how much he sends.
_ABOUT_US = frozenset(("1.7", "1.8", "1.90"))
# Full, or too large: no word beside it makes the address bad.
_ABOUT_SPACE = frozenset(("2.2", "2.3", "2.121", "2.122", "3.1", "3.4"))
# A loop, or the time is over.
_ABOUT_WAY = frozenset(("4.5", "4.6", "4.7", "4.14", "4.316"))


def _of_status(detail: str, code: int | None, reason: Reason | None) -> BounceClass:
    if detail == "4.5" and reason is Reason.POLICY:
        # Gmail says so of who has sent too much on that day.
        return BounceClass.POLICY
    if detail in _ABOUT_SPACE or detail in _ABOUT_WAY:
        return BounceClass.SOFT
    if detail in _ABOUT_US or detail.startswith("6."):
        return BounceClass.POLICY
    if detail in _ABOUT_ADDRESS:
        return _of_address(detail, reason)
    if detail.startswith("7."):
        return _of_refusal(detail, reason)
    if code in _CODES_OF_CLOSED_HOSTS and detail.startswith("3.") and reason is not Reason.POLICY:
        return BounceClass.HARD
    # About the mailbox, the system, the way or the protocol: bad only where the words say so.
    return _BY_WORDS.get(reason, BounceClass.SOFT) if reason is not None else BounceClass.SOFT


def _of_address(detail: str, reason: Reason | None) -> BounceClass:
    if reason is Reason.POLICY:
        # A host that lets nobody through to it has no way to the address either.
        return BounceClass.HARD if detail in ("4.1", "4.4") else BounceClass.POLICY
    if reason in (Reason.FULL, Reason.TOO_LARGE):
        return BounceClass.SOFT
    if reason in (Reason.TRANSIENT, Reason.SUSPENDED) and detail not in _EXACT:
        return BounceClass.SOFT
    return BounceClass.HARD


def _of_refusal(detail: str, reason: Reason | None) -> BounceClass:
    if reason is Reason.UNKNOWN_USER and detail != "7.13":
        return BounceClass.HARD
    if reason is Reason.UNKNOWN_HOST and detail == "7.27":
        # RFC 7505: the domain says that it takes no mail.
        return BounceClass.HARD
    return BounceClass.SOFT if reason in (Reason.FULL, Reason.SUSPENDED) or detail == "7.13" else BounceClass.POLICY
