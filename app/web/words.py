"""Words that several pages have for the same reasons."""

from __future__ import annotations

from app.domain.pipeline import Event
from app.domain.topic_fit import FitUnknown
from app.web.i18n import mark

#: Why nobody can tell whether a page of ours fits.
FIT_WORDS = {
    FitUnknown.NO_PAGES.value: mark("you promote no page yet"),
    FitUnknown.NO_TEXT.value: mark("too few words of theirs are known"),
    FitUnknown.OTHER_LANGUAGE.value: mark("no page of yours is in their language"),
    FitUnknown.LANGUAGE_UNKNOWN.value: mark("their language is not known, and too few words are shared"),
}

#: What happened with a prospect, by the name that its history keeps.
EVENT_WORDS = {
    Event.MENTION_CHECKED.value: mark("Pages checked for a mention"),
    Event.PITCH_SENT.value: mark("Pitch sent"),
    Event.FOLLOW_UP_SENT.value: mark("Follow-up sent"),
    Event.LINK_SEEN.value: mark("Link seen"),
    Event.GIVE_UP.value: mark("Given up"),
    Event.REOPEN.value: mark("Reopened"),
    Event.LINK_LOST.value: mark("Link lost"),
    "added": mark("Added"),
    "agreed": mark("Agreed to link"),
    "answered": mark("Answered"),
    "block_cleared": mark("Stop lifted"),
    "contact_added": mark("Contact added"),
    "decision_taken_back": mark("Decision taken back"),
    "follow_up_put_off": mark("Follow-up put off"),
    "follow_up_queued": mark("Follow-up queued"),
    "give_up_taken_back": mark("Giving up taken back"),
    "hours_set": mark("Their hours set"),
    "lease_taken_over": mark("Taken over from a colleague"),
    "link_changed": mark("Link changed"),
    "link_gone": mark("One of several links gone"),
    "mail_received": mark("Mail received"),
    "mention_unchecked": mark("Pages could not be checked"),
    "outbox_cancelled": mark("Mail taken back"),
    "pinned": mark("Pinned"),
    "pitch_approved": mark("Pitch approved"),
    "pitch_edited": mark("Pitch edited"),
    "pitch_rendered": mark("Pitch written"),
    "pitch_undone": mark("Approval undone"),
    "pitch_withdrawn": mark("Pitch withdrawn"),
    "reasons_looked_for": mark("Reasons looked for"),
    "removal_taken_back": mark("Removal taken back"),
    "reply_classified": mark("Reply classified"),
    "reply_confirmed": mark("Confirmed as a reply"),
    "reply_sent": mark("Answer sent"),
    "send_again": mark("Sent again by a person"),
    "sequence_ended": mark("Sequence ended"),
    "sequence_moved": mark("Moved to another sequence"),
    "sequence_paused": mark("Sequence paused"),
    "sequence_resumed": mark("Sequence resumed"),
    "snooze_undone": mark("Snooze undone"),
    "snoozed": mark("Snoozed"),
    "stopped_by_domain": mark("Stopped by a reply from the same domain"),
    "unpinned": mark("Unpinned"),
}
