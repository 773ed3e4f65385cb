"""Words that several pages have for the same reasons."""

from __future__ import annotations

from app.domain.topic_fit import FitUnknown
from app.web.i18n import mark

#: Why nobody can tell whether a page of ours fits.
FIT_WORDS = {
    FitUnknown.NO_PAGES.value: mark("you promote no page yet"),
    FitUnknown.NO_TEXT.value: mark("too few words of theirs are known"),
    FitUnknown.OTHER_LANGUAGE.value: mark("no page of yours is in their language"),
    FitUnknown.LANGUAGE_UNKNOWN.value: mark("their language is not known, and too few words are shared"),
}
