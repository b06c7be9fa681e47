"""Where an upright person has room: discs on the floor against the footprints of boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from generation.engines.mujoco.physics import Boxes
from generation.houses.house import Room

Floats = NDArray[np.float64]

PERSON_RADIUS_M = 0.2
PERSON_HEIGHT_M = 1.4
STEP_OVER_M = 0.05
"""A person stands on or over what is lower than this, such as a rug."""
GRID_M = 0.1


def room_grid_m(rooms: Sequence[Room]) -> Floats:
    """Return grid points inside rooms, shape (N, 2), a person's radius away from their edges."""
    points = []
    for room in rooms:
        xs = _ticks(room.x_min_m, room.x_max_m)
        ys = _ticks(room.y_min_m, room.y_max_m)
        points.append(np.stack(np.meshgrid(xs, ys, indexing="ij"), axis=-1).reshape(-1, 2))
    return np.concatenate(points) if points else np.empty((0, 2))


def has_room(points_m: Floats, boxes: Boxes) -> NDArray[np.bool_]:
    """Say at which floor points, shape (N, 2), an upright cylinder touches no box.

    The floor is at height 0.
    """
    half_height_m = np.abs(boxes.world_from_box[:, 2, :] * boxes.half_size_m).sum(axis=1)
    bottom_m = boxes.center_m[:, 2] - half_height_m
    top_m = boxes.center_m[:, 2] + half_height_m
    in_the_way = (top_m > STEP_OVER_M) & (bottom_m < PERSON_HEIGHT_M)
    center_m, axes, reach_m = _footprints(_chosen(boxes, in_the_way))
    free = np.ones(len(points_m), bool)
    if not len(points_m):
        return free
    far_m = np.linalg.norm(reach_m, axis=1) + PERSON_RADIUS_M
    low_m, high_m = points_m.min(axis=0), points_m.max(axis=0)
    gap_m = np.maximum(low_m - center_m, center_m - high_m).max(axis=1)
    for box in np.flatnonzero(gap_m < far_m):
        near = np.flatnonzero((np.abs(points_m - center_m[box]) < far_m[box]).all(axis=1))
        along_m = np.abs((points_m[near] - center_m[box]) @ axes[box].T) - reach_m[box]
        free[near] &= np.linalg.norm(np.maximum(along_m, 0), axis=1) >= PERSON_RADIUS_M
    return free


def _chosen(boxes: Boxes, which: NDArray[np.bool_]) -> Boxes:
    return Boxes(boxes.center_m[which], boxes.half_size_m[which], boxes.world_from_box[which])


def _ticks(low_m: float, high_m: float) -> Floats:
    first, last = low_m + PERSON_RADIUS_M, high_m - PERSON_RADIUS_M
    return np.arange(np.ceil(first / GRID_M), np.floor(last / GRID_M) + 1) * GRID_M


def _footprints(boxes: Boxes) -> tuple[Floats, Floats, Floats]:
    """Return the rectangles that boxes cover: middles (M, 2), axes (M, 2, 2), half sizes (M, 2).

    Boxes lean little if at all: the lean of the upright axis widens the rectangle.
    """
    rotation = boxes.world_from_box
    upright = np.abs(rotation[:, 2, :]).argmax(axis=1)
    level = rotation[np.arange(len(rotation)), :2, (upright + 1) % 3]
    level = level / np.linalg.norm(level, axis=1, keepdims=True)
    axes = np.stack([level, np.stack([-level[:, 1], level[:, 0]], axis=1)], axis=1)
    reach_m = np.abs(axes @ (rotation[:, :2] * boxes.half_size_m[:, None])).sum(axis=2)
    return boxes.center_m[:, :2], axes, reach_m
