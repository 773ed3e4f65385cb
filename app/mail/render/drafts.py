"""Brings a template, its data and the contract together: one message, its word count and the rules that it breaks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.domain.angles import plain_date
from app.domain.keys import host_of
from app.domain.pitch_contract import BrokenRule, PitchDraft, check, count_words, leftovers
from app.mail.render.opt_outs import line_in
from app.mail.render.templates import (
    Message,
    TemplateSource,
    fill_texts,
    html_from_text,
    load,
    render,
    required_of,
    use_of,
)
from app.mail.render.variables import DEFAULT_OPT_OUT, EVIDENCE, VARIABLES, clean_values


@dataclass(frozen=True, slots=True)
class Draft:
    """A rendered message with what the contract says about it."""

    template: str
    message: Message
    words: int
    broken: tuple[BrokenRule, ...]


def judge(
    message: Message, values: Mapping[str, object], *, our_domains: Sequence[str] = (), first: bool = True
) -> tuple[int, tuple[BrokenRule, ...]]:
    """The word count of a message and the rules that it breaks, held against the data that it was made from."""
    clean = clean_values(values)
    opt_out = line_in(message.body_text, clean)
    our_page, their_page = clean.get("our_page", ""), clean.get("their_page", "")
    draft = PitchDraft(
        subject=message.subject,
        body_text=message.body_text,
        body_html=message.body_html,
        our_domains=tuple(our_domains) or ((host_of(our_page).removeprefix("www."),) if our_page else ()),
        our_page=our_page,
        their_domain=clean.get("their_domain") or host_of(their_page).removeprefix("www."),
        their_page=their_page,
        evidence=tuple(clean[name] for name in EVIDENCE if name in clean),
        opt_out=opt_out,
        other_pages=(clean["linked_page"],) if "linked_page" in clean else (),
        first=first,
    )
    return count_words(message.body_text, opt_out), tuple(check(draft))


def draft(
    template: str,
    values: Mapping[str, object],
    *,
    source: TemplateSource | None = None,
    our_domains: Sequence[str] = (),
) -> Draft:
    """Render the template (`source`: a saved version instead of the distributed files) and hold it to the contract.

    Raises NotFound for an unknown template and BadInput for values that are not plain text. A missing value is no error: it
    shows in the message and as the broken rule `unresolved-variable`.

    The beginning of an answer is no pitch: it has no footer, a bracket is for the person who sends it to fill in, and a variable without
    a value is all that can be wrong with it.
    """
    if use_of(template) == "answer":
        [(subject, body)] = fill_texts(source or load(template), [clean_values(values)])
        left = tuple(rule for rule in leftovers(body) if rule.name == "unresolved-variable")
        return Draft(template, Message(subject, body, html_from_text(body)), count_words(body), left)
    filled = {"opt_out": DEFAULT_OPT_OUT, **values}
    message = render(source or load(template), filled)
    count, broken = judge(message, filled, our_domains=our_domains, first=use_of(template) == "first")
    return Draft(template, message, count, broken)


def example_values(template: str) -> dict[str, str]:
    """Data with which the template renders and keeps the contract; the start of a data file."""
    used = set(required_of(load(template)))
    optional = {"first_name", "their_page_title", "topic", "our_page_summary"}
    return {name: variable.example for name, variable in VARIABLES.items() if name in used | optional}


def bare_subject(subject: str) -> str:
    """A subject without the marks of an answer before it."""
    return re.sub(r"^(\s*(re|aw|sv|antw)\s*:\s*)+", "", subject, flags=re.IGNORECASE).strip()


def later_values(values: Mapping[str, str | None], subject: str, sent_on: date) -> dict[str, str | None]:
    """The values of a first message, with those that only a mail after it has: its bare subject, and the day on which it was sent."""
    return {**values, "first_subject": bare_subject(subject), "first_sent_on": plain_date(sent_on)}
