"""The mailboxes of an installation: add one with its sealed password, list them, and wake those that rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import ColumnElement, and_, func, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session, col, select

from app.addresses import clean_address
from app.audit import service as audit
from app.db.vault import Vault
from app.db.work import UnitOfWork
from app.domain.said import cut, say
from app.errors import BadInput, Conflict, FieldProblem, NotFound
from app.jobs import Job
from app.mail import reputation, resting
from app.mail.credentials import Credentials, SignIn
from app.mail.providers import Server
from app.mail.sealed import bound_to
from app.models import Contact, Folder, Mailbox, MailboxOAuth, MailboxPacing, Security, SendingDomain
from app.settings import Settings

MOST_ALIASES = 100
MOST_A_DAY = 500
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Draft:
    """All that a mailbox is made of, with its password in the clear: never stored, never logged.

    With `bearer` the password is an access token.
    """

    email: str
    from_name: str
    username: str
    password: str = field(repr=False)
    smtp: Server
    imap: Server
    time_zone: str
    daily_cap: int
    gap_min_seconds: int
    gap_max_seconds: int
    bearer: bool = False
    ramp_start: int | None = None
    ramp_step: int = 5


def draft(
    settings: Settings,
    *,
    email: str,
    from_name: str,
    username: str | None,
    password: str,
    smtp: Server,
    imap: Server,
    time_zone: str = "UTC",
    daily_cap: int = 50,
    gap_min_seconds: int = 60,
    gap_max_seconds: int = 240,
    by_oauth: bool = False,
) -> Draft:
    """A mailbox that is checked for sense, but not stored yet. `username` None means the address.

    `by_oauth`: it has no password, and a person signs it in afterwards. Raises BadInput with every field that is wrong.
    """
    address, problems = "", _problems(settings, from_name, smtp, imap)
    if not by_oauth and (not password or any(letter in password for letter in "\r\n\0")):
        problems.append(FieldProblem("password", say("Enter the password, on one line")))
    try:
        address = clean_address(email)
    except BadInput as wrong:
        problems += wrong.problems
    if time_zone not in available_timezones():
        problems.append(
            FieldProblem(
                "time_zone",
                say("'{time_zone}' is no zone of the IANA list, such as Europe/Berlin", time_zone=time_zone),
            )
        )
    if not 1 <= daily_cap <= MOST_A_DAY:
        problems.append(
            FieldProblem("daily_cap", say("Mails a day must be a number from 1 to {most_a_day}", most_a_day=MOST_A_DAY))
        )
    if not 0 <= gap_min_seconds <= gap_max_seconds:
        problems.append(
            FieldProblem(
                "gap_max_seconds", say("The longest pause must not be shorter than the shortest, and neither below 0")
            )
        )
    if problems:
        raise BadInput(say("The mailbox cannot be added."), *problems)
    return Draft(
        address, from_name.strip(), username or address, password, smtp, imap, time_zone, daily_cap,
        gap_min_seconds, gap_max_seconds,
        ramp_start=settings.ramp_start, ramp_step=settings.ramp_step,
    )  # fmt: skip


def add(uow: UnitOfWork, vault: Vault, wanted: Draft, *, provider: str | None = None) -> Mailbox:
    """Store a mailbox with its sealed password; its first poll is due at once. Raises Conflict when it is there already.

    With `provider` it has no password and rests until somebody has signed it in (`app.mail.signin`).
    """
    if known(uow.session, wanted.email) is not None:
        raise Conflict(
            say("the mailbox {email} is there already; `gapbridge mailbox list` shows it", email=wanted.email)
        )
    row = Mailbox(
        email=wanted.email,
        from_name=wanted.from_name,
        username=wanted.username,
        secret="",
        smtp_host=wanted.smtp.host,
        smtp_port=wanted.smtp.port,
        smtp_security=wanted.smtp.security,
        imap_host=wanted.imap.host,
        imap_port=wanted.imap.port,
        imap_security=wanted.imap.security,
        time_zone=wanted.time_zone,
        daily_cap=wanted.daily_cap,
        gap_min_seconds=wanted.gap_min_seconds,
        gap_max_seconds=wanted.gap_max_seconds,
        poll_due_at=uow.now(),
        created_at=uow.now(),
    )
    uow.session.add(row)
    uow.session.flush()  # The password is bound to the id of its row.
    uow.session.add(MailboxPacing(mailbox_id=row.id, ramp_start=wanted.ramp_start, ramp_step=wanted.ramp_step))
    _know_domain(uow, row.email.rpartition("@")[2])
    after = {
        "smtp": f"{row.smtp_host}:{row.smtp_port}",
        "imap": f"{row.imap_host}:{row.imap_port}",
        "cap": row.daily_cap,
    }
    audit.record(uow, "mailbox.connected", "mailbox", row.id, name=row.email, after={**after, "provider": provider})
    if provider is not None:
        row.paused_reason = say(
            "nobody has signed in yet; `gapbridge mailbox sign-in {email}` begins it", email=row.email
        )
        uow.session.add(
            MailboxOAuth(
                mailbox_id=row.id,
                provider=provider,
                ended_reason=row.paused_reason,
                ended_at=uow.now(),
                created_at=uow.now(),
            )
        )
        return row
    row.secret = vault.seal(wanted.password, bound_to(row.id))
    uow.ring(Job.INBOX_POLL, row.id)
    return row


def _know_domain(uow: UnitOfWork, domain: str) -> None:
    """See that the DNS of the domain is looked at, now and every day (app.deliverability)."""
    insert = sqlite_insert if uow.session.get_bind().dialect.name == "sqlite" else postgresql_insert
    values = {"domain": domain, "selectors": [], "override_checks": [], "due_at": uow.now(), "created_at": uow.now()}
    uow.session.execute(insert(SendingDomain).values(**values).on_conflict_do_nothing())
    known = uow.session.exec(select(SendingDomain).where(col(SendingDomain.domain) == domain)).one()
    known.due_at = uow.now()
    uow.ring(Job.DOMAINS_CHECK, known.id)


def resume(
    uow: UnitOfWork, vault: Vault, email: str, *, password: str | None = None, actor: str | None = None
) -> Mailbox:
    """Wake a mailbox that rests or was switched off, with a new password where one is given (it replaces OAuth).

    Raises NotFound, and Conflict for a mailbox that somebody has to sign in first.
    """
    mailbox = find(uow.session, email)
    by_oauth = uow.session.get(MailboxOAuth, mailbox.id)
    if password:
        mailbox.secret = vault.seal(password, bound_to(mailbox.id))
        if by_oauth is not None:
            uow.session.delete(by_oauth)
    elif by_oauth is not None and by_oauth.ended_reason is not None:
        raise Conflict(by_oauth.ended_reason)
    elif by_oauth is None and not mailbox.secret:
        raise Conflict(say("it was switched off and its password forgotten; give it a new one, or sign it in again"))
    who = actor or uow.actor
    reputation.end_pause(uow, mailbox.id, actor=who)
    before = {"active": mailbox.active, "paused": mailbox.paused_reason}
    after = {"active": True, "paused": None, **({"password": "a new one"} if password else {})}
    audit.record(
        uow, "mailbox.resumed", "mailbox", mailbox.id, name=mailbox.email, before=before, after=after, actor=who
    )
    return wake(uow, mailbox)


def wake(uow: UnitOfWork, mailbox: Mailbox) -> Mailbox:
    """Let the mailbox send and be read again, at once. One that stopped by its bounces or complaints is read, but sends nothing."""
    mailbox.active, mailbox.failures, mailbox.poll_failures = True, 0, 0
    stopped = reputation.open_pause(uow.session, mailbox.id)
    mailbox.paused_reason = cut(stopped.reason, 500) if stopped is not None else None
    mailbox.paused_until = mailbox.poll_error = None
    mailbox.poll_due_at = uow.now()
    # A folder that was given up is read again, too: nobody resumes a mailbox to have its answers overlooked.
    uow.session.execute(
        update(Folder)
        .where(col(Folder.mailbox_id) == mailbox.id, col(Folder.stopped_reason).is_not(None))
        .values(stopped_reason=None, resets_in_row=0)
    )
    uow.ring(Job.INBOX_POLL, mailbox.id)
    uow.ring(Job.OUTBOX_DELIVER, mailbox.id)
    return mailbox


def pause(uow: UnitOfWork, mailbox_id: int, *, reason: str, actor: str | None = None) -> Mailbox:
    """Let a mailbox rest until a person resumes it: it is read, and sends nothing. `actor` is shown after the reason.

    Raises NotFound and BadInput (`reason`).
    """
    mailbox = reputation.lock(uow.session, get(uow.session, mailbox_id).id)
    if not reason.strip():
        raise BadInput(say("say why it is to rest"), FieldProblem("reason", say("A sentence, for those who wonder")))
    by = f" ({actor})" if actor else ""
    resting.begin(mailbox, reason.strip()[: 500 - len(by)] + by, None, uow.now())
    uow.session.flush()
    audit.record(uow, "mailbox.paused", "mailbox", mailbox_id, name=mailbox.email, reason=mailbox.paused_reason)
    return mailbox


def set_aliases(uow: UnitOfWork, mailbox_id: int, addresses: Sequence[str], *, actor: str | None = None) -> Mailbox:
    """The further addresses that people write from beside the mailbox's own: what comes from them is ours, and no answer.

    They replace the former ones. Raises NotFound and BadInput (`aliases`).
    """
    mailbox = get(uow.session, mailbox_id)
    cleaned: list[str] = []
    for address in addresses:
        try:
            cleaned.append(clean_address(address).lower())
        except BadInput as wrong:
            raise BadInput(
                say("The addresses cannot be kept."),
                FieldProblem("aliases", say("'{address}' is no plain address", address=address[:80])),
            ) from wrong
    if len(cleaned) > MOST_ALIASES:
        raise BadInput(
            say("The addresses cannot be kept."), FieldProblem("aliases", say("at most {most}", most=MOST_ALIASES))
        )
    fresh = set(cleaned) - {mailbox.email.lower()} - set(mailbox.aliases or ())
    contact = uow.session.exec(
        select(Contact.email).where(func.lower(col(Contact.email)).in_(sorted(fresh))).limit(1)
    ).first()
    if contact is not None:
        raise BadInput(
            say("The addresses cannot be kept."),
            FieldProblem(
                "aliases", say("{address} is a contact; its answers would be taken for ours", address=contact)
            ),
        )
    before = {"aliases": mailbox.aliases or []}
    mailbox.aliases = sorted(set(cleaned) - {mailbox.email.lower()}) or None
    uow.session.flush()
    after = {"aliases": mailbox.aliases or []}
    audit.record(
        uow, "mailbox.aliases", "mailbox", mailbox_id, name=mailbox.email, before=before, after=after, actor=actor
    )
    return mailbox


def rename(uow: UnitOfWork, mailbox_id: int, from_name: str) -> Mailbox:
    """Change the name that editors see as the sender. What is approved already keeps the former one."""
    mailbox = get(uow.session, mailbox_id)
    problems = _name_problems(from_name)
    if problems:
        raise BadInput(say("The name cannot be used."), *problems)
    before, mailbox.from_name = {"from_name": mailbox.from_name}, from_name.strip()
    uow.session.flush()
    after = {"from_name": mailbox.from_name}
    audit.record(uow, "mailbox.renamed", "mailbox", mailbox_id, name=mailbox.email, before=before, after=after)
    return mailbox


def stored(mailbox: Mailbox, credentials: Credentials, *, password: str | None = None) -> Draft:
    """A stored mailbox with what signs it in now, or with a `password` that is to be tried.

    Raises as `Credentials.now` does; call it outside of a transaction.
    """
    sign_in = SignIn(mailbox.username, password) if password else credentials.now(mailbox)
    return Draft(
        mailbox.email,
        mailbox.from_name,
        sign_in.username,
        sign_in.secret,
        Server(mailbox.smtp_host, mailbox.smtp_port, mailbox.smtp_security),
        Server(mailbox.imap_host, mailbox.imap_port, mailbox.imap_security),
        mailbox.time_zone,
        mailbox.daily_cap,
        mailbox.gap_min_seconds,
        mailbox.gap_max_seconds,
        bearer=sign_in.bearer,
    )


def _name_problems(from_name: str) -> list[FieldProblem]:
    if from_name.strip() and len(from_name) <= _LONGEST_NAME and all(ord(letter) >= 32 for letter in from_name):
        return []
    return [
        FieldProblem(
            "from_name",
            say("Enter a name of at most {longest_name} characters, on one line", longest_name=_LONGEST_NAME),
        )
    ]


def _problems(settings: Settings, from_name: str, smtp: Server, imap: Server) -> list[FieldProblem]:
    return [*_name_problems(from_name), *server_problems(settings, smtp, imap)]


def server_problems(settings: Settings, smtp: Server, imap: Server) -> list[FieldProblem]:
    """What speaks against two servers as they are written, each at its field."""
    problems: list[FieldProblem] = []
    for name, server in (("smtp", smtp), ("imap", imap)):
        if not server.host or any(letter.isspace() or letter in "/@" for letter in server.host):
            fault = say("'{host}' is no host name", host=server.host) if server.host else say("Enter the server's name")
            problems.append(FieldProblem(f"{name}_host", fault))
        if not 1 <= server.port <= 65535:
            problems.append(FieldProblem(f"{name}_port", say("A port is a number from 1 to 65535")))
        if server.security is Security.NONE and not settings.mail_allow_plaintext:
            problems.append(
                FieldProblem(
                    f"{name}_security",
                    say(
                        "without TLS the password would be readable on the way; use tls or starttls "
                        "(GAPBRIDGE_MAIL_ALLOW_PLAINTEXT allows it for servers on this machine)"
                    ),
                )
            )
    return problems


def every(session: Session) -> list[Mailbox]:
    """All mailboxes, by address."""
    return list(session.exec(select(Mailbox).order_by(col(Mailbox.email))))


def by_oauth(session: Session) -> dict[int, str]:
    """The mailboxes that sign in at a provider: id to its name."""
    return {row.mailbox_id: row.provider for row in session.exec(select(MailboxOAuth))}


def known(session: Session, email: str) -> Mailbox | None:
    """The mailbox with this clean address, or None."""
    return session.exec(select(Mailbox).where(col(Mailbox.email) == email)).one_or_none()


def same_account(imap_host: Any, username: Any) -> ColumnElement[bool]:
    """Whether a mailbox reads the account of this IMAP server and user name: values, or columns of another mailbox."""
    return and_(func.lower(col(Mailbox.imap_host)) == func.lower(imap_host), col(Mailbox.username) == username)


def sharing(session: Session, wanted: Draft) -> list[str]:
    """The addresses of other mailboxes that read the same account."""
    same = same_account(wanted.imap.host, wanted.username)
    return list(session.exec(select(Mailbox.email).where(same, col(Mailbox.email) != wanted.email)))


def find(session: Session, email: str) -> Mailbox:
    """The mailbox with this address; raises NotFound."""
    row = session.exec(select(Mailbox).where(col(Mailbox.email) == clean_address(email))).one_or_none()
    if row is None:
        raise NotFound(
            say("there is no mailbox {email}; `gapbridge mailbox list` shows those that there are", email=email)
        )
    return row


def get(session: Session, mailbox_id: int) -> Mailbox:
    """The mailbox with this id; raises NotFound."""
    row = session.get(Mailbox, mailbox_id)
    if row is None:
        raise NotFound(say("there is no mailbox {mailbox_id}", mailbox_id=mailbox_id))
    return row
