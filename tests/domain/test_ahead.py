"""A time that a wrong clock has set counts as over: row and statement by one rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import DateTime, bindparam, create_engine, literal, select

from app.domain.ahead import ahead_in, over, over_in, passed

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("ahead", "expected"), [(-HOUR, True), (0 * HOUR, True), (HOUR / 2, False), (HOUR, False), (2 * HOUR, True)]
)
def test_a_time_is_over_or_cannot_be_believed(ahead: timedelta, expected: bool) -> None:
    assert over(NOW + ahead, NOW, NOW + HOUR) is expected
    column, now, most = (
        literal(NOW + ahead),
        bindparam("b_now", type_=DateTime()),
        bindparam("b_most", type_=DateTime()),
    )
    with create_engine("sqlite://").connect() as connection:
        found = select(over_in(column, now, most), ahead_in(column, now, most))
        assert tuple(connection.execute(found, {"b_now": NOW, "b_most": NOW + HOUR}).one()) == (expected, not expected)


def test_what_never_was_is_over() -> None:
    assert over(None, NOW, NOW + HOUR)
    assert passed(None, HOUR, NOW)


@pytest.mark.parametrize(("ago", "expected"), [(HOUR / 2, False), (0 * HOUR, False), (HOUR, True), (-HOUR / 60, True)])
def test_a_pause_has_passed_or_began_in_the_future(ago: timedelta, expected: bool) -> None:
    assert passed(NOW - ago, HOUR, NOW) is expected
