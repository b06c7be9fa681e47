"""The actions of the stand-in player, with the parameters that the real ones take."""

from __future__ import annotations

from typing import Any

import numpy as np
from fake_unity_world import (
    AGENT_HALF,
    ASSET,
    FAR_M,
    PART_OF,
    STANDING,
    Item,
    Refused,
    View,
    World,
    array,
    turn,
    vector,
)


class Actions(World):
    """The method do_X is the action X."""

    def do_Reset(self, sceneName: str) -> None:
        kept = self.width, self.height, self.settings
        World.__init__(self)
        self.width, self.height, self.settings = kept
        self.scene = sceneName
        if sceneName.startswith("FloorPlan"):
            self.build_room()

    def build_room(self) -> None:
        """Furnish one of the build's own scenes, whose objects name no assets."""
        for text, x, y, z in (
            ("Sofa_1800x800x800", -1.5, 0.4, 2.5),
            ("Dining_Table_1200x740x800", 1.5, 0.37, 2.0),
            ("Mug_100x120x100", 1.5, 0.8, 2.0),
            ("Fridge_800x1800x700", -2.6, 0.9, -1.0),
        ):
            item = self.spawn(f"{text.rpartition('_')[0]}|{x:+06.2f}|{y:+06.2f}|{z:+06.2f}", text)
            item.place(np.array([x, y - item.size[1] / 2, z]), dict(STANDING))
            item.asset, item.kinematic = "", False

    def do_GetScenesInBuild(self) -> list[str]:
        return ["Procedural", "FloorPlan1_physics", "FloorPlan201_physics"]

    def do_ChangeResolution(self, x: int, y: int) -> None:
        self.width, self.height = int(x), int(y)

    def do_ChangeQuality(self, quality: str) -> None:
        pass

    def do_Pass(self) -> None:
        self.unrest = max(0, self.unrest - 1)

    def do_Initialize(self, **settings: Any) -> dict[str, float]:
        self.settings = settings
        return {"cameraNearPlane": 0.1, "cameraFarPlane": FAR_M}

    def do_CreateHouse(self, house: dict[str, Any]) -> None:
        corners = np.array([array(p) for room in house["rooms"] for p in room["floorPolygon"]])
        self.low, self.high = corners.min(0), corners.max(0) + np.array([0, 2.6, 0])
        self.rooms, self.items = [room["id"] for room in house["rooms"]], {}
        waiting = list(house["objects"])
        while waiting:
            entry = waiting.pop(0)
            item = self.spawn(entry["id"], entry["assetId"])
            euler = dict(entry.get("rotation") or STANDING)
            # The position of a house's object is the centre of its bounding box.
            half_up = turn(euler) @ (0, item.size[1] / 2, 0)
            item.place(array(entry["position"]) - half_up, euler)
            item.kinematic = bool(entry.get("kinematic", False))
            waiting.extend(entry.get("children") or [])
            self.add_part(item)

    def spawn(self, name: str, asset: str) -> Item:
        parts = ASSET.fullmatch(asset)
        if parts is None:
            raise Refused(f"Asset not in Database: {asset}")
        kind = parts[1].replace("_", "")
        size = np.array([int(parts[i]) / 1000 for i in (2, 3, 4)])
        self.items[name] = Item(name, asset, kind, size)
        return self.items[name]

    def add_part(self, item: Item) -> None:
        """Give a dresser a drawer front, which the player counts as an object of its own."""
        if item.kind in PART_OF:
            size = item.size * (0.9, 0.8, 1.04)
            name = f"{item.name}___0"
            pivot = item.pivot + np.array([0, 0.1 * item.size[1], 0])
            self.items[name] = Item(name, "", PART_OF[item.kind], size, owner=item.name)
            self.items[name].place(pivot, item.euler)

    def do_GetReachablePositions(self) -> list[dict[str, float]]:
        step = self.settings.get("gridSize", 0.25)
        start = (0, 0)
        found, waiting = {start}, [start]
        while waiting:
            i, j = waiting.pop()
            for cell in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
                place = self.agent + np.array([cell[0] * step, 0, cell[1] * step])
                if cell not in found and self.has_room(place):
                    found.add(cell)
                    waiting.append(cell)
        return [vector(self.agent + np.array([i * step, 0, j * step])) for i, j in found]

    def do_Teleport(
        self,
        position: dict[str, float] | None = None,
        rotation: dict[str, float] | None = None,
        horizon: float | None = None,
        standing: bool | None = None,
        forceAction: bool = False,
    ) -> None:
        place = self.agent if position is None else array(position)
        step = self.settings.get("gridSize", 0.25)
        on_grid = np.abs(place / step - np.round(place / step))[[0, 2]].max() < 1e-4
        if not forceAction and self.settings.get("snapToGrid", True) and not on_grid:
            raise Refused("Target position is not on the grid")
        if not forceAction and not self.has_room(place):
            raise Refused("Collided with static structure")
        self.agent = np.array([place[0], 0.9, place[2]])
        self.agent_yaw = self.agent_yaw if rotation is None else rotation["y"] % 360
        self.horizon = self.horizon if horizon is None else horizon

    def do_AddThirdPartyCamera(
        self, position: dict[str, float], rotation: dict[str, float], fieldOfView: float = 90.0
    ) -> None:
        self.cameras.append(View(array(position), dict(rotation), self.checked_fov(fieldOfView)))

    def do_UpdateThirdPartyCamera(
        self,
        thirdPartyCameraId: int,
        position: dict[str, float] | None = None,
        rotation: dict[str, float] | None = None,
        fieldOfView: float | None = None,
    ) -> None:
        camera = self.cameras[thirdPartyCameraId]
        camera.position = camera.position if position is None else array(position)
        camera.euler = camera.euler if rotation is None else dict(rotation)
        camera.fov = camera.fov if fieldOfView is None else self.checked_fov(fieldOfView)

    @staticmethod
    def checked_fov(degrees: float) -> float:
        if not 0 < degrees < 180:
            raise Refused("fieldOfView must be in (0, 180)")
        return degrees

    def do_TeleportObject(
        self,
        objectId: str,
        position: dict[str, float],
        rotation: dict[str, float],
        forceAction: bool = False,
        forceKinematic: bool = False,
        makeUnbreakable: bool = False,
    ) -> None:
        item = self.free_item(objectId)
        before = item.pivot, item.euler
        self.put(item, array(position), dict(rotation))
        if not forceAction and not self.is_free(item.center, item.half, but=objectId):
            self.put(item, *before)
            raise Refused(f"{objectId} is colliding after teleport")
        item.kinematic = forceKinematic

    def do_PlaceObjectAtPoint(
        self,
        objectId: str,
        position: dict[str, float],
        rotation: dict[str, float] | None = None,
        forceKinematic: bool = False,
    ) -> None:
        item = self.free_item(objectId)
        point = array(position)
        if not (np.all(point > self.low) and np.all(point < self.high)):
            raise Refused("position is not within scene bounds")
        before = item.pivot, item.euler
        height = self.surface_below(point, but=objectId)
        self.put(item, np.array([point[0], height, point[2]]), rotation or item.euler)
        clear = self.is_free(item.center, item.half, but=objectId)
        if not clear or item.overlaps(self.agent, AGENT_HALF):
            self.put(item, *before)
            raise Refused("spawn area not clear, can't place object at that point")
        item.kinematic, self.unrest = forceKinematic, 2
