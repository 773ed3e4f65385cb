"""Writes docs/reference/templates.md from the templates, the variables and the contract; a test compares the two."""

from __future__ import annotations

from app.domain.pitch_contract import RULES
from app.mail.render.templates import load, required_of, template_names, use_of, variables_of
from app.mail.render.variables import VARIABLES

_HEAD = """# Mail templates

This page is generated from the code: `make fix` writes it, `make check` compares.

Each folder of `templates/emails/` is one template: `subject.txt`, `body.txt` and `body.html`. The opt-out line and the
signature come from `templates/emails/_footer` and are added to every message, so no template and no edit can leave them out.
What an answer begins with (`answer-` and the class of the reply) is for a person to finish and send, and has neither.

## Variables

Every value is plain text on one line. An address must be an absolute `http` or `https` URL. A variable without a value stays
visible in the preview as `{{ name }}` and keeps the message from being approved.

| variable | kind | meaning | example |
|---|---|---|---|
"""

_SYNTAX = """
## Syntax

A template is a small subset of Jinja: text, `{{ variable }}`, `{% if %}`, `{% elif %}`, `{% else %}`, `{% endif %}`, `and`,
`or`, `not`, `==`, `!=`, remarks `{# #}`, and these filters:

| filter | does |
|---|---|
| `default("x")` | takes "x" when there is no value; `{{ first_name or "there" }}` says the same |
| `trim`, `lower`, `upper`, `capitalize` | changes white space or letters |
| `truncate(60)` | cuts at a word before 60 characters and adds "..." |
| `clause` | drops a full stop at the end, for a phrase inside a sentence |

Nothing can be called, repeated, indexed or included. A template that tries is refused when it is saved, with the line.

## The pitch contract

A message is approved only when it keeps every rule. `gapbridge pitch render` prints the broken ones by name.

| rule | says |
|---|---|
"""


def reference_markdown() -> str:
    """The page as Markdown."""
    rows = [
        f"| `{variable.name}`{' (optional)' if variable.optional else ''} | {variable.kind} | {variable.meaning} "
        f"| {variable.example} |"
        for variable in VARIABLES.values()
    ]
    rules = [f"| `{name}` | {sentence} |" for name, sentence in RULES.items()]
    parts = [_HEAD, "\n".join(rows), "\n", _SYNTAX, "\n".join(rules), "\n\n## The templates\n"]
    for name in template_names():
        source = load(name)
        needed = ", ".join(f"`{variable}`" for variable in required_of(source, footer=use_of(name) != "answer"))
        optional = ", ".join(f"`{variable}`" for variable in variables_of(source) if VARIABLES[variable].optional)
        parts.append(f"\n### {name}\n\nNeeds {needed}. Optional: {optional}.\n\n")
        parts.append(f"```\n{source.subject}\n\n{source.body_text}\n```\n")
    return "".join(parts)
