"""Codes of languages as tools, pages and people write them."""

import pytest

from app.domain.language import codes_of, first_code


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
