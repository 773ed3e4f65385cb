"""The topic fit of prospects that are in the database: what a page says when it is read, and the page of ours that fits it."""

from __future__ import annotations

from collections.abc import Iterable

from app.db.work import UnitOfWork
from app.domain.language import LanguageSource, first_code
from app.domain.topic_fit import TopicFit
from app.gaps import kept
from app.gaps.judging import stored_fit
from app.languages import detect
from app.models import Prospect, Site
from app.topics import TheirText, Topics, repeated

#: The beginning of a text says its language as well as all of it.
_BEGINNING = 2_000


def page_was_read(uow: UnitOfWork, prospect: Prospect, *, lang: str, text: str) -> None:
    """Keep what the best page of a prospect said when it was read, and fit it anew.

    `lang` is the page's own mark. Where its text is for certain in another language, the text is right: readers read that.
    """
    seen, marked = detect(text[:_BEGINNING]), first_code(lang)
    language = seen or marked
    if language is not None:
        prospect.page_language = prospect.language = language
        prospect.language_source = LanguageSource.PAGE if marked == language else LanguageSource.DETECTED
    prospect.page_words = list(repeated(text, language))
    refit(uow, prospect)


def refit(uow: UnitOfWork, prospect: Prospect) -> TopicFit:
    """Find the page of ours that fits a prospect, and keep it with its words, or the reason why nobody can tell."""
    site = uow.session.get_one(Site, prospect.site_id)
    return _refit(Topics(kept.our_texts(uow, site)), prospect)


def refit_all(uow: UnitOfWork, site: Site, prospects: Iterable[Prospect]) -> None:
    """The same for several prospects of one site."""
    topics = Topics(kept.our_texts(uow, site))
    for prospect in prospects:
        _refit(topics, prospect)


def _refit(topics: Topics, prospect: Prospect) -> TopicFit:
    found = topics.fit(
        TheirText(
            prospect.best_page_title,
            prospect.anchor,
            prospect.context,
            prospect.best_page,
            prospect.target,
            tuple(prospect.page_words),
            prospect.language,
        )
    )
    prospect.fit, prospect.fit_words = found.score, list(found.shared[:8])
    prospect.fit_page_id = int(found.page) if found.page else None
    prospect.fit_unknown = found.unknown.value if found.unknown else None
    return found


def of_prospect(prospect: Prospect) -> TopicFit | None:
    """The fit as it is kept; None where nobody has compared anything yet."""
    if prospect.fit is None and prospect.fit_unknown is None:
        return None
    page = str(prospect.fit_page_id) if prospect.fit_page_id else None
    return stored_fit(prospect.fit, page, prospect.fit_words, prospect.fit_unknown)
