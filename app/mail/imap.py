"""One IMAP session, for reading: time-outs everywhere, EXAMINE only, and nothing foreign in a command.

IMAPClient 4.1 sends SEARCH arguments unchecked (a hostile Message-ID can run a command) and drops without a word the
messages that a server did not return. So the only text ever searched for is a Message-ID of our own making, and callers
compare what they asked for with what came.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, IMAPClientReadOnlyError

from app.domain.said import say
from app.mail import folder_names
from app.mail.idle import IdleLine, NoIdle
from app.mail.imap_signin import ImapAccount, connect, faults, safe_text
from app.mail.ports import Fetched, FolderName, Head, Snapshot

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
_OWN_TOKEN = re.compile(r"[0-9a-z]{16,64}")
_OWN_ID = re.compile(r"<[0-9a-z]{8,80}\.[0-9a-z]{16,64}@[A-Za-z0-9.-]{1,253}>")


_ID_LINE = re.compile(rb"^message-id[ \t]{0,20}:[ \t\r\n]{0,20}(<[^<>\s]{1,248}>)", re.IGNORECASE | re.MULTILINE)


def message_id_of(header: bytes) -> str | None:
    """The Message-ID in the header lines of a message, with its brackets, or None. The first 256 kB are read."""
    end = header.find(b"\n\r\n") if b"\n\r\n" in header[:262144] else header.find(b"\n\n")
    match = _ID_LINE.search(header[: min(end + 1 if end >= 0 else len(header), 262144)])
    return match.group(1).decode("ascii", "replace") if match else None


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


def _arrival(at: object) -> datetime | None:
    """An INTERNALDATE in UTC; None for what is none, or so far away that no mail can have come then: programs that move mailboxes
    set it by what a message says."""
    if not isinstance(at, datetime) or at.tzinfo is None or not 1990 <= at.year <= 2100:
        return None
    return at.astimezone(UTC)


class ImapSession:
    """See `app.mail.ports.MailStore`. Not shared between threads; use it in `with`."""

    def __init__(self, account: ImapAccount) -> None:
        self._account = account
        self._host = account.host
        self._timeout = account.timeout
        self._given_away = self._enabled = False
        self._client = connect(account)
        with faults(self._host):
            self._condstore = self._client.has_capability("CONDSTORE") and self._client.has_capability("ENABLE")
            self._labels = self._client.has_capability("X-GM-EXT-1")

    def __enter__(self) -> ImapSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def folders(self) -> list[FolderName]:
        """See `MailStore.folders`. Special-use flags decide (RFC 6154); usual names where a server has none."""
        with faults(self._host):
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
        with faults(self._host):
            try:
                answer = self._client.folder_status(safe_text(folder), wanted)
            except (IMAPClientAbortError, IMAPClientReadOnlyError):
                raise
            except IMAPClientError:
                return None  # NO: there is no such folder (any more), or it may not be opened
            return _snapshot(answer, b"MESSAGES")

    def examine(self, folder: str) -> Snapshot:
        """See `MailStore.examine`."""
        with faults(self._host):
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
        with faults(self._host):
            return sorted(uid for uid in self._client.search(["UID", f"{int(first)}:*"]) if uid >= first)

    def uids_since(self, day: date) -> list[int]:
        """See `MailStore.uids_since`."""
        with faults(self._host):
            return sorted(self._client.search(["SINCE", day]))

    def fetch(self, uids: Sequence[int]) -> dict[int, Fetched]:
        """See `MailStore.fetch`. Sizes are asked first; a message above the limit comes with its head only."""
        out: dict[int, Fetched] = {}
        with faults(self._host):
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
                received_at=_arrival(at),
            )

    def message_ids(self, uids: Sequence[int]) -> dict[int, str | None]:
        """See `MailStore.message_ids`."""
        found: dict[int, str | None] = {}
        with faults(self._host):
            for uid, data in self._client.fetch([int(uid) for uid in uids], [_ID_FIELD]).items():
                raw = next((value for key, value in data.items() if key.startswith(b"BODY[HEADER")), None)
                if isinstance(raw, bytes):
                    found[uid] = message_id_of(raw)
        return found

    def heads(self, uids: Sequence[int]) -> dict[int, Head]:
        """See `MailStore.heads`."""
        found: dict[int, Head] = {}
        wanted = ["RFC822.SIZE", "FLAGS", _HEAD_FIELDS, *(["X-GM-LABELS"] if self._labels else [])]
        with faults(self._host):
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

    def find(self, message_id: str, token: str | None = None) -> list[int]:
        """See `MailStore.find`."""
        if _OWN_ID.fullmatch(message_id) is None or (token is not None and _OWN_TOKEN.fullmatch(token) is None):
            raise ValueError("only Message-IDs and tokens that we have made are searched for")
        ways: list[str | list[str]] = [["HEADER", "Message-ID", message_id]]
        if self._labels:
            # Gmail's own index of Message-IDs finds what its header search has not indexed yet.
            # As a quoted string, as its documentation has it; the id is of our making and holds no quote.
            ways.append(f'X-GM-RAW "rfc822msgid:{message_id.strip("<>")}"')
        if token is not None:
            ways.append(["HEADER", "List-Unsubscribe", token])
        with faults(self._host):
            return next((sorted(found) for way in ways if (found := self._client.search(way))), [])

    def capabilities(self) -> frozenset[str]:
        """What the server says that it can, in capital letters."""
        with faults(self._host):
            return frozenset(bytes(name).decode("ascii", "replace").upper() for name in self._client.capabilities())

    def quota(self) -> tuple[int, int] | None:
        """Storage that is used and its limit, in kB (RFC 9208); None where the server tells none."""
        with faults(self._host):
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
        with faults(self._host):
            self._client.append(safe_text(folder), raw, [b"\\Seen"], at)

    def idle(self, folder: str, renew: timedelta) -> IdleLine:
        """See `MailStore.idle`."""
        opened = self.examine(folder)
        with faults(self._host):
            if not self._client.has_capability("IDLE"):
                raise NoIdle(say("{host} does not offer IDLE", host=self._host))
            sock = self._client.socket()
            self._given_away = True
            return IdleLine(
                self._host, sock, opened, renew=renew.total_seconds(), timeout=self._timeout.total_seconds()
            )

    def reopen(self, folder: str) -> Snapshot:
        """See `MailStore.reopen`."""
        with contextlib.suppress(Exception):
            self._client.shutdown()
        self._client, self._enabled = connect(self._account), False
        return self.examine(folder)

    def close(self) -> None:
        """See `MailStore.close`."""
        if self._given_away:
            return
        with contextlib.suppress(Exception):
            self._client.logout()
            return
        with contextlib.suppress(Exception):
            self._client.shutdown()
