"""What the engine reads and changes in a ProcTHOR house."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from generation.engines.thor.frames import point_from_unity
from generation.engines.thor.houses import HouseJson, items_of
from generation.scene import EngineError

STANDING_HEIGHT_M = 0.9
"""Of the agent's centre above the floor."""
MAX_MISSING_SHARE = 0.1
"""Of a house's objects that the player may leave out."""


def held_still(scene: str | HouseJson) -> str | HouseJson:
    """Return a house in which physics moves nothing: its objects have settled already."""
    if isinstance(scene, str):
        return scene
    house = copy.deepcopy(scene)
    for item in items_of(house):
        item["kinematic"] = True
    return house


def start_of(house: HouseJson) -> tuple[float, float, float]:
    """Return where a house puts the agent, or the middle of its first room."""
    metadata = house.get("metadata") or {}
    pose = (metadata.get("agentPoses") or {}).get("default") or metadata.get("agent")
    if pose and "position" in pose:
        x, y, z = point_from_unity(pose["position"]).tolist()
        return x, y, z
    corners = np.array([point_from_unity(c) for c in house["rooms"][0]["floorPolygon"]])
    x, y, _ = corners.mean(0).tolist()
    return x, y, STANDING_HEIGHT_M


def missing_objects(house: HouseJson, records: Mapping[str, Any]) -> list[str]:
    """Return what the house lists and the player did not make.

    The player leaves out an object whose asset it does not know, and says so in its log only;
    what stood on the object then hangs in the air.

    Raises:
        EngineError: So much is missing that house and player do not belong together.
    """
    items = list(items_of(house))
    missing = [item for item in items if item["id"] not in records]
    if len(missing) > MAX_MISSING_SHARE * len(items):
        raise EngineError(
            f"AI2-THOR left out {len(missing)} of {len(items)} objects of the house, for example "
            f"asset {missing[0].get('assetId')!r}; the houses need another build of the player"
        )
    return [str(item["id"]) for item in missing]
