"""A house from an MJCF scene: its building, its objects as pieces, and light of our own."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import mujoco
import numpy as np

from generation.assets.colliders import fitted_boxes
from generation.assets.mesh import Floats, rotation_z
from generation.assets.piece import Box, Maker, MeshPart, Piece
from generation.assets.simplify import allowed_triangles, simplified
from generation.assets.visible import one_color, seen_colors
from generation.engines.mujoco.mjcf.building import BuildingGeom, area_m2, read_building
from generation.engines.mujoco.mjcf.files import SceneFile, SceneFolder
from generation.engines.mujoco.mjcf.geoms import GEOM, Geoms, corners_m
from generation.engines.mujoco.mjcf.names import Called, NameTable, read_metadata
from generation.houses import lighting
from generation.houses.house import Ambience, House, Light, PlacedPiece, Room, Vector
from generation.houses.naming import name_pieces
from generation.scene import EngineError, SceneKey

SOURCE = "MJCF scene"
UPRIGHT = 0.99
"""A body whose z axis is steeper than this keeps its heading; others are taken as they lie."""
MOST_MOVABLE_M = 1.2
"""Larger things with a free joint stay where they are, as heavy furniture does."""
ONE_BOX_M = 0.5
"""Things smaller than this get one box to collide with, which keeps them upright."""
MASS_KG = (0.02, 60.0)
LEAST_SIZE_M = 0.005


class MjcfHouses:
    """Makes houses from the scenes of a folder."""

    def __init__(self, folder: SceneFolder) -> None:
        self._folder = folder

    def house(self, key: SceneKey) -> House:
        """Return the scene of a key as a house.

        Raises:
            EngineError: There is no such scene, or it cannot be read.
        """
        scene = self._folder.scene(key)
        try:
            digest = scene.digest()
            model = mujoco.MjModel.from_xml_path(str(scene.path))
            return _Reader(scene, digest, model, self._folder.names).house()
        except EngineError as error:
            raise EngineError(f"scene {scene.name}: {error}") from error
        except ValueError as error:  # of MuJoCo's parser and compiler
            reason = str(error).replace("\n", " ")
            raise EngineError(f"scene {scene.name} cannot be read: {reason}") from error


class _Reader:
    """One scene on its way from a model to a house."""

    def __init__(
        self, scene: SceneFile, digest: str, model: mujoco.MjModel, names: NameTable
    ) -> None:
        self._scene, self._digest, self._model, self._names = scene, digest, model, names
        self._geoms = Geoms(model, f"mjcf/{digest}")
        self._metadata = read_metadata(scene.metadata_path())
        self._called = [self._what_is(body) for body in range(model.nbody)]
        self._owner = self._owners()

    def house(self) -> House:
        by_owner: dict[int, list[int]] = defaultdict(list)
        for geom in range(self._model.ngeom):
            by_owner[self._owner[int(self._model.geom_bodyid[geom])]].append(geom)
        building = read_building(
            self._geoms,
            [
                BuildingGeom(geom, *self._building_name(geom))
                for owner, geoms in by_owner.items()
                if self._called[owner].is_building
                for geom in geoms
            ],
        )
        down = np.array([0.0, 0.0, building.floor_m])
        placed = [
            item
            for owner, geoms in by_owner.items()
            if not self._called[owner].is_building
            and (item := self._object(owner, geoms, down)) is not None
        ]
        if not placed:
            raise EngineError("there are no objects in it")
        names = name_pieces([item.piece for item in placed])
        pieces = tuple(replace(p, name=name) for p, name in zip(placed, names, strict=True))
        return House(
            rooms=building.rooms,
            slabs=building.slabs,
            pieces=pieces,
            lights=_lights(building.rooms),
            ambience=_AMBIENCE,
            facts=self._facts(building.rooms, pieces),
            scenery=self._scenery(building.drawn, down),
        )

    def _body_name(self, body: int) -> str:
        return self._model.body(body).name or f"body-{body}"

    def _what_is(self, body: int) -> Called:
        name = "worldbody" if body == 0 else self._body_name(body)
        return self._names.called(name, self._metadata.get(name, {}))

    def _owners(self) -> list[int]:
        """Return for every body the one that it is part of.

        Children of the world are objects or building, and so is what the metadata lists.
        """
        owner = [0]
        for body in range(1, self._model.nbody):
            parent = int(self._model.body_parentid[body])
            stands_alone = parent == 0 or self._body_name(body) in self._metadata
            owner.append(body if stands_alone else owner[parent])
        return owner

    def _building_name(self, geom: int) -> tuple[str, str]:
        """Return a name and words: the geom's own where they name a part of a building."""
        body = int(self._model.geom_bodyid[geom])
        name = self._model.geom(geom).name or f"{self._body_name(body)}-{geom}"
        called = self._names.called(name, {})
        if called.is_building or self._owner[body] == 0:
            return name, called.category
        return self._body_name(body), self._called[self._owner[body]].category

    def _object(self, owner: int, geoms: Sequence[int], down: Floats) -> PlacedPiece | None:
        """Return an object as a piece, or None if nothing of it is seen."""
        seen = [part for geom in geoms if self._geoms.is_seen(geom) for part in [self._part(geom)]]
        parts = [part for part in seen if part is not None]
        if not parts:
            return None
        yaw_rad = self._heading_rad(owner)
        turn = rotation_z(-yaw_rad)
        points_m = (corners_m(parts) - down) @ turn.T
        low, high = points_m.min(axis=0), points_m.max(axis=0)
        origin = np.array([*(low + high)[:2] / 2, low[2]])
        if (high - low).max() < LEAST_SIZE_M:
            return None
        size_m = _vector(np.maximum(high - low, 1e-3))
        own = tuple(_moved(part, turn, turn @ down + origin) for part in parts)
        own = simplified(own, allowed_triangles(size_m))
        name, called = self._body_name(owner), self._called[owner]
        piece = Piece(
            piece_id=f"mjcf/{self._digest}/{name}",
            category=called.category,
            size_m=size_m,
            load_parts=lambda: own,
            colliders=self._colliders(geoms, own, size_m, turn, turn @ down + origin),
            maker=Maker(self._names.creator, self._names.licence, SOURCE),
            color_word=one_color(seen_colors(own, size_m)),
            plural=called.plural,
            movable=self._is_free(owner) and max(size_m) <= MOST_MOVABLE_M,
            mass_kg=float(np.clip(self._model.body_subtreemass[owner], *MASS_KG)),
            askable=called.askable,
            triangles=sum(len(part.faces) for part in own),
        )
        return PlacedPiece(name, called.category, piece, _vector(turn.T @ origin), yaw_rad)

    def _part(self, geom: int) -> MeshPart | None:
        return self._geoms.part(geom)

    def _heading_rad(self, body: int) -> float:
        rotation = self._geoms.data.xmat[body].reshape(3, 3)
        upright = rotation[2, 2] > UPRIGHT
        return math.atan2(rotation[1, 0], rotation[0, 0]) if upright else 0.0

    def _is_free(self, body: int) -> bool:
        joint = int(self._model.body_jntadr[body])
        return joint >= 0 and self._model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_FREE

    def _colliders(
        self,
        geoms: Sequence[int],
        own: Sequence[MeshPart],
        size_m: Vector,
        turn: Floats,
        origin: Floats,
    ) -> tuple[Box, ...]:
        """Return boxes in the piece's frame for the geoms that collide."""
        whole = Box((0.0, 0.0, size_m[2] / 2), _vector(np.array(size_m) / 2))
        solid = [geom for geom in geoms if self._geoms.collides(geom)]
        if not solid:
            return ()
        if max(size_m) <= ONE_BOX_M:
            return (whole,)
        kinds = self._model.geom_type[solid]
        if len(solid) == 1 and kinds[0] == GEOM.mjGEOM_MESH:
            # One mesh for all of it: its hull would fill the room under a table.
            return fitted_boxes(own, size_m)
        boxes = []
        for geom in solid:
            part = self._part(geom)
            if part is not None:
                points_m = corners_m([_moved(part, turn, origin)])
                low, high = points_m.min(axis=0), points_m.max(axis=0)
                boxes.append(Box(_vector((low + high) / 2), _vector((high - low) / 2)))
        return tuple(boxes)

    def _scenery(self, drawn: Sequence[int], down: Floats) -> tuple[PlacedPiece, ...]:
        """Return the building's meshes as one piece that fills the scene."""
        found = [part for geom in drawn if (part := self._part(geom)) is not None]
        if not found:
            return ()
        parts = tuple(_moved(part, np.eye(3), down) for part in found)
        piece = Piece(
            piece_id=f"mjcf/{self._digest}/building",
            category="building",
            size_m=_vector(np.ptp(corners_m(parts), axis=0)),
            load_parts=lambda: parts,
            colliders=(),
            maker=Maker(self._names.creator, self._names.licence, SOURCE),
            askable=False,
        )
        return (PlacedPiece("building of the scene", "building", piece, (0.0, 0.0, 0.0), 0.0),)

    def _facts(self, rooms: Sequence[Room], pieces: Sequence[PlacedPiece]) -> dict[str, Any]:
        return {
            "scene_file": {"name": self._scene.name, "hash": self._digest},
            "rooms": [_room_facts(room) for room in rooms],
            "pieces": sorted(item.piece.piece_id for item in pieces),
            "sources": {SOURCE: len(pieces)},
            "objects": len(pieces),
            "triangles": sum(item.piece.triangles for item in pieces),
            "light": "day",
        }


