"""Coordinates of AI2-THOR and ours: the only place that knows both.

Unity is left-handed with y up; yaw is clockwise seen from above, 0 looks along +z and 90 degrees
along +x; a positive pitch ("horizon") looks down; Euler angles turn about z, then x, then y.
Ours is right-handed with z up (generation.pose). Swapping y and z turns one into the other: seen
from above, +x stays to the right and Unity's +z becomes our +y, so nothing is mirrored.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from generation.pose import Pose

Floats = NDArray[np.float64]
UnityVector = dict[str, float]

_SWAP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
"""Its own inverse; its determinant is -1, which is the change of handedness."""


class UnityCamera(NamedTuple):
    """Where a camera is and how it is turned, as the player takes it."""

    position: UnityVector
    rotation: UnityVector
    """Euler angles in degrees."""


def point_from_unity(vector: Mapping[str, float]) -> Floats:
    """Return a point or direction in our world, shape (3,)."""
    return np.array([vector["x"], vector["z"], vector["y"]], float)


def point_to_unity(x_m: float, y_m: float, z_m: float) -> UnityVector:
    """Return one of our points in Unity's world."""
    return {"x": float(x_m), "y": float(z_m), "z": float(y_m)}


def size_from_unity(vector: Mapping[str, float]) -> Floats:
    """Return the extent of an axis-aligned box along our axes, shape (3,)."""
    return np.abs(point_from_unity(vector))


def yaw_to_unity_deg(yaw_rad: float) -> float:
    """Return Unity's yaw in [0, 360)."""
    return (90.0 - math.degrees(yaw_rad)) % 360.0


def yaw_from_unity_rad(yaw_deg: float) -> float:
    """Return our yaw in [-pi, pi)."""
    return (math.radians(90.0 - yaw_deg) + math.pi) % (2 * math.pi) - math.pi


def camera_to_unity(pose: Pose) -> UnityCamera:
    """Return a camera pose as the player takes it."""
    return UnityCamera(
        point_to_unity(pose.x_m, pose.y_m, pose.z_m),
        {"x": -math.degrees(pose.pitch_rad), "y": yaw_to_unity_deg(pose.yaw_rad), "z": 0.0},
    )


def quaternion_from_unity(euler_deg: Mapping[str, float]) -> Floats:
    """Return an object's orientation in our world, (w, x, y, z) with w >= 0, shape (4,)."""
    angles = [euler_deg["y"], euler_deg["x"], euler_deg["z"]]
    unity = Rotation.from_euler("YXZ", angles, degrees=True).as_matrix()
    ours = Rotation.from_matrix(_SWAP @ unity @ _SWAP)
    quaternion: Floats = ours.as_quat(canonical=True, scalar_first=True)
    return quaternion


def quaternion_to_unity(quaternion: Floats) -> UnityVector:
    """Return the Euler angles in degrees of an orientation (w, x, y, z) in our world."""
    ours = Rotation.from_quat(np.asarray(quaternion, float), scalar_first=True).as_matrix()
    unity = Rotation.from_matrix(_SWAP @ ours @ _SWAP)
    # Looking straight up or down leaves z free; scipy sets it to 0 and warns.
    y, x, z = unity.as_euler("YXZ", degrees=True, suppress_warnings=True)
    return {"x": float(x), "y": float(y), "z": float(z)}
