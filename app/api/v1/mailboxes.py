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
from app.mail import accounts, reputation, resting, signin
from app.mail.providers import Server, provider
from app.models import Mailbox, Security
from app.pitches import leaving

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


_NO_REST = {"paused_reason": None, "paused_until": None}


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
    aliases: list[str] | None
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
    unsent_conversations: int = Field(description="Open conversations from which nothing has left yet.")
    live_conversations: int = Field(description="Open conversations in which mail has left, or may have.")
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
    """A folder of the mailbox. `why` it is read for answers is null where it is not; `watch` is what a person has said.

    `renumbered_at`: when its server last gave its messages other numbers, after which it was read anew. `unfetched`: UIDs of
    messages that its server cannot give; they lie in quarantine. `gone`: the server has no
    such folder any more, and what a person has said about it is kept.
    """

    name: str
    role: str
    why: Why | None
    watch: Watch | None
    learned_at: datetime | None
    synced_at: datetime | None
    stopped_reason: str | None
    renumbered_at: datetime | None
    unfetched: tuple[int, ...]
    gone: bool


class AliasesIn(Model):
    """The further addresses of a mailbox; they replace the former ones."""

    aliases: Annotated[
        list[Annotated[Line, Field(min_length=3, max_length=254)]], Field(max_length=accounts.MOST_ALIASES)
    ]


class RestIn(Model):
    """`reason` is read by those who wonder why nothing leaves."""

    reason: Annotated[Line, Field(min_length=1, max_length=500)]


class FolderIn(Model):
    """`watch`: always or never read the folder for answers; null leaves it to the rules."""

    name: Annotated[Line, Field(min_length=1, max_length=500)]
    watch: Watch | None


class FolderName(Model):
    """A folder by its name, as the list of folders gives it."""

    name: Annotated[Line, Field(min_length=1, max_length=500)]


class FinishIn(Model):
    """What the browser has brought back to the redirect address."""

    state: Annotated[Line, Field(min_length=1, max_length=200)]
    code: SecretStr = Field(min_length=1, max_length=4000)


def _shown(call: Call, mailbox: Mailbox) -> MailboxOut:
    """A mailbox as it stands now: a rest that ran out stays in its row until the next turn, and is over all the same."""
    out = MailboxOut.model_validate(mailbox)
    return out if resting.rests(mailbox, call.uow.now()) else out.model_copy(update=_NO_REST)


@door.route("GET", "/mailboxes", needs="mailboxes:read", answers=list[MailboxOut])
def list_mailboxes(call: Call) -> Any:
    """Every mailbox with its health."""
    return [_shown(call, one) for one in accounts.every(call.uow.session)]


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
    return _shown(call, accounts.add(call.uow, call.container.vault, draft, provider=body.provider))


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


@door.route("POST", "/mailboxes/{mailbox_id}/pause", needs="mailboxes:write", answers=MailboxOut)
def pause_mailbox(call: Call, mailbox_id: Id, body: RestIn) -> Any:
    """Let a mailbox rest until somebody resumes it: it sends nothing and is read, and what waits goes on waiting."""
    return _shown(call, accounts.pause(call.uow, mailbox_id, reason=body.reason, actor=call.actor))


@door.route("POST", "/mailboxes/{mailbox_id}/resume", needs="mailboxes:write", answers=MailboxOut)
def resume_mailbox(call: Call, mailbox_id: Id) -> Any:
    """Let a mailbox that rests or has stopped go on; bounces, complaints and refusals are counted from now on."""
    email = accounts.get(call.uow.session, mailbox_id).email
    return _shown(call, accounts.resume(call.uow, call.container.vault, email, actor=call.actor))


@door.route("POST", "/mailboxes/{mailbox_id}/off", needs="mailboxes:write", answers=MailboxOut)
def switch_mailbox_off(call: Call, mailbox_id: Id, withdraw: bool = False) -> Any:
    """Send and read nothing there any more, and forget its password or permission; its mail and its history stay.

    With `withdraw` the pitches that have not left come back to the queue as drafts, to be approved for another mailbox. Answers and
    opt-outs by mail are not read any more; to have them read, let it rest instead.
    """
    return _shown(call, leaving.switch_off(call.uow, mailbox_id, withdraw=withdraw, actor=call.actor)[0])


@door.route("GET", "/mailboxes/{mailbox_id}/folders", needs="mailboxes:read", answers=list[FolderOut])
def list_folders(call: Call, mailbox_id: Id) -> Any:
    """The folders that the server has listed, those that are read for answers first; empty before the first look."""
    return folders.of_mailbox(call.uow, mailbox_id)


@door.route("PUT", "/mailboxes/{mailbox_id}/aliases", needs="mailboxes:write", answers=MailboxOut)
def set_aliases(call: Call, mailbox_id: Id, body: AliasesIn) -> Any:
    """Name the further addresses that people write from: what comes from them is ours, and no answer."""
    return _shown(call, accounts.set_aliases(call.uow, mailbox_id, body.aliases))


@door.route("PUT", "/mailboxes/{mailbox_id}/folders", needs="mailboxes:write", answers=list[FolderOut])
def choose_folder(call: Call, mailbox_id: Id, body: FolderIn) -> Any:
    """Say whether one folder is read for answers. The inbox always is; sent mail and drafts never are."""
    return folders.choose(call.uow, mailbox_id, body.name, body.watch, actor=call.actor)


@door.route("POST", "/mailboxes/{mailbox_id}/folders/start", needs="mailboxes:write", answers=list[FolderOut])
def start_folder(call: Call, mailbox_id: Id, body: FolderName) -> Any:
    """Read a folder again that was given up (`stopped_reason`); 409 for one that was not."""
    return folders.start_again(call.uow, mailbox_id, body.name, actor=call.actor)


@door.route("GET", "/mailboxes/{mailbox_id}/standing", needs="mailboxes:read", answers=StandingOut)
def mailbox_standing(call: Call, mailbox_id: Id) -> Any:
    """What is counted against a mailbox now, its limits, and every time that it has stopped by itself."""
    accounts.get(call.uow.session, mailbox_id)
    limits = reputation.limits_of(call.container.settings)
    now = reputation.standing_of(call.uow.session, mailbox_id, call.uow.now(), limits)
    held = leaving.open_there(call.uow.session, mailbox_id)
    return {
        "unsent_conversations": held.unsent,
        "live_conversations": held.live,
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
        return _shown(call, accounts.get(look.session, mailbox_id))
