"""Reads the pages that a reason is looked for on: the one that is linked, ours, and a site's lists of its pages.

Every request counts against one budget, and every page that was asked for is noted with its outcome. Nothing here raises for
what a page does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from app.domain.angle_coverage import Article, Topic
from app.domain.angle_evidence import DateSource, Look, Outline, SeenDate, newest
from app.domain.link_target import page_key, unmarked_key
from app.fetch.listing import Listing
from app.fetch.parsing import PageTooComplex, parser_pool
from app.fetch.ports import Fetched, Fetcher
from app.fetch.whereabouts import feed_of, sitemap_of
from app.keys import site_key
from app.languages import detect
from app.topics import subject_words

_PARTS = 2
_SECTIONS = 2
_DATED = 3
_NOT_ARTICLES = frozenset(
    {"tag", "tags", "category", "author", "page", "search", "login", "wp-content", "cart", "privacy"}
)


@dataclass(slots=True)
class Reader:
    """Fetches within `budget` requests. `pages` says what became of each, `sitemaps` which the robots.txt of an origin names."""

    fetcher: Fetcher
    budget: int
    pages: list[dict[str, Any]] = field(default_factory=list)
    sitemaps: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def sitemap(self, origin: str) -> str:
        """Where the sitemap of a site lies, by what was seen of its robots.txt."""
        return sitemap_of(self.sitemaps.get(origin, ()), origin)

    @property
    def left(self) -> int:
        """Requests that may still be made."""
        return self.budget - len(self.pages)

    def page(self, url: str, kind: str) -> Look:
        """One web page with its outline; over the budget the answer is the problem `budget`."""
        if self.left <= 0:
            return Look(url, problem="budget")
        answer = self.fetcher.fetch(url)
        if not isinstance(answer, Fetched):
            self._note(url, kind, None, answer.reason.value)
            return Look(url, problem=answer.reason.value, moved=bool(answer.hops))
        self.sitemaps[origin_of(answer.final_url)] = answer.sitemaps
        look = Look(url, answer.status, None, answer.final_url, bool(answer.hops))
        if answer.status != 200:
            self._note(url, kind, answer.status, None)
            return look
        try:
            outline = parser_pool().outline(answer.text, answer.final_url, headers=answer.headers, cut=answer.truncated)
        except PageTooComplex:
            self._note(url, kind, answer.status, "page-too-complex")
            return look
        self._note(url, kind, answer.status, None)
        lang = outline.lang or detect(outline.title, outline.text[:2_000]) or ""
        return replace(look, outline=replace(outline, lang=lang))

    def listing(self, url: str, kind: str) -> Listing | None:
        """A feed or sitemap; None when there is none, or it cannot be read."""
        if self.left <= 0:
            return None
        answer = self.fetcher.fetch(url, read="any")
        if not isinstance(answer, Fetched):
            self._note(url, kind, None, answer.reason.value)
            return None
        if answer.status != 200:
            self._note(url, kind, answer.status, None)
            return None
        try:
            found = parser_pool().listing(answer.text, answer.final_url, cut=answer.truncated)
        except PageTooComplex:
            self._note(url, kind, answer.status, "page-too-complex")
            return None
        self._note(url, kind, answer.status, "no-list" if found.kind == "none" else None)
        return found if found.kind != "none" else None

    def _note(self, url: str, kind: str, status: int | None, problem: str | None) -> None:
        self.pages.append({"url": url, "kind": kind, "status": status, "problem": problem})


def with_sitemap_date(reader: Reader, look: Look) -> Look:
    """The page with the date that its site's sitemap gives it, where the page itself shows none."""
    outline = look.outline
    if outline is None or newest(outline.dates) is not None or reader.left <= 0:
        return look
    found = reader.listing(reader.sitemap(origin_of(look.final_url)), "sitemap")
    key = page_key(look.final_url)
    for entry in found.entries if found is not None else ():
        on, source = entry.article.on, entry.article.source
        if on is not None and source is DateSource.SITEMAP and page_key(entry.article.url) == key:
            return replace(look, outline=replace(outline, dates=(SeenDate(on, source),)))
    return look


def links_to(page: Outline, target: str) -> bool:
    """Whether a page links to `target`, apart from what is only told of the way there (`utm_source`, `ref`).

    Any other parameter may name the page (`?p=4711`).
    """
    wanted = unmarked_key(target)
    return any(unmarked_key(url) == wanted for url, _ in page.links)


