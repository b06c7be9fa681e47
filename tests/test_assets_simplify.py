"""Fewer triangles for fine models."""

from __future__ import annotations

import numpy as np
import pytest

from generation.assets import mesh
from generation.assets.mesh import Mesh
from generation.assets.model import triangle_count
from generation.assets.piece import Finish, MeshPart, Texture
from generation.assets.simplify import (
    LEAST_TRIANGLES,
    MOST_TRIANGLES,
    allowed_triangles,
    simplified,
)

RED, BLUE = Finish(rgb=(0.8, 0.1, 0.1)), Finish(rgb=(0.1, 0.1, 0.8))


def part(solid: Mesh, finish: Finish = RED) -> MeshPart:
    return MeshPart(
        solid.vertices_m.astype(np.float32),
        solid.normals.astype(np.float32),
        None if finish.texture is None else solid.uv_m.astype(np.float32),
        solid.faces.astype(np.int32),
        finish,
    )


BALL = part(mesh.sphere(0.5, 300))


def volume_m3(item: MeshPart) -> float:
    corners = item.vertices_m[item.faces].astype(float)
    crossed = np.cross(corners[:, 1], corners[:, 2])
    return float(np.einsum("fk,fk->f", corners[:, 0], crossed).sum() / 6)


def test_coarse_models_stay_as_they_are() -> None:
    coarse = (part(mesh.sphere(0.5, 20)),)
    assert simplified(coarse, 10_000) is coarse


@pytest.mark.parametrize("limit", [16_000, 8_000, 6_000])
def test_fine_ball_keeps_its_shape(limit: int) -> None:
    assert triangle_count((BALL,)) > 40_000
    (ball,) = simplified((BALL,), limit)
    assert limit / 3 < triangle_count((ball,)) <= limit
    assert volume_m3(ball) == pytest.approx(volume_m3(BALL), rel=0.03)
    away = np.linalg.norm(ball.vertices_m - (0, 0, 0.5), axis=1)
    np.testing.assert_allclose(away, 0.5, atol=0.02)
    outward = (ball.vertices_m - (0, 0, 0.5)) / away[:, None]
    assert (np.einsum("vk,vk->v", outward, ball.normals) > 0.9).all()
    np.testing.assert_allclose(np.linalg.norm(ball.normals, axis=1), 1, atol=1e-4)


def test_parts_keep_their_finishes_and_touch() -> None:
    upper = part(mesh.moved(mesh.sphere(0.5, 200), (0, 0, 1.0)), BLUE)
    lower, above = simplified((BALL, upper), 8_000)
    assert (lower.finish, above.finish) == (RED, BLUE)
    assert lower.vertices_m[:, 2].max() == pytest.approx(above.vertices_m[:, 2].min(), abs=0.01)


def square() -> Mesh:
    """A square in the xy plane of many triangles; its texture coordinates are its x and y."""
    share = np.linspace(0, 1, 100)
    u, v = (grid.ravel() for grid in np.meshgrid(share, share))
    corner = (np.arange(99)[:, None] * 100 + np.arange(99)).ravel()
    lower = np.stack([corner, corner + 1, corner + 101], 1)
    upper = np.stack([corner, corner + 101, corner + 100], 1)
    points = np.stack([u - 0.5, v - 0.5, 0 * u], 1)
    normals = np.tile([0, 0, 1.0], (len(u), 1))
    return Mesh(points, normals, np.stack([u, v], 1), np.concatenate([lower, upper]))


def test_sharp_edges_stay_sharp() -> None:
    front = mesh.moved(square(), (0, -0.5, -0.5), mesh.rotation_x(np.pi / 2))
    (fewer,) = simplified((part(mesh.merged([square(), front])),), 5_000)
    kinds = {tuple(np.round(normal, 3) + 0.0) for normal in fewer.normals}
    assert kinds == {(0.0, 0.0, 1.0), (0.0, -1.0, 0.0)}


def test_texture_coordinates_follow_their_points() -> None:
    painted = Finish(texture=Texture("t", np.zeros((2, 2, 3), np.uint8)))
    (fewer,) = simplified((part(square(), painted),), 2_000)
    assert fewer.uv is not None
    np.testing.assert_allclose(fewer.uv, fewer.vertices_m[:, :2] + 0.5, atol=0.03)


def test_allowance_grows_with_size_within_limits() -> None:
    assert allowed_triangles((0.1, 0.1, 0.05)) == LEAST_TRIANGLES
    assert allowed_triangles((2.4, 1.0, 0.9)) == MOST_TRIANGLES
    assert LEAST_TRIANGLES < allowed_triangles((0.5, 0.5, 0.9)) < MOST_TRIANGLES
