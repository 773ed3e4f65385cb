"""`gapbridge link`: look at one page for a link to us, without a database."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from app.domain.link_target import Target
from app.domain.link_verdict import Finding, SeenLink
from app.domain.mention_verdict import MentionVerdict
from app.errors import BadInput
from app.fetch.client import GuardedFetcher
from app.fetch.ports import Fetched
from app.fetch.render import ChromiumRenderer
from app.fetch.urls import parse_url
from app.fetch.visit import Visit, visit
from app.settings import load_settings

NOT_SEEN = 1
COULD_NOT_CHECK = 3


def attach(cli: typer.Typer) -> None:
    """Add the group `link`."""
    group = typer.Typer(help="Look at other people's pages for links to us.")

    @group.callback()
    def _group() -> None:
        """Look at other people's pages for links to us."""

    group.command("check")(check)
    cli.add_typer(group, name="link")


def check(
    page: Annotated[str, typer.Option(help="URL of the page to look at.")],
    target: Annotated[
        list[str], typer.Option(help="A domain or the URL of one page that counts as ours; may be repeated.")
    ],
    brand: Annotated[
        list[str] | None, typer.Option(help="A name to look for in the visible text; may be repeated.")
    ] = None,
    other: Annotated[
        list[str] | None, typer.Option(help="A longer name that contains a brand but is not ours; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print whether a page links to the target, with rel, robots, canonical and anchor, or names the brand without a link.

    Exits with 0 when a link was seen, with 1 when it was not, and with 3 when the page could not be checked.
    """
    wanted = read_targets(target)
    brands = [name.strip() for name in brand or [] if name.strip()]
    address = _page(page)
    settings = load_settings()
    with GuardedFetcher.from_settings(settings) as fetcher:
        renderer = ChromiumRenderer.from_settings(settings, fetcher)
        seen = visit(fetcher, address, wanted, brands=brands, others=other or [], renderer=renderer)
    result = as_dict(seen, brands)
    if as_json:
        typer.echo(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        _print(result)
    if seen.finding.verdict is MentionVerdict.COULD_NOT_CHECK:
        raise typer.Exit(COULD_NOT_CHECK)
    if not seen.finding.links:
        raise typer.Exit(NOT_SEEN)


def _page(text: str) -> str:
    try:
        return str(parse_url(text.strip()))
    except ValueError as error:
        raise BadInput(f"--page: {error}. Give the full URL, such as https://example.com/article.") from error


def read_targets(values: list[str]) -> Target:
    """The target that command-line words mean: a URL with a path is one page, everything else is a domain. Raises BadInput."""
    domains: list[str] = []
    pages: list[str] = []
    for value in values:
        text = value.strip()
        try:
            url = parse_url(text if "://" in text else f"http://{text}")
        except ValueError as error:
            raise BadInput(f"--target: {error}. Give a domain (acme.com) or the URL of a page.") from error
        if url.path == "/" and not url.query:
            domains.append(url.host.name)
        else:
            pages.append(str(url))
    return Target(tuple(domains), tuple(pages))


def as_dict(seen: Visit, brands: list[str]) -> dict[str, Any]:
    """The finding as plain data; docs/how-to/check-a-link.md lists the fields."""
    finding = seen.finding
    verdict = finding.verdict.value
    if finding.verdict is MentionVerdict.NO_MENTION and not brands:
        verdict = "no-link"  # nobody asked for a name, so nothing is said about mentions
    return {
        "verdict": verdict,
        "page": finding.url,
        "final_url": finding.final_url or None,
        "status": finding.status,
        "redirects": [{"url": hop.url, "status": hop.status} for hop in seen.answer.hops],
        "checked_at": seen.at.isoformat(),
        "title": finding.title or None,
        "robots": list(finding.robots),
        "canonical": finding.canonical,
        "canonical_elsewhere": finding.canonical_elsewhere,
        "link": _link(finding.link) if finding.link else None,
        "links": len(finding.links),
        "mention": _mention(finding),
        "reason": finding.reason or None,
        "sentence": finding.sentence or None,
        "truncated": isinstance(seen.answer, Fetched) and seen.answer.truncated,
    }


def _link(link: SeenLink) -> dict[str, Any]:
    return {
        "url": link.url,
        "target": link.final_url,
        "via": list(link.via),
        "points_at": link.match,
        "rel": list(link.rel),
        "dofollow": link.follow,
        "kinds": list(link.kinds),
        "anchor": link.anchor,
        "image": link.image,
        "hidden": link.hidden,
        "context": link.surrounding,
    }


def _mention(finding: Finding) -> dict[str, str] | None:
    # Next to a link, or on a page that was not read in full, a mention is no finding of its own.
    if finding.mention is None or finding.verdict is not MentionVerdict.UNLINKED_MENTION:
        return None
    return {"name": finding.mention.name, "quote": finding.mention.quote}


def _print(result: dict[str, Any]) -> None:
    def line(name: str, value: object) -> None:
        typer.echo(f"{name + ':':12}{value}")

    line("verdict", result["verdict"])
    line("page", result["page"])
    if result["final_url"] not in {None, result["page"]}:
        line("read at", result["final_url"])
    if result["reason"]:
        line("reason", f"{result['reason']}: {result['sentence']}")
    link = result["link"]
    if link:
        line("link", link["url"])
        if link["target"] != link["url"]:
            line("leads to", link["target"])
        line("rel", " ".join(link["rel"]) or "-")
        line("followed", "yes" if link["dofollow"] else f"no ({', '.join(link['kinds'])})")
        line("anchor", (f"[image] {link['anchor']}" if link["image"] else link["anchor"]) or "-")
        if link["hidden"]:
            line("hidden", "yes, a style or attribute hides the link")
        line("context", link["context"] or "-")
    if result["mention"]:
        line("mention", result["mention"]["name"])
        line("quote", result["mention"]["quote"])
    if result["status"] is not None:
        line("robots", ", ".join(result["robots"]) or "-")
        elsewhere = " (another page)" if result["canonical_elsewhere"] else ""
        line("canonical", (result["canonical"] or "-") + elsewhere)
