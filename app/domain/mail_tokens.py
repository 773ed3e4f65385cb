"""Small readers of mail syntax that never raise and never backtrack: message ids, addresses, subjects.

The standard library's structured parsers raise on `Message-ID: <`, need a gigabyte for long encoded subjects, and read
`victim@good.test <attacker@evil.test>` as the victim. Every expression here has bounded repeats over disjoint classes, so
its cost is linear in the text.
"""

from __future__ import annotations

import re
import unicodedata

from app.domain.keys import ascii_labels

_MESSAGE_ID = re.compile(r"<([^<>\s]{1,250})>")
_ANGLE = re.compile(r"<\s{0,20}([^<>\s]{1,320})\s{0,20}>")
# A mail address as it stands in running text. Not the grammar of RFC 5322: quoted local parts are not used by people.
ADDRESS = re.compile(
    r"(?<![A-Za-z0-9.!#$%&'*+/=?^_`{|}~-])[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}"
)
# The same in a header, where a mailbox or its domain may be written in any script (RFC 6531). ASCII beside what `ADDRESS` allows, and
# the spaces and punctuation of other scripts, end it.
_WORD = r"A-Za-z0-9\u00a1-\u1fff\u2c00-\u2fff\u3005-\ufeff\uff21-\U0010ffff"
_WRITTEN = re.compile(
    rf"(?<![{_WORD}.!#$%&'*+/=?^_`{{|}}~-])[{_WORD}!#$%&'*+/=?^_`{{|}}~.-]{{1,64}}@[{_WORD}-]{{1,63}}(?:\.[{_WORD}-]{{1,63}}){{0,8}}"
)
_GOES_ON = re.compile(rf"\.?[{_WORD}@\u200c\u200d]")
MOST_ADDRESS = 254
_PREFIX = re.compile(
    r"^\s{0,20}(?:re|aw|sv|vs|antw|odp|ref|rif|res|r|wg|fw|fwd|tr|rv|enc|doorst|vl|ynt|回复|答复|回覆|转发|返信|転送|отв|пересл|trs|bls|atb|ha|hl|b)"
    r"\s{0,3}(?:\[\d{1,3}\]|\(\d{1,3}\)|\^\d{1,3})?\s{0,3}[:：]\s{0,20}",
    re.IGNORECASE,
)

MOST_IDS = 50


def message_ids(value: str) -> tuple[str, ...]:
    """The ids in a References, In-Reply-To or Message-ID header, without brackets; at most the first 5 and the last 45."""
    found = list(dict.fromkeys(_MESSAGE_ID.findall(value[:65536])))
    if len(found) > MOST_IDS:
        found = found[:5] + found[-45:]
    return tuple(found)


def clean_address(value: str) -> str | None:
    """The address in `value` (as `rfc822;a@b`, `<a@b>`, `a@b (x)`), its domain as A-labels in lower case, or None.

    None also for what is only a part of an address (`"c@d"@e`), so that nobody stands for somebody else.
    """
    text = value.strip()[:1000]
    head, semicolon, tail = text.partition(";")
    if semicolon and "@" not in head:
        text = tail.strip()
    text = unicodedata.normalize("NFC", text.replace("=40", "@") if "@" not in text else text)
    match = _WRITTEN.search(text)
    return _whole(text, match) if match is not None else None


def _whole(text: str, match: re.Match[str]) -> str | None:
    """The address that has matched in `text`, or None where it goes on beyond the match, as quoted local parts do."""
    behind, ahead = text[: match.start()][-1:], text[match.end() :][:2]
    if _GOES_ON.match(ahead) or ahead == '"@' or (behind == '"' and ahead[:1] != '"'):
        return None
    local, _, domain = match.group().rstrip(".").rpartition("@")
    # "**anna@x**": stars around an address are the markup of a text.
    local, host = local.strip("'*"), ascii_labels(domain)
    found = f"{local}@{host}" if local and host else ""
    return found if 0 < len(found) <= MOST_ADDRESS else None


def sender(value: str) -> tuple[str, str | None]:
    """Display name and address of a From header; the address is what stands in the last angle brackets, never the name."""
    cut = value[:4000]
    angles = list(_ANGLE.finditer(cut))
    if angles:
        last = angles[-1]
        name = cut[: last.start()].strip().strip('"').strip()
        return name, clean_address(last.group(1))
    return "", clean_address(cut)


def addresses(value: str) -> tuple[str, ...]:
    """Every address in a header such as To or Delivered-To, each once, at most 200."""
    found: dict[str, None] = {}
    text = unicodedata.normalize("NFC", value[:65536])
    for match in _WRITTEN.finditer(text):
        address = _whole(text, match)
        if address:
            found[address] = None
        if len(found) >= 200:
            break
    return tuple(found)


def bare_subject(value: str) -> str:
    """The subject without reply and forward prefixes, case and surplus space: what two messages of a thread share."""
    text = value[:1000]
    for _ in range(12):
        match = _PREFIX.match(text)
        if match is None:
            break
        text = text[match.end() :]
    return " ".join(text.split()).casefold()


def is_answer_subject(value: str) -> bool:
    """Whether the subject starts with a reply or forward prefix of any known language."""
    return _PREFIX.match(value[:200]) is not None
