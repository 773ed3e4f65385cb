"""Whether a link can be won by writing to somebody: rules over one link, each with the words that it goes by.

A rule that speaks adds its weight to a score that begins at BASE and stays between 0 and 100. It never hides a row: what takes
a row off the list is a removal (`app.domain.gap`), and this score only orders and explains what is left. The lists are data
(`app/gaps/words.toml`); this module knows how they are compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

BASE = 50
#: Buckets for people: at least this many points.
LIKELY, POSSIBLE = 60, 35

#: Rules that come from flags and not from words, with their weights.
FLAG_WEIGHTS = {
    "paid": -45,
    "user-generated": -40,
    "badge": -35,
    "link-network": -50,
    "in-content": 15,
    "not-in-content": -10,
    "logo": -15,
}
FLAG_WHY = {
    "paid": "the link is marked as sponsored",
    "user-generated": "the link is marked as user-generated",
    "badge": "the link stands on every page",
    "link-network": "the name is one by which links are sold",
    "in-content": "the link stands in the text",
    "not-in-content": "the link stands outside of the text",
    "logo": "the link is an image without words",
}


#: Rules that keep a row out of the tiers until a person says otherwise: whoever sells links links to everybody.
GATES = ("link-network", "paid")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the files say about one link; None is unknown. `page` is its URL, `domain` the key of its site."""

    domain: str
    page: str = ""
    anchor: str = ""
    title: str = ""
    left: str = ""
    right: str = ""
    page_type: str = ""
    link_type: str = ""
    sponsored: bool | None = None
    ugc: bool | None = None
    sitewide: bool | None = None
    in_content: bool | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of words: any of them makes it speak."""

    name: str
    why: str
    weight: int
    path: re.Pattern[str] | None = None
    slug: re.Pattern[str] | None = None
    text: re.Pattern[str] | None = None
    page_type: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score: the rule, what it adds, and what it was seen by (`where: words`)."""

    rule: str
    points: int
    why: str
    seen: str


@dataclass(frozen=True, slots=True)
class Winnability:
    """The score, its parts in the order of the rules, and the bucket: likely, possible or unlikely."""

    score: int
    parts: tuple[Part, ...] = field(default=())

    @property
    def bucket(self) -> str:
        """The word for people."""
        return bucket_of(self.score)

    @property
    def gate(self) -> str | None:
        """The rule that keeps the row out of the tiers, or None."""
        spoken = {part.rule for part in self.parts}
        return next((rule for rule in GATES if rule in spoken), None)


def bucket_of(score: int) -> str:
    """The bucket of a score: likely, possible or unlikely."""
    return "likely" if score >= LIKELY else "possible" if score >= POSSIBLE else "unlikely"


def segments(words: Sequence[str]) -> str:
    """A pattern for whole parts of a path or a host, between / . _ - and the ends; fits both Python and RE2."""
    listed = "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))
    return rf"(?:^|[/._-])({listed})(?:[/._-]|$)"


def folders(words: Sequence[str]) -> str:
    """A pattern for whole folders of a path; fits both Python and RE2."""
    listed = "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))
    return rf"/({listed})(?:[/.]|$)"


def phrases(words: Sequence[str]) -> str:
    """A pattern for whole words in a text."""
    listed = "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))
    return rf"(?<!\w)({listed})(?!\w)"


def path_of(page: str) -> str:
    """The path of a URL in lower case, without query and fragment; "" for a bare host."""
    rest = re.split(r"[?#]", page.partition("://")[2] or page, maxsplit=1)[0]
    return "/" + rest.partition("/")[2].lower() if "/" in rest else ""


def judge(evidence: Evidence, rules: Sequence[Rule], seller: re.Pattern[str] | None = None) -> Winnability:
    """The winnability of one link. Each rule counts once, however often it is seen; flags come before words."""
    parts: dict[str, Part] = {}

    def add(rule: str, points: int, why: str, seen: str) -> None:
        parts.setdefault(rule, Part(rule, points, why, seen))

    for rule, said in _flags(evidence, seller).items():
        add(rule, FLAG_WEIGHTS[rule], FLAG_WHY[rule], said)
    path = path_of(evidence.page)
    texts: Mapping[str, str] = {
        "anchor": evidence.anchor,
        "title": evidence.title,
        "before the link": evidence.left,
        "after the link": evidence.right,
    }
    for one in rules:
        kind = next((kind for kind in one.page_type if evidence.page_type.startswith(kind)), None)
        if kind:
            add(one.name, one.weight, one.why, f"page type: {evidence.page_type}")
        elif (one.path and (found := one.path.search(path))) or (one.slug and (found := one.slug.search(path))):
            add(one.name, one.weight, one.why, f"path: {found[1]}")
        elif one.text:
            hit = next(
                ((where, found[1]) for where, text in texts.items() if (found := one.text.search(text.lower()))), None
            )
            if hit:
                add(one.name, one.weight, one.why, f"{hit[0]}: {hit[1]}")
    score = BASE + sum(part.points for part in parts.values())
    return Winnability(min(max(score, 0), 100), tuple(parts.values()))


def _flags(evidence: Evidence, seller: re.Pattern[str] | None) -> dict[str, str]:
    found: dict[str, str] = {}
    if evidence.sponsored:
        found["paid"] = "flag: sponsored"
    if evidence.ugc:
        found["user-generated"] = "flag: ugc"
    if evidence.sitewide:
        found["badge"] = "flag: sitewide"
    if seller and (named := seller.search(evidence.domain.partition("/")[0].partition(".")[0])):
        found["link-network"] = f"domain: {named[1]}"
    if evidence.in_content is not None:
        found["in-content" if evidence.in_content else "not-in-content"] = (
            f"content: {str(evidence.in_content).lower()}"
        )
    if evidence.link_type == "image" and not evidence.anchor:
        found["logo"] = "link type: image"
    return found
