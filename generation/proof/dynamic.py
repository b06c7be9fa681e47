"""Answers about movements and turns, from pixels."""

from __future__ import annotations

import math
import re

import numpy as np

from generation.proof.case import Case, Unclear
from generation.proof.picture import Floats
from generation.proof.registration import Movement, camera_movement, moved_points_m

SURE_TURN_RAD = math.radians(7)
SURE_WALK_M = 0.12
SURE_SHIFT_M = 0.08


def solve_ego_movement(case: Case) -> str:
    """Lay the two pictures over each other and say what the camera did."""
    found = camera_movement(*case.frames)
    words = [
        word
        for value, limit, positive, negative in (
            (found.forward_m, SURE_WALK_M, "forward", "backward"),
            (found.left_m, SURE_WALK_M, "sideways to the left", "sideways to the right"),
            (found.turn_left_rad, SURE_TURN_RAD, "rotated left", "rotated right"),
        )
        for word in ((positive if value > 0 else negative,) if abs(value) > limit else ())
    ]
    fitting = [option for option in case.options if _says(option) == set(words)]
    if len(fitting) != 1:
        raise Unclear(f"the camera {' and '.join(words) or 'stood still'}: {_numbers(found)}")
    return fitting[0]


def _says(option: str) -> set[str]:
    known = ("forward", "backward", "sideways to the left", "sideways to the right")
    return {word for word in (*known, "rotated left", "rotated right") if word in option}


def _numbers(found: Movement) -> str:
    turn = math.degrees(found.turn_left_rad)
    return f"turn left {turn:.0f}, forward {found.forward_m:.2f} m, left {found.left_m:.2f} m"


def solve_object_movement(case: Case) -> str:
    """Find what the camera did, take it out, and see what has another place."""
    camera = camera_movement(*case.frames)
    mentions = list(dict.fromkeys(mention.label for mention in case.mentions()))
    if not mentions:
        raise Unclear("no object is spoken of")
    shifts = {label: _shift_m(case, camera, label) for label in mentions}
    lengths = {label: float(np.linalg.norm(shift)) for label, shift in shifts.items()}
    moved = [label for label in mentions if lengths[label] > SURE_SHIFT_M]
    if not moved:
        return case.pick("did not move", "neither of them moved")
    if len(mentions) > 1:
        if len(moved) > 1:
            raise Unclear(f"both seem to move: {lengths}")
        named = {case.one(o): o for o in case.options if o.startswith("the ")}
        if moved[0] not in named:
            raise Unclear("what moved is not offered")
        return named[moved[0]]
    here = case.frames[0].middle_of(moved[0])[:2]
    away = here / np.linalg.norm(here)
    left = np.array([0.0, 1.0])
    axes = {"left": left, "right": -left, "towards": -away, "away": away}
    ways = [way for way in axes if any(re.search(rf"\b{way}\b", o) for o in case.options)]
    return case.pick(max(ways, key=lambda way: float(np.dot(shifts[moved[0]], axes[way]))))


def _shift_m(case: Case, camera: Movement, label: int) -> Floats:
    """Return the shift of an object on the level, shape (2,), along the first camera's axes."""
    before, after = case.frames
    if not (after.labels == label).any():
        raise Unclear("the object is not in the second picture")
    there = after.points_of(label)
    cos_turn, sin_turn = math.cos(camera.turn_left_rad), math.sin(camera.turn_left_rad)
    back = np.stack(
        [
            there[:, 0] * cos_turn - there[:, 1] * sin_turn + camera.forward_m,
            there[:, 0] * sin_turn + there[:, 1] * cos_turn + camera.left_m,
        ],
        axis=1,
    )
    here = before.points_of(label)[:, :2]
    return np.asarray(np.median(back, axis=0) - np.median(here, axis=0))


def solve_goal_aiming(case: Case) -> str:
    """Measure the angle to the object and take the option that comes nearest to it."""
    labels = {mention.label for mention in case.mentions()}
    if len(labels) != 1:
        raise Unclear(f"{len(labels)} objects are spoken of")
    bearing = _bearing_rad(case.frames[0].middle_of(labels.pop()))
    errors = {option: abs(_turn_left_rad(option) - bearing) for option in case.options}
    return min(errors, key=lambda option: errors[option])


def _bearing_rad(level_m: Floats) -> float:
    return math.atan2(float(level_m[1]), float(level_m[0]))


def _turn_left_rad(text: str) -> float:
    match = re.search(r"turn (left|right) by (?:about )?(\d+) degrees", text)
    if match is None:
        raise Unclear(f"no turn in {text!r}")
    return math.radians(int(match[2])) * (1 if match[1] == "left" else -1)


def solve_action_consequence(case: Case) -> str:
    """Foresee the outcome from the shown picture and look it up in the one taken afterwards."""
    labels = {mention.label for mention in case.mentions()}
    if len(labels) != 1:
        raise Unclear(f"{len(labels)} objects are spoken of")
    label = labels.pop()
    walk = re.search(r"walk ([\d.]+) m", case.text)
    turn_rad, walk_m = _turn_left_rad(case.text), float(walk[1]) if walk else 0.0
    here = case.frames[0].points_of(label)
    there = moved_points_m(here, Movement(turn_rad, 0.0, 0.0)) - (walk_m, 0.0, 0.0)
    if "closer to it" in case.options:
        change_m = np.median(np.linalg.norm(there, axis=1) - np.linalg.norm(here, axis=1))
        return case.pick("closer" if change_m < 0 else "farther")
    foreseen = _place_in_view(case, there)
    looked_up = _place_in_picture(case, label)
    if foreseen != looked_up:
        raise Unclear(f"foreseen {foreseen}, but afterwards {looked_up}")
    return case.pick(foreseen) if foreseen in " ".join(case.options) else case.pick("in view")


def _place_in_view(case: Case, level_m: Floats) -> str:
    picture = case.frames[0]
    rows_columns, _ = picture.pixels_of(level_m)
    height, width = picture.labels.shape
    with np.errstate(invalid="ignore"):
        inside = ((rows_columns >= 0) & (rows_columns < (height, width))).all(axis=1)
    if inside.mean() < 0.5:
        return "out of view"
    return "left" if np.median(rows_columns[inside, 1]) < width / 2 else "right"


def _place_in_picture(case: Case, label: int) -> str:
    after = case.hidden[0]
    columns = after.rows_columns(label)[1]
    if not len(columns):
        return "out of view"
    return "left" if np.median(columns) < after.labels.shape[1] / 2 else "right"
