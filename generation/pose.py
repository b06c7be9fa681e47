"""Camera poses and frame maths.

World frame: right-handed, z up, metres; yaw 0 looks along +x and grows counter-clockwise seen
from above (pi/2 looks along +y); pitch > 0 looks up. Camera frame: x right, y down, z along the
optical axis. Pixels: u to the right, v down, the centre of the first pixel at (0.5, 0.5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BOX_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
"""Of a box around the origin with half sizes of 1, shape (8, 3)."""


def wrap_rad(angle_rad: float) -> float:
    """Return the angle in [-pi, pi)."""
    return (angle_rad + math.pi) % (2 * math.pi) - math.pi


@dataclass(frozen=True)
class Pose:
    """Where a camera is and where it looks; it never rolls."""

    x_m: float
    y_m: float
    z_m: float
    yaw_rad: float
    pitch_rad: float = 0.0

    @property
    def position_m(self) -> Array:
        """Position in the world, shape (3,)."""
        return np.array([self.x_m, self.y_m, self.z_m])

    @property
    def forward(self) -> Array:
        """Unit vector along the optical axis, in the world, shape (3,)."""
        cos_pitch = math.cos(self.pitch_rad)
        return np.array(
            [
                cos_pitch * math.cos(self.yaw_rad),
                cos_pitch * math.sin(self.yaw_rad),
                math.sin(self.pitch_rad),
            ]
        )

    @property
    def right(self) -> Array:
        """Unit vector to the right of the picture, in the world (always level), shape (3,)."""
        return np.array([math.sin(self.yaw_rad), -math.cos(self.yaw_rad), 0.0])

    @property
    def up(self) -> Array:
        """Unit vector to the top of the picture, in the world, shape (3,)."""
        sin_pitch = math.sin(self.pitch_rad)
        return np.array(
            [
                -sin_pitch * math.cos(self.yaw_rad),
                -sin_pitch * math.sin(self.yaw_rad),
                math.cos(self.pitch_rad),
            ]
        )

    @property
    def world_from_camera(self) -> Array:
        """Homogeneous transform, shape (4, 4)."""
        transform = np.eye(4)
        transform[:3, 0] = self.right
        transform[:3, 1] = -self.up
        transform[:3, 2] = self.forward
        transform[:3, 3] = self.position_m
        return transform

    @property
    def camera_from_world(self) -> Array:
        """Homogeneous transform, shape (4, 4)."""
        rotation = self.world_from_camera[:3, :3].T
        transform = np.eye(4)
        transform[:3, :3] = rotation
        transform[:3, 3] = -rotation @ self.position_m
        return transform

    def moved(
        self, forward_m: float = 0.0, left_m: float = 0.0, turn_left_rad: float = 0.0
    ) -> Pose:
        """Return the pose after moving on the level, along the old heading, and then turning."""
        cos_yaw, sin_yaw = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        return replace(
            self,
            x_m=self.x_m + forward_m * cos_yaw - left_m * sin_yaw,
            y_m=self.y_m + forward_m * sin_yaw + left_m * cos_yaw,
            yaw_rad=wrap_rad(self.yaw_rad + turn_left_rad),
        )

    def to_json(self) -> dict[str, float]:
        """Return the pose as a flat JSON object."""
        return {key: float(value) for key, value in self.__dict__.items()}

    @staticmethod
    def from_json(record: dict[str, Any]) -> Pose:
        """Return the pose that :meth:`to_json` wrote."""
        return Pose(**record)


@dataclass(frozen=True)
class Camera:
    """A pinhole camera with square pixels and the principal point in the middle."""

    width_px: int
    height_px: int
    fovy_rad: float
    """Vertical field of view."""

    @property
    def focal_px(self) -> float:
        """Focal length, the same along both axes."""
        return self.height_px / 2 / math.tan(self.fovy_rad / 2)

    @property
    def fovx_rad(self) -> float:
        """Horizontal field of view."""
        return 2 * math.atan(self.width_px / 2 / self.focal_px)

    def to_camera(self, pose: Pose, points_m: Array) -> Array:
        """Transform world points, shape (N, 3), into the camera frame, shape (N, 3)."""
        rotation = pose.world_from_camera[:3, :3]
        result: Array = (np.asarray(points_m, float) - pose.position_m) @ rotation
        return result

    def project(self, pose: Pose, points_m: Array) -> tuple[Array, Array]:
        """Project world points.

        Args:
            pose: Of the camera.
            points_m: Shape (N, 3), in the world.

        Returns:
            Pixels, shape (N, 2), as (u, v), and depths along the optical axis in metres, shape
            (N,). Pixels of points that are not in front of the camera are NaN.
        """
        local = self.to_camera(pose, points_m)
        depth_m = local[:, 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            pixels = local[:, :2] / depth_m[:, None] * self.focal_px
        pixels += (self.width_px / 2, self.height_px / 2)
        pixels[depth_m <= 0] = np.nan
        return pixels, depth_m

    def unproject(self, pose: Pose, pixels: Array, depth_m: Array) -> Array:
        """Return the world points, shape (N, 3), seen at pixels (N, 2) at depths (N,)."""
        offset = np.asarray(pixels, float) - (self.width_px / 2, self.height_px / 2)
        depth = np.asarray(depth_m, float)
        local = np.column_stack([offset / self.focal_px * depth[:, None], depth])
        result: Array = local @ pose.world_from_camera[:3, :3].T + pose.position_m
        return result
