"""The form in which the child hands its findings back: one JSON object, a plain mirror of `InboundMail` and `Verdict`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from app.domain.inbound import Bounce, BounceClass, Failure, InboundMail, Intent, Kind, Verdict, classify
from app.domain.inbound_auto import GROUP, LIST, SUBJECT
from app.domain.texts import storable


@dataclass(frozen=True, slots=True)
class Parsed:
    """What the child found in one message."""

    mail: InboundMail
    verdict: Verdict
    # What it is where it turns out to stand in a conversation of ours, by its subject say; None where that changes nothing.
    under_our_subject: Verdict | None = None


def judge(mail: InboundMail) -> Parsed:
    """The verdicts on a message."""
    verdict = classify(mail)
    ours = verdict.rule in (SUBJECT, LIST, GROUP)
    return Parsed(mail, verdict, classify(mail, own_subject=True) if ours else None)


def dump(parsed: Parsed) -> bytes:
    """As JSON bytes; lone surrogates, which UTF-8 cannot carry, are escaped by JSON itself."""
    return json.dumps(asdict(parsed), default=_plain).encode("ascii")


def _plain(value: object) -> object:
    if isinstance(value, date):  # a datetime, too
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place on the wire")


def load(data: bytes) -> Parsed:
    """The reverse of `dump`. Raises ValueError or KeyError when the child was not itself any more."""
    found: dict[str, Any] = _cleaned(json.loads(data))
    other = found["under_our_subject"]
    return Parsed(_mail(found["mail"]), _verdict(found["verdict"]), _verdict(other) if other is not None else None)


def _cleaned(value: Any) -> Any:
    """Every text of it storable: a stranger may have written a lone surrogate into any of them."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    return {_cleaned(name): _cleaned(one) for name, one in value.items()} if isinstance(value, dict) else value


def _mail(raw: dict[str, Any]) -> InboundMail:
    original = raw["original"]
    return InboundMail(
        headers={name: tuple(values) for name, values in raw["headers"].items()},
        content_type=raw["content_type"],
        report_type=raw["report_type"],
        part_types=tuple(raw["part_types"]),
        text=raw["text"],
        new_text=raw["new_text"],
        report=tuple(raw["report"]),
        feedback=raw["feedback"],
        original=None if original is None else {name: tuple(values) for name, values in original.items()},
        date=datetime.fromisoformat(raw["date"]) if raw["date"] else None,
        limits=tuple(raw["limits"]),
        quoted=tuple(raw["quoted"]),
        calendar=raw["calendar"],
        reaction=raw["reaction"],
    )


def _verdict(raw: dict[str, Any]) -> Verdict:
    bounce = raw["bounce"]
    return Verdict(
        kind=Kind(raw["kind"]),
        rule=raw["rule"],
        bounce=None if bounce is None else Bounce(tuple(_failure(entry) for entry in bounce["failures"])),
        returns_on=date.fromisoformat(raw["returns_on"]) if raw["returns_on"] else None,
        intent=Intent(raw["intent"]) if raw["intent"] else None,
        reported=tuple(raw["reported"]),
        ticket=raw["ticket"],
    )


def _failure(raw: dict[str, Any]) -> Failure:
    return Failure(raw["recipient"], BounceClass(raw["bounce_class"]), raw["status"], raw["diagnostic"], raw["action"])
