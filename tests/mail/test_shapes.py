"""Reports of failed deliveries in the shapes of many makers, with the replies of many servers, in several encodings."""

from collections import defaultdict

import pytest

from app.domain.inbound import classify
from app.inbox.parse import parse
from tests.mail.shapes import Sample, samples, strangers

BY_SHAPE: dict[str, list[Sample]] = defaultdict(list)
for _sample in samples():
    BY_SHAPE[_sample.name.partition("/")[0]].append(_sample)
for _sample in strangers():
    BY_SHAPE[f"strangers-{_sample.name.partition('/')[0]}-{_sample.expected}"].append(_sample)
BOUNCES = ("hard", "soft", "policy")
KINDS = {"none": ("reply",), "auto": ("auto-reply",), "other": ("other", "auto-reply")}


def test_there_are_enough() -> None:
    assert len(BY_SHAPE) >= 230
    assert sum(map(len, BY_SHAPE.values())) >= 3450
    assert len([sample for group in BY_SHAPE.values() for sample in group if "human" in sample.name]) >= 90


@pytest.mark.parametrize("shape", BY_SHAPE)
def test_is_read_as_what_it_is(shape: str) -> None:
    wrong = []
    for sample in BY_SHAPE[shape]:
        verdict = classify(parse(sample.raw))
        if sample.expected in BOUNCES:
            worst = verdict.bounce.worst if verdict.bounce else None
            found = str(worst.bounce_class) if worst else str(verdict.kind)
            named = sample.recipient is None or (
                verdict.bounce is not None and sample.recipient in verdict.bounce.recipients
            )
            if found != sample.expected or not named:
                wrong.append((sample.name, sample.expected, found, verdict.rule))
        elif str(verdict.kind) not in KINDS[sample.expected]:
            wrong.append((sample.name, sample.expected, str(verdict.kind), verdict.rule))
    assert wrong == []
