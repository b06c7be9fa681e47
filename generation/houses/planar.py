"""Rectangles on the floor: overlap and containment."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rect:
    """An oriented rectangle, metres in the world."""

    x_m: float
    y_m: float
    half_width_m: float
    """Along its own x axis."""
    half_depth_m: float
    """Along its own y axis."""
    yaw_rad: float = 0.0

    def axes(self) -> Floats:
        """Return the unit vectors of its own x and y axis as rows, shape (2, 2)."""
        cos, sin = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        return np.array([[cos, sin], [-sin, cos]])

    def corners(self) -> Floats:
        """Return its corners, shape (4, 2), counter-clockwise."""
        signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
        middle = np.array([self.x_m, self.y_m])
        result: Floats = signs * (self.half_width_m, self.half_depth_m) @ self.axes() + middle
        return result

    def to_world(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Return the world point of a point in its own frame."""
        point = np.array([x_m, y_m]) @ self.axes() + (self.x_m, self.y_m)
        return float(point[0]), float(point[1])

    def grown(self, by_m: float) -> Rect:
        """Return the rectangle with all sides moved outwards."""
        return replace(
            self,
            half_width_m=max(self.half_width_m + by_m, 0.0),
            half_depth_m=max(self.half_depth_m + by_m, 0.0),
        )

    def overlaps(self, other: Rect, gap_m: float = 0.0) -> bool:
        """Say whether two rectangles come nearer than a gap (separating axes)."""
        east_m, north_m = other.x_m - self.x_m, other.y_m - self.y_m
        turn_rad = other.yaw_rad - self.yaw_rad
        cos_turn, sin_turn = abs(math.cos(turn_rad)), abs(math.sin(turn_rad))
        for one, two in ((self, other), (other, self)):
            cos, sin = math.cos(one.yaw_rad), math.sin(one.yaw_rad)
            across_m, along_m = abs(east_m * cos + north_m * sin), abs(north_m * cos - east_m * sin)
            width_m = two.half_width_m * cos_turn + two.half_depth_m * sin_turn
            depth_m = two.half_width_m * sin_turn + two.half_depth_m * cos_turn
            if across_m - one.half_width_m - width_m > gap_m - 1e-9:
                return False
            if along_m - one.half_depth_m - depth_m > gap_m - 1e-9:
                return False
        return True

    def inside(self, x_min_m: float, y_min_m: float, x_max_m: float, y_max_m: float) -> bool:
        """Say whether it lies within bounds."""
        corners = self.corners()
        low, high = corners.min(0), corners.max(0)
        return bool(
            low[0] >= x_min_m - 1e-6
            and low[1] >= y_min_m - 1e-6
            and high[0] <= x_max_m + 1e-6
            and high[1] <= y_max_m + 1e-6
        )

    def covers(self, points: Floats) -> NDArray[np.bool_]:
        """Say for points, shape (N, 2), which lie inside."""
        local = (points - (self.x_m, self.y_m)) @ self.axes().T
        half = np.array([self.half_width_m, self.half_depth_m])
        result: NDArray[np.bool_] = np.all(np.abs(local) <= half, axis=1)
        return result


def free_floor(points: Floats, obstacles: Iterable[Rect], radius_m: float) -> NDArray[np.bool_]:
    """Say for points, shape (N, 2), which are clear of all obstacles by a radius."""
    free = np.ones(len(points), bool)
    for obstacle in obstacles:
        free &= ~obstacle.grown(radius_m).covers(points)
    return free
