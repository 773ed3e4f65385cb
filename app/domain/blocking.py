"""What stops a conversation: the kinds of blocking event, and the strength of each."""

from __future__ import annotations

from enum import StrEnum


class Blocking(StrEnum):
    """An event on a prospect after which no follow-up may leave."""

    REPLY = "reply"
    POSSIBLE_REPLY = "possible_reply"
    UNSUBSCRIBE = "unsubscribe"
    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    LINK_SEEN = "link_seen"
    GIVEN_UP = "given_up"
    STAFF_STOP = "staff_stop"


# A possible reply only pauses: a person says whether it is one. The others end the sequence.
PAUSES = frozenset({Blocking.POSSIBLE_REPLY})
ENDS = frozenset(Blocking) - PAUSES
