"""Sentences of the services are English for programs and in the reader's language on a page."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator

import pytest

from app import i18n
from app.domain.people import LANGUAGES
from app.domain.said import Sentence, say
from app.web.rendering import _env


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    i18n.read_by("en")


def test_a_sentence_is_its_english_text() -> None:
    made = say("there is no prospect {number:,} at {host!r}", number=1200, host="a.test")
    assert made == "there is no prospect 1,200 at 'a.test'"
    assert json.dumps(made) == f'"{made}"'
    assert say("{braces} as they stand") == "{braces} as they stand"
    travelled = pickle.loads(pickle.dumps(made))
    assert (travelled, type(travelled)) == (made, str)


def test_a_page_says_it_in_the_readers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    words = {"{host} rests: {why}": "{host} ruht: {why}", "it is <full>": "es ist <voll>"}

    class Catalog:
        def gettext(self, text: str) -> str:
            return words.get(text, text)

    monkeypatch.setattr(i18n, "_catalog", lambda _: Catalog())
    i18n.read_by("de")
    made = say("{host} rests: {why}", host="a.test", why=say("it is <full>"))
    assert i18n._(made) == "a.test ruht: es ist <voll>"
    # A template prints it so by itself, escaped like everything that is no markup.
    assert _env.from_string("{{ one }}").render(one=made) == "a.test ruht: es ist &lt;voll&gt;"
    assert _env.from_string("{{ one }}").render(one=str(made)) == "a.test rests: it is &lt;full&gt;"


def test_the_catalogs_hold_sentences_of_services() -> None:
    assert set(LANGUAGES) - {"en"}
    for language in set(LANGUAGES) - {"en"}:
        i18n.read_by(language)
        made: Sentence = say("there is no conversation {conversation_id}", conversation_id=7)
        assert i18n._(made) != made
        assert "7" in i18n._(made)
