"""Samples of the objects' surfaces. The player tells boxes only, so they are seen with depth."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from generation.engines.thor.table import Bounds, Table
from generation.engines.thor.world import World
from generation.pose import Camera, Pose
from generation.scene import BACKGROUND, EngineError

Floats = NDArray[np.float64]

EYE_M = 1.5
PITCHES_RAD = (math.radians(-20.0),)
YAWS_RAD = tuple(math.radians(angle) for angle in (0.0, 90.0, 180.0, 270.0))
MAX_STANDPOINTS = 8
MAX_SAMPLES = 250
MIN_SAMPLES = 30
CELLS_PER_EDGE = 16
BOX_MARGIN_M = 0.05
MIN_SHARE_IN_BOX = 0.9


def scan(world: World, table: Table, camera: Camera, standing_m: Floats) -> dict[str, Floats]:
    """Look around from a few places and return samples of every object's surface, (K, 3) each.

    An object that is hardly seen from anywhere gets samples of its bounding box: it then looks
    more hidden than it is, so that nothing is asked about it.

    Raises:
        EngineError: What is seen does not lie where the player says that the objects are, so
            that depth, instance picture, camera and boxes cannot be trusted together.
    """
    wide = _wide(camera)
    seen: defaultdict[int, list[Floats]] = defaultdict(list)
    for pose in _poses(standing_m):
        shot = world.shoot(pose, wide)
        segmentation = table.segmentation(shot.colors, shot.names)
        usable = (segmentation != BACKGROUND) & np.isfinite(shot.depth_m)
        v, u = np.nonzero(usable)
        pixels = np.column_stack([u, v]).astype(np.float64) + 0.5
        points = wide.unproject(pose, pixels, shot.depth_m[usable].astype(np.float64))
        owners = segmentation[usable]
        for number in np.unique(owners).tolist():
            seen[number].append(points[owners == number])
    points_m = {
        entry.object_id: np.concatenate(seen[entry.segmentation_id] or [np.empty((0, 3))])
        for entry in table.entries.values()
    }
    boxes = {entry.object_id: entry.bounds for entry in table.entries.values()}
    _check_in_boxes(points_m, boxes)
    return {name: _samples(points, boxes[name]) for name, points in points_m.items()}


def _wide(camera: Camera) -> Camera:
    """Return the camera with at least a quarter of the horizon in view."""
    aspect = camera.width_px / camera.height_px
    fovy_rad = 2 * math.atan(1.0 / min(1.0, aspect))
    return Camera(camera.width_px, camera.height_px, fovy_rad)


def _poses(standing_m: Floats) -> Iterable[Pose]:
    for x, y in spread(standing_m, MAX_STANDPOINTS).tolist():
        for pitch in PITCHES_RAD:
            for yaw in YAWS_RAD:
                yield Pose(x, y, EYE_M, yaw, pitch)


def spread(points: Floats, count: int) -> Floats:
    """Return up to a number of points that lie far from each other, shape (n, D)."""
    chosen = [int(np.linalg.norm(points - points.mean(0), axis=1).argmin())]
    distance = np.linalg.norm(points - points[chosen[0]], axis=1)
    while len(chosen) < count and distance.max() > 0:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return points[chosen]


def _check_in_boxes(points_m: Mapping[str, Floats], boxes: Mapping[str, Bounds]) -> None:
    total = sum(len(points) for points in points_m.values())
    inside = sum(
        int(boxes[name].contains(points, BOX_MARGIN_M).sum()) for name, points in points_m.items()
    )
    if total == 0:
        raise EngineError("AI2-THOR: no object can be seen in this scene")
    if inside < MIN_SHARE_IN_BOX * total:
        raise EngineError(
            f"AI2-THOR: only {inside / total:.0%} of the object pixels lie in their object's "
            "bounding box; depth, instance picture and camera do not fit together"
        )


def _samples(points_m: Floats, bounds: Bounds) -> Floats:
    half_m = bounds.size_m / 2
    points = points_m[bounds.contains(points_m, BOX_MARGIN_M)]
    points = np.clip(points, bounds.center_m - half_m, bounds.center_m + half_m)
    edge_m = float(bounds.size_m.max()) / CELLS_PER_EDGE
    cells = np.floor((points - bounds.center_m) / edge_m).astype(int)
    _, first = np.unique(cells, axis=0, return_index=True)
    if len(first) < MIN_SAMPLES:
        return box_surface(bounds)
    return spread(points[first], MAX_SAMPLES) if len(first) > MAX_SAMPLES else points[first]


def box_surface(bounds: Bounds, steps: int = 6) -> Floats:
    """Return a regular sample of a box's faces except the bottom, shape (5 * steps ** 2, 3)."""
    grid = (np.arange(steps) + 0.5) / steps - 0.5
    a, b = (values.ravel() for values in np.meshgrid(grid, grid))
    half = np.full_like(a, 0.5)
    faces = [(-half, a, b), (half, a, b), (a, -half, b), (a, half, b), (a, b, half)]
    unit = np.concatenate([np.column_stack(face) for face in faces])
    result: Floats = bounds.center_m + unit * bounds.size_m
    return result
