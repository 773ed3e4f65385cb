"""The editors at their desks: they read their mailboxes by IMAP, decide, answer by SMTP, and change their sites.

`decide` is pure. `Desk` does what was decided, as ordinary mail clients do it: in the same thread, to Reply-To, with the
mail quoted in the manner of the editor's language.
"""

from __future__ import annotations

import smtplib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from imapclient import IMAPClient, SocketTimeout

from app.clock import Clock
from app.sandbox import cast, letters
from app.sandbox.sites import Sites


@dataclass(frozen=True, slots=True)
class Notice:
    """An automatic answer while the editor is away."""

    away: cast.Away


@dataclass(frozen=True, slots=True)
class Nothing:
    """The letter is left alone."""


Reaction = cast.Turn | Notice | Nothing


def decide(editor: cast.Editor, read_before: int, day: float, noticed: bool) -> Reaction:
    """What `editor` does with a letter that comes on day `day` of the world, having read `read_before` letters so far.

    `noticed`: whether this sender has had the absence notice (RFC 3834 section 2: not more than one in some days).
    """
    if editor.away is not None and day < editor.away.days:
        return Nothing() if noticed else Notice(editor.away)
    if read_before < len(editor.turns):
        turn = editor.turns[read_before]
        return turn if turn.says or turn.does else Nothing()
    return Nothing()


def is_away(editor: cast.Editor, day: float) -> bool:
    """Whether mail that comes on this day is not read by a person."""
    return editor.away is not None and day < editor.away.days


@dataclass(frozen=True, slots=True)
class Server:
    """Where editors read and send. `sign_in` False: a server that trusts this machine (no SMTP AUTH)."""

    host: str
    smtp_port: int
    imap_port: int
    passwords: Mapping[str, str]
    sign_in: bool = True


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that an editor did, for the display."""

    editor: cast.Editor
    what: str


@dataclass(slots=True)
class _Memory:
    next_uid: int = 1
    read: int = 0
    noticed: bool = False
    written: int = 0
    handled: list[str] = field(default_factory=list)


class Desk:
    """All editors; `round` lets each of them look into the mailbox once."""

    def __init__(self, server: Server, sites: Sites, clock: Clock, editors: tuple[cast.Editor, ...] = cast.EVERYBODY):
        self.server = server
        self.sites = sites
        self.clock = clock
        self.editors = editors
        self.began = clock.now()
        self._memory = {editor.address: _Memory() for editor in editors}

    def round(self) -> list[Deed]:
        """Read what is new, react, and say what was done."""
        deeds = []
        for editor in self.editors:
            if editor.address not in self.server.passwords:
                continue
            for letter in self._new_letters(editor):
                deeds += self._react(editor, letter)
        return deeds

    def mailbox(self, address: str) -> list[bytes]:
        """Every mail that the mailbox holds, oldest first, as the sender wrote it (without trace lines)."""
        return [letters.without_trace(raw) for _, raw in self._fetch(address, 1)]

    def _fetch(self, address: str, from_uid: int) -> list[tuple[int, bytes]]:
        timeout = SocketTimeout(connect=10, read=30)
        client = IMAPClient(self.server.host, self.server.imap_port, ssl=False, timeout=timeout)
        with client:
            client.login(address, self.server.passwords[address])
            folder = client.select_folder("INBOX", readonly=True)
            if folder[b"UIDNEXT"] <= from_uid or not folder[b"EXISTS"]:
                return []
            # `n:*` names the last mail even when nothing is new (RFC 3501 section 6.4.8).
            uids = [uid for uid in client.search(["UID", f"{from_uid}:*"]) if uid >= from_uid]
            found = client.fetch(uids, ["BODY.PEEK[]"]) if uids else {}
            return sorted((uid, bytes(data[b"BODY[]"])) for uid, data in found.items())

    def _new_letters(self, editor: cast.Editor) -> list[letters.Letter]:
        memory = self._memory[editor.address]
        new = self._fetch(editor.address, memory.next_uid)
        if new:
            memory.next_uid = new[-1][0] + 1
        return [letters.read(raw) for _, raw in new]

    def _react(self, editor: cast.Editor, letter: letters.Letter) -> list[Deed]:
        memory = self._memory[editor.address]
        now = self.clock.now()
        day = (now - self.began) / timedelta(days=1)
        reaction = decide(editor, memory.read, day, memory.noticed)
        if not is_away(editor, day):
            memory.read += 1
        match reaction:
            case Notice(away):
                memory.noticed = True
                self._send_notice(editor, letter, away, now)
                return [Deed(editor, "is away: an automatic answer goes out")]
            case cast.Turn(says, does):
                deeds = []
                if does == cast.ADD:
                    self.sites.add_link(editor, _page_named(letter, editor))
                    deeds.append(Deed(editor, "adds the link" if says else "adds the link and does not answer"))
                if says:
                    self._send_answer(editor, letter, says, now)
                    deeds.append(Deed(editor, "answers"))
                return deeds
            case Nothing():
                return []

    def _message_id(self, editor: cast.Editor) -> str:
        memory = self._memory[editor.address]
        memory.written += 1
        return f"<{memory.written}.{self.began:%Y%m%d%H%M%S}.{editor.mailbox}@{editor.domain}>"

    def _send_answer(self, editor: cast.Editor, letter: letters.Letter, text: str, now: datetime) -> None:
        german = editor.language == "de"
        lead = (
            f"Am {now:%d.%m.%Y} um {now:%H:%M} schrieb {cast.OUR_NAME} <{letter.sender}>:"
            if german
            else f"On {now:%a, %d %b %Y at %H:%M}, {cast.OUR_NAME} <{letter.sender}> wrote:"
        )
        raw = letters.answer(
            letter,
            name=editor.name,
            address=editor.address,
            text=text,
            at=now,
            message_id=self._message_id(editor),
            prefix="AW:" if german else "Re:",
            lead=lead,
        )
        self._submit(editor, editor.address, letter.reply_to, raw)

    def _send_notice(self, editor: cast.Editor, letter: letters.Letter, away: cast.Away, now: datetime) -> None:
        back = self.began + timedelta(days=away.days)
        raw = letters.auto_reply(
            letter,
            name=editor.name,
            address=editor.address,
            subject=away.subject,
            text=away.text.format(back=f"{back.day} {back:%B %Y}"),
            at=now,
            message_id=self._message_id(editor),
        )
        # An automatic answer has the null sender, so that nothing answers it (RFC 3834 section 3.3).
        self._submit(editor, "", letter.reply_to, raw)

    def _submit(self, editor: cast.Editor, mail_from: str, to: str, raw: bytes) -> None:
        with smtplib.SMTP(self.server.host, self.server.smtp_port, "desk.sandbox.test", timeout=30) as client:
            client.ehlo("desk.sandbox.test")
            if self.server.sign_in:
                client.login(editor.address, self.server.passwords[editor.address])
            client.sendmail(mail_from, [to], raw)


def _page_named(letter: letters.Letter, editor: cast.Editor) -> str:
    """Our page that the letter proposes; a letter without one gets the page that suits the editor's article."""
    named = [page.url for page in cast.OUR_PAGES if page.url in letter.text]
    return named[0] if named else editor.offers.url
