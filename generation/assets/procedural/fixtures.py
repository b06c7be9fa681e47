"""Kitchen and bathroom: fridge, stove, cabinets, sink, washing machine, bath, toilet, basin."""

from __future__ import annotations

from numpy.random import Generator

from generation.assets.piece import Box
from generation.assets.procedural import paints
from generation.assets.procedural.design import Design, Paint, Solid, block, lathe, rod

COUNTER = (
    Paint((0.62, 0.60, 0.58), roughness=0.4),
    Paint((0.25, 0.25, 0.26), roughness=0.35),
    Paint((0.72, 0.55, 0.36), "wood", 0.5),
)
DARK_GLASS = Paint((0.05, 0.05, 0.06), roughness=0.1)
BASE_DEPTH_M = 0.62
DARK_STEEL = Paint((0.30, 0.31, 0.32), roughness=0.4, metallic=0.6)
BRUSHED = Paint((0.66, 0.67, 0.69), roughness=0.35, metallic=0.8)


def _front(rng: Generator) -> Paint:
    return paints.WHITE_LACQUER if rng.random() < 0.5 else paints.cabinet_paint(rng)


def fridge(rng: Generator) -> Design:
    """Two doors, one over the other."""
    width, depth, height = rng.uniform(0.55, 0.7), rng.uniform(0.6, 0.68), rng.uniform(1.5, 1.85)
    body = BRUSHED if rng.random() < 0.5 else paints.WHITE_LACQUER
    split = height * rng.uniform(0.35, 0.7)
    front = -depth / 2 + 0.03
    solids = [block(body, (0, 0.03, height / 2), (width, depth - 0.06, height), 0.012)]
    for low, high in ((0.05, split - 0.004), (split + 0.004, height - 0.005)):
        middle = (low + high) / 2
        door = (width, 0.055, high - low)
        solids.append(block(body, (0, front, middle), door, 0.015))
        grip = (width / 2 - 0.06, front - 0.045, middle)
        tall = min(0.35, (high - low) * 0.5)
        solids.append(block(paints.STEEL, grip, (0.02, 0.03, tall), 0.008, collides=False))
    return Design((width, depth + 0.06, height), tuple(solids), mass_kg=60)


def kitchen_cabinet(rng: Generator) -> Design:
    """Base cabinet with a worktop."""
    width, height = float(rng.uniform(0.6, 1.2)), float(rng.uniform(0.86, 0.92))
    solids = tuple(_base(rng, width, height))
    return Design((width, BASE_DEPTH_M, height), solids, support_height_m=height, mass_kg=40)


def _base(rng: Generator, width: float, height: float) -> list[Solid]:
    """Return plinth, body, doors and worktop of a base cabinet."""
    front = _front(rng)
    worktop = COUNTER[int(rng.integers(len(COUNTER)))]
    low, high = 0.09, height - 0.04
    solids = [
        block(front, (0, 0.02, (low + high) / 2), (width, BASE_DEPTH_M - 0.06, high - low), 0.003),
        block(paints.BLACK_PLASTIC, (0, 0.05, low / 2), (width - 0.01, 0.48, low), 0.0),
        block(worktop, (0, 0, height - 0.02), (width, BASE_DEPTH_M, 0.04), 0.005),
    ]
    doors = max(1, round(width / 0.5))
    drawer = rng.random() < 0.5
    for i in range(doors):
        x, wide = -width / 2 + (i + 0.5) * width / doors, width / doors - 0.008
        spans = ((0.1, high - 0.2), (high - 0.19, high)) if drawer else ((0.1, high),)
        for bottom, top in spans:
            middle, tall = (bottom + top) / 2, top - bottom - 0.006
            solids.append(block(front, (x, -0.268, middle), (wide, 0.018, tall), 0.004, False))
            grip = (x, -0.284, top - 0.05)
            solids.append(block(paints.STEEL, grip, (0.14, 0.014, 0.012), 0.004, False))
    return solids


