"""Floors, walls, ceilings, skies, rugs and art: names to finishes, drawn when first needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.random import Generator

from generation.assets import cache, textures
from generation.assets.piece import Finish, Texture
from generation.assets.textures import Pixels


@dataclass(frozen=True)
class Surface:
    """How to draw a finish and how large one repeat is."""

    draw: Callable[[Generator], Pixels]
    repeat_m: float
    roughness: float = 0.9
    rooms: str = ""
    """Kinds of room it suits, separated by commas; empty means any dry room."""


def _wood_floor(color: textures.Color, contrast: float = 1.0, rows: int = 8) -> Surface:
    return Surface(partial(textures.planks, color=color, contrast=contrast, rows=rows), 1.8, 0.45)


WET = "kitchen,bathroom"
SOFT = "living room,bedroom,office"

FLOORS: dict[str, Surface] = {
    "oak planks": _wood_floor((176, 132, 88)),
    "walnut planks": _wood_floor((104, 70, 47), 1.2),
    "pale birch planks": _wood_floor((208, 180, 142), 0.7),
    "cherry planks": _wood_floor((140, 80, 52)),
    "gray oak planks": _wood_floor((150, 142, 132), 0.8),
    "wide rustic planks": _wood_floor((160, 112, 70), 1.2, 5),
    "narrow maple strips": _wood_floor((196, 154, 106), 0.8, 16),
    "dark wenge planks": _wood_floor((70, 52, 42), 1.0),
    "oak herringbone": Surface(
        partial(textures.herringbone, color=(178, 136, 92)), 2.0, 0.45, SOFT
    ),
    "walnut herringbone": Surface(
        partial(textures.herringbone, color=(112, 76, 52)), 2.0, 0.45, SOFT
    ),
    "cream tiles": Surface(
        partial(textures.tiles, color=(214, 204, 186), grout=(168, 160, 148)), 1.6, 0.3, WET
    ),
    "white tiles": Surface(
        partial(textures.tiles, color=(226, 226, 224), grout=(170, 170, 168)), 1.2, 0.25, WET
    ),
    "slate tiles": Surface(
        partial(textures.tiles, color=(92, 96, 100), grout=(62, 64, 66)), 1.6, 0.4, WET
    ),
    "terracotta tiles": Surface(
        partial(textures.tiles, color=(176, 100, 68), grout=(146, 124, 106)), 1.2, 0.5, "kitchen"
    ),
    "checkerboard tiles": Surface(
        partial(textures.tiles, color=(222, 220, 214), grout=(120, 118, 114), second=(52, 52, 54)),
        1.4,
        0.3,
        WET,
    ),
    "gray carpet": Surface(partial(textures.carpet, color=(138, 136, 134)), 1.0, 1.0, SOFT),
    "beige carpet": Surface(partial(textures.carpet, color=(196, 178, 150)), 1.0, 1.0, SOFT),
    "blue carpet": Surface(partial(textures.carpet, color=(76, 96, 130)), 1.0, 1.0, SOFT),
    "green carpet": Surface(
        partial(textures.carpet, color=(92, 116, 92)), 1.0, 1.0, "bedroom,office"
    ),
    "polished concrete": Surface(
        partial(textures.concrete, color=(158, 156, 152)), 3.0, 0.5, "living room,kitchen,office"
    ),
}


def _paint(color: textures.Color) -> Surface:
    return Surface(partial(textures.plaster, color=color), 1.5, 0.95)


WALLS: dict[str, Surface] = {
    "white plaster": _paint((232, 230, 224)),
    "cream plaster": _paint((230, 219, 194)),
    "sand plaster": _paint((214, 196, 164)),
    "pale gray plaster": _paint((206, 206, 206)),
    "warm gray plaster": _paint((178, 170, 160)),
    "pale blue plaster": _paint((184, 204, 218)),
    "slate blue plaster": _paint((112, 134, 158)),
    "mint plaster": _paint((192, 216, 196)),
    "sage plaster": _paint((156, 172, 144)),
    "pale yellow plaster": _paint((236, 222, 166)),
    "peach plaster": _paint((234, 202, 176)),
    "rose plaster": _paint((222, 188, 184)),
    "lavender plaster": _paint((204, 196, 220)),
    "terracotta plaster": _paint((188, 122, 92)),
}
"""Paints that suit every room."""

WET_WALLS: dict[str, Surface] = {
    "white wall tiles": Surface(
        partial(textures.tiles, color=(230, 231, 230), grout=(190, 190, 188), count=6), 1.2, 0.2
    ),
    "pale blue wall tiles": Surface(
        partial(textures.tiles, color=(176, 204, 214), grout=(222, 224, 224), count=6), 1.2, 0.2
    ),
    "pale green wall tiles": Surface(
        partial(textures.tiles, color=(184, 212, 190), grout=(224, 226, 222), count=6), 1.2, 0.2
    ),
    "subway tiles": Surface(
        partial(
            textures.bricks,
            color=(230, 230, 228),
            mortar=(176, 176, 174),
            rows=12,
            columns=6,
            contrast=0.2,
        ),
        1.2,
        0.2,
    ),
    "gray wall tiles": Surface(
        partial(textures.tiles, color=(168, 170, 172), grout=(210, 210, 210)), 1.4, 0.25
    ),
}
"""Walls of bathrooms, now and then of kitchens."""

ACCENTS: dict[str, Surface] = {
    "red brick": Surface(
        partial(textures.bricks, color=(158, 82, 62), mortar=(186, 178, 168), rows=16, columns=5),
        1.3,
        0.95,
    ),
    "whitewashed brick": Surface(
        partial(
            textures.bricks,
            color=(216, 210, 202),
            mortar=(196, 190, 184),
            rows=16,
            columns=5,
            contrast=0.35,
        ),
        1.3,
        0.95,
    ),
    "wood panels": Surface(partial(textures.panels, color=(168, 122, 78)), 1.2, 0.6),
    "white panels": Surface(
        partial(textures.panels, color=(224, 222, 216), contrast=0.3), 1.2, 0.6
    ),
    "dark wood panels": Surface(partial(textures.panels, color=(96, 68, 50)), 1.2, 0.6),
    "raw concrete": Surface(partial(textures.concrete, color=(164, 162, 158)), 2.6, 0.9),
    "blue striped wallpaper": Surface(
        partial(textures.stripes, first=(214, 222, 228), second=(150, 172, 194)), 0.8, 0.9
    ),
    "beige striped wallpaper": Surface(
        partial(textures.stripes, first=(232, 222, 204), second=(206, 186, 158)), 0.8, 0.9
    ),
    "green patterned wallpaper": Surface(
        partial(textures.medallions, first=(204, 214, 194), second=(164, 184, 158)), 0.5, 0.9
    ),
    "rose patterned wallpaper": Surface(
        partial(textures.medallions, first=(232, 216, 210), second=(212, 178, 174)), 0.5, 0.9
    ),
    "navy plaster": _paint((58, 76, 110)),
    "forest green plaster": _paint((64, 92, 74)),
    "mustard plaster": _paint((204, 158, 62)),
    "brick red plaster": _paint((150, 66, 54)),
}
"""One wall of a dry room may have one of these."""

TABLES: dict[str, dict[str, Surface]] = {
    "floor": FLOORS,
    "wall": {**WALLS, **WET_WALLS, **ACCENTS},
}


CODE = (Path(__file__), Path(textures.__file__))
"""What draws the pictures."""


@lru_cache(maxsize=64)
def finish(table: str, name: str) -> Finish:
    """Return the finish of a name in TABLES; the same name gives the same pixels everywhere."""
    surface = TABLES[table][name]
    key = f"{table}/{name}"
    pixels = cache.array(
        f"finish {key}", CODE, lambda: surface.draw(np.random.default_rng([*key.encode()]))
    )
    texture = Texture(key, pixels)
    return Finish(WHITE, texture, surface.repeat_m, surface.roughness)


def names_for(table: dict[str, Surface], room_kind: str) -> list[str]:
    """Return the finishes that suit a kind of room."""
    wet = room_kind in WET.split(",")
    suited = []
    for name, surface in table.items():
        rooms = surface.rooms.split(",") if surface.rooms else []
        if room_kind in rooms or (not rooms and room_kind != "bathroom"):
            suited.append(name)
    return suited if suited or not wet else list(table)


WHITE = (1.0, 1.0, 1.0)
CEILING = Finish(rgb=(0.95, 0.95, 0.94), roughness=1.0)
TRIM = Finish(rgb=(0.92, 0.92, 0.90), roughness=0.5)


@lru_cache(maxsize=8)
def sky(evening: bool, variant: int) -> Finish:
    """Return what lies outside the windows."""
    key = f"sky/{'evening' if evening else 'day'}-{variant}"
    pixels = cache.array(
        key, CODE, lambda: _sky(np.random.default_rng([variant, int(evening)]), evening)
    )
    texture = Texture(key, pixels)
    return Finish(WHITE, texture, 24.0, 1.0, emission=0.35 if evening else 1.0)


SKY_VARIANTS = 4


def _sky(rng: Generator, evening: bool, n: int = 512) -> Pixels:
    """Draw sky over a line of trees; the horizon lies in the middle."""
    height = np.linspace(1, 0, n)[:, None, None]
    above = np.clip((height - 0.5) * 2, 0, 1)
    low, high = ((236, 190, 150), (92, 104, 150)) if evening else ((226, 236, 244), (138, 182, 232))
    picture = np.asarray(low, float) * (1 - above) + np.asarray(high, float) * above
    picture = np.repeat(picture, n, axis=1)
    clouds = np.clip(textures.cloud_noise(n, rng), 0, 2)[..., None]
    picture += clouds * (10 if evening else 20) * above
    outline = 0.505 + 0.02 * textures.cloud_noise(n, rng)[0]
    ground = (np.linspace(1, 0, n)[:, None] < outline)[..., None]
    leaves = np.asarray((52, 62, 52) if evening else (98, 126, 74), float)
    leaves = leaves * (1 + 0.22 * textures.cloud_noise(n, rng, 8, 0.8)[..., None])
    return textures.to_pixels(np.where(ground, leaves, picture))
