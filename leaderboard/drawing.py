"""What all charts share: their look, and how a figure is put into words."""

from __future__ import annotations

import altair as alt
import vl_convert

from leaderboard.boards import Cell

PADDING = {"left": 20, "right": 60, "top": 5, "bottom": 5}
"""In pixels; browsers' letters are wider than those that the chart was laid out with."""


def words(cell: Cell) -> str:
    """Return a figure as "53.1%, 102 of 192"."""
    text = f"{100 * cell.accuracy:.1f}%"
    if cell.points is not None:
        text += f", {cell.points:g} of {cell.questions}"
    return text


def to_svg(chart: alt.LayerChart | alt.FacetChart) -> str:
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
