"""The exports of Moz: inbound links and linking domains. Its newer tables write PA and DA for the two authorities."""

from __future__ import annotations

from app.gaps.profiles import Profile

_AUTHORITY, _PAGE_AUTHORITY = "domain authority|da", "page authority|pa"
_OF_MOZ = frozenset(_AUTHORITY.split("|"))

MOZ_LINKS = Profile(
    name="moz-links",
    title="Moz, Inbound links",
    provider="moz",
    kind="pages",
    required=frozenset({"url", "target url"}),
    any_of=_OF_MOZ,
    fields={
        "source": "url",
        "title": "title",
        "target_url": "target url",
        "anchor": "anchor text",
        "follow": "link equity",
        "authority": _AUTHORITY,
        "page_authority": _PAGE_AUTHORITY,
        "spam_score": "spam score",
    },
    repeats=True,
)

MOZ_DOMAINS = Profile(
    name="moz-domains",
    title="Moz, Linking domains",
    provider="moz",
    kind="domains",
    required=frozenset({"root domain"}),
    any_of=_OF_MOZ,
    fields={"source": "root domain", "authority": _AUTHORITY, "links": "links", "spam_score": "spam score"},
)
