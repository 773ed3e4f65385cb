"""Numbers and days that no page has made: each is none, and never a fault of ours."""

from __future__ import annotations

import pytest

from app.models import Role
from app.web.door import moment, whole
from tests.support.desk import DOMAINS, furnish
from tests.support.http import House
from tests.web.test_pages import post

LONG = "9" * 5000
# The first day of all and the last one lie before and after what can be counted in other zones.
ENDS = ("0001-01-01", "9999-12-31")


@pytest.fixture
def ids(house: House) -> dict[str, int]:
    return furnish(house, more=3)


def test_a_whole_number_ends_where_it_may() -> None:
    assert [whole(text) for text in ("0", "007", "2147483647")] == [0, 7, 2147483647]
    assert [whole(text) for text in ("2147483648", LONG, "-1", "1.0", "x", "²", "")] == [None] * 7
    assert (whole("3", 3), whole("4", 3)) == (3, None)


def test_a_moment_has_its_zone() -> None:
    assert str(moment("2026-05-01T10:00:00+02:00")) == "2026-05-01 08:00:00+00:00"
    assert [moment(text) for text in ("2026-05-01T10:00:00", "0001-01-01T00:00:00+14:00", "x", "")] == [None] * 4


def test_no_address_with_a_number_that_is_none_breaks_a_page(house: House, ids: dict[str, int]) -> None:
    operator = house.browser(Role.OPERATOR)
    for path in (
        "/gap?did=added&n={n}",
        "/gap?did=added&n=1&waiting={n}&left={n}",
        "/gap?after={n}.{n}",
        "/templates/unlinked-mention?version={n}",
        "/templates/unlinked-mention?case={n}",
        "/sequences/1?did=moved&n={n}",
        "/queue/bulk?did=approved&number={n}",
        "/pages?site={n}",
        "/imports/pulls?rows={n}&every_days={n}",
        "/audit?before=2026-05-01T10:00:00%2B00:00_1_{n}",
        "/audit?key={n}",
        "/links?before={n}",
        "/reports?tier={n}&days={n}",
    ):
        for number in (LONG, "2147483648", "-1", "x"):
            answer = operator.get(path.format(n=number))
            assert answer.status_code == 200, (path, number[:12], answer.status_code)


def test_no_address_with_a_day_that_cannot_be_counted_breaks_a_page(house: House, ids: dict[str, int]) -> None:
    operator = house.browser(Role.OPERATOR)
    post(operator, "/me", language="en", time_zone="Pacific/Auckland", density="comfortable", single_keys="on")
    for day in ENDS:
        for path in (
            f"/audit?since={day}&until={day}",
            f"/audit?before={day}T00:00:00%2B14:00_1_1",
            f"/links/lost?before={day}T00:00:00%2B14:00_1",
            f"/inbox?after={day}T00:00:00%2B14:00.1",
            f"/reports/cases?before={day}T00:00:00%2B14:00_1",
        ):
            assert operator.get(path).status_code < 500, path
        assert post(operator, f"/queue/{ids[DOMAINS[0]]}/snooze", until=day).status_code in (303, 422)
        assert post(operator, "/notices/read", until=f"{day}T00:00:00+14:00").status_code in (303, 422)


def test_no_form_with_a_number_that_is_none_breaks_a_page(house: House, ids: dict[str, int]) -> None:
    lead = house.browser(Role.OPERATOR)
    forms: tuple[tuple[str, dict[str, str]], ...] = (
        ("/inbox/1/reply", {"prospect_id": LONG}),
        ("/queue/bulk", {f"pitch-{LONG}": LONG, "pitch-1": LONG}),
        ("/gap/decide", {"do": "add", f"p-{LONG}": "on"}),
        ("/sequences/1", {"after": "1", "wait-0": LONG, "template-0": "follow-up-1", "do": f"up:{LONG}"}),
        ("/pages", {"site_id": LONG, "url": "https://acme.test/x", "title": "X"}),
        ("/mailboxes/1/limits", {f"site-{LONG}": "on", "daily_cap": "5"}),
    )
    for path, data in forms:
        answer = post(lead, path, **data)
        assert answer.status_code < 500, (path, answer.status_code)


@pytest.mark.parametrize("most", ["nan", "inf", "-inf", "x"])
def test_a_price_that_nobody_was_shown_is_no_price(house: House, ids: dict[str, int], most: str) -> None:
    """Above a price that is no number, nothing would ever stand."""
    answer = post(house.browser(Role.LEAD), "/imports/pulls", site="1", provider="dataforseo", rows="10", most=most)
    assert answer.status_code == 422
    assert "the price cannot be read" in answer.text
