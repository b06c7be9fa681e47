"""Placing along walls: back to the wall, in a row, over another piece, around windows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from generation.assets.piece import Piece
from generation.houses.layout import Opening, facing_yaw_rad
from generation.houses.rooms import SIDES, Side, wall_span
from generation.houses.space import GAP_M, Placed, RoomSpace, Spot, standing_height_m

WALL_GAP_M = 0.02
"""Distance of a piece from the wall behind it (in front of the skirting)."""
HUNG_GAP_M = 0.002
ROW_GAP_M = 0.004
TRIES = 24


def back_to_wall(
    space: RoomSpace,
    piece: Piece,
    side: Side,
    along_m: float,
    gap_m: float = WALL_GAP_M,
    z_m: float | None = None,
) -> Spot:
    """Return the spot of a piece with its back to a wall, at its usual height by default."""
    reach = piece.size_m[1] / 2 + gap_m
    room, yaw = space.room, facing_yaw_rad(side)
    z = standing_height_m(piece) if z_m is None else z_m
    if side == "south":
        return Spot(along_m, room.y_min_m + reach, yaw, z)
    if side == "north":
        return Spot(along_m, room.y_max_m - reach, yaw, z)
    if side == "west":
        return Spot(room.x_min_m + reach, along_m, yaw, z)
    return Spot(room.x_max_m - reach, along_m, yaw, z)


def side_behind(placed: Placed) -> Side:
    """Return the wall that a piece turns its back to."""
    sides: tuple[Side, ...] = ("north", "west", "south", "east")
    return sides[round(placed.spot.yaw_rad / (math.pi / 2)) % 4]


def against_wall(
    space: RoomSpace,
    rng: Generator,
    piece: Piece,
    sides: Sequence[Side] = SIDES,
    front_m: float = 0.6,
    anchor: str = "any",
) -> Placed | None:
    """Place with the back to a wall and keep the floor in front free.

    Args:
        space: The room.
        rng: Draws wall and place.
        piece: What to place.
        sides: Walls to try.
        front_m: Depth of the floor kept free in front.
        anchor: "any" place along the wall, its "middle", or a "corner".
    """
    half = piece.size_m[0] / 2
    for _ in range(TRIES):
        side = sides[int(rng.integers(len(sides)))]
        start, stop = wall_span(space.room, side)
        low, high = start + half + GAP_M, stop - half - GAP_M
        if low > high:
            continue
        along = float(rng.uniform(low, high))
        if anchor == "middle":
            along = float(np.clip(rng.normal((low + high) / 2, 0.12 * (high - low)), low, high))
        elif anchor == "corner":
            along = low if rng.random() < 0.5 else high
        placed = space.try_put(piece, back_to_wall(space, piece, side, along))
        if placed is not None:
            if front_m > 0:
                space.keep_front(placed, front_m)
            return placed
    return None


def next_in_row(
    space: RoomSpace, piece: Piece, side: Side, at_m: float, forward: bool
) -> tuple[Placed | None, float]:
    """Place a piece at the first free spot of a wall.

    Args:
        space: The room.
        piece: What to place.
        side: The wall.
        at_m: Distance from the row's corner at which to begin.
        forward: Whether the row starts at the wall's low end.

    Returns:
        The placed piece, or None, and the distance at which the next one may begin.
    """
    start, stop = wall_span(space.room, side)
    width = piece.size_m[0]
    while at_m + width <= stop - start:
        middle = at_m + width / 2
        along = start + middle if forward else stop - middle
        spot = back_to_wall(space, piece, side, along)
        placed = space.try_put(piece, spot, gap_m=ROW_GAP_M / 2)
        if placed is not None:
            return placed, at_m + width + ROW_GAP_M
        at_m += 0.1
    return None, at_m


def free_wall_m(space: RoomSpace, side: Side) -> float:
    """Return the length of a wall without doors and low windows."""
    start, stop = wall_span(space.room, side)
    holes = [o for o in space.plan.openings if o.side == side and o.bottom_m < 0.95]
    return stop - start - sum(o.stop_m - o.start_m for o in holes)


def hang(space: RoomSpace, rng: Generator, piece: Piece, bottom_m: float) -> Placed | None:
    """Hang on any wall, clear of openings and of what stands below."""
    half = piece.size_m[0] / 2
    for _ in range(TRIES):
        side = SIDES[int(rng.integers(len(SIDES)))]
        start, stop = wall_span(space.room, side)
        if stop - start < 2 * half + 0.4:
            continue
        along = float(rng.uniform(start + half + 0.2, stop - half - 0.2))
        if not clear_of_openings(space, side, along - half, along + half, bottom_m):
            continue
        spot = back_to_wall(space, piece, side, along, HUNG_GAP_M, bottom_m)
        placed = space.try_put(piece, spot)
        if placed is not None:
            return placed
    return None


def hang_over(space: RoomSpace, anchor: Placed, piece: Piece, bottom_m: float) -> Placed | None:
    """Hang on the wall behind a piece, centred over it."""
    side = side_behind(anchor)
    along = anchor.spot.x_m if side in ("north", "south") else anchor.spot.y_m
    half = piece.size_m[0] / 2
    if not clear_of_openings(space, side, along - half, along + half, bottom_m):
        return None
    spot = back_to_wall(space, piece, side, along, HUNG_GAP_M, bottom_m)
    return space.try_put(piece, spot, ignore_fronts=True, gap_m=0.0)


def clear_of_openings(
    space: RoomSpace, side: Side, start_m: float, stop_m: float, bottom_m: float
) -> bool:
    """Say whether a span of a wall above a height has no door or window."""
    return not any(
        o.side == side
        and o.start_m - 0.12 < stop_m
        and start_m < o.stop_m + 0.12
        and bottom_m < o.top_m + 0.1
        for o in space.plan.openings
    )


def under_window(space: RoomSpace, piece: Piece, window: Opening) -> Placed | None:
    """Put a low piece under a window."""
    if standing_height_m(piece) + piece.size_m[2] > window.bottom_m - 0.04:
        return None
    return space.try_put(piece, back_to_wall(space, piece, window.side, window.middle_m))


def hang_curtains(space: RoomSpace, piece: Piece, window: Opening) -> list[Placed]:
    """Hang a curtain on each side of a window, both or none."""
    width, _, height = piece.size_m
    bottom = max(0.02, window.top_m + 0.1 - height)
    spots = []
    for along in (window.start_m - width * 0.4, window.stop_m + width * 0.4):
        spot = back_to_wall(space, piece, window.side, along, 0.06, bottom)
        if not space.fits(piece, spot) or _meets_door(space, window.side, along, width):
            return []
        spots.append(spot)
    return [space.put(piece, spot) for spot in spots]


def _meets_door(space: RoomSpace, side: Side, along_m: float, width_m: float) -> bool:
    return any(
        o.side == side
        and o.kind == "door"
        and o.start_m - 0.1 < along_m + width_m / 2
        and along_m - width_m / 2 < o.stop_m + 0.1
        for o in space.plan.openings
    )