def kitchen_sink(rng: Generator) -> Design:
    """Base cabinet with a steel basin and a tap."""
    width, height = float(rng.uniform(0.75, 1.1)), float(rng.uniform(0.86, 0.92))
    solids = _base(rng, width, height)
    basin = (0.48, 0.34, 0.006)
    solids += [
        block(paints.STEEL, (0, -0.02, height + 0.003), (0.56, 0.44, 0.008), 0.003, False),
        block(DARK_STEEL, (0, -0.03, height + 0.006), basin, 0.0, False),
        rod(paints.STEEL, (0, 0.2, height), 0.018, 0.26),
        block(paints.STEEL, (0, 0.12, height + 0.25), (0.026, 0.18, 0.026), 0.01),
    ]
    return Design((width, BASE_DEPTH_M, height + 0.263), tuple(solids), mass_kg=45)


def stove(rng: Generator) -> Design:
    """Oven with four rings on top."""
    body = paints.WHITE_LACQUER if rng.random() < 0.5 else paints.BLACK_METAL
    solids = [
        block(body, (0, 0.015, 0.45), (0.6, 0.57, 0.9), 0.006),
        block(DARK_GLASS, (0, 0.015, 0.904), (0.58, 0.55, 0.008), 0.003, False),
        block(DARK_GLASS, (0, -0.276, 0.45), (0.5, 0.014, 0.36), 0.004, False),
        block(paints.STEEL, (0, -0.3, 0.67), (0.46, 0.018, 0.018), 0.006, False),
    ]
    ring = Paint((0.22, 0.22, 0.23), roughness=0.5)
    for x in (-0.14, 0.14):
        for y in (-0.11, 0.14):
            solids.append(rod(ring, (x, y, 0.907), 0.085, 0.006, collides=False))
    for i in range(4):
        solids.append(
            block(paints.STEEL, (-0.21 + 0.14 * i, -0.285, 0.8), (0.04, 0.03, 0.04), 0.012, False)
        )
    return Design((0.6, 0.62, 0.913), tuple(solids), mass_kg=50)


def washing_machine(rng: Generator) -> Design:
    """Front loader."""
    height = rng.uniform(0.82, 0.87)
    body = paints.WHITE_LACQUER if rng.random() < 0.7 else BRUSHED
    ring = [(0.17, 0.0), (0.17, 0.03), (0.13, 0.035), (0.0, 0.035)]
    glass = [(0.13, 0.0), (0.12, 0.042), (0.0, 0.05)]
    solids = [
        block(body, (0, 0.02, height / 2), (0.6, 0.56, height), 0.01),
        _disc(paints.STEEL, ring, height * 0.47),
        _disc(DARK_GLASS, glass, height * 0.47),
        block(
            paints.BLACK_PLASTIC, (0.12, -0.262, height - 0.07), (0.28, 0.01, 0.07), 0.003, False
        ),
        block(body, (-0.2, -0.264, height - 0.07), (0.16, 0.012, 0.08), 0.004, False),
    ]
    return Design((0.6, 0.62, height), tuple(solids), mass_kg=60)


def _disc(paint: Paint, profile: list[tuple[float, float]], height: float) -> Solid:
    """Return a turned solid whose axis points out of the front."""
    solid = lathe(paint, profile, collides=False, segments=32)
    return solid.tipped((0.0, -0.258, height))


def bathtub(rng: Generator) -> Design:
    """Tub with a panel, filled by nothing."""
    width, depth, height = rng.uniform(1.6, 1.8), rng.uniform(0.7, 0.8), rng.uniform(0.55, 0.62)
    rim = 0.07
    inner = Paint((0.86, 0.87, 0.88), roughness=0.15)
    solids = [block(inner, (0, 0, 0.12), (width - rim, depth - rim, 0.12), 0.02)]
    for side in (-1, 1):
        solids.append(
            block(
                paints.CERAMIC,
                (side * (width - rim) / 2, 0, height / 2),
                (rim, depth, height),
                0.025,
            )
        )
        solids.append(
            block(
                paints.CERAMIC,
                (0, side * (depth - rim) / 2, height / 2),
                (width, rim, height),
                0.025,
            )
        )
    solids.append(
        rod(
            paints.STEEL,
            (width / 2 - 0.14, depth / 2 - 0.05, height - 0.01),
            0.016,
            0.12,
            collides=False,
        )
    )
    solids.append(
        block(
            paints.STEEL,
            (width / 2 - 0.14, depth / 2 - 0.1, height + 0.1),
            (0.03, 0.13, 0.03),
            0.01,
            False,
        )
    )
    return Design((width, depth, height + 0.115), tuple(solids), mass_kg=80)


