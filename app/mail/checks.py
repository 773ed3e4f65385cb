"""The lines of a mailbox that a person connects or looks after: what was found, and the fix. One look for every door.

A line never stands for another: what could not be looked at, because an earlier step failed, says so.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from app.domain.checks import Check, CheckState
from app.domain.delivery import Stage
from app.domain.said import say
from app.errors import MailboxFault
from app.mail import mime, signed
from app.mail.accounts import Draft
from app.mail.imap import ImapSession
from app.mail.imap_signin import ImapAccount, SignInRefused
from app.mail.smtp import Account, SmtpSession, StepFailed
from app.mail.wire_look import Side, look
from app.settings import Settings

_OK, _WARN, _FAIL, _UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN
# How each extension is done without, for the people who wonder.
_WITHOUT = {
    "CONDSTORE": "changes are found by message numbers",
    "IDLE": "it is looked into at intervals",
    "UIDPLUS": "copies are found by their Message-ID",
    "SPECIAL-USE": "folders are found by their usual names",
}
_ARRIVES_WITHIN = 60.0
_LOOK_EVERY = 2.0


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at a mailbox found. `plus_addressing`: whether mail to name+tag came back; None when not tried."""

    checks: tuple[Check, ...]
    plus_addressing: bool | None = None

    @property
    def fine(self) -> bool:
        """Whether nothing failed; a warning is no failure."""
        return all(check.state is not _FAIL for check in self.checks)


# Is given all lines so far whenever there are more, and while a message is waited for; what it raises ends the look.
Told = Callable[[Sequence[Check]], None]
# More lines for a wizard, each from its own room (such as the DNS of the sending domain): given to `examine`.
Provider = Callable[[Draft], Iterable[Check]]


def examine(
    account: Draft,
    settings: Settings,
    *,
    send: bool = False,
    providers: Sequence[Provider] = (),
    patience: float = _ARRIVES_WITHIN,
    told: Told = lambda _lines: None,
) -> Looked:
    """Look at both servers and, with `send`, send the mailbox two messages of its own and wait `patience` seconds.

    Without `send` nothing is sent and nothing changes. Raises nothing for a mailbox that is broken, only what `told` raises. Call it
    outside of a transaction.
    """
    seconds = settings.imap_timeout.total_seconds()
    smtp = [*look(Side("smtp", account.smtp.host, account.smtp.port, account.smtp.security), seconds)]
    told(smtp)
    smtp.append(_smtp_sign_in(account, settings) if _sound(smtp) else _skipped("smtp-sign-in"))
    told(smtp)
    imap = [*look(Side("imap", account.imap.host, account.imap.port, account.imap.security), seconds)]
    session: ImapSession | None = None
    plus: bool | None = None
    try:
        if _sound(imap):
            session, line = _imap_sign_in(account, settings)
            imap.append(line)
        else:
            imap.append(_skipped("imap-sign-in"))
        told([*smtp, *imap])
        imap += _inside(session) if session is not None else [_skipped(name) for name in _INSIDE]
        told([*smtp, *imap])
        if send and session is not None and _sound(smtp):
            lines, plus = _round_trip(account, settings, session, patience, lambda: told([*smtp, *imap]))
        else:
            why = "needs both sign-ins" if send else "not tried: it sends two messages to the mailbox itself"
            lines = [Check(name, _UNKNOWN, why) for name in _ROUND_TRIP]
    finally:
        if session is not None:
            session.close()
    told([*smtp, *imap, *lines])
    more = [line for provider in providers for line in provider(account)]
    return Looked((*smtp, *imap, *lines, *more), plus)


_INSIDE = ("inbox", "sent-folder", "spam-folder", "extensions", "quota")
_ROUND_TRIP = ("self-message", "plus-addressing", signed.NAME)


def _sound(lines: Sequence[Check]) -> bool:
    return all(line.state is not _FAIL and line.state is not _UNKNOWN for line in lines)


def _skipped(name: str) -> Check:
    return Check(name, _UNKNOWN, say("not looked at: an earlier line has to be mended first"))


def smtp_account(account: Draft, settings: Settings) -> Account:
    """Where and as whom a draft sends."""
    return Account(
        host=account.smtp.host,
        port=account.smtp.port,
        security=account.smtp.security,
        username=account.username,
        password=account.password,
        bearer=account.bearer,
        helo=account.email.rpartition("@")[2],
        timeout=settings.smtp_timeout,
        dot_timeout=settings.smtp_dot_timeout,
    )


def _smtp_sign_in(account: Draft, settings: Settings) -> Check:
    session = SmtpSession(smtp_account(account, settings))

    async def visit() -> None:
        await session.open()
        await session.quit()

    try:
        asyncio.run(visit())
    except StepFailed as failed:
        said = f"{failed.answer.code} {failed.answer.text}" if failed.answer else failed.detail
        if failed.stage is Stage.AUTH:
            return Check("smtp-sign-in", _FAIL, say("refused: {said}", said=said), sign_in_fix(account, said))
        return Check(
            "smtp-sign-in", _FAIL, said, say("The server ended the connection; try again, or ask its operator.")
        )
    return Check("smtp-sign-in", _OK, say("signed in as {username}", username=account.username))


