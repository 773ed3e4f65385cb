"""Complaints: feedback reports (RFC 5965) and the older form in which a provider forwards the message with a note."""

from __future__ import annotations

from app.domain.inbound import InboundMail, Kind, Verdict
from app.domain.mail_tokens import addresses, clean_address, sender

_COMPLAINTS = frozenset(("abuse", "fraud", "virus", "other", "miscategorized", "complaint", "spam"))
_STAFF = frozenset(("staff@hotmail.com", "staff@outlook.com"))


def complaint(mail: InboundMail) -> Verdict | None:
    """A verdict when the message is a provider's report about our mail, else None."""
    if mail.feedback is not None:
        kind = mail.feedback.get("feedback-type", "abuse").strip().casefold()
        if kind.startswith(("opt-out", "unsubscribe")):
            return Verdict(Kind.OPT_OUT, "opt-out:feedback-report", reported=_reported(mail))
        if kind in _COMPLAINTS or not kind:
            return Verdict(Kind.COMPLAINT, "complaint:feedback-report", reported=_reported(mail))
        # not-spam, auth-failure (DMARC, DKIM) and others report without a person complaining.
        return Verdict(Kind.OTHER, "feedback-report:" + kind[:40])
    if mail.report_type == "feedback-report":
        return Verdict(Kind.COMPLAINT, "complaint:report-type", reported=_reported(mail))
    subject = mail.header("subject").casefold()
    _, address = sender(mail.header("from"))
    if (address or "").casefold() in _STAFF and "complaint" in subject:
        return Verdict(Kind.COMPLAINT, "complaint:provider-staff", reported=_reported(mail))
    if mail.has("x-hmxmroriginalrecipient") or mail.has("x-original-complaint"):
        return Verdict(Kind.COMPLAINT, "complaint:provider-header", reported=_reported(mail))
    # Reports of some providers came as a plain note with the message attached, under this fixed subject.
    if (
        subject.startswith(("complaint about message from", "fw: abuse report", "abuse report for"))
        and mail.original is not None
    ):
        return Verdict(Kind.COMPLAINT, "complaint:subject", reported=_reported(mail))
    return None


def _reported(mail: InboundMail) -> tuple[str, ...]:
    """The address that complained: named by the report, or the recipient of the returned message."""
    found: dict[str, None] = {}
    feedback = mail.feedback or {}
    for name in ("original-rcpt-to", "removal-recipient", "original-recipient"):
        address = clean_address(feedback.get(name, ""))
        if address:
            found[address] = None
    for value in mail.headers.get("x-hmxmroriginalrecipient", ()):
        address = clean_address(value)
        if address:
            found[address] = None
    if not found and mail.original is not None:
        to = [address for value in mail.original.get("to", ()) for address in addresses(value)]
        if len(to) == 1:
            found[to[0]] = None
    return tuple(found)
