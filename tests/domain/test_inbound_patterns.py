"""No expression that meets foreign mail may take long: each is run over 100 kB of everything that it could choke on."""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Iterator

import pytest

MODULES = [
    "app.domain.absence",
    "app.domain.bounce_pairs",
    "app.domain.bounce_text",
    "app.domain.inbound_auto",
    "app.domain.inbound_intent",
    "app.domain.mail_tokens",
    "app.domain.reply_text",
    "app.domain.returned",
    "app.inbox.decoding",
    "app.inbox.html_text",
    "app.inbox.identity",
    "app.inbox.parse",
    "app.inbox.prescan",
    "app.mail.imap",
]
# What opens, repeats or nearly ends each of the expressions.
SEEDS = [
    "<", "<a", "<a@b", "a@", "a@b.", "a.", "@", "a", "0", "1 ", "1.", "1/", "1-", "2026-", "2026-1-", "1 jan", "jan ", "jan 1", "1月", "5.1.", "550 ", "550-",
    "smtp;", "code ", "error: ", "=?", "=?utf-8?", "=?utf-8?q?", "=?utf-8?q?a", "?= =?", "boundary=", 'boundary="', "boundary*=", "message-id: ", "message-id:\n ", "Received: a\n",
    "From: x\n", "re: ", "re[1]", "Re:", "[#", "[a", "#1", "(case ", "(case 1", "ticket: ", "ticket #", "##a", "$1", "1 usd", "$ ", "<b", "<b ", "</", "<div>", "&", "-", "--", "_", "*", ">", "> ",
    ":", "：", " ", "\t", "\n", "\r\n ", "\r", " \n", "a:", "to ", "recipient ", "failed recipient(s) ", "+abcdefghijklmnopqrstuvwx", "/u/abcdefghijklmnopqrstuvw", "<0123456789abcdef0123.", "日", "é",
]  # fmt: skip
SIZE = 100_000


def patterns() -> Iterator[tuple[str, re.Pattern[str] | re.Pattern[bytes]]]:
    for module in MODULES:
        for name, value in vars(importlib.import_module(module)).items():
            if isinstance(value, re.Pattern):
                yield f"{module}.{name}", value


FOUND = dict(patterns())


def test_there_are_patterns_to_try() -> None:
    assert len(FOUND) > 25


@pytest.mark.parametrize("name", sorted(FOUND))
def test_takes_no_longer_than_the_text_is(name: str) -> None:
    pattern = FOUND[name]
    slow = []
    for seed in SEEDS:
        text = (seed * (SIZE // len(seed) + 1))[:SIZE]
        subject = text.encode() if isinstance(pattern.pattern, bytes) else text
        # As they are used: anchored expressions meet one line (cut), the others walk over the whole text.
        began = time.process_time()
        for count, _ in enumerate(pattern.finditer(subject)):  # type: ignore[arg-type]
            if count > 20_000:
                break
        took = time.process_time() - began
        if took > 0.35:
            slow.append((seed, round(took, 2)))
    assert not slow
