"""The lists of `words.toml`, as the patterns that rules in Python and in the engine go by."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from app.domain.winnability import Rule, folders, phrases, segments


@dataclass(frozen=True, slots=True)
class RemovalWords:
    """How a removal is seen: hosts, and RE2 patterns over the first label of the host and over the path; and page types."""

    name: str
    why: str
    hosts: tuple[str, ...] = ()
    label: str | None = None
    path: str | None = None
    page_type: tuple[str, ...] = ()


@cache
def _lists() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("app.gaps").joinpath("words.toml").read_text(encoding="utf-8"))


@cache
def removals() -> tuple[RemovalWords, ...]:
    """The removals that go by words: press-release, directory, blogroll, and one `vertical-NAME` for each other vertical."""
    lists = dict(_lists()["removal"])
    verticals = lists.pop("vertical")
    found = [
        RemovalWords(
            name,
            one["why"],
            tuple(one.get("hosts", ())),
            segments(one["labels"]) if "labels" in one else None,
            folders(one["path"]) if "path" in one else None,
            tuple(one.get("page_type", ())),
        )
        for name, one in lists.items()
    ]
    for name, one in verticals.items():
        pattern = segments(one["words"])
        found.append(RemovalWords(f"vertical-{name}", one["why"], (), pattern, pattern))
    return tuple(found)


def seller_pattern() -> str:
    """A pattern for the names by which links are sold, over the first label of a host."""
    return segments(_lists()["seller"]["labels"])


@cache
def seller() -> re.Pattern[str]:
    """The same, compiled."""
    return re.compile(seller_pattern())


def seller_family() -> int:
    """From how many sources of one family on such names are taken for a network."""
    return int(_lists()["seller"]["family"])


@cache
def common_names() -> frozenset[str]:
    """Words that many houses are called by."""
    return frozenset(_lists()["sister"]["common"])


@cache
def winnability_rules() -> tuple[Rule, ...]:
    """The rules of `app.domain.winnability` that go by words."""
    return tuple(
        Rule(
            name,
            one["why"],
            int(one["weight"]),
            re.compile(folders(one["path"])) if "path" in one else None,
            re.compile(segments(one["slug"])) if "slug" in one else None,
            re.compile(phrases(one["text"])) if "text" in one else None,
            tuple(one.get("page_type", ())),
        )
        for name, one in _lists()["win"].items()
    )
