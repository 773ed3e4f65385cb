"""The topic fit of prospects that are in the database: what a page says when it is read, and the page of ours that fits it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.db.work import UnitOfWork
from app.domain.language import LanguageSource, first_code
from app.domain.ranking import with_fit
from app.domain.said import say
from app.domain.topic_fit import FITS, FitUnknown, TopicFit
from app.gaps import kept
from app.gaps.judging import stored_fit
from app.languages import detect
from app.models import Page, Prospect, Site
from app.topics import TheirText, Topics, repeated

#: The beginning of a text says its language as well as all of it.
_BEGINNING = 2_000

# What stands before "the newest was taken": `app.domain.topic_fit.FIT_UNKNOWN` as the beginning of a sentence.
_UNFIT = {
    FitUnknown.NO_PAGES: say("There is no page of yours to compare with"),
    FitUnknown.NO_TEXT: say("There are too few words of theirs to compare"),
    FitUnknown.OTHER_LANGUAGE: say("No page of yours is in the language of theirs"),
    FitUnknown.LANGUAGE_UNKNOWN: say("The language of their page is not known, and too few words are shared"),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """The page of ours to offer: how well it fits, 0 to 100 (0: nothing is shared, or nobody can tell), and why as a sentence."""

    page: Page
    score: int
    why: str


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
    prospect.rank_key = with_fit(prospect.rank_key, prospect.fit)
    return found


def offer(
    site: Site, pages: Sequence[Page], prospect: Prospect, *, their_page: str | None = None, quote: str | None = None
) -> Offer | None:
    """The one of `pages` to offer a prospect; None without pages. Where nothing is shared it is the newest, and the sentence says so.

    `their_page` stands for the best page that the gap knows, `quote` is what their text says of us. A language that nobody
    knows is taken for the site's: where that is wrong, no words are shared.
    """
    for page in pages:
        # The gap has compared the whole page, in its own language.
        if page.id == prospect.fit_page_id and (prospect.fit or 0) >= FITS:
            return Offer(page, prospect.fit or 0, _because(prospect.fit_words))
    # Of equals the first wins, and that is to be the newest page, then the one that was added first.
    ranked = sorted(pages, key=lambda page: (-page.published_on.toordinal() if page.published_on else 0, page.id))
    if not ranked:
        return None
    context = " … ".join(part for part in (prospect.context, quote) if part)
    said = first_code(prospect.language) or detect(prospect.best_page_title, prospect.anchor, context)
    found = Topics(kept.texts_of(site, ranked)).fit(
        TheirText(
            prospect.best_page_title,
            prospect.anchor,
            context,
            their_page or prospect.best_page,
            prospect.target,
            tuple(prospect.page_words),
            said or first_code(site.language) or first_code(next(iter(site.languages), None)),
        )
    )
    if found.page is None:
        nothing = say("No page of yours shares a word with theirs")
        because = _UNFIT[found.unknown] if found.unknown is not None else nothing
        return Offer(ranked[0], 0, say("{why}; the newest was taken. Choose the page yourself", why=because))
    return Offer(next(page for page in ranked if str(page.id) == found.page), found.score or 0, _because(found.shared))


def _because(words: Sequence[str]) -> str:
    return say("Our page fits because both speak of {words}", words=", ".join(words[:3]))


def of_prospect(prospect: Prospect) -> TopicFit | None:
    """The fit as it is kept; None where nobody has compared anything yet."""
    if prospect.fit is None and prospect.fit_unknown is None:
        return None
    page = str(prospect.fit_page_id) if prospect.fit_page_id else None
    return stored_fit(prospect.fit, page, prospect.fit_words, prospect.fit_unknown)