def toilet(rng: Generator) -> Design:
    """Bowl, seat and cistern."""
    paint = paints.CERAMIC
    bowl = [(0.0, 0.0), (0.12, 0.0), (0.115, 0.16), (0.185, 0.34), (0.19, 0.385), (0.0, 0.385)]
    lid = [(0.0, 0.385), (0.198, 0.385), (0.2, 0.4), (0.19, 0.425), (0.0, 0.425)]
    tall = rng.uniform(0.74, 0.82)
    solids = (
        lathe(paint, bowl, (0, -0.13, 0)),
        lathe(paints.WHITE_LACQUER, lid, (0, -0.13, 0), collides=False),
        block(paint, (0, 0.06, 0.2), (0.2, 0.3, 0.4), 0.03),
        block(paint, (0, 0.225, (0.38 + tall) / 2), (0.38, 0.19, tall - 0.38), 0.03),
        block(paints.STEEL, (0, 0.225, tall + 0.004), (0.05, 0.05, 0.012), 0.005, False),
    )
    return Design((0.4, 0.65, tall + 0.01), solids, mass_kg=30)


def washbasin(rng: Generator) -> Design:
    """Basin on a pedestal or on a small cabinet."""
    height, radius = rng.uniform(0.82, 0.88), rng.uniform(0.22, 0.26)
    basin = [
        (0.0, 0.0),
        (0.07, 0.0),
        (radius * 0.9, 0.1),
        (radius, 0.15),
        (radius - 0.02, 0.15),
        (radius * 0.75, 0.06),
        (0.0, 0.04),
    ]
    solids = [lathe(paints.CERAMIC, basin, (0, 0, height - 0.15), segments=32)]
    if rng.random() < 0.5:
        solids.append(rod(paints.CERAMIC, (0, 0.03, 0), 0.1, height - 0.14, 0.075))
    else:
        front = _front(rng)
        solids.append(
            block(
                front,
                (0, 0.02, (height - 0.15) / 2),
                (2 * radius - 0.06, 2 * radius - 0.08, height - 0.15),
                0.008,
            )
        )
    solids.append(rod(paints.STEEL, (0, radius - 0.05, height - 0.02), 0.014, 0.13, collides=False))
    solids.append(
        block(paints.STEEL, (0, radius - 0.1, height + 0.1), (0.024, 0.13, 0.024), 0.009, False)
    )
    return Design((2 * radius, 2 * radius, height + 0.112), tuple(solids), mass_kg=25)


def trash_can(rng: Generator) -> Design:
    """Pedal bin."""
    radius, height = rng.uniform(0.12, 0.16), rng.uniform(0.32, 0.5)
    paint = BRUSHED if rng.random() < 0.5 else paints.plastic(rng)
    dome = [
        (0.0, height * 0.85),
        (radius * 1.02, height * 0.85),
        (radius * 0.95, height * 0.93),
        (radius * 0.5, height),
        (0.0, height),
    ]
    box = Box((0, 0, height / 2), (radius * 0.89, radius * 0.89, height / 2))
    barrel = rod(paint, (0, 0, 0), radius * 0.94, height * 0.85, radius, collides=False)
    solids = (
        Solid(paint, barrel.build, (box,), barrel.area_m2),
        lathe(paints.BLACK_PLASTIC, dome, collides=False),
    )
    return Design((2.04 * radius, 2.04 * radius, height), solids, movable=True, mass_kg=2)
