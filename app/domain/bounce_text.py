"""Reads the part of a failure report that was written for people: codes, recipients, the server's words, and the reason.

Every function is linear in its input: fixed phrases by `in`, and expressions of bounded repeats over disjoint classes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.domain import bounce_words as words
from app.domain.bounce_pairs import paired_reason
from app.domain.bounce_words import Reason
from app.domain.inbound import BounceClass
from app.domain.mail_tokens import ADDRESS, clean_address

# An enhanced code (RFC 3463), not a part of an address, a version or a time.
_ENHANCED = re.compile(r"(?<![\d./@])(?<!v)([245]\.[0-7]\.\d{1,3})(?![\d@]|\.\d)")
# A reply code of SMTP (404 and its kin are the web's) as servers quote it: at the start of a line, after a mark, "said:" or "code".
_CODE = re.compile(
    r"(?:^|[\s:(<>'\"#=;,\]])(?:smtp[ ;:]{0,3}|error[ :]{0,2}|code[ :]{0,2})?(4[2-57]\d|5[0-57]\d)(?=[\s\-:;#,.)'\"]|$)",
    re.IGNORECASE,
)
_CODE_WORDS = (
    "smtp",
    "said",
    "server",
    "error",
    "response",
    "rejected",
    "<<<",
    "rcpt",
    "data",
    "remote",
    "host",
    "mail",
    "user",
    "recipient",
    "<--",
    "failed",
)
_SPACE = re.compile(r"\s+")
_HEADERISH = re.compile(
    r"^(?:>\s?)?(Received|Return-Path|Message-ID|Date|From|To|Subject|MIME-Version|Content-Type|X-[\w-]{1,40}|DKIM-Signature):",
    re.I,
)
_ANCHORED = re.compile(
    r"^[\s*>\-•・]{0,12}(?:(?:to|recipient(?: address| name)?|(?:failed|final|original) (?:recipient|address)(?:\(s\)|s)?|user|address|e-?mail|for|rcpt to|宛先|受信者|an|à|para|per)\s{0,3}[:：=]?\s{0,3})?[<\[(\"']{0,2}$",
    re.I,
)
MOST_RECIPIENTS = 100


@dataclass(frozen=True, slots=True)
class Report:
    """What the readable part says. `evidence` is the text that the reason is read from."""

    recipients: tuple[str, ...]
    status: str | None
    code: int | None
    diagnostic: str | None
    evidence: str
    delayed: bool
    success_only: bool


def squeeze(text: str) -> str:
    """Case-folded, with straight quotes and single spaces: the form that the phrase tables are matched against."""
    return _SPACE.sub(" ", text.replace("’", "'").replace("´", "'")).casefold().strip()


def status_in(text: str, *, bare: bool = False) -> tuple[str | None, int | None]:
    """The first failing enhanced code and the first SMTP reply code in `text`; a 5 is preferred to a 4, which retries leave.

    `bare`: the text is a Status field, where the code may stand with blanks in it ("5. 1. 1") or be a success.
    """
    if bare:
        match = _ENHANCED.search(text.replace(" ", "").split("(")[0][:40])
        return (match.group(1), None) if match else (None, None)
    found = [match.group(1) for match in _ENHANCED.finditer(text)]
    enhanced = next((value for value in found if value[0] == "5"), None) or next(
        (value for value in found if value[0] == "4"), None
    )
    codes: list[int] = []
    for match in _CODE.finditer(text):
        around = text[max(0, match.start() - 60) : match.end() + 60].casefold()
        at_start = match.start() == 0 or text[match.start() - 1 : match.start()] in ("", "\n", "\r")
        if at_start or any(entry in around for entry in _CODE_WORDS):
            codes.append(int(match.group(1)))
        if len(codes) >= 40:
            break
    code = next((value for value in codes if value >= 500), None) or next(iter(codes), None)
    return enhanced, code


def reason_of(text: str) -> Reason | None:
    """Why, as far as the words tell; None when no known phrase is there."""
    return _phrased(squeeze(text[:8000]))


def _why(text: str, status: str | None, code: int | None) -> Reason | None:
    """The same for what decides the class: pairs of stems are asked where no phrase is known."""
    found = _phrased(squeeze(text[:8000])) or paired_reason(text, coded=status is not None or code is not None)
    if found in (Reason.POLICY, Reason.TRANSIENT) and status is not None and status[2:] in _ABOUT_ADDRESS:
        return reason_of(text)
    return found


# A line that quotes the subject of the returned message: its words are ours.
_QUOTES_SUBJECT = re.compile(
    r"^[\s>*]{0,8}(?:the |message ){0,2}(?:subject|betreff|objet|asunto|oggetto|assunto|onderwerp|temat|ämne|emne|aihe|тема|件名|主题|主旨|제목|konu)"
    r"(?: of the message)?(?: is| was)?\s{0,3}[:：]",
    re.IGNORECASE,
)
# Names of products, which say nothing about this message.
_PRODUCTS = re.compile(r"viruswall|anti-?virus|anti-?spam|spamassassin|spam firewall")


def _phrased(folded: str) -> Reason | None:
    folded = _PRODUCTS.sub("", ADDRESS.sub("@", folded))
    for reason, table in words.REASONS:
        if any(entry in folded for entry in table):
            return reason
    return None


# Authentication, and refusals that servers of filters number so.
_CODES_ABOUT_US = frozenset((530, 534, 535, 541, 571))
# The whole transaction failed, or the host takes no mail from us; with a bare refusal it is not about one recipient.
_CODES_OF_TRANSACTIONS = frozenset((521, 554))
_REFUSALS = ("denied", "reject", "refus", "block", "not accept", "prohibit")


def class_of(status: str | None, code: int | None, evidence: str, *, delayed: bool = False) -> BounceClass:
    """Hard, soft or policy. A specific code decides, then the words, then a generic code.

    5.2.2 (full) is soft and 5.7.x is policy, although their first digit says permanent: neither says that the address is bad.
    """
    if delayed or ((status or "").startswith("4.") and not (status == "4.0.0" and code is not None and code >= 500)):
        return BounceClass.SOFT
    reason = _why(evidence, status, code)
    if status is not None and not status.endswith(".0.0"):
        return _of_status(status, reason)
    if code is not None and 400 <= code < 500:
        return BounceClass.SOFT
    if reason is None and code is not None and 500 <= code <= 504:
        # A fault of the conversation between two servers.
        return BounceClass.SOFT
    if code == 552 and reason in (None, Reason.FULL, Reason.TOO_LARGE):
        return BounceClass.SOFT
    refused = code in _CODES_OF_TRANSACTIONS and any(entry in squeeze(evidence[:600]) for entry in _REFUSALS)
    if reason is None and (code in _CODES_ABOUT_US or refused):
        return BounceClass.POLICY
    if reason is Reason.POLICY:
        return BounceClass.POLICY
    if reason in (Reason.FULL, Reason.TRANSIENT, Reason.TOO_LARGE):
        return BounceClass.SOFT
    return BounceClass.HARD


# Permanent by their first digit, and yet about space, time, load or a loop (RFC 3463; the last four are Exchange's).
_NOT_FOR_GOOD = frozenset(
    ["2.2", "2.3", "3.1", "3.4", "3.5", "4.3", "4.5", "4.6", "4.7", "4.8", "5.3", "2.121", "2.122", "4.14", "4.316"]
)
# About the recipient's address: a pair of stems does not outweigh it.
_ABOUT_ADDRESS = frozenset(("1.1", "1.2", "1.3", "1.4", "1.6", "1.10", "2.1"))
# About the sender's address, or how much he sends.
_ABOUT_US = frozenset(("1.7", "1.8", "1.90"))


def _of_status(status: str, reason: Reason | None) -> BounceClass:
    detail = status[2:]
    if detail in _NOT_FOR_GOOD:
        return BounceClass.SOFT
    if detail.startswith("7."):
        told = {Reason.UNKNOWN_USER: BounceClass.HARD, Reason.FULL: BounceClass.SOFT}
        return told.get(reason, BounceClass.POLICY) if reason is not None else BounceClass.POLICY
    if detail in _ABOUT_US or detail.startswith("6.") or (reason is Reason.POLICY and detail != "2.1"):
        return BounceClass.HARD if detail == "4.1" else BounceClass.POLICY
    if reason in (Reason.FULL, Reason.TOO_LARGE) or (reason is Reason.TRANSIENT and not detail.startswith("1.")):
        return BounceClass.SOFT
    if detail.startswith("5.") and reason is None:
        # The same by its enhanced code: it says nothing about the address.
        return BounceClass.SOFT
    return BounceClass.HARD


def read_text(text: str, ignore: frozenset[str]) -> Report:
    """Read the readable part of a report, up to the copy of the message that it returns. `ignore`: never the recipient."""
    lines = _own_lines(text)
    told = [line for line in lines if not _QUOTES_SUBJECT.match(line[:100])]
    said = "\n".join(told)
    folded = squeeze(said)
    status, code = status_in(said)
    delayed = any(entry in folded for entry in words.DELAY) and (status is None or status[0] == "4")
    diagnostic = _diagnostic(told, status, code)
    return Report(
        recipients=_recipients(lines, ignore),
        status=status,
        code=code,
        diagnostic=diagnostic,
        evidence=diagnostic if diagnostic and _why(diagnostic, status, code) is not None else said[:8000],
        delayed=delayed,
        success_only="successfully" in folded and status is None and code is None and "deliver" in folded,
    )


def _own_lines(text: str) -> list[str]:
    """The lines before the returned message: cut at its mark, or where three header lines in a row begin."""
    lines = text[:32768].splitlines()[:800]
    run = 0
    for number, line in enumerate(lines):
        if _HEADERISH.match(line):
            run += 1
            if run >= 3 and number >= 3:
                return [entry[:1000] for entry in lines[: number - 2]]
            continue
        if not line.startswith((" ", "\t")):
            run = 0
        folded = squeeze(line[:200])
        marked = line.lstrip().startswith(("-", "=", "_", "*", "+")) or folded.endswith((":", "."))
        if number >= 2 and marked and len(folded) < 120 and any(entry in folded for entry in words.ORIGINAL_MARKS):
            # "Below is a copy of the message" may stand above the reason; cut only when something was said already.
            before = "\n".join(lines[:number])
            if reason_of(before) is not None or status_in(before) != (None, None):
                return [entry[:1000] for entry in lines[:number]]
    return [entry[:1000] for entry in lines]


def _recipients(lines: list[str], ignore: frozenset[str]) -> tuple[str, ...]:
    """Addresses at the start of a line (as most servers print them); failing that, the first address in the text."""
    anchored: dict[str, None] = {}
    loose: dict[str, None] = {}
    for line in lines:
        for match in ADDRESS.finditer(line):
            address = clean_address(match.group())
            if address is None or _not_a_recipient(address, ignore):
                continue
            if _ANCHORED.match(line[: match.start()][-80:]) and match.start() < 80:
                anchored[address] = None
            else:
                loose[address] = None
            break
        if len(anchored) >= MOST_RECIPIENTS:
            break
    if anchored:
        return tuple(anchored)
    return tuple(loose)[:1]


def _not_a_recipient(address: str, ignore: frozenset[str]) -> bool:
    folded = address.casefold()
    local = folded.partition("@")[0]
    return folded in ignore or local in words.DAEMON_LOCALS or local.startswith(words.DAEMON_LOCAL_STARTS)


def _diagnostic(lines: list[str], status: str | None, code: int | None) -> str | None:
    """The server's own words: the line with the code and what is folded under it, else the first line with a reason."""
    for wanted in (status, str(code) if code else None):
        if wanted is None:
            continue
        for number, line in enumerate(lines):
            if wanted in line:
                return _with_continuation(lines, number)
    for number, line in enumerate(lines):
        if line.strip() and reason_of(line) is not None:
            return _with_continuation(lines, number)
    return None


def _with_continuation(lines: list[str], number: int) -> str:
    taken = [lines[number].strip()]
    for line in lines[number + 1 : number + 5]:
        if not line.startswith((" ", "\t")) or not line.strip():
            break
        taken.append(line.strip())
    return " ".join(taken)[:1000]
