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

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, IMAPClientError, LoginError

from app.errors import MailboxFault
from app.mail import sasl
from app.mail.idle import IdleLine, NoIdle
from app.mail.ports import Fetched, FolderName, Snapshot
from app.models import Security

BATCH = 50
# Whole messages above this are not fetched at once with others; above the second limit only their head is.
LARGE_BYTES = 1024 * 1024
MOST_BYTES = 25 * 1024 * 1024
HEAD_BYTES = 1024 * 1024

_ID_FIELD = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"
_OWN_ID = re.compile(r"<[0-9a-z]{8,80}\.[0-9a-z]{16,64}@[A-Za-z0-9.-]{1,253}>")
# Names that providers and mail programs give, where the server marks no use (RFC 6154); compared without case.
_JUNK_NAMES = frozenset(
    [
        "junk",
        "spam",
        "junk e-mail",
        "junk email",
        "junk-e-mail",
        "junk mail",
        "bulk mail",
        "bulk",
        "spamverdacht",
        "unerwünscht",
        "werbung",
        "courrier indésirable",
        "pourriel",
        "indésirables",
        "correo no deseado",
        "posta indesiderata",
        "lixo eletrônico",
        "lixo eletrónico",
        "ongewenste e-mail",
        "ongewenste mail",
        "skräppost",
        "søppelpost",
        "uønsket e-mail",
        "roskaposti",
        "niechciane",
        "wiadomości-śmieci",
        "nevyžádaná pošta",
        "спам",
        "нежелательная почта",
        "önemsiz",
        "önemsiz e-posta",
        "迷惑メール",
        "垃圾邮件",
        "垃圾郵件",
        "스팸",
        "정크 메일",
    ]
)
_SENT_NAMES = frozenset(
    [
        "sent",
        "sent items",
        "sent messages",
        "sent mail",
        "sent-mail",
        "outbox/sent",
        "gesendet",
        "gesendete",
        "gesendete elemente",
        "gesendete objekte",
        "gesendete nachrichten",
        "envoyés",
        "éléments envoyés",
        "messages envoyés",
        "objets envoyés",
        "enviados",
        "elementos enviados",
        "mensajes enviados",
        "itens enviados",
        "mensagens enviadas",
        "posta inviata",
        "inviati",
        "inviata",
        "verzonden",
        "verzonden items",
        "verzonden berichten",
        "skickat",
        "skickade objekt",
        "sendt",
        "sendte elementer",
        "sendt post",
        "lähetetyt",
        "wysłane",
        "elementy wysłane",
        "odeslané",
        "odeslaná pošta",
        "отправленные",
        "надіслані",
        "gönderilmiş öğeler",
        "gönderilenler",
        "送信済み",
        "送信済みメール",
        "送信済みアイテム",
        "已发送",
        "已发送邮件",
        "寄件備份",
        "보낸 편지함",
    ]
)


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


@contextlib.contextmanager
def _faults(host: str) -> Iterator[None]:
    """Turn everything that a server, a network or a broken answer can raise into MailboxFault with a fix."""
    try:
        yield
    except LoginError as error:
        raise SignInRefused(
            f"{host} refuses the sign-in ({_short(error)}); enter the password (or an app password) of the mailbox again"
        ) from error
    except ssl.SSLError as error:
        raise MailboxFault(
            f"the TLS certificate or connection of {host} is not valid ({_short(error)}); check host, port and security"
        ) from error
    except (CapabilityError, IMAPClientError) as error:
        raise MailboxFault(f"{host} answered an IMAP command with an error: {_short(error)}") from error
    except OSError as error:
        raise MailboxFault(
            f"{host} cannot be reached by IMAP ({_short(error)}); check host, port and network"
        ) from error
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        # What IMAPClient raises when it cannot read an answer.
        raise MailboxFault(f"{host} sent an IMAP answer that cannot be read ({type(error).__name__})") from error


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _bring_token(client: IMAPClient, account: ImapAccount) -> None:
    """AUTHENTICATE with an access token. IMAPClient's own way answers the server's reason with the token once more."""
    offered = [bytes(capability).decode("ascii", "replace") for capability in client.capabilities()]
    found = sasl.mechanism([name[5:] for name in offered if name.upper().startswith("AUTH=")])
    if found is None:
        raise MailboxFault(f"{account.host} offers no sign-in with OAuth (neither XOAUTH2 nor OAUTHBEARER)")
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
        raise SignInRefused(f"{account.host} refuses the access token ({reason})") from None


class ImapSession:
    """See `app.mail.ports.MailStore`. Not shared between threads; use it in `with`."""

    def __init__(self, account: ImapAccount) -> None:
        self._host = account.host
        self._timeout = account.timeout
        self._given_away = False
        self._client = self._connect(account)
        with _faults(self._host):
            self._condstore = self._client.has_capability("CONDSTORE") and self._client.has_capability("ENABLE")
            if self._condstore:
                with contextlib.suppress(IMAPClientError):
                    # Without this, Dovecot tells no HIGHESTMODSEQ.
                    self._client.enable("CONDSTORE")

    @staticmethod
    def _connect(account: ImapAccount) -> IMAPClient:
        if account.security is Security.NONE and not account.allow_plaintext:
            raise MailboxFault(
                f"{account.host} is set up without TLS; choose TLS or STARTTLS, or set GAPBRIDGE_MAIL_ALLOW_PLAINTEXT"
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
                            f"{account.host} does not offer STARTTLS any more; nothing was sent. Ask its operator, or use TLS"
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
        found = {"inbox": "INBOX"}
        named: dict[str, str] = {}
        with _faults(self._host):
            for flags, delimiter, name in self._client.list_folders():
                lowered = {bytes(flag).lower() for flag in flags}
                if b"\\noselect" in lowered or b"\\nonexistent" in lowered:
                    continue
                for flag, role in ((b"\\junk", "junk"), (b"\\sent", "sent")):
                    if flag in lowered:
                        found.setdefault(role, str(name))
                last = str(name).rpartition((delimiter or b"/").decode("ascii", "replace"))[2].casefold()
                if last in _JUNK_NAMES:
                    named.setdefault("junk", str(name))
                elif last in _SENT_NAMES:
                    named.setdefault("sent", str(name))
        return [FolderName(name, role) for role, name in ({**named, **found}).items()]

    def examine(self, folder: str) -> Snapshot:
        """See `MailStore.examine`."""
        with _faults(self._host):
            answer = self._client.select_folder(safe_text(folder), readonly=True)
            uidvalidity = answer.get(b"UIDVALIDITY")
            uidnext = answer.get(b"UIDNEXT")
            modseq = answer.get(b"HIGHESTMODSEQ")
            return Snapshot(
                uidvalidity=int(uidvalidity) if uidvalidity is not None else 0,
                uidnext=int(uidnext) if uidnext is not None else None,
                exists=int(answer.get(b"EXISTS", 0)),
                highestmodseq=int(modseq) if modseq is not None else None,
            )

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
                raise NoIdle(f"{self._host} does not offer IDLE")
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
