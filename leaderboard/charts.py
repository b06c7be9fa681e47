"""Charts as SVG, drawn while building with Vega-Lite, so that pages need no chart library.

Colours are the variables of the style sheet: a chart follows the page from light to dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd
import vl_convert

from leaderboard.boards import OVERALL, Board, Cell, Entry

HEAT_ROWS = 25
"""A heat map shows the best this many."""
NAMED_POINTS = 14
"""A scatter plot names its points up to this many."""
PADDING = {"left": 20, "right": 60, "top": 5, "bottom": 5}
"""In pixels; browsers' letters are wider than those that the chart was laid out with."""
LABEL_GAP = 4.5
"""Least distance of two names, in points of accuracy."""


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
                "about": f"{entry.model}, {column.label}: {_words(cell)}",
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
    cells = base.mark_rect(fill="var(--accent)").encode(
        opacity=alt.Opacity("accuracy:Q", legend=None).scale(domain=[0, 100], range=[0.02, 0.75])
    )
    numbers = base.mark_text(fill="var(--ink)", fontSize=12).encode(
        text=alt.Text("accuracy:Q", format=".0f")
    )
    caption = "Accuracy by question type, in percent"
    if len(board.entries) > len(entries):
        caption += f"; the first {len(entries)} of {len(board.entries)} models"
    return Chart(
        caption, _svg((cells + numbers).properties(width=alt.Step(64), height=alt.Step(30)))
    )


@dataclass(frozen=True)
class _Point:
    """A model in a scatter plot; y is always an accuracy."""

    entry: Entry
    x: float
    x_low: float
    x_high: float
    y: Cell


def _accuracy_point(entry: Entry, x: Cell, y: Cell) -> _Point:
    low = x.accuracy if x.low is None else x.low
    high = x.accuracy if x.high is None else x.high
    return _Point(entry, 100 * x.accuracy, 100 * low, 100 * high, y)


def _static_dynamic(board: Board, links: Mapping[str, str]) -> Chart | None:
    points = [
        _accuracy_point(entry, static, dynamic)
        for entry in board.entries
        if (static := entry.cells.get("sat_static")) and (dynamic := entry.cells.get("sat_dynamic"))
    ]
    if len(points) < 2:
        return None
    svg = _scatter(points, links, "Static, accuracy in percent", "Dynamic, accuracy in percent")
    return Chart("Static against dynamic questions, with 95% intervals", svg)


def _blind(board: Board, links: Mapping[str, str]) -> Chart | None:
    points = [
        _accuracy_point(entry, Cell(full.accuracy - gap.accuracy), full)
        for entry in board.entries
        if (gap := entry.blind_gap) and (full := entry.cells.get(OVERALL))
    ]
    if not points:
        return None
    svg = _scatter(points, links, "Without pictures, percent", "With pictures, percent")
    return Chart("With pictures against without: on the diagonal, pictures add nothing", svg)


def _by_size(board: Board, links: Mapping[str, str]) -> Chart | None:
    points = [
        _Point(entry, entry.params_b, entry.params_b, entry.params_b, cell)
        for entry in board.entries
        if entry.params_b and (cell := entry.cells.get(OVERALL))
    ]
    if len({point.x for point in points}) < 2:
        return None
    svg = _scatter(points, links, "Parameters in billions", "Accuracy in percent", log_x=True)
    return Chart("Accuracy against size, models whose size is known", svg)


def _scatter(
    points: Sequence[_Point],
    links: Mapping[str, str],
    x_title: str,
    y_title: str,
    log_x: bool = False,
) -> str:
    frame = pd.DataFrame([_record(point, links) for point in points])
    frame["label_y"] = _apart(frame["y"].tolist())
    base = alt.Chart(frame)
    percent = alt.Scale(domain=[0, 100])
    x_scale = alt.Scale(type="log", nice=True, padding=20) if log_x else percent
    x = alt.X("x:Q", title=x_title, scale=x_scale)
    y = alt.Y("y:Q", title=y_title, scale=percent)
    rules = base.mark_rule(stroke="var(--band)", strokeWidth=2)
    dots = base.mark_point(filled=True, size=70, fill="var(--accent)", opacity=1)
    layers: list[Any] = [
        rules.encode(x=x, y=alt.Y("y_low:Q"), y2="y_high:Q"),
        rules.encode(x=alt.X("x_low:Q", scale=x_scale), x2="x_high:Q", y=y),
        dots.encode(x=x, y=y, href="link:N", description="about:N"),
    ]
    if not log_x:
        ends = alt.Chart(pd.DataFrame({"x": [0, 100], "y": [0, 100]}))
        diagonal = ends.mark_line(stroke="var(--soft)", strokeDash=[3, 4], strokeWidth=1)
        layers.insert(0, diagonal.encode(x=x, y=y))
    if len(points) <= NAMED_POINTS:
        names = base.mark_text(align="left", dx=9, fill="var(--ink)", fontSize=11)
        layers.append(names.encode(x=x, y=alt.Y("label_y:Q", scale=percent), text="model:N"))
    return _svg(alt.layer(*layers).properties(width=360, height=300))


def _apart(heights: Sequence[float]) -> list[float]:
    """Return heights moved up where needed so that names at them do not overlap."""
    moved = list(heights)
    last = -LABEL_GAP
    for index in sorted(range(len(moved)), key=lambda i: moved[i]):
        last = moved[index] = max(moved[index], last + LABEL_GAP)
    return moved


def _record(point: _Point, links: Mapping[str, str]) -> dict[str, Any]:
    cell = point.y
    return {
        "model": point.entry.model,
        "link": links[point.entry.model],
        "x": point.x,
        "x_low": point.x_low,
        "x_high": point.x_high,
        "y": 100 * cell.accuracy,
        "y_low": 100 * (cell.accuracy if cell.low is None else cell.low),
        "y_high": 100 * (cell.accuracy if cell.high is None else cell.high),
        "about": f"{point.entry.model}: {point.x:.3g}; {_words(cell)}",
    }


def _words(cell: Cell) -> str:
    words = f"{100 * cell.accuracy:.1f}%"
    if cell.points is not None:
        words += f", {cell.points:g} of {cell.questions}"
    return words


def _svg(chart: alt.LayerChart | alt.FacetChart) -> str:
    """Return a chart as SVG; its colours are left to the page's style sheet."""
    styled = (
        chart.configure(font="system-ui, sans-serif", background="transparent", padding=PADDING)
        .configure_axis(
            gridColor="var(--line)",
            domainColor="var(--line)",
            tickColor="var(--line)",
            labelColor="var(--soft)",
            titleColor="var(--soft)",
            titleFontWeight="normal",
            labelFontSize=11,
            labelLimit=220,
        )
        .configure_view(stroke=None)
    )
    return str(vl_convert.vegalite_to_svg(styled.to_dict()))
