"""A house as boxes under gravity: where movable things come to rest and what is in the way.

Meshes play no part here, so that contacts stay cheap and exact; look.py has the meshes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from generation.houses.house import House, PlacedPiece

Floats = NDArray[np.float64]
BodyPose = tuple[float, ...]
"""Position (3, metres) and orientation (w, x, y, z) of a piece's frame in the world."""

TIMESTEP_S = 0.004
CHECK_EVERY_STEPS = 25
LEAST_STEPS = 75
REST_SPEED = 0.02
"""Metres or radians per second below which a thing counts as at rest."""
LONGEST_SETTLE_S = 3.0
OVERLAP_M = 0.002
"""Boxes that reach into each other by more than this collide; less is resting contact."""
LEAST_HALF_SIZE_M = 0.002
STILL_SHIFT_M = 0.005
STILL_TURN_RAD = 0.05
"""A thing that shifted or turned by less than these was not disturbed."""
UPRIGHT_COSINE = 0.98
NEAR_M = 0.06
"""A thing that came to rest further from where it was put, across or up and down, went away."""
LIFT_M = 0.004
"""Things are put down from this height, so that they do not start inside what carries them."""
POSE_DIGITS = 6
FARTHEST_M = 100.0
"""Things farther away than this count as nothing."""


def pose_at(position_m: Sequence[float], yaw_rad: float) -> BodyPose:
    """Return the pose of something upright."""
    return (*position_m, math.cos(yaw_rad / 2), 0.0, 0.0, math.sin(yaw_rad / 2))


def rotation_of(pose: BodyPose) -> Floats:
    """Return the rotation matrix of a pose, shape (3, 3)."""
    matrix = np.empty(9)
    mujoco.mju_quat2Mat(matrix, np.array(pose[3:7]))
    return matrix.reshape(3, 3)


def upright_cosine(pose: BodyPose) -> float:
    """Return the cosine of the angle between a pose's own up and the world's."""
    _, x, y, _ = pose[3:7]
    return 1 - 2 * (x * x + y * y)


def yaw_of(pose: BodyPose) -> float:
    """Return how far a pose is turned about the vertical, in radians."""
    w, x, y, z = pose[3:7]
    return math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))


def is_same_place(before: BodyPose, after: BodyPose) -> bool:
    """Say whether something stayed where it was but for the creep of resting contact."""
    shift_m = math.dist(before[:3], after[:3])
    cosine_half = min(1.0, abs(sum(a * b for a, b in zip(before[3:7], after[3:7], strict=True))))
    return shift_m < STILL_SHIFT_M and 2 * math.acos(cosine_half) < STILL_TURN_RAD


def stands_at(planned: BodyPose, pose: BodyPose) -> bool:
    """Say whether something stands upright about where it was put."""
    near = math.dist(planned[:2], pose[:2]) < NEAR_M and abs(planned[2] - pose[2]) < NEAR_M
    return near and upright_cosine(pose) > UPRIGHT_COSINE


@dataclass(frozen=True, eq=False)
class Boxes:
    """All boxes that something can bump into, in the world."""

    center_m: Floats
    """Shape (N, 3)."""
    half_size_m: Floats
    """Shape (N, 3)."""
    world_from_box: Floats
    """Rotations, shape (N, 3, 3)."""


