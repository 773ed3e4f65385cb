"""Tables that belong to no single tool: a link intersect, and whatever names its columns plainly."""

from __future__ import annotations

from collections.abc import Mapping

from app.gaps.profiles import Profile, normal_header

INTERSECT = Profile(
    name="intersect",
    title="link intersect of any tool",
    provider="generic",
    kind="matrix",
    required=frozenset({"domain"}),
    fields={"source": "domain", "authority": "domain authority", "traffic": "traffic"},
    lenient=True,
    filtered=True,
)

GENERIC, GENERIC_TITLE = "generic", "generic table"

#: Headers that a generic file may use for a field where no mapping is given; `source` is the only one that it must have.
GENERIC_HEADERS: Mapping[str, tuple[str, ...]] = {
    "source": (
        "source url",
        "source",
        "url from",
        "url_from",
        "from url",
        "referring page",
        "source domain",
        "domain",
        "url",
    ),
    "target_url": ("target url", "target", "url to", "url_to", "to url"),
    "anchor": ("anchor", "anchor text"),
    "title": ("title", "source title"),
    "nofollow": ("nofollow", "no follow", "is_nofollow"),
    "follow": ("dofollow", "follow", "is_dofollow"),
    "authority": ("authority", "domain authority", "domain rating"),
    "traffic": ("traffic", "domain traffic"),
    "links": ("links", "backlinks"),
    "language": ("language",),
    "first_seen": ("first seen", "first_seen"),
    "last_seen": ("last seen", "last_seen"),
    "spam": ("spam", "is spam"),
}


def generic_profile(headers: list[str], mapping: Mapping[str, str], *, pages: bool) -> Profile:
    """A profile for a file of no known tool; `headers` are normal, `mapping` says field to header and wins over the table.

    Raises KeyError with the missing header, or with "source" where nothing names the linking page or domain.
    """
    fields: dict[str, str] = {}
    for name, header in mapping.items():
        if normal_header(header) not in headers:
            raise KeyError(header)
        fields[name] = normal_header(header)
    for name, candidates in GENERIC_HEADERS.items():
        found = next((header for header in candidates if header in headers), None)
        if name not in fields and found is not None and found not in fields.values():
            fields[name] = found
    if "source" not in fields:
        raise KeyError("source")
    lost = tuple(header for header in ("lost", "lost status") if header in headers and header not in fields.values())
    return Profile(
        name=GENERIC,
        title=GENERIC_TITLE,
        provider=GENERIC,
        kind="pages" if pages else "domains",
        required=frozenset({fields["source"]}),
        fields=fields,
        lost_if_filled=lost,
    )
