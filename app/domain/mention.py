"""Where a page names us in its visible text: whole names only, whatever the case, never inside somebody else's name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

QUOTE_LENGTH = 300
_MAX_PLACES = 5_000  # places of one name that are looked at on one page
_SENTENCE_ENDS = ".!?…。！？"
# Scripts that are written without spaces, or (Hangul) with particles joined to the noun: a border inside them is no border.
_JOINED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x3400, 0x9FFF),
    (0xAC00, 0xD7AF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_SAME = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "‐": "-", "‑": "-", "\u00a0": " "})


@dataclass(frozen=True, slots=True)
class Mention:
    """Our name in a text: the name that was looked for, the sentence around it, and its place in the text."""

    name: str
    quote: str
    start: int
    end: int


def find_mention(text: str, names: Sequence[str], others: Sequence[str] = ()) -> Mention | None:
    """The first place in `text` that names us by one of `names`, or None.

    `others` are longer names that are not ours (competitors, products): a hit inside one of them does not count. A name
    that is part of a host name or an e-mail address counts only when that whole host is one of `names`.
    """
    folded = _fold(text)
    present = [(name, needle) for name in names if (needle := _fold_name(name)) and needle in folded]
    if not present:
        return None
    longer = [other for other in map(_fold_name, others) if other]
    hosts = {needle for name in names if "." in (needle := _fold_name(name))}
    best: tuple[int, int, str] | None = None
    for name, needle in present:
        for start, end in islice(_places(folded, needle), _MAX_PLACES):
            if best is not None and start >= best[0]:
                break
            if _inside(folded, start, needle, longer) or _foreign_host(folded, start, end, hosts):
                continue
            best = (start, end, name)
            break
    if best is None:
        return None
    start, end = _original(text, folded, best[0], best[1])
    return Mention(best[2], quote_around(text, start, end), start, end)


def quote_around(text: str, start: int, end: int, limit: int = QUOTE_LENGTH) -> str:
    """The sentence of `text` that holds the characters from `start` to `end`, at most about `limit` characters."""
    left = min(start, len(text))  # a hidden link may begin where the text ends
    while left > 0 and start - left < limit and text[left - 1] != "\n":
        if text[left - 1] in _SENTENCE_ENDS and text[left : left + 1].isspace():
            break
        left -= 1
    right = end
    while right < len(text) and right - end < limit and text[right] != "\n":
        right += 1
        if text[right - 1] in _SENTENCE_ENDS and (right == len(text) or text[right].isspace()):
            break
    if right - left <= limit:
        return text[left:right].strip()
    # Too long for a quote: keep the name in the middle and cut between words.
    room = max(limit - (end - start), 0) // 2
    cut_left, cut_right = max(left, start - room), min(right, end + room)
    if cut_left > left:
        space = text.find(" ", cut_left, start)
        cut_left = space + 1 if space != -1 else cut_left
    if cut_right < right:
        space = text.rfind(" ", end, cut_right)
        cut_right = space if space != -1 else cut_right
    head, tail = "… " if cut_left > left else "", " …" if cut_right < right else ""
    return f"{head}{text[cut_left:cut_right].strip()}{tail}"


def _fold(text: str) -> str:
    # None of the characters that are made the same is ASCII; most anchors and many pages are.
    return text.casefold() if text.isascii() else text.translate(_SAME).casefold()


@lru_cache(maxsize=1024)
def _fold_name(name: str) -> str:
    return _fold(unicodedata.normalize("NFC", " ".join(name.split())))


def _places(folded: str, needle: str) -> Iterator[tuple[int, int]]:
    at = folded.find(needle)
    while at != -1:
        end = at + len(needle)
        if _border(folded, at - 1, at) and _border(folded, end - 1, end):
            yield at, end
        at = folded.find(needle, at + 1)


def _inside(folded: str, start: int, needle: str, longer: Sequence[str]) -> bool:
    """Whether the `needle` at `start` is a piece of one of the `longer` names."""
    for other in longer:
        offset = other.find(needle) if other != needle else -1
        while offset != -1:
            at = start - offset
            if at >= 0 and folded.startswith(other, at):
                end = at + len(other)
                if _border(folded, at - 1, at) and _border(folded, end - 1, end):
                    return True
            offset = other.find(needle, offset + 1)
    return False


def _border(text: str, left: int, right: int) -> bool:
    """Whether a word ends between the neighbours `left` and `right`."""
    if left < 0 or right >= len(text):
        return True
    before, after = text[left], text[right]
    if not (_in_word(before) and _in_word(after)):
        return True
    return not unicodedata.combining(after) and (_joined(before) or _joined(after))


def _in_word(char: str) -> bool:
    return char.isalnum() or char == "_" or unicodedata.combining(char) != 0


def _joined(char: str) -> bool:
    code = ord(char)
    return code >= 0x0E00 and any(low <= code <= high for low, high in _JOINED)


def _foreign_host(folded: str, start: int, end: int, hosts: set[str]) -> bool:
    """Whether the hit is a piece of a host name or an address (`acme.org`, `jo@acme.net`) that is not one of `hosts`."""
    left, right = start, end
    while left > 0 and start - left < 255 and (folded[left - 1].isalnum() or folded[left - 1] in "-._@/"):
        left -= 1
    while right < len(folded) and right - end < 255 and (folded[right].isalnum() or folded[right] in "-._@"):
        right += 1
    token = folded[left:right].strip(".-_")
    host = token.rpartition("@")[2].partition("/")[0] if "@" in token else _host_part(token)
    tail = host.rpartition(".")[2]
    if "@" not in token and token.endswith(folded[start:end]):
        return False  # "one sentence.Acme began": a missing space, not a host
    if "." not in host or len(tail) < 2 or not tail.isalpha():
        return False
    return not any(host == own or host.endswith("." + own) for own in hosts)


def _host_part(token: str) -> str:
    # Of `https//acme.org` or `see/acme.org` only the piece that looks like a host matters.
    return next((piece for piece in token.split("/") if "." in piece), token)


def _original(text: str, folded: str, start: int, end: int) -> tuple[int, int]:
    """Where a place in the folded text lies in the text: folding can lengthen single characters (ß, İ)."""
    if len(text) == len(folded):
        return start, end
    left = right = None
    at = 0
    for index, char in enumerate(text):
        if left is None and at >= start:
            left = index
        if at >= end:
            right = index
            break
        at += len(char.translate(_SAME).casefold())
    return (len(text) if left is None else left), (len(text) if right is None else right)
