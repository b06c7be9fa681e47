"""Scatter plots of models, each point named where there is room for it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from leaderboard.boards import Cell
from leaderboard.drawing import to_svg, words
from leaderboard.names import SIDES, Box, place_names

WIDTH_PX, HEIGHT_PX = 440.0, 340.0
NAMED = 30
"""At most this many points are named, the best first."""
_ROOM = Box(3, -14, WIDTH_PX + 50, HEIGHT_PX - 2)
_INK = {"fill": "var(--ink)"}
_DECADES = [10.0**power for power in range(-4, 6)]


@dataclass(frozen=True)
class Point:
    """A model; y is always an accuracy."""

    model: str
    x: Cell | float
    """An accuracy, or a number of its own."""
    y: Cell


@dataclass(frozen=True)
class Axis:
    """What a direction shows, from where to where."""

    title: str
    low: float
    high: float
    length_px: float
    log: bool = False
    chance: float | None = None
    """In percent; a line is drawn there."""

    def to_px(self, value: float) -> float:
        """Return the distance of a value from the low end."""
        low, high, at = (self._scaled(v) for v in (self.low, self.high, value))
        return self.length_px * (at - low) / (high - low)

    def to_value(self, distance_px: float) -> float:
        """Return the value at a distance from the low end."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        at = low + (high - low) * distance_px / self.length_px
        return 10**at if self.log else at

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.log else value

    @property
    def scale(self) -> alt.Scale:
        """The same for Vega."""
        return alt.Scale(
            type="log" if self.log else "linear",
            domain=[self.low, self.high],
            nice=False,
        )

    @property
    def axis(self) -> alt.Axis:
        """Its ticks."""
        if not self.log:
            return alt.Axis(tickCount=6)
        return alt.Axis(
            values=self._log_ticks(),
            labelExpr="datum.value < 1 ? format(1000 * datum.value, '~r') + 'M'"
            " : format(datum.value, '~r') + 'B'",
        )

    def _log_ticks(self) -> list[float]:
        """Return the fewest round values that still tell the scale."""
        ticks: list[float] = []
        for digits in ((1,), (1, 3), (1, 2, 5), range(1, 10)):
            ticks = [a * b for b in _DECADES for a in digits if self.low <= a * b <= self.high]
            if len(ticks) >= 3:
                break
        return ticks


def percent_axis(title: str, cells: Sequence[Cell], length_px: float, chance: bool = True) -> Axis:
    """Return an axis of accuracies that holds the intervals and the chance level of some."""
    chances = {cell.chance for cell in cells if cell.chance is not None} if chance else set()
    ends = [100 * v for cell in cells for v in (*_interval(cell), *chances)]
    low = max(0.0, 10 * math.floor((min(ends) - 2) / 10))
    high = min(100.0, 10 * math.ceil((max(ends) + 2) / 10))
    line = 100 * chances.pop() if len(chances) == 1 else None
    return Axis(title, low, high, length_px, chance=line)


def size_axis(title: str, sizes: Sequence[float]) -> Axis:
    """Return a logarithmic axis that holds some sizes."""
    low, high = math.log10(min(sizes)), math.log10(max(sizes))
    margin = max(0.2, 0.08 * (high - low))
    return Axis(title, 10 ** (low - margin), 10 ** (high + margin), WIDTH_PX, log=True)


def scatter(
    points: Sequence[Point], links: Mapping[str, str], x: Axis, y: Axis, diagonal: bool = False
) -> str:
    """Return a scatter plot as SVG.

    Args:
        points: The best first.
        links: Address of each model's page.
        x: Its axis.
        y: Its axis.
        diagonal: Whether to draw the line on which both are equal.
    """
    x_of = alt.X("x:Q", title=x.title, scale=x.scale, axis=x.axis)
    y_of = alt.Y("y:Q", title=y.title, scale=y.scale, axis=y.axis)
    base = alt.Chart(pd.DataFrame([_record(point, links) for point in points]))
    rules = base.mark_rule(stroke="var(--band)", strokeWidth=2, aria=False)
    dots = base.mark_point(filled=True, size=70, fill="var(--accent)", opacity=1)
    layers: list[Any] = [
        *_guides(x, y, diagonal, x_of, y_of),
        rules.encode(x=x_of, y=alt.Y("y_low:Q", title=y.title, scale=y.scale), y2="y_high:Q"),
        rules.encode(x=alt.X("x_low:Q", title=x.title, scale=x.scale), x2="x_high:Q", y=y_of),
        *_names(points, x, y, x_of, y_of),
        dots.encode(x=x_of, y=y_of, href="link:N", description="about:N"),
    ]
    return to_svg(alt.layer(*layers).properties(width=WIDTH_PX, height=HEIGHT_PX))


