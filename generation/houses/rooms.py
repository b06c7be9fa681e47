"""Where the rooms of a house lie and which walls they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.random import Generator

from generation.houses.house import Room

Side = Literal["south", "north", "west", "east"]
SIDES: tuple[Side, ...] = ("south", "north", "west", "east")
OPPOSITE: dict[Side, Side] = {"south": "north", "north": "south", "west": "east", "east": "west"}

WALL_M = 0.06
"""Thickness of one room's own wall; two of them stand back to back between rooms."""

ROOM_SIZES_M: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "living room": ((4.4, 6.4), (3.9, 5.4)),
    "kitchen": ((3.4, 4.8), (3.0, 4.4)),
    "bedroom": ((3.5, 4.8), (3.2, 4.4)),
    "bathroom": ((2.6, 3.6), (2.4, 3.2)),
    "office": ((3.3, 4.8), (3.0, 4.2)),
}
"""Width and depth of each kind of room, from and to."""
STRETCH = (0.85, 1.2)
"""How much the second row may be squeezed or stretched to be as wide as the first."""


def place_rooms(rng: Generator, kinds: Sequence[str]) -> list[Room]:
    """Put rooms into one row or two, the deep ones together, around the origin."""
    height = float(rng.uniform(2.45, 2.8))
    drawn = [tuple(float(rng.uniform(*span)) for span in ROOM_SIZES_M[kind]) for kind in kinds]
    by_depth = sorted(range(len(kinds)), key=lambda i: -drawn[i][1])
    half = len(kinds) if len(kinds) <= 2 else -(-len(kinds) // 2)
    rooms: list[Room] = []
    y, full_width = 0.0, 0.0
    for row in (by_depth[:half], by_depth[half:]):
        if not row:
            continue
        depth = float(np.mean([drawn[i][1] for i in row]))
        widths = [drawn[i][0] for i in row]
        if full_width:
            gaps = 2 * WALL_M * (len(row) - 1)
            stretch = float(np.clip((full_width - gaps) / sum(widths), *STRETCH))
            widths = [width * stretch for width in widths]
        x = 0.0
        for i, width in zip(row, widths, strict=True):
            room_id = f"{kinds[i].replace(' ', '-')}-{i}"
            rooms.append(Room(room_id, kinds[i], x, y, x + width, y + depth, height))
            x += width + 2 * WALL_M
        full_width = full_width or x - 2 * WALL_M
        y += depth + 2 * WALL_M
    return _centred(rooms)


def _centred(rooms: list[Room]) -> list[Room]:
    x = (min(r.x_min_m for r in rooms) + max(r.x_max_m for r in rooms)) / 2
    y = (min(r.y_min_m for r in rooms) + max(r.y_max_m for r in rooms)) / 2
    return [
        replace(
            room,
            x_min_m=room.x_min_m - x,
            y_min_m=room.y_min_m - y,
            x_max_m=room.x_max_m - x,
            y_max_m=room.y_max_m - y,
        )
        for room in rooms
    ]


def shared_wall(first: Room, second: Room) -> tuple[Side, float, float] | None:
    """Return the side of the first room that touches the second, and the common span."""
    gap = 2 * WALL_M + 1e-6
    for side, distance, low, high in (
        ("east", second.x_min_m - first.x_max_m, "y_min_m", "y_max_m"),
        ("west", first.x_min_m - second.x_max_m, "y_min_m", "y_max_m"),
        ("north", second.y_min_m - first.y_max_m, "x_min_m", "x_max_m"),
        ("south", first.y_min_m - second.y_max_m, "x_min_m", "x_max_m"),
    ):
        if 0 <= distance <= gap:
            start = max(getattr(first, low), getattr(second, low))
            stop = min(getattr(first, high), getattr(second, high))
            if stop > start:
                return side, start, stop  # type: ignore[return-value]
    return None


def wall_span(room: Room, side: Side) -> tuple[float, float]:
    """Return from where to where a wall of a room runs."""
    return (
        (room.x_min_m, room.x_max_m) if side in ("south", "north") else (room.y_min_m, room.y_max_m)
    )


def outer_sides(room: Room, rooms: Sequence[Room]) -> list[Side]:
    """Return the sides that no other room touches."""
    inner = set()
    for other in rooms:
        if other is not room and (shared := shared_wall(room, other)) is not None:
            inner.add(shared[0])
    return [side for side in SIDES if side not in inner]
