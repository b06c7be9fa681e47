"""Sofas, armchairs, chairs and stools."""

from __future__ import annotations

from numpy.random import Generator

from generation.assets.procedural import paints
from generation.assets.procedural.design import Design, Paint, Solid, block, rod

CUSHION_RISE_M = 0.02
"""How far back cushions rise above the back."""


def sofa(rng: Generator) -> Design:
    """Two or three seats."""
    return _padded(rng, width=rng.uniform(1.6, 2.3))


def armchair(rng: Generator) -> Design:
    """One padded seat with arms."""
    return _padded(rng, width=rng.uniform(0.78, 0.98))


def _padded(rng: Generator, width: float) -> Design:
    depth, seat, back = rng.uniform(0.80, 0.95), rng.uniform(0.40, 0.46), rng.uniform(0.76, 0.92)
    arm_width, arm_height = rng.uniform(0.12, 0.2), rng.uniform(0.56, 0.64)
    paint = paints.upholstery(rng)
    leg = 0.1 if rng.random() < 0.6 else 0.05
    back_depth = 0.22
    radius = float(rng.uniform(0.03, 0.06))
    inner = width - 2 * arm_width
    solids: list[Solid] = [
        block(
            paint,
            (0, 0, leg + (seat - 0.16 - leg) / 2),
            (width - 0.02, depth - 0.02, seat - 0.16 - leg),
            0.03,
        ),
        block(
            paint,
            (0, depth / 2 - back_depth / 2, (back + leg) / 2),
            (width - 0.02, back_depth, back - leg),
            radius,
        ),
    ]
    for side in (-1, 1):
        x = side * (width / 2 - arm_width / 2)
        solids.append(
            block(
                paint, (x, 0, (arm_height + leg) / 2), (arm_width, depth, arm_height - leg), radius
            )
        )
        for end in (-1, 1):
            foot = (side * (width / 2 - 0.08), end * (depth / 2 - 0.08), 0.0)
            solids.append(rod(paints.BLACK_METAL, foot, 0.018, leg + 0.02, collides=False))
    seats = max(1, round(inner / 0.68))
    each = inner / seats
    for i in range(seats):
        x = -inner / 2 + (i + 0.5) * each
        solids.append(
            block(
                paint,
                (x, -back_depth / 2, seat - 0.08),
                (each - 0.012, depth - back_depth, 0.17),
                0.05,
            )
        )
        cushion_height = back - seat + CUSHION_RISE_M
        solids.append(
            block(
                paint,
                (x, depth / 2 - back_depth - 0.05, seat + cushion_height / 2),
                (each - 0.02, 0.15, cushion_height),
                0.06,
            )
        )
    return Design((width, depth, back + CUSHION_RISE_M), tuple(solids), mass_kg=30)


def chair(rng: Generator) -> Design:
    """Wooden or plastic seat on four legs, with a back of slats or one board."""
    width, depth = rng.uniform(0.40, 0.48), rng.uniform(0.44, 0.52)
    seat, height = rng.uniform(0.44, 0.48), rng.uniform(0.80, 0.98)
    frame = paints.wood(rng) if rng.random() < 0.5 else paints.plastic(rng)
    legs = frame if rng.random() < 0.7 else paints.metal(rng)
    solids = [block(frame, (0, 0, seat - 0.02), (width, depth, 0.04), 0.012)]
    leg = 0.035
    for x in (-1, 1):
        for y in (-1, 1):
            top = height if y > 0 else seat - 0.04
            solids.append(
                block(
                    legs,
                    (x * (width / 2 - leg), y * (depth / 2 - leg), top / 2),
                    (leg, leg, top),
                    0.006,
                )
            )
    back_y = depth / 2 - leg
    if rng.random() < 0.5:
        tall = height - seat - 0.16
        solids.append(
            block(frame, (0, back_y, height - tall / 2), (width - 0.03, 0.025, tall), 0.01)
        )
    else:
        for i in range(3):
            z = height - 0.04 - i * (height - seat - 0.1) / 3
            solids.append(block(frame, (0, back_y, z), (width - 0.06, 0.02, 0.07), 0.008))
    if rng.random() < 0.35:
        cushion = paints.fabric(rng)
        solids.append(
            block(cushion, (0, -0.01, seat + 0.015), (width - 0.04, depth - 0.06, 0.04), 0.018)
        )
    return Design((width, depth, height), tuple(solids), mass_kg=5)


def stool(rng: Generator) -> Design:
    """Round or square seat, low or at bar height."""
    height = float(rng.choice([0.46, 0.65, 0.75])) + rng.uniform(-0.02, 0.02)
    radius = rng.uniform(0.15, 0.19)
    seat = paints.wood(rng) if rng.random() < 0.6 else paints.plastic(rng)
    legs = seat if rng.random() < 0.5 else paints.metal(rng)
    round_seat = rng.random() < 0.6
    if round_seat:
        solids = [rod(seat, (0, 0, height - 0.04), radius, 0.04)]
    else:
        solids = [block(seat, (0, 0, height - 0.02), (2 * radius, 2 * radius, 0.04), 0.012)]
    reach = radius * (0.62 if round_seat else 0.85)
    for x in (-1, 1):
        for y in (-1, 1):
            solids.append(
                block(
                    legs,
                    (x * reach, y * reach, (height - 0.03) / 2),
                    (0.032, 0.032, height - 0.03),
                    0.005,
                )
            )
    for y in (-1, 1):
        solids.append(
            block(
                legs, (0, y * reach, height * 0.3), (2 * reach, 0.022, 0.022), 0.004, collides=False
            )
        )
    return Design(
        (2 * radius, 2 * radius, height), tuple(solids), support_height_m=height, mass_kg=4
    )


def ottoman(rng: Generator) -> Design:
    """Padded cube or drum."""
    height, width = rng.uniform(0.36, 0.45), rng.uniform(0.42, 0.6)
    paint: Paint = paints.upholstery(rng)
    if rng.random() < 0.5:
        solids = (block(paint, (0, 0, height / 2), (width, width, height), 0.05),)
    else:
        solids = (rod(paint, (0, 0, 0), width / 2, height),)
    return Design((width, width, height), solids, support_height_m=height, mass_kg=6)
