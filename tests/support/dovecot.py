"""A real Dovecot from Debian's packages for tests: own configuration, folders and port, no system service, no TLS.

    with dovecot("ana@acme.test", "bo@acme.test") as server:
        server.host, server.port, server.password
        server.maildir("ana@acme.test"), server.put("ana@acme.test", raw, folder="Junk")
        server.renumber("ana@acme.test"), server.rewind("ana@acme.test")

It has CONDSTORE, special-use folders (Junk, Sent) and UIDs that survive. Skips with the reason where it is not installed.
"""

from __future__ import annotations

import imaplib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.support.databases import missing
from tests.support.postfix import free_port

PASSWORD = "secret"


@dataclass
class Dovecot:
    """A running server; all accounts have `password`."""

    host: str
    port: int
    folder: Path
    uid: int
    gid: int
    process: subprocess.Popen[str]
    password: str = PASSWORD
    tls_port: int = 0
    _sessions: dict[str, imaplib.IMAP4] = field(default_factory=dict)

    def maildir(self, address: str, folder: str = "INBOX") -> Path:
        """Where the messages of a folder lie."""
        root = self.folder / "mail" / address
        return root if folder == "INBOX" else root / f".{folder}"

    def session(self, address: str) -> imaplib.IMAP4:
        """An open session of the account's owner, to append, delete and move."""
        if address not in self._sessions:
            made = imaplib.IMAP4(self.host, self.port, timeout=20)
            made.login(address, self.password)
            self._sessions[address] = made
        return self._sessions[address]

    def put(self, address: str, raw: bytes, *, folder: str = "INBOX", flags: str = "") -> None:
        """Append a message; returns when the server has it."""
        code, answer = self.session(address).append(folder, flags, "", raw)
        assert code == "OK", answer

    def move(self, address: str, uid: int, to: str, folder: str = "INBOX") -> None:
        """Move one message to another folder."""
        box = self.session(address)
        box.select(folder)
        assert box.uid("MOVE", str(uid), to)[0] == "OK"
        box.unselect()

    def empty(self, address: str) -> None:
        """Take every folder and message of an account away, for the next test."""
        for session in self._sessions.values():
            session.logout()
        self._sessions.clear()
        shutil.rmtree(self.maildir(address))
        self.maildir(address).mkdir()
        os.chown(self.maildir(address), self.uid, self.gid)

    def stop(self) -> None:
        """End the server and every connection."""
        self.process.terminate()
        self.process.wait(20)

    def again(self, address: str, act: Callable[[], None]) -> None:
        """Do it, and once more in a new session when the old one cannot go on ("state is inconsistent", "deleted under us")."""
        try:
            act()
        except (imaplib.IMAP4.abort, OSError, AssertionError):
            self._sessions.pop(address).shutdown()
            act()

    def move_any(self, address: str, dice: Random, to: str) -> None:
        """Move a message of the inbox to another folder, if there is one."""
        box = self.session(address)
        box.select("INBOX")
        uids = box.uid("SEARCH", "ALL")[1][0].split()
        if uids:
            assert box.uid("MOVE", dice.choice(uids).decode(), to)[0] == "OK"
        box.unselect()

    def expunge_any(self, address: str, dice: Random, before: Callable[[str], None]) -> None:
        """Delete a message of the inbox for good, if there is one; `before` gets its Message-ID right before."""
        box = self.session(address)
        box.select("INBOX")
        uids = box.uid("SEARCH", "ALL")[1][0].split()
        if uids:
            uid = dice.choice(uids).decode()
            answer = box.uid("FETCH", uid, "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")[1]
            before(answer[0][1].partition(b":")[2].strip().decode())
            box.uid("STORE", uid, "+FLAGS", r"(\Deleted)")
            box.expunge()
        box.unselect()

    def expunge(self, address: str, uid: int, folder: str = "INBOX") -> None:
        """Delete one message for good."""
        box = self.session(address)
        box.select(folder)
        box.uid("STORE", str(uid), "+FLAGS", r"(\Deleted)")
        box.expunge()
        box.unselect()

    def renumber(self, address: str, folder: str = "INBOX") -> None:
        """Give the folder a new UIDVALIDITY and new UIDs, as a restored backup does."""
        self._rewrite(address, folder, new_validity=True)

    def rewind(self, address: str, folder: str = "INBOX") -> None:
        """Number the messages from 1 again under the same UIDVALIDITY, as a recreated mailbox does."""
        self._rewrite(address, folder, new_validity=False)

    def _rewrite(self, address: str, folder: str, *, new_validity: bool) -> None:
        # Dovecot keeps the numbers in this file; its index files are built from it and from the names in cur/.
        box = self.maildir(address, folder)
        for session in self._sessions.values():
            session.logout()
        self._sessions.clear()
        listing = (box / "dovecot-uidlist").read_text().splitlines()
        words = listing[0].split()
        validity = next(int(word[1:]) for word in words if word.startswith("V"))
        names = sorted(path.name.partition(":")[0] for part in ("cur", "new") for path in (box / part).iterdir())
        lines = [f"3 V{validity + int(new_validity)} N{len(names) + 1}"]
        lines += [f"{number} :{name}" for number, name in enumerate(names, 1)]
        for path in (*box.glob("dovecot.*"), *box.glob("dovecot-uidlist*")):
            path.unlink(missing_ok=True)
        listing_path = box / "dovecot-uidlist"
        listing_path.write_text("\n".join(lines) + "\n")
        os.chown(listing_path, self.uid, self.gid)


