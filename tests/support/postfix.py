"""A real Postfix from Debian's packages for tests: own configuration, queue and port, delivering into Maildirs.

    with postfix({"editor@theirs.test": maildir}, uid=..., gid=...) as server:
        server.host, server.port

Dovecot (`tests.support.dovecot`) can serve the same Maildirs. Recipients in `full` are taken and then bounced by Postfix
itself with a real report (5.2.2); unknown ones are refused at RCPT. Postfix's master runs as root only, so other users skip.
"""

from __future__ import annotations

import os
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.databases import missing

_PROGRAMS = ("/usr/sbin", "/usr/lib/postfix/sbin")


@dataclass(frozen=True)
class Postfix:
    """A running server; `log` is its mail log."""

    host: str
    port: int
    folder: Path
    log: Path


def _need() -> None:
    if shutil.which("postfix", path="/usr/sbin:/usr/bin") is None:
        missing("Postfix (Debian package postfix)", FileNotFoundError("there is no /usr/sbin/postfix"))
    if os.geteuid() != 0:
        pytest.skip("Postfix's master process can only be started by root")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _write(
    folder: Path,
    port: int,
    maildirs: Mapping[str, Path],
    full: tuple[str, ...],
    ids: tuple[int, int],
    auth_socket: str | None,
) -> Path:
    conf = folder / "conf"
    conf.mkdir()
    # Dovecot writes the mailboxes, so the delivering user is the same.
    (conf / "mailboxes").write_text("".join(f"{address} {str(path)[1:]}/\n" for address, path in maildirs.items()))
    (conf / "transport").write_text("".join(f"{address} full:\n" for address in full))
    domains = sorted({address.rpartition("@")[2] for address in (*maildirs, *full)})
    # An `error:` transport would refuse at RCPT already; a delivery program that fails makes Postfix write a report.
    program = conf / "full"
    program.write_text("#!/bin/sh\necho '5.2.2 Mailbox full: quota exceeded'\nexit 69\n")
    program.chmod(0o755)
    settings = {
        "compatibility_level": "3.6",
        "queue_directory": str(folder / "queue"),
        "data_directory": str(folder / "data"),
        "maillog_file": str(folder / "postfix.log"),
        "maillog_file_prefixes": str(folder),
        "mail_owner": "postfix",
        "inet_interfaces": "127.0.0.1",
        "inet_protocols": "ipv4",
        "myhostname": "mx.sandbox.test",
        "mydestination": "",
        "local_recipient_maps": "",
        "alias_maps": "",
        "alias_database": "",
        "mynetworks": "127.0.0.0/8",
        "smtpd_relay_restrictions": "permit_mynetworks, reject",
        "smtpd_recipient_restrictions": "reject_unlisted_recipient, permit_mynetworks, reject",
        "virtual_mailbox_domains": ", ".join(domains),
        "virtual_mailbox_base": "/",
        "virtual_mailbox_maps": f"texthash:{conf / 'mailboxes'}, texthash:{conf / 'transport'}",
        "transport_maps": f"texthash:{conf / 'transport'}",
        "virtual_transport": "virtual",
        "virtual_minimum_uid": "1",
        "virtual_uid_maps": f"static:{ids[0]}",
        "virtual_gid_maps": f"static:{ids[1]}",
        "recipient_delimiter": "+",
        "append_dot_mydomain": "no",
        "biff": "no",
        "smtputf8_enable": "yes",
        "default_transport": "error:this server delivers to the sandbox only",
        # Fast for tests: no waiting between the queue runs.
        "in_flow_delay": "0",
        "smtpd_error_sleep_time": "0",
        "smtpd_client_connection_count_limit": "0",
    }
    if auth_socket:
        settings |= {
            "smtpd_sasl_auth_enable": "yes",
            "smtpd_sasl_type": "dovecot",
            "smtpd_sasl_path": auth_socket,
            "smtpd_sasl_security_options": "noanonymous",
        }
    (conf / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
    services = [
        f"127.0.0.1:{port} inet n - n - - smtpd",
        "pickup unix n - n 60 1 pickup",
        "cleanup unix n - n - 0 cleanup",
        "qmgr unix n - n 300 1 qmgr",
        "rewrite unix - - n - - trivial-rewrite",
        "bounce unix - - n - 0 bounce",
        "defer unix - - n - 0 bounce",
        "trace unix - - n - 0 bounce",
        "verify unix - - n - 1 verify",
        "proxymap unix - - n - - proxymap",
        "error unix - - n - - error",
        "retry unix - - n - - error",
        "discard unix - - n - - discard",
        "virtual unix - n n - - virtual",
        f"full unix - n n - - pipe flags= user=nobody argv={program}",
        "anvil unix - - n - 1 anvil",
        "tlsmgr unix - - n 1000? 1 tlsmgr",
        "postlog unix-dgram n - n - 1 postlogd",
    ]
    (conf / "master.cf").write_text("\n".join(services) + "\n")
    return conf


def _postfix(conf: Path, verb: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": ":".join((*_PROGRAMS, "/usr/bin", "/bin"))}
    return subprocess.run(
        ["postfix", "-c", str(conf), verb], capture_output=True, text=True, timeout=60, env=environment, check=False
    )


@contextmanager
def postfix(
    maildirs: Mapping[str, Path], *, uid: int, gid: int, full: tuple[str, ...] = (), auth_socket: str | None = None
) -> Iterator[Postfix]:
    """A running Postfix that takes mail for the addresses of `maildirs` and writes it there as `uid`:`gid`.

    `auth_socket` is Dovecot's auth service as Postfix writes it (`inet:127.0.0.1:PORT` or a path); None: no AUTH.
    """
    _need()
    folder = Path(tempfile.mkdtemp(prefix="gapbridge-postfix-"))
    # Postfix drops to its own user, which must be able to walk in.
    folder.chmod(0o755)
    (folder / "queue").mkdir()
    (folder / "data").mkdir()
    shutil.chown(folder / "data", "postfix", "postfix")
    port = free_port()
    conf = _write(folder, port, maildirs, full, (uid, gid), auth_socket)
    log = folder / "postfix.log"
    try:
        started = _postfix(conf, "start")
        until = time.monotonic() + 20
        while True:
            try:
                with smtplib.SMTP("127.0.0.1", port, "probe.test", timeout=5):
                    break
            except OSError as error:
                if time.monotonic() > until:
                    text = log.read_text() if log.exists() else ""
                    raise RuntimeError(f"Postfix does not answer: {started.stderr}\n{text}") from error
                time.sleep(0.05)
        yield Postfix("127.0.0.1", port, folder, log)
    finally:
        _postfix(conf, "stop")
        shutil.rmtree(folder, ignore_errors=True)
