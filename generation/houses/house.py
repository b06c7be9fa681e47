"""A furnished house as plain data, before any engine builds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from generation.assets.piece import Finish, Piece, Rgb

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]


@dataclass(frozen=True)
class Slab:
    """A box of the building itself (floor, wall, ceiling, window frame, door, skirting).

    Its local z axis is the normal of its large faces, along which its texture is projected.
    """

    name: str
    role: Literal["floor", "wall", "ceiling", "trim", "door", "glass", "outside", "lamp", "decor"]
    center_m: Vector
    half_size_m: Vector
    finish: Finish
    quaternion: Quaternion = (1.0, 0.0, 0.0, 0.0)
    """(w, x, y, z)."""
    collides: bool = True
    casts_shadow: bool = True
    drawn: bool = True
    """False for boxes that are only bumped into; scenery shows what is there."""


@dataclass(frozen=True)
class PlacedPiece:
    """A piece in the house; movable ones settle under physics when the scene is loaded."""

    object_id: str
    """Unique in the house."""
    name: str
    """What people call it, without article; as unique in the house as honest words allow."""
    piece: Piece
    position_m: Vector
    """Of its bottom centre."""
    yaw_rad: float
    """Counter-clockwise from above; at 0 its front faces -y."""


@dataclass(frozen=True)
class Light:
    """A light source; intensities are photometric (candela for lamps, lux for the sun)."""

    kind: Literal["lamp", "sun"]
    position_m: Vector
    direction: Vector
    intensity: float
    rgb: Rgb = (1.0, 1.0, 1.0)
    casts_shadow: bool = True


@dataclass(frozen=True)
class Ambience:
    """Light from all around, which an engine may turn into an image-based light."""

    intensity: float
    ceiling_rgb: Rgb
    wall_rgb: Rgb
    floor_rgb: Rgb


@dataclass(frozen=True)
class Room:
    """A rectangular room."""

    room_id: str
    kind: str
    """living room, kitchen, bedroom, bathroom or office."""
    x_min_m: float
    y_min_m: float
    x_max_m: float
    y_max_m: float
    height_m: float


@dataclass(frozen=True)
class House:
    """Everything an engine needs to build a scene."""

    rooms: tuple[Room, ...]
    slabs: tuple[Slab, ...]
    pieces: tuple[PlacedPiece, ...]
    lights: tuple[Light, ...]
    ambience: Ambience
    facts: Mapping[str, Any] = field(default_factory=dict)
    """JSON-able facts for the data card: layout seed, finishes, sources."""
    scenery: tuple[PlacedPiece, ...] = ()
    """Meshes of the building: drawn, but no objects and nothing to bump into."""


def furniture_facts(house: House) -> list[dict[str, str]]:
    """Return one entry per placed piece, for data cards and attribution."""
    return [
        {
            "object_id": placed.object_id,
            "name": placed.name,
            "category": placed.piece.category,
            "room": _room_of(house, placed),
            "piece_id": placed.piece.piece_id,
            "creator": placed.piece.maker.creator,
            "licence": placed.piece.maker.licence,
            "source": placed.piece.maker.source,
        }
        for placed in house.pieces
    ]


def _room_of(house: House, placed: PlacedPiece) -> str:
    x, y, _ = placed.position_m
    inside = (
        room.room_id
        for room in house.rooms
        if room.x_min_m <= x <= room.x_max_m and room.y_min_m <= y <= room.y_max_m
    )
    return next(inside, "")
