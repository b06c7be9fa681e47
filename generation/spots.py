"""Spots on the floor that a picture shows and a person can stand on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generation.draw import dot_radius_px
from generation.pose import Array
from generation.scene import BACKGROUND, Observation
from generation.sight import Seen
from generation.views import Stage

MIN_SPOT_DISTANCE_M = 1.0
MIN_BORDER_SHARE = 0.06
"""Spots keep this far from the border of the picture."""
FLOOR_SLACK_M = 0.03
MIN_FLOOR_SHARE = 0.85
"""Part of a cross that lies on floor: half on a wall or a chair, it seems to be elsewhere."""
FLOOR_HEIGHT_M = 0.05
STEP_M = 0.2
"""Spots are at least about this far apart."""


@dataclass(frozen=True, eq=False)
class Spot:
    """A point on the floor."""

    point_m: Array
    """In the world, shape (3,)."""
    pixel: tuple[float, float]
    """Where the picture shows it."""


def visible_spots(stage: Stage, seen: Seen) -> list[Spot]:
    """Return the standing points that the picture shows."""
    observation = seen.observation
    camera, pose = observation.camera, observation.pose
    _, kept = np.unique(np.round(stage.points_m / STEP_M), axis=0, return_index=True)
    points_m = np.column_stack([stage.points_m[kept], np.zeros(len(kept))])
    pixels, depth_m = camera.project(pose, points_m)
    border_px = MIN_BORDER_SHARE * np.array([camera.width_px, camera.height_px])
    high_px = (camera.width_px, camera.height_px) - border_px
    with np.errstate(invalid="ignore"):
        inside = (pixels > border_px).all(axis=1) & (pixels < high_px).all(axis=1)
    far = np.linalg.norm(points_m[:, :2] - pose.position_m[:2], axis=1) >= MIN_SPOT_DISTANCE_M
    chosen = np.flatnonzero(inside & far)
    columns, rows = pixels[chosen].astype(int).T
    shown_m = observation.depth_m[rows, columns].astype(np.float64)
    with np.errstate(invalid="ignore"):
        near = np.abs(shown_m - depth_m[chosen]) < FLOOR_SLACK_M * np.maximum(1.0, shown_m)
    shown = near & (observation.segmentation[rows, columns] == BACKGROUND)
    flat = _floor_shares(observation, columns[shown], rows[shown]) >= MIN_FLOOR_SHARE
    return [
        Spot(points_m[index], (float(pixels[index, 0]), float(pixels[index, 1])))
        for index in chosen[shown][flat].tolist()
    ]


def _floor_shares(
    observation: Observation, columns: NDArray[np.intp], rows: NDArray[np.intp]
) -> Array:
    """Return the part of what crosses at pixels cover that is floor."""
    height, width = observation.segmentation.shape
    reach_px = round(dot_radius_px(height, width))
    around = np.arange(-reach_px, reach_px + 1)
    down, across = (grid.ravel() for grid in np.meshgrid(around, around, indexing="ij"))
    all_rows, all_columns = rows[:, None] + down, columns[:, None] + across  # (crosses, pixels)
    within = (all_rows >= 0) & (all_rows < height) & (all_columns >= 0) & (all_columns < width)
    all_rows, all_columns = all_rows.clip(0, height - 1), all_columns.clip(0, width - 1)
    pixels = np.stack([all_columns, all_rows], axis=-1).reshape(-1, 2) + 0.5
    depth_m = observation.depth_m[all_rows, all_columns].astype(np.float64).ravel()
    with np.errstate(invalid="ignore"):
        points_m = observation.camera.unproject(observation.pose, pixels, depth_m)
    floor = (np.abs(points_m[:, 2]) < FLOOR_HEIGHT_M).reshape(within.shape)
    floor &= within & (observation.segmentation[all_rows, all_columns] == BACKGROUND)
    result: Array = floor.sum(axis=1) / within.sum(axis=1)
    return result


def hides(seen: Seen, spot: Spot, object_id: str, by: Collection[str] | None = None) -> float:
    """Return the part of an object's surface that boxes of others hide from an eye over a spot.

    The eye is as high as the camera of the view. Boxes are larger than what is in them: 1 may be
    too much and 0 is safe, so a camera put there has the last word.

    Args:
        seen: The view that shows the spot.
        spot: Where the eye is.
        object_id: What it looks at.
        by: The objects that may hide it; None means all others.
    """
    eye_m = np.array([spot.point_m[0], spot.point_m[1], seen.observation.pose.z_m])
    points_m = seen.object(object_id).surface_points_m[::4]
    others = [
        item
        for key, item in seen.observation.objects.items()
        if key != object_id and (by is None or key in by)
    ]
    if not others:
        return 0.0
    centers_m = np.array([item.center_m for item in others])[:, None]  # (objects, 1, 3)
    half_m = np.array([item.size_m for item in others])[:, None] / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1.0 / (points_m - eye_m)  # (points, 3)
        first, second = (
            (centers_m - half_m - eye_m) * inverse,
            (centers_m + half_m - eye_m) * inverse,
        )
    enters = np.minimum(first, second).max(axis=2)
    leaves = np.maximum(first, second).min(axis=2)
    hidden = ((enters < leaves) & (enters > 0) & (enters < 1)).any(axis=0)
    return float(hidden.mean())
