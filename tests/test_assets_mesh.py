"""Meshes of simple solids."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from generation.assets import mesh
from generation.assets.mesh import Mesh
from generation.assets.procedural import cloth

SOLIDS: dict[str, tuple[Mesh, float]] = {
    "box": (mesh.rounded_box((0.5, 0.3, 0.2), 0.0), 8 * 0.5 * 0.3 * 0.2),
    "rounded box": (mesh.rounded_box((0.5, 0.3, 0.2), 0.05, 6), 0.2348),
    "cylinder": (mesh.cylinder(0.5, 2.0, segments=400), math.pi * 0.25 * 2),
    "cone": (mesh.cylinder(0.5, 1.0, 0.0, segments=400), math.pi * 0.25 / 3),
    "ball": (mesh.sphere(0.5, 120), math.pi / 6),
    "bar": (mesh.tube([(0, 0, 0), (1, 1, 1)], 0.1, 200), math.pi * 0.01 * math.sqrt(3)),
}
"""Meshes and their volumes in m3."""


def flat(solid: Mesh) -> NDArray[np.float64]:
    a, b, c = (solid.vertices_m[solid.faces[:, i]] for i in range(3))
    return np.cross(b - a, c - a)


@pytest.mark.parametrize("name", SOLIDS)
def test_solids_are_closed_face_outwards_and_have_their_volume(name: str) -> None:
    solid, volume = SOLIDS[name]
    corners = solid.vertices_m[solid.faces]
    signed = np.einsum("fk,fk->f", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert signed == pytest.approx(volume, rel=0.01)
    np.testing.assert_allclose(flat(solid).sum(0), 0, atol=1e-9)


@pytest.mark.parametrize("name", SOLIDS)
def test_normals_are_units_on_the_outside(name: str) -> None:
    solid, _ = SOLIDS[name]
    np.testing.assert_allclose(np.linalg.norm(solid.normals, axis=1), 1, atol=1e-9)
    inward = np.einsum("fk,fck->fc", flat(solid), solid.normals[solid.faces]) < -1e-12
    assert not inward.any()
    assert len(solid.uv_m) == len(solid.vertices_m)


def test_rounded_box_keeps_its_size() -> None:
    solid = mesh.rounded_box((0.5, 0.3, 0.2), 0.1)
    np.testing.assert_allclose(solid.vertices_m.max(0), (0.5, 0.3, 0.2))
    np.testing.assert_allclose(solid.vertices_m.min(0), (-0.5, -0.3, -0.2))


def test_radius_is_limited_by_the_thinnest_side() -> None:
    solid = mesh.rounded_box((0.5, 0.3, 0.01), 0.1)
    assert np.abs(solid.vertices_m).max(0) == pytest.approx((0.5, 0.3, 0.01))


def test_turned_hollow_shows_its_inside() -> None:
    cup = mesh.turned([(0, 0), (1, 0), (1, 1), (0.9, 1), (0.9, 0.1), (0, 0.1)], 200)
    corners = cup.vertices_m[cup.faces]
    volume = np.einsum("fk,fk->f", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert volume == pytest.approx(math.pi * (1 - 0.81 * 0.9), rel=0.01)


def test_moved_turns_then_shifts() -> None:
    solid = mesh.moved(mesh.rounded_box((1, 2, 3), 0), (10, 0, 0), mesh.rotation_z(math.pi / 2))
    np.testing.assert_allclose(solid.vertices_m.max(0), (12, 1, 3), atol=1e-9)
    tipped = mesh.moved(mesh.cylinder(0.1, 1.0), (0, 0, 0), mesh.rotation_x(math.pi / 2))
    assert tipped.vertices_m[:, 1].min() == pytest.approx(-1)


def test_uv_is_in_metres() -> None:
    box = mesh.rounded_box((0.5, 0.3, 0.2), 0)
    front = np.isclose(box.normals[:, 1], -1)
    spans = np.ptp(box.uv_m[front], axis=0)
    np.testing.assert_allclose(spans, (1.0, 0.4))


def test_curtain_has_two_sides_and_its_width() -> None:
    cloth_mesh = cloth.folds(0.5, 2.0, 4, 0.03)
    np.testing.assert_allclose(np.ptp(cloth_mesh.vertices_m, axis=0), (0.5, 0.06, 2.0), atol=1e-3)
    np.testing.assert_allclose(flat(cloth_mesh).sum(0), 0, atol=1e-9)
    agree = np.einsum("fk,fck->fc", flat(cloth_mesh), cloth_mesh.normals[cloth_mesh.faces])
    assert (agree > 0).all()


def test_sheet_faces_the_room_or_the_ceiling_with_its_picture_upright() -> None:
    for upright, normal, up in ((True, (0, -1, 0), 2), (False, (0, 0, 1), 1)):
        sheet = cloth.sheet(0.6, 0.4, upright)
        assert np.allclose(flat(sheet) / np.linalg.norm(flat(sheet), axis=1)[:, None], normal)
        top = sheet.vertices_m[:, up] > 0
        assert (sheet.uv_m[top, 1] == 1).all()
        right = sheet.vertices_m[:, 0] > 0
        assert (sheet.uv_m[right, 0] == 1).all()
