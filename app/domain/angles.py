"""Which angle a pitch takes, decided from what was seen, with the sentence that says why. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from urllib.parse import urlsplit

from app.domain.link_watch import Trouble

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]  # strftime would follow the machine's locale; the mail is in English.


class Angle(StrEnum):
    """What a first message offers the editor."""

    UNLINKED_MENTION = "unlinked-mention"
    RESOURCE_REPLACEMENT = "resource-replacement"
    COVERAGE_GAP = "coverage-gap"
    LINK_RECLAMATION = "link-reclamation"


class LinkedFault(StrEnum):
    """What is wrong with the page that their page links to today."""

    DEAD = "dead"
    REDIRECTED = "redirected"
    OLDER = "older"


@dataclass(frozen=True, slots=True)
class AngleFacts:
    """What is known about one prospect. None means unknown, never "no".

    `mention_checked` is None while nobody has looked (or could not), True after a check with a verdict. `linked_page` is the
    page that `their_page` links to today; `linked_fault` is set only when that page was fetched and found wanting, with
    `linked_status` (HTTP status), `linked_redirect` (where it leads) or `linked_year` as its proof. `lost_on` is the day on which
    a link of theirs was last seen, `lost_seen_on` the day on which its loss was proved, `lost_why` and `lost_detail` what was
    seen then.
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
    linked_page: str | None = None
    linked_fault: LinkedFault | None = None
    linked_status: int | None = None
    linked_redirect: str | None = None
    linked_year: int | None = None
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


def propose(facts: AngleFacts) -> Proposal:
    """The best angle first: a link that was lost, then a mention without a link, then a page to replace, then a gap."""
    choices = [choice for rule in (_reclamation, _mention, _replacement, _coverage) if (choice := rule(facts))]
    best = choices[0]
    return Proposal(best.angle, f"Chosen because: {best.why}.", best.reason, tuple(choices[1:]))


def choice_for(angle: Angle, facts: AngleFacts) -> Choice | None:
    """The choice of one angle by name; None when the facts do not carry it."""
    rules = {
        Angle.LINK_RECLAMATION: _reclamation,
        Angle.UNLINKED_MENTION: _mention,
        Angle.RESOURCE_REPLACEMENT: _replacement,
        Angle.COVERAGE_GAP: _coverage,
    }
    return rules[angle](facts)


def plain_date(day: date) -> str:
    """A date as it is written in a letter: 3 May 2026."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def path_of(url: str) -> str:
    """The path of a URL for people who know the domain; the host when it is the front page."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/") + (f"?{parts.query}" if parts.query else "")
    return path or parts.netloc


def fault_clause(facts: AngleFacts) -> str | None:
    """What is wrong with the linked page, as the words after "it": "answers 404 (not found)". None without proof."""
    match facts.linked_fault:
        case LinkedFault.DEAD if facts.linked_status in {404, 410}:
            return f"answers {facts.linked_status} ({'not found' if facts.linked_status == 404 else 'gone'})"
        case LinkedFault.DEAD if facts.linked_status:
            return f"answers with the error {facts.linked_status}"
        case LinkedFault.DEAD:
            return "does not answer any more"
        case LinkedFault.REDIRECTED if facts.linked_redirect:
            return f"now redirects to {path_of(facts.linked_redirect)}"
        case LinkedFault.OLDER if facts.linked_year:
            return f"was last updated in {facts.linked_year}"
        case _:
            return None


def loss_clause(facts: AngleFacts) -> str | None:
    """What was seen when the link was found to be gone: "the page answered 404 (not found)". None without a loss."""
    if not facts.lost_page:
        return None
    match facts.lost_why:
        case Trouble.PAGE_GONE if facts.lost_detail in {"404", "410"}:
            return f"the page answered {facts.lost_detail} ({'not found' if facts.lost_detail == '404' else 'gone'})"
        case Trouble.PAGE_GONE:
            return "the page was gone"
        case Trouble.REDIRECTED if facts.lost_detail:
            return f"its address led to {path_of(facts.lost_detail)}, which does not have the link"
        case _:
            return "the page no longer had the link"


def _reclamation(facts: AngleFacts) -> Choice | None:
    if not facts.lost_page:
        return None
    when = f" until {plain_date(facts.lost_on)}" if facts.lost_on else ""
    reason = f"the page linked to our page{when}, and the link is gone"
    saw = f"; on {plain_date(facts.lost_seen_on)} {loss_clause(facts)}" if facts.lost_seen_on else ""
    return Choice(Angle.LINK_RECLAMATION, f"linked to you in {path_of(facts.lost_page)}{when}, link gone{saw}", reason)


def _mention(facts: AngleFacts) -> Choice | None:
    if not facts.mention_page or not facts.mention_quote:
        return None
    reason = f"the page names {facts.brand} without a link"
    return Choice(Angle.UNLINKED_MENTION, f"mentioned you in {path_of(facts.mention_page)}, no link", reason)


def _replacement(facts: AngleFacts) -> Choice | None:
    fault = fault_clause(facts)
    if not facts.linked_page or not fault:
        return None
    where = f"{path_of(facts.their_page)} " if facts.their_page else ""
    return Choice(
        Angle.RESOURCE_REPLACEMENT,
        f"{where}links to {facts.linked_page}, which {fault}",
        f"the page it links to {fault}",
    )


def _coverage(facts: AngleFacts) -> Choice:
    seen = "links to your competitors and not to you"
    if facts.competitors_linked is not None:
        count = facts.competitors_linked
        seen = f"links to {count} competitor{'' if count == 1 else 's'} and not to you"
    # "Not checked" and "could not check" never become "no mention".
    checked = "no mention of you was found" if facts.mention_checked else "mentions of you were not checked"
    reason = f"our page covers {facts.our_page_summary.rstrip('.')}" if facts.our_page_summary else None
    return Choice(Angle.COVERAGE_GAP, f"{seen}; {checked}", reason)
