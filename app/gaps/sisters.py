"""The sources in a finished judgement that are of a competitor's house, or only look like it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.sisters import House, Likeness, likeness
from app.gaps.engine import Engine
from app.gaps.words import common_names
from app.keys import name_of, registrable_domain

_EXAMPLES = 10


def houses(names: Sequence[str], listed: Mapping[str, Sequence[str]]) -> list[House]:
    """The competitors with the domains that are listed for each; `listed` goes by the competitor's registrable domain."""
    found = []
    for given in names:
        domain = registrable_domain(given) or given
        sisters = tuple(key for one in listed.get(domain, ()) if (key := registrable_domain(one)))
        found.append(House(domain, name_of(domain) or domain.partition(".")[0], sisters))
    return found


def mark(engine: Engine, known: Sequence[House]) -> list[Likeness]:
    """Make `sister` (key, house: what was seen) from `judged`; return the sources that only look like a competitor, with the reason."""
    engine.run("CREATE OR REPLACE TABLE sister (key VARCHAR, house VARCHAR)")
    engine.run(
        "CREATE OR REPLACE TABLE sister_name AS SELECT unnest(?::VARCHAR[]) AS name", [[one.name for one in known]]
    )
    keys = [key for one in known for key in one.sisters]
    engine.run("CREATE OR REPLACE TABLE sister_key AS SELECT unnest(?::VARCHAR[]) AS key", [keys])
    # Few sources bear a competitor's name, so these are looked at one by one.
    found = engine.run(
        """SELECT key, mask FROM judged WHERE links_to_us = 0 AND (key IN (SELECT key FROM sister_key)
            OR split_part(key, '.', 1) IN (SELECT name FROM sister_name)) AND key NOT IN (SELECT key FROM rival)
            AND key NOT IN (SELECT key FROM own) ORDER BY key"""
    )
    alike = []
    for key, mask in found:
        linked = {one.domain for side, one in enumerate(known, 1) if mask & 1 << side}
        seen = likeness(key, name_of(key), linked, known, common_names())
        if seen is not None and seen.sister:
            engine.run("INSERT INTO sister VALUES (?, ?)", [key, seen.why])
        elif seen is not None:
            alike.append(Likeness(key, False, f"called like {seen.domain}, but kept: {seen.why}"))
    return alike


def report(alike: Sequence[Likeness]) -> dict[str, Any]:
    """JSON-ready: sources that bear a competitor's name and stay, with the reason why they were not taken for a sister."""
    examples = [{"domain": one.domain, "why": one.why} for one in alike[:_EXAMPLES]]
    return {"count": len(alike), "examples": examples}
