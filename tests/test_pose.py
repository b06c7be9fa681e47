"""Frames: axes, the pinhole, and going there and back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.pose import Camera, Pose, wrap_rad

CAMERA = Camera(320, 240, math.radians(60))
angles = st.floats(-math.pi, math.pi)
poses = st.builds(
    Pose,
    st.floats(-5, 5),
    st.floats(-5, 5),
    st.floats(0, 2),
    angles,
    st.floats(-1.2, 1.2),
)


def test_yaw_zero_looks_along_x_and_grows_to_the_left() -> None:
    assert Pose(0, 0, 1, 0).forward == pytest.approx([1, 0, 0])
    assert Pose(0, 0, 1, math.pi / 2).forward == pytest.approx([0, 1, 0])
    assert Pose(0, 0, 1, 0).right == pytest.approx([0, -1, 0])
    assert Pose(0, 0, 1, 0).up == pytest.approx([0, 0, 1])
    assert Pose(0, 0, 1, 0, 0.3).forward[2] > 0


@given(poses)
def test_axes_are_right_handed_and_level(pose: Pose) -> None:
    rotation = pose.world_from_camera[:3, :3]
    assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert np.cross(pose.right, pose.forward) == pytest.approx(pose.up, abs=1e-9)
    assert pose.right[2] == 0


@given(poses)
def test_transforms_are_inverse(pose: Pose) -> None:
    product = pose.world_from_camera @ pose.camera_from_world
    assert product == pytest.approx(np.eye(4), abs=1e-9)


@given(poses, st.floats(0.5, 319.5), st.floats(0.5, 239.5), st.floats(0.2, 9))
def test_unproject_undoes_project(pose: Pose, u: float, v: float, depth_m: float) -> None:
    points = CAMERA.unproject(pose, np.array([[u, v]]), np.array([depth_m]))
    pixels, depths = CAMERA.project(pose, points)
    assert pixels[0] == pytest.approx([u, v], abs=1e-6)
    assert depths[0] == pytest.approx(depth_m)


def test_what_is_behind_has_no_pixel() -> None:
    pixels, _ = CAMERA.project(Pose(0, 0, 1, 0), np.array([[-1.0, 0, 1]]))
    assert np.isnan(pixels).all()


def test_left_is_left_and_up_is_up_in_the_picture() -> None:
    points = np.array([[2.0, 0.5, 1], [2.0, -0.5, 1], [2.0, 0, 1.5], [2.0, 0, 1]])
    pixels, _ = CAMERA.project(Pose(0, 0, 1, 0), points)
    assert pixels[0, 0] < 160 < pixels[1, 0]
    assert pixels[2, 1] < 120
    assert pixels[3] == pytest.approx([160, 120])


def test_the_field_of_view_reaches_the_border() -> None:
    half = CAMERA.fovx_rad / 2
    point = np.array([[math.cos(half), math.sin(half), 1.0]])
    pixels, _ = CAMERA.project(Pose(0, 0, 1, 0), point)
    assert pixels[0, 0] == pytest.approx(0, abs=1e-9)


@given(poses, st.floats(-1, 1), st.floats(-1, 1), angles)
def test_moving_walks_along_the_old_heading(
    pose: Pose, forward_m: float, left_m: float, turn_rad: float
) -> None:
    moved = pose.moved(forward_m, left_m, turn_rad)
    offset = moved.position_m - pose.position_m
    level = np.array([math.cos(pose.yaw_rad), math.sin(pose.yaw_rad), 0])
    assert offset @ level == pytest.approx(forward_m, abs=1e-9)
    assert -offset @ pose.right == pytest.approx(left_m, abs=1e-9)
    assert wrap_rad(moved.yaw_rad - pose.yaw_rad - turn_rad) == pytest.approx(0, abs=1e-9)
    assert moved.z_m == pose.z_m


@given(poses)
def test_json_keeps_every_bit(pose: Pose) -> None:
    assert Pose.from_json(pose.to_json()) == pose


@given(st.floats(-50, 50))
def test_wrapping_keeps_the_angle(angle: float) -> None:
    wrapped = wrap_rad(angle)
    assert -math.pi <= wrapped <= math.pi
    assert math.cos(wrapped) == pytest.approx(math.cos(angle), abs=1e-9)
    assert math.sin(wrapped) == pytest.approx(math.sin(angle), abs=1e-9)
