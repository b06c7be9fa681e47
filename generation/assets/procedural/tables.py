"""Tables, desks and shelves on which things stand."""

from __future__ import annotations

from numpy.random import Generator

from generation.assets.procedural import paints
from generation.assets.procedural.design import Design, Solid, block, rod


def _table(
    rng: Generator, width: float, depth: float, height: float, shelf: bool = False
) -> Design:
    thick = rng.uniform(0.025, 0.05)
    top = paints.cabinet_paint(rng)
    legs = top if rng.random() < 0.6 else paints.metal(rng)
    solids: list[Solid] = [block(top, (0, 0, height - thick / 2), (width, depth, thick), 0.006)]
    leg = rng.uniform(0.035, 0.07)
    inset = leg / 2 + rng.uniform(0.01, 0.05)
    for x in (-1, 1):
        for y in (-1, 1):
            at = (x * (width / 2 - inset), y * (depth / 2 - inset), (height - thick) / 2)
            solids.append(block(legs, at, (leg, leg, height - thick), 0.006))
    if rng.random() < 0.5:
        for y in (-1, 1):
            at = (0, y * (depth / 2 - inset), height - thick - 0.035)
            solids.append(block(legs, at, (width - 2 * inset, 0.02, 0.07), 0.003, collides=False))
    if shelf:
        at = (0, 0, height * 0.35)
        solids.append(block(top, at, (width - 2 * inset, depth - 2 * inset, 0.02), 0.004))
    return Design((width, depth, height), tuple(solids), support_height_m=height, mass_kg=15)


def _round_table(rng: Generator, radius: float, height: float) -> Design:
    top = paints.cabinet_paint(rng)
    foot = top if rng.random() < 0.5 else paints.metal(rng)
    solids = (
        rod(top, (0, 0, height - 0.03), radius, 0.03),
        rod(foot, (0, 0, 0.02), 0.04, height - 0.05),
        rod(foot, (0, 0, 0), radius * 0.55, 0.025),
    )
    return Design((2 * radius, 2 * radius, height), solids, support_height_m=height, mass_kg=15)


def dining_table(rng: Generator) -> Design:
    """Rectangular or round."""
    height = rng.uniform(0.72, 0.77)
    if rng.random() < 0.3:
        return _round_table(rng, rng.uniform(0.48, 0.65), height)
    return _table(rng, rng.uniform(1.1, 1.8), rng.uniform(0.75, 0.95), height)


def coffee_table(rng: Generator) -> Design:
    """Low table for the sofa."""
    height = rng.uniform(0.36, 0.46)
    if rng.random() < 0.25:
        return _round_table(rng, rng.uniform(0.35, 0.48), height)
    return _table(
        rng, rng.uniform(0.8, 1.25), rng.uniform(0.5, 0.7), height, shelf=rng.random() < 0.4
    )


def side_table(rng: Generator) -> Design:
    """Small table."""
    height, width = rng.uniform(0.45, 0.6), rng.uniform(0.36, 0.5)
    if rng.random() < 0.5:
        return _round_table(rng, width / 2, height)
    return _table(rng, width, width, height, shelf=rng.random() < 0.5)


def desk(rng: Generator) -> Design:
    """Writing desk with a block of drawers."""
    width, depth, height = rng.uniform(1.1, 1.6), rng.uniform(0.55, 0.75), rng.uniform(0.72, 0.76)
    top = paints.cabinet_paint(rng)
    legs = top if rng.random() < 0.5 else paints.metal(rng)
    front = top if rng.random() < 0.5 else paints.WHITE_LACQUER
    solids = [block(top, (0, 0, height - 0.015), (width, depth, 0.03), 0.005)]
    side = float(rng.choice([-1, 1]))
    body = 0.4
    x = side * (width / 2 - body / 2 - 0.02)
    low = 0.05
    solids.append(
        block(
            top,
            (x, 0.01, (low + height - 0.03) / 2),
            (body, depth - 0.06, height - 0.03 - low),
            0.004,
        )
    )
    for i in range(3):
        z = low + (i + 0.5) * (height - 0.03 - low) / 3
        solids.append(
            block(
                front,
                (x, -depth / 2 + 0.035, z),
                (body - 0.03, 0.02, (height - 0.08) / 3 - 0.02),
                0.004,
                collides=False,
            )
        )
        solids.append(
            block(
                paints.STEEL, (x, -depth / 2 + 0.02, z), (0.12, 0.012, 0.012), 0.004, collides=False
            )
        )
    for y in (-1, 1):
        at = (-side * (width / 2 - 0.04), y * (depth / 2 - 0.04), (height - 0.03) / 2)
        solids.append(block(legs, at, (0.045, 0.045, height - 0.03), 0.005))
    return Design((width, depth, height), tuple(solids), support_height_m=height, mass_kg=30)
