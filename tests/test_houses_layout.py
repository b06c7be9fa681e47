"""Plans of houses and the slabs they are built of."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from generation.houses import building, finishes
from generation.houses.house import Slab
from generation.houses.layout import DOOR_WIDTH_M, RoomPlan, plan_house
from generation.houses.rooms import OPPOSITE, ROOM_SIZES_M, SIDES, WALL_M, outer_sides, wall_span

KINDS = list(ROOM_SIZES_M)


def plans_of(count: int, seed: int) -> tuple[RoomPlan, ...]:
    rng = np.random.default_rng([count, seed])
    return plan_house(rng, [str(kind) for kind in rng.choice(KINDS, count)])


HOUSES = [(count, seed) for count in range(1, 7) for seed in range(8)]


@pytest.mark.parametrize(("count", "seed"), HOUSES)
def test_rooms_do_not_overlap(count: int, seed: int) -> None:
    rooms = [plan.room for plan in plans_of(count, seed)]
    assert len({room.room_id for room in rooms}) == count
    for a, b in combinations(rooms, 2):
        apart = 2 * WALL_M - 1e-6
        assert (
            a.x_max_m + apart <= b.x_min_m
            or b.x_max_m + apart <= a.x_min_m
            or a.y_max_m + apart <= b.y_min_m
            or b.y_max_m + apart <= a.y_min_m
        )


@pytest.mark.parametrize(("count", "seed"), HOUSES)
def test_doors_join_all_rooms_and_fit_on_both_sides(count: int, seed: int) -> None:
    plans = {plan.room.room_id: plan for plan in plans_of(count, seed)}
    reached = {next(iter(plans))}
    for _ in plans:
        for plan in plans.values():
            doors = [o for o in plan.openings if o.kind == "door" and o.leads_to]
            if plan.room.room_id in reached:
                reached |= {door.leads_to for door in doors}
            for door in doors:
                back = [
                    other
                    for other in plans[door.leads_to].openings
                    if other.leads_to == plan.room.room_id
                ]
                assert [(o.start_m, o.stop_m) for o in back] == [(door.start_m, door.stop_m)]
                assert back[0].side == OPPOSITE[door.side]
    assert reached == set(plans)
    assert any(o.kind == "door" and not o.leads_to for p in plans.values() for o in p.openings)


@pytest.mark.parametrize(("count", "seed"), HOUSES)
def test_openings_lie_in_their_walls_and_apart(count: int, seed: int) -> None:
    plans = plans_of(count, seed)
    rooms = [plan.room for plan in plans]
    for plan in plans:
        for side in SIDES:
            start, stop = wall_span(plan.room, side)
            spans = sorted((o.start_m, o.stop_m) for o in plan.openings if o.side == side)
            edges = [start, *(edge for span in spans for edge in span), stop]
            assert edges == sorted(edges)
        for opening in plan.openings:
            assert 0 <= opening.bottom_m < opening.top_m < plan.room.height_m
            if opening.kind == "window" or not opening.leads_to:
                assert opening.side in outer_sides(plan.room, rooms)


def holes_m2(plan: RoomPlan, side: str) -> float:
    return sum(
        (o.stop_m - o.start_m) * (o.top_m - o.bottom_m) for o in plan.openings if o.side == side
    )


@pytest.mark.parametrize(("count", "seed"), HOUSES[::5])
def test_walls_are_whole_but_for_the_openings(count: int, seed: int) -> None:
    plans = plans_of(count, seed)
    slabs = building.build(np.random.default_rng(0), plans, evening=False)
    assert len({slab.name for slab in slabs}) == len(slabs)
    for plan in plans:
        for side in SIDES:
            own = [
                s
                for s in slabs
                if s.role == "wall" and s.name.startswith(f"{plan.room.room_id}/{side}/")
            ]
            start, stop = wall_span(plan.room, side)
            length = stop - start + (2 * WALL_M if side in ("south", "north") else 0.0)
            area = sum(4 * s.half_size_m[0] * s.half_size_m[1] for s in own)
            expected = length * plan.room.height_m - holes_m2(plan, side)
            assert area == pytest.approx(expected, abs=1e-6)


def world_half_size_m(slab: Slab) -> NDArray[np.float64]:
    """Half extent along the world axes of a slab that is turned by right angles."""
    w, x, y, z = slab.quaternion
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    half: NDArray[np.float64] = np.abs(turn) @ np.array(slab.half_size_m)
    return half


@pytest.mark.parametrize(("count", "seed"), HOUSES[::5])
def test_nothing_stands_in_rooms_or_doorways(count: int, seed: int) -> None:
    plans = plans_of(count, seed)
    slabs = building.build(np.random.default_rng(0), plans, evening=True)
    solid = [slab for slab in slabs if slab.collides]
    for plan in plans:
        room = plan.room
        middle = [(room.x_min_m + room.x_max_m) / 2, (room.y_min_m + room.y_max_m) / 2, 1.0]
        points = [middle]
        for door in plan.openings:
            if door.kind == "door" and door.leads_to:
                across = {
                    "south": room.y_min_m, "north": room.y_max_m,
                    "west": room.x_min_m, "east": room.x_max_m,
                }[door.side]  # fmt: skip
                along_x = door.side in ("south", "north")
                for shift in (-0.4, 0.0, 0.4):
                    at = door.middle_m + shift * DOOR_WIDTH_M
                    points += [[at, across, 1.0] if along_x else [across, at, 1.0]]
        for slab in solid:
            away = np.abs(np.array(points) - slab.center_m)
            assert not (away < world_half_size_m(slab)).all(1).any(), slab.name


def test_every_finish_repeats_without_a_seam() -> None:
    for table, surfaces in finishes.TABLES.items():
        for name in surfaces:
            texture = finishes.finish(table, name).texture
            assert texture is not None
            pixels = texture.pixels.astype(float)
            for axis in (0, 1):
                steps = np.abs(np.diff(pixels, axis=axis)).mean(axis=(1 - axis, 2))
                ends = np.take(pixels, 0, axis) - np.take(pixels, -1, axis)
                assert np.abs(ends).mean() <= 1.5 * steps.max() + 1, (name, axis)


def test_finishes_are_many_and_always_the_same() -> None:
    assert len(finishes.FLOORS) + len(finishes.TABLES["wall"]) >= 30
    first = finishes.finish("floor", "oak planks")
    finishes.finish.cache_clear()
    second = finishes.finish("floor", "oak planks")
    assert first.texture is not None
    assert second.texture is not None
    np.testing.assert_array_equal(first.texture.pixels, second.texture.pixels)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_room_has_floors(kind: str) -> None:
    assert len(finishes.names_for(finishes.FLOORS, kind)) >= 4
    assert kind in ("kitchen", "bathroom") or "white tiles" not in finishes.names_for(
        finishes.FLOORS, kind
    )
