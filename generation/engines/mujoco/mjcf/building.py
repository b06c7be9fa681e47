"""The building of an MJCF scene: level floors, what one bumps into, what is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from generation.assets.colliders import largest_rectangle, sample_triangles
from generation.assets.piece import Finish
from generation.engines.mujoco.mjcf.geoms import Geoms, corners_m
from generation.houses.house import Room, Slab, Vector
from generation.scene import EngineError

Rectangle = tuple[float, float, float, float]
"""x min, y min, x max, y max in metres."""

FLOOR_WORDS = frozenset({"floor", "ground", "room"})
CEILING_WORDS = frozenset({"ceiling", "roof"})
LEVEL_M = 0.03
"""Floors whose heights differ by more are on different storeys."""
CELL_M = 0.05
LEAST_AREA_M2 = 0.2
MOST_RECTANGLES = 12
COVERED = 0.97
THICK_M = 0.05
AROUND_M = 0.3
"""How far a floor without edges goes on beyond what stands on it."""
USUAL_HEIGHT_M = 2.6
LEAST_HEIGHT_M = 2.0
CEILING_FINISH = Finish((0.93, 0.93, 0.92), roughness=0.9)


@dataclass(frozen=True)
class Building:
    """What holds a scene together."""

    rooms: tuple[Room, ...]
    """Rectangles of floor."""
    slabs: tuple[Slab, ...]
    drawn: tuple[int, ...]
    """Geoms that are scenery."""
    floor_m: float
    """Height of the floor in the scene's own frame."""


@dataclass(frozen=True)
class BuildingGeom:
    """A geom of the building."""

    geom: int
    name: str
    """Of its body, or its own where it belongs to the world."""
    words: str

    def is_one_of(self, kinds: frozenset[str]) -> bool:
        """Say whether its words name one of these kinds."""
        return bool(kinds & set(self.words.split()))


def read_building(geoms: Geoms, parts: Sequence[BuildingGeom]) -> Building:
    """Find floors, walls and ceilings.

    Raises:
        EngineError: There is no floor, or floors lie at different heights.
    """
    floors = [part for part in parts if part.is_one_of(FLOOR_WORDS) or geoms.is_plane(part.geom)]
    floor_geoms = {part.geom for part in floors}
    ceilings = {part.geom for part in parts if part.is_one_of(CEILING_WORDS)}
    others = [part for part in parts if part.geom not in floor_geoms]
    floor_m = _floor_height_m(geoms, floors)
    walls = [part for part in others if part.geom not in ceilings]
    solid = [part for part in walls if geoms.collides(part.geom)] or walls
    slabs = [_box_slab(geoms, part, floor_m) for part in solid]
    height_m = _height_m(slabs)
    rooms = _rooms(geoms, floors, slabs, height_m)
    bare = not any(_footprint(geoms, part.geom) for part in floors if geoms.is_seen(part.geom))
    finish = next((geoms.finish(part.geom) for part in floors), Finish())
    slabs += [_floor_slab(room, finish, drawn=bare) for room in rooms]
    if not any(geoms.is_seen(geom) for geom in ceilings):
        slabs += [_ceiling_slab(room) for room in rooms]
    drawn = [p.geom for p in parts if geoms.is_seen(p.geom) and not geoms.is_plane(p.geom)]
    planes = [p for p in floors if geoms.is_plane(p.geom) and _footprint(geoms, p.geom)]
    slabs += [_plane_slab(geoms, part.geom, floor_m) for part in planes if not bare]
    return Building(rooms, tuple(slabs), tuple(drawn), floor_m)


def _floor_height_m(geoms: Geoms, floors: Sequence[BuildingGeom]) -> float:
    """Return the height of the floors' tops.

    Raises:
        EngineError: There is none, or there are several heights.
    """
    if not floors:
        raise EngineError("the scene has no floor (a body or geom called floor, or a plane)")
    bounded = [part for part in floors if _footprint(geoms, part.geom)]
    tops_m = [_top_m(geoms, part.geom) for part in bounded or floors]
    if max(tops_m) - min(tops_m) > LEVEL_M:
        raise EngineError(
            f"floors lie between {min(tops_m):.2f} and {max(tops_m):.2f} m; one level is supported"
        )
    return float(np.median(tops_m))


def _top_m(geoms: Geoms, geom: int) -> float:
    if geoms.is_plane(geom):
        return float(geoms.pose(geom)[0][2])
    part = geoms.part(geom)
    return float(corners_m([part])[:, 2].max()) if part is not None else 0.0


def _footprint(geoms: Geoms, geom: int) -> tuple[Rectangle, ...]:
    """Return the rectangles that a floor covers; none for one without edges."""
    if geoms.is_plane(geom):
        half = geoms.model.geom_size[geom][:2]
        if not half.all():
            return ()
        position, rotation = geoms.pose(geom)
        reach = np.abs(rotation[:2, :2]) @ half
        return (_rectangle(position[:2] - reach, position[:2] + reach),)
    part = geoms.part(geom)
    if part is None:
        return ()
    points, _ = sample_triangles(part.vertices_m[part.faces].astype(float), 0.7 * CELL_M)
    return _rectangles(points[:, :2])


