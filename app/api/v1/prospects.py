"""Prospects: list, one, timeline, transitions, reasons, and the feed of events."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import Field

from app.api.door import Call, Cursor, Door, Id, Limit, Line, Model, Out, Page, RowId, decode_cursor, encode_cursor
from app.desk import service as desk
from app.domain.angle_evidence import State
from app.domain.gap import GapState
from app.domain.language import LanguageSource
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Event, Facts, LostReason, Stage
from app.domain.said import say
from app.domain.topic_fit import FitUnknown
from app.domain.verification import Verification
from app.errors import BadInput, FieldProblem
from app.evidence import repository as reasons
from app.evidence import service as evidence
from app.gaps import domain_pages
from app.gaps.service import snapshot_folder
from app.keys import start_page
from app.links import service as links
from app.mentions import service as mentions
from app.models import AngleEvidence
from app.prospects import intake, repository, service
from app.reports import prospects as lists
from app.reports import timeline

door = Door("prospects")

ExternalId = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class ProspectIn(Model):
    """A prospect that does not come out of an import."""

    site_id: RowId
    domain: Annotated[Line, Field(min_length=1, max_length=253)]
    external_id: ExternalId | None = None
    page: Annotated[str | None, Field(pattern=r"^https?://[^\s\x00]+$", max_length=2000)] = None


class ProspectUpsert(Model):
    """A prospect under the caller's own id."""

    domain: Annotated[Line, Field(min_length=1, max_length=253)]
    page: Annotated[str | None, Field(pattern=r"^https?://[^\s\x00]+$", max_length=2000)] = None


class ProspectOut(Out):
    """A domain in a site's pipeline. A metric that the file lacked is null, never 0."""

    id: int
    site_id: int
    domain: str
    external_id: str | None
    stage: Stage
    version: int
    tier: int | None
    overlap: int | None
    competitors: list[str]
    links: int | None
    dofollow: bool | None
    authority: float | None
    authority_provider: str | None
    authority_percentile: float | None = Field(
        description="Where the rating stands among all that the same tool gives in the lists of the site, 0 to 100: what the order goes by."
    )
    traffic: int | None
    language: str | None
    language_source: LanguageSource | None = Field(
        description="Who says so: the tool's export, the page when it was read, or a look at its title and anchor."
    )
    best_page: str | None
    best_page_title: str | None
    best_page_author: str | None = Field(description="Who wrote the page, as the tool names them; no address.")
    target: str | None
    anchor: str | None
    first_seen: date | None
    score: float | None
    removed_by: list[str]
    gap_state: GapState | None = Field(
        description="Why it is no gap by the newest lists: `linked` (our own lists show a link to us), `gone` (no link to a competitor "
        "is left in whole lists). Null: it is one, or the lists cannot tell."
    )
    gap_seen: dict[str, Any] | None = Field(
        description="For `linked`: the `file` and `as_of` of our list, and `page` and `target` where it names pages."
    )
    winnability: int | None = Field(description="0 to 100: the chance of the link; null: no page of theirs is known.")
    winnability_parts: list[dict[str, Any]] = Field(
        description="What makes the chance: `rule`, `points`, `why`, and what it was `seen` by."
    )
    gate: str | None = Field(description="The rule that keeps it behind every tier: paid.")
    fit: int | None = Field(
        description="0 to 100: how well our page fits theirs; null: `fit_unknown` says why nobody can tell."
    )
    fit_page_id: int | None
    fit_words: list[str] = Field(description="The words that both pages share, the strongest first.")
    fit_unknown: FitUnknown | None
    mention: MentionVerdict | None = Field(description="Null: not checked. `could-not-check` is not `no-mention`.")
    verification: Verification | None = Field(
        description="Only where the web graph alone names the domain: whether a real link to a competitor was seen."
    )
    snoozed_until: datetime | None
    created_at: datetime
    updated_at: datetime


class ProspectTaken(ProspectOut):
    """The prospect, and whether this request made it."""

    created: bool


