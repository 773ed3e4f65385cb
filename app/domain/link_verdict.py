"""What a page says about us: the facts of a parsed page, and the verdict over them.

A link counts when it is a parsed `<a href>` that leads to one of our pages or domains, directly or through redirects.
Whatever keeps the page from being read in full is "could not check": it is never "no mention", and never "lost".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.keys import host_of
from app.domain.link_target import Matcher, Target, bare_host, matcher_of, on_domain, page_key, unmarked_key
from app.domain.mention import Mention, find_mention, quote_around
from app.domain.mention_verdict import MentionVerdict

_NOT_FOLLOWED = ("nofollow", "ugc", "sponsored")
_REDIRECT_SEGMENT = re.compile(
    r"/(?:out|go|goto|redirect|redir|away|exit|click|link|r|url|visit|recommends?|refer|track)(?:[/.?]|\Z)",
    re.IGNORECASE,
)
_ABOUT_US, _REDIRECTOR, _SLUG = 4, 2, 1
#: So many links that may lead to us are followed: those with a sign of it, and some of the others that leave the site.
_LIKELY, _OTHERS = 20, 5
# Large sites that do not redirect to others' pages by plain links: asking them costs time and tells nothing.
_NO_REDIRECTORS = frozenset(
    [
        "amazon",
        "apple",
        "bing",
        "facebook",
        "github",
        "google",
        "instagram",
        "linkedin",
        "mozilla",
        "pinterest",
        "reddit",
        "tiktok",
        "twitter",
        "wikipedia",
        "x",
        "youtube",
    ]
)


@dataclass(frozen=True, slots=True)
class LinkFact:
    """One `<a href>` or `<area href>` of a page.

    `url` is absolute, with an A-label host. `start` and `end` say where its text lies in `PageFacts.text`. `anchor` is
    the visible text, or the alternative text of its image when `image` is set. `hidden`: a style or attribute hides it.
    """

    url: str
    anchor: str
    rel: tuple[str, ...]
    start: int
    end: int
    image: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What was parsed from one page.

    `text` is the visible text with white space collapsed and a line break between blocks. `robots` are the directives of
    the meta tags and the X-Robots-Tag header that apply to search engines in general. `cut`: not all of the page was
    read. `needs_scripts`: the page has next to no text and loads scripts that would make it. `about`: what its meta tags
    say of it (name, text): description, date, section. `wall`: it is no page but what stands before one (challenge, maintenance,
    consent, gate), else "". `words`: how many words its text begins with, counted in 4,000 characters.
    `own_words`: how many there are outside of links, in all of it. `barred`: among those, or in what it says of itself, are words
    of a wall (not looked for where it links to us).
    """

    url: str
    title: str
    lang: str
    canonical: str | None
    robots: tuple[str, ...]
    text: str
    links: tuple[LinkFact, ...]
    cut: bool = False
    needs_scripts: bool = False
    about: tuple[tuple[str, str], ...] = ()
    wall: str = ""
    words: int | None = None
    own_words: int | None = None
    barred: bool = False


