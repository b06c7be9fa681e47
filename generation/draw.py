"""Draws marks on pictures: dots with a letter, boxes, crosses on the floor."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from generation.question import Mark

Rgb = tuple[int, int, int]

COLORS: dict[str, Rgb] = {
    "red": (220, 30, 30),
    "blue": (25, 80, 225),
    "green": (10, 130, 50),
    "magenta": (190, 20, 180),
}
"""Strong colours that stay apart from each other and from a letter in white."""

WHITE: Rgb = (255, 255, 255)
DOT_RADIUS = 0.023
"""Radius of a dot and half the width of a cross, as a share of the picture's shorter side."""
MIN_DOT_RADIUS_PX = 9.0
"""Below this its letter cannot be read."""
_OVERSAMPLE = 4


def draw_marks(rgb: NDArray[np.uint8], marks: Sequence[Mark]) -> NDArray[np.uint8]:
    """Return a copy of a picture, shape (height, width, 3), with marks drawn on it.

    Marks have a fixed size in pixels wherever they lie in the room, and white rims, so that they
    are seen on any ground.

    Raises:
        ValueError: A mark has a colour or a kind that is not known.
    """
    radius_px = dot_radius_px(*rgb.shape[:2])
    picture = Image.fromarray(rgb).convert("RGBA")
    for mark in marks:
        if mark.color not in COLORS:
            raise ValueError(f"unknown colour {mark.color!r}; known: {', '.join(COLORS)}")
        if mark.kind not in _KINDS:
            raise ValueError(f"unknown kind of mark {mark.kind!r}; known: {', '.join(_KINDS)}")
        _draw(picture, mark, radius_px)
    return np.asarray(picture.convert("RGB"))


def _draw(picture: Image.Image, mark: Mark, radius_px: float) -> None:
    """Draw a mark enlarged on a tile just around it, and lay the tile on the picture."""
    reach_px = 2 * radius_px
    left, top = (max(0, math.floor(min(mark.pixels[i::2]) - reach_px)) for i in (0, 1))
    right, bottom = (
        min(picture.size[i], math.ceil(max(mark.pixels[i::2]) + reach_px)) for i in (0, 1)
    )
    if left >= right or top >= bottom:
        return
    size = (right - left, bottom - top)
    tile = Image.new("RGBA", (size[0] * _OVERSAMPLE, size[1] * _OVERSAMPLE), (0, 0, 0, 0))
    shifted = tuple(value - (left, top)[i % 2] for i, value in enumerate(mark.pixels))
    pen = ImageDraw.Draw(tile)
    _KINDS[mark.kind](pen, replace(mark, pixels=shifted), radius_px * _OVERSAMPLE)
    picture.alpha_composite(tile.resize(size, Image.Resampling.LANCZOS), (left, top))


def dot_radius_px(height_px: int, width_px: int) -> float:
    """Return the radius of dots in a picture of a size."""
    return max(MIN_DOT_RADIUS_PX, DOT_RADIUS * min(height_px, width_px))


def _scaled(mark: Mark) -> list[float]:
    return [value * _OVERSAMPLE for value in mark.pixels]


def _dot(pen: ImageDraw.ImageDraw, mark: Mark, radius: float) -> None:
    u, v = _scaled(mark)
    rim = radius * 1.18
    pen.ellipse((u - rim, v - rim, u + rim, v + rim), fill=WHITE)
    pen.ellipse((u - radius, v - radius, u + radius, v + radius), fill=COLORS[mark.color])
    _letter(pen, mark.label, u, v, radius * 1.5)


def _letter(pen: ImageDraw.ImageDraw, label: str, u: float, v: float, size: float) -> None:
    if label:
        font = ImageFont.load_default(size)
        pen.text((u, v), label, fill=WHITE, font=font, anchor="mm", stroke_width=size * 0.03)


def _box(pen: ImageDraw.ImageDraw, mark: Mark, radius: float) -> None:
    corners = _scaled(mark)
    line = radius * 0.25
    outer = (corners[0] - line, corners[1] - line, corners[2] + line, corners[3] + line)
    pen.rectangle(outer, outline=WHITE, width=round(2 * line))
    pen.rectangle(tuple(corners), outline=COLORS[mark.color], width=round(line))
    if mark.label:
        u, v = corners[0] + radius, corners[1] + radius
        pen.ellipse((u - radius, v - radius, u + radius, v + radius), fill=COLORS[mark.color])
        _letter(pen, mark.label, u, v, radius * 1.5)


def _cross(pen: ImageDraw.ImageDraw, mark: Mark, radius: float) -> None:
    u, v = _scaled(mark)
    for color, width, reach in ((WHITE, 0.85, 1.25), (COLORS[mark.color], 0.5, 1.1)):
        for sign in (1, -1):
            arm = radius * reach
            ends = (u - arm, v - sign * arm, u + arm, v + sign * arm)
            pen.line(ends, fill=color, width=round(radius * width))


_KINDS: dict[str, Callable[[ImageDraw.ImageDraw, Mark, float], None]] = {
    "dot": _dot,
    "box": _box,
    "cross": _cross,
}
