"""Meshes that are neither boxes nor turned: folded cloth, clock hands."""

from __future__ import annotations

import numpy as np

from generation.assets.mesh import Mesh, merged, moved, rounded_box


def folds(width_m: float, height_m: float, count: int, depth_m: float, steps: int = 8) -> Mesh:
    """Return a hanging cloth in the xz plane with so many folds, seen from both sides."""
    columns = count * steps + 1
    along = np.linspace(-0.5, 0.5, columns)
    wave = depth_m * np.sin(2 * np.pi * count * along)
    slope = depth_m * 2 * np.pi * count / width_m * np.cos(2 * np.pi * count * along)
    normal = np.column_stack([slope, -np.ones(columns), np.zeros(columns)])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    rows = [np.column_stack([along * width_m, wave, np.full(columns, z)]) for z in (0.0, height_m)]
    girth = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(along * width_m), np.diff(wave)))])
    uv = [np.column_stack([girth, np.full(columns, z)]) for z in (0.0, height_m)]
    low = np.arange(columns - 1)
    high = low + columns
    faces = np.concatenate(
        [np.stack([low, low + 1, high + 1], 1), np.stack([low, high + 1, high], 1)]
    )
    front = Mesh(np.vstack(rows), np.vstack([normal, normal]), np.vstack(uv), faces)
    back = front._replace(normals=-front.normals, faces=faces[:, ::-1])
    return merged([front, back])


def hand(angle_rad: float, length_m: float, thick_m: float, center_z_m: float) -> Mesh:
    """Return a clock hand before the face, turned clockwise from twelve."""
    bar = moved(rounded_box((thick_m / 2, 0.002, length_m / 2), 0.0), (0, 0, length_m / 2 - 0.01))
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    turn = np.array([[cos, 0, sin], [0, 1.0, 0], [-sin, 0, cos]])
    return moved(bar, (0, -0.009, center_z_m), turn)


def sheet(width_m: float, height_m: float, upright: bool) -> Mesh:
    """Return a rectangle with its picture filling it: facing -y, or lying and facing up."""
    x, y = width_m / 2, height_m / 2
    flat = np.array([[-x, -y], [x, -y], [x, y], [-x, y]])
    if upright:
        vertices = np.column_stack([flat[:, 0], np.zeros(4), flat[:, 1]])
        normals = np.tile([0.0, -1.0, 0.0], (4, 1))
    else:
        vertices = np.column_stack([flat, np.zeros(4)])
        normals = np.tile([0.0, 0.0, 1.0], (4, 1))
    uv = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    return Mesh(vertices, normals, uv, np.array([[0, 1, 2], [0, 2, 3]]))
