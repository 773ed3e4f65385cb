"""Looks at one mail server from outside: is it reached, and does it speak TLS under its own name? Signs in to nothing.

By hand and not through the mail libraries, because a person who connects a mailbox needs to know at which step it broke,
and for which names the certificate is good. Whether mail may be sent is decided by the sessions themselves.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from dataclasses import dataclass

from cryptography import x509

from app.domain.checks import Check, CheckState
from app.domain.said import say
from app.models import Security

_LONGEST_ANSWER = 16_384


@dataclass(frozen=True, slots=True)
class Side:
    """One server of a mailbox. `protocol` is smtp or imap."""

    protocol: str
    host: str
    port: int
    security: Security


def look(side: Side, seconds: float) -> list[Check]:
    """The lines `<protocol>-reached` and `<protocol>-tls`; the second one is unknown where the first one failed."""
    reached, tls = f"{side.protocol}-reached", f"{side.protocol}-tls"
    where = f"{side.host}:{side.port}"
    try:
        raw = socket.create_connection((side.host, side.port), seconds)
    except (socket.gaierror, UnicodeError):
        fix = "Check the spelling of the host; the provider's help page names it."
        return [Check(reached, CheckState.FAIL, say("there is no host {host}", host=side.host), fix), _not_looked(tls)]
    except TimeoutError:
        return [
            Check(reached, CheckState.FAIL, say("{where} does not answer", where=where), _blocked(side)),
            _not_looked(tls),
        ]
    except OSError as error:
        said = f"{where} refuses the connection ({error.strerror or type(error).__name__})"
        fix = f"Check the port: {_usual(side.protocol)}. {_blocked(side)}"
        return [Check(reached, CheckState.FAIL, said, fix), _not_looked(tls)]
    with contextlib.closing(raw):
        raw.settimeout(seconds)
        return [Check(reached, CheckState.OK, say("{where} answers", where=where)), _tls(side, raw, tls)]


def _tls(side: Side, raw: socket.socket, name: str) -> Check:
    if side.security is Security.NONE:
        return Check(
            name, CheckState.WARN, say("no TLS: passwords and mail can be read on the way"), say("Use tls or starttls.")
        )
    try:
        if side.security is Security.STARTTLS and (fault := _upgrade(side, raw)) is not None:
            return Check(name, CheckState.FAIL, *fault)
        with ssl.create_default_context().wrap_socket(raw, server_hostname=side.host) as wrapped:
            return Check(
                name,
                CheckState.OK,
                say("{wrapped}, the certificate is good for {host}", wrapped=wrapped.version(), host=side.host),
            )
    except ssl.SSLCertVerificationError as error:
        return Check(name, CheckState.FAIL, *_certificate(side, error))
    except ssl.SSLError as error:
        said = f"TLS does not come about: {error.reason or type(error).__name__}"
        other = "starttls" if side.security is Security.TLS else "tls"
        return Check(
            name,
            CheckState.FAIL,
            said,
            say("Check port and security: {usual}; or try {other}.", usual=_usual(side.protocol), other=other),
        )
    except (TimeoutError, OSError) as error:
        fix = f"Check port and security: {_usual(side.protocol)}."
        return Check(
            name, CheckState.FAIL, say("the server ended the TLS handshake ({error})", error=type(error).__name__), fix
        )


def _upgrade(side: Side, raw: socket.socket) -> tuple[str, str] | None:
    """STARTTLS; what is wrong with it and the fix, or None. Nothing secret is said before the handshake."""
    smtp = side.protocol == "smtp"
    _answer(raw, smtp, b"*")
    raw.sendall(b"EHLO localhost\r\n" if smtp else b"a1 CAPABILITY\r\n")
    offered = _answer(raw, smtp, b"a1")
    if b"STARTTLS" not in offered.upper():
        return (
            "the server does not offer STARTTLS, so everything would be readable on the way; it is not used",
            "Use its TLS port instead, or ask its operator; something between may have taken the offer away.",
        )
    raw.sendall(b"STARTTLS\r\n" if smtp else b"a2 STARTTLS\r\n")
    said = _answer(raw, smtp, b"a2")
    lines = said.splitlines()
    good = lines[0].startswith(b"220") if smtp and lines else any(line.upper().startswith(b"A2 OK") for line in lines)
    if not good:
        return "the server refuses STARTTLS", "Use its TLS port instead, or ask its operator."
    if len(lines) > 1:
        return (
            "something was put into the connection in plain text before TLS began",
            "This is an attack or a broken device between here and the server: do not connect from this network.",
        )
    return None


def _answer(raw: socket.socket, smtp: bool, tag: bytes) -> bytes:
    """Everything up to the end of one answer."""
    said = b""
    while len(said) < _LONGEST_ANSWER:
        part = raw.recv(4096)
        if not part:
            raise ConnectionResetError
        said += part
        if not said.endswith(b"\n"):
            continue
        lines = said.splitlines()
        if lines[-1][3:4] == b" " if smtp else any(line.upper().startswith(tag.upper()) for line in lines):
            return said
    raise ConnectionResetError


def _certificate(side: Side, error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    if error.verify_code == 62:  # X509_V_ERR_HOSTNAME_MISMATCH
        names = _names(side)
        if names:
            return (
                f"the certificate is for {', '.join(names)}, and not for {side.host}",
                f"Use the name that it is for as host ({names[0]}), if that is your provider's server.",
            )
        return f"the certificate is not for {side.host}", "Use the host name that your provider documents."
    if error.verify_code == 10:
        return "the certificate has expired", "Its operator has to renew it; until then nothing is sent there."
    return (
        f"the certificate is not trusted here ({error.verify_message})",
        "Its operator has to send a certificate of a public authority with its chain; a private authority goes into "
        "this machine's trust store (or SSL_CERT_FILE).",
    )


def _names(side: Side) -> list[str]:
    """For which names the certificate is good; asked for without trust, and only to tell people."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((side.host, side.port), 5) as raw:
            raw.settimeout(5)
            if side.security is Security.STARTTLS and _upgrade(side, raw) is not None:
                return []
            with context.wrap_socket(raw, server_hostname=side.host) as wrapped:
                shown = wrapped.getpeercert(binary_form=True) or b""
        names = x509.load_der_x509_certificate(shown).extensions.get_extension_for_class(x509.SubjectAlternativeName)
        return [str(name) for name in names.value.get_values_for_type(x509.DNSName)][:5]
    except (OSError, ValueError, x509.ExtensionNotFound):
        return []


def _usual(protocol: str) -> str:
    if protocol == "smtp":
        return "465 speaks tls, 587 speaks starttls"
    return "993 speaks tls, 143 speaks starttls"


def _blocked(side: Side) -> str:
    other = {465: 587, 25: 587, 587: 465, 143: 993}.get(side.port)
    more = f", or try port {other}" if other else ""
    return (
        f"A firewall here or at your hosting provider may block port {side.port} outward (many do): ask them to open "
        f"it{more}."
    )


def _not_looked(name: str) -> Check:
    return Check(name, CheckState.UNKNOWN, say("not looked at: there is no connection"))
