"""A mailbox that is switched off, moved to other servers, or set to another time zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import delete, update
from sqlmodel import col

from app.audit import service as audit
from app.db.work import UnitOfWork
from app.domain.said import say
from app.errors import BadInput, Conflict, FieldProblem
from app.jobs import Job
from app.mail import accounts, reputation
from app.mail.accounts import Draft
from app.mail.providers import Server
from app.models import Folder, Mailbox, MailboxDay, MailboxOAuth
from app.settings import Settings


def switch_off(uow: UnitOfWork, mailbox_id: int, *, actor: str) -> Mailbox:
    """Send and read nothing there any more, and forget its password or permission. Its mail and its history stay.

    What waits in its outbox waits until somebody resumes it with a new password, or signs it in again, and expires like any other
    mail; `app.pitches.leaving` takes back what has not left. Raises NotFound.
    """
    # Before the sender's commit, which asks for `active` under the same lock.
    mailbox = reputation.lock(uow.session, accounts.get(uow.session, mailbox_id).id)
    before = {"active": mailbox.active, "paused": mailbox.paused_reason}
    mailbox.active, mailbox.secret = False, ""
    mailbox.paused_reason = mailbox.paused_until = mailbox.poll_error = mailbox.rests_since = None
    uow.session.execute(delete(MailboxOAuth).where(col(MailboxOAuth.mailbox_id) == mailbox_id))
    uow.session.flush()
    audit.record(
        uow,
        "mailbox.off",
        "mailbox",
        mailbox_id,
        name=mailbox.email,
        before=before,
        after={"active": False, "password": "forgotten"},
        actor=actor,
    )
    return mailbox


def moved(
    settings: Settings,
    now: Draft,
    *,
    smtp: Server,
    imap: Server,
    username: str | None = None,
    time_zone: str | None = None,
) -> Draft:
    """`now` with other servers, sign-in name or time zone, to be tried before it is kept. Raises BadInput with every wrong field.

    Of a mailbox that signs in at a provider only the time zone changes: its servers are the provider's.
    """
    problems = accounts.server_problems(settings, smtp, imap)
    zone = time_zone or now.time_zone
    if zone not in available_timezones():
        said = say("'{time_zone}' is no zone of the IANA list, such as Europe/Berlin", time_zone=zone)
        problems.append(FieldProblem("time_zone", said))
    if problems:
        raise BadInput(say("The mailbox cannot be changed like this."), *problems)
    if now.bearer and (smtp, imap) != (now.smtp, now.imap):
        raise Conflict(say("its servers are its provider's; give it a password first to move it"))
    return replace(now, smtp=smtp, imap=imap, username=username or now.username, time_zone=zone)


def move(uow: UnitOfWork, mailbox_id: int, wanted: Draft, *, actor: str) -> Mailbox:
    """Keep what `moved` gave. With another IMAP server every folder is read anew: what is known by its content only gets its new place."""
    mailbox = reputation.lock(uow.session, accounts.get(uow.session, mailbox_id).id)
    before = _facts(mailbox)
    elsewhere = (mailbox.imap_host, mailbox.imap_port) != (wanted.imap.host, wanted.imap.port)
    mailbox.smtp_host, mailbox.smtp_port, mailbox.smtp_security = (
        wanted.smtp.host,
        wanted.smtp.port,
        wanted.smtp.security,
    )
    mailbox.imap_host, mailbox.imap_port, mailbox.imap_security = (
        wanted.imap.host,
        wanted.imap.port,
        wanted.imap.security,
    )
    _carry_count(uow, mailbox, wanted.time_zone)
    mailbox.username, mailbox.time_zone = wanted.username, wanted.time_zone
    if elsewhere:
        # Its numbers mean nothing there, and whether it files copies and takes tags is learned again.
        uow.session.execute(
            update(Folder)
            .where(col(Folder.mailbox_id) == mailbox_id)
            .values(generation=col(Folder.generation) + 1, next_uid=0, uidvalidity=None, listed_at=None)
            .execution_options(synchronize_session=False)
        )
        mailbox.autofiles_sent, mailbox.autofiled_seen, mailbox.plus_addressing = None, 0, False
    mailbox.poll_due_at = uow.now()
    uow.session.flush()
    after = _facts(mailbox)
    changed = [name for name in after if before[name] != after[name]]
    if changed:
        audit.record(
            uow,
            "mailbox.moved",
            "mailbox",
            mailbox_id,
            name=mailbox.email,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
            actor=actor,
        )
    uow.ring(Job.INBOX_POLL, mailbox_id)
    return mailbox


def _carry_count(uow: UnitOfWork, mailbox: Mailbox, zone: str) -> None:
    """What has left today counts against the day of another zone, too: a clock that is set makes no second cap."""
    former, day = (uow.now().astimezone(ZoneInfo(name)).date() for name in (mailbox.time_zone, zone))
    counted = uow.session.get(MailboxDay, (mailbox.id, former))
    if counted is None or former == day:
        return
    kept = uow.session.get(MailboxDay, (mailbox.id, day)) or MailboxDay(
        mailbox_id=counted.mailbox_id, day=day, cap=counted.cap
    )
    kept.used = max(kept.used, counted.used)
    kept.cap = max(kept.cap, kept.used)
    uow.session.add(kept)


def _facts(mailbox: Mailbox) -> Mapping[str, Any]:
    return {
        "smtp": f"{mailbox.smtp_host}:{mailbox.smtp_port} {mailbox.smtp_security.value}",
        "imap": f"{mailbox.imap_host}:{mailbox.imap_port} {mailbox.imap_security.value}",
        "username": mailbox.username,
        "time_zone": mailbox.time_zone,
    }
