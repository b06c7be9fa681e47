"""The objects of a loaded scene, read from the player's metadata."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from generation.engines.thor.catalog import STRUCTURE, is_askable, name_of, plural_of
from generation.engines.thor.frames import point_from_unity, quaternion_from_unity, size_from_unity
from generation.scene import BACKGROUND, SceneObject

Floats = NDArray[np.float64]
Metadata = Mapping[str, Any]

PART_MARK = "___"
"""In the id of an object that the player made of a part of a house's object."""
MAX_MOVABLE_SIZE_M = 1.2
"""AI2-THOR lets sofas be moved as well; a question about a moved object wants a handy one."""


class Placement(NamedTuple):
    """Where an object is: the position of its pivot and its orientation (w, x, y, z)."""

    x_m: float
    y_m: float
    z_m: float
    w: float
    i: float
    j: float
    k: float

    @property
    def position_m(self) -> Floats:
        """Shape (3,)."""
        return np.array(self[:3])

    @property
    def rotation(self) -> Rotation:
        """From the object's frame to the world."""
        return Rotation.from_quat(self[3:], scalar_first=True)

    def is_near(self, other: Placement, distance_m: float, angle_rad: float) -> bool:
        """Say whether two placements differ by less than a distance and an angle."""
        turned_rad = (self.rotation.inv() * other.rotation).magnitude()
        apart_m = np.linalg.norm(self.position_m - other.position_m)
        return bool(apart_m < distance_m and turned_rad < angle_rad)


class Bounds(NamedTuple):
    """A world-aligned bounding box: centre and extent, each of shape (3,)."""

    center_m: Floats
    size_m: Floats

    @property
    def bottom_m(self) -> Floats:
        """Centre of the bottom face, shape (3,)."""
        return self.center_m - (0.0, 0.0, self.size_m[2] / 2)

    def contains(self, points_m: Floats, margin_m: float) -> NDArray[np.bool_]:
        """Say which points, shape (N, 3), are inside."""
        inside: NDArray[np.bool_] = np.all(
            np.abs(points_m - self.center_m) <= self.size_m / 2 + margin_m, axis=1
        )
        return inside


@dataclass(frozen=True)
class Entry:
    """What never changes of an object, and where it was when the scene was loaded."""

    object_id: str
    object_type: str
    asset_id: str
    """Empty for the objects of the build's own scenes."""
    segmentation_id: int
    can_move: bool
    """Whether the player can move it at all."""
    movable: bool
    """Whether the scene's state covers it: handy, and nothing stands on it."""
    home: Placement
    bounds: Bounds

    def object_at(self, placement: Placement, bounds: Bounds, surface_m: Floats) -> SceneObject:
        """Return the object elsewhere.

        Args:
            placement: Where it is.
            bounds: Its bounding box there.
            surface_m: Samples of its surface at home, shape (K, 3).
        """
        if placement != self.home:
            turn = placement.rotation * self.home.rotation.inv()
            surface_m = turn.apply(surface_m - self.home.position_m) + placement.position_m
        name = name_of(self.object_type)
        return SceneObject(
            object_id=self.object_id,
            name=name,
            category=name,
            center_m=bounds.center_m,
            size_m=bounds.size_m,
            surface_points_m=surface_m,
            segmentation_id=self.segmentation_id,
            movable=self.movable,
            askable=is_askable(self.object_type),
            plural=plural_of(name),
        )


def placement_of(record: Metadata) -> Placement:
    """Return where the metadata of an object says it is."""
    return Placement(
        *point_from_unity(record["position"]).tolist(),
        *quaternion_from_unity(record["rotation"]).tolist(),
    )


def bounds_of(record: Metadata) -> Bounds:
    """Return the world-aligned bounding box in the metadata of an object."""
    box = record["axisAlignedBoundingBox"]
    return Bounds(point_from_unity(box["center"]), size_from_unity(box["size"]))


def can_move(record: Metadata) -> bool:
    """Say whether the player can move an object at all."""
    return bool(record["pickupable"] or record["moveable"])


def carries_something(record: Metadata) -> bool:
    """Say whether something stands on or in an object."""
    return bool(record.get("receptacleObjectIds"))


class Table:
    """The objects of a scene, and to which of them a coloured pixel belongs."""

    def __init__(self, records: Iterable[Metadata], has_assets: bool) -> None:
        """Read the metadata of all objects.

        Args:
            records: metadata["objects"] of the loaded scene.
            has_assets: Whether the scene was built from assets (a house), so that whatever has
                none is floor, wall or a part; the scenes of the build name no assets.
        """
        everything = sorted(records, key=lambda record: str(record["objectId"]))
        whole = [r for r in everything if _is_object(r, has_assets)]
        self.entries: dict[str, Entry] = {
            str(record["objectId"]): _entry(record, number)
            for number, record in enumerate(whole, BACKGROUND + 1)
        }
        self._segmentation_ids = {e.object_id: e.segmentation_id for e in self.entries.values()}
        for record in everything:
            part_id = str(record["objectId"])
            owner = None if part_id in self.entries else self._owner_of(part_id)
            if owner is not None:
                self._segmentation_ids[part_id] = self.entries[owner].segmentation_id

    def _owner_of(self, part_id: str) -> str | None:
        """Return the object that a drawer or basin is a part of: its id begins the part's."""
        for separator in (PART_MARK, "|"):
            owner = part_id.rpartition(separator)[0]
            if owner in self.entries:
                return owner
        return None

    def segmentation(
        self, colors: NDArray[np.uint8], names: Mapping[tuple[int, ...], str]
    ) -> NDArray[np.int32]:
        """Return the segmentation of a picture.

        Args:
            colors: The instance picture, shape (height, width, 3).
            names: What each colour stands for.
        """
        codes = colors.astype(np.uint32) @ np.array([1, 1 << 8, 1 << 16], np.uint32)
        seen, places = np.unique(codes, return_inverse=True)
        values = [
            self._segmentation_ids.get(
                names.get((code & 255, code >> 8 & 255, code >> 16), ""), BACKGROUND
            )
            for code in seen.tolist()
        ]
        return np.array(values, np.int32)[places].reshape(codes.shape)


def _is_object(record: Metadata, has_assets: bool) -> bool:
    if record["objectType"] in STRUCTURE or not np.all(bounds_of(record).size_m > 0):
        return False
    if PART_MARK in record["objectId"]:
        return False
    return bool(record.get("assetId")) if has_assets else True


def _entry(record: Metadata, number: int) -> Entry:
    bounds = bounds_of(record)
    movable = can_move(record)
    handy = bool(bounds.size_m.max() <= MAX_MOVABLE_SIZE_M)
    return Entry(
        object_id=str(record["objectId"]),
        object_type=str(record["objectType"]),
        asset_id=str(record.get("assetId") or ""),
        segmentation_id=number,
        can_move=movable,
        movable=movable and handy and not carries_something(record),
        home=placement_of(record),
        bounds=bounds,
    )
