"""Looks at one page for our links and our name: fetches it, has it parsed, follows the links that may lead to us, judges."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.link_verdict import (
    Finding,
    Followed,
    PageFacts,
    Target,
    judge,
    judge_status,
    redirect_candidates,
)
from app.domain.mention_verdict import MentionVerdict
from app.fetch.parsing import PageTooComplex, ParserPool, parser_pool
from app.fetch.ports import Fetched, Fetcher, NotFetched

_AT_A_TIME = 5


@dataclass(frozen=True, slots=True)
class Visit:
    """One look at one page: the finding, the answer that it rests on, and when (UTC)."""

    finding: Finding
    answer: Fetched | NotFetched
    at: datetime


def visit(
    fetcher: Fetcher,
    url: str,
    target: Target,
    *,
    brands: Sequence[str] = (),
    others: Sequence[str] = (),
    follow: bool = True,
    pool: ParserPool | None = None,
) -> Visit:
    """Look at `url` for links to `target` and for `brands`; `others` are names that contain ours but are not ours."""
    answer = fetcher.fetch(url)
    if isinstance(answer, NotFetched):
        finding = Finding(MentionVerdict.COULD_NOT_CHECK, url, answer.reason.value, answer.sentence)
        return Visit(finding, answer, answer.at)
    bad = judge_status(url, answer.final_url, answer.status)
    if bad is not None:
        return Visit(bad, answer, answer.fetched_at)
    try:
        facts = read(answer, target, pool)
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
        finding = judge(facts, target, brands=brands, others=others, followed=followed)
    return Visit(replace(finding, url=url, status=answer.status), answer, answer.fetched_at)


def read(answer: Fetched, target: Target = Target(), pool: ParserPool | None = None) -> PageFacts:
    """The facts of a page that was fetched. Raises PageTooComplex."""
    return (pool or parser_pool()).parse(
        answer.text,
        answer.final_url,
        robots_headers=answer.header("x-robots-tag"),
        wanted_hosts=target.hosts,
        cut=answer.truncated,
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
