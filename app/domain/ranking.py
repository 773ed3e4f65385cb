"""The order of the queue as one sortable text, so that a page of it is one index range on either database."""

from __future__ import annotations

from datetime import date

from app.domain.mention_verdict import MentionVerdict
from app.domain.winnability import bucket_of

#: Stands where the tier stands, behind every tier: a gate is closed, so the row waits until a person opens it.
GATED = "8"


def rank_key(
    *,
    tier: int | None,
    mention: MentionVerdict | None,
    overlap: int | None,
    competitors: int,
    dofollow: bool | None,
    authority: float | None,
    first_seen: date | None,
    winnability: int | None = None,
    gate: str | None = None,
) -> str:
    """Smaller is earlier: tier, then unlinked mentions, the chance (likely, possible, unlikely), overlap share, dofollow,
    authority, first seen. A closed `gate` (a seller's name, a paid link) stands behind every tier.

    `overlap` is how many of the `competitors` (with data) link; `authority` 0 to 100 on its provider's scale. Unknown
    stands behind the best and before the worst where that is fair (dofollow: between yes and no), else last.
    """
    share = 0.0 if not overlap or competitors <= 0 else min(1.0, overlap / competitors)
    follow = {True: "0", None: "1", False: "2"}[dofollow]
    strength = "9999" if authority is None else f"{1000 - round(max(0.0, min(100.0, authority)) * 10):04d}"
    chance = "1" if winnability is None else {"likely": "0", "possible": "1", "unlikely": "2"}[bucket_of(winnability)]
    return "".join(
        (
            GATED if gate else str(min(max(tier or 9, 1), 9)),
            "0" if mention is MentionVerdict.UNLINKED_MENTION else "1",
            chance,
            f"{100 - round(share * 100):03d}",
            follow,
            strength,
            first_seen.strftime("%Y%m%d") if first_seen else "99999999",
        )
    )


def rank_reason(
    *,
    tier: int | None,
    mention: MentionVerdict | None,
    overlap: int | None,
    competitors: int,
    gate: str | None = None,
) -> str:
    """Why it stands where it stands, in a few words for the page."""
    parts = [f"Tier {tier}" if tier else "no tier yet"]
    if gate:
        parts.append(f"behind every tier: {gate}")
    if overlap:
        parts.append(f"links to {overlap} of {competitors} competitors")
    if mention is MentionVerdict.UNLINKED_MENTION:
        parts.append("mentions you")
    return " · ".join(parts)
