"""Toy scenes and what they are asked, made once per test run; and their mirror images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, singledispatch
from typing import Any

import numpy as np
from toy_engine import ToyEngine, ToySession, toy_camera

from generation.engines import EngineConfig
from generation.outcomes import Action
from generation.question import Question, Skip
from generation.questions import QUESTION_TYPES
from generation.questions.action_consequence import Outcome
from generation.questions.ego_movement import CameraMove
from generation.questions.goal_aiming import Goal
from generation.questions.object_movement import Move
from generation.questions.perspective import Elsewhere
from generation.sampling import SceneQuestions, ask_scene
from generation.scene import Observation, SceneKey, SceneState
from generation.sight import Seen, see
from generation.spots import Spot
from generation.views import Stage, open_stage

SIZE_PX = 128
SCENES = 8
PER_SCENE = 18


def open_toy(index: int, mirrored: bool = False, size_px: int = SIZE_PX) -> ToySession:
    """Load a toy scene."""
    engine = ToyEngine(EngineConfig(toy_camera(size_px)), mirrored)
    return engine.load(SceneKey("train", index, 5))


@dataclass(frozen=True)
class Asked:
    """A scene and what it was asked."""

    index: int
    session: ToySession
    result: SceneQuestions


@cache
def asked_scenes() -> tuple[Asked, ...]:
    """Ask a dozen scenes about everything."""
    scenes = []
    for index in range(SCENES):
        session = open_toy(index)
        rng = np.random.default_rng(index)
        scenes.append(
            Asked(index, session, ask_scene(session, list(QUESTION_TYPES), PER_SCENE, rng))
        )
    return tuple(scenes)


def all_questions(question_type: str | None = None) -> list[Question]:
    """Return the questions of all scenes."""
    return [
        question
        for scene in asked_scenes()
        for question in scene.result.questions
        if question_type in (None, question.question_type)
    ]


@cache
def stage_of(index: int) -> Stage:
    """Look around a toy scene."""
    return open_stage(open_toy(index), np.random.default_rng(index))


@cache
def views_of(question_type: str, scenes: int = 5, per_scene: int = 2) -> tuple[Any, ...]:
    """Return views of a type that give questions, as its sampler finds them."""
    kind = QUESTION_TYPES[question_type]
    found = []
    for index in range(scenes):
        rng, kept = np.random.default_rng(index), 0
        for number, view in enumerate(kind.sample(stage_of(index), rng)):
            if kept == per_scene or number == 60:
                break
            if not isinstance(view, Skip) and questions_of(question_type, view, 0):
                found.append(view)
                kept += 1
    return tuple(found)


def questions_of(question_type: str, view: Any, seed: int) -> list[Question]:
    """Ask about a view."""
    asked = QUESTION_TYPES[question_type].ask(view, np.random.default_rng(seed))
    return [item for item in asked if isinstance(item, Question)]


def swap_sides(text: str) -> str:
    """Swap left and right in a text."""
    return text.replace("left", "<").replace("right", "left").replace("<", "right")


def mirrored_session(observation: Observation) -> ToySession:
    """Return the mirror image of the toy scene that an observation shows."""
    for index in range(SCENES):
        session = open_toy(index, mirrored=True)
        if list(session.objects()) == list(observation.objects) and all(
            np.allclose(item.size_m, observation.objects[key].size_m)
            for key, item in session.objects().items()
        ):
            return session
    raise AssertionError("not a toy scene")


@singledispatch
def mirror(view: object) -> Any:
    """Return what is seen of the mirror image of a scene."""
    raise TypeError(type(view))


@mirror.register
def _(seen: Seen) -> Seen:
    session, observation = mirrored_session(seen.observation), seen.observation
    poses = {key: (p[0], -p[1], *p[2:]) for key, p in observation.state.poses.items()}
    session.restore(SceneState(poses))
    pose = replace(observation.pose, y_m=-observation.pose.y_m, yaw_rad=-observation.pose.yaw_rad)
    return see(session.observe(pose))


@mirror.register
def _(move: CameraMove) -> CameraMove:
    return CameraMove(
        mirror(move.first),
        mirror(move.second),
        tuple(swap_sides(option) for option in move.options),
        swap_sides(move.drawn),
        move.moved_object,
    )


@mirror.register
def _(move: Move) -> Move:
    options = tuple(swap_sides(option) for option in move.options)
    return replace(
        move,
        first=mirror(move.first),
        second=mirror(move.second),
        options=options,
        drawn=swap_sides(move.drawn),
    )


@mirror.register
def _(goal: Goal) -> Goal:
    options = tuple(-option for option in goal.options_deg)
    return Goal(mirror(goal.seen), goal.object_id, options, -goal.target_deg)


@mirror.register
def _(outcome: Outcome) -> Outcome:
    return replace(
        outcome,
        before=mirror(outcome.before),
        after=mirror(outcome.after),
        action=Action(-outcome.action.turn_left_deg, outcome.action.walk_m),
        drawn=swap_sides(outcome.drawn),
    )


@mirror.register
def _(elsewhere: Elsewhere) -> Elsewhere:
    x_m, y_m, z_m = elsewhere.spot.point_m
    u, v = elsewhere.spot.pixel
    return replace(
        elsewhere,
        seen=mirror(elsewhere.seen),
        spot=Spot(np.array([x_m, -y_m, z_m]), (SIZE_PX - u, v)),
        from_spot=tuple(mirror(view) for view in elsewhere.from_spot),
        drawn=swap_sides(elsewhere.drawn),
    )
