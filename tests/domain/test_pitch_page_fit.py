"""Which of our pages fits theirs, and the sentence that says why."""

from datetime import date

from app.domain.page_fit import OurPage, best_fit, stems

ONBOARDING = OurPage(1, "https://a.test/guides/x", "The onboarding guide", "customer onboarding")
INVOICES = OurPage(2, "https://a.test/y", "Sending invoices", "invoicing", "reminders and late fees")
NEW = OurPage(3, "https://a.test/z", "Something else", published_on=date(2026, 5, 1))


def test_a_shared_topic_wins():
    fit = best_fit(
        [INVOICES, ONBOARDING, NEW], ["How we onboard customers", "https://them.test/2026/customer-onboarding"]
    )
    assert fit is not None
    assert fit.page is ONBOARDING
    assert fit.why == "Our page fits because both speak of customer, onboarding"
    assert fit.score == 6


def test_summary_and_plural():
    fit = best_fit([ONBOARDING, INVOICES], ["A fee for late payment", None])
    assert fit is not None
    assert (fit.page, fit.score) == (INVOICES, 2)


def test_nothing_in_common_is_said():
    fit = best_fit([INVOICES, ONBOARDING, NEW], ["Growing tomatoes"])
    assert fit is not None
    assert (fit.page, fit.score) == (NEW, 0)
    assert "Choose the page yourself" in fit.why
    assert best_fit([], ["x"]) is None


def test_stems():
    assert stems("https://x.test/blog/Café-Policies_and%20News") == {"cafe", "policy", "new"}
    assert stems("The best guide for you") == frozenset()
