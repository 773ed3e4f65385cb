"""A small IMAP server that answers as Google documents its own: X-GM-EXT-1, labels instead of copies, and X-GM-RAW.

Source: Google's "IMAP Extensions" (CAPABILITY, LIST with special-use flags, X-GM-RAW, X-GM-MSGID, X-GM-LABELS). A message is kept once
and shows up in the folder of each of its labels, and in "All Mail" unless it is spam. What a client must not do (write a flag, send
X-GM-RAW without quotes) is answered with BAD.
"""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser

FOLDERS = {
    "INBOX": rb"\HasNoChildren",
    "Editors": rb"\HasNoChildren",
    "[Gmail]": rb"\HasChildren \Noselect",
    "[Gmail]/All Mail": rb"\All \HasNoChildren",
    "[Gmail]/Drafts": rb"\Drafts \HasNoChildren",
    "[Gmail]/Important": rb"\HasNoChildren \Important",
    "[Gmail]/Sent Mail": rb"\HasNoChildren \Sent",
    "[Gmail]/Spam": rb"\HasNoChildren \Junk",
    "[Gmail]/Starred": rb"\Flagged \HasNoChildren",
    "[Gmail]/Trash": rb"\HasNoChildren \Trash",
}
# The label that a folder shows; a folder of the user's own is its label.
LABELS = {
    "INBOX": "\\Inbox",
    "[Gmail]/Drafts": "\\Draft",
    "[Gmail]/Important": "\\Important",
    "[Gmail]/Sent Mail": "\\Sent",
    "[Gmail]/Spam": "\\Spam",
    "[Gmail]/Starred": "\\Starred",
    "[Gmail]/Trash": "\\Trash",
}
_CAN = b"IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1"
_COMMAND = re.compile(rb"(\S+) (UID )?(\S+) ?(.*)", re.DOTALL)
_RAW = re.compile(rb'X-GM-RAW "rfc822msgid:([^"\s<>]+)"')


@dataclass
class Mail:
    """One message: its bytes, its labels, and the number that Gmail calls X-GM-MSGID."""

    raw: bytes
    labels: frozenset[str]
    msgid: int

    @property
    def message_id(self) -> str:
        return str(BytesHeaderParser().parsebytes(self.raw)["Message-ID"] or "")


@dataclass
class Gimap:
    """The mailbox behind the server. `indexed`: whether SEARCH HEADER finds what has just come. `quoted`: how labels are written."""

    host: str = "127.0.0.1"
    port: int = 0
    indexed: bool = True
    quoted: bool = False
    commands: list[bytes] = field(default_factory=list)
    folders: dict[str, list[Mail]] = field(default_factory=lambda: {name: [] for name in FOLDERS})

    def put(self, raw: bytes, *labels: str) -> Mail:
        """Take a message in under its labels; without any it is archived: in "All Mail" and nowhere else."""
        mail = Mail(raw, frozenset(labels), 1278455344230334865 + sum(map(len, self.folders.values())))
        for name, kept in self.folders.items():
            if LABELS.get(name, name) in labels or (name.endswith("All Mail") and "\\Spam" not in labels):
                kept.append(mail)
        return mail

    def sent(self, verb: bytes) -> list[bytes]:
        """The commands that begin so."""
        return [command for command in self.commands if command.startswith(verb)]


