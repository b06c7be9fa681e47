"""One picture as pixels: depth put into the level frame of its own camera.

Level frame: x ahead, y to the left, z up, metres, the camera in the origin. It knows how far the
camera is tilted, as a level on the camera would tell, but neither where it is nor its heading.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from generation.scene import Observation

Floats = NDArray[np.float64]

NEAREST_M = 0.05
"""Nothing nearer is in a picture."""


@dataclass(frozen=True, eq=False)
class Picture:
    """Segmentation and depth of a frame."""

    labels: NDArray[np.int32]
    """Shape (height, width)."""
    depth_m: NDArray[np.float32]
    """Shape (height, width), along the optical axis."""
    fovy_rad: float
    tilt_rad: float
    """Above the horizon positive."""

    @cached_property
    def focal_px(self) -> float:
        """Focal length."""
        return float(self.labels.shape[0] / (2 * math.tan(self.fovy_rad / 2)))

    def level_points_m(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Floats:
        """Return what pixels show, shape (N, 3), in the level frame."""
        height, width = self.labels.shape
        ahead = self.depth_m[rows, columns].astype(np.float64)
        left = (width / 2 - (columns + 0.5)) / self.focal_px * ahead
        rise = (height / 2 - (rows + 0.5)) / self.focal_px * ahead
        cos_tilt, sin_tilt = math.cos(self.tilt_rad), math.sin(self.tilt_rad)
        return np.stack(
            [ahead * cos_tilt - rise * sin_tilt, left, ahead * sin_tilt + rise * cos_tilt], axis=1
        )

    @cached_property
    def projection(self) -> Floats:
        """What takes level points to (row, column, 1) times their depth, shape (3, 3)."""
        height, width = self.labels.shape
        cos_tilt, sin_tilt = math.cos(self.tilt_rad), math.sin(self.tilt_rad)
        depth = np.array([cos_tilt, 0.0, sin_tilt])
        down = np.array([sin_tilt, 0.0, -cos_tilt])
        right = np.array([0.0, -1.0, 0.0])
        return np.stack(
            [
                depth * height / 2 + down * self.focal_px,
                depth * width / 2 + right * self.focal_px,
                depth,
            ]
        )

    def pixels_of(self, level_m: Floats) -> tuple[Floats, Floats]:
        """Return rows and columns, shape (N, 2), and depths, shape (N,), of level points."""
        projected = level_m @ self.projection.T
        depth_m = projected[:, 2]
        return projected[:, :2] / np.where(depth_m > NEAREST_M, depth_m, np.nan)[:, None], depth_m

    def rows_columns(self, label: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the pixels of an object."""
        rows, columns = np.nonzero(self.labels == label)
        return rows, columns

    def points_of(self, label: int) -> Floats:
        """Return what is seen of an object, shape (N, 3), in the level frame."""
        return self.level_points_m(*self.rows_columns(label))

    def middle_of(self, label: int) -> Floats:
        """Return the middle of what is seen of an object, shape (3,), in the level frame."""
        return np.asarray(self.points_of(label).mean(axis=0))


def picture_of(observation: Observation) -> Picture:
    """Take the pixels of an observation and how far its camera is tilted, and nothing else."""
    return Picture(
        labels=observation.segmentation,
        depth_m=observation.depth_m,
        fovy_rad=observation.camera.fovy_rad,
        tilt_rad=observation.pose.pitch_rad,
    )
