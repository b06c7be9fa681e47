"""Furnishing verbs: pick a piece of a category, place it, count it; used by the recipes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import zip_longest

from numpy.random import Generator

from generation.assets.piece import Piece
from generation.houses import floor, tops, walls
from generation.houses.rooms import SIDES, Side
from generation.houses.space import Placed, RoomSpace, Spot
from generation.houses.stock import Stock
from generation.houses.things import FLOOR_ONLY, LEAST_ON_FLOOR_M, LISTED, MOST_ON_TOP_M

TRIES = 3
"""Different pieces of the wanted categories that are tried before giving up."""
CHAIR_SHARE = 0.06
"""Part of the remaining triangles that one of several equal chairs may cost."""
ROW_SHARE = 0.2
OTHER_THINGS = 0.35
"""How often something else than what was asked for is stood on furniture."""


class Furnisher:
    """One room being furnished from a stock. Every verb returns None where nothing fits."""

    def __init__(self, space: RoomSpace, stock: Stock, rng: Generator) -> None:
        self.space, self.stock, self.rng = space, stock, rng
        self.kind = space.room.kind

    @property
    def floor_area_m2(self) -> float:
        """Area of the room."""
        room = self.space.room
        return (room.x_max_m - room.x_min_m) * (room.y_max_m - room.y_min_m)

    def chance(self, probability: float) -> bool:
        """Return True with a probability."""
        return bool(self.rng.random() < probability)

    def some(self, things: Sequence[str], least: int, most: int) -> list[str]:
        """Return between least and most (not counted) of the things in stock, in random order."""
        known = [thing for thing in things if thing in self.stock.by_category]
        count = int(self.rng.integers(least, most))
        return [known[int(i)] for i in self.rng.permutation(len(known))[:count]]

    def pick(self, categories: Sequence[str], max_share: float = 0.25) -> Piece | None:
        """Return a piece of one of the categories, tried in random order."""
        order = [categories[int(i)] for i in self.rng.permutation(len(categories))]
        return self.stock.pick(self.rng, order, self.kind, max_share)

    def _try(
        self,
        categories: Sequence[str],
        place: Callable[[Piece], Placed | None],
        max_share: float = 0.25,
    ) -> Placed | None:
        """Pick and place; other pieces are tried where one does not fit."""
        for _ in range(TRIES):
            piece = self.pick(categories, max_share)
            if piece is None:
                return None
            placed = place(piece)
            if placed is not None:
                self.stock.take(piece)
                return placed
        return None

    # Along walls

    def wall(
        self,
        *categories: str,
        sides: Sequence[Side] = SIDES,
        front_m: float = 0.6,
        anchor: str = "any",
    ) -> Placed | None:
        """Place one with its back to a wall; see walls.against_wall."""
        place = partial(
            walls.against_wall, self.space, self.rng, sides=sides, front_m=front_m, anchor=anchor
        )
        return self._try(categories, place)

    def row(self, categories: Sequence[str], front_m: float) -> list[Placed]:
        """Place one of each category side by side along one wall, from a corner on."""
        sides = [SIDES[int(i)] for i in self.rng.permutation(len(SIDES))]
        side = max(sides, key=partial(walls.free_wall_m, self.space))
        forward = self.chance(0.5)
        at_m, placed = walls.WALL_GAP_M, []
        for category in categories:
            for _ in range(TRIES):
                piece = self.pick([category], ROW_SHARE)
                if piece is None or piece.mount_height_m is not None:
                    continue
                item, end_m = walls.next_in_row(self.space, piece, side, at_m, forward)
                if item is not None:
                    self.stock.take(piece)
                    placed.append(item)
                    at_m = end_m
                    break
        for item in placed:
            self.space.keep_front(item, front_m)
        return placed

    def above(self, anchor: Placed, category: str) -> Placed | None:
        """Hang one on the wall behind a piece, over it."""

        def place(piece: Piece) -> Placed | None:
            if piece.mount_height_m is None:
                return None
            bottom = max(piece.mount_height_m, anchor.top_m + 0.1)
            return walls.hang_over(self.space, anchor, piece, bottom)

        return self._try([category], place)

    def on_wall(self, *categories: str) -> Placed | None:
        """Hang one on any wall."""

        def place(piece: Piece) -> Placed | None:
            if piece.mount_height_m is None:
                return None
            return walls.hang(self.space, self.rng, piece, piece.mount_height_m)

        return self._try(categories, place)

    def dress_windows(self) -> None:
        """Hang curtains beside some windows and put radiators under some."""
        for opening in self.space.plan.openings:
            if opening.kind != "window":
                continue
            if self.chance(0.3):
                place = partial(walls.under_window, self.space, window=opening)
                self._try(["radiator"], place)
            curtain = self.pick(["curtain"])
            if (
                self.kind not in ("bathroom", "kitchen")
                and self.chance(0.5)
                and curtain is not None
            ):
                for _ in walls.hang_curtains(self.space, curtain, opening):
                    self.stock.take(curtain)

    # On the floor

    def in_front(
        self, anchor: Placed, gap_m: float, turn_rad: float, *categories: str
    ) -> Placed | None:
        """Place one centred before another."""
        place = partial(floor.in_front, self.space, anchor, gap_m=gap_m, turn_rad=turn_rad)
        return self._try(categories, place)

    def beside(self, anchor: Placed, direction: int, *categories: str) -> Placed | None:
        """Place one at the +x (1) or -x (-1) side of another, backs in line."""
        return self._try(categories, partial(floor.beside, self.space, anchor, direction=direction))

    def pair_beside(self, anchor: Placed, category: str) -> list[Placed]:
        """Place the same piece on one or both sides of another."""
        piece = self.pick([category])
        placed = []
        for side in (-1, 1):
            if piece is not None and self.chance(0.85):
                item = floor.beside(self.space, anchor, piece, side, 0.06)
                if item is not None:
                    self.stock.take(piece)
                    placed.append(item)
        return placed

    def relative(
        self, anchor: Placed, right_m: float, front_m: float, turn_rad: float, *categories: str
    ) -> Placed | None:
        """Place one at an offset in the anchor's frame."""
        place = partial(
            floor.relative, self.space, anchor, right_m=right_m, front_m=front_m, turn_rad=turn_rad
        )
        return self._try(categories, place)

    def chairs_around(self, table: Placed, count: int, *categories: str) -> list[Placed]:
        """Place several of one chair around a table."""
        chair = self.pick(categories, CHAIR_SHARE)
        if chair is None:
            return []
        placed = floor.around(self.space, self.rng, table, [chair] * count)
        for item in placed:
            self.stock.take(item.piece)
        return placed

    def open_floor(self, margin_m: float, *categories: str) -> Placed | None:
        """Put one on the open floor: large ones square to the room, small ones anyhow."""

        def place(piece: Piece) -> Placed | None:
            yaw = None if piece.movable else float(self.rng.integers(4)) * math.pi / 2
            return floor.open_floor(self.space, self.rng, piece, yaw, margin_m)

        return self._try(categories, place)

    def rug(self, anchor: Placed, front_m: float) -> Placed | None:
        """Lay a rug under a piece or before it."""
        x, y = anchor.rect.to_world(0.0, -front_m)
        spot = Spot(x, y, anchor.spot.yaw_rad)
        return self._try(["rug"], lambda piece: self.space.try_put(piece, spot))

    def ceiling(self, category: str) -> Placed | None:
        """Fix one to the middle of the ceiling."""
        room = self.space.room
        x, y = (room.x_min_m + room.x_max_m) / 2, (room.y_min_m + room.y_max_m) / 2

        def place(piece: Piece) -> Placed | None:
            return self.space.put(piece, Spot(x, y, 0.0, room.height_m - piece.size_m[2]))

        return self._try([category], place)

    # On furniture

    def top(
        self,
        base: Placed | None,
        *categories: str,
        yaw_rad: float | None = None,
        centred: bool = False,
    ) -> Placed | None:
        """Stand one on a piece."""
        if base is None:
            return None
        place = partial(tops.on_top, self.space, self.rng, base, yaw_rad=yaw_rad, centred=centred)
        return self._try(categories, place)

    def tops(self, base: Placed | None, count: int, *categories: str) -> None:
        """Stand several different things on a piece: mostly of the categories, some others."""
        if base is None or base.piece.support_height_m is None:
            return
        others = self.some(self._small_things(), count, count + 1)
        for wanted, other in zip_longest(self.some(categories, count, count + 1), others):
            category = other if wanted is None or self.chance(OTHER_THINGS) else wanted
            if category is not None:
                self.top(base, category)

    def _small_things(self) -> list[str]:
        """Return the categories of movable pieces that may stand on furniture in this room."""
        widest, tallest = MOST_ON_TOP_M
        return self.stock.categories(
            lambda piece: (
                piece.movable
                and piece.category not in FLOOR_ONLY
                and max(piece.size_m[:2]) <= widest
                and piece.size_m[2] <= tallest
                and (self.kind in piece.rooms or piece.category not in LISTED)
            )
        )

    def unlisted_floor_things(self) -> list[str]:
        """Return the categories of movable pieces that no table names and that suit the room."""
        return self.stock.categories(
            lambda piece: (
                piece.movable
                and piece.category not in LISTED
                and max(piece.size_m) >= LEAST_ON_FLOOR_M
                and (not piece.rooms or self.kind in piece.rooms)
            )
        )
