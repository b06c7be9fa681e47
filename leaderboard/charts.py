"""Charts as SVG, drawn while building with Vega-Lite, so that pages need no chart library.

Colours are the variables of the style sheet: a chart follows the page from light to dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import altair as alt
import pandas as pd

from leaderboard.boards import OVERALL, Board, Cell
from leaderboard.drawing import to_svg, words
from leaderboard.scatter import (
    HEIGHT_PX,
    WIDTH_PX,
    Axis,
    Point,
    percent_axis,
    scatter,
    size_axis,
)

HEAT_ROWS = 25
"""A heat map shows the best this many."""


@dataclass(frozen=True)
class Chart:
    """A picture with its caption."""

    caption: str
    svg: str


def board_charts(board: Board, links: Mapping[str, str]) -> list[Chart]:
    """Return the charts that a board has enough figures for.

    Args:
        board: The board.
        links: Address of each model's page.
    """
    charts = [
        _by_type(board),
        _static_dynamic(board, links),
        _by_size(board, links),
        _blind(board, links),
    ]
    return [chart for chart in charts if chart is not None]


def _by_type(board: Board) -> Chart | None:
    columns = [column for column in board.columns if not column.total]
    entries = [entry for entry in board.entries if entry.cells][:HEAT_ROWS]
    if len(columns) < 2 or len(entries) < 2:
        return None
    frame = pd.DataFrame(
        [
            {
                "model": entry.model,
                "type": column.label,
                "accuracy": 100 * cell.accuracy,
                "about": f"{entry.model}, {column.label}: {words(cell)}",
            }
            for entry in entries
            for column in columns
            if (cell := entry.cells.get(column.key)) is not None
        ]
    )
    labels = [column.label for column in columns]
    base = alt.Chart(frame).encode(
        x=alt.X("type:N", sort=labels, title=None).axis(orient="top", labelAngle=-28),
        y=alt.Y("model:N", sort=[entry.model for entry in entries], title=None),
        description="about:N",
    )
    cells = base.mark_rect(fill="var(--heat)").encode(
        opacity=alt.Opacity("accuracy:Q", legend=None).scale(domain=[0, 100], range=[0.02, 0.75])
    )
    numbers = base.mark_text(fill="var(--ink)", fontSize=12, aria=False).encode(
        text=alt.Text("accuracy:Q", format=".0f")
    )
    caption = "Accuracy by question type, in percent"
    if len(board.entries) > len(entries):
        caption += f"; the first {len(entries)} of {len(board.entries)} models"
    return Chart(
        caption, to_svg((cells + numbers).properties(width=alt.Step(64), height=alt.Step(30)))
    )


def _static_dynamic(board: Board, links: Mapping[str, str]) -> Chart | None:
    points = [
        Point(entry.model, static, dynamic)
        for entry in board.entries
        if (static := entry.cells.get("sat_static")) and (dynamic := entry.cells.get("sat_dynamic"))
    ]
    if len(points) < 2:
        return None
    x, y = _axes(points, "Static, accuracy in percent", "Dynamic, accuracy in percent")
    return Chart(
        "Static against dynamic questions, with 95% intervals; dotted: equal, and chance",
        scatter(points, links, x, y, diagonal=True),
    )


def _blind(board: Board, links: Mapping[str, str]) -> Chart | None:
    points = [
        Point(entry.model, Cell(full.accuracy - gap.accuracy, chance=full.chance), full)
        for entry in board.entries
        if (gap := entry.blind_gap) and (full := entry.cells.get(OVERALL))
    ]
    if not points:
        return None
    x, y = _axes(points, "Without pictures, accuracy in percent", "With pictures, percent")
    return Chart(
        "With pictures against without; on the dotted diagonal, pictures add nothing",
        scatter(points, links, x, y, diagonal=True),
    )


def _axes(points: Sequence[Point], x_title: str, y_title: str) -> tuple[Axis, Axis]:
    """Return axes of two accuracies that share their ends."""
    across = [point.x for point in points if isinstance(point.x, Cell)]
    x = percent_axis(x_title, across, WIDTH_PX)
    y = percent_axis(y_title, [point.y for point in points], HEIGHT_PX)
    low, high = min(x.low, y.low), max(x.high, y.high)
    return replace(x, low=low, high=high), replace(y, low=low, high=high)


def _by_size(board: Board, links: Mapping[str, str]) -> Chart | None:
    points = [
        Point(entry.model, entry.params_b, cell)
        for entry in board.entries
        if entry.params_b and (cell := entry.cells.get(OVERALL))
    ]
    sizes = [point.x for point in points if isinstance(point.x, float | int)]
    if len(set(sizes)) < 2:
        return None
    y = percent_axis("Accuracy in percent", [point.y for point in points], HEIGHT_PX)
    svg = scatter(points, links, size_axis("Parameters", sizes), y)
    dotted = "" if y.chance is None else "; dotted: chance"
    return Chart(f"Accuracy against size, models whose size is known{dotted}", svg)
