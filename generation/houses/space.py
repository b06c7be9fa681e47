"""A room being filled: what stands where, and whether one more piece has room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import label

from generation.assets.piece import Piece
from generation.houses.layout import RoomPlan, wall_rect
from generation.houses.planar import Rect, free_floor

GAP_M = 0.03
"""Least distance between pieces."""
SPAWN_M = 0.005
"""Height above the surface at which movable things start; physics lets them down."""
PERSON_RADIUS_M = 0.22
CELL_M = 0.1
HEAD_ROOM_M = 1.9
FLAT_M = 0.015
"""Rugs are not thicker than this and lie under everything."""
THIN_M = 0.13
THIN_FROM_M = 0.8
"""What hangs on a wall from this height on and is thinner than THIN_M takes no floor."""
WINDOW_FRONT_M = 0.35
"""Depth of the floor before a window on which nothing higher than its sill stands."""
MIN_FREE_SHARE = 0.22
"""Part of the floor that must stay reachable from the doors."""


@dataclass(frozen=True)
class Spot:
    """A place for a piece: its bottom centre and how it is turned."""

    x_m: float
    y_m: float
    yaw_rad: float
    z_m: float = 0.0


@dataclass(frozen=True)
class Placed:
    """A piece with its place."""

    piece: Piece
    spot: Spot

    @property
    def rect(self) -> Rect:
        """Its footprint."""
        return footprint(self.piece, self.spot)

    @property
    def bottom_m(self) -> float:
        """Height of its bottom."""
        return self.spot.z_m

    @property
    def top_m(self) -> float:
        """Height of its top."""
        return self.spot.z_m + self.piece.size_m[2]


def footprint(piece: Piece, spot: Spot) -> Rect:
    """Return the floor that a piece covers at a spot."""
    return Rect(spot.x_m, spot.y_m, piece.size_m[0] / 2, piece.size_m[1] / 2, spot.yaw_rad)


def standing_height_m(piece: Piece) -> float:
    """Return the height of a piece's bottom where it stands on the floor or hangs low."""
    return SPAWN_M if piece.movable else piece.mount_height_m or 0.0


class RoomSpace:
    """What is in a room so far, and which floor must stay free."""

    def __init__(self, plan: RoomPlan) -> None:
        self.plan, self.room = plan, plan.room
        self.placed: list[Placed] = []
        self.walkways = [plan.door_zone(o) for o in plan.openings if o.kind == "door"]
        """Floor that no piece may cover."""
        self.fronts: list[Rect] = []
        """Floor in front of pieces, which others leave free."""
        room = self.room
        x = np.arange(room.x_min_m + CELL_M / 2, room.x_max_m, CELL_M)
        y = np.arange(room.y_min_m + CELL_M / 2, room.y_max_m, CELL_M)
        self._grid_shape = (len(x), len(y))
        self._cells = np.array([(a, b) for a in x for b in y])

    def put(self, piece: Piece, spot: Spot) -> Placed:
        """Place without any check."""
        placed = Placed(piece, spot)
        self.placed.append(placed)
        return placed

    def try_put(
        self, piece: Piece, spot: Spot, *, ignore_fronts: bool = False, gap_m: float = GAP_M
    ) -> Placed | None:
        """Place if it fits."""
        if self.fits(piece, spot, ignore_fronts=ignore_fronts, gap_m=gap_m):
            return self.put(piece, spot)
        return None

    def keep_front(self, placed: Placed, depth_m: float) -> None:
        """Keep the floor before a piece free of later pieces."""
        rect = placed.rect
        x, y = rect.to_world(0.0, -rect.half_depth_m - depth_m / 2)
        self.fronts.append(Rect(x, y, rect.half_width_m * 0.9, depth_m / 2, rect.yaw_rad))

    def fits(
        self, piece: Piece, spot: Spot, *, ignore_fronts: bool = False, gap_m: float = GAP_M
    ) -> bool:
        """Say whether a piece has room: no overlap, walkways free, floor still reachable."""
        rect, room = footprint(piece, spot), self.room
        top_m = spot.z_m + piece.size_m[2]
        bounds = (room.x_min_m, room.y_min_m, room.x_max_m, room.y_max_m)
        if top_m > room.height_m - 0.02 or not rect.inside(*bounds):
            return False
        if piece.size_m[2] <= FLAT_M:
            return True
        if self.clashes(rect, spot.z_m, top_m, gap_m):
            return False
        if not _takes_floor(piece, spot):
            return True
        if any(rect.overlaps(zone) for zone in self.walkways):
            return False
        if not ignore_fronts and any(rect.overlaps(zone) for zone in self.fronts):
            return False
        return not self._blocks_window(rect, top_m) and self.floor_stays_connected(rect)

    def clashes(
        self,
        rect: Rect,
        bottom_m: float,
        top_m: float,
        gap_m: float = GAP_M,
        ignore: Placed | None = None,
    ) -> bool:
        """Say whether a box shares space with a placed piece; rugs and curtains do not count."""
        return any(
            other is not ignore
            and bool(other.piece.colliders)
            and bottom_m < other.top_m - 1e-6
            and top_m > other.bottom_m + 1e-6
            and rect.overlaps(other.rect, gap_m)
            for other in self.placed
        )

    def _blocks_window(self, rect: Rect, top_m: float) -> bool:
        """Say whether something tall would stand before a window."""
        for opening in self.plan.openings:
            if opening.kind == "window" and top_m > opening.bottom_m + 0.05:
                half = (opening.stop_m - opening.start_m) / 2
                front = wall_rect(self.room, opening.side, opening.middle_m, half, WINDOW_FRONT_M)
                if rect.overlaps(front):
                    return True
        return False

    def floor_stays_connected(self, extra: Rect | None = None) -> bool:
        """Say whether one piece of walkable floor joins all doors and is large enough."""
        obstacles = [p.rect for p in self.placed if _takes_floor(p.piece, p.spot)]
        if extra is not None:
            obstacles.append(extra)
        free = free_floor(self._cells, obstacles, PERSON_RADIUS_M)
        regions, _ = label(free.reshape(self._grid_shape))
        flat = regions.ravel()
        sizes = np.bincount(flat)[1:]
        if not len(sizes) or sizes.max() < MIN_FREE_SHARE * len(flat):
            return False
        main = int(sizes.argmax()) + 1
        return all(bool((flat[zone.covers(self._cells)] == main).any()) for zone in self.walkways)


def _takes_floor(piece: Piece, spot: Spot) -> bool:
    """Say whether a person walking would meet the piece."""
    thin = spot.z_m > THIN_FROM_M and piece.size_m[1] < THIN_M
    return bool(piece.colliders) and spot.z_m <= HEAD_ROOM_M and not thin
