"""How the camera moved between two frames."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import count

import numpy as np

from generation.overlap import overlap, recognised_in_both
from generation.pose import Pose, wrap_rad
from generation.question import Question, Skip, make_question
from generation.scene import Observation
from generation.sight import Seen
from generation.views import Stage, fault
from generation.visible_moves import Shift, find_shift
from sat_tasks.movements import MOVEMENTS, STILL, name_movement

NAME = "ego_movement"

TURN_DEG = (20.0, 60.0)
FORWARD_M = (0.2, 1.0)
SIDE_M = (0.3, 1.0)
MIN_SHARED_SHARE = 0.25
MIN_SHIFT_SHARE = 0.05
MIN_SHARED_OBJECTS = 2
ATTEMPTS_PER_PLAN = 6

OPTION_SETS: tuple[tuple[str, ...], ...] = (
    ("rotated left", "rotated right"),
    ("moved sideways to the left", "moved sideways to the right"),
    ("moved forward and rotated left", "moved forward and rotated right"),
    ("moved forward", "moved backward"),
    ("rotated left", "moved forward"),
    ("rotated right", "moved forward"),
    ("moved forward", STILL),
    ("rotated left", STILL),
    ("rotated right", STILL),
    ("rotated left", "rotated right", "moved forward"),
    ("rotated left", "rotated right", "moved forward", STILL),
    ("moved sideways to the left", "moved sideways to the right", "moved forward", STILL),
)
"""Turning and stepping to the same side never meet: they look alike in small pictures."""

INTRODUCTIONS = (
    "The first image is the beginning of a video and the second image is its end.",
    "The first image was taken at the start of a short video, the second image at its end.",
    "Two frames of a video are shown: its first frame, then its last.",
)
TEXTS = (
    "How did the camera move?",
    "What did the camera do in between?",
    "Which movement of the camera fits the change?",
)


@dataclass(frozen=True, eq=False)
class CameraMove:
    """Two frames of a camera that did what was drawn."""

    first: Seen
    second: Seen
    options: tuple[str, ...]
    drawn: str
    moved_object: str | None
    """An object that was moved in between."""


def sample(stage: Stage, rng: np.random.Generator) -> Iterator[CameraMove | Skip]:
    """Draw the options, then which of them comes true, and then look for a place to do it."""
    for plan in count():
        if not stage.pool:
            return
        options = OPTION_SETS[rng.integers(len(OPTION_SETS))]
        drawn = options[rng.integers(len(options))]
        for attempt in range(ATTEMPTS_PER_PLAN):
            # The preferred views first: their colours are rendered anyway.
            first = stage.pool[(plan + attempt) % len(stage.pool)]
            move = _carry_out(stage, first, options, drawn, rng)
            yield move
            if not isinstance(move, Skip):
                break


def _carry_out(
    stage: Stage, first: Seen, options: tuple[str, ...], drawn: str, rng: np.random.Generator
) -> CameraMove | Skip:
    shift: Shift | None = None
    if STILL in options:
        # Something moves whether the camera does or not, so that it tells nothing.
        shift = find_shift(stage, first, rng)
        if shift is None:
            return Skip(NAME, "nothing can be moved visibly")
    pose = draw_pose(first.observation.pose, drawn, rng)
    if not stage.is_path_free(first.observation.pose, pose):
        return Skip(NAME, "the way is blocked")
    with stage.shifted(shift.item, shift.offset_m) if shift else nullcontext(True) as could:
        second = stage.look(pose)
    if not could:
        return Skip(NAME, "nothing can be moved visibly")
    reason = _fault(first, second, moves=drawn != STILL)
    if reason is not None:
        return Skip(NAME, reason)
    return CameraMove(first, second, options, drawn, shift.item.object_id if shift else None)


def draw_pose(start: Pose, movement: str, rng: np.random.Generator) -> Pose:
    """Return a pose after one of MOVEMENTS, as far as is drawn."""
    turn, forward, left = MOVEMENTS[movement]
    return start.moved(
        forward_m=forward * float(rng.uniform(*FORWARD_M)),
        left_m=left * float(rng.uniform(*SIDE_M)),
        turn_left_rad=turn * math.radians(float(rng.uniform(*TURN_DEG))),
    )


def _fault(first: Seen, second: Seen, *, moves: bool) -> str | None:
    if moves:
        common = overlap(first.observation, second.observation)
        if common.shared_share < MIN_SHARED_SHARE:
            return "the frames share too little"
        if common.shift_share < MIN_SHIFT_SHARE:
            return "the movement is too small to see"
    if len(recognised_in_both(first, second)) < MIN_SHARED_OBJECTS:
        return "the frames share too few objects"
    return fault(second, min_recognised=MIN_SHARED_OBJECTS + 1)


def measured(first: Observation, second: Observation) -> Mapping[str, float]:
    """Return the turn and the walk between two frames, along the first heading."""
    offset_m = second.pose.position_m - first.pose.position_m
    return {
        "turn_left_deg": math.degrees(wrap_rad(second.pose.yaw_rad - first.pose.yaw_rad)),
        "forward_m": float(
            offset_m[0] * math.cos(first.pose.yaw_rad) + offset_m[1] * math.sin(first.pose.yaw_rad)
        ),
        "left_m": float(-offset_m @ first.pose.right),
    }


def ask(move: CameraMove, rng: np.random.Generator) -> Iterator[Question | Skip]:
    """Ask for the movement; its truth is where the two cameras stand."""
    first, second = move.first.observation, move.second.observation
    measures = measured(first, second)
    truth = name_movement(**measures)
    if truth not in move.options:
        yield Skip(NAME, "the movement is not what was drawn")
        return
    common = overlap(first, second)
    introduction = INTRODUCTIONS[rng.integers(len(INTRODUCTIONS))]
    yield make_question(
        NAME,
        f"{introduction} {TEXTS[rng.integers(len(TEXTS))]}",
        truth,
        [option for option in move.options if option != truth],
        [first, second],
        rng,
        evidence={
            "kind": "|".join(sorted(move.options)),
            "objects": {"moved": move.moved_object} if move.moved_object else {},
            **measures,
            "shared_share": common.shared_share,
            "shift_share": common.shift_share,
        },
        topic=truth,
    )
