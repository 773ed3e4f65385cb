"""Topic fit on a set made by hand: 140 pairs in six languages and 12 across languages, a third of them held back.

The figures stand in docs/explanation/gap.md. The weights were fixed before the held-back part was looked at; whoever changes
them finds here what they cost.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from app.domain.topic_fit import FitUnknown, TopicFit
from app.languages import detect
from app.topics import OurText, TheirText, Topics, repeated, words

DATA = Path(__file__).parent / "data"


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


PAIRS = _lines("topic_pairs.jsonl")
SITES = {
    site: Topics(
        OurText(page["page"], page["url"], page["title"], page["topic"], page["summary"], site)
        for page in _lines("topic_pages.jsonl")
        if page["site"] == site
    )
    for site in ("en", "de", "fr", "es", "pt", "it")
}


def _fit(pair: dict[str, Any]) -> TopicFit:
    title, anchor, context = pair["title"], pair.get("anchor"), pair.get("context")
    language = detect(title, anchor, context)
    return SITES[pair["site"]].fit(TheirText(title, anchor, context, language=language))


@pytest.mark.parametrize(
    ("held", "hits", "over", "wrong", "apart"),
    [(False, 65, 62, 0, 0.99), (True, 28, 27, 1, 0.96)],
    ids=["tuned", "held"],
)
def test_what_fits_is_found_and_kept_apart(held: bool, hits: int, over: int, wrong: int, apart: float) -> None:
    pairs = [(pair, _fit(pair)) for pair in PAIRS if pair["held"] is held and pair["site"] == pair["language"]]
    fitting = [(pair, fit) for pair, fit in pairs if pair["fits"]]
    others = [fit for pair, fit in pairs if not pair["fits"]]
    assert sum(fit.page == pair["fits"] for pair, fit in fitting) >= hits
    assert sum(fit.fits is True for _pair, fit in fitting) >= over
    assert sum(fit.fits is True for fit in others) <= wrong
    high = [fit.score for _pair, fit in fitting if fit.score is not None]
    low = [fit.score for fit in others if fit.score is not None]
    ordered = sum((one > two) + (one == two) / 2 for one in high for two in low)
    assert ordered / (len(high) * len(low)) >= apart


def test_across_languages_nothing_is_claimed_and_it_says_so() -> None:
    across = [_fit(pair) for pair in PAIRS if pair["site"] != pair["language"]]
    assert len(across) == 12
    assert {fit.score for fit in across} == {None}
    assert {fit.unknown for fit in across} <= {FitUnknown.OTHER_LANGUAGE, FitUnknown.LANGUAGE_UNKNOWN}


def test_the_set_is_large_enough() -> None:
    assert len(PAIRS) >= 120
    assert sum(pair["held"] for pair in PAIRS) >= 40


def test_the_text_of_a_page_that_was_read_counts_by_words_that_it_repeats() -> None:
    text = "Rain fell. " + "The invoice is late, so charge a fee for the late payment of the invoice. " * 3
    assert repeated(text, "en") == ("invoice", "late", "charge", "fee", "payment")
    read = SITES["en"].fit(TheirText("Notes", repeated=repeated(text, "en"), language="en"))
    unread = SITES["en"].fit(TheirText("Notes on money", language="en"))
    assert (read.page, (read.score or 0) > (unread.score or 0)) == ("e1", True)
    assert "rain" not in read.shared


def test_a_script_without_spaces_is_unknown_and_no_zero() -> None:
    fit = SITES["en"].fit(TheirText("請求書の書き方ガイド", language="ja"))
    assert (fit.score, fit.unknown) == (None, FitUnknown.OTHER_LANGUAGE)


def test_words_of_texts_and_addresses() -> None:
    assert words("https://x.test/blog/Café-Policies_and%20News.html", "en") == {
        "cafe": "café",
        "polici": "policies",
        "news": "news",
    }
    assert list(words("Die besten Hochbeete", "de").values()) == ["hochbeete"]
    assert set(words("The best guide for you", "en")) == set()
    assert words("http://[broken", "en") == {}
