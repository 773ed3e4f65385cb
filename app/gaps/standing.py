"""Prospects that are no gap any more: what the newest lists prove of them, and where a link to us is seen.

The rows themselves are written by `repository.upsert`; a link to us gets its place here, because only few prospects have one
and our own files are read once more for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlmodel import col

from app.db.work import Database, UnitOfWork
from app.domain.gap import LINKED_BY_DATA, GapState
from app.domain.pipeline import Stage
from app.gaps import kept
from app.gaps.amend import ALL
from app.gaps.analyze import Analysis
from app.gaps.changes import Compared
from app.gaps.keying import ask, keyed, resolved
from app.gaps.repository import Proof
from app.gaps.sums import page, without_mentions
from app.models import Prospect, Snapshot


def proof(snapshots: Sequence[Snapshot], analysis: Analysis, compared: Compared) -> Proof:
    """Whose lists can prove by what they lack that a link is gone: see `app.gaps.changes.compare`."""
    whole = {one.target for one in snapshots} - compared.proves_nothing
    return Proof(
        compared.proves_nothing.isdisjoint(analysis.own_domains),
        frozenset(analysis.competitors),
        frozenset(whole & set(analysis.competitors)),
    )


def take_back(uow: UnitOfWork, site_id: int) -> None:
    """Let those be gaps again of which a person has looked and says that our lists are wrong."""
    prospects = {one.domain: one for one in uow.session.execute(_linked(site_id)).scalars()}
    for one in kept.listing(uow, site_id) if prospects else ():
        if one.rule not in (ALL, LINKED_BY_DATA):
            continue
        for domain in [one.domain] if one.domain else list(prospects):
            if (prospect := prospects.pop(domain, None)) is not None:
                prospect.gap_state = prospect.gap_seen = None
                prospect.rank_key = f"{min(max(prospect.tier or 9, 1), 9)}{prospect.rank_key[1:]}"
    uow.session.flush()


def note_where(db: Database, site_id: int, analysis: Analysis) -> None:
    """Write for each prospect that our lists show to link to us where they show it; a page that is new is due to be looked at.

    Comes after the states were written, which keep the prospect from a pitch already: our files are read outside of any
    transaction, wherever they lie.
    """
    with db.read() as uow:
        domains = [one.domain for one in uow.session.execute(_linked(site_id)).scalars()]
    places = _places(analysis, domains) if domains and analysis.ours else {}
    if not places:
        return
    with db.work() as uow:
        for prospect in uow.session.execute(_linked(site_id)).scalars():
            seen = places.get(prospect.domain)
            if seen is None:
                continue
            before = (prospect.gap_seen or {}).get("page")
            prospect.gap_seen = seen
            waiting = prospect.stage in (Stage.PROSPECT, Stage.CHECKED_MENTION)
            if waiting and seen.get("page") and seen["page"] != before:
                # The link decides: where the look finds it, the prospect is won.
                prospect.mention_due_at, prospect.mention_tries = uow.now(), 0


def _linked(site_id: int) -> Select[Any]:
    return select(Prospect).where(col(Prospect.site_id) == site_id, col(Prospect.gap_state) == GapState.LINKED)


def _places(analysis: Analysis, domains: Sequence[str]) -> dict[str, dict[str, Any]]:
    """For each of the domains the best of its links to us: the file and its date, and the page with its target where it has one."""
    engine = analysis.engine
    rows = " UNION ALL BY NAME ".join(
        f"SELECT *, {number} AS file FROM ({without_mentions(one)})"
        for number, (one, _report) in enumerate(analysis.ours)
    )
    engine.run("CREATE OR REPLACE TABLE sought AS SELECT unnest(?::VARCHAR[]) AS domain", [list(domains)])
    engine.run(f"CREATE OR REPLACE TEMP VIEW our_link AS SELECT * FROM {keyed(rows)} WHERE NOT coalesce(lost, false)")
    ask(engine, "our_link")
    found = engine.run(
        f"""SELECT key, min_by(file, best), min_by(source_url, best), min_by(target_url, best) FROM (
            SELECT key, file, coalesce(source_url, '') AS source_url, coalesce(target_url, '') AS target_url,
                concat((source_url IS NULL)::INTEGER, {page()}) AS best
            FROM {resolved(engine, "our_link")} JOIN sought ON sought.domain = key)
        GROUP BY key"""
    )
    engine.run("DROP VIEW our_link")
    places = {}
    for key, number, url, target in found:
        report = analysis.ours[int(number)][1]
        seen: dict[str, Any] = {"file": report.file, "as_of": report.as_of.isoformat() if report.as_of else None}
        places[str(key)] = seen | ({"page": url, "target": target or None} if url else {})
    return places
