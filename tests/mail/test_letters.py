"""Answers of people and machines in eighteen languages and eight mail programs: their kind, their wish, and what is new in them."""

from collections import Counter, defaultdict
from datetime import date

import pytest

from app.domain.inbound import Kind, Verdict, classify
from app.inbox.parse import parse
from tests.mail.letters import Letter, letters

BY_GROUP: dict[str, list[Letter]] = defaultdict(list)
for _letter in letters():
    BY_GROUP[f"{_letter.name.partition('/')[0]}/{_letter.label.partition(':')[0]}"].append(_letter)


def found(verdict: Verdict) -> str:
    if verdict.kind is Kind.AUTO_REPLY:
        return "ticket" if verdict.ticket else "away"
    if verdict.kind is Kind.OTHER:
        return "list"
    return str(verdict.intent or "reply") if verdict.kind is Kind.REPLY else str(verdict.kind)


def test_there_are_enough() -> None:
    counts = Counter(letter.label.partition(":")[0] for group in BY_GROUP.values() for letter in group)
    assert sum(counts.values()) >= 850
    assert len({name.partition("/")[0] for name in BY_GROUP}) >= 18
    assert counts["away"] >= 50
    assert counts["ticket"] >= 20


@pytest.mark.parametrize("group", BY_GROUP)
def test_says_what_it_is(group: str) -> None:
    wrong = []
    for letter in BY_GROUP[group]:
        verdict = classify(parse(letter.raw))
        label, _, day = letter.label.partition(":")
        right = verdict.kind is Kind.REPLY if label == "person" else found(verdict) == label
        back = date.fromisoformat(day) if day not in ("", "-") else None
        if not right or verdict.returns_on != back:
            wrong.append((letter.name, letter.label, found(verdict), verdict.returns_on, verdict.rule))
    assert wrong == []


@pytest.mark.parametrize("group", [name for name in BY_GROUP if not name.startswith("machine/")])
def test_only_what_is_new_is_kept(group: str) -> None:
    got = {letter.name: parse(letter.raw).new_text for letter in BY_GROUP[group]}
    assert got == {letter.name: letter.text for letter in BY_GROUP[group]}
