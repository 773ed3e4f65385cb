"""The keys of the pages: one list for the page that names them, the docs and the tests. One key means one thing everywhere."""

from __future__ import annotations

from app.web.i18n import mark

Rows = tuple[tuple[str, str], ...]

EVERYWHERE: Rows = (
    ("g t", mark("Today")),
    ("g q", mark("Queue")),
    ("g o", mark("Outbox")),
    ("g i", mark("Inbox")),
    ("g p", mark("Pipeline")),
    ("g a", mark("Gap review")),
    ("g l", mark("Links")),
    ("g r", mark("Reports")),
    ("/", mark("Search")),
    ("Ctrl+K", mark("Search, from inside a field, too")),
    ("j k", mark("Next, previous in the list")),
    ("o", mark("Open their page in a new tab")),
    ("n", mark("Write a note about the open prospect")),
    ("z", mark("Take the last decision back")),
    ("Esc", mark("Leave a field, close a dialog")),
    ("?", mark("This list")),
)
QUEUE: Rows = (
    ("a", mark("Approve and next; where there is no draft yet, write it")),
    ("Ctrl+Enter", mark("Approve and next, from inside the text, too")),
    ("1 to 4", mark("Choose the pitch")),
    ("c", mark("Write in the message")),
    ("s", mark("Skip: then a digit for the reason")),
    ("Shift+S", mark("Not me: leave it to others")),
    ("h", mark("Snooze: then a digit for the time")),
    ("m", mark("Go to the evidence of the mention")),
    ("Shift+A", mark("Approve several")),
)
GAP: Rows = (
    ("x", mark("Select the domain that has the focus")),
    ("Shift+\u2193", mark("Select it and the next one")),
    ("a", mark("Add what is selected to the queue")),
    ("Shift+A", mark("Add everything in view to the queue")),
)
INBOX: Rows = (
    ("1 to 6", mark("Store what they want")),
    ("7 8", mark("Choose unsubscribe or bounce: Enter stores it, for good")),
    ("r", mark("Write the answer")),
    ("Ctrl+Enter", mark("Send the answer")),
    ("e", mark("Done: nothing more is to be done")),
    ("h", mark("Snooze: then a digit for the time")),
    ("w", mark("Won: look for the link")),
    ("l", mark("Lost: then a digit for the reason")),
)
GROUPS: tuple[tuple[str, Rows], ...] = (
    (mark("Everywhere"), EVERYWHERE),
    (mark("In the queue"), QUEUE),
    (mark("In the gap review"), GAP),
    (mark("In the inbox"), INBOX),
)
