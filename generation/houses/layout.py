"""The plan of a house: rooms, doors, windows, and what each surface is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator

from generation.houses import finishes
from generation.houses.house import Room
from generation.houses.planar import Rect
from generation.houses.rooms import (
    OPPOSITE,
    SIDES,
    Side,
    outer_sides,
    place_rooms,
    shared_wall,
    wall_span,
)

DOOR_WIDTH_M = 0.88
DOOR_HEIGHT_M = 2.03
DOOR_CORNER_M = 0.12


@dataclass(frozen=True)
class Opening:
    """A hole in one wall of a room."""

    kind: Literal["door", "window"]
    side: Side
    start_m: float
    """Along the wall: world x for south and north, world y for west and east."""
    stop_m: float
    bottom_m: float
    top_m: float
    leads_to: str = ""
    """Of a door: the room behind it, or empty for one that leads out and stays shut."""

    @property
    def middle_m(self) -> float:
        """Centre along the wall."""
        return (self.start_m + self.stop_m) / 2


@dataclass(frozen=True)
class RoomPlan:
    """A room with its openings and finishes."""

    room: Room
    openings: tuple[Opening, ...]
    floor: str
    walls: dict[Side, str]

    def door_zone(self, door: Opening, depth_m: float = 0.95) -> Rect:
        """Return the floor in front of a door that stays free."""
        half = (door.stop_m - door.start_m) / 2 + 0.06
        return wall_rect(self.room, door.side, door.middle_m, half, depth_m)


def wall_rect(room: Room, side: Side, middle_m: float, half_m: float, depth_m: float) -> Rect:
    """Return a rectangle along a wall, as deep as depth_m into the room."""
    if side == "south":
        return Rect(middle_m, room.y_min_m + depth_m / 2, half_m, depth_m / 2)
    if side == "north":
        return Rect(middle_m, room.y_max_m - depth_m / 2, half_m, depth_m / 2)
    if side == "west":
        return Rect(room.x_min_m + depth_m / 2, middle_m, depth_m / 2, half_m)
    return Rect(room.x_max_m - depth_m / 2, middle_m, depth_m / 2, half_m)


def facing_yaw_rad(side: Side) -> float:
    """Return the yaw of a piece that stands with its back to a wall."""
    return {"north": 0.0, "west": np.pi / 2, "south": np.pi, "east": -np.pi / 2}[side]


def plan_house(rng: Generator, kinds: Sequence[str]) -> tuple[RoomPlan, ...]:
    """Lay out rooms of the given kinds, with doors between them and windows outside."""
    rooms = place_rooms(rng, kinds)
    openings = _doors(rng, rooms)
    _add_windows(rng, rooms, openings)
    plans = []
    for room in rooms:
        floor, walls = _choose_finishes(rng, room.kind, openings[room.room_id])
        plans.append(RoomPlan(room, tuple(openings[room.room_id]), floor, walls))
    return tuple(plans)


def _doors(rng: Generator, rooms: list[Room]) -> dict[str, list[Opening]]:
    """Join all rooms by a tree of doors (and now and then one more), and add a way out."""
    openings: dict[str, list[Opening]] = {room.room_id: [] for room in rooms}
    joined = {rooms[0].room_id}
    pairs = [(a, b) for i, a in enumerate(rooms) for b in rooms[i + 1 :]]
    order = [pairs[i] for i in rng.permutation(len(pairs))]
    progress = True
    while progress:
        progress = False
        for first, second in order:
            known = (first.room_id in joined) + (second.room_id in joined)
            if known == 1 and _join(rng, first, second, openings):
                joined |= {first.room_id, second.room_id}
                progress = True
    if len(joined) < len(rooms):
        raise ValueError("rooms that no door can reach")
    entrance = rooms[0]
    sides = [
        side
        for side in outer_sides(entrance, rooms)
        if _free_span(entrance, side, openings[entrance.room_id]) is not None
    ]
    if sides:
        side = sides[int(rng.integers(len(sides)))]
        start, stop = wall_span(entrance, side)
        at = _door_position(rng, start, stop)
        openings[entrance.room_id].append(
            Opening("door", side, at, at + DOOR_WIDTH_M, 0.0, DOOR_HEIGHT_M)
        )
    return openings


def _free_span(room: Room, side: Side, openings: list[Opening]) -> tuple[float, float] | None:
    """Return the wall's span if it has no opening yet."""
    return None if any(opening.side == side for opening in openings) else wall_span(room, side)


