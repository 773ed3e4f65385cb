"""Mailboxes that sign in with OAuth, against a local authorization server and mail servers that check the token."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import select

from app.clock import FixedClock
from app.db.work import Database
from app.domain.delivery import OutboundState
from app.errors import BadInput, Conflict, MailboxFault, Refused
from app.inbox.deps import by_imap
from app.jobs import Job, RecordingDispatcher
from app.mail import accounts, oauth, sealed, signin
from app.mail.credentials import LEASE, Credentials, SignInEnded
from app.mail.providers import Server, provider
from app.models import AuditEvent, Mailbox, MailboxOAuth, OAuthFlow, Outbound, OutboundKind, Security
from app.outbox import service as outbox
from app.outbox.delivery import drain
from app.settings import Settings
from tests.support.dovecot import Dovecot, dovecot
from tests.support.oauth_server import REDIRECT, OAuthServer, oauth_server
from tests.support.signin_smtp import guarded_smtp
from tests.support.world import VAULT, a_contact, a_conversation, a_prospect, a_site

ANA = "ana@acme.test"


@pytest.fixture
def server() -> Iterator[OAuthServer]:
    with oauth_server() as running:
        yield running


@pytest.fixture
def installed(settings: Settings, server: OAuthServer) -> Settings:
    return settings.model_copy(
        update={
            name: type(getattr(settings, name))(value) if "secret" in name else value
            for name, value in server.settings(oauth_timeout=timedelta(seconds=5)).items()
        }
    )


def added(db: Database, settings: Settings, *, smtp_port: int = 25, imap_port: int = 143) -> Mailbox:
    """A mailbox at "google" that nobody has signed in yet."""
    wanted = accounts.draft(
        settings,
        email=ANA,
        from_name="Ana Silva",
        username=None,
        password="",
        smtp=Server("127.0.0.1", smtp_port, Security.NONE),
        imap=Server("127.0.0.1", imap_port, Security.NONE),
        gap_min_seconds=0,
        gap_max_seconds=0,
        by_oauth=True,
    )
    with db.work() as uow:
        return accounts.add(uow, VAULT, wanted, provider="google")


def begun(db: Database, settings: Settings, holder: str = signin.CLI) -> signin.Begun:
    with db.work() as uow:
        return signin.begin(uow, VAULT, settings, accounts.find(uow.session, ANA), holder=holder)


def signed_in(db: Database, settings: Settings, server: OAuthServer) -> Mailbox:
    start = begun(db, settings)
    back = signin.parse_return(server.agree(start.authorize_url), start)
    signin.finish(db, VAULT, settings, back, holder=signin.CLI)
    return the_mailbox(db)


def the_mailbox(db: Database) -> Mailbox:
    with db.read() as look:
        return look.session.exec(select(Mailbox)).one()


def the_row(db: Database) -> MailboxOAuth:
    with db.read() as look:
        return look.session.exec(select(MailboxOAuth)).one()


def a_pitch(db: Database, settings: Settings) -> int:
    with db.work() as uow:
        prospect = a_prospect(uow, a_site(uow))
        mailbox = accounts.find(uow.session, ANA)
        mailbox.polled_at = uow.now()
        return outbox.enqueue(
            uow,
            VAULT,
            settings,
            conversation=a_conversation(uow, prospect, a_contact(uow, prospect), mailbox),
            kind=OutboundKind.PITCH,
            subject="Your checklist",
            body_text="Hello Dana",
            body_html=None,
            approved_by="ana",
            not_before=uow.now(),
        ).id


def never(_: int) -> Any:
    raise AssertionError("a pitch after a fresh look needs no gate")


def state_of(db: Database, row_id: int) -> Outbound:
    with db.read() as look:
        return look.session.get_one(Outbound, row_id)


# --- signing in -----------------------------------------------------------------------------------------------------------


def test_a_person_signs_a_mailbox_in_and_what_waits_in_it_leaves(
    db: Database, installed: Settings, server: OAuthServer, dispatcher: RecordingDispatcher
) -> None:
    mailbox = added(db, installed)
    assert "nobody has signed in yet" in (mailbox.paused_reason or "")
    start = begun(db, installed)
    asked = parse_qs(urlsplit(start.authorize_url).query)
    assert asked["redirect_uri"] == [start.redirect_uri] == [REDIRECT]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["login_hint"] == [ANA]
    assert asked["access_type"] == ["offline"]
    back = signin.parse_return(server.agree(start.authorize_url), start)
    done = signin.finish(db, VAULT, installed, back, holder=signin.CLI)
    assert (done.email, done.account) == (ANA, ANA)
    mailbox = the_mailbox(db)
    assert (mailbox.paused_reason, mailbox.secret) == (None, "")
    assert {(Job.OUTBOX_DELIVER, mailbox.id), (Job.INBOX_POLL, mailbox.id)} <= set(dispatcher.rung)
    sign_in = Credentials(db, installed, VAULT).now(mailbox)
    assert sign_in.bearer
    assert server.owner(sign_in.secret) == ANA
    assert sign_in.secret not in repr(sign_in)
    assert server.refreshed == 0


def test_a_return_is_good_once_for_minutes_and_for_its_holder_only(
    db: Database, installed: Settings, server: OAuthServer, clock: FixedClock
) -> None:
    added(db, installed)
    start = begun(db, installed, holder="session:a")
    back = signin.parse_return(server.agree(start.authorize_url), start)
    with pytest.raises(Conflict, match="begun elsewhere"):
        signin.finish(db, VAULT, installed, back, holder="session:b")
    signin.finish(db, VAULT, installed, back, holder="session:a")
    with pytest.raises(Conflict, match="finished already"):
        signin.finish(db, VAULT, installed, back, holder="session:a")
    late = begun(db, installed)
    back = signin.parse_return(server.agree(late.authorize_url), late)
    clock.advance(signin.VALID_FOR + timedelta(seconds=1))
    with pytest.raises(Conflict, match="ten minutes"):
        signin.finish(db, VAULT, installed, back, holder=signin.CLI)
    with db.read() as look:
        stored = look.session.exec(select(OAuthFlow.state_hash)).all()
    assert late.state not in stored


def test_the_verifier_protects_a_stolen_code(db: Database, installed: Settings, server: OAuthServer) -> None:
    """A code that was begun elsewhere does not fit the verifier that this installation keeps."""
    added(db, installed)
    theirs, ours = begun(db, installed), begun(db, installed)
    stolen = signin.parse_return(server.agree(theirs.authorize_url), theirs).code
    with pytest.raises(Refused, match="PKCE"):
        signin.finish(db, VAULT, installed, signin.Return(ours.state, stolen), holder=signin.CLI)
    assert the_row(db).refresh_token is None


def test_each_refusal_says_what_to_do(db: Database, installed: Settings, server: OAuthServer) -> None:
    added(db, installed)

    def refused(**behaviour: Any) -> str:
        for name, value in behaviour.items():
            setattr(server, name, value)
        start = begun(db, installed)
        back = signin.parse_return(server.agree(start.authorize_url), start)
        with pytest.raises(Refused) as caught:
            signin.finish(db, VAULT, installed, back, holder=signin.CLI)
        assert the_row(db).refresh_token is None
        return caught.value.detail

    assert "The user said no" in refused(agrees=False)
    assert "signed in as bob@acme.test" in refused(agrees=True, account="bob@acme.test")
    assert "https://mail.google.com/" in refused(account=ANA, grants="openid email")
    assert "refresh token" in refused(grants=None, gives_refresh=False)


def test_a_redirect_that_is_not_registered_shows_the_exact_one(
    db: Database, installed: Settings, server: OAuthServer
) -> None:
    added(db, installed)
    elsewhere = installed.model_copy(update={"oauth_redirect_url": "http://127.0.0.1:8321/other"})
    start = begun(db, elsewhere)
    with pytest.raises(AssertionError, match="redirect_uri_mismatch"):
        server.agree(start.authorize_url)
    back = signin.Return(start.state, "", "redirect_uri_mismatch", "")
    with pytest.raises(Refused, match=r"register exactly this one with Google: http://127\.0\.0\.1:8321/other$"):
        signin.finish(db, VAULT, elsewhere, back, holder=signin.CLI)
    server.redirects.append("http://127.0.0.1:8321/other")
    start = begun(db, elsewhere)
    code = signin.parse_return(server.agree(start.authorize_url), start).code
    with pytest.raises(oauth.GrantEnded, match=r"Register exactly this redirect address with Google: http://here$"):
        oauth.exchange(
            provider(installed, "google"), code=code, verifier="x", redirect_uri="http://here",
            timeout=timedelta(seconds=5),
        )  # fmt: skip


def test_what_is_pasted_is_read_with_care(db: Database, installed: Settings) -> None:
    added(db, installed)
    start = begun(db, installed)
    assert signin.parse_return(" 4/abc ", start) == signin.Return(start.state, "4/abc")
    with pytest.raises(BadInput, match="another sign-in"):
        signin.parse_return(f"{REDIRECT}?code=x&state=other", start)
    with pytest.raises(BadInput, match="neither"):
        signin.parse_return("  ", start)


def test_a_provider_without_a_client_is_named_with_its_setting(db: Database, settings: Settings) -> None:
    for name in ("google", "microsoft"):
        with pytest.raises(BadInput) as caught:
            provider(settings, name)
        assert f"GAPBRIDGE_OAUTH_{name.upper()}_CLIENT_ID" in caught.value.problems[0].problem
        assert "/oauth/callback" in caught.value.problems[0].problem
    with pytest.raises(BadInput, match="no provider"):
        provider(settings, "yahoo")


# --- renewing -------------------------------------------------------------------------------------------------------------


def test_workers_that_need_a_token_at_once_spend_one_refresh_token(
    db: Database, installed: Settings, server: OAuthServer, clock: FixedClock
) -> None:
    added(db, installed)
    mailbox = signed_in(db, installed, server)
    server.slow = 0.2
    found: list[str] = []
    for round_number in (1, 2):
        clock.advance(timedelta(hours=2))
        found.clear()
        workers = [
            threading.Thread(target=lambda: found.append(Credentials(db, installed, VAULT).now(mailbox).secret))
            for _ in range(6)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(30)
        assert len(found) == 6
        assert len(set(found)) == 1
        assert server.owner(found[0]) == ANA
        assert server.refreshed == round_number
    assert server.refusals == []


def test_the_rotated_token_is_stored_before_it_is_used(
    db: Database, installed: Settings, server: OAuthServer, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    added(db, installed)
    mailbox = signed_in(db, installed, server)
    clock.advance(timedelta(hours=2))
    sign_in = Credentials(db, installed, VAULT).now(mailbox)
    row = the_row(db)
    assert VAULT.open(row.refresh_token or "", sealed.bound_to(mailbox.id, sealed.REFRESH)) in server.refresh
    assert VAULT.open(row.access_token or "", sealed.bound_to(mailbox.id, sealed.ACCESS)) == sign_in.secret

    # A database that cannot store the new pair: nobody gets to use the new access token.
    clock.advance(timedelta(hours=2))

    def broken(*_: Any, **__: Any) -> bool:
        raise RuntimeError("disk full")

    monkeypatch.setattr("app.mail.credentials.store", broken)
    with pytest.raises(RuntimeError, match="disk full"):
        Credentials(db, installed, VAULT).now(mailbox)


def test_a_token_of_a_short_life_is_not_renewed_for_ever(
    db: Database, installed: Settings, server: OAuthServer
) -> None:
    server.lifetime = 30
    added(db, installed)
    mailbox = signed_in(db, installed, server)
    assert server.owner(Credentials(db, installed, VAULT).now(mailbox).secret) == ANA
    assert server.refreshed == 0


def held_by_a_dead_one(
    db: Database, installed: Settings, server: OAuthServer, clock: FixedClock, lease: timedelta
) -> Mailbox:
    """A mailbox whose token has run out while somebody who is gone holds the right to renew it."""
    added(db, installed)
    mailbox = signed_in(db, installed, server)
    clock.advance(timedelta(hours=2))
    with db.work() as uow:
        row = uow.session.get_one(MailboxOAuth, mailbox.id)
        row.lease_owner, row.lease_until = "a dead one", uow.now() + lease
    return mailbox


def test_a_holder_that_died_is_waited_for_and_then_passed_over(
    db: Database, installed: Settings, server: OAuthServer, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = held_by_a_dead_one(db, installed, server, clock, LEASE)
    monkeypatch.setattr("app.mail.credentials._WAIT_SECONDS", 0.3)
    with pytest.raises(MailboxFault, match="another worker"):
        Credentials(db, installed, VAULT).now(mailbox)
    assert server.refreshed == 0
    clock.advance(LEASE + timedelta(seconds=1))
    assert server.owner(Credentials(db, installed, VAULT).now(mailbox).secret) == ANA


def test_a_holder_whose_clock_was_ahead_is_not_waited_for(
    db: Database, installed: Settings, server: OAuthServer, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = held_by_a_dead_one(db, installed, server, clock, timedelta(days=10))
    monkeypatch.setattr("app.mail.credentials._WAIT_SECONDS", 0.3)
    assert server.owner(Credentials(db, installed, VAULT).now(mailbox).secret) == ANA


def test_a_provider_that_is_away_rests_nothing_for_good(
    db: Database, installed: Settings, server: OAuthServer, clock: FixedClock
) -> None:
    added(db, installed)
    mailbox = signed_in(db, installed, server)
    clock.advance(timedelta(hours=2))
    server.down = True
    with pytest.raises(MailboxFault, match="answers 503"):
        Credentials(db, installed, VAULT).now(mailbox)
    assert (the_row(db).ended_reason, the_row(db).lease_owner, the_mailbox(db).paused_reason) == (None, None, None)
    nowhere = installed.model_copy(update={"oauth_google_token_url": "http://127.0.0.1:1/token"})
    with pytest.raises(MailboxFault, match=r"cannot be reached.*GAPBRIDGE_OAUTH_GOOGLE_TOKEN_URL"):
        Credentials(db, nowhere, VAULT).now(mailbox)
    stranger = installed.model_copy(update={"oauth_google_client_id": "somebody else"})
    server.down, server.hurried = False, True
    with pytest.raises(MailboxFault, match="tried again later"):
        Credentials(db, installed, VAULT).now(mailbox)
    assert the_row(db).ended_reason is None
    server.hurried = False
    with pytest.raises(MailboxFault, match="does not accept this installation's OAuth client"):
        Credentials(db, stranger, VAULT).now(mailbox)
    assert server.owner(Credentials(db, installed, VAULT).now(mailbox).secret) == ANA


# --- the mail servers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "used"), [(("PLAIN", "XOAUTH2", "OAUTHBEARER"), "XOAUTH2"), (("OAUTHBEARER",), "OAUTHBEARER")]
)
def test_mail_leaves_with_a_token_and_a_refused_token_is_renewed_once(
    db: Database, installed: Settings, server: OAuthServer, offered: tuple[str, ...], used: str
) -> None:
    with guarded_smtp(server.owner, mechanisms=offered) as smtp:
        added(db, installed, smtp_port=smtp.port)
        mailbox = signed_in(db, installed, server)
        row_id = a_pitch(db, installed)
        server.revoke_access()  # The token that we hold is dead before its time.
        report = drain(db, installed, VAULT, never, mailbox.id)
        assert (report.sent, state_of(db, row_id).state) == (1, OutboundState.SENT)
        assert smtp.refused == [(used, ANA)]
        assert smtp.signed_in == [(used, ANA)]
        assert server.refreshed == 1


def test_a_dead_sign_in_rests_the_mailbox_keeps_its_mail_and_ends_with_a_new_one(
    db: Database, installed: Settings, server: OAuthServer, clock: FixedClock
) -> None:
    with guarded_smtp(server.owner) as smtp:
        added(db, installed, smtp_port=smtp.port)
        mailbox = signed_in(db, installed, server)
        row_id = a_pitch(db, installed)
        server.revoke()
        report = drain(db, installed, VAULT, never, mailbox.id)
        assert report.sent == 0
        mailbox = the_mailbox(db)
        for part in ("Token has been expired or revoked", f"/mailboxes/{mailbox.id}/sign-in", f"sign-in {ANA}"):
            assert part in (mailbox.paused_reason or "")
        assert mailbox.paused_until is None
        assert state_of(db, row_id).state is OutboundState.QUEUED
        asked = server.refreshed
        clock.advance(timedelta(days=1))
        assert drain(db, installed, VAULT, never, mailbox.id).tried == 0
        with pytest.raises(SignInEnded):
            Credentials(db, installed, VAULT).now(mailbox)
        assert server.refreshed == asked  # Nobody knocks at a closed door again and again.
        with db.work() as uow, pytest.raises(Conflict, match="sign in again"):
            accounts.resume(uow, VAULT, ANA)

        signed_in(db, installed, server)
        with db.work() as uow:
            accounts.find(uow.session, ANA).polled_at = uow.now()
        assert drain(db, installed, VAULT, never, mailbox.id).sent == 1
        assert state_of(db, row_id).state is OutboundState.SENT


def test_a_sign_in_that_ended_is_noted_over_a_rest_that_ends_by_itself(
    db: Database, installed: Settings, server: OAuthServer, clock: FixedClock
) -> None:
    added(db, installed)
    mailbox = signed_in(db, installed, server)
    with db.work() as uow:
        uow.session.get_one(MailboxOAuth, mailbox.id).ended_reason = "sign in again"
        accounts.find(uow.session, ANA).paused_reason = "451 later"
        accounts.find(uow.session, ANA).paused_until = uow.now() + timedelta(minutes=15)
    clock.advance(timedelta(days=1))
    for _ in range(2):
        with pytest.raises(SignInEnded):
            Credentials(db, installed, VAULT).now(mailbox)
    assert (the_mailbox(db).paused_reason, the_mailbox(db).paused_until) == ("sign in again", None)
    with db.read() as look:
        assert len(look.session.exec(select(AuditEvent).where(AuditEvent.verb == "mailbox.stopped")).all()) == 1


def test_a_token_server_that_is_away_makes_the_mailbox_wait_and_not_the_mail_fail(
    db: Database, installed: Settings, server: OAuthServer, clock: FixedClock
) -> None:
    with guarded_smtp(server.owner) as smtp:
        added(db, installed, smtp_port=smtp.port)
        mailbox = signed_in(db, installed, server)
        row_id = a_pitch(db, installed)
        clock.advance(timedelta(hours=2))
        with db.work() as uow:
            accounts.find(uow.session, ANA).polled_at = uow.now()
        server.down = True
        assert drain(db, installed, VAULT, never, mailbox.id).sent == 0
        assert state_of(db, row_id).state is OutboundState.QUEUED
        assert the_mailbox(db).paused_until == clock.now() + timedelta(minutes=15)
        server.down = False
        clock.advance(timedelta(minutes=16))
        with db.work() as uow:
            accounts.find(uow.session, ANA).polled_at = uow.now()
        assert drain(db, installed, VAULT, never, mailbox.id).sent == 1


@pytest.fixture(params=["xoauth2 oauthbearer", "oauthbearer"])
def imap(request: pytest.FixtureRequest, server: OAuthServer) -> Iterator[Dovecot]:
    with dovecot(ANA, introspection_url=server.introspection_url, mechanisms=request.param) as running:
        yield running


def test_mail_is_read_with_a_token_and_a_refused_token_is_renewed_once(
    db: Database, installed: Settings, server: OAuthServer, imap: Dovecot
) -> None:
    added(db, installed, imap_port=imap.port)
    mailbox = signed_in(db, installed, server)
    connect: Callable[..., Any] = by_imap(installed, Credentials(db, installed, VAULT))
    store = connect(mailbox, timedelta(seconds=10))
    assert {folder.role for folder in store.folders()} == {"inbox", "junk", "sent"}
    store.close()
    server.revoke_access()
    connect(mailbox, timedelta(seconds=10)).close()
    assert server.refreshed == 1
    server.revoke()
    with pytest.raises(SignInEnded, match="sign in again"):
        connect(mailbox, timedelta(seconds=10))
