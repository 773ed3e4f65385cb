"""The renderer of mail templates: a subset of Jinja in which nothing can be called, repeated or looked into.

A template is parsed and its syntax tree is held against a list of what is allowed before it is compiled. Files of the
distribution and versions that staff saved take the same way, so a database row can do no more than a file.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Literal

from jinja2 import DebugUndefined, TemplateSyntaxError, nodes
from jinja2.filters import FILTERS
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.domain.pitch_links import find_urls
from app.domain.said import say
from app.errors import BadInput, FieldProblem, NotFound
from app.mail.render import opt_outs
from app.mail.render.variables import VARIABLES, clean_values
from app.resources import resource

MAX_SUBJECT_SOURCE = 1_000
MAX_BODY_SOURCE = 20_000
MAX_VARIABLE_USES = 200
MAX_DEPTH = 12
MAX_CONSTANT = 500
FIRST_ANGLES = ("unlinked-mention", "resource-replacement", "coverage-gap", "link-reclamation")
# Before the class of a reply (`app.domain.triage.ReplyClass`) in the name of the text that its answer begins with.
ANSWER = "answer-"

_ALLOWED_NODES: tuple[type[nodes.Node], ...] = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.If,
    nodes.Filter,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Compare,
    nodes.Operand,
)


def _clause(text: str) -> str:
    # A phrase that goes into the middle of a sentence brings no full stop of its own.
    return str(text).rstrip(". ")


# None of these can make a text longer than its arguments, or reads an attribute.
_FILTERS = {name: FILTERS[name] for name in ("default", "trim", "lower", "upper", "capitalize", "truncate")} | {
    "clause": _clause
}
_FILTER_ARGUMENTS = {"default": 2, "truncate": 1}


@dataclass(frozen=True, slots=True)
class TemplateSource:
    """The three parts of a template as written. Without `body_html`, the HTML part is made from the text part."""

    subject: str
    body_text: str
    body_html: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A rendered message: the subject, and the two parts with the same words."""

    subject: str
    body_text: str
    body_html: str


def template_names() -> list[str]:
    """The templates that the distribution carries, by folder name."""
    return sorted(path.name for path in _folder().iterdir() if path.is_dir() and not path.name.startswith("_"))


def use_of(name: str) -> Literal["first", "follow-up", "answer"]:
    """What a template is for: a first message, a follow-up, or the beginning of an answer that a person sends."""
    if name in FIRST_ANGLES:
        return "first"
    return "answer" if name.startswith(ANSWER) else "follow-up"


def answer_to(wanted: str) -> str | None:
    """The template that the answer to a reply of this class begins with; None where none is prepared."""
    name = f"{ANSWER}{wanted}"
    return name if name in template_names() else None


def load(name: str) -> TemplateSource:
    """The files of one template. Raises NotFound with the names that there are."""
    if name not in template_names():
        raise NotFound(
            say(
                "There is no template '{name}'. The templates are {names}.",
                name=name,
                names=", ".join(template_names()),
            )
        )
    return _read(_folder() / name)


def problems(source: TemplateSource) -> list[FieldProblem]:
    """Everything that keeps a template from being saved; each names the part and the line."""
    found = []
    for field, text, cap in (
        ("subject", source.subject, MAX_SUBJECT_SOURCE),
        ("body_text", source.body_text, MAX_BODY_SOURCE),
        ("body_html", source.body_html, MAX_BODY_SOURCE),
    ):
        faults = list(_faults(text, cap))
        if field == "subject" and not faults and len(text.splitlines()) > 1:
            faults = [say("is one line; remove the line break")]
        found += [FieldProblem(field, problem) for problem in faults]
        if field != "body_html" and not text.strip():
            found.append(FieldProblem(field, say("is empty")))
    return found


def check_source(source: TemplateSource) -> None:
    """Raises BadInput that lists `problems`, when there are any."""
    found = problems(source)
    if found:
        raise BadInput(say("The template cannot be saved."), *found)


