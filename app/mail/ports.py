"""What the inbox needs of a mailbox: the port that `app.mail.imap` fills with IMAP, and tests may fill with anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from app.mail.idle import IdleLine


@dataclass(frozen=True, slots=True)
class FolderName:
    """One folder. `role` is inbox, junk, sent, drafts, trash, archive, all (a view of everything), or other."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Head:
    """What a message says about itself without its body: some header lines, and its size by the server.

    `own`: a flag or a label marks it as a draft or as sent by the account's owner.
    """

    uid: int
    header: bytes
    message_id: str | None
    size: int
    own: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A folder at the moment of its opening. `uidnext` is None where the server does not tell."""

    uidvalidity: int
    uidnext: int | None
    exists: int
    highestmodseq: int | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """One message as it lies there. `size` is the server's; `raw` is cut when the message is larger than the limit."""

    uid: int
    raw: bytes
    size: int
    received_at: datetime | None


class MailStore(Protocol):
    """An open session with one account, for reading. Every method raises MailboxFault when the server fails."""

    def folders(self) -> list[FolderName]:
        """Every folder that can be opened, the inbox first."""

    def status(self, folder: str) -> Snapshot | None:
        """What the server says of a folder without opening it; None where it has no such folder."""

    def examine(self, folder: str) -> Snapshot:
        """Open a folder read-only; nothing that follows sets a flag."""

    def uids_from(self, first: int) -> list[int]:
        """UIDs of the open folder that are at least `first`, ascending."""

    def uids_since(self, day: date) -> list[int]:
        """UIDs of messages that arrived on `day` or later, ascending."""

    def fetch(self, uids: Sequence[int]) -> dict[int, Fetched]:
        """The messages; a UID that the server did not answer for is missing from the result."""

    def message_ids(self, uids: Sequence[int]) -> dict[int, str | None]:
        """The Message-IDs of messages of the open folder, None for one without; UIDs that do not exist are missing."""

    def heads(self, uids: Sequence[int]) -> dict[int, Head]:
        """What messages of the open folder say about themselves; UIDs that do not exist are missing."""

    def find(self, message_id: str, token: str | None = None) -> list[int]:
        """UIDs of the open folder whose Message-ID is one that we have made, or else whose List-Unsubscribe has our `token`:
        some providers put a Message-ID of their own in the place of ours. Raises ValueError for any other text.
        """

    def idle(self, folder: str, renew: timedelta) -> IdleLine:
        """Open a folder read-only and give the connection away to wait for its mail; the store is used up then.

        Raises NoIdle where the server cannot tell of new mail.
        """

    def reopen(self, folder: str) -> Snapshot:
        """Begin the session anew after a fault, which may have ended it, and open `folder` read-only."""

    def close(self) -> None:
        """End the session; never raises."""