@dataclass(frozen=True, slots=True)
class SeenLink:
    """A link to us: `url` as it stands in the page, `final_url` ours, `via` the redirects in between.

    `match` is "page" or "site". `follow` is False when the page, its headers or the link's own rel say so; `kinds` are
    the reasons among nofollow, ugc, sponsored. `surrounding` is the text around the anchor.
    """

    url: str
    final_url: str
    match: str
    anchor: str
    rel: tuple[str, ...]
    follow: bool
    kinds: tuple[str, ...]
    surrounding: str
    image: bool = False
    hidden: bool = False
    via: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict about one page with its evidence.

    `reason` and `sentence` are set for could-not-check. `good_fetch` says that the page was read in full, or that its
    server said that it is gone: only such findings may count against a link. `unchanged_since` (UTC): the server said that the
    page is as it was then, and what is here was found then. `rendered`: it was looked at with its scripts run. `words`,
    `own_words` and `barred` are those of `PageFacts`, None where words were not counted.
    """

    verdict: MentionVerdict
    url: str
    reason: str = ""
    sentence: str = ""
    status: int | None = None
    final_url: str = ""
    links: tuple[SeenLink, ...] = ()
    mention: Mention | None = None
    title: str = ""
    lang: str = ""
    canonical: str | None = None
    robots: tuple[str, ...] = ()
    good_fetch: bool = False
    unchanged_since: datetime | None = None
    rendered: bool = False
    words: int | None = None
    own_words: int | None = None
    barred: bool = False

    @property
    def link(self) -> SeenLink | None:
        """The best of the links that were seen, or None."""
        return self.links[0] if self.links else None

    @property
    def canonical_elsewhere(self) -> bool:
        """Whether the page names another page as its original, so that search engines may not count its links."""
        return self.canonical is not None and unmarked_key(self.canonical) != unmarked_key(self.final_url or self.url)


@dataclass(frozen=True, slots=True)
class Followed:
    """Where a link of the page led: `final_url` and the redirects before it, or the `problem` why that is not known."""

    final_url: str = ""
    via: tuple[str, ...] = ()
    problem: str = ""


def judge(
    facts: PageFacts,
    target: Target,
    *,
    brands: Sequence[str] = (),
    others: Sequence[str] = (),
    followed: Mapping[str, Followed] | None = None,
) -> Finding:
    """The verdict over a page that was fetched with a good status. `followed` tells where links of the page lead."""
    followed = followed or {}
    ours = matcher_of(target)
    seen = [link for fact in facts.links if (link := _seen(facts, fact, ours, followed.get(fact.url)))]
    base = Finding(
        MentionVerdict.NO_MENTION,
        facts.url,
        final_url=facts.url,
        title=facts.title,
        lang=facts.lang,
        canonical=facts.canonical,
        robots=facts.robots,
        good_fetch=True,
        words=facts.words,
        own_words=facts.own_words,
        barred=facts.barred,
    )
    if seen:
        # The link that helps most stands for the page: on the page asked for, visible, followed, with words.
        seen.sort(key=lambda link: (link.match != "page", link.hidden, not link.follow, link.image, not link.anchor))
        return replace(base, verdict=MentionVerdict.LINKED, links=tuple(seen))
    found = replace(base, mention=find_mention(facts.text, [*brands, *target.domains], others))
    if facts.cut:
        return _unchecked(
            found, "cut", "The page is too large to be read in full, and the part that was read holds no link to us."
        )
    doubt = _unfollowed(facts, ours, [*brands, *target.domains], followed) if followed else ""
    if doubt:
        return _unchecked(found, "unfollowed-link", doubt)
    if followed and _beyond(facts, target, brands, followed):
        if found.mention is not None:
            sentence = "It names us, and has more links that may lead to us than are followed; look at them by hand."
            return _unchecked(found, "unfollowed-link", sentence)
        # It does not name us: no reason to keep anybody from it, and no proof that a link is gone.
        found = replace(found, good_fetch=False)
    if found.mention is not None:
        # A wall may name us; what is behind it is not known all the same.
        return replace(found, verdict=MentionVerdict.UNLINKED_MENTION, good_fetch=found.good_fetch and not facts.wall)
    if facts.wall:
        return _unchecked(found, COLLAPSED, _WALLS[facts.wall])
    if facts.needs_scripts:
        sentence = "The page shows its text only with scripts; nothing is visible without rendering."
        return _unchecked(found, "needs-rendering", sentence)
    return found


#: The reason of a page that has next to nothing of what it should show.
COLLAPSED = "page-collapsed"
_WALLS = {
    "challenge": "The server shows a check for humans instead of the page.",
    "maintenance": "The server shows a notice of maintenance or of a fault instead of the page.",
    "consent": "The server shows a question about cookies instead of the page.",
    "gate": "The server asks who we are, how old, or from where, instead of showing the page.",
}
#: A page that had more words than these and is left with less than a third of them is not believed to be all of it.
FEW_WORDS = 60


def collapsed(finding: Finding, words_before: int | None, own_before: int | None = None) -> Finding:
    """The finding over a page that held a link when it had `words_before` words, and `own_before` outside of links: in doubt where
    little is left, or where less is left and it speaks of a wall. None: not known.

    A page that leads elsewhere is another page, with words of its own: there only next to nothing, or a wall, is in doubt.
    """
    left, own = finding.words, finding.own_words
    if not finding.good_fetch or finding.links or left is None:
        return finding
    moved = bool(finding.final_url) and page_key(finding.final_url) != page_key(finding.url)
    little = left < FEW_WORDS if words_before is None else _shrunk(3 * left, words_before)
    if little and not (moved and left >= FEW_WORDS):
        return _unchecked(finding, COLLAPSED, f"Little of the page is left ({left} words); it may come back.")
    if own is None:
        return finding
    # A menu and a footer may hold more words than an article: what is left of those that are no links tells more.
    if not moved and _shrunk(3 * own, own_before):
        return _unchecked(
            finding, COLLAPSED, f"Little of the page is left ({own} words outside of links); it may come back."
        )
    if finding.barred and _shrunk(own + own // 2, own_before):
        return _unchecked(
            finding, COLLAPSED, "The page shows less than before, and has words of a wall in front of it."
        )
    return finding


def _shrunk(left: int, before: int | None) -> bool:
    return before is not None and before >= FEW_WORDS and left < before


def _unchecked(finding: Finding, reason: str, sentence: str) -> Finding:
    return replace(finding, verdict=MentionVerdict.COULD_NOT_CHECK, reason=reason, sentence=sentence, good_fetch=False)


def judge_status(url: str, final_url: str, status: int) -> Finding | None:
    """The finding for an answer that is not a page to read, or None when its body is to be parsed."""
    if 200 <= status < 300:
        return None
    if status in {404, 410}:
        reason, sentence = "page-gone", f"The page is gone: the server answered {status}."
    elif status in {401, 403, 407, 429, 451}:
        reason, sentence = "refused", f"The server does not show us the page: it answered {status}."
    elif status >= 500:
        reason, sentence = "server-error", f"The server has a fault: it answered {status}."
    else:
        reason, sentence = "bad-status", f"The server answered {status} instead of a page."
    return Finding(
        MentionVerdict.COULD_NOT_CHECK,
        url,
        reason,
        sentence,
        status=status,
        final_url=final_url,
        good_fetch=reason == "page-gone",
    )


def redirect_candidates(
    facts: PageFacts, target: Target, brands: Sequence[str], *, likely: int = _LIKELY, others: int = _OTHERS
) -> list[str]:
    """The links of a page that may lead to us through a redirect, most likely first: `likely` ones, and `others` besides."""
    ours, names = matcher_of(target), [*brands, *target.domains]
    own = bare_host(host_of(facts.url))
    at_home = facts.url[: facts.url.find("/", 8) + 1]
    slugs = _slugs(brands)
    scored: dict[str, int] = {}
    for fact in facts.links:
        known = scored.get(fact.url, 0)
        if known >= _ABOUT_US:
            continue
        score = _ABOUT_US * _about_us(fact, ours, names)
        if _REDIRECT_SEGMENT.search(fact.url, 8):
            score += _REDIRECTOR + _SLUG * (slugs is not None and slugs.search(fact.url, 8) is not None)
        # Most links of a page stay on its own site: those without a sign are dropped before anything dear is asked.
        if score or known or not at_home or not fact.url.startswith(at_home):
            scored[fact.url] = max(score, known)
    for url in [url for url in scored if ours.match(url) or (not scored[url] and not _may_redirect(url, own))]:
        del scored[url]
    scored.pop(facts.url, None)
    ranked = sorted(scored, key=lambda url: -scored[url])
    strong = [url for url in ranked if scored[url] > 0][:likely]
    weak = [url for url in ranked if scored[url] == 0][:others]
    return strong + weak


def about_us(facts: PageFacts, target: Target, brands: Sequence[str]) -> PageFacts:
    """The facts with only those links on which `judge` and `redirect_candidates` rest: both say the same over them."""
    # One more than is followed tells that there are more.
    ours, candidates = matcher_of(target), frozenset(redirect_candidates(facts, target, brands, likely=_LIKELY + 1))
    links = tuple(fact for fact in facts.links if fact.url in candidates or ours.match(fact.url))
    return replace(facts, links=links)


def _slugs(brands: Sequence[str]) -> re.Pattern[str] | None:
    """What a redirect to us may be called: `/go/acme-metrics`."""
    words = [re.findall(r"\w+", brand) for brand in brands]
    names = [r"[\W_]?".join(map(re.escape, one)) for one in words if len("".join(one)) > 2]
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(names)})(?![^\W_])", re.IGNORECASE) if names else None


def _unfollowed(facts: PageFacts, ours: Matcher, names: Sequence[str], followed: Mapping[str, Followed]) -> str:
    """The sentence about a link that seems to be ours and of which nobody knows where it leads, or ""."""
    for fact in facts.links:
        result = followed.get(fact.url)
        if result is None:
            continue
        if result.problem and _about_us(fact, ours, names):
            return f"A link that may lead to us could not be followed: {fact.url} ({result.problem})."
        # A page in between ("You are leaving us") answers for itself, and leads on by a link or a script of its own.
        if not result.problem and _REDIRECT_SEGMENT.search(fact.url, 8) and ours.named_in(fact.url):
            return f"A link that names us leads to a page in between, and not further by itself: {fact.url}."
    return ""


def _beyond(facts: PageFacts, target: Target, brands: Sequence[str], followed: Mapping[str, Followed]) -> bool:
    """Whether there are more links with a sign of leading to us than were followed."""
    return any(
        url not in followed for url in redirect_candidates(facts, target, brands, likely=len(facts.links), others=0)
    )


def _may_redirect(url: str, own: str) -> bool:
    """Whether a link without any sign of us may still be a redirect: one that leads off the site, and not to a large one."""
    host = host_of(url)
    return not on_domain(host, own) and not on_domain(own, host) and _NO_REDIRECTORS.isdisjoint(host.split(".")[:-1])


def robots_directives(values: Iterable[str]) -> tuple[str, ...]:
    """The directives of X-Robots-Tag values or robots meta tags that apply to search engines in general or to Google."""
    found: list[str] = []
    for value in values:
        ours = True
        for piece in value.lower().split(","):
            name, colon, rest = piece.strip().partition(":")
            word = name.strip()
            if colon and word not in {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}:
                # "otherbot: nofollow, noindex": an agent's name rules all that follows in the same value.
                ours, word = word == "googlebot", rest.strip()
            if ours and word:
                found.extend(("noindex", "nofollow") if word == "none" else (word,))
    return tuple(dict.fromkeys(found))


def _seen(facts: PageFacts, fact: LinkFact, ours: Matcher, followed: Followed | None) -> SeenLink | None:
    match, final = ours.match(fact.url), fact.url
    via: tuple[str, ...] = ()
    if followed is not None and followed.final_url and match != "page":
        better = ours.match(followed.final_url)
        if better is not None:
            match, final, via = better, followed.final_url, followed.via
    if match is None:
        return None
    kinds = {kind for kind in _NOT_FOLLOWED if kind in fact.rel}
    if "nofollow" in facts.robots:
        kinds.add("nofollow")
    return SeenLink(
        url=fact.url,
        final_url=final,
        match=match,
        anchor=fact.anchor,
        rel=fact.rel,
        follow=not kinds,
        kinds=tuple(kind for kind in _NOT_FOLLOWED if kind in kinds),
        surrounding=quote_around(facts.text, fact.start, fact.end),
        image=fact.image,
        hidden=fact.hidden,
        via=via,
    )


def _about_us(fact: LinkFact, ours: Matcher, names: Sequence[str]) -> bool:
    """Whether a link that does not point to us looks as if it led to us: its address or its anchor has one of our `names`."""
    if ours.named_in(fact.url):
        return True
    return bool(fact.anchor) and find_mention(fact.anchor, names) is not None
