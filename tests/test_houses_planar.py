"""Rectangles on the floor."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from generation.houses.planar import Rect, free_floor

RECTS = st.builds(
    Rect,
    st.floats(-2, 2),
    st.floats(-2, 2),
    st.floats(0.1, 1.5),
    st.floats(0.1, 1.5),
    st.floats(-4, 4),
)


def grid_in(rect: Rect, count: int = 15) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Points all over a rectangle, its corners included."""
    share = np.linspace(-1, 1, count)
    return np.array(
        [rect.to_world(a * rect.half_width_m, b * rect.half_depth_m) for a in share for b in share]
    )


@given(RECTS, RECTS)
def test_a_common_point_means_overlap(first: Rect, second: Rect) -> None:
    shrunk = second.grown(-1e-6)
    if first.covers(grid_in(shrunk)).any() or shrunk.covers(grid_in(first)).any():
        assert first.overlaps(second)
        assert second.overlaps(first)


@given(RECTS, RECTS)
def test_overlapping_rectangles_cannot_be_parted(first: Rect, second: Rect) -> None:
    """No line in any of many directions separates rectangles that overlap by a margin."""
    if first.overlaps(second, -0.01):
        for angle in np.linspace(0, math.pi, 60):
            axis = np.array([math.cos(angle), math.sin(angle)])
            a, b = first.corners() @ axis, second.corners() @ axis
            assert a.max() > b.min()
            assert b.max() > a.min()


@given(RECTS, st.floats(0.01, 1.0))
def test_gap_is_kept(rect: Rect, gap_m: float) -> None:
    right = rect.to_world(2 * rect.half_width_m + gap_m, 0.0)
    other = Rect(*right, rect.half_width_m, rect.half_depth_m, rect.yaw_rad)
    assert not rect.overlaps(other, gap_m * 0.9)
    assert rect.overlaps(other, gap_m * 1.1)


@given(RECTS)
def test_corners_run_counter_clockwise_and_are_covered(rect: Rect) -> None:
    corners = rect.corners()
    following = np.roll(corners, -1, axis=0)
    double_area = (corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]).sum()
    assert math.isclose(double_area / 2, 4 * rect.half_width_m * rect.half_depth_m, rel_tol=1e-6)
    assert rect.grown(1e-6).covers(corners).all()
    assert not rect.grown(-1e-3).covers(corners).any()


@given(RECTS)
def test_inside(rect: Rect) -> None:
    low, high = rect.corners().min(0), rect.corners().max(0)
    assert rect.inside(low[0], low[1], high[0], high[1])
    assert not rect.inside(low[0] + 0.01, low[1], high[0], high[1])


def test_free_floor_keeps_a_distance() -> None:
    points = np.array([(0.0, 0.0), (0.9, 0.0), (1.1, 0.0), (1.5, 0.0)])
    free = free_floor(points, [Rect(0, 0, 0.8, 0.8)], 0.25)
    assert free.tolist() == [False, False, True, True]
