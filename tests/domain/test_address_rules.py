"""What an address says by itself."""

from __future__ import annotations

import pytest

from app.domain.address_rules import is_machine, meant


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("gmail.con", "gmail.com"),
        ("gmial.com", "gmail.com"),
        ("gmai.com", "gmail.com"),
        ("gmaill.com", "gmail.com"),
        ("gnail.com", "gmail.com"),
        ("gmail.co", "gmail.com"),
        ("gmial.con", "gmail.com"),
        ("hotmial.com", "hotmail.com"),
        ("outlok.com", "outlook.com"),
        ("yahoo.cmo", "yahoo.com"),
        ("growth-notes.con", "growth-notes.com"),
        ("harbour.ogr", "harbour.org"),
    ],
)
def test_a_slip_is_recognised(typed: str, wanted: str) -> None:
    assert meant(typed) == wanted


@pytest.mark.parametrize(
    "right",
    ["gmail.com", "mail.com", "ymail.com", "email.org", "growth-notes.com", "gmx.de", "gmx.at", "web.de", "me.com", "ab.de",
     "acme.com", "live.com", "mail.acme.com", "xn--bcher-kva.de", "con", "a"],
)  # fmt: skip
def test_what_is_right_is_left_alone(right: str) -> None:
    assert meant(right) is None


def test_machines() -> None:
    assert all(map(is_machine, ("postmaster", "Abuse", "noreply", "no-reply+x", "MAILER-DAEMON")))
    silent = "do.not.reply noreply-news newsletter-noreply no-replies nicht-antworten ne-pas-repondre no-responder nao-responda non_rispondere bounce-handler"
    assert all(map(is_machine, silent.split()))
    assert not any(map(is_machine, ("info", "editor", "webmaster", "norepl", "dana", "abused")))
