"""The exports of Majestic, and the answers of its API saved as CSV."""

from __future__ import annotations

from app.gaps.profiles import Profile

MAJESTIC_BACKLINKS = Profile(
    name="majestic-backlinks",
    title="Majestic, Backlinks",
    provider="majestic",
    kind="pages",
    required=frozenset({"source url", "target url", "flagnofollow"}),
    fields={
        "source": "source url",
        "target_url": "target url",
        "anchor": "anchor text",
        "nofollow_flag": "flagnofollow",
        "image": "flagimagelink",
        "old_crawl": "flagoldcrawl",
        "mention": "flagmention",
        "redirect": "flagredirect",
        "frame": "flagframe",
        "page_authority": "sourcetrustflow",
        "first_seen": "source first found date",
        "last_seen": "source crawl date",
    },
    lost_if_true=("flagdeleted",),
)

MAJESTIC_API = Profile(
    name="majestic-api",
    title="Majestic, GetBackLinkData",
    provider="majestic",
    kind="pages",
    required=frozenset({"sourceurl", "targeturl", "flagnofollow"}),
    fields={
        "source": "sourceurl",
        "target_url": "targeturl",
        "anchor": "anchortext",
        "nofollow_flag": "flagnofollow",
        "image": "flagimages",
        "old_crawl": "flagoldcrawl",
        "mention": "flagmention",
        "redirect": "flagredirect",
        "frame": "flagframe",
        "page_authority": "sourcetrustflow",
        "first_seen": "firstindexeddate",
        "last_seen": "lastseendate",
        "lost_reason": "reasonlost",
    },
    lost_if_filled=("datelost",),
    lost_if_true=("flagdeleted",),
)
