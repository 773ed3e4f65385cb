"""Which language a short text is in: the bar lets nothing pass that is no text, and little that is wrong."""

import json
from pathlib import Path

import pytest

from app.languages import detect

DATA = Path(__file__).parent / "data"
TEXTS = [json.loads(line) for line in (DATA / "language_texts.jsonl").read_text(encoding="utf-8").splitlines()]
PAIRS = [json.loads(line) for line in (DATA / "topic_pairs.jsonl").read_text(encoding="utf-8").splitlines()]


def test_what_is_no_text_has_no_language() -> None:
    assert [one["text"] for one in TEXTS if one["language"] is None and detect(one["text"]) is not None] == []


@pytest.mark.parametrize("held", [False, True], ids=["tuned", "held-back"])
def test_titles_in_many_languages_are_right_or_unknown(held: bool) -> None:
    said = [(one["language"], detect(one["text"])) for one in TEXTS if one["language"] and one["held"] is held]
    assert [pair for pair in said if pair[1] not in (pair[0], None)] == []
    known = sum(found is not None for _wanted, found in said)
    assert known >= len(said) * (0.9 if held else 0.75)


def test_titles_with_their_anchors_in_six_languages() -> None:
    said = [(one["language"], detect(one["title"], one.get("anchor"), one.get("context"))) for one in PAIRS]
    assert [pair for pair in said if pair[1] not in (pair[0], None)] == []
    assert sum(found is not None for _wanted, found in said) >= 0.9 * len(said)


def test_addresses_and_codes_are_no_words() -> None:
    assert detect("https://www.example.com/the-best-guide-for-you-and-your-friends") is None
    assert detect("Home", None, "") is None
    assert detect("Mehr unter www.example.com: Kompost im Garten richtig anlegen und schichten") == "de"
