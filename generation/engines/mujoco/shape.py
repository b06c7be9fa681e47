"""The form of a piece: its meshes, their corners, and samples of their surface."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generation.assets import cache
from generation.assets.piece import MeshPart, Piece

Floats = NDArray[np.float64]

SURFACE_SAMPLES = 200
CANDIDATES = 4000
FINGERPRINTS = 200
"""About so many corners tell one form from another."""
KNOWN_SURFACES = 2000
"""Pieces whose samples are kept in memory, 5 KB each."""
CELL_SPACINGS = 2.0
"""Edge of a cell that hides what lies behind it, in mean distances between candidates."""
FACING = 0.05
"""Least cosine between a surface's normal and the direction from which it counts as seen."""


@dataclass(frozen=True, eq=False)
class Shape:
    """A loaded piece, in its own frame (origin at the bottom centre, z up)."""

    parts: tuple[MeshPart, ...]
    corners_m: Floats
    """All corners of its meshes, shape (V, 3)."""
    surface_m: Floats
    """Samples of what can be seen of it from around and above, shape (SURFACE_SAMPLES, 3)."""


class Samples(NamedTuple):
    """Points on a surface."""

    points_m: Floats
    """Shape (N, 3)."""
    normals: Floats
    """Shape (N, 3), outward."""
    spacing_m: float
    """Mean distance between neighbours."""


_surfaces: dict[tuple[str, str], Floats] = {}


def load_shape(piece: Piece) -> Shape:
    """Load the meshes of a piece and sample their surface, the same way every time.

    Raises:
        ValueError: It has no triangle with an area.
    """
    parts = piece.load_parts()
    corners_m = np.concatenate([part.vertices_m for part in parts], dtype=np.float64)
    key = piece.piece_id, _fingerprint(corners_m)
    if key not in _surfaces:
        if len(_surfaces) >= KNOWN_SURFACES:
            _surfaces.clear()
        _surfaces[key] = _known_surface_m(*key, parts)
    return Shape(parts, corners_m, _surfaces[key])


def _fingerprint(corners_m: Floats) -> str:
    """Return what tells a form from another one under the same name."""
    few_m = np.ascontiguousarray(corners_m[:: -(-len(corners_m) // FINGERPRINTS)])
    return hashlib.sha256(few_m.tobytes() + f"{corners_m.shape}".encode()).hexdigest()[:32]


def _known_surface_m(piece_id: str, fingerprint: str, parts: Sequence[MeshPart]) -> Floats:
    """Return the samples of a piece from the disk cache, or work them out."""
    return cache.array(
        f"surface {piece_id} {fingerprint}",
        [Path(__file__)],
        lambda: _visible_surface_m(piece_id, parts),
    )


def _visible_surface_m(piece_id: str, parts: Sequence[MeshPart]) -> Floats:
    rng = np.random.default_rng(zlib.crc32(piece_id.encode()))
    triangles_m = np.concatenate([part.vertices_m[part.faces].astype(np.float64) for part in parts])
    samples = sample_surface(triangles_m, CANDIDATES, rng)
    seen = np.flatnonzero(outermost(samples))
    # A piece that is nowhere outermost has inverted faces: any of its surface will do.
    chosen = rng.choice(seen if len(seen) else CANDIDATES, SURFACE_SAMPLES, replace=True)
    result: Floats = samples.points_m[chosen]
    return result


def sample_surface(triangles_m: Floats, count: int, rng: np.random.Generator) -> Samples:
    """Return points spread evenly over triangles, shape (T, 3, 3).

    Raises:
        ValueError: No triangle has an area.
    """
    corner = triangles_m[:, 0]
    edge_a, edge_b = triangles_m[:, 1] - corner, triangles_m[:, 2] - corner
    normal = np.cross(edge_a, edge_b)
    doubled_area = np.linalg.norm(normal, axis=1)
    total = float(doubled_area.sum())
    if not total > 0:
        raise ValueError("no triangle has an area")
    chosen = rng.choice(len(doubled_area), size=count, p=doubled_area / total)
    along = rng.random((count, 2))
    outside = along.sum(axis=1) > 1
    along[outside] = 1 - along[outside]
    return Samples(
        corner[chosen] + along[:, :1] * edge_a[chosen] + along[:, 1:] * edge_b[chosen],
        normal[chosen] / doubled_area[chosen, None],
        float(np.sqrt(total / 2 / count)),
    )


def outermost(samples: Samples) -> NDArray[np.bool_]:
    """Say which points can be seen from outside, at eye level or above.

    Seen along a direction, a point is hidden when another in its cell is clearly nearer.
    """
    cell_m = CELL_SPACINGS * samples.spacing_m
    seen = np.zeros(len(samples.points_m), bool)
    for toward_eye in _directions():
        across = np.array([-toward_eye[1], toward_eye[0], 0.0])
        across = across / np.linalg.norm(across) if across.any() else np.array([1.0, 0.0, 0.0])
        plane = np.stack([across, np.cross(toward_eye, across)], axis=-1)
        columns, rows = np.floor(samples.points_m @ plane / cell_m).astype(int).T
        cell = (columns - columns.min()) * (np.ptp(rows) + 1) + rows - rows.min()
        nearness_m = samples.points_m @ toward_eye
        nearest_m = np.full(cell.max() + 1, -np.inf)
        np.maximum.at(nearest_m, cell, nearness_m)
        facing = samples.normals @ toward_eye > FACING
        seen |= facing & (nearness_m > nearest_m[cell] - cell_m)
    return seen


def _directions() -> Floats:
    """Return unit vectors towards eyes around and above, shape (17, 3)."""
    azimuths = np.arange(8) * np.pi / 4
    rows = [
        (np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e))
        for e in (0.0, np.pi / 5)
        for a in azimuths
    ]
    return np.array([*rows, (0.0, 0.0, 1.0)])