def _door_position(rng: Generator, start: float, stop: float) -> float:
    """Return where a door begins: near a corner of the span."""
    low, high = start + DOOR_CORNER_M, stop - DOOR_CORNER_M - DOOR_WIDTH_M
    slack = min(0.35, high - low)
    return float(
        low + rng.uniform(0, slack) if rng.random() < 0.5 else high - rng.uniform(0, slack)
    )


def _join(rng: Generator, first: Room, second: Room, openings: dict[str, list[Opening]]) -> bool:
    """Cut a door between two rooms if they share enough wall."""
    shared = shared_wall(first, second)
    if shared is None:
        return False
    side, start, stop = shared
    if stop - start < DOOR_WIDTH_M + 2 * DOOR_CORNER_M:
        return False
    at = _door_position(rng, start, stop)
    for room, own_side in ((first, side), (second, OPPOSITE[side])):
        taken = [o for o in openings[room.room_id] if o.side == own_side]
        if any(o.start_m - 0.3 < at + DOOR_WIDTH_M and at < o.stop_m + 0.3 for o in taken):
            return False
    for room, own_side, other in ((first, side, second), (second, OPPOSITE[side], first)):
        openings[room.room_id].append(
            Opening("door", own_side, at, at + DOOR_WIDTH_M, 0.0, DOOR_HEIGHT_M, other.room_id)
        )
    return True


def _add_windows(rng: Generator, rooms: list[Room], openings: dict[str, list[Opening]]) -> None:
    """Give every room one or two windows on walls that face outside and have no door."""
    for room in rooms:
        own = openings[room.room_id]
        sides = [
            side for side in outer_sides(room, rooms) if _free_span(room, side, own) is not None
        ]
        wanted = 1 if room.kind == "bathroom" or rng.random() < 0.55 else 2
        for index in rng.permutation(len(sides))[:wanted]:
            side = sides[int(index)]
            start, stop = wall_span(room, side)
            length = stop - start
            small = room.kind == "bathroom"
            width = float(
                rng.uniform(0.6, 0.9) if small else min(rng.uniform(1.1, 2.2), length - 0.8)
            )
            bottom = float(rng.uniform(1.2, 1.4) if small else rng.choice([0.45, 0.85, 0.95]))
            top = float(min(bottom + rng.uniform(1.1, 1.5), 2.2)) if not small else bottom + 0.7
            at = float(start + (length - width) * rng.uniform(0.3, 0.7))
            own.append(Opening("window", side, at, at + width, bottom, top))


def _choose_finishes(
    rng: Generator, kind: str, openings: list[Opening]
) -> tuple[str, dict[Side, str]]:
    """Return the floor and each wall's finish; a wall without openings may be an accent."""
    floor = str(rng.choice(finishes.names_for(finishes.FLOORS, kind)))
    tiled = kind == "bathroom" or (kind == "kitchen" and rng.random() < 0.2)
    base = str(rng.choice(list(finishes.WET_WALLS if tiled else finishes.WALLS)))
    walls: dict[Side, str] = dict.fromkeys(SIDES, base)
    closed = [side for side in SIDES if all(opening.side != side for opening in openings)]
    if closed and kind != "bathroom" and rng.random() < 0.4:
        side = closed[int(rng.integers(len(closed)))]
        walls[side] = str(rng.choice(list(finishes.ACCENTS)))
    return floor, walls
