"""What folders are for: by the lists that servers of several makers send."""

from __future__ import annotations

import pytest

from app.mail.folder_names import MOST_FOLDERS, roles_of

GMAIL = [
    (r"\hasnochildren", "INBOX"),
    (r"\haschildren \noselect", "[Gmail]"),
    (r"\all \hasnochildren", "[Gmail]/Alle Nachrichten"),
    (r"\drafts \hasnochildren", "[Gmail]/Entwürfe"),
    (r"\sent \hasnochildren", "[Gmail]/Gesendet"),
    (r"\junk \hasnochildren", "[Gmail]/Spam"),
    (r"\flagged \hasnochildren", "[Gmail]/Markiert"),
    (r"\important \hasnochildren", "[Gmail]/Wichtig"),
    (r"\trash \hasnochildren", "[Gmail]/Papierkorb"),
    (r"\hasnochildren", "Kunden"),
]
CYRUS = [("", "INBOX"), ("", "INBOX.Archive"), ("", "INBOX.Archive.2026"), ("", "INBOX.Drafts"), ("", "INBOX.Sent"),
         ("", "INBOX.Trash"), ("", "INBOX.Junk"), ("", "INBOX.Press"), ("", "INBOX.Press.Archive")]  # fmt: skip
EXCHANGE = [("", "Inbox"), ("", "Archiv"), ("", "Entwürfe"), ("", "Gesendete Elemente"), ("", "Gelöschte Elemente"),
            ("", "Junk-E-Mail"), (r"\nonexistent", "Weg")]  # fmt: skip
FLAGGED = [("", "INBOX"), ("", "Archive"), (r"\archive", "Ablage"), (r"\sent", "Raus"), ("", "Sent")]


def roles(listed: list[tuple[str, str]], delimiter: str = "/") -> dict[str, str]:
    return {folder.name: folder.role for folder in roles_of((frozenset(f.split()), delimiter, n) for f, n in listed)}


def test_gmail_by_its_flags() -> None:
    found = roles(GMAIL)
    assert found == {
        "INBOX": "inbox",
        "[Gmail]/Alle Nachrichten": "all",
        "[Gmail]/Entwürfe": "drafts",
        "[Gmail]/Gesendet": "sent",
        "[Gmail]/Spam": "junk",
        "[Gmail]/Papierkorb": "trash",
        "Kunden": "other",
    }


def test_names_where_there_are_no_flags() -> None:
    found = roles(CYRUS, ".")
    assert (found["INBOX.Archive"], found["INBOX.Archive.2026"]) == ("archive", "archive")
    # Somebody's archive of something is no archive of the account.
    assert (found["INBOX.Press"], found["INBOX.Press.Archive"]) == ("other", "other")
    assert (found["INBOX.Drafts"], found["INBOX.Sent"], found["INBOX.Trash"]) == ("drafts", "sent", "trash")
    assert roles(EXCHANGE) == {
        "INBOX": "inbox",
        "Archiv": "archive",
        "Entwürfe": "drafts",
        "Gesendete Elemente": "sent",
        "Gelöschte Elemente": "trash",
        "Junk-E-Mail": "junk",
    }


def test_a_flag_beats_a_name() -> None:
    found = roles(FLAGGED)
    # The marked one is found first; what another mail program has made beside it holds our own mail, too.
    assert [name for name, role in found.items() if role == "sent"] == ["Raus", "Sent"]
    apple = roles([("", "INBOX"), (r"\sent", "Sent"), ("", "Sent Messages"), (r"\drafts", "Drafts"), ("", "Entwürfe")])
    assert (apple["Sent Messages"], apple["Entwürfe"]) == ("sent", "drafts")
    # Of archives there may be several.
    assert (found["Ablage"], found["Archive"]) == ("archive", "archive")


@pytest.mark.parametrize("delimiter", ["/", "", "."])
def test_the_inbox_comes_first_and_many_folders_are_cut(delimiter: str) -> None:
    listed = roles_of((frozenset[str](), delimiter, f"f{number}") for number in range(2 * MOST_FOLDERS))
    assert (listed[0].role, len(listed)) == ("inbox", MOST_FOLDERS)
