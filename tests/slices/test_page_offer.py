"""Which of our pages a prospect is offered, and the sentence that says why."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from app.gaps.fit import offer
from app.models import Page, Prospect, Site

SITE = Site(
    name="Acme",
    domains=["a.test"],
    brand_names=["Acme"],
    language="en",
    languages=["en"],
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def _page(number: int, path: str, title: str, topic: str | None = None, **more: Any) -> Page:
    return Page(id=number, site_id=1, url=f"https://a.test/{path}", title=title, topic=topic, **more)


ONBOARDING = _page(1, "guides/x", "The onboarding guide", "customer onboarding")
INVOICES = _page(2, "y", "Sending invoices", "invoicing", summary="reminders and late fees")
NEW = _page(3, "z", "Something else", published_on=date(2026, 5, 1))
PAGES = [INVOICES, ONBOARDING, NEW]


def _prospect(title: str, page: str | None = None, **more: Any) -> Prospect:
    return Prospect(site_id=1, domain="them.test", best_page_title=title, best_page=page, **more)


def test_a_shared_topic_wins() -> None:
    found = offer(SITE, PAGES, _prospect("How we onboard customers", "https://them.test/2026/customer-onboarding"))
    assert found is not None
    assert (found.page, found.score) == (ONBOARDING, 78)
    assert found.why == "Our page fits because both speak of customer, onboarding"


def test_what_the_gap_has_found_is_not_weighed_again() -> None:
    prospect = _prospect("How we onboard customers", fit=60, fit_page_id=2, fit_words=["late", "fee"])
    found = offer(SITE, PAGES, prospect)
    assert found is not None
    assert (found.page, found.score, found.why) == (INVOICES, 60, "Our page fits because both speak of late, fee")
    # What does not fit, or is not among the pages that the angle may offer, decides nothing.
    for left in (_prospect("Onboarding of customers", fit=40, fit_page_id=2), prospect):
        found = offer(SITE, [ONBOARDING, NEW] if left is prospect else PAGES, left)
        assert found is not None
        assert found.page is ONBOARDING


def test_a_summary_an_ending_and_their_words_about_us() -> None:
    found = offer(SITE, PAGES, _prospect("A fee for late payment"))
    assert found is not None
    assert found.page is INVOICES
    found = offer(
        SITE, PAGES, _prospect("Growing tomatoes"), quote="Acme has shown how to onboard your first customers"
    )
    assert found is not None
    assert found.page is ONBOARDING


def test_another_language_is_not_compared_and_one_that_nobody_knows_is_ours() -> None:
    found = offer(SITE, PAGES, _prospect("Customer onboarding", language="de"))
    assert found is not None
    assert (found.page, found.score) == (NEW, 0)
    assert found.why.startswith("No page of yours is in the language of theirs; the newest was taken.")
    found = offer(SITE, PAGES, _prospect("Customer onboarding"))
    assert found is not None
    assert found.page is ONBOARDING


def test_nothing_in_common_is_said() -> None:
    found = offer(SITE, PAGES, _prospect("Growing tomatoes"))
    assert found is not None
    assert (found.page, found.score) == (NEW, 0)
    assert found.why == ("No page of yours shares a word with theirs; the newest was taken. Choose the page yourself")
    assert offer(SITE, [], _prospect("x")) is None
