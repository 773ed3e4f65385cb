"""The order of the queue as one sortable text, so that a page of it is one index range on either database."""

from __future__ import annotations

from datetime import date

from app.domain.mention_verdict import MentionVerdict
from app.domain.winnability import bucket_of

#: Stands where the tier stands, behind every tier: a gate is closed, so the row waits until a person opens it.
GATED = "8"
#: Where the fit begins in a key (from 0) and how long it is; before it stands the dofollow, behind it the rating and the first date.
FIT_AT, FIT_LENGTH = 7, 3
#: The end of a key of which neither the rating nor the first date is known, and the length of a whole key.
UNRATED = "9999" + "99999999"
#: Stands where nobody knows the dofollow.
FOLLOW_UNKNOWN = "1"
RANK_LENGTH = FIT_AT + FIT_LENGTH + len(UNRATED)


def rank_key(
    *,
    tier: int | None,
    mention: MentionVerdict | None,
    overlap: int | None,
    competitors: int,
    dofollow: bool | None,
    percentile: float | None,
    first_seen: date | None,
    winnability: int | None = None,
    fit: int | None = None,
    gate: str | None = None,
) -> str:
    """Smaller is earlier: tier, then unlinked mentions, the chance (likely, possible, unlikely), overlap share, dofollow,
    topic fit, authority by its `percentile`, first seen. A closed `gate` (a paid link, a link to us by our own list) stands behind every tier.

    `overlap` is how many of the `competitors` (with data) link; `percentile`, 0 to 100, is that of the rating among the ratings
    of the same tool (`docs/explanation/gap.md`), because no two tools have one scale. Unknown stands behind the best and
    before the worst where that is fair (dofollow: between yes and no; fit: before the pages that share no word with ours), else last.
    """
    share = 0.0 if not overlap or competitors <= 0 else min(1.0, overlap / competitors)
    follow = {True: "0", None: FOLLOW_UNKNOWN, False: "2"}[dofollow]
    strength = "9999" if percentile is None else f"{1000 - round(max(0.0, min(100.0, percentile)) * 10):04d}"
    chance = "1" if winnability is None else {"likely": "0", "possible": "1", "unlikely": "2"}[bucket_of(winnability)]
    return "".join(
        (
            GATED if gate else str(min(max(tier or 9, 1), 9)),
            "0" if mention is MentionVerdict.UNLINKED_MENTION else "1",
            chance,
            f"{100 - round(share * 100):03d}",
            follow,
            _fit(fit),
            strength,
            first_seen.strftime("%Y%m%d") if first_seen else "99999999",
        )
    )


def _fit(fit: int | None) -> str:
    return "100" if fit is None else f"{100 - fit:03d}" if 0 < fit <= 100 else "101"


def with_fit(key: str, fit: int | None) -> str:
    """The key with another fit in it; one that is no whole key stays as it is."""
    return key[:FIT_AT] + _fit(fit) + key[FIT_AT + FIT_LENGTH :] if len(key) == RANK_LENGTH else key
