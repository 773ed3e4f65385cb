"""The sandbox's mail servers, spoken to by ordinary clients."""

from __future__ import annotations

import email
import email.policy
import smtplib
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from imapclient import IMAPClient, SocketTimeout

from app.clock import FixedClock
from app.sandbox.letters import without_trace
from tests.support.mailserver import PASSWORD, Bounce, Fault, PostOffice, mail_server

US, EDITOR, OTHER = "outreach@ours.test", "editor@theirs.test", "other@theirs.test"
RAW = (
    b"From: us <outreach@ours.test>\r\nTo: editor@theirs.test\r\nMessage-ID: <one@ours.test>\r\n"
    b"Subject: a fact\r\n\r\n.a line with a dot\r\n..two\r\nend\r\n"
)


@pytest.fixture
def server() -> Iterator[PostOffice]:
    with mail_server(US, EDITOR, OTHER) as office:
        yield office


def send(server: PostOffice, raw: bytes = RAW, to: str = EDITOR, *, sender: str = US, sign_in: str | None = US) -> None:
    with smtplib.SMTP(server.host, server.smtp_port, "client.test", timeout=10) as client:
        client.ehlo("client.test")
        if sign_in:
            client.login(sign_in, PASSWORD)
        client.sendmail(sender, [to], raw)


def imap(server: PostOffice, address: str) -> IMAPClient:
    client = IMAPClient(server.host, server.imap_port, ssl=False, timeout=SocketTimeout(connect=5, read=5))
    client.normalise_times = False
    client.login(address, PASSWORD)
    return client


def inbox(server: PostOffice, address: str) -> list[bytes]:
    with imap(server, address) as client:
        client.select_folder("INBOX", readonly=True)
        return [data[b"BODY[]"] for _, data in sorted(client.fetch(client.search(), ["BODY.PEEK[]"]).items())]


def test_starts_and_stops_quickly_and_closes_its_ports() -> None:
    started = time.monotonic()
    with mail_server(US) as server:
        ports = server.smtp_port, server.imap_port
        open_session = imap(server, US)
    assert time.monotonic() - started < 2
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1).close()
    open_session.shutdown()


def test_what_was_sent_is_what_the_mailbox_holds_byte_for_byte(server: PostOffice) -> None:
    send(server)
    (stored,) = inbox(server, EDITOR)
    assert without_trace(stored) == RAW
    assert stored.startswith(b"Return-Path: <outreach@ours.test>\r\nDelivered-To: editor@theirs.test\r\n")
    assert [(d.account, d.mail_from, d.raw) for d in server.delivered] == [(EDITOR, US, RAW)]
    assert inbox(server, US) == inbox(server, OTHER) == []


def test_a_second_copy_is_seen(server: PostOffice) -> None:
    send(server)
    send(server)
    assert len(inbox(server, EDITOR)) == len(server.delivered) == 2


def test_uidnext_grows_for_open_and_new_sessions(server: PostOffice) -> None:
    with imap(server, EDITOR) as open_session:
        before = open_session.select_folder("INBOX", readonly=True)[b"UIDNEXT"]
        send(server)
        open_session.noop()
        assert open_session.folder_status("INBOX", ["UIDNEXT"])[b"UIDNEXT"] == before + 1
        assert open_session.search(["UID", f"{before}:*"]) == [before]
    with imap(server, EDITOR) as new_session:
        assert new_session.select_folder("INBOX", readonly=True)[b"UIDNEXT"] == before + 1


def test_a_renumbered_folder_has_a_new_uidvalidity_and_the_same_mail(server: PostOffice) -> None:
    send(server)
    mail = inbox(server, EDITOR)
    with imap(server, EDITOR) as client:
        before = client.select_folder("INBOX", readonly=True)[b"UIDVALIDITY"]
    server.forget_uids(EDITOR)
    with imap(server, EDITOR) as client:
        assert client.select_folder("INBOX", readonly=True)[b"UIDVALIDITY"] != before
    assert inbox(server, EDITOR) == mail == server.stored(EDITOR)


def test_plus_addresses_reach_the_account(server: PostOffice) -> None:
    send(server, to="outreach+token42@ours.test", sender=EDITOR, sign_in=EDITOR)
    (stored,) = inbox(server, US)
    assert b"Delivered-To: outreach+token42@ours.test\r\n" in stored


