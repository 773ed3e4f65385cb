"""One IMAP session, for reading: verified TLS, time-outs everywhere, EXAMINE only, and nothing foreign in a command.

IMAPClient 4.1 sends SEARCH arguments unchecked (a hostile Message-ID can run a command) and drops without a word the
messages that a server did not return. So the only text ever searched for is a Message-ID of our own making, and callers
compare what they asked for with what came.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import (
    CapabilityError,
    IMAPClientAbortError,
    IMAPClientError,
    IMAPClientReadOnlyError,
    LoginError,
)

from app.domain.said import say
from app.errors import MailboxFault
from app.mail import folder_names, sasl
from app.mail.idle import IdleLine, NoIdle
from app.mail.ports import Fetched, FolderName, Head, Snapshot
from app.models import Security

BATCH = 50
HEADS = 200
HEAD_LIMIT = 64 * 1024
# Whole messages above this are not fetched at once with others; above the second limit only their head is.
LARGE_BYTES = 1024 * 1024
MOST_BYTES = 25 * 1024 * 1024
HEAD_BYTES = 1024 * 1024

_ID_FIELD = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"
# What tells whose a message is and whether it answers one of ours, without its body.
_HEAD_FIELDS = (
    "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID FROM TO CC DELIVERED-TO X-ORIGINAL-TO SUBJECT IN-REPLY-TO REFERENCES)]"
)
# A flag, or a label of Gmail, of what we (or the account's owner) have written: never an answer.
_OWN_MARKS = frozenset((rb"\draft", rb"\sent", rb"\drafts"))
_OWN_ID = re.compile(r"<[0-9a-z]{8,80}\.[0-9a-z]{16,64}@[A-Za-z0-9.-]{1,253}>")


@dataclass(frozen=True, slots=True)
class ImapAccount:
    """Where and as whom to read. `timeout` is for each answer of the server; with `bearer` the password is a token."""

    host: str
    port: int
    security: Security
    username: str
    password: str = field(repr=False)
    timeout: timedelta = timedelta(seconds=30)
    allow_plaintext: bool = False
    bearer: bool = False


class SignInRefused(MailboxFault):
    """The server was reached, and does not accept the user name with this password or token."""


def _trust() -> ssl.SSLContext:
    """The machine's certificates, read once: that takes 30 ms of processor time, more than a whole look into a mailbox."""
    return _trusting(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@functools.lru_cache(maxsize=4)
def _trusting(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    return ssl.create_default_context()


_ID_LINE = re.compile(rb"^message-id[ \t]{0,20}:[ \t\r\n]{0,20}(<[^<>\s]{1,248}>)", re.IGNORECASE | re.MULTILINE)


def message_id_of(header: bytes) -> str | None:
    """The Message-ID in the header lines of a message, with its brackets, or None. The first 256 kB are read."""
    end = header.find(b"\n\r\n") if b"\n\r\n" in header[:262144] else header.find(b"\n\n")
    match = _ID_LINE.search(header[: min(end + 1 if end >= 0 else len(header), 262144)])
    return match.group(1).decode("ascii", "replace") if match else None


def safe_text(text: str) -> str:
    """`text` unchanged, when it may stand in a command: no CR, LF or NUL, at most 998 bytes. Else raises ValueError."""
    if any(char in text for char in "\r\n\x00") or len(text.encode("utf-8", "replace")) > 998:
        raise ValueError("this text must not be sent to a mail server: it holds a line end or a NUL, or is too long")
    return text


def _lowered(mark: object) -> bytes:
    return mark.lower() if isinstance(mark, bytes) else str(mark).lower().encode("utf-8", "replace")


def _snapshot(answer: dict[bytes, Any], count: bytes) -> Snapshot:
    uidvalidity, uidnext, modseq = (answer.get(key) for key in (b"UIDVALIDITY", b"UIDNEXT", b"HIGHESTMODSEQ"))
    return Snapshot(
        uidvalidity=int(uidvalidity) if uidvalidity is not None else 0,
        uidnext=int(uidnext) if uidnext is not None else None,
        exists=int(answer.get(count, 0)),
        highestmodseq=int(modseq) if modseq is not None else None,
    )


@contextlib.contextmanager
def _faults(host: str) -> Iterator[None]:
    """Turn everything that a server, a network or a broken answer can raise into MailboxFault with a fix."""
    try:
        yield
    except LoginError as error:
        raise SignInRefused(
            say(
                "{host} refuses the sign-in ({short}); enter the password (or an app password) of the mailbox again",
                host=host,
                short=_short(error),
            )
        ) from error
    except ssl.SSLError as error:
        raise MailboxFault(
            say(
                "the TLS certificate or connection of {host} is not valid ({short}); check host, port and security",
                host=host,
                short=_short(error),
            )
        ) from error
    except (CapabilityError, IMAPClientError) as error:
        raise MailboxFault(
            say("{host} answered an IMAP command with an error: {short}", host=host, short=_short(error))
        ) from error
    except OSError as error:
        raise MailboxFault(
            say(
                "{host} cannot be reached by IMAP ({short}); check host, port and network",
                host=host,
                short=_short(error),
            )
        ) from error
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        # What IMAPClient raises when it cannot read an answer.
        raise MailboxFault(
            say("{host} sent an IMAP answer that cannot be read ({error})", host=host, error=type(error).__name__)
        ) from error


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _bring_token(client: IMAPClient, account: ImapAccount) -> None:
    """AUTHENTICATE with an access token. IMAPClient's own way answers the server's reason with the token once more."""
    offered = [bytes(capability).decode("ascii", "replace") for capability in client.capabilities()]
    found = sasl.mechanism([name[5:] for name in offered if name.upper().startswith("AUTH=")])
    if found is None:
        raise MailboxFault(
            say("{host} offers no sign-in with OAuth (neither XOAUTH2 nor OAUTHBEARER)", host=account.host)
        )
    said: list[str] = []

    def answer(challenge: bytes) -> bytes:
        if not challenge:
            return sasl.first_answer(found, account.username, account.password, account.host, account.port)
        said.append(sasl.reason(challenge.decode("utf-8", "replace"), encoded=False))
        return sasl.last_answer(found)

    try:
        client.sasl_login(found, answer)
    except LoginError as error:
        reason = f"{_short(error)} {said[0]}".strip() if said else _short(error)
        raise SignInRefused(
            say("{host} refuses the access token ({reason})", host=account.host, reason=reason)
        ) from None


class ImapSession:
    """See `app.mail.ports.MailStore`. Not shared between threads; use it in `with`."""

    def __init__(self, account: ImapAccount) -> None:
        self._host = account.host
        self._timeout = account.timeout
        self._given_away = self._enabled = False
        self._client = self._connect(account)
        with _faults(self._host):
            self._condstore = self._client.has_capability("CONDSTORE") and self._client.has_capability("ENABLE")
            self._labels = self._client.has_capability("X-GM-EXT-1")

    @staticmethod
    def _connect(account: ImapAccount) -> IMAPClient:
        if account.security is Security.NONE and not account.allow_plaintext:
            raise MailboxFault(
                say(
                    "{host} is set up without TLS; choose TLS or STARTTLS, or set GAPBRIDGE_MAIL_ALLOW_PLAINTEXT",
                    host=account.host,
                )
            )
        seconds = account.timeout.total_seconds()
        client: IMAPClient | None = None
        try:
            with _faults(account.host):
                client = IMAPClient(
                    account.host,
                    port=account.port,
                    ssl=account.security is Security.TLS,
                    ssl_context=_trust() if account.security is Security.TLS else None,
                    timeout=SocketTimeout(connect=min(10.0, seconds), read=seconds),
                )
                # Local times without a zone are of no use here.
                client.normalise_times = False
                if account.security is Security.STARTTLS:
                    if not client.has_capability("STARTTLS"):
                        raise MailboxFault(
                            say(
                                "{host} does not offer STARTTLS any more; nothing was sent. Ask its operator, or use TLS",
                                host=account.host,
                            )
                        )
                    client.starttls(_trust())
                if account.bearer:
                    _bring_token(client, account)
                else:
                    client.login(safe_text(account.username), safe_text(account.password))
        except BaseException:
            if client is not None:
                with contextlib.suppress(Exception):
                    client.shutdown()
            raise
        return client

    def __enter__(self) -> ImapSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def folders(self) -> list[FolderName]:
        """See `MailStore.folders`. Special-use flags decide (RFC 6154); usual names where a server has none."""
        with _faults(self._host):
            return folder_names.roles_of(
                (
                    frozenset(bytes(flag).decode("ascii", "replace").lower() for flag in flags),
                    (delimiter or b"").decode("ascii", "replace"),
                    str(name),
                )
                for flags, delimiter, name in self._client.list_folders()
            )

    def status(self, folder: str) -> Snapshot | None:
        """See `MailStore.status`."""
        wanted = ["MESSAGES", "UIDNEXT", "UIDVALIDITY", *(["HIGHESTMODSEQ"] if self._condstore else [])]
        with _faults(self._host):
            try:
                answer = self._client.folder_status(safe_text(folder), wanted)
            except (IMAPClientAbortError, IMAPClientReadOnlyError):
                raise
            except IMAPClientError:
                return None  # NO: there is no such folder (any more), or it may not be opened
            return _snapshot(answer, b"MESSAGES")

    def examine(self, folder: str) -> Snapshot:
        """See `MailStore.examine`."""
        with _faults(self._host):
            self._enable_condstore()
            return _snapshot(self._client.select_folder(safe_text(folder), readonly=True), b"EXISTS")

    def _enable_condstore(self) -> None:
        if self._condstore and not self._enabled:
            self._enabled = True
            with contextlib.suppress(IMAPClientError):
                # Without this, Dovecot tells no HIGHESTMODSEQ when a folder is opened.
                self._client.enable("CONDSTORE")

    def uids_from(self, first: int) -> list[int]:
        """See `MailStore.uids_from`. A server answers `n:*` with its last message even when that is below n."""
        with _faults(self._host):
            return sorted(uid for uid in self._client.search(["UID", f"{int(first)}:*"]) if uid >= first)

    def uids_since(self, day: date) -> list[int]:
        """See `MailStore.uids_since`."""
        with _faults(self._host):
            return sorted(self._client.search(["SINCE", day]))

    def fetch(self, uids: Sequence[int]) -> dict[int, Fetched]:
        """See `MailStore.fetch`. Sizes are asked first; a message above the limit comes with its head only."""
        out: dict[int, Fetched] = {}
        with _faults(self._host):
            for start in range(0, len(uids), BATCH):
                batch = [int(uid) for uid in uids[start : start + BATCH]]
                sizes = self._client.fetch(batch, ["RFC822.SIZE", "INTERNALDATE"])
                small: list[int] = []
                for uid in batch:
                    if uid not in sizes:
                        continue
                    size = int(sizes[uid].get(b"RFC822.SIZE", 0))
                    if size <= LARGE_BYTES:
                        small.append(uid)
                        continue
                    part = "BODY.PEEK[]" if size <= MOST_BYTES else f"BODY.PEEK[]<0.{HEAD_BYTES}>"
                    self._take(out, [uid], part, sizes)
                if small:
                    # The size that a server tells may be wrong (RFC 3501 lets it be), so the fetch is cut, too.
                    self._take(out, small, f"BODY.PEEK[]<0.{LARGE_BYTES + 65536}>", sizes)
        return out

    def _take(self, out: dict[int, Fetched], uids: list[int], part: str, sizes: dict[int, dict[bytes, object]]) -> None:
        for uid, data in self._client.fetch(uids, [part]).items():
            raw = next((value for key, value in data.items() if key.startswith(b"BODY[]")), None)
            if not isinstance(raw, bytes):
                continue
            at = sizes[uid].get(b"INTERNALDATE")
            out[uid] = Fetched(
                uid=uid,
                raw=raw,
                size=max(int(str(sizes[uid].get(b"RFC822.SIZE", 0))), len(raw)),
                received_at=at.astimezone(UTC) if isinstance(at, datetime) and at.tzinfo is not None else None,
            )

    def message_ids(self, uids: Sequence[int]) -> dict[int, str | None]:
        """See `MailStore.message_ids`."""
        found: dict[int, str | None] = {}
        with _faults(self._host):
            for uid, data in self._client.fetch([int(uid) for uid in uids], [_ID_FIELD]).items():
                raw = next((value for key, value in data.items() if key.startswith(b"BODY[HEADER")), None)
                if isinstance(raw, bytes):
                    found[uid] = message_id_of(raw)
        return found

    def heads(self, uids: Sequence[int]) -> dict[int, Head]:
        """See `MailStore.heads`."""
        found: dict[int, Head] = {}
        wanted = ["RFC822.SIZE", "FLAGS", _HEAD_FIELDS, *(["X-GM-LABELS"] if self._labels else [])]
        with _faults(self._host):
            for start in range(0, len(uids), HEADS):
                batch = [int(uid) for uid in uids[start : start + HEADS]]
                for uid, data in self._client.fetch(batch, wanted).items():
                    raw = next((value for key, value in data.items() if key.startswith(b"BODY[HEADER")), None)
                    if not isinstance(raw, bytes):
                        continue
                    marks = {_lowered(mark) for mark in (*data.get(b"FLAGS", ()), *data.get(b"X-GM-LABELS", ()))}
                    found[uid] = Head(
                        uid=uid,
                        header=raw[:HEAD_LIMIT],
                        message_id=message_id_of(raw),
                        size=int(data.get(b"RFC822.SIZE", 0)),
                        own=not marks.isdisjoint(_OWN_MARKS),
                    )
        return found

    def find(self, message_id: str) -> list[int]:
        """See `MailStore.find`."""
        if _OWN_ID.fullmatch(message_id) is None:
            raise ValueError("only Message-IDs that we have made are searched for")
        with _faults(self._host):
            return sorted(self._client.search(["HEADER", "Message-ID", message_id]))

    def capabilities(self) -> frozenset[str]:
        """What the server says that it can, in capital letters."""
        with _faults(self._host):
            return frozenset(bytes(name).decode("ascii", "replace").upper() for name in self._client.capabilities())

    def quota(self) -> tuple[int, int] | None:
        """Storage that is used and its limit, in kB (RFC 9208); None where the server tells none."""
        with _faults(self._host):
            if not self._client.has_capability("QUOTA"):
                return None
            try:
                _, quotas = self._client.get_quota_root("INBOX")
            except IMAPClientError:
                return None
            storage = [quota for quota in quotas if str(quota.resource).upper() == "STORAGE" and quota.limit > 0]
            return (int(storage[0].usage), int(storage[0].limit)) if storage else None

    def append(self, folder: str, raw: bytes, at: datetime) -> None:
        """File a copy of a message that we have sent, marked as read."""
        with _faults(self._host):
            self._client.append(safe_text(folder), raw, [b"\\Seen"], at)

    def idle(self, folder: str, renew: timedelta) -> IdleLine:
        """See `MailStore.idle`."""
        opened = self.examine(folder)
        with _faults(self._host):
            if not self._client.has_capability("IDLE"):
                raise NoIdle(say("{host} does not offer IDLE", host=self._host))
            sock = self._client.socket()
            self._given_away = True
            return IdleLine(
                self._host, sock, opened, renew=renew.total_seconds(), timeout=self._timeout.total_seconds()
            )

    def close(self) -> None:
        """See `MailStore.close`."""
        if self._given_away:
            return
        with contextlib.suppress(Exception):
            self._client.logout()
            return
        with contextlib.suppress(Exception):
            self._client.shutdown()
