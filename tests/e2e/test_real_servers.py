"""The whole loop against Debian's Postfix and Dovecot: the same story, and the same ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.clock import SteppedClock
from app.sandbox import cast
from app.sandbox.editors import Server
from app.sandbox.world import all_addresses, world_around
from tests.support.brokers import namespace
from tests.support.databases import Templates
from tests.support.mailhost import mailhost
from tests.support.story import EXPECTED, as_expected, tell


@pytest.mark.timeout(400)
def test_the_loop_over_postfix_and_dovecot(templates: Templates, tmp_path: Path) -> None:
    """Postfix refuses the unknown address itself, and writes the reports from the full mailbox itself.

    These servers date mail by the machine's clock, so the story begins now and not six weeks ago, and all three reports
    from the full mailbox fall into one fortnight: the third one counts as a bounce.
    """
    gone = {editor.address for editor in cast.EDITORS if editor.refused_at_rcpt}
    full = tuple(editor.address for editor in cast.EDITORS if editor.bounce is not None)
    addresses = [address for address in all_addresses() if address not in gone]
    clock = SteppedClock()
    with (
        templates.copy("sqlite", tmp_path) as url,
        namespace("memory") as broker,
        mailhost(addresses, full=full) as host,
    ):
        server = Server(host.host, host.smtp_port, host.imap_port, dict.fromkeys(addresses, host.password))
        with world_around(tmp_path, clock, server, deliver=host.wait_until_delivered) as world:
            path, _, mails = EXPECTED["mooringsweekly.test"]
            as_expected(*tell(world, tmp_path, url, broker), {"mooringsweekly.test": (path, "lost: bounced", mails)})
