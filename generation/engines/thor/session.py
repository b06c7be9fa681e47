"""One scene in AI2-THOR, seen through the Session protocol."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from generation.engines.thor.surfaces import scan
from generation.engines.thor.table import Bounds, Placement, Table, carries_something
from generation.engines.thor.world import GRID_M, World
from generation.pose import Camera, Pose
from generation.scene import (
    EngineError,
    Observation,
    SceneInfo,
    SceneObject,
    SceneState,
)

Floats = NDArray[np.float64]

LIFT_M = 0.02
"""How far above its goal an object is held before the player sets it down."""
MAX_SLIP_M = 0.03
"""How far beside its goal an object may come to rest."""
MAX_DROP_M = 0.1
MAX_TILT_RAD = math.radians(10.0)
UNDISTURBED_M = 0.01
UNDISTURBED_RAD = math.radians(2.0)
SETTLE_STEPS = 20


class ThorSession:
    """One loaded scene; see generation.engines.Session.

    Everything that the player can move is held still (kinematic) except while it is being set
    down, so the scene changes only where this class changes it.
    """

    def __init__(self, info: SceneInfo, camera: Camera, world: World, table: Table) -> None:
        self._info = info
        self._camera = camera
        self._world = world
        self._table = table
        self._home_points_m = world.reachable_points_m()
        self._placements = {e.object_id: e.home for e in table.entries.values() if e.can_move}
        self._home_state = self.state()
        self._bounds: dict[tuple[str, Placement], Bounds] = {}
        self._surfaces = scan(world, table, camera, self._home_points_m[:, :2])
        self._objects: dict[str, SceneObject] = {}
        """In the present state; empty until asked for."""

    @property
    def info(self) -> SceneInfo:
        """What scene this is."""
        return self._info

    @property
    def camera(self) -> Camera:
        """The camera of every observation."""
        return self._camera

    # ------------------------------------------------------------------------------- state

    def state(self) -> SceneState:
        """Return where the movable objects are now."""
        return SceneState(
            {
                object_id: tuple(self._placements[object_id])
                for object_id, entry in self._table.entries.items()
                if entry.movable
            }
        )

    def restore(self, state: SceneState) -> None:
        """Put the movable objects where they were; nothing settles or collides."""
        for object_id, pose in state.poses.items():
            self._put(object_id, Placement(*pose))

    def _put(self, object_id: str, placement: Placement) -> None:
        if object_id not in self._placements:
            raise EngineError(f"{self._info.key.scene_id}: {object_id!r} cannot be moved")
        if self._placements[object_id] != placement:
            self._hold(object_id, placement)

    def _hold(self, object_id: str, placement: Placement) -> None:
        self._world.move(object_id, placement)
        self._placements[object_id] = placement
        if placement != self._table.entries[object_id].home:
            self._bounds.setdefault((object_id, placement), self._world.bounds(object_id))
        self._objects = {}

    def objects(self) -> Mapping[str, SceneObject]:
        """Return all objects in the present state, by object_id."""
        if not self._objects:
            self._objects = {name: self._object(name) for name in self._table.entries}
        return self._objects

    def _object(self, object_id: str) -> SceneObject:
        entry = self._table.entries[object_id]
        placement = self._placements.get(object_id, entry.home)
        bounds = self._bounds.get((object_id, placement), entry.bounds)
        return entry.object_at(placement, bounds, self._surfaces[object_id])

    # ----------------------------------------------------------------------------- standing

    def distances_m(self, origin_m: Floats, directions: Floats) -> None:
        """Tell nothing: it would take a look."""

    def standing_points_m(self) -> Floats:
        """Return floor points, shape (N, 2), where an upright person has room."""
        if self.state() == self._home_state:
            return self._home_points_m[:, :2].copy()
        self._send_agent_home()
        return self._world.reachable_points_m()[:, :2]

    def is_standing_free(self, x_m: float, y_m: float) -> bool:
        """Say whether an upright person (0.2 m radius) has room at a floor point.

        It also has to be near a point that can be reached: the player would let the agent stand
        outside of the house or in a room without a door.
        """
        gaps = np.linalg.norm(self._home_points_m[:, :2] - (x_m, y_m), axis=1)
        if gaps.min() > GRID_M:
            return False
        height_m = float(self._home_points_m[gaps.argmin(), 2])
        return self._world.has_room_for_agent(x_m, y_m, height_m)

    def _send_agent_home(self) -> None:
        self._world.put_agent(*self._home_points_m[0].tolist())

    def _send_agent_away_from(self, x_m: float, y_m: float) -> None:
        gaps = np.linalg.norm(self._home_points_m[:, :2] - (x_m, y_m), axis=1)
        self._world.put_agent(*self._home_points_m[gaps.argmax()].tolist())

    # ----------------------------------------------------------------------------- pictures

    def observe(self, pose: Pose) -> Observation:
        """Return segmentation and depth from a pose in the present state."""
        shot = self._world.shoot(pose, self._camera)
        return Observation(
            pose=pose,
            camera=self._camera,
            state=self.state(),
            objects=self.objects(),
            segmentation=self._table.segmentation(shot.colors, shot.names),
            depth_m=shot.depth_m,
        )

    def render(self, observation: Observation) -> NDArray[np.uint8]:
        """Return the colour picture of an observation, shape (height, width, 3), sRGB."""
        present = self.state()
        self.restore(observation.state)
        rgb = self._world.shoot(observation.pose, observation.camera).rgb
        self.restore(present)
        return rgb

    # ------------------------------------------------------------------------------ placing

    def place(self, object_id: str, x_m: float, y_m: float, z_m: float) -> bool:
        """Set a movable object down at a point; see generation.engines.Session."""
        entry = self._table.entries[object_id]
        if not entry.movable or carries_something(self._world.records()[object_id]):
            return False
        before = dict(self._placements)
        goal_m = np.array([x_m, y_m, z_m])
        self._send_agent_away_from(x_m, y_m)
        pivot_m = self._world.placement(object_id).position_m
        pivot_m = pivot_m + goal_m - self._world.bounds(object_id).bottom_m
        if self._world.drop(object_id, float(pivot_m[0]), float(pivot_m[1]), z_m + LIFT_M):
            self._world.settle(SETTLE_STEPS)
            if self._is_settled(object_id, goal_m, before):
                self._hold(object_id, self._world.placement(object_id))
                return True
        self._put_back(before)
        return False

    def _is_settled(self, object_id: str, goal_m: Floats, before: Mapping[str, Placement]) -> bool:
        rest_m = self._world.bounds(object_id).bottom_m
        slip_m = float(np.linalg.norm((rest_m - goal_m)[:2]))
        turn = self._world.placement(object_id).rotation * before[object_id].rotation.inv()
        upright = float(turn.as_matrix()[2, 2]) > math.cos(MAX_TILT_RAD)
        undisturbed = all(
            self._world.placement(other).is_near(placement, UNDISTURBED_M, UNDISTURBED_RAD)
            for other, placement in before.items()
            if other != object_id
        )
        near = slip_m < MAX_SLIP_M and abs(float(rest_m[2] - goal_m[2])) < MAX_DROP_M
        return near and upright and undisturbed

    def _put_back(self, before: Mapping[str, Placement]) -> None:
        """Undo a placing: even a refused one can have moved its object or pushed others."""
        for object_id, placement in before.items():
            actual = self._world.placement(object_id)
            if not actual.is_near(placement, UNDISTURBED_M / 10, UNDISTURBED_RAD / 10):
                self._world.move(object_id, placement)

    def close(self) -> None:
        """Release nothing: the player keeps the scene until it loads the next."""
