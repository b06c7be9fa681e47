"""A small furnished room made of boxes and balls, for tests that need a real engine fast."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generation.assets.piece import Box, Finish, Maker, MeshPart, Piece, Rgb, Texture
from generation.houses.house import Ambience, House, Light, PlacedPiece, Room, Slab
from generation.scene import SceneKey

HALF_X_M, HALF_Y_M, HEIGHT_M = 2.5, 2.0, 2.6
WALL_M = 0.05
TABLE_TOP_M = 0.72
ALONG_X = (math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0)
"""Turns a slab's local z to the normal of a wall that runs along x."""
ALONG_Y = (0.5, 0.5, 0.5, 0.5)


def box_mesh(center_m: tuple[float, ...], half_m: tuple[float, ...], finish: Finish) -> MeshPart:
    """Return a box with flat faces and texture coordinates."""
    corners, normals, uv, faces = [], [], [], []
    square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], float)
    for axis in range(3):
        for side in (-1, 1):
            face = np.empty((4, 3))
            face[:, axis] = side
            face[:, (axis + 1) % 3] = square[:, 0]
            face[:, (axis + 2) % 3] = square[:, 1] * side
            base = 4 * len(corners)
            corners.append(face)
            normals.append(np.tile(np.eye(3)[axis] * side, (4, 1)))
            uv.append((square + 1) / 2)
            faces += [(base, base + 1, base + 2), (base, base + 2, base + 3)]
    vertices = np.concatenate(corners) * half_m + center_m
    return MeshPart(
        vertices.astype(np.float32),
        np.concatenate(normals).astype(np.float32),
        np.concatenate(uv).astype(np.float32),
        np.array(faces, np.int32),
        finish,
    )


