"""Pictures that are not tiled: rugs, and art for frames; each is drawn from a seed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.random import Generator

from generation.assets.textures import Pixels, cloud_noise, ridge, to_pixels


def rug(seed: int, n: int = 256) -> Pixels:
    """A rug: border and a symmetric pattern in two to four quiet colours."""
    rng = np.random.default_rng(seed)
    base = rng.uniform(0.25, 0.9) * 255 * (1 + rng.normal(0, 0.12, 3))
    colors = [
        np.clip(base * rng.uniform(0.5, 1.3) + rng.normal(0, 30, 3), 25, 240) for _ in range(4)
    ]
    row, column = np.abs(np.mgrid[:n, :n] / (n - 1) * 2 - 1)
    away = np.maximum(row, column)
    picture = np.broadcast_to(colors[0], (n, n, 3)).copy()
    style = int(rng.integers(4))
    if style == 0:
        waves = np.cos(rng.integers(3, 8) * np.pi * row) * np.cos(
            rng.integers(3, 8) * np.pi * column
        )
        picture[waves > rng.uniform(0.1, 0.5)] = colors[1]
    elif style == 1:
        picture[(row * rng.integers(3, 7)) % 1 < 0.5] = colors[1]
    elif style == 2:
        rhombus = (row + column) * rng.integers(2, 5)
        picture[rhombus % 1 < 0.5] = colors[1]
        picture[rhombus % 1 < 0.12] = colors[2]
    for limit, color in zip((0.8, 0.9), (colors[2], colors[3]), strict=True):
        picture[away > limit] = color
    return to_pixels(picture * (1 + 0.05 * rng.normal(0, 1, (n, n)))[..., None])


def art(seed: int, n: int = 256) -> Pixels:
    """A picture for a frame: shapes, a landscape, or colour fields."""
    rng = np.random.default_rng(seed)
    return (_shapes, _landscape, _fields)[int(rng.integers(3))](rng, n)


def _shapes(rng: Generator, n: int) -> Pixels:
    picture = np.broadcast_to(rng.uniform(170, 245, 3), (n, n, 3)).copy()
    row, column = np.mgrid[:n, :n]
    for _ in range(int(rng.integers(5, 12))):
        y, x, size = rng.uniform(0, n), rng.uniform(0, n), rng.uniform(n / 14, n / 4)
        if rng.random() < 0.5:
            mask = (column - x) ** 2 + (row - y) ** 2 < size * size
        else:
            mask = (np.abs(column - x) < size) & (np.abs(row - y) < size * rng.uniform(0.2, 1))
        picture[mask] = rng.uniform(20, 240, 3)
    return to_pixels(picture)


def _landscape(rng: Generator, n: int) -> Pixels:
    height = np.linspace(0, 1, n)[:, None]
    top, low = rng.uniform(120, 230, 3), rng.uniform(190, 250, 3)
    picture = np.repeat((top * (1 - height) + low * height)[:, None], n, axis=1)
    color = rng.uniform(90, 170, 3)
    for i in range(4):
        line = 0.35 + 0.15 * i + 0.06 * ridge(n, rng)
        picture[height > line[None]] = color * (1 - 0.2 * i)
    return to_pixels(picture * (1 + 0.03 * cloud_noise(n, rng, 16))[..., None])


def _fields(rng: Generator, n: int) -> Pixels:
    picture = np.broadcast_to(rng.uniform(200, 245, 3), (n, n, 3)).copy()
    edges = np.sort(rng.uniform(0.12, 0.88, 2)) * n
    bounds = [n * 0.08, *edges, n * 0.92]
    for low, high in pairwise(bounds):
        picture[int(low) + 4 : int(high) - 4, int(n * 0.1) : int(n * 0.9)] = rng.uniform(40, 220, 3)
    return to_pixels(picture * (1 + 0.04 * cloud_noise(n, rng, 8, 0.8))[..., None])
