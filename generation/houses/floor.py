"""Placing on the floor: relative to another piece, around a table, anywhere."""

from __future__ import annotations

import math
from collections.abc import Sequence

from numpy.random import Generator

from generation.assets.piece import Piece
from generation.houses.space import Placed, RoomSpace, Spot, standing_height_m

TRIES = 24
LONG_TABLE_M = 1.25
"""From this width on two chairs stand at each long side."""


def relative(
    space: RoomSpace,
    anchor: Placed,
    piece: Piece,
    right_m: float,
    front_m: float,
    turn_rad: float = 0.0,
) -> Placed | None:
    """Place at an offset in the anchor's frame: to its own +x, and out of its front."""
    x, y = anchor.rect.to_world(right_m, -front_m)
    spot = Spot(x, y, anchor.spot.yaw_rad + turn_rad, standing_height_m(piece))
    return space.try_put(piece, spot, ignore_fronts=True)


def in_front(
    space: RoomSpace, anchor: Placed, piece: Piece, gap_m: float, turn_rad: float = 0.0
) -> Placed | None:
    """Place centred before the anchor."""
    depth = piece.size_m[1] if abs(math.sin(turn_rad)) < 0.5 else piece.size_m[0]
    away = anchor.piece.size_m[1] / 2 + gap_m + depth / 2
    return relative(space, anchor, piece, 0.0, away, turn_rad)


def beside(
    space: RoomSpace, anchor: Placed, piece: Piece, direction: int, gap_m: float = 0.08
) -> Placed | None:
    """Place at the anchor's +x (1) or -x (-1) side, backs in line."""
    right = direction * (anchor.piece.size_m[0] / 2 + gap_m + piece.size_m[0] / 2)
    front = (piece.size_m[1] - anchor.piece.size_m[1]) / 2
    return relative(space, anchor, piece, right, front)


def around(
    space: RoomSpace, rng: Generator, table: Placed, chairs: Sequence[Piece]
) -> list[Placed]:
    """Place chairs around a table, facing it."""
    seats = _seats(table.piece)
    result = []
    for chair, index in zip(chairs, rng.permutation(len(seats)), strict=False):
        x_m, y_m, yaw_rad = seats[int(index)]
        away = chair.size_m[1] / 2 + float(rng.uniform(0.04, 0.16))
        x, y = table.rect.to_world(x_m + away * math.sin(-yaw_rad), y_m + away * math.cos(yaw_rad))
        yaw = table.spot.yaw_rad + yaw_rad + float(rng.normal(0, 0.12))
        placed = space.try_put(chair, Spot(x, y, yaw), ignore_fronts=True)
        if placed is not None:
            result.append(placed)
    return result


def _seats(table: Piece) -> list[tuple[float, float, float]]:
    """Return points on the table's edge (its frame) and the yaw of a chair that faces it there."""
    width, depth, _ = table.size_m
    shifts = (-0.25 * width, 0.25 * width) if width > LONG_TABLE_M else (0.0,)
    seats = [(x, depth / 2, 0.0) for x in shifts] + [(x, -depth / 2, math.pi) for x in shifts]
    return [*seats, (-width / 2, 0.0, math.pi / 2), (width / 2, 0.0, -math.pi / 2)]


def open_floor(
    space: RoomSpace,
    rng: Generator,
    piece: Piece,
    yaw_rad: float | None = None,
    margin_m: float = 0.0,
) -> Placed | None:
    """Place anywhere on the free floor, by default turned at random."""
    room = space.room
    reach = math.hypot(piece.size_m[0], piece.size_m[1]) / 2 + margin_m
    if 2 * reach > min(room.x_max_m - room.x_min_m, room.y_max_m - room.y_min_m):
        return None
    for _ in range(TRIES):
        x = float(rng.uniform(room.x_min_m + reach, room.x_max_m - reach))
        y = float(rng.uniform(room.y_min_m + reach, room.y_max_m - reach))
        yaw = float(rng.uniform(-math.pi, math.pi)) if yaw_rad is None else yaw_rad
        placed = space.try_put(piece, Spot(x, y, yaw, standing_height_m(piece)))
        if placed is not None:
            return placed
    return None
