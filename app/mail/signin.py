"""A person signs a mailbox in at its provider: begin (an address to open), come back (a code), and the mailbox works.

The state that travels through the browser is kept as a hash, lives for minutes, is good once, and only for the holder who
began: the browser's session, the API key, or the command line. The code is worth nothing without the verifier (PKCE),
which never leaves this installation.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import delete
from sqlmodel import col

from app.audit import service as audit
from app.db.vault import Vault
from app.db.work import Database, UnitOfWork
from app.domain.said import say
from app.errors import BadInput, Conflict, FieldProblem, Refused, Skip
from app.log import get_logger
from app.mail import accounts, oauth
from app.mail.credentials import store
from app.mail.providers import Provider, provider
from app.models import Mailbox, MailboxOAuth, OAuthFlow
from app.settings import Settings

log = get_logger("mail")

VALID_FOR = timedelta(minutes=10)
CLI = "cli"


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that waits for its person: open `authorize_url`; the provider sends them back to `redirect_uri`."""

    authorize_url: str
    state: str
    redirect_uri: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Return:
    """What a browser brings back, as it stands in the address."""

    state: str
    code: str
    error: str = ""
    error_description: str = ""


def parse_return(text: str, begun: Begun) -> Return:
    """The return out of a pasted address, or out of the bare code. Raises BadInput."""
    text = text.strip()
    asked = parse_qs(urlsplit(text).query) if "?" in text else {}
    if not asked:
        if not text or any(letter.isspace() for letter in text):
            raise BadInput(
                say("this is neither a code nor an address"), FieldProblem("code", say("Paste the whole address"))
            )
        return Return(begun.state, text)
    values = {name: asked.get(name, [""])[0] for name in ("state", "code", "error", "error_description")}
    if values["state"] != begun.state:
        raise BadInput(
            say("this address belongs to another sign-in"),
            FieldProblem("code", say("Open the address that was printed last, and paste where it leads")),
        )
    return Return(**values)


def begin(
    uow: UnitOfWork,
    vault: Vault,
    settings: Settings,
    mailbox: Mailbox,
    *,
    holder: str,
    provider_name: str | None = None,
) -> Begun:
    """Begin a sign-in for `mailbox`. `provider_name` is needed where the mailbox signs in with a password until now.

    Raises BadInput for a provider that is unknown or not set up here.
    """
    row = uow.session.get(MailboxOAuth, mailbox.id)
    chosen = provider_name or (row.provider if row is not None else "")
    at = provider(settings, chosen)
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    uow.session.execute(delete(OAuthFlow).where(col(OAuthFlow.expires_at) < uow.now()))
    flow = OAuthFlow(
        state_hash=_hash(state),
        holder=holder,
        mailbox_id=mailbox.id,
        provider=at.name,
        verifier=vault.seal(verifier, f"oauth-flow:{_hash(state)}"),
        redirect_uri=settings.redirect_url,
        expires_at=uow.now() + VALID_FOR,
    )
    uow.session.add(flow)
    url = oauth.authorize_url(
        at, state=state, verifier=verifier, redirect_uri=flow.redirect_uri, account=mailbox.username
    )
    return Begun(url, state, flow.redirect_uri, flow.expires_at)


@dataclass(frozen=True, slots=True)
class Done:
    """A mailbox that was signed in. `account` is who agreed, as far as the provider told."""

    mailbox_id: int
    email: str
    account: str | None