class _Session(socketserver.StreamRequestHandler):
    server: _Server
    # Answers leave in one piece: small ones would wait for each other.
    wbufsize = -1

    def handle(self) -> None:
        self.box: str | None = None
        self.say(b"* OK Gimap ready for requests from 127.0.0.1 k2if6111336rvb.0")
        self.wfile.flush()
        for line in self.rfile:
            parts = _COMMAND.fullmatch(line.strip())
            if parts is None:
                return
            tag, verb, rest = parts[1], parts[3].upper(), parts[4]
            self.server.gimap.commands.append(verb + b" " + rest)
            done = self.answer(verb, rest)
            self.say(tag + b" " + done)
            self.wfile.flush()
            if verb == b"LOGOUT":
                return

    def say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")

    def answer(self, verb: bytes, rest: bytes) -> bytes:
        if verb == b"CAPABILITY":
            self.say(b"* CAPABILITY " + _CAN)
        elif verb == b"LIST":
            for name, flags in FOLDERS.items():
                self.say(b'* LIST (%s) "/" "%s"' % (flags, name.encode()))
        elif verb == b"STATUS":
            name = self.name(rest)
            kept = self.server.gimap.folders[name]
            self.say(
                b'* STATUS "%s" (MESSAGES %d UIDNEXT %d UIDVALIDITY 7)' % (name.encode(), len(kept), len(kept) + 1)
            )
        elif verb == b"EXAMINE":
            self.box = self.name(rest)
            kept = self.server.gimap.folders[self.box]
            self.say(b"* FLAGS (\\Answered \\Flagged \\Draft \\Deleted \\Seen)")
            self.say(b"* %d EXISTS" % len(kept))
            self.say(b"* 0 RECENT")
            self.say(b"* OK [UIDVALIDITY 7] UIDs valid.")
            self.say(b"* OK [UIDNEXT %d] Predicted next UID." % (len(kept) + 1))
            return b"OK [READ-ONLY] selected. (Success)"
        elif verb == b"SEARCH":
            found = self.search(rest)
            if found is None:
                return b"BAD Could not parse command"
            self.say(b"* SEARCH" + b"".join(b" %d" % uid for uid in found))
        elif verb == b"FETCH":
            self.fetch(*rest.split(b" ", 1))
        elif verb == b"LOGOUT":
            self.say(b"* BYE LOGOUT Requested")
        elif verb not in (b"LOGIN", b"NOOP", b"ID", b"UNSELECT"):
            return b"BAD Unknown command"
        return b"OK Success"

    @staticmethod
    def name(rest: bytes) -> str:
        return rest.decode().split('"')[1] if rest.startswith(b'"') else rest.decode().split(" ")[0]

    @property
    def kept(self) -> list[Mail]:
        return self.server.gimap.folders[self.box] if self.box else []

    def search(self, rest: bytes) -> list[int] | None:
        numbered = list(enumerate(self.kept, 1))
        raw = _RAW.fullmatch(rest)
        if raw is not None:
            return [uid for uid, mail in numbered if mail.message_id.strip("<>") == raw[1].decode()]
        words = rest.decode().replace('"', "").split(" ")
        if words[0] == "UID":
            first = int(words[1].split(":")[0])
            # The last message, too, when nothing is as new as that.
            return [uid for uid, _ in numbered if uid >= first] or [uid for uid, _ in numbered[-1:]]
        if words[0] == "HEADER":
            seen = numbered if self.server.gimap.indexed else []
            return [uid for uid, mail in seen if words[2] in str(BytesHeaderParser().parsebytes(mail.raw)[words[1]])]
        return [uid for uid, _ in numbered] if words[0] == "SINCE" else None

    def fetch(self, numbers: bytes, wanted: bytes) -> None:
        for uid in (int(one) for one in numbers.split(b",")):
            if not 1 <= uid <= len(self.kept):
                continue
            mail = self.kept[uid - 1]
            out = [b"X-GM-MSGID %d" % mail.msgid, b"UID %d" % uid, b"RFC822.SIZE %d" % len(mail.raw)]
            if b"INTERNALDATE" in wanted:
                out.append(b'INTERNALDATE "01-Jun-2026 10:00:00 +0000"')
            if b"FLAGS" in wanted:
                out.append(b"FLAGS (\\Seen)")
            if b"X-GM-LABELS" in wanted:
                out.append(
                    b"X-GM-LABELS (%s)" % b" ".join(self.label(one) for one in sorted(mail.labels) if self.shown(one))
                )
            for part, text in ((b"BODY[HEADER", mail.raw.split(b"\r\n\r\n")[0] + b"\r\n\r\n"), (b"BODY[]", mail.raw)):
                asked = part.replace(b"BODY[", b"BODY.PEEK[")
                if asked in wanted:
                    name = b"BODY[HEADER.FIELDS (X)]" if part != b"BODY[]" else part
                    out.append(name + b" {%d}\r\n" % len(text) + text)
            self.say(b"* %d FETCH (%s)" % (uid, b" ".join(out)))

    def shown(self, label: str) -> bool:
        """A folder does not name its own label."""
        return self.box is None or LABELS.get(self.box, self.box) != label

    def label(self, label: str) -> bytes:
        """A system label is an atom in Google's examples; its server has been seen to quote it. A name with a blank is always quoted."""
        if label.startswith("\\"):
            return b'"\\%s"' % label.encode() if self.server.gimap.quoted else label.encode()
        return b'"%s"' % label.encode() if " " in label else label.encode()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, gimap: Gimap) -> None:
        self.gimap = gimap
        super().__init__(("127.0.0.1", 0), _Session)


@contextmanager
def gimap() -> Iterator[Gimap]:
    """A running server on a free port; any password will do."""
    kept = Gimap()
    with _Server(kept) as server:
        kept.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join(5)
