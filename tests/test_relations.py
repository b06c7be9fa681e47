"""Relations: opposite ways round they are opposite, and without a margin there is none."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_questions import open_toy, stage_of

from generation.pose import Pose
from generation.relations import (
    MIN_DEPTH_GAP_M,
    MIN_SIDE_GAP_SHARE,
    above,
    angle_at_rad,
    bearing_rad,
    in_front_of,
    is_clear,
    is_recognised,
    left_of,
    nearer,
    nearer_to,
)
from generation.sight import Sight, see

RELATIONS = [left_of, above, in_front_of, nearer]


def sight(
    u: float = 50, v: float = 50, distance_m: float = 2.0, height_m: float = 0.5, size: float = 20
) -> Sight:
    return Sight(
        object_id="thing",
        picture_px=(100, 100),
        pixels=int(size * size),
        box_px=(u - size / 2, v - size / 2, u + size / 2, v + size / 2),
        center_px=(u, v),
        in_frame_share=1.0,
        unoccluded_share=1.0,
        touches_border=False,
        center_m=np.array([distance_m, 0.0, height_m]),
        distance_m=distance_m,
        near_m=distance_m - 0.1,
        far_m=distance_m + 0.1,
        low_m=height_m - 0.1,
        high_m=height_m + 0.1,
    )


sights = st.builds(
    sight,
    u=st.floats(15, 85),
    v=st.floats(15, 85),
    distance_m=st.floats(0.5, 6),
    height_m=st.floats(0.1, 2),
)


@pytest.mark.parametrize("relation", RELATIONS)
@given(a=sights, b=sights)
def test_the_other_way_round_is_the_opposite(
    relation: Callable[[Sight, Sight], bool | None], a: Sight, b: Sight
) -> None:
    there, back = relation(a, b), relation(b, a)
    assert (there is None) == (back is None)
    if there is not None:
        assert there != back


@pytest.mark.parametrize("relation", RELATIONS)
def test_nothing_is_beyond_itself(relation: Callable[[Sight, Sight], bool | None]) -> None:
    assert relation(sight(), sight()) is None


def test_left_is_at_smaller_columns_by_a_margin() -> None:
    assert left_of(sight(u=20), sight(u=60)) is True
    assert left_of(sight(u=60), sight(u=20)) is False
    assert left_of(sight(u=50), sight(u=50 + 100 * MIN_SIDE_GAP_SHARE - 1, size=2)) is None
    assert left_of(sight(u=40, size=30), sight(u=55, size=30)) is None, "they overlap"


def test_above_needs_the_room_and_the_picture_to_agree() -> None:
    assert above(sight(v=20, height_m=1.5), sight(v=70, height_m=0.3)) is True
    assert above(sight(v=70, height_m=1.5), sight(v=20, height_m=0.3)) is None
    assert above(sight(v=20, height_m=0.45), sight(v=70, height_m=0.3)) is None


def test_in_front_needs_one_line_of_sight() -> None:
    assert in_front_of(sight(distance_m=1.5), sight(distance_m=3)) is True
    assert in_front_of(sight(u=20, distance_m=1.5), sight(u=80, distance_m=3)) is None


def test_nearer_needs_a_gap_and_a_ratio() -> None:
    assert nearer(sight(distance_m=1), sight(distance_m=2)) is True
    assert nearer(sight(distance_m=1), sight(distance_m=1 + MIN_DEPTH_GAP_M - 0.05)) is None
    assert nearer(sight(distance_m=5), sight(distance_m=5.6)) is None
    assert nearer_to(0.5, 2.0) is True
    assert nearer_to(2.0, 0.5) is False
    assert nearer_to(2.0, 2.2) is None


def test_small_hidden_and_cut_objects_are_not_clear() -> None:
    whole = sight()
    assert is_clear(whole)
    assert is_recognised(whole)
    for change in (
        {"pixels": 20},
        {"unoccluded_share": 0.5},
        {"in_frame_share": 0.9},
        {"touches_border": True},
        {"box_px": (40, 49, 60, 51)},
    ):
        assert not is_clear(Sight(**{**whole.__dict__, **change}))


def test_bearings_are_to_the_left_and_angles_turn_to_the_left() -> None:
    pose = Pose(1, 1, 1.5, 0.3)
    ahead = pose.position_m + pose.forward
    assert bearing_rad(pose, ahead) == pytest.approx(0)
    assert bearing_rad(pose, ahead - pose.right) == pytest.approx(math.pi / 4)
    spot, faced = np.zeros(3), np.array([1.0, 0, 0])
    assert angle_at_rad(spot, faced, np.array([0.0, 1, 0])) == pytest.approx(math.pi / 2)
    assert angle_at_rad(spot, faced, np.array([-1.0, -0.01, 0])) == pytest.approx(-3.13, abs=0.01)


def test_stepping_back_keeps_what_is_nearer() -> None:
    """On real views: whatever is said of a pair is not unsaid from 0.25 m further back."""
    compared = 0
    for index in range(4):
        stage = stage_of(index)
        for seen in stage.pool:
            further = stage.look(seen.observation.pose.moved(forward_m=-0.25))
            common = sorted(
                key
                for key, item in seen.sights.items()
                if is_clear(item) and key in further.sights and is_clear(further.sights[key])
            )
            for a in common:
                for b in common:
                    verdicts = {nearer(s.sights[a], s.sights[b]) for s in (seen, further)} - {None}
                    assert len(verdicts) < 2
                    compared += len(verdicts)
    assert compared > 50


def test_sights_are_what_the_picture_shows() -> None:
    session = open_toy(0)
    x, y = session.standing_points_m()[5]
    seen = see(session.observe(Pose(x, y, 1.4, math.atan2(-y, -x), -0.2)))
    assert seen.sights
    for key, item in seen.sights.items():
        mask = seen.observation.mask(key)
        rows, columns = np.nonzero(mask)
        assert item.pixels == mask.sum()
        assert item.box_px == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        u, v = seen.middle_px(key)
        assert mask[int(v), int(u)]
        low = seen.object(key).center_m - seen.object(key).size_m / 2 - 0.02
        assert np.all(
            (item.center_m > low) & (item.center_m < low + seen.object(key).size_m + 0.04)
        )


def test_occlusion_is_measured_against_other_objects_alone() -> None:
    """With everything else gone, an object hides only itself, and that does not count."""
    for index in range(3):
        for seen in stage_of(index).pool[:3]:
            for key, item in seen.sights.items():
                if item.in_frame_share == 1.0 and item.unoccluded_share == 1.0:
                    hull = (item.box_px[2] - item.box_px[0]) * (item.box_px[3] - item.box_px[1])
                    assert item.pixels > 0.3 * hull, key
