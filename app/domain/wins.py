"""Which seen links are a win by themselves, and which of them a person has to look at first. Pure."""

from __future__ import annotations

from dataclasses import replace

from app.domain.link_verdict import Finding, SeenLink
from app.domain.mention_verdict import MentionVerdict

#: The reason of a page whose only links to us may be no work of its editor.
POSSIBLE = "possible-link"


def why_doubtful(link: SeenLink) -> str:
    """Why a link is no win by itself, as a sentence; "" for one that is."""
    if link.hidden:
        return "There is a link to us that readers do not see; somebody has to look whether it is a win."
    if "ugc" in link.kinds and link.match != "page":
        return (
            "A visitor's text links to our site, and not to one of our pages; somebody has to look whether it is a win."
        )
    return ""


def as_a_win(finding: Finding) -> Finding:
    """The finding as a prospect may be won by it: with the best of its links that is a win, or in doubt where none is.

    For a link that was won already nothing changes: that it is hidden now is seen, and is no loss.
    """
    if finding.verdict is not MentionVerdict.LINKED or finding.link is None:
        return finding
    sure = [link for link in finding.links if not why_doubtful(link)]
    if sure:
        return replace(finding, links=(*sure, *(link for link in finding.links if link not in sure)))
    return replace(
        finding,
        verdict=MentionVerdict.COULD_NOT_CHECK,
        reason=POSSIBLE,
        sentence=why_doubtful(finding.link),
        good_fetch=False,
    )