class TransitionIn(Model):
    """What happened. Events that the machine proves (`pitch_sent`, `link_lost` ...) are refused with 409 here."""

    event: Event
    reason: Line | None = Field(
        default=None,
        description=f"For `give_up` one of {', '.join(LostReason)}; for `reopen` and `link_seen` a sentence.",
    )
    url: Annotated[str | None, Field(pattern=r"^https?://[^\s\x00]+$", max_length=2000)] = Field(
        default=None, description="For `link_seen`: the page that links; without it, their best page."
    )


class EventOut(Out):
    """One line of the history."""

    id: int
    prospect_id: int
    event: str
    from_stage: Stage
    to_stage: Stage
    actor: str
    reason: str | None
    data: dict[str, Any]
    correlation_id: str | None
    at: datetime


class FeedOut(EventOut):
    """One line of the feed, with the prospect that it is about."""

    site_id: int
    domain: str
    external_id: str | None


class TimelineOut(Out):
    """One line of the timeline; `kind` says which facts are in `data`."""

    at: datetime
    kind: timeline.Kind
    id: int
    title: str
    actor: str | None
    detail: str | None
    data: dict[str, Any]


@door.route("GET", "/prospects", needs="prospects:read", answers=Page[ProspectOut])
def list_prospects(
    call: Call,
    site_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    stage: Stage | None = None,
    tier: Annotated[int | None, Query(ge=1, le=3)] = None,
    domain: Annotated[str | None, Query(max_length=253, pattern=r"^[^\x00]+$")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Any:
    """Prospects in the order of the queue: tier, unlinked mentions, chance, overlap, dofollow, topic fit, authority."""
    after = decode_cursor(cursor, str, int)
    rows = lists.listing(
        call.uow,
        site_id=site_id,
        stage=stage,
        tier=tier,
        domain=domain,
        after=(after[0], after[1]) if after else None,
        limit=limit + 1,
    )
    more = len(rows) > limit
    return {
        "items": rows[:limit],
        "next": encode_cursor(rows[limit - 1]["rank_key"], rows[limit - 1]["id"]) if more else None,
    }


@door.route("POST", "/prospects", needs="prospects:write", answers=ProspectTaken)
def take_prospect(call: Call, body: ProspectIn) -> Any:
    """Take a prospect in, or find it: the same domain (or external id) of a site is the same prospect."""
    taken = intake.take(
        call.uow, body.site_id, body.domain, external_id=body.external_id, page=body.page, actor=call.actor
    )
    return {**taken.prospect.model_dump(), "created": taken.created}


@door.route(
    "PUT", "/sites/{site_id}/prospects/by-external-id/{external_id}", needs="prospects:write", answers=ProspectTaken
)
def upsert_prospect(
    call: Call,
    site_id: Id,
    external_id: Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f/]+$")],
    body: ProspectUpsert,
) -> Any:
    """Take a prospect in under the caller's own id, or find it; repeating it changes nothing."""
    taken = intake.take(call.uow, site_id, body.domain, external_id=external_id, page=body.page, actor=call.actor)
    return {**taken.prospect.model_dump(), "created": taken.created}


@door.route("GET", "/prospects/{prospect_id}", needs="prospects:read", answers=ProspectOut)
def get_prospect(call: Call, prospect_id: Id) -> Any:
    """One prospect."""
    return service.get(call.uow, prospect_id)


class LinkingPageOut(Out):
    """One page of theirs that links to a competitor, as the lists that count now say; null is unknown."""

    number: int = Field(description="1 is the best page.")
    page: str
    title: str | None
    competitors: list[str]
    target: str | None
    anchor: str | None
    left_context: str | None
    right_context: str | None
    followed: bool | None
    in_content: bool | None
    page_authority: float | None
    page_traffic: int | None
    page_type: str | None
    link_type: str | None
    language: str | None
    reason: str = Field(description="Why it stands where it stands, in the order in which pages are compared.")
    score: int = Field(description="0 to 100: the chance of the link.")
    parts: list[dict[str, Any]] = Field(description="What makes the chance: `rule`, `points`, `why`, `seen`.")


@door.route("GET", "/prospects/{prospect_id}/pages", needs="prospects:read", answers=list[LinkingPageOut])
def list_linking_pages(call: Call, prospect_id: Id) -> Any:
    """Every page of theirs that links to a competitor, the best first, at most 200; read from the imported lists."""
    prospect = service.get(call.uow, prospect_id)
    lists = domain_pages.lists_of(call.uow, prospect.site_id)
    call.uow.let_go()
    return domain_pages.pages_of(lists, snapshot_folder(call.container.settings), prospect.domain)


@door.route("GET", "/prospects/{prospect_id}/timeline", needs="prospects:read", answers=list[TimelineOut])
def get_timeline(call: Call, prospect_id: Id) -> Any:
    """Everything that happened with a prospect, oldest first; what was received and sent for those who may read it (`messages:read`)."""
    service.get(call.uow, prospect_id)
    reads_mail = call.principal.may("messages:read")
    return [one for one in timeline.of_prospect(call.uow, prospect_id) if reads_mail or one.kind not in timeline.MAIL]


@door.route("POST", "/prospects/{prospect_id}/transitions", needs="prospects:write", answers=EventOut)
def transition(call: Call, prospect_id: Id, body: TransitionIn) -> Any:
    """Let an event happen. 409 when the stage or a guard does not allow it.

    `mention_checked` confirms that the pages could not be checked; `link_seen` with a reason records a win that is not
    counted as verified.
    """
    if body.event is Event.GIVE_UP:
        if body.reason not in set(LostReason):
            raise BadInput(
                say("give up with a reason"),
                FieldProblem("reason", say("Use one of {names}", names=", ".join(LostReason))),
            )
        return service.give_up(call.uow, prospect_id, LostReason(body.reason), actor=call.actor)
    if body.event is Event.REOPEN:
        return desk.reopen(call.uow, prospect_id, body.reason or "", actor=call.actor)[0]
    if body.event is Event.LINK_SEEN and body.reason:
        prospect = service.get(call.uow, prospect_id)
        url = start_page(prospect.domain, body.url or prospect.best_page)
        links.override_win(call.uow, prospect_id, url=url, reason=body.reason, actor=call.actor)
        return repository.events_of(call.uow.session, prospect_id)[-1]
    if body.event is Event.MENTION_CHECKED:
        return mentions.confirm_unchecked(call.uow, prospect_id, actor=call.actor, reason=body.reason or "confirmed")
    return service.apply(call.uow, prospect_id, body.event, Facts(), actor=call.actor)


class ReasonsOut(Out):
    """What was looked at to find a reason for a pitch. A state is null while nobody has looked.

    `linked` is about the page that theirs links to, `coverage` about their whole site; both are null unless the state is
    `fact`. The notes say in words what came out.
    """

    prospect_id: int
    page_id: int | None = Field(description="The page of ours that theirs were held against.")
    linked_state: State | None
    linked: dict[str, Any] | None
    linked_note: str | None
    coverage_state: State | None
    coverage: dict[str, Any] | None
    coverage_note: str | None
    pages: list[dict[str, Any]] = Field(description="Every page that was asked for, with its outcome.")
    due_at: datetime | None
    looked_at: datetime | None


@door.route("GET", "/prospects/{prospect_id}/reasons", needs="prospects:read", answers=ReasonsOut)
def get_reasons(call: Call, prospect_id: Id) -> Any:
    """What the latest look at their pages has proved, with every page that was asked for."""
    service.get(call.uow, prospect_id)
    return reasons.of_prospect(call.uow.session, prospect_id) or AngleEvidence(prospect_id=prospect_id)


@door.route("POST", "/prospects/{prospect_id}/reasons", needs="prospects:write", answers=ReasonsOut, status=202)
def look_for_reasons(call: Call, prospect_id: Id) -> Any:
    """Let a worker look for a reason now: the page that they link to, and what their site covers."""
    return evidence.request(call.uow, call.container.settings, prospect_id)


@door.route("GET", "/events", needs="events:read", answers=Page[FeedOut])
def list_events(call: Call, cursor: Cursor = None, limit: Limit = 50) -> Any:
    """The history of all prospects, oldest first. `next` is never null: keep it and ask again later for what came since."""
    after = decode_cursor(cursor, int)
    rows = lists.events(call.uow, after=after[0] if after else 0, limit=limit)
    last = rows[-1]["id"] if rows else (after[0] if after else 0)
    return {"items": rows, "next": encode_cursor(last)}
