"""Facts as they lie in the database, and back."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

from app.domain.angles import CoverageFact, CoveredArticle, LinkedFact, LinkedFault


def linked_row(fact: LinkedFact | None) -> dict[str, Any] | None:
    """The fact about a linked page as JSON."""
    if fact is None:
        return None
    return asdict(fact) | {"fault": fact.fault.value, "on": fact.on.isoformat() if fact.on else None}


def linked_fact(row: dict[str, Any] | None) -> LinkedFact | None:
    """The way back; what an older release stored with a year only, or a section without its word, is no fact any more."""
    if not row:
        return None
    on = row.get("on")
    return LinkedFact(
        page=row["page"],
        fault=LinkedFault(row["fault"]),
        status=row.get("status"),
        redirect=row.get("redirect"),
        on=date.fromisoformat(on) if on else None,
        source=row.get("source"),
        says=row.get("says") or "",
        heading=row.get("heading"),
        word=row.get("word") or "",
    )


def coverage_row(fact: CoverageFact | None) -> dict[str, Any] | None:
    """The fact about a site's coverage as JSON."""
    if fact is None:
        return None
    articles = [asdict(one) | {"on": one.on.isoformat()} for one in fact.articles]
    return asdict(fact) | {"since": fact.since.isoformat(), "articles": articles}


def coverage_fact(row: dict[str, Any] | None) -> CoverageFact | None:
    """The way back."""
    if not row:
        return None
    articles = tuple(CoveredArticle(**(one | {"on": date.fromisoformat(one["on"])})) for one in row["articles"])
    return CoverageFact(**(row | {"since": date.fromisoformat(row["since"]), "articles": articles}))
