"""What the demo shows: a progress bar with the step and the share that is done, lines that stay, and the final tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.sandbox.ledger import Balance

# In a file or a pipe there is no edge to fold at.
_PLAIN_WIDTH = 220
_WIDE = 150


@dataclass(frozen=True, slots=True)
class PathLine:
    """One prospect in the final table: its part in the world, its stages in order, and how it ended."""

    domain: str
    part: str
    path: tuple[str, ...]
    end: str
    mails: int


class Screen:
    """A console with a progress bar; on anything but a terminal only the lines are printed. A context manager."""

    def __init__(self, steps: int, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        if not self.console.is_terminal:
            self.console.width = _PLAIN_WIDTH
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._done = 0
        self._task = self._progress.add_task("Starting", total=steps)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One part of the loop: its title stands by the bar while it runs, and above it as a line."""
        self._progress.update(self._task, description=title)
        self.console.print(f"[bold]{escape(title)}[/bold]")
        yield
        self._done += 1
        self._progress.update(self._task, completed=self._done)

    def within(self, detail: str, share: float) -> None:
        """How far the present step has come: a few words beside the bar, and the share of it (0 to 1) that is done."""
        self._progress.update(self._task, description=detail, completed=self._done + min(share, 1.0))

    def say(self, text: str) -> None:
        """A line under the step."""
        self.console.print(f"  {escape(text)}", soft_wrap=True)

    def moved(self, now: datetime, why: str) -> None:
        """Say plainly that the demo's clock was moved."""
        self.console.print(
            f"  [yellow]the clock is moved to {now:%a %d %b %Y, %H:%M} UTC[/yellow] ({escape(why)})", soft_wrap=True
        )

    def paths(self, lines: Iterable[PathLine]) -> None:
        """Every prospect with its way through the stages."""
        table = Table(title="Every prospect and its path", title_justify="left", show_lines=False)
        # On a narrow terminal the words about the editors would only make every row three lines tall.
        wide = self.console.width >= _WIDE
        table.add_column("domain", no_wrap=True)
        if wide:
            table.add_column("what the editor does", overflow="fold")
        table.add_column("path through the stages", overflow="fold")
        table.add_column("end", overflow="fold")
        table.add_column("mails", justify="right", no_wrap=True)
        for line in lines:
            part = [line.part] if wide else []
            table.add_row(line.domain, *part, " > ".join(line.path), line.end, str(line.mails))
        self.console.print(table)

    def balance(self, result: Balance) -> None:
        """The comparison of the ledger with the world."""
        returned = f", {result.returned} came back with a report" if result.returned else ""
        self.console.print(
            f"[bold]Ledger:[/bold] the outbox says {result.sent} sent; the editors' mailboxes hold {result.held}{returned}."
        )
        if result.agrees:
            self.console.print("[green]The ledger and the world agree.[/green]")
        for one in result.disagreements:
            self.console.print(f"[red]{one.kind}[/red]: {escape(one.sentence)}", soft_wrap=True)
