"""Views are worth asking about, and turning, walking and moving do what they say."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from toy_questions import open_toy, stage_of

from generation.overlap import overlap
from generation.refer import clear_objects
from generation.relations import bearing_rad, is_recognised
from generation.sight import see
from generation.spots import hides, visible_spots
from generation.views import (
    FARTHEST_M,
    MAX_OBJECT_AREA_SHARE,
    MIN_RECOGNISED_OBJECTS,
    depth_percentiles_m,
    fault,
    framed_bearings_rad,
    open_stage,
)
from generation.visible_moves import (
    DIRECTIONS,
    direction_of,
    is_plain_shift,
    is_visible_shift,
    movable_objects,
    shift_object,
    views_with_movables,
)

SCENES = range(4)


def test_the_pool_shows_rooms_not_walls() -> None:
    sizes = []
    for index in SCENES:
        stage = stage_of(index)
        sizes.append(len(stage.pool))
        for seen in stage.pool:
            assert stage.session.is_standing_free(*seen.observation.pose.position_m[:2])
            assert 1.2 <= seen.observation.pose.z_m <= 1.6
            assert seen.observation.pose.pitch_rad < 0
            assert np.median(seen.observation.depth_m) > 1.2
            shares = [sight.area_share for sight in seen.sights.values()]
            assert sum(is_recognised(s) for s in seen.sights.values()) >= MIN_RECOGNISED_OBJECTS
            assert max(shares) <= MAX_OBJECT_AREA_SHARE
    assert min(sizes) >= 6


def test_a_wall_is_no_view() -> None:
    session = open_toy(0)
    half_x = session.scene.size_m[0] / 2
    pose = replace(stage_of(0).pool[0].observation.pose, x_m=half_x - 0.4, y_m=0.0, yaw_rad=0.0)
    assert fault(see(session.observe(pose))) == "view of a wall"


def test_a_scene_without_room_has_no_views() -> None:
    class Crowded:
        def __getattr__(self, name: str) -> object:
            return getattr(open_toy(0), name)

        def standing_points_m(self) -> np.ndarray:
            return np.empty((0, 2))

    assert open_stage(Crowded(), np.random.default_rng(0)).pool == ()  # type: ignore[arg-type]


def test_depths_of_nothing_are_far() -> None:
    with np.errstate(all="raise"):
        near_m, median_m = depth_percentiles_m(np.array([2.0, np.inf, np.inf, np.inf]), 0, 50)
    assert (near_m, median_m) == (2.0, FARTHEST_M)
    assert depth_percentiles_m(np.array([1.0, 2.0, 3.0]), 50) == [2.0]


def test_walls_that_are_foreseen_are_not_looked_at() -> None:
    class Foresighted:
        """Sees a wall wherever it looks to the east, as far as it can tell without a look."""

        def __init__(self) -> None:
            self.toy = open_toy(0)

        def __getattr__(self, name: str) -> object:
            return getattr(self.toy, name)

        def distances_m(self, origin_m: np.ndarray, directions: np.ndarray) -> np.ndarray:
            return np.full(len(directions), 1.0 if directions[:, 0].mean() > 0 else 4.0)

    stage = open_stage(Foresighted(), np.random.default_rng(0))  # type: ignore[arg-type]
    assert len(stage.pool) >= 6
    assert all(math.cos(seen.observation.pose.yaw_rad) < 0 for seen in stage.looks)
    assert "view of a wall" in stage.rejected


def test_turning_brings_an_object_to_its_bearing_whole() -> None:
    turned_views = 0
    for index in SCENES:
        stage = stage_of(index)
        for seen in stage.pool[:4]:
            for key in clear_objects(seen)[:2]:
                framed = framed_bearings_rad(seen, key)
                assert len(framed)
                for bearing in (framed[0], framed[-1]):
                    turned = stage.turned(seen, float(bearing), key)
                    pose = turned.observation.pose
                    center = seen.object(key).center_m
                    assert bearing_rad(pose, center) == pytest.approx(bearing)
                    assert pose.position_m == pytest.approx(seen.observation.pose.position_m)
                    assert not turned.sights[key].touches_border
                    assert key in clear_objects(turned)
                    turned_views += 1
    assert turned_views > 20


def test_outside_its_framed_bearings_an_object_is_cut() -> None:
    stage, step = stage_of(1), math.radians(4)
    for seen in stage.pool[:4]:
        for key in clear_objects(seen)[:2]:
            framed = framed_bearings_rad(seen, key)
            for bearing in (framed[0] - step, framed[-1] + step):
                turned = stage.turned(seen, float(bearing), key)
                sight = turned.sights.get(key)
                assert sight is None or sight.touches_border or sight.in_frame_share < 1


def test_paths_end_at_furniture() -> None:
    stage = stage_of(0)
    start = stage.pool[0].observation.pose
    assert stage.is_path_free(start, start)
    far = start.moved(forward_m=20)
    assert not stage.is_path_free(start, far)
    assert not stage.seems_free(start, far)
    agree = 0
    for seen in stage.pool:
        for step in (-0.5, 0.5):
            end = seen.observation.pose.moved(left_m=step)
            agree += stage.is_path_free(seen.observation.pose, end) == stage.seems_free(
                seen.observation.pose, end
            )
    assert agree >= len(stage.pool)


def test_overlap_falls_with_the_turn_and_shift_grows() -> None:
    stage = stage_of(0)
    first = stage.pool[0].observation
    common = [
        overlap(first, stage.look(first.pose.moved(turn_left_rad=math.radians(d))).observation)
        for d in (0, 15, 40, 120)
    ]
    assert common[0].shared_share > 0.95
    assert common[0].shift_share == pytest.approx(0, abs=1e-6)
    shares = [c.shared_share for c in common]
    assert shares == sorted(shares, reverse=True)
    assert common[1].shift_share < common[2].shift_share
    assert common[3].shared_share == 0


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_shifts_go_where_they_should_and_are_undone(direction: str) -> None:
    done = 0
    for index in SCENES:
        stage = stage_of(index)
        for seen in views_with_movables(stage, np.random.default_rng(index)):
            for key in movable_objects(seen):
                shift = shift_object(stage, seen, key, direction)
                assert stage.session.state() == stage.start
                if shift is None:
                    continue
                moved = shift.after.object(key).center_m - seen.object(key).center_m
                assert moved[:2] == pytest.approx(shift.offset_m[:2], abs=0.01)
                assert is_visible_shift(seen, shift.after, key, direction)
                opposite = {"left": "right", "right": "left", "towards": "away"}.get(
                    direction, "towards"
                )
                assert not is_visible_shift(seen, shift.after, key, opposite)
                done += 1
    assert done >= 3


def test_plain_shifts_are_larger() -> None:
    """Beside a camera that moves too, a radio that went 0.2 m seemed to have stayed."""
    shares: dict[bool, list[float]] = {True: [], False: []}
    for index in SCENES:
        stage = stage_of(index)
        for seen in views_with_movables(stage, np.random.default_rng(index)):
            for key in movable_objects(seen):
                for direction in ("left", "right"):
                    shift = shift_object(stage, seen, key, direction)
                    if shift is not None:
                        columns = (s.sights[key].center_px[0] for s in (seen, shift.after))
                        before_px, after_px = columns
                        share = abs(before_px - after_px) / seen.observation.camera.width_px
                        shares[is_plain_shift(seen, shift)].append(share)
    assert min(shares[True]) >= 0.09 > max(shares[False])


def test_directions_follow_the_camera() -> None:
    seen = stage_of(0).pool[0]
    pose = seen.observation.pose
    for item in seen.observation.objects.values():
        units = {way: direction_of(pose, item.center_m, way) for way in DIRECTIONS}
        assert units["left"] @ pose.right == pytest.approx(-1)
        assert units["left"] == pytest.approx(-units["right"])
        assert units["away"] == pytest.approx(-units["towards"])
        nearer = item.center_m + 0.3 * units["towards"] - pose.position_m
        assert np.linalg.norm(nearer) < np.linalg.norm(item.center_m - pose.position_m)
        assert units["towards"][2] == 0


def test_spots_are_on_the_floor_in_the_picture() -> None:
    found = 0
    for index in SCENES:
        stage = stage_of(index)
        for seen in stage.pool[:3]:
            for spot in visible_spots(stage, seen):
                u, v = (int(value) for value in spot.pixel)
                assert seen.observation.segmentation[v, u] == 0
                depth = np.array([float(seen.observation.depth_m[v, u])])
                point = seen.observation.camera.unproject(
                    seen.observation.pose, np.array([spot.pixel]), depth
                )[0]
                assert point == pytest.approx(spot.point_m, abs=0.15)
                assert stage.session.is_standing_free(*spot.point_m[:2])
                found += 1
    assert found > 50


def test_what_boxes_hide_a_camera_does_not_see() -> None:
    verdicts = set()
    for index in SCENES:
        stage = stage_of(index)
        for seen in stage.pool[:3]:
            for spot in visible_spots(stage, seen)[::7]:
                for key in clear_objects(seen):
                    share = hides(seen, spot, key)
                    if share not in (0.0, 1.0):
                        continue
                    offset = seen.object(key).center_m - spot.point_m
                    pose = replace(
                        seen.observation.pose,
                        x_m=float(spot.point_m[0]),
                        y_m=float(spot.point_m[1]),
                        yaw_rad=math.atan2(offset[1], offset[0]),
                    )
                    there = stage.look(pose).sights.get(key)
                    if share == 1.0:
                        assert there is None or there.pixels < 12
                    elif there is not None and there.in_frame_share == 1.0:
                        assert there.unoccluded_share > 0.9
                    verdicts.add(share)
    assert verdicts == {0.0, 1.0}
