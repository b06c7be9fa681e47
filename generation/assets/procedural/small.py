"""Small things that stand on furniture or on the floor; physics moves them."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.random import Generator

from generation.assets import mesh
from generation.assets.piece import Box
from generation.assets.procedural import paints
from generation.assets.procedural.design import Design, Paint, Solid, bar, block, lathe, rod, shaped


def mug(rng: Generator) -> Design:
    """Cylinder with a handle."""
    radius, height = rng.uniform(0.036, 0.046), rng.uniform(0.085, 0.11)
    paint = paints.plastic(rng, 0.25)
    wall = 0.005
    profile = [
        (0.0, 0.0),
        (radius * 0.92, 0.0),
        (radius, 0.01),
        (radius, height),
        (radius - wall, height),
        (radius - wall, 0.012),
        (0.0, 0.012),
    ]
    loop = [
        (radius - 0.002, 0.0, height * 0.8),
        (radius + 0.022, 0.0, height * 0.75),
        (radius + 0.028, 0.0, height * 0.5),
        (radius + 0.02, 0.0, height * 0.28),
        (radius - 0.002, 0.0, height * 0.22),
    ]
    return Design(
        (2 * radius, 2 * radius, height),
        (lathe(paint, profile), bar(paint, loop, 0.005)),
        movable=True,
        mass_kg=0.3,
    )


def bowl(rng: Generator) -> Design:
    """Round bowl."""
    radius = rng.uniform(0.09, 0.16)
    height = radius * rng.uniform(0.45, 0.65)
    paint = paints.plastic(rng, 0.25) if rng.random() < 0.7 else paints.wood(rng)
    curve = [(float(np.sin(a)), float(1 - np.cos(a))) for a in np.linspace(0.35, np.pi / 2, 9)]
    outside = [(0.0, 0.0), (radius * 0.34, 0.0)] + [(radius * s, height * c) for s, c in curve]
    inside = [((radius - 0.006) * s, height * c + 0.006 * (1 - c)) for s, c in reversed(curve)]
    return Design(
        (2 * radius, 2 * radius, height),
        (lathe(paint, [*outside, *inside, (0.0, 0.012)]),),
        movable=True,
        mass_kg=0.6,
    )


def book(rng: Generator) -> Design:
    """Lying book."""
    width, depth, height = (
        rng.uniform(0.14, 0.19),
        rng.uniform(0.20, 0.26),
        rng.uniform(0.025, 0.05),
    )
    cover = paints.plastic(rng, 0.7)
    pages = Paint((0.93, 0.91, 0.84), roughness=1.0)
    board = 0.003
    solids = (
        block(
            pages,
            (0.003, 0, height / 2),
            (width - 0.008, depth - 0.008, height - 2 * board),
            0.0,
            collides=False,
        ),
        block(cover, (0, 0, board / 2), (width, depth, board), 0.0, collides=False),
        Solid(
            cover,
            block(cover, (0, 0, height - board / 2), (width, depth, board), 0.0).build,
            (Box((0, 0, height / 2), (width / 2, depth / 2, height / 2)),),
            width * depth,
        ),
        block(
            cover,
            (-width / 2 + 0.002, 0, height / 2),
            (0.004, depth, height),
            0.0015,
            collides=False,
        ),
    )
    return Design((width, depth, height), solids, movable=True, mass_kg=0.6, color_word=None)


def ball(rng: Generator) -> Design:
    """Ball of one colour; stands on a small flat in physics."""
    radius = rng.uniform(0.09, 0.14)
    paint = paints.plastic(rng, 0.4)
    box = Box((0, 0, radius), (radius * 0.68, radius * 0.68, radius))
    solid = shaped(paint, partial(mesh.sphere, radius, 28), 4 * np.pi * radius**2, (box,))
    return Design((2 * radius, 2 * radius, 2 * radius), (solid,), movable=True, mass_kg=0.5)


def vase(rng: Generator) -> Design:
    """Turned vase of random outline."""
    height, belly = rng.uniform(0.2, 0.36), rng.uniform(0.055, 0.1)
    paint = paints.plastic(rng, 0.25)
    at = rng.uniform(0.3, 0.65)
    neck, foot, lip = (
        belly * rng.uniform(0.35, 0.6),
        belly * rng.uniform(0.55, 0.8),
        belly * rng.uniform(0.5, 0.8),
    )
    knots_z = np.array([0.0, at, 0.86, 1.0]) * height
    smooth = np.linspace(0, height, 15)
    from_knots = np.interp(smooth, knots_z, [foot, belly, neck, lip])
    rounded = np.convolve(np.pad(from_knots, 2, "edge"), [0.1, 0.2, 0.4, 0.2, 0.1], "valid")
    outside = [(0.0, 0.0), *zip(rounded.tolist(), smooth.tolist(), strict=True)]
    inside = [
        (rounded[-1] - 0.006, height),
        (neck * 0.8, height * 0.86),
        (neck * 0.8, height * 0.6),
        (0.0, height * 0.6),
    ]
    width = 2 * float(rounded.max())
    return Design(
        (width, width, height), (lathe(paint, [*outside, *inside]),), movable=True, mass_kg=1.0
    )


def bottle(rng: Generator) -> Design:
    """Glass or plastic bottle."""
    radius, height = rng.uniform(0.033, 0.043), rng.uniform(0.24, 0.32)
    tints = {
        "green": (0.08, 0.30, 0.12),
        "brown": (0.30, 0.16, 0.06),
        "blue": (0.10, 0.25, 0.62),
        "white": (0.93, 0.93, 0.93),
        "red": (0.72, 0.08, 0.08),
    }
    paint = Paint(tints[str(rng.choice(list(tints)))], roughness=0.15)
    neck = 0.014
    profile = [
        (0.0, 0.0),
        (radius * 0.95, 0.0),
        (radius, 0.008),
        (radius, height * 0.58),
        (radius * 0.9, height * 0.66),
        (neck, height * 0.8),
        (neck, height * 0.93),
        (0.0, height * 0.93),
    ]
    cap = Paint((0.15, 0.15, 0.16), roughness=0.4)
    return Design(
        (2 * radius, 2 * radius, height),
        (
            lathe(paint, profile),
            rod(cap, (0, 0, height * 0.92), neck * 1.15, height * 0.08, collides=False),
        ),
        movable=True,
        mass_kg=0.8,
    )


def box(rng: Generator) -> Design:
    """Cardboard or coloured box."""
    width, depth, height = rng.uniform(0.2, 0.45), rng.uniform(0.2, 0.35), rng.uniform(0.15, 0.35)
    paint = (
        Paint((0.62, 0.45, 0.28), roughness=0.95)
        if rng.random() < 0.5
        else paints.plastic(rng, 0.6)
    )
    lid = Paint(tuple(0.82 * c for c in paint.rgb), roughness=0.7)  # type: ignore[arg-type]
    solids = (
        block(
            paint, (0, 0, height / 2 - 0.001), (width - 0.006, depth - 0.006, height - 0.002), 0.003
        ),
        block(lid, (0, 0, height - 0.03), (width, depth, 0.06), 0.003, collides=False),
    )
    return Design((width, depth, height), solids, movable=True, mass_kg=1.5)
