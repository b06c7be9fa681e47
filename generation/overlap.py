"""How two frames of one camera hang together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generation.relations import is_recognised
from generation.scene import Observation
from generation.sight import Seen

GRID_STEPS = 24
"""Rows and columns of pixels that are followed from one frame to another."""
DEPTH_AGREEMENT = 0.05


@dataclass(frozen=True)
class Overlap:
    """How two frames hang together."""

    shared_share: float
    """Part of the first frame that the second shows too."""
    shift_share: float
    """Median shift of that, as a share of the picture's width."""


def overlap(first: Observation, second: Observation) -> Overlap:
    """Follow pixels of one frame into another by their depth."""
    camera = first.camera
    rows = np.linspace(0, camera.height_px - 1, GRID_STEPS).astype(int)
    columns = np.linspace(0, camera.width_px - 1, GRID_STEPS).astype(int)
    rows, columns = (grid.ravel() for grid in np.meshgrid(rows, columns, indexing="ij"))
    depth_m = first.depth_m[rows, columns].astype(np.float64)
    known = np.isfinite(depth_m)
    before = np.column_stack([columns, rows])[known].astype(np.float64) + 0.5
    after, there_m = camera.project(
        second.pose, camera.unproject(first.pose, before, depth_m[known])
    )
    with np.errstate(invalid="ignore"):
        inside = (after >= 0).all(1) & (after < (camera.width_px, camera.height_px)).all(1)
    u, v = after[inside].astype(int).T
    seen_m = second.depth_m[v, u]
    same = np.abs(seen_m - there_m[inside]) < DEPTH_AGREEMENT * there_m[inside]
    if not same.any():
        return Overlap(0.0, 0.0)
    shift_px = np.linalg.norm(after[inside][same] - before[inside][same], axis=1)
    return Overlap(float(same.sum() / len(depth_m)), float(np.median(shift_px)) / camera.width_px)


def recognised_in_both(first: Seen, second: Seen) -> list[str]:
    """Return the objects that a person could recognise in both views."""
    return [
        key
        for key, sight in first.sights.items()
        if is_recognised(sight) and key in second.sights and is_recognised(second.sights[key])
    ]