class BoxWorld:
    """The boxes of a house, some of which can move."""

    def __init__(self, house: House, placed: Sequence[PlacedPiece]) -> None:
        self._movable = [item.object_id for item in placed if item.piece.movable]
        self._model = _box_model(house, placed)
        self._data = mujoco.MjData(self._model)
        self._body = {key: self._model.body(key).id for key in self._movable}
        self.poses: dict[str, BodyPose] = {}
        """Where the movable pieces are."""
        self.restore(
            {p.object_id: pose_at(p.position_m, p.yaw_rad) for p in placed if p.piece.movable}
        )

    def restore(self, poses: Mapping[str, BodyPose]) -> None:
        """Put the movable pieces somewhere; nothing settles or collides.

        Raises:
            ValueError: The poses are not those of exactly the movable pieces.
        """
        if set(poses) != set(self._movable):
            raise ValueError(f"the state must have the movable pieces {sorted(self._movable)}")
        # A reset forgets velocities and the solver's warm start, so that what follows depends on
        # the poses alone.
        mujoco.mj_resetData(self._model, self._data)
        if self._movable:
            self._data.qpos[:] = np.concatenate([poses[key] for key in self._movable])
        mujoco.mj_forward(self._model, self._data)
        self.poses = dict(poses)

    def settle(self) -> dict[str, float]:
        """Let gravity act until all is at rest.

        Returns:
            The speed at the end of every movable piece (m/s or rad/s); at most REST_SPEED unless
            time ran out.
        """
        for step in range(1, int(LONGEST_SETTLE_S / TIMESTEP_S) + 1):
            mujoco.mj_step(self._model, self._data)
            checked = step >= LEAST_STEPS and step % CHECK_EVERY_STEPS == 0
            if checked and np.abs(self._data.qvel).max(initial=0.0) < REST_SPEED:
                break
        speeds = np.abs(self._data.qvel.reshape(-1, 6)).max(axis=1)
        rows = np.round(self._data.qpos.reshape(-1, 7), POSE_DIGITS) + 0.0
        self.restore(
            {key: tuple(row.tolist()) for key, row in zip(self._movable, rows, strict=True)}
        )
        return dict(zip(self._movable, speeds.tolist(), strict=True))

    def place(self, object_id: str, pose: BodyPose) -> bool:
        """Put a movable piece somewhere and let it settle.

        Returns:
            True if it came to rest upright and near, and everything else stayed as it was.
            False otherwise; all is then as before the call.
        """
        before = self.poses
        lifted = (*pose[:2], pose[2] + LIFT_M, *pose[3:])
        self.restore({**before, object_id: lifted})
        if not self._overlaps(object_id):
            at_rest = self.settle()[object_id] <= REST_SPEED
            after = self.poses
            undisturbed = all(
                is_same_place(before[key], after[key]) for key in before if key != object_id
            )
            if at_rest and undisturbed and stands_at(pose, after[object_id]):
                self.restore({**before, object_id: after[object_id]})
                return True
        self.restore(before)
        return False

    def _overlaps(self, object_id: str) -> bool:
        body, owner = self._body[object_id], self._model.geom_bodyid
        contacts = self._data.contact
        return any(
            distance_m < -OVERLAP_M and body in (owner[first], owner[second])
            for first, second, distance_m in zip(
                contacts.geom1, contacts.geom2, contacts.dist, strict=True
            )
        )

    def distances_m(self, origin_m: Floats, directions: Floats) -> Floats:
        """Return how far it is to the first box along unit vectors, shape (N, 3); inf for none."""
        count = len(directions)
        distances_m, geoms = np.empty(count), np.empty(count, np.int32)
        mujoco.mj_multiRay(
            self._model, self._data, origin_m, directions.ravel(), None, 1, -1, geoms, distances_m,
            None, count, FARTHEST_M,
        )  # fmt: skip
        return np.where(geoms < 0, np.inf, distances_m)

    def boxes(self) -> Boxes:
        """Return all boxes where they are now."""
        return Boxes(
            self._data.geom_xpos.copy(),
            self._model.geom_size.copy(),
            self._data.geom_xmat.reshape(-1, 3, 3).copy(),
        )


def settled(house: House) -> tuple[BoxWorld, list[PlacedPiece]]:
    """Let a house's movable pieces settle.

    Returns:
        The world at rest, and the pieces that are left in it: those that toppled, fell or rolled
        away are taken out.
    """
    placed = list(house.pieces)
    while True:
        world = BoxWorld(house, placed)
        planned = dict(world.poses)
        speeds = world.settle()
        gone = {
            key
            for key, pose in world.poses.items()
            if speeds[key] > REST_SPEED or not stands_at(planned[key], pose)
        }
        if not gone:
            return world, placed
        # What stood on or beside them has to settle again without them.
        placed = [item for item in placed if item.object_id not in gone]


def _box_model(house: House, placed: Sequence[PlacedPiece]) -> mujoco.MjModel:
    spec = mujoco.MjSpec()
    spec.option.timestep = TIMESTEP_S
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = 5
    # What is at rest is left alone until something touches it: placing takes a third of the time.
    spec.option.enableflags |= mujoco.mjtEnableBit.mjENBL_SLEEP
    box = mujoco.mjtGeom.mjGEOM_BOX
    for slab in house.slabs:
        if slab.collides:
            spec.worldbody.add_geom(
                type=box, pos=slab.center_m, size=slab.half_size_m, quat=slab.quaternion
            )
    for item in placed:
        pose = pose_at(item.position_m, item.yaw_rad)
        body = spec.worldbody.add_body(name=item.object_id, pos=pose[:3], quat=pose[3:])
        if item.piece.movable:
            body.add_freejoint()
        if not item.piece.colliders:
            continue
        halves_m = np.maximum([b.half_size_m for b in item.piece.colliders], LEAST_HALF_SIZE_M)
        volumes = halves_m.prod(axis=1)
        masses_kg = item.piece.mass_kg * volumes / volumes.sum()
        for collider, half_m, mass_kg in zip(
            item.piece.colliders, halves_m, masses_kg, strict=True
        ):
            body.add_geom(type=box, pos=collider.center_m, size=half_m, mass=float(mass_kg))
    return spec.compile()
