"""The procedural house source: a key decides rooms, finishes, furniture, names and light."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from generation.assets.piece import Piece
from generation.houses import building, lighting
from generation.houses.furnisher import Furnisher
from generation.houses.house import House, PlacedPiece, Room
from generation.houses.layout import RoomPlan, plan_house
from generation.houses.naming import name_pieces
from generation.houses.recipes import RECIPES, finishing_touches
from generation.houses.space import Placed, RoomSpace
from generation.houses.stock import Stock
from generation.scene import SceneKey

TRIANGLES = 100_000
"""Budget of a house of one room."""
TRIANGLES_MORE = 60_000
"""Budget of each further room: all are drawn, few are seen at once."""
ROOM_COUNTS = {1: 0.5, 2: 0.2, 3: 0.14, 4: 0.08, 5: 0.05, 6: 0.03}
"""How often houses have so many rooms."""
KIND_WEIGHTS = {
    "living room": 0.3,
    "kitchen": 0.18,
    "bedroom": 0.22,
    "bathroom": 0.08,
    "office": 0.22,
}
MIN_PIECES = 8
MAX_ATTEMPTS = 6


class ProceduralHouses:
    """Makes houses from keys; the same key gives the same house."""

    def __init__(
        self, pieces: Sequence[Piece], room_counts: Mapping[int, float] = ROOM_COUNTS
    ) -> None:
        self._pieces, self._room_counts = tuple(pieces), room_counts

    def house(self, key: SceneKey) -> House:
        """Return the house of a key."""
        plans = plan_house(key.rng("layout"), self._kinds(key))
        evening = bool(key.rng("evening").random() < 0.25)
        stock = Stock(self._pieces, key.split)
        budget = TRIANGLES + TRIANGLES_MORE * (len(plans) - 1)
        placed: list[Placed] = []
        for done, plan in enumerate(plans):
            stock.triangles_left = (budget - stock.triangles_used) // (len(plans) - done)
            placed += _furnish(key, plan, stock)
        return House(
            rooms=tuple(plan.room for plan in plans),
            slabs=building.build(key.rng("building"), plans, evening),
            pieces=_named(placed),
            lights=lighting.lights(key.rng("light"), plans, evening),
            ambience=lighting.ambience(plans, evening),
            facts=_facts(plans, placed, stock, evening),
        )

    def _kinds(self, key: SceneKey) -> list[str]:
        """Draw how many rooms there are, and of which kinds; each kind once if possible."""
        rng = key.rng("rooms")
        counts = list(self._room_counts)
        count = counts[int(rng.choice(len(counts), p=list(self._room_counts.values())))]
        kinds, weights = list(KIND_WEIGHTS), list(KIND_WEIGHTS.values())
        order = rng.choice(len(kinds), min(count, len(kinds)), p=weights, replace=False)
        drawn = [kinds[int(i)] for i in order]
        return drawn + ["bedroom"] * (count - len(drawn))


def _furnish(key: SceneKey, plan: RoomPlan, stock: Stock) -> list[Placed]:
    """Furnish a room; a try with too few pieces is done again with another stream."""
    best: list[Placed] = []
    for attempt in range(MAX_ATTEMPTS):
        rng = key.rng(f"furnish/{plan.room.room_id}/{attempt}")
        furnisher = Furnisher(RoomSpace(plan), stock, rng)
        before = stock.snapshot()
        RECIPES[plan.room.kind](furnisher)
        finishing_touches(furnisher)
        placed = furnisher.space.placed
        if len(placed) > len(best):
            best = placed
        if len(placed) >= MIN_PIECES:
            return placed
        stock.restore(before)
    for item in best:
        stock.take(item.piece)
    return best


def _named(placed: Sequence[Placed]) -> tuple[PlacedPiece, ...]:
    names = name_pieces([item.piece for item in placed])
    numbers: Counter[str] = Counter()
    result = []
    for item, name in zip(placed, names, strict=True):
        slug = item.piece.category.replace(" ", "-")
        numbers[slug] += 1
        result.append(
            PlacedPiece(
                object_id=f"{slug}-{numbers[slug]}",
                name=name,
                piece=item.piece,
                position_m=(item.spot.x_m, item.spot.y_m, item.spot.z_m),
                yaw_rad=item.spot.yaw_rad,
            )
        )
    return tuple(result)


def _facts(
    plans: Sequence[RoomPlan], placed: Sequence[Placed], stock: Stock, evening: bool
) -> dict[str, Any]:
    pieces = [item.piece for item in placed]
    return {
        "rooms": [_room_facts(plan.room, plan) for plan in plans],
        "light": "evening" if evening else "day",
        "pieces": sorted({piece.piece_id for piece in pieces}),
        "sources": dict(Counter(piece.maker.source for piece in pieces)),
        "objects": len(pieces),
        "triangles": sum(piece.triangles for piece in pieces),
        "skipped_pieces": dict(stock.skipped),
    }


def _room_facts(room: Room, plan: RoomPlan) -> dict[str, Any]:
    return {
        "kind": room.kind,
        "size_m": [
            round(room.x_max_m - room.x_min_m, 2),
            round(room.y_max_m - room.y_min_m, 2),
            round(room.height_m, 2),
        ],
        "floor": plan.floor,
        "walls": sorted(set(plan.walls.values())),
    }
