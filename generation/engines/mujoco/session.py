"""One loaded house: what is in it, what a camera sees of it, and how it changes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from generation.engines.mujoco import physics
from generation.engines.mujoco.look import build_look
from generation.engines.mujoco.physics import BodyPose
from generation.engines.mujoco.renderer import Renderer
from generation.engines.mujoco.shape import Shape, load_shape
from generation.engines.mujoco.standing import has_room, room_grid_m
from generation.houses.house import House, PlacedPiece, furniture_facts
from generation.pose import Camera, Pose
from generation.scene import EngineError, Observation, SceneInfo, SceneKey, SceneObject, SceneState

Floats = NDArray[np.float64]


class MujocoSession:
    """A house under MuJoCo."""

    def __init__(self, key: SceneKey, house: House, camera: Camera, renderer: Renderer) -> None:
        self._camera = camera
        self._renderer = renderer
        self._rooms = house.rooms
        self._floors = [slab for slab in house.slabs if slab.role == "floor"]
        self._world, placed = physics.settled(house)
        self._shapes = {
            piece_id: load_shape(piece)
            for piece_id, piece in {item.piece.piece_id: item.piece for item in placed}.items()
        }
        self._placed = {item.object_id: item for item in placed}
        self._segmentation_ids = {
            item.object_id: number for number, item in enumerate(house.pieces, start=1)
        }
        self._look = build_look(
            house,
            placed,
            self._shapes,
            self._segmentation_ids,
            photometric=renderer.is_photometric,
        )
        renderer.load(self._look.model)
        self._is_closed = False
        self._shown: Mapping[str, BodyPose] | None = None
        self._objects = {item.object_id: self._object(item) for item in placed}
        self._objects_at: Mapping[str, BodyPose] = self._world.poses
        removed = sorted({item.object_id for item in house.pieces} - set(self._placed))
        furniture = furniture_facts(house)
        self._info = SceneInfo(
            key, {**house.facts, "furniture": furniture, "removed_pieces": removed}
        )

    @property
    def info(self) -> SceneInfo:
        """What scene this is; house["removed_pieces"] are those that toppled or fell."""
        return self._info

    @property
    def camera(self) -> Camera:
        """The camera of every observation."""
        return self._camera

    def state(self) -> SceneState:
        """Return where the movable objects are now."""
        return SceneState(dict(self._world.poses))

    def restore(self, state: SceneState) -> None:
        """Put the movable objects where they were; nothing settles or collides."""
        self._world.restore(state.poses)

    def objects(self) -> Mapping[str, SceneObject]:
        """Return all objects in the present state, by object_id."""
        poses = self._world.poses
        if poses is not self._objects_at:
            moved = {key for key, pose in poses.items() if pose != self._objects_at[key]}
            self._objects = {
                key: self._object(self._placed[key]) if key in moved else known
                for key, known in self._objects.items()
            }
            self._objects_at = poses
        return self._objects

    def standing_points_m(self) -> Floats:
        """Return floor points, shape (N, 2), where an upright person has room."""
        points_m = room_grid_m(self._rooms)
        result: Floats = points_m[has_room(points_m, self._world.boxes())]
        return result

    def is_standing_free(self, x_m: float, y_m: float) -> bool:
        """Say whether an upright person has room at a point, with a floor under it."""
        has_floor = any(
            abs(x_m - floor.center_m[0]) <= floor.half_size_m[0]
            and abs(y_m - floor.center_m[1]) <= floor.half_size_m[1]
            for floor in self._floors
        )
        return has_floor and bool(has_room(np.array([[x_m, y_m]]), self._world.boxes())[0])

    def distances_m(self, origin_m: Floats, directions: Floats) -> Floats:
        """Return how far it is to the first box along unit vectors, shape (N, 3); inf for none."""
        return self._world.distances_m(origin_m, directions)

    def observe(self, pose: Pose) -> Observation:
        """Return segmentation and depth from a pose in the present state."""
        self._show(self._world.poses)
        labels = self._renderer.labels(pose)
        return Observation(
            pose=pose,
            camera=self._camera,
            state=self.state(),
            objects=self.objects(),
            segmentation=self._look.segmentation_of_geom[labels.geoms],
            depth_m=labels.depth_m,
        )

    def render(self, observation: Observation) -> NDArray[np.uint8]:
        """Return the colour picture of an observation, shape (height, width, 3), sRGB."""
        self._show(observation.state.poses)
        return self._renderer.colors(observation.pose)

    def place(self, object_id: str, x_m: float, y_m: float, z_m: float) -> bool:
        """Put a movable object with its bounding box's bottom centre at a point.

        It keeps its heading and is put upright. What is not movable stays: False.

        Raises:
            EngineError: There is no such object.
        """
        if object_id not in self._placed:
            known = ", ".join(self._placed)
            raise EngineError(f"no object {object_id!r}; known: {known}")
        if object_id not in self._world.poses:
            return False
        heading = physics.yaw_of(self._world.poses[object_id])
        standing = physics.pose_at((0.0, 0.0, 0.0), heading)
        corners_m = self._shape(object_id).corners_m @ physics.rotation_of(standing).T
        low_m, high_m = corners_m.min(axis=0), corners_m.max(axis=0)
        target = (
            x_m - (low_m[0] + high_m[0]) / 2,
            y_m - (low_m[1] + high_m[1]) / 2,
            z_m - low_m[2],
        )
        return self._world.place(object_id, physics.pose_at([float(v) for v in target], heading))

    def close(self) -> None:
        """Release the scene; nothing but its info can be asked of it any more."""
        if self._is_closed:
            return
        self._is_closed = True
        self._renderer.unload()
        # A session that somebody still holds must not keep its meshes while the next one loads.
        del self._look, self._shapes, self._world

    def _shape(self, object_id: str) -> Shape:
        return self._shapes[self._placed[object_id].piece.piece_id]

    def _show(self, poses: Mapping[str, BodyPose]) -> None:
        if poses is not self._shown:
            self._look.show(poses)
            self._renderer.update(self._look.data)
            self._shown = poses

    def _object(self, item: PlacedPiece) -> SceneObject:
        pose = self._world.poses.get(item.object_id, physics.pose_at(item.position_m, item.yaw_rad))
        rotation, position_m = physics.rotation_of(pose), np.array(pose[:3])
        shape = self._shape(item.object_id)
        corners_m = shape.corners_m @ rotation.T + position_m
        low_m, high_m = corners_m.min(axis=0), corners_m.max(axis=0)
        return SceneObject(
            object_id=item.object_id,
            name=item.name,
            category=item.piece.category,
            center_m=(low_m + high_m) / 2,
            size_m=high_m - low_m,
            surface_points_m=shape.surface_m @ rotation.T + position_m,
            segmentation_id=self._segmentation_ids[item.object_id],
            movable=item.piece.movable,
            askable=item.piece.askable,
            plural=item.piece.plural,
        )
