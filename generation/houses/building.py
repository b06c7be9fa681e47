"""From a plan to slabs: floors, walls with holes, window frames, doors, skirting, ceilings, sky."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from numpy.random import Generator

from generation.assets.piece import Finish
from generation.houses import finishes, joinery
from generation.houses.house import Slab
from generation.houses.layout import Opening, RoomPlan
from generation.houses.rooms import SIDES, WALL_M, Side, wall_span

SKIRTING_HEIGHT_M = 0.08
SKIRTING_M = 0.012


def build(rng: Generator, plans: Sequence[RoomPlan], evening: bool) -> tuple[Slab, ...]:
    """Return all slabs of the house."""
    door = str(rng.choice(list(joinery.DOOR_FINISHES)))
    slabs: list[Slab] = []
    for plan in plans:
        slabs += _floor_and_ceiling(plan)
        for side in SIDES:
            slabs += _wall(plan, side)
        for number, opening in enumerate(plan.openings):
            frame = joinery.WallFrame(plan.room, opening.side)
            name = f"{plan.room.room_id}/{opening.side}/{opening.kind}{number}"
            if opening.kind == "window":
                slabs += joinery.window(frame, opening, name)
            else:
                slabs += joinery.door(frame, opening, name, joinery.DOOR_FINISHES[door])
    slabs += _outside(plans, finishes.sky(evening, int(rng.integers(finishes.SKY_VARIANTS))))
    return tuple(slabs)


def _floor_and_ceiling(plan: RoomPlan) -> Iterator[Slab]:
    room = plan.room
    x, y = (room.x_min_m + room.x_max_m) / 2, (room.y_min_m + room.y_max_m) / 2
    half_x = (room.x_max_m - room.x_min_m) / 2 + WALL_M
    half_y = (room.y_max_m - room.y_min_m) / 2 + WALL_M
    floor = finishes.finish("floor", plan.floor)
    yield Slab(f"{room.room_id}/floor", "floor", (x, y, -0.05), (half_x, half_y, 0.05), floor)
    top = (x, y, room.height_m + 0.05)
    yield Slab(f"{room.room_id}/ceiling", "ceiling", top, (half_x, half_y, 0.05), finishes.CEILING)


def _wall(plan: RoomPlan, side: Side) -> Iterator[Slab]:
    """Cut a wall into the strips that its openings leave, with skirting along the floor."""
    room, frame = plan.room, joinery.WallFrame(plan.room, side)
    finish = finishes.finish("wall", plan.walls[side])
    start, stop = wall_span(room, side)
    overlap = WALL_M if frame.along_x else 0.0
    holes = sorted((o for o in plan.openings if o.side == side), key=lambda o: o.start_m)
    name = f"{room.room_id}/{side}"
    at = start - overlap
    edges = [(hole.start_m, hole.stop_m) for hole in holes] + [(stop + overlap, stop + overlap)]
    for number, (left, right) in enumerate(edges):
        yield frame.slab(
            f"{name}/wall{number}", "wall", (at, left), (0, room.height_m), (0, WALL_M), finish
        )
        at = right
    for number, hole in enumerate(holes):
        span = (hole.start_m, hole.stop_m)
        if hole.bottom_m > 0:
            yield frame.slab(
                f"{name}/below{number}", "wall", span, (0, hole.bottom_m), (0, WALL_M), finish
            )
        yield frame.slab(
            f"{name}/above{number}", "wall", span, (hole.top_m, room.height_m), (0, WALL_M), finish
        )
    yield from _skirting(frame, name, start, stop, [hole for hole in holes if hole.kind == "door"])


def _skirting(
    frame: joinery.WallFrame, name: str, start: float, stop: float, doors: Iterable[Opening]
) -> Iterator[Slab]:
    at = start
    spans = [(door.start_m - joinery.FRAME_M, door.stop_m + joinery.FRAME_M) for door in doors] + [
        (stop, stop)
    ]
    for number, (left, right) in enumerate(spans):
        if left - at > 0.01:
            up = (0.0, SKIRTING_HEIGHT_M)
            yield frame.slab(
                f"{name}/skirting{number}",
                "trim",
                (at, left),
                up,
                (-SKIRTING_M, 0),
                finishes.TRIM,
                collides=False,
            )
        at = right


def _outside(plans: Sequence[RoomPlan], finish: Finish) -> Iterator[Slab]:
    """Return four pictures of the sky around the house."""
    rooms = [plan.room for plan in plans]
    away, half = 5.0, 12.0
    low = (min(r.x_min_m for r in rooms) - away, min(r.y_min_m for r in rooms) - away)
    high = (max(r.x_max_m for r in rooms) + away, max(r.y_max_m for r in rooms) + away)
    x, y, z = (low[0] + high[0]) / 2, (low[1] + high[1]) / 2, 1.3
    size = (half, half, 0.01)
    for name, center, turn in (
        ("south", (x, low[1], z), joinery.ALONG_X), ("north", (x, high[1], z), joinery.ALONG_X),
        ("west", (low[0], y, z), joinery.ALONG_Y), ("east", (high[0], y, z), joinery.ALONG_Y),
    ):  # fmt: skip
        yield Slab(
            f"outside/{name}",
            "outside",
            center,
            size,
            finish,
            turn,
            collides=False,
            casts_shadow=False,
        )
