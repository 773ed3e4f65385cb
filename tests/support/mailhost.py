"""A whole mail host from Debian's packages for tests: Postfix takes mail and writes Maildirs, Dovecot serves them by IMAP.

    with mailhost(["us@ours.test", "editor@theirs.test"], full=("full@theirs.test",)) as host:
        host.smtp_port (AUTH by Dovecot), host.imap_port, host.password

Both run from a temporary folder on free ports of 127.0.0.1; no service of the machine is touched.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.databases import missing
from tests.support.postfix import free_port, postfix

PASSWORD = "sandbox password"
# nobody:nogroup on Debian; both servers drop to it for the mailboxes.
_UID = _GID = 65534

_CONFIG = """\
base_dir = {folder}/base
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
first_valid_uid = 1
mail_location = maildir:{folder}/mail/%u
passdb {{
  driver = passwd-file
  args = scheme=plain username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {auth}
  }}
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Junk {{
    auto = subscribe
    special_use = \\Junk
  }}
  mailbox Sent {{
    auto = subscribe
    special_use = \\Sent
  }}
}}
"""


@dataclass(frozen=True)
class MailHost:
    """Running Postfix and Dovecot with the same accounts; the sign-in name is the address, `password` is everybody's."""

    host: str
    smtp_port: int
    imap_port: int
    password: str
    folder: Path
    smtp_log: Path
    imap_log: Path
    queue: Path

    def wait_until_delivered(self, seconds: float = 30.0) -> None:
        """Return when Postfix holds no mail any more: each is in its mailbox, or was returned."""
        until = time.monotonic() + seconds
        places = ("maildrop", "incoming", "active", "deferred")
        while any(path.is_file() for place in places for path in (self.queue / place).rglob("*")):
            if time.monotonic() > until:
                raise TimeoutError(f"Postfix still holds mail:\n{self.smtp_log.read_text()[-2000:]}")
            time.sleep(0.05)


@contextmanager
def mailhost(addresses: Sequence[str], *, full: tuple[str, ...] = ()) -> Iterator[MailHost]:
    """A running mail host with an account for each address; mail to those in `full` is taken and bounced (5.2.2)."""
    if shutil.which("dovecot", path="/usr/sbin:/usr/bin") is None:
        missing("Dovecot (Debian package dovecot-imapd)", FileNotFoundError("there is no /usr/sbin/dovecot"))
    if os.geteuid() != 0:
        pytest.skip("Postfix's and Dovecot's master processes drop from root to their own users; run as root")
    folder = Path(tempfile.mkdtemp(prefix="gapbridge-mailhost-"))
    folder.chmod(0o755)
    mail = folder / "mail"
    for address in addresses:
        (mail / address).mkdir(parents=True)
        shutil.chown(mail / address, _UID, _GID)
    (folder / "users").write_text("".join(f"{address}:{{plain}}{PASSWORD}\n" for address in addresses))
    imap, auth = free_port(), free_port()
    config = folder / "dovecot.conf"
    config.write_text(_CONFIG.format(folder=folder, uid=_UID, gid=_GID, imap=imap, auth=auth))
    maildirs = {address: mail / address for address in addresses if address not in full}
    try:
        # Into a file: the daemon keeps its standard error open, and a pipe would be waited for until it ends.
        with (folder / "start.log").open("w") as said:
            subprocess.run(["/usr/sbin/dovecot", "-c", str(config)], stdout=said, stderr=said, check=False, timeout=30)
        _wait_for(imap, folder / "dovecot.log", folder / "start.log")
        with postfix(maildirs, uid=_UID, gid=_GID, full=full, auth_socket=f"inet:127.0.0.1:{auth}") as server:
            yield MailHost(
                "127.0.0.1",
                server.port,
                imap,
                PASSWORD,
                folder,
                server.log,
                folder / "dovecot.log",
                server.folder / "queue",
            )
    finally:
        subprocess.run(["/usr/sbin/dovecot", "-c", str(config), "stop"], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int, *logs: Path) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as connection:
                if connection.recv(100).startswith(b"* OK"):
                    return
        except OSError as error:
            if time.monotonic() > until:
                text = "".join(log.read_text() for log in logs if log.exists())
                raise RuntimeError(f"Dovecot does not answer: {text}") from error
            time.sleep(0.05)
