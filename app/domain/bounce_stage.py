"""At which point of the conversation a server refused, as reports print it: what was refused there says what it is about.

A refusal of the greeting or of MAIL FROM is about us, whatever its words are; one of RCPT TO is about the recipient; one of the
text is about the text. Plain `in` and `find` over the case-folded text: linear.
"""

from __future__ import annotations

from enum import StrEnum

from app.domain.bounce_words import phrases


class Stage(StrEnum):
    """The command that was answered."""

    GREETING = "greeting"
    SENDER = "sender"
    RECIPIENT = "recipient"
    CONTENT = "content"


# As Postfix, Exim, Sendmail, qmail, OpenSMTPD, the DragonFly agent, GMX and Google print it.
_MARKS: tuple[tuple[Stage, tuple[str, ...]], ...] = (
    (
        Stage.GREETING,
        phrases(
            """
            after initial connection | after ehlo | after helo | in reply to ehlo | in reply to helo | in reply to initial |
            refused to talk to me | >>> ehlo | >>> helo | like our ehlo | like our helo | after ehlo command | after helo command |
            after connection | greeting failed | my name was rejected | initial server greeting | after starttls | in reply to starttls |
            >>> starttls | after auth | in reply to auth
            """
        ),
    ),
    (
        Stage.SENDER,
        phrases(
            """
            after mail from | in reply to mail from | >>> mail from | like our mail from | after mail command | in response to mail from |
            sender was rejected | response to mail command | mail from command | (state 13) | does not like sender | failed on mail from
            """
        ),
    ),
    (
        Stage.RECIPIENT,
        phrases(
            """
            after rcpt to | in reply to rcpt to | >>> rcpt to | like our rcpt to | after rcpt command | in response to rcpt to |
            does not like recipient | response to rcpt command | rcpt to command | (state 14) | remote smtp server has rejected address
            """
        ),
    ),
    (
        Stage.CONTENT,
        phrases(
            """
            after end of data | after data | in reply to end of data | in reply to data | >>> data | >>> bdat | like our data |
            after data command | after i sent the message | after transfer of mail text | response to end of data | end of data command |
            failed on data command | (state 17) | (state 18) | after pipelined end of data | in reply to bdat
            """
        ),
    ),
)


def stage_of(text: str) -> Stage | None:
    """The first such mark in `text` (of which 8,000 characters are read), or None. Sendmail prints a later command that failed, too."""
    folded = " ".join(text[:8000].casefold().split())
    found: list[tuple[int, Stage]] = []
    for stage, marks in _MARKS:
        found += [(at, stage) for mark in marks if (at := folded.find(mark)) >= 0]
    return min(found, default=(0, None))[1]
