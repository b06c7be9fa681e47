"""Boxes found in meshes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from generation.assets import mesh
from generation.assets.colliders import fitted_boxes, flat_heights, surface_samples
from generation.assets.mesh import Mesh
from generation.assets.piece import Box, Finish, MeshPart

TABLE_SIZE_M = (1.2, 0.8, 0.75)


def part(*solids: Mesh) -> tuple[MeshPart, ...]:
    solid = mesh.merged(solids)
    return (
        MeshPart(
            solid.vertices_m.astype(np.float32),
            solid.normals.astype(np.float32),
            None,
            solid.faces.astype(np.int32),
            Finish(),
        ),
    )


def box(center: tuple[float, float, float], size: tuple[float, float, float]) -> Mesh:
    return mesh.moved(mesh.rounded_box((size[0] / 2, size[1] / 2, size[2] / 2), 0), center)


TABLE = part(
    box((0, 0, 0.73), (1.2, 0.8, 0.04)),
    *[box((x * 0.56, y * 0.36, 0.36), (0.08, 0.08, 0.72)) for x in (-1, 1) for y in (-1, 1)],
)


def covered(boxes: tuple[Box, ...], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    inside = np.zeros(len(points), bool)
    for item in boxes:
        away = np.abs(points - np.array(item.center_m))
        inside |= (away <= np.array(item.half_size_m) + 1e-6).all(1)
    return inside


def test_table_becomes_top_and_legs_with_room_below() -> None:
    boxes = fitted_boxes(TABLE, TABLE_SIZE_M, 0.75)
    assert 5 <= len(boxes) <= 12
    surface = surface_samples(TABLE, 0.02)
    grown = tuple(Box(b.center_m, tuple(h + 0.03 for h in b.half_size_m)) for b in boxes)  # type: ignore[arg-type]
    assert covered(grown, surface).mean() > 0.97
    below = np.array([(0.0, 0.0, 0.3), (0.3, 0.0, 0.5), (0.0, 0.25, 0.1)])
    assert not covered(boxes, below).any()


def test_top_ends_at_the_support_height_in_one_piece() -> None:
    tops = [b for b in fitted_boxes(TABLE, TABLE_SIZE_M, 0.75) if b.center_m[2] > 0.7]
    largest = max(tops, key=lambda b: b.half_size_m[0] * b.half_size_m[1])
    assert largest.half_size_m[:2] == pytest.approx((0.6, 0.4), abs=0.01)
    assert largest.center_m[2] + largest.half_size_m[2] == pytest.approx(0.75, abs=1e-4)


def test_closed_solid_is_one_box() -> None:
    cabinet = part(box((0, 0, 0.4), (1.0, 0.5, 0.8)))
    (only,) = fitted_boxes(cabinet, (1.0, 0.5, 0.8))
    assert only.center_m == pytest.approx((0, 0, 0.4), abs=0.01)
    assert only.half_size_m == pytest.approx((0.5, 0.25, 0.4), abs=0.01)


def test_boxes_stay_inside_the_extent() -> None:
    ball = part(mesh.sphere(0.3, 32))
    for item in fitted_boxes(ball, (0.6, 0.6, 0.6)):
        center, half = np.array(item.center_m), np.array(item.half_size_m)
        assert (np.abs(center[:2]) + half[:2] <= 0.3 + 1e-3).all()
        assert center[2] - half[2] >= -1e-3
        assert center[2] + half[2] <= 0.6 + 1e-3


def test_flat_heights() -> None:
    heights = dict(flat_heights(TABLE, TABLE_SIZE_M))
    assert max(heights) == pytest.approx(0.75, abs=0.006)
    assert heights[max(heights)] == pytest.approx(1.0, abs=0.02)


def test_samples_lie_on_the_surface_and_close_together() -> None:
    cube = part(box((0, 0, 0.5), (1, 1, 1)))
    points = surface_samples(cube, 0.1)
    on_side = np.isclose(np.abs(points - (0, 0, 0.5)).max(1), 0.5)
    assert on_side.all()
    for corner in ((0.5, 0.5, 1.0), (0.0, -0.5, 0.5), (0.27, 0.31, 1.0)):
        assert np.linalg.norm(points - corner, axis=1).min() < 0.1
