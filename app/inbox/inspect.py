"""What `gapbridge mail inspect` prints about one message: the findings of the ingest's own parser, nothing stored."""

from __future__ import annotations

from typing import Any

from app.domain.inbound import Bounce
from app.inbox.wire import Parsed


def describe(parsed: Parsed) -> dict[str, Any]:
    """A JSON object: kind, rule, bounce, returns_on (ISO date), intent, text, and the limits that were broken."""
    verdict = parsed.verdict
    return {
        "kind": str(verdict.kind),
        "rule": verdict.rule,
        "bounce": _bounce(verdict.bounce) if verdict.bounce is not None else None,
        "returns_on": verdict.returns_on.isoformat() if verdict.returns_on else None,
        "intent": str(verdict.intent) if verdict.intent else None,
        "text": parsed.mail.new_text,
        "reported": list(verdict.reported),
        "limits": list(parsed.mail.limits),
    }


def _bounce(bounce: Bounce) -> dict[str, Any]:
    worst = bounce.worst
    return {
        "permanent": bounce.permanent,
        "recipients": list(bounce.recipients),
        "status": worst.status if worst else None,
        "diagnostic": worst.diagnostic if worst else None,
        "class": str(worst.bounce_class) if worst else None,
        "failures": [
            {
                "recipient": failure.recipient,
                "class": str(failure.bounce_class),
                "status": failure.status,
                "diagnostic": failure.diagnostic,
                "action": failure.action,
            }
            for failure in bounce.failures
        ],
    }
