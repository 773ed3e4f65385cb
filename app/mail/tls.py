"""Looks whether a submission host speaks TLS under its own name; signs in to nothing and sends nothing."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta

import aiosmtplib
from aiosmtplib.errors import SMTPConnectError, SMTPException, SMTPServerDisconnected, SMTPTimeoutError

from app.models import Security


def fault_of(host: str, port: int, security: Security, timeout: timedelta) -> str | None:
    """What is wrong with the TLS of a submission host, or None. Raises OSError when there is no connection at all."""

    async def visit() -> None:
        smtp = aiosmtplib.SMTP(
            hostname=host,
            port=port,
            timeout=timeout.total_seconds(),
            local_hostname="localhost",
            use_tls=security is Security.TLS,
            start_tls=security is Security.STARTTLS,
            tls_context=ssl.create_default_context(),
        )
        try:
            await smtp.connect()
        finally:
            smtp.close()

    try:
        asyncio.run(visit())
    except (SMTPConnectError, SMTPTimeoutError, SMTPServerDisconnected, SMTPException, OSError) as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return f"the certificate is refused: {cause.verify_message}"
            if isinstance(cause, ssl.SSLError):
                return f"TLS does not come about: {cause.reason or cause}"
            cause = cause.__cause__ or cause.__context__
        if isinstance(error, SMTPException) and not isinstance(
            error, SMTPConnectError | SMTPTimeoutError | SMTPServerDisconnected
        ):
            return f"it does not offer STARTTLS: {error}" if security is Security.STARTTLS else str(error)
        raise OSError(str(error)) from error
    return None
