"""Which folders are read for answers: by their role, by what was learned, and by what a person says."""

from __future__ import annotations

import pytest

from app.domain.folders import MOST_EXTRA, Place, Watch, Why, reading_order, why_watched


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (Place("INBOX", "inbox"), Why.INBOX),
        (Place("INBOX", "inbox", Watch.NEVER), Why.INBOX),
        (Place("Junk", "junk"), Why.JUNK),
        (Place("Junk", "junk", Watch.NEVER), None),
        (Place("Archive", "archive"), Why.ARCHIVE),
        (Place("Archive", "archive", Watch.NEVER), None),
        (Place("All Mail", "all"), Why.ALL),
        (Place("Clients", "other"), None),
        (Place("Clients", "other", learned=True), Why.LEARNED),
        (Place("Clients", "other", Watch.NEVER, learned=True), None),
        (Place("Clients", "other", Watch.ALWAYS), Why.CHOSEN),
        (Place("Trash", "trash"), None),
        (Place("Trash", "trash", learned=True), Why.LEARNED),
        (Place("Sent", "sent", Watch.ALWAYS, learned=True), None),
        (Place("Drafts", "drafts", Watch.ALWAYS, learned=True), None),
    ],
)
def test_why_a_folder_is_read(place: Place, why: Why | None) -> None:
    assert why_watched(place) is why


def test_the_surest_come_first_and_the_newest_archives_of_many() -> None:
    years = [Place(f"Archives/{year}", "archive") for year in range(1990, 2027)]
    places = [*years, Place("Clients", "other", learned=True), Place("Junk", "junk"), Place("INBOX", "inbox")]
    order = reading_order(places)
    assert order[:3] == [("INBOX", Why.INBOX), ("Junk", Why.JUNK), ("Clients", Why.LEARNED)]
    assert order[3] == ("Archives/2026", Why.ARCHIVE)
    assert len(order) == 2 + MOST_EXTRA