def _imap_sign_in(account: Draft, settings: Settings) -> tuple[ImapSession | None, Check]:
    try:
        session = ImapSession(
            ImapAccount(
                host=account.imap.host,
                port=account.imap.port,
                security=account.imap.security,
                username=account.username,
                password=account.password,
                bearer=account.bearer,
                timeout=settings.imap_timeout,
                allow_plaintext=settings.mail_allow_plaintext,
            )
        )
    except SignInRefused as refused:
        return None, Check("imap-sign-in", _FAIL, refused.detail, sign_in_fix(account, refused.detail))
    except MailboxFault as fault:
        return None, Check(
            "imap-sign-in", _FAIL, fault.detail, say("Check the server, and whether IMAP is switched on.")
        )
    return session, Check("imap-sign-in", _OK, say("signed in as {username}", username=account.username))


_BASIC_OFF = re.compile(r"basic auth|5\.7\.139|5\.7\.57|smtpclientauthentication|client not authenticated", re.I)
_APP_PASSWORD = re.compile(r"application-specific|app.?password|5\.7\.9|InvalidSecondFactor|less secure", re.I)
_NO_METHOD = re.compile(r"no suitable auth|no .{0,20}mechanism|not supported by (this )?server", re.I)


def sign_in_fix(account: Draft, said: str) -> str:
    """What to do about a refused sign-in, from the server's words and its name."""
    host = account.smtp.host.casefold()
    google = host.endswith((".gmail.com", ".googlemail.com", ".google.com"))
    microsoft = host.endswith((".office365.com", ".outlook.com", ".live.com", ".hotmail.com"))
    if account.bearer:
        return f"Sign in again with `gapbridge mailbox sign-in {account.email}`, as this mailbox and with every box ticked."
    if microsoft or _BASIC_OFF.search(said):
        return (
            "Sign-in with a password is switched off there: use OAuth (`gapbridge mailbox sign-in "
            f"{account.email} --provider microsoft`), or an administrator allows SMTP AUTH for this mailbox."
        )
    if google or _APP_PASSWORD.search(said):
        return (
            "The account's own password is not accepted: make an app password (needs two-step verification), or use "
            f"OAuth (`gapbridge mailbox sign-in {account.email} --provider google`)."
        )
    if _NO_METHOD.search(said):
        return "The server takes no password (over this security): try its TLS port, or OAuth."
    return "Check user name and password; many providers want an app password or want IMAP and SMTP switched on first."


def _inside(session: ImapSession) -> list[Check]:
    """What lies behind the sign-in; each line stands for itself."""
    try:
        folders = {folder.role: folder.name for folder in session.folders()}
        count = session.examine("INBOX").exists
        offered, quota = session.capabilities(), session.quota()
    except MailboxFault as fault:
        fix = "Check that IMAP access is switched on for this account."
        return [Check("inbox", _FAIL, fault.detail, fix), *(_skipped(name) for name in _INSIDE[1:])]
    lines = [Check("inbox", _OK, say("INBOX holds {count} message(s)", count=count))]
    if "sent" in folders:
        lines.append(Check("sent-folder", _OK, say("sent mail lies in {folders}", folders=folders["sent"])))
    else:
        fix = "Make a folder named Sent in the mailbox. Until then no copies are filed, and an unsure send has no evidence."
        lines.append(Check("sent-folder", _WARN, say("there is no folder for sent mail"), fix))
    if "junk" in folders:
        lines.append(Check("spam-folder", _OK, say("{folders} is read, too", folders=folders["junk"])))
    else:
        lines.append(
            Check("spam-folder", _WARN, say("there is no spam folder"), say("Nothing to do if the provider has none."))
        )
    missing = [name for name in _WITHOUT if name not in offered]
    without = "; ".join(f"without {name} {_WITHOUT[name]}" for name in missing)
    lines.append(Check("extensions", _OK, without or say("the server has {names}", names=", ".join(_WITHOUT))))
    lines.append(_quota(quota))
    return lines


def _quota(quota: tuple[int, int] | None) -> Check:
    if quota is None:
        return Check("quota", _UNKNOWN, say("the server tells no limit"))
    used, limit = quota
    found = f"{used / 1024:.0f} of {limit / 1024:.0f} MB are used"
    if used >= limit:
        return Check(
            "quota",
            _FAIL,
            say("the mailbox is full: {found}", found=found),
            say("Delete mail or buy space; answers bounce now."),
        )
    if used > 0.9 * limit:
        return Check("quota", _WARN, found, say("Make room before it is full: answers would bounce."))
    return Check("quota", _OK, found)


# --- a message to oneself ------------------------------------------------------------------------------------------------


