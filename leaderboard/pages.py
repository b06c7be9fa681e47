"""Pages as text, from templates. Everything that a submission or a model wrote is escaped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import jinja2

from leaderboard.assets import TEMPLATES
from leaderboard.boards import OVERALL, Board, Entry
from leaderboard.charts import board_charts
from leaderboard.compare import Comparison, Part
from leaderboard.drills import Drill


@dataclass(frozen=True)
class Link:
    """A comparison, as it is linked to."""

    href: str
    title: str
    models: tuple[str, str]
    overall: Part
    tuned: bool
    """Whether these are a model before and after tuning."""


class Pages:
    """Renders the pages of one site."""

    def __init__(
        self, boards: Sequence[Board], slugs: Mapping[str, str], titles: Mapping[str, str]
    ) -> None:
        """Take what all pages share.

        Args:
            boards: In the order in which they are shown.
            slugs: File name of each model's page, without its ending.
            titles: Title of each benchmark that has one.
        """
        self.boards, self.slugs = boards, slugs
        self.titles = {board.benchmark: board.benchmark for board in boards} | dict(titles)
        self._comparisons: dict[str, list[Link]] = defaultdict(list)
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def link(self, comparison: Comparison, href: str) -> None:
        """Remember where a comparison lies, for the pages that link to it."""
        names = (comparison.first.model, comparison.second.model)
        link = Link(href, " against ".join(names), names, comparison.overall, comparison.is_tuning)
        self._comparisons[comparison.board.key].append(link)

    def charts(self, board: Board) -> list[dict[str, str]]:
        """Return the captions and pictures of a board's charts."""
        links = {model: f"models/{slug}.html" for model, slug in self.slugs.items()}
        return [{"caption": c.caption, "svg": str(c.svg)} for c in board_charts(board, links)]

    def index(self, charts: Mapping[str, str]) -> str:
        """Return the page of all boards.

        Args:
            charts: Folder of each board's charts, relative to the site; empty where it has none.
        """
        benchmarks = dict.fromkeys(board.benchmark for board in self.boards)
        return self._render(
            "index.html",
            root="",
            boards=self.boards,
            benchmarks=[(name, self.titles[name]) for name in benchmarks],
            protocols=sorted({board.protocol for board in self.boards}),
            charts=charts,
            comparisons={board.key: self._comparisons[board.key] for board in self.boards},
            gains={board.key: self._gains(board) for board in self.boards},
        )

    def model(
        self, model: str, lines: Sequence[tuple[Board, Entry]], drills: Mapping[str, Drill]
    ) -> str:
        """Return a model's page.

        Args:
            model: Its name.
            lines: Its entries and their boards.
            drills: Samples of each of its runs, by key.
        """
        contents: dict[str, list[Board]] = defaultdict(list)
        for board, _ in lines:
            contents[self.titles[board.benchmark]].append(board)
        return self._render(
            "model.html",
            root="../",
            model=model,
            contents=contents,
            lines=lines,
            drills=drills,
            comparisons={board.key: self._with(board, model) for board, _ in lines},
            gains={board.key: self._gains(board) for board, _ in lines},
            tuned={board.key: self._tuned_into(board, model) for board, _ in lines},
        )

    def comparison(self, comparison: Comparison, drills: Sequence[Drill]) -> str:
        """Return the page of two models."""
        labels = {column.key: column.label for column in comparison.board.columns}
        return self._render(
            "compare.html",
            root="../",
            c=comparison,
            drills=drills,
            labels=labels | {OVERALL: "Overall"},
        )

    def _gains(self, board: Board) -> dict[str, Link]:
        """Return the comparison with the model before tuning, by the name of the tuned one."""
        return {link.models[1]: link for link in self._comparisons[board.key] if link.tuned}

    def _tuned_into(self, board: Board, model: str) -> dict[str, Link]:
        gains = self._gains(board)
        return {name: link for name, link in gains.items() if link.models[0] == model}

    def _with(self, board: Board, model: str) -> list[dict[str, str]]:
        return [
            {"href": link.href, "other": next(name for name in link.models if name != model)}
            for link in self._comparisons[board.key]
            if model in link.models
        ]

    def _render(self, template: str, **context: Any) -> str:
        return self._templates.get_template(template).render(
            version=version("sat-bench"), models=self.slugs, titles=self.titles, **context
        )
