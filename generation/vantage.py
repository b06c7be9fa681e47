"""What somebody at a spot has where, foreseen from the places of things.

A verdict takes a spot and returns the option that is true from there, or None where it would be
doubtful.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from generation.pose import Array, Pose
from generation.relations import (
    MIN_APPROACH_M,
    MIN_APPROACH_RATIO,
    angle_at_rad,
    is_recognised,
    nearer_to,
)
from generation.sight import Seen
from generation.spots import Spot, hides
from generation.views import Stage

LEFT, RIGHT = "on my left", "on my right"
FRONT, BEHIND = "in front of me", "behind me"
CLOSER, FARTHER = "closer to it", "farther away from it"
VISIBLE, HIDDEN = "I could see it", "it would be hidden from me"

SIDE_RAD = (math.radians(28), math.radians(120))
"""An object this far from the facing direction is clearly on one side."""
FRONT_RAD, BACK_RAD = math.radians(45), math.radians(135)
MIN_REACH_M = 0.7
"""Objects nearer than this to the spot are too close to speak of directions."""
LOOK_DOWN_RAD = math.radians(-12)
SCREENS = frozenset(
    ("bookcase", "cabinet", "chest freezer", "folding screen", "fridge", "wardrobe")
)
"""Kinds that nobody sees through; over the lower bunk of a bunk bed or between the boards of a
shelf one might."""

Verdict = Callable[[Spot], str | None]


def reach_m(seen: Seen, spot: Spot, object_id: str) -> float:
    """Return the distance on the level from a spot to an object's box."""
    item = seen.object(object_id)
    gaps_m = (
        abs(at - middle) - size / 2
        for at, middle, size in zip(
            spot.point_m[:2].tolist(),
            item.center_m[:2].tolist(),
            item.size_m[:2].tolist(),
            strict=True,
        )
    )
    return math.hypot(*(max(gap, 0.0) for gap in gaps_m))


def look_from(stage: Stage, seen: Seen, spot: Spot, object_id: str) -> Seen:
    """Put the camera over the spot at the height of the first view, towards an object."""
    target_m = seen.object(object_id).center_m
    offset_m = target_m - spot.point_m
    pose = replace(
        seen.observation.pose,
        x_m=float(spot.point_m[0]),
        y_m=float(spot.point_m[1]),
        yaw_rad=math.atan2(offset_m[1], offset_m[0]),
        pitch_rad=LOOK_DOWN_RAD,
    )
    return stage.look(pose)


def verdict_of(seen: Seen, kind: str, object_id: str, other_id: str | None) -> Verdict:
    center_m = seen.object(object_id).center_m
    if kind == "approach":
        return lambda spot: _approach(seen.observation.pose, spot, center_m)
    if kind == "hidden":
        screens = screens_in(seen)
        return lambda spot: _hidden(seen, spot, object_id, screens)
    assert other_id is not None, f"{kind} needs two objects"
    other_m = seen.object(other_id).center_m
    if kind == "nearer":
        return lambda spot: _nearer(seen, spot, object_id, other_id)
    words = _side if kind == "side" else _front
    return lambda spot: words(angle_at_rad(spot.point_m, other_m, center_m))


def _side(angle_rad: float) -> str | None:
    if not SIDE_RAD[0] <= abs(angle_rad) <= SIDE_RAD[1]:
        return None
    return LEFT if angle_rad > 0 else RIGHT


def _front(angle_rad: float) -> str | None:
    if abs(angle_rad) <= FRONT_RAD:
        return FRONT
    return BEHIND if abs(angle_rad) >= BACK_RAD else None


def _approach(pose: Pose, spot: Spot, center_m: Array) -> str | None:
    eye_m = np.array([*spot.point_m[:2], pose.z_m])
    now_m, then_m = (float(np.linalg.norm(center_m - p)) for p in (pose.position_m, eye_m))
    low_m, high_m = sorted((now_m, then_m))
    if high_m - low_m < 2 * MIN_APPROACH_M or high_m < MIN_APPROACH_RATIO * low_m:
        return None
    return CLOSER if then_m < now_m else FARTHER


def _nearer(seen: Seen, spot: Spot, first: str, second: str) -> str | None:
    """Return the nearer object if its middle and its surface agree."""
    verdicts = set()
    for distances in (
        [
            float(np.linalg.norm(seen.object(key).center_m[:2] - spot.point_m[:2]))
            for key in (first, second)
        ],
        [reach_m(seen, spot, key) for key in (first, second)],
    ):
        verdicts.add(nearer_to(distances[0], distances[1]))
    if len(verdicts) > 1 or None in verdicts:
        return None
    return first if verdicts == {True} else second


def screens_in(seen: Seen) -> frozenset[str]:
    """Return the objects that the picture shows, and that are solid and taller than the eye."""
    return frozenset(
        key
        for key, sight in seen.sights.items()
        if is_recognised(sight)
        and seen.object(key).category in SCREENS
        and seen.object(key).center_m[2] + seen.object(key).size_m[2] / 2
        >= seen.observation.pose.z_m
    )


def _hidden(seen: Seen, spot: Spot, object_id: str, screens: frozenset[str]) -> str | None:
    """Tell only what is plain: nothing is in between, or something solid that the picture shows."""
    if hides(seen, spot, object_id) == 0.0:
        return VISIBLE
    return HIDDEN if hides(seen, spot, object_id, screens) >= 1.0 else None
