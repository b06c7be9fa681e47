"""What hangs on walls and lies on floors: rugs, pictures, mirrors, clocks, curtains, lamps."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.random import Generator

from generation.assets import art
from generation.assets.piece import Box
from generation.assets.procedural import cloth, paints
from generation.assets.procedural.design import Design, Paint, Solid, block, lathe, printed, shaped

RUG_M = 0.008


def rug(rng: Generator) -> Design:
    """Woven rug with a border; nothing collides with it."""
    width, depth = float(rng.uniform(1.9, 2.8)), float(rng.uniform(1.3, 1.9))
    seed = int(rng.integers(2**31))
    edge = Paint((0.45, 0.40, 0.36), "fabric", 1.0)
    solids = (
        block(edge, (0, 0, RUG_M / 2), (width, depth, RUG_M), 0.0, collides=False),
        printed(
            f"rug-{seed}",
            partial(art.rug, seed),
            (0, 0, RUG_M + 0.001),
            (width - 0.02, depth - 0.02),
            "floor",
        ),
    )
    return Design((width, depth, RUG_M + 0.002), solids, mass_kg=5, color_word="")


def round_rug(rng: Generator) -> Design:
    """Rug of one colour."""
    radius = float(rng.uniform(0.85, 1.2))
    paint = paints.fabric(rng)
    disc = [(0.0, 0.0), (radius, 0.0), (radius, RUG_M), (0.0, RUG_M)]
    return Design(
        (2 * radius, 2 * radius, RUG_M),
        (lathe(paint, disc, collides=False, segments=48),),
        color_word="",
    )


def picture(rng: Generator) -> Design:
    """Framed picture."""
    tall = bool(rng.random() < 0.5)
    short, long = float(rng.uniform(0.35, 0.6)), float(rng.uniform(0.6, 0.95))
    width, height = (short, long) if tall else (long, short)
    seed = int(rng.integers(2**31))
    frame = paints.BLACK_METAL if rng.random() < 0.4 else paints.wood(rng)
    solids = [
        printed(
            f"art-{seed}",
            partial(art.art, seed),
            (0, -0.014, height / 2),
            (width - 0.05, height - 0.05),
            "wall",
        )
    ]
    solids += _frame(frame, width, height, 0.035)
    solids.append(
        block(
            paints.WHITE_LACQUER,
            (0, 0.005, height / 2),
            (width - 0.02, 0.012, height - 0.02),
            0.0,
            False,
        )
    )
    return Design(
        (width, 0.036, height), tuple(solids), mount_height_m=1.62 - height / 2, color_word=""
    )


def _frame(paint: Paint, width: float, height: float, bar: float) -> list[Solid]:
    """Return four bars around a picture; together they collide as one board."""
    board = Box((0, 0, height / 2), (width / 2, 0.018, height / 2))
    bars = [
        block(paint, (side * (width - bar) / 2, 0, height / 2), (bar, 0.036, height), 0.004, False)
        for side in (-1, 1)
    ]
    bars += [
        block(paint, (0, 0, z), (width - 2 * bar, 0.036, bar), 0.004, False)
        for z in (bar / 2, height - bar / 2)
    ]
    return [Solid(bars[0].paint, bars[0].build, (board,), bars[0].area_m2), *bars[1:]]


def mirror(rng: Generator) -> Design:
    """Mirror in a frame; a polished metal sheet stands for the glass."""
    width, height = float(rng.uniform(0.4, 0.7)), float(rng.uniform(0.6, 1.0))
    glass = Paint((0.90, 0.92, 0.93), roughness=0.03, metallic=1.0)
    frame = paints.metal(rng) if rng.random() < 0.5 else paints.wood(rng)
    solids = _frame(frame, width, height, 0.03)
    solids.append(
        block(glass, (0, 0, height / 2), (width - 0.05, 0.014, height - 0.05), 0.0, False)
    )
    return Design(
        (width, 0.036, height), tuple(solids), mount_height_m=1.55 - height / 2, color_word=""
    )


def wall_clock(rng: Generator) -> Design:
    """Round clock with hands."""
    radius = float(rng.uniform(0.14, 0.2))
    rim = paints.plastic(rng)
    face = Paint((0.95, 0.95, 0.93), roughness=0.7)
    ring = [
        (0.0, 0.0),
        (radius, 0.0),
        (radius, 0.035),
        (radius - 0.018, 0.04),
        (radius - 0.02, 0.022),
        (0.0, 0.022),
    ]
    dial = [(radius - 0.019, 0.0), (radius - 0.019, 0.024), (0.0, 0.024)]
    center = (0.0, 0.02, radius)
    board = Box((0, 0, radius), (radius * 0.9, 0.02, radius * 0.9))
    body = lathe(rim, ring, collides=False, segments=40).tipped(center)
    solids = [
        Solid(rim, body.build, (board,), body.area_m2),
        lathe(face, dial, collides=False, segments=40).tipped(center),
    ]
    for angle, length, thick in (
        (rng.uniform(0, 6.28), radius * 0.5, 0.012),
        (rng.uniform(0, 6.28), radius * 0.72, 0.008),
    ):
        solids.append(
            shaped(
                paints.BLACK_PLASTIC,
                partial(cloth.hand, float(angle), length, thick, radius),
                0.001,
            )
        )
    for i in range(12):
        angle = i * np.pi / 6
        at = (
            float(np.sin(angle)) * radius * 0.78,
            -0.006,
            radius + float(np.cos(angle)) * radius * 0.78,
        )
        solids.append(block(paints.BLACK_PLASTIC, at, (0.009, 0.004, 0.009), 0.0, False))
    return Design(
        (2 * radius, 0.042, 2 * radius), tuple(solids), mount_height_m=1.9 - radius, color_word=None
    )


def curtain(rng: Generator) -> Design:
    """One folded panel; it hangs beside a window."""
    width, height = float(rng.uniform(0.35, 0.55)), float(rng.uniform(1.9, 2.2))
    paint = paints.fabric(rng)
    build = partial(cloth.folds, width, height, int(rng.integers(4, 7)), 0.035)
    return Design(
        (width, 0.09, height), (shaped(paint, build, width * height),), mount_height_m=0.05
    )


def ceiling_lamp(rng: Generator) -> Design:
    """Flat glowing dome under the ceiling; its bottom is at the origin."""
    radius, height = float(rng.uniform(0.16, 0.24)), float(rng.uniform(0.08, 0.12))
    glow = Paint((1.0, 0.96, 0.88), roughness=0.9, emission=2.5)
    curve = np.linspace(0, np.pi / 2, 8)
    dome = [(radius * float(np.sin(a)), (height - 0.02) * float(1 - np.cos(a))) for a in curve]
    plate = [(radius * 1.02, height - 0.02), (radius * 1.02, height), (0.0, height)]
    solids = (
        lathe(glow, dome, collides=False, segments=32),
        lathe(paints.STEEL, plate, collides=False, segments=32),
    )
    return Design((2.04 * radius, 2.04 * radius, height), solids, color_word="")


def cushion(rng: Generator) -> Design:
    """Throw cushion that lies flat."""
    width = float(rng.uniform(0.36, 0.46))
    return Design(
        (width, width, 0.14),
        (block(paints.fabric(rng), (0, 0, 0.07), (width, width, 0.14), 0.068),),
        movable=True,
        mass_kg=0.5,
    )
