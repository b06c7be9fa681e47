"""What stands on the floor or on furniture and is not moved: plants, lamps, televisions."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.random import Generator

from generation.assets import mesh
from generation.assets.piece import Box
from generation.assets.procedural import paints
from generation.assets.procedural.design import Design, Paint, Solid, block, lathe, rod, shaped


def plant(rng: Generator) -> Design:
    """Potted plant with long leaves."""
    pot, tall = rng.uniform(0.10, 0.16), rng.uniform(0.5, 1.1)
    paint = (
        paints.plastic(rng, 0.6) if rng.random() < 0.6 else Paint((0.62, 0.30, 0.18), roughness=0.9)
    )
    pot_height = pot * rng.uniform(1.6, 2.0)
    outline = [
        (0.0, 0.0),
        (pot * 0.72, 0.0),
        (pot, pot_height),
        (pot - 0.012, pot_height),
        (pot - 0.014, pot_height - 0.02),
    ]
    seed = int(rng.integers(2**31))
    leaves = shaped(
        paints.LEAF,
        partial(_leaves, seed, pot, pot_height - 0.02, tall),
        1.0,
        (Box((0, 0, (pot_height + tall) / 2), (pot, pot, (tall - pot_height) / 2)),),
    )
    solids = (
        lathe(paint, outline),
        rod(paints.SOIL, (0, 0, pot_height - 0.03), pot * 0.95, 0.012, collides=False),
        leaves,
    )
    return Design((tall * 0.7, tall * 0.7, tall), solids, mass_kg=4, color_word="")


def _leaves(seed: int, pot: float, base: float, tall: float) -> mesh.Mesh:
    """Return arching blades around the stem."""
    rng = np.random.default_rng(seed)
    blades = []
    for i in range(int(rng.integers(16, 26))):
        length, lean = (tall - base) * rng.uniform(0.75, 1.0), rng.uniform(0.1, 0.9)
        along = np.linspace(0, 1, 7)
        out = np.minimum(lean * 0.42 * tall * along**1.6, 0.35 * tall - 0.02)
        up = length * (along - 0.28 * lean * along**2.5)
        width = np.maximum(0.05 * tall * np.sin(np.pi * np.clip(along * 0.93 + 0.05, 0, 1)), 0.002)
        blades.append(
            mesh.moved(
                _blade(out + 0.2 * pot, base + up * 0.98, width),
                (0, 0, 0),
                mesh.rotation_z(i * 2.4 + rng.uniform(0, 0.5)),
            )
        )
    return mesh.merged(blades)


def _blade(out: mesh.Floats, up: mesh.Floats, half_width: mesh.Floats) -> mesh.Mesh:
    """Return one leaf, seen from both sides, bent along x and z."""
    left = np.column_stack([out, -half_width, up])
    right = np.column_stack([out, half_width, up])
    vertices = np.vstack([left, right])
    count = len(out)
    tangent = np.gradient(np.column_stack([out, up]), axis=0)
    normal = np.column_stack([-tangent[:, 1], np.zeros(count), tangent[:, 0]])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    normals = np.vstack([normal, normal])
    low = np.arange(count - 1)
    faces = np.concatenate(
        [
            np.stack([low, low + 1, low + count + 1], 1),
            np.stack([low, low + count + 1, low + count], 1),
        ]
    )
    area = np.cross(
        vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]]
    )
    if (area * normals[faces[:, 0]]).sum() < 0:
        faces = faces[:, ::-1]
    back = mesh.Mesh(vertices, -normals, vertices[:, :2], faces[:, ::-1])
    return mesh.merged([mesh.Mesh(vertices, normals, vertices[:, :2], faces), back])


def floor_lamp(rng: Generator) -> Design:
    """Pole with a shade."""
    height, radius = rng.uniform(1.4, 1.75), rng.uniform(0.17, 0.24)
    return _lamp(rng, height, radius, 0.28, 0.014)


def table_lamp(rng: Generator) -> Design:
    """Small lamp for a table."""
    return _lamp(rng, rng.uniform(0.36, 0.52), rng.uniform(0.11, 0.15), 0.17, 0.03)


def _lamp(rng: Generator, height: float, radius: float, shade: float, pole: float) -> Design:
    foot = paints.metal(rng) if rng.random() < 0.5 else paints.plastic(rng, 0.4)
    cone = [
        (radius, height - shade),
        (radius * rng.uniform(0.6, 0.85), height),
        (radius * 0.55, height),
        (radius - 0.006, height - shade + 0.004),
    ]
    solids = (
        rod(foot, (0, 0, 0), radius * 0.7, 0.025),
        rod(foot, (0, 0, 0.02), pole, height - shade * 0.6),
        Solid(
            paints.SHADE,
            lathe(paints.SHADE, cone).build,
            (Box((0, 0, height - shade / 2), (radius * 0.89, radius * 0.89, shade / 2)),),
            2 * np.pi * radius * shade,
        ),
    )
    return Design((2 * radius, 2 * radius, height), solids, mass_kg=2, color_word="")


def television(rng: Generator) -> Design:
    """Flat screen on a foot."""
    width = rng.uniform(0.8, 1.2)
    height = width * 9 / 16 + 0.02
    screen = Paint((0.015, 0.015, 0.02), roughness=0.12)
    z = 0.06 + height / 2
    solids = (
        block(paints.BLACK_PLASTIC, (0, 0.0, z), (width, 0.05, height), 0.006),
        block(screen, (0, -0.027, z), (width - 0.03, 0.004, height - 0.03), 0.0, collides=False),
        block(paints.BLACK_PLASTIC, (0, 0.0, 0.04), (0.1, 0.05, 0.08), 0.004),
        block(paints.BLACK_PLASTIC, (0, 0.0, 0.006), (width * 0.45, 0.2, 0.012), 0.004),
    )
    return Design((width, 0.2, 0.06 + height), solids, mass_kg=8)
