"""Compares what the outbox says with what the mailboxes of the world hold: no more, no less. Pure."""

from __future__ import annotations

import email
import email.policy
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from app.sandbox.letters import read


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of the outbox. `state` is the outbox's word; `digest` the SHA-256 of what leaves of it (its frozen bytes,
    dated at its commit) in hexadecimal."""

    message_id: str
    to: str
    digest: str
    state: str


@dataclass(frozen=True, slots=True)
class Held:
    """One message that an editor's mailbox holds, without the trace lines of the servers."""

    account: str
    message_id: str
    digest: str


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A line in which ledger and world differ: missing, duplicate, extra, altered, astray or unsettled."""

    kind: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Balance:
    """The result: how many messages were sent, are held, were returned with a report; and every difference."""

    sent: int
    held: int
    returned: int
    disagreements: tuple[Disagreement, ...]

    @property
    def agrees(self) -> bool:
        """Whether ledger and world say the same."""
        return not self.disagreements


def digest(raw: bytes) -> str:
    """SHA-256 of a message; line ends are made CRLF first, because Maildirs keep LF."""
    return sha256(raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")).hexdigest()


def held_in(account: str, mails: Iterable[bytes]) -> list[Held]:
    """What a mailbox holds, from its messages without trace lines."""
    return [Held(account, read(raw).message_id, digest(raw)) for raw in mails]


def returned_in(mails: Iterable[bytes]) -> list[str]:
    """The Message-IDs of the mails that came back inside a non-delivery report (RFC 3464), from our own mailbox."""
    found = []
    for raw in mails:
        message = email.message_from_bytes(raw, policy=email.policy.default)
        if message.get_content_type() != "multipart/report":
            continue
        for part in message.walk():
            if part is not message and part["Message-ID"]:
                found.append(str(part["Message-ID"]).strip())
    return found


def balance(outbox: Iterable[Entry], held: Iterable[Held], returned: Iterable[str]) -> Balance:
    """Hold the outbox against the mailboxes.

    Every message that the outbox calls SENT is held exactly once by its recipient, unaltered, or came back with a report;
    nothing else is held. A state in which nobody knows whether the mail left is a disagreement, too.
    """
    entries = {entry.message_id: entry for entry in outbox}
    mails, reports = list(held), Counter(returned)
    copies = Counter(mail.message_id for mail in mails)
    sent = [entry for entry in entries.values() if entry.state == "SENT"]
    found = [
        Disagreement("unsettled", f"{entry.message_id} to {entry.to} is {entry.state}: nobody knows whether it left")
        for entry in entries.values()
        if entry.state in ("CLAIMED", "COMMITTED", "AMBIGUOUS")
    ]
    for entry in sent:
        count = copies[entry.message_id] + min(reports[entry.message_id], 1)
        if count == 0:
            found.append(Disagreement("missing", f"{entry.message_id} is called sent, but {entry.to} does not hold it"))
        elif count > 1:
            found.append(Disagreement("duplicate", f"{entry.message_id} reached {entry.to} {count} times"))
    found += [one for mail in mails for one in _about(mail, entries)]
    return Balance(len(sent), len(mails), sum(1 for entry in sent if reports[entry.message_id]), tuple(found))


def _about(mail: Held, entries: Mapping[str, Entry]) -> Iterable[Disagreement]:
    entry = entries.get(mail.message_id)
    if entry is None:
        yield Disagreement("extra", f"{mail.account} holds {mail.message_id}, of which the outbox knows nothing")
        return
    if entry.state not in ("SENT", "CLAIMED", "COMMITTED", "AMBIGUOUS"):
        yield Disagreement("extra", f"{mail.account} holds {mail.message_id}, which the outbox calls {entry.state}")
    if entry.to.lower() != mail.account.lower():
        yield Disagreement("astray", f"{mail.account} holds {mail.message_id}, which was meant for {entry.to}")
    if entry.digest != mail.digest:
        yield Disagreement("altered", f"{mail.account} holds {mail.message_id} with other bytes than were approved")
