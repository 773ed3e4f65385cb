"""The lists of `words.toml`, as the patterns that rules in Python and in the engine go by."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from app.domain.winnability import (
    ACADEMIC,
    ENGLISH,
    Rule,
    folders,
    joined,
    label,
    named,
    numbered,
    phrases,
    segments,
    trade,
)


@dataclass(frozen=True, slots=True)
class RemovalWords:
    """How a removal is seen: hosts, and RE2 patterns over the first label of the host and over the path; and page types."""

    name: str
    why: str
    hosts: tuple[str, ...] = ()
    label: str | None = None
    path: str | None = None
    page_type: tuple[str, ...] = ()
    whole: str | None = None  # over the first label, too
    but: str | None = None  # over the path: what is there is seen by another word than those of its path
    profiles: tuple[str, ...] = ()  # `host/folder`, below which a page is seen whatever stands before the host
    not_on: str | None = None  # over the key: nothing is seen by the path on these hosts


@cache
def _lists() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("app.gaps").joinpath("words.toml").read_text(encoding="utf-8"))


@cache
def removals() -> tuple[RemovalWords, ...]:
    """The removals that go by words: press-release, directory, blogroll, and one `vertical-NAME` for each other vertical."""
    lists = dict(_lists()["removal"])
    verticals, about, common = lists.pop("vertical"), lists.pop("about"), _lists()["name"]["common"]
    found = [
        RemovalWords(
            name,
            one["why"],
            tuple(one.get("hosts", ())),
            segments(one["labels"]) if "labels" in one else None,
            folders(one["path"]) if "path" in one else None,
            tuple(one.get("page_type", ())),
            f"({joined(one['labels'], [*one['company'], *common])})" if "company" in one else None,
            _but(one),
            tuple(one.get("profiles", ())),
            None if one.get("academic", True) else ACADEMIC.pattern,
        )
        for name, one in lists.items()
    ]
    for name, one in verticals.items():
        listed = (one["certain"], one["phrases"], one["words"], one["company"], common)
        label, path = trade(*listed)
        hosts = tuple(one.get("hosts", ()))
        found.append(RemovalWords(f"vertical-{name}", one["why"], hosts, label, path, but=_but(about)))
    return tuple(found)


def _but(one: Mapping[str, list[str]]) -> str | None:
    """A pattern for what keeps a path: whole folders, and parts of a title."""
    kinds = [make(one[name]) for name, make in (("but", folders), ("but_title", segments)) if name in one]
    return "|".join(kinds) or None


def seller_words() -> tuple[str, ...]:
    """The names by which links are sold, in small letters."""
    return tuple(_lists()["seller"]["labels"])


def seller_pattern() -> str:
    """A pattern for these names, over the first label of a host."""
    return segments(seller_words())


@cache
def seller() -> re.Pattern[str]:
    """The same, compiled."""
    return re.compile(seller_pattern())


def seller_family() -> int:
    """From how many sources of one family on such names are taken for a network."""
    return int(_lists()["seller"]["family"])


def archive_pattern() -> str:
    """A pattern for folders under which a site shows its articles again."""
    return folders(_lists()["burst"]["archive"])


def news_host_pattern() -> str:
    """A pattern for how the names of news sites end (figures aside), over the first label of a host."""
    return rf"(?:{'|'.join(_lists()['burst']['news'])})\d*(?:-|$)"


#: A brand without what stands around it in a domain is told by this many letters and more.
_BRAND = 4


def brands(name: str) -> frozenset[str]:
    """What a house calls itself, out of its own label of a domain (`get-harvest`): `plain`, with and without what is common around it."""
    lists, whole = _lists()["burst"], plain(name)
    bare = re.sub(rf"^(?:{'|'.join(lists['before'])})", "", whole)
    ends = rf"(?:{'|'.join(lists['after'])})$"
    found = {bare, re.sub(ends, "", whole), re.sub(ends, "", bare)}
    return frozenset({whole, *(one for one in found if len(one) >= _BRAND)} - {""})


def plain(text: str) -> str:
    """A text as letters and figures alone: small, without accents, of any script."""
    parts = unicodedata.normalize("NFD", text.lower())
    return unicodedata.normalize("NFC", "".join(one for one in parts if one.isalnum()))


def news_path_pattern() -> str:
    """A pattern for folders of news."""
    return folders(_lists()["win"]["news-event"]["path"])


def news_types() -> tuple[str, ...]:
    """How the tools' own words for a page of news begin."""
    return tuple(_lists()["win"]["news-event"]["page_type"])


@cache
def common_names() -> frozenset[str]:
    """Words that many houses are called by."""
    return frozenset(_lists()["sister"]["common"])


@cache
def winnability_rules() -> tuple[Rule, ...]:
    """The rules of `app.domain.winnability` that go by words."""
    return tuple(
        Rule(
            one.get("rule", name),
            one["why"],
            int(one["weight"]),
            int(one.get("weight_of_words", one["weight"])),
            re.compile(folders(one["path"])) if "path" in one else None,
            re.compile(segments(one["slug"])) if "slug" in one else None,
            _texts(one.get("text", {}), one.get("sum", {})),
            label(one["label"]) if "label" in one else None,
            re.compile(phrases(one["title"])) if "title" in one else None,
            tuple(one.get("page_type", ())),
            re.compile(segments(one["host"])) if "host" in one else None,
            ACADEMIC if one.get("academic") else None,
            re.compile(rf"[\[(]\s*({phrases(one['mark'])})\s*[\])]") if "mark" in one else None,
            re.compile(numbered(one["numbered"])) if "numbered" in one else None,
            re.compile(named(one["named"])) if "named" in one else None,
            _unless(one["unless"]) if "unless" in one else None,
            bool(one.get("brief")),
        )
        for name, one in _lists()["win"].items()
    )


def _unless(words: list[str]) -> re.Pattern[str]:
    """These words in a text, and in a path with hyphens for blanks."""
    return re.compile(phrases([*words, *(word.replace(" ", "-") for word in words)]))


def _texts(by_language: Mapping[str, list[str]], sums: Mapping[str, list[str]]) -> dict[str, re.Pattern[str]]:
    """A pattern for each language, with the English words, and one under "" for pages in a language that is not known."""
    if not by_language:
        return {}

    def of(codes: Iterable[str]) -> re.Pattern[str]:
        words, before_sum = ({word for code in codes for word in one.get(code, ())} for one in (by_language, sums))
        return re.compile(phrases(sorted(words), sorted(before_sum)))

    return {"": of(list(by_language)), **{code: of([ENGLISH, code]) for code in by_language}}
