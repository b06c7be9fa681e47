"""Tileable pictures of materials, drawn with numpy: wood, planks, tiles, fabric, plaster, brick.

Each function takes its own generator and returns pixels of shape (n, n, 3), uint8, sRGB, that
repeat without a seam in both directions. `neutral_*` patterns are nearly white, for tinting.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]
Color = Sequence[float]
"""sRGB, 0 to 255."""


def to_pixels(picture: Floats) -> Pixels:
    """Clip to 0..255 and round."""
    return np.asarray(np.clip(picture, 0, 255) + 0.5, np.uint8)


def stretched_noise(n: int, rng: Generator, columns: int, rows: int) -> Floats:
    """Return smooth tileable noise, shape (n, n), with so many random values across and down."""
    values = rng.standard_normal((rows, columns))
    return _spread(_spread(values, n).T, n).T


def _spread(values: Floats, n: int) -> Floats:
    """Interpolate the first axis to n samples, around the end."""
    at = np.arange(n) * len(values) / n
    low = at.astype(int)
    part = at - low
    weight = (part * part * (3 - 2 * part)).reshape(-1, *[1] * (values.ndim - 1))
    mixed: Floats = values[low] * (1 - weight) + values[(low + 1) % len(values)] * weight
    return mixed


def cloud_noise(n: int, rng: Generator, first: int = 4, persistence: float = 0.6) -> Floats:
    """Return tileable noise of unit variance, shape (n, n), of all scales up to n/first."""
    total = np.zeros((n, n))
    weight, power, cells = 1.0, 0.0, first
    while cells <= n:
        total += weight * stretched_noise(n, rng, cells, cells)
        power += weight * weight
        weight *= persistence
        cells *= 2
    return total / max(float(total.std()), 1e-9) if power else total


def ridge(n: int, rng: Generator) -> Floats:
    """Return tileable noise along a line, shape (n,), of about unit variance."""
    octaves = [0.5**power * _spread(rng.standard_normal(2 ** (power + 1)), n) for power in range(5)]
    total: Floats = np.sum(octaves, axis=0)
    return total


def grain(n: int, rng: Generator) -> Floats:
    """Return wood grain along the columns, shape (n, n), about unit variance."""
    fine = stretched_noise(n, rng, 8, n // 2) * 0.5 + stretched_noise(n, rng, 16, n) * 0.4
    return fine + stretched_noise(n, rng, 4, max(n // 16, 8)) * 0.5


def tinted(color: Color, variation: Floats) -> Pixels:
    """Return a colour times (1 + variation), variation of shape (n, n)."""
    return to_pixels(np.asarray(color, float) * (1 + variation[..., None]))


def neutral_wood(rng: Generator, n: int = 256) -> Pixels:
    """Wood grain to be tinted."""
    return tinted((232, 230, 226), 0.075 * grain(n, rng))


def neutral_fabric(rng: Generator, n: int = 256, thread: int = 4) -> Pixels:
    """Woven cloth to be tinted."""
    row, column = np.mgrid[:n, :n]
    weave = ((column // thread + row // thread) % 2) * 0.10 - 0.05
    return tinted(
        (240, 240, 240), weave + 0.01 * cloud_noise(n, rng, 16) + rng.normal(0, 0.03, (n, n))
    )


def neutral_leather(rng: Generator, n: int = 256) -> Pixels:
    """Creased leather to be tinted."""
    return tinted((240, 240, 240), 0.05 * cloud_noise(n, rng, 8, 0.8))


def neutral_wicker(rng: Generator, n: int = 128, strands: int = 8) -> Pixels:
    """Basket weave to be tinted."""
    row, column = np.mgrid[:n, :n] * strands / n
    over = (np.floor(row) + np.floor(column)) % 2
    bulge = np.where(over > 0, np.sin(np.pi * (row % 1)), np.sin(np.pi * (column % 1)))
    return tinted((205, 205, 205), 0.35 * bulge - 0.25 + rng.normal(0, 0.03, (n, n)))


def plaster(rng: Generator, color: Color, n: int = 256, roughness: float = 0.007) -> Pixels:
    """Painted wall."""
    return tinted(color, roughness * cloud_noise(n, rng, 4, 0.8))


def carpet(rng: Generator, color: Color, n: int = 256) -> Pixels:
    """Cut pile."""
    return tinted(color, 0.05 * rng.normal(0, 1, (n, n)) + 0.015 * cloud_noise(n, rng, 16))


def concrete(rng: Generator, color: Color, n: int = 512) -> Pixels:
    """Cast concrete with stains."""
    return tinted(color, 0.03 * cloud_noise(n, rng, 4, 0.8) + rng.normal(0, 0.012, (n, n)))


def planks(
    rng: Generator, color: Color, n: int = 1024, rows: int = 8, contrast: float = 1.0
) -> Pixels:
    """Floorboards along the columns, two joints in each row."""
    picture = np.zeros((n, n, 3))
    height = n // rows
    lines = grain(n, rng)
    for row in range(rows):
        band = slice(row * height, (row + 1) * height)
        start = int(rng.integers(n))
        middle = start + n // 2 + int(rng.integers(-n // 12, n // 12))
        for left, right in ((start, middle), (middle, start + n)):
            columns = np.arange(left, right) % n
            tone = (1 + rng.normal(0, 0.07 * contrast)) * (1 + rng.normal(0, 0.02 * contrast, 3))
            shifted = np.roll(lines[band], int(rng.integers(n)), axis=1)[:, columns]
            board = np.asarray(color, float) * tone * (1 + 0.08 * contrast * shifted[..., None])
            picture[band, columns] = board
            picture[band, columns[:2]] *= 0.6
        picture[row * height : row * height + 2] *= 0.6
    return to_pixels(picture)


def herringbone(rng: Generator, color: Color, n: int = 1024, ratio: int = 4) -> Pixels:
    """Parquet of short blocks at right angles; each block is ratio times as long as wide."""
    cell = n // (4 * ratio)
    row, column = np.mgrid[:n, :n]
    i, j = row // cell, column // cell
    phase = (j - i) % (2 * ratio)
    across = phase < ratio
    along = np.where(across, phase, (2 * ratio - 1) - phase)
    block = np.where(
        across,
        i * 131 + (j - along) % (4 * ratio) * 7,
        j * 131 + (i - along) % (4 * ratio) * 7 + 5003,
    )
    tones = rng.normal(0, 0.08, 20011)[block % 20011]
    lines = np.where(across, grain(n, rng), grain(n, rng).T)
    long_at = np.where(across, along * cell + column % cell, along * cell + row % cell)
    short_at = np.where(across, row % cell, column % cell)
    gap = (short_at < 2) | (long_at < 2)
    return tinted(color, tones + 0.07 * lines - 0.3 * gap)


def tiles(
    rng: Generator,
    color: Color,
    grout: Color,
    n: int = 512,
    count: int = 4,
    second: Color | None = None,
) -> Pixels:
    """Square tiles; with a second colour a checkerboard."""
    tone = 1 + rng.normal(0, 0.02, (count, count))
    row, column = np.mgrid[:n, :n] * count // n
    base = np.broadcast_to(np.asarray(color, float), (n, n, 3)).copy()
    if second is not None:
        base[(row + column) % 2 == 1] = second
    picture = base * (tone[row, column] * (1 + 0.008 * cloud_noise(n, rng, 16)))[..., None]
    joint = max(n // 170, 2)
    line = np.arange(n) * count % n < joint * count
    picture[line] = grout
    picture[:, line] = grout
    return to_pixels(picture)


def bricks(
    rng: Generator,
    color: Color,
    mortar: Color,
    n: int = 512,
    rows: int = 8,
    columns: int = 4,
    contrast: float = 1.0,
) -> Pixels:
    """Running bond; also subway tiles with a light colour."""
    row = np.arange(n)[:, None] * rows // n
    shifted = (np.arange(n)[None, :] + (row % 2) * (n // columns) // 2) % n
    column = shifted * columns // n
    tone = (1 + rng.normal(0, 0.09 * contrast, (rows, columns)))[row, column]
    hue = (1 + rng.normal(0, 0.025 * contrast, (rows, columns, 3)))[row, column]
    shade = tone * (1 + 0.05 * contrast * cloud_noise(n, rng, 16))
    picture = np.asarray(color, float) * hue * shade[..., None]
    joint = max(n // 64, 3)
    level = np.arange(n)[:, None] * rows % n < joint * rows
    picture[level | (shifted * columns % n < joint * columns)] = mortar
    return to_pixels(picture)


def stripes(
    rng: Generator, first: Color, second: Color, n: int = 256, count: int = 4, share: float = 0.5
) -> Pixels:
    """Vertical stripes of wallpaper."""
    at = np.arange(n) * count / n % 1
    picture = np.where(
        (at < share)[None, :, None], np.asarray(first, float), np.asarray(second, float)
    )
    return to_pixels(picture * (1 + 0.01 * cloud_noise(n, rng, 8, 0.8))[..., None])


def medallions(rng: Generator, first: Color, second: Color, n: int = 256) -> Pixels:
    """Wallpaper with a rounded repeat."""
    row, column = np.mgrid[:n, :n] * 2 * np.pi / n
    petals = int(rng.integers(3, 6))
    wave = np.cos(column) * np.cos(row) + 0.5 * np.cos(petals * column) * np.cos(petals * row)
    mask = (np.abs(wave) > 0.55)[..., None]
    picture = np.where(mask, np.asarray(second, float), np.asarray(first, float))
    return to_pixels(picture * (1 + 0.01 * cloud_noise(n, rng, 8, 0.8))[..., None])


def panels(
    rng: Generator, color: Color, n: int = 512, boards: int = 6, contrast: float = 1.0
) -> Pixels:
    """Upright wooden boards."""
    lines = grain(n, rng).T
    tone = rng.normal(0, 0.05, boards)[np.arange(n) * boards // n]
    groove = np.arange(n) * boards % n < boards * n // 170
    return tinted(color, contrast * (0.07 * lines + tone[None, :]) - 0.35 * groove[None, :])
