"""The names of what is wrong with a link, and the strip of its days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from app.domain.link_watch import LOSSES, Day, DayState, Seen, Trouble, changes, doubt_of, loss_of, strip

TODAY = date(2026, 6, 10)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@pytest.mark.parametrize(
    ("reason", "trouble"),
    [
        ("robots", Trouble.BLOCKED),
        ("refused", Trouble.BLOCKED),
        ("needs-rendering", Trouble.NOT_RENDERED),
        ("timeout", Trouble.UNREADABLE),
        ("server-error", Trouble.UNREADABLE),
        ("cut", Trouble.UNREADABLE),
    ],
)
def test_a_look_that_could_not_be_made_is_a_doubt(reason: str, trouble: Trouble) -> None:
    assert doubt_of(reason) is trouble
    assert trouble not in LOSSES


def test_a_loss_has_one_of_three_reasons() -> None:
    assert loss_of("page-gone", moved=True) is Trouble.PAGE_GONE
    assert loss_of("", moved=True) is Trouble.REDIRECTED
    assert loss_of("", moved=False) is Trouble.REMOVED


@pytest.mark.parametrize(
    ("after", "found"),
    [
        ({}, []),
        ({"dofollow": False}, [Trouble.NOFOLLOW]),
        ({"robots": ["noindex"]}, [Trouble.NOINDEX]),
        ({"robots": ["noindex", "nofollow"], "dofollow": False}, [Trouble.NOFOLLOW, Trouble.NOINDEX]),
        ({"canonical_elsewhere": True}, [Trouble.CANONICAL]),
        ({"match": "site", "target": "https://a.test/"}, [Trouble.TARGET]),
        # Our page is none of ours any more, and the link leads there all the same.
        ({"match": "site", "target": "https://www.a.test/x/?ref=b.test"}, []),
        ({"hidden": True}, [Trouble.HIDDEN]),
    ],
)
def test_what_is_worth_less_is_named_worst_first(after: dict[str, Any], found: list[Trouble]) -> None:
    before = {
        "dofollow": True,
        "robots": [],
        "canonical_elsewhere": False,
        "match": "page",
        "target": "https://a.test/x",
        "hidden": False,
    }
    assert changes(before, {**before, **after}) == found
    assert changes({**before, **after}, before) == []
    assert changes({}, {**before, **after}) == []


def test_a_strip_has_every_day_once_and_carries_nothing_over() -> None:
    days = strip([Seen(ago(40), DayState.LOST), Seen(ago(2), DayState.LIVE)], TODAY, 30)
    assert [day.day for day in days] == [ago(back) for back in range(29, -1, -1)]
    assert [day.state for day in days[-3:]] == [DayState.LIVE, DayState.NONE, DayState.NONE]
    assert {day.state for day in days[:-3]} == {DayState.NONE}


@pytest.mark.parametrize(
    ("looks", "stands"),
    [
        ([DayState.LIVE, DayState.UNKNOWN], DayState.LIVE),
        ([DayState.UNKNOWN, DayState.MISSING], DayState.MISSING),
        ([DayState.MISSING, DayState.LIVE], DayState.LIVE),
        ([DayState.UNKNOWN, DayState.UNKNOWN], DayState.UNKNOWN),
    ],
)
def test_the_latest_look_that_read_the_page_stands_for_its_day(looks: list[DayState], stands: DayState) -> None:
    assert strip([Seen(TODAY, state) for state in looks], TODAY, 1) == [Day(TODAY, stands, None, len(looks))]
