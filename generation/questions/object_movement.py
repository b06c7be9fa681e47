"""Which object moved between two frames, and which way, whether the camera moved or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import combinations, count

import numpy as np

from generation.overlap import overlap
from generation.question import Question, Skip, make_question
from generation.refer import Reference, mark_objects, markable_objects, refer_to
from generation.relations import is_clear, is_recognised
from generation.sight import Seen
from generation.views import Stage, fault
from generation.visible_moves import (
    DIRECTIONS,
    Shift,
    could_shift,
    is_plain_shift,
    movable_objects,
    second_view,
    shift_object,
    views_with_movables,
)

NAME = "object_movement"

CAMERA_MOVES_SHARE = 0.75
"""Of the shifts that can be told even so, about half of all."""
MIN_SHARED_SHARE = 0.5
MIN_RECOGNISED = 3
ATTEMPTS_PER_PLAN = 8
MIN_STILL_OBJECTS = 2
"""Things that stay give the eye a hold when the camera moves."""

NOTHING = "it did not move"
NO_OBJECT = "neither of them moved"
WAYS = {
    "left": "to the left",
    "right": "to the right",
    "towards": "towards the camera",
    "away": "away from the camera",
}
STILL = "still"
WHICH_SET = ("object", "rival", STILL)
"""Asks which of two marked objects was moved; whichever it was is called the object."""
OPTION_SETS: tuple[tuple[str, ...], ...] = (
    ("left", "right"),
    ("towards", "away"),
    ("left", "right", STILL),
    ("towards", "away", STILL),
    ("left", "right", "towards", "away"),
    WHICH_SET,
    WHICH_SET,
)

INTRODUCTION = (
    "The second image was taken a little later than the first, and the camera may have moved too."
)
WHICH_WAY = (
    "Seen from where the first image was taken, which way did {x} move?",
    "In which direction did {x} move, as seen in the first image?",
    "Going by the view of the first image, how did {x} move?",
)
WHICH = (
    "Which object of the first image was moved: {p} or {q}?",
    "One of the marked objects may have been moved. Which one: {p} or {q}?",
    "Did {p} or {q} change its place in the room?",
)


@dataclass(frozen=True, eq=False)
class Move:
    """Two frames, and what was drawn to have moved in between."""

    first: Seen
    second: Seen
    object_id: str
    """The object that was moved, or could have been."""
    rival_id: str | None
    """Another object that is asked about beside it, or None where the direction is asked."""
    options: tuple[str, ...]
    drawn: str
    """One of the options: STILL where the object was left alone."""
    camera_moves: bool


@dataclass(frozen=True)
class Shifts:
    """What can be moved; each takes the first view, an object and a direction."""

    could: Callable[[Seen, str, str], bool]
    done: Callable[[Seen, str, str], Shift | None]


def sample(stage: Stage, rng: np.random.Generator) -> Iterator[Move | Skip]:
    """Draw what is asked and what comes true, and then look for an object that can do it."""
    views = views_with_movables(stage, rng)
    # Moving things and looking at them is dear, and there are few things.
    shifts = Shifts(cache(partial(could_shift, stage)), cache(partial(shift_object, stage)))
    for plan in count():
        if not views:
            yield Skip(NAME, "nothing in the scene can be moved in a clear view")
            return
        options = OPTION_SETS[rng.integers(len(OPTION_SETS))]
        drawn = options[rng.integers(len(options))]
        for attempt in range(ATTEMPTS_PER_PLAN):
            first = views[(plan + attempt) % len(views)]
            move = _carry_out(stage, first, options, drawn, shifts, rng)
            yield move
            if isinstance(move, Move):
                break


def _carry_out(
    stage: Stage,
    first: Seen,
    options: tuple[str, ...],
    drawn: str,
    shifts: Shifts,
    rng: np.random.Generator,
) -> Move | Skip:
    asks_which = options == WHICH_SET
    candidates = _candidates(first, asks_which)
    if not candidates:
        return Skip(NAME, "no clear object that can be moved")
    object_id, rival_id = candidates[rng.integers(len(candidates))]
    shift = _any_of_all(shifts, first, object_id, options, drawn, rng)
    if shift is None:
        return Skip(NAME, "it cannot be moved visibly in every direction that is offered")
    camera_moves = bool(rng.random() < CAMERA_MOVES_SHARE) and is_plain_shift(first, shift)
    second = second_view(stage, first, None if drawn == STILL else shift, camera_moves, rng)
    reason = _fault(first, second, object_id, rival_id)
    if reason is not None:
        return Skip(NAME, reason)
    return Move(first, second, object_id, rival_id, options, drawn, camera_moves)


def _any_of_all(
    shifts: Shifts,
    first: Seen,
    object_id: str,
    options: tuple[str, ...],
    drawn: str,
    rng: np.random.Generator,
) -> Shift | None:
    """Return the shift that was drawn if the object could go every way that is offered.

    Else what stands at a wall would only ever come towards the camera, and its name would tell.
    Where nothing is to move, some shift must be possible all the same.
    """
    ways = [option for option in options if option in DIRECTIONS]
    if options == WHICH_SET:
        ways = [("left", "right")[rng.integers(2)]]
    if not all(shifts.could(first, object_id, way) for way in ways):
        return None
    return shifts.done(first, object_id, drawn if drawn in ways else ways[0])


def _candidates(first: Seen, asks_which: bool) -> list[tuple[str, str | None]]:
    """Return pairs of an object to move and one to confuse it with, or single objects."""
    movable = movable_objects(first)
    if not asks_which:
        return [(key, None) for key in movable]
    markable = [key for key in markable_objects(first) if key in movable]
    pairs = list(combinations(markable, 2))
    return [*pairs, *((second, first_id) for first_id, second in pairs)]


def _fault(first: Seen, second: Seen, object_id: str, rival_id: str | None) -> str | None:
    for key in (object_id, rival_id):
        if key is not None and not (key in second.sights and is_clear(second.sights[key])):
            return "the object is not clear in the second frame"
    still = [
        key
        for key, sight in first.sights.items()
        if key != object_id
        and is_recognised(sight)
        and key in second.sights
        and is_recognised(second.sights[key])
    ]
    if len(still) < MIN_STILL_OBJECTS:
        return "too little stays in view"
    if overlap(first.observation, second.observation).shared_share < MIN_SHARED_SHARE:
        return "the frames share too little"
    return fault(second, MIN_RECOGNISED)


def ask(move: Move, rng: np.random.Generator) -> Iterator[Question | Skip]:
    """Ask which object moved, or which way; its truth is where the object stands."""
    moved_m = (
        move.second.object(move.object_id).center_m - move.first.object(move.object_id).center_m
    )
    truth = move.drawn
    if (float(np.linalg.norm(moved_m)) < 0.01) != (truth == STILL):
        yield Skip(NAME, "the movement is not what was drawn")
    elif move.rival_id is None:
        yield _ask_way(move, truth, moved_m.tolist(), rng)
    else:
        yield _ask_which(move, move.rival_id, truth, moved_m.tolist(), rng)


def _ask_way(
    move: Move, truth: str, moved_m: list[float], rng: np.random.Generator
) -> Question | Skip:
    reference = refer_to(move.first, move.object_id, rng)
    if reference is None:
        return Skip(NAME, "no unique name and too small for a mark")
    words = {**WAYS, STILL: NOTHING}
    return _make(
        move,
        WHICH_WAY[rng.integers(len(WHICH_WAY))].format(x=reference.phrase),
        [words[truth], *(words[option] for option in move.options if option != truth)],
        reference,
        {"kind": "way", "objects": {"moved": move.object_id}, "way": truth, "moved_m": moved_m},
        rng,
    )


def _ask_which(
    move: Move, rival_id: str, truth: str, moved_m: list[float], rng: np.random.Generator
) -> Question | Skip:
    pair = (move.object_id, rival_id)
    marked = mark_objects(move.first, pair, rng)
    if marked is None:
        return Skip(NAME, "marks would touch")
    first, second = pair if rng.random() < 0.5 else pair[::-1]
    text = WHICH[rng.integers(len(WHICH))].format(p=marked.phrase(first), q=marked.phrase(second))
    answer = NO_OBJECT if truth == STILL else marked.phrase(move.object_id)
    options = [marked.phrase(first), marked.phrase(second), NO_OBJECT]
    return _make(
        move,
        text,
        [answer, *(option for option in options if option != answer)],
        Reference("", marked.marks),
        {
            "kind": "which",
            "objects": {"moved": move.object_id, "rival": rival_id},
            "phrases": {key: marked.phrase(key) for key in pair},
            "way": STILL if truth == STILL else "moved",
            "moved_m": moved_m,
        },
        rng,
    )


def _make(
    move: Move,
    text: str,
    options: list[str],
    reference: Reference,
    evidence: dict[str, object],
    rng: np.random.Generator,
) -> Question:
    return make_question(
        NAME,
        f"{INTRODUCTION} {text}",
        options[0],
        options[1:],
        [move.first.observation, move.second.observation],
        rng,
        marks=reference.marks,
        evidence={**evidence, "camera_moves": move.camera_moves},
        topic=f"{move.object_id}:{'|'.join(move.options)}",
    )
