"""What belongs in each kind of room and how it is arranged: a function and a line per kind."""

from __future__ import annotations

import math
from collections.abc import Callable

from generation.houses.furnisher import Furnisher
from generation.houses.rooms import OPPOSITE
from generation.houses.space import Placed
from generation.houses.things import (
    BATH_THINGS,
    BED_THINGS,
    DESK_THINGS,
    FLOOR_THINGS,
    FOOD,
    KITCHEN_THINGS,
    LEISURE,
    MEDIA_THINGS,
    SHELF_THINGS,
    TABLE_THINGS,
    WALL_THINGS,
)
from generation.houses.walls import side_behind


def living_room(f: Furnisher) -> None:
    """Sofa facing the television over a coffee table; shelves, plants; maybe a dinner table."""
    kinds = ("sofa", "sofa", "sofa", "corner sofa")
    sofa = f.wall(*kinds, front_m=0.0, anchor="middle")
    if sofa is not None:
        sofa_group(f, sofa)
    if f.floor_area_m2 > 19 and f.chance(0.75):
        dining_group(f)
    for _ in range(int(f.rng.integers(1, 3))):
        shelf = f.wall("bookcase", "cabinet", "chest of drawers", "shelf", "fireplace", "piano")
        f.tops(shelf, int(f.rng.integers(2, 5)), *SHELF_THINGS)
    if f.chance(0.4):
        f.wall("armchair", "lounge chair", "beanbag", "bench", front_m=0.2, anchor="corner")
    if f.chance(0.35):
        f.wall(*LEISURE, front_m=0.3)
    f.wall("floor lamp", front_m=0.0, anchor="corner")
    corner_plants(f, int(f.rng.integers(1, 3)))


def sofa_group(f: Furnisher, sofa: Placed) -> None:
    """Add coffee table, rug, television, armchairs and cushions to a sofa."""
    table = f.in_front(sofa, float(f.rng.uniform(0.35, 0.5)), 0.0, "coffee table")
    if f.chance(0.75):
        f.rug(table or sofa, 0.0 if table else 1.2)
    f.tops(table, int(f.rng.integers(2, 5)), *TABLE_THINGS, *MEDIA_THINGS[2:4])
    stand = f.wall("TV stand", sides=(OPPOSITE[side_behind(sofa)],), front_m=0.9, anchor="middle")
    if stand is not None:
        f.top(stand, "television", yaw_rad=stand.spot.yaw_rad, centred=True)
        f.tops(stand, int(f.rng.integers(0, 3)), *MEDIA_THINGS, *SHELF_THINGS)
    for direction in (-1, 1):
        if f.chance(0.55):
            f.top(
                f.beside(sofa, direction, "side table", "floor lamp"), "table lamp", "book", "vase"
            )
    anchor = table or sofa
    for direction in f.rng.permutation([-1, 1])[: int(f.rng.integers(0, 3))]:
        away = float(direction) * (anchor.piece.size_m[0] / 2 + 0.75)
        turn = -math.pi / 2 * float(direction) + float(f.rng.normal(0, 0.2))
        f.relative(anchor, away, 0.1, turn, "armchair", "armchair", "ottoman", "lounge chair")


def dining_group(f: Furnisher) -> Placed | None:
    """Table with two to six chairs of one kind, and things on it."""
    table = f.open_floor(0.35, "dining table", "dining table", "table")
    if table is None:
        return None
    most = 4 if table.piece.size_m[0] > 1.3 else 3
    f.chairs_around(table, 2 * int(f.rng.integers(1, most)), "chair")
    f.tops(table, int(f.rng.integers(2, 6)), *TABLE_THINGS, *FOOD)
    return table


def corner_plants(f: Furnisher, count: int) -> None:
    """Put plants into corners."""
    for _ in range(count):
        f.wall("potted plant", front_m=0.0, anchor="corner")


def kitchen(f: Furnisher) -> None:
    """A row of fridge, cabinets, sink and stove with wall cabinets over it; a table with chairs."""
    oven = "oven" if f.chance(0.25) else "stove"
    middle = ["kitchen cabinet", "kitchen sink", "kitchen cabinet", oven]
    order = [middle[i] for i in f.rng.permutation(len(middle))]
    row = f.row(["fridge", *order, "kitchen cabinet"], front_m=0.75)
    for placed in row:
        if placed.piece.category == "kitchen cabinet":
            if f.chance(0.6):
                f.above(placed, "kitchen cabinet")
            f.tops(placed, int(f.rng.integers(1, 3)), *KITCHEN_THINGS)
    group = f.chance(0.8) and dining_group(f)
    if not group and (island := f.open_floor(0.55, "kitchen island")) is not None:
        f.tops(island, int(f.rng.integers(2, 5)), *KITCHEN_THINGS, *FOOD)
        f.chairs_around(island, 2, "bar stool", "stool")
    base = f.wall("cabinet", "shelf", "washing machine", "chest freezer", "chest of drawers")
    f.tops(base, int(f.rng.integers(1, 4)), *KITCHEN_THINGS, *FOOD)
    if f.chance(0.5):
        f.wall("stool", "bar stool", "high chair", "stepladder", front_m=0.0, anchor="corner")
    corner_plants(f, int(f.rng.integers(0, 3)))


