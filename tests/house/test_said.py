"""Sentences of the services are English for programs and in the reader's language on a page."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app import i18n
from app.domain.people import LANGUAGES
from app.domain.said import Day, Moment, Sentence, kept, say, stored, without
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


def test_a_sentence_that_is_kept_is_said_in_the_language_of_who_reads_it_later() -> None:
    inner = say("linked to you in {path} until {day}, link gone", path="/{x}", day=Day(2026, 5, 3))
    made = say("Chosen because: {why}.", why=inner)
    again = kept(stored(made))
    assert again == made == "Chosen because: linked to you in /{x} until 3 May 2026, link gone."
    i18n.read_by("de")
    assert i18n._(again) == "Gewählt, denn: verlinkte dich in /{x} bis zum 3. Mai 2026, der Link ist weg."
    # What is no sentence stays the text that it is, also one that looks like ours, and one with a moment in it.
    for text in ("no SPF record", "", stored(made), "{"):
        assert kept(stored(text)) == text
    assert kept('{"say": 7}') == '{"say": 7}'
    assert stored(say("until {at:%H:%M}", at=datetime(2026, 5, 3, 9, tzinfo=UTC))) == "until 09:00"


def test_a_moment_is_on_the_clock_of_who_reads_it() -> None:
    made = say("sent {sent_at}; it cannot be taken back", sent_at=Moment.of(datetime(2026, 5, 3, 7, 5, tzinfo=UTC)))
    assert made == "sent 3 May 2026 07:05 UTC; it cannot be taken back"
    again = kept(stored(made))
    assert (again, i18n._(again)) == (made, made)
    i18n.read_by("en", "Europe/Berlin")
    assert i18n._(again) == "sent 3 May 2026 09:05; it cannot be taken back"
    i18n.read_by("de", "Europe/Berlin")
    assert i18n._(again) == "gesendet 3. Mai 2026 09:05; das lässt sich nicht zurücknehmen"


def test_what_is_taken_out_of_a_sentence_leaves_a_sentence() -> None:
    made = without(
        say("{path}: the file is empty; export it again.", path=Path("/data/uploads/7f/links.csv")),
        "/data/uploads/[0-9a-f]+/",
    )
    assert made == "links.csv: the file is empty; export it again."
    assert isinstance(made, Sentence)
    assert without("/data/x is gone", "/data/") == "x is gone"


def test_the_catalogs_hold_sentences_of_services() -> None:
    assert set(LANGUAGES) - {"en"}
    for language in set(LANGUAGES) - {"en"}:
        i18n.read_by(language)
        made: Sentence = say("there is no conversation {conversation_id}", conversation_id=7)
        assert i18n._(made) != made
        assert "7" in i18n._(made)
