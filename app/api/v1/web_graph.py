"""Common Crawl's web graph: whether it can be read here, reading it by a worker, and verifying the domains that it alone names."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from app.api.door import Call, Door, Id, Model, Out, RowId
from app.api.v1.import_jobs import JobOut
from app.gaps import discoveries, verifications, verify
from app.sites import service as sites

door = Door("web-graph")


class GroundOut(Out):
    """The configured graph. `refusal` says why a worker of this installation cannot read it; `command` does it elsewhere."""

    release: str | None = Field(description="Its name; null where GAPBRIDGE_WEB_GRAPH is not set.")
    fetched: bool = Field(description="It is fetched before it is read; else it lies on this machine.")
    free: int = Field(description="Free bytes on the disk of the data folder.")
    needed: int = Field(description="Bytes that must be free.")
    reason: str | None
    refusal: str | None
    command: str


class DiscoverIn(Model):
    """The site it is asked at; the pass serves every site that has a competitor."""

    site_id: RowId


class VerifyIn(Model):
    """How many domains at most, best first; `again`: also those that were looked at before without a link."""

    limit: Annotated[int, Field(ge=1, le=10_000)] = 50
    again: bool = False


class VerificationsOut(Out):
    """Counts of domains that only the graph names: `waiting` for a worker, `unasked` for somebody to ask, and the verdicts."""

    waiting: int
    unasked: int
    verified: int
    not_found: int
    could_not_check: int
    accepted: int


@door.route("GET", "/web-graph", needs="imports:read", answers=GroundOut)
def get_web_graph(call: Call) -> Any:
    """Whether the configured graph can be read here."""
    here = discoveries.ground(call.container.settings)
    skip = here.refusal
    return {
        **{name: getattr(here, name) for name in ("release", "fetched", "free", "needed", "command")},
        "reason": skip.reason if skip else None,
        "refusal": skip.sentence if skip else None,
    }


@door.route("POST", "/web-graph/runs", needs="imports:write", answers=JobOut, status=202)
def read_web_graph(call: Call, body: DiscoverIn) -> Any:
    """Let a worker find who links to the targets of every site, import that and compute the gaps: follow it at `/import-jobs/{id}`.

    409 with the reason `no-graph` or `disk` where it cannot be read here.
    """
    return discoveries.ask(call.uow, call.container.settings, body.site_id, actor=call.actor)


@door.route("GET", "/sites/{site_id}/verification", needs="imports:read", answers=VerificationsOut)
def get_verification(call: Call, site_id: Id) -> Any:
    """How far the verification of a site is; each domain's verdict stands on its prospect."""
    return verifications.state(call.uow, site_id)


@door.route("POST", "/sites/{site_id}/verification", needs="imports:write", answers=VerificationsOut, status=202)
def ask_verification(call: Call, site_id: Id, body: VerifyIn) -> Any:
    """Let the workers look at the best domains that wait for it."""
    sites.get(call.uow, site_id)
    verify.request(call.uow, site_id, body.limit, again=body.again, actor=call.actor)
    return verifications.state(call.uow, site_id)


@door.route("DELETE", "/sites/{site_id}/verification", needs="imports:write", answers=VerificationsOut)
def stop_verification(call: Call, site_id: Id) -> Any:
    """Look at none of the waiting domains any more; a look that goes on ends with its verdict."""
    verifications.stop(call.uow, site_id, actor=call.actor)
    return verifications.state(call.uow, site_id)
