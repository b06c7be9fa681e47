"""A piece of furniture as plain data: meshes, materials, boxes to collide with, and its maker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Rgb = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Texture:
    """A picture that covers a surface."""

    key: str
    """Unique per picture: equal keys share one texture on the engine."""
    pixels: NDArray[np.uint8]
    """Shape (height, width, 3), sRGB."""


@dataclass(frozen=True)
class Finish:
    """How a surface looks (physically based)."""

    rgb: Rgb = (0.8, 0.8, 0.8)
    """sRGB, 0 to 1; multiplies the texture."""
    texture: Texture | None = None
    texture_size_m: float | None = None
    """Edge of one repeat on box surfaces; None where meshes bring texture coordinates."""
    roughness: float = 0.8
    metallic: float = 0.0
    alpha: float = 1.0
    emission: float = 0.0


@dataclass(frozen=True, eq=False)
class MeshPart:
    """Triangles of one finish; origin at the bottom centre of the piece, z up, front towards -y."""

    vertices_m: NDArray[np.float32]
    """Shape (V, 3)."""
    normals: NDArray[np.float32]
    """Shape (V, 3), unit length."""
    uv: NDArray[np.float32] | None
    """Shape (V, 2), v upwards."""
    faces: NDArray[np.int32]
    """Shape (F, 3), counter-clockwise from outside."""
    finish: Finish


@dataclass(frozen=True)
class Box:
    """A box to collide with, in the frame of the piece."""

    center_m: tuple[float, float, float]
    half_size_m: tuple[float, float, float]


@dataclass(frozen=True)
class Maker:
    """Who made a piece and under which licence."""

    creator: str
    licence: str
    source: str


@dataclass(frozen=True, eq=False)
class Piece:
    """One model of a furniture source. Meshes are loaded when asked for."""

    piece_id: str
    """Unique over all sources and stable: "sh3d/scopia/armchair-12", "procedural/table/4711"."""
    category: str
    """Singular noun without colour: "armchair"."""
    size_m: tuple[float, float, float]
    """Width (x), depth (y), height (z)."""
    load_parts: Callable[[], tuple[MeshPart, ...]]
    colliders: tuple[Box, ...]
    maker: Maker
    color_word: str = ""
    """The one colour people would call it by, or empty where it has none or several."""
    plural: str = ""
    support_height_m: float | None = None
    """Height of the surface on which small things can stand, or None."""
    movable: bool = False
    """Stands free under physics (small things); others are fixed."""
    mass_kg: float = 1.0
    askable: bool = True
    """False for things without a clear name or extent (rugs, curtains)."""
    rooms: frozenset[str] = field(default_factory=frozenset)
    """Kinds of room it belongs in; empty means any."""
    mount_height_m: float | None = None
    """Usual height of its bottom above the floor where it hangs on a wall; None if it stands."""
    triangles: int = 0
    """Number of triangles, about."""