def finish(
    db: Database, vault: Vault, settings: Settings, back: Return, *, holder: str, mailbox_id: int | None = None
) -> Done:
    """Take the code, keep the tokens, and wake the mailbox (`mailbox_id`, where it is known): what waits in it leaves.

    Several transactions by nature (the provider is asked between two). Raises Conflict for a state that is unknown,
    used, too old or another's; Refused (`not-agreed`, `not-granted`, `other-account`) when the provider or the person
    said no; MailboxFault when the provider cannot be asked.
    """
    named = [col(OAuthFlow.mailbox_id) == mailbox_id] if mailbox_id is not None else []
    with db.work() as uow:
        spent = uow.session.execute(
            delete(OAuthFlow)
            .where(
                col(OAuthFlow.state_hash) == _hash(back.state),
                col(OAuthFlow.holder) == holder,
                col(OAuthFlow.expires_at) >= uow.now(),
                *named,
            )
            .returning(
                col(OAuthFlow.mailbox_id), col(OAuthFlow.provider), col(OAuthFlow.verifier), col(OAuthFlow.redirect_uri)
            )
        ).first()
        mailbox = uow.session.get(Mailbox, spent[0]) if spent is not None else None
    if spent is None or mailbox is None:
        raise Conflict(
            say(
                "this sign-in is not waiting here: it was finished already, is older than ten minutes, "
                "or was begun elsewhere. Where it was begun on a command line, paste the address of this "
                "page there; else begin again"
            )
        )
    at = provider(settings, spent[1])
    if not back.code:
        raise _refused("not-agreed", f"{at.label} gave no code ({_said(back)}). {_about_redirect(at, spent[3])}")
    try:
        granted = oauth.exchange(
            at,
            code=back.code,
            verifier=vault.open(spent[2], f"oauth-flow:{_hash(back.state)}"),
            redirect_uri=spent[3],
            timeout=settings.oauth_timeout,
        )
    except oauth.GrantEnded as ended:
        raise _refused("not-agreed", f"{at.label} does not accept the code ({ended.detail}); begin again") from None
    _check(at, granted, mailbox)
    with db.work() as uow:
        _keep(uow, vault, at, mailbox.id, granted)
        after = {"provider": at.name, "account": granted.account}
        audit.record(uow, "mailbox.signed_in", "mailbox", mailbox.id, name=mailbox.email, after=after)
        accounts.wake(uow, uow.session.get_one(Mailbox, mailbox.id, with_for_update=True))
    log.info("mail.signed_in", mailbox_id=mailbox.id, provider=at.name)
    return Done(mailbox.id, mailbox.email, granted.account)


def _check(at: Provider, granted: oauth.Granted, mailbox: Mailbox) -> None:
    names = {mailbox.email.lower(), mailbox.username.lower()}
    if at.account_is_mailbox and granted.account is not None and granted.account not in names:
        raise _refused(
            "other-account",
            f"you have signed in as {granted.account}, and this mailbox is {mailbox.email}: begin again and choose that "
            "account (with --username where the account has another name)",
        )
    if granted.scopes is not None:
        # What is asked for mail is written as an address; the others (openid, offline_access) some providers leave out.
        asked = {scope for scope in at.scopes.split() if scope.startswith("http")}
        missing = sorted(asked - granted.scopes)
        if missing:
            raise _refused(
                "not-granted",
                f"{at.label} did not grant {', '.join(missing)}: begin again and tick every box it shows, or allow it "
                "in the settings of your OAuth client",
            )
    if granted.refresh_token is None:
        raise _refused(
            "not-granted",
            f"{at.label} gave no lasting permission (refresh token): take this application's access away in the "
            "account's security settings, then begin again",
        )


def _keep(uow: UnitOfWork, vault: Vault, at: Provider, mailbox_id: int, granted: oauth.Granted) -> None:
    row = uow.session.get(MailboxOAuth, mailbox_id, with_for_update=True)
    if row is None:
        row = MailboxOAuth(mailbox_id=mailbox_id, provider=at.name, created_at=uow.now())
        uow.session.add(row)
    row.provider, row.ended_reason, row.ended_at, row.signed_in_at = at.name, None, None, uow.now()
    uow.session.flush()
    store(uow, vault, row, granted)
    # A password that was used until now is not kept beside it.
    uow.session.get_one(Mailbox, mailbox_id).secret = ""


def _refused(reason: str, sentence: str) -> Refused:
    return Refused(sentence, Skip(reason, sentence))


def _said(back: Return) -> str:
    return " ".join(f"{back.error}: {back.error_description}".strip(": ").split())[:300] or "no reason given"


def _about_redirect(at: Provider, redirect_uri: str) -> str:
    return f"If it speaks of the redirect address, register exactly this one with {at.label}: {redirect_uri}"


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
