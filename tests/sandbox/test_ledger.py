"""The ledger sees each fault that it exists for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.sandbox import letters
from app.sandbox.ledger import Entry, Held, balance, digest, held_in, returned_in


def raw(number: int) -> bytes:
    return f"From: us@ours.test\r\nTo: e{number}@x.test\r\nMessage-ID: <{number}@ours.test>\r\n\r\nHello {number}\r\n".encode()


OUTBOX = [Entry(f"<{n}@ours.test>", f"e{n}@x.test", digest(raw(n)), "SENT") for n in range(1, 4)] + [
    Entry("<9@ours.test>", "e9@x.test", digest(raw(9)), "REJECTED")
]
WORLD = [held for n in range(1, 4) for held in held_in(f"e{n}@x.test", [raw(n)])]


def test_agreement() -> None:
    result = balance(OUTBOX, WORLD, [])
    assert result.agrees
    assert (result.sent, result.held, result.returned) == (3, 3, 0)


def test_a_report_accounts_for_a_mail_that_nobody_holds() -> None:
    report = letters.non_delivery(
        raw(2),
        host="mx.test",
        sender="us@ours.test",
        recipient="e2@x.test",
        status="5.2.2",
        diagnostic="552 5.2.2 full",
        at=datetime(2026, 6, 1, tzinfo=UTC),
        message_id="<r@mx.test>",
    )
    assert returned_in([report, raw(1)]) == ["<2@ours.test>"]
    result = balance(OUTBOX, [WORLD[0], WORLD[2]], returned_in([report]))
    assert result.agrees
    assert (result.sent, result.held, result.returned) == (3, 2, 1)


@pytest.mark.parametrize(
    ("kind", "outbox", "world"),
    [
        ("missing", OUTBOX, WORLD[1:]),
        ("duplicate", OUTBOX, [*WORLD, WORLD[0]]),
        ("extra", OUTBOX, [*WORLD, Held("e1@x.test", "<unknown@ours.test>", "0")]),
        ("extra", OUTBOX, [*WORLD, Held("e9@x.test", "<9@ours.test>", digest(raw(9)))]),
        ("astray", OUTBOX, [replace(WORLD[0], account="e2@x.test"), *WORLD[1:]]),
        ("altered", OUTBOX, [replace(WORLD[0], digest=digest(raw(1) + b"x")), *WORLD[1:]]),
        ("unsettled", [*OUTBOX[:3], replace(OUTBOX[3], state="AMBIGUOUS")], WORLD),
        ("unsettled", [*OUTBOX[:3], replace(OUTBOX[3], state="COMMITTED")], WORLD),
    ],
)
def test_each_fault_is_named(kind: str, outbox: list[Entry], world: list[Held]) -> None:
    result = balance(outbox, world, [])
    assert [one.kind for one in result.disagreements] == [kind]
    assert not result.agrees


def test_a_report_and_a_copy_are_a_duplicate() -> None:
    assert [one.kind for one in balance(OUTBOX, WORLD, ["<2@ours.test>"]).disagreements] == ["duplicate"]


def test_line_ends_make_no_difference() -> None:
    assert digest(raw(1)) == digest(raw(1).replace(b"\r\n", b"\n"))
