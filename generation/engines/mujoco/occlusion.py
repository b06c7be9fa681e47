"""What a wall hides whole, so that it need not be drawn.

What lies behind a convex thing, as seen from one point, is convex itself. So a wall that stands
before all corners of a box stands before everything in the box.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_SIDE_M = 0.5
"""Boxes of which two sides are at least this long are worth testing."""
INSET_M = 0.001
"""What is barely hidden counts as seen."""
LEAST_DISTANCE_M = 0.15
"""A wall nearer than this may be cut by the near plane of a camera."""


class Screens(NamedTuple):
    """Boxes along the axes that hide what is behind them."""

    low_m: Floats
    """Shape (W, 3)."""
    high_m: Floats
    """Shape (W, 3)."""


def screens_of(model: mujoco.MjModel) -> Screens:
    """Return the large boxes that are part of a model's world."""
    is_box = (model.geom_type == int(mujoco.mjtGeom.mjGEOM_BOX)) & (model.geom_bodyid == 0)
    low_m, high_m = [], []
    for geom in np.flatnonzero(is_box):
        turn = np.zeros(9)
        mujoco.mju_quat2Mat(turn, model.geom_quat[geom])
        axes = np.abs(turn.reshape(3, 3))
        half_m = axes @ model.geom_size[geom]
        is_along_axes = np.allclose(axes.max(axis=0), 1.0)
        if is_along_axes and np.sort(half_m)[1] >= LEAST_SIDE_M / 2 and half_m.min() > INSET_M:
            low_m.append(model.geom_pos[geom] - half_m + INSET_M)
            high_m.append(model.geom_pos[geom] + half_m - INSET_M)
    return Screens(np.reshape(low_m, (-1, 3)), np.reshape(high_m, (-1, 3)))


def hidden(screens: Screens, eye_m: Floats, corners_m: Floats) -> NDArray[np.bool_]:
    """Say which boxes, by their corners of shape (B, 8, 3), one screen hides whole from a point."""
    gaps_m = np.maximum(np.maximum(screens.low_m - eye_m, eye_m - screens.high_m), 0)
    far = np.linalg.norm(gaps_m, axis=1) > LEAST_DISTANCE_M
    low_m, high_m = (side[far, None, None] - eye_m for side in screens)
    ways_m = corners_m - eye_m
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = low_m / ways_m, high_m / ways_m  # (W, B, 8, 3)
    enters = np.minimum(first, second).max(axis=-1)
    leaves = np.maximum(first, second).min(axis=-1)
    # Where a way runs along a side exactly, these are NaN, and that counts as seen.
    behind = (enters <= leaves) & (enters > 0) & (enters < 1)
    result: NDArray[np.bool_] = behind.all(axis=2).any(axis=0)
    return result
