"""The lines of a mailbox that is connected: each fault is found at its own step, and named with its fix."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.domain.checks import Check, CheckState
from app.domain.delivery import Stage
from app.errors import MailboxFault
from app.mail import accounts, signed
from app.mail.accounts import Draft
from app.mail.checks import examine, sign_in_fix, smtp_account
from app.mail.imap import ImapSession
from app.mail.imap_signin import ImapAccount
from app.mail.providers import Server
from app.mail.smtp import SmtpSession, StepFailed
from app.mail.wire_look import Side, look
from app.models import Security
from app.settings import Settings
from tests.support.certificates import Authority
from tests.support.dovecot import Dovecot, dovecot
from tests.support.signin_smtp import PASSWORD, guarded_smtp

ANA = "ana@acme.test"
OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def imap(authority: Authority) -> Iterator[Dovecot]:
    with dovecot(ANA, certificate=authority.issue("localhost")) as running:
        yield running


@pytest.fixture
def plain(tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=tmp_path,
        mail_allow_plaintext=True,
        imap_timeout=timedelta(seconds=5),
        smtp_timeout=timedelta(seconds=5),
    )


def signature(domain: str, fields: str = "From:To:Subject:List-Unsubscribe:List-Unsubscribe-Post") -> bytes:
    """A DKIM-Signature field, folded as signers do."""
    return f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n d={domain}; s=s1;\r\n\th={fields};\r\n bh=x; b=y\r\n".encode()


def draft(settings: Settings, smtp: Server, imap: Server, password: str = PASSWORD) -> Draft:
    return accounts.draft(
        settings, email=ANA, from_name="Ana", username=None, password=password, smtp=smtp, imap=imap
    )  # fmt: skip


def lines(checks: tuple[Check, ...]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def test_a_mailbox_that_works_over_verified_tls_says_so_line_by_line(
    plain: Settings, authority: Authority, imap: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.trust))
    with guarded_smtp(tls=authority.context("localhost")) as smtp:
        account = draft(
            plain, Server("localhost", smtp.port, Security.TLS), Server("localhost", imap.port, Security.STARTTLS)
        )
        looked = examine(account, plain)
        found = lines(looked.checks)
        assert looked.fine
        assert {name for name, line in found.items() if line.state is UNKNOWN} == {
            "quota", "self-message", "plus-addressing", "dkim-signature"
        }  # fmt: skip
        assert "good for localhost" in found["smtp-tls"].found
        assert "good for localhost" in found["imap-tls"].found
        assert found["sent-folder"].found == "sent mail lies in Sent"
        assert smtp.messages == []

        smtp.deliver = lambda raw: imap.put(ANA, signature("acme.test") + raw)
        looked = examine(account, plain, send=True, patience=20)
        found = lines(looked.checks)
        assert [found[name].state for name in ("self-message", "plus-addressing", "dkim-signature")] == [OK] * 3
        assert looked.fine
        assert looked.plus_addressing is True
        (_, to, _), (_, tagged, _) = smtp.messages
        assert to == [ANA]
        assert tagged[0].startswith("ana+")


@pytest.mark.parametrize(
    ("before", "state", "said"),
    [
        (b"", FAIL, "without a DKIM signature"),
        (b"DKIM-Signature: nonsense\r\n", FAIL, "without a DKIM signature"),
        (signature("provider.test"), FAIL, "signed by provider.test, and not by acme.test"),
        (signature("mail.acme.test"), OK, "mail.acme.test signs (s1)"),
        (signature("provider.test") + signature("ACME.test"), OK, "acme.test signs"),
        (signature("acme.test", "From:To:List-Unsubscribe"), WARN, "does not cover list-unsubscribe-post"),
        (signature("acme.test", "From : To"), WARN, "list-unsubscribe, list-unsubscribe-post"),
    ],
)
def test_the_signature_is_judged_on_the_message_that_came_back(before: bytes, state: CheckState, said: str) -> None:
    raw = (
        before
        + b"From: Ana <ana@acme.test>\r\nList-Unsubscribe: <https://acme.test/u/x>\r\n\r\nDKIM-Signature: d=x; h=y\r\n"
    )
    line = signed.judge(raw, ANA, "smtp.acme.test")
    assert (line.state, said in line.found) == (state, True), line
    assert bool(line.fix) is (state is not OK)
    inside = signed.judge(raw, ANA, "smtp.office365.com")
    assert (inside.state is UNKNOWN) is ("without" in said)


def test_a_mailbox_whose_provider_does_not_sign_is_not_fine(plain: Settings, imap: Dovecot) -> None:
    with guarded_smtp() as smtp:
        none = Security.NONE
        account = draft(plain, Server("127.0.0.1", smtp.port, none), Server("127.0.0.1", imap.port, none))
        smtp.deliver = lambda raw: imap.put(ANA, raw)
        looked = examine(account, plain, send=True, patience=20)
    assert lines(looked.checks)["dkim-signature"].state is FAIL
    assert not looked.fine


def test_the_message_to_oneself_tells_spam_loss_and_a_refused_tag_apart(plain: Settings, imap: Dovecot) -> None:
    with guarded_smtp() as smtp:
        none = Security.NONE
        account = draft(plain, Server("127.0.0.1", smtp.port, none), Server("127.0.0.1", imap.port, none))
        smtp.deliver = lambda raw: imap.put(ANA, raw, folder="Junk")
        found = lines(examine(account, plain, send=True, patience=20).checks)
        assert found["self-message"].state is WARN
        assert "SPF" in found["self-message"].fix

        smtp.deliver = lambda raw: None
        looked = examine(account, plain, send=True, patience=0.1)
        assert lines(looked.checks)["self-message"].state is FAIL
        assert looked.plus_addressing is False

        smtp.answers["DOT"] = "452 4.2.2 over quota"
        found = lines(examine(account, plain, send=True, patience=0.1).checks)
        assert found["self-message"].state is FAIL
        assert "quota is used up" in found["self-message"].fix


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_certificate_is_judged_and_the_names_that_it_is_for_are_told(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, security: Security
) -> None:
    def looked(context: ssl.SSLContext, host: str = "localhost") -> Check:
        side = {"tls": context} if security is Security.TLS else {"starttls": context}
        with guarded_smtp(**side) as smtp:
            reached, tls = look(Side("smtp", host, smtp.port, security), 5)
        assert reached.state is OK
        return tls

    untrusted = looked(authority.context("localhost"))
    assert untrusted.state is FAIL
    assert "not trusted" in untrusted.found
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.trust))
    assert looked(authority.context("localhost")).state is OK
    other = looked(authority.context("mail.hoster.test", "smtp.hoster.test"))
    assert other.found == "the certificate is for mail.hoster.test, smtp.hoster.test, and not for localhost"
    assert "mail.hoster.test" in other.fix
    expired = looked(authority.context("localhost", days=-1))
    assert "expired" in expired.found
    assert expired.fix


def test_a_port_that_is_closed_silent_or_wrong_is_told(plain: Settings, imap: Dovecot) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        reached, tls = look(Side("smtp", "127.0.0.1", closed.getsockname()[1], Security.TLS), 5)
    assert (reached.state, tls.state) == (FAIL, UNKNOWN)
    assert "465 speaks tls, 587 speaks starttls" in reached.fix
    assert "may block port" in reached.fix
    for host in ("no-such-host.invalid", "x" * 70 + ".test"):
        reached, tls = look(Side("imap", host, 993, Security.TLS), 5)
        assert "there is no host" in reached.found
    # A port that speaks plain text is asked for TLS.
    reached, tls = look(Side("imap", "127.0.0.1", imap.port, Security.TLS), 5)
    assert (reached.state, tls.state) == (OK, FAIL)
    assert "993 speaks tls, 143 speaks starttls" in tls.fix


def test_a_refused_sign_in_stands_alone_and_what_lies_behind_it_is_not_guessed(plain: Settings, imap: Dovecot) -> None:
    with guarded_smtp() as smtp:
        none = Security.NONE
        account = draft(
            plain, Server("127.0.0.1", smtp.port, none), Server("127.0.0.1", imap.port, none), password="wrong"
        )
        looked = examine(account, plain)
    found = lines(looked.checks)
    assert not looked.fine
    assert [found[name].state for name in ("smtp-reached", "smtp-sign-in", "imap-reached", "imap-sign-in")] == [
        OK, FAIL, OK, FAIL
    ]  # fmt: skip
    assert [found[name].state for name in ("inbox", "sent-folder", "quota")] == [UNKNOWN] * 3
    assert "wrong" not in str(looked)


@pytest.mark.parametrize(
    ("host", "said", "bearer", "wants"),
    [
        ("smtp.gmail.com", "535 5.7.8 Username and Password not accepted", False, "--provider google"),
        ("mail.acme.test", "534 5.7.9 Application-specific password required", False, "app password"),
        ("smtp.office365.com", "535 5.7.3 Authentication unsuccessful", False, "--provider microsoft"),
        ("mail.acme.test", "535 5.7.139 basic authentication is disabled", False, "SMTP AUTH"),
        ("mail.acme.test", "SMTPException: No suitable authentication method found", False, "TLS port, or OAuth"),
        ("mail.acme.test", "535 5.7.8 no", False, "user name and password"),
        ("smtp.gmail.com", "535 5.7.8 no", True, "mailbox sign-in"),
    ],
)
def test_the_fix_of_a_refused_sign_in_follows_the_servers_words(
    plain: Settings, host: str, said: str, bearer: bool, wants: str
) -> None:
    server = Server(host, 465, Security.TLS)
    assert wants in sign_in_fix(replace(draft(plain, server, server), bearer=bearer), said)


@pytest.mark.parametrize(
    ("sent", "junk"),
    [("Gesendete Elemente", "Junk-E-Mail"), ("Éléments envoyés", "Courrier indésirable"), ("Отправленные", "Спам"),
     ("送信済みメール", "迷惑メール"), ("Enviados", "Correo no deseado")],
)  # fmt: skip
def test_servers_without_the_extensions_work_and_folders_are_found_by_their_names(
    plain: Settings, sent: str, junk: str
) -> None:
    bare = "IMAP4rev1 LITERAL+ AUTH=PLAIN"
    with dovecot(ANA, sent=sent, junk=junk, special_use=False, capabilities=bare) as server, guarded_smtp() as smtp:
        none = Security.NONE
        account = draft(plain, Server("127.0.0.1", smtp.port, none), Server("127.0.0.1", server.port, none))
        smtp.deliver = lambda raw: server.put(ANA, signature("acme.test") + raw)
        looked = examine(account, plain, send=True, patience=20)
    found = lines(looked.checks)
    assert looked.fine, looked
    assert found["sent-folder"].found == f"sent mail lies in {sent}"
    assert found["spam-folder"].found == f"{junk} is read, too"
    for name in ("CONDSTORE", "IDLE", "UIDPLUS", "SPECIAL-USE"):
        assert f"without {name}" in found["extensions"].found
    assert found["self-message"].state is OK


def test_other_rooms_add_their_lines(plain: Settings) -> None:
    nowhere = Server("127.0.0.1", 1, Security.NONE)
    line = Check("domain-spf", WARN, "there is no SPF record", "v=spf1 -all")
    looked = examine(draft(plain, nowhere, nowhere), plain, providers=[lambda account: [line]])
    assert looked.checks[-1] == line


# --- STARTTLS is never stripped -------------------------------------------------------------------------------------------

_SCRIPTS = {
    "smtp": (b"220 hi\r\n", b"EHLO", b"250-hi\r\n250-STARTTLS\r\n250 OK\r\n", b"STARTTLS", b"220 go\r\n",
             b"250-hi\r\n250 AUTH PLAIN\r\n"),
    "imap": (b"* OK hi\r\n", b"CAPABILITY", b"* CAPABILITY IMAP4rev1 STARTTLS\r\n%s OK\r\n", b"STARTTLS",
             b"%s OK go\r\n", b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n* PREAUTH you are in\r\n"),
}  # fmt: skip


@contextmanager
def meddler(
    protocol: str, context: ssl.SSLContext, *, offers: bool, injects: bool
) -> Iterator[tuple[int, list[bytes]]]:
    """A server with somebody in the middle: takes the offer away, or adds plain text behind the answer to STARTTLS."""
    greeting, asks, offer, upgrade, go, more = _SCRIPTS[protocol]
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        connection.settimeout(10)
        connection.sendall(greeting)
        while line := connection.recv(4096):
            heard.append(line)
            tag = line.split(b" ")[0]

            def said(text: bytes, tag: bytes = tag) -> bytes:
                return text % tag if b"%s" in text else text

            if asks in line.upper():
                answer = said(offer)
                taken = answer.replace(b"250-STARTTLS\r\n", b"").replace(b" STARTTLS", b"")
                connection.sendall(answer if offers else taken)
            elif upgrade in line.upper():
                connection.sendall(said(go) + (more if injects else b""))
                with context.wrap_socket(connection, server_side=True) as wrapped:
                    while line := wrapped.recv(4096):
                        heard.append(line)
                return
            else:
                connection.sendall(b"500 what?\r\n" if protocol == "smtp" else said(b"%s BAD what?\r\n"))

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection, contextlib.suppress(OSError):
                        serve(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listening.getsockname()[1], heard
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(15)


@pytest.mark.parametrize("protocol", ["smtp", "imap"])
@pytest.mark.parametrize("attack", ["hidden", "injected"])
def test_starttls_is_never_stripped_and_nothing_is_taken_from_before_it(
    plain: Settings, authority: Authority, monkeypatch: pytest.MonkeyPatch, protocol: str, attack: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.trust))
    behaviour = {"offers": attack != "hidden", "injects": attack == "injected"}
    with meddler(protocol, authority.context("localhost"), **behaviour) as (port, heard):
        reached, tls = look(Side(protocol, "localhost", port, Security.STARTTLS), 5)
        assert (reached.state, tls.state) == (OK, FAIL)
        assert ("does not offer STARTTLS" if attack == "hidden" else "plain text before TLS") in tls.found

        server = Server("localhost", port, Security.STARTTLS)
        account = draft(plain, server, server, password="a-canary-password")
        if protocol == "smtp":
            with pytest.raises(StepFailed) as failed:
                asyncio.run(SmtpSession(smtp_account(account, plain)).open())
            assert failed.value.stage in (Stage.CONNECT, Stage.AUTH)
        else:
            with pytest.raises(MailboxFault):
                ImapSession(
                    ImapAccount(
                        host="localhost",
                        port=port,
                        security=Security.STARTTLS,
                        username=ANA,
                        password="a-canary-password",
                        timeout=timedelta(seconds=5),
                    )
                )
    assert not any(b"canary" in line or b"AUTH" in line.upper() for line in heard)