def bedroom(f: Furnisher) -> None:
    """Bed with nightstands and lamps, wardrobe, chest of drawers, maybe a desk."""
    kinds = ("bed",) * 6 + ("bunk bed", "loft bed")
    bed = f.wall(*kinds, front_m=0.45, anchor="middle")
    if bed is not None:
        for stand in f.pair_beside(bed, "nightstand"):
            f.top(stand, "table lamp")
            f.tops(stand, int(f.rng.integers(0, 2)), "book", "clock", "mug", "phone")
        if f.chance(0.6):
            f.rug(bed, bed.piece.size_m[1] * 0.35)
        if f.chance(0.5):
            f.top(bed, *BED_THINGS)
    f.wall("wardrobe", front_m=0.7, anchor="corner")
    chest = f.wall("chest of drawers", "dressing table", "cabinet", "trunk")
    f.tops(chest, int(f.rng.integers(2, 5)), *SHELF_THINGS)
    if f.chance(0.5):
        work_place(f)
    elif f.chance(0.6):
        f.wall("armchair", "lounge chair", "beanbag", front_m=0.3, anchor="corner")
    if f.chance(0.4):
        f.wall("bookcase", "shelf", "crib", "changing table", "clothes rack", front_m=0.5)
    f.wall("floor lamp", front_m=0.0, anchor="corner")
    corner_plants(f, int(f.rng.integers(0, 2)))


def work_place(f: Furnisher) -> Placed | None:
    """Desk with a chair, a computer and small things."""
    desk = f.wall("desk", front_m=0.0)
    if desk is None:
        return None
    turn = math.pi + float(f.rng.normal(0, 0.25))
    f.in_front(desk, float(f.rng.uniform(0.02, 0.12)), turn, "office chair", "chair")
    f.top(desk, "laptop", "computer", yaw_rad=desk.spot.yaw_rad)
    f.top(desk, "desk lamp", "table lamp")
    f.tops(desk, int(f.rng.integers(2, 6)), *DESK_THINGS)
    return desk


OFFICE_STORAGE = ("bookcase", "bookcase", "shelf", "shelf", "whiteboard", "water cooler", "safe")


def office(f: Furnisher) -> None:
    """One or two work places, shelves, a seat for visitors."""
    work_place(f)
    if f.chance(0.4):
        work_place(f)
    for _ in range(int(f.rng.integers(1, 3))):
        f.wall(*OFFICE_STORAGE)
    cabinet = f.wall("cabinet", "chest of drawers", "filing cabinet", "table", "workbench")
    f.tops(cabinet, int(f.rng.integers(2, 5)), "printer", "projector", *SHELF_THINGS)
    if f.chance(0.6):
        seat = f.wall("sofa", "armchair", "chair", front_m=0.4)
        if seat is not None and seat.piece.size_m[0] > 1.2:
            table = f.in_front(seat, 0.4, 0.0, "coffee table", "side table")
            f.tops(table, 2, *TABLE_THINGS)
    f.wall("floor lamp", front_m=0.0, anchor="corner")
    corner_plants(f, int(f.rng.integers(1, 3)))


def bathroom(f: Furnisher) -> None:
    """Bath or shower, toilet, washbasin with a mirror, and what stands around."""
    f.wall("bathtub", "shower", front_m=0.5, anchor="corner")
    basin = f.wall("washbasin", front_m=0.6)
    if basin is not None and basin.top_m < 1.2:
        f.above(basin, "mirror")
    f.wall("toilet", front_m=0.55)
    if f.chance(0.6):
        f.wall("washing machine", "bidet", front_m=0.5)
    cabinet = f.wall("cabinet", "chest of drawers", "shelf", front_m=0.4)
    f.tops(cabinet, 3, *BATH_THINGS)
    f.wall("stool", "laundry basket", "drying rack", front_m=0.0)
    corner_plants(f, int(f.rng.integers(0, 2)))


RECIPES: dict[str, Callable[[Furnisher], None]] = {
    "living room": living_room,
    "kitchen": kitchen,
    "bedroom": bedroom,
    "bathroom": bathroom,
    "office": office,
}


def finishing_touches(f: Furnisher) -> None:
    """Things on the floor, pictures on the walls, curtains, radiators, and the lamp."""
    small = f.kind == "bathroom"
    on_floor = (*FLOOR_THINGS[f.kind], *f.unlisted_floor_things())
    for category in f.some(on_floor, 1 if small else 2, 3 if small else 5):
        f.open_floor(0.0, category)
    for category in f.some(WALL_THINGS[f.kind], 2, 5):
        f.on_wall(category)
    f.dress_windows()
    f.ceiling("ceiling lamp")
