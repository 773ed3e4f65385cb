"""The four outcomes of a mention check; 'not checked' is the absence of one."""

from __future__ import annotations

from enum import StrEnum


class MentionVerdict(StrEnum):
    """What a look at a prospect's pages found. `could-not-check` is never shown as `no-mention`."""

    LINKED = "linked"
    UNLINKED_MENTION = "unlinked-mention"
    NO_MENTION = "no-mention"
    COULD_NOT_CHECK = "could-not-check"
