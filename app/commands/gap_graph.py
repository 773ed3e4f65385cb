"""`gapbridge gap discover`: linking domains out of Common Crawl's web graph, for sites that pay for no backlink tool."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands.gap import gap
from app.errors import BadInput


def attach(_cli: typer.Typer) -> None:
    """Add the command to the group `gap`."""
    gap.command("discover")(discover_command)


def discover_command(
    graph: Annotated[
        str,
        typer.Argument(
            help="A release: a folder, or the beginning of its files' names (path or URL), such as .../cc-main-2026-may-jun-jul-domain. "
            "Default: the one of the settings."
        ),
    ] = "",
    *,
    site: Annotated[
        list[str] | None, typer.Option(help="Only this site (number, name or domain); may be repeated. Default: all.")
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(help="No database: find who links to this domain and write the file; may be repeated."),
    ] = None,
    work: Annotated[
        Path | None, typer.Option(help="Folder for what is fetched and found. Default: discover in the data folder.")
    ] = None,
    restart: Annotated[bool, typer.Option(help="Begin anew where an earlier run was stopped.")] = False,
    keep: Annotated[bool, typer.Option(help="Keep the copy of fetched files for the next run.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Find who links to your competitors in one pass over the graph; a stopped run goes on where it was."""
    from app.container import Container
    from app.gaps import discoveries, service
    from app.gaps.webgraph.discover import discover
    from app.gaps.webgraph.files import find_release
    from app.settings import load_settings

    settings = load_settings()
    folder = work or settings.data_dir / "discover"
    if not graph and not settings.web_graph:
        raise BadInput("Give a graph, or set GAPBRIDGE_WEB_GRAPH.")
    release = find_release(graph or settings.web_graph)
    if target:
        with _progress(quiet=as_json) as report:
            found = discover(release, target, folder, report=report, restart=restart, keep=keep)
        _say(as_json, release.name, [_row(one.target, one.linking_domains, one.path) for one in found], [])
        return
    container = Container(settings)
    try:
        with container.db.read() as uow:
            wanted = service.targets_of_sites(uow, [service.site_by_text(uow, text) for text in site or []])
        with _progress(quiet=as_json) as report:
            found = discover(release, discoveries.targets_of(wanted), folder, report=report, restart=restart, keep=keep)
        files = {one.target: one.path for one in found if one.path is not None}
        refreshed, _imports = discoveries.feed(container.db, settings, wanted, files)
    finally:
        container.close()
    _say(as_json, release.name, [_row(one.target, one.linking_domains, one.path) for one in found], refreshed)
    if any("error" in one for one in refreshed):
        raise typer.Exit(1)


def _row(target: str, count: int, path: Path | None) -> dict[str, Any]:
    return {"target": target, "linking_domains": count, "file": str(path) if path else None}


def _say(as_json: bool, release: str, found: list[dict[str, Any]], refreshed: list[dict[str, Any]]) -> None:
    if as_json:
        typer.echo(json.dumps({"release": release, "targets": found, "sites": refreshed}, indent=2))
        return
    for one in found:
        known = f"{one['linking_domains']:,} linking domains" if one["file"] else "not in this graph"
        typer.echo(f"{one['target']}: {known}")
    for one in refreshed:
        if "error" in one:
            typer.echo(one["error"])
            continue
        counts = one["prospects"]
        typer.echo(f"Site {one['site']}: {one['gaps']:,} gaps, {counts['added']:,} prospects added, to be verified")


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on a terminal, a line every half minute elsewhere, nothing where the output is data."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if quiet:
        yield lambda _step, _done, _size: None
        return
    if not console.is_terminal:
        said: dict[str, float] = {}

        def line(step: str, done: int, size: int) -> None:
            if time.monotonic() - said.get(step, 0.0) >= 30:
                said[step] = time.monotonic()
                typer.echo(
                    f"{step}: {done >> 20:,} of {size >> 20:,} MB" if size else f"{step}: {done >> 20:,} MB", err=True
                )

        yield line
        return
    with Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=console
    ) as bars:
        tasks: dict[str, Any] = {}

        def bar(step: str, done: int, size: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=size or None)
            bars.update(tasks[step], completed=done)

        yield bar
