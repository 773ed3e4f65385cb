"""Structured logs, one JSON object a line (or coloured text on a terminal), with a correlation id from request to job to mail."""

from __future__ import annotations

import logging
import re
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import structlog

_correlation: ContextVar[str | None] = ContextVar("correlation_id", default=None)
# Servers repeat addresses in their answers. Bounded on both sides of the @, so a long line costs no more than its length.
_ADDRESS = re.compile(r"[^\s<>\"'(),;:\\\[\]=@]{1,64}@(?:[\w-]{1,63}\.){1,8}[\w-]{2,63}")
_SECRET = re.compile(r"password|secret|token|authorization|cookie|credential", re.IGNORECASE)


def correlation_id() -> str | None:
    """The id of the request or job that this code runs in, or None outside of any."""
    return _correlation.get()


@contextmanager
def correlated(value: str | None = None) -> Iterator[str]:
    """Run a block under the correlation id `value`, or under a new one."""
    chosen = value or uuid.uuid4().hex[:16]
    token = _correlation.set(chosen)
    try:
        yield chosen
    finally:
        _correlation.reset(token)


def _add_correlation(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    value = _correlation.get()
    if value is not None:
        event.setdefault("correlation_id", value)
    return event


def _hide_secrets(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    # The last net under the rule that no secret is passed to a logger: names that look like one lose their value.
    for key in event:
        if _SECRET.search(key):
            event[key] = "[hidden]"
    return event


def _hide_addresses(_: Any, __: str, line: Any) -> Any:
    # No line of a log names a person: ids do. This is the net under that rule, over everything that is printed.
    return _ADDRESS.sub("[address]", line) if isinstance(line, str) else line


def configure(level: str = "INFO", *, json: bool | None = None) -> None:
    """Set up logging once for a process. `json=None` chooses text on a terminal and JSON elsewhere."""
    as_json = not sys.stderr.isatty() if json is None else json
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_correlation,
        _hide_secrets,
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    # Plain tracebacks: the default prints the local variables, and with them passwords and keys.
    tail: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if as_json
        else [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail, _hide_addresses],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # aiosmtplib, imapclient and imaplib print credentials at DEBUG, httpx2 prints addresses with the keys of searches in
    # them; pika prints a line for each heartbeat.
    for noisy in ("aiosmtplib", "httpx2", "imapclient", "pika", "mail.log", "urllib3", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger for the room `name`; events are dotted facts ("outbox.sent") with key=value context."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
