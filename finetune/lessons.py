"""Short conversations about pairs of pictures, for a model that starts from nothing.

They ask for what a spatial question rests on: where things are, how far, what lies between two
views. Several turns about one picture teach more than one question would, and their truth comes
from the engine like that of all questions. Relations are asked only beyond the margins below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from finetune.pairs import Pair, Thing, mirrored
from sat_tasks.movements import MOVEMENTS, name_movement
from sat_tasks.prompt import build_prompt, reply_text

MAX_PLACES = 3
MAX_CHOICES = 4
MAX_THINGS_COMPARED = 6
MIN_SIDE_GAP = 0.1
"""Share of the picture's width or height."""
MIN_RATIO = 1.25
MIN_GAP_M = 0.4
MARKED_SHARE, MIRRORED_SHARE = 0.5, 0.5

Named = tuple[Thing, str]
"""A thing, and what it is called."""


class Turn(NamedTuple):
    """A question and its reply."""

    kind: str
    """``place``, one of COMPARISONS, or of a movement: ``movement``, ``turn``, ``step``."""
    question: str
    reply: str


@dataclass(frozen=True, eq=False)
class Lesson:
    """A conversation about pictures, and where what it is about can be seen."""

    messages: list[dict[str, Any]]
    images: list[Image.Image]
    pair: Pair | None
    """As it is shown: mirrored or not; None where it is about something else."""
    places: dict[str, tuple[float, float]]
    """Where things of which is spoken are, by what they are called: shares of the first picture
    (u, v)."""
    are_all_placed: bool = True
    """Whether all things of which is spoken have places."""
    kinds: tuple[str, ...] = ()
    """Of its turns; empty where it is no lesson."""


def lesson(pair: Pair, picture_count: int, rng: np.random.Generator) -> Lesson:
    """Return a conversation.

    Args:
        pair: What it is about.
        picture_count: 1: where the things of the first view are, some of which must have names or
            marks. 2: how the camera moved.
        rng: Draws what is asked.
    """
    # Marks cannot be mirrored: what has no names is shown as it is.
    may_mirror = picture_count == 2 or any(thing.name for thing in pair.things)
    pair = mirrored(pair) if rng.random() < MIRRORED_SHARE and may_mirror else pair
    places: dict[str, tuple[float, float]] = {}
    if picture_count == 2:
        pictures, turns = _about_movement(pair, rng)
    else:
        pictures, turns, places = _about_things(pair, rng)
    first = ["Image 1:", None, "Image 2:", None] if picture_count == 2 else [None]
    opening = [{"type": "image"} if text is None else _text(text) for text in first]
    messages = []
    for number, (_, question, reply) in enumerate(turns):
        content = [*(opening if number == 0 else []), _text(question)]
        messages.append({"role": "user", "content": content})
        messages.append({"role": "assistant", "content": [_text(reply)]})
    return Lesson(messages, pictures, pair, places, kinds=tuple(turn.kind for turn in turns))


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _about_things(
    pair: Pair, rng: np.random.Generator
) -> tuple[list[Image.Image], list[Turn], dict[str, tuple[float, float]]]:
    has_marks = any(thing.mark for thing in pair.things)
    has_names = any(thing.name for thing in pair.things)
    is_marked = has_marks and (rng.random() < MARKED_SHARE or not has_names)
    named = [(thing, phrase) for thing in pair.things if (phrase := _phrase(thing, is_marked, rng))]
    named = [named[i] for i in rng.permutation(len(named))]
    # Choices come first: places in the words before them would tell without a look.
    turns = _choices(pair, named[:MAX_THINGS_COMPARED], rng)
    turns += [_place(*item) for item in named[:MAX_PLACES]]
    picture = pair.marked if is_marked else pair.first
    return [picture], turns, {phrase: (thing.u, thing.v) for thing, phrase in named}


def _phrase(thing: Thing, is_marked: bool, rng: np.random.Generator) -> str | None:
    if is_marked and thing.mark and (thing.name is None or rng.random() < 0.7):
        noun = "object" if rng.random() < 0.7 else thing.category
        return f"the {noun} marked {thing.mark}"
    return None if thing.name is None else f"the {thing.name}"


def _place(thing: Thing, phrase: str) -> Turn:
    """Ask for tenths of the picture from the left and from the top, and metres."""
    column, row = (min(int(10 * share), 9) for share in (thing.u, thing.v))
    return Turn("place", f"Where is {phrase}?", f"{column} {row} {thing.distance_m:.1f}")


def _choices(pair: Pair, named: Sequence[Named], rng: np.random.Generator) -> list[Turn]:
    """Return some comparisons, of whatever kinds there are, each kind as likely as its weight."""
    kinds = {
        kind: [turn for few in permutations(named, count) if (turn := make(pair, rng, *few))]
        for kind, (count, make) in COMPARISONS.items()
    }
    turns: list[Turn] = []
    while len(turns) < MAX_CHOICES and any(kinds.values()):
        left = [kind for kind, found in kinds.items() if found]
        weights = np.array([WEIGHTS[kind] for kind in left])
        found = kinds[left[int(rng.choice(len(left), p=weights / weights.sum()))]]
        turns.append(found.pop(int(rng.integers(len(found)))))
    return turns


