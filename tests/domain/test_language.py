"""Codes of languages as tools, pages and people write them."""

import pytest

from app.domain.language import codes_of, first_code, is_ours


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("en", ("en",)),
        ("en-US", ("en",)),
        ("pt_BR", ("pt",)),
        ("de, fr", ("de", "fr")),
        ("nb-NO", ("no",)),
        ("zh-Hant-TW", ("zh",)),
        ("", ()),
        (None, ()),
        ("English", ()),
        ("x", ()),
    ],
)
def test_codes(text: str | None, codes: tuple[str, ...]) -> None:
    assert codes_of(text) == codes
    assert first_code(text) == (codes[0] if codes else None)


def test_ours_or_not_or_unknown() -> None:
    assert is_ours("en-GB", ["en", "de"]) is True
    assert is_ours("fr, de", ["de-AT"]) is True
    assert is_ours("fr", ["en"]) is False
    assert is_ours(None, ["en"]) is None
    assert is_ours("fr", []) is None
