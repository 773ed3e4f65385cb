"""The variables that mail templates may use: the one list that the renderer, the command line and the reference share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from app.domain.said import say
from app.errors import BadInput, FieldProblem
from app.mail.render.opt_outs import ENGLISH

MAX_TEXT = 1_000
MAX_URL = 2_000

DEFAULT_OPT_OUT = ENGLISH


@dataclass(frozen=True, slots=True)
class Variable:
    """One documented variable. `kind` text is cleaned to one line; url must be an absolute http or https address."""

    name: str
    kind: Literal["text", "url"]
    meaning: str
    example: str
    optional: bool = False


VARIABLES: dict[str, Variable] = {
    variable.name: variable
    for variable in (
        Variable("first_name", "text", say("The contact's first name."), "Dana", optional=True),
        Variable("our_brand", "text", say("Our name, as their readers know it."), "Acme Metrics"),
        Variable(
            "our_page", "url", say("The page of ours that the pitch offers."), "https://acme.example/guides/link-audit"
        ),
        Variable(
            "our_page_summary",
            "text",
            say("What that page covers, as the words after 'It covers'."),
            "a quarterly link audit in twelve steps, with a worksheet",
            optional=True,
        ),
        Variable("their_domain", "text", say("The prospect's domain."), "growth-notes.example"),
        Variable(
            "their_page",
            "url",
            say("The page of theirs that the pitch is about."),
            "https://growth-notes.example/blog/audit",
        ),
        Variable("their_page_title", "text", say("That page's title."), "How we audit links", optional=True),
        Variable("topic", "text", say("What both pages are about."), "link audits", optional=True),
        Variable(
            "mention_quote",
            "text",
            say("Their sentence that names us without a link."),
            "Teams such as Acme Metrics do this.",
        ),
        Variable("linked_page", "url", say("The page that theirs links to today."), "https://old.example/audit"),
        Variable(
            "linked_fault",
            "text",
            say("What is wrong with it, as the words after 'That page'."),
            "answers 404 (not found)",
        ),
        Variable(
            "linked_broken",
            "text",
            say("Set where a reader who follows that link does not find what it promised."),
            "yes",
            optional=True,
        ),
        Variable(
            "coverage",
            "text",
            say("What their site covers and what was not found on it, with counts and a title."),
            'Since 1 June 2025 you have published 5 articles with "audit" in the title, the latest "How we audit links" '
            "(3 May 2026). Going by the titles and addresses of 148 of your pages, I found none that names disavow files",
            optional=True,
        ),
        Variable("lost_on", "text", say("The day on which their link to us was last seen."), "3 May 2026"),
        Variable(
            "loss",
            "text",
            say("When and how it was found to be gone, as the words after 'When I looked again'."),
            "on 5 May 2026, the page no longer had the link",
        ),
        Variable(
            "reason",
            "text",
            say("The concrete reason, in one clause; follow-ups repeat it."),
            "the page names Acme Metrics without a link",
        ),
        Variable(
            "first_subject",
            "text",
            say("The subject of the first message, without 'Re:'."),
            "Your mention of Acme Metrics",
        ),
        Variable("first_sent_on", "text", say("The day on which the first message was sent."), "12 May 2026"),
        Variable("sender_name", "text", say("Who signs."), "Ana Keller"),
        Variable(
            "sender_address",
            "text",
            say("The sender's postal address, on one line."),
            "Acme Ltd, 1 Example Street, Berlin",
        ),
        Variable(
            "opt_out",
            "text",
            say("The line that says how to stop mail; ours follows the language of the mail."),
            DEFAULT_OPT_OUT,
        ),
    )
}

# Fills the contract's list of facts, of which the body must state one.
EVIDENCE = ("mention_quote", "linked_fault", "coverage", "lost_on", "loss", "reason", "our_page_summary")

_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def clean_values(values: Mapping[str, object]) -> dict[str, str]:
    """The values as one-line texts; empty and missing ones are left out.

    Control characters, reordering marks and half surrogates are dropped and every run of white space becomes one space, so
    that no value can start a line, a header, a quotation or a signature of its own. Raises BadInput that names each field.
    """
    clean: dict[str, str] = {}
    problems = []
    for name, value in values.items():
        variable = VARIABLES.get(name)
        if variable is None:
            problems.append(
                FieldProblem(name, say("unknown variable; the variables are {names}", names=", ".join(VARIABLES)))
            )
        elif value is not None and type(value) is not str:
            problems.append(FieldProblem(name, say("must be text or null, not {error}", error=type(value).__name__)))
        elif value:
            text = " ".join(_CONTROL.sub("", value).split())
            problem = _fault(variable, text)
            if problem:
                problems.append(FieldProblem(name, problem))
            elif text:
                clean[name] = text
    if problems:
        raise BadInput(say("The data for the template cannot be used."), *problems)
    return clean


def _fault(variable: Variable, text: str) -> str | None:
    if variable.kind == "text":
        return f"has {len(text)} characters, at most {MAX_TEXT}" if len(text) > MAX_TEXT else None
    if not text:
        return None
    if len(text) > MAX_URL:
        return f"has {len(text)} characters, at most {MAX_URL}"
    try:
        parts = urlsplit(text)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.username
    except ValueError:
        good = False
    if not good or re.search(r"[\s<>\"{}|\\^`\[\]]", text):
        return f"must be an absolute http or https address without spaces or brackets, such as {variable.example}"
    return None