def _guides(x: Axis, y: Axis, diagonal: bool, x_of: alt.X, y_of: alt.Y) -> list[alt.Chart]:
    ends = []
    if diagonal:
        low, high = max(x.low, y.low), min(x.high, y.high)
        ends.append(("var(--soft)", [(low, low), (high, high)]))
    if x.chance is not None:
        ends.append(("var(--mark)", [(x.chance, y.low), (x.chance, y.high)]))
    if y.chance is not None:
        ends.append(("var(--mark)", [(x.low, y.chance), (x.high, y.chance)]))
    return [
        alt.Chart(pd.DataFrame(line, columns=["x", "y"]))
        .mark_line(stroke=colour, strokeDash=[3, 4], strokeWidth=1.2, aria=False)
        .encode(x=x_of, y=y_of)
        for colour, line in ends
    ]


def _names(points: Sequence[Point], x: Axis, y: Axis, x_of: alt.X, y_of: alt.Y) -> list[alt.Chart]:
    pixels = [
        (x.to_px(_middle(point.x)), HEIGHT_PX - y.to_px(_middle(point.y))) for point in points
    ]
    names = [point.model for point in points]
    places = place_names(pixels, [name if i < NAMED else "" for i, name in enumerate(names)], _ROOM)
    found = [
        {
            "model": name,
            "x": x.to_value(place.x),
            "y": y.to_value(HEIGHT_PX - place.y),
            "x_to": _middle(point.x),
            "y_to": _middle(point.y),
            "align": place.align,
            "near": place.near,
        }
        for name, point, place in zip(names[:NAMED], points, places, strict=False)
        if place is not None
    ]
    if not found:
        return []
    frame = pd.DataFrame(found)
    layers = []
    if len(far := frame[~frame["near"]]):
        lines = alt.Chart(far).mark_rule(stroke="var(--soft)", strokeWidth=0.7, aria=False)
        layers.append(lines.encode(x=x_of, y=y_of, x2="x_to:Q", y2="y_to:Q"))
    for align in SIDES:
        group = frame[frame["align"] == align]
        for look in ({"fill": "var(--card)", "stroke": "var(--card)", "strokeWidth": 3}, _INK):
            text = alt.Chart(group).mark_text(
                align=align, baseline="middle", fontSize=11, aria=False, **look
            )
            layers.append(text.encode(x=x_of, y=y_of, text="model:N"))
    return layers


def _record(point: Point, links: Mapping[str, str]) -> dict[str, Any]:
    own = point.x
    low, high = _interval(own) if isinstance(own, Cell) else (own / 100, own / 100)
    said = words(own) if isinstance(own, Cell) else f"{own:.3g}B parameters"
    y_low, y_high = _interval(point.y)
    return {
        "model": point.model,
        "link": links[point.model],
        "x": _middle(own),
        "x_low": 100 * low,
        "x_high": 100 * high,
        "y": _middle(point.y),
        "y_low": 100 * y_low,
        "y_high": 100 * y_high,
        "about": f"{point.model}: {said}; {words(point.y)}",
    }


def _middle(value: Cell | float) -> float:
    return 100 * value.accuracy if isinstance(value, Cell) else value


def _interval(cell: Cell) -> tuple[float, float]:
    low = cell.accuracy if cell.low is None else cell.low
    return low, cell.accuracy if cell.high is None else cell.high
