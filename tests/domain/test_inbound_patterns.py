"""No expression that meets foreign mail may take long: each is run over 100 kB of everything that it could choke on."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

from tests.support.growth import LINEAR, growth, repeated

ROOMS = ("app.domain", "app.inbox", "app.outbox", "app.mail")
# The parser's own process ends the program that imports it; the addresses of a page are read at each @, 200 characters long.
LEFT_OUT = ("app.inbox.child", "app.domain.contact_rules")


def modules() -> Iterator[str]:
    """Every module of the rooms that meet foreign mail and servers' answers; a new one is tried without being listed."""
    for room in ROOMS:
        for found in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}."):
            if found.name not in LEFT_OUT:
                yield found.name


# What opens, repeats or nearly ends each of the expressions.
SEEDS = [
    "<", "<a", "<a@b", "a@", "a@b.", "a.", "@", "a", "0", "1 ", "1.", "1/", "1-", "2026-", "2026-1-", "1 jan", "jan ", "jan 1", "1月", "5.1.", "550 ", "550-",
    "smtp;", "code ", "error: ", "=?", "=?utf-8?", "=?utf-8?q?", "=?utf-8?q?a", "?= =?", "boundary=", 'boundary="', "boundary*=", "message-id: ", "message-id:\n ", "Received: a\n",
    "From: x\n", "re: ", "re[1]", "Re:", "[#", "[a", "#1", "(case ", "(case 1", "ticket: ", "ticket #", "##a", "$1", "1 usd", "$ ", "<b", "<b ", "</", "<div>", "&", "-", "--", "_", "*", ">", "> ",
    ":", "：", " ", "\t", "\n", "\r\n ", "\r", " \n", "a:", "to ", "recipient ", "failed recipient(s) ", "+abcdefghijklmnopqrstuvwx", "sender ", "daily ", "exceeded ", "your account ", "message 1 (", "/u/abcdefghijklmnopqrstuvw", "<0123456789abcdef0123.", "日", "é",
]  # fmt: skip
SIZE = 100_000
# In seconds of a usual machine's processor for all of it.
BOUND = 0.1


def patterns() -> Iterator[tuple[str, re.Pattern[str] | re.Pattern[bytes]]]:
    for module in modules():
        for name, value in vars(importlib.import_module(module)).items():
            if isinstance(value, re.Pattern):
                yield f"{module}.{name}", value


FOUND = dict(patterns())


def test_there_are_patterns_to_try() -> None:
    assert len(FOUND) > 80
    rooms = {name.rpartition(".")[0] for name in FOUND}
    assert {"app.domain.delivery", "app.domain.mail_dns", "app.domain.inbound_opt_out", "app.outbox.record"} <= rooms


def _read(pattern: re.Pattern[str] | re.Pattern[bytes], subject: str | bytes) -> None:
    # As they are used: anchored expressions meet one line (cut), the others walk over the whole text.
    for count, _ in enumerate(pattern.finditer(subject)):  # type: ignore[arg-type]
        if count > 20_000:
            break


@pytest.mark.parametrize("name", sorted(FOUND))
def test_takes_no_longer_than_the_text_is(name: str) -> None:
    pattern = FOUND[name]
    foreign = isinstance(pattern.pattern, bytes)
    slow = {}
    for seed in SEEDS:
        made = repeated(seed)
        grows = growth(
            lambda subject: _read(pattern, subject.encode() if foreign else subject),
            made,
            SIZE,
            quick=BOUND,
            most=BOUND,
        )
        if grows > LINEAR:
            slow[seed] = round(grows, 1)
    assert not slow
