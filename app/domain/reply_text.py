"""Cuts a reply down to what its writer added: no quote, no line above the quote, no signature. One pass over the lines.

The known libraries for this use expressions that take minutes for 60 kB of hostile text. Here the work for each line is
bounded: a line is looked at in its first 500 characters, a wrapped line above a quote is joined from at most four lines,
and no expression has nested or overlapping repeats. So the whole is linear, and a test holds it to that.
"""

from __future__ import annotations

import re

from app.domain import reply_words as words

MOST_CHARS = 65536
_LINE = 500
_WRAP = 4

_DIGIT = re.compile(r"\d")
_RULE = re.compile(r"^[\s>]{0,8}[-_=*─—]{5,200}\s{0,8}$")
_LABEL = re.compile(r"^[\s*_>]{0,8}([^\W\d_][^:：]{0,24}?)\s{0,3}[*_]{0,2}\s{0,3}[:：][*_]{0,2}\s{0,8}(\S?)")
# Most end in a colon, those of Zoho between dashes: "---- On ... wrote ----".
_WROTE_END = re.compile(r"(?:[:：]\s{0,8}[>*_\"]{0,4}|[^\W\d_]\s?[-–—]{2,8})\s{0,8}$")
_JAPANESE_DATE = re.compile(r"\d{4}[年/.-]\s?\d{1,2}[月/.-]\s?\d{1,2}日?")
_FROM = frozenset(words.FROM_LABELS)
_LABELS = frozenset(words.OTHER_LABELS) | _FROM
_CLOSINGS = frozenset(words.CLOSINGS)
_WROTE_WORDS = tuple(words.WROTE)
_STARTS = tuple(f"{start} " for start in words.ATTRIBUTION_STARTS)
_CUT, _QUOTE, _MAYBE, _OWN = "cut", "quote", "maybe", "own"


