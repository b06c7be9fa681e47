"""Which way to turn, and about how far, to face an object in view."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from generation.pose import Array
from generation.question import Question, Skip, make_question
from generation.refer import clear_objects, refer_to
from generation.relations import MAX_CENTER_DOUBT_RAD, bearing_rad
from generation.sight import Seen
from generation.views import Stage, fault, framed_bearings_rad

NAME = "goal_aiming"

ANGLES_DEG = ((10, 25), (10, 30), (15, 30))
"""So far apart that nobody needs to know the camera's field of view to tell them apart."""
JITTER_DEG = 1.5
MAX_ERROR_DEG = 4.0
"""The angle in the picture is this close to the one of the right option."""
MIN_RECOGNISED = 3
ATTEMPTS_PER_PLAN = 8

TEXTS_SIDE = (
    "Which way should I turn to face {x}?",
    "I want to walk straight towards {x}. Which way do I have to turn first?",
    "To look directly at {x}, which turn do I need to make?",
)
TEXTS_ANGLE = (
    "Which way, and by about how many degrees, should I turn to face {x}?",
    "I want to walk straight towards {x}. How do I have to turn first?",
    "To look directly at {x}, about how far do I need to turn, and to which side?",
)


@dataclass(frozen=True, eq=False)
class Goal:
    """A view with an object at one of several bearings."""

    seen: Seen
    object_id: str
    options_deg: tuple[int, ...]
    """Bearings that are offered, left positive."""
    target_deg: int
    """The one that was drawn to be right."""


def sample(stage: Stage, rng: np.random.Generator) -> Iterator[Goal | Skip]:
    """Draw the options and the right one, and turn on the spot until an object is there."""
    while stage.pool:
        options = _draw_options(rng)
        target = options[rng.integers(len(options))]
        for _ in range(ATTEMPTS_PER_PLAN):
            goal = _carry_out(stage, options, target, rng)
            yield goal
            if isinstance(goal, Goal):
                break


def _carry_out(
    stage: Stage, options: tuple[int, ...], target: int, rng: np.random.Generator
) -> Goal | Skip:
    seen = stage.pool[rng.integers(len(stage.pool))]
    clear = clear_objects(seen)
    if not clear:
        return Skip(NAME, "nothing clear to face")
    object_id = clear[rng.integers(len(clear))]
    if not _all_framed(framed_bearings_rad(seen, object_id), options):
        return Skip(NAME, "the object would be cut at one of the angles")
    bearing = math.radians(target + rng.uniform(-JITTER_DEG, JITTER_DEG))
    turned = stage.turned(seen, bearing, object_id)
    reason = fault(turned, MIN_RECOGNISED)
    return Skip(NAME, reason) if reason else Goal(turned, object_id, options, target)


def _draw_options(rng: np.random.Generator) -> tuple[int, ...]:
    near, far = ANGLES_DEG[rng.integers(len(ANGLES_DEG))]
    side = 1 if rng.random() < 0.5 else -1
    one = near if rng.random() < 0.5 else far
    sets = ((one, -one), (side * near, side * far), (near, far, -near, -far))
    return sets[rng.integers(len(sets))]


def _all_framed(framed_rad: Array, options_deg: tuple[int, ...]) -> bool:
    """Say whether the object could be whole at every option, so that none is told by its size."""
    reach = math.radians(JITTER_DEG)
    return bool(len(framed_rad)) and all(
        np.abs(framed_rad - math.radians(option) - sign * reach).min() < math.radians(1)
        for option in options_deg
        for sign in (1, -1)
    )


def _words(option_deg: int) -> str:
    return f"turn {'left' if option_deg > 0 else 'right'} by about {abs(option_deg)} degrees"


def ask(goal: Goal, rng: np.random.Generator) -> Iterator[Question | Skip]:
    """Ask for the turn; its truth is where the picture shows the object."""
    seen = goal.seen
    reference = refer_to(seen, goal.object_id, rng)
    if reference is None:
        yield Skip(NAME, "the object is not clear after turning")
        return
    pose, sight = seen.observation.pose, seen.sights[goal.object_id]
    shown_rad = bearing_rad(pose, sight.center_m)
    if abs(shown_rad - bearing_rad(pose, seen.object(goal.object_id).center_m)) > (
        MAX_CENTER_DOUBT_RAD
    ):
        yield Skip(NAME, "the middle of the object is in doubt")
        return
    errors_deg = {option: abs(math.degrees(shown_rad) - option) for option in goal.options_deg}
    truth = min(errors_deg, key=lambda option: errors_deg[option])
    if errors_deg[truth] > MAX_ERROR_DEG:
        yield Skip(NAME, "no option fits")
        return
    only_sides = len({abs(option) for option in goal.options_deg}) == 1
    texts = TEXTS_SIDE if only_sides else TEXTS_ANGLE
    yield make_question(
        NAME,
        texts[rng.integers(len(texts))].format(x=reference.phrase),
        _words(truth),
        [_words(option) for option in goal.options_deg if option != truth],
        [seen.observation],
        rng,
        marks=reference.marks,
        evidence={
            "kind": "turn",
            "objects": {"goal": goal.object_id},
            "bearing_left_deg": math.degrees(shown_rad),
            "options_left_deg": list(goal.options_deg),
            "pixels": sight.pixels,
            "center_px": list(sight.center_px),
        },
        topic=goal.object_id,
    )
