"""The light of a house: lamps, the sun through a window, and what walls and floor throw back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from numpy.random import Generator

from generation.assets.color import average_rgb
from generation.assets.piece import Rgb
from generation.houses import finishes
from generation.houses.house import Ambience, Light
from generation.houses.layout import RoomPlan

LAMP_BELOW_CEILING_M = 0.25
DAY_LAMP_CD, EVENING_LAMP_CD = 110_000.0, 150_000.0
DAY_AMBIENCE, EVENING_AMBIENCE = 10_000.0, 6_000.0
SUN_LUX = 70_000.0
SUNLIGHT: Rgb = (1.0, 0.95, 0.86)
LAMPLIGHT: Rgb = (1.0, 0.93, 0.82)
WARM_LAMPLIGHT: Rgb = (1.0, 0.86, 0.66)
DAY_RADIANCE: tuple[Rgb, Rgb, Rgb] = ((1.1, 1.05, 1.0), (0.95, 0.92, 0.86), (0.8, 0.72, 0.62))
EVENING_RADIANCE: tuple[Rgb, Rgb, Rgb] = ((1.1, 0.98, 0.82), (0.95, 0.84, 0.68), (0.75, 0.62, 0.48))
"""Light from ceiling, walls and floor of a room in neutral colours."""
TINT = 0.3
"""How much of a surface's colour its light takes on."""


def lights(rng: Generator, plans: Sequence[RoomPlan], evening: bool) -> tuple[Light, ...]:
    """Return a lamp per room and, by day, the sun through one of the windows."""
    strength = float(rng.uniform(0.85, 1.15)) * (EVENING_LAMP_CD if evening else DAY_LAMP_CD)
    result = []
    for plan in plans:
        room = plan.room
        x, y = (room.x_min_m + room.x_max_m) / 2, (room.y_min_m + room.y_max_m) / 2
        area = (room.x_max_m - room.x_min_m) * (room.y_max_m - room.y_min_m)
        position = (x, y, room.height_m - LAMP_BELOW_CEILING_M)
        intensity = strength * min(max(area / 20, 0.6), 1.3)
        rgb = WARM_LAMPLIGHT if evening else LAMPLIGHT
        result.append(Light("lamp", position, (0.0, 0.0, -1.0), intensity, rgb, len(plans) == 1))
    if not evening:
        result.append(_sun(rng, plans))
    return tuple(result)


def _sun(rng: Generator, plans: Sequence[RoomPlan]) -> Light:
    windows = [o for plan in plans for o in plan.openings if o.kind == "window"]
    azimuth = float(rng.uniform(-math.pi, math.pi))
    if windows:
        opening = windows[int(rng.integers(len(windows)))]
        inward = {"south": 90.0, "north": -90.0, "west": 0.0, "east": 180.0}[opening.side]
        azimuth = math.radians(inward + float(rng.uniform(-50, 50)))
    elevation = math.radians(float(rng.uniform(25, 55)))
    x, y = math.cos(azimuth) * math.cos(elevation), math.sin(azimuth) * math.cos(elevation)
    z = -math.sin(elevation)
    lux = SUN_LUX * float(rng.uniform(0.6, 1.2))
    return Light("sun", (-8 * x, -8 * y, -8 * z), (x, y, z), lux, SUNLIGHT)


def ambience(plans: Sequence[RoomPlan], evening: bool) -> Ambience:
    """Return the light from all around, tinted by the largest room's walls and floor."""
    largest = max(
        plans, key=lambda p: (p.room.x_max_m - p.room.x_min_m) * (p.room.y_max_m - p.room.y_min_m)
    )
    ceiling, wall, floor = EVENING_RADIANCE if evening else DAY_RADIANCE
    wall_rgb = _average_rgb("wall", largest.walls["south"])
    floor_rgb = _average_rgb("floor", largest.floor)
    strength = EVENING_AMBIENCE if evening else DAY_AMBIENCE
    return Ambience(strength, ceiling, _tinted(wall, wall_rgb), _tinted(floor, floor_rgb))


@lru_cache(maxsize=64)
def _average_rgb(table: str, name: str) -> Rgb:
    return average_rgb(finishes.finish(table, name))


def _tinted(light: Rgb, surface: Rgb) -> Rgb:
    """Mix the hue of a surface into light; its brightness stays."""
    mean = max(sum(surface) / 3, 1e-3)
    red, green, blue = (
        value * (1 - TINT + TINT * part / mean) for value, part in zip(light, surface, strict=True)
    )
    return red, green, blue
