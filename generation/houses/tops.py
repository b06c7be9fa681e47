"""Standing things on furniture."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from generation.assets.piece import Piece
from generation.houses.planar import Floats, Rect
from generation.houses.space import SPAWN_M, Placed, RoomSpace, Spot, footprint

EDGE_M = 0.03
"""Distance that things keep from the edge where there is room."""
LEVEL_M = 0.012
"""Boxes whose tops differ less from the support height belong to the surface."""
TRIES = 24


def on_top(
    space: RoomSpace,
    rng: Generator,
    base: Placed,
    piece: Piece,
    yaw_rad: float | None = None,
    centred: bool = False,
) -> Placed | None:
    """Stand a piece on the support surface of another.

    Args:
        space: The room.
        rng: Draws the place.
        base: What it stands on.
        piece: What to stand on it; its whole footprint finds support.
        yaw_rad: Its direction; by default about that of the base.
        centred: Only the middle of the largest surface will do.
    """
    surfaces = support_rects(base)
    if not surfaces:
        return None
    areas = np.array([s.half_width_m * s.half_depth_m for s in surfaces])
    for _ in range(1 if centred else TRIES):
        number = int(areas.argmax() if centred else rng.choice(len(areas), p=areas / areas.sum()))
        yaw = base.spot.yaw_rad + float(rng.uniform(-0.35, 0.35)) if yaw_rad is None else yaw_rad
        point = (0.0, 0.0) if centred else _point_on(rng, surfaces[number], piece, yaw)
        if point is None or _room_m(surfaces[number], piece, yaw).min() < 0:
            continue
        x, y = surfaces[number].to_world(*point)
        height = base.spot.z_m + (base.piece.support_height_m or 0.0)
        spot = Spot(x, y, yaw, height + (SPAWN_M if piece.movable else 0.0))
        if _stands_free(space, base, piece, spot):
            return space.put(piece, spot)
    return None


def _room_m(surface: Rect, piece: Piece, yaw_rad: float) -> Floats:
    """Return how far a piece can be moved each way from the middle of a surface, shape (2,)."""
    turned = footprint(piece, Spot(0, 0, yaw_rad - surface.yaw_rad))
    reach = np.abs(turned.corners()).max(0)
    result: Floats = np.array([surface.half_width_m, surface.half_depth_m]) - reach
    return result


def _point_on(
    rng: Generator, surface: Rect, piece: Piece, yaw_rad: float
) -> tuple[float, float] | None:
    """Return a point of a surface, in its frame, where the whole footprint is supported."""
    room = _room_m(surface, piece, yaw_rad)
    if room.min() < 0:
        return None
    inner = np.maximum(room - EDGE_M, 0.0)
    x, y = rng.uniform(-inner, inner)
    return float(x), float(y)


def _stands_free(space: RoomSpace, base: Placed, piece: Piece, spot: Spot) -> bool:
    rect = footprint(piece, spot)
    if space.clashes(rect, spot.z_m, spot.z_m + piece.size_m[2], ignore=base):
        return False
    return not any(rect.overlaps(part, 0.01) for part in _rects_above(base, spot.z_m))


def support_rects(base: Placed) -> list[Rect]:
    """Return the level surfaces at a piece's support height, from its colliders."""
    height = base.piece.support_height_m
    if height is None:
        return []
    result = []
    for box in base.piece.colliders:
        if abs(box.center_m[2] + box.half_size_m[2] - height) < LEVEL_M:
            x, y = base.rect.to_world(box.center_m[0], box.center_m[1])
            half_x, half_y, _ = box.half_size_m
            result.append(Rect(x, y, half_x, half_y, base.spot.yaw_rad))
    return result


def _rects_above(base: Placed, z_m: float) -> list[Rect]:
    """Return the parts of a piece that rise above a height."""
    result = []
    for box in base.piece.colliders:
        if base.spot.z_m + box.center_m[2] + box.half_size_m[2] > z_m + LEVEL_M:
            x, y = base.rect.to_world(box.center_m[0], box.center_m[1])
            half_x, half_y, _ = box.half_size_m
            result.append(Rect(x, y, half_x, half_y, base.spot.yaw_rad))
    return result