_AMBIENCE = Ambience(lighting.DAY_AMBIENCE, *lighting.DAY_RADIANCE)


def _lights(rooms: Sequence[Room]) -> tuple[Light, ...]:
    """Return a lamp in the middle of every room; the scene's own lights have no units."""
    return tuple(
        Light(
            "lamp",
            (
                (room.x_min_m + room.x_max_m) / 2,
                (room.y_min_m + room.y_max_m) / 2,
                room.height_m - lighting.LAMP_BELOW_CEILING_M,
            ),
            (0.0, 0.0, -1.0),
            lighting.DAY_LAMP_CD * min(max(area_m2(room) / 20, 0.6), 1.3),
            lighting.LAMPLIGHT,
            len(rooms) == 1,
        )
        for room in rooms
        if area_m2(room) >= 1.0
    )


def _room_facts(room: Room) -> Mapping[str, Any]:
    size_m = (room.x_max_m - room.x_min_m, room.y_max_m - room.y_min_m, room.height_m)
    return {"kind": room.kind, "size_m": [round(value, 2) for value in size_m]}


def _moved(part: MeshPart, turn: Floats, origin: Floats) -> MeshPart:
    """Return a part turned, then shifted so that origin comes to zero."""
    return replace(
        part,
        vertices_m=(part.vertices_m @ turn.T - origin).astype(np.float32),
        normals=(part.normals @ turn.T).astype(np.float32),
    )


def _vector(values: Floats) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
