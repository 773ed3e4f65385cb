"""The opt-out line stands in the language of the mail, exactly once, and its word is one that the inbox understands."""

from __future__ import annotations

import re

import pytest

from app.domain.inbound import Kind
from app.inbox.inspect import describe
from app.inbox.parser import MailParser
from app.mail.render.drafts import draft, example_values, judge
from app.mail.render.opt_outs import ENGLISH, LINES, is_opt_out
from app.mail.render.templates import TemplateSource, compose, render
from tests.support.letters import letter

# The same pitch in each language; each names the reason and both pages, as the contract wants it.
BODIES = {
    "en": 'Hello {first_name},\n\nI read {their_page} this morning. You write: "{mention_quote}" Would a link to {our_page} '
    "help your readers? It shows each step of the work with a sheet to fill in.",
    "de": 'Guten Tag {first_name},\n\nheute Morgen habe ich {their_page} gelesen. Sie schreiben: "{mention_quote}" Würde ein '
    "Verweis auf {our_page} Ihren Lesern helfen? Dort steht jeder Schritt der Arbeit mit einem Blatt zum Ausfüllen.",
    "fr": 'Bonjour {first_name},\n\nj\'ai lu {their_page} ce matin. Vous écrivez : "{mention_quote}" Un lien vers {our_page} '
    "aiderait-il vos lecteurs ? On y trouve chaque étape du travail avec une feuille à remplir.",
    "es": 'Hola {first_name}:\n\nEsta mañana he leído {their_page}. Ustedes escriben: "{mention_quote}" ¿Ayudaría a sus '
    "lectores un enlace a {our_page}? Allí está cada paso del trabajo con una hoja para rellenar.",
    "pt": 'Olá {first_name},\n\nli {their_page} esta manhã. Vocês escrevem: "{mention_quote}" Uma ligação para {our_page} '
    "ajudaria os seus leitores? Lá está cada passo do trabalho com uma folha para preencher.",
    "it": 'Buongiorno {first_name},\n\nquesta mattina ho letto {their_page}. Scrivete: "{mention_quote}" Un collegamento a '
    "{our_page} aiuterebbe i vostri lettori? Lì si trova ogni passo del lavoro con un foglio da compilare.",
}


def body(language: str) -> str:
    return re.sub(r"\{(\w+)\}", r"{{ \1 }}", BODIES[language])


def lines_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if is_opt_out(line)]


@pytest.mark.parametrize("language", BODIES)
def test_the_line_follows_the_language_of_the_mail(language: str) -> None:
    values = example_values("unlinked-mention")
    source = TemplateSource("A question", body(language), "")
    made = draft("unlinked-mention", values, source=source)
    assert lines_of(made.message.body_text) == [LINES[language]]
    assert made.message.body_html is not None
    assert made.message.body_html.count(LINES[language].replace('"', "&#34;")) == 1
    # The rules of the contract say the same as under the English line.
    assert [rule.name for rule in made.broken] == []
    assert made.words == draft("unlinked-mention", {**values, "opt_out": "No more? Say so."}, source=source).words


def test_what_is_quoted_does_not_decide() -> None:
    values = {
        **example_values("unlinked-mention"),
        "mention_quote": "Werkzeuge wie Acme Metrics zeigen dem ganzen Team jeden Montag, was sich geändert hat und warum.",
        "their_page_title": "Wie wir unsere Verweise prüfen, und was wir dabei jedes Mal gelernt haben",
    }
    assert lines_of(draft("unlinked-mention", values).message.body_text) == [ENGLISH]


def test_a_line_of_ones_own_stays() -> None:
    mine = "Kein Interesse? Ein Wort genügt."
    message = compose("A question", BODIES["de"], {**example_values("unlinked-mention"), "opt_out": mine})
    assert mine in message.body_text
    assert lines_of(message.body_text) == []
    assert judge(message, {"opt_out": mine})[1]  # it lacks its facts, and not its opt-out line
    assert "no-opt-out" not in [rule.name for rule in judge(message, {"opt_out": mine})[1]]


def test_without_data_there_is_none_and_the_contract_says_so() -> None:
    values = {name: value for name, value in example_values("unlinked-mention").items() if name != "opt_out"}
    message = render(TemplateSource("A question", body("de"), ""), values)
    assert "no-opt-out" in [rule.name for rule in judge(message, values)[1]]


@pytest.mark.parametrize("language", LINES)
def test_the_word_to_answer_with_is_an_opt_out(language: str, parser: MailParser) -> None:
    word = re.search(r'"([^"]+)"', LINES[language])
    assert word is not None
    told = describe(parser.parse(letter(word.group(1))))
    assert told["kind"] == Kind.OPT_OUT.value
    # The same line below an answer that is none, as mail programs quote it, is no wish.
    quoted = describe(parser.parse(letter(f"Gern, schicken Sie mehr.\n\nOn Monday you wrote:\n> {LINES[language]}\n")))
    assert quoted["kind"] == Kind.REPLY.value


@pytest.fixture(scope="module")
def parser() -> object:
    with MailParser() as shared:
        yield shared
