"""The exports of SE Ranking: backlinks of any domain, and those of a project."""

from __future__ import annotations

from app.gaps.profiles import Profile

SE_RANKING = Profile(
    name="se-ranking",
    title="SE Ranking, backlinks",
    provider="se-ranking",
    kind="pages",
    required=frozenset({"url_from", "url_to", "inlink_rank"}),
    fields={
        "source": "url_from",
        "title": "title",
        "target_url": "url_to",
        "anchor": "anchor",
        "nofollow": "nofollow",
        "image": "image",
        "authority": "domain_inlink_rank",
        "page_authority": "inlink_rank",
        "first_seen": "first_seen",
        "last_seen": "last_visited",
    },
)

SE_RANKING_PROJECT = Profile(
    name="se-ranking-project",
    title="SE Ranking, backlinks of a project",
    provider="se-ranking",
    kind="pages",
    required=frozenset({"from_url", "to_url", "is_nofollow"}),
    fields={
        "source": "from_url",
        "target_url": "to_url",
        "anchor": "anchor",
        "nofollow": "is_nofollow",
        "sponsored": "is_sponsored",
        "ugc": "ugc",
        "image": "is_image",
        "http_code": "http_status",
        "first_seen": "date_added",
    },
    lost_if_filled=("date_lost",),
    lost_if_true=("is_link_not_found",),
)
