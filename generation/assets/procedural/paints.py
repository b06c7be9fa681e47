"""Paints that furniture is made in."""

from __future__ import annotations

from numpy.random import Generator

from generation.assets.piece import Rgb
from generation.assets.procedural.design import Paint

WOODS: dict[str, Rgb] = {
    "oak": (0.66, 0.48, 0.30),
    "walnut": (0.38, 0.24, 0.15),
    "cherry": (0.52, 0.27, 0.16),
    "birch": (0.83, 0.71, 0.53),
    "wenge": (0.22, 0.15, 0.11),
    "pine": (0.80, 0.62, 0.40),
}

FABRICS: dict[str, Rgb] = {
    "red": (0.62, 0.15, 0.14),
    "blue": (0.19, 0.32, 0.58),
    "navy": (0.09, 0.14, 0.32),
    "green": (0.22, 0.43, 0.27),
    "yellow": (0.90, 0.75, 0.24),
    "orange": (0.85, 0.44, 0.14),
    "purple": (0.42, 0.24, 0.52),
    "pink": (0.92, 0.52, 0.64),
    "gray": (0.48, 0.48, 0.49),
    "light gray": (0.70, 0.70, 0.71),
    "black": (0.10, 0.10, 0.11),
    "white": (0.93, 0.93, 0.92),
    "beige": (0.80, 0.71, 0.56),
    "brown": (0.37, 0.23, 0.14),
}

PLASTICS: dict[str, Rgb] = {
    "red": (0.78, 0.09, 0.08),
    "blue": (0.10, 0.30, 0.74),
    "green": (0.12, 0.52, 0.22),
    "yellow": (0.97, 0.80, 0.10),
    "orange": (0.95, 0.46, 0.06),
    "purple": (0.45, 0.18, 0.60),
    "pink": (0.95, 0.50, 0.66),
    "white": (0.94, 0.94, 0.94),
    "black": (0.07, 0.07, 0.08),
    "gray": (0.50, 0.50, 0.52),
}

MUTED: dict[str, Rgb] = {
    "sage": (0.46, 0.58, 0.44),
    "navy": (0.14, 0.20, 0.38),
    "dusty blue": (0.40, 0.54, 0.68),
    "charcoal": (0.13, 0.13, 0.14),
    "gray": (0.56, 0.57, 0.58),
    "wine": (0.48, 0.13, 0.16),
}

STEEL = Paint((0.75, 0.75, 0.77), roughness=0.3, metallic=1.0)
BLACK_METAL = Paint((0.08, 0.08, 0.09), roughness=0.45, metallic=0.6)
WHITE_LACQUER = Paint((0.93, 0.93, 0.92), roughness=0.4)
CERAMIC = Paint((0.95, 0.95, 0.94), roughness=0.2)
BLACK_PLASTIC = Paint((0.05, 0.05, 0.06), roughness=0.4)
LEAF = Paint((0.17, 0.42, 0.13), roughness=0.7)
SOIL = Paint((0.17, 0.12, 0.09), roughness=1.0)
SHADE = Paint((0.95, 0.91, 0.82), roughness=0.9, emission=0.25)


def wood(rng: Generator) -> Paint:
    """Return one of the woods."""
    return Paint(WOODS[str(rng.choice(list(WOODS)))], "wood", roughness=0.5)


def cabinet_paint(rng: Generator) -> Paint:
    """Return a wood, white, or now and then a colour."""
    pick = rng.random()
    if pick < 0.55:
        return wood(rng)
    if pick < 0.8:
        return WHITE_LACQUER
    return Paint(MUTED[str(rng.choice(list(MUTED)))], roughness=0.45)


def fabric(rng: Generator) -> Paint:
    """Return a cloth."""
    return Paint(FABRICS[str(rng.choice(list(FABRICS)))], "fabric", roughness=1.0)


def upholstery(rng: Generator) -> Paint:
    """Return cloth or leather."""
    if rng.random() < 0.75:
        return fabric(rng)
    return Paint(
        FABRICS[str(rng.choice(["brown", "black", "white", "red", "beige"]))],
        "leather",
        roughness=0.45,
    )


def plastic(rng: Generator, roughness: float = 0.35) -> Paint:
    """Return a bright plastic or glaze."""
    return Paint(PLASTICS[str(rng.choice(list(PLASTICS)))], roughness=roughness)


def metal(rng: Generator) -> Paint:
    """Return steel or black metal."""
    return STEEL if rng.random() < 0.5 else BLACK_METAL
