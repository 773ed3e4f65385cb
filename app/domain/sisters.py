"""Whether a source is a sister brand of a competitor: the same house under another name, which links to nobody but itself.

A name proves little: `theglobe.net` may be the Globe's own, `monday.org` is somebody else. So a source with a competitor's name
is taken for a sister only where the name is no common word, is long enough, and the source links to that very competitor. What
an operator lists is believed. Everything else that bears the name is a look-alike: it stays, and it is said.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

#: A shorter name is too often somebody else's, too.
MIN_NAME = 5


@dataclass(frozen=True, slots=True)
class House:
    """A competitor: its registrable domain, that domain without its public suffix, and the other domains of its house."""

    domain: str
    name: str
    sisters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a source is to a competitor; `sister` False: it bears the name, and nothing shows that it is of the house."""

    domain: str
    sister: bool
    why: str


def likeness(
    key: str, name: str | None, linked: Collection[str], houses: Sequence[House], common: Collection[str]
) -> Likeness | None:
    """What the source `key` is to one of `houses`; None where it has nothing of any of them.

    `name` is the source's registrable domain without its public suffix (None for a tenant of a platform, whose name anybody can
    take), `linked` the competitors that it links to, `common` the words that many people call themselves by.
    """
    for house in houses:
        if key in house.sisters:
            return Likeness(house.domain, True, f"listed with {house.domain}")
    label = name or key.partition(".")[0]
    for house in houses:
        if label != house.name or key == house.domain:
            continue
        if name is None:
            why = "a tenant of a platform can take any name"
        elif len(label) < MIN_NAME:
            why = f"a name of less than {MIN_NAME} letters"
        elif label in common or label.isdigit():
            why = "a common word"
        elif house.domain not in linked:
            why = "it does not link there"
        else:
            return Likeness(house.domain, True, f"the name of {house.domain}, which it links to")
        return Likeness(house.domain, False, why)
    return None
