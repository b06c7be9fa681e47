"""Fewer triangles for models that have more than their size deserves.

Vertices that fall into one cell of a grid become one (vertex clustering, Rossignac and Borrel
1993). All parts share the grid, so that they keep touching; corners with other normals or texture
coordinates stay apart, so that creases and seams keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generation.assets.mesh import Floats
from generation.assets.piece import MeshPart

TRIANGLES_PER_M = 22_000
"""Triangles that a model may have per metre of its largest extent ..."""
LEAST_TRIANGLES, MOST_TRIANGLES = 6_000, 24_000
"""... within these limits."""
FINEST, COARSEST = 220, 24
"""Cells along the largest extent that are tried, from and to."""
STEP = 0.86
UV_CELLS = 24
"""Corners of one cell whose texture coordinates differ less than 1/UV_CELLS share a vertex."""

Cells = NDArray[np.int64]


def allowed_triangles(size_m: Sequence[float]) -> int:
    """Return how many triangles a piece of a size may have."""
    return int(np.clip(TRIANGLES_PER_M * max(size_m), LEAST_TRIANGLES, MOST_TRIANGLES))


def simplified(parts: tuple[MeshPart, ...], limit: int) -> tuple[MeshPart, ...]:
    """Return parts with about limit triangles or fewer; small enough ones as they are."""
    if sum(len(part.faces) for part in parts) <= limit:
        return parts
    points = np.concatenate([part.vertices_m for part in parts]).astype(float)
    extent = float(np.ptp(points, axis=0).max())
    cells = float(FINEST)
    while True:
        clustered = _clustered(parts, points, extent / cells)
        if sum(len(part.faces) for part in clustered) <= limit or cells <= COARSEST:
            return clustered
        cells *= STEP


class _Grid(NamedTuple):
    cell_of_point: Cells
    middle: Floats
    """Mean of the points of each cell, shape (C, 3)."""


def _clustered(parts: Sequence[MeshPart], points: Floats, size_m: float) -> tuple[MeshPart, ...]:
    keys = np.floor(points / size_m).astype(np.int64)
    _, cell_of_point = np.unique(keys, axis=0, return_inverse=True)
    cell_of_point = cell_of_point.ravel()
    count = np.bincount(cell_of_point)
    middle = np.stack([np.bincount(cell_of_point, points[:, k]) / count for k in range(3)], 1)
    grid = _Grid(cell_of_point, middle)
    result, start = [], 0
    for part in parts:
        rows = slice(start, start + len(part.vertices_m))
        start = rows.stop
        joined = _joined(part, grid.cell_of_point[rows], grid.middle)
        if len(joined.faces):
            result.append(joined)
    return tuple(result)


def _joined(part: MeshPart, cells: Cells, middle: Floats) -> MeshPart:
    """Merge the vertices of one part and drop the triangles that collapse or double."""
    faces = part.faces[_distinct(cells[part.faces])]
    faces = faces[_first_of_equal(cells[faces])]
    facing = np.rint(part.normals * 1.4).astype(np.int64)
    keys = [cells[:, None], facing]
    if part.uv is not None:
        keys.append(np.floor(part.uv * UV_CELLS).astype(np.int64))
    _, group = np.unique(np.concatenate(keys, axis=1), axis=0, return_inverse=True)
    group = group.ravel()
    used, faces_of_group = np.unique(group[faces], return_inverse=True)
    count = np.bincount(group)
    cell = np.zeros(len(count), np.int64)
    cell[group] = cells
    normals = _mean(part.normals, group, count)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    uv = None if part.uv is None else _mean(part.uv, group, count)[used].astype(np.float32)
    return MeshPart(
        middle[cell[used]].astype(np.float32),
        normals[used].astype(np.float32),
        uv,
        faces_of_group.reshape(-1, 3).astype(np.int32),
        part.finish,
    )


def _mean(values: NDArray[np.float32], group: Cells, count: Cells) -> Floats:
    columns = [np.bincount(group, values[:, k]) / count for k in range(values.shape[1])]
    result: Floats = np.stack(columns, 1)
    return result


def _distinct(corners: Cells) -> NDArray[np.bool_]:
    a, b, c = corners.T
    result: NDArray[np.bool_] = (a != b) & (b != c) & (a != c)
    return result


def _first_of_equal(corners: Cells) -> Cells:
    """Return the rows of the first of triangles with the same corners in the same order."""
    first = corners.argmin(1)
    turned = corners[np.arange(len(corners))[:, None], (first[:, None] + np.arange(3)) % 3]
    _, rows = np.unique(turned, axis=0, return_index=True)
    return np.sort(rows)
