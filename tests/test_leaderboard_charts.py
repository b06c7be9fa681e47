"""Charts: names that do not overlap, axes that hold what they show."""

from __future__ import annotations

import math
import re
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaderboard.boards import Cell
from leaderboard.names import LETTER_PX, LINE_PX, Box, Place, place_names
from leaderboard.scatter import HEIGHT_PX, WIDTH_PX, Point, percent_axis, scatter, size_axis

ROOM = Box(0, 0, 400, 300)
spots = st.tuples(st.floats(0, 400), st.floats(0, 300))


def box_of(place: Place, name: str) -> Box:
    width = len(name) * LETTER_PX
    left = place.x if place.align == "left" else place.x - width
    return Box(left, place.y - LINE_PX / 2, left + width, place.y + LINE_PX / 2)


@settings(max_examples=60, deadline=None)
@given(points=st.lists(spots, max_size=25))
def test_names_never_overlap_and_stay_in_the_room(points: list[tuple[float, float]]) -> None:
    names = [f"Model {i} of some size" for i in range(len(points))]
    places = place_names(points, names, ROOM)
    assert len(places) == len(points)
    placed = [box_of(p, n) for p, n in zip(places, names, strict=True) if p is not None]
    assert all(box.within(ROOM) for box in placed)
    assert not any(one.overlaps(two) for one, two in combinations(placed, 2))
    for box in placed:
        assert not any(box.overlaps(Box(x - 1, y - 1, x + 1, y + 1)) for x, y in points)


def test_points_far_apart_are_all_named_beside_them() -> None:
    places = place_names([(50, 50), (50, 150), (390, 250)], ["one", "two", "three"], ROOM)
    assert [place.near for place in places if place] == [True] * 3
    assert [place.align for place in places if place] == ["left", "left", "right"]


def test_where_there_is_no_room_the_first_ones_are_named() -> None:
    places = place_names([(200, 150)] * 60, ["a name of some length"] * 60, ROOM)
    assert places[0] is not None
    assert None in places


def test_an_axis_of_accuracies_holds_intervals_and_chance() -> None:
    cells = [Cell(0.62, low=0.55, high=0.71, chance=0.45), Cell(0.5, low=0.44, high=0.57)]
    axis = percent_axis("Accuracy", cells, 200)
    assert (axis.low, axis.high) == (40, 80)
    assert axis.chance == 45
    assert percent_axis("Accuracy", [Cell(0.0), Cell(1.0)], 200).low == 0


@pytest.mark.parametrize("value", [0.003, 1, 13, 72])
def test_pixels_and_values_agree_on_a_logarithmic_axis(value: float) -> None:
    axis = size_axis("Parameters", [0.003, 72])
    assert 0 < axis.to_px(value) < WIDTH_PX
    assert axis.to_value(axis.to_px(value)) == pytest.approx(value)


@pytest.mark.parametrize(
    ("sizes", "ticks"),
    [
        ([0.003, 72], [0.01, 0.1, 1, 10, 100]),
        ([7, 13], [5, 10, 20]),
        ([2, 30], [3, 10, 30]),
        ([7, 7.5], [5, 6, 7, 8, 9, 10]),
    ],
)
def test_a_logarithmic_axis_has_ticks_enough(sizes: list[float], ticks: list[float]) -> None:
    values = size_axis("Parameters", sizes).axis.values
    assert values == pytest.approx(ticks)


def test_points_are_drawn_where_their_axes_say() -> None:
    """Against Vega's own drawing: names are placed by the same arithmetic."""
    points = [Point("Big", 100.0, Cell(0.8)), Point("Small", 1.0, Cell(0.4))]
    x = size_axis("Parameters", [1, 100])
    y = percent_axis("Accuracy", [point.y for point in points], HEIGHT_PX)
    svg = scatter(points, {"Big": "b.html", "Small": "s.html"}, x, y)
    drawn = re.findall(r'aria-label="(Big|Small): [^"]+"[^>]*transform="translate\(([^)]+)\)', svg)
    assert len(drawn) == 2
    for name, place in drawn:
        point = next(point for point in points if point.model == name)
        across, down = map(float, place.split(","))
        assert isinstance(point.x, float)
        assert across == pytest.approx(x.to_px(point.x), abs=0.1)
        assert down == pytest.approx(HEIGHT_PX - y.to_px(100 * point.y.accuracy), abs=0.1)
    assert not math.isclose(float(drawn[0][1].split(",")[0]), float(drawn[1][1].split(",")[0]))
    assert ">Big</text>" in svg
    assert ">1B</text>" in svg
    assert ">100B</text>" in svg
