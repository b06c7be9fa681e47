"""Finds views worth asking about: where to stand, where to look, what to move.

Everything here decides on segmentation and depth; colours are rendered later and only for the
frames of questions that are kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from generation.engines import Session
from generation.pose import BOX_CORNERS, Array, Camera, Pose, wrap_rad
from generation.relations import bearing_rad, is_clear, is_recognised
from generation.scene import SceneObject, SceneState
from generation.sight import Seen, see

EYE_HEIGHT_M = (1.2, 1.6)
PITCH_RAD = (math.radians(-20), math.radians(-6))
POOL_VIEWS = 8
POOL_ATTEMPTS = 28
"""Looks that are taken for them."""
POOL_PROPOSALS = 60
"""Poses that are thought of for them."""
FORESEEN_RAYS = 16
"""Across and down: what is in the way of a look, foreseen."""
PROPOSALS = 10
"""Poses that are compared by where things are before one of them is looked at."""
INTERESTING_M = (0.8, 5.0)
"""Objects at these distances count when poses are compared."""
MIN_APPARENT_SIZE_RAD = math.radians(4)

MIN_RECOGNISED_OBJECTS = 4
MIN_CLEAR_OBJECTS = 2
MIN_MEDIAN_DEPTH_M = 1.3
"""Below this one is staring at a wall or a wardrobe."""
MIN_NEAR_DEPTH_M = 0.45
"""The 2nd percentile of depth: below this something is right at the lens."""
FARTHEST_M = 1000.0
"""Stands for the depth of nothing."""
MAX_OBJECT_AREA_SHARE = 0.4

FRAME_MARGIN_SHARE = 0.02
"""An object that is meant to be whole stays this far from the border."""
BEARING_STEP_RAD = math.radians(1)
PATH_STEP_M = 0.1


@dataclass(frozen=True, eq=False)
class Stage:
    """A loaded scene and views of it in its first state."""

    session: Session
    points_m: Array
    """Where one can stand, shape (N, 2)."""
    start: SceneState
    pool: tuple[Seen, ...]
    """Good views, the preferred ones first."""
    rejected: tuple[str, ...] = ()
    """Why other views were not taken."""
    looks: list[Seen] = field(default_factory=list)
    """All that was looked at so far in the first state, in order."""

    def look(self, pose: Pose) -> Seen:
        """Return what is seen from a pose in the present state."""
        seen = see(self.session.observe(pose))
        if seen.observation.state == self.start:
            self.looks.append(seen)
        return seen

    def turned(self, seen: Seen, bearing: float, object_id: str) -> Seen:
        """Look from the same spot with an object at a bearing (left positive).

        What hides what does not change when a camera turns in place: an object that is clear
        stays clear as long as it is in the frame.
        """
        pose = seen.observation.pose
        azimuth = pose.yaw_rad + bearing_rad(pose, seen.object(object_id).center_m)
        return self.look(replace(pose, yaw_rad=wrap_rad(azimuth - bearing)))

    def is_path_free(self, start: Pose, end: Pose) -> bool:
        """Say whether a person can walk straight from one pose to another."""
        length_m = math.hypot(end.x_m - start.x_m, end.y_m - start.y_m)
        steps = np.linspace(0, 1, 1 + math.ceil(length_m / PATH_STEP_M))[1:]
        return all(
            self.session.is_standing_free(
                start.x_m + share * (end.x_m - start.x_m), start.y_m + share * (end.y_m - start.y_m)
            )
            for share in steps.tolist()
        )

    def seems_free(self, start: Pose, end: Pose) -> bool:
        """Say whether a straight way stays near standing points: quick, and not quite certain."""
        length_m = math.hypot(end.x_m - start.x_m, end.y_m - start.y_m)
        steps = np.linspace(0, 1, 1 + math.ceil(length_m / PATH_STEP_M))[1:, None]
        first, last = np.array([start.x_m, start.y_m]), np.array([end.x_m, end.y_m])
        gaps_m, _ = self._tree.query(first + steps * (last - first))
        return bool(np.all(gaps_m < self._grid_m))

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.points_m)

    @cached_property
    def _grid_m(self) -> float:
        gaps_m, _ = self._tree.query(self.points_m, k=2)
        return float(np.median(gaps_m[:, 1]))

    @contextmanager
    def shifted(self, item: SceneObject, offset_m: Array) -> Iterator[bool]:
        """Shift a movable object on the level for the length of a block; True if it could be."""
        bottom_m = item.center_m - (0.0, 0.0, item.size_m[2] / 2)
        target = bottom_m[:2] + offset_m[:2]
        try:
            yield self.session.place(
                item.object_id, float(target[0]), float(target[1]), float(bottom_m[2])
            )
        finally:
            self.session.restore(self.start)


def open_stage(session: Session, rng: np.random.Generator) -> Stage:
    """Look around a scene."""
    stage = Stage(session, session.standing_points_m(), session.state(), ())
    pool: list[Seen] = []
    rejected: list[str] = []
    for _ in range(POOL_PROPOSALS if len(stage.points_m) else 0):
        if len(pool) == POOL_VIEWS or len(stage.looks) == POOL_ATTEMPTS:
            break
        pose = propose_pose(stage, rng)
        reason = _foreseen_fault(session, pose)
        if reason is None:
            seen = stage.look(pose)
            reason = fault(seen)
            if reason is None:
                pool.append(seen)
        if reason is not None:
            rejected.append(reason)
    return replace(stage, pool=tuple(pool), rejected=tuple(rejected))


def pool_views(stage: Stage, rng: np.random.Generator) -> Iterator[Seen]:
    """Yield the views of the pool: the view sampler of questions about single pictures."""
    yield from stage.pool


def _foreseen_fault(session: Session, pose: Pose) -> str | None:
    """Return why a view will probably not be worth asking about, without looking."""
    camera = session.camera
    ticks = (np.arange(FORESEEN_RAYS) + 0.5) / FORESEEN_RAYS
    pixels = np.stack(np.meshgrid(ticks * camera.width_px, ticks * camera.height_px), axis=-1)
    pixels = pixels.reshape(-1, 2)
    ways_m = camera.unproject(pose, pixels, np.ones(len(pixels))) - pose.position_m
    lengths = np.linalg.norm(ways_m, axis=1)
    distances_m = session.distances_m(pose.position_m, ways_m / lengths[:, None])
    return None if distances_m is None else _fault_of_depth(distances_m / lengths)


def depth_percentiles_m(depth_m: NDArray[np.floating[Any]], *percents: float) -> list[float]:
    """Return percentiles of depths, among which inf may be: between two of it there is none."""
    found: list[float] = np.percentile(np.minimum(depth_m, FARTHEST_M), percents).tolist()
    return found


def _fault_of_depth(depth_m: NDArray[np.floating[Any]]) -> str | None:
    """Return why nobody would ask about a view with such depths, of any shape, or None."""
    near_m, median_m = depth_percentiles_m(depth_m, 2, 50)
    if median_m < MIN_MEDIAN_DEPTH_M:
        return "view of a wall"
    return "something at the lens" if near_m < MIN_NEAR_DEPTH_M else None


def fault(seen: Seen, min_recognised: int = MIN_RECOGNISED_OBJECTS) -> str | None:
    """Return why a view is not worth asking about, or None."""
    reason = _fault_of_depth(seen.observation.depth_m[::4, ::4])
    if reason is not None:
        return reason
    sights = [sight for key, sight in seen.sights.items() if seen.object(key).askable]
    if max((sight.area_share for sight in sights), default=0.0) > MAX_OBJECT_AREA_SHARE:
        return "one object fills the view"
    if sum(is_recognised(sight) for sight in sights) < min_recognised:
        return "few objects in view"
    if sum(is_clear(sight) for sight in sights) < MIN_CLEAR_OBJECTS:
        return "few clear objects in view"
    return None


def propose_pose(stage: Stage, rng: np.random.Generator) -> Pose:
    """Return the pose of several random ones that seems to see most."""
    items = [item for item in stage.session.objects().values() if item.askable]
    centers_m = np.array([item.center_m for item in items]).reshape(-1, 3)
    sizes_m = np.array([item.size_m.max() for item in items])
    best, best_score = None, -1.0
    for _ in range(PROPOSALS):
        x, y = stage.points_m[rng.integers(len(stage.points_m))].tolist()
        height_m, pitch_rad = float(rng.uniform(*EYE_HEIGHT_M)), float(rng.uniform(*PITCH_RAD))
        pose = Pose(x, y, height_m, float(rng.uniform(-math.pi, math.pi)), pitch_rad)
        score = _promise(stage.session.camera, pose, centers_m, sizes_m) + rng.uniform(0, 0.5)
        if score > best_score:
            best, best_score = pose, score
    assert best is not None
    return best


def _promise(camera: Camera, pose: Pose, centers_m: Array, sizes_m: Array) -> float:
    """Return how many objects would be in view if nothing hid them."""
    pixels, _ = camera.project(pose, centers_m)
    with np.errstate(invalid="ignore"):
        inside = (pixels > 0).all(axis=1) & (pixels < (camera.width_px, camera.height_px)).all(1)
    distance_m = np.linalg.norm(centers_m - pose.position_m, axis=1)
    reachable = (distance_m > INTERESTING_M[0]) & (distance_m < INTERESTING_M[1])
    return float((inside & reachable & (sizes_m > MIN_APPARENT_SIZE_RAD * distance_m)).sum())


def framed_bearings_rad(seen: Seen, object_id: str) -> Array:
    """Return the bearings of an object's middle at which turning keeps it whole in the frame."""
    observation, item = seen.observation, seen.object(object_id)
    camera, pose = observation.camera, observation.pose
    azimuth = pose.yaw_rad + bearing_rad(pose, item.center_m)
    limit = camera.fovx_rad / 2
    bearings = np.arange(-limit, limit, BEARING_STEP_RAD)
    yaws = azimuth - bearings[:, None]
    corners_m = item.center_m + BOX_CORNERS * item.size_m / 2
    east_m, north_m, up_m = (corners_m - pose.position_m).T
    ahead_m = east_m * np.cos(yaws) + north_m * np.sin(yaws)  # (bearings, corners)
    right_m = east_m * np.sin(yaws) - north_m * np.cos(yaws)
    cos_pitch, sin_pitch = math.cos(pose.pitch_rad), math.sin(pose.pitch_rad)
    depth_m = ahead_m * cos_pitch + up_m * sin_pitch
    down_m = ahead_m * sin_pitch - up_m * cos_pitch
    reach = (0.5 - FRAME_MARGIN_SHARE) * np.array([camera.width_px, camera.height_px])
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = (np.abs(right_m / depth_m) * camera.focal_px < reach[0]) & (
            np.abs(down_m / depth_m) * camera.focal_px < reach[1]
        )
    result: Array = bearings[(inside & (depth_m > 0)).all(axis=1)]
    return result