_CONFIG = """
base_dir = {run}
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
{tls}
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
mail_location = maildir:{folder}/mail/%u
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
mail_fsync = never
mail_max_userip_connections = {most}
# Each waiting session takes one of the machine's inotify instances (128 by default); without one, Dovecot looks only now
# and then, by default every 30 seconds.
mailbox_idle_check_interval = 1 secs
{tokens}
passdb {{
  driver = static
  args = password={password}
  mechanisms = plain login
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  service_count = 0
  client_limit = {most}
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service imap {{
  process_limit = {most}
}}
service anvil {{
  chroot =
  # No growing delay after refused sign-ins: tests make many of them on purpose.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
auth_failure_delay = 0
service stats {{
  chroot =
}}
namespace inbox {{
  inbox = yes
{folders}
}}
{extra}
"""

_TOKENS = """
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
"""
_TOKEN_CHECK = """
introspection_url = {url}
introspection_mode = post
username_attribute = username
active_attribute = active
active_value = true
"""


def _folders(named: list[tuple[str, str]], special_use: bool) -> str:
    made = ""
    for name, use in named:
        flag = f"\n    special_use = \\{use}" if special_use and use else ""
        made += f'  mailbox "{name}" {{\n    auto = create{flag}\n  }}\n' if name else ""
    return made


def _identity() -> tuple[int, int, str, str, str]:
    """Whom the mail belongs to, and as whom Dovecot's own processes run."""
    if os.geteuid() == 0:
        owner = pwd.getpwnam("nobody")
        return owner.pw_uid, owner.pw_gid, "dovecot", "dovecot", "dovenull"
    me = pwd.getpwuid(os.geteuid())
    import grp

    return me.pw_uid, me.pw_gid, me.pw_name, grp.getgrgid(me.pw_gid).gr_name, me.pw_name


@contextmanager
def dovecot(
    *addresses: str,
    introspection_url: str = "",
    mechanisms: str = "",
    certificate: tuple[Path, Path] | None = None,
    junk: str = "Junk",
    sent: str = "Sent",
    folders: Sequence[tuple[str, str]] = (),
    special_use: bool = True,
    capabilities: str = "",
    most: int = 500,
) -> Iterator[Dovecot]:
    """A running server with an account for each address (any other address would work, too).

    `introspection_url` lets access tokens sign in, by `mechanisms`. `certificate` (chain, key) gives it STARTTLS and a
    port with TLS. `junk` and `sent` name those folders ("" for none), `folders` more of them with their special use ("" for
    none). `capabilities` are all that it admits to.
    `most` is how many may be signed in at a time.
    """
    program = shutil.which("dovecot", path="/usr/sbin:/usr/bin")
    if program is None:
        missing("Dovecot (Debian package dovecot-imapd)", FileNotFoundError("there is no /usr/sbin/dovecot"))
        raise AssertionError
    # Short, because the sockets below it must fit into 108 characters.
    folder = Path(tempfile.mkdtemp(prefix="gb-imap-", dir="/tmp"))
    uid, gid, internal, internal_group, login = _identity()
    folder.chmod(0o755)
    (folder / "mail").mkdir()
    for address in addresses:
        (folder / "mail" / address).mkdir()
        os.chown(folder / "mail" / address, uid, gid)
    os.chown(folder / "mail", uid, gid)
    port, tls_port = free_port(), free_port() if certificate else 0
    if introspection_url:
        (folder / "oauth2.conf").write_text(_TOKEN_CHECK.format(url=introspection_url))
    config = folder / "dovecot.conf"
    config.write_text(
        _CONFIG.format(
            run=folder / "run",
            folder=folder,
            internal=internal,
            internal_group=internal_group,
            login=login,
            uid=uid,
            gid=gid,
            port=port,
            most=most,
            password=PASSWORD,
            mechanisms=mechanisms or ("plain login xoauth2 oauthbearer" if introspection_url else "plain login"),
            tokens=_TOKENS.format(folder=folder) if introspection_url else "",
            tls=f"ssl = yes\nssl_cert = <{certificate[0]}\nssl_key = <{certificate[1]}" if certificate else "ssl = no",
            tls_port=tls_port,
            folders=_folders([(junk, "Junk"), (sent, "Sent"), *folders], special_use),
            # Before and after the sign-in: clients that ask once must not be told more.
            extra=f"protocol imap {{\n  imap_capability = {capabilities}\n}}" if capabilities else "",
        )
    )
    process = subprocess.Popen(
        [program, "-F", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    server = Dovecot("127.0.0.1", port, folder, uid, gid, process, tls_port=tls_port)
    try:
        _wait(process, port, folder)
        yield server
    finally:
        for session in server._sessions.values():
            session.shutdown()
        process.terminate()
        process.wait(20)
        if process.stderr is not None:
            process.stderr.close()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[str], port: int, folder: Path) -> None:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = process.stderr.read() if process.stderr else ""
            raise RuntimeError(f"Dovecot ended at once: {said}")
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as probe:
                if probe.recv(4) == b"* OK":
                    return
        except OSError:
            time.sleep(0.05)
    log = folder / "dovecot.log"
    raise RuntimeError(f"Dovecot does not answer: {log.read_text()[-2000:] if log.exists() else 'no log'}")
