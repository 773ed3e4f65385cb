"""Answers that are no text: an invitation, what a calendar says for somebody who was invited, and an emoji under our mail.

A person has pressed a button in every case, though calendars mark what they send as automatic; so these are asked before the responders.
"""

from __future__ import annotations

from app.domain.inbound import InboundMail, Kind, Verdict

# Methods of RFC 5546 3.2. PUBLISH and ADD are no answer to anybody, and a calendar refreshes by itself.
_INVITES = frozenset(("REQUEST", "COUNTER"))
_ANSWERS = frozenset(("REPLY", "CANCEL", "DECLINECOUNTER"))


def gesture(mail: InboundMail) -> Verdict | None:
    """A reply without a wish, for an invitation, its answer, or an emoji; None for everything else, as for an event sent to a list."""
    if mail.reaction:
        return Verdict(Kind.REPLY, "reply:reaction")
    if mail.has("list-id") or mail.has("list-unsubscribe"):
        return None
    if mail.calendar in _INVITES:
        return Verdict(Kind.REPLY, "reply:invitation")
    if mail.calendar in _ANSWERS:
        return Verdict(Kind.REPLY, "reply:calendar")
    return None
