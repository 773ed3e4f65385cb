"""Sends the digest and the other mails to staff: row first, claim, commit, send, record. One whose outcome is unknown is never sent again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from app import i18n
from app.db.vault import Vault
from app.db.work import Database, UnitOfWork
from app.digest import content, notices
from app.domain.delivery import Answer
from app.domain.digest import Cadence, DigestState, Kind, Period, notice_period, period_at
from app.domain.said import say
from app.errors import BadInput, GapbridgeError
from app.log import get_logger
from app.mail.credentials import Credentials
from app.mail.ids import new_ids
from app.mail.mime import Draft, freeze
from app.mail.smtp import Account, NothingWritten, SmtpSession, StepFailed
from app.models import Digest, Mailbox, Security, User, UserSetting
from app.settings import Settings

log = get_logger("digest")

MAX_TRIES = 6
_CLAIM = timedelta(minutes=15)
_WAIT = timedelta(minutes=10)
_FURTHEST = timedelta(days=31)
# What may have reached somebody, or had nothing to say: the next digest begins where it ended.
_TOLD = (DigestState.SENT, DigestState.EMPTY, DigestState.UNKNOWN, DigestState.WRITTEN)
_said: set[str] = set()
_OPEN = (DigestState.READY, DigestState.SENDING, DigestState.WRITTEN)


class Deps(Protocol):
    """The wired dependencies that a digest uses."""

    @property
    def db(self) -> Database:
        """The database."""

    @property
    def settings(self) -> Settings:
        """The settings."""

    @property
    def vault(self) -> Vault:
        """The keys by which Message-IDs prove themselves."""

    @property
    def credentials(self) -> Credentials:
        """What signs a mailbox in."""


@dataclass(frozen=True, slots=True)
class _Sender:
    address: str
    name: str
    account: Account


def is_configured(settings: Settings) -> bool:
    """Whether there is anything that a digest could be sent by."""
    return bool(settings.digest_mailbox or settings.system_smtp_host)


def trouble(session: Session, settings: Settings) -> str | None:
    """What keeps every digest from being sent, with the fix; None where nothing does, or none is configured."""
    if not settings.digest_mailbox or settings.system_smtp_host:
        return None
    try:
        _mailbox(session, settings)
    except BadInput as wrong:
        return wrong.detail
    return None


def _wanted(user: User, wishes: UserSetting, kind: Kind, now: datetime) -> Period | None:
    """The period of `kind` that is due for a person; None when they do not want it, or their role does not see what it tells."""
    local = now.astimezone(ZoneInfo(wishes.time_zone))
    if kind is Kind.DIGEST:
        return period_at(Cadence(wishes.digest), local)
    if not getattr(wishes, f"mail_{kind.value}") or user.role not in notices.TOLD_TO[kind]:
        return None
    return notice_period(kind, local)


def due(session: Session, now: datetime) -> list[int]:
    """Members of staff who are to be written to now."""
    wants = or_(
        col(UserSetting.digest) != Cadence.OFF.value,
        *(getattr(UserSetting, f"mail_{kind.value}").is_(True) for kind in Kind if kind is not Kind.DIGEST),
    )
    people = session.execute(
        select(User, UserSetting)
        .join(UserSetting, col(UserSetting.user_id) == col(User.id))
        .where(col(User.active).is_(True), wants)
    ).all()
    # What is told at any hour is only looked at closely when there is something at all.
    news = {kind: notices.any_news(session, kind, now) for kind in notices.AT_ANY_HOUR} if people else {}
    return [
        user.id
        for user, wishes in people
        if any(_is_due(session, user, wishes, kind, now, news.get(kind, True)) for kind in Kind)
    ]


def _is_due(session: Session, user: User, wishes: UserSetting, kind: Kind, now: datetime, news: bool) -> bool:
    period = _wanted(user, wishes, kind, now)
    if period is None:
        return False
    row = _row(session, user.id, kind, period.key)
    if row is not None:
        return row.state in _OPEN and row.due_at <= now
    if not news or kind not in notices.AT_ANY_HOUR:
        return news
    return not notices.collect(session, kind, _since(session, user.id, kind, now, period.back), now).is_empty


def send(deps: Deps, user_id: int) -> DigestState | None:
    """Make and send what is due for a person; what became of the first of it, or None when there was nothing to do.

    Safe to run twice, late, or at the same time by two workers: the row is unique for person, kind and period.
    """
    if not is_configured(deps.settings):
        return None
    with deps.db.read() as look:
        wrong = trouble(look.session, deps.settings)
    if wrong is not None:
        # It stays due, and each sweep comes by: said once by each process; `gapbridge doctor` and the page of the system say it always.
        if wrong not in _said:
            _said.add(wrong)
            log.warning("digest.not_sent", reason=wrong)
        return None
    states = [state for kind in Kind if (state := _send(deps, user_id, kind)) is not None]
    return states[0] if states else None


def _send(deps: Deps, user_id: int, kind: Kind) -> DigestState | None:
    claimed = _claim(deps, user_id, kind)
    if claimed is None:
        return None
    digest_id, raw, recipient, tries = claimed
    try:
        sender = _sender(deps)
    except GapbridgeError as error:
        return _later(deps, digest_id, tries, error.detail)
    state = asyncio.run(_deliver(deps, digest_id, tries, sender, recipient, raw))
    log.info("digest.sent", digest_id=digest_id, kind=kind.value, user_id=user_id, state=state.value)
    return state


def latest(uow: UnitOfWork, user_id: int) -> Digest | None:
    """The latest mail to a person, of whatever kind, for the page of their settings."""
    return uow.session.execute(
        select(Digest).where(col(Digest.user_id) == user_id).order_by(col(Digest.id).desc()).limit(1)
    ).scalar_one_or_none()


def preview(uow: UnitOfWork, settings: Settings, user_id: int) -> tuple[str, str]:
    """Subject and text of what a digest would say now; nothing is stored or sent."""
    user, wishes = uow.session.get_one(User, user_id), uow.session.get(UserSetting, user_id)
    until = uow.now()
    found = content.collect(uow.session, _since(uow.session, user.id, Kind.DIGEST, until, timedelta(days=7)), until)
    _read_by(wishes)
    return found.subject(), found.text(settings.public_url)


def _row(session: Session, user_id: int, kind: Kind, period: str) -> Digest | None:
    return session.execute(
        select(Digest).where(col(Digest.user_id) == user_id, col(Digest.kind) == kind, col(Digest.period) == period)
    ).scalar_one_or_none()


def _since(session: Session, user_id: int, kind: Kind, until: datetime, back: timedelta) -> datetime:
    """Where the last digest that may have arrived ended; what another one held is told again with the next."""
    last = session.execute(
        select(col(Digest.until))
        .where(col(Digest.user_id) == user_id, col(Digest.kind) == kind, col(Digest.state).in_(_TOLD))
        .order_by(col(Digest.until).desc())
        .limit(1)
    ).scalar_one_or_none()
    return max(last or until - back, until - _FURTHEST)


def _claim(deps: Deps, user_id: int, kind: Kind) -> tuple[int, bytes, str, int] | None:
    with deps.db.work() as uow:
        now = uow.now()
        user, wishes = uow.session.get(User, user_id), uow.session.get(UserSetting, user_id)
        if user is None or not user.active or wishes is None:
            return None
        period = _wanted(user, wishes, kind, now)
        if period is None:
            return None
        row = _row(uow.session, user_id, kind, period.key) or _make(uow, deps, user, wishes, kind, period)
        if row is None or row.state not in _OPEN or row.due_at > now:
            return None
        if row.state is DigestState.WRITTEN:
            # Its worker died between the dot and the answer: it may have been taken.
            row.state, row.answer, row.finished_at = DigestState.UNKNOWN, "the worker ended before the answer came", now
            return None
        # Compare-and-set: of two workers one gets it; a claim that ran out is taken over.
        taken = uow.session.execute(
            update(Digest)
            .where(
                col(Digest.id) == row.id,
                col(Digest.state).in_([DigestState.READY, DigestState.SENDING]),
                col(Digest.tries) == row.tries,
                col(Digest.due_at) <= now,
            )
            .values(state=DigestState.SENDING, due_at=now + _CLAIM, tries=row.tries + 1)
            .returning(col(Digest.tries))
            .execution_options(synchronize_session=False)
        ).scalar_one_or_none()
        return (row.id, row.raw or b"", row.recipient, int(taken)) if taken is not None else None


def _make(uow: UnitOfWork, deps: Deps, user: User, wishes: UserSetting, kind: Kind, period: Period) -> Digest | None:
    """The row with its frozen message; None when another worker made it at the same moment, or nothing is to be told yet."""
    now = uow.now()
    since = _since(uow.session, user.id, kind, now, period.back)
    found = (
        content.collect(uow.session, since, now)
        if kind is Kind.DIGEST
        else notices.collect(uow.session, kind, since, now)
    )
    if found.is_empty and kind in notices.AT_ANY_HOUR:
        return None  # There may be something yet before the period is over.
    row = Digest(
        user_id=user.id,
        kind=kind,
        period=period.key,
        since=since,
        until=now,
        counts=found.counts(),
        recipient=user.email,
        due_at=now,
        created_at=now,
    )
    if found.is_empty:
        row.state, row.finished_at = DigestState.EMPTY, now
    else:
        address, name = _from(uow.session, deps.settings)
        _read_by(wishes)
        row.via = address
        row.message_id, _token = new_ids(deps.vault, now, address.rpartition("@")[2])
        row.raw = freeze(
            Draft(
                from_name=name,
                from_address=address,
                to_name=user.name,
                to_address=user.email,
                subject=found.subject(),
                body_text=found.text(deps.settings.public_url),
                body_html=None,
                message_id=row.message_id,
                date=now,
            )
        )
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
    except IntegrityError:
        return None
    return row


def _read_by(wishes: UserSetting | None) -> None:
    i18n.read_by(i18n.best(wishes.language if wishes else None, ""), wishes.time_zone if wishes else "UTC")


def _from(session: Session, settings: Settings) -> tuple[str, str]:
    if settings.system_smtp_host:
        return settings.system_smtp_from or settings.system_smtp_username, "Gapbridge"
    return _mailbox(session, settings).email, "Gapbridge"


def _mailbox(session: Session, settings: Settings) -> Mailbox:
    found: Mailbox | None = session.execute(
        select(Mailbox).where(col(Mailbox.email) == settings.digest_mailbox.strip().lower())
    ).scalar_one_or_none()
    if found is None or not found.active:
        raise BadInput(
            say(
                "GAPBRIDGE_DIGEST_MAILBOX names {digest_mailbox}, which is no connected mailbox; set it to the address of one "
                "(`gapbridge mailbox list`), or connect that one",
                digest_mailbox=settings.digest_mailbox,
            )
        )
    return found


def _sender(deps: Deps) -> _Sender:
    settings = deps.settings
    if settings.system_smtp_host:
        security = Security(settings.system_smtp_security)
        if security is Security.NONE and not settings.mail_allow_plaintext:
            raise BadInput(
                say("GAPBRIDGE_SYSTEM_SMTP_SECURITY is none; GAPBRIDGE_MAIL_ALLOW_PLAINTEXT has to allow it")
            )
        address = settings.system_smtp_from or settings.system_smtp_username
        account = Account(
            host=settings.system_smtp_host,
            port=settings.system_smtp_port,
            security=security,
            username=settings.system_smtp_username,
            password=settings.system_smtp_password.get_secret_value(),
            helo=address.rpartition("@")[2] or "localhost",
            timeout=settings.smtp_timeout,
            dot_timeout=settings.smtp_dot_timeout,
        )
        return _Sender(address, "Gapbridge", account)
    with deps.db.read() as look:
        mailbox = _mailbox(look.session, settings)
    # What a pause is for is mail to editors: a digest to staff spends no cap and no reputation. Its password is the mailbox's.
    sign_in = deps.credentials.now(mailbox)
    account = Account(
        host=mailbox.smtp_host,
        port=mailbox.smtp_port,
        security=mailbox.smtp_security,
        username=sign_in.username,
        password=sign_in.secret,
        bearer=sign_in.bearer,
        helo=mailbox.email.rpartition("@")[2],
        timeout=settings.smtp_timeout,
        dot_timeout=settings.smtp_dot_timeout,
    )
    return _Sender(mailbox.email, mailbox.from_name, account)


async def _deliver(deps: Deps, digest_id: int, tries: int, sender: _Sender, recipient: str, raw: bytes) -> DigestState:
    session = SmtpSession(sender.account)
    try:
        await session.open()
        await session.envelope(sender.address, recipient)
        await session.data()
    except StepFailed as failed:
        session.drop()
        said = f"{failed.stage.value}: {failed.answer.code} {failed.answer.text}" if failed.answer else str(failed)
        permanent = failed.answer is not None and failed.answer.code >= 500
        return _end(deps, digest_id, DigestState.FAILED, said) if permanent else _later(deps, digest_id, tries, said)
    # The last commit before the dot: from here on nothing sends it again.
    if not _written(deps, digest_id, tries):
        session.drop()
        return DigestState.SENDING
    try:
        answer = await session.finish(raw)
    except NothingWritten:
        return _later(deps, digest_id, tries, "the connection was gone before the message was written")
    await session.quit()
    return _judge(deps, digest_id, tries, answer)


def _judge(deps: Deps, digest_id: int, tries: int, answer: Answer | None) -> DigestState:
    if answer is None:
        return _end(deps, digest_id, DigestState.UNKNOWN, "no answer came after the message was written")
    said = f"{answer.code} {answer.text}"
    if answer.code < 400:
        return _end(deps, digest_id, DigestState.SENT, said)
    return (
        _later(deps, digest_id, tries, said) if answer.code < 500 else _end(deps, digest_id, DigestState.FAILED, said)
    )


def _written(deps: Deps, digest_id: int, tries: int) -> bool:
    with deps.db.work() as uow:
        moved = uow.session.execute(
            update(Digest)
            .where(col(Digest.id) == digest_id, col(Digest.state) == DigestState.SENDING, col(Digest.tries) == tries)
            .values(state=DigestState.WRITTEN, due_at=uow.now() + deps.settings.smtp_dot_timeout + _CLAIM)
            .returning(col(Digest.id))
            .execution_options(synchronize_session=False)
        ).scalar_one_or_none()
    return moved is not None


def _later(deps: Deps, digest_id: int, tries: int, why: str) -> DigestState:
    """Back to where it was, for another try; only for what was certainly not taken."""
    if tries >= MAX_TRIES:
        return _end(deps, digest_id, DigestState.FAILED, why)
    with deps.db.work() as uow:
        row = uow.session.get_one(Digest, digest_id)
        row.state, row.answer, row.due_at = DigestState.READY, why[:1000], uow.now() + _WAIT * 2 ** (tries - 1)
    return DigestState.READY


def _end(deps: Deps, digest_id: int, state: DigestState, said: str) -> DigestState:
    with deps.db.work() as uow:
        row = uow.session.get_one(Digest, digest_id)
        row.state, row.answer, row.finished_at = state, said[:1000], uow.now()
    if state in (DigestState.FAILED, DigestState.UNKNOWN):
        log.warning("digest.not_sent", digest_id=digest_id, state=state.value, answer=said[:200])
    return state
