"""The rows of a judged gap as prospects know them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.domain.gap import Follow
from app.domain.ranking import rank_key
from app.gaps import judging
from app.gaps.analyze import Analysis


def evidence(analysis: Analysis) -> Iterator[dict[str, Any]]:
    """The rows of a judged gap as prospects know them; `stays` is False for a row that links to us or was removed,
    `told_by` are the competitors whose own list calls a link lost."""
    with_data = int(analysis.summary["competitors_with_data"])
    marks = _Marks(len(analysis.competitors))
    for row in judging.rows(analysis.engine):
        removed_by = row["removed_by"].split("|") if row["removed_by"] else []
        page = row["fit_page"]
        yield {
            **row,
            "stays": row["tier"] is not None and not removed_by,
            "competitors": row["competitors"].split("|") if row["competitors"] else [],
            "told_by": [name for side, name in enumerate(analysis.competitors, 1) if row["mask_lost"] >> side & 1],
            "follow": marks.of(row["mask"], row["mask_followed"], row["mask_unsure"]),
            "language": row["language"][:64] if row["language"] else None,
            "best_page_title": row["title"],
            "best_page_author": row["author"][:200] if row["author"] else None,
            "fit_page_id": int(page) if page else None,
            "removed_by": removed_by,
            "rank_key": rank_key(
                tier=row["tier"],
                mention=None,
                overlap=row["overlap"],
                competitors=with_data,
                dofollow=row["dofollow"],
                percentile=row["authority_percentile"],
                first_seen=row["first_seen"],
                winnability=row["winnability"],
                fit=row["fit"],
                gate=row["gate"],
            ),
        }


class _Marks:
    """The letters of `Prospect.follow`; the sets of competitors are few, so each text is made once."""

    def __init__(self, competitors: int) -> None:
        self._sides = range(1, competitors + 1)
        self._made: dict[tuple[int, int, int], str] = {}

    def of(self, mask: int, followed: int, unsure: int) -> str:
        key = (mask, followed, unsure)
        if key not in self._made:
            linking = [1 << side for side in self._sides if mask >> side & 1]
            kinds = (
                Follow.FOLLOWED if followed & bit else Follow.UNKNOWN if unsure & bit else Follow.NOT_FOLLOWED
                for bit in linking
            )
            self._made[key] = "".join(kinds)
        return self._made[key]
