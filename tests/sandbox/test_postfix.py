"""The support module that runs a real Postfix does what the tests that use it expect."""

from __future__ import annotations

import shutil
import smtplib
import tempfile
import time
from pathlib import Path

import pytest

from app.sandbox.letters import without_trace
from tests.support.postfix import postfix

RAW = (
    b"From: a <us@ours.test>\r\nTo: editor@theirs.test\r\nMessage-ID: <1@ours.test>\r\nDate: Mon, 1 Jun 2026 09:00:00 "
    b"+0000\r\nSubject: a fact\r\n\r\n.dot\r\nend\r\n"
)


def wait_for(folder: Path) -> bytes:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        found = list((folder / "new").glob("*")) if (folder / "new").exists() else []
        if found:
            return found[0].read_bytes().replace(b"\n", b"\r\n")
        time.sleep(0.05)
    raise AssertionError(f"no mail in {folder}")


def test_delivers_refuses_and_bounces() -> None:
    folder = Path(tempfile.mkdtemp(prefix="gapbridge-maildirs-"))
    folder.chmod(0o755)
    boxes = {"us@ours.test": folder / "us", "editor@theirs.test": folder / "editor"}
    for box in boxes.values():
        box.mkdir()
        shutil.chown(box, 65534, 65534)
    try:
        with postfix(boxes, uid=65534, gid=65534, full=("full@theirs.test",)) as server:
            with smtplib.SMTP(server.host, server.port, "client.test", timeout=10) as client:
                client.sendmail("us@ours.test", ["editor@theirs.test"], RAW)
                with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
                    client.sendmail("us@ours.test", ["gone@theirs.test"], RAW)
                assert refusal.value.recipients["gone@theirs.test"][0] == 550
                client.sendmail("us+token@ours.test", ["full@theirs.test"], RAW)
            assert without_trace(wait_for(boxes["editor@theirs.test"])) == RAW
            report = wait_for(boxes["us@ours.test"])
            assert b"report-type=delivery-status" in report
            assert b"Status: 5.2.2" in report
            port = server.port
        with pytest.raises(OSError, match="refused"):
            smtplib.SMTP("127.0.0.1", port, timeout=2)
    finally:
        shutil.rmtree(folder)
