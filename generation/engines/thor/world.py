"""A loaded scene in the player: what a camera sees of it, and how its objects are moved."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from generation.engines.thor.controller import ActionFailed, BoundedController
from generation.engines.thor.frames import (
    camera_to_unity,
    point_from_unity,
    point_to_unity,
    quaternion_to_unity,
)
from generation.engines.thor.servers import PlayerLost
from generation.engines.thor.table import Bounds, Metadata, Placement, bounds_of, placement_of
from generation.pose import Camera, Pose
from generation.scene import EngineError

Floats = NDArray[np.float64]

SAME_PLACE_M = 0.005
SAME_TURN_RAD = math.radians(1.0)
GRID_M = 0.25
"""Of the positions that the player offers."""
FAR_SHARE = 0.999
"""Depth beyond this share of the far plane is no surface."""


class Shot(NamedTuple):
    """One picture of the third-party camera; all arrays are copies."""

    rgb: NDArray[np.uint8]
    """Shape (height, width, 3)."""
    colors: NDArray[np.uint8]
    """The instance picture, shape (height, width, 3)."""
    names: Mapping[tuple[int, ...], str]
    """What each colour of it stands for."""
    depth_m: NDArray[np.float32]
    """Along the optical axis, shape (height, width); inf where nothing is."""


class World:
    """The scene that the player has loaded.

    Pictures come from a third-party camera, which stands exactly where it is told; the agent's
    own camera has one height, a limited pitch, and collides. The agent is invisible and only
    says where a person has room.

    Objects are moved with TeleportObject. SetObjectPoses, the documented way to restore a scene,
    renames every object and removes those that are not listed.
    """

    def __init__(self, controller: BoundedController, camera: Camera) -> None:
        self._controller = controller
        self._far_m = float(controller.server.camera_far_plane)
        self._do(
            "AddThirdPartyCamera",
            position={"x": 0.0, "y": 1.5, "z": 0.0},
            rotation={"x": 0.0, "y": 0.0, "z": 0.0},
            fieldOfView=math.degrees(camera.fovy_rad),
            renderImage=False,
        )

    def _do(self, action: str, **parameters: Any) -> Any:
        """Do an action that has to succeed.

        Raises:
            EngineError: It failed, or the player is gone.
        """
        try:
            return self._controller.do(action, **parameters)
        except (ActionFailed, PlayerLost) as error:
            raise EngineError(f"AI2-THOR: {error}") from error

    def _try(self, action: str, **parameters: Any) -> Any | None:
        """Do an action that may fail; return its event, or None if it failed."""
        try:
            event = self._controller.step(action, renderImage=False, **parameters)
        except PlayerLost as error:
            raise EngineError(f"AI2-THOR: {error}") from error
        return event if event.metadata["lastActionSuccess"] else None

    def records(self) -> dict[str, Metadata]:
        """Return the metadata of all objects as of the last action, by id."""
        objects = self._controller.last_event.metadata["objects"]
        return {str(record["objectId"]): record for record in objects}

    # ------------------------------------------------------------------------------ camera

    def shoot(self, pose: Pose, camera: Camera) -> Shot:
        """Take a picture from a pose.

        Raises:
            EngineError: The player cannot, or looked from elsewhere.
        """
        position, rotation = camera_to_unity(pose)
        event = self._do(
            "UpdateThirdPartyCamera",
            thirdPartyCameraId=0,
            position=position,
            rotation=rotation,
            fieldOfView=math.degrees(camera.fovy_rad),
        )
        self._check_camera(event.metadata["thirdPartyCameras"][0], position, rotation)
        frames = (
            event.third_party_camera_frames,
            event.third_party_instance_segmentation_frames,
            event.third_party_depth_frames,
        )
        if not all(frames):
            raise EngineError("AI2-THOR sent no colour, instance or depth picture")
        # The arrays are read-only views, upside down, of a message that the server keeps.
        rgb, colors, depth = (np.array(frame[0]) for frame in frames)
        size = (camera.height_px, camera.width_px)
        if rgb.shape[:2] != size or depth.shape != size:
            raise EngineError(f"AI2-THOR sent {rgb.shape} pictures, asked for {size}")
        depth[depth >= FAR_SHARE * self._far_m] = np.inf
        opaque, colors = (np.ascontiguousarray(picture[..., :3]) for picture in (rgb, colors))
        return Shot(opaque, colors, event.color_to_object_id, depth)

    @staticmethod
    def _check_camera(
        actual: Metadata, position: Mapping[str, float], rotation: Mapping[str, float]
    ) -> None:
        moved_m = max(abs(actual["position"][axis] - position[axis]) for axis in "xyz")
        turned = (actual["rotation"][axis] - rotation[axis] for axis in "xyz")
        turned_deg = max(abs((angle + 180) % 360 - 180) for angle in turned)
        if moved_m > 0.001 or turned_deg > 0.1:
            raise EngineError(
                f"AI2-THOR put the camera {moved_m:.3f} m and {turned_deg:.1f} degrees "
                "away from where it was asked to"
            )

    # ------------------------------------------------------------------------------- agent

    def put_agent(self, x_m: float, y_m: float, height_m: float) -> None:
        """Put the agent somewhere, whatever is there; its centre at a height."""
        self._do(
            "Teleport", **_standing_at(x_m, y_m, height_m), forceAction=True, renderImage=False
        )

    def has_room_for_agent(self, x_m: float, y_m: float, height_m: float) -> bool:
        """Say whether the agent can stand somewhere; it stands there if so."""
        event = self._try("Teleport", **_standing_at(x_m, y_m, height_m))
        if event is None:
            return False
        reached = point_from_unity(event.metadata["agent"]["position"])
        return bool(np.abs(reached - (x_m, y_m, height_m)).max() < 0.05)

    def reachable_points_m(self) -> Floats:
        """Return where the agent can go from where it is, shape (N, 3), sorted.

        Raises:
            EngineError: Nowhere.
        """
        event = self._do("GetReachablePositions", renderImage=False)
        points = [point_from_unity(point).tolist() for point in event.metadata["actionReturn"]]
        if not points:
            raise EngineError("AI2-THOR: the agent can stand nowhere in this scene")
        return np.array(sorted(points))

    # ----------------------------------------------------------------------------- objects

    def placement(self, object_id: str) -> Placement:
        """Return where an object is."""
        return placement_of(self._record(object_id))

    def bounds(self, object_id: str) -> Bounds:
        """Return an object's bounding box."""
        return bounds_of(self._record(object_id))

    def _record(self, object_id: str) -> Metadata:
        record = self.records().get(object_id)
        if record is None:
            raise EngineError(f"AI2-THOR no longer knows {object_id}")
        return record

    def move(self, object_id: str, placement: Placement) -> None:
        """Put an object somewhere, whatever is there, and hold it.

        Raises:
            EngineError: It is not there afterwards (the player may report success all the same).
        """
        self._do(
            "TeleportObject",
            objectId=object_id,
            position=point_to_unity(*placement[:3]),
            rotation=quaternion_to_unity(np.array(placement[3:])),
            forceAction=True,
            forceKinematic=True,
            renderImage=False,
        )
        if not self.placement(object_id).is_near(placement, SAME_PLACE_M, SAME_TURN_RAD):
            raise EngineError(f"AI2-THOR could not move {object_id} where it was asked to")

    def hold(self, object_ids: Iterable[str]) -> None:
        """Keep objects where they are, whatever pulls or pushes them."""
        for object_id in object_ids:
            self.move(object_id, self.placement(object_id))

    def drop(self, object_id: str, x_m: float, y_m: float, z_m: float) -> bool:
        """Set an object down on the surface below a point, its pivot above it.

        Returns:
            Whether the player did it. It may have moved the object either way.
        """
        position = point_to_unity(x_m, y_m, z_m)
        return self._try("PlaceObjectAtPoint", objectId=object_id, position=position) is not None

    def settle(self, max_steps: int) -> None:
        """Wait until nothing moves any more, or a number of steps."""
        for _ in range(max_steps):
            event = self._do("Pass", renderImage=False)
            if event.metadata.get("isSceneAtRest", True):
                return


def _standing_at(x_m: float, y_m: float, height_m: float) -> dict[str, Any]:
    return {
        "position": point_to_unity(x_m, y_m, height_m),
        "rotation": {"x": 0.0, "y": 0.0, "z": 0.0},
        "horizon": 0.0,
        "standing": True,
    }
