"""Boxes to collide with, found in a mesh: table tops and legs, shelves, seats and backs.

The surface is voxelised, hollows are filled, and the largest full boxes are taken out one after
the other; each is then fitted to the surface inside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes

from generation.assets.mesh import Floats
from generation.assets.piece import Box, MeshPart

CELL_M = 0.03
MAX_CELLS = 26
MAX_BOXES = 14
COVERED = 0.97
MAX_STEPS = 160
MAX_SLABS = 4
SLAB_COVERED = 0.9
FLAT_NORMAL_Z = 0.95

Grid = NDArray[np.bool_]
Cells = NDArray[np.int64]


def sample_triangles(corners: Floats, spacing_m: float) -> tuple[Floats, Cells]:
    """Return points on triangles, at most spacing_m apart.

    Args:
        corners: Shape (F, 3 corners, 3 or more); what follows the position is interpolated too.
        spacing_m: Largest distance between neighbours.

    Returns:
        Points, shape (N, 3 or more), and the index of each one's triangle, shape (N,).
    """
    edges = np.stack([corners[:, (k + 1) % 3] - corners[:, (k + 2) % 3] for k in range(3)], 1)
    lengths = np.linalg.norm(edges[..., :3], axis=2)
    # The shortest edge becomes the base, so that slivers are sampled along their length only.
    order = (lengths.argmin(1)[:, None] + np.arange(3)) % 3
    apex, left, right = (corners[np.arange(len(corners)), order[:, k]] for k in range(3))
    steps = np.ceil(np.stack([lengths.max(1), lengths.min(1)], 1) / spacing_m).astype(int)
    steps = np.clip(steps, 1, MAX_STEPS)
    clouds, owners = [np.zeros((0, corners.shape[2]))], [np.zeros(0, int)]
    for down, across in np.unique(steps, axis=0):
        chosen = np.flatnonzero((steps == (down, across)).all(1))
        s, t = np.meshgrid(np.arange(down + 1) / down, np.arange(across + 1) / across)
        weights = np.stack([1 - s.ravel(), s.ravel() * (1 - t.ravel()), (s * t).ravel()], 1)
        ends = np.stack([apex[chosen], left[chosen], right[chosen]], 1)
        cloud = np.einsum("wc,fck->fwk", weights, ends)
        clouds.append(cloud.reshape(-1, corners.shape[2]))
        owners.append(np.repeat(chosen, len(weights)))
    return np.concatenate(clouds), np.concatenate(owners)


def surface_samples(parts: Sequence[MeshPart], spacing_m: float) -> Floats:
    """Return points on all triangles, shape (N, 3), at most spacing_m apart."""
    corners = np.concatenate([part.vertices_m[part.faces].astype(float) for part in parts])
    return sample_triangles(corners, spacing_m)[0]


def fitted_boxes(
    parts: Sequence[MeshPart], size_m: tuple[float, float, float], support_m: float | None = None
) -> tuple[Box, ...]:
    """Return up to MAX_BOXES boxes that fill the mesh.

    Args:
        parts: The mesh.
        size_m: Its extent.
        support_m: Height of a level surface on which things stand. Slabs under it come first, so
            that it is cut into as few pieces as possible; they end at this very height.
    """
    size = np.asarray(size_m)
    shape = np.clip(np.ceil(size / CELL_M).astype(int), 1, MAX_CELLS)
    cell = size / shape
    low = np.array([-size[0] / 2, -size[1] / 2, 0.0])
    points = surface_samples(parts, float(cell.min()) * 0.7)
    index = np.clip(((points - low) / cell).astype(int), 0, shape - 1)
    surface = np.zeros(tuple(shape), bool)
    surface[tuple(index.T)] = True
    grid: Grid = binary_fill_holes(surface)
    total = int(grid.sum())
    boxes: list[Box] = []
    left = grid.copy()
    if support_m is not None:
        layer = int(np.clip(np.ceil(support_m / cell[2] - 1e-3) - 1, 0, shape[2] - 1))
        for start, stop in _slabs(left, layer):
            left[_window(start, stop)] = False
            bottom, top = low + start * cell, low + stop * cell
            bottom[2], top[2] = min(bottom[2], support_m - 0.01), support_m
            boxes.append(_box((bottom + top) / 2, (top - bottom) / 2))
    while left.sum() > (1 - COVERED) * total and len(boxes) < MAX_BOXES:
        start, stop = _largest_box(left)
        left[_window(start, stop)] = False
        inside = points[((index >= start) & (index < stop)).all(1)]
        bottom, top = low + start * cell, low + stop * cell
        if len(inside):
            # Fit only the sides that lie on the outline, so that neighbours keep touching.
            least, most = inside.min(0), inside.max(0)
            bottom = np.where(_open_side(grid, start, stop, -1), np.maximum(bottom, least), bottom)
            top = np.where(_open_side(grid, start, stop, 1), np.minimum(top, most), top)
        boxes.append(_box((bottom + top) / 2, np.maximum((top - bottom) / 2, 0.002)))
    return tuple(boxes)


def _window(start: Cells, stop: Cells) -> tuple[slice, ...]:
    return tuple(slice(a, b) for a, b in zip(start, stop, strict=True))


def _slabs(grid: Grid, layer: int) -> Iterator[tuple[Cells, Cells]]:
    """Yield boxes of one layer, over what it and the one below hold, largest first."""
    mask: Grid = np.any(grid[:, :, max(layer - 1, 0) : layer + 1], axis=2)
    enough = (1 - SLAB_COVERED) * mask.sum()
    for _ in range(MAX_SLABS):
        if mask.sum() <= enough:
            return
        x0, x1, y0, y1 = largest_rectangle(mask)
        mask[x0:x1, y0:y1] = False
        yield np.array([x0, y0, layer]), np.array([x1, y1, layer + 1])


def _box(center: Floats, half: Floats) -> Box:
    x, y, z = (round(float(value), 4) for value in center)
    a, b, c = (round(float(value), 4) for value in half)
    return Box((x, y, z), (a, b, c))


def _open_side(grid: Grid, start: Cells, stop: Cells, direction: int) -> Grid:
    """Say for each axis whether nothing lies beyond the box on that side."""
    result = np.ones(3, bool)
    for axis in range(3):
        at = start[axis] - 1 if direction < 0 else stop[axis]
        if 0 <= at < grid.shape[axis]:
            window: list[slice | int] = [slice(a, b) for a, b in zip(start, stop, strict=True)]
            window[axis] = int(at)
            result[axis] = not grid[tuple(window)].any()
    return result


def _largest_box(grid: Grid) -> tuple[Cells, Cells]:
    """Return the start and stop of the fullest box, by exact search over layers of z."""
    best, best_volume = (np.zeros(3, int), np.ones(3, int)), 0
    depth = grid.shape[2]
    for low in range(depth):
        columns = grid[:, :, low].copy()
        for high in range(low + 1, depth + 1):
            columns &= grid[:, :, high - 1]
            area = int(columns.sum())
            if area * (depth - low) <= best_volume:
                break
            if area * (high - low) <= best_volume:
                continue
            x0, x1, y0, y1 = largest_rectangle(columns)
            volume = (x1 - x0) * (y1 - y0) * (high - low)
            if volume > best_volume:
                best_volume = volume
                best = (np.array([x0, y0, low]), np.array([x1, y1, high]))
    return best


def largest_rectangle(mask: Grid) -> tuple[int, int, int, int]:
    """Return x0, x1, y0, y1 of the largest full rectangle of a mask (histogram method)."""
    best, best_area = (0, 0, 0, 0), 0
    heights = np.zeros(mask.shape[1], int)
    for x in range(mask.shape[0]):
        heights = np.where(mask[x], heights + 1, 0)
        stack: list[int] = []
        for y in range(mask.shape[1] + 1):
            current = int(heights[y]) if y < mask.shape[1] else 0
            while stack and heights[stack[-1]] >= current:
                height = int(heights[stack.pop()])
                left = stack[-1] + 1 if stack else 0
                if height * (y - left) > best_area:
                    best_area = height * (y - left)
                    best = (x + 1 - height, x + 1, left, y)
            stack.append(y)
    return best


def flat_heights(
    parts: Sequence[MeshPart], size_m: tuple[float, float, float]
) -> list[tuple[float, float]]:
    """Return level upward surfaces as (height in m, share of the footprint), highest first."""
    areas: dict[int, float] = {}
    for part in parts:
        corners = part.vertices_m[part.faces].astype(float)
        cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        double = np.linalg.norm(cross, axis=1)
        level = cross[:, 2] > FLAT_NORMAL_Z * double
        for height, area in zip(corners[level, :, 2].mean(1), double[level] / 2, strict=True):
            areas[round(height / 0.005)] = areas.get(round(height / 0.005), 0.0) + area
    footprint = size_m[0] * size_m[1]
    joined = {k: areas[k] + areas.get(k - 1, 0) for k in areas}
    return [
        (k * 0.005, joined[k] / footprint)
        for k in sorted(joined, reverse=True)
        if joined[k] > 0.1 * footprint
    ]
