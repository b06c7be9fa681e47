"""What an action of mine does: an object's side, whether it stays in view, its distance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from generation.outcomes import (
    CLOSER,
    EXPECTED,
    FARTHER,
    IN_VIEW,
    LEFT,
    OUT_OF_VIEW,
    RIGHT,
    Action,
)
from generation.question import Question, Skip, make_question
from generation.refer import clear_objects, refer_to
from generation.relations import MIN_APPROACH_M, MIN_SIDE_BEARING_RAD, bearing_rad, is_clear
from generation.sight import Seen
from generation.views import Stage, fault, framed_bearings_rad

NAME = "action_consequence"

MIN_RECOGNISED = 3
SIDE_TURNS_DEG = (10, 15, 20)
SIDE_OR_VIEW_TURNS_DEG = (15, 20, 25)
VIEW_TURNS_DEG = (30, 35, 40, 45, 50, 55, 60)
WALK_TURNS_DEG = (75, 80, 85, 90)
WALKS_M = (0.6, 0.8, 1.0, 1.2, 1.5)
MIN_CHOICES = 3
"""Every truth must be possible at this many bearings of the object, a degree apart."""

ATTEMPTS_PER_KIND, ACTIONS_PER_OBJECT = 6, 4


@dataclass(frozen=True)
class Kind:
    """One thing that an action may change."""

    turns_deg: tuple[int, ...]
    walks_m: tuple[float, ...]
    options: tuple[str, ...]
    texts: tuple[str, ...]


KINDS: dict[str, Kind] = {
    "side": Kind(
        SIDE_TURNS_DEG,
        (0.0,),
        (LEFT, RIGHT),
        (
            "If I {action}, where will {x} be?",
            "Suppose I {action}. On which side of my view will {x} then be?",
        ),
    ),
    "view": Kind(
        VIEW_TURNS_DEG,
        (0.0,),
        (IN_VIEW, OUT_OF_VIEW),
        (
            "If I {action}, will {x} still be in view or not?",
            "Suppose I {action} on the spot. Will {x} then be in view?",
        ),
    ),
    "side or view": Kind(
        SIDE_OR_VIEW_TURNS_DEG,
        (0.0,),
        (LEFT, RIGHT, OUT_OF_VIEW),
        (
            "If I {action}, where will {x} be?",
            "Suppose I {action}. Where will {x} be then?",
        ),
    ),
    "distance": Kind(
        WALK_TURNS_DEG,
        WALKS_M,
        (CLOSER, FARTHER),
        (
            "If I {action}, will I be closer to {x} or farther away from it?",
            "Suppose I {action}. Will I be closer to {x} than now or farther away from it?",
        ),
    ),
}


@dataclass(frozen=True, eq=False)
class Outcome:
    """Views before and after an action that was really done."""

    before: Seen
    after: Seen
    object_id: str
    action: Action
    kind: str
    drawn: str


def sample(stage: Stage, rng: np.random.Generator) -> Iterator[Outcome | Skip]:
    """Draw an outcome, turn on the spot until an action leads to it, and do the action."""
    while stage.pool:
        name = list(KINDS)[rng.integers(len(KINDS))]
        drawn = KINDS[name].options[rng.integers(len(KINDS[name].options))]
        for _ in range(ATTEMPTS_PER_KIND):
            outcome = _carry_out(stage, name, drawn, rng)
            yield outcome
            if isinstance(outcome, Outcome):
                break


def _carry_out(stage: Stage, name: str, drawn: str, rng: np.random.Generator) -> Outcome | Skip:
    seen = stage.pool[rng.integers(len(stage.pool))]
    clear = clear_objects(seen)
    if not clear:
        return Skip(NAME, "nothing clear to ask about")
    object_id = clear[rng.integers(len(clear))]
    action, choices = _draw_action(stage, seen, object_id, name, rng)
    if min(len(bearings) for bearings in choices.values()) < MIN_CHOICES:
        return Skip(NAME, f"not every outcome is possible: {name}")
    before = stage.turned(seen, float(rng.choice(choices[drawn])), object_id)
    reason = fault(before, MIN_RECOGNISED)
    if reason is not None:
        return Skip(NAME, reason)
    end = action.done_from(before.observation.pose)
    if not stage.is_path_free(before.observation.pose, end):
        return Skip(NAME, "the way is blocked")
    after = stage.look(end)
    return Outcome(before, after, object_id, action, name, drawn)


def _draw_action(
    stage: Stage, seen: Seen, object_id: str, name: str, rng: np.random.Generator
) -> tuple[Action, dict[str, list[float]]]:
    """Draw actions until every outcome of one is possible, or the last one."""
    kind = KINDS[name]
    for _ in range(ACTIONS_PER_OBJECT):
        turn_deg = int(rng.choice(kind.turns_deg)) * int(rng.choice((-1, 1)))
        action = Action(turn_deg, float(rng.choice(kind.walks_m)))
        choices = _choices_rad(stage, seen, object_id, name, action)
        if min(len(bearings) for bearings in choices.values()) >= MIN_CHOICES:
            break
    return action, choices


def _choices_rad(
    stage: Stage, seen: Seen, object_id: str, name: str, action: Action
) -> dict[str, list[float]]:
    """Return the bearings of the object, before the action, that lead to each outcome."""
    framed = framed_bearings_rad(seen, object_id)
    choices: dict[str, list[float]] = {option: [] for option in KINDS[name].options}
    if len(framed):
        expected = EXPECTED[name](stage, seen, object_id, action, framed)
        for bearing in framed.tolist():
            outcome = expected(bearing)
            if outcome is not None:
                choices[outcome].append(bearing)
    return choices


def ask(outcome: Outcome, rng: np.random.Generator) -> Iterator[Question | Skip]:
    """Ask for the outcome; its truth is the state after really doing the action."""
    before, after, object_id = outcome.before, outcome.after, outcome.object_id
    reference = refer_to(before, object_id, rng)
    if reference is None:
        yield Skip(NAME, "the object is not clear before the action")
        return
    truth = _truth(outcome)
    if truth is None or truth != outcome.drawn:
        yield Skip(NAME, "no margin after the action")
        return
    kind = KINDS[outcome.kind]
    template = kind.texts[rng.integers(len(kind.texts))]
    sight = after.sights.get(object_id)
    center_m = before.object(object_id).center_m
    yield make_question(
        NAME,
        template.format(action=outcome.action.words(), x=reference.phrase),
        truth,
        [option for option in kind.options if option != truth],
        [before.observation],
        rng,
        marks=reference.marks,
        hidden_frames=[after.observation],
        evidence={
            "kind": outcome.kind,
            "objects": {"target": object_id},
            "turn_left_deg": outcome.action.turn_left_deg,
            "walk_m": outcome.action.walk_m,
            "bearing_left_deg": {
                "before": math.degrees(bearing_rad(before.observation.pose, center_m)),
                "after": math.degrees(bearing_rad(after.observation.pose, center_m)),
            },
            "distance_m": {
                "before": _distance_m(before, object_id),
                "after": _distance_m(after, object_id),
            },
            "pixels_after": sight.pixels if sight else 0,
        },
        topic=f"{outcome.kind}:{object_id}",
    )


def _distance_m(seen: Seen, object_id: str) -> float:
    center_m = seen.object(object_id).center_m
    return float(np.linalg.norm(center_m - seen.observation.pose.position_m))


def _truth(outcome: Outcome) -> str | None:
    after, object_id = outcome.after, outcome.object_id
    if outcome.kind == "distance":
        change_m = _distance_m(after, object_id) - _distance_m(outcome.before, object_id)
        if abs(change_m) < MIN_APPROACH_M:
            return None
        return CLOSER if change_m < 0 else FARTHER
    sight = after.sights.get(object_id)
    if sight is None:
        return OUT_OF_VIEW
    if not is_clear(sight):
        return None
    if outcome.kind == "view":
        return IN_VIEW
    bearing = bearing_rad(after.observation.pose, sight.center_m)
    if abs(bearing) < MIN_SIDE_BEARING_RAD:
        return None
    return LEFT if bearing > 0 else RIGHT