def _rectangle(low: NDArray[np.float64], high: NDArray[np.float64]) -> Rectangle:
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _rectangles(points_m: NDArray[np.float64]) -> tuple[Rectangle, ...]:
    """Cut an outline, given by points all over it, into rectangles, the largest first."""
    low, high = points_m.min(axis=0), points_m.max(axis=0)
    shape = np.maximum(np.ceil((high - low) / CELL_M - 1e-6).astype(int), 1)
    cell = (high - low) / shape
    mask = np.zeros(tuple(shape), bool)
    index = np.minimum(((points_m - low) / np.maximum(cell, 1e-9)).astype(int), shape - 1)
    mask[tuple(index.T)] = True
    enough = (1 - COVERED) * mask.sum()
    found: list[Rectangle] = []
    while mask.sum() > enough and len(found) < MOST_RECTANGLES:
        x0, x1, y0, y1 = largest_rectangle(mask)
        mask[x0:x1, y0:y1] = False
        if (x1 - x0) * (y1 - y0) * cell.prod() >= LEAST_AREA_M2:
            found.append(_rectangle(low + (x0, y0) * cell, low + (x1, y1) * cell))
    return tuple(found)


def _rooms(
    geoms: Geoms, floors: Sequence[BuildingGeom], walls: Sequence[Slab], height_m: float
) -> tuple[Room, ...]:
    """Return a room per rectangle of floor."""
    rooms = [
        Room(f"{part.name}/{number}" if number else part.name, "room", *rectangle, height_m)
        for part in floors
        for number, rectangle in enumerate(_footprint(geoms, part.geom))
    ]
    return tuple(rooms) or (Room("floor", "room", *_around(geoms, walls), height_m),)


def _around(geoms: Geoms, walls: Sequence[Slab]) -> Rectangle:
    """Return the rectangle around the walls, or around everything where there are none."""
    if walls:
        corners = np.array([wall.center_m[:2] for wall in walls])
        return _rectangle(corners.min(axis=0), corners.max(axis=0))
    bounded = [geom for geom in range(geoms.model.ngeom) if not geoms.is_plane(geom)]
    if not bounded:
        raise EngineError("the scene has neither walls nor objects")
    places = geoms.data.geom_xpos[bounded][:, :2]
    reach = geoms.model.geom_rbound[bounded][:, None] + AROUND_M
    return _rectangle((places - reach).min(axis=0), (places + reach).max(axis=0))


def _height_m(walls: Sequence[Slab]) -> float:
    tops_m = [
        wall.center_m[2] + _upright_reach_m(wall.quaternion, wall.half_size_m) for wall in walls
    ]
    highest = max(tops_m, default=USUAL_HEIGHT_M)
    return highest if highest >= LEAST_HEIGHT_M else USUAL_HEIGHT_M


def _upright_reach_m(quaternion: Sequence[float], half_m: Sequence[float]) -> float:
    matrix = np.empty(9)
    mujoco.mju_quat2Mat(matrix, np.array(quaternion))
    return float(np.abs(matrix[6:]) @ np.array(half_m))


def _box_slab(geoms: Geoms, part: BuildingGeom, floor_m: float) -> Slab:
    """Return the box around a geom, along the geom's own axes."""
    position, rotation = geoms.pose(part.geom)
    center, half = geoms.bounds_m(part.geom)
    quaternion = np.empty(4)
    mujoco.mju_mat2Quat(quaternion, rotation.ravel())
    w, x, y, z = (float(value) for value in quaternion)
    return Slab(
        f"{part.name}#{part.geom}",
        "wall",
        _vector(position + rotation @ center - (0, 0, floor_m)),
        _vector(np.maximum(half, 1e-3)),
        Finish(),
        (w, x, y, z),
        drawn=False,
    )


def _floor_slab(room: Room, finish: Finish, *, drawn: bool) -> Slab:
    center, half = _middle(room)
    return Slab(
        f"{room.room_id}/floor",
        "floor",
        (*center, -THICK_M),
        (*half, THICK_M),
        _tiled(finish),
        drawn=drawn,
    )


def _plane_slab(geoms: Geoms, geom: int, floor_m: float) -> Slab:
    """Return a plane with edges as a thin slab that is drawn."""
    position, _ = geoms.pose(geom)
    x0, y0, x1, y1 = _footprint(geoms, geom)[0]
    half = ((x1 - x0) / 2, (y1 - y0) / 2, THICK_M)
    center = (float(position[0]), float(position[1]), float(position[2]) - floor_m - THICK_M)
    return Slab(f"plane#{geom}", "floor", center, half, _tiled(geoms.finish(geom)), collides=False)


def _ceiling_slab(room: Room) -> Slab:
    center, half = _middle(room)
    return Slab(
        f"{room.room_id}/ceiling",
        "ceiling",
        (*center, room.height_m + THICK_M),
        (*half, THICK_M),
        CEILING_FINISH,
        collides=False,
    )


def _tiled(finish: Finish) -> Finish:
    """Return a finish whose picture repeats every metre."""
    return Finish(
        finish.rgb,
        finish.texture,
        1.0 if finish.texture is not None else None,
        finish.roughness,
        finish.metallic,
        finish.alpha,
        finish.emission,
    )


def _middle(room: Room) -> tuple[tuple[float, float], tuple[float, float]]:
    center = ((room.x_min_m + room.x_max_m) / 2, (room.y_min_m + room.y_max_m) / 2)
    return center, ((room.x_max_m - room.x_min_m) / 2, (room.y_max_m - room.y_min_m) / 2)


def _vector(values: NDArray[np.float64]) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z


def area_m2(room: Room) -> float:
    """Return the floor area of a room."""
    return math.prod(2 * value for value in _middle(room)[1])
