"""Which colours one sees of a piece: its surface drawn as points from several sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generation.assets.colliders import sample_triangles
from generation.assets.color import color_word
from generation.assets.mesh import Floats
from generation.assets.piece import Finish, MeshPart, Rgb

VIEW_PX = 44
"""Size of the pictures; samples lie closer than one pixel."""
VIEWS_DEG = ((-90, 20), (-60, 25), (-120, 25), (-15, 20), (-165, 20), (-90, 50))
"""Azimuth and elevation of the viewer; the front of a piece faces -90."""
BLUR_PX = 16
"""Textures are looked up in a version of this size, without their grain."""
CLEAR_ALPHA = 0.3
"""Parts clearer than this show no colour of their own."""
EVEN_SPREAD = 0.09
"""Standard deviation of the colours (0 to 1) below which a part counts as one colour."""
MIN_SHARE = 0.6
MAX_SECOND_SHARE = 0.27
"""A piece is called by a colour that covers so much of it, if no other covers more than this."""


class _Samples(NamedTuple):
    points_m: Floats
    colors: Floats
    """Shape (N, 3), sRGB, 0 to 1."""
    parts: NDArray[np.int64]


def seen_colors(parts: Sequence[MeshPart], size_m: Sequence[float]) -> dict[str, float]:
    """Return the share of the visible surface by colour word; "" stands for none."""
    samples = _sample([part for part in parts if part.finish.alpha > CLEAR_ALPHA], size_m)
    if not len(samples.points_m):
        return {"": 1.0}
    seen = np.concatenate([_seen(samples.points_m, azimuth, up) for azimuth, up in VIEWS_DEG])
    shares: dict[str, float] = defaultdict(float)
    for part in np.unique(samples.parts[seen]):
        colors = samples.colors[seen][samples.parts[seen] == part]
        if float(colors.std(0).max()) <= EVEN_SPREAD:
            shares[color_word(_rgb(colors.mean(0)))] += len(colors) / len(seen)
            continue
        for color, count in zip(
            *np.unique(colors.round(2), axis=0, return_counts=True), strict=True
        ):
            shares[color_word(_rgb(color))] += int(count) / len(seen)
    return dict(shares)


def one_color(shares: dict[str, float]) -> str:
    """Return the colour that a piece may be called by, or ""."""
    ranked = sorted(((share, word) for word, share in shares.items()), reverse=True)
    share, word = ranked[0]
    second = max((s for s, w in ranked[1:] if w), default=0.0)
    return word if share >= MIN_SHARE and second <= MAX_SECOND_SHARE else ""


def _rgb(color: Floats) -> Rgb:
    return float(color[0]), float(color[1]), float(color[2])


def _sample(parts: Sequence[MeshPart], size_m: Sequence[float]) -> _Samples:
    spacing = max(float(np.linalg.norm(size_m)) / VIEW_PX * 0.8, 1e-4)
    points, colors, owners = [np.zeros((0, 3))], [np.zeros((0, 3))], [np.zeros(0, int)]
    for number, part in enumerate(parts):
        corners = part.vertices_m[part.faces].astype(float)
        if part.uv is not None:
            corners = np.concatenate([corners, part.uv[part.faces]], axis=2)
        samples, _ = sample_triangles(corners, spacing)
        points.append(samples[:, :3])
        colors.append(_look_up(part.finish, samples[:, 3:]))
        owners.append(np.full(len(samples), number))
    return _Samples(np.concatenate(points), np.concatenate(colors), np.concatenate(owners))


def _look_up(finish: Finish, uv: Floats) -> Floats:
    """Return the colour at texture coordinates, shape (N, 2 or 0)."""
    if finish.texture is None or not uv.shape[1]:
        return np.tile(finish.rgb, (len(uv), 1))
    small = Image.fromarray(finish.texture.pixels).resize((BLUR_PX, BLUR_PX), Image.Resampling.BOX)
    pixels = np.asarray(small, float) / 255 * finish.rgb
    column = np.floor(uv[:, 0] % 1 * BLUR_PX).astype(int) % BLUR_PX
    row = np.floor((1 - uv[:, 1]) % 1 * BLUR_PX).astype(int) % BLUR_PX
    result: Floats = pixels[row, column]
    return result


def _seen(points_m: Floats, azimuth_deg: float, elevation_deg: float) -> NDArray[np.int64]:
    """Return the indices of the points nearest to a far viewer, one per pixel."""
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    towards = np.array(
        [
            np.cos(azimuth) * np.cos(elevation),
            np.sin(azimuth) * np.cos(elevation),
            np.sin(elevation),
        ]
    )
    right = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    plane = points_m @ np.column_stack([right, np.cross(towards, right)])
    low, extent = plane.min(0), float(np.ptp(plane, axis=0).max())
    pixel = np.floor((plane - low) / max(extent, 1e-9) * (VIEW_PX - 1e-6)).astype(int)
    cell = pixel[:, 0] * (VIEW_PX + 1) + pixel[:, 1]
    order = np.lexsort((-(points_m @ towards), cell))
    _, first = np.unique(cell[order], return_index=True)
    result: NDArray[np.int64] = order[first]
    return result
