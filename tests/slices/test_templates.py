"""The mail templates: every folder on every case, and everything that a template must not be able to do."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from typer.testing import CliRunner

from app.cli import _attach, cli
from app.domain.triage import ReplyClass
from app.errors import BadInput, NotFound
from app.mail.render.drafts import draft, example_values
from app.mail.render.reference import reference_markdown
from app.mail.render.templates import (
    FIRST_ANGLES,
    TemplateSource,
    answer_to,
    check_source,
    compose,
    html_from_text,
    load,
    problems,
    render,
    required_of,
    template_names,
    use_of,
    variables_of,
)
from app.mail.render.variables import VARIABLES
from app.sequences.service import follow_up_templates
from tests.support.growth import LINEAR, growth, repeated, within

LONG = {
    "first_name": "Maximiliane-Theodora",
    "our_brand": "Acme Metrics and Measurements",
    "our_page": "https://www.acme.example/guides/" + "a-rather-long-path/" * 10,
    "our_page_summary": "how a team of three audits the links of a site every quarter, " * 2 + "with a worksheet.",
    "their_page": "https://growth-notes.example/" + "2026/05/a-long-path/" * 10,
    "their_page_title": "A very long headline that goes on: " * 5,
    "mention_quote": "Teams such as Acme Metrics and Measurements do this every quarter, and so " + "do others " * 15,
    "linked_page": "https://old.example/" + "an-old-path/" * 10,
    "topic": "link audits, internal links and the maintenance of long lists of sources",
    "reason": "our page covers how a team of three audits the links of a site every quarter, with a worksheet",
}
ANSWERS = [name for name in template_names() if use_of(name) == "answer"]
TEMPLATES = [name for name in template_names() if name not in ANSWERS]
FORBIDDEN_WORDS = [
    "love",
    "amazing",
    "awesome",
    "fantastic",
    "great",
    "excellent",
    "huge",
    "bumping",
    "circling",
    "just",
    "checking",
    "urgent",
    "asap",
]


def test_the_templates_are_the_angles_and_the_follow_ups():
    assert set(TEMPLATES) == {*FIRST_ANGLES, "follow-up-1", "follow-up-last"}
    folder = Path("templates/emails")
    for name in TEMPLATES:
        assert sorted(path.name for path in (folder / name).iterdir()) == ["body.html", "body.txt", "subject.txt"]


def test_what_an_answer_begins_with_is_there_for_classes_that_are_answered():
    assert {answer_to(one.value) for one in ReplyClass} - {None} == set(ANSWERS)
    assert {name.removeprefix("answer-") for name in ANSWERS} == {"interested", "question", "wants-payment", "not-now"}
    assert not set(ANSWERS) & set(follow_up_templates())


@pytest.mark.parametrize("name", ANSWERS)
def test_the_beginning_of_an_answer_is_short_plain_and_without_footer(name):
    made = draft(name, example_values(name))
    assert made.broken == ()
    assert "Hi Dana," in made.message.body_text
    assert VARIABLES["our_page"].example in made.message.body_text
    assert VARIABLES["their_page"].example in made.message.body_text
    assert "-- " not in made.message.body_text
    assert made.words < 90
    assert "Hi there," in draft(name, example_values(name) | {"first_name": ""}).message.body_text
    missing = draft(name, example_values(name) | {"our_page": None})
    assert [rule.name for rule in missing.broken] == ["unresolved-variable"]
    text = f" {made.message.body_text} ".lower()
    assert not [word for word in FORBIDDEN_WORDS if f" {word} " in text]
    assert "!" not in text
    assert problems(load(name)) == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_typical_values_keep_the_contract(name):
    result = draft(name, example_values(name))
    assert result.broken == ()
    assert "\n" not in result.message.subject
    assert "no" in result.message.body_text
    assert result.words < 110


@pytest.mark.parametrize("name", TEMPLATES)
def test_long_values_keep_the_contract(name):
    values = example_values(name)
    result = draft(name, values | {key: value for key, value in LONG.items() if key in values})
    assert result.broken == ()
    assert result.words <= 149


@pytest.mark.parametrize("name", TEMPLATES)
def test_without_optional_values_the_contract_is_kept(name):
    needed = set(required_of(load(name)))
    values = {key: value for key, value in example_values(name).items() if key in needed}
    if "our_page_summary" in variables_of(load(name)):
        values["our_page_summary"] = "a link audit in twelve steps"
    result = draft(name, values)
    assert result.broken == ()
    assert "Hi there," in result.message.body_text
    assert "\n\n\n" not in result.message.body_text


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_missing_value_is_named_and_nothing_is_guessed(name):
    values = example_values(name)
    for missing in set(required_of(load(name))) - {"opt_out", "their_domain"}:
        result = draft(name, values | {missing: None})
        [rule] = [rule for rule in result.broken if rule.name == "unresolved-variable"]
        assert f"{{{{ {missing} }}}}" in rule.sentence
        assert "None" not in result.message.body_text + result.message.subject


@pytest.mark.parametrize("name", TEMPLATES)
def test_wording(name):
    source = load(name)
    text = f" {source.subject} {source.body_text} ".lower()
    assert not [word for word in FORBIDDEN_WORDS if f" {word} " in text]
    assert "!" not in text
    assert "{{ their_page }}" in source.body_text
    assert "{{ our_page }}" in source.body_text
    for address in ("their_page", "our_page"):
        assert f'<a href="{{{{ {address} }}}}">{{{{ {address} }}}}</a>' in source.body_html
    assert "<img" not in source.body_html


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_files_are_inside_the_subset(name):
    assert problems(load(name)) == []


def test_unknown_template():
    with pytest.raises(NotFound, match="unlinked-mention"):
        load("../../etc")


# What a template must not hold. Each is refused when it is saved, before anything is compiled.
ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ first_name.__class__.__base__ }}",
    "{{ first_name['__class__'] }}",
    "{{ first_name[0] }}",
    "{{ first_name|attr('__class__') }}",
    "{{ first_name|attr('__cla' ~ 'ss__') }}",
    "{{ ()|attr('__class__')|attr('__base__') }}",
    "{{ [].append.__globals__ }}",
    "{{ {}.__class__ }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__['os'].environ }}",
    "{{ lipsum(n=3) }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ namespace(x=1) }}",
    "{{ range(3) }}",
    "{{ dict(a=1) }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ url_for.__globals__ }}",
    "{{ request.application.__globals__ }}",
    "{{ config.items() }}",
    "{{ '{0.__class__}'.format(first_name) }}",
    "{{ '{a.__class__}'.format_map({'a': first_name}) }}",
    "{{ ('{0.__class__}'|string).format(1) }}",
    "{{ '%s'|format(first_name.__class__) }}",
    "{{ first_name.upper() }}",
    "{{ first_name.delete() }}",
    "{{ [first_name]|map(attribute='__class__')|list }}",
    "{{ [first_name]|map('attr', '__class__') }}",
    "{{ [first_name]|groupby('__class__') }}",
    "{{ [first_name]|sort(attribute='__class__') }}",
    "{{ [first_name]|selectattr('__class__') }}",
    "{{ [first_name]|sum(attribute='__class__') }}",
    "{{ first_name|xmlattr }}",
    "{{ first_name|tojson }}",
    "{{ first_name|safe }}",
    "{{ first_name|pprint }}",
    "{{ first_name|list }}",
    "{{ caller() }}",
    "{{ varargs }}",
    "{{ loop }}",
    "{{ super() }}",
    "{{ none.__class__ }}",
    "{{ (first_name or ourbrand) }}",
    "{{ first_name is callable }}",
    "{{ first_name if topic else our_brand }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% from 'x' import y %}",
    "{% extends 'base.html' %}",
    "{% set x = first_name.__class__ %}",
    "{% macro m() %}{{ m.__globals__ }}{% endmacro %}",
    "{% call first_name() %}{% endcall %}",
    "{% block b %}{% endblock %}",
    "{% with x = 1 %}{% endwith %}",
    "{% do first_name.delete() %}",
    "{% debug %}",
    "{% trans %}x{% endtrans %}",
    "{% autoescape false %}{{ first_name }}{% endautoescape %}",
    "{% filter upper %}x{% endfilter %}",
]
BOMBS = [
    "{{ 'a' * 1000000000 }}",
    "{{ 10 ** 1000000 }}",
    "{{ 9 // 0 }}",
    "{{ 'a' ~ 'b' ~ 'c' }}",
    "{{ '%1000000000d'|format(1) }}",
    "{{ first_name|center(1000000000) }}",
    "{{ first_name|indent(1000000000) }}",
    "{{ first_name|replace('', 'aaaaaaaaaaaaaaaa')|replace('', 'aaaaaaaaaaaaaaaa') }}",
    "{{ first_name|wordwrap(1) }}",
    "{{ first_name|truncate(1000000000) }}",
    "{{ first_name|truncate(60, true, 'x', 0) }}",
    "{{ first_name|default('x' * 99999999) }}",
    "{{ first_name|urlize }}",
    "{{ [1]|batch(1000000000, 1)|list }}",
    "{% for a in 'aaaaaaaa' %}{% for b in 'aaaaaaaa' %}x{% endfor %}{% endfor %}",
    "{% for a in range(1000000000) %}x{% endfor %}",
    "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ lipsum(n=100000) }}",
    "{{ " + "9" * 10_000 + " }}",
    "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}",
    "{{ " + "not " * 4_000 + "first_name }}",
    "{{ first_name" + "|trim" * 3_000 + " }}",
    "{% if first_name %}" * 900 + "{% endif %}" * 900,
    "{{ first_name }}" * 1_000,
    "{{ '" + "x" * 600 + "' }}",
    "{{ 1e999 }}",
    "x" * 20_001,
    "{% if first_name == topic == our_brand < 3 %}{% endif %}",
]


def test_a_subject_of_two_lines_is_refused_when_it_is_saved():
    with pytest.raises(BadInput) as refused:
        check_source(TemplateSource("A note\r\nBcc: x@far.test", "t", ""))
    assert [(one.field, one.problem) for one in refused.value.problems] == [
        ("subject", "is one line; remove the line break")
    ]


@pytest.mark.parametrize("payload", [*ESCAPES, *BOMBS], ids=lambda payload: payload[:60])
@pytest.mark.parametrize("field", ["subject", "body_text", "body_html"])
def test_a_payload_is_refused_when_it_is_saved(payload, field):
    source = TemplateSource(**({"subject": "s", "body_text": "t", "body_html": "h"} | {field: f"one\n{payload}"}))

    def save() -> BadInput:
        with pytest.raises(BadInput) as refused:
            check_source(source)
        return refused.value

    within(0.2, save)
    [problem] = save().problems
    assert problem.field == field
    assert "line 2" in problem.problem or "characters" in problem.problem or "line 1: too deeply" in problem.problem
    with pytest.raises(BadInput):
        render(source, {})


def test_problems_name_the_line():
    source = TemplateSource("s", "Hi {{ first_name }},\n\n{{ frist_name }}")
    [problem] = problems(source)
    assert problem.field == "body_text"
    assert problem.problem.startswith("line 3: unknown variable 'frist_name'")
    [problem] = problems(TemplateSource("s", "a\n{% if first_name %}\nb"))
    assert problem.problem.startswith("line ")
    assert [problem.field for problem in problems(TemplateSource(" ", ""))] == ["subject", "body_text"]


@pytest.mark.parametrize(
    "source",
    [
        "{{ first_name or 'there' }}",
        "{{ first_name|default('there') }}",
        "{{ first_name|default('there', true)|trim|lower|upper|capitalize }}",
        "{% if topic and not (first_name == 'x' or first_name != none) %}a{% elif topic %}b{% else %}c{% endif %}",
        "{{ topic|truncate(20) }}{# a remark #}",
    ],
)
def test_what_is_allowed(source):
    assert problems(TemplateSource("s", source, source)) == []
    render(TemplateSource("s", source, source), {"first_name": "Dana", "opt_out": "x"})


def test_values_are_never_a_template():
    values = example_values("coverage-gap") | {"first_name": "{{ our_brand }}{% if %}"}
    result = draft("coverage-gap", values)
    assert "Hi {{ our_brand }}{% if %}," in result.message.body_text
    assert [rule.name for rule in result.broken] == ["unresolved-variable"]


def test_values_are_escaped_in_the_html_part():
    values = example_values("coverage-gap") | {"first_name": '<img src=x onerror="1">'}
    message = draft("coverage-gap", values).message
    assert "<img" not in message.body_html
    assert "&lt;img" in message.body_html


@pytest.mark.parametrize("value", [Markup("<b>"), 1, ["x"], {"a": 1}, type("S", (str,), {})("x"), object()])
def test_only_plain_texts_go_in(value):
    with pytest.raises(BadInput) as refused:
        render(load("coverage-gap"), {"first_name": value})
    assert refused.value.problems[0].field == "first_name"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//acme.example/x",
        "acme.example/x",
        "https://",
        "https://a b.example/",
        'https://a.example/"onclick="x',
        "https://user:pw@a.example/x",
        "https://[::1",
        "https://a.example/" + "x" * 2000,
    ],
)
def test_addresses_are_addresses(url):
    with pytest.raises(BadInput) as refused:
        render(load("coverage-gap"), {"our_page": url})
    assert refused.value.problems[0].field == "our_page"


BREAKS = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x00", "\x1f", "\x7f", "\u202e", "\ud800"]


@pytest.mark.parametrize("mark", BREAKS, ids=ascii)
@pytest.mark.parametrize("name", TEMPLATES)
def test_no_value_adds_a_line_a_header_or_a_signature(name, mark):
    values = example_values(name)
    clean = draft(name, values)
    texts = {key: f"a{mark}Bcc: x@example.com{mark}--{mark}> b" for key in values if VARIABLES[key].kind == "text"}
    message = draft(name, values | texts).message
    assert not set(mark) & set(message.subject)
    assert message.body_text.count("\n") == clean.message.body_text.count("\n")
    if mark != "\n":
        assert mark not in message.body_text
    message.body_text.encode()


@given(st.text(max_size=200))
def test_any_text_stays_one_line_and_both_parts_agree(text):
    result = draft("unlinked-mention", example_values("unlinked-mention") | {"mention_quote": text, "first_name": text})
    assert "\n" not in result.message.subject
    assert "parts-differ" not in {rule.name for rule in result.broken}


def test_rendering_stays_small_and_linear():
    source = TemplateSource("s", "{{ topic }}" * 200, "{{ topic|upper }}" * 200)
    assert (
        growth(lambda topic: render(source, {"topic": topic, "opt_out": "x"}), repeated("&"), 1_000, most=0.2) < LINEAR
    )
    message = render(source, {"topic": "&" * 1_000, "opt_out": "x"})
    assert len(message.body_text) + len(message.body_html) < 2_000_000


def test_an_edited_text_gets_the_footer_and_an_html_part_with_the_same_words():
    values = example_values("coverage-gap")
    body = f"Hi Dana,\r\n\r\n\r\n\r\na <b>bold</b> look at {values['our_page']}, please.\nAna"
    message = compose("s <x>", body, values)
    assert message.body_text.startswith("Hi Dana,\n\na <b>bold</b> look at ")
    assert f"{values['opt_out']}\n\n-- \nAna Keller, Acme Metrics\nAcme Ltd" in message.body_text
    assert "&lt;b&gt;bold&lt;/b&gt;" in message.body_html
    assert f'<a href="{values["our_page"]}">{values["our_page"]}</a>, please.<br>\nAna</p>' in message.body_html
    assert "<title>s &lt;x&gt;</title>" in message.body_html


def test_html_from_text_links_each_address_once():
    html = html_from_text("https://a.example/x https://a.example/x?b=1&c=2\nwww.b.example/y.")
    assert html.count("<a ") == 3
    assert 'href="https://a.example/x?b=1&amp;c=2"' in html
    assert 'href="https://www.b.example/y">www.b.example/y</a>.' in html


def test_the_reference_is_up_to_date():
    assert Path("docs/reference/templates.md").read_text(encoding="utf-8") == reference_markdown()


class TestCommand:
    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _attached(cls):
        if not any(group.name == "pitch" for group in cli.registered_groups):
            _attach()

    def run(self, *args):
        return CliRunner().invoke(cli, ["pitch", *map(str, args)])

    @pytest.mark.parametrize("name", TEMPLATES)
    def test_the_example_renders(self, name, tmp_path):
        path = tmp_path / "data.json"
        path.write_text(self.run("example", name).stdout)
        result = self.run("render", name, "--data", path)
        assert result.exit_code == 0
        assert result.stdout.startswith("Subject: ")
        assert "the pitch contract is kept" in result.stderr

    def test_broken_rules_are_printed_and_the_exit_code_is_1(self, tmp_path):
        path = tmp_path / "data.json"
        values = example_values("coverage-gap") | {"our_page": "https://acme.example/", "first_name": "[name]"}
        del values["sender_address"]
        path.write_text(json.dumps(values))
        result = self.run("render", "coverage-gap", "--data", path)
        assert result.exit_code == 1
        for name in ("our-homepage", "bracket", "unresolved-variable"):
            assert f"  {name}: " in result.stderr
        assert "sender_address - The sender's postal address" in result.stderr
        answer = json.loads(self.run("render", "coverage-gap", "--data", path, "--json").stdout)
        assert [rule["name"] for rule in answer["broken_rules"]] == ["our-homepage", "unresolved-variable", "bracket"]
        assert answer["missing"] == ["sender_address"]

    def test_other_domains_of_ours(self, tmp_path):
        path = tmp_path / "data.json"
        values = example_values("coverage-gap") | {"our_page": "https://docs.acme-labs.example/x"}
        path.write_text(json.dumps(values | {"our_domains": ["acme.example", "acme-labs.example"]}))
        assert self.run("render", "coverage-gap", "--data", path).exit_code == 0

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (None, "cannot be read"),
            (b"{", "line 1, column 2"),
            (b"[]", "must hold one JSON object"),
            (b"\xff\xfe{", "is not UTF-8"),
            (b"[" * 100_000, "nested too deeply"),
            (b'{"a":1}' + b" " * 1_000_000, "at most 1000000"),
            (b'{"first_nam": "x"}', "cannot be used"),
            (b'{"first_name": 3}', "cannot be used"),
            (b'{"our_domains": "x"}', "cannot be used"),
        ],
    )
    def test_a_bad_data_file_is_named(self, content, said, tmp_path):
        path = tmp_path / "data.json"
        if content is not None:
            path.write_bytes(content)
        error = self.run("render", "coverage-gap", "--data", path).exception
        assert isinstance(error, BadInput)
        assert str(path) in error.detail
        assert said in error.detail

    def test_the_field_is_named(self, tmp_path):
        path = tmp_path / "data.json"
        path.write_text('{"first_nam": "x", "our_page": "acme.example"}')
        error = self.run("render", "coverage-gap", "--data", path).exception
        assert [problem.field for problem in error.problems] == ["first_nam", "our_page"]
