"""Sentences that remember how they were put together, so that a page can say them in its reader's language.

Services, domain and wires speak English. `say` fills an English template and keeps the template and what filled it beside the text:
the result is the English text everywhere (API, command line, log, database), and only a page looks further.
"""

from __future__ import annotations

from typing import Any, Self


class Sentence(str):
    """An English text with the `template` and the `values` that it was made of."""

    __slots__ = ("template", "values")
    template: str
    values: dict[str, object]

    def __new__(cls, template: str, values: dict[str, object]) -> Self:
        """`template` filled with `values`; without any it is taken as it stands."""
        made = super().__new__(cls, template.format(**values) if values else template)
        made.template, made.values = template, values
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        # Between processes only the text travels: what filled it may not.
        return str, (str(self),)


def say(template: str, /, **values: object) -> Sentence:
    """`template` with its {names} filled; without values it is taken as it stands, braces and all."""
    return Sentence(template, values)