@dataclass(frozen=True, slots=True)
class SitePages:
    """The pages of a site that were found, and the language that it names (empty: none)."""

    articles: tuple[Article, ...]
    language: str


def read_site(reader: Reader, domain: str, start: str, topic: Topic) -> SitePages:
    """What a site publishes: its feed, its sitemap, and section pages that are about one of the words that `topic` shares.

    Articles on a shared word without a date are opened for their date, newest address first, while the budget lasts.
    """
    origin = origin_of(start)
    found: list[Article] = []
    front = reader.page(f"{origin}/", "front")
    outline = front.outline
    language = outline.lang if outline is not None else ""
    listed = reader.listing(feed_of(outline.feeds if outline is not None else (), origin), "feed")
    if listed is not None:
        found += [entry.article for entry in listed.entries]
        language = language or listed.language
    found += sitemap_articles(reader, reader.sitemap(origin))
    if outline is not None:
        found += _linked(outline, domain, topic)
        for url in _sections(outline, domain, topic)[:_SECTIONS]:
            section = reader.page(url, "section")
            if section.outline is not None:
                found += _linked(section.outline, domain, topic)
                language = language or section.outline.lang
    ours = [one for one in found if site_key(one.url) == domain]
    return SitePages((*ours, *_dated(reader, ours, topic)), language)


def sitemap_articles(reader: Reader, url: str) -> list[Article]:
    """The pages of a sitemap; of an index the newest parts, as far as they lie on the same site."""
    listed = reader.listing(url, "sitemap")
    if listed is None:
        return []
    found = [entry.article for entry in listed.entries]
    own = site_key(url)
    for part in [one for one in listed.parts if site_key(one) == own][:_PARTS]:
        more = reader.listing(part, "sitemap")
        if more is not None:
            found += [entry.article for entry in more.entries]
    return found


def origin_of(url: str) -> str:
    """Scheme and host of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _linked(outline: Outline, domain: str, topic: Topic) -> list[Article]:
    """The articles that a page links to, by the look of their addresses: more than one word in the last part."""
    found = []
    for url, words in outline.links:
        parts = [part for part in urlsplit(url).path.lower().split("/") if part]
        told = len(subject_words(words, topic.language)) >= 2
        if parts and told and site_key(url) == domain and not _NOT_ARTICLES & set(parts):
            found.append(Article(url, words[:300]))
    return found


def _tells(topic: Topic, *texts: str) -> bool:
    """Whether an address or a text has a word that both sides share."""
    return any(topic.shared & subject_words(text, topic.language).keys() for text in texts)


def _sections(outline: Outline, domain: str, topic: Topic) -> list[str]:
    """Pages that lists of articles on a shared word are likely to stand on: a short address with that word."""
    found: dict[str, None] = {}
    for url, words in outline.links:
        parts = [part for part in urlsplit(url).path.split("/") if part]
        short = 1 <= len(parts) <= 2 and len(words.split()) <= 3
        if short and site_key(url) == domain and _tells(topic, url, words):
            found.setdefault(url.partition("#")[0])
    return list(found)


def _dated(reader: Reader, articles: Sequence[Article], topic: Topic) -> list[Article]:
    """Articles on a shared word of which no publication date is known yet, opened for it."""
    known = {
        page_key(one.url) for one in articles if one.on is not None and one.source is DateSource.FEED and one.title
    }
    wanted = [one for one in articles if page_key(one.url) not in known and _tells(topic, one.url, one.title)]
    wanted.sort(key=lambda one: one.on.toordinal() if one.on else 0, reverse=True)
    found: list[Article] = []
    for url in dict.fromkeys(one.url for one in wanted):
        if len(found) >= _DATED or reader.left <= 0:
            break
        look = reader.page(url, "article")
        if look.outline is None:
            continue
        published = [
            one
            for one in look.outline.dates
            if one.source in (DateSource.SCHEMA_PUBLISHED, DateSource.META_PUBLISHED, DateSource.TIME)
        ]
        # The first that the page shows: later ones are those of comments and of other articles.
        if published:
            found.append(Article(url, look.outline.title, published[0].day, published[0].source))
    return found
