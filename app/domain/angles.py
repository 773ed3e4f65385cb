"""Which angle a pitch takes, decided from what was seen, with the sentence that says why. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from urllib.parse import urlsplit

from app.domain.keys import host_of
from app.domain.link_target import bare_host
from app.domain.link_watch import Trouble
from app.domain.said import Day, say


class Angle(StrEnum):
    """What a first message offers the editor."""

    UNLINKED_MENTION = "unlinked-mention"
    RESOURCE_REPLACEMENT = "resource-replacement"
    COVERAGE_GAP = "coverage-gap"
    LINK_RECLAMATION = "link-reclamation"


class LinkedFault(StrEnum):
    """What is wrong with the page that their page links to today."""

    DEAD = "dead"  # 404 or 410
    NO_HOST = "no-host"  # its host is not in the DNS, at two looks a day apart
    SAYS_GONE = "says-gone"  # it answers 200 and its heading says that there is no such page
    REDIRECTED = "redirected"  # sent on to a homepage
    OFF_TOPIC = "off-topic"  # sent on to a page about something else
    OLDER = "older"
    LACKS = "lacks"  # has no word of a section of ours that is on our topic


#: Faults that a reader of their page notices; the others are about what stands on the page.
BROKEN = frozenset(
    {LinkedFault.DEAD, LinkedFault.NO_HOST, LinkedFault.SAYS_GONE, LinkedFault.REDIRECTED, LinkedFault.OFF_TOPIC}
)


@dataclass(frozen=True, slots=True)
class LinkedFact:
    """What was seen of the page that theirs links to today: the proof that `resource-replacement` needs.

    `on` is the newest date that the page shows (with `source`, where it stands; `says` is what that date is: updated, dated,
    or newest), or the day since which its host is gone. `heading` quotes its error heading, the title it leads to, or the heading of ours,
    whose `word` it does not have.
    """

    page: str
    fault: LinkedFault
    status: int | None = None
    redirect: str | None = None
    on: date | None = None
    source: str | None = None
    says: str = ""
    heading: str | None = None
    word: str = ""

    @property
    def needs_our_page(self) -> bool:
        """Whether the fact is about one page of ours and falls with another one."""
        return self.fault in (LinkedFault.OLDER, LinkedFault.LACKS)


@dataclass(frozen=True, slots=True)
class CoveredArticle:
    """One of their articles, with the day of its publication and where that stands."""

    title: str
    url: str
    on: date
    source: str


@dataclass(frozen=True, slots=True)
class CoverageFact:
    """`count` articles with `word` in the title since `since`, newest first, and none on `missing` among `looked` pages."""

    word: str
    count: int
    since: date
    articles: tuple[CoveredArticle, ...]
    looked: int
    missing: str


@dataclass(frozen=True, slots=True)
class AngleFacts:
    """What is known about one prospect. None means unknown, never "no".

    `mention_checked` is None while nobody has looked (or could not), True after a check with a verdict. `linked` and
    `coverage` are set only when pages were fetched that prove them; `linked_note` and `coverage_note` say what a look without
    a fact ended with, None while nobody has looked. `lost_on` is the day on which a link of theirs was last seen,
    `lost_seen_on` the day on which its loss was proved, `lost_why` and `lost_detail` what was seen then.
    """

    brand: str
    their_page: str | None = None
    mention_checked: bool | None = None
    mention_page: str | None = None
    mention_quote: str | None = None
    lost_page: str | None = None
    lost_on: date | None = None
    lost_seen_on: date | None = None
    lost_why: Trouble | None = None
    lost_detail: str | None = None
    linked: LinkedFact | None = None
    linked_note: str | None = None
    coverage: CoverageFact | None = None
    coverage_note: str | None = None
    competitors_linked: int | None = None
    our_page_title: str | None = None
    our_page_summary: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """An angle with the sentence why it can be taken and the clause that states its reason inside the mail."""

    angle: Angle
    why: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """The angle that the facts speak for, and the others that they allow, best first."""

    angle: Angle
    why: str
    reason: str | None
    alternatives: tuple[Choice, ...]


def propose(facts: AngleFacts, *, by_hand: bool = False) -> Proposal | None:
    """The best angle first: a link that was lost, then a mention without a link, then a page to replace, then a gap.

    None when no fact speaks for any. With `by_hand` somebody asked for a draft: then the gap is taken on what the export says,
    and the sentence says that nobody has read their pages for it.
    """
    choices = [choice for rule in (_reclamation, _mention, _replacement, _coverage) if (choice := rule(facts))]
    if by_hand and not any(choice.angle is Angle.COVERAGE_GAP for choice in choices):
        choices.append(_plain_gap(facts))
    if not choices:
        return None
    best = choices[0]
    return Proposal(best.angle, say("Chosen because: {why}.", why=best.why), best.reason, tuple(choices[1:]))


def choice_for(angle: Angle, facts: AngleFacts) -> Choice | None:
    """The choice of one angle by a person; None when the facts do not carry it. A gap can always be taken by a person."""
    rules = {
        Angle.LINK_RECLAMATION: _reclamation,
        Angle.UNLINKED_MENTION: _mention,
        Angle.RESOURCE_REPLACEMENT: _replacement,
        Angle.COVERAGE_GAP: _any_gap,
    }
    return rules[angle](facts)


def why_not(angle: Angle, facts: AngleFacts) -> str | None:
    """Why an angle is not proposed, as a clause; None when the facts carry it."""
    match angle:
        case Angle.LINK_RECLAMATION:
            return None if _reclamation(facts) else say("no link of theirs to you was lost")
        case Angle.UNLINKED_MENTION:
            if _mention(facts):
                return None
            return (
                say("no mention of you was found") if facts.mention_checked else say("mentions of you were not checked")
            )
        case Angle.RESOURCE_REPLACEMENT:
            if _replacement(facts):
                return None
            return facts.linked_note or say("nobody has looked at the page that they link to")
        case Angle.COVERAGE_GAP:
            if _coverage(facts):
                return None
            return facts.coverage_note or say("nobody has read their pages for what they cover")


def plain_date(day: date) -> str:
    """A date as it is written in a letter: 3 May 2026."""
    return str(Day.of(day))


def path_of(url: str, known: str | None = None) -> str:
    """The path of a URL for people who know the domain; the host when it is the front page.

    Where they know only that of the page `known`, the host stands before the path on another one.
    """
    parts = urlsplit(url)
    path = parts.path.rstrip("/") + (f"?{parts.query}" if parts.query else "")
    if known is not None and bare_host(host_of(url)) != bare_host(host_of(known)):
        return f"{parts.netloc}{path}"
    return path or parts.netloc


def fault_clause(fact: LinkedFact | None) -> str | None:
    """What is wrong with the linked page, as the words after "it": "answers 404 (not found)". None without proof."""
    if fact is None:
        return None
    match fact.fault:
        case LinkedFault.DEAD if fact.status in {404, 410}:
            return say("answers 404 (not found)") if fact.status == 404 else say("answers 410 (gone)")
        case LinkedFault.NO_HOST:
            host = host_of(fact.page)
            if host.count(".") == 1:
                return say("cannot be reached: its domain does not exist any more")
            # The domain above it may well be there.
            return say("cannot be reached: the address {host} does not exist any more", host=host)
        case LinkedFault.SAYS_GONE if fact.heading:
            return say('shows only "{heading}"', heading=fact.heading)
        case LinkedFault.REDIRECTED if fact.redirect:
            return say("now redirects to {path}", path=path_of(fact.redirect, fact.page))
        case LinkedFault.OFF_TOPIC if fact.redirect and fact.heading:
            return say('now redirects to "{heading}"', heading=fact.heading)
        case LinkedFault.OLDER if fact.on:
            match fact.says:
                case "updated":
                    return say("was last updated on {day}", day=Day.of(fact.on))
                case "dated":
                    return say("is dated {day}", day=Day.of(fact.on))
            return say("shows no date after {day}", day=Day.of(fact.on))
        case LinkedFault.LACKS if fact.heading and fact.word:
            return say(
                'does not mention "{word}", on which ours has a section ("{heading}")',
                word=fact.word,
                heading=fact.heading,
            )
        case _:
            return None


def loss_clause(facts: AngleFacts) -> str | None:
    """What was seen when the link was found to be gone: "the page answered 404 (not found)". None without a loss."""
    if not facts.lost_page:
        return None
    match facts.lost_why:
        case Trouble.PAGE_GONE if facts.lost_detail in {"404", "410"}:
            if facts.lost_detail == "404":
                return say("the page answered 404 (not found)")
            return say("the page answered 410 (gone)")
        case Trouble.PAGE_GONE:
            return say("the page was gone")
        case Trouble.REDIRECTED if facts.lost_detail:
            path = path_of(facts.lost_detail, facts.lost_page)
            return say("its address led to {path}, which does not have the link", path=path)
        case _:
            return say("the page no longer had the link")


def coverage_clause(fact: CoverageFact | None) -> str | None:
    """What their site covers and what it lacks, as a sentence without its full stop. None without proof."""
    if fact is None or not fact.articles:
        return None
    last = fact.articles[0]
    return (
        f'Since {plain_date(fact.since)} you have published {fact.count} articles with "{fact.word}" in the title, the latest '
        f'"{last.title}" ({plain_date(last.on)}). Going by the titles and addresses of {fact.looked} of your pages, I found none that names '
        f"{fact.missing}"
    )


def _reclamation(facts: AngleFacts) -> Choice | None:
    if not facts.lost_page:
        return None
    when = f" until {plain_date(facts.lost_on)}" if facts.lost_on else ""
    reason = f"the page linked to our page{when}, and the link is gone"
    path = path_of(facts.lost_page)
    why = say("linked to you in {path}, link gone", path=path)
    if facts.lost_on:
        why = say("linked to you in {path} until {day}, link gone", path=path, day=Day.of(facts.lost_on))
    if facts.lost_seen_on:
        why = say("{lost}; on {day} {saw}", lost=why, day=Day.of(facts.lost_seen_on), saw=loss_clause(facts))
    return Choice(Angle.LINK_RECLAMATION, why, reason)


def _mention(facts: AngleFacts) -> Choice | None:
    if not facts.mention_page or not facts.mention_quote:
        return None
    reason = f"the page names {facts.brand} without a link"
    return Choice(
        Angle.UNLINKED_MENTION, say("mentioned you in {path}, no link", path=path_of(facts.mention_page)), reason
    )


def _replacement(facts: AngleFacts) -> Choice | None:
    fault = fault_clause(facts.linked)
    if facts.linked is None or not fault:
        return None
    why = say("links to {page}, which {fault}", page=facts.linked.page, fault=fault)
    if facts.their_page:
        where = path_of(facts.their_page)
        why = say("{where} links to {page}, which {fault}", where=where, page=facts.linked.page, fault=fault)
    if facts.linked.source:
        why = say("{seen} (seen in {source})", seen=why, source=facts.linked.source)
    return Choice(Angle.RESOURCE_REPLACEMENT, why, say("the page it links to {fault}", fault=fault))


def _coverage(facts: AngleFacts) -> Choice | None:
    fact = facts.coverage
    if fact is None or not fact.articles:
        return None
    titles = "; ".join(f'"{one.title}", {plain_date(one.on)}' for one in fact.articles[:3])
    why = say(
        '{count} of their articles since {day} have "{word}" in the title ({titles}), and none of the {looked} pages whose titles '
        "or addresses were looked at is on {missing}",
        count=fact.count,
        day=Day.of(fact.since),
        word=fact.word,
        titles=titles,
        looked=fact.looked,
        missing=fact.missing,
    )
    reason = f"going by the titles and addresses of {fact.looked} pages of your site, none names {fact.missing}"
    return Choice(Angle.COVERAGE_GAP, why, reason)


def _any_gap(facts: AngleFacts) -> Choice:
    return _coverage(facts) or _plain_gap(facts)


def _plain_gap(facts: AngleFacts) -> Choice:
    seen = say("links to your competitors and not to you")
    if facts.competitors_linked is not None:
        count = facts.competitors_linked
        seen = say("links to {count} competitors and not to you", count=count)
        if count == 1:
            seen = say("links to 1 competitor and not to you")
    # "Not checked" and "could not check" never become "no mention".
    checked = say("no mention of you was found") if facts.mention_checked else say("mentions of you were not checked")
    reason = f"our page covers {facts.our_page_summary.rstrip('.')}" if facts.our_page_summary else None
    return Choice(
        Angle.COVERAGE_GAP,
        say("{seen}; {checked}; {why_not}", seen=seen, checked=checked, why_not=why_not(Angle.COVERAGE_GAP, facts)),
        reason,
    )
