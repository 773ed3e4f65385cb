"""Sending domains: what their DNS says, what is held, and what an operator lets pass."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Path
from pydantic import Field

from app.api.door import Call, Door, Line, Model, Out
from app.deliverability import repository, service
from app.domain.checks import CheckState
from app.models import SendingDomain

door = Door("sending domains")

DomainName = Annotated[str, Path(max_length=253, pattern=r"^[A-Za-z0-9.-]+$")]


class CheckOut(Out):
    """One line: what was found at `checked_at`, and what to do. `trouble` says why the last look found nothing new."""

    name: str
    state: CheckState
    found: str
    fix: str
    trouble: str | None
    checked_at: datetime


class SendingDomainOut(Out):
    """A domain that mailboxes send from. While `hold_reason` is set, no new pitch leaves from it."""

    domain: str
    selectors: list[str]
    hold_reason: str | None
    override_checks: list[str]
    override_reason: str | None
    override_by: str | None
    override_at: datetime | None
    checked_at: datetime | None
    due_at: datetime
    checks: list[CheckOut]


class OverrideIn(Model):
    """Why failing checks may pass; without `checks`, those that fail now."""

    reason: Annotated[Line, Field(min_length=1, max_length=500)]
    checks: list[Annotated[Line, Field(min_length=1, max_length=32)]] = Field(default_factory=list, max_length=20)


class SelectorsIn(Model):
    """The DKIM selectors that the domain's mail is signed under."""

    selectors: list[Annotated[Line, Field(min_length=1, max_length=122)]] = Field(max_length=10)


def _out(call: Call, row: SendingDomain) -> dict[str, Any]:
    return {**row.model_dump(), "checks": repository.lines_of(call.uow.session, row.id)}


@door.route("GET", "/sending-domains", needs="mailboxes:read", answers=list[SendingDomainOut])
def list_sending_domains(call: Call) -> Any:
    """Every sending domain with its checks."""
    return [_out(call, row) for row in repository.every(call.uow.session)]


@door.route("POST", "/sending-domains/{domain}/check", needs="mailboxes:write", answers=SendingDomainOut)
def check_sending_domain(call: Call, domain: DomainName) -> Any:
    """Have the domain looked at now. The answer shows what was known before; a worker asks the DNS."""
    return _out(call, service.look_again(call.uow, service.get(call.uow.session, domain)))


@door.route("POST", "/sending-domains/{domain}/selectors", needs="mailboxes:write", answers=SendingDomainOut)
def name_selectors(call: Call, domain: DomainName, body: SelectorsIn) -> Any:
    """Name the DKIM selectors; the domain is looked at again."""
    return _out(call, service.name_selectors(call.uow, domain, body.selectors))


@door.route("POST", "/sending-domains/{domain}/override", needs="mailboxes:write", answers=SendingDomainOut)
def override_sending_domain(call: Call, domain: DomainName, body: OverrideIn) -> Any:
    """Let new pitches leave although these checks fail. Who did it, when and why stays with the domain."""
    return _out(call, service.override(call.uow, domain, reason=body.reason, actor=call.actor, checks=body.checks))


@door.route("DELETE", "/sending-domains/{domain}/override", needs="mailboxes:write", answers=SendingDomainOut)
def lift_override(call: Call, domain: DomainName) -> Any:
    """Take the override back; what fails holds again at once."""
    return _out(call, service.lift(call.uow, domain, actor=call.actor))
