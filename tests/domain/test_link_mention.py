"""Our name in a text: whole names, any case, any script, never inside somebody else's."""

from __future__ import annotations

import pytest

from app.domain.mention import find_mention, quote_around
from tests.support.growth import LINEAR, growth, repeated


@pytest.mark.parametrize(
    ("text", "brand"),
    [
        ("We use Acme daily.", "Acme"),
        ("we use ACME daily", "acme"),
        ("Acme", "Acme"),
        ("Acme's tool", "Acme"),
        ("the “Acme” tool", "Acme"),
        ("Acme, Inc.", "Acme"),
        ("(acme)", "Acme"),
        ("the Acme-based plan", "Acme"),
        ("Die STRASSE ist lang", "straße"),
        ("Der Straßenbau, die Straße.", "STRASSE"),
        ("İSTANBUL Acme", "Acme"),
        ("Ein Gruß von Müller & Söhne.", "MÜLLER & SÖHNE"),
        ("O’Reilly wrote it", "O'Reilly"),
        ("Ένα εργαλείο ΑΚΜΗ εδώ", "ακμη"),
        ("GAPBRIDGEを使うと", "Gapbridge"),
        ("新しいアクメを使う", "アクメ"),
        ("갭브리지는 좋다", "갭브리지"),
        ("Acme\u00a0Tools is fine", "Acme Tools"),
        ("C++ is old", "C++"),
        ("see acme.example for more", "acme.example"),
        ("see www.acme.example.", "acme.example"),
        ("A new sentence.Acme starts it.", "Acme"),
    ],
)
def test_found(text: str, brand: str) -> None:
    found = find_mention(text, [brand])
    assert found is not None
    assert found.name == brand
    assert found.quote in text
    assert text[found.start : found.end].casefold().replace("’", "'").replace("\u00a0", " ") == brand.casefold()


@pytest.mark.parametrize(
    ("text", "brand"),
    [
        ("Acmebox is another tool", "Acme"),
        ("the Macme tool", "acme"),
        ("acme_tools", "acme"),
        ("write to jo@acme.org", "Acme"),
        ("see acme.org for theirs", "Acme"),
        ("see https://news.site/acme.html", "Acme"),
        ("nothing here", "Acme"),
        ("", "Acme"),
        ("anything", ""),
        ("Acme\nTools", "Acme Tools"),
        ("e\u0301te\u0301s", "e\u0301te"),
    ],
)
def test_not_found(text: str, brand: str) -> None:
    assert find_mention(text, [brand]) is None


def test_a_longer_name_of_somebody_else_does_not_count() -> None:
    text = "Acme Rockets won. Later the old acme-rockets came back."
    assert find_mention(text, ["Acme"], others=["Acme Rockets", "Acme-Rockets"]) is None
    found = find_mention(text + " Acme did not.", ["Acme"], others=["Acme Rockets", "acme-rockets"])
    assert found is not None
    assert found.quote == "Acme did not."


def test_a_hit_in_a_part_of_the_longer_name_only_is_ours() -> None:
    found = find_mention("Acme Rocketscience is ours.", ["Acme"], others=["Acme Rockets"])
    assert found is not None


def test_the_first_place_of_any_name_is_taken() -> None:
    found = find_mention("First Beta, then Acme.", ["Acme", "Beta"])
    assert found is not None
    assert found.name == "Beta"


def test_the_quote_is_the_sentence() -> None:
    text = "One sentence. In version 2.5 Acme is best! Another."
    found = find_mention(text, ["Acme"])
    assert found is not None
    assert found.quote == "In version 2.5 Acme is best!"


def test_a_long_quote_is_cut_between_words_around_the_name() -> None:
    text = "word " * 200 + "Acme" + " tail" * 200
    at = text.index("Acme")
    quote = quote_around(text, at, at + 4)
    assert len(quote) <= 310
    assert "Acme" in quote
    assert quote.startswith("… word")
    assert quote.endswith("tail …")


def test_a_hidden_link_may_lie_where_the_text_ends() -> None:
    assert quote_around("A post. It ends here.", 21, 21) == "It ends here."


@pytest.mark.parametrize(
    "unit", ["acme", "acme.", "acme@", "acme ", "@acme.org ", "a", "acme-rockets ", "ß", "\n", "."]
)
def test_hostile_text_takes_linear_time(unit: str) -> None:
    def find(text: str) -> None:
        find_mention(text, ["Acme", "acme.example"], others=["Acme-Rockets", "Acme Rockets"])

    assert growth(find, repeated(unit), 800_000) < LINEAR
