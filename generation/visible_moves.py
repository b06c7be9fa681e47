"""Shifts of small objects that a person can see in a picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from generation.pose import Array, Pose, wrap_rad
from generation.refer import clear_objects
from generation.relations import MIN_CLEAR_UNOCCLUDED_SHARE, is_clear
from generation.scene import SceneObject
from generation.sight import OCCLUSION_SLACK_M, Seen, Sight
from generation.views import EYE_HEIGHT_M, Stage, fault

DIRECTIONS = ("left", "right", "towards", "away")
"""Left and right are those of the first picture; towards and away are along the line between its
camera and the object, on which an object keeps its place in the picture."""
SHIFTS_M = (0.5, 0.32, 0.2)
"""Lengths that are tried, longest first: tables are small."""
CAMERA_TURN_DEG = (8.0, 20.0)
CAMERA_SIDE_M = (0.15, 0.4)
LOOKS_AT_M = 3.0
"""A camera that steps aside turns back to what is this far ahead."""
MIN_VIEWS = 2
CLOSER_LOOKS = 8
CLOSE_M = (0.8, 2.6)
CLOSE_PITCH_RAD = (math.radians(-32), math.radians(-8))
OFF_MIDDLE_RAD = math.radians(14)
APPARENT_SHARE = 0.055
"""A closer look shows the shorter side of an object at this share of the picture's height."""
MIN_RECOGNISED = 3
MIN_SIDE_SHIFT_SHARE = 0.06
MIN_DEPTH_SHIFT_M = 0.18
MIN_GROWTH = 0.1
PLAINER = 1.5
"""Where the camera moves too, a shift is this much larger, since all else seems to move as well."""
MAX_SIDE_SHIFT_SHARE = 0.03
"""What comes nearer or goes away stays about where it was in the picture."""
MAX_STRAY = 1.15
"""The length of a shift, as it is seen, over its length in the direction that is meant."""


@dataclass(frozen=True, eq=False)
class Shift:
    """An object, how far it goes, and what the first camera then sees."""

    item: SceneObject
    direction: str
    offset_m: Array
    after: Seen


def movable_objects(seen: Seen) -> list[str]:
    """Return the clear objects that can be moved."""
    return [key for key in clear_objects(seen) if seen.object(key).movable]


def views_with_movables(stage: Stage, rng: np.random.Generator) -> list[Seen]:
    """Return the pool's views that show something to move; where there are few, look closer."""
    found = [seen for seen in stage.pool if movable_objects(seen)]
    items = [item for item in stage.session.objects().values() if item.movable and item.askable]
    for index in rng.permutation(len(items))[:CLOSER_LOOKS].tolist():
        if len(found) >= MIN_VIEWS:
            break
        pose = _closer(stage, items[index], rng)
        seen = stage.look(pose) if pose is not None else None
        if seen is not None and movable_objects(seen) and fault(seen, MIN_RECOGNISED) is None:
            found.append(seen)
    return found


def _closer(stage: Stage, item: SceneObject, rng: np.random.Generator) -> Pose | None:
    """Return a pose from which an object is large enough, if nothing is in the way."""
    camera = stage.session.camera
    far_m = float(item.size_m.min()) * camera.focal_px / (APPARENT_SHARE * camera.height_px)
    gaps_m = np.linalg.norm(stage.points_m - item.center_m[:2], axis=1)
    near = np.flatnonzero((gaps_m > CLOSE_M[0]) & (gaps_m < min(CLOSE_M[1], far_m)))
    if not len(near):
        return None
    index = int(near[rng.integers(len(near))])
    x_m, y_m = stage.points_m[index].tolist()
    height_m = float(rng.uniform(*EYE_HEIGHT_M))
    azimuth = math.atan2(item.center_m[1] - y_m, item.center_m[0] - x_m)
    drop_rad = math.atan2(item.center_m[2] - height_m, float(gaps_m[index]))
    pitch_rad = float(np.clip(drop_rad + OFF_MIDDLE_RAD, *CLOSE_PITCH_RAD))
    aside_rad = float(rng.uniform(-OFF_MIDDLE_RAD, OFF_MIDDLE_RAD))
    return Pose(x_m, y_m, height_m, wrap_rad(azimuth + aside_rad), pitch_rad)


def direction_of(pose: Pose, item_m: Array, direction: str) -> Array:
    """Return the unit vector of a direction on the level in the world, shape (3,)."""
    if direction in ("left", "right"):
        result: Array = pose.right if direction == "right" else -pose.right
        return result
    away = (item_m - pose.position_m) * (1.0, 1.0, 0.0)
    away /= np.linalg.norm(away)
    return away if direction == "away" else -away


def shift_object(stage: Stage, first: Seen, object_id: str, direction: str) -> Shift | None:
    """Try to shift an object visibly; the scene is then as before.

    Returns:
        None where no length of shift works.
    """
    item = first.object(object_id)
    for offset_m in _promising_offsets_m(first, object_id, direction):
        with stage.shifted(item, offset_m) as could:
            after = stage.look(first.observation.pose) if could else None
        if after is not None and is_visible_shift(first, after, object_id, direction):
            return Shift(item, direction, offset_m, after)
    return None


def could_shift(stage: Stage, first: Seen, object_id: str, direction: str) -> bool:
    """Say whether an object could be shifted, without looking: quick, and not quite certain."""
    for offset_m in _promising_offsets_m(first, object_id, direction):
        with stage.shifted(first.object(object_id), offset_m) as could:
            if could:
                return True
    return False


