"""What a list of a mention tool says: which column names the page, which rows count, and where a forwarding address leads. Pure rules."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

# Headers of the columns in which mention tools put the page, without spaces and marks, the plainest first.
_COLUMNS = (
    ("mentionurl", "mentionlink", "pageurl", "sourceurl", "articleurl", "posturl", "contenturl", "resulturl", "permalink"),
    ("url", "link", "page", "address", "source", "webpage", "uri"),
)  # fmt: skip
_MENTION_FLAG = "flagmention"
_GONE_FLAGS = ("flagdeleted", "flagoldcrawl")
_NO = frozenset({"", "0", "-", "false", "no", "n"})

# What stands there is a post of anybody: no editor can put a link into it. Facts collected for this project.
_POSTS = frozenset(
    {
        "bsky.app", "facebook.com", "fb.com", "instagram.com", "linkedin.com", "lnkd.in", "mastodon.social", "ok.ru",
        "pinterest.com", "quora.com", "reddit.com", "snapchat.com", "t.co", "t.me", "threads.com", "threads.net", "tiktok.com",
        "twitter.com", "vk.com", "whatsapp.com", "x.com",
    }
)  # fmt: skip


def plain_header(cell: str) -> str:
    """A header as it is compared: letters and digits only, in lower case."""
    return "".join(c for c in cell.casefold() if c.isalnum())


def page_column(headers: Sequence[str]) -> int | None:
    """The column that holds the address of the page; None where no header says so."""
    names = [plain_header(cell) for cell in headers]
    return next((names.index(one) for group in _COLUMNS for one in group if one in names), None)


def marks_mentions(headers: Sequence[str]) -> bool:
    """Whether this is a Majestic table, whose flag says which rows are mentions and which are links."""
    return _MENTION_FLAG in [plain_header(cell) for cell in headers]


def why_not(headers: Sequence[str], row: Sequence[str]) -> str | None:
    """Why a row of such a table names no mention that stands there now: `link` or `gone`; None where it counts."""
    flags = {plain_header(name): cell.strip().casefold() not in _NO for name, cell in zip(headers, row, strict=False)}
    if not flags.get(_MENTION_FLAG, True):
        return "link"
    return "gone" if any(flags.get(name) for name in _GONE_FLAGS) else None


def leads_to(url: str) -> str:
    """The page behind a forwarding address of Google (alerts send `google.com/url?...&url=PAGE`); else the address itself."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return url
    host = (parts.hostname or "").removeprefix("www.")
    if parts.path == "/url" and host.startswith("google.") and host.count(".") <= 2:
        given = parse_qs(parts.query)
        return next((given[name][0] for name in ("url", "q") if given.get(name)), url)
    return url


def is_post(key: str) -> bool:
    """Whether the site (a key of `app.keys.site_key`) is a network whose posts nobody can add a link to."""
    return key.partition("/")[0] in _POSTS
