"""What an action of the camera will do to an object, foreseen for every bearing of the object.

An expectation takes the object's bearing before the action and returns the outcome, or None where
it would be doubtful.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from generation.pose import Array, Pose
from generation.relations import (
    MIN_APPROACH_M,
    MIN_SIDE_BEARING_RAD,
    OUT_OF_VIEW_MARGIN_RAD,
    bearing_rad,
)
from generation.sight import Seen
from generation.views import Stage

LEFT, RIGHT = "on the left of my view", "on the right of my view"
IN_VIEW, OUT_OF_VIEW = "still in view", "out of view"
CLOSER, FARTHER = "closer to it", "farther away from it"


FIELD_OF_VIEW_DOUBT = (0.85, 1.0, 1.18)
"""People do not know the camera's field of view: the truth is the same if it were so scaled."""


@dataclass(frozen=True)
class Action:
    """Turn on the spot, then walk straight ahead."""

    turn_left_deg: float
    walk_m: float = 0.0

    def done_from(self, pose: Pose) -> Pose:
        """Return the pose after the action."""
        turned = pose.moved(turn_left_rad=math.radians(self.turn_left_deg))
        return turned.moved(forward_m=self.walk_m)

    def words(self) -> str:
        """Say the action in the first person."""
        side = "left" if self.turn_left_deg > 0 else "right"
        turn = f"turn {side} by {abs(self.turn_left_deg):g} degrees"
        return f"{turn} and then walk {self.walk_m:g} m straight ahead" if self.walk_m else turn


Expectation = Callable[[float], str | None]


def expect_in_view(
    stage: Stage, seen: Seen, object_id: str, action: Action, framed: Array
) -> Expectation:
    """After a turn an object is whole between the bearings that frame it, and gone far outside."""
    turn_rad = math.radians(action.turn_left_deg)
    limit = seen.observation.camera.fovx_rad / 2
    half_width_rad = max(limit - framed.max(), limit + framed.min())

    def at(bearing: float, scale: float) -> str | None:
        after = scale * bearing - turn_rad
        if scale * framed.min() <= after <= scale * framed.max():
            return IN_VIEW
        gone_rad = scale * (limit + half_width_rad) + OUT_OF_VIEW_MARGIN_RAD
        return OUT_OF_VIEW if abs(after) > gone_rad else None

    return lambda bearing: _agreed(at, bearing)


def _agreed(at: Callable[[float, float], str | None], bearing: float) -> str | None:
    """Return what is expected whatever field of view one takes the picture to have."""
    expected = {at(bearing, scale) for scale in FIELD_OF_VIEW_DOUBT}
    return expected.pop() if len(expected) == 1 else None


def expect_side(
    stage: Stage, seen: Seen, object_id: str, action: Action, framed: Array
) -> Expectation:
    turn_rad = math.radians(action.turn_left_deg)

    def at(bearing: float, scale: float) -> str | None:
        after = scale * bearing - turn_rad
        if not scale * framed.min() <= after <= scale * framed.max():
            return None
        if abs(after) < scale * MIN_SIDE_BEARING_RAD:
            return None
        return LEFT if after > 0 else RIGHT

    return lambda bearing: _agreed(at, bearing)


def expect_side_or_out(
    stage: Stage, seen: Seen, object_id: str, action: Action, framed: Array
) -> Expectation:
    side = expect_side(stage, seen, object_id, action, framed)
    view = expect_in_view(stage, seen, object_id, action, framed)
    return lambda bearing: OUT_OF_VIEW if view(bearing) == OUT_OF_VIEW else side(bearing)


def expect_distance(
    stage: Stage, seen: Seen, object_id: str, action: Action, framed: Array
) -> Expectation:
    pose, center_m = seen.observation.pose, seen.object(object_id).center_m
    now_rad = bearing_rad(pose, center_m)
    now_m = float(np.linalg.norm(center_m - pose.position_m))

    def expect(bearing: float) -> str | None:
        before = pose.moved(turn_left_rad=now_rad - bearing)
        after = action.done_from(before)
        change_m = float(np.linalg.norm(center_m - after.position_m)) - now_m
        if abs(change_m) < MIN_APPROACH_M or not stage.seems_free(before, after):
            return None
        return CLOSER if change_m < 0 else FARTHER

    return expect


EXPECTED: dict[str, Callable[[Stage, Seen, str, Action, Array], Expectation]] = {
    "side": expect_side,
    "view": expect_in_view,
    "side or view": expect_side_or_out,
    "distance": expect_distance,
}
"""By kind of outcome."""
