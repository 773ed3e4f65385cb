"""What the pages call the names that are stored: none of them is shown as it is."""

from __future__ import annotations

import re
from pathlib import Path

from app.domain import link_verdict
from app.fetch.ports import Reason
from app.web.words import NAMES


def test_every_reason_for_which_a_page_was_not_read_has_words() -> None:
    words = NAMES["why unread"]
    assert {one.value for one in Reason} <= set(words)
    source = Path(link_verdict.__file__).read_text()
    judged = set(re.findall(r'reason, sentence = "([a-z-]+)"', source)) | set(
        re.findall(r'_unchecked\(\s*\w+, "([a-z-]+)"', source)
    )
    assert len(judged) >= 6
    assert judged | {link_verdict.COLLAPSED} <= set(words)
