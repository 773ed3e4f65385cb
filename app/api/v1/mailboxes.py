"""Mailboxes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from app.api.door import Call, Door, Id, Line, Model, Out
from app.deliverability import mailbox_check
from app.domain.checks import CheckState
from app.domain.folders import Watch, Why
from app.domain.reputation import Incident
from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.inbox import folders
from app.mail import accounts, reputation, signin
from app.mail.providers import Server, provider
from app.models import Security

door = Door("mailboxes")

Port = Annotated[int, Field(ge=1, le=65535)]


class MailboxIn(Model):
    """A mailbox to connect: with a password and its two servers, or with a provider at which a person signs it in.

    The password is encrypted at once and never given out again.
    """

    email: Annotated[Line, Field(min_length=3, max_length=254)]
    from_name: Annotated[Line, Field(min_length=1, max_length=200)]
    provider: Literal["google", "microsoft"] | None = None
    username: Annotated[Line | None, Field(min_length=1)] = None
    password: Annotated[SecretStr | None, Field(min_length=1, max_length=1000)] = None
    smtp_host: Annotated[Line | None, Field(min_length=1, max_length=253)] = None
    smtp_port: Port = 465
    smtp_security: Security = Security.TLS
    imap_host: Annotated[Line | None, Field(min_length=1, max_length=253)] = None
    imap_port: Port = 993
    imap_security: Security = Security.TLS
    time_zone: Annotated[Line, Field(min_length=1, max_length=64)] = "UTC"
    daily_cap: Annotated[int, Field(ge=1, le=accounts.MOST_A_DAY)] = 50
    gap_min_seconds: Annotated[int, Field(ge=0, le=86_400)] = 60
    gap_max_seconds: Annotated[int, Field(ge=0, le=86_400)] = 240


class MailboxOut(Out):
    """A mailbox with its health; without its password."""

    id: int
    email: str
    from_name: str
    smtp_host: str
    smtp_port: int
    smtp_security: Security
    imap_host: str
    imap_port: int
    imap_security: Security
    time_zone: str
    daily_cap: int
    gap_min_seconds: int
    gap_max_seconds: int
    active: bool
    paused_reason: str | None
    paused_until: datetime | None
    polled_at: datetime | None
    poll_error: str | None
    created_at: datetime


class CheckOut(Out):
    """One line of a look at a mailbox: `state` unknown means that it was not looked at; `fix` is empty where none is needed."""

    name: str
    state: CheckState
    found: str
    fix: str


class LookedOut(Out):
    """All the lines; `fine` when none of them failed."""

    fine: bool
    checks: list[CheckOut]


class PauseOut(Out):
    """A time when the mailbox stopped by itself; open while `ended_at` is null."""

    kind: Incident
    reason: str
    incidents: int
    sends: int
    at: datetime
    ended_at: datetime | None
    ended_by: str | None


class StandingOut(Out):
    """Incidents by kind among `sends` messages since `since`: the start of the window, or the last resumption."""

    since: datetime
    sends: int
    incidents: dict[str, int]
    bounce_rate_limit: float
    complaint_rate_limit: float
    policy_limit: int
    floor: int
    pauses: list[PauseOut]


class TestIn(Model):
    """`send`: also send the mailbox two messages of its own, and wait up to a minute until they can be read."""

    send: bool = False


class SignInIn(Model):
    """Where to sign in; needed for a mailbox that has used a password until now."""

    provider: Literal["google", "microsoft"] | None = None


class SignInOut(Out):
    """A sign-in that waits for its person. The provider sends them back to `redirect_uri`, with `state` and a code."""

    authorize_url: str
    state: str
    redirect_uri: str
    expires_at: datetime


class FolderOut(Out):
    """A folder of the mailbox. `why` it is read for answers is null where it is not; `watch` is what a person has said."""

    name: str
    role: str
    why: Why | None
    watch: Watch | None
    learned_at: datetime | None
    synced_at: datetime | None
    stopped_reason: str | None


class FolderIn(Model):
    """`watch`: always or never read the folder for answers; null leaves it to the rules."""

    name: Annotated[Line, Field(min_length=1, max_length=500)]
    watch: Watch | None


class FinishIn(Model):
    """What the browser has brought back to the redirect address."""

    state: Annotated[Line, Field(min_length=1, max_length=200)]
    code: SecretStr = Field(min_length=1, max_length=4000)


@door.route("GET", "/mailboxes", needs="mailboxes:read", answers=list[MailboxOut])
def list_mailboxes(call: Call) -> Any:
    """Every mailbox with its health."""
    return accounts.every(call.uow.session)


def _draft(call: Call, body: MailboxIn) -> accounts.Draft:
    at = provider(call.container.settings, body.provider) if body.provider else None
    return accounts.draft(
        call.container.settings,
        email=body.email,
        from_name=body.from_name,
        username=body.username,
        password=body.password.get_secret_value() if body.password else "",
        smtp=at.smtp if at and not body.smtp_host else Server(body.smtp_host or "", body.smtp_port, body.smtp_security),
        imap=at.imap if at and not body.imap_host else Server(body.imap_host or "", body.imap_port, body.imap_security),
        by_oauth=at is not None,
        time_zone=body.time_zone,
        daily_cap=body.daily_cap,
        gap_min_seconds=body.gap_min_seconds,
        gap_max_seconds=body.gap_max_seconds,
    )


@door.route("POST", "/mailboxes", needs="mailboxes:write", answers=MailboxOut, status=201)
def add_mailbox(call: Call, body: MailboxIn) -> Any:
    """Connect a mailbox. It is read at once; what is wrong with it shows in `poll_error`.

    One with a provider rests until it is signed in.
    """
    draft = _draft(call, body)
    return accounts.add(call.uow, call.container.vault, draft, provider=body.provider)


@door.route("POST", "/mailboxes/test", needs="mailboxes:write", answers=LookedOut, own_transactions=True)
def test_draft(call: Call, body: MailboxIn) -> Any:
    """Look at a mailbox before it is connected: servers, TLS, sign-in, folders. Nothing is stored and nothing is sent."""
    if body.provider is not None:
        raise BadInput(
            say("a mailbox of a provider is tested after its sign-in"),
            FieldProblem("provider", say("Connect it, sign it in, and test it under its id")),
        )
    return mailbox_check.look_at_draft(call.container, _draft(call, body))


@door.route("POST", "/mailboxes/{mailbox_id}/test", needs="mailboxes:write", answers=LookedOut, own_transactions=True)
def test_mailbox(call: Call, mailbox_id: Id, body: TestIn) -> Any:
    """Look at a mailbox: servers, TLS, sign-in, folders, and the DNS of its domain, each line with its fix."""
    return mailbox_check.look(call.container, mailbox_id, send=body.send)


@door.route("POST", "/mailboxes/{mailbox_id}/resume", needs="mailboxes:write", answers=MailboxOut)
def resume_mailbox(call: Call, mailbox_id: Id) -> Any:
    """Let a mailbox that rests or has stopped go on; bounces, complaints and refusals are counted from now on."""
    email = accounts.get(call.uow.session, mailbox_id).email
    return accounts.resume(call.uow, call.container.vault, email, actor=call.actor)


@door.route("GET", "/mailboxes/{mailbox_id}/folders", needs="mailboxes:read", answers=list[FolderOut])
def list_folders(call: Call, mailbox_id: Id) -> Any:
    """The folders that the server has listed, those that are read for answers first; empty before the first look."""
    return folders.of_mailbox(call.uow, mailbox_id)


@door.route("PUT", "/mailboxes/{mailbox_id}/folders", needs="mailboxes:write", answers=list[FolderOut])
def choose_folder(call: Call, mailbox_id: Id, body: FolderIn) -> Any:
    """Say whether one folder is read for answers. The inbox always is; sent mail and drafts never are."""
    return folders.choose(call.uow, mailbox_id, body.name, body.watch, actor=call.actor)


@door.route("GET", "/mailboxes/{mailbox_id}/standing", needs="mailboxes:read", answers=StandingOut)
def mailbox_standing(call: Call, mailbox_id: Id) -> Any:
    """What is counted against a mailbox now, its limits, and every time that it has stopped by itself."""
    accounts.get(call.uow.session, mailbox_id)
    limits = reputation.limits_of(call.container.settings)
    now = reputation.standing_of(call.uow.session, mailbox_id, call.uow.now(), limits)
    return {
        "since": now.since,
        "sends": now.sends,
        "incidents": {kind.value: now.counts.get(kind, 0) for kind in Incident},
        "bounce_rate_limit": limits.bounce_rate,
        "complaint_rate_limit": limits.complaint_rate,
        "policy_limit": limits.policy_count,
        "floor": limits.floor,
        "pauses": reputation.pauses_of(call.uow.session, mailbox_id),
    }


@door.route("POST", "/mailboxes/{mailbox_id}/sign-in", needs="mailboxes:write", answers=SignInOut)
def begin_sign_in(call: Call, mailbox_id: Id, body: SignInIn) -> Any:
    """Begin a sign-in at the mailbox's provider: open `authorize_url`, and finish with what the browser brings back."""
    return signin.begin(
        call.uow,
        call.container.vault,
        call.container.settings,
        accounts.get(call.uow.session, mailbox_id),
        holder=call.principal.caller,
        provider_name=body.provider,
    )


@door.route(
    "POST", "/mailboxes/{mailbox_id}/sign-in/finish", needs="mailboxes:write", answers=MailboxOut, own_transactions=True
)
def finish_sign_in(call: Call, mailbox_id: Id, body: FinishIn) -> Any:
    """Finish a sign-in that this key has begun: what waits in the mailbox leaves. A state is good once, for ten minutes."""
    container = call.container
    back = signin.Return(body.state, body.code.get_secret_value())
    signin.finish(
        container.db, container.vault, container.settings, back, holder=call.principal.caller, mailbox_id=mailbox_id
    )
    with container.db.read() as look:
        return accounts.get(look.session, mailbox_id)