def variables_of(source: TemplateSource) -> list[str]:
    """The variables that a template uses, in the order of their documentation."""
    used = set()
    for text in (source.subject, source.body_text, source.body_html):
        used |= {node.name for node in _environment(False).parse(text).find_all(nodes.Name)}
    return [name for name in VARIABLES if name in used]


def required_of(source: TemplateSource, *, footer: bool = True) -> list[str]:
    """The variables without which a message of this template has a gap; those of the `footer` that it gets are among them."""
    used = {*variables_of(source), *(variables_of(_footer()) if footer else ())}
    return [name for name in VARIABLES if name in used and not VARIABLES[name].optional]


def fallbacks_of(source: TemplateSource) -> dict[str, str]:
    """What stands in the place of a variable that has no value: `{{ first_name or "there" }}`, `default("there")`."""
    found: dict[str, str] = {}
    for text in (source.subject, source.body_text):
        tree = _environment(False).parse(text)
        for either in tree.find_all(nodes.Or):
            if isinstance(either.left, nodes.Name) and isinstance(either.right, nodes.Const):
                found[either.left.name] = str(either.right.value)
        for used in tree.find_all(nodes.Filter):
            if used.name == "default" and isinstance(used.node, nodes.Name) and used.args:
                instead = used.args[0]
                if isinstance(instead, nodes.Const):
                    found[used.node.name] = str(instead.value)
    return found