def new_text(text: str) -> str:
    """What the writer added, trimmed; the whole text where nothing remains that is not a quote.

    An answer below the quote and answers between quoted lines are kept; everything from a signature mark on is not.
    """
    lines = [line.rstrip() for line in text[:MOST_CHARS].replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    kept = _joined(_without_signature(_without_quotes(lines)))
    if kept or any(line.lstrip()[:1] in (">", "＞") for line in lines):
        return kept
    return _joined(lines)


def _without_quotes(lines: list[str]) -> list[str]:
    quoted = [line.lstrip()[:1] in (">", "＞") for line in lines]
    # For each line, whether any later line is quoted: an attribution above plain text quotes everything below it.
    later = [False] * (len(lines) + 1)
    for number in range(len(lines) - 1, -1, -1):
        later[number] = quoted[number] or later[number + 1]
    kept: list[str] = []
    number = 0
    while number < len(lines):
        line = lines[number]
        if quoted[number]:
            number += 1
            continue
        if _is_separator(line, lines, number):
            break
        width = _attribution(lines, quoted, number)
        if width:
            following = _next_filled(lines, number + width)
            marked = following is not None and quoted[following]
            # No marks below: a program that does not mark quotes, and what stands above is all that is new.
            if not marked and (any(entry.strip() for entry in kept) or not later[number + width]):
                _take_out_name(kept, line)
                break
            _take_out_name(kept, line)
            number += width
            continue
        kept.append(line)
        number += 1
    return kept


def _take_out_name(kept: list[str], attribution: str) -> None:
    """Where the attribution was broken before the address, its first line is a bare name: "Anna Lind" / "<a@b> wrote:"."""
    if not attribution.lstrip().startswith("<") or not kept or (len(kept) > 1 and kept[-2].strip()):
        return
    name = kept[-1].strip()
    if len(kept) > 1 and 0 < len(name) < 60 and len(name.split()) <= 4 and name[-1].isalpha():
        kept.pop()


def _next_filled(lines: list[str], number: int) -> int | None:
    for at in range(number, min(len(lines), number + 6)):
        if lines[at].strip():
            return at
    return None


def _is_separator(line: str, lines: list[str], number: int) -> bool:
    """Whether from this line on, everything is the old message: "--- Original message ---" or Outlook's header block."""
    cut = line[:_LINE]
    stripped = cut.strip()
    if not stripped:
        return False
    folded = stripped.casefold()
    if (
        len(folded) < 120
        and (stripped[0] in "-_=*>" or stripped[-1] in ":-_=*")
        and any(entry in folded for entry in words.SEPARATORS)
    ):
        return (
            (stripped[:2] in ("--", "__", "==", "**") and stripped[-2:] in ("--", "__", "==", "**"))
            or stripped[-1] in ":："
            or folded.lstrip("-_=* ").startswith(("begin forwarded", "reply above"))
        )
    if folded.startswith(
        ("begin forwarded message", "anfang der weitergeleiteten", "début du message", "inizio messaggio inoltrato")
    ):
        return True
    if _RULE.match(cut) is not None:
        following = _next_filled(lines, number + 1)
        return following is not None and _header_block(lines, following)
    return _header_block(lines, number)


def _header_block(lines: list[str], number: int) -> bool:
    """A line "From: ..." with at least two more labels in the six lines below it."""
    first = _label(lines[number])
    if first not in _FROM:
        return False
    others = set()
    for line in lines[number + 1 : number + 7]:
        label = _label(line)
        if label in _LABELS and label != first:
            others.add(label)
    return len(others) >= 2


def _label(line: str) -> str | None:
    match = _LABEL.match(line[:120])
    return match.group(1).strip(" *_").casefold() if match and match.group(2) else None


def _attribution(lines: list[str], quoted: list[bool], number: int) -> int:
    """How many lines, from this one, are the line above a quote ("On Monday, Anna <a@b> wrote:"); 0 for none."""
    first = lines[number][:_LINE].strip().strip("*_-–—").strip()
    if not first:
        return 0
    folded = first.casefold()
    starts = (
        folded.startswith(_STARTS)
        or _JAPANESE_DATE.match(first) is not None
        or folded[:1].isdigit()
        or "@" in first
        or "<" in first
    )
    wide = 0
    joined = ""
    for at in range(number, min(len(lines), number + _WRAP)):
        piece = lines[at][:_LINE].strip()
        if not piece or quoted[at]:
            break
        joined = f"{joined} {piece}" if joined else piece
        if len(joined) > 400:
            return 0
        wide += 1
        if _WROTE_END.search(joined[-24:]) is None:
            if not starts:
                return 0
            continue
        following = _next_filled(lines, number + wide)
        marked = following is not None and quoted[following]
        return wide if _reads_as_attribution(joined, starts=starts, marked=marked) else 0
    return 0


def _reads_as_attribution(joined: str, *, starts: bool, marked: bool) -> bool:
    folded = joined.casefold().rstrip(' :：>*_"-–—')
    wrote = folded.endswith(_WROTE_WORDS) or any(f" {word} " in f" {folded} " for word in _WROTE_WORDS if len(word) > 3)
    dated = _DIGIT.search(folded) is not None
    addressed = "@" in folded
    if wrote and (dated or addressed or marked):
        return True
    # "2026-11-20 10:00 GMT+01:00 Anna <anna@example.test>:" has no verb; it needs the date, the time and the address.
    return starts and addressed and dated and (":" in folded or "：" in folded)


def _without_signature(lines: list[str]) -> list[str]:
    """Cut at "-- ", drop "Sent from my phone", then cut a closing with the few short lines below it."""
    kept: list[str] = []
    for line in lines:
        if line.strip() in ("--", "—", "–-", "---") and len(line.strip()) <= 3:
            if any(entry.strip() for entry in kept):
                break
            continue
        folded = line[:_LINE].strip().casefold().lstrip("*_- ")
        if len(folded) < 120 and folded.startswith(words.MOBILE):
            continue
        kept.append(line)
    while kept and not kept[-1].strip():
        kept.pop()
    while kept and _RULE.match(kept[-1][:_LINE]) is not None:
        kept.pop()
    return _without_closing(kept)


def _without_closing(lines: list[str]) -> list[str]:
    for number in range(max(0, len(lines) - 14), len(lines)):
        bare = lines[number][:_LINE].strip().rstrip(",.!;，。！ ").casefold()
        if bare not in _CLOSINGS:
            continue
        below = [line.strip() for line in lines[number + 1 :] if line.strip()]
        above = any(line.strip() for line in lines[:number])
        most = 3 if bare in words.THANKS else 10
        short = len(below) <= most and all(len(line) <= 90 and not line.endswith(("?", "？", "!")) for line in below)
        if bare in words.THANKS:
            # "Thanks," and a name ends a letter; "Thanks." and a sentence starts one.
            short = short and all(len(line.split()) <= 5 and not line.endswith(".") for line in below)
        if above and short:
            return lines[:number]
    return lines


def _joined(lines: list[str]) -> str:
    """The lines with runs of empty ones squeezed to one, trimmed."""
    out: list[str] = []
    for line in lines:
        if not line.strip() and (not out or not out[-1]):
            continue
        out.append(line if line.strip() else "")
    return "\n".join(out).strip()