def _round_trip(
    account: Draft, settings: Settings, session: ImapSession, patience: float, waits: Callable[[], None]
) -> tuple[list[Check], bool | None]:
    local, _, domain = account.email.rpartition("@")
    plain, tagged = (
        _probe(account, settings, to) for to in (account.email, f"{local}+{secrets.token_hex(6)}@{domain}")
    )
    try:
        refused = asyncio.run(_send(account, settings, [plain, tagged]))
    except StepFailed as failed:
        said = f"{failed.answer.code} {failed.answer.text}" if failed.answer else failed.detail
        return [
            Check("self-message", _FAIL, say("not sent: {said}", said=said), _send_fix(said)),
            _skipped("plus-addressing"),
            _skipped(signed.NAME),
        ], None
    try:
        found, came_back = _wait_for(session, [plain[1], tagged[1]], patience, 1 if refused else 2, waits)
    except MailboxFault as fault:
        lines = [Check("self-message", _FAIL, fault.detail, say("Try again."))]
        return [*lines, _skipped("plus-addressing"), _skipped(signed.NAME)], None
    where = found.get(plain[1])
    raw = came_back.get(plain[1])
    signature = signed.judge(raw, account.email, account.smtp.host) if raw is not None else _skipped(signed.NAME)
    if where is None:
        fix = "Look whether the provider holds mail back, and try again later; follow-ups need answers to be readable."
        mine = Check(
            "self-message",
            _FAIL,
            say("sent, but not in the mailbox after {patience:.0f} seconds", patience=patience),
            fix,
        )
    elif where == "junk":
        fix = "Mark it as no spam, and look at SPF, DKIM and DMARC of the domain."
        mine = Check("self-message", _WARN, say("sent and read back, but from the spam folder"), fix)
    else:
        mine = Check("self-message", _OK, say("sent and read back"))
    if tagged[1] in found:
        return [
            mine,
            Check("plus-addressing", _OK, say("mail to {local}+tag@{domain} arrives", local=local, domain=domain)),
            signature,
        ], True
    why = f"refused: {refused}" if refused else "it did not arrive"
    fix = "Nothing to do: answers are then known by their headers alone."
    return [
        mine,
        Check(
            "plus-addressing",
            _WARN,
            say("mail to {local}+tag@{domain} is no use: {why}", local=local, domain=domain, why=why),
            fix,
        ),
        signature,
    ], False


def _probe(account: Draft, settings: Settings, to: str) -> tuple[str, str, bytes]:
    message_id = f"<{secrets.token_hex(16)}.{secrets.token_hex(12)}@{account.email.rpartition('@')[2]}>"
    raw = mime.freeze(
        mime.Draft(
            from_name=account.from_name,
            from_address=account.email,
            to_name="",
            to_address=to,
            subject="Mailbox check by Gapbridge",
            body_text="This mailbox has sent itself a message to see whether it arrives. It can be deleted.\n",
            body_html=None,
            message_id=message_id,
            date=datetime.now(UTC),
            # As in a pitch, so that it can be seen whether the signature covers both. The token is nobody's.
            unsubscribe_url=f"{settings.public_url.rstrip('/')}/u/{secrets.token_hex(12)}",
            unsubscribe_mailto=account.email,
        )
    )
    return to, message_id, raw


async def _send(account: Draft, settings: Settings, probes: Sequence[tuple[str, str, bytes]]) -> str:
    """Send the probes; what the server said when it refused the last one's address, else "". Raises StepFailed."""
    session = SmtpSession(smtp_account(account, settings))
    try:
        for number, (to, _, raw) in enumerate(probes):
            await session.open()
            try:
                await session.envelope(account.email, to)
            except StepFailed as failed:
                if number and failed.stage is Stage.RCPT and failed.answer is not None:
                    return f"{failed.answer.code} {failed.answer.text}"
                raise
            await session.data()
            answer = await session.finish(raw)
            if answer is None or answer.code >= 300:
                raise StepFailed(Stage.DOT, answer, "the server's answer to the message was lost")
        await session.quit()
    finally:
        session.drop()
    return ""


def _send_fix(said: str) -> str:
    if re.search(r"quota|over.?limit|mailbox full|\b5\.2\.2\b|\b452\b|sending limit|4\.5\.3", said, re.I):
        return "The account's quota is used up: make room in the mailbox, or wait until its sending limit is lifted."
    return "Check that this account may send as this address (alias, send-as permission)."


def _wait_for(
    session: ImapSession, ids: Sequence[str], patience: float, enough: int, waits: Callable[[], None]
) -> tuple[dict[str, str], dict[str, bytes]]:
    """By Message-ID the role of the folder in which it was found, and the message, until `enough` are there or the time is over."""
    deadline = time.monotonic() + patience
    folders = [folder for folder in session.folders() if folder.role in ("inbox", "junk")]
    found: dict[str, str] = {}
    came_back: dict[str, bytes] = {}
    while True:
        for folder in folders:
            session.examine(folder.name)
            for one in ids:
                uids = session.find(one) if one not in found else []
                if uids:
                    found[one] = folder.role
                    for message in session.fetch(uids[:1]).values():
                        came_back[one] = message.raw
        if len(found) >= enough or time.monotonic() > deadline:
            return found, came_back
        waits()
        time.sleep(min(_LOOK_EVERY, max(0.05, patience / 10)))
