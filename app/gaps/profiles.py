"""What a format of an export is: which headers name it, and which header fills which field of a backlink row.

Headers are compared after `normal_header`, by name and never by position: the tools add, drop and reorder columns between
versions. The formats themselves are in `app.gaps.formats`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

#: Fields of a backlink row and how their cells are read (`app.gaps.rows` has the conversions).
FIELD_TYPES: Mapping[str, str] = {
    "source": "text",  # a URL (kind `pages`) or a host (kinds `domains` and `matrix`)
    "title": "text",
    "target_url": "text",
    "anchor": "text",
    "left_context": "text",
    "right_context": "text",
    "language": "text",
    "link_type": "text",
    "page_type": "text",
    "platform": "text",
    "author": "text",
    "country": "text",
    "lost_reason": "text",
    "nofollow": "bool",
    "nofollow_flag": "flag",
    "ugc": "bool",
    "sponsored": "bool",
    "follow": "follow",
    "spam": "bool",
    "in_content": "bool",
    "rendered": "bool",
    "raw": "bool",
    "sitewide": "bool",
    "image": "flag",
    "old_crawl": "flag",  # seen at an earlier crawl and not again since
    "mention": "flag",  # the brand is named there without a link
    "redirect": "flag",  # what the tool counts is a redirect, and no link in a page: becomes a `link_type`
    "frame": "flag",  # the same of a frame
    "spam_score": "number",  # 0 to 100; above SPAM_SCORE it is `spam`
    "authority": "number",
    "page_authority": "number",
    "traffic": "integer",
    "page_traffic": "integer",
    "http_code": "integer",
    "target_code": "integer",
    "external_links": "integer",
    "links": "integer",
    "dofollow_links": "integer",
    "links_in_group": "integer",
    "first_seen": "date",
    "last_seen": "date",
}

#: Above so many of 100 a tool's own score calls a site spam; the pulls go by the same.
SPAM_SCORE = 60

#: Fields that are read and go into another column of the row.
PARTS = frozenset({"redirect", "frame", "spam_score"})


@dataclass(frozen=True, slots=True)
class Profile:
    """One format of one tool.

    `fields` maps a field of FIELD_TYPES to the header that holds it (`a|b`: the first of these that is there); `lost_if_filled` and `lost_if_true` name the headers
    that say a link is gone (filled with anything, or with anything but a word for no); `caps` are the row counts at which the tool cuts an export (empty: not known).
    """

    name: str
    title: str
    provider: str
    kind: str  # pages: one link a row; domains: one source domain a row; matrix: one source domain a row, one column a target
    required: frozenset[str]
    fields: Mapping[str, str]
    lost_if_filled: tuple[str, ...] = ()
    lost_if_true: tuple[str, ...] = ()
    caps: tuple[int, ...] = ()
    sample: bool = False  # the tool shows some of the links only: what is missing in it proves nothing
    filtered: bool = (
        False  # the file does not say which tab or filter it was made from: what is missing in it proves nothing
    )
    own_only: bool = False  # the tool shows only properties that the person owns
    not_targets: frozenset[str] = field(default_factory=frozenset)  # matrix: headers that are no target column
    any_of: frozenset[str] = field(default_factory=frozenset)  # besides `required`, one of these (where there are any)
    lenient: bool = False  # matrix: columns that name no domain are passed over instead of refused
    pages: bool = False  # matrix: the source is a page
    repeats: bool = False  # pages: a link may stand on several rows and counts once
    whole: bool = (
        False  # we made the file of all that was to be had: another one of its day is no other part of the list
    )

    @property
    def headers(self) -> frozenset[str]:
        """Every header that has a meaning in this format."""
        named = {header for headers in self.fields.values() for header in headers.split("|")}
        return self.required | self.any_of | named | set(self.lost_if_filled) | set(self.lost_if_true)


def normal_header(cell: str) -> str:
    """A header as it is compared: no BOM, no leading `#`, single spaces, case folded."""
    return re.sub(r"\s+", " ", cell.replace("\ufeff", "").strip().strip('"').lstrip("#")).strip().casefold()
