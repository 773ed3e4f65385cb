"""The language of a page: codes as tools, pages and people write them, who said it, and whether a site takes it. Pure."""

from __future__ import annotations

import re
from enum import StrEnum

#: Codes of one language that are written in several ways: the one that we keep.
_SAME = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "ji": "yi"}
_CODE = re.compile(r"(?<![A-Za-z])([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{2,8})*(?![A-Za-z])")


class LanguageSource(StrEnum):
    """Who says which language it is: the tool's export, the page when it was read, or a look at the few words that are known."""

    TOOL = "tool"
    PAGE = "page"
    DETECTED = "detected"


def codes_of(text: str | None) -> tuple[str, ...]:
    """The languages that a cell or a mark names (`en-US`, `de, fr`), as ISO 639 codes without region, each once."""
    found = (code.lower() for code in _CODE.findall(text or ""))
    return tuple(dict.fromkeys(_SAME.get(code, code) for code in found))


def first_code(text: str | None) -> str | None:
    """The first language that a text names, or None."""
    return next(iter(codes_of(text)), None)