def _promising_offsets_m(first: Seen, object_id: str, direction: str) -> Iterator[Array]:
    """Yield the shifts that the first view promises to show, longest first."""
    toward = direction_of(first.observation.pose, first.object(object_id).center_m, direction)
    for length_m in SHIFTS_M:
        if _is_promising(first, object_id, length_m * toward, direction):
            yield length_m * toward


def _is_promising(first: Seen, object_id: str, offset_m: Array, direction: str) -> bool:
    """Foresee a shift: the object moves alone, and what hides it is what the first view shows."""
    observation, item = first.observation, first.object(object_id)
    camera, pose, points_m = observation.camera, observation.pose, item.surface_points_m
    before_px, _ = camera.project(pose, points_m)
    after_px, depth_m = camera.project(pose, points_m + offset_m)
    size_px = (camera.width_px, camera.height_px)
    if not (np.isfinite(after_px) & (after_px >= 0) & (after_px < size_px)).all():
        return False
    columns, rows = after_px.astype(int).T
    other = observation.segmentation[rows, columns] != item.segmentation_id
    in_front = observation.depth_m[rows, columns] < depth_m - OCCLUSION_SLACK_M
    if (other & in_front).mean() > 1 - MIN_CLEAR_UNOCCLUDED_SHARE:
        return False
    shift_share = float(before_px[:, 0].mean() - after_px[:, 0].mean()) / camera.width_px
    heights_px = float(np.ptp(before_px[:, 1])), float(np.ptp(after_px[:, 1]))
    return _can_be_told(direction, float(np.linalg.norm(offset_m)), shift_share, heights_px)


def is_visible_shift(first: Seen, after: Seen, object_id: str, direction: str) -> bool:
    """Say whether one camera sees an object go in a direction and nowhere else."""
    if object_id not in after.sights or not is_clear(after.sights[object_id]):
        return False
    before, now = first.sights[object_id], after.sights[object_id]
    pose, middle_m = first.observation.pose, first.object(object_id).center_m
    moved_m = (now.center_m - before.center_m) * (1.0, 1.0, 0.0)
    along_m = float(moved_m @ direction_of(pose, middle_m, direction))
    if np.linalg.norm(moved_m) > MAX_STRAY * along_m:
        return False
    return _can_be_told(direction, along_m, *_change(before, now))


def is_plain_shift(first: Seen, shift: Shift) -> bool:
    """Say whether a shift is so large that it can be told even where the camera moves too."""
    before, now = (seen.sights[shift.item.object_id] for seen in (first, shift.after))
    along_m = float(np.linalg.norm(shift.offset_m))
    return _can_be_told(shift.direction, along_m, *_change(before, now), PLAINER)


def _change(before: Sight, now: Sight) -> tuple[float, tuple[float, float]]:
    """Return how far something went to the left in the picture, and its heights there."""
    left_share = (before.center_px[0] - now.center_px[0]) / before.picture_px[0]
    return left_share, (before.box_px[3] - before.box_px[1], now.box_px[3] - now.box_px[1])


def _can_be_told(
    direction: str,
    along_m: float,
    left_share: float,
    heights_px: tuple[float, float],
    times: float = 1.0,
) -> bool:
    """Say whether a person could tell the direction of a shift from two pictures.

    Args:
        direction: One of DIRECTIONS.
        along_m: How far the object went that way.
        left_share: How far it went to the left in the picture, as a share of its width.
        heights_px: Its height in the picture before and after.
        times: How much larger than necessary the change has to be.
    """
    if direction in ("left", "right"):
        return left_share * (1 if direction == "left" else -1) >= times * MIN_SIDE_SHIFT_SHARE
    small, large = heights_px[::-1] if direction == "away" else heights_px
    return (
        along_m >= times * MIN_DEPTH_SHIFT_M
        and abs(left_share) <= MAX_SIDE_SHIFT_SHARE
        and large >= (1 + times * MIN_GROWTH) * small
    )


def find_shift(stage: Stage, first: Seen, rng: np.random.Generator) -> Shift | None:
    """Shift any movable object of a view in any direction."""
    for object_id in rng.permutation(movable_objects(first)).tolist():
        for direction in rng.permutation(DIRECTIONS).tolist():
            shift = shift_object(stage, first, object_id, direction)
            if shift is not None:
                return shift
    return None


def second_view(
    stage: Stage, first: Seen, shift: Shift | None, camera_moves: bool, rng: np.random.Generator
) -> Seen:
    """Return the view after a shift, or without one, perhaps after a small move of the camera."""
    pose = first.observation.pose
    if camera_moves:
        pose = _draw_pose(stage, pose, rng)
    elif shift is not None:
        return shift.after
    if shift is None:
        return stage.look(pose)
    with stage.shifted(shift.item, shift.offset_m):
        return stage.look(pose)


def _draw_pose(stage: Stage, start: Pose, rng: np.random.Generator) -> Pose:
    """Return the pose after a small turn, or after a step aside with a turn back."""
    side = float(rng.choice((-1, 1)))
    left_m = side * float(rng.uniform(*CAMERA_SIDE_M))
    stepped = start.moved(left_m=left_m, turn_left_rad=-left_m / LOOKS_AT_M)
    if rng.random() < 0.5 and stage.is_path_free(start, stepped):
        return stepped
    return start.moved(turn_left_rad=side * math.radians(float(rng.uniform(*CAMERA_TURN_DEG))))
