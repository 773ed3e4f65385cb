"""What a DKIM-Signature field says (RFC 6376 3.5): who signed, under which selector, and which fields it covers. Pure."""

from __future__ import annotations

from dataclasses import dataclass

_LONGEST = 16_384


@dataclass(frozen=True, slots=True)
class Signature:
    """`domain` (d=) in lower case, `selector` (s=), and the covered header fields (h=) in lower case."""

    domain: str
    selector: str
    headers: frozenset[str]


def parse_signature(value: str) -> Signature | None:
    """The signature in the value of a DKIM-Signature field; None where it names no domain or no fields."""
    tags: dict[str, str] = {}
    for part in value[:_LONGEST].split(";"):
        name, equals, text = part.partition("=")
        if equals:
            tags.setdefault(name.strip().lower(), "".join(text.split()))
    headers = frozenset(name.lower() for name in tags.get("h", "").split(":") if name)
    domain = tags.get("d", "").lower().rstrip(".")
    return Signature(domain, tags.get("s", ""), headers) if domain and headers else None