def fill_texts(source: TemplateSource, values: Iterable[Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    """Subject and text for each set of clean values, without footer and HTML: for measuring one template on many.

    Raises BadInput for a template outside the subset; it is looked at once.
    """
    check_source(source)
    for one in values:
        yield _fill(source.subject, one, html=False).strip(), _tidy(_fill(source.body_text, one, html=False))


def render(source: TemplateSource, values: Mapping[str, object]) -> Message:
    """The whole message, with opt-out line and signature. A variable without a value stays visible as `{{ name }}`.

    Raises BadInput for a template outside the subset and for values that are not plain text.
    """
    check_source(source)
    clean = clean_values(values)
    html = _fill(source.body_html, clean, html=True) if source.body_html else None
    # A line break in the template itself stays: the contract refuses it by name.
    subject = _fill(source.subject, clean, html=False).strip()
    return compose(subject, _fill(source.body_text, clean, html=False), clean, body_html=html)


def compose(subject: str, body_text: str, values: Mapping[str, object], *, body_html: str | None = None) -> Message:
    """A message from its body: adds the opt-out line and the signature, which no template and no edit can leave out.

    The opt-out line is in the language of the body where it is one of ours (`app.mail.render.opt_outs`).
    """
    clean = clean_values(values)
    line = opt_outs.fitting(body_text, clean)
    if line is not None:
        clean["opt_out"] = line
    footer = _footer()
    text = f"{_tidy(body_text)}\n\n{_fill(footer.body_text, clean, html=False).strip(chr(10))}\n"
    middle = html_from_text(_tidy(body_text)) if body_html is None else body_html.strip()
    end = _fill(footer.body_html, clean, html=True).strip()
    page = (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>'
        f"{escape(subject)}</title></head>\n<body>\n{middle}\n{end}\n</body>\n</html>\n"
    )
    return Message(subject, text, page)


def html_from_text(text: str) -> str:
    """Paragraphs and links, and nothing else, with the words of `text`."""
    paragraphs = ("<br>\n".join(map(_link, part.splitlines())) for part in re.split(r"\n\s*\n", text.strip()))
    return "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)


def _link(line: str) -> str:
    done = ""
    for url in find_urls(line):
        before, line = line.split(url, 1)
        target = url if "://" in url else f"https://{url}"
        done += f'{escape(before)}<a href="{escape(target)}">{escape(url)}</a>'
    return done + escape(line)


def _folder() -> Path:
    return resource("templates") / "emails"


def _read(folder: Path) -> TemplateSource:
    parts = []
    for name in ("subject.txt", "body.txt", "body.html"):
        path = folder / name
        parts.append(path.read_text(encoding="utf-8").removesuffix("\n") if path.exists() else "")
    return TemplateSource(*parts)


@functools.cache
def _footer() -> TemplateSource:
    return _read(_folder() / "_footer")


@functools.cache
def _environment(html: bool) -> ImmutableSandboxedEnvironment:
    # The tree is checked before anything is compiled; the sandbox is a second wall, and has nothing inside it.
    environment = ImmutableSandboxedEnvironment(
        autoescape=html, undefined=DebugUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.globals.clear()
    environment.tests.clear()
    environment.filters.clear()
    environment.filters.update(_FILTERS)
    return environment


def _fill(source: str, values: Mapping[str, str], *, html: bool) -> str:
    return str(_compiled(source, html).render(values))


@functools.lru_cache(maxsize=256)
def _compiled(source: str, html: bool):  # type: ignore[no-untyped-def]  # jinja2.Template; its render is untyped
    faults = list(_faults(source, MAX_BODY_SOURCE))
    if faults:
        raise BadInput(say("The template cannot be used: {faults}", faults=faults[0]))
    return _environment(html).from_string(source)


def _tidy(text: str) -> str:
    rows = [row.rstrip() for row in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(rows)).strip("\n")


def _faults(source: str, cap: int) -> Iterator[str]:
    if len(source) > cap:
        yield f"has {len(source)} characters, at most {cap}"
        return
    try:
        tree = _environment(False).parse(source)
    except TemplateSyntaxError as error:
        yield f"line {error.lineno}: {error.message}"
        return
    except (RecursionError, ValueError, OverflowError, MemoryError):
        yield "line 1: too deeply nested or too large a number to read"
        return
    uses = 0
    stack: list[tuple[nodes.Node, int, int]] = [(tree, 0, 1)]
    while stack:
        node, depth, line = stack.pop()
        line = node.lineno or next((child.lineno for child in node.iter_child_nodes() if child.lineno), line)
        uses += isinstance(node, nodes.Name)
        fault = _node_fault(node)
        if fault is None and depth > MAX_DEPTH:
            fault = "nested too deeply"
        if fault is None and uses > MAX_VARIABLE_USES:
            fault = f"more than {MAX_VARIABLE_USES} uses of variables"
        if fault:
            yield f"line {line}: {fault}"
            return
        stack += [(child, depth + 1, line) for child in reversed(list(node.iter_child_nodes()))]


def _node_fault(node: nodes.Node) -> str | None:
    if not isinstance(node, _ALLOWED_NODES):
        kind = type(node).__name__.lower()
        return f"'{kind}' is not allowed; a template may hold text, variables, if, and the filters {_filter_names()}"
    if isinstance(node, nodes.Name) and (node.ctx != "load" or node.name not in VARIABLES):
        return f"unknown variable '{node.name}'; the variables are {', '.join(VARIABLES)}"
    if isinstance(node, nodes.Const):
        return _const_fault(node.value)
    if isinstance(node, nodes.Operand) and node.op not in {"eq", "ne"}:
        return "only == and != can compare"
    if isinstance(node, nodes.Filter):
        return _filter_fault(node)
    return None


def _const_fault(value: object) -> str | None:
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return None if abs(value) <= MAX_CONSTANT else f"the number is larger than {MAX_CONSTANT}"
    if isinstance(value, str):
        return None if len(value) <= MAX_CONSTANT else f"the quoted text has more than {MAX_CONSTANT} characters"
    return "only texts and whole numbers can be written here"


def _filter_fault(node: nodes.Filter) -> str | None:
    if node.name not in _FILTERS:
        return f"unknown filter '{node.name}'; the filters are {_filter_names()}"
    if node.node is None:
        return "a filter needs something in front of it"
    if node.kwargs or node.dyn_args or node.dyn_kwargs or len(node.args) > _FILTER_ARGUMENTS.get(node.name, 0):
        return f"the filter '{node.name}' takes at most {_FILTER_ARGUMENTS.get(node.name, 0)} plain arguments"
    if node.name == "truncate":
        length = node.args[0].value if node.args and isinstance(node.args[0], nodes.Const) else None
        if type(length) is not int or length < 10:
            return "truncate needs a length of at least 10, such as truncate(60)"
    return None


def _filter_names() -> str:
    return ", ".join(sorted(_FILTERS))
