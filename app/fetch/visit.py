"""Looks at one page for our links and our name: fetches it, has it parsed, follows the links that may lead to us, judges."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from app.domain.link_target import Target
from app.domain.link_verdict import Finding, Followed, PageFacts, judge, judge_status, redirect_candidates
from app.domain.mention_verdict import MentionVerdict
from app.fetch.parsing import PageTooComplex, ParserPool, parser_pool
from app.fetch.ports import Fetched, Fetcher, NotFetched, Renderer, Validators

_AT_A_TIME = 5


@dataclass(frozen=True, slots=True)
class Visit:
    """One look at one page: the finding, the answer that it rests on, when (UTC), and the visible text where it was read."""

    finding: Finding
    answer: Fetched | NotFetched
    at: datetime
    text: str = ""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A page with a link to us as it was last read in full: its validators, its X-Robots-Tag header, and what was found."""

    validators: Validators
    robots: str
    finding: Finding


class Memory(Protocol):
    """Remembers pages for `visit`."""

    def recall(self, url: str) -> Remembered | None:
        """The page as it was, where that is recent enough for a server's "unchanged" to be believed."""

    def learn(self, url: str, answer: Fetched, finding: Finding) -> None:
        """Keep, or forget, what was found on a page that was read in full."""


def visit(
    fetcher: Fetcher,
    url: str,
    target: Target,
    *,
    brands: Sequence[str] = (),
    others: Sequence[str] = (),
    follow: bool = True,
    pool: ParserPool | None = None,
    memory: Memory | None = None,
    trust: bool = True,
    renderer: Renderer | None = None,
) -> Visit:
    """Look at `url` for links to `target` and for `brands`; `others` are names that contain ours but are not ours.

    With a `memory`, and unless `trust` is off, the server is asked whether the page has changed since it was last read; if it
    has not, the finding is the one of then (`Finding.unchanged_since`). With a `renderer`, a page that shows nothing without
    scripts is drawn.
    """
    known = memory.recall(url) if memory is not None and trust else None
    if known is not None and _still(known.finding, target):
        answer = fetcher.fetch(url, since=known.validators)
        if isinstance(answer, Fetched) and answer.status == 304 and answer.final_url == known.validators.url:
            header = robots_header(answer)
            # A 304 need not repeat the header (RFC 9110 15.4.5); one that says otherwise than then is no "unchanged".
            if not header or header == known.robots:
                finding = replace(known.finding, url=url, status=answer.status)
                return Visit(finding, answer, answer.fetched_at)
        if isinstance(answer, Fetched) and answer.status == 304:
            answer = fetcher.fetch(url)
    else:
        answer = fetcher.fetch(url)
    if isinstance(answer, NotFetched):
        finding = Finding(MentionVerdict.COULD_NOT_CHECK, url, answer.reason.value, answer.sentence)
        return Visit(finding, answer, answer.at)
    bad = judge_status(url, answer.final_url, answer.status)
    if bad is not None:
        return Visit(bad, answer, answer.fetched_at)
    try:
        facts = read(answer, target, pool, brands=brands)
    except PageTooComplex:
        finding = Finding(
            MentionVerdict.COULD_NOT_CHECK,
            url,
            "page-too-complex",
            "The page is built in a way that takes too long to read; look at it by hand.",
            status=answer.status,
            final_url=answer.final_url,
        )
        return Visit(finding, answer, answer.fetched_at)
    finding = judge(facts, target, brands=brands, others=others)
    if follow and not finding.links:
        followed = _follow(fetcher, facts, target, brands)
        if followed:
            finding = judge(facts, target, brands=brands, others=others, followed=followed)
    if renderer is not None and finding.reason == "needs-rendering":
        finding = _drawn(renderer, answer, finding, target, brands, others, pool)
    finding = replace(finding, url=url, status=answer.status)
    if memory is not None:
        memory.learn(url, answer, finding)
    return Visit(finding, answer, answer.fetched_at, facts.text)


def _drawn(
    renderer: Renderer,
    answer: Fetched,
    finding: Finding,
    target: Target,
    brands: Sequence[str],
    others: Sequence[str],
    pool: ParserPool | None,
) -> Finding:
    """What is to be seen when the scripts have run. It can prove that something is there, and never that it is not.

    A program shows what it likes to whom it likes, and not all that it asks for is fetched for it.
    """
    drawn = renderer.render(answer)
    if isinstance(drawn, NotFetched):
        return replace(finding, sentence=f"{finding.sentence} {drawn.sentence}")
    try:
        seen = judge(read(drawn, target, pool, brands=brands), target, brands=brands, others=others)
    except PageTooComplex:
        return finding
    if seen.verdict is MentionVerdict.LINKED:
        return replace(seen, rendered=True)
    if seen.verdict is MentionVerdict.UNLINKED_MENTION:
        return replace(seen, rendered=True, good_fetch=False)
    return replace(
        finding, sentence=f"{finding.sentence} With rendering, nothing of us was seen either.", rendered=True
    )


def read(
    answer: Fetched,
    target: Target = Target(),
    pool: ParserPool | None = None,
    *,
    brands: Sequence[str] | None = None,
) -> PageFacts:
    """The facts of a page that was fetched; with `brands`, only the links that a verdict needs. Raises PageTooComplex."""
    return (pool or parser_pool()).parse(
        answer.text,
        answer.final_url,
        robots_headers=answer.header("x-robots-tag"),
        wanted_hosts=target.hosts,
        cut=answer.truncated,
        about=(target, brands) if brands is not None else None,
    )


def _follow(fetcher: Fetcher, facts: PageFacts, target: Target, brands: Sequence[str]) -> dict[str, Followed]:
    def one(url: str) -> Followed:
        answer = fetcher.fetch(url, read="none", until=lambda hop: target.match(hop) is not None)
        if isinstance(answer, NotFetched):
            return Followed(problem=answer.sentence)
        return Followed(answer.final_url, tuple(hop.url for hop in answer.hops))

    candidates = redirect_candidates(facts, target, brands)
    if not candidates:
        return {}
    with ThreadPoolExecutor(max_workers=_AT_A_TIME, thread_name_prefix="gapbridge-follow") as threads:
        return dict(zip(candidates, threads.map(one, candidates), strict=True))


def robots_header(answer: Fetched) -> str:
    """What the X-Robots-Tag headers of an answer say, as one text."""
    return ", ".join(answer.header("x-robots-tag"))[:1_000]


def _still(remembered: Finding, target: Target) -> bool:
    """Whether each link that is remembered still counts as it did: our own pages and domains may have changed."""
    return bool(remembered.links) and all(target.match(link.final_url) == link.match for link in remembered.links)
