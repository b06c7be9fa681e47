"""What a person sees while a suite runs, and at its end."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from leaderboard.suite.run import Display, Progress

_STYLES = {"waiting": "dim", "running": "cyan", "done": "green", "failed": "red"}


@contextmanager
def display() -> Iterator[Display]:
    """Open a live table in a terminal, or print a line per change elsewhere."""
    if sys.stderr.isatty():
        with Live(console=Console(stderr=True), refresh_per_second=4) as live:
            yield LiveTable(live)
    else:
        yield Lines()


class LiveTable:
    """A table that is drawn again and again."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def show(self, models: Sequence[Progress]) -> None:
        """Draw the present state."""
        self._live.update(table(models))


class Lines:
    """A line on stderr when a model begins or ends."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def show(self, models: Sequence[Progress]) -> None:
        """Print what changed."""
        for progress in models:
            name = progress.job.model.name
            if self._seen.get(name, "waiting") != progress.state:
                self._seen[name] = progress.state
                said = f": {progress.said}" if progress.said else ""
                print(f"{name}: {progress.state}{said}", file=sys.stderr, flush=True)


def table(models: Sequence[Progress]) -> Table:
    """Return the present state as a table."""
    result = Table("model", "state", "", "time", box=None)
    for progress in models:
        percent = progress.job.percent() if progress.state == "running" else None
        detail = f"{percent}%" if percent is not None else progress.said
        minutes, seconds = divmod(int(progress.seconds), 60)
        result.add_row(
            Text(progress.job.model.name),
            Text(progress.state, style=_STYLES[progress.state]),
            Text(detail, overflow="fold"),
            f"{minutes}:{seconds:02d}" if progress.seconds else "",
        )
    return result


def summary(models: Sequence[Progress]) -> str:
    """Return how a suite ended, the failures last."""
    done = [progress for progress in models if progress.state == "done"]
    lines = [f"{len(done)} of {len(models)} models done"]
    for progress in done:
        if note := progress.job.note():
            lines.append(f"  {progress.job.model.name}: {note}")
    for progress in models:
        if progress.state != "done":
            log = f" (log: {progress.job.log})" if progress.job.log.exists() else ""
            said = progress.said or "not run"
            lines.append(f"  {progress.job.model.name}: {progress.state}: {said}{log}")
    return "\n".join(lines)