def ball_mesh(radius_m: float, finish: Finish, steps: int = 16) -> MeshPart:
    """Return a ball that touches the floor."""
    polar, azimuth = np.meshgrid(
        np.linspace(0, np.pi, steps + 1), np.linspace(0, 2 * np.pi, 2 * steps + 1), indexing="ij"
    )
    normals = np.stack(
        [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=-1
    ).reshape(-1, 3)
    row = 2 * steps + 1
    a = (np.arange(steps)[:, None] * row + np.arange(2 * steps)[None]).ravel()
    faces = np.concatenate(
        [np.stack([a, a + row, a + row + 1], 1), np.stack([a, a + row + 1, a + 1], 1)]
    )
    vertices = normals * radius_m + (0, 0, radius_m)
    return MeshPart(
        vertices.astype(np.float32),
        normals.astype(np.float32),
        None,
        faces.astype(np.int32),
        finish,
    )


def _piece(
    name: str,
    size_m: tuple[float, float, float],
    parts: tuple[MeshPart, ...],
    colliders: tuple[Box, ...] | None = None,
    movable: bool = False,
    mass_kg: float = 1.0,
) -> Piece:
    whole = Box((0.0, 0.0, size_m[2] / 2), (size_m[0] / 2, size_m[1] / 2, size_m[2] / 2))
    return Piece(
        piece_id=f"tiny/{name}",
        category=name.split()[-1],
        size_m=size_m,
        load_parts=lambda: parts,
        colliders=colliders or (whole,),
        maker=Maker("tests", "Apache-2.0", "tests"),
        movable=movable,
        mass_kg=mass_kg,
    )


def block(name: str, size_m: tuple[float, float, float], rgb: Rgb, *, movable: bool) -> Piece:
    """Return a piece that is one box."""
    half_m = (size_m[0] / 2, size_m[1] / 2, size_m[2] / 2)
    part = box_mesh((0, 0, half_m[2]), half_m, Finish(rgb=rgb, roughness=0.6))
    return _piece(name, size_m, (part,), movable=movable, mass_kg=0.4)


def table() -> Piece:
    """Return a table that has room under it."""
    wood = Finish(texture=Texture("tiny/wood", _stripes((150, 105, 66), (120, 80, 50))))
    metal = Finish(rgb=(0.3, 0.3, 0.32), roughness=0.4)
    top = ((0.0, 0.0, TABLE_TOP_M - 0.02), (0.6, 0.4, 0.02))
    leg_height_m = (TABLE_TOP_M - 0.04) / 2
    legs = [
        ((x * 0.55, y * 0.35, leg_height_m), (0.025, 0.025, leg_height_m))
        for x in (-1, 1)
        for y in (-1, 1)
    ]
    return _piece(
        "table",
        (1.2, 0.8, TABLE_TOP_M),
        (box_mesh(*top, wood), *(box_mesh(*leg, metal) for leg in legs)),
        (Box(*top), *(Box(*leg) for leg in legs)),
    )


def ball() -> Piece:
    """Return a ball that stands still (it collides as a box)."""
    part = ball_mesh(0.12, Finish(rgb=(0.85, 0.35, 0.1), roughness=0.5))
    return _piece("ball", (0.24, 0.24, 0.24), (part,), movable=True, mass_kg=0.5)


def _stripes(first: tuple[int, ...], second: tuple[int, ...]) -> NDArray[np.uint8]:
    pixels = np.empty((64, 64, 3), np.uint8)
    pixels[:32], pixels[32:] = first, second
    return pixels


def building() -> tuple[Slab, ...]:
    """Return floor, walls and ceiling of one room."""
    planks = Finish(
        texture=Texture("tiny/planks", _stripes((165, 125, 85), (150, 110, 72))),
        texture_size_m=0.5,
        roughness=0.5,
    )
    paint = Finish(rgb=(0.88, 0.86, 0.8), roughness=0.95)
    x, y, high, thick = HALF_X_M, HALF_Y_M, HEIGHT_M / 2, WALL_M
    return (
        Slab("floor", "floor", (0, 0, -thick), (x, y, thick), planks),
        Slab("ceiling", "ceiling", (0, 0, HEIGHT_M + thick), (x, y, thick), paint),
        Slab("west", "wall", (-x - thick, 0, high), (y, high, thick), paint, ALONG_Y),
        Slab("east", "wall", (x + thick, 0, high), (y, high, thick), paint, ALONG_Y),
        Slab("south", "wall", (0, -y - thick, high), (x, high, thick), paint, ALONG_X),
        Slab("north", "wall", (0, y + thick, high), (x, high, thick), paint, ALONG_X),
    )


@dataclass(frozen=True)
class TinyHouses:
    """A house source of one furnished room; small things stand elsewhere for every key."""

    unstable: bool = False
    """Whether to put a vase half over the edge of the table."""

    def house(self, key: SceneKey) -> House:
        """Return the room of a key."""
        x, y = key.rng("tiny house").uniform(-0.1, 0.1, 2)
        sofa = block("blue sofa", (1.8, 0.8, 0.8), (0.25, 0.35, 0.6), movable=False)
        cup = block("red cup", (0.09, 0.09, 0.11), (0.8, 0.12, 0.1), movable=True)
        toaster = block("grey toaster", (0.28, 0.18, 0.2), (0.6, 0.6, 0.62), movable=True)
        vase = block("green vase", (0.12, 0.12, 0.4), (0.15, 0.5, 0.25), movable=True)
        pieces = [
            PlacedPiece("table", "table", table(), (0.6, 1.2, 0), 0.0),
            PlacedPiece("sofa", "blue sofa", sofa, (-2.05, -0.1, 0), math.pi / 2),
            PlacedPiece("ball", "orange ball", ball(), (0.8 + x, -0.8 + y, 0), 0.0),
            PlacedPiece("cup", "red cup", cup, (0.3 + x, 1.15 + y, TABLE_TOP_M), 0.3),
            PlacedPiece("toaster", "grey toaster", toaster, (0.8 + x, 1.25 + y, TABLE_TOP_M), 0.5),
        ]
        if self.unstable:
            pieces.append(PlacedPiece("vase", "green vase", vase, (0.6, 0.76, TABLE_TOP_M), 0.0))
        return House(
            rooms=(
                Room("room", "living room", -HALF_X_M, -HALF_Y_M, HALF_X_M, HALF_Y_M, HEIGHT_M),
            ),
            slabs=building(),
            pieces=tuple(pieces),
            lights=(Light("lamp", (0, 0, HEIGHT_M - 0.2), (0, 0, -1), 60000, (1, 0.93, 0.82)),),
            ambience=Ambience(9000, (1.1, 1.05, 1.0), (0.95, 0.92, 0.86), (0.6, 0.5, 0.4)),
            facts={"source": "tiny"},
        )
