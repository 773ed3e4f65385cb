"""Notices of failed deliveries as JSON: what Amazon SES has published to a topic that is subscribed by mail.

Source: "Amazon SNS notification contents for Amazon SES" (types Bounce, Complaint, Delivery; bounceType Permanent, Transient,
Undetermined; bouncedRecipients with emailAddress, status, action, diagnosticCode).
"""

from __future__ import annotations

import json
from typing import Any

from app.domain.bounce_class import class_of, why
from app.domain.bounce_text import status_in
from app.domain.inbound import Bounce, BounceClass, Failure, InboundMail, Kind, Verdict
from app.domain.mail_tokens import clean_address, sender

_MOST = 100


def provider_notification(mail: InboundMail) -> Verdict | None:
    """A verdict for such a notice from a machine's address, else None."""
    text = mail.text.lstrip()
    if not text.startswith("{") or '"notificationType"' not in text[:16000]:
        return None
    local = (sender(mail.header("from"))[1] or "").partition("@")[0].casefold()
    if not local.startswith(("no-reply", "noreply", "mailer-daemon")):
        return None
    try:
        # The service appends lines for people behind the object, and servers on the way break long lines in its strings.
        told, _ = json.JSONDecoder(strict=False).raw_decode(text[:65536])
    except (ValueError, RecursionError):
        return None
    kind = told.get("notificationType") if isinstance(told, dict) else None
    if kind == "Bounce":
        return _bounced(_object(told.get("bounce")))
    if kind == "Complaint":
        people = _list(_object(told.get("complaint")).get("complainedRecipients"))
        found = tuple(address for entry in people if (address := _address(_object(entry))))
        return Verdict(Kind.COMPLAINT, "complaint:notification", reported=found)
    return Verdict(Kind.OTHER, "delivery-notice") if kind == "Delivery" else None


def _bounced(bounce: dict[str, Any]) -> Verdict:
    lasting = {"Permanent": True, "Transient": False}.get(str(bounce.get("bounceType")))
    failures = []
    for entry in _list(bounce.get("bouncedRecipients")):
        one = _object(entry)
        said = str(one.get("diagnosticCode") or "").partition(";")[2].strip() or str(one.get("diagnosticCode") or "")
        status = status_in(str(one.get("status") or ""), bare=True)[0] or status_in(said)[0]
        evidence = f"{said} {bounce.get('bounceSubType') or ''}"
        bounce_class = class_of(status, status_in(said)[1], evidence)
        if lasting is False and bounce_class is BounceClass.HARD:
            bounce_class = BounceClass.SOFT
        if lasting and (status or "5.0.0").endswith(".0.0") and why(evidence, coded=True) is None:
            # The service says what nobody else does.
            bounce_class = BounceClass.HARD
        failures.append(
            Failure(_address(one), bounce_class, status, said[:1000] or None, str(one.get("action") or "") or None)
        )
    if not failures:
        failures = [Failure(None, BounceClass.SOFT if lasting is False else BounceClass.HARD)]
    return Verdict(Kind.BOUNCE, "bounce:notification", Bounce(tuple(failures)))


def _address(entry: dict[str, Any]) -> str | None:
    return clean_address(str(entry.get("emailAddress") or ""))


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value[:_MOST] if isinstance(value, list) else []
