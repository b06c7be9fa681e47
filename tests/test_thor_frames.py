"""The conversion between Unity's frame and ours, checked against Unity's own rules."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.engines.thor.frames import (
    camera_to_unity,
    point_from_unity,
    point_to_unity,
    quaternion_from_unity,
    quaternion_to_unity,
    size_from_unity,
    yaw_from_unity_rad,
    yaw_to_unity_deg,
)
from generation.pose import Camera, Pose, wrap_rad

meters = st.floats(-30, 30)
angles = st.floats(-math.pi, math.pi, exclude_max=True)
pitches = st.floats(-1.2, 1.2)
degrees = st.floats(-180, 180)
CAMERA = Camera(640, 480, math.radians(60))


def unity_forward(yaw_deg: float) -> np.ndarray:
    """Return where Unity's yaw looks, by its documentation: 0 is +z, 90 is +x."""
    return np.array([math.sin(math.radians(yaw_deg)), 0.0, math.cos(math.radians(yaw_deg))])


def unity_turn(euler_deg: dict[str, float], vector: np.ndarray) -> np.ndarray:
    """Turn a vector as Unity does: about z, then x, then y, each clockwise along its axis."""
    x, y, z = (math.radians(euler_deg[axis]) for axis in "xyz")
    a, b, c = vector
    a, b = a * math.cos(z) - b * math.sin(z), a * math.sin(z) + b * math.cos(z)
    b, c = b * math.cos(x) - c * math.sin(x), b * math.sin(x) + c * math.cos(x)
    a, c = a * math.cos(y) + c * math.sin(y), c * math.cos(y) - a * math.sin(y)
    return np.array([a, b, c])


def as_unity(vector: np.ndarray) -> dict[str, float]:
    return dict(zip("xyz", vector.tolist(), strict=True))


@given(meters, meters, meters)
def test_points_go_there_and_back(x: float, y: float, z: float) -> None:
    assert point_from_unity(point_to_unity(x, y, z)).tolist() == [x, y, z]


def test_the_frames_are_as_documented() -> None:
    assert point_to_unity(1.0, 2.0, 3.0) == {"x": 1.0, "y": 3.0, "z": 2.0}
    assert size_from_unity({"x": 1.0, "y": 0.7, "z": 2.0}).tolist() == [1.0, 2.0, 0.7]
    # Along our +x (yaw 0) is Unity's +x (yaw 90); along our +y is Unity's +z (yaw 0).
    assert yaw_to_unity_deg(0.0) == 90.0
    assert yaw_to_unity_deg(math.pi / 2) == 0.0
    assert yaw_to_unity_deg(math.pi) == 270.0


@given(angles)
def test_yaw_looks_the_same_way_in_both(yaw_rad: float) -> None:
    ours = Pose(0, 0, 0, yaw_rad).forward
    theirs = point_from_unity(as_unity(unity_forward(yaw_to_unity_deg(yaw_rad))))
    assert theirs == pytest.approx(ours, abs=1e-9)
    back = yaw_from_unity_rad(yaw_to_unity_deg(yaw_rad))
    assert wrap_rad(back - yaw_rad) == pytest.approx(0, abs=1e-9)


@given(angles)
def test_turning_left_is_a_smaller_unity_yaw(yaw_rad: float) -> None:
    turned = yaw_to_unity_deg(yaw_rad + math.radians(10))
    assert (yaw_to_unity_deg(yaw_rad) - turned) % 360 == pytest.approx(10)


@given(meters, meters, meters, angles, pitches)
def test_a_camera_has_the_same_axes_in_both(
    x: float, y: float, z: float, yaw: float, pitch: float
) -> None:
    pose = Pose(x, y, z, yaw, pitch)
    position, rotation = camera_to_unity(pose)
    assert point_from_unity(position) == pytest.approx(pose.position_m)
    # Unity's camera looks along +z, with +x to the right of the picture and +y up.
    for unity_axis, ours in (
        ((0, 0, 1), pose.forward),
        ((1, 0, 0), pose.right),
        ((0, 1, 0), pose.up),
    ):
        turned = unity_turn(rotation, np.array(unity_axis, float))
        assert point_from_unity(as_unity(turned)) == pytest.approx(ours, abs=1e-9)


def test_pitch_up_is_a_negative_horizon() -> None:
    assert camera_to_unity(Pose(0, 0, 1.5, 0, math.radians(20))).rotation["x"] == pytest.approx(-20)


@given(angles, pitches, st.floats(-3, 3), st.floats(-3, 3), st.floats(0.5, 8))
def test_a_point_appears_at_the_same_pixel(
    yaw: float, pitch: float, right_m: float, up_m: float, ahead_m: float
) -> None:
    """Unity projects with its own axes; the pixel must be where our camera puts the point."""
    pose = Pose(1.0, -2.0, 1.5, yaw, pitch)
    position, rotation = camera_to_unity(pose)
    offset = unity_turn(rotation, np.array([right_m, up_m, ahead_m]))
    world = {axis: position[axis] + offset[i] for i, axis in enumerate("xyz")}
    pixels, depth_m = CAMERA.project(pose, point_from_unity(world)[None])
    scale = CAMERA.height_px / 2 / math.tan(CAMERA.fovy_rad / 2)
    assert depth_m[0] == pytest.approx(ahead_m)
    assert pixels[0] == pytest.approx(
        (320 + right_m / ahead_m * scale, 240 - up_m / ahead_m * scale), abs=1e-6
    )


@given(degrees, degrees, degrees, st.tuples(meters, meters, meters))
def test_an_object_is_turned_the_same_way(
    x: float, y: float, z: float, vector: tuple[float, float, float]
) -> None:
    euler = {"x": x, "y": y, "z": z}
    theirs = point_from_unity(as_unity(unity_turn(euler, np.array(vector))))
    w, *axis = quaternion_from_unity(euler)
    ours = point_from_unity(as_unity(np.array(vector)))
    turned = ours + 2 * np.cross(axis, np.cross(axis, ours) + w * ours)
    assert w >= 0
    assert turned == pytest.approx(theirs, abs=1e-9)


@given(degrees, degrees, degrees)
def test_orientations_go_there_and_back(x: float, y: float, z: float) -> None:
    quaternion = quaternion_from_unity({"x": x, "y": y, "z": z})
    again = quaternion_from_unity(quaternion_to_unity(quaternion))
    assert abs(float(again @ quaternion)) == pytest.approx(1.0)


def test_a_quarter_turn_of_an_object_is_clockwise_in_unity() -> None:
    euler = quaternion_to_unity(np.array([math.sqrt(0.5), 0, 0, math.sqrt(0.5)]))
    assert euler["y"] == pytest.approx(-90)
