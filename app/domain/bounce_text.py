"""Reads the part of a failure report that was written for people: codes, recipients, the server's words, and the reason.

Every function is linear in its input: fixed phrases by `in`, and expressions of bounded repeats over disjoint classes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from app.domain import bounce_words as words
from app.domain.bounce_class import reason_of, squeeze, why
from app.domain.bounce_stage import Stage, stage_of
from app.domain.mail_tokens import ADDRESS, clean_address

# An enhanced code (RFC 3463), not a part of an address, a version or a time.
_ENHANCED = re.compile(r"(?<![\d./@])(?<!v)([245]\.[0-7]\.\d{1,3})(?![\d@]|\.\d)")
# Behind one of these stands a day ("bis 5.1.27"), a version or a chapter.
_NO_CODE = frozenset(
    words.phrases(
        """
        bis | vom | am | ab | von | seit | den | zum | until | till | from | on | since | by | jusqu'au | au | du | le | dès | hasta | el | del | al |
        fino | dal | il | até | de | a | em | do | od | dnia | tot | t/m | vanaf | op | van | til | fra | till | från | den | dne | до | с | от | по |
        version | versions | wordpress | php | mysql | python | kernel | release | chapter | section | kapitel | abschnitt | chapitre | capítulo
        """
    )
)
# With such an end it looks like a day of these years, and is one unless a reply code or a mark stands before it ("550 5.7.26").
_LIKE_A_YEAR = re.compile(r"\.(?:2[4-9]|3\d)$")
# What makes three digits a telephone number, a sum or a house: the line before them, and what follows.
_TELEPHONE = re.compile(
    r"(?:\b(?:phone|tel|tél|télé(?:phone)?|telefon|teléfono|telefono|telefone|telefoon|puhelin|mobile?|mobil|handy|cell|fax|call|dial|hotline|ligue|llam\w{1,4}|chiam\w{1,4}|appelez|bel)\b|тел|電話)[^\n]{0,24}$|\+\d[\d ()./-]{0,16}$|\(\d{2,4}\) $",
    re.IGNORECASE,
)
_COUNTS = re.compile(
    r"^(?:-\d{4}\b|\s{0,2}(?:€|\$|£|eur\b|euros?\b|usd\b|dollars?\b|pounds?\b|gbp\b|chf\b|%)|[ ][\w. ]{1,30}\b(?:street|st|road|rd|avenue|ave|lane|drive|boulevard|blvd|floor|suite)\b)",
    re.IGNORECASE,
)
_MARKED = re.compile(r"(?:[45]\d\d[ \-]|[#(\[<=:;]\s?)$")
# A reply code of SMTP (404 and its kin are the web's) as servers quote it: at the start of a line, after a mark, "said:" or "code".
_CODE = re.compile(
    r"(?:^|[\s:(<>'\"#=;,\]])(?:smtp[ ;:]{0,3}|error[ :]{0,2}|code[ :]{0,2})?(4[2-57]\d|5[0-57]\d)(?=[\s\-:;#,.)'\"]|$)",
    re.IGNORECASE,
)
_CODE_WORDS = re.compile(
    "|".join(
        re.escape(word)
        for word in (
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
            "reason",
            "原因",
            "理由",
            "причина",
            "motivo",
            "motif",
            "grund:",
            "reden:",
        )
    )
)
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
class Told:
    """What is said of a failure: `evidence` is the text that the reason is read from, `stage` what the server refused."""

    status: str | None
    code: int | None
    diagnostic: str | None
    evidence: str
    stage: Stage | None


@dataclass(frozen=True, slots=True)
class Report:
    """What the readable part says, of all, and of each recipient of several who has words of his own."""

    recipients: tuple[str, ...]
    told: Told
    each: Mapping[str, Told]
    delayed: bool
    success_only: bool


def status_in(text: str, *, bare: bool = False) -> tuple[str | None, int | None]:
    """The first failing enhanced code and the first SMTP reply code in `text`; a 5 is preferred to a 4, which retries leave.

    `bare`: the text is a Status field, where the code may stand with blanks in it ("5. 1. 1") or be a success.
    """
    if bare:
        match = _ENHANCED.search(text.replace(" ", "").split("(")[0][:40])
        return (match.group(1), None) if match else (None, None)
    found = [match.group(1) for match in _ENHANCED.finditer(text) if not _is_day(text, match)]
    enhanced = next((value for value in found if value[0] == "5"), None) or next(
        (value for value in found if value[0] == "4"), None
    )
    codes: list[int] = []
    for match in _CODE.finditer(text):
        before = text[max(0, match.start(1) - 40) : match.start(1)].rpartition("\n")[2]
        if _TELEPHONE.search(before) or _COUNTS.match(text[match.end() : match.end() + 40]):
            continue
        around = text[max(0, match.start() - 60) : match.end() + 60].casefold()
        at_start = text[max(0, match.start(1) - 12) : match.start(1)].rpartition("\n")[2].strip() == "" and (
            match.start(1) < 12 or "\n" in text[match.start(1) - 12 : match.start(1)]
        )
        if at_start or _CODE_WORDS.search(around):
            codes.append(int(match.group(1)))
        if len(codes) >= 40:
            break
    code = next((value for value in codes if value >= 500), None) or next(iter(codes), None)
    return enhanced, code


def _is_day(text: str, match: re.Match[str]) -> bool:
    """Whether what looks like an enhanced code is a day or a version, by the word before it and by its year."""
    before = text[max(0, match.start() - 24) : match.start()]
    word = before.rpartition("\n")[2].split()[-1:] if before[-1:] in (" ", "\t") else []
    if word and word[0].casefold().lstrip("(") in _NO_CODE:
        return True
    return _LIKE_A_YEAR.search(match.group(1)) is not None and _MARKED.search(before) is None


# A line that quotes the subject of the returned message: its words are ours.
_QUOTES_SUBJECT = re.compile(
    r"^[\s>*]{0,8}(?:the |message ){0,2}(?:subject|betreff|objet|asunto|oggetto|assunto|onderwerp|temat|ämne|emne|aihe|тема|件名|主题|主旨|제목|konu)"
    r"(?: of the message)?(?: is| was)?\s{0,3}[:：]",
    re.IGNORECASE,
)


def read_text(text: str, ignore: frozenset[str]) -> Report:
    """Read the readable part of a report, up to the copy of the message that it returns. `ignore`: never the recipient."""
    lines = _own_lines(text)
    own = _without_subject(lines)
    told = _told(own)
    folded = squeeze("\n".join(own))
    sections, loose = _recipients(lines, ignore)
    return Report(
        recipients=tuple(sections) or loose,
        told=told,
        each=_each(sections) if len(sections) > 1 else {},
        delayed=any(entry in folded for entry in words.DELAY) and (told.status is None or told.status[0] == "4"),
        success_only="successfully" in folded and told.status is None and told.code is None and "deliver" in folded,
    )


def told_about(text: str, recipient: str | None, ignore: frozenset[str], *, alone: bool) -> str:
    """What the readable part says of one recipient: his paragraph, or all of it (4,000 characters) where he is `alone`."""
    lines = _own_lines(text)
    if alone:
        return "\n".join(_without_subject(lines))[:4000]
    sections, _ = _recipients(lines, ignore)
    wanted = (recipient or "").casefold()
    said = next((said for address, said in sections.items() if address.casefold() == wanted), None)
    if said is not None:
        return "\n".join(_without_subject(said)).partition("\n\n")[0][:2000]
    own = "\n".join(_without_subject(lines))
    at = own.casefold().find(wanted) if wanted else -1
    return own[at:].partition("\n\n")[0][:2000] if at >= 0 else ""


def _without_subject(lines: list[str]) -> list[str]:
    return [line for line in lines if not _QUOTES_SUBJECT.match(line[:100])]


def _told(lines: list[str]) -> Told:
    said = "\n".join(lines)
    status, code = status_in(said)
    diagnostic = _diagnostic(lines, status, code)
    coded = status is not None or code is not None
    speaks = diagnostic is not None and why(diagnostic, coded=coded) is not None
    return Told(status, code, diagnostic, diagnostic if diagnostic and speaks else said[:8000], stage_of(said))


def _each(sections: Mapping[str, list[str]]) -> dict[str, Told]:
    found = {address: _told(_without_subject(lines)) for address, lines in sections.items()}
    return {
        address: told
        for address, told in found.items()
        if told.status or told.code or why(told.evidence, coded=False) is not None
    }


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


def _recipients(lines: list[str], ignore: frozenset[str]) -> tuple[dict[str, list[str]], tuple[str, ...]]:
    """Addresses at the start of a line (as most servers print them), each with the lines up to the next one; and, failing those,
    the first address in the text."""
    anchored: dict[str, list[str]] = {}
    loose: tuple[str, ...] = ()
    section: list[str] = []
    for line in lines:
        for match in ADDRESS.finditer(line):
            address = clean_address(match.group())
            if address is None or _not_a_recipient(address, ignore):
                continue
            if _ANCHORED.match(line[: match.start()][-80:]) and match.start() < 80:
                if len(anchored) >= MOST_RECIPIENTS and address not in anchored:
                    return anchored, loose
                section = anchored.setdefault(address, [])
            else:
                loose = loose or (address,)
            break
        section.append(line)
    return anchored, loose


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