def _side(pair: Pair, rng: np.random.Generator, one: Named, other: Named) -> Turn | None:
    if abs(one[0].u - other[0].u) < MIN_SIDE_GAP:
        return None
    asks_left = bool(rng.random() < 0.5)
    side = "left" if asks_left else "right"
    is_left = one[0].u < other[0].u
    if rng.random() < 0.5:
        words = ("yes", "no") if is_left == asks_left else ("no", "yes")
        question = f"Is {one[1]} to the {side} of {other[1]}?"
    else:
        words = ("left", "right") if is_left else ("right", "left")
        question = f"On which side of {other[1]} is {one[1]}?"
    return _choice("side", question, words[0], [words[1]], rng)


def _depth(pair: Pair, rng: np.random.Generator, one: Named, other: Named) -> Turn | None:
    if not _is_clear(one[0].distance_m, other[0].distance_m):
        return None
    asks_nearer = bool(rng.random() < 0.5)
    one_is_it = (one[0].distance_m < other[0].distance_m) == asks_nearer
    right, wrong = (one[1], other[1]) if one_is_it else (other[1], one[1])
    word = "nearer to" if asks_nearer else "farther from"
    question = f"Which is {word} the camera: {one[1]} or {other[1]}?"
    return _choice("depth", question, right, [wrong], rng)


def _height(pair: Pair, rng: np.random.Generator, one: Named, other: Named) -> Turn | None:
    if abs(one[0].v - other[0].v) < MIN_SIDE_GAP:
        return None
    right, wrong = (one[1], other[1]) if one[0].v < other[0].v else (other[1], one[1])
    question = f"Which is higher in the picture: {one[1]} or {other[1]}?"
    return _choice("height", question, right, [wrong], rng)


def _distance(
    pair: Pair, rng: np.random.Generator, one: Named, other: Named, third: Named
) -> Turn | None:
    gaps_m = [_gap_m(pair, thing, third[0]) for thing in (one[0], other[0])]
    if not _is_clear(*gaps_m):
        return None
    right, wrong = (one[1], other[1]) if gaps_m[0] < gaps_m[1] else (other[1], one[1])
    question = f"Which is nearer to {third[1]}: {one[1]} or {other[1]}?"
    return _choice("distance", question, right, [wrong], rng)


COMPARISONS: dict[str, tuple[int, Callable[..., Turn | None]]] = {
    "side": (2, _side),
    "depth": (2, _depth),
    "height": (2, _height),
    "distance": (3, _distance),
}
"""Kind -> how many things it is about, and what asks for it where the answer is clear."""
WEIGHTS = {"side": 0.45, "depth": 0.2, "height": 0.15, "distance": 0.2}
"""Sides are hardest to learn: neither option names a thing."""


def _is_clear(one_m: float, other_m: float) -> bool:
    low, high = sorted((one_m, other_m))
    return high - low > MIN_GAP_M and high > MIN_RATIO * low


def _gap_m(pair: Pair, one: Thing, other: Thing) -> float:
    half = math.tan(math.radians(pair.fovy_deg) / 2)
    points = []
    for thing in (one, other):
        ray = np.array([(2 * thing.u - 1) * half, (2 * thing.v - 1) * half, 1.0])
        points.append(ray / np.linalg.norm(ray) * thing.distance_m)
    return float(np.linalg.norm(points[0] - points[1]))


def _choice(
    kind: str, question: str, right: str, wrong: Sequence[str], rng: np.random.Generator
) -> Turn:
    options = [right, *wrong]
    options = [options[i] for i in rng.permutation(len(options))]
    parts = build_prompt(question, options, 1)
    return Turn(kind, str(parts[-1]), reply_text(options, options.index(right)))


def _about_movement(pair: Pair, rng: np.random.Generator) -> tuple[list[Image.Image], list[Turn]]:
    measures = [
        Turn(
            "turn",
            "How many degrees did the camera turn to the left?",
            f"{round(pair.turn_left_deg)}",
        ),
        Turn(
            "step",
            "How many decimetres did the camera move ahead, and to the left?",
            f"{round(10 * pair.forward_m)} {round(10 * pair.left_m)}",
        ),
    ]
    turns = [measures[i] for i in rng.permutation(len(measures))]
    truth = name_movement(pair.turn_left_deg, pair.forward_m, pair.left_m)
    if truth is not None:
        others = [name for name in MOVEMENTS if name != truth and not _look_alike(name, truth)]
        count = int(rng.integers(1, 4))
        wrong = [others[i] for i in rng.permutation(len(others))[:count]]
        turns.insert(0, _choice("movement", "How did the camera move?", truth, wrong, rng))
    return [pair.first, pair.second], turns


def _look_alike(name: str, other: str) -> bool:
    """Say whether one turns and the other steps to the same side: too alike in small pictures."""
    (turn, _, left), (other_turn, _, other_left) = MOVEMENTS[name], MOVEMENTS[other]
    return bool((turn and turn == other_left) or (left and left == other_turn))
