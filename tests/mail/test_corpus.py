"""Whole messages in the shapes that servers and people write; the folder is the kind, expected.json the details."""

import json
from pathlib import Path

import pytest

from app.domain.inbound import classify
from app.inbox.inspect import describe
from app.inbox.parse import parse
from app.inbox.wire import Parsed, dump, load

CORPUS = Path(__file__).parent / "corpus"
EXPECTED = json.loads((CORPUS / "expected.json").read_text())


def test_every_file_has_its_expectation() -> None:
    assert sorted(EXPECTED) == sorted(str(path.relative_to(CORPUS)) for path in CORPUS.rglob("*.eml"))
    assert len(EXPECTED) >= 90


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_says_what_it_is(name: str) -> None:
    mail = parse((CORPUS / name).read_bytes())
    parsed = Parsed(mail, classify(mail))
    found = describe(parsed)
    bounce = found["bounce"] or {}
    assert found["kind"] == name.split("/", maxsplit=1)[0], found["rule"]
    for key, expected in EXPECTED[name].items():
        value = bounce["class"] if key == "bounce_class" else bounce.get(key, found.get(key))
        assert value == expected, (key, found["rule"])
    assert load(dump(parsed)) == parsed
