"""Furnished houses over many seeds: nothing overlaps, floats or blocks the way."""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from itertools import combinations

import numpy as np
import pytest

from generation.assets import all_pieces, procedural
from generation.assets.piece import Piece
from generation.houses import HOUSE_SOURCES, open_house_source
from generation.houses.house import House, PlacedPiece, Room
from generation.houses.planar import Rect
from generation.houses.procedural import MIN_PIECES, ProceduralHouses
from generation.houses.recipes import RECIPES
from generation.houses.space import SPAWN_M
from generation.houses.stock import allowed_in, split_of
from generation.houses.tops import LEVEL_M
from generation.scene import EngineError, SceneKey

SEEDS = range(10)


@lru_cache
def house(split: str, index: int, catalogue: bool) -> House:
    pieces = all_pieces() if catalogue else procedural.pieces()
    return ProceduralHouses(pieces).house(SceneKey(split, index, seed=5))


@pytest.fixture(params=[False, True], ids=["procedural", "all"])
def catalogue(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def boxes_of(placed: PlacedPiece) -> list[tuple[Rect, float, float]]:
    """The piece's colliders in the world: rectangle, bottom and top."""
    x, y, z = placed.position_m
    whole = Rect(x, y, 0, 0, placed.yaw_rad)
    return [
        (
            Rect(*whole.to_world(*box.center_m[:2]), *box.half_size_m[:2], placed.yaw_rad),
            z + box.center_m[2] - box.half_size_m[2],
            z + box.center_m[2] + box.half_size_m[2],
        )
        for box in placed.piece.colliders
    ]


def room_of(placed: PlacedPiece, rooms: tuple[Room, ...]) -> Room | None:
    x, y, _ = placed.position_m
    return next(
        (r for r in rooms if r.x_min_m <= x <= r.x_max_m and r.y_min_m <= y <= r.y_max_m), None
    )


@pytest.mark.parametrize("index", SEEDS)
def test_pieces_do_not_overlap(index: int, catalogue: bool) -> None:
    for first, second in combinations(house("train", index, catalogue).pieces, 2):
        for a, a_low, a_high in boxes_of(first):
            for b, b_low, b_high in boxes_of(second):
                if a_low < b_high - 0.003 and b_low < a_high - 0.003:
                    assert not a.overlaps(b, -0.003), (first.object_id, second.object_id)


@pytest.mark.parametrize("index", SEEDS)
def test_pieces_lie_in_a_room(index: int, catalogue: bool) -> None:
    made = house("train", index, catalogue)
    for placed in made.pieces:
        room = room_of(placed, made.rooms)
        assert room is not None, placed.object_id
        x, y, z = placed.position_m
        width, depth, height = placed.piece.size_m
        rect = Rect(x, y, width / 2, depth / 2, placed.yaw_rad)
        assert rect.inside(room.x_min_m, room.y_min_m, room.x_max_m, room.y_max_m)
        assert z >= 0
        assert z + height <= room.height_m + 1e-6


@pytest.mark.parametrize("index", SEEDS)
def test_every_piece_is_carried(index: int, catalogue: bool) -> None:
    """It stands on the floor, hangs on a wall or ceiling, or stands whole on a collider."""
    made = house("train", index, catalogue)
    for placed in made.pieces:
        x, y, z = placed.position_m
        room = room_of(placed, made.rooms)
        assert room is not None
        hangs = placed.piece.mount_height_m is not None
        at_ceiling = z + placed.piece.size_m[2] > room.height_m - 0.01
        if z <= SPAWN_M or hangs or at_ceiling:
            continue
        width, depth, _ = placed.piece.size_m
        corners = Rect(x, y, width / 2, depth / 2, placed.yaw_rad).corners()
        carried = any(
            abs(top - z) <= LEVEL_M + SPAWN_M and rect.grown(1e-6).covers(corners).all()
            for base in made.pieces
            if base is not placed
            for rect, _, top in boxes_of(base)
        )
        assert carried, placed.object_id


@pytest.mark.parametrize("index", SEEDS)
def test_doors_stay_free(index: int, catalogue: bool) -> None:
    made = house("train", index, catalogue)
    leaves = [slab for slab in made.slabs if slab.name.endswith("/leaf")]
    assert len(leaves) == 1
    x, y, _ = leaves[0].center_m
    for placed in made.pieces:
        for rect, low, _ in boxes_of(placed):
            if low < 1.8:
                assert not rect.covers(np.array([(x, y)])).any()
                nearest = np.abs(rect.corners() - (x, y)).max(1).min()
                assert nearest > 0.3, placed.object_id


def test_rooms_are_furnished(catalogue: bool) -> None:
    kinds: Counter[str] = Counter()
    for index in SEEDS:
        made = house("train", index, catalogue)
        for room in made.rooms:
            inside = [p for p in made.pieces if room_of(p, made.rooms) is room]
            assert MIN_PIECES <= len(inside) <= 40, (index, room.room_id)
            kinds[room.kind] += 1
    assert set(kinds) == set(RECIPES)


@pytest.mark.parametrize("index", SEEDS)
def test_tall_pieces_do_not_hide_windows_and_face_the_room(index: int, catalogue: bool) -> None:
    made = house("train", index, catalogue)
    for placed in made.pieces:
        room = room_of(placed, made.rooms)
        assert room is not None
        if placed.piece.category in ("wardrobe", "fridge", "bookcase"):
            front = (
                placed.position_m[0] + math.sin(placed.yaw_rad),
                placed.position_m[1] - math.cos(placed.yaw_rad),
            )
            assert room.x_min_m < front[0] < room.x_max_m
            assert room.y_min_m < front[1] < room.y_max_m


def test_same_key_same_house_and_other_key_other_house(catalogue: bool) -> None:
    pieces = all_pieces() if catalogue else procedural.pieces()
    key = SceneKey("val", 3, seed=11)
    first, second = (ProceduralHouses(pieces).house(key) for _ in range(2))
    assert first.pieces == second.pieces
    assert first.rooms == second.rooms
    assert first.lights == second.lights
    assert first.facts == second.facts
    assert [s.name for s in first.slabs] == [s.name for s in second.slabs]
    other = ProceduralHouses(pieces).house(SceneKey("val", 4, seed=11))
    assert other.pieces != first.pieces


def ids(split: str, catalogue: bool) -> set[str]:
    return {p.piece.piece_id for i in SEEDS for p in house(split, i, catalogue).pieces}


def test_held_out_pieces_stay_in_their_split(catalogue: bool) -> None:
    for split in ("train", "val", "test"):
        found = {split_of(piece_id) for piece_id in ids(split, catalogue)}
        assert found == ({""} if split == "train" else {"", split})


def test_held_out_shares() -> None:
    pieces = all_pieces()
    shares = Counter(split_of(piece.piece_id) for piece in pieces)
    assert 0.10 < shares["test"] / len(pieces) < 0.20
    assert 0.06 < shares["val"] / len(pieces) < 0.14
    train = {piece.piece_id for piece in allowed_in("train", pieces)}
    test = {piece.piece_id for piece in allowed_in("test", pieces)}
    assert test - train
    assert not {p for p in test - train if split_of(p) != "test"}


def test_lights_and_ambience(catalogue: bool) -> None:
    seen = Counter(house("train", index, catalogue).facts["light"] for index in SEEDS)
    assert set(seen) == {"day", "evening"}
    for index in SEEDS:
        made = house("train", index, catalogue)
        assert sum(light.kind == "lamp" for light in made.lights) == len(made.rooms)
        suns = [light for light in made.lights if light.kind == "sun"]
        assert len(suns) == (made.facts["light"] == "day")
        assert all(light.direction[2] < 0 for light in suns)
        rgbs = (made.ambience.wall_rgb, made.ambience.floor_rgb)
        assert all(0.2 < value < 2 for rgb in rgbs for value in rgb)


def broken(piece: Piece) -> Piece:
    from dataclasses import replace

    def fail() -> tuple[()]:
        raise ValueError(f"broken furniture file files/{piece.piece_id}.obj")

    # Of a file: what code makes is not looked at beforehand.
    return replace(piece, piece_id=f"files/{piece.piece_id}", load_parts=fail)


def test_broken_pieces_are_skipped_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    pieces = [broken(piece) if piece.category == "sofa" else piece for piece in procedural.pieces()]
    skipped: dict[str, str] = {}
    for index in range(8):
        made = ProceduralHouses(pieces).house(SceneKey("train", index, seed=1))
        assert not any(p.piece.category == "sofa" for p in made.pieces)
        skipped |= made.facts["skipped_pieces"]
    assert skipped
    assert all(text.endswith(f"{piece_id}.obj") for piece_id, text in skipped.items())
    assert any("broken furniture file" in record.getMessage() for record in caplog.records)


def test_sources_by_name() -> None:
    for name in HOUSE_SOURCES:
        assert open_house_source(name).house(SceneKey("train", 0, 0)).pieces
    assert len(open_house_source("single-room").house(SceneKey("train", 0, 0)).rooms) == 1
    with pytest.raises(EngineError, match=r"known: procedural"):
        open_house_source("castle")