def test_the_clock_dates_the_mail() -> None:
    clock = FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    with mail_server(US, clock=clock) as server:
        server.put(US, RAW)
        clock.at = datetime(2026, 3, 9, 12, tzinfo=UTC)
        server.put(US, RAW, folder="Junk")
        with imap(server, US) as client:
            client.select_folder("INBOX", readonly=True)
            (first,) = client.fetch(client.search(), ["INTERNALDATE"]).values()
            client.select_folder("Junk", readonly=True)
            assert client.search(["SINCE", datetime(2026, 3, 5, tzinfo=UTC).date()])
        assert first[b"INTERNALDATE"].astimezone(UTC) == datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sign_in", "sender", "code"),
    [(None, US, 530), (EDITOR, US, 553)],
)
def test_only_the_owner_of_an_address_sends_from_it(
    server: PostOffice, sign_in: str | None, sender: str, code: int
) -> None:
    with pytest.raises(smtplib.SMTPSenderRefused) as refusal:
        send(server, sender=sender, sign_in=sign_in)
    assert refusal.value.smtp_code == code


def test_wrong_password(server: PostOffice) -> None:
    client = smtplib.SMTP(server.host, server.smtp_port, "client.test", timeout=10)
    with client, pytest.raises(smtplib.SMTPAuthenticationError):
        client.login(US, "wrong")


def test_unknown_recipient_is_refused_at_rcpt(server: PostOffice) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
        send(server, to="nobody@theirs.test")
    assert refusal.value.recipients["nobody@theirs.test"][0] == 550


def test_a_full_mailbox_sends_back_a_report_and_holds_nothing(server: PostOffice) -> None:
    server.bounces[EDITOR] = Bounce("5.2.2", "552 5.2.2 Mailbox full")
    send(server)
    assert inbox(server, EDITOR) == []
    (stored,) = inbox(server, US)
    assert stored.startswith(b"Return-Path: <>\r\n")
    report = email.message_from_bytes(stored, policy=email.policy.default)
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    _, status, original = report.iter_parts()
    about_all, about_one = status.get_payload()
    assert about_all["Reporting-MTA"] == "dns; mail.sandbox.test"
    assert (about_one["Action"], about_one["Status"]) == ("failed", "5.2.2")
    assert about_one["Final-Recipient"] == "rfc822; editor@theirs.test"
    assert original.get_payload()[0]["Message-ID"] == "<one@ours.test>"


@pytest.mark.parametrize(
    ("fault", "held"),
    [
        (Fault("connect", "421 4.3.2 Not now"), 0),
        (Fault("connect"), 0),
        (Fault("auth", "454 4.7.0 Temporary authentication failure", times=2), 0),
        (Fault("mail", "451 4.3.0 Not now"), 0),
        (Fault("rcpt", "450 4.2.0 Greylisted", recipient=EDITOR), 0),
        (Fault("data", "451 4.3.0 Not now"), 0),
        (Fault("data"), 0),
        (Fault("dot", "451 4.3.0 Not now"), 0),
        (Fault("dot", "554 5.7.1 Refused"), 0),
        (Fault("dot"), 0),
        (Fault("dot", deliver=True), 1),
        (Fault("dot", "2x0 nonsense", deliver=True), 1),
    ],
    ids=lambda value: f"{value.stage}-{(value.reply or 'cut').split()[0]}" if isinstance(value, Fault) else f"{value}",
)
def test_faults_happen_once(server: PostOffice, fault: Fault, held: int) -> None:
    # smtplib tries a second sign-in mechanism by itself, so the `auth` case has two.
    server.faults.append(fault)
    with pytest.raises(smtplib.SMTPException):
        send(server)
    assert len(inbox(server, EDITOR)) == held
    send(server)
    assert len(inbox(server, EDITOR)) == held + 1


def test_a_fault_for_somebody_else_waits(server: PostOffice) -> None:
    server.faults.append(Fault("rcpt", "450 4.2.0 Greylisted", recipient=OTHER, times=None))
    send(server)
    for _ in range(2):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send(server, to=OTHER)
