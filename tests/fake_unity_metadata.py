"""What the stand-in player tells of its world and of an action."""

from __future__ import annotations

import inspect
from typing import Any

from fake_unity_world import (
    MOVEABLE,
    PICKUPABLE,
    STANDING,
    Item,
    Refused,
    World,
    color_of,
    vector,
)


def object_record(world: World, item: Item) -> dict[str, Any]:
    """Return the metadata of an object."""
    on_it = world.on_top_of(item)
    box = {
        "cornerPoints": item.corners.tolist(),
        "center": vector(item.center),
        "size": vector(2 * item.half),
    }
    return {
        "objectId": item.name,
        "name": item.name,
        "objectType": item.kind,
        "assetId": item.asset,
        "position": vector(item.pivot),
        "rotation": item.euler,
        "pickupable": item.kind in PICKUPABLE,
        "moveable": item.kind in MOVEABLE,
        "receptacle": not item.is_free or bool(on_it),
        "receptacleObjectIds": on_it,
        "isMoving": False,
        "visible": False,
        "axisAlignedBoundingBox": box,
        "objectOrientedBoundingBox": None,
    }


def room_record(world: World, room: str) -> dict[str, Any]:
    """Return the metadata of a floor, which is an object without an asset."""
    floor = Item(room, "", "Floor", (world.high - world.low) * (1, 0.001, 1))
    floor.place((world.low + world.high) / 2 * (1, 0, 1), dict(STANDING))
    return object_record(world, floor)


def metadata(world: World, outcome: dict[str, Any], sequence: int) -> dict[str, Any]:
    """Return the metadata of an event."""
    cameras = [
        {
            "thirdPartyCameraId": number,
            "position": vector(camera.position),
            "rotation": camera.euler,
            "fieldOfView": camera.fov,
        }
        for number, camera in enumerate(world.cameras)
    ]
    records = [object_record(world, item) for item in world.items.values()]
    agent = {
        "agentId": 0,
        "sceneName": world.scene,
        "screenWidth": world.width,
        "screenHeight": world.height,
        "depthFormat": "Meters",
        "isSceneAtRest": world.unrest == 0,
        "objects": records + [room_record(world, room) for room in world.rooms],
        "colors": [{"name": name, "color": list(color_of(name))} for name in world.names()],
        "thirdPartyCameras": cameras,
        "agent": {
            "position": vector(world.agent),
            "rotation": {"x": 0.0, "y": world.agent_yaw, "z": 0.0},
            "cameraHorizon": world.horizon,
            "isStanding": True,
        },
        **outcome,
    }
    return {
        "agents": [agent],
        "thirdPartyCameras": cameras,
        "activeAgentId": 0,
        "sequenceId": sequence,
    }


def run_action(world: World, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Do an action and return what the event says of it."""
    outcome = {"lastAction": name, "lastActionSuccess": False, "errorMessage": "", "errorCode": ""}
    method = getattr(world, f"do_{name}", None)
    if method is None:
        message = {"errorMessage": f"Invalid action: {name}", "errorCode": "InvalidAction"}
        return {**outcome, **message, "actionReturn": None}
    try:
        inspect.signature(method).bind(**parameters)
    except TypeError as error:
        message = {"errorMessage": str(error), "errorCode": "InvalidArgument"}
        return {**outcome, **message, "actionReturn": None}
    try:
        result = method(**parameters)
    except Refused as error:
        return {**outcome, "errorMessage": str(error), "actionReturn": None}
    return {**outcome, "lastActionSuccess": True, "actionReturn": result}
