"""What a data card says of a scene: its rooms, and its objects with their maker.

The keys are those that the houses of the embedded engine have (houses.house.furniture_facts).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generation.engines.thor.catalog import name_of
from generation.engines.thor.frames import point_from_unity
from generation.engines.thor.houses import HouseJson
from generation.engines.thor.table import Entry

Floats = NDArray[np.float64]

MAKER = {
    "creator": "Allen Institute for AI",
    "licence": "Apache-2.0 (AI2-THOR)",
    "source": "ai2thor",
}
ITHOR_KINDS = {0: "kitchen", 2: "living room", 3: "bedroom", 4: "bathroom"}
"""By the hundreds of a scene's number."""


def room_facts(scene: str | HouseJson) -> list[dict[str, Any]]:
    """Return the rooms of a scene."""
    if isinstance(scene, str):
        digits = "".join(filter(str.isdigit, scene.split("_")[0]))
        kind = ITHOR_KINDS.get(int(digits) // 100, "room") if digits else "room"
        return [{"kind": kind}]
    walls = scene.get("walls") or []
    return [
        {
            "kind": name_of(str(room.get("roomType", "room"))),
            "floor": _material(room.get("floorMaterial")),
            "walls": sorted(
                {_material(wall.get("material")) for wall in walls if wall.get("roomId") == name}
            ),
        }
        for name, room in ((room.get("id"), room) for room in scene["rooms"])
    ]


def _material(value: Any) -> str:
    """Return a material's name; older houses give the name, newer ones a record."""
    return str(value.get("name", "") if isinstance(value, dict) else value or "")


def object_facts(entries: Iterable[Entry], scene: str | HouseJson) -> list[dict[str, str]]:
    """Return one record per object, with the room that it stands in."""
    floors = {} if isinstance(scene, str) else _floors_m(scene)
    return [
        {
            "object_id": entry.object_id,
            "name": name_of(entry.object_type),
            "category": name_of(entry.object_type),
            "room": _room_of(entry, floors) if floors else "room",
            "piece_id": f"thor/{entry.asset_id or entry.object_type}",
            **MAKER,
        }
        for entry in entries
    ]


def _floors_m(house: HouseJson) -> dict[str, Floats]:
    """Return the corners of each room's floor, shape (N, 2), by the room's id."""
    return {
        str(room.get("id", number)): np.array(
            [point_from_unity(corner)[:2] for corner in room.get("floorPolygon") or []]
        ).reshape(-1, 2)
        for number, room in enumerate(house["rooms"])
    }


def _room_of(entry: Entry, floors_m: dict[str, Floats]) -> str:
    x, y, _ = entry.bounds.center_m.tolist()
    return next((name for name, floor in floors_m.items() if is_inside(x, y, floor)), "")


def is_inside(x_m: float, y_m: float, corners_m: Floats) -> bool:
    """Say whether a point lies in a polygon, by counting the edges to its right."""
    ahead = np.roll(corners_m, -1, axis=0)
    crosses = (corners_m[:, 1] > y_m) != (ahead[:, 1] > y_m)
    start, end = corners_m[crosses], ahead[crosses]
    share = (y_m - start[:, 1]) / (end[:, 1] - start[:, 1])
    edges_x_m = start[:, 0] + share * (end[:, 0] - start[:, 0])
    return bool(np.sum(edges_x_m > x_m) % 2)
